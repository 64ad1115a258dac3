//! Whole watches in paused time against a fleet that moves by itself.

mod leaving;

use std::collections::{BTreeSet, HashMap};
use std::ops::Range;
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use super::budget::Ledger;
use super::event::{NoticeCode, Stamped};
use super::*;
use crate::api::{ApiError, ErrorKind, Wait};
use crate::exit::Exit;
use crate::model::*;
use crate::report::{Closed, Reporter};

const START: &str = "2026-08-25T14:00:00Z";

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// What goes wrong with a call, by the time since the start in seconds.
type Fault = Box<dyn Fn(&str, u64) -> Option<ErrorKind> + Send + Sync>;

/// A deployment whose targets each take `each` seconds, `batch` of them at a time.
struct Fleet {
    targets: u64,
    batch: u64,
    each: u64,
    fails: Range<u64>,
    /// Ends at this time, whatever the targets do.
    ends: Option<(u64, DeploymentStatus, &'static str)>,
    auto_rollback: Vec<&'static str>,
    /// The rollback's id shows up so many seconds after the end.
    rollback_after: Option<u64>,
    rollback_fails: bool,
    /// How long it takes.
    rollback_takes: u64,
    /// The time in which it waits for an action.
    ready: Range<u64>,
    creator: Creator,
    /// What it waits for, and from when on the original is only kept.
    waits: Waits,
    kept_from: Option<u64>,
    /// At this second the machine slept for so long: the service went on, and this clock did not.
    slept: Option<(u64, u64)>,
    /// Credentials are refused from this second on, until they are asked for anew.
    expire: Option<u64>,
    renewed: Mutex<u32>,
    /// The group has never succeeded before.
    first: bool,
    fault: Fault,
    /// How much longer than `each` a target may take, by its number.
    spread: u64,
    /// Milliseconds until the service has a call, by how many there were before.
    latency: fn(usize) -> u64,
    start: Instant,
    /// When the service had each call, in milliseconds.
    calls: Mutex<Vec<(u64, String)>>,
    finished: Mutex<HashMap<String, u32>>,
    /// The ids that were told.
    listed: Mutex<BTreeSet<String>>,
    /// When each target was described, in seconds.
    described: Mutex<HashMap<String, Vec<u64>>>,
    /// When it was stopped, and with which rollback.
    stopped: Mutex<Option<(u64, Option<bool>)>>,
    /// How long that takes.
    stops_after: u64,
}

impl Fleet {
    fn new(targets: u64) -> Self {
        Fleet {
            targets,
            batch: targets.div_ceil(2),
            each: 40,
            fails: 0..0,
            ends: None,
            auto_rollback: Vec::new(),
            rollback_after: None,
            rollback_fails: false,
            rollback_takes: 0,
            ready: 0..0,
            creator: Creator::User,
            waits: Waits::default(),
            kept_from: None,
            slept: None,
            expire: None,
            renewed: Mutex::default(),
            first: false,
            fault: Box::new(|_, _| None),
            spread: 0,
            latency: |_| 0,
            start: Instant::now(),
            calls: Mutex::default(),
            finished: Mutex::default(),
            listed: Mutex::default(),
            described: Mutex::default(),
            stopped: Mutex::default(),
            stops_after: 5,
        }
    }

    /// The service's second.
    fn now(&self) -> u64 {
        let awake = self.start.elapsed().as_secs();
        awake + self.slept.filter(|(at, _)| awake >= *at).map_or(0, |(_, slept)| slept)
    }

    fn end(&self) -> (u64, DeploymentStatus, &'static str) {
        let done = 5 + self.targets.div_ceil(self.batch.max(1)) * (self.each + self.spread);
        let status =
            if self.fails.is_empty() { DeploymentStatus::Succeeded } else { DeploymentStatus::Failed };
        if let Some((at, _)) = *self.stopped.lock().unwrap() {
            return (at + self.stops_after, DeploymentStatus::Stopped, "MANUAL_STOP");
        }
        self.ends.clone().unwrap_or((done, status, "HEALTH_CONSTRAINTS"))
    }

    /// When target `n` begins and ends.
    fn times(&self, n: u64) -> (u64, u64) {
        let begins = 5 + n / self.batch * (self.each + self.spread);
        (begins, begins + self.each + n.wrapping_mul(2_654_435_761) % (self.spread + 1))
    }

