#!/bin/sh
# ApplicationStart: puts the current release into service.
set -eu
root="${CDCTL_HOST_ROOT:-}"

[ -f "$root/srv/current/index.html" ] || { echo "there is no current release" >&2; exit 1; }
echo "$DEPLOYMENT_ID" > "$root/run/site/running"
echo "$(date -u +%Y-%m-%dT%H:%M:%SZ) started $DEPLOYMENT_ID" >> "$root/var/log/site/site.log"
echo "serving release $DEPLOYMENT_ID"
