//! Whole watches in paused time against a fleet that moves by itself.

mod cost;
mod fleet;
mod form;
mod leaving;
mod rollbacks;
mod schema;
mod trouble;

use std::collections::{BTreeSet, HashMap, HashSet};
use std::ops::Range;
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use self::fleet::*;
use super::budget::Ledger;
use super::event::{NoticeCode, Stamped};
use super::*;
use crate::api::{ApiError, ErrorKind, Wait};
use crate::exit::Exit;
use crate::model::*;
use crate::report::{Closed, Reporter};

const START: &str = "2026-08-25T14:00:00Z";

/// What goes wrong with a call, by the time since the start in seconds.
type Fault = Box<dyn Fn(&str, u64) -> Option<ErrorKind> + Send + Sync>;

struct Collect(mpsc::Sender<Stamped>);

impl Reporter for Collect {
    fn event(&mut self, event: &Stamped) -> Result<(), Closed> {
        self.0.send(event.clone()).map_err(|_| Closed)
    }
}

fn options() -> Options {
    Options { now: START.parse().unwrap(), ..Options::new("cdctl test", Timestamp::UNIX_EPOCH, 7) }
}

async fn run(fleet: &Arc<Fleet>, options: Options) -> (Outcome, Vec<Stamped>) {
    run_until(fleet, options, std::future::pending()).await
}

/// A watch, and its events; they hold to what is promised of every stream.
async fn run_until(
    fleet: &Arc<Fleet>,
    options: Options,
    interrupt: impl Future<Output = Signal>,
) -> (Outcome, Vec<Stamped>) {
    let (to, from) = mpsc::channel();
    let mut reporters = Reporters::start(vec![Box::new(Collect(to))]).unwrap();
    let outcome = watch_one(fleet, &options, interrupt, &mut reporters).await;
    drop(reporters);
    let events: Vec<Stamped> = from.iter().collect();
    assert!(matches!(events.first().unwrap().event, Event::StreamStart { .. }));
    assert!(events.iter().enumerate().all(|(index, event)| event.seq == index as u64));
    assert!(events.windows(2).all(|pair| pair[0].ts <= pair[1].ts));
    let results = events.iter().filter(|event| matches!(event.event, Event::Result(_))).count();
    assert_eq!(results, 1);
    assert_eq!(report(&events).exit, outcome.exit().code());
    // Of thousands of targets that are alike, one.
    let mut alike = HashSet::new();
    for event in &events {
        let fresh = match &event.event {
            Event::Target(target) => alike.insert((target.status.clone(), target.event_status.clone())),
            _ => true,
        };
        if fresh {
            schema_tests::knows(event);
        }
    }
    (outcome, events)
}

async fn watch_one(
    fleet: &Arc<Fleet>,
    options: &Options,
    interrupt: impl Future<Output = Signal>,
    reporters: &mut Reporters,
) -> Outcome {
    let signals = Signals::default();
    let ids = ["d-1".to_owned()];
    let mut watch = std::pin::pin!(watch(
        Arc::clone(fleet),
        &ids,
        options,
        (&signals, vec![signals.listen()]),
        reporters
    ));
    let mut interrupt = std::pin::pin!(interrupt);
    let mut sent = false;
    loop {
        tokio::select! {
            mut outcomes = watch.as_mut() => return outcomes.remove(0),
            signal = interrupt.as_mut(), if !sent => {
                signals.send(signal);
                sent = true;
            }
        }
    }
}

fn report(events: &[Stamped]) -> &event::Report {
    match &events.last().unwrap().event {
        Event::Result(report) => report,
        other => panic!("the last event is {other:?}"),
    }
}

fn api_states(events: &[Stamped]) -> Vec<event::ApiState> {
    let state = |stamped: &Stamped| match &stamped.event {
        Event::Api(api) => Some(api.state),
        _ => None,
    };
    events.iter().filter_map(state).collect()
}

fn final_targets(events: &[Stamped]) -> HashMap<String, TargetStatus> {
    let target = |stamped: &Stamped| match &stamped.event {
        Event::Target(target) => Some((target.id.clone(), target.status.clone())),
        _ => None,
    };
    events.iter().filter_map(target).collect()
}

