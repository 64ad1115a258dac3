//! The texts that semantics.md quotes in section 7.1, in its order: a call that each is said to.
//!
//! The other tables name the section that they hold; this one is complete for the quotes, but for [`UNSAID`].

use serde_json::{Value, json};

use super::platforms::{self, ecs, lambda, without};
use super::{ROLE, deployment, with};

/// Quoted in 7.1, and never said by the sandbox: there is no IAM, and a role's form is all that is looked at.
const UNSAID: &str =
    "InvalidRole: AWS CodeDeploy does not have the permissions required to assume the role ARN";

fn config(more: &Value) -> Value {
    with(&json!({"deploymentConfigName": "c"}), more)
}

fn routed(routing: Value) -> Value {
    config(&json!({"computePlatform": "Lambda", "trafficRoutingConfig": routing}))
}

fn server(more: &Value) -> Value {
    with(&json!({"applicationName": "shop", "deploymentGroupName": "g", "serviceRoleArn": ROLE}), more)
}

/// A blue/green block of a server group, with other members.
fn block(more: &Value) -> Value {
    let whole = json!({
        "deploymentReadyOption": {"actionOnTimeout": "CONTINUE_DEPLOYMENT"},
        "terminateBlueInstancesOnDeploymentSuccess": {"action": "TERMINATE"},
    });
    server(&json!({"blueGreenDeploymentConfiguration": with(&whole, more)}))
}

fn style(kind: &str, option: &str) -> Value {
    json!({"deploymentStyle": {"deploymentType": kind, "deploymentOption": option}})
}

