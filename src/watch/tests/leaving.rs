//! What is said of a deployment that is left while it is being stopped, and of its fleets where a watch ends before it.

use super::*;
use crate::watch::event::{Counts, Fleets};

/// A watch that is interrupted twice.
async fn twice(fleet: &Arc<Fleet>) -> (Outcome, Vec<Stamped>) {
    interrupted(fleet, Options { on_interrupt: Leave::Stop, ..options() }, &[Signal::Interrupt]).await
}

/// A watch that is sent these signals, all of them at once, every 33 seconds.
async fn interrupted(fleet: &Arc<Fleet>, options: Options, sent: &[Signal]) -> (Outcome, Vec<Stamped>) {
    let (to, from) = mpsc::channel();
    let mut reporters = Reporters::start(vec![Box::new(Collect(to))]).unwrap();
    let signals = Signals::default();
    let ids = ["d-1".to_owned()];
    let mut outcomes = {
        let mut watch = std::pin::pin!(watch(
            Arc::clone(fleet),
            &ids,
            &options,
            (&signals, vec![signals.listen()]),
            &mut reporters
        ));
        let mut ticks = tokio::time::interval(secs(33));
        ticks.tick().await;
        loop {
            tokio::select! {
                outcomes = watch.as_mut() => break outcomes,
                _ = ticks.tick() => sent.iter().for_each(|signal| signals.send(*signal)),
            }
        }
    };
    drop(reporters);
    (outcomes.remove(0), from.iter().collect())
}

#[tokio::test(start_paused = true)]
async fn sre_10_a_second_interrupt_says_that_the_deployment_is_being_stopped() {
    let fleet = Arc::new(Fleet { each: 100_000, stops_after: 1000, ..Fleet::new(12) });
    let (outcome, events) = twice(&fleet).await;
    assert_eq!(outcome.exit().code(), 130);
    assert_eq!(report(&events).reason.as_deref(), Some("the deployment is being stopped"));
    let notice = events.iter().find_map(|stamped| match &stamped.event {
        Event::Notice { code: NoticeCode::Stopping, message, .. } => Some(message.clone()),
        _ => None,
    });
    assert_eq!(notice.as_deref(), Some("stopping the deployment; another ^C leaves it to that"));
    // One that could not be stopped goes on.
    let refuses: Fault = Box::new(|name, _| (name == "StopDeployment").then_some(ErrorKind::Denied));
    let fleet = Arc::new(Fleet { each: 100_000, fault: refuses, ..Fleet::new(12) });
    let (_, events) = twice(&fleet).await;
    assert_eq!(report(&events).reason, None);
}

#[tokio::test(start_paused = true)]
async fn sre_10_two_signals_at_once_leave_no_stop_behind() {
    let both = [Signal::Interrupt, Signal::Terminate];
    for (leave, rollback) in [(Leave::Stop, None), (Leave::Rollback, Some(true))] {
        let fleet = Arc::new(Fleet { each: 100_000, stops_after: 1000, ..Fleet::new(12) });
        let options = Options { on_interrupt: leave, ..options() };
        let (outcome, events) = interrupted(&fleet, options, &both).await;
        assert_eq!(outcome.exit().code(), 143);
        assert_eq!(*fleet.stopped.lock().unwrap(), Some((33, rollback)));
        assert_eq!(report(&events).reason.as_deref(), Some("the deployment is being stopped"));
    }
    // What came of it is said as well.
    let refuses: Fault = Box::new(|name, _| (name == "StopDeployment").then_some(ErrorKind::Denied));
    let fleet = Arc::new(Fleet { each: 100_000, fault: refuses, ..Fleet::new(12) });
    let stop = || Options { on_interrupt: Leave::Stop, ..options() };
    let (_, events) = interrupted(&fleet, stop(), &both).await;
    assert_eq!((fleet.count("StopDeployment"), report(&events).reason.as_deref()), (1, None));
    assert_eq!(notices(&events)[1..], [NoticeCode::Stopping, NoticeCode::NotStopped]);
    // Who leaves is not held for long.
    let slow: fn(usize) -> u64 = |before| if before < 4 { 0 } else { 50_000 };
    let fleet = Arc::new(Fleet { each: 100_000, latency: slow, ..Fleet::new(12) });
    let (_, events) = interrupted(&fleet, stop(), &both).await;
    assert!(fleet.now() <= 36, "{} s", fleet.now());
    let unanswered = "the deployment was asked to stop, and no answer has come";
    assert_eq!(report(&events).reason.as_deref(), Some(unanswered));
}

