//! Watching a deployment: poller -> observations -> tracker -> events -> reporters -> outcome.
//!
//! This file only connects them: it takes what the poller saw, stamps events once, and ends on the deployment's end,
//! a time-out, a signal, or a reader that is gone. It never changes a deployment.

pub mod budget;
pub mod causes;
pub mod event;
mod now;
mod observation;
pub mod outcome;
mod poller;
mod roster;
pub mod source;
mod tracker;

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval, timeout};

use crate::api::{ApiError, ErrorKind};
use crate::report::{Pulse, Reporters};
use budget::Budget;
use event::{Event, NoticeCode, Stamped, VERSION};
use now::ServiceTime;
use observation::{End, Observation, Pace, Unreadable};
use outcome::Rollback;
pub use outcome::{Outcome, Signal};
pub use source::{Seen, Source};
use tracker::Tracker;

/// How often the reporters are told the time.
const UI_TICK: Duration = Duration::from_millis(200);
/// Silence after which a heartbeat is sent: in the first ten minutes, and later.
const HEARTBEAT: [Duration; 2] = [Duration::from_secs(60), Duration::from_secs(300)];
const FIRST_MINUTES: Duration = Duration::from_secs(600);
/// How long a reader that takes nothing is waited for after a signal.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// How to watch.
#[derive(Clone, Debug)]
pub struct Options {
    /// Between two looks at the deployment; longer where the budget asks for it.
    pub interval: Duration,
    /// Calls a minute; clones are one budget for several watches.
    pub budget: Budget,
    /// How long credentials may be refused before the outcome is unknown.
    pub give_up_after: Duration,
    /// When to stop watching; never by default.
    pub timeout: Option<Duration>,
    /// Watch the automatic rollback too; it decides between exit 5 and 6.
    pub follow_rollback: bool,
    /// A success with failed targets counts as failed.
    pub require_all: bool,
    /// The deployment was just created or read, so a first call that fails is tried again rather than believed.
    pub known: bool,
    /// The tool's name and version, for the event stream.
    pub tool: String,
    /// The local time; used for stamps until the service tells its own.
    pub now: Timestamp,
    /// For the jitter.
    pub seed: u64,
}

impl Options {
    /// The documented defaults.
    pub fn new(tool: impl Into<String>, now: Timestamp, seed: u64) -> Self {
        Options {
            interval: Duration::from_secs(5),
            budget: Budget::per_minute(30),
            give_up_after: Duration::from_secs(600),
            timeout: None,
            follow_rollback: true,
            require_all: false,
            known: false,
            tool: tool.into(),
            now,
            seed,
        }
    }
}

/// Watches a deployment to its end and, with `follow_rollback`, its rollback. The last event is a `result` on every
/// path. Needs a tokio runtime; the first thing that `interrupt` yields detaches.
pub async fn watch<S: Source>(
    source: Arc<S>,
    deployment: &str,
    options: &Options,
    interrupt: impl Future<Output = Signal>,
    reporters: &mut Reporters,
) -> Outcome {
    tokio::pin!(interrupt);
    let mut session = Session::new(options, deployment, reporters);
    let mut tracker = Tracker::default();
    let stop = session.follow(&source, &mut tracker, interrupt.as_mut()).await;
    let mut outcome = session.judge(stop, &tracker);

    let mut rollback = None;
    if let (Outcome::Ended { how, .. }, Some((id, message))) = (&outcome, tracker.rollback()) {
        session.emit(Event::Rollback { rollback: id.clone(), message });
        if options.follow_rollback {
            let how = *how;
            let mut followed = Tracker::default();
            session.switch_to(&id);
            let stop = session.follow(&source, &mut followed, interrupt.as_mut()).await;
            outcome = match session.judge(stop, &followed) {
                Outcome::Succeeded | Outcome::SucceededInPart { .. } => {
                    Outcome::Ended { how, rollback: Some(Rollback::Succeeded) }
                }
                Outcome::Ended { .. } => Outcome::Ended { how, rollback: Some(Rollback::Failed) },
                // The deployment's own end is known and is worse than a time-out.
                Outcome::TimedOut => Outcome::Ended { how, rollback: None },
                Outcome::Refused(error) => Outcome::Unknown(error.to_string()),
                other => other,
            };
            session.switch_to(deployment);
            rollback = Some(followed);
        }
    }
    let report = tracker.report(&outcome, session.time.now(), rollback.as_ref());
    session.emit(Event::Result(Box::new(report)));
    let detached = matches!(outcome, Outcome::Detached(_) | Outcome::Closed);
    session.finish(detached, interrupt).await;
    outcome
}

