//! Auto Scaling groups that grow and shrink, and what follows.

use super::*;

const POOL: &str = "generate: [{count: 2, auto_scaling_group: pool, zones: [a]}]\n";

fn sandbox(timeline: &str) -> Sandbox {
    let sandbox = Sandbox::new(&format!("{POOL}timeline: [{timeline}]\n"), 1);
    sandbox.set_group(json!({"ec2TagFilters": [], "autoScalingGroups": [{"name": "pool", "hook": "h"}]}));
    sandbox
}

fn by_creator(sandbox: &Sandbox, creator: &Creator) -> Vec<String> {
    sandbox.region(|region| {
        let all = region.history.iter().filter(|id| region.deployments[*id].creator == *creator);
        all.cloned().collect()
    })
}

#[test]
fn a_new_instance_gets_what_the_group_has() {
    let mut sandbox = sandbox("{at: 100, change: {grow: {group: pool, count: 1}}}");
    let good = sandbox.create("CodeDeployDefault.AllAtOnce", "site.zip", |_| {});
    sandbox.run();
    assert_eq!(sandbox.end(&good).2, [2, 0, 0]);
    let made = by_creator(&sandbox, &Creator::AutoScaling);
    assert_eq!(made.len(), 1);
    assert_eq!(sandbox.end(&made[0]), (DeploymentStatus::Succeeded, None, [1, 0, 0]));
    sandbox.deployment(&made[0], |deployment| {
        let names: Vec<_> = deployment.targets[0].events.iter().map(|event| event.name.clone()).collect();
        assert_eq!(names, EventName::NEW_INSTANCE);
        assert_eq!(deployment.revision, revision("site.zip"));
        assert!(deployment.targets[0].id.starts_with("i-0"));
    });
    sandbox.group(|group| {
        assert_eq!(
            (&group.last_attempted, &group.last_successful),
            (&Some(good.clone()), &Some(good.clone()))
        );
    });
    let next = sandbox.deploy("CodeDeployDefault.AllAtOnce", "site-2.zip");
    assert_eq!(sandbox.end(&next).2, [3, 0, 0]);
}

#[test]
fn an_instance_that_came_meanwhile_is_brought_up_to_date() {
    for strategy in ["UPDATE", "IGNORE"] {
        let mut sandbox = sandbox("{at: 103, change: {grow: {group: pool, count: 1}}}");
        sandbox.set_group(json!({"outdatedInstancesStrategy": strategy}));
        sandbox.create("CodeDeployDefault.AllAtOnce", "old.zip", |_| {});
        sandbox.run_for(100);
        let root = sandbox.create("CodeDeployDefault.OneAtATime", "new.zip", |_| {});
        sandbox.run();
        assert_eq!(sandbox.end(&root).2, [2, 0, 0]);
        let launch = by_creator(&sandbox, &Creator::AutoScaling).remove(0);
        sandbox.deployment(&launch, |deployment| assert_eq!(deployment.revision, revision("old.zip")));
        let updates = by_creator(&sandbox, &Creator::AutoUpdate);
        assert_eq!(sandbox.deployment(&root, |deployment| deployment.progress.auto_updates.clone()), updates);
        if strategy == "IGNORE" {
            assert!(updates.is_empty());
            continue;
        }
        assert_eq!(sandbox.end(&updates[0]), (DeploymentStatus::Succeeded, None, [1, 0, 0]));
        sandbox.deployment(&updates[0], |deployment| {
            assert_eq!(deployment.progress.auto_update_root.as_ref(), Some(&root));
            assert_eq!(deployment.revision, revision("new.zip"));
        });
    }
}

#[test]
fn an_instance_whose_first_deployment_fails_is_given_up() {
    let mut sandbox = sandbox("{at: 100, change: {grow: {group: pool, count: 1}}}");
    sandbox.create("CodeDeployDefault.AllAtOnce", "site.zip", |_| {});
    sandbox.run_for(60);
    let fault = serde_json::from_value(json!({"event": "Install", "outcome": {"fail": {}}})).unwrap();
    let number = sandbox.faults.add(fault, Millis::MAX).unwrap().id;
    sandbox.run();
    let launch = by_creator(&sandbox, &Creator::AutoScaling).remove(0);
    assert_eq!(sandbox.end(&launch).0, DeploymentStatus::Failed);
    sandbox.faults.clear(Some(number));
    let next = sandbox.deploy("CodeDeployDefault.AllAtOnce", "site.zip");
    assert_eq!(sandbox.end(&next).2, [2, 0, 0]);
}