#[tokio::test(start_paused = true)]
async fn what_nothing_was_told_of_is_stopped_only_by_who_made_it() {
    let silent = |until: u64| Fleet {
        each: 100_000,
        fault: Box::new(move |name, now| {
            (name == "GetDeployment" && now < until).then_some(ErrorKind::Throttled)
        }),
        ..Fleet::new(12)
    };
    for made in [true, false] {
        let (known, stop) = (true, Leave::Stop);
        let interrupt = Options { known, made, on_interrupt: stop, ..options() };
        let late = Options { known, made, timeout: Some(secs(33)), on_timeout: stop, ..options() };
        for (options, left, sent) in [(interrupt, 130, &[Signal::Interrupt][..]), (late, 7, &[])] {
            let fleet = Arc::new(silent(60));
            let (outcome, events) = interrupted(&fleet, options, sent).await;
            let told: Vec<_> =
                notices(&events).into_iter().filter(|code| *code != NoticeCode::Timeout).collect();
            if made {
                assert_eq!((outcome.exit(), &told[..]), (Exit::Stopped, &[NoticeCode::Stopping][..]));
                assert_eq!(*fleet.stopped.lock().unwrap(), Some((33, None)));
            } else {
                assert_eq!((outcome.exit().code(), &told[..]), (left, &[NoticeCode::NotStopped][..]));
                assert_eq!(fleet.count("StopDeployment"), 0, "it may be Auto Scaling's");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn of_several_each_is_told_as_it_ends_and_only_the_last_one_later() {
    let short = Arc::new(Fleet::new(1));
    let long = Arc::new(Fleet { each: 600, ..Fleet::new(1) });
    let (to, from) = mpsc::channel();
    let mut reporters = Reporters::start(vec![Box::new(Collect(to))]).unwrap();
    let signals = Signals::default();
    let watched = [("d-LONG", &long), ("d-SHORT", &short)].map(|(id, fleet)| Watched {
        source: Arc::clone(fleet),
        deployment: id.to_owned(),
        region: None,
    });
    let listeners = watched.iter().map(|_| signals.listen()).collect();
    let (outcomes, last) = follow(&watched, &options(), listeners, &reporters).await;
    assert_eq!(outcomes, [Outcome::Succeeded, Outcome::Succeeded]);
    sleep(secs(100)).await;
    last.unwrap().tell("cdctl test", &reporters);
    finish(&outcomes, &signals, &mut reporters).await;
    drop(reporters);
    let events: Vec<Stamped> = from.iter().collect();
    let results: Vec<_> = events.iter().filter(|event| matches!(event.event, Event::Result(_))).collect();
    assert_eq!(
        results.iter().map(|event| event.deployment.as_str()).collect::<Vec<_>>(),
        ["d-SHORT", "d-LONG"]
    );
    assert!(results[0].ts <= at(60 + 20).unwrap(), "{}", results[0].ts);
    assert!(results[1].ts >= at(600 + 100).unwrap(), "told as of now: {}", results[1].ts);
}

#[tokio::test(start_paused = true)]
async fn a_point_is_told_with_the_targets_as_they_are_there() {
    let fleet = Fleet { batch: 12, ready: 45..400, ..Fleet::new(12) };
    let fleet = Arc::new(Fleet { ends: Some((500, DeploymentStatus::Succeeded, "")), ..fleet });
    let (outcome, events) = run(&fleet, Options { exit_on_ready: true, ..options() }).await;
    assert_eq!(outcome.exit(), Exit::Ready);
    let done = |status: &TargetStatus| *status == TargetStatus::Succeeded;
    assert_eq!(final_targets(&events).values().filter(|status| done(status)).count(), 12);
}

#[test]
fn fleets_that_have_gone_on_since_they_were_read_are_told_apart() {
    let counts = |ok, run, pend, ready| Counts { ok, run, pend, ready, ..Counts::default() };
    let fleets = Fleets { blue: counts(0, 0, 12, 0), green: counts(0, 6, 0, 0) };
    assert!(fleets.agree_with(&counts(0, 6, 12, 0)), "both fleets are counted");
    assert!(fleets.agree_with(&counts(0, 6, 0, 0)), "the replacement alone is");
    assert!(!fleets.agree_with(&counts(0, 0, 0, 6)) && !fleets.agree_with(&counts(0, 0, 12, 6)));
}
