//! How deployments end badly, or nearly so.

use super::*;

const START_FAILS_IN_C: &str = "{zone: c}";

#[test]
fn one_failing_zone_of_three_leaves_enough_hosts() {
    for seed in 0..20 {
        let mut sandbox = Sandbox::new(&fault(START_FAILS_IN_C, "ApplicationStart"), seed);
        let id = sandbox.deploy("CodeDeployDefault.HalfAtATime", "site.zip");
        assert_eq!(sandbox.end(&id), (DeploymentStatus::Succeeded, None, [8, 4, 0]));
        sandbox.deployment(&id, |deployment| check_events(deployment));
        let failed = sandbox.deployment(&id, |deployment| {
            let failed = deployment.targets.iter().filter(|target| target.status == TargetStatus::Failed);
            failed.cloned().collect::<Vec<_>>()
        });
        for target in failed {
            assert_eq!(sandbox.zone(&target.id), "c");
            let states: Vec<_> = target.events.iter().map(|event| event.status.as_str()).collect();
            let expected =
                ["Succeeded", "Succeeded", "Succeeded", "Succeeded", "Succeeded", "Failed", "Skipped"];
            assert_eq!(states, expected);
            let diagnostics = target.events[5].diagnostics.as_ref().unwrap();
            assert_eq!(diagnostics.error_code, LifecycleErrorCode::ScriptFailed);
            assert_eq!(
                diagnostics.message,
                "Script at specified location: scripts/start.sh failed with exit code 3"
            );
            assert!(target.events[6].start.is_none() && target.events[6].end.is_some());
        }
    }
}

#[test]
fn two_failing_zones_break_the_health_constraints() {
    for seed in 0..20 {
        let fleet = format!(
            "{}- {{hosts: {{zone: b}}, event: ApplicationStart, outcome: {{fail: {{}}}}}}\n",
            fault(START_FAILS_IN_C, "ApplicationStart")
        )
        .replace("faults: [{", "faults:\n- {")
        .replace("}}}]\n", "}}}\n");
        let mut sandbox = Sandbox::new(&fleet, seed);
        let id = sandbox.deploy("CodeDeployDefault.HalfAtATime", "site.zip");
        let (status, code, [succeeded, failed, skipped]) = sandbox.end(&id);
        assert_eq!((status, code.as_deref()), (DeploymentStatus::Failed, Some("HEALTH_CONSTRAINTS")));
        assert_eq!(failed, 6, "a failed host keeps its slot, so the sixth failure is the last");
        assert_eq!(succeeded + skipped, 6);
        sandbox.deployment(&id, |deployment| check_events(deployment));
        sandbox.group(|group| {
            assert_eq!((group.last_successful.as_ref(), &group.target_revision), (None, &None));
            assert_eq!((group.last_attempted.as_ref(), &group.active), (Some(&id), &None));
        });
    }
}

/// A fleet of twelve in which the n-th host that a deployment goes to fails, with the deployment it went to.
fn failing(config: &str, nth: &[usize], seed: u64) -> (DeploymentStatus, Option<String>, [u64; 3]) {
    let mut sandbox = Sandbox::new(TWELVE, seed);
    let order = sandbox.deploy(config, "site.zip");
    let ids = sandbox.deployment(&order, |deployment| {
        nth.iter().map(|host| deployment.targets[*host].id.clone()).collect::<Vec<_>>()
    });
    let ids = ids.join(", ");
    let mut sandbox = Sandbox::new(&fault(&format!("{{ids: [{ids}]}}"), "Install"), seed);
    let id = sandbox.deploy(config, "site.zip");
    sandbox.end(&id)
}

#[test]
fn one_at_a_time_forgives_the_last_host_only() {
    for seed in 0..5 {
        let first = failing("CodeDeployDefault.OneAtATime", &[0], seed);
        assert_eq!(first, (DeploymentStatus::Failed, Some("HEALTH_CONSTRAINTS".into()), [0, 1, 11]));
        let middle = failing("CodeDeployDefault.OneAtATime", &[5], seed);
        assert_eq!(middle, (DeploymentStatus::Failed, Some("HEALTH_CONSTRAINTS".into()), [5, 1, 6]));
        let last = failing("CodeDeployDefault.OneAtATime", &[11], seed);
        assert_eq!(last, (DeploymentStatus::Succeeded, None, [11, 1, 0]));
    }
}