/// Operation, input, and the exception with its text.
type Case = (&'static str, Value, String);

/// From the names of things to deployment configurations.
fn names_and_configurations(busy: &str) -> Vec<Case> {
    let group = "CreateDeploymentGroup";
    let minimum =
        |value: i32| config(&json!({"minimumHealthyHosts": {"type": "FLEET_PERCENT", "value": value}}));
    let canary = |percentage: i32, interval: i32| {
        json!({"type": "TimeBasedCanary",
               "timeBasedCanary": {"canaryPercentage": percentage, "canaryInterval": interval}})
    };
    let zonal = |percent: i32| {
        let per_zone = json!({"type": "FLEET_PERCENT", "value": percent});
        json!({"minimumHealthyHosts": {"type": "HOST_COUNT", "value": 1},
               "zonalConfig": {"minimumHealthyHostsPerZone": per_zone}})
    };
    let empty = "Traffic routing configuration cannot be null nor empty for deployment configurations on this platform.";
    let name = "rack-1";
    let user = "arn:aws:iam::123456789012:user/rack-1";
    let of = |operation, input, told: &str| (operation, input, told.to_owned());
    vec![
        of(
            group,
            json!({"applicationName": "shop"}),
            "DeploymentGroupNameRequired: Deployment Group name is missing",
        ),
        of(
            "CreateDeployment",
            without(deployment(), "revision"),
            "RevisionRequired: RevisionLocation must be specified",
        ),
        of(
            "CreateDeploymentConfig",
            json!({"deploymentConfigName": "CodeDeployDefault.Mine"}),
            "InvalidDeploymentConfigName: The prefix CodeDeployDefault. is reserved for predefined configuration names",
        ),
        of(
            "GetApplication",
            json!({"applicationName": "nix"}),
            "ApplicationDoesNotExist: No application found for name: nix",
        ),
        of(
            group,
            server(&json!({"applicationName": "nix"})),
            "ApplicationDoesNotExist: No application found for name: nix",
        ),
        of(
            "CreateDeployment",
            with(&deployment(), &json!({"applicationName": "nix"})),
            "ApplicationDoesNotExist: Applications not found for 123456789012",
        ),
        of(
            "GetDeploymentGroup",
            json!({"applicationName": "shop", "deploymentGroupName": "nix"}),
            "DeploymentGroupDoesNotExist: No Deployment Group found for name: nix",
        ),
        of(
            group,
            server(&json!({"deploymentConfigName": "nix"})),
            "DeploymentConfigDoesNotExist: No deployment configuration found for name: nix",
        ),
        of(
            "RegisterOnPremisesInstance",
            json!({"instanceName": "rack-2", "iamUserArn": user}),
            "IamUserArnAlreadyRegistered: The on-premises instance could not be registered because the request included \
             an IAM user ARN that has already been used to register an instance. Include either a different IAM user \
             ARN or IAM session ARN in the request, and then try again.",
        ),
        of(
            "RegisterOnPremisesInstance",
            json!({"instanceName": name, "iamUserArn": "x"}),
            "InvalidIamUserArn: Iam User ARN x is not in a valid format",
        ),
        of(
            group,
            server(
                &json!({"triggerConfigurations": (0..11).map(|number| trigger(number, number)).collect::<Vec<_>>()}),
            ),
            "TriggerTargetsLimitExceeded: Deployment Groups cannot contain more than 10 TriggerTargets.",
        ),
        (
            "CreateDeployment",
            deployment(),
            format!(
                "DeploymentLimitExceeded: The Deployment Group 'prod' already has an active Deployment '{busy}'"
            ),
        ),
        of(
            "CreateApplication",
            json!({"applicationName": "new", "computePlatform": "EC2"}),
            "InvalidComputePlatform: ComputePlatform 'EC2' is not valid. Valid values are [Server, Lambda, ECS, Kubernetes]",
        ),
        of(
            "CreateDeploymentConfig",
            config(&json!({})),
            "InvalidMinimumHealthyHostValue: minimum healthy hosts argument is missing",
        ),
        of(
            "CreateDeploymentConfig",
            minimum(100),
            "InvalidMinimumHealthyHostValue: The value for the minimum healthy hosts with type of FLEET_PERCENT should \
             be positive and less than 100",
        ),
        of(
            "CreateDeploymentConfig",
            with(&minimum(1), &json!({"computePlatform": "Lambda"})),
            "InvalidMinimumHealthyHostValue: minimum healthy hosts should be null for Lambda deployment configuration",
        ),
        of(
            "CreateDeploymentConfig",
            config(&json!({"computePlatform": "ECS"})),
            &format!("InvalidTrafficRoutingConfiguration: {empty}"),
        ),
        of(
            "CreateDeploymentConfig",
            with(&minimum(1), &json!({"trafficRoutingConfig": {"type": "AllAtOnce"}})),
            "InvalidTrafficRoutingConfiguration: Traffic routing configuration should be null for Server deployment \
             configuration",
        ),
        of(
            "CreateDeploymentConfig",
            routed(with(&canary(10, 1), &json!({"type": "AllAtOnce"}))),
            "InvalidTrafficRoutingConfiguration: TimeBasedCanaryConfiguration should be null for AllAtOnce type",
        ),
        of(
            "CreateDeploymentConfig",
            routed(json!({"type": "TimeBasedCanary"})),
            "InvalidTrafficRoutingConfiguration: TimeBasedCanaryConfiguration should not be null for TimeBasedCanary type",
        ),
        of(
            "CreateDeploymentConfig",
            routed(json!({"type": "TimeBasedLinear"})),
            "InvalidTrafficRoutingConfiguration: TimeBasedLinearConfiguration should not be null for TimeBasedLinear type",
        ),
        of(
            "CreateDeploymentConfig",
            routed(canary(100, 1)),
            "InvalidTrafficRoutingConfiguration: Valid traffic routing percentage is from 1 to 99",
        ),
        of(
            "CreateDeploymentConfig",
            routed(canary(10, 2881)),
            "InvalidTrafficRoutingConfiguration: Canary interval must be between 1 and 2880 minutes (2 days)",
        ),
        of(
            "CreateDeploymentConfig",
            routed(json!({"type": "TimeBasedLinear",
                          "timeBasedLinear": {"linearPercentage": 50, "linearInterval": 1441}})),
            "InvalidTrafficRoutingConfiguration: Total Traffic shifting intervals must be positive integers up to 2880 \
             minutes (2 days)",
        ),
        of(
            group,
            ecs(
                &json!({"loadBalancerInfo": {"targetGroupPairInfoList": [{"targetGroups": [{"name": "a"}, {"name": "b"}]}]}}),
            ),
            "InvalidTrafficRoutingConfiguration: Production traffic route must have exactly one listener Arn",
        ),
        of(
            "CreateDeploymentConfig",
            with(&routed(canary(10, 1)), &json!({"zonalConfig": {"monitorDurationInSeconds": 1}})),
            "InvalidZonalDeploymentConfiguration: Zonal deployments are only supported with EC2 deployments.",
        ),
        of(
            "CreateDeploymentConfig",
            config(&zonal(100)),
            "InvalidZonalDeploymentConfiguration: The value of the 'Minimum health hosts per zone' setting when \
             configured with a 'Type' value of 'FLEET_PERCENT' must be positive and less than 100.",
        ),
    ]
}

fn trigger(name: usize, topic: usize) -> Value {
    json!({"triggerName": name.to_string(), "triggerTargetArn": format!("arn:aws:sns:eu-west-1:123456789012:{topic}"),
           "triggerEvents": ["DeploymentFailure"]})
}

/// From roles to load balancers and blue/green.
fn groups() -> Vec<(Value, &'static str)> {
    let balancer = |info: Value| json!({"loadBalancerInfo": info});
    let long = "a".repeat(33);
    let only = json!({"actionOnTimeout": "CONTINUE_DEPLOYMENT", "waitTimeInMinutes": 5});
    let null = |member: &str| {
        let mut group = block(&json!({}));
        group["blueGreenDeploymentConfiguration"].as_object_mut().unwrap().remove(member).unwrap();
        group
    };
    let cases = vec![
        (server(&json!({"serviceRoleArn": "admin"})), "InvalidRole: Cannot assume role provided."),
        (
            server(&json!({"deploymentStyle": {"deploymentType": "IN_PLACE"}})),
            "InvalidDeploymentStyle: Deployment type or deployment option cannot be null or empty",
        ),
        (
            server(&style("IN_PLACE", "SOMETIMES")),
            "InvalidDeploymentStyle: Deployment option can only be WITH_TRAFFIC_CONTROL or WITHOUT_TRAFFIC_CONTROL",
        ),
        (
            server(&style("BLUE_GREEN", "WITHOUT_TRAFFIC_CONTROL")),
            "InvalidDeploymentStyle: BLUE_GREEN deployment type not supported with WITHOUT_TRAFFIC_CONTROL option",
        ),
        (
            without(lambda(&json!({})), "deploymentStyle"),
            "InvalidDeploymentStyle: For LAMBDA deployment, the deployment type must be BLUE_GREEN, and deployment \
             option must be WITH_TRAFFIC_CONTROL.",
        ),
        (
            ecs(&style("IN_PLACE", "WITH_TRAFFIC_CONTROL")),
            "InvalidDeploymentStyle: For ECS deployment, the deployment type must be BLUE_GREEN, and deployment option \
             must be WITH_TRAFFIC_CONTROL.",
        ),
        (
            server(&style("IN_PLACE", "WITH_TRAFFIC_CONTROL")),
            "InvalidLoadBalancerInfo: The specification for load balancing in the deployment group is invalid. The \
             deploymentOption value is set to WITH_TRAFFIC_CONTROL, but no load balancer or target group has been \
             specified in loadBalancerInfo.",
        ),
        (
            server(&balancer(json!({"elbInfoList": []}))),
            "InvalidLoadBalancerInfo: ELB information has to contain at least 1 ELB.",
        ),
        (
            server(&balancer(json!({"targetGroupInfoList": [{"name": long}]}))),
            "InvalidLoadBalancerInfo: The target group name aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa specified in \
             targetGroupInfoList exceeds the maximum allowed length of 32 characters.",
        ),
        (
            without(ecs(&json!({})), "loadBalancerInfo"),
            "InvalidLoadBalancerInfo: For ECS deployment group, loadBalancerInfo must be specified",
        ),
        (
            ecs(&balancer(json!({"elbInfoList": [{"name": "a"}]}))),
            "InvalidLoadBalancerInfo: For ECS deployment group, loadBalancerInfo must not contain elbInfo list",
        ),
        (
            ecs(&balancer(json!({"targetGroupInfoList": [{"name": "a"}]}))),
            "InvalidLoadBalancerInfo: For ECS deployment group, loadBalancerInfo must not contain targetGroupInfo list",
        ),
        (
            null("deploymentReadyOption"),
            "InvalidBlueGreenDeploymentConfiguration: Deployment ready option cannot be null for blue green deployment",
        ),
        (
            null("terminateBlueInstancesOnDeploymentSuccess"),
            "InvalidBlueGreenDeploymentConfiguration: Terminate blue instances on deployment success behaviour cannot be \
             set to null for Blue Green deployments",
        ),
        (
            block(&json!({"deploymentReadyOption": only})),
            "InvalidBlueGreenDeploymentConfiguration: Deployment ready action cannot be set to 'CONTINUE_DEPLOYMENT' when \
             timeout is specified",
        ),
        (
            block(&json!({"deploymentReadyOption": {"actionOnTimeout": "STOP_DEPLOYMENT"}})),
            "InvalidBlueGreenDeploymentConfiguration: Deployment ready action cannot be set to STOP_DEPLOYMENT when \
             timeout is set to 0 minutes.",
        ),
        (
            block(
                &json!({"terminateBlueInstancesOnDeploymentSuccess": {"terminationWaitTimeInMinutes": 2881}}),
            ),
            "InvalidBlueGreenDeploymentConfiguration: Timeout for instance termination cannot be more than 2 days",
        ),
        (
            block(&json!({"greenFleetProvisioningOption": {"action": "COPY_AUTO_SCALING_GROUP"}})),
            "InvalidBlueGreenDeploymentConfiguration: Exactly one AutoScaling group must be specified when selecting the \
             COPY_AUTO_SCALING_GROUP green fleet provisioning option.",
        ),
        (
            lambda(&json!({"blueGreenDeploymentConfiguration": {}})),
            "InvalidBlueGreenDeploymentConfiguration: For Lambda deployment group, blueGreenDeploymentConfiguration can \
             not be specified",
        ),
        (
            without(ecs(&json!({})), "blueGreenDeploymentConfiguration"),
            "InvalidBlueGreenDeploymentConfiguration: For ECS deployment group, blueGreenDeploymentConfiguration must be \
             specified",
        ),
    ];
    cases
}

/// From tags to what watches a deployment.
fn members() -> Vec<(Value, &'static str)> {
    let filter = |kind: &str| json!([{"Type": kind, "Key": "a", "Value": "b"}]);
    let key = json!([{"Type": "KEY_ONLY", "Key": "a"}]);
    let service = json!([{"serviceName": "s", "clusterName": "c"}]);
    let triggers = |triggers: [Value; 2]| server(&json!({"triggerConfigurations": triggers}));
    let far = json!({"triggerName": "a", "triggerTargetArn": "arn:aws:sns:us-east-1:123456789012:z"});
    vec![
        (
            server(&json!({"ec2TagFilters": key, "ec2TagSet": {"ec2TagSetList": [key]}})),
            "InvalidEC2TagCombination: The request specified both Ec2TagFilters and Ec2TagSet, but only one of these data \
             types can be used in a single call. Remove one tag specification type, and then try again.",
        ),
        (
            server(
                &json!({"onPremisesInstanceTagFilters": key, "onPremisesTagSet": {"onPremisesTagSetList": [key]}}),
            ),
            "InvalidOnPremisesTagCombination: The request specified both OnPremisesTagFilters and OnPremisesTagSet, but \
             only one of these data types can be used in a single call. Remove one tag specification type, and then try \
             again.",
        ),
        (
            server(&json!({"ec2TagFilters": filter("KEY_ONLY")})),
            "InvalidEC2Tag: Values must not be provided for key-only filters.",
        ),
        (
            server(&json!({"ec2TagSet": {"ec2TagSetList": [filter("VALUE_ONLY")]}})),
            "InvalidEC2Tag: Keys must not be provided for value-only filters.",
        ),
        (
            lambda(&json!({"ec2TagFilters": key})),
            "InvalidEC2Tag: For Lambda deployment group, ec2TagFilters can not be specified",
        ),
        (
            ecs(&json!({"ec2TagSet": {"ec2TagSetList": [key]}})),
            "InvalidEC2Tag: For ECS deployment group, ec2TagSet can not be specified",
        ),
        // An empty message, as in the service.
        (server(&json!({"onPremisesInstanceTagFilters": filter("KEY_ONLY")})), "InvalidTag: "),
        (
            lambda(&json!({"onPremisesInstanceTagFilters": key})),
            "InvalidTag: For Lambda deployment group, onPremisesInstanceTagFilters can not be specified",
        ),
        (
            ecs(&json!({"autoScalingGroups": ["a"]})),
            "InvalidAutoScalingGroup: For ECS deployment group, autoScalingGroups can not be specified",
        ),
        (
            server(&json!({"ecsServices": service})),
            "InvalidECSService: Server Deployment Groups should not define a value for ecsServices, eksClusters, or \
             targetGroupPairInfoList",
        ),
        (
            triggers([trigger(1, 1), trigger(1, 2)]),
            "InvalidTriggerConfig: Duplicate Trigger target name detected",
        ),
        (
            triggers([trigger(1, 1), trigger(2, 1)]),
            "InvalidTriggerConfig: Duplicate Trigger target arn detected",
        ),
        (
            triggers([trigger(1, 1), far]),
            "InvalidTriggerConfig: Topic ARN arn:aws:sns:us-east-1:123456789012:z is not valid",
        ),
        (
            server(&json!({"alarmConfiguration": {"enabled": true, "alarms": []}})),
            "InvalidAlarmConfig: Deployment Groups need to have at least one alarms attached if they are monitored.",
        ),
        (
            server(&json!({"alarmConfiguration": {"enabled": true}})),
            "InvalidAlarmConfig: Alarm list cannot be null.",
        ),
        (
            server(&json!({"autoRollbackConfiguration": {"enabled": true}})),
            "InvalidAutoRollbackConfig: Deployment Groups need to have at least one event specified when auto rollback is \
             enabled",
        ),
        (
            server(&json!({"deploymentConfigName": "CodeDeployDefault.ECSAllAtOnce"})),
            "InvalidInput: Compute platform of deployment config CodeDeployDefault.ECSAllAtOnce does not match expected \
             compute platform, correct compute platform should be Server.",
        ),
    ]
}

/// What the account has beside CodeDeploy, as a fleet file.
fn account() -> [(&'static str, Value, &'static str); 3] {
    let service = |name: &str| {
        let services = json!([{"serviceName": name, "clusterName": "main"}]);
        ecs(&json!({"deploymentGroupName": "other", "ecsServices": services}))
    };
    let services = "services: [{cluster: main, name: old, deployment_controller: ECS}]";
    [
        (
            services,
            service("nix"),
            "InvalidECSService: Could not load ECS service information for cluster: main, service: nix. Cause: The \
             fleet of the sandbox has no such service.",
        ),
        (
            services,
            service("old"),
            "InvalidECSService: Deployment group's ECS service must be configured for a CODE_DEPLOY deployment controller.",
        ),
        (
            "topics: [there]",
            server(&json!({"triggerConfigurations": [trigger(1, 1)]})),
            "InvalidTriggerConfig: Topic ARN arn:aws:sns:eu-west-1:123456789012:1 does not exist due to: Topic does not \
             exist",
        ),
    ]
}

/// semantics.md, 7.1
#[test]
fn every_quoted_text_is_said() {
    let api = platforms::api();
    let busy = api.deploy();
    api.ok(
        "RegisterOnPremisesInstance",
        &json!({"instanceName": "rack-1", "iamUserArn": "arn:aws:iam::123456789012:user/rack-1"}),
    );
    let mut said: Vec<String> = Vec::new();
    for (operation, input, expected) in names_and_configurations(&busy) {
        api.refused(operation, &input, &expected);
        said.push(expected);
    }
    for (input, expected) in groups().into_iter().chain(members()) {
        api.refused("CreateDeploymentGroup", &input, expected);
        said.push(expected.to_owned());
    }
    api.ok("CreateDeploymentGroup", &ecs(&json!({})));
    let of = json!({"applicationName": "ecs", "deploymentGroupName": "g", "fileExistsBehavior": "OVERWRITE",
        "revision": {"revisionType": "S3", "s3Location": {"bucket": "b", "key": "k", "bundleType": "YAML"}}});
    let expected = "InvalidFileExistsBehavior: For Lambda, ECS and Kubernetes deployment, fileExistsBehavior can not be \
                    specified";
    api.refused("CreateDeployment", &of, expected);
    for (fleet, input, expected) in account() {
        api.declare(fleet);
        api.refused("CreateDeploymentGroup", &input, expected);
        said.push(expected.to_owned());
    }
    assert!(!said.iter().any(|said| said == UNSAID));
}