#[tokio::test(start_paused = true)]
async fn a_small_fleet_is_seen_whole() {
    let fleet = Arc::new(Fleet::new(12));
    let (outcome, events) = run(&fleet, options()).await;
    assert_eq!(outcome, Outcome::Succeeded);
    let targets = final_targets(&events);
    assert_eq!(targets.len(), 12);
    assert!(targets.values().all(|status| *status == TargetStatus::Succeeded));
    assert_eq!(report(&events).counts.unwrap().ok, 12);
    assert_eq!(fleet.count("GetDeploymentConfig"), 1);
    assert_eq!(fleet.count("ListDeploymentTargets"), 1);
    assert!(fleet.finished.lock().unwrap().values().all(|times| *times == 1));
}

#[tokio::test(start_paused = true)]
async fn sre_08_a_failure_among_a_thousand_is_told_within_one_poll() {
    let fleet = Fleet { each: 100, fails: 999..1000, batch: 1_000, ..Fleet::new(1_000) };
    let fleet = Arc::new(Fleet { ends: Some((400, DeploymentStatus::Succeeded, "")), ..fleet });
    let (_, events) = run(&fleet, options()).await;
    let failed = |stamped: &&Stamped| matches!(&stamped.event, Event::Target(target) if target.status == TargetStatus::Failed);
    let told = events.iter().find(failed).unwrap().ts;
    let after = told.duration_since(at(105).unwrap()).as_secs();
    assert!((0..=15).contains(&after), "{after} s after it");
}

/// Each way in which a watch ends, its exit code and the word of its last event.
#[tokio::test(start_paused = true)]
async fn sre_01_truthful_exit_on_every_path() {
    let failing = |after, rollback_fails| Fleet {
        fails: 0..12,
        auto_rollback: vec!["DEPLOYMENT_FAILURE"],
        rollback_after: after,
        rollback_fails,
        ..Fleet::new(12)
    };
    let ends = |status, code| Fleet { ends: Some((30, status, code)), ..Fleet::new(12) };
    let endless = || Fleet { each: 100_000, ..Fleet::new(12) };
    let faulty = |kind| Fleet { fault: Box::new(move |_, now| (now > 20).then_some(kind)), ..endless() };
    let stop = Options { timeout: Some(secs(60)), on_timeout: Leave::Stop, ..options() };
    let strict = Options { require_all: true, ..options() };
    let partly =
        || Fleet { ends: Some((90, DeploymentStatus::Succeeded, "")), fails: 3..4, ..Fleet::new(12) };
    let cases = [
        (Fleet::new(12), options(), 0, "succeeded"),
        (partly(), options(), 0, "succeeded_with_failures"),
        (partly(), strict, 3, "succeeded_with_failures"),
        (ends(DeploymentStatus::Failed, "HEALTH_CONSTRAINTS"), options(), 3, "failed"),
        (failing(Some(25), false), options(), 5, "failed_rolled_back"),
        (failing(Some(25), true), options(), 6, "failed_rollback_failed"),
        (failing(None, false), options(), 3, "failed"),
        (ends(DeploymentStatus::Stopped, "MANUAL_STOP"), options(), 4, "stopped"),
        (ends(DeploymentStatus::Stopped, "ALARM_ACTIVE"), options(), 4, "stopped_by_alarm"),
        (endless(), stop, 4, "stopped"),
        (endless(), Options { timeout: Some(secs(60)), ..options() }, 7, "timed_out"),
        (faulty(ErrorKind::Credentials), options(), 9, "unknown"),
        (faulty(ErrorKind::NotFound), options(), 9, "unknown"),
    ];
    for (index, (mut fleet, options, exit, word)) in cases.into_iter().enumerate() {
        fleet.start = Instant::now();
        let (outcome, events) = run(&Arc::new(fleet), options).await;
        assert_eq!((outcome.exit().code(), report(&events).outcome.as_str()), (exit, word), "case {index}");
    }
}

