"""Every exception of the model that can be provoked from outside, and every operation with nothing at all."""

import json
import os
import urllib.request

import contract

codedeploy = contract.client(parameter_validation=False)
model = codedeploy.meta.service_model

# Modelled, and out of a caller's reach here: by their reason.
OUT_OF_REACH = {
    # Attached to no operation.
    "DeploymentAlreadyStartedException",
    "InvalidInstanceIdException",
    "InvalidTargetException",
    # What the sandbox does not have: IAM, hooks of Auto Scaling, the console's hand in GitHub.
    "InvalidGitHubAccountTokenException",
    "LifecycleHookLimitExceededException",
    "OperationNotSupportedException",
    "ResourceValidationException",
    # Errors that the model lists beside others that come first.
    "IamUserArnRequiredException",
    "InvalidBucketNameFilterException",
    "InvalidExternalIdException",
    "InvalidKeyPrefixFilterException",
}


role = "arn:aws:iam::123456789012:role/CodeDeploy"
account = "arn:aws:codedeploy:eu-west-1:123456789012"
user = "arn:aws:iam::123456789012:user/rack"
session = "arn:aws:sts::123456789012:assumed-role/rack/1"
shop = {"applicationName": "shop"}
prod = {**shop, "deploymentGroupName": "prod"}
group = {**shop, "deploymentGroupName": "new", "serviceRoleArn": role}
s3 = {"revisionType": "S3", "s3Location": {"bucket": "b", "key": "k", "bundleType": "zip"}}
spec = {"revisionType": "AppSpecContent", "appSpecContent": {"content": "version: 0.0\n"}}
style = {"deploymentType": "BLUE_GREEN", "deploymentOption": "WITH_TRAFFIC_CONTROL"}
ready = {"deploymentReadyOption": {}, "terminateBlueInstancesOnDeploymentSuccess": {}}


def ecs(name, **more):
    pair = {
        "targetGroups": [{"name": "blue"}, {"name": "green"}],
        "prodTrafficRoute": {"listenerArns": ["arn:aws:elasticloadbalancing:l"]},
    }
    return {
        "applicationName": "ecs",
        "deploymentGroupName": name,
        "serviceRoleArn": role,
        "deploymentConfigName": "CodeDeployDefault.ECSAllAtOnce",
        "deploymentStyle": style,
        "blueGreenDeploymentConfiguration": ready,
        "loadBalancerInfo": {"targetGroupPairInfoList": [pair]},
        "ecsServices": [{"serviceName": "web", "clusterName": "main"}],
        **more,
    }


# With nothing at all, each operation answers or names what is missing: `check_answer` holds both against the model.
for method in codedeploy.meta.method_to_api_mapping:
    try:
        getattr(codedeploy, method)()
    except codedeploy.exceptions.ClientError as error:
        contract.provoked.add(error.response["Error"]["Code"])

codedeploy.create_application(**shop)
for platform in ("Lambda", "ECS"):
    codedeploy.create_application(applicationName=platform.lower(), computePlatform=platform)
