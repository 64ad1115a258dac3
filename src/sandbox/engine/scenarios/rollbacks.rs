//! What a deployment leaves to the next one: rollbacks, health, revisions.

use super::*;

/// A sandbox in which `good.zip` is deployed and from then on `Install` fails in zones b and c.
fn after_a_success() -> (Sandbox, String) {
    let mut sandbox = Sandbox::new(TWELVE, 1);
    let good = sandbox.deploy("CodeDeployDefault.HalfAtATime", "good.zip");
    assert_eq!(sandbox.end(&good).0, DeploymentStatus::Succeeded);
    (sandbox, good)
}

#[test]
fn a_failure_brings_back_the_last_success() {
    let (mut sandbox, good) = after_a_success();
    let bad = sandbox.create("CodeDeployDefault.HalfAtATime", "missing.zip", auto_rollback);
    sandbox.run();
    assert_eq!(sandbox.end(&bad).0, DeploymentStatus::Failed);
    let rollback = sandbox.deployment(&bad, |deployment| deployment.rollback_deployment.clone()).unwrap();
    assert!(rollback.starts_with("d-") && rollback.len() == 11, "{rollback}");
    assert_eq!(
        sandbox.deployment(&bad, |deployment| deployment.rollback_message.clone()).unwrap(),
        format!(
            "Deployment {bad} terminated. Automatic rollback is triggered with a DeploymentId {rollback}."
        )
    );
    assert_eq!(sandbox.end(&rollback), (DeploymentStatus::Succeeded, None, [12, 0, 0]));
    sandbox.deployment(&rollback, |deployment| {
        assert_eq!(deployment.creator, Creator::Rollback);
        assert_eq!(deployment.revision, revision("good.zip"));
        assert_eq!(deployment.rollback_of.as_ref(), Some(&bad));
        assert_eq!(
            deployment.rollback_message.as_deref(),
            Some(format!("Deployment {rollback} is triggered to roll back deployment {bad}.").as_str())
        );
    });
    sandbox.group(|group| {
        assert_eq!(group.last_attempted.as_ref(), Some(&rollback));
        assert_eq!(group.last_successful.as_ref(), Some(&rollback));
    });
    sandbox.region(|region| assert_eq!(region.history, [good, bad, rollback]));
}

#[test]
fn without_a_success_there_is_no_rollback() {
    let mut sandbox = Sandbox::new(TWELVE, 1);
    let id = sandbox.create("CodeDeployDefault.HalfAtATime", "missing.zip", auto_rollback);
    sandbox.run();
    assert_eq!(sandbox.end(&id).0, DeploymentStatus::Failed);
    sandbox.deployment(&id, |deployment| assert_eq!(deployment.rollback_deployment, None));
    sandbox.region(|region| assert_eq!(region.history.len(), 1));
}

#[test]
fn a_rollback_is_not_rolled_back() {
    let (mut sandbox, _) = after_a_success();
    let id = sandbox.create("CodeDeployDefault.HalfAtATime", "missing.zip", |deployment| {
        auto_rollback(deployment);
        deployment.creator = Creator::Rollback;
    });
    sandbox.run();
    assert_eq!(sandbox.end(&id).0, DeploymentStatus::Failed);
    sandbox.deployment(&id, |deployment| assert_eq!(deployment.rollback_deployment, None));
}

#[test]
fn a_stop_request_decides_for_itself() {
    for (choice, configured, expected) in
        [(None, false, false), (None, true, true), (Some(true), false, true), (Some(false), true, false)]
    {
        let (mut sandbox, _) = after_a_success();
        let id = sandbox.create("CodeDeployDefault.HalfAtATime", "site.zip", |deployment| {
            if configured {
                auto_rollback(deployment);
            }
        });
        for _ in 0..30 {
            sandbox.step();
        }
        sandbox.stop(&id, choice);
        sandbox.run();
        assert_eq!(sandbox.end(&id).0, DeploymentStatus::Stopped);
        let rollback = sandbox.deployment(&id, |deployment| deployment.rollback_deployment.clone());
        assert_eq!(rollback.is_some(), expected, "asked {choice:?}, configured {configured}");
    }
}

