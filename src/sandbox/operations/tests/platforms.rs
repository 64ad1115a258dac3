//! Groups and deployments of every platform: what each accepts, and the service's words where it does not.

use serde_json::{Value, json};

use super::{Api, REGION, ROLE, revision, with};
use crate::model::DeploymentStatus;

const APPSPEC: &str = "version: 0.0\nResources: []\n";
const SUM: &str = "fd4e3c0eeed9a3c0d6a4a4b7ed9a3e4c5b8f5a9b0dfd6a0b7c0a6b9d2c5a1e0f";

fn group(application: &str, more: &Value) -> Value {
    let style = json!({"deploymentType": "BLUE_GREEN", "deploymentOption": "WITH_TRAFFIC_CONTROL"});
    let base = json!({"applicationName": application, "deploymentGroupName": "g", "serviceRoleArn": ROLE,
                      "deploymentStyle": style});
    with(&base, more)
}

fn lambda(more: &Value) -> Value {
    let config = json!({"deploymentConfigName": "CodeDeployDefault.LambdaAllAtOnce"});
    group("fn", &with(&config, more))
}

pub(super) fn ecs(more: &Value) -> Value {
    let route = |arn: &str| json!({"listenerArns": [arn]});
    let pair =
        json!({"targetGroups": [{"name": "blue"}, {"name": "green"}], "prodTrafficRoute": route("arn:p")});
    let whole = json!({
        "deploymentConfigName": "CodeDeployDefault.ECSAllAtOnce",
        "ecsServices": [{"serviceName": "web", "clusterName": "main"}],
        "loadBalancerInfo": {"targetGroupPairInfoList": [with(&pair, &json!({"testTrafficRoute": route("arn:t")}))]},
        "blueGreenDeploymentConfiguration": {
            "deploymentReadyOption": {"actionOnTimeout": "CONTINUE_DEPLOYMENT", "waitTimeInMinutes": 0},
            "terminateBlueInstancesOnDeploymentSuccess": {"action": "TERMINATE", "terminationWaitTimeInMinutes": 5},
        },
    });
    group("ecs", &with(&whole, more))
}

/// With the application `ecs` beside those of [`Api::new`].
fn api() -> Api {
    let api = Api::new();
    api.ok("CreateApplication", &json!({"applicationName": "ecs", "computePlatform": "ECS"}));
    api
}

fn without(mut value: Value, member: &str) -> Value {
    value.as_object_mut().unwrap().remove(member).unwrap();
    value
}

