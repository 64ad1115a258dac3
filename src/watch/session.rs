//! One deployment under watch: takes what the poller saw, makes events of it, and ends on the deployment's end, the
//! point asked for, a time-out, a signal, or a reader that is gone.

mod leaving;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{broadcast, mpsc};
use tokio::task::JoinSet;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval};

use super::event::{Event, NoticeCode};
use super::now::ServiceTime;
use super::observation::{End, Observation, Pace, Unreadable};
use super::outcome::{Outcome, Signal};
use super::source::{Seen, Source};
use super::tracker::Tracker;
use super::{Options, poller};
use crate::api::{ApiError, ErrorKind};
use crate::clock;
use crate::report::{About, Act, Pulse, Reporters, Wish};
use crate::signals::Listener;

/// How often the reporters are told the time.
const UI_TICK: Duration = Duration::from_millis(200);
/// Silence after which a heartbeat is sent: in the first ten minutes, and later.
const HEARTBEAT: [Duration; 2] = [Duration::from_secs(60), Duration::from_secs(300)];
const FIRST_MINUTES: Duration = Duration::from_secs(600);
/// How long past its limit a watch reads on of a deployment that has ended.
const LAST_READ: Duration = Duration::from_secs(10);
/// How often it is told which targets were looked at again.
const LOOKS: Duration = Duration::from_secs(10);

/// Why a deployment is no longer followed.
#[derive(Debug)]
pub enum Stop {
    End(End),
    TimedOut,
    /// `--until`
    Reached,
    /// `--exit-on-ready`
    Ready,
    Signal(Signal),
    Closed,
}

pub struct Session<'a> {
    options: &'a Options,
    reporters: &'a Reporters,
    deployment: String,
    region: Option<String>,
    /// That deployment is known to exist.
    known: bool,
    /// It is the rollback that the service made for the one that was watched first.
    rolls_back: bool,
    /// Something was seen of it: a watch without any time looks once.
    looked_once: bool,
    time: ServiceTime,
    started: Instant,
    /// The longest that it is watched, once that is known.
    limit: Option<Duration>,
    /// The deployment is stopped at the user's wish: what that was, and the call on its way.
    leaving: Option<Stop>,
    /// What came of a stop so far, by whatever wish: said where the watch ends before the deployment does.
    stopping: Option<&'static str>,
    stops: JoinSet<Result<(), ApiError>>,
    /// That stop asks for a rollback.
    rollback_asked: Arc<AtomicBool>,
    /// What keys ask for, and those calls on their way.
    wishes: broadcast::Receiver<Wish>,
    granted: JoinSet<(Act, Result<(), ApiError>)>,
    /// The targets that were looked at again without news, and when that was told last.
    looked: BTreeSet<String>,
    told: Instant,
    /// When the last event went out.
    spoke: Instant,
    poll: Duration,
    ticks: Interval,
}