#[test]
fn hosts_are_taken_unhealthy_first_and_current_last() {
    let mut sandbox = Sandbox::new(TWELVE, 4);
    let old = sandbox.deploy("CodeDeployDefault.AllAtOnce", "old.zip");
    let new = sandbox.deploy("CodeDeployDefault.AllAtOnce", "new.zip");
    let ids: Vec<String> = sandbox.fleet.instances.iter().map(|instance| instance.id.clone()).collect();
    sandbox.region(|region| {
        let hosts = &mut region.group_mut("group-1").unwrap().hosts;
        for id in &ids[..3] {
            hosts.insert(id.clone(), HostState { healthy: true, deployment: Some(old.clone()) });
        }
        hosts.insert(ids[5].clone(), HostState { healthy: false, deployment: None });
        hosts.remove(&ids[7]);
    });
    let id = sandbox.deploy("CodeDeployDefault.OneAtATime", "new.zip");
    let order = sandbox.deployment(&id, |deployment| {
        deployment.targets.iter().map(|target| target.id.clone()).collect::<Vec<_>>()
    });
    assert_eq!((&order[0], &order[1]), (&ids[5], &ids[7]));
    let mut older = order[2..5].to_vec();
    older.sort();
    let mut expected = ids[..3].to_vec();
    expected.sort();
    assert_eq!(older, expected);
    sandbox.deployment(&new, |deployment| assert_eq!(deployment.status, DeploymentStatus::Succeeded));
}

#[test]
fn only_outdated_instances_where_asked() {
    let (mut sandbox, good) = after_a_success();
    let stale = sandbox.fleet.instances[3].id.clone();
    sandbox.region(|region| {
        let state = HostState { healthy: false, deployment: None };
        region.group_mut("group-1").unwrap().hosts.insert(stale.clone(), state);
    });
    let id = sandbox.create("CodeDeployDefault.OneAtATime", "good.zip", |deployment| {
        deployment.update_outdated_instances_only = true;
    });
    sandbox.run();
    assert_eq!(sandbox.end(&id).2, [1, 0, 0]);
    sandbox.deployment(&id, |deployment| assert_eq!(deployment.targets[0].id, stale));
    sandbox.region(|region| {
        let hosts = &region.group("group-1").unwrap().hosts;
        assert_eq!(hosts[&stale], HostState { healthy: true, deployment: Some(id.clone()) });
        assert!(hosts.values().filter(|state| state.deployment.as_ref() == Some(&good)).count() == 11);
    });
}

/// Outdated is who has not got what is being deployed, whatever the group's last success was.
#[test]
fn a_deployment_that_failed_halfway_is_finished_on_the_rest() {
    let (mut sandbox, _) = after_a_success();
    let third = sandbox.fleet.instances[2].id.clone();
    let fault = json!({"hosts": {"ids": [third]}, "event": "Install", "outcome": {"fail": {}}, "times": 1});
    sandbox.faults.add(serde_json::from_value(fault).unwrap(), Millis::MAX).unwrap();
    let half = sandbox.deploy("CodeDeployDefault.OneAtATime", "next.zip");
    let [done, failed, left] = sandbox.end(&half).2;
    assert!(done > 0 && failed == 1 && left > 0, "{done} {failed} {left}");
    let rest = sandbox.create("CodeDeployDefault.OneAtATime", "next.zip", |deployment| {
        deployment.update_outdated_instances_only = true;
    });
    sandbox.run();
    assert_eq!(sandbox.end(&rest), (DeploymentStatus::Succeeded, None, [failed + left, 0, 0]));
    let all = sandbox.create("CodeDeployDefault.AllAtOnce", "third.zip", |deployment| {
        deployment.update_outdated_instances_only = true;
    });
    sandbox.run();
    assert_eq!(sandbox.end(&all).2, [12, 0, 0]);
}

#[test]
fn a_revision_knows_when_it_was_used() {
    let mut sandbox = Sandbox::new(TWELVE, 1);
    sandbox.region(|region| {
        region.applications.get_mut("shop").unwrap().revisions.push(Registered {
            revision: revision("site.zip"),
            description: None,
            registered: START,
            first_used: None,
            last_used: None,
        });
    });
    let first = sandbox.deploy("CodeDeployDefault.AllAtOnce", "site.zip");
    let second = sandbox.deploy("CodeDeployDefault.AllAtOnce", "site.zip");
    sandbox.region(|region| {
        let used = &region.applications["shop"].revisions[0];
        assert_eq!(used.first_used, region.deployments[&first].completed);
        assert_eq!(used.last_used, region.deployments[&second].completed);
    });
}