#[test]
fn all_at_once_wants_one_success() {
    let some = failing("CodeDeployDefault.AllAtOnce", &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10], 3);
    assert_eq!(some, (DeploymentStatus::Succeeded, None, [1, 11, 0]));
    let none = failing("CodeDeployDefault.AllAtOnce", &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11], 3);
    assert_eq!(none, (DeploymentStatus::Failed, Some("HEALTH_CONSTRAINTS".into()), [0, 12, 0]));
}

#[test]
fn a_group_without_instances_fails_after_six_seconds() {
    let mut sandbox = Sandbox::new("instances: [{id: i-00000001, tags: {Role: db}}]", 1);
    let id = sandbox.deploy("CodeDeployDefault.OneAtATime", "site.zip");
    assert_eq!(sandbox.end(&id), (DeploymentStatus::Failed, Some("NO_INSTANCES".into()), [0, 0, 0]));
    sandbox.deployment(&id, |deployment| {
        assert_eq!(deployment.completed, Some(deployment.created + 6_000));
        assert_eq!((deployment.started, deployment.overview), (None, None));
    });
}

#[test]
fn a_configuration_that_lets_no_host_go_fails_at_once() {
    let mut sandbox = Sandbox::new(TWELVE, 1);
    let settings = json!({"minimumHealthyHosts": {"type": "FLEET_PERCENT", "value": 95}});
    let settings = settings.as_object().unwrap().clone();
    sandbox.region(|region| {
        region.configs.insert("Strict".into(), Config { id: "c".into(), created: START, settings })
    });
    let id = sandbox.deploy("Strict", "site.zip");
    assert_eq!(
        sandbox.end(&id),
        (DeploymentStatus::Failed, Some("HEALTH_CONSTRAINTS_INVALID".into()), [0, 0, 12])
    );
    let id = sandbox.deploy("Deleted", "site.zip");
    assert_eq!(sandbox.end(&id), (DeploymentStatus::Failed, Some("INTERNAL_ERROR".into()), [0, 0, 0]));
}

#[test]
fn an_agent_that_is_offline_fails_the_first_event_after_five_minutes() {
    let mut sandbox =
        Sandbox::new("generate: [{count: 1, tags: {Role: web}}]\nfaults: [{outcome: agent-offline}]\n", 1);
    let id = sandbox.deploy("CodeDeployDefault.OneAtATime", "site.zip");
    assert_eq!(sandbox.end(&id), (DeploymentStatus::Failed, Some("HEALTH_CONSTRAINTS".into()), [0, 1, 0]));
    sandbox.deployment(&id, |deployment| {
        let took = deployment.completed.unwrap() - deployment.created;
        assert!((300_000..304_000).contains(&took), "{took}");
        let first = &deployment.targets[0].events[0];
        assert_eq!(first.end.unwrap() - first.start.unwrap(), 300_000);
        let diagnostics = first.diagnostics.as_ref().unwrap();
        assert_eq!(diagnostics.error_code, LifecycleErrorCode::UnknownError);
        assert!(
            diagnostics.message.starts_with("CodeDeploy agent was not able to receive the lifecycle event.")
        );
    });
}

#[test]
fn an_event_that_hangs_is_given_up_after_an_hour() {
    let mut sandbox = Sandbox::new(
        "generate: [{count: 1, tags: {Role: web}}]\nfaults: [{event: AfterInstall, outcome: hang}]\n",
        1,
    );
    let id = sandbox.deploy("CodeDeployDefault.OneAtATime", "site.zip");
    assert_eq!(sandbox.end(&id).2, [0, 1, 0]);
    sandbox.deployment(&id, |deployment| {
        let event = &deployment.targets[0].events[4];
        assert_eq!(event.end.unwrap() - event.start.unwrap(), 3_600_000);
    });
}

