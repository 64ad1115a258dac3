#!/bin/sh
# ValidateService: what is served is what was deployed, and it is whole.
set -eu
root="${CDCTL_HOST_ROOT:-}"
fail() {
    echo "$1" >&2
    exit 1
}

[ "$(cat "$root/run/site/running")" = "$DEPLOYMENT_ID" ] || fail "another release is running"
# A restart (--mode restart) installs nothing: the release that it starts has the id of an earlier deployment.
if [ -d "$root/srv/releases/$DEPLOYMENT_ID" ]; then
    grep -q "^deployment $DEPLOYMENT_ID\$" "$root/srv/current/release.txt" || fail "current is another release"
fi
grep -q "<h1>" "$root/srv/current/index.html" || fail "index.html has no headline"
for file in index.html css/site.css; do
    cmp -s "$root/srv/site/$file" "$root/srv/current/$file" || fail "$file differs from what was installed"
done
echo "release $DEPLOYMENT_ID answers"
