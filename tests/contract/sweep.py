"""Every operation of the sandbox with boto3, every answer held against the model."""

import os

import contract
from contract import refused

codedeploy = contract.client()
role = "arn:aws:iam::123456789012:role/CodeDeploy"


def revision(key):
    location = {"bucket": "releases", "key": key, "bundleType": "zip", "eTag": '"0"'}
    return {"revisionType": "S3", "s3Location": location}


shop = {"applicationName": "shop"}
prod = {**shop, "deploymentGroupName": "prod"}
codedeploy.create_application(**shop, tags=[{"Key": "team", "Value": "web"}])
for platform in ("Lambda", "ECS"):
    codedeploy.create_application(applicationName=platform, computePlatform=platform)
refused("ApplicationAlreadyExistsException", codedeploy.create_application, **shop)
assert codedeploy.get_application(**shop)["application"]["computePlatform"] == "Server"
assert len(codedeploy.batch_get_applications(applicationNames=["shop", "ECS"])["applicationsInfo"]) == 2
codedeploy.update_application(applicationName="ECS", newApplicationName="ecs")
names = [name for page in codedeploy.get_paginator("list_applications").paginate() for name in page["applications"]]
assert names == ["Lambda", "ecs", "shop"], names

codedeploy.create_deployment_config(
    deploymentConfigName="three", minimumHealthyHosts={"type": "HOST_COUNT", "value": 3}
)
configs = [
    name
    for page in codedeploy.get_paginator("list_deployment_configs").paginate()
    for name in page["deploymentConfigsList"]
]
assert len(configs) == 18, configs
for name in configs:
    codedeploy.get_deployment_config(deploymentConfigName=name)
codedeploy.delete_deployment_config(deploymentConfigName="three")

codedeploy.create_deployment_group(
    **prod,
    serviceRoleArn=role,
    deploymentConfigName="CodeDeployDefault.HalfAtATime",
    ec2TagSet={"ec2TagSetList": [[{"Type": "KEY_AND_VALUE", "Key": "Role", "Value": "web"}]]},
    autoScalingGroups=["web"],
    triggerConfigurations=[
        {
            "triggerName": "t",
            "triggerTargetArn": "arn:aws:sns:eu-west-1:123456789012:t",
            "triggerEvents": ["DeploymentFailure"],
        }
    ],
    alarmConfiguration={"enabled": True, "alarms": [{"name": "a"}]},
    autoRollbackConfiguration={"enabled": True, "events": ["DEPLOYMENT_FAILURE"]},
    loadBalancerInfo={"targetGroupInfoList": [{"name": "web"}]},
    tags=[{"Key": "team", "Value": "web"}],
)
codedeploy.create_deployment_group(**shop, deploymentGroupName="test", serviceRoleArn=role)
info = codedeploy.get_deployment_group(**prod)["deploymentGroupInfo"]
assert info["autoScalingGroups"][0]["name"] == "web" and "ec2TagFilters" not in info, info
changed = codedeploy.update_deployment_group(
    **shop, currentDeploymentGroupName="prod", autoScalingGroups=[], outdatedInstancesStrategy="IGNORE"
)
assert changed["hooksNotCleanedUp"] == []
both = codedeploy.batch_get_deployment_groups(**shop, deploymentGroupNames=["prod", "test"])
assert [info["outdatedInstancesStrategy"] for info in both["deploymentGroupsInfo"]] == ["IGNORE", "UPDATE"]
pages = codedeploy.get_paginator("list_deployment_groups").paginate(**shop)
assert [name for page in pages for name in page["deploymentGroups"]] == ["prod", "test"]

codedeploy.register_application_revision(**shop, revision=revision("one.zip"), description="by hand")
created = codedeploy.create_deployment(**prod, revision=revision("two.zip"), fileExistsBehavior="OVERWRITE")
deployment = {"deploymentId": created["deploymentId"]}
message = refused(
    "DeploymentLimitExceededException", codedeploy.create_deployment, **prod, revision=revision("two.zip")
)
assert created["deploymentId"] in message, message
info = codedeploy.get_deployment(**deployment)["deploymentInfo"]
assert info["revision"] == revision("two.zip") and info["createTime"].microsecond == 123000, info
many = codedeploy.batch_get_deployments(deploymentIds=[created["deploymentId"], "d-AAAAAAAAA"])
assert len(many["deploymentsInfo"]) == 1
pages = codedeploy.get_paginator("list_deployments").paginate(**prod, includeOnlyStatuses=["InProgress"])
assert [name for page in pages for name in page["deployments"]] == [created["deploymentId"]]

one = codedeploy.get_application_revision(**shop, revision=revision("one.zip"))
assert one["revisionInfo"]["description"] == "by hand"
codedeploy.batch_get_application_revisions(**shop, revisions=[revision("one.zip"), revision("nix.zip")])
pages = codedeploy.get_paginator("list_application_revisions").paginate(**shop, sortBy="registerTime")
assert len([revision for page in pages for revision in page["revisions"]]) == 2

pages = codedeploy.get_paginator("list_deployment_targets").paginate(**deployment)
ids = [name for page in pages for name in page["targetIds"]]
assert len(ids) == 2
targets = codedeploy.batch_get_deployment_targets(**deployment, targetIds=ids)["deploymentTargets"]
assert [target["instanceTarget"]["targetId"] for target in targets] == ids
codedeploy.get_deployment_target(**deployment, targetId=ids[0])
refused(
    "DeploymentTargetDoesNotExistException", codedeploy.get_deployment_target, **deployment, targetId="i-0"
)
assert codedeploy.stop_deployment(**deployment, autoRollbackEnabled=False)["status"] == "Pending"
assert codedeploy.get_deployment(**deployment)["deploymentInfo"]["status"] == "Stopped"

codedeploy.delete_deployment_group(**prod)
codedeploy.delete_application(**shop)
refused("ApplicationDoesNotExistException", codedeploy.get_application, **shop)

left_out = set(os.environ["OPERATIONS"].split()) - contract.called
assert not left_out, f"never called: {sorted(left_out)}"
