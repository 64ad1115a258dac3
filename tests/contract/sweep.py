"""Every operation of the sandbox with boto3, every answer held against the model."""

import contract
from contract import refused

codedeploy = contract.client()


def pages_of(method, **arguments):
    """Every page; the list counts as paged through."""
    contract.paginated.add(method)
    return codedeploy.get_paginator(method).paginate(**arguments)


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
names = [name for page in pages_of("list_applications") for name in page["applications"]]
assert names == ["Lambda", "ecs", "shop"], names

codedeploy.create_deployment_config(
    deploymentConfigName="three", minimumHealthyHosts={"type": "HOST_COUNT", "value": 3}
)
configs = [
    name
    for page in pages_of("list_deployment_configs")
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
pages = pages_of("list_deployment_groups", **shop)
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
pages = pages_of("list_deployments", **prod, includeOnlyStatuses=["InProgress"])
assert [name for page in pages for name in page["deployments"]] == [created["deploymentId"]]

one = codedeploy.get_application_revision(**shop, revision=revision("one.zip"))
assert one["revisionInfo"]["description"] == "by hand"
codedeploy.batch_get_application_revisions(**shop, revisions=[revision("one.zip"), revision("nix.zip")])
pages = pages_of("list_application_revisions", **shop, sortBy="registerTime")
assert len([revision for page in pages for revision in page["revisions"]]) == 2

pages = pages_of("list_deployment_targets", **deployment)
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

pages = pages_of("list_deployment_instances", **deployment)
assert [name for page in pages for name in page["instancesList"]] == ids
summary = codedeploy.get_deployment_instance(**deployment, instanceId=ids[0])["instanceSummary"]
assert summary["instanceId"].endswith(f":instance/{ids[0]}"), summary
many = codedeploy.batch_get_deployment_instances(**deployment, instanceIds=[*ids, "i-0"])
assert len(many["instancesSummary"]) == 2 and "i-0" in many["errorMessage"], many

# The other platforms. The engine of this test has a hook that waits for an answer, and waits that can be ended.
style = {"deploymentType": "BLUE_GREEN", "deploymentOption": "WITH_TRAFFIC_CONTROL"}
appspec = {"revisionType": "AppSpecContent", "appSpecContent": {"content": "version: 0.0\n"}}
function = {"applicationName": "Lambda", "deploymentGroupName": "live"}
codedeploy.create_deployment_group(
    **function,
    serviceRoleArn=role,
    deploymentConfigName="CodeDeployDefault.LambdaCanary10Percent5Minutes",
    deploymentStyle=style,
)
created = codedeploy.create_deployment(**function, revision=appspec)["deploymentId"]
info = codedeploy.get_deployment(deploymentId=created)["deploymentInfo"]
assert list(info["revision"]["appSpecContent"]) == ["sha256"], info
full = codedeploy.get_application_revision(applicationName="Lambda", revision=info["revision"])
assert full["revision"]["appSpecContent"]["content"] == "version: 0.0\n"
[name] = codedeploy.list_deployment_targets(deploymentId=created)["targetIds"]
target = codedeploy.get_deployment_target(deploymentId=created, targetId=name)["deploymentTarget"]
assert target["lambdaTarget"]["lambdaFunctionInfo"]["targetVersionWeight"] == 0.1, target
answer = {"deploymentId": created, "lifecycleEventHookExecutionId": "hook", "status": "Succeeded"}
assert codedeploy.put_lifecycle_event_hook_execution_status(**answer)["lifecycleEventHookExecutionId"] == "hook"

service = {"applicationName": "ecs", "deploymentGroupName": "live"}
waits = {
    "deploymentReadyOption": {"actionOnTimeout": "STOP_DEPLOYMENT", "waitTimeInMinutes": 60},
    "terminateBlueInstancesOnDeploymentSuccess": {"action": "TERMINATE", "terminationWaitTimeInMinutes": 5},
}
pair = {
    "targetGroups": [{"name": "blue"}, {"name": "green"}],
    "prodTrafficRoute": {"listenerArns": ["arn:aws:elasticloadbalancing:eu-west-1:123456789012:listener/p"]},
    "testTrafficRoute": {"listenerArns": ["arn:aws:elasticloadbalancing:eu-west-1:123456789012:listener/t"]},
}
codedeploy.create_deployment_group(
    **service,
    serviceRoleArn=role,
    deploymentConfigName="CodeDeployDefault.ECSAllAtOnce",
    deploymentStyle=style,
    blueGreenDeploymentConfiguration=waits,
    loadBalancerInfo={"targetGroupPairInfoList": [pair]},
    ecsServices=[{"serviceName": "web", "clusterName": "main"}],
)
created = codedeploy.create_deployment(**service, revision=appspec)["deploymentId"]
target = codedeploy.get_deployment_target(deploymentId=created, targetId="main:web")["deploymentTarget"]
assert target["ecsTarget"]["taskSetsInfo"][0]["trafficWeight"] == 100.0, target
codedeploy.continue_deployment(deploymentId=created, deploymentWaitType="READY_WAIT")

green = {**shop, "deploymentGroupName": "green"}
codedeploy.create_deployment_group(
    **green,
    serviceRoleArn=role,
    deploymentStyle=style,
    blueGreenDeploymentConfiguration={
        **waits,
        "greenFleetProvisioningOption": {"action": "DISCOVER_EXISTING"},
    },
    loadBalancerInfo={"targetGroupInfoList": [{"name": "web"}]},
    onPremisesTagSet={"onPremisesTagSetList": [[{"Type": "KEY_ONLY", "Key": "Rack"}]]},
    ec2DeploymentOptions={"autoScalingGroupProcessesToSuspend": ["Terminate"]},
    terminationHookEnabled=True,
)
fleet = {"tagFilters": [{"Type": "KEY_AND_VALUE", "Key": "Fleet", "Value": "green"}], "autoScalingGroups": ["pool"]}
created = codedeploy.create_deployment(
    **green,
    revision=revision("one.zip"),
    targetInstances=fleet,
    description="everything",
    deploymentConfigName="CodeDeployDefault.AllAtOnce",
    ignoreApplicationStopFailures=True,
    updateOutdatedInstancesOnly=True,
    autoRollbackConfiguration={"enabled": True, "events": ["DEPLOYMENT_STOP_ON_ALARM"]},
    overrideAlarmConfiguration={"enabled": False, "alarms": []},
    ec2DeploymentOptions={"autoScalingGroupProcessesToSuspend": ["AZRebalance"]},
)["deploymentId"]
info = codedeploy.get_deployment(deploymentId=created)["deploymentInfo"]
assert info["targetInstances"] == fleet and info["instanceTerminationWaitTimeStarted"], info
assert info["ec2DeploymentOptions"] == {"autoScalingGroupProcessesToSuspend": ["AZRebalance"]}, info
labels = {"ServerInstanceLabel": ["Green"]}
[name] = codedeploy.list_deployment_targets(deploymentId=created, targetFilters=labels)["targetIds"]
codedeploy.skip_wait_time_for_instance_termination(deploymentId=created)

racks = {"instanceNames": ["rack-1", "rack-2"]}
for number in (1, 2):
    arn = f"arn:aws:iam::123456789012:user/rack-{number}"
    codedeploy.register_on_premises_instance(instanceName=f"rack-{number}", iamUserArn=arn)
codedeploy.add_tags_to_on_premises_instances(**racks, tags=[{"Key": "Rack", "Value": "a"}])
racked = [{"Type": "KEY_AND_VALUE", "Key": "Rack", "Value": "a"}]
pages = pages_of("list_on_premises_instances", 
    tagFilters=racked, registrationStatus="Registered"
)
assert [name for page in pages for name in page["instanceNames"]] == racks["instanceNames"]
codedeploy.remove_tags_from_on_premises_instances(**racks, tags=[{"Key": "Rack"}])
codedeploy.deregister_on_premises_instance(instanceName="rack-2")
assert codedeploy.get_on_premises_instance(instanceName="rack-2")["instanceInfo"]["deregisterTime"]
assert len(codedeploy.batch_get_on_premises_instances(**racks)["instanceInfos"]) == 2

arn = "arn:aws:codedeploy:eu-west-1:123456789012:application:shop"
codedeploy.tag_resource(ResourceArn=arn, Tags=[{"Key": "stage", "Value": "test"}])
tags, token = [], {}
while True:
    page = codedeploy.list_tags_for_resource(ResourceArn=arn, **token)
    tags += page["Tags"]
    if "NextToken" not in page:
        break
    token = {"NextToken": page["NextToken"]}
assert tags == [{"Key": "stage", "Value": "test"}, {"Key": "team", "Value": "web"}], tags
codedeploy.untag_resource(ResourceArn=arn, TagKeys=["team"])

pages = pages_of("list_git_hub_account_token_names")
assert [name for page in pages for name in page["tokenNameList"]] == ["octocat"]
codedeploy.delete_git_hub_account_token(tokenName="octocat")
codedeploy.delete_resources_by_external_id(externalId="stack")

codedeploy.delete_deployment_group(**prod)
codedeploy.delete_application(**shop)
refused("ApplicationDoesNotExistException", codedeploy.get_application, **shop)

left_out = set(codedeploy.meta.service_model.operation_names) - contract.called
assert not left_out, f"never called: {sorted(left_out)}"
paginated = {method for method in codedeploy.meta.method_to_api_mapping if codedeploy.can_paginate(method)}
assert paginated == contract.paginated, paginated ^ contract.paginated