#[test]
fn an_instance_that_leaves_is_stopped_first_where_the_group_says_so() {
    for hook in [true, false] {
        let mut sandbox = sandbox("{at: 100, change: {shrink: {group: pool, count: 1}}}");
        sandbox.set_group(json!({"terminationHookEnabled": hook}));
        sandbox.create("CodeDeployDefault.AllAtOnce", "site.zip", |_| {});
        sandbox.run();
        let made = by_creator(&sandbox, &Creator::AutoScalingTermination);
        assert_eq!(made.len(), usize::from(hook));
        for id in made {
            assert_eq!(sandbox.end(&id).2, [1, 0, 0]);
            sandbox.deployment(&id, |deployment| {
                let names: Vec<_> =
                    deployment.targets[0].events.iter().map(|one| one.name.as_str()).collect();
                let expected = ["BeforeBlockTraffic", "BlockTraffic", "AfterBlockTraffic", "ApplicationStop"];
                assert_eq!(names, expected);
            });
        }
        let next = sandbox.deploy("CodeDeployDefault.AllAtOnce", "site.zip");
        assert_eq!(sandbox.end(&next).2, [1, 0, 0]);
    }
}

#[test]
fn an_instance_that_is_leaving_already_is_not_chosen_again() {
    let mut sandbox = sandbox(
        "{at: 100, change: {shrink: {group: pool, count: 1}}}, {at: 102, change: {shrink: {group: pool, count: 1}}}",
    );
    sandbox.set_group(json!({"terminationHookEnabled": true}));
    sandbox.create("CodeDeployDefault.AllAtOnce", "site.zip", |_| {});
    sandbox.run();
    let made = by_creator(&sandbox, &Creator::AutoScalingTermination);
    let ends: Vec<_> = made.iter().map(|id| sandbox.end(id).0).collect();
    assert_eq!(ends, [DeploymentStatus::Succeeded, DeploymentStatus::Succeeded]);
    assert_eq!(sandbox.status(REGION).instances.len(), 0);
}

/// Source: API reference, EC2DeploymentOptions: suspended before, resumed after, however the deployment ends.
#[test]
fn processes_are_suspended_while_a_deployment_runs() {
    for end in [DeploymentStatus::Succeeded, DeploymentStatus::Failed, DeploymentStatus::Stopped] {
        let mut sandbox = sandbox("");
        let suspended =
            |sandbox: &mut Sandbox| sandbox.status(REGION).auto_scaling_groups.remove(0).suspended_processes;
        let id = sandbox.create("CodeDeployDefault.AllAtOnce", "site.zip", |deployment| {
            let options = json!({"autoScalingGroupProcessesToSuspend": ["Terminate", "AZRebalance"]});
            deployment.settings.insert("ec2DeploymentOptions".into(), options);
        });
        assert!(suspended(&mut sandbox).is_empty());
        if end == DeploymentStatus::Failed {
            let fault = serde_json::from_value(json!({"event": "Install", "outcome": {"fail": {}}})).unwrap();
            sandbox.faults.add(fault, Millis::MAX).unwrap();
        }
        sandbox.run_for(2);
        assert_eq!(suspended(&mut sandbox).into_iter().collect::<Vec<_>>(), ["AZRebalance", "Terminate"]);
        let put_off = sandbox.change(Change::Shrink(Scaling { group: "pool".into(), count: 1 }));
        assert_eq!(put_off, Ok(Changed { instances: None, put_off: true }));
        assert_eq!(sandbox.status(REGION).instances.len(), 2, "it may not terminate");
        if end == DeploymentStatus::Stopped {
            sandbox.stop(&id, None);
        }
        sandbox.run();
        assert_eq!(sandbox.end(&id).0, end);
        assert!(suspended(&mut sandbox).is_empty());
        assert_eq!(sandbox.status(REGION).instances.len(), 1, "what was put off is done");
    }
}

#[test]
fn a_change_of_size_says_what_it_did() {
    let mut sandbox = sandbox("");
    let by = |count| Scaling { group: "pool".into(), count };
    let did = |instances| Ok(Changed { instances: Some(instances), put_off: false });
    assert_eq!(sandbox.change(Change::Shrink(by(5))), did(2), "it had no more");
    assert_eq!(sandbox.change(Change::Shrink(by(1))), did(0));
    assert_eq!(sandbox.change(Change::Grow(by(3))), did(3), "without instances it is there all the same");
    assert_eq!(sandbox.change(Change::Alarm("errors".into())), Ok(Changed::default()));
}

#[test]
fn a_declared_group_without_instances_is_there() {
    let mut sandbox = Sandbox::new("auto_scaling_groups: [spare]\n", 1);
    let sizes = |sandbox: &mut Sandbox| -> Vec<_> {
        let groups = sandbox.status(REGION).auto_scaling_groups;
        groups.into_iter().map(|group| (group.name, group.instances)).collect()
    };
    assert_eq!(sizes(&mut sandbox), [("spare".to_owned(), 0)]);
    sandbox.change(Change::Grow(Scaling { group: "spare".into(), count: 2 })).unwrap();
    assert_eq!(sizes(&mut sandbox), [("spare".to_owned(), 2)]);
    assert!(
        sandbox.status(REGION).instances.iter().all(|one| one.kind == crate::sandbox::fleet::Kind::Simulated)
    );
}