#[test]
fn a_group_may_not_have_what_its_platform_lacks() {
    let api = api();
    let filter = json!([{"Type": "KEY_ONLY", "Key": "a"}]);
    let style = "the deployment type must be BLUE_GREEN, and deployment option must be WITH_TRAFFIC_CONTROL.";
    let pair = |pair: Value| json!({"loadBalancerInfo": {"targetGroupPairInfoList": [pair]}});
    let two = json!([{"name": "a"}, {"name": "b"}]);
    let block = |more: &Value| {
        let ready = json!({"actionOnTimeout": "CONTINUE_DEPLOYMENT"});
        let base = json!({"deploymentReadyOption": ready, "terminateBlueInstancesOnDeploymentSuccess": {}});
        json!({"blueGreenDeploymentConfiguration": with(&base, more)})
    };
    let cases = [
        (
            without(lambda(&json!({})), "deploymentConfigName"),
            "InvalidInput: Compute platform of deployment config CodeDeployDefault.OneAtATime does not match expected \
             compute platform, correct compute platform should be Lambda.",
        ),
        (
            without(lambda(&json!({})), "deploymentStyle"),
            &format!("InvalidDeploymentStyle: For LAMBDA deployment, {style}"),
        ),
        (
            ecs(
                &json!({"deploymentStyle": {"deploymentType": "IN_PLACE", "deploymentOption": "WITH_TRAFFIC_CONTROL"}}),
            ),
            &format!("InvalidDeploymentStyle: For ECS deployment, {style}"),
        ),
        (
            lambda(&json!({"ec2TagFilters": filter})),
            "InvalidEC2Tag: For Lambda deployment group, ec2TagFilters can not be specified",
        ),
        (
            lambda(&json!({"onPremisesInstanceTagFilters": filter})),
            "InvalidTag: For Lambda deployment group, onPremisesInstanceTagFilters can not be specified",
        ),
        (
            ecs(&json!({"autoScalingGroups": ["a"]})),
            "InvalidAutoScalingGroup: For ECS deployment group, autoScalingGroups can not be specified",
        ),
        (
            lambda(&json!({"blueGreenDeploymentConfiguration": {}})),
            "InvalidBlueGreenDeploymentConfiguration: For Lambda deployment group, \
             blueGreenDeploymentConfiguration can not be specified",
        ),
        (
            without(ecs(&json!({})), "blueGreenDeploymentConfiguration"),
            "InvalidBlueGreenDeploymentConfiguration: For ECS deployment group, blueGreenDeploymentConfiguration must \
             be specified",
        ),
        (
            ecs(&block(&json!({"terminateBlueInstancesOnDeploymentSuccess": {"action": "KEEP_ALIVE"}}))),
            "InvalidBlueGreenDeploymentConfiguration: For ECS deployment group, blue instances can not be kept alive",
        ),
        (
            without(ecs(&json!({})), "loadBalancerInfo"),
            "InvalidLoadBalancerInfo: For ECS deployment group, loadBalancerInfo must be specified",
        ),
        (
            ecs(&json!({"loadBalancerInfo": {"elbInfoList": [{"name": "a"}]}})),
            "InvalidLoadBalancerInfo: For ECS deployment group, loadBalancerInfo must not contain elbInfo list",
        ),
        (
            ecs(&json!({"loadBalancerInfo": {"targetGroupInfoList": [{"name": "a"}]}})),
            "InvalidLoadBalancerInfo: For ECS deployment group, loadBalancerInfo must not contain targetGroupInfo list",
        ),
        (
            ecs(&json!({"ecsServices": []})),
            "InvalidECSService: For ECS deployment group, exactly one ECS service with its cluster must be specified",
        ),
        (
            ecs(&json!({"loadBalancerInfo": {}})),
            "InvalidTargetGroupPair: For ECS deployment group, exactly one target group pair must be specified",
        ),
        (
            ecs(&pair(json!({"targetGroups": [{"name": "a"}]}))),
            "InvalidTargetGroupPair: A target group pair must have two target groups",
        ),
        (
            ecs(&pair(json!({"targetGroups": two}))),
            "InvalidTrafficRoutingConfiguration: Production traffic route must have exactly one listener Arn",
        ),
    ];
    for (input, expected) in cases {
        api.refused("CreateDeploymentGroup", &input, expected);
    }
}

#[test]
fn a_group_reads_back_as_its_platforms() {
    let api = api();
    for (application, input, platform) in
        [("fn", lambda(&json!({})), "Lambda"), ("ecs", ecs(&json!({})), "ECS")]
    {
        api.ok("CreateDeploymentGroup", &input);
        let of = json!({"applicationName": application, "deploymentGroupName": "g"});
        let info = api.ok("GetDeploymentGroup", &of)["deploymentGroupInfo"].take();
        assert_eq!(info["computePlatform"], platform);
        for (member, value) in input.as_object().unwrap() {
            assert_eq!(info[member], *value, "{member}");
        }
    }
    let other = with(&ecs(&json!({})), &json!({"deploymentGroupName": "other"}));
    let taken = "ECSServiceMappingLimitExceeded: The ECS service is already part of the Deployment Group: g";
    api.refused("CreateDeploymentGroup", &other, taken);
    let same = json!({"applicationName": "ecs", "currentDeploymentGroupName": "g",
                      "ecsServices": [{"serviceName": "web", "clusterName": "main"}]});
    api.ok("UpdateDeploymentGroup", &same);
}

