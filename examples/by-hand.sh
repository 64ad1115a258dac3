#!/bin/sh
# What a user types, from nothing to a watched deployment. Run it against a sandbox:
#
#     cdctl sandbox run --fleet examples/fleet.yaml --allow-host-hooks -- sh examples/by-hand.sh
set -eu
site=${SITE:-$(dirname "$0")/site}

cdctl app create shop
cdctl group create shop/prod --service-role arn:aws:iam::123456789012:role/CodeDeploy \
    --ec2-tag Role=web --config CodeDeployDefault.HalfAtATime
cdctl revision push "$site" s3://releases/site-1.zip --app shop
cdctl deploy create shop/prod --revision s3://releases/site-1.zip --watch
cdctl deploy create shop/prod --push "$site" --bucket releases --watch -o ndjson | tail -1
cdctl deploy list shop/prod
cdctl deploy show shop/prod -o json
cdctl deploy targets shop/prod
cdctl deploy watch shop/prod