codedeploy.create_deployment_config(
    deploymentConfigName="mine", minimumHealthyHosts={"type": "HOST_COUNT", "value": 1}
)
codedeploy.create_deployment_group(**{**group, "deploymentGroupName": "prod"}, deploymentConfigName="mine")
codedeploy.create_deployment_group(**ecs("live"))
codedeploy.create_deployment_group(
    applicationName="lambda",
    deploymentGroupName="live",
    serviceRoleArn=role,
    deploymentConfigName="CodeDeployDefault.LambdaAllAtOnce",
    deploymentStyle=style,
)
server = codedeploy.create_deployment(**prod, revision=s3)["deploymentId"]
function = codedeploy.create_deployment(
    applicationName="lambda", deploymentGroupName="live", revision=spec
)["deploymentId"]
service = codedeploy.create_deployment(
    applicationName="ecs", deploymentGroupName="live", revision=spec
)["deploymentId"]
codedeploy.create_deployment_group(**{**group, "deploymentGroupName": "over"})
over = codedeploy.create_deployment(**shop, deploymentGroupName="over", revision=s3)["deploymentId"]
codedeploy.stop_deployment(deploymentId=over)
codedeploy.create_deployment_group(
    **{**group, "deploymentGroupName": "green"},
    deploymentStyle=style,
    blueGreenDeploymentConfiguration=ready,
    loadBalancerInfo={"targetGroupInfoList": [{"name": "web"}]},
)
new = {"targetInstances": {"autoScalingGroups": ["web"]}}
ended = codedeploy.create_deployment(**shop, deploymentGroupName="green", revision=s3, **new)["deploymentId"]
codedeploy.stop_deployment(deploymentId=ended)
green = codedeploy.create_deployment(**shop, deploymentGroupName="green", revision=s3, **new)["deploymentId"]
codedeploy.create_deployment_group(**{**group, "deploymentGroupName": "later"})
created = codedeploy.create_deployment(
    **shop, deploymentGroupName="later", revision=s3, description="not started"
)["deploymentId"]
codedeploy.register_on_premises_instance(instanceName="rack", iamUserArn=user)
codedeploy.register_on_premises_instance(instanceName="rack-2", iamSessionArn=session)
hook = {"deploymentId": function, "lifecycleEventHookExecutionId": "hook", "status": "Failed"}
codedeploy.put_lifecycle_event_hook_execution_status(**hook)