#[test]
fn an_inline_app_spec_is_its_sum() {
    let api = api();
    api.ok("CreateDeploymentGroup", &lambda(&json!({})));
    let of = json!({"applicationName": "fn", "deploymentGroupName": "g"});
    let spec =
        |content: Value| json!({"revision": {"revisionType": "AppSpecContent", "appSpecContent": content}});
    let unknown = format!("RevisionDoesNotExist: No revision found for: {SUM}");
    api.refused("CreateDeployment", &with(&of, &spec(json!({"sha256": SUM}))), &unknown);
    let wrong = spec(json!({"content": APPSPEC, "sha256": SUM}));
    let refusal = "InvalidRevision: The SHA-256 hash of the AppSpec content does not match";
    api.refused("CreateDeployment", &with(&of, &wrong), refusal);
    let register = with(&json!({"applicationName": "fn"}), &spec(json!({"sha256": SUM})));
    api.refused(
        "RegisterApplicationRevision",
        &register,
        "InvalidRevision: AppSpec content must be specified",
    );

    let created = api.ok("CreateDeployment", &with(&of, &spec(json!({"content": APPSPEC}))));
    let id = &created["deploymentId"];
    let shown = api.ok("GetDeployment", &json!({"deploymentId": id}))["deploymentInfo"]["revision"].take();
    let sum = shown["appSpecContent"]["sha256"].clone();
    assert_eq!(shown["appSpecContent"], json!({"sha256": sum}));
    let asked = with(&json!({"applicationName": "fn"}), &spec(json!({"sha256": sum})));
    let stored = api.ok("GetApplicationRevision", &asked)["revision"]["appSpecContent"].take();
    assert_eq!(stored, json!({"content": APPSPEC, "sha256": sum}));

    let mut world = api.shared.world();
    let deployments = &mut world.regions.get_mut(REGION).unwrap().deployments;
    deployments.get_mut(id.as_str().unwrap()).unwrap().status = DeploymentStatus::Succeeded;
    drop(world);
    let again = api.ok("CreateDeployment", &with(&of, &spec(json!({"sha256": sum}))));
    let world = api.shared.world();
    let deployment = &world.regions[REGION].deployments[again["deploymentId"].as_str().unwrap()];
    assert_eq!(
        deployment.revision["appSpecContent"]["content"], APPSPEC,
        "the engine gets what was registered"
    );
}

#[test]
fn a_deployment_may_not_ask_for_what_its_platform_lacks() {
    let api = api();
    api.ok("CreateDeploymentGroup", &ecs(&json!({})));
    let of = json!({"applicationName": "ecs", "deploymentGroupName": "g",
        "revision": {"revisionType": "S3", "s3Location": {"bucket": "b", "key": "k", "bundleType": "YAML"}}});
    let cases = [
        (
            json!({"fileExistsBehavior": "OVERWRITE"}),
            "InvalidFileExistsBehavior: For Lambda, ECS and Kubernetes deployment, fileExistsBehavior can not be specified",
        ),
        (
            json!({"ignoreApplicationStopFailures": true}),
            "InvalidIgnoreApplicationStopFailuresValue: For ECS deployment, ignoreApplicationStopFailures can not be \
             specified",
        ),
        (
            json!({"updateOutdatedInstancesOnly": true}),
            "InvalidUpdateOutdatedInstancesOnlyValue: For ECS deployment, updateOutdatedInstancesOnly can not be specified",
        ),
        (
            json!({"targetInstances": {"autoScalingGroups": ["a"]}}),
            "InvalidTargetInstances: Target instances can only be specified for blue/green deployments",
        ),
        (
            json!({"deploymentMode": "RESTART"}),
            "InvalidInput: Deployment mode RESTART is only supported for EC2/on-premises deployments",
        ),
        (
            json!({"revision": revision("site.zip")}),
            "InvalidRevision: BundleType must be either YAML or JSON",
        ),
        (
            json!({"deploymentConfigName": "CodeDeployDefault.OneAtATime"}),
            "InvalidInput: Compute platform of deployment config CodeDeployDefault.OneAtATime does not match expected \
             compute platform, correct compute platform should be ECS.",
        ),
    ];
    for (more, expected) in cases {
        api.refused("CreateDeployment", &with(&of, &more), expected);
    }
    api.ok("CreateDeployment", &of);
}

