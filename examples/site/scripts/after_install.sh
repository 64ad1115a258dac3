#!/bin/sh
# AfterInstall: keeps what was installed as a release of its own and points "current" at it.
set -eu
root="${CDCTL_HOST_ROOT:-}"
release="$root/srv/releases/$DEPLOYMENT_ID"

rm -rf "$release"
cp -R "$root/srv/site" "$release"
cat > "$release/release.txt" <<END
application $APPLICATION_NAME
group $DEPLOYMENT_GROUP_NAME
deployment $DEPLOYMENT_ID
host ${CDCTL_HOST_ID:-$(hostname)}
END
ln -sfn "releases/$DEPLOYMENT_ID" "$root/srv/current"
echo "release $DEPLOYMENT_ID is current"
