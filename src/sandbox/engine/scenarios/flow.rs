//! How deployments go when they go on: states, order, slots.

use super::*;

#[test]
fn a_good_deployment_reaches_every_host() {
    let mut sandbox = Sandbox::new(TWELVE, 1);
    let id = sandbox.create("CodeDeployDefault.HalfAtATime", "site-1.zip", |_| {});
    sandbox.deployment(&id, |deployment| {
        assert_eq!(deployment.status, DeploymentStatus::Created);
        assert_eq!((deployment.started, deployment.overview), (None, None));
    });
    while sandbox.step() {
        sandbox.deployment(&id, |deployment| {
            check_counters(deployment);
            if deployment.started.is_some() {
                check_events(deployment);
                let overview = deployment.overview.unwrap();
                assert!(overview.in_progress <= 6);
            }
        });
    }
    assert_eq!(sandbox.end(&id), (DeploymentStatus::Succeeded, None, [12, 0, 0]));
    sandbox.deployment(&id, |deployment| {
        let waited = deployment.started.unwrap() - deployment.created;
        assert!((500..=1_000).contains(&waited), "{waited}");
        for target in &deployment.targets {
            assert!(target.arn.ends_with(&target.id) && target.last_updated.is_some());
            for event in &target.events {
                assert_eq!(event.status, EventStatus::Succeeded);
                let diagnostics = event.diagnostics.as_ref().unwrap();
                assert_eq!(diagnostics.error_code, LifecycleErrorCode::Success);
                assert_eq!(diagnostics.message, "Succeeded");
            }
        }
    });
    sandbox.group(|group| {
        assert_eq!(group.last_successful.as_ref(), Some(&id));
        assert_eq!(group.last_attempted.as_ref(), Some(&id));
        assert_eq!(group.target_revision, Some(revision("site-1.zip")));
        assert_eq!(group.active, None);
    });
}

/// A host that fails keeps its slot, whatever fails where: over many fleets and configurations.
#[test]
fn in_flight_and_failed_never_pass_what_may_be_out_of_service() {
    let mut rng = fastrand::Rng::with_seed(11);
    for seed in 0..60 {
        let hosts = rng.u32(1..30);
        let value = rng.u32(0..=hosts);
        let fails = rng.u32(0..4);
        let event = rng.choice(EventName::IN_PLACE).unwrap();
        let fleet = format!(
            "generate: [{{count: {hosts}, zones: [a, b, c], tags: {{Role: web}}}}]\nfaults:\n\
             - {{hosts: {{zone: {}}}, event: {event}, outcome: {{fail: {{}}}}}}\n\
             - {{hosts: {{zone: b}}, event: Install, outcome: {{slow: 3}}}}\n",
            ["a", "b", "c", "none"][usize::try_from(fails).unwrap()]
        );
        let mut sandbox = Sandbox::new(&fleet, seed);
        let settings = json!({"minimumHealthyHosts": {"type": "HOST_COUNT", "value": value}});
        let settings = settings.as_object().unwrap().clone();
        let config = Config { id: "c".into(), created: START, settings };
        sandbox.region(|region| region.configs.insert("Some".into(), config));
        let limit = u64::from(hosts - MinimumHealthyHosts::Count(value).required(hosts).min(hosts));
        let id = sandbox.create("Some", "site.zip", |_| {});
        while sandbox.step() {
            sandbox.deployment(&id, |deployment| {
                let overview = deployment.overview.unwrap_or_default();
                assert!(overview.in_progress + overview.failed <= limit, "{overview:?} of {limit}");
            });
        }
        let (status, code, [succeeded, failed, skipped]) = sandbox.end(&id);
        assert_eq!(succeeded + failed + skipped, u64::from(hosts));
        match code.as_deref() {
            None => {
                assert_eq!((status, skipped), (DeploymentStatus::Succeeded, 0));
                assert!(succeeded > 0 && u64::from(hosts) - failed >= u64::from(value));
            }
            Some("HEALTH_CONSTRAINTS_INVALID") => assert_eq!(value, hosts),
            Some(_) => assert!(failed == limit, "it failed for no reason: {failed} of {limit}"),
        }
    }
}

/// A deployment's limit of twelve hours goes with it.
#[test]
fn nothing_is_left_in_the_schedule_of_a_deployment_that_ended() {
    let mut sandbox = Sandbox::new(TWELVE, 1);
    let id = sandbox.create("CodeDeployDefault.AllAtOnce", "site.zip", |_| {});
    while sandbox.deployment(&id, |deployment| deployment.completed.is_none()) {
        assert!(sandbox.step());
    }
    assert_eq!(sandbox.driver.next(), None);
}

#[test]
fn a_seed_repeats_exactly() {
    let run = |seed| {
        let mut sandbox = Sandbox::new(&fault("{zone: b}", "Install"), seed);
        let id = sandbox.deploy("CodeDeployDefault.HalfAtATime", "site.zip");
        sandbox.deployment(&id, |deployment| serde_json::to_string(deployment).unwrap())
    };
    assert_eq!(run(5), run(5));
    assert_ne!(run(5), run(6));
}

#[test]
fn ten_thousand_hosts_are_normal() {
    let fleet = "generate: [{count: 10000, zones: [a, b], tags: {Role: web}}]\n";
    let mut sandbox = Sandbox::new(fleet, 1);
    let begun = crate::clock::Stopwatch::start();
    let id = sandbox.deploy("CodeDeployDefault.HalfAtATime", "site.zip");
    let took = begun.elapsed();
    assert_eq!(sandbox.end(&id).2, [10_000, 0, 0]);
    // Generous: the machine may be busy, and work that grows with the square of the hosts takes minutes.
    assert!(took < std::time::Duration::from_secs(40), "{took:?}");
}