#[tokio::test(start_paused = true)]
#[expect(clippy::disallowed_methods, reason = "the user waits before the signal, in paused time")]
async fn time_and_signals_only_detach() {
    let endless = || Arc::new(Fleet { each: 100_000, ..Fleet::new(12) });
    let fleet = endless();
    let (outcome, events) = run(&fleet, Options { timeout: Some(secs(90)), ..options() }).await;
    assert_eq!(outcome, Outcome::TimedOut);
    assert_eq!(report(&events).status, Some(DeploymentStatus::InProgress));
    assert_eq!(fleet.now(), 90);
    for (signal, exit) in [(Signal::Interrupt, 130), (Signal::Terminate, 143)] {
        let interrupt = async {
            tokio::time::sleep(secs(33)).await;
            signal
        };
        let (outcome, _) = run_until(&endless(), options(), interrupt).await;
        assert_eq!(outcome.exit().code(), exit);
    }
}

fn notices(events: &[Stamped]) -> Vec<NoticeCode> {
    let notice = |stamped: &Stamped| match &stamped.event {
        Event::Notice { code, .. } => Some(*code),
        _ => None,
    };
    events.iter().filter_map(notice).collect()
}

#[tokio::test(start_paused = true)]
async fn sre_12_ready_is_no_hang_and_a_point_ends_the_watch() {
    let until = |point: &str| Options { until: point.parse().ok(), ..options() };
    let fleet =
        Arc::new(Fleet { batch: 12, ends: Some((500, DeploymentStatus::Succeeded, "")), ..Fleet::new(12) });
    let (outcome, events) = run(&fleet, until("event:ApplicationStart")).await;
    assert_eq!(outcome, Outcome::Reached { failed: 0, refused: false });
    assert!((45..60).contains(&fleet.now()), "{}", fleet.now());
    assert_eq!(report(&events).status, Some(DeploymentStatus::InProgress));

    let fleet = Arc::new(Fleet { ready: 20..400, ..Fleet::new(12) });
    assert_eq!(run(&fleet, until("ready")).await.0.exit(), Exit::Ok);
    let fleet = Arc::new(Fleet { ready: 20..400, ..Fleet::new(12) });
    let (outcome, _) = run(&fleet, Options { exit_on_ready: true, ..options() }).await;
    assert_eq!(outcome.exit(), Exit::Ready);

    // All of the traffic has moved, and the original is kept for an hour.
    let kept = || Fleet {
        each: 30,
        waits: Waits { blue_green: true, termination_s: Some(3_600), ..Waits::default() },
        kept_from: Some(100),
        ends: Some((3_700, DeploymentStatus::Succeeded, "")),
        batch: 12,
        ..Fleet::new(12)
    };
    let fleet = Arc::new(kept());
    assert_eq!(run(&fleet, until("traffic")).await.0.exit(), Exit::Ok);
    assert!(fleet.now() < 120, "{} s", fleet.now());
    let fleet = Arc::new(kept());
    let end = Options { until: None, ..until("succeeded") };
    assert_eq!(run(&fleet, end).await.0, Outcome::Succeeded);
    assert!(fleet.now() >= 3_700, "{} s", fleet.now());

    let failed = || Fleet { fails: 0..12, batch: 6, ..Fleet::new(12) };
    for point in ["ready", "traffic", "event:ValidateService"] {
        let (outcome, _) = run(&Arc::new(failed()), until(point)).await;
        assert_eq!(outcome.exit(), Exit::Failed, "{point}: it ended before the point");
        let back = Fleet { auto_rollback: vec!["DEPLOYMENT_FAILURE"], rollback_after: Some(0), ..failed() };
        let (outcome, _) = run(&Arc::new(back), until(point)).await;
        assert_eq!(outcome.exit(), Exit::RolledBack, "{point}: it was rolled back before the point");
    }
    let failed = Fleet {
        fails: 0..1,
        batch: 12,
        ends: Some((500, DeploymentStatus::Succeeded, "")),
        ..Fleet::new(12)
    };
    let strict = Options { require_all: true, ..until("event:ApplicationStart") };
    assert_eq!(run(&Arc::new(failed), strict).await.0.exit(), Exit::Failed);
}

