//! What a group may not say, in the service's words.

use serde_json::{Value, json};

use super::{Api, ROLE, with};

fn group() -> Value {
    json!({"applicationName": "shop", "deploymentGroupName": "new", "serviceRoleArn": ROLE})
}

#[test]
fn hooks_of_auto_scaling_groups_have_names() {
    let api = Api::new();
    api.ok("CreateDeploymentGroup", &with(&group(), &json!({"autoScalingGroups": ["pool"]})));
    let read = || {
        let of = json!({"applicationName": "shop", "deploymentGroupName": "new"});
        api.ok("GetDeploymentGroup", &of)["deploymentGroupInfo"]["autoScalingGroups"][0].take()
    };
    let before = read();
    assert!(before["hook"].as_str().unwrap().len() > 36 && before["terminationHook"].is_null(), "{before}");
    let update = |on: bool| {
        let input = json!({"applicationName": "shop", "currentDeploymentGroupName": "new", "terminationHookEnabled": on});
        api.ok("UpdateDeploymentGroup", &input);
        read()
    };
    let on = update(true);
    assert_eq!((&on["name"], &on["hook"]), (&json!("pool"), &before["hook"]));
    assert!(on["terminationHook"].as_str().unwrap().contains("termination"), "{on}");
    assert_eq!(update(false), before);
}

/// A call leaves out what stays, so that only the whole group shows whether one Auto Scaling group is copied.
#[test]
fn an_update_is_checked_against_what_the_group_has() {
    let api = Api::new();
    let block = json!({"blueGreenDeploymentConfiguration": {
        "deploymentReadyOption": {"actionOnTimeout": "CONTINUE_DEPLOYMENT"},
        "terminateBlueInstancesOnDeploymentSuccess": {"action": "KEEP_ALIVE"},
        "greenFleetProvisioningOption": {"action": "COPY_AUTO_SCALING_GROUP"},
    }});
    api.ok("CreateDeploymentGroup", &with(&with(&group(), &block), &json!({"autoScalingGroups": ["pool"]})));
    let update =
        |more: &Value| with(&json!({"applicationName": "shop", "currentDeploymentGroupName": "new"}), more);
    api.ok("UpdateDeploymentGroup", &update(&block));
    for groups in [json!([]), json!(["pool", "more"])] {
        api.refused(
            "UpdateDeploymentGroup",
            &update(&json!({"autoScalingGroups": groups})),
            "InvalidBlueGreenDeploymentConfiguration: Exactly one AutoScaling group must be specified when selecting \
             the COPY_AUTO_SCALING_GROUP green fleet provisioning option.",
        );
    }
    api.refused(
        "UpdateDeploymentGroup",
        &update(&json!({"ec2TagFilters": [filter("KEY_ONLY", "a", "")]})),
        "InvalidBlueGreenDeploymentConfiguration: Tags cannot be specified when selecting the \
         COPY_AUTO_SCALING_GROUP green fleet provisioning option.",
    );
    let mut other = block.clone();
    other["blueGreenDeploymentConfiguration"]["greenFleetProvisioningOption"]["action"] = json!("GROW");
    api.refused(
        "UpdateDeploymentGroup",
        &update(&other),
        "InvalidBlueGreenDeploymentConfiguration: Green fleet provisioning can only be DISCOVER_EXISTING or \
         COPY_AUTO_SCALING_GROUP",
    );
    let role = update(&json!({"serviceRoleArn": ""}));
    api.refused("UpdateDeploymentGroup", &role, "InvalidRole: Cannot assume role provided.");
}

fn trigger(name: &str, topic: &str) -> Value {
    json!({"triggerName": name, "triggerTargetArn": format!("arn:aws:sns:eu-west-1:123456789012:{topic}"),
           "triggerEvents": ["DeploymentFailure"]})
}

fn filter(kind: &str, key: &str, value: &str) -> Value {
    json!({"Type": kind, "Key": key, "Value": value})
}

