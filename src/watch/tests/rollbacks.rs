//! Rollbacks: awaited, followed, missing, and never stopped by leaving.

use super::*;

#[tokio::test(start_paused = true)]
async fn nothing_is_waited_for_that_cannot_be_rolled_back_to() {
    let fleet = Arc::new(Fleet {
        first: true,
        fails: 0..12,
        auto_rollback: vec!["DEPLOYMENT_FAILURE"],
        ..Fleet::new(12)
    });
    let (outcome, events) = run(&fleet, options()).await;
    assert_eq!(outcome.exit(), Exit::Failed);
    assert!(fleet.now() < 100, "{} s", fleet.now());
    let late = |code| matches!(code, NoticeCode::RollbackAwaited | NoticeCode::RollbackMissing);
    assert!(!notices(&events).into_iter().any(late));
}

#[tokio::test(start_paused = true)]
async fn the_rollback_is_followed() {
    for (fails, exit) in [(false, Exit::RolledBack), (true, Exit::RollbackFailed)] {
        let mut fleet = Fleet::new(12);
        fleet.fails = 0..12;
        fleet.auto_rollback = vec!["DEPLOYMENT_FAILURE"];
        fleet.rollback_after = Some(25);
        fleet.rollback_fails = fails;
        let (outcome, events) = run(&Arc::new(fleet), options()).await;
        assert_eq!(outcome.exit(), exit);
        let report = report(&events);
        assert_eq!(report.rollback.as_deref(), Some("d-ROLLBACK"));
        assert!(report.rollback_status.is_some());
        assert_eq!(events.last().unwrap().deployment, "d-1");
        assert!(events.iter().any(|event| event.deployment == "d-ROLLBACK"));
    }
    let mut fleet = Fleet::new(12);
    fleet.fails = 0..12;
    fleet.auto_rollback = vec!["DEPLOYMENT_FAILURE"];
    fleet.rollback_after = Some(0);
    let alone = Options { follow_rollback: false, ..options() };
    let (outcome, events) = run(&Arc::new(fleet), alone).await;
    assert_eq!(outcome.exit(), Exit::Failed);
    assert_eq!(report(&events).rollback.as_deref(), Some("d-ROLLBACK"), "named though not followed");
}