/// Why a deployment is no longer followed.
enum Stop {
    End(End),
    TimedOut,
    Signal(Signal),
    Closed,
}

struct Session<'a> {
    options: &'a Options,
    reporters: &'a mut Reporters,
    deployment: String,
    /// That deployment is known to exist.
    known: bool,
    time: ServiceTime,
    started: Instant,
    seq: u64,
    /// When the last event went out.
    spoke: Instant,
    poll: Duration,
    ticks: Interval,
}

impl<'a> Session<'a> {
    fn new(options: &'a Options, deployment: &str, reporters: &'a mut Reporters) -> Self {
        let mut ticks = interval(UI_TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let now = Instant::now();
        Session {
            options,
            reporters,
            deployment: deployment.to_owned(),
            known: options.known,
            time: ServiceTime::new(options.now),
            started: now,
            seq: 0,
            spoke: now,
            poll: options.interval,
            ticks,
        }
    }

    /// Events are about deployment `id` from now on, which the service has named.
    fn switch_to(&mut self, id: &str) {
        id.clone_into(&mut self.deployment);
        self.known = true;
    }

    /// Follows the current deployment until something ends it.
    async fn follow<S: Source>(
        &mut self,
        source: &Arc<S>,
        tracker: &mut Tracker,
        mut interrupt: Pin<&mut impl Future<Output = Signal>>,
    ) -> Stop {
        let mut lost = 0;
        let (mut poller, mut seen) = self.start(source, Duration::ZERO);
        loop {
            let room = self.reporters.has_room();
            tokio::select! {
                biased;
                signal = interrupt.as_mut() => return Stop::Signal(signal),
                () = self.reporters.attend() => return Stop::Closed,
                observation = seen.recv(), if room => match observation {
                    Some(Observation::End(end)) => {
                        self.missing_rollback(&end);
                        return Stop::End(end);
                    }
                    Some(observation) => self.observe(tracker, observation),
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
                    if self.options.timeout.is_some_and(|timeout| self.started.elapsed() >= timeout) {
                        drop(poller);
                        return Stop::TimedOut;
                    }
                    self.tick(tracker);
                }
            }
        }
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
            rollback: options.follow_rollback,
            known: self.known,
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
                    self.emit(event);
                }
                None
            }
            Observation::Failing { error, retry_in } => tracker.failing(&error, retry_in),
            Observation::Recovered => tracker.recovered(),
            Observation::Unreadable(what, error) => Some(unreadable(what, &error)),
            Observation::Paced(pace) => {
                self.poll = pace;
                None
            }
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
                message: "an automatic rollback is configured for this ending, but the service named none"
                    .to_owned(),
            });
        }
    }

    fn judge(&self, stop: Stop, tracker: &Tracker) -> Outcome {
        match stop {
            Stop::End(End::Ended { .. }) => tracker
                .outcome(self.options.require_all)
                .unwrap_or_else(|| Outcome::Unknown("the service told no ending".to_owned())),
            Stop::End(End::Refused(error)) => Outcome::Refused(error),
            Stop::End(End::Lost(error)) => Outcome::Unknown(error.to_string()),
            Stop::TimedOut => Outcome::TimedOut,
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

    /// Numbers and dates an event, once for all reporters. The first is preceded by the start of the stream.
    fn emit(&mut self, event: Event) {
        if self.seq == 0 {
            let tool = self.options.tool.clone();
            self.stamp(Event::StreamStart { tool });
        }
        self.stamp(event);
    }

    fn stamp(&mut self, event: Event) {
        let stamped = Stamped {
            v: VERSION,
            seq: self.seq,
            ts: self.time.now(),
            event,
            deployment: self.deployment.clone(),
        };
        self.seq += 1;
        self.spoke = Instant::now();
        self.reporters.event(Arc::new(stamped));
    }

    /// Waits until all is written; not for ever, once the user has asked to leave.
    async fn finish(self, detached: bool, interrupt: Pin<&mut impl Future<Output = Signal>>) {
        let mut written = std::pin::pin!(self.reporters.finish());
        if !detached {
            tokio::select! {
                () = written.as_mut() => return,
                _ = interrupt => {}
            }
        }
        let _ = timeout(LAST_WORDS, written).await;
    }
}

fn unreadable(what: Unreadable, error: &ApiError) -> Event {
    let (code, what) = match what {
        Unreadable::Targets => {
            (NoticeCode::Targets, "targets cannot be read; their number and states are still shown")
        }
        Unreadable::Config => (NoticeCode::Config, "the deployment configuration cannot be read"),
    };
    Event::Notice { code, message: format!("{what} ({error})") }
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

#[cfg(test)]
mod tests;