#[test]
fn a_missing_bundle_fails_the_download_on_each_host() {
    let mut sandbox = Sandbox::new(TWELVE, 1);
    let id = sandbox.deploy("CodeDeployDefault.AllAtOnce", "missing.zip");
    assert_eq!(sandbox.end(&id).2, [0, 12, 0]);
    sandbox.deployment(&id, |deployment| {
        for target in &deployment.targets {
            let diagnostics = target.events[1].diagnostics.as_ref().unwrap();
            assert_eq!(diagnostics.error_code, LifecycleErrorCode::UnknownError);
            assert_eq!(diagnostics.message, "NoSuchKey: The specified key does not exist.");
        }
    });
}

#[test]
fn another_bundle_than_the_one_that_was_named_fails_the_download() {
    for (etag, well) in [("\"e\"", true), ("f", false)] {
        let mut sandbox = Sandbox::new(TWELVE, 1);
        let id = sandbox.create("CodeDeployDefault.AllAtOnce", "site.zip", |deployment| {
            deployment.revision["s3Location"]["eTag"] = json!(etag);
        });
        sandbox.run();
        assert_eq!(sandbox.end(&id).2, if well { [12, 0, 0] } else { [0, 12, 0] });
    }
}

#[test]
fn a_failed_application_stop_can_be_ignored() {
    let fleet = fault("{}", "ApplicationStop");
    let mut sandbox = Sandbox::new(&fleet, 1);
    let id = sandbox.create("CodeDeployDefault.AllAtOnce", "site.zip", |deployment| {
        deployment.ignore_application_stop_failures = true;
    });
    sandbox.run();
    assert_eq!(sandbox.end(&id), (DeploymentStatus::Succeeded, None, [12, 0, 0]));
    sandbox.deployment(&id, |deployment| {
        assert_eq!(deployment.targets[0].events[0].status, EventStatus::Failed);
        assert_eq!(deployment.targets[0].events[1].status, EventStatus::Succeeded);
    });
    let id = sandbox.deploy("CodeDeployDefault.AllAtOnce", "site.zip");
    assert_eq!(sandbox.end(&id).2, [0, 12, 0]);
}

#[test]
fn a_stop_lets_running_events_end_and_starts_nothing_more() {
    for seed in 0..20 {
        let mut sandbox = Sandbox::new(TWELVE, seed);
        let id = sandbox.create("CodeDeployDefault.HalfAtATime", "site.zip", |_| {});
        let in_flight = |deployment: &mut Deployment| {
            let events = deployment.targets.iter().flat_map(|target| &target.events);
            events.filter(|event| event.status == EventStatus::InProgress).count()
        };
        for _ in 0..40 {
            assert!(sandbox.step());
        }
        sandbox.stop(&id, None);
        let running = sandbox.deployment(&id, in_flight);
        assert!(running > 0);
        let waiting = sandbox.deployment(&id, |deployment| deployment.overview.unwrap());
        assert_eq!((waiting.pending, waiting.skipped), (0, 6), "what was not started never will be");
        while sandbox.step() {
            assert!(sandbox.deployment(&id, in_flight) <= running, "no further event starts");
        }
        let (status, code, [succeeded, failed, skipped]) = sandbox.end(&id);
        assert_eq!((status, code.as_deref()), (DeploymentStatus::Stopped, Some("MANUAL_STOP")));
        assert_eq!(succeeded + failed + skipped, 12);
        sandbox.deployment(&id, |deployment| check_events(deployment));
        sandbox.group(|group| assert_eq!((&group.target_revision, &group.active), (&None, &None)));
    }
}