#[test]
fn blue_green_on_instances_is_told_its_new_ones() {
    let api = api();
    let block = |action: &str| {
        json!({"loadBalancerInfo": {"targetGroupInfoList": [{"name": "web"}]}, "blueGreenDeploymentConfiguration": {
            "deploymentReadyOption": {"actionOnTimeout": "CONTINUE_DEPLOYMENT", "waitTimeInMinutes": 0},
            "terminateBlueInstancesOnDeploymentSuccess": {"action": "KEEP_ALIVE", "terminationWaitTimeInMinutes": 0},
            "greenFleetProvisioningOption": {"action": action}}})
    };
    let copied = with(&block("COPY_AUTO_SCALING_GROUP"), &json!({"autoScalingGroups": ["web"]}));
    let names = |name: &str| json!({"applicationName": "shop", "deploymentGroupName": name});
    api.ok("CreateDeploymentGroup", &with(&group("shop", &block("DISCOVER_EXISTING")), &names("found")));
    api.ok("CreateDeploymentGroup", &with(&group("shop", &copied), &names("copied")));
    let create =
        |name, more: &Value| with(&with(&names(name), &json!({"revision": revision("site.zip")})), more);
    let filters: Vec<Value> = (0..11).map(|n| json!({"Key": n.to_string()})).collect();
    let target = json!({"tagFilters": [{"Type": "KEY_AND_VALUE", "Key": "Fleet", "Value": "green"}]});
    let cases = [
        (create("found", &json!({})), "Target instances must be specified for this deployment group"),
        (
            create("found", &json!({"targetInstances": {}})),
            "Target instances must be specified with tag filters or Auto Scaling groups",
        ),
        (
            create("found", &json!({"targetInstances": {"tagFilters": filters}})),
            "Target instances cannot be specified with more than 10 tag filters",
        ),
        (
            create(
                "found",
                &json!({"targetInstances": {"ec2TagSet": {"ec2TagSetList": [[{"Key": "Fleet", "Value": "green"}],
                    [{"Key": "Fleet", "Value": "nowhere"}]]}}}),
            ),
            "The tag with key 'Fleet' and value 'nowhere' is not applied to any instance",
        ),
        (
            create(
                "found",
                &json!({"targetInstances": {"tagFilters": [{"Type": "KEY_ONLY", "Key": "a", "Value": "b"}]}}),
            ),
            "Values must not be provided for key-only filters.",
        ),
        (
            create(
                "found",
                &json!({"targetInstances": {"tagFilters": [{"Key": "a"}], "ec2TagSet": {"ec2TagSetList": [[{"Key": "a"}]]}}}),
            ),
            "Target instances can only be specified with either tagFilters or ec2TagSet",
        ),
        (
            create("copied", &json!({"targetInstances": target})),
            "Target instances can only be specified for blue/green deployments",
        ),
    ];
    for (input, message) in cases {
        api.refused("CreateDeployment", &input, &format!("InvalidTargetInstances: {message}"));
    }
    api.ok("CreateDeployment", &create("copied", &json!({})));
    let created = api.ok("CreateDeployment", &create("found", &json!({"targetInstances": target})));
    let info =
        api.ok("GetDeployment", &json!({"deploymentId": created["deploymentId"]}))["deploymentInfo"].take();
    assert_eq!(info["targetInstances"], target);
    let block = block("DISCOVER_EXISTING");
    for member in ["loadBalancerInfo", "blueGreenDeploymentConfiguration"] {
        assert_eq!(info[member], block[member]);
    }
}
