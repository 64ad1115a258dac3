//! What the account has beside CodeDeploy: Auto Scaling groups, topics, GitHub accounts, load balancers; and its limits.

use serde_json::{Value, json};

use super::platforms::ecs;
use super::{Api, REGION, ROLE, deployment, revision, with};
use crate::model::{Creator, DeploymentStatus, TargetStatus};
use crate::sandbox::fleet::{Instance, Kind};
use crate::sandbox::store::{Fact, HostChange};

fn group(more: &Value) -> Value {
    let base = json!({"applicationName": "shop", "deploymentGroupName": "new", "serviceRoleArn": ROLE});
    with(&base, more)
}

fn update(more: &Value) -> Value {
    with(&json!({"applicationName": "shop", "currentDeploymentGroupName": "new"}), more)
}

fn scaled(names: &[&str]) -> Value {
    json!({"autoScalingGroups": names})
}

fn no_group(name: &str) -> String {
    format!(
        "InvalidAutoScalingGroup: The Auto Scaling group {name} does not exist. Cause: The fleet of the sandbox has \
         no such group."
    )
}

#[test]
fn an_auto_scaling_group_is_there() {
    let api = Api::new();
    api.refused("CreateDeploymentGroup", &group(&scaled(&["pool", "nix"])), &no_group("nix"));
    api.ok("CreateDeploymentGroup", &group(&scaled(&["pool"])));
    api.refused("UpdateDeploymentGroup", &update(&scaled(&["nix"])), &no_group("nix"));
    let many: Vec<String> = (0..11).map(|n| format!("pool-{n}")).collect();
    api.declare(&format!("auto_scaling_groups: [{}]", many.join(", ")));
    api.refused(
        "UpdateDeploymentGroup",
        &update(&json!({"autoScalingGroups": many})),
        "InvalidAutoScalingGroup: Deployment Groups cannot contain more than 10 Auto Scaling groups",
    );
    api.ok("UpdateDeploymentGroup", &update(&json!({"autoScalingGroups": many[..10]})));
    api.declare("instances: [{id: i-00000001, auto_scaling_group: one}]");
    api.ok("UpdateDeploymentGroup", &update(&scaled(&["one"])));
}

#[test]
fn what_a_deployment_group_has_stays_though_the_fleet_file_forgot_it() {
    let api = Api::new();
    api.ok("CreateDeploymentGroup", &group(&scaled(&["pool"])));
    api.declare("");
    api.ok("UpdateDeploymentGroup", &update(&json!({"outdatedInstancesStrategy": "IGNORE"})));
    api.ok("UpdateDeploymentGroup", &update(&scaled(&["pool"])));
    api.ok("UpdateDeploymentGroup", &update(&scaled(&[])));
    api.refused("UpdateDeploymentGroup", &update(&scaled(&["pool"])), &no_group("pool"));
}

#[test]
fn an_auto_scaling_group_that_launched_instances_is_there_where_it_did() {
    let api = Api::new();
    let launch = |region: Option<&str>, name: &str| {
        let mut instance = Instance::named("i-00000001", Kind::Simulated);
        instance.auto_scaling_group = Some(name.to_owned());
        let change = HostChange::Launched(region.map(ToOwned::to_owned), vec![instance]);
        api.shared.world().host_changes.push(change);
    };
    launch(Some(REGION), "CodeDeploy_prod_d-AAAAAAAAA");
    launch(None, "early");
    launch(Some("us-east-1"), "elsewhere");
    api.refused("CreateDeploymentGroup", &group(&scaled(&["elsewhere"])), &no_group("elsewhere"));
    api.ok("CreateDeploymentGroup", &group(&scaled(&["CodeDeploy_prod_d-AAAAAAAAA", "early"])));
}

#[test]
fn an_auto_scaling_group_takes_fifty_hooks() {
    let api = Api::new();
    let named = |n: usize, more: &Value| with(&group(more), &json!({"deploymentGroupName": format!("g{n}")}));
    for n in 0..49 {
        api.ok("CreateDeploymentGroup", &named(n, &scaled(&["pool"])));
    }
    let words =
        "LifecycleHookLimitExceeded: The Auto Scaling group pool cannot have more than 50 lifecycle hooks";
    let both = with(&scaled(&["pool"]), &json!({"terminationHookEnabled": true}));
    api.refused("CreateDeploymentGroup", &named(49, &both), words);
    api.ok("CreateDeploymentGroup", &named(49, &scaled(&["pool"])));
    let last = json!({"applicationName": "shop", "currentDeploymentGroupName": "g49"});
    api.ok("UpdateDeploymentGroup", &with(&last, &scaled(&["pool", "more"])));
    api.refused("UpdateDeploymentGroup", &with(&last, &json!({"terminationHookEnabled": true})), words);
    api.refused("CreateDeploymentGroup", &named(50, &scaled(&["pool"])), words);
    api.ok("CreateDeploymentGroup", &named(50, &scaled(&["more"])));
}