/// semantics.md, 3.2 and 7.1: InvalidEC2Tag to InvalidAutoRollbackConfig
#[test]
fn members_are_checked_in_the_services_words() {
    let api = Api::new();
    let topics: Vec<Value> = (0..11).map(|n| trigger(&n.to_string(), &n.to_string())).collect();
    let set = json!({"ec2TagSetList": [[filter("KEY_ONLY", "a", "")]]});
    let four = json!({"ec2TagSetList": [[], [], [], []]});
    let cases = [
        (json!({"serviceRoleArn": ""}), "RoleRequired: Service Role ARN is missing"),
        (json!({"serviceRoleArn": "admin"}), "InvalidRole: Cannot assume role provided."),
        (
            json!({"ec2TagFilters": [filter("KEY_ONLY", "a", "b")]}),
            "InvalidEC2Tag: Values must not be provided for key-only filters.",
        ),
        (
            json!({"ec2TagSet": {"ec2TagSetList": [[filter("VALUE_ONLY", "a", "b")]]}}),
            "InvalidEC2Tag: Keys must not be provided for value-only filters.",
        ),
        (json!({"onPremisesInstanceTagFilters": [filter("KEY_ONLY", "a", "b")]}), "InvalidTag: "),
        (
            json!({"deploymentConfigName": "CodeDeployDefault.EC2OneAtATime"}),
            "DeploymentConfigDoesNotExist: No deployment configuration found for name: CodeDeployDefault.EC2OneAtATime",
        ),
        (
            json!({"deploymentConfigName": "CodeDeployDefault.ECSAllAtOnce"}),
            "InvalidInput: Compute platform of deployment config CodeDeployDefault.ECSAllAtOnce does not match \
             expected compute platform, correct compute platform should be Server.",
        ),
        (
            json!({"triggerConfigurations": [trigger("a", "x"), trigger("a", "y")]}),
            "InvalidTriggerConfig: Duplicate Trigger target name detected",
        ),
        (
            json!({"triggerConfigurations": [trigger("a", "x"), trigger("b", "x")]}),
            "InvalidTriggerConfig: Duplicate Trigger target arn detected",
        ),
        (
            json!({"triggerConfigurations": topics}),
            "TriggerTargetsLimitExceeded: Deployment Groups cannot contain more than 10 TriggerTargets.",
        ),
        (
            json!({"triggerConfigurations": [trigger("a", "x"), trigger("a", "y"), {"triggerName": "b", "triggerTargetArn":
                    "arn:aws:sns:us-east-1:123456789012:z"}]}),
            "InvalidTriggerConfig: Topic ARN arn:aws:sns:us-east-1:123456789012:z is not valid",
        ),
        (
            json!({"triggerConfigurations": [{"triggerName": "a", "triggerTargetArn": "arn:aws:sns"}]}),
            "InvalidTriggerConfig: Topic ARN arn:aws:sns is not valid",
        ),
        (json!({"alarmConfiguration": {"enabled": true}}), "InvalidAlarmConfig: Alarm list cannot be null."),
        (
            json!({"alarmConfiguration": {"enabled": true, "alarms": []}}),
            "InvalidAlarmConfig: Deployment Groups need to have at least one alarms attached if they are monitored.",
        ),
        (
            json!({"autoRollbackConfiguration": {"enabled": true}}),
            "InvalidAutoRollbackConfig: Deployment Groups need to have at least one event specified when auto \
             rollback is enabled",
        ),
        (
            json!({"ec2TagFilters": [filter("KEY_ONLY", "a", "")], "ec2TagSet": set}),
            "InvalidEC2TagCombination: The request specified both Ec2TagFilters and Ec2TagSet, but only one of \
             these data types can be used in a single call. Remove one tag specification type, and then try again.",
        ),
        (
            json!({"ec2TagSet": four}),
            "TagSetListLimitExceeded: A tag set cannot contain more than 3 tag groups",
        ),
        (
            json!({"ecsServices": [{"serviceName": "s", "clusterName": "c"}]}),
            "InvalidECSService: Server Deployment Groups should not define a value for ecsServices, eksClusters, \
             or targetGroupPairInfoList",
        ),
        (
            json!({"loadBalancerInfo": {"elbInfoList": []}}),
            "InvalidLoadBalancerInfo: ELB information has to contain at least 1 ELB.",
        ),
    ];
    for (more, expected) in cases {
        api.refused("CreateDeploymentGroup", &with(&group(), &more), expected);
    }
}