for code, method, arguments in [
    ("ApplicationAlreadyExists", "create_application", shop),
    ("ApplicationDoesNotExist", "get_application", {"applicationName": "nix"}),
    ("InvalidApplicationName", "get_application", {"applicationName": "a b"}),
    ("InvalidComputePlatform", "create_application", {"applicationName": "x", "computePlatform": "EC2"}),
    ("InvalidTagsToAdd", "create_application", {"applicationName": "x", "tags": [{"Key": ""}]}),
    ("BatchLimitExceeded", "batch_get_applications", {"applicationNames": ["shop"] * 101}),
    ("InvalidNextToken", "list_applications", {"nextToken": "x"}),
    ("DeploymentConfigAlreadyExists", "create_deployment_config", {"deploymentConfigName": "mine"}),
    ("InvalidDeploymentConfigName", "get_deployment_config", {"deploymentConfigName": "a b"}),
    ("DeploymentConfigDoesNotExist", "get_deployment_config", {"deploymentConfigName": "nix"}),
    ("DeploymentConfigInUse", "delete_deployment_config", {"deploymentConfigName": "mine"}),
    ("InvalidOperation", "delete_deployment_config", {"deploymentConfigName": "CodeDeployDefault.AllAtOnce"}),
    ("InvalidMinimumHealthyHostValue", "create_deployment_config", {"deploymentConfigName": "x"}),
    (
        "InvalidTrafficRoutingConfiguration",
        "create_deployment_config",
        {"deploymentConfigName": "x", "computePlatform": "ECS"},
    ),
    (
        "InvalidZonalDeploymentConfiguration",
        "create_deployment_config",
        {
            "deploymentConfigName": "x",
            "computePlatform": "ECS",
            "trafficRoutingConfig": {"type": "AllAtOnce"},
            "zonalConfig": {},
        },
    ),
    ("DeploymentGroupAlreadyExists", "create_deployment_group", {**group, "deploymentGroupName": "prod"}),
    ("DeploymentGroupDoesNotExist", "get_deployment_group", {**shop, "deploymentGroupName": "nix"}),
    ("InvalidDeploymentGroupName", "get_deployment_group", {**shop, "deploymentGroupName": "a b"}),
    ("RoleRequired", "create_deployment_group", {**group, "serviceRoleArn": ""}),
    ("InvalidRole", "create_deployment_group", {**group, "serviceRoleArn": "x"}),
    ("InvalidEC2Tag", "create_deployment_group", {**group, "ec2TagFilters": [{"Type": "x"}]}),
    ("InvalidTag", "create_deployment_group", {**group, "onPremisesInstanceTagFilters": [{"Type": "x"}]}),
    (
        "InvalidEC2TagCombination",
        "create_deployment_group",
        {**group, "ec2TagFilters": [{"Key": "a"}], "ec2TagSet": {"ec2TagSetList": [[{"Key": "a"}]]}},
    ),
    (
        "InvalidOnPremisesTagCombination",
        "create_deployment_group",
        {
            **group,
            "onPremisesInstanceTagFilters": [{"Key": "a"}],
            "onPremisesTagSet": {"onPremisesTagSetList": [[{"Key": "a"}]]},
        },
    ),
    ("TagSetListLimitExceeded", "create_deployment_group", {**group, "ec2TagSet": {"ec2TagSetList": [[]] * 4}}),
    ("InvalidAutoScalingGroup", "create_deployment_group", {**group, "autoScalingGroups": ["a"] * 11}),
    (
        "InvalidAutoScalingGroupProcessToSuspend",
        "create_deployment_group",
        {**group, "ec2DeploymentOptions": {"autoScalingGroupProcessesToSuspend": ["x"]}},
    ),
    ("InvalidTriggerConfig", "create_deployment_group", {**group, "triggerConfigurations": [{}]}),
    (
        "TriggerTargetsLimitExceeded",
        "create_deployment_group",
        {
            **group,
            "triggerConfigurations": [
                {"triggerName": str(n), "triggerTargetArn": f"arn:aws:sns:eu-west-1:123456789012:{n}"}
                for n in range(11)
            ],
        },
    ),
    ("InvalidAlarmConfig", "create_deployment_group", {**group, "alarmConfiguration": {"enabled": True}}),
    (
        "AlarmsLimitExceeded",
        "create_deployment_group",
        {**group, "alarmConfiguration": {"enabled": True, "alarms": [{"name": str(n)} for n in range(51)]}},
    ),
    ("InvalidAutoRollbackConfig", "create_deployment_group", {**group, "autoRollbackConfiguration": {"enabled": True}}),
    ("InvalidLoadBalancerInfo", "create_deployment_group", {**group, "loadBalancerInfo": {"elbInfoList": []}}),
    ("InvalidDeploymentStyle", "create_deployment_group", {**group, "deploymentStyle": {"deploymentType": "IN_PLACE"}}),
    (
        "InvalidBlueGreenDeploymentConfiguration",
        "create_deployment_group",
        {**group, "blueGreenDeploymentConfiguration": {}},
    ),
    ("InvalidInput", "create_deployment_group", {**group, "outdatedInstancesStrategy": "x"}),
    ("InvalidECSService", "create_deployment_group", ecs("x", ecsServices=[])),
    ("InvalidTargetGroupPair", "create_deployment_group", ecs("x", loadBalancerInfo={})),
    ("ECSServiceMappingLimitExceeded", "create_deployment_group", ecs("x")),
    ("DescriptionTooLong", "register_application_revision", {**shop, "revision": s3, "description": "x" * 257}),
    ("InvalidRevision", "register_application_revision", {**shop, "revision": spec}),
    (
        "RevisionDoesNotExist",
        "get_application_revision",
        {**shop, "revision": {"revisionType": "S3", "s3Location": {**s3["s3Location"], "key": "nix"}}},
    ),
    ("BucketNameFilterRequired", "list_application_revisions", {**shop, "s3KeyPrefix": "a"}),
    ("InvalidSortBy", "list_application_revisions", {**shop, "sortBy": "x"}),
    ("InvalidSortOrder", "list_application_revisions", {**shop, "sortOrder": "x"}),
    ("InvalidDeployedStateFilter", "list_application_revisions", {**shop, "deployed": "x"}),
    ("RevisionRequired", "create_deployment", prod),
    ("DeploymentLimitExceeded", "create_deployment", {**prod, "revision": s3}),
    (
        "InvalidTargetInstances",
        "create_deployment",
        {**shop, "deploymentGroupName": "over", "revision": s3, "targetInstances": {}},
    ),
    (
        "InvalidFileExistsBehavior",
        "create_deployment",
        {**shop, "deploymentGroupName": "over", "revision": s3, "fileExistsBehavior": "x"},
    ),
    ("DeploymentGroupNameRequired", "get_deployment_group", shop),
    ("DeploymentTargetIdRequired", "get_deployment_target", {"deploymentId": server}),
    ("InstanceIdRequired", "get_deployment_instance", {"deploymentId": server}),
    ("DeploymentNotStarted", "list_deployment_targets", {"deploymentId": created}),
    ("InvalidDeploymentId", "get_deployment", {"deploymentId": "x"}),
    ("DeploymentDoesNotExist", "get_deployment", {"deploymentId": "d-AAAAAAAAA"}),
    ("InvalidDeploymentStatus", "list_deployments", {"includeOnlyStatuses": ["x"]}),
    ("InvalidTimeRange", "list_deployments", {"createTimeRange": {"start": 2, "end": 1}}),
    ("InvalidInstanceStatus", "list_deployment_instances", {"deploymentId": server, "instanceStatusFilter": ["x"]}),
    (
        "InvalidDeploymentInstanceType",
        "list_deployment_instances",
        {"deploymentId": server, "instanceTypeFilter": ["Blue"]},
    ),
    ("InvalidInstanceType", "list_deployment_instances", {"deploymentId": green, "instanceTypeFilter": ["x"]}),
    ("InvalidComputePlatform", "list_deployment_instances", {"deploymentId": function}),
    ("InvalidTargetFilterName", "list_deployment_targets", {"deploymentId": server, "targetFilters": {"x": ["y"]}}),
    ("InstanceDoesNotExist", "get_deployment_instance", {"deploymentId": server, "instanceId": "i-0"}),
    ("DeploymentTargetDoesNotExist", "get_deployment_target", {"deploymentId": server, "targetId": "i-0"}),
    ("InvalidDeploymentTargetId", "get_deployment_target", {"deploymentId": service, "targetId": "web"}),
    (
        "DeploymentTargetListSizeExceeded",
        "batch_get_deployment_targets",
        {"deploymentId": service, "targetIds": ["main:web"] * 2},
    ),
    ("DeploymentAlreadyCompleted", "skip_wait_time_for_instance_termination", {"deploymentId": ended}),
    ("UnsupportedActionForDeploymentType", "continue_deployment", {"deploymentId": server}),
    ("InvalidDeploymentWaitType", "continue_deployment", {"deploymentId": service, "deploymentWaitType": "x"}),
    (
        "DeploymentIsNotInReadyState",
        "continue_deployment",
        {"deploymentId": service, "deploymentWaitType": "TERMINATION_WAIT"},
    ),
    ("LifecycleEventAlreadyCompleted", "put_lifecycle_event_hook_execution_status", hook),
    (
        "InvalidLifecycleEventHookExecutionId",
        "put_lifecycle_event_hook_execution_status",
        {**hook, "lifecycleEventHookExecutionId": "x"},
    ),
    (
        "InvalidLifecycleEventHookExecutionStatus",
        "put_lifecycle_event_hook_execution_status",
        {**hook, "status": "Skipped"},
    ),
    ("InvalidInstanceName", "get_on_premises_instance", {"instanceName": "i-1"}),
    ("InstanceNotRegistered", "get_on_premises_instance", {"instanceName": "nix"}),
    ("IamArnRequired", "register_on_premises_instance", {"instanceName": "new"}),
    (
        "MultipleIamArnsProvided",
        "register_on_premises_instance",
        {"instanceName": "new", "iamUserArn": user, "iamSessionArn": session},
    ),
    ("InvalidIamUserArn", "register_on_premises_instance", {"instanceName": "new", "iamUserArn": "x"}),
    ("InvalidIamSessionArn", "register_on_premises_instance", {"instanceName": "new", "iamSessionArn": "x"}),
    ("InstanceNameAlreadyRegistered", "register_on_premises_instance", {"instanceName": "rack", "iamUserArn": user}),
    ("IamUserArnAlreadyRegistered", "register_on_premises_instance", {"instanceName": "new", "iamUserArn": user}),
    (
        "IamSessionArnAlreadyRegistered",
        "register_on_premises_instance",
        {"instanceName": "new", "iamSessionArn": session},
    ),
    ("TagRequired", "add_tags_to_on_premises_instances", {"instanceNames": ["rack"], "tags": []}),
    (
        "TagLimitExceeded",
        "add_tags_to_on_premises_instances",
        {"instanceNames": ["rack"], "tags": [{"Key": str(n)} for n in range(11)]},
    ),
    (
        "InstanceLimitExceeded",
        "add_tags_to_on_premises_instances",
        {"instanceNames": ["rack"] * 101, "tags": [{"Key": "a"}]},
    ),
    ("InvalidRegistrationStatus", "list_on_premises_instances", {"registrationStatus": "x"}),
    ("InvalidTagFilter", "list_on_premises_instances", {"tagFilters": [{"Type": "x"}]}),
    ("InvalidArn", "tag_resource", {"ResourceArn": "x", "Tags": []}),
    ("ArnNotSupported", "tag_resource", {"ResourceArn": f"{account}:instance/x_1", "Tags": []}),
    ("GitHubAccountTokenDoesNotExist", "delete_git_hub_account_token", {"tokenName": "nix"}),
    ("InvalidGitHubAccountTokenName", "delete_git_hub_account_token", {"tokenName": "x" * 257}),
]:
    contract.refused(code + "Exception", getattr(codedeploy, method), **arguments)