    /// The state of target `n` at second `now`: all of them wait five seconds.
    fn state(&self, n: u64, now: u64) -> TargetStatus {
        let (begins, ends) = self.times(n);
        let stop = self.end().0;
        if begins >= stop && now >= stop {
            TargetStatus::Skipped
        } else if now < begins {
            TargetStatus::Pending
        } else if now < ends {
            TargetStatus::InProgress
        } else if self.fails.contains(&n) {
            TargetStatus::Failed
        } else {
            TargetStatus::Succeeded
        }
    }

    async fn call(&self, name: &str) -> Result<u64, ApiError> {
        let before = self.calls.lock().unwrap().len();
        sleep(Duration::from_millis((self.latency)(before))).await;
        let now = self.now();
        self.calls.lock().unwrap().push((self.start.elapsed().as_millis() as u64, name.to_owned()));
        let expired = self.expire.is_some_and(|at| now >= at) && *self.renewed.lock().unwrap() == 0;
        match (self.fault)(name, now).or(expired.then_some(ErrorKind::Credentials)) {
            Some(kind) => Err(ApiError {
                operation: name.to_owned(),
                kind,
                code: Some(format!("{kind:?}Exception")),
                message: "no".to_owned(),
                request_id: None,
            }),
            None => Ok(now),
        }
    }

    /// The most calls in any minute.
    fn busiest_minute(&self) -> usize {
        let calls = self.calls.lock().unwrap();
        (0..calls.len())
            .map(|first| calls[first..].iter().take_while(|(at, _)| at - calls[first].0 < 60_000).count())
            .max()
            .unwrap_or(0)
    }

    fn count(&self, name: &str) -> usize {
        self.calls.lock().unwrap().iter().filter(|(_, called)| called == name).count()
    }
}

fn name_of(n: u64) -> String {
    format!("i-{n:05}")
}

fn at(second: u64) -> Option<Timestamp> {
    Some(START.parse::<Timestamp>().unwrap() + secs(second))
}

fn deployment(id: &str, status: DeploymentStatus) -> Deployment {
    Deployment {
        id: id.to_owned(),
        application: Some("shop".into()),
        group: Some("prod".into()),
        config: Some("CodeDeployDefault.HalfAtATime".into()),
        platform: Some(ComputePlatform::Server),
        status,
        creator: Some(Creator::User),
        description: None,
        revision: Some(Revision::GitHub { repository: "o/r".into(), commit: "new".into() }),
        previous_revision: Some(Revision::GitHub { repository: "o/r".into(), commit: "old".into() }),
        create_time: at(0),
        start_time: None,
        complete_time: None,
        overview: None,
        error: None,
        rollback: RollbackInfo::default(),
        auto_rollback: AutoRollback::default(),
        waits: Waits::default(),
        messages: Vec::new(),
    }
}

impl Source for Fleet {
    async fn deployment(&self, id: &str) -> Result<Seen<Deployment>, ApiError> {
        let now = self.call("GetDeployment").await?;
        let date = at(now);
        if id == "d-ROLLBACK" {
            let ends = self.end().0 + self.rollback_after.unwrap_or(0) + self.rollback_takes;
            let status = match self.rollback_fails {
                _ if now < ends => DeploymentStatus::InProgress,
                true => DeploymentStatus::Failed,
                false => DeploymentStatus::Succeeded,
            };
            let mut rollback = deployment(id, status);
            rollback.creator = Some(Creator::Rollback);
            return Ok(Seen { value: rollback, date });
        }
        let (end, status, code) = self.end();
        let mut value = deployment(id, DeploymentStatus::Created);
        value.auto_rollback = AutoRollback {
            enabled: !self.auto_rollback.is_empty(),
            events: self.auto_rollback.iter().map(ToString::to_string).collect(),
        };
        if now >= 5 {
            value.status = DeploymentStatus::InProgress;
            value.start_time = at(5);
            let mut overview = Overview::default();
            for n in 0..self.targets {
                match self.state(n, now) {
                    TargetStatus::Pending => overview.pending += 1,
                    TargetStatus::InProgress => overview.in_progress += 1,
                    TargetStatus::Failed => overview.failed += 1,
                    TargetStatus::Skipped => overview.skipped += 1,
                    _ => overview.succeeded += 1,
                }
            }
            value.overview = Some(overview);
        }
        value.creator = Some(self.creator.clone());
        value.waits = self.waits;
        value.waits.termination_started = self.kept_from.is_some_and(|from| now >= from);
        if self.first {
            value.previous_revision = None;
        }
        if self.ready.contains(&now) {
            value.status = DeploymentStatus::Ready;
        }
        if now >= end {
            value.complete_time = at(end);
            if status != DeploymentStatus::Succeeded {
                value.error = Some(ErrorInformation { code: code.into(), message: "bad".into() });
            }
            value.status = status;
            if self.rollback_after.is_some_and(|after| now >= end + after) {
                value.rollback.rollback_deployment_id = Some("d-ROLLBACK".into());
            }
        }
        Ok(Seen { value, date })
    }