#[test]
fn a_deployment_names_auto_scaling_groups_that_are_there() {
    let api = Api::new();
    let style = json!({"deploymentStyle": {"deploymentType": "BLUE_GREEN", "deploymentOption": "WITH_TRAFFIC_CONTROL"},
        "loadBalancerInfo": {"targetGroupInfoList": [{"name": "web"}]}});
    api.ok("CreateDeploymentGroup", &group(&style));
    let create = |names: &[&str]| {
        let target = json!({"deploymentGroupName": "new", "targetInstances": {"autoScalingGroups": names}});
        with(&deployment(), &target)
    };
    api.refused("CreateDeployment", &create(&["web", "nix"]), &no_group("nix"));
    api.ok("CreateDeployment", &create(&["web"]));
}

#[test]
fn topics_are_looked_up_where_there_is_a_list_of_them() {
    let api = Api::new();
    let triggers = |arns: &[&str]| {
        let trigger = |arn: &&str| json!({"triggerName": "t", "triggerTargetArn": arn});
        json!({"triggerConfigurations": arns.iter().map(trigger).collect::<Vec<_>>()})
    };
    let arn = |account: &str, name: &str| format!("arn:aws:sns:{REGION}:{account}:{name}");
    let (there, missing) = (arn("123456789012", "there"), arn("123456789012", "missing"));
    let foreign = arn("000000000000", "there");
    api.ok("CreateDeploymentGroup", &group(&triggers(&[&foreign])));
    api.declare("topics: [there]");
    api.ok("UpdateDeploymentGroup", &update(&triggers(&[&there])));
    for arn in [&missing, &foreign] {
        // Before anything else about triggers: both have the same name.
        api.refused(
            "UpdateDeploymentGroup",
            &update(&triggers(&[&there, arn])),
            &format!("InvalidTriggerConfig: Topic ARN {arn} does not exist due to: Topic does not exist"),
        );
    }
    api.declare("topics: []");
    let words =
        format!("InvalidTriggerConfig: Topic ARN {there} does not exist due to: Topic does not exist");
    api.refused("UpdateDeploymentGroup", &update(&triggers(&[&there])), &words);
}

fn from_git_hub() -> Value {
    let commit = json!({"repository": "me/site", "commitId": "0123456789abcdef0123456789abcdef01234567"});
    with(&deployment(), &json!({"revision": {"revisionType": "GitHub", "gitHubLocation": commit}}))
}

#[test]
fn a_revision_on_git_hub_needs_a_connected_account() {
    let api = Api::new();
    let refused = "InvalidGitHubAccountToken: The GitHub token is not valid.";
    api.refused("CreateDeployment", &from_git_hub(), refused);
    api.declare("git_hub_accounts: [one, two]");
    api.ok("DeleteGitHubAccountToken", &json!({"tokenName": "one"}));
    api.ok("CreateDeployment", &from_git_hub());
    api.ok("DeleteGitHubAccountToken", &json!({"tokenName": "two"}));
    api.ok("CreateDeploymentGroup", &group(&json!({})));
    let create = with(&from_git_hub(), &json!({"deploymentGroupName": "new"}));
    api.refused("CreateDeployment", &create, refused);
}

/// A restart does not undo what somebody did.
#[test]
fn a_token_that_somebody_deleted_stays_deleted() {
    let api = Api::new();
    let fleet = "git_hub_accounts: [one, two]";
    api.declare(fleet);
    api.ok("DeleteGitHubAccountToken", &json!({"tokenName": "one"}));
    api.declare(fleet);
    let names = api.ok("ListGitHubAccountTokenNames", &json!({}))["tokenNameList"].take();
    assert_eq!(names, json!(["two"]));
    assert_eq!(api.shared.world().regions[REGION].git_hub_disconnected.get("one"), Some(&Fact));
}

