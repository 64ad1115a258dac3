#!/bin/sh
# A deployment from any CI system or from cron. The job's environment names the region and the credentials, and
# CDCTL_APP, CDCTL_GROUP and CDCTL_BUCKET say what goes where.
set -eu

rm -f cdctl-junit.xml # of the run before: what lies here may be what is deployed
status=0
cdctl deploy create --push "${1:-.}" --if-active wait --watch --require-all \
  --timeout 45m --ci auto --junit cdctl-junit.xml || status=$?

case $status in
  0) echo "deployed" ;;
  5) echo "failed; CodeDeploy has rolled it back" ;;
  6) echo "failed, and so did the rollback: somebody has to look" ;;
  7 | 8 | 130 | 143) echo "still under way: cdctl deploy watch $CDCTL_APP/$CDCTL_GROUP" ;;
  9) echo "the outcome is unknown: cdctl deploy watch $CDCTL_APP/$CDCTL_GROUP" ;;
  *) echo "not deployed ($status)" ;;
esac
exit $status