    async fn target_ids(
        &self,
        id: &str,
        statuses: &[TargetStatus],
        token: Option<String>,
    ) -> Result<(Vec<String>, Option<String>), ApiError> {
        let now = self.call("ListDeploymentTargets").await?;
        if id == "d-ROLLBACK" {
            return Ok((Vec::new(), None));
        }
        let from: u64 = token.map_or(0, |token| token.parse().unwrap());
        let all: Vec<u64> = (0..self.targets)
            .filter(|n| statuses.is_empty() || statuses.contains(&self.state(*n, now)))
            .filter(|n| *n >= from)
            .collect();
        let next = all.get(100).map(ToString::to_string);
        let ids: Vec<String> = all.into_iter().take(100).map(name_of).collect();
        self.listed.lock().unwrap().extend(ids.iter().cloned());
        Ok((ids, next))
    }

    async fn targets(&self, _: &str, ids: &[String]) -> Result<Vec<Target>, ApiError> {
        let now = self.call("BatchGetDeploymentTargets").await?;
        assert!((1..=25).contains(&ids.len()));
        let mut finished = self.finished.lock().unwrap();
        Ok(ids
            .iter()
            .map(|id| {
                let n: u64 = id[2..].parse().unwrap();
                let status = self.state(n, now);
                if status.is_finished() {
                    *finished.entry(id.clone()).or_default() += 1;
                }
                self.described.lock().unwrap().entry(id.clone()).or_default().push(now);
                let (begins, ends) = self.times(n);
                target(id, status, begins, ends)
            })
            .collect())
    }

    async fn config(&self, name: &str) -> Result<DeploymentConfig, ApiError> {
        self.call("GetDeploymentConfig").await?;
        let half = MinimumHealthyHosts::Percent(50);
        Ok(DeploymentConfig {
            name: name.to_owned(),
            minimum_healthy_hosts: Some(half),
            routing: None,
            zonal: None,
        })
    }

    async fn stop(&self, _: &str, rollback: Option<bool>) -> Result<(), ApiError> {
        let now = self.call("StopDeployment").await?;
        *self.stopped.lock().unwrap() = Some((now, rollback));
        Ok(())
    }

    async fn renew(&self) {
        *self.renewed.lock().unwrap() += 1;
    }

