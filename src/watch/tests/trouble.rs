//! Calls that fail, credentials that go, terminals that hang: the report is the one of an undisturbed watch.

use super::*;

#[tokio::test(start_paused = true)]
async fn sre_03_throttle_storm_is_told_once_and_passes() {
    for targets in [1, 200, 1000] {
        let mut fleet = Fleet::new(targets);
        fleet.each = 200;
        fleet.fault = Box::new(|_, now| (30..120).contains(&now).then_some(ErrorKind::Throttled));
        let fleet = Arc::new(fleet);
        let (outcome, events) = run(&fleet, options()).await;
        assert_eq!(outcome, Outcome::Succeeded, "it is no end");
        assert_eq!(api_states(&events), [event::ApiState::Throttled, event::ApiState::Ok], "each told once");
        assert!(fleet.busiest_minute() <= 30, "{targets}: {}", fleet.busiest_minute());
        let calls = fleet.calls.lock().unwrap();
        let within = |from: u64, to: u64| calls.iter().filter(|(at, _)| (from..to).contains(at)).count();
        assert!((3..=18).contains(&within(30_000, 120_000)), "{targets}: {calls:?}");
        // No burst makes up for the storm, and the looks are as often again as they were.
        let first = calls.iter().find(|(at, _)| *at >= 120_000).unwrap().0;
        assert!(within(first, first + 10_000) <= 10, "{targets}: {calls:?}");
        let looks: Vec<u64> = calls
            .iter()
            .filter(|(at, name)| *at >= first && name == "GetDeployment")
            .map(|(at, _)| *at)
            .collect();
        assert!(looks.len() > 4 && looks.windows(2).all(|pair| pair[1] - pair[0] <= 17_000), "{looks:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_never_worked_has_not_recovered() {
    // One operation is throttled: there is seldom a call of it in a tick, and a tick without one says nothing.
    let fault: Fault =
        Box::new(|name, _| (name == "BatchGetDeploymentTargets").then_some(ErrorKind::Throttled));
    let fleet = Arc::new(Fleet { each: 200, fault, ..Fleet::new(100) });
    let (outcome, events) = run(&fleet, options()).await;
    assert_eq!(outcome, Outcome::Succeeded);
    assert!(fleet.count("BatchGetDeploymentTargets") >= 10);
    assert_eq!(api_states(&events), [event::ApiState::Throttled]);
    // The last read fails once, and then nothing answers any more.
    let fault: Fault = Box::new(|name, now| {
        (name == "BatchGetDeploymentTargets" && (85..86).contains(&now)).then_some(ErrorKind::Transient)
    });
    let latency: fn(usize) -> u64 = |before| if before < 3 { 0 } else { 50_000 };
    let ends = Some((80, DeploymentStatus::Failed, "HEALTH_CONSTRAINTS"));
    let mut fleet = Fleet { each: 40, fails: 0..4, batch: 4, ends, fault, latency, ..Fleet::new(4) };
    fleet.start -= secs(85);
    let fleet = Arc::new(fleet);
    let (outcome, events) = run(&fleet, options()).await;
    assert_eq!(outcome.exit(), Exit::Failed);
    assert_eq!(api_states(&events), [event::ApiState::Unreachable], "{:?}", fleet.calls.lock().unwrap());
}

#[tokio::test(start_paused = true)]
async fn sre_04_network_cut_of_twenty_minutes_is_survived() {
    let mut fleet = Fleet::new(12);
    fleet.each = 30;
    fleet.fault = Box::new(|_, now| (20..1220).contains(&now).then_some(ErrorKind::Transient));
    let fleet = Arc::new(fleet);
    let (outcome, events) = run(&fleet, options()).await;
    assert_eq!(outcome, Outcome::Succeeded);
    assert_eq!(api_states(&events), [event::ApiState::Unreachable, event::ApiState::Ok]);
    assert_eq!(final_targets(&events).len(), 12, "what happened meanwhile is read afterwards");
    let old = events.iter().any(|stamped| {
        matches!(&stamped.event, Event::Heartbeat(beat) if !beat.last_poll_ok && beat.answer_age_s > Some(600))
    });
    assert!(old, "heartbeats say how old the data is");
    assert_eq!(report(&events).duration_s, Some(60.0), "by the service's clock");
}

#[tokio::test(start_paused = true)]
async fn sre_04_a_machine_that_slept_goes_on_and_is_not_out_of_time() {
    let mut fleet = Fleet::new(12);
    (fleet.each, fleet.slept) = (700, Some((60, 1200)));
    let fleet = Arc::new(fleet);
    let (outcome, events) = run(&fleet, Options { timeout: Some(secs(600)), ..options() }).await;
    assert_eq!(outcome, Outcome::Succeeded, "20 minutes of the service's time are none of the watch's");
    assert_eq!(api_states(&events), []);
    assert_eq!(report(&events).duration_s, Some(1400.0), "by the service's clock");
    assert_eq!(final_targets(&events).len(), 12);
}

#[tokio::test(start_paused = true)]
async fn sre_05_in_a_termination_wait_of_two_hours_credentials_are_asked_for_anew() {
    let waiting = || Fleet {
        each: 30,
        waits: Waits { blue_green: true, termination_s: Some(7_200), ..Waits::default() },
        kept_from: Some(70),
        ends: Some((7_270, DeploymentStatus::Succeeded, "")),
        expire: Some(3_600),
        ..Fleet::new(12)
    };
    let fleet = Arc::new(waiting());
    let (outcome, events) = run(&fleet, options()).await;
    assert_eq!(outcome, Outcome::Succeeded);
    assert_eq!(api_states(&events), [event::ApiState::Credentials, event::ApiState::Ok]);
    assert_eq!(*fleet.renewed.lock().unwrap(), 1, "once was enough");
    let lost: Fault = Box::new(|_, now| (now >= 3_600).then_some(ErrorKind::Credentials));
    let fleet = Arc::new(Fleet { fault: lost, ..waiting() });
    let (outcome, events) = run(&fleet, options()).await;
    assert_eq!((outcome.exit(), report(&events).outcome.as_str()), (Exit::Unknown, "unknown"));
    assert!(*fleet.renewed.lock().unwrap() > 1);
    assert!((4_200..4_300).contains(&fleet.now()), "ten minutes after: {}", fleet.now());
}

#[tokio::test(start_paused = true)]
async fn credentials_that_stay_away_leave_the_outcome_unknown() {
    let lost: Fault = Box::new(|_, now| (now >= 20).then_some(ErrorKind::Credentials));
    let (outcome, events) = run(&Arc::new(Fleet { fault: lost, ..Fleet::new(12) }), options()).await;
    assert_eq!(outcome.exit(), Exit::Unknown);
    assert!(report(&events).reason.as_deref().unwrap().contains("CredentialsException"));
    let back: Fault = Box::new(|_, now| (20..300).contains(&now).then_some(ErrorKind::Credentials));
    let (outcome, _) = run(&Arc::new(Fleet { fault: back, ..Fleet::new(12) }), options()).await;
    assert_eq!(outcome, Outcome::Succeeded);
}

#[tokio::test(start_paused = true)]
async fn a_first_refusal_is_an_error_and_a_later_one_a_loss() {
    for kind in [ErrorKind::NotFound, ErrorKind::Denied, ErrorKind::Credentials, ErrorKind::Transient] {
        let fault: Fault = Box::new(move |_, _| Some(kind));
        let (outcome, _) = run(&Arc::new(Fleet { fault, ..Fleet::new(1) }), options()).await;
        assert_eq!(outcome.exit(), Exit::Error, "{kind:?}");
    }
    let fault: Fault = Box::new(|_, now| (now > 20).then_some(ErrorKind::NotFound));
    let (outcome, _) = run(&Arc::new(Fleet { fault, ..Fleet::new(1) }), options()).await;
    assert_eq!(outcome.exit(), Exit::Unknown, "deleted while it was watched");
    let fault: Fault = Box::new(|_, now| (now < 30).then_some(ErrorKind::Transient));
    let known = Options { known: true, ..options() };
    let (outcome, _) = run(&Arc::new(Fleet { fault, ..Fleet::new(1) }), known).await;
    assert_eq!(outcome, Outcome::Succeeded, "just created: it is there");
}

#[tokio::test(start_paused = true)]
async fn sre_18_permission_for_get_deployment_alone_is_enough() {
    let mut fleet = Fleet::new(12);
    fleet.fault = Box::new(|name, _| (name != "GetDeployment").then_some(ErrorKind::Denied));
    let fleet = Arc::new(fleet);
    let (outcome, events) = run(&fleet, options()).await;
    assert_eq!(outcome, Outcome::Succeeded);
    let notices = events.iter().filter_map(|stamped| match &stamped.event {
        Event::Notice { code, .. } => Some(*code),
        _ => None,
    });
    assert_eq!(notices.collect::<Vec<_>>(), [NoticeCode::Timeout, NoticeCode::Config, NoticeCode::Targets]);
    assert_eq!(fleet.count("ListDeploymentTargets"), 1, "not asked again");
    assert_eq!(report(&events).counts.unwrap().ok, 12, "the counts are still exact");
    let names: BTreeSet<String> = fleet.calls.lock().unwrap().iter().map(|(_, name)| name.clone()).collect();
    assert_eq!(
        names.iter().map(String::as_str).collect::<Vec<_>>(),
        ["GetDeployment", "GetDeploymentConfig", "ListDeploymentTargets"],
        "nothing else is called"
    );
}

#[tokio::test(start_paused = true)]
async fn targets_that_cannot_be_listed_yet_are_no_trouble() {
    let mut fleet = Fleet::new(12);
    fleet.fault =
        Box::new(|name, now| (name.starts_with("List") && now < 15).then_some(ErrorKind::NotStarted));
    let (outcome, events) = run(&Arc::new(fleet), options()).await;
    assert_eq!(outcome, Outcome::Succeeded);
    assert_eq!(api_states(&events), []);
    assert_eq!(final_targets(&events).len(), 12);
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_is_gone_ends_the_watch() {
    let (to, from) = mpsc::channel();
    drop(from);
    let mut reporters = Reporters::start(vec![Box::new(Collect(to))]).unwrap();
    let fleet = Arc::new(Fleet { each: 1_000_000, ..Fleet::new(12) });
    let pending = std::future::pending();
    let outcome = watch_one(&fleet, &options(), pending, &mut reporters).await;
    assert_eq!(outcome, Outcome::Closed);
}

#[tokio::test(start_paused = true)]
async fn a_poll_that_dies_is_started_again() {
    let mut fleet = Fleet::new(12);
    fleet.fault = Box::new(|_, now| {
        assert!(!(20..22).contains(&now) && !(26..29).contains(&now), "a bug");
        None
    });
    let (outcome, events) = run(&Arc::new(fleet), options()).await;
    assert_eq!(outcome, Outcome::Succeeded);
    assert_eq!(final_targets(&events).len(), 12);
}

/// The end of a watch of an hour and a half, and the last state of each target, with so much trouble.
async fn troubled(fault: Fault) -> (event::Report, HashMap<String, TargetStatus>) {
    let mut fleet = Fleet::new(60);
    (fleet.each, fleet.fails, fleet.fault) = (2_400, 20..25, fault);
    let (_, events) = run(&Arc::new(fleet), options()).await;
    let mut finished = HashMap::new();
    for stamped in &events {
        if let Event::Target(target) = &stamped.event
            && target.status.is_finished()
        {
            assert_eq!(finished.insert(target.id.clone(), 1), None, "{} is told once", target.id);
        }
    }
    let mut report = report(&events).clone();
    report.causes.iter_mut().for_each(|cause| cause.targets.sort());
    (report, final_targets(&events))
}

fn during(range: Range<u64>, kind: ErrorKind) -> Fault {
    Box::new(move |_, now| range.contains(&now).then_some(kind))
}

#[tokio::test(start_paused = true)]
async fn trouble_changes_nothing_in_the_report() {
    let undisturbed = troubled(Box::new(|_, _| None)).await;
    assert_eq!(undisturbed.0.causes[0].count, 5);
    assert_eq!(undisturbed.1.len(), 60);
    let server_errors = |range: Range<u64>| -> Fault {
        let calls = Mutex::new(fastrand::Rng::with_seed(3));
        Box::new(move |_, now| {
            let bad = range.contains(&now) && calls.lock().unwrap().u32(..100) < 30;
            bad.then_some(ErrorKind::Transient)
        })
    };
    // Its own end is seen in any case, as it is when everybody calls at that moment.
    let at_the_end = |fault: Fault| -> Fault {
        Box::new(move |name, now| fault(name, now).filter(|_| name != "GetDeployment"))
    };
    let resets: Fault = Box::new(|_, now| (now > 10 && now % 60 < 5).then_some(ErrorKind::Transient));
    let faults = [
        ("90 s of throttling", during(2_380..2_470, ErrorKind::Throttled)),
        ("20 min without network", during(2_000..3_200, ErrorKind::Transient)),
        ("30 % of 500s for an hour", server_errors(10..3_610)),
        ("connection resets", resets),
        ("credentials that come back", during(2_300..2_800, ErrorKind::Credentials)),
        ("throttling when it ends", at_the_end(during(4_700..4_811, ErrorKind::Throttled))),
        ("the network gone when it ends", at_the_end(during(4_700..4_811, ErrorKind::Transient))),
        ("30 % of 500s when it ends", at_the_end(server_errors(4_700..5_000))),
    ];
    for (what, fault) in faults {
        assert_eq!(troubled(fault).await, undisturbed, "{what}");
    }
}

/// A terminal that takes nothing until it is let go.
struct Stuck(mpsc::Receiver<()>);

impl Reporter for Stuck {
    fn event(&mut self, _: &Stamped) -> Result<(), Closed> {
        let _ = self.0.recv();
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
#[expect(clippy::disallowed_methods, reason = "the user waits before the signal, in paused time")]
async fn a_stuck_terminal_stalls_neither_the_poll_nor_the_signal() {
    let (free, stuck) = mpsc::channel();
    let mut reporters = Reporters::start(vec![Box::new(Stuck(stuck))]).unwrap();
    let fleet = Arc::new(Fleet { each: 100_000, ..Fleet::new(12) });
    let interrupt = async {
        tokio::time::sleep(secs(3600)).await;
        Signal::Interrupt
    };
    let outcome = watch_one(&fleet, &options(), interrupt, &mut reporters).await;
    assert_eq!(outcome, Outcome::Detached(Signal::Interrupt));
    assert!(fleet.count("GetDeployment") > 200, "{}", fleet.count("GetDeployment"));
    assert!(fleet.now() < 3605);
    drop(free);
}

#[tokio::test(start_paused = true)]
async fn an_interval_of_ages_is_a_day() {
    let ages = secs(i64::MAX.unsigned_abs());
    let ages = Options { interval: ages, timeout: Some(ages), ..options() };
    let (outcome, events) = run(&Arc::new(Fleet::new(12)), ages).await;
    assert_eq!((outcome, api_states(&events)), (Outcome::Succeeded, Vec::new()));
}