/// Nothing was being scheduled any more when the alarm went off, and the request's word about a rollback stands.
#[test]
fn an_alarm_does_not_override_a_stop() {
    let fleet = format!("{TWELVE}faults: [{{event: Install, outcome: {{slow: 20}}}}]\n");
    for alarm_first in [false, true] {
        let mut sandbox = Sandbox::new(&fleet, 1);
        sandbox.set_group(json!({"alarmConfiguration": {"enabled": true, "alarms": [{"name": "errors"}]}}));
        sandbox.deploy("CodeDeployDefault.AllAtOnce", "good.zip");
        let id = sandbox.create("CodeDeployDefault.AllAtOnce", "site.zip", |deployment| {
            let events = ["DEPLOYMENT_STOP_ON_ALARM", "DEPLOYMENT_STOP_ON_REQUEST"];
            let rollback = json!({"enabled": true, "events": events});
            deployment.settings.insert("autoRollbackConfiguration".into(), rollback);
        });
        sandbox.run_for(15);
        assert!(sandbox.deployment(&id, |deployment| deployment.overview.unwrap().in_progress) > 0);
        if alarm_first {
            sandbox.change(Change::Alarm("errors".into())).unwrap();
            sandbox.run_for(2);
        } else {
            sandbox.stop(&id, Some(false));
            sandbox.change(Change::Alarm("errors".into())).unwrap();
        }
        sandbox.run();
        let expected = if alarm_first { "ALARM_ACTIVE" } else { "MANUAL_STOP" };
        assert_eq!(sandbox.end(&id).1.as_deref(), Some(expected));
        let rollback = sandbox.deployment(&id, |deployment| deployment.rollback_deployment.clone());
        assert_eq!(rollback.is_some(), alarm_first);
    }
}

#[test]
fn a_stop_before_the_start_ends_the_deployment_at_once() {
    let mut sandbox = Sandbox::new(TWELVE, 1);
    let id = sandbox.create("CodeDeployDefault.OneAtATime", "site.zip", |_| {});
    sandbox.stop(&id, None);
    assert_eq!(sandbox.end(&id), (DeploymentStatus::Stopped, Some("MANUAL_STOP".into()), [0, 0, 0]));
    sandbox.run();
    sandbox.deployment(&id, |deployment| assert_eq!(deployment.started, None));
}

#[test]
fn a_deployment_that_is_deleted_is_forgotten() {
    let mut sandbox = Sandbox::new(TWELVE, 1);
    let id = sandbox.create("CodeDeployDefault.AllAtOnce", "site.zip", |_| {});
    for _ in 0..10 {
        sandbox.step();
    }
    sandbox.region(|region| region.deployments.remove(&id));
    sandbox.run();
    sandbox.region(|region| {
        assert!(region.deployments.is_empty() && region.group("group-1").unwrap().hosts.is_empty())
    });
}

/// One at a time on 30 hosts that take an hour or so each is more than the twelve hours that the service gives.
#[test]
fn a_deployment_that_runs_too_long_fails() {
    let fleet =
        "generate: [{count: 30, tags: {Role: web}}]\nfaults: [{event: Install, outcome: {slow: 3000}}]\n";
    let mut sandbox = Sandbox::new(fleet, 1);
    let id = sandbox.deploy("CodeDeployDefault.OneAtATime", "site.zip");
    let (status, code, [succeeded, failed, skipped]) = sandbox.end(&id);
    assert_eq!((status, code.as_deref(), failed), (DeploymentStatus::Failed, Some("TIMEOUT"), 1));
    assert_eq!(succeeded + failed + skipped, 30);
    sandbox.deployment(&id, |deployment| {
        assert_eq!(deployment.completed.unwrap() - deployment.started.unwrap(), 12 * 3_600_000);
        check_events(deployment);
    });
}

#[test]
fn a_fleet_may_have_a_quota() {
    for (quota, code) in [(11, Some("OVER_MAX_INSTANCES")), (12, None)] {
        let mut sandbox = Sandbox::new(&format!("{TWELVE}instance_quota: {quota}\n"), 1);
        let id = sandbox.deploy("CodeDeployDefault.AllAtOnce", "site.zip");
        assert_eq!(sandbox.end(&id).1.as_deref(), code);
    }
}
