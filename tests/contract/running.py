"""A deployment from its creation to its end: every answer about its targets held against the model."""

import time

import contract

codedeploy = contract.client()
location = {"bucket": "releases", "key": "site.zip", "bundleType": "zip"}
created = codedeploy.create_deployment(
    applicationName="shop",
    deploymentGroupName="prod",
    deploymentConfigName="CodeDeployDefault.HalfAtATime",
    revision={"revisionType": "S3", "s3Location": location},
)
deployment = {"deploymentId": created["deploymentId"]}
seen = set()
before = {}
while True:
    status = codedeploy.get_deployment(**deployment)["deploymentInfo"]["status"]
    try:
        ids = codedeploy.list_deployment_targets(**deployment)["targetIds"]
    except codedeploy.exceptions.DeploymentNotStartedException:
        assert status in ("Created", "Queued", "InProgress"), status
        ids = []
    if ids:
        targets = codedeploy.batch_get_deployment_targets(**deployment, targetIds=ids)["deploymentTargets"]
        assert [target["instanceTarget"]["targetId"] for target in targets] == ids
        for target in targets:
            host = target["instanceTarget"]
            seen.add(host["status"])
            events = {event["lifecycleEventName"]: event for event in host["lifecycleEvents"]}
            assert len(events) == len(host["lifecycleEvents"]) == 7, events
            for name, event in events.items():
                # What has ended stays as it ended.
                ended = before.get((host["targetId"], name))
                assert ended in (None, event), (ended, event)
                if "endTime" in event and event["status"] in ("Succeeded", "Failed"):
                    assert event["startTime"] <= event["endTime"], event
                    before[host["targetId"], name] = event
    if status in ("Succeeded", "Failed", "Stopped"):
        break
    time.sleep(0.02)
assert {"InProgress", "Succeeded"} <= seen, seen
failed = codedeploy.list_deployment_targets(
    **deployment, targetFilters={"TargetStatus": ["Failed"]}
)["targetIds"]
for target in failed:
    host = codedeploy.get_deployment_target(**deployment, targetId=target)["deploymentTarget"]["instanceTarget"]
    (event,) = [event for event in host["lifecycleEvents"] if event["status"] == "Failed"]
    assert event["lifecycleEventName"] == "ApplicationStart", event
    assert event["diagnostics"]["errorCode"] == "ScriptFailed", event
assert len(failed) == 2, failed