#[tokio::test(start_paused = true)]
async fn a_rollback_is_named_to_whoever_does_not_watch_it() {
    for asked in [true, false] {
        let throttled: Fault = Box::new(|name, now| {
            (name == "GetDeployment" && (35..45).contains(&now)).then_some(ErrorKind::Throttled)
        });
        let fleet = Arc::new(Fleet {
            ends: Some((30, DeploymentStatus::Stopped, "MANUAL_STOP")),
            rollback_after: Some(25),
            fault: throttled,
            ..Fleet::new(12)
        });
        let naming = Options { follow_rollback: false, name_rollback: Some(asked), ..options() };
        let (outcome, events) = run(&fleet, naming).await;
        assert_eq!(outcome.exit(), Exit::Stopped);
        assert_eq!(report(&events).rollback.is_some(), asked, "no settings say that one comes");
        assert!(events.iter().all(|event| event.deployment == "d-1"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_rollback_that_never_shows_up_is_waited_for_a_minute() {
    let cases = [
        (DeploymentStatus::Failed, "HEALTH_CONSTRAINTS", "DEPLOYMENT_FAILURE", Exit::Failed),
        (DeploymentStatus::Stopped, "ALARM_ACTIVE", "DEPLOYMENT_STOP_ON_ALARM", Exit::Stopped),
        (DeploymentStatus::Stopped, "MANUAL_STOP", "DEPLOYMENT_STOP_ON_REQUEST", Exit::Stopped),
    ];
    for (status, code, covered, exit) in cases {
        for (event, waits) in [(covered, true), ("OTHER", false)] {
            let mut fleet = Fleet::new(12);
            fleet.ends = Some((30, status.clone(), code));
            fleet.auto_rollback = vec![event];
            let fleet = Arc::new(fleet);
            let (outcome, events) = run(&fleet, options()).await;
            assert_eq!(outcome.exit(), exit);
            let missing = |stamped: &Stamped| {
                matches!(&stamped.event, Event::Notice { code: NoticeCode::RollbackMissing, .. })
            };
            assert_eq!(events.iter().any(missing), waits, "{code} {event}");
            assert_eq!((85..105).contains(&fleet.now()), waits, "{code} {event}: {} s", fleet.now());
        }
    }
}

#[tokio::test(start_paused = true)]
async fn sre_11_never_stopped_on_the_way_out_unless_the_user_said_so() {
    for signal in [None, Some(Signal::Interrupt), Some(Signal::Terminate)] {
        let fleet = Arc::new(Fleet { each: 100_000, ..Fleet::new(12) });
        let late = Options { timeout: Some(secs(90)), ..options() };
        let interrupt = async {
            match signal {
                Some(signal) => {
                    sleep(secs(40)).await;
                    signal
                }
                None => std::future::pending().await,
            }
        };
        let (outcome, _) = run_until(&fleet, late, interrupt).await;
        assert_eq!(outcome, signal.map_or(Outcome::TimedOut, Outcome::Detached));
        assert_eq!(fleet.count("StopDeployment"), 0, "nobody said so");
    }
    // The rollback that was asked for is waited for and followed, whatever the deployment's settings say.
    let awaited = [NoticeCode::Stopping, NoticeCode::RollbackAwaited];
    let missing = [NoticeCode::Stopping, NoticeCode::RollbackAwaited, NoticeCode::RollbackMissing];
    for (leave, rollback, late, exit, told) in [
        (Leave::Stop, None, None, Exit::Stopped, &awaited[..1]),
        (Leave::Rollback, Some(true), Some(25), Exit::RolledBack, &awaited),
        (Leave::Rollback, Some(true), None, Exit::Stopped, &missing),
    ] {
        let fleet = Arc::new(Fleet { each: 100_000, rollback_after: late, ..Fleet::new(12) });
        let stop = Options { timeout: Some(secs(90)), on_timeout: leave, ..options() };
        let (outcome, events) = run(&fleet, stop).await;
        assert_eq!(outcome.exit(), exit);
        assert_eq!(*fleet.stopped.lock().unwrap(), Some((90, rollback)));
        assert_eq!(notices(&events), told);
    }
    let fleet = Arc::new(Fleet { each: 100_000, creator: Creator::AutoScaling, ..Fleet::new(12) });
    let stop = Options { timeout: Some(secs(90)), on_timeout: Leave::Stop, ..options() };
    let (outcome, events) = run(&fleet, stop.clone()).await;
    assert_eq!(outcome, Outcome::TimedOut, "Auto Scaling's own is left alone");
    assert_eq!(fleet.count("StopDeployment"), 0);
    let why = "Auto Scaling made the deployment: it is not stopped and goes on";
    let told = |stamped: &Stamped| matches!(&stamped.event, Event::Notice { message, .. } if message == why);
    assert!(events.iter().any(told), "{:?}", notices(&events));
    let refuses: Fault = Box::new(|name, _| (name == "StopDeployment").then_some(ErrorKind::Denied));
    let fleet = Arc::new(Fleet { each: 100_000, fault: refuses, ..Fleet::new(12) });
    let (outcome, events) = run(&fleet, stop).await;
    assert_eq!(outcome, Outcome::TimedOut);
    assert_eq!(notices(&events), [NoticeCode::Stopping, NoticeCode::NotStopped]);
}

#[tokio::test(start_paused = true)]
async fn a_rollback_is_not_stopped_on_the_way_out() {
    let cases = [(Leave::Rollback, Exit::RolledBack, 385), (Leave::Stop, Exit::Failed, 120)];
    // Whether or not anything has been told of it.
    for ((leave, exit, ended), silent) in cases.into_iter().flat_map(|case| [(case, false), (case, true)]) {
        let mut fleet = Fleet::new(12);
        fleet.fault = Box::new(move |name, now| {
            (silent && name.ends_with("rollback") && now < 130).then_some(ErrorKind::Transient)
        });
        fleet.fails = 0..12;
        fleet.auto_rollback = vec!["DEPLOYMENT_FAILURE"];
        (fleet.rollback_after, fleet.rollback_takes) = (Some(0), 300);
        let fleet = Arc::new(fleet);
        let late = Options { timeout: Some(secs(120)), on_timeout: leave, made: true, ..options() };
        let (outcome, events) = run(&fleet, late).await;
        assert_eq!(outcome.exit(), exit, "{leave:?}");
        assert!((ended..ended + 20).contains(&fleet.now()), "{leave:?}: {} s", fleet.now());
        assert_eq!(fleet.count("StopDeployment"), 0);
        assert!(notices(&events).contains(&NoticeCode::NotStopped));
    }
}

/// A deployment that fails after `end` seconds, with a rollback of `takes`.
fn rolled_back(end: u64, takes: u64) -> Fleet {
    Fleet {
        each: 100_000,
        ends: Some((end, DeploymentStatus::Failed, "HEALTH_CONSTRAINTS")),
        auto_rollback: vec!["DEPLOYMENT_FAILURE"],
        rollback_after: Some(0),
        rollback_takes: takes,
        ..Fleet::new(12)
    }
}

#[tokio::test(start_paused = true)]
async fn a_rollback_has_the_services_limit_for_itself() {
    // The deployment ends after 12 hours, and its rollback takes half an hour: the limit is 12 hours and 10 minutes.
    let half_a_day = 12 * 3_600;
    let hours = || async {
        sleep(secs(10)).await;
        tokio::time::advance(secs(half_a_day)).await;
        sleep(secs(60)).await;
        tokio::time::advance(secs(1_200)).await;
        std::future::pending().await
    };
    let fleet = Arc::new(rolled_back(half_a_day, 1_800));
    let (outcome, events) = run_until(&fleet, options(), hours()).await;
    assert_eq!(outcome.exit(), Exit::RolledBack);
    let limits = notices(&events).into_iter().filter(|code| *code == NoticeCode::Timeout).count();
    assert_eq!(limits, 1, "told once");
    let given = Options { timeout: Some(secs(half_a_day + 1_200)), ..options() };
    let fleet = Arc::new(rolled_back(half_a_day, 1_800));
    let (outcome, _) = run_until(&fleet, given, hours()).await;
    assert_eq!(outcome.exit(), Exit::Failed, "the user's own is for both");
}

#[tokio::test(start_paused = true)]
async fn the_rollback_is_told_nothing_of_what_was_seen_before_it() {
    // Whatever had been looked at, and not been told, when the deployment ended.
    for end in (40..80).step_by(3) {
        let fleet = Fleet { rollback_targets: vec![3], ..rolled_back(end, 60) };
        let (_, events) = run(&Arc::new(fleet), options()).await;
        let seen: BTreeSet<&str> = events
            .iter()
            .filter(|stamped| stamped.deployment == "d-ROLLBACK")
            .filter_map(|stamped| match &stamped.event {
                Event::Seen { targets } => Some(targets.iter().map(String::as_str)),
                _ => None,
            })
            .flatten()
            .collect();
        assert_eq!(seen.into_iter().collect::<Vec<_>>(), ["i-00003"], "{end}");
    }
}

#[tokio::test(start_paused = true)]
async fn trouble_while_a_rollback_is_waited_for_passes() {
    let waiting = || Fleet { rollback_after: Some(45), ..rolled_back(60, 60) };
    let storm: Fault = Box::new(|_, now| (62..90).contains(&now).then_some(ErrorKind::Throttled));
    let (outcome, events) = run(&Arc::new(Fleet { fault: storm, ..waiting() }), options()).await;
    assert_eq!(outcome.exit(), Exit::RolledBack);
    assert_eq!(api_states(&events), [event::ApiState::Throttled, event::ApiState::Ok]);
    let fleet = Arc::new(Fleet { expire: Some(80), ..waiting() });
    let (outcome, events) = run(&fleet, options()).await;
    assert_eq!(outcome.exit(), Exit::RolledBack);
    assert_eq!(api_states(&events), [event::ApiState::Credentials, event::ApiState::Ok]);
    assert_eq!(*fleet.renewed.lock().unwrap(), 1);
}