/// semantics.md, 7.1: InvalidDeploymentStyle, InvalidLoadBalancerInfo, InvalidBlueGreenDeploymentConfiguration
#[test]
fn style_and_blue_green_are_checked_against_the_whole() {
    let api = Api::new();
    let style =
        |kind, option| json!({"deploymentStyle": {"deploymentType": kind, "deploymentOption": option}});
    let block = |ready: Value, wait: i32| {
        json!({"blueGreenDeploymentConfiguration": {
            "deploymentReadyOption": ready,
            "terminateBlueInstancesOnDeploymentSuccess": {"action": "TERMINATE", "terminationWaitTimeInMinutes": wait},
        }})
    };
    let cases = [
        (
            style("IN_PLACE", "WITH_TRAFFIC_CONTROL"),
            "InvalidLoadBalancerInfo: The specification for load balancing in the deployment group is invalid. The \
             deploymentOption value is set to WITH_TRAFFIC_CONTROL, but no load balancer or target group has been \
             specified in loadBalancerInfo.",
        ),
        (
            style("BLUE_GREEN", "WITHOUT_TRAFFIC_CONTROL"),
            "InvalidDeploymentStyle: BLUE_GREEN deployment type not supported with WITHOUT_TRAFFIC_CONTROL option",
        ),
        (
            style("IN_PLACE", "SOMETIMES"),
            "InvalidDeploymentStyle: Deployment option can only be WITH_TRAFFIC_CONTROL or WITHOUT_TRAFFIC_CONTROL",
        ),
        (
            json!({"deploymentStyle": {"deploymentType": "IN_PLACE"}}),
            "InvalidDeploymentStyle: Deployment type or deployment option cannot be null or empty",
        ),
        (
            json!({"blueGreenDeploymentConfiguration": {}}),
            "InvalidBlueGreenDeploymentConfiguration: Deployment ready option cannot be null for blue green deployment",
        ),
        (
            block(json!({"actionOnTimeout": "CONTINUE_DEPLOYMENT", "waitTimeInMinutes": 5}), 5),
            "InvalidBlueGreenDeploymentConfiguration: Deployment ready action cannot be set to \
             'CONTINUE_DEPLOYMENT' when timeout is specified",
        ),
        (
            block(json!({"actionOnTimeout": "STOP_DEPLOYMENT"}), 5),
            "InvalidBlueGreenDeploymentConfiguration: Deployment ready action cannot be set to STOP_DEPLOYMENT when \
             timeout is set to 0 minutes.",
        ),
        (
            block(json!({"actionOnTimeout": "STOP_DEPLOYMENT", "waitTimeInMinutes": 2881}), 5),
            "InvalidBlueGreenDeploymentConfiguration: Timeout for deployment ready cannot be more than 48 hours",
        ),
        (
            block(json!({"actionOnTimeout": "CONTINUE_DEPLOYMENT"}), -5),
            "InvalidBlueGreenDeploymentConfiguration: Timeout for instance termination cannot be negative",
        ),
        (
            block(json!({"actionOnTimeout": "CONTINUE_DEPLOYMENT"}), 2881),
            "InvalidBlueGreenDeploymentConfiguration: Timeout for instance termination cannot be more than 2 days",
        ),
    ];
    for (more, expected) in cases {
        api.refused("CreateDeploymentGroup", &with(&group(), &more), expected);
    }
    let accepted = block(json!({"actionOnTimeout": "CONTINUE_DEPLOYMENT", "waitTimeInMinutes": 0}), 2880);
    api.ok("CreateDeploymentGroup", &with(&group(), &accepted));
}
