//! Limits to the brim: what is at a limit is taken, one more is not.
//!
//! Source of the numbers: AWS user guide, "CodeDeploy quotas"; where they differ, the service's own words.

use serde_json::{Value, json};

use super::platforms::ecs;
use super::{Api, ROLE, with};

fn group(more: &Value) -> Value {
    let base = json!({"applicationName": "shop", "deploymentGroupName": "new", "serviceRoleArn": ROLE});
    with(&base, more)
}

fn many(count: usize, make: impl Fn(usize) -> Value) -> Value {
    (0..count).map(make).collect()
}

/// A limit, the settings of a deployment group that come so far, and what is said of one more.
type Limit = (usize, Box<dyn Fn(usize) -> Value>, &'static str);

/// So many of something, or something so long.
fn group_limits() -> Vec<Limit> {
    let filter = |n: usize| json!({"Type": "KEY_ONLY", "Key": n.to_string()});
    let tags = "InvalidEC2Tag: A deployment group cannot have more than 10 tag filters.";
    let balancers = "InvalidLoadBalancerInfo: A deployment group cannot have more than 10 load balancers or target groups.";
    let named = |n: usize| json!({"name": n.to_string()});
    let alarms = |alarms: Value| json!({"alarmConfiguration": {"enabled": true, "alarms": alarms}});
    vec![
        (10, Box::new(move |n| json!({"ec2TagFilters": many(n, filter)})), tags),
        (
            10,
            Box::new(move |n| {
                let set = json!([many(5, filter), many(n - 5, filter)]);
                json!({"ec2TagSet": {"ec2TagSetList": set}})
            }),
            tags,
        ),
        // The service's message is empty.
        (10, Box::new(move |n| json!({"onPremisesInstanceTagFilters": many(n, filter)})), "InvalidTag: "),
        (
            3,
            Box::new(
                move |n| json!({"onPremisesTagSet": {"onPremisesTagSetList": many(n, |n| json!([filter(n)]))}}),
            ),
            "TagSetListLimitExceeded: A tag set cannot contain more than 3 tag groups",
        ),
        (
            50,
            Box::new(move |n| alarms(many(n, named))),
            "AlarmsLimitExceeded: Deployment Groups cannot contain more than 50 alarms.",
        ),
        (
            255,
            Box::new(move |n| alarms(json!([{"name": "a".repeat(n)}]))),
            "InvalidAlarmConfig: An alarm name must be 1 to 255 characters long.",
        ),
        (10, Box::new(move |n| json!({"loadBalancerInfo": {"elbInfoList": many(n, named)}})), balancers),
        (
            10,
            Box::new(move |n| json!({"loadBalancerInfo": {"targetGroupInfoList": many(n, named)}})),
            balancers,
        ),
        (
            32,
            Box::new(|n| json!({"loadBalancerInfo": {"targetGroupInfoList": [{"name": "g".repeat(n)}]}})),
            "InvalidLoadBalancerInfo: The target group name ggggggggggggggggggggggggggggggggg specified in \
             targetGroupInfoList exceeds the maximum allowed length of 32 characters.",
        ),
        (
            10,
            Box::new(|n| {
                let topic = |n: usize| {
                    let arn = format!("arn:aws:sns:eu-west-1:123456789012:{n}");
                    json!({"triggerName": n.to_string(), "triggerTargetArn": arn})
                };
                json!({"triggerConfigurations": many(n, topic)})
            }),
            "TriggerTargetsLimitExceeded: Deployment Groups cannot contain more than 10 TriggerTargets.",
        ),
        (
            50,
            Box::new(|n| json!({"tags": many(n, |n| json!({"Key": n.to_string()}))})),
            "InvalidTagsToAdd: The maximum number of tags for a resource is 50",
        ),
        (
            128,
            Box::new(|n| json!({"tags": [{"Key": "k".repeat(n)}]})),
            "InvalidTagsToAdd: A tag key must be 1 to 128 characters long",
        ),
        (
            256,
            Box::new(|n| json!({"tags": [{"Key": "k", "Value": "v".repeat(n)}]})),
            "InvalidTagsToAdd: A tag value must be no more than 256 characters long",
        ),
    ]
}

#[test]
fn of_a_group() {
    for (limit, more, refused) in group_limits() {
        let api = Api::new();
        api.refused("CreateDeploymentGroup", &group(&more(limit + 1)), refused);
        api.ok("CreateDeploymentGroup", &group(&more(limit)));
    }
}

#[test]
fn of_an_ecs_group() {
    let api = Api::new();
    api.ok("CreateApplication", &json!({"applicationName": "ecs", "computePlatform": "ECS"}));
    let route = |listeners: usize| json!({"listenerArns": many(listeners, |n| json!(format!("arn:{n}")))});
    let pair = |listeners: usize, tested: usize| {
        json!({"targetGroups": [{"name": "blue"}, {"name": "green"}], "prodTrafficRoute": route(listeners),
               "testTrafficRoute": route(tested)})
    };
    let pairs = |pairs: Value| json!({"loadBalancerInfo": {"targetGroupPairInfoList": pairs}});
    let ready = |minutes: i32| {
        json!({"blueGreenDeploymentConfiguration": {
            "deploymentReadyOption": {"actionOnTimeout": "STOP_DEPLOYMENT", "waitTimeInMinutes": minutes},
            "terminateBlueInstancesOnDeploymentSuccess": {"action": "TERMINATE", "terminationWaitTimeInMinutes": 2880},
        }})
    };
    let routing = |which: &str| {
        format!(
            "InvalidTrafficRoutingConfiguration: {which} traffic route must have exactly one listener Arn"
        )
    };
    let cases = [
        (
            pairs(json!([pair(1, 1), pair(1, 1)])),
            "InvalidTargetGroupPair: For ECS deployment group, exactly one target group pair must be specified"
                .to_owned(),
        ),
        (pairs(json!([pair(2, 1)])), routing("Production")),
        (pairs(json!([pair(1, 2)])), routing("Test")),
        (
            ready(120 * 60 + 1),
            "InvalidBlueGreenDeploymentConfiguration: Timeout for deployment ready cannot be more than 120 hours"
                .to_owned(),
        ),
    ];
    for (more, refused) in cases {
        api.refused("CreateDeploymentGroup", &ecs(&more), &refused);
    }
    api.ok("CreateDeploymentGroup", &ecs(&with(&pairs(json!([pair(1, 1)])), &ready(120 * 60))));
}

#[test]
fn of_names_and_descriptions() {
    let api = Api::new();
    for length in [100, 101] {
        let name = "n".repeat(length);
        let config =
            json!({"deploymentConfigName": name, "minimumHealthyHosts": {"type": "HOST_COUNT", "value": 1}});
        let calls = [
            ("CreateApplication", json!({"applicationName": name})),
            ("CreateDeploymentGroup", group(&json!({"deploymentGroupName": name}))),
            ("CreateDeploymentConfig", config),
        ];
        for (operation, input) in calls {
            let what = operation.trim_start_matches("Create");
            let answer = api.call(operation, &input).map(drop);
            let refused =
                answer.as_ref().is_err_and(|refusal| refusal.starts_with(&format!("Invalid{what}Name: ")));
            assert_eq!((answer.is_ok(), refused), (length == 100, length > 100), "{answer:?}");
        }
    }
    let register = |length: usize| json!({"applicationName": "shop", "revision": super::revision("a.zip"), "description": "d".repeat(length)});
    api.ok("RegisterApplicationRevision", &register(256));
    let refused = "DescriptionTooLong: The description is longer than 256 characters";
    api.refused("RegisterApplicationRevision", &register(257), refused);
}

#[test]
fn of_an_on_premises_instance() {
    let api = Api::new();
    let register = |length: usize| {
        let user = format!("arn:aws:iam::123456789012:user/{length}");
        json!({"instanceName": "r".repeat(length), "iamUserArn": user})
    };
    api.ok("RegisterOnPremisesInstance", &register(100));
    let refused = format!("InvalidInstanceName: Instance name is not valid: {}", "r".repeat(101));
    api.refused("RegisterOnPremisesInstance", &register(101), &refused);
    let tags = |count: usize| json!({"instanceNames": ["r".repeat(100)], "tags": many(count, |n| json!({"Key": n.to_string()}))});
    api.ok("AddTagsToOnPremisesInstances", &tags(10));
    let refused = api.call("AddTagsToOnPremisesInstances", &tags(11)).unwrap_err();
    let words = "TagLimitExceeded: The maximum number of tags of an on-premises instance is 10: rrr";
    assert!(refused.starts_with(words), "{refused}");
}

#[test]
fn of_a_configuration() {
    let api = Api::new();
    let create =
        |more: Value| with(&json!({"deploymentConfigName": "c", "computePlatform": "Lambda"}), &more);
    let canary = |percentage: i32, interval: i32| {
        let canary = json!({"canaryPercentage": percentage, "canaryInterval": interval});
        create(json!({"trafficRoutingConfig": {"type": "TimeBasedCanary", "timeBasedCanary": canary}}))
    };
    let routing = "InvalidTrafficRoutingConfiguration: ";
    let interval = format!("{routing}Canary interval must be between 1 and 2880 minutes (2 days)");
    for (input, refused) in [
        (canary(10, 0), &interval),
        (canary(10, 2881), &interval),
        (canary(0, 1), &format!("{routing}Valid traffic routing percentage is from 1 to 99")),
        (
            create(
                json!({"trafficRoutingConfig": {"type": "AllAtOnce", "timeBasedCanary": {"canaryPercentage": 1}}}),
            ),
            &format!("{routing}TimeBasedCanaryConfiguration should be null for AllAtOnce type"),
        ),
    ] {
        api.refused("CreateDeploymentConfig", &input, refused);
    }
    api.ok("CreateDeploymentConfig", &canary(99, 2880));
    let zonal = |platform: &str, percent: i32| {
        json!({"deploymentConfigName": "z", "computePlatform": platform,
            "minimumHealthyHosts": if platform == "Server" { json!({"type": "HOST_COUNT", "value": 1}) } else { json!(null) },
            "trafficRoutingConfig": if platform == "Server" { json!(null) } else { json!({"type": "AllAtOnce"}) },
            "zonalConfig": {"minimumHealthyHostsPerZone": {"type": "FLEET_PERCENT", "value": percent}}})
    };
    let zones = "InvalidZonalDeploymentConfiguration: ";
    let only = format!("{zones}Zonal deployments are only supported with EC2 deployments.");
    api.refused("CreateDeploymentConfig", &zonal("ECS", 0), &only);
    let percent = format!(
        "{zones}The value of the 'Minimum health hosts per zone' setting when configured with a 'Type' value of \
         'FLEET_PERCENT' must be positive and less than 100."
    );
    api.refused("CreateDeploymentConfig", &zonal("Server", 100), &percent);
    api.ok("CreateDeploymentConfig", &zonal("Server", 0));
}

#[test]
fn of_an_account() {
    let api = Api::new();
    for n in 0..998 {
        api.ok("CreateApplication", &json!({"applicationName": format!("a{n}")}));
    }
    let refused = "ApplicationLimitExceeded: The maximum number of applications is 1000";
    api.refused("CreateApplication", &json!({"applicationName": "more"}), refused);
    for n in 0..999 {
        api.ok("CreateDeploymentGroup", &group(&json!({"deploymentGroupName": format!("g{n}")})));
    }
    let refused =
        "DeploymentGroupLimitExceeded: The maximum number of deployment groups in an application is 1000";
    api.refused("CreateDeploymentGroup", &group(&json!({})), refused);
    let config = |n: usize| json!({"deploymentConfigName": format!("c{n}"), "minimumHealthyHosts": {"type": "HOST_COUNT", "value": 1}});
    for n in 0..50 {
        api.ok("CreateDeploymentConfig", &config(n));
    }
    let refused =
        "DeploymentConfigLimitExceeded: The maximum number of custom deployment configurations is 50";
    api.refused("CreateDeploymentConfig", &config(50), refused);
}
