//! Lambda deployments: weights over time, hooks, and how they end badly.

use super::*;

pub(super) const FLEET: &str = "
functions:
- {name: checkout, versions: ['1', '2', '3'], aliases: {live: '1'}}
- {name: verify, hook: {succeeds: 5}}
- {name: refuse, hook: {fails: 2}}
- {name: silent, hook: never}
- {name: script, hook: {command: [sh, verify.sh]}}
";

pub(super) fn appspec(current: &str, target: &str, hooks: &str) -> String {
    format!(
        "version: 0.0\nResources:\n- f:\n    Type: AWS::Lambda::Function\n    Properties: {{Name: checkout, Alias: \
         live, CurrentVersion: '{current}', TargetVersion: '{target}'}}\nHooks: [{hooks}]\n"
    )
}

pub(super) fn create(sandbox: &mut Sandbox, config: &str, appspec: &str) -> String {
    sandbox.create(&format!("CodeDeployDefault.Lambda{config}"), "", |deployment| {
        deployment.platform = ComputePlatform::Lambda;
        deployment.revision =
            json!({"revisionType": "AppSpecContent", "appSpecContent": {"content": appspec}});
        auto_rollback(deployment);
    })
}

fn deploy(sandbox: &mut Sandbox, config: &str, appspec: &str) -> String {
    let id = create(sandbox, config, appspec);
    sandbox.run();
    id
}

/// The alias's version, and the second one with its share.
fn alias(sandbox: &Sandbox) -> (String, Option<(String, f64)>) {
    sandbox.region(|region| {
        let alias = &region.functions["checkout"].aliases["live"];
        (alias.version.clone(), alias.additional.clone())
    })
}

/// Every weight that the target showed, with the second at which it came.
fn weights(config: &str) -> Vec<(i64, f64)> {
    let mut sandbox = Sandbox::new(FLEET, 1);
    let id = create(&mut sandbox, config, &appspec("1", "2", ""));
    let mut weights: Vec<(i64, f64)> = Vec::new();
    while sandbox.step() {
        let weight =
            sandbox.deployment(&id, |deployment| match deployment.targets.first().map(|one| &one.kind) {
                Some(crate::sandbox::store::TargetKind::Lambda(function)) => {
                    Some(function.target_version_weight)
                }
                _ => None,
            });
        if let Some(weight) = weight.filter(|weight| weights.last().is_none_or(|last| last.1 != *weight)) {
            weights.push(((sandbox.clock.now() - START) / 1_000, weight));
        }
    }
    assert_eq!(sandbox.end(&id).0, DeploymentStatus::Succeeded);
    assert_eq!(alias(&sandbox), ("2".to_owned(), None));
    weights
}

#[test]
fn all_at_once_has_three_events() {
    let mut sandbox = Sandbox::new(FLEET, 1);
    let id = create(&mut sandbox, "AllAtOnce", &appspec("1", "2", "BeforeAllowTraffic: verify"));
    while sandbox.step() {
        sandbox.deployment(&id, |deployment| {
            assert_eq!(
                deployment.overview.is_some(),
                deployment.status.is_terminal(),
                "absent while it runs"
            );
        });
    }
    assert_eq!(sandbox.end(&id).2, [1, 0, 0]);
    sandbox.deployment(&id, |deployment| {
        let [target] = &deployment.targets.iter().collect::<Vec<_>>()[..] else { panic!() };
        let events: Vec<_> = target.events.iter().map(|event| event.name.clone()).collect();
        assert_eq!((target.id.as_str(), events.as_slice()), ("checkout", EventName::ALLOW_TRAFFIC));
        assert_eq!(target.events[0].end.unwrap() - target.events[0].start.unwrap(), 5_000, "its hook's time");
    });
}

#[test]
fn canaries_and_lines_move_the_traffic_as_their_names_say() {
    let canary = weights("Canary10Percent5Minutes");
    assert_eq!(canary.iter().map(|step| step.1).collect::<Vec<_>>(), [0.0, 0.1, 1.0]);
    assert_eq!(canary[2].0 - canary[1].0, 300);
    let linear = weights("Linear10PercentEvery1Minute");
    assert_eq!(linear.len(), 11);
    for (step, pair) in linear.windows(2).enumerate().skip(1) {
        assert_eq!(pair[1].0 - pair[0].0, 60, "step {step}");
    }
    assert_eq!(linear.last().unwrap().1, 1.0);
}

#[test]
fn an_alias_that_is_elsewhere_is_an_invalid_configuration() {
    let wrong = [
        (appspec("2", "3", ""), "INVALID_LAMBDA_CONFIGURATION", "does not match the current version"),
        (appspec("1", "1", ""), "INVALID_LAMBDA_CONFIGURATION", "same as the current"),
        (appspec("1", "9", ""), "INVALID_LAMBDA_CONFIGURATION", "could not be found"),
        (appspec("1", "2", "").replace("live", "dead"), "INVALID_LAMBDA_CONFIGURATION", "alias could not"),
        (appspec("1", "2", "").replace("checkout", "other"), "INVALID_LAMBDA_FUNCTION", "other"),
        ("version: [".to_owned(), "INVALID_REVISION", "well-formed yaml"),
    ];
    for (appspec, code, words) in wrong {
        let mut sandbox = Sandbox::new(FLEET, 1);
        let id = deploy(&mut sandbox, "AllAtOnce", &appspec);
        sandbox.deployment(&id, |deployment| {
            let error = deployment.error.as_ref().unwrap();
            assert_eq!((&deployment.status, error.code.as_str()), (&DeploymentStatus::Failed, code));
            assert!(error.message.contains(words), "{}", error.message);
            assert!(deployment.targets.is_empty());
        });
    }
}

