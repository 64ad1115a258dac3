//! ECS deployments: task sets, test listener, waits, and how they end badly.

use super::*;
use crate::sandbox::store::{TargetKind, Wait};

pub(super) const FLEET: &str = "
services: [{cluster: shop, name: web, tasks: 3}]
functions: [{name: verify, hook: {succeeds: 5}}, {name: refuse, hook: {fails: 2}}, {name: silent, hook: never}]
";

pub(super) fn appspec(hooks: &str) -> String {
    format!(
        "version: 0.0\nResources:\n- TargetService:\n    Type: AWS::ECS::Service\n    Properties:\n      \
         TaskDefinition: 'arn:aws:ecs:us-east-1:123456789012:task-definition/web:7'\n      LoadBalancerInfo: \
         {{ContainerName: web, ContainerPort: 80}}\nHooks: [{hooks}]\n"
    )
}

/// A group of the service; with a test listener, a ready wait and a termination wait of so many minutes.
pub(super) fn sandbox(fleet: &str, tested: bool, ready: i64, termination: i64) -> Sandbox {
    let sandbox = Sandbox::new(fleet, 1);
    let mut pair = json!({
        "targetGroups": [{"name": "tg-1"}, {"name": "tg-2"}],
        "prodTrafficRoute": {"listenerArns": ["arn:prod"]},
    });
    if tested {
        pair["testTrafficRoute"] = json!({"listenerArns": ["arn:test"]});
    }
    let action = if ready > 0 { "STOP_DEPLOYMENT" } else { "CONTINUE_DEPLOYMENT" };
    sandbox.set_group(json!({
        "ecsServices": [{"clusterName": "shop", "serviceName": "web"}],
        "loadBalancerInfo": {"targetGroupPairInfoList": [pair]},
        "blueGreenDeploymentConfiguration": {
            "deploymentReadyOption": {"actionOnTimeout": action, "waitTimeInMinutes": ready},
            "terminateBlueInstancesOnDeploymentSuccess":
                {"action": "TERMINATE", "terminationWaitTimeInMinutes": termination},
        },
    }));
    sandbox
}

pub(super) fn create(sandbox: &mut Sandbox, config: &str, appspec: &str) -> String {
    sandbox.create(&format!("CodeDeployDefault.ECS{config}"), "", |deployment| {
        deployment.platform = ComputePlatform::Ecs;
        deployment.revision =
            json!({"revisionType": "AppSpecContent", "appSpecContent": {"content": appspec}});
        auto_rollback(deployment);
    })
}

/// Label, status, weight, running tasks and target group of each task set that the target shows.
fn task_sets(sandbox: &Sandbox, id: &str) -> String {
    sandbox.deployment(id, |deployment| {
        let TargetKind::Ecs(sets) = &deployment.targets[0].kind else { panic!() };
        let set = |set: &crate::sandbox::store::TaskSet| {
            let (label, group) = (set.label.unwrap().as_str(), set.target_group.as_deref().unwrap());
            assert!(set.id.starts_with("ecs-svc/") && set.id.len() == 27, "{}", set.id);
            format!("{label} {} {} {}/{} {group}", set.status, set.traffic_weight, set.running, set.desired)
        };
        sets.iter().map(set).collect::<Vec<_>>().join(", ")
    })
}

fn has_begun(sandbox: &Sandbox, id: &str, event: &EventName) -> bool {
    sandbox.deployment(id, |deployment| {
        let events = deployment.targets.first().map(|target| target.events.as_slice()).unwrap_or_default();
        events.iter().any(|one| one.name == *event && one.start.is_some())
    })
}

fn run_to(sandbox: &mut Sandbox, id: &str, event: &EventName) {
    while !has_begun(sandbox, id, event) {
        assert!(sandbox.step());
    }
}

