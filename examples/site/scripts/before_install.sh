#!/bin/sh
# BeforeInstall: makes the directories that the site needs and that no revision owns.
set -eu
root="${CDCTL_HOST_ROOT:-}"

mkdir -p "$root/srv/site" "$root/srv/releases" "$root/run/site" "$root/var/log/site"
echo "directories are ready"