#[test]
fn hooks_fail_and_time_out() {
    for (function, code, took) in [
        ("refuse", "HOOK_EXECUTION_FAILURE", 2_000),
        ("silent", "TIMEOUT", 3_600_000),
        ("unknown", "HOOK_EXECUTION_FAILURE", 0),
        ("script", "HOOK_EXECUTION_FAILURE", 0),
    ] {
        let mut sandbox = Sandbox::new(FLEET, 1);
        let hooks =
            format!("BeforeAllowTraffic: 'arn:aws:lambda:us-east-1:123456789012:function:{function}:7'");
        let id = deploy(&mut sandbox, "AllAtOnce", &appspec("1", "2", &hooks));
        let (status, error, counts) = sandbox.end(&id);
        assert_eq!((status, error.as_deref(), counts), (DeploymentStatus::Failed, Some(code), [0, 1, 0]));
        sandbox.deployment(&id, |deployment| {
            let [first, rest @ ..] = deployment.targets[0].events.as_slice() else { panic!() };
            assert_eq!(first.status, EventStatus::Failed);
            assert_eq!(first.end.unwrap() - first.start.unwrap(), took);
            assert!(rest.iter().all(|event| event.status == EventStatus::Skipped && event.start.is_none()));
            assert!(deployment.progress.hooks.values().all(|execution| execution.over));
        });
        assert_eq!(alias(&sandbox), ("1".to_owned(), None));
    }
}

#[test]
fn a_slow_function_calls_back_later_or_too_late() {
    for (factor, took, well) in [(4.0, 20_000, true), (1_000.0, 3_600_000, false)] {
        let mut sandbox = Sandbox::new(FLEET, 1);
        let fault = json!({"hosts": {"ids": ["checkout"]}, "outcome": {"slow": factor}});
        sandbox.faults.add(serde_json::from_value(fault).unwrap(), Millis::MAX).unwrap();
        let id = deploy(&mut sandbox, "AllAtOnce", &appspec("1", "2", "BeforeAllowTraffic: verify"));
        assert_eq!(sandbox.end(&id).0 == DeploymentStatus::Succeeded, well);
        sandbox.deployment(&id, |deployment| {
            let event = &deployment.targets[0].events[0];
            assert_eq!(event.end.unwrap() - event.start.unwrap(), took);
        });
    }
}

#[test]
fn a_hook_may_be_answered_from_outside() {
    for succeeded in [true, false] {
        let mut sandbox = Sandbox::new(FLEET, 1);
        let id = create(&mut sandbox, "AllAtOnce", &appspec("1", "2", "AfterAllowTraffic: silent"));
        sandbox.run_for(60);
        let execution = sandbox.deployment(&id, |deployment| {
            let (execution, record) = deployment.progress.hooks.first_key_value().unwrap();
            assert_eq!((record.over, &record.event), (false, &EventName::AfterAllowTraffic));
            execution.clone()
        });
        let answer = |id: &str, execution: &str| {
            let said = if succeeded { Ok(()) } else { Err(None) };
            Message::HookAnswered(Key { region: REGION.into(), id: id.into() }, execution.into(), said)
        };
        sandbox.driver.take(answer(&id, "another"));
        sandbox.deployment(&id, |deployment| assert_eq!(deployment.status, DeploymentStatus::InProgress));
        sandbox.driver.take(answer(&id, &execution));
        sandbox.run();
        assert_eq!(sandbox.end(&id).0 == DeploymentStatus::Succeeded, succeeded);
    }
}

#[test]
fn a_stopped_canary_leaves_the_alias_split_and_the_next_deployment_fails() {
    let mut sandbox = Sandbox::new(FLEET, 1);
    let id = create(&mut sandbox, "Canary10Percent5Minutes", &appspec("1", "2", ""));
    sandbox.run_for(60);
    sandbox.stop(&id, Some(false));
    assert_eq!(sandbox.end(&id).1.as_deref(), Some("MANUAL_STOP"));
    assert_eq!(alias(&sandbox), ("1".to_owned(), Some(("2".to_owned(), 0.1))));
    let next = deploy(&mut sandbox, "AllAtOnce", &appspec("1", "2", ""));
    assert_eq!(sandbox.end(&next).1.as_deref(), Some("INVALID_LAMBDA_CONFIGURATION"));
}

#[test]
fn a_rollback_returns_the_traffic_in_seconds() {
    let mut sandbox = Sandbox::new(FLEET, 1);
    deploy(&mut sandbox, "AllAtOnce", &appspec("1", "2", ""));
    let id = create(&mut sandbox, "Canary10Percent5Minutes", &appspec("2", "3", "AfterAllowTraffic: refuse"));
    sandbox.run_for(60);
    assert_eq!(alias(&sandbox), ("2".to_owned(), Some(("3".to_owned(), 0.1))));
    sandbox.stop(&id, None);
    sandbox.run();
    let rollback = sandbox.deployment(&id, |deployment| deployment.rollback_deployment.clone()).unwrap();
    assert_eq!(sandbox.end(&rollback).0, DeploymentStatus::Succeeded);
    assert_eq!(alias(&sandbox), ("2".to_owned(), None));
    let after = deploy(&mut sandbox, "AllAtOnce", &appspec("2", "3", "AfterAllowTraffic: refuse"));
    assert_eq!(sandbox.end(&after).1.as_deref(), Some("HOOK_EXECUTION_FAILURE"));
    assert_eq!(alias(&sandbox), ("2".to_owned(), None), "it was rolled back after all traffic had moved");
}
