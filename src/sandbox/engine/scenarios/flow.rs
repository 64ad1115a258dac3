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