#[test]
fn behind_a_network_load_balancer_traffic_moves_all_at_once() {
    let api = Api::new();
    api.ok("CreateApplication", &json!({"applicationName": "ecs", "computePlatform": "ECS"}));
    let config = |name: &str| json!({"deploymentConfigName": name});
    let routing = json!({"deploymentConfigName": "mine", "computePlatform": "ECS",
        "trafficRoutingConfig": {"type": "AllAtOnce"}});
    api.ok("CreateDeploymentConfig", &routing);
    let network = json!({"ecsServices": [{"serviceName": "tcp", "clusterName": "main"}]});
    let gradual = config("CodeDeployDefault.ECSCanary10Percent5Minutes");
    let words = "InvalidTrafficRoutingConfiguration: Only ALB supports gradual traffic routing, use AllAtOnce Traffic \
                 routing instead when you create/update Deployment group.";
    api.refused("CreateDeploymentGroup", &ecs(&with(&network, &gradual)), words);
    api.ok("CreateDeploymentGroup", &ecs(&network));
    let of = json!({"applicationName": "ecs", "currentDeploymentGroupName": "g"});
    api.refused("UpdateDeploymentGroup", &with(&of, &gradual), words);
    api.ok("UpdateDeploymentGroup", &with(&of, &config("mine")));
    let create = json!({"applicationName": "ecs", "deploymentGroupName": "g",
        "revision": {"revisionType": "S3", "s3Location": {"bucket": "b", "key": "k", "bundleType": "YAML"}}});
    api.refused("CreateDeployment", &with(&create, &gradual), words);
    api.ok("CreateDeployment", &create);
    // A group of another load balancer's service becomes one of this one's.
    let web = with(&ecs(&gradual), &json!({"deploymentGroupName": "web"}));
    api.ok("CreateDeploymentGroup", &web);
    api.ok("DeleteDeploymentGroup", &json!({"applicationName": "ecs", "deploymentGroupName": "g"}));
    let of = json!({"applicationName": "ecs", "currentDeploymentGroupName": "web"});
    api.refused("UpdateDeploymentGroup", &with(&of, &network), words);
}

#[test]
fn an_account_has_so_many_deployments_at_a_time() {
    let api = Api::new();
    api.declare("deployment_quota: 2");
    let named = |name: &str| json!({"deploymentGroupName": name});
    for name in ["one", "two"] {
        api.ok("CreateDeploymentGroup", &with(&group(&json!({})), &named(name)));
    }
    let first = api.deploy();
    let create = |name: &str| with(&deployment(), &named(name));
    // A group's own limit comes first.
    let busy = format!(
        "DeploymentLimitExceeded: The Deployment Group 'prod' already has an active Deployment '{first}'"
    );
    let second = api.ok("CreateDeployment", &create("one"))["deploymentId"].as_str().unwrap().to_owned();
    api.refused("CreateDeployment", &create("prod"), &busy);
    let words = "DeploymentLimitExceeded: The maximum number of concurrent deployments in an account is 2";
    api.refused("CreateDeployment", &create("two"), words);
    let end = |id: &str, creator: Creator, application: &str, host: &str| {
        let mut world = api.shared.world();
        let deployment = world.regions.get_mut(REGION).unwrap().deployments.get_mut(id).unwrap();
        application.clone_into(&mut deployment.application);
        deployment.creator = creator;
        deployment.targets = vec![super::read_back::target(host, TargetStatus::Pending)].into();
    };
    // Both are of one launch: the instance counts once for its application, and once more for another.
    end(&first, Creator::AutoScaling, "shop", "i-1");
    end(&second, Creator::AutoScaling, "other", "i-1");
    api.refused("CreateDeployment", &create("two"), words);
    end(&second, Creator::AutoScaling, "shop", "i-2");
    api.refused("CreateDeployment", &create("two"), words);
    end(&second, Creator::AutoScaling, "shop", "i-1");
    api.ok("CreateDeployment", &create("two"));
}

/// AWS's own limit, which ended deployments do not count for.
#[test]
fn without_a_quota_it_is_awss() {
    let api = Api::new();
    let id = api.deploy();
    let mut world = api.shared.world();
    let region = world.regions.get_mut(REGION).unwrap();
    let text = serde_json::to_string(&region.deployments[&id]).unwrap();
    for n in 1..1_300 {
        let mut copy: crate::sandbox::store::Deployment = serde_json::from_str(&text).unwrap();
        copy.id = format!("d-{n:09}");
        region.enter(copy);
    }
    drop(world);
    api.ok("CreateDeploymentGroup", &group(&json!({})));
    let create =
        with(&deployment(), &json!({"deploymentGroupName": "new", "revision": revision("site.zip")}));
    let words = "DeploymentLimitExceeded: The maximum number of concurrent deployments in an account is 1300";
    api.refused("CreateDeployment", &create, words);
    let mut world = api.shared.world();
    let last = world.regions.get_mut(REGION).unwrap().deployments.get_mut("d-000000001").unwrap();
    last.status = DeploymentStatus::Succeeded;
    drop(world);
    api.ok("CreateDeployment", &create);
}
