#!/bin/sh
# ApplicationStop: takes the site out of service. Runs from the revision that was installed before.
set -eu
root="${CDCTL_HOST_ROOT:-}"

if [ -f "$root/run/site/running" ]; then
    rm "$root/run/site/running"
    echo "stopped"
else
    echo "nothing to stop"
fi
