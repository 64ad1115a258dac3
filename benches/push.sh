#!/bin/sh
# bundle + push to a sandbox of its own, by cdctl and by the AWS CLI: seconds and peak memory of each.
#
#   benches/push.sh [FILES [MEGABYTES]]        1000 files of 10 MB in all by default
#
# Needs a release build, the AWS CLI, python3 and GNU time. Runs itself again inside `cdctl sandbox run`.
set -eu

files=${1:-1000}
megabytes=${2:-10}
here=$(cd "$(dirname "$0")/.." && pwd)
cdctl=${CDCTL:-$here/target/release/cdctl}

if [ -z "${BENCH_FOLDER:-}" ]; then
    BENCH_FOLDER=$(mktemp -d)
    export BENCH_FOLDER
    trap 'rm -rf "$BENCH_FOLDER"' EXIT
    python3 - "$BENCH_FOLDER/site" "$files" "$megabytes" <<'PYTHON'
import os, random, sys
site, files, size = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]) << 20
draw = random.Random(1)
# Text that packs about as well as code does.
words = ["".join(draw.choices("abcdefghijklmnopqrstuvwxyz", k=draw.randint(2, 9))) for _ in range(4000)]
text = " ".join(draw.choices(words, k=600_000)).encode()
each = max(1, size // files)
for number in range(files):
    folder = os.path.join(site, "app", str(number // 100))
    os.makedirs(folder, exist_ok=True)
    at = draw.randrange(max(1, len(text) - each)) if each < len(text) else 0
    with open(os.path.join(folder, f"{number}.txt"), "wb") as out:
        out.write((text[at:] + text * (each // len(text) + 1))[:each])
with open(os.path.join(site, "appspec.yml"), "w") as out:
    out.write("version: 0.0\nos: linux\nfiles:\n  - source: app\n    destination: /srv/app\n")
PYTHON
    CDCTL=$cdctl "$cdctl" sandbox run -- sh "$0" "$files" "$megabytes"
    exit
fi

# The sandbox brings the bucket along.
aws deploy create-application --application-name bench >"$BENCH_FOLDER/log"
measured() {
    name=$1
    shift
    /usr/bin/time -f "$name: %e s, %U+%S s CPU, %M KiB" "$@" >>"$BENCH_FOLDER/log"
}
measured "cdctl revision push" "$cdctl" -q revision push "$BENCH_FOLDER/site" s3://releases/cdctl.zip --app bench
measured "aws deploy push    " aws deploy push --application-name bench --source "$BENCH_FOLDER/site" \
    --s3-location s3://releases/aws.zip
aws s3api list-objects-v2 --bucket releases --query 'Contents[].[Key, Size]' --output text