impl<'a> Session<'a> {
    pub fn new(
        options: &'a Options,
        deployment: &str,
        region: Option<&str>,
        reporters: &'a Reporters,
    ) -> Self {
        let mut ticks = interval(UI_TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let now = Instant::now();
        Session {
            options,
            reporters,
            deployment: deployment.to_owned(),
            region: region.map(str::to_owned),
            known: options.known,
            rolls_back: false,
            looked_once: false,
            time: ServiceTime::new(options.now),
            started: now,
            limit: options.timeout,
            leaving: None,
            stopping: None,
            stops: JoinSet::new(),
            rollback_asked: Arc::new(AtomicBool::new(options.name_rollback == Some(true))),
            wishes: reporters.wishes(),
            granted: JoinSet::new(),
            looked: BTreeSet::new(),
            told: now,
            spoke: now,
            poll: options.interval,
            ticks,
        }
    }

    /// Events are about its rollback `id` from now on, which the service has named.
    pub fn switch_to(&mut self, id: &str) {
        self.tell_of(id);
        self.known = true;
        self.rolls_back = true;
        self.looked.clear();
        if self.options.timeout.is_none() {
            // The service's own limit is each deployment's.
            self.started = Instant::now();
        }
    }

    /// Events are about deployment `id` from now on.
    pub fn tell_of(&mut self, id: &str) {
        id.clone_into(&mut self.deployment);
    }

    /// Follows the current deployment until something ends it, and waits for what the user wanted done with it.
    pub async fn follow<S: Source>(
        &mut self,
        source: &Arc<S>,
        tracker: &mut Tracker,
        signals: &mut Listener,
    ) -> Stop {
        let stop = self.until_something_ends_it(source, tracker, signals).await;
        if !matches!(stop, Stop::End(_)) {
            self.settle().await;
        }
        stop
    }

    async fn until_something_ends_it<S: Source>(
        &mut self,
        source: &Arc<S>,
        tracker: &mut Tracker,
        signals: &mut Listener,
    ) -> Stop {
        let mut lost = 0;
        let (mut poller, mut seen) = self.start(source, Duration::ZERO);
        loop {
            let room = self.reporters.has_room();
            tokio::select! {
                biased;
                signal = signals.next() => {
                    if let Some(stop) = self.leave(source, tracker, Stop::Signal(signal)) {
                        return stop;
                    }
                }
                Some(stopped) = self.stops.join_next() => {
                    if let Some(stop) = self.stopped(stopped) {
                        return stop;
                    }
                }
                Ok(wish) = self.wishes.recv() => self.grant(source, tracker, &wish),
                Some(done) = self.granted.join_next() => self.done(done),
                () = self.reporters.attend() => return Stop::Closed,
                observation = seen.recv(), if room => match observation {
                    Some(Observation::End(end)) => {
                        self.missing_rollback(&end);
                        return Stop::End(end);
                    }
                    Some(observation) => {
                        // What its targets are at the point is read before the end.
                        let read = matches!(observation, Observation::Paced(_));
                        self.looked_once = true;
                        self.observe(tracker, observation);
                        if let Some(stop) = self.arrived(tracker).filter(|_| read) {
                            return stop;
                        }
                    }
                    None => {
                        // The task is gone without a word: a bug in it, and no reason to lose the watch.
                        lost += 1;
                        let error = lost_poll();
                        if lost > 10 {
                            return Stop::End(End::Lost(error));
                        }
                        let wait = self.options.interval.saturating_mul(1 << lost).min(Duration::from_secs(32));
                        self.known = true;
                        self.observe(tracker, Observation::Failing { error, retry_in: wait });
                        (poller, seen) = self.start(source, wait);
                    }
                },
                _ = self.ticks.tick() => {
                    if let Some(stop) = self.over(source, tracker) {
                        drop(poller);
                        return stop;
                    }
                    self.tick(tracker);
                }
            }
        }
    }

    /// What comes of the limit, where that is past. A deployment that was seen to have ended is no time-out: what is still
    /// to be read of it gets a moment more.
    fn over<S: Source>(&mut self, source: &Arc<S>, tracker: &Tracker) -> Option<Stop> {
        let limit = self.limit.filter(|limit| self.looked_once || !limit.is_zero())?;
        let over = self.started.elapsed().checked_sub(limit)?;
        if let Some(stop) = self.arrived(tracker) {
            return Some(stop);
        }
        if !tracker.has_ended() {
            return self.leave(source, tracker, Stop::TimedOut);
        }
        (over >= LAST_READ).then_some(Stop::End(End::Ended { rollback_missing: false }))
    }

    /// The deployment is where the watch was to end; and how long it may take is told once that is known.
    fn arrived(&mut self, tracker: &Tracker) -> Option<Stop> {
        if tracker.reached() {
            return Some(Stop::Reached);
        }
        if self.options.exit_on_ready && tracker.waits_for_action() {
            return Some(Stop::Ready);
        }
        if self.limit.is_none() && self.leaving.is_none() {
            self.limit = tracker.longest();
            if let Some(limit) = self.limit {
                let message =
                    format!("watching for {} at most, the service's own limit", clock::short(limit));
                self.emit(Event::Notice { code: NoticeCode::Timeout, message, exit: None });
            }
        }
        None
    }

    /// A poll task and what it sees; the task ends with its set.
    fn start<S: Source>(
        &self,
        source: &Arc<S>,
        delay: Duration,
    ) -> (JoinSet<()>, mpsc::Receiver<Observation>) {
        let (to, seen) = mpsc::channel(16);
        let options = self.options;
        let pace = Pace {
            interval: options.interval,
            budget: options.budget.clone(),
            give_up_after: options.give_up_after,
            rollback: options.follow_rollback || options.name_rollback.is_some(),
            asked: Arc::clone(&self.rollback_asked),
            known: self.known,
            reads: options.reads,
            delay,
        };
        let random = fastrand::Rng::with_seed(options.seed);
        let mut tasks = JoinSet::new();
        tasks.spawn(poller::poll(Arc::clone(source), self.deployment.clone(), pace, random, to));
        (tasks, seen)
    }

    fn observe(&mut self, tracker: &mut Tracker, observation: Observation) {
        let event = match observation {
            Observation::Deployment(seen) => {
                let Seen { value, date } = *seen;
                self.time.answered(date);
                tracker.deployment(value)
            }
            Observation::Config(config) => tracker.config(config),
            Observation::Targets(targets) => {
                for event in tracker.targets(&targets) {
                    match event {
                        Event::Seen { targets } => self.looked.extend(targets),
                        event => self.emit(event),
                    }
                }
                // Told together now and then: a reader of the stream wants changes.
                let due = !self.looked.is_empty() && self.told.elapsed() >= LOOKS;
                due.then(|| {
                    self.told = Instant::now();
                    Event::Seen { targets: std::mem::take(&mut self.looked).into_iter().collect() }
                })
            }
            Observation::Failing { error, retry_in } => tracker.failing(&error, retry_in),
            Observation::Recovered => tracker.recovered(),
            Observation::Unreadable(what, error) => {
                Some(unreadable(what, &error, tracker.counts().is_some(), self.options.until.is_some()))
            }
            Observation::Paced(pace) => {
                self.poll = pace;
                None
            }
            Observation::AwaitsRollback => Some(Event::Notice {
                code: NoticeCode::RollbackAwaited,
                message: "waiting up to 60s for the service to name the rollback".to_owned(),
                exit: None,
            }),
            Observation::End(_) => None,
        };
        if let Some(event) = event {
            self.emit(event);
        }
    }

    fn missing_rollback(&mut self, end: &End) {
        if matches!(end, End::Ended { rollback_missing: true }) {
            self.emit(Event::Notice {
                code: NoticeCode::RollbackMissing,
                exit: None,
                message: if self.rollback_asked.load(Ordering::Relaxed) {
                    "a rollback was asked for, but the service named none".to_owned()
                } else {
                    "an automatic rollback is configured for this ending, but the service named none"
                        .to_owned()
                },
            });
        }
    }

    pub fn judge(&self, stop: Stop, tracker: &Tracker) -> Outcome {
        match stop {
            Stop::End(End::Ended { .. }) => tracker
                .outcome(self.options.require_all)
                .unwrap_or_else(|| Outcome::Unknown("the service told no ending".to_owned())),
            Stop::End(End::Refused(error)) => Outcome::Refused(error),
            Stop::End(End::Lost(error)) => Outcome::Unknown(error.to_string()),
            Stop::TimedOut => Outcome::TimedOut,
            Stop::Reached => {
                let failed = tracker.failed();
                Outcome::Reached { failed, refused: self.options.require_all && failed > 0 }
            }
            Stop::Ready => Outcome::Ready,
            Stop::Signal(signal) => Outcome::Detached(signal),
            Stop::Closed => Outcome::Closed,
        }
    }

    fn tick(&mut self, tracker: &Tracker) {
        let pulse = Pulse { now: self.time.now(), answer_age: self.time.age() };
        self.reporters.tick(pulse);
        let silence = HEARTBEAT[usize::from(self.started.elapsed() >= FIRST_MINUTES)];
        if self.spoke.elapsed() >= silence {
            let heartbeat = tracker.heartbeat(pulse.now, pulse.answer_age, self.poll);
            self.emit(heartbeat);
        }
    }

    pub fn now(&self) -> Timestamp {
        self.time.now()
    }

    pub fn time(&self) -> ServiceTime {
        self.time
    }

    /// Dates an event and hands it to the reporters.
    pub fn emit(&mut self, event: Event) {
        if !matches!(event, Event::Seen { .. }) {
            self.spoke = Instant::now();
        }
        let about = About { deployment: &self.deployment, region: self.region.as_deref() };
        self.reporters.emit(&self.options.tool, about, self.time.now(), event);
    }
}

/// `counted`: the deployment itself tells how many targets are in which state; `until`: a point is waited for.
fn unreadable(what: Unreadable, error: &ApiError, counted: bool, until: bool) -> Event {
    let (code, what) = match what {
        Unreadable::Targets if counted => {
            (NoticeCode::Targets, "targets cannot be read; their number and states are still shown")
        }
        Unreadable::Targets => (NoticeCode::Targets, "targets cannot be read; only the status is shown"),
        Unreadable::Config => (NoticeCode::Config, "the deployment configuration cannot be read"),
    };
    let point = match code {
        NoticeCode::Targets if until => "; whether the point is reached cannot be seen, only the end",
        _ => "",
    };
    Event::Notice { code, message: format!("{what}{point} ({error})"), exit: None }
}

fn lost_poll() -> ApiError {
    ApiError {
        operation: "poll".to_owned(),
        kind: ErrorKind::Transient,
        code: None,
        message: "the poll stopped unexpectedly".to_owned(),
        request_id: None,
    }
}