#[test]
fn a_canary_with_a_test_listener_and_a_termination_wait() {
    let mut sandbox = sandbox(FLEET, true, 0, 60);
    let id = create(&mut sandbox, "Canary10Percent5Minutes", &appspec("AfterAllowTestTraffic: verify"));
    run_to(&mut sandbox, &id, &EventName::BeforeInstall);
    assert_eq!(task_sets(&sandbox, &id), "Blue PRIMARY 100 3/3 tg-1");
    run_to(&mut sandbox, &id, &EventName::Install);
    assert_eq!(task_sets(&sandbox, &id), "Blue PRIMARY 100 3/3 tg-1, Green ACTIVE 0 0/3 tg-2");
    run_to(&mut sandbox, &id, &EventName::AllowTraffic);
    assert_eq!(task_sets(&sandbox, &id), "Blue PRIMARY 90 3/3 tg-1, Green ACTIVE 10 3/3 tg-2");
    run_to(&mut sandbox, &id, &EventName::AfterAllowTraffic);
    assert_eq!(task_sets(&sandbox, &id), "Blue ACTIVE 0 3/3 tg-1, Green PRIMARY 100 3/3 tg-2");
    sandbox.run_for(60);
    sandbox.deployment(&id, |deployment| {
        assert_eq!(deployment.status, DeploymentStatus::InProgress, "through the termination wait");
        assert_eq!(deployment.targets[0].status, TargetStatus::Succeeded);
        assert_eq!(deployment.progress.wait, Some(Wait::Termination));
        assert!(!deployment.progress.termination_wait_started, "always false for ECS");
        assert_eq!(deployment.overview, None);
        assert_eq!(deployment.targets[0].id, "shop:web");
        assert!(deployment.targets[0].arn.ends_with(":service/shop/web"));
    });
    sandbox.run();
    assert_eq!(sandbox.end(&id), (DeploymentStatus::Succeeded, None, [1, 0, 0]));
    assert_eq!(task_sets(&sandbox, &id), "Blue DRAINING 0 0/0 tg-1, Green PRIMARY 100 3/3 tg-2");

    let next = create(&mut sandbox, "AllAtOnce", &appspec(""));
    run_to(&mut sandbox, &next, &EventName::AllowTraffic);
    assert_eq!(task_sets(&sandbox, &next), "Blue ACTIVE 0 3/3 tg-2, Green PRIMARY 100 3/3 tg-1");
    sandbox.driver.take(Message::Continued(sandbox.key(&next), Wait::Termination));
    sandbox.deployment(&next, |deployment| assert!(!deployment.status.is_terminal(), "not in that wait"));
    sandbox.run_for(60);
    sandbox.driver.take(Message::Continued(sandbox.key(&next), Wait::Termination));
    assert_eq!(sandbox.end(&next).0, DeploymentStatus::Succeeded);
}

#[test]
fn without_a_test_listener_there_are_six_events() {
    let mut sandbox = sandbox(FLEET, false, 0, 0);
    let id = create(&mut sandbox, "AllAtOnce", &appspec(""));
    sandbox.run();
    assert_eq!(sandbox.end(&id).0, DeploymentStatus::Succeeded);
    sandbox.deployment(&id, |deployment| {
        let events = &deployment.targets[0].events;
        let names: Vec<_> = events.iter().map(|event| event.name.as_str()).collect();
        let expected = ["BeforeInstall", "Install", "AfterInstall", "BeforeAllowTraffic", "AllowTraffic"];
        assert_eq!((&names[..5], names[5]), (&expected[..], "AfterAllowTraffic"));
        assert!(events.iter().all(|event| event.diagnostics.is_none()));
    });
}