for code, arguments in [
    ("InvalidUpdateOutdatedInstancesOnlyValue", {"updateOutdatedInstancesOnly": True}),
    ("InvalidIgnoreApplicationStopFailuresValue", {"ignoreApplicationStopFailures": True}),
]:
    codedeploy.stop_deployment(deploymentId=service)
    arguments = {"applicationName": "ecs", "deploymentGroupName": "live", "revision": spec, **arguments}
    contract.refused(code + "Exception", codedeploy.create_deployment, **arguments)

# Quotas, to the brim: thousands of calls, which one protocol may spare itself.
QUOTAS = {
    "ApplicationLimitExceededException",
    "DeploymentConfigLimitExceededException",
    "DeploymentGroupLimitExceededException",
}
if contract.PROTOCOL == "json":
    for number in range(49):
        codedeploy.create_deployment_config(
            deploymentConfigName=f"config-{number}", minimumHealthyHosts={"type": "HOST_COUNT", "value": 1}
        )
    contract.refused(
        "DeploymentConfigLimitExceededException",
        codedeploy.create_deployment_config,
        deploymentConfigName="one-too-many",
        minimumHealthyHosts={"type": "HOST_COUNT", "value": 1},
    )
    for number in range(997):
        codedeploy.create_application(applicationName=f"application-{number}")
    contract.refused(
        "ApplicationLimitExceededException", codedeploy.create_application, applicationName="one-too-many"
    )
    for number in range(996):
        codedeploy.create_deployment_group(**{**group, "deploymentGroupName": f"group-{number}"})
    contract.refused("DeploymentGroupLimitExceededException", codedeploy.create_deployment_group, **group)
else:
    OUT_OF_REACH |= QUOTAS

# Faults that the sandbox was told to have.
control = os.environ["AWS_ENDPOINT_URL"] + "/_cdctl/faults"
fault = json.dumps({"fault": "throttle", "operation": "CreateApplication"}).encode()
posted = urllib.request.Request(control, data=fault, headers={"Content-Type": "application/json"})
urllib.request.urlopen(posted)
message = contract.refused("ThrottlingException", codedeploy.create_application, applicationName="x")
assert message == "Rate exceeded", message
codedeploy.list_applications()
urllib.request.urlopen(urllib.request.Request(control, method="DELETE"))

modelled = {shape.name for shape in model.error_shapes}
missing = modelled - contract.provoked - OUT_OF_REACH
assert not missing, f"never provoked: {sorted(missing)}"
assert not contract.provoked & OUT_OF_REACH, contract.provoked & OUT_OF_REACH
