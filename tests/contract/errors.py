"""Every exception of the model that can be provoked from outside, and every operation with nothing at all."""

import json
import os
import urllib.request

import contract

codedeploy = contract.client(parameter_validation=False)
model = codedeploy.meta.service_model

# Modelled, and out of a caller's reach here, by their reason. docs/sandbox.md lists them too.
OUT_OF_REACH = {
    # Attached to no operation.
    "DeploymentAlreadyStartedException",
    "InvalidInstanceIdException",
    "InvalidTargetException",
    # What the sandbox does not have: the console's hand in GitHub.
    "OperationNotSupportedException",
    "ResourceValidationException",
    # IamArnRequired comes first.
    "IamUserArnRequiredException",
}
# The same where other operations say it: by what comes first, or what the sandbox finds out later or not at all.
PAIRS_OUT_OF_REACH = {
    # What does not exist is left out, or named in `errorMessage`, or is gone already.
    "BatchGetDeploymentGroups": {"DeploymentConfigDoesNotExist"},
    "BatchGetDeploymentTargets": {"InstanceDoesNotExist"},
    "GetDeploymentGroup": {"DeploymentConfigDoesNotExist"},
    # An unknown tag is removed already.
    "UntagResource": {"InvalidTagsToAdd"},
    # A deployment knows its application and group.
    "ListDeploymentInstances": {"ApplicationDoesNotExist", "DeploymentGroupDoesNotExist", "InvalidTargetFilterName"},
    "ListDeploymentTargets": {"ApplicationDoesNotExist", "DeploymentGroupDoesNotExist"},
    "StopDeployment": {"DeploymentGroupDoesNotExist", "UnsupportedActionForDeploymentType"},
    "ContinueDeployment": {"InvalidDeploymentStatus"},
    # Instances of a deployment are looked up, whatever their names look like.
    "BatchGetDeploymentInstances": {"InvalidInstanceName"},
    "GetDeploymentInstance": {"InvalidInstanceName"},
    "GetDeploymentTarget": {"InvalidInstanceName"},
    # Checked when the group was made; there is no IAM.
    "CreateDeployment": {
        "InvalidComputePlatform",
        "InvalidECSService",
        "InvalidLoadBalancerInfo",
        "InvalidRole",
    },
    "DeleteApplication": {"InvalidRole"},
    "DeleteDeploymentGroup": {"InvalidRole"},
    "GetDeploymentConfig": {"InvalidComputePlatform"},
    "RemoveTagsFromOnPremisesInstances": {"TagLimitExceeded"},
    # Unknown what it would be for.
    "ListDeployments": {"InvalidInput"},
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
codedeploy.create_deployment_group(**{**group, "deploymentGroupName": "done"})
good = codedeploy.create_deployment(
    **shop, deploymentGroupName="done", revision=s3, description="succeeded"
)["deploymentId"]
codedeploy.stop_deployment(deploymentId=green)
waiting = codedeploy.create_deployment(
    **shop, deploymentGroupName="green", revision=s3, description="not started", **new
)["deploymentId"]
codedeploy.create_deployment_group(
    applicationName="lambda",
    deploymentGroupName="spare",
    serviceRoleArn=role,
    deploymentConfigName="CodeDeployDefault.LambdaAllAtOnce",
    deploymentStyle=style,
)
codedeploy.create_deployment_group(**ecs("second", ecsServices=[{"serviceName": "api", "clusterName": "main"}]))
second = {"applicationName": "ecs", "currentDeploymentGroupName": "second"}
codedeploy.create_deployment_group(**ecs("tcp", ecsServices=[{"serviceName": "tcp", "clusterName": "main"}]))
tcp = {"applicationName": "ecs", "deploymentGroupName": "tcp", "revision": spec}
linear = {"deploymentConfigName": "CodeDeployDefault.ECSLinear10PercentEvery1Minutes"}
codedeploy.create_deployment_group(
    **{**group, "deploymentGroupName": "idle"},
    deploymentStyle=style,
    blueGreenDeploymentConfiguration=ready,
    loadBalancerInfo={"targetGroupInfoList": [{"name": "web"}]},
)
idle = {**shop, "deploymentGroupName": "idle", "revision": s3}
two = {"listenerArns": ["arn:aws:elasticloadbalancing:l", "arn:aws:elasticloadbalancing:m"]}
listeners = {
    "targetGroupPairInfoList": [
        {"targetGroups": [{"name": "blue"}, {"name": "green"}], "prodTrafficRoute": two}
    ]
}
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
    ("ApplicationDoesNotExist", "update_application", {"applicationName": "nix", "newApplicationName": "new"}),
    ("DeploymentGroupNameRequired", "list_deployments", shop),
    ("InvalidDeploymentGroupName", "list_deployments", {**shop, "deploymentGroupName": "a b"}),
    ("DeploymentGroupDoesNotExist", "list_deployments", {**shop, "deploymentGroupName": "nix"}),
    ("InvalidComputePlatform", "get_deployment_instance", {"deploymentId": function, "instanceId": "f"}),
    ("InvalidComputePlatform", "batch_get_deployment_instances", {"deploymentId": function, "instanceIds": ["f"]}),
    ("InvalidDeploymentTargetId", "batch_get_deployment_targets", {"deploymentId": service, "targetIds": ["web"]}),
    ("DeploymentAlreadyCompleted", "continue_deployment", {"deploymentId": ended}),
    ("DeploymentAlreadyCompleted", "stop_deployment", {"deploymentId": good}),
    ("UnsupportedActionForDeploymentType", "skip_wait_time_for_instance_termination", {"deploymentId": server}),
    ("DeploymentNotStarted", "skip_wait_time_for_instance_termination", {"deploymentId": waiting}),
    ("UnsupportedActionForDeploymentType", "put_lifecycle_event_hook_execution_status", {**hook, "deploymentId": server}),
    (
        "RevisionDoesNotExist",
        "create_deployment",
        {
            "applicationName": "lambda",
            "deploymentGroupName": "spare",
            "revision": {"revisionType": "AppSpecContent", "appSpecContent": {"sha256": "0" * 64}},
        },
    ),
    ("ECSServiceMappingLimitExceeded", "update_deployment_group", {**second, "ecsServices": ecs("x")["ecsServices"]}),
    ("InvalidTargetGroupPair", "update_deployment_group", {**second, "loadBalancerInfo": {}}),
    ("InvalidTrafficRoutingConfiguration", "update_deployment_group", {**second, "loadBalancerInfo": listeners}),
    ("InvalidTrafficRoutingConfiguration", "create_deployment_group", ecs("x", loadBalancerInfo=listeners)),
    ("InvalidTrafficRoutingConfiguration", "create_deployment", {**tcp, **linear}),
    (
        "InvalidAutoScalingGroup",
        "create_deployment",
        {**idle, "targetInstances": {"autoScalingGroups": ["nix"]}},
    ),
    ("InvalidAutoScalingGroup", "create_deployment_group", {**group, "autoScalingGroups": ["nix"]}),
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
    ("InvalidAutoScalingGroup", "create_deployment_group", {**group, "autoScalingGroups": ["web"] * 11}),
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
    (
        "DeploymentConfigDoesNotExist",
        "tag_resource",
        {"ResourceArn": f"{account}:deploymentconfig:nix", "Tags": [{"Key": "a"}]},
    ),
    (
        "DeploymentConfigDoesNotExist",
        "untag_resource",
        {"ResourceArn": f"{account}:deploymentconfig:nix", "TagKeys": ["a"]},
    ),
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

# Each operation with one member after the other missing, malformed or unknown: it says so in that member's words,
# which the model lists for it. What a call would do well is never done: something else in it is wrong.
MINIMAL_HEALTHY = {"type": "HOST_COUNT", "value": 1}
LONG = "x" * 257
WRONG = {
    "applicationName": {"ApplicationNameRequired": "", "InvalidApplicationName": "a b", "ApplicationDoesNotExist": "nix"},
    "applicationNames": {"ApplicationNameRequired": [], "InvalidApplicationName": ["a b"], "ApplicationDoesNotExist": ["nix"], "BatchLimitExceeded": ["shop"] * 101},
    "newApplicationName": {"InvalidApplicationName": "a b", "ApplicationAlreadyExists": "ecs"},
    "deploymentGroupName": {"DeploymentGroupNameRequired": "", "InvalidDeploymentGroupName": "a b", "DeploymentGroupDoesNotExist": "nix"},
    "currentDeploymentGroupName": {"DeploymentGroupNameRequired": "", "InvalidDeploymentGroupName": "a b", "DeploymentGroupDoesNotExist": "nix"},
    "newDeploymentGroupName": {"InvalidDeploymentGroupName": "a b", "DeploymentGroupAlreadyExists": "over"},
    "deploymentGroupNames": {"DeploymentGroupNameRequired": [], "InvalidDeploymentGroupName": ["a b"], "BatchLimitExceeded": ["prod"] * 101},
    "deploymentConfigName": {"DeploymentConfigNameRequired": "", "InvalidDeploymentConfigName": "a b", "DeploymentConfigDoesNotExist": "nix"},
    "deploymentId": {"DeploymentIdRequired": "", "InvalidDeploymentId": "x", "DeploymentDoesNotExist": "d-AAAAAAAAA", "DeploymentNotStarted": waiting},
    "deploymentIds": {"DeploymentIdRequired": [], "InvalidDeploymentId": ["x"], "BatchLimitExceeded": [server] * 26},
    "targetId": {"DeploymentTargetIdRequired": "", "InvalidDeploymentTargetId": "x y", "DeploymentTargetDoesNotExist": "i-0123456789abcdeff"},
    "targetIds": {"DeploymentTargetIdRequired": [], "DeploymentTargetDoesNotExist": ["i-0123456789abcdeff"], "DeploymentTargetListSizeExceeded": ["i-0"] * 26},
    "instanceId": {"InstanceIdRequired": "", "InstanceDoesNotExist": "i-0123456789abcdeff"},
    "instanceIds": {"InstanceIdRequired": [], "BatchLimitExceeded": ["i-0"] * 26},
    "instanceName": {"InstanceNameRequired": "", "InvalidInstanceName": "i-1", "InstanceNotRegistered": "nix"},
    "instanceNames": {"InstanceNameRequired": [], "InvalidInstanceName": ["i-1"], "InstanceNotRegistered": ["nix"], "BatchLimitExceeded": ["rack"] * 26, "InstanceLimitExceeded": ["rack"] * 101},
    "nextToken": {"InvalidNextToken": "x"},
    "ResourceArn": {"ResourceArnRequired": "", "InvalidArn": "x", "ArnNotSupported": f"{account}:instance/x_1", "ApplicationDoesNotExist": f"{account}:application:nix", "DeploymentGroupDoesNotExist": f"{account}:deploymentgroup:shop/nix"},
    "Tags": {"TagRequired": [], "InvalidTagsToAdd": [{"Key": ""}]},
    "TagKeys": {"TagRequired": []},
    "tags": {"TagRequired": [], "InvalidTag": [{"Key": "x" * 129}], "InvalidTagsToAdd": [{"Key": ""}]},
    "revision": {"RevisionRequired": None, "InvalidRevision": {"revisionType": "x"}},
    "revisions": {"RevisionRequired": [], "InvalidRevision": [{"revisionType": "x"}], "BatchLimitExceeded": [s3] * 26},
    "description": {"DescriptionTooLong": LONG},
    "computePlatform": {"InvalidComputePlatform": "EC2"},
    "serviceRoleArn": {"RoleRequired": "", "InvalidRole": "x"},
    "alarmConfiguration": {"InvalidAlarmConfig": {"enabled": True}, "AlarmsLimitExceeded": {"enabled": True, "alarms": [{"name": str(n)} for n in range(51)]}},
    "overrideAlarmConfiguration": {"InvalidAlarmConfig": {"enabled": True}, "AlarmsLimitExceeded": {"enabled": True, "alarms": [{"name": str(n)} for n in range(51)]}},
    "autoRollbackConfiguration": {"InvalidAutoRollbackConfig": {"enabled": True}},
    "autoScalingGroups": {"InvalidAutoScalingGroup": ["nix"]},
    "blueGreenDeploymentConfiguration": {"InvalidBlueGreenDeploymentConfiguration": {}},
    "deploymentStyle": {"InvalidDeploymentStyle": {"deploymentType": "IN_PLACE"}},
    "ec2DeploymentOptions": {"InvalidAutoScalingGroupProcessToSuspend": {"autoScalingGroupProcessesToSuspend": ["x"]}},
    "ec2TagFilters": {"InvalidEC2Tag": [{"Type": "x"}]},
    "ec2TagSet": {"TagSetListLimitExceeded": {"ec2TagSetList": [[]] * 4}, "InvalidEC2TagCombination": {"ec2TagSetList": [[{"Key": "a"}]]}},
    "onPremisesInstanceTagFilters": {"InvalidTag": [{"Type": "x"}]},
    "onPremisesTagSet": {"InvalidOnPremisesTagCombination": {"onPremisesTagSetList": [[{"Key": "a"}]]}},
    "loadBalancerInfo": {"InvalidLoadBalancerInfo": {"elbInfoList": []}},
    "ecsServices": {"InvalidECSService": [{"serviceName": "web", "clusterName": "main"}]},
    "outdatedInstancesStrategy": {"InvalidInput": "x"},
    "triggerConfigurations": {
        "InvalidTriggerConfig": [{}],
        "TriggerTargetsLimitExceeded": [
            {"triggerName": str(n), "triggerTargetArn": f"arn:aws:sns:eu-west-1:123456789012:{n}"} for n in range(11)
        ],
    },
    "deploymentMode": {"InvalidInput": "x"},
    "fileExistsBehavior": {"InvalidFileExistsBehavior": "x"},
    "targetInstances": {"InvalidTargetInstances": {}},
    "minimumHealthyHosts": {"InvalidMinimumHealthyHostValue": {"type": "x"}},
    "trafficRoutingConfig": {"InvalidTrafficRoutingConfiguration": {"type": "AllAtOnce"}},
    "zonalConfig": {"InvalidZonalDeploymentConfiguration": {"monitorDurationInSeconds": -1}},
    "deployed": {"InvalidDeployedStateFilter": "x"},
    "sortBy": {"InvalidSortBy": "x"},
    "sortOrder": {"InvalidSortOrder": "x"},
    "s3Bucket": {"InvalidBucketNameFilter": "A B"},
    "s3KeyPrefix": {"BucketNameFilterRequired": "a", "InvalidKeyPrefixFilter": "x" * 1025},
    "instanceStatusFilter": {"InvalidInstanceStatus": ["x"]},
    "instanceTypeFilter": {"InvalidInstanceType": ["x"], "InvalidDeploymentInstanceType": ["Blue"]},
    "targetFilters": {"InvalidTargetFilterName": {"x": ["y"]}, "InvalidInstanceStatus": {"TargetStatus": ["x"]}, "InvalidInstanceType": {"ServerInstanceLabel": ["x"]}, "InvalidDeploymentInstanceType": {"ServerInstanceLabel": ["Blue"]}},
    "includeOnlyStatuses": {"InvalidDeploymentStatus": ["x"]},
    "createTimeRange": {"InvalidTimeRange": {"start": 2, "end": 1}},
    "externalId": {"InvalidExternalId": ""},
    "registrationStatus": {"InvalidRegistrationStatus": "x"},
    "tagFilters": {"InvalidTagFilter": [{"Type": "x"}]},
    "tokenName": {"GitHubAccountTokenNameRequired": "", "InvalidGitHubAccountTokenName": LONG, "GitHubAccountTokenDoesNotExist": "nix"},
    "iamUserArn": {"InvalidIamUserArn": "x", "IamUserArnAlreadyRegistered": user},
    "iamSessionArn": {"InvalidIamSessionArn": "x", "IamSessionArnAlreadyRegistered": session, "MultipleIamArnsProvided": session},
    "deploymentWaitType": {"InvalidDeploymentWaitType": "x"},
    "lifecycleEventHookExecutionId": {"InvalidLifecycleEventHookExecutionId": "x"},
    "status": {"InvalidLifecycleEventHookExecutionStatus": "Skipped"},
}
# What else a call says: as little as it takes to come to the member in question.
BASE = {
    "applicationName": "shop", "deploymentGroupName": "prod", "deploymentId": server, "revision": s3,
    "currentDeploymentGroupName": "prod", "ResourceArn": f"{account}:application:shop", "tokenName": "octocat",
    "instanceName": "rack", "instanceNames": ["rack"], "targetId": "i-0123456789abcdef0",
    "instanceId": "i-0123456789abcdef0",
}
BASES = {
    "CreateApplication": {"applicationName": "new"},
    "CreateDeploymentGroup": {"applicationName": "shop", "deploymentGroupName": "new", "serviceRoleArn": role},
    "CreateDeploymentConfig": {"deploymentConfigName": "new", "minimumHealthyHosts": MINIMAL_HEALTHY},
    "CreateDeployment": {"applicationName": "shop", "deploymentGroupName": "over", "revision": s3},
    "RegisterOnPremisesInstance": {"instanceName": "new", "iamUserArn": user + "-new"},
    "ContinueDeployment": {"deploymentId": service},
    "PutLifecycleEventHookExecutionStatus": hook,
    "ListDeployments": {"applicationName": "shop", "deploymentGroupName": "prod"},
    "ListOnPremisesInstances": {},
    "AddTagsToOnPremisesInstances": {"instanceNames": ["rack"], "tags": [{"Key": "a"}]},
    "RemoveTagsFromOnPremisesInstances": {"instanceNames": ["rack"], "tags": [{"Key": "a"}]},
    "TagResource": {"ResourceArn": f"{account}:application:shop", "Tags": [{"Key": "a", "Value": "b"}]},
    "UntagResource": {"ResourceArn": f"{account}:application:shop", "TagKeys": ["a"]},
}
BESIDE = {
    "ec2TagSet": {"ec2TagFilters": [{"Key": "a"}]},
    "onPremisesTagSet": {"onPremisesInstanceTagFilters": [{"Key": "a"}]},
    "InvalidKeyPrefixFilter": {"s3Bucket": "releases"},
    "InvalidIamSessionArn": {"iamUserArn": None},
    "IamSessionArnAlreadyRegistered": {"iamUserArn": None},
    "InvalidInstanceType": {"deploymentId": green},
}
for method, name in codedeploy.meta.method_to_api_mapping.items():
    operation = model.operation_model(name)
    members = operation.input_shape.members if operation.input_shape else {}
    modelled = {shape.name for shape in operation.error_shapes}
    base = BASES.get(name, {member: value for member, value in BASE.items() if member in members})
    for member in members:
        for code, value in WRONG.get(member, {}).items():
            code_name = code + "Exception"
            if code_name not in modelled or (name, code_name) in contract.pairs:
                continue
            beside = BESIDE.get(code, BESIDE.get(member, {}))
            if code == "TagSetListLimitExceeded":
                beside = {}
            arguments = {**base, **{key: value for key, value in beside.items() if key in members}, member: value}
            arguments = {key: value for key, value in arguments.items() if value is not None}
            contract.refused(code_name, getattr(codedeploy, method), **arguments)

# The last connection to GitHub is gone, and with it every revision there.
codedeploy.delete_git_hub_account_token(tokenName="octocat")
commit = {"repository": "me/site", "commitId": "0" * 40}
contract.refused(
    "InvalidGitHubAccountTokenException",
    codedeploy.create_deployment,
    **shop,
    deploymentGroupName="over",
    revision={"revisionType": "GitHub", "gitHubLocation": commit},
)

# Quotas, to the brim: thousands of calls, which one protocol may spare itself.
QUOTAS = {
    "ApplicationLimitExceededException",
    "DeploymentConfigLimitExceededException",
    "DeploymentGroupLimitExceededException",
    "LifecycleHookLimitExceededException",
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
    for number in range(994):
        # Fifty lifecycle hooks are as many as an Auto Scaling group takes.
        scaled = {"autoScalingGroups": ["pool"]} if number < 50 else {}
        codedeploy.create_deployment_group(**{**group, "deploymentGroupName": f"group-{number}"}, **scaled)
        if number == 50:
            more = {"autoScalingGroups": ["pool"]}
            limit = "LifecycleHookLimitExceededException"
            contract.refused(limit, codedeploy.create_deployment_group, **group, **more)
            later = {**shop, "currentDeploymentGroupName": "later"}
            contract.refused(limit, codedeploy.update_deployment_group, **later, **more)
    contract.refused("DeploymentGroupLimitExceededException", codedeploy.create_deployment_group, **group)
else:
    OUT_OF_REACH |= QUOTAS

# Faults that the sandbox was told to have.
control = os.environ["AWS_ENDPOINT_URL"] + "/_cdctl/faults"
fault = json.dumps({"fault": "throttle"}).encode()
posted = urllib.request.Request(control, data=fault, headers={"Content-Type": "application/json"})
urllib.request.urlopen(posted)
message = contract.refused("ThrottlingException", codedeploy.create_application, applicationName="x")
assert message == "Rate exceeded", message
contract.refused("ThrottlingException", codedeploy.create_deployment, **prod)
contract.refused("ThrottlingException", codedeploy.create_deployment_group, **group)
contract.refused("ThrottlingException", codedeploy.update_deployment_group, **second)
urllib.request.urlopen(urllib.request.Request(control, method="DELETE"))
codedeploy.list_applications()

modelled = {shape.name for shape in model.error_shapes}
missing = modelled - contract.provoked - OUT_OF_REACH
assert not missing, f"never provoked: {sorted(missing)}"
assert not contract.provoked & OUT_OF_REACH, contract.provoked & OUT_OF_REACH

# The table: every error that the model lists for an operation was said by that operation, or is known not to be.
left, stale = {}, {}
for name in model.operation_names:
    never = {code + "Exception" for code in PAIRS_OUT_OF_REACH.get(name, ())} | OUT_OF_REACH
    modelled = {shape.name for shape in model.operation_model(name).error_shapes}
    said = {code for operation, code in contract.pairs if operation == name}
    if modelled - said - never:
        left[name] = sorted(modelled - said - never)
    if said & never:
        stale[name] = sorted(said & never)
assert not left, f"never provoked: {left}"
assert not stale, f"provoked after all: {stale}"