#[test]
fn somebody_must_continue_where_the_group_says_so() {
    let mut sandbox = sandbox(FLEET, true, 10, 0);
    let id = create(&mut sandbox, "AllAtOnce", &appspec(""));
    sandbox.run_for(300);
    sandbox.deployment(&id, |deployment| {
        assert_eq!(deployment.status, DeploymentStatus::Ready);
        assert_eq!(deployment.progress.wait, Some(Wait::Ready));
        assert_eq!(deployment.targets[0].status, TargetStatus::Ready);
    });
    assert!(!has_begun(&sandbox, &id, &EventName::BeforeAllowTraffic));
    sandbox.driver.take(Message::Continued(sandbox.key(&id), Wait::Ready));
    sandbox.deployment(&id, |deployment| {
        assert_eq!((&deployment.status, deployment.progress.wait), (&DeploymentStatus::InProgress, None));
    });
    sandbox.run();
    assert_eq!(sandbox.end(&id).0, DeploymentStatus::Succeeded);

    let late = create(&mut sandbox, "AllAtOnce", &appspec(""));
    sandbox.run();
    let (status, code, _) = sandbox.end(&late);
    assert_eq!((status, code.as_deref()), (DeploymentStatus::Stopped, Some("TIMEOUT")));
    sandbox.deployment(&late, |deployment| {
        let message = &deployment.error.as_ref().unwrap().message;
        assert!(message.ends_with("This time out period is 10 minutes."), "{message}");
        assert_eq!(deployment.rollback_deployment, None);
    });
}

#[test]
fn a_task_set_that_does_not_come_up_is_given_up() {
    for (outcome, code, took) in [("{fail: {}}", "ECS_UPDATE_ERROR", 0), ("hang", "TIMEOUT", 3_600_000)] {
        let fleet = format!(
            "{FLEET}faults: [{{hosts: {{ids: ['shop:web']}}, event: Install, outcome: {outcome}}}]\n"
        );
        let mut sandbox = sandbox(&fleet, false, 0, 0);
        let id = create(&mut sandbox, "AllAtOnce", &appspec(""));
        sandbox.run();
        assert_eq!(sandbox.end(&id).1.as_deref(), Some(code));
        sandbox.deployment(&id, |deployment| {
            let event = &deployment.targets[0].events[1];
            assert!(event.end.unwrap() - event.start.unwrap() >= took);
        });
    }
}

#[test]
fn a_service_that_is_not_there_is_invalid() {
    let mut sandbox = sandbox("services: [{cluster: shop, name: other}]\n", false, 0, 0);
    let id = create(&mut sandbox, "AllAtOnce", &appspec(""));
    sandbox.run();
    assert_eq!(sandbox.end(&id).1.as_deref(), Some("INVALID_ECS_SERVICE"));
    let id = create(&mut sandbox, "AllAtOnce", &appspec("").replace("TaskDefinition", "Task"));
    sandbox.run();
    assert_eq!(sandbox.end(&id).1.as_deref(), Some("INVALID_REVISION"));
}

#[test]
fn a_rollback_returns_the_traffic_to_the_original_task_set() {
    let mut sandbox = sandbox(FLEET, true, 0, 0);
    let good = create(&mut sandbox, "AllAtOnce", &appspec(""));
    sandbox.run();
    assert_eq!(sandbox.end(&good).0, DeploymentStatus::Succeeded);
    let bad = create(&mut sandbox, "Linear10PercentEvery1Minutes", &appspec("AfterAllowTraffic: refuse"));
    sandbox.run();
    assert_eq!(sandbox.end(&bad).1.as_deref(), Some("HOOK_EXECUTION_FAILURE"));
    assert_eq!(task_sets(&sandbox, &bad), "Blue ACTIVE 0 3/3 tg-2, Green PRIMARY 100 3/3 tg-1");
    let rollback = sandbox.deployment(&bad, |deployment| deployment.rollback_deployment.clone()).unwrap();
    assert_eq!(sandbox.end(&rollback).0, DeploymentStatus::Succeeded);
    assert_eq!(task_sets(&sandbox, &rollback), "Blue PRIMARY 100 3/3 tg-2, Green DRAINING 0 0/0 tg-1");
    sandbox.deployment(&rollback, |deployment| {
        assert_eq!(deployment.config, "CodeDeployDefault.ECSAllAtOnce");
        assert_eq!(deployment.rollback_of.as_ref(), Some(&bad));
    });
}