    async fn proceed(&self, _: &str, _: Wait) -> Result<(), ApiError> {
        self.call("ContinueDeployment").await.map(drop)
    }
}

fn target(id: &str, status: TargetStatus, begins: u64, ends: u64) -> Target {
    let (event, diagnostics) = match &status {
        TargetStatus::Failed => (
            EventStatus::Failed,
            Some(Diagnostics {
                error_code: LifecycleErrorCode::ScriptFailed,
                script_name: "scripts/start.sh".into(),
                message: format!("{id} exit code 3"),
                log_tail: "port taken".into(),
            }),
        ),
        TargetStatus::InProgress => (EventStatus::InProgress, None),
        TargetStatus::Succeeded => (EventStatus::Succeeded, Some(Diagnostics::success())),
        _ => (EventStatus::Pending, None),
    };
    let begun = event != EventStatus::Pending;
    let over = begun && event != EventStatus::InProgress;
    Target {
        id: id.to_owned(),
        kind: TargetKind::Instance,
        status,
        label: None,
        last_updated: at(ends),
        events: vec![LifecycleEvent {
            name: EventName::ApplicationStart,
            status: event,
            start_time: at(begins).filter(|_| begun),
            end_time: at(ends).filter(|_| over),
            diagnostics,
        }],
        serving: Serving::Unsaid,
    }
}

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
    let mut watch = std::pin::pin!(watch(Arc::clone(fleet), &ids, options, &signals, reporters));
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
async fn the_budget_holds_for_any_size() {
    for targets in [1, 200, 1000, 10_000] {
        let mut fleet = Fleet::new(targets);
        fleet.each = 600;
        fleet.fails = targets - 1..targets;
        let fleet = Arc::new(fleet);
        let (_, events) = run(&fleet, options()).await;
        assert!(fleet.busiest_minute() <= 30, "{targets}: {}", fleet.busiest_minute());
        let finished = fleet.finished.lock().unwrap();
        assert!(finished.values().all(|times| *times == 1), "{targets}: described once after finishing");
        assert!(finished.contains_key(&name_of(targets - 1)), "{targets}: the failure was found");
        assert_eq!(report(&events).causes[0].targets, [name_of(targets - 1)]);
    }
}

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
async fn sre_08_a_failure_among_a_thousand_is_told_within_one_poll() {
    let fleet = Fleet { each: 100, fails: 999..1000, batch: 1_000, ..Fleet::new(1_000) };
    let fleet = Arc::new(Fleet { ends: Some((400, DeploymentStatus::Succeeded, "")), ..fleet });
    let (_, events) = run(&fleet, options()).await;
    let failed = |stamped: &&Stamped| matches!(&stamped.event, Event::Target(target) if target.status == TargetStatus::Failed);
    let told = events.iter().find(failed).unwrap().ts;
    let after = told.duration_since(at(105).unwrap()).as_secs();
    assert!((0..=15).contains(&after), "{after} s after it");
}

#[tokio::test(start_paused = true)]
async fn sre_20_hours_of_waiting_are_quiet_and_keep_nothing() {
    let long = 6 * 3_600;
    let fleet = Arc::new(Fleet {
        each: 30,
        waits: Waits { blue_green: true, termination_s: Some(long), ..Waits::default() },
        kept_from: Some(70),
        ends: Some((long + 70, DeploymentStatus::Succeeded, "")),
        ..Fleet::new(40)
    });
    let (outcome, events) = run(&fleet, options()).await;
    assert_eq!(outcome, Outcome::Succeeded);
    let beats = |stamped: &&Stamped| matches!(stamped.event, Event::Heartbeat(_));
    let heartbeats = events.iter().filter(beats).count();
    assert!(heartbeats as u64 <= 10 + long / 300, "{heartbeats}");
    assert!(events.len() - heartbeats <= 200, "{}", events.len());
    // An hour is as the one before: what comes is kept by nobody, and so it would be for days.
    let late: Vec<_> = events.iter().filter(|event| event.ts > at(3_600).unwrap()).collect();
    let quiet = |stamped: &&&Stamped| matches!(stamped.event, Event::Heartbeat(_));
    assert!(late.len() - late.iter().filter(quiet).count() <= 2, "the end and the result");
    // Slower while nothing moves: every 15 s, give or take the jitter.
    let looks = fleet.count("GetDeployment") as u64;
    assert!(looks <= long / 13 && fleet.count("BatchGetDeploymentTargets") <= 40, "{looks} looks");
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
    assert_eq!(run(&fleet, stop.clone()).await.0, Outcome::TimedOut, "Auto Scaling's own is left alone");
    assert_eq!(fleet.count("StopDeployment"), 0);
    let refuses: Fault = Box::new(|name, _| (name == "StopDeployment").then_some(ErrorKind::Denied));
    let fleet = Arc::new(Fleet { each: 100_000, fault: refuses, ..Fleet::new(12) });
    let (outcome, events) = run(&fleet, stop).await;
    assert_eq!(outcome, Outcome::TimedOut);
    assert_eq!(notices(&events), [NoticeCode::Stopping, NoticeCode::NotStopped]);
}

#[tokio::test(start_paused = true)]
async fn a_rollback_is_not_stopped_on_the_way_out() {
    for (leave, exit, ended) in [(Leave::Rollback, Exit::RolledBack, 385), (Leave::Stop, Exit::Failed, 120)] {
        let mut fleet = Fleet::new(12);
        fleet.fails = 0..12;
        fleet.auto_rollback = vec!["DEPLOYMENT_FAILURE"];
        (fleet.rollback_after, fleet.rollback_takes) = (Some(0), 300);
        let fleet = Arc::new(fleet);
        let late = Options { timeout: Some(secs(120)), on_timeout: leave, ..options() };
        let (outcome, events) = run(&fleet, late).await;
        assert_eq!(outcome.exit(), exit, "{leave:?}");
        assert!((ended..ended + 20).contains(&fleet.now()), "{leave:?}: {} s", fleet.now());
        assert_eq!(fleet.count("StopDeployment"), 0);
        assert!(notices(&events).contains(&NoticeCode::NotStopped));
    }
}

#[tokio::test(start_paused = true)]
async fn several_deployments_share_a_budget_and_a_stream() {
    let (to, from) = mpsc::channel();
    let mut reporters = Reporters::start(vec![Box::new(Collect(to))]).unwrap();
    let fleet = Arc::new(Fleet { each: 300, fails: 0..1, batch: 40, ..Fleet::new(80) });
    let ids = ["d-1", "d-2", "d-3"].map(String::from);
    let signals = Signals::default();
    let outcomes = watch(Arc::clone(&fleet), &ids, &options(), &signals, &mut reporters).await;
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
    let calls = Mutex::new(fastrand::Rng::with_seed(3));
    let server_errors: Fault = Box::new(move |_, now| {
        let bad = (10..3_610).contains(&now) && calls.lock().unwrap().u32(..100) < 30;
        bad.then_some(ErrorKind::Transient)
    });
    let resets: Fault = Box::new(|_, now| (now > 10 && now % 60 < 5).then_some(ErrorKind::Transient));
    let faults = [
        ("90 s of throttling", during(2_380..2_470, ErrorKind::Throttled)),
        ("20 min without network", during(2_000..3_200, ErrorKind::Transient)),
        ("30 % of 500s for an hour", server_errors),
        ("connection resets", resets),
        ("credentials that come back", during(2_300..2_800, ErrorKind::Credentials)),
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

/// A watch of 10,000 targets, with what it cost beside the least possible.
async fn costs(fleet: Fleet, limit: u32) -> (Arc<Fleet>, usize) {
    let fleet = Arc::new(fleet);
    let budget = Budget::per_minute(limit);
    let (outcome, _) = run(&fleet, Options { budget, reads: Reads::Summary, ..options() }).await;
    assert_eq!(outcome, Outcome::Succeeded);
    assert!(fleet.busiest_minute() <= limit as usize, "{limit}: {}", fleet.busiest_minute());
    let made = fleet.calls.lock().unwrap().len();
    let ticks = fleet.count("GetDeployment");
    let read = {
        let finished = fleet.finished.lock().unwrap();
        assert!(finished.values().all(|times| *times == 1), "each at most once after finishing");
        finished.len()
    };
    let listed = fleet.listed.lock().unwrap().len();
    let least = listed.div_ceil(100) + read.div_ceil(25) + ticks;
    let (lists, describes) = (fleet.count("ListDeploymentTargets"), fleet.count("BatchGetDeploymentTargets"));
    let told = format!(
        "{limit} a minute, {} at once for {} to {} s: {made} calls, {least} at least: {ticks} ticks, {lists} lists, \
         {describes} describes, {read} read",
        fleet.batch,
        fleet.each,
        fleet.each + fleet.spread
    );
    assert!(made * 100 <= least * 125, "{told}");
    (fleet, read)
}

#[tokio::test(start_paused = true)]
async fn ten_thousand_targets_cost_little_more_than_the_least() {
    for (batch, each, read) in [(5_000, 3_600, 4_000), (500, 360, 4_000)] {
        let (_, seen) = costs(Fleet { each, batch, ..Fleet::new(10_000) }, 30).await;
        assert!(seen >= read, "{seen} read");
    }
    // A deployment of minutes: however many calls there may be.
    for limit in [30, 600] {
        let _ = costs(Fleet { each: 60, spread: 60, batch: 5_000, ..Fleet::new(10_000) }, limit).await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_stands_at_the_top_of_a_screen_is_looked_at_again_first() {
    let fleet = Arc::new(Fleet { each: 3_600, batch: 2_500, ..Fleet::new(5_000) });
    let hour = Options { timeout: Some(secs(900)), reads: Reads::Summary, ..options() };
    let (outcome, _) = run(&fleet, hour).await;
    assert_eq!(outcome, Outcome::TimedOut);
    let described = fleet.described.lock().unwrap();
    // All have begun at once: the first by name are the slowest, and stand in every sample.
    let samples = fleet.count("BatchGetDeploymentTargets");
    for n in 0..12 {
        let looks = &described[&name_of(n)];
        assert!(samples >= 12 && looks.len() + 1 >= samples, "{} of {samples}: {looks:?}", name_of(n));
        // While there is much else to call for, they are never old.
        let early = looks.windows(2).filter(|pair| pair[1] < 300).map(|pair| pair[1] - pair[0]).max();
        assert!(early.unwrap() <= 50, "{looks:?}");
    }
    // The others have their turns beside them.
    assert!(described.len() >= 150, "{} were looked at", described.len());
}

#[tokio::test(start_paused = true)]
async fn no_minute_holds_more_than_the_budget_with_the_commands_own_calls() {
    // The first call opens the connection, and some are slow.
    let latency: fn(usize) -> u64 = |before| match before {
        0 => 2_500,
        n if n % 7 == 3 => 900,
        _ => 20,
    };
    for limit in [30, 60] {
        for own in [1, 5, 25] {
            let fleet = Arc::new(Fleet { latency, each: 200, ..Fleet::new(1_000) });
            let ledger = Ledger::default();
            let budget = Budget::per_minute(limit).within(&ledger);
            let asked = || async {
                let _ = fleet.call("Own").await;
                ledger.made();
            };
            for _ in 0..own {
                asked().await;
            }
            // As a rollback does it: a wait for the end, a call or two, another watch.
            let wait = Options { budget: budget.clone(), reads: Reads::Nothing, ..options() };
            let late = Options { timeout: Some(secs(100)), on_timeout: Leave::Stop, ..wait };
            assert_eq!(run(&fleet, late).await.0.exit(), Exit::Stopped);
            for _ in 0..3 {
                asked().await;
            }
            *fleet.stopped.lock().unwrap() = None;
            let (outcome, _) = run(&fleet, Options { budget, ..options() }).await;
            assert_eq!(outcome, Outcome::Succeeded);
            assert!(fleet.busiest_minute() <= limit as usize, "{limit}, {own}: {}", fleet.busiest_minute());
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_watch_ends_once_the_summary_has_what_it_says() {
    let summary = || Options { reads: Reads::Summary, ..options() };
    let after = |fleet: &Fleet| fleet.start.elapsed().as_secs_f64() - fleet.end().0 as f64;
    // All of them went well, and that is all there is to say.
    let fleet = Arc::new(Fleet { each: 120, ..Fleet::new(3_000) });
    assert_eq!(run(&fleet, summary()).await.0, Outcome::Succeeded);
    let last = fleet.calls.lock().unwrap().last().unwrap().1.clone();
    assert_eq!(last, "GetDeployment", "nothing is read for nobody");
    assert!(after(&fleet) <= 16.0, "{} s, a tick at most", after(&fleet));
    // Somebody keeps them: as many as there is room for.
    let kept = Arc::new(Fleet { each: 120, ..Fleet::new(3_000) });
    assert_eq!(run(&kept, options()).await.0, Outcome::Succeeded);
    assert!(kept.finished.lock().unwrap().len() > fleet.finished.lock().unwrap().len());
    // Of a failure: why, and some names of each kind.
    let ends = Some((200, DeploymentStatus::Failed, "HEALTH_CONSTRAINTS"));
    let fleet = Arc::new(Fleet { each: 120, fails: 0..40, batch: 1_000, ends, ..Fleet::new(3_000) });
    let before = Instant::now();
    let (_, events) = run(&fleet, summary()).await;
    let report = report(&events);
    assert_eq!(report.causes[0].count, 40);
    assert_eq!((report.hosts.ok.len(), report.hosts.skip.len()), (20, 20), "{:?}", report.hosts);
    assert!(before.elapsed() < secs(200 + 16 + 10), "{} s", before.elapsed().as_secs());
    // One that has ended before is read no more than that.
    let calls = fleet.calls.lock().unwrap().len();
    let (_, events) = run(&fleet, summary()).await;
    assert_eq!(self::report(&events).causes, report.causes);
    assert!(fleet.calls.lock().unwrap().len() - calls <= 8, "{}", fleet.calls.lock().unwrap().len() - calls);
}