#[tokio::test(start_paused = true)]
async fn several_deployments_share_a_budget_and_a_stream() {
    let (to, from) = mpsc::channel();
    let mut reporters = Reporters::start(vec![Box::new(Collect(to))]).unwrap();
    let fleet = Arc::new(Fleet { each: 300, fails: 0..1, batch: 40, ..Fleet::new(80) });
    let ids = ["d-1", "d-2", "d-3"].map(String::from);
    let signals = Signals::default();
    let listeners = ids.iter().map(|_| signals.listen()).collect();
    let outcomes = watch(Arc::clone(&fleet), &ids, &options(), (&signals, listeners), &mut reporters).await;
    drop(reporters);
    assert_eq!(outcomes.len(), 3);
    assert!(outcomes.iter().all(|outcome| outcome.exit() == Exit::Failed));
    assert!(fleet.busiest_minute() <= 30, "{}", fleet.busiest_minute());
    let events: Vec<Stamped> = from.iter().collect();
    assert!(events.iter().enumerate().all(|(index, event)| event.seq == index as u64));
    for id in &ids {
        let own: Vec<_> = events.iter().filter(|event| event.deployment == *id).collect();
        assert!(matches!(own.last().unwrap().event, Event::Result(_)));
        assert_eq!(own.iter().filter(|event| matches!(event.event, Event::Result(_))).count(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn an_ended_deployment_is_told_at_once() {
    let mut fleet = Fleet::new(12);
    fleet.fails = 3..4;
    fleet.ends = Some((90, DeploymentStatus::Succeeded, ""));
    fleet.start = Instant::now() - secs(500);
    let fleet = Arc::new(fleet);
    let before = Instant::now();
    let (outcome, events) = run(&fleet, Options { require_all: true, ..options() }).await;
    assert_eq!(outcome, Outcome::SucceededInPart { failed: 1, refused: true });
    assert_eq!(outcome.exit(), Exit::Failed);
    assert_eq!(report(&events).causes[0].log_tail, "port taken");
    assert!(before.elapsed() < secs(1));
    // Of one that is over for long no rollback is waited for; of one that has just ended, for the rest of the minute.
    for (ago, waits) in [(500, 0..1), (20, 40..45)] {
        let fleet = Arc::new(Fleet {
            ends: Some((90, DeploymentStatus::Failed, "HEALTH_CONSTRAINTS")),
            auto_rollback: vec!["DEPLOYMENT_FAILURE"],
            start: Instant::now() - secs(90 + ago),
            ..Fleet::new(12)
        });
        let before = Instant::now();
        let (outcome, events) = run(&fleet, options()).await;
        assert_eq!(outcome.exit(), Exit::Failed);
        assert!(notices(&events).contains(&NoticeCode::RollbackMissing));
        assert!(waits.contains(&before.elapsed().as_secs()), "{ago}: {} s", before.elapsed().as_secs());
    }
}

#[tokio::test(start_paused = true)]
async fn what_has_ended_is_not_out_of_time() {
    // Its end is seen, and the time is over while its targets are still read, or its rollback is waited for.
    let slow: fn(usize) -> u64 = |before| if before < 2 { 0 } else { 5_000 };
    let fleet = Fleet { latency: slow, start: Instant::now() - secs(500), ..Fleet::new(200) };
    let late = || Options { timeout: Some(secs(2)), ..options() };
    assert_eq!(run(&Arc::new(fleet), late()).await.0, Outcome::Succeeded);
    let fleet = Fleet {
        ends: Some((90, DeploymentStatus::Failed, "HEALTH_CONSTRAINTS")),
        auto_rollback: vec!["DEPLOYMENT_FAILURE"],
        start: Instant::now() - secs(95),
        ..Fleet::new(12)
    };
    let (outcome, _) = run(&Arc::new(fleet), late()).await;
    assert_eq!(outcome.exit(), Exit::Failed, "and not that it goes on");
}
