//! Ten thousand targets and ten thousand deployments are as quick to ask for as ten.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::read_back::{engine, target};
use super::{Api, REGION, with};
use crate::model::{DeploymentStatus, TargetStatus};

const MANY: usize = 10_000;

/// A sandbox with a running deployment of `count` targets; pages hold ten.
fn with_targets(count: usize) -> (Api, Value) {
    let api = Api::with_pages_of(10);
    api.ok("CreateApplication", &json!({"applicationName": "shop"}));
    let group =
        json!({"applicationName": "shop", "deploymentGroupName": "prod", "serviceRoleArn": super::ROLE});
    api.ok("CreateDeploymentGroup", &group);
    let id = api.deploy();
    engine(&api, &id, |deployment| {
        deployment.status = DeploymentStatus::InProgress;
        deployment.started = Some(super::NOW);
        deployment.targets =
            (0..count).map(|n| target(&format!("i-{n:017x}"), TargetStatus::Pending)).collect();
    });
    (api, json!({"deploymentId": id}))
}

/// The shortest of many runs: what the work itself takes, whatever else the machine does.
#[expect(clippy::disallowed_methods, reason = "speed is what is measured here")]
fn shortest(mut work: impl FnMut()) -> Duration {
    let time = |work: &mut dyn FnMut()| {
        let started = Instant::now();
        work();
        started.elapsed()
    };
    work();
    (0..40).map(|_| time(&mut work)).min().unwrap()
}

/// Fails where `many` takes more than three times as long as `few`.
#[track_caller]
fn as_quick(what: &str, few: impl FnMut(), many: impl FnMut()) {
    let (few, many) = (shortest(few), shortest(many));
    assert!(many < few * 3, "{what}: {few:?} for few, {many:?} for many");
}

#[test]
fn targets() {
    let (few, few_id) = with_targets(10);
    let (many, many_id) = with_targets(MANY);
    let ids = |from: usize| -> Value { (from..from + 10).map(|n| format!("i-{n:017x}")).collect() };
    let (first, last) =
        (with(&few_id, &json!({"targetIds": ids(0)})), with(&many_id, &json!({"targetIds": ids(MANY - 10)})));
    let batch = "BatchGetDeploymentTargets";
    assert_eq!(many.ok(batch, &last)["deploymentTargets"][9]["instanceTarget"]["targetId"], ids(MANY - 1)[0]);
    as_quick(batch, || drop(few.ok(batch, &first)), || drop(many.ok(batch, &last)));
    for operation in ["GetDeployment", "ListDeploymentTargets"] {
        as_quick(operation, || drop(few.ok(operation, &few_id)), || drop(many.ok(operation, &many_id)));
    }
}

#[test]
fn targets_that_come_later_are_found() {
    let (api, id) = with_targets(100);
    let get =
        |n: usize| api.call("GetDeploymentTarget", &with(&id, &json!({"targetId": format!("i-{n:017x}")})));
    assert!(get(99).is_ok());
    assert!(get(100).unwrap_err().starts_with("DeploymentTargetDoesNotExist: "));
    engine(&api, id["deploymentId"].as_str().unwrap(), |deployment| {
        deployment.targets.rotate_left(1);
        deployment.targets.push(target(&format!("i-{:017x}", 100), TargetStatus::Pending));
        deployment.targets.rotate_left(1);
    });
    for n in 0..=100 {
        assert_eq!(get(n).unwrap()["deploymentTarget"]["instanceTarget"]["targetId"], format!("i-{n:017x}"));
    }
    engine(&api, id["deploymentId"].as_str().unwrap(), |deployment| deployment.targets.reverse());
    assert!((0..=100).all(|n| get(n).is_ok()));
}

#[test]
fn deployments() {
    let (few, few_id) = with_targets(10);
    let (many, many_id) = with_targets(10);
    let mut world = many.shared.world();
    let region = world.regions.get_mut(REGION).unwrap();
    let text = serde_json::to_string(&region.deployments[many_id["deploymentId"].as_str().unwrap()]).unwrap();
    let targets: Vec<_> = region.deployments[many_id["deploymentId"].as_str().unwrap()].targets.to_vec();
    for n in 0..MANY {
        let id = format!("d-{n:09}");
        let mut deployment: crate::sandbox::store::Deployment = serde_json::from_str(&text).unwrap();
        deployment.id.clone_from(&id);
        deployment.status = DeploymentStatus::Succeeded;
        deployment.targets = targets.clone().into();
        region.enter(deployment);
    }
    drop(world);
    let get = "GetDeployment";
    as_quick(get, || drop(few.ok(get, &few_id)), || drop(many.ok(get, &many_id)));
    let list = "ListDeployments";
    as_quick(list, || drop(few.ok(list, &json!({}))), || drop(many.ok(list, &json!({}))));
}
