//! Watching a deployment: poller -> observations -> tracker -> events -> reporters -> outcome.
//!
//! This file only connects them. A deployment is changed only where the user asked for it: `--on-timeout` and
//! `--on-interrupt` may stop it, keys may stop it or end its wait.

pub mod budget;
pub mod causes;
pub mod event;
pub mod forecast;
mod now;
mod observation;
pub mod outcome;
pub mod point;
mod poller;
mod roster;
#[cfg(test)]
pub mod schema_tests;
mod session;
pub mod source;
mod tracker;

use std::cell::{Cell, RefCell};
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use jiff::Timestamp;
use tokio::time::timeout;

use crate::model::Deployment;
use crate::report::{About, Reporters};
use crate::signals::{Listener, Signals};
use budget::Budget;
use event::{DeploymentEvent, Event, Report};
use now::ServiceTime;
pub use observation::Reads;
use outcome::Rollback;
pub use outcome::{Outcome, Signal};
use point::Point;
pub use poller::sleep;
use session::Session;
pub use source::{Seen, Source};
use tracker::Tracker;

/// How long a reader that takes nothing is waited for after a signal.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// What becomes of a deployment that is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leave {
    /// It goes on.
    Detach,
    /// It is stopped and watched to its end.
    Stop,
    /// As [`Leave::Stop`], with a rollback whatever its settings say.
    Rollback,
}

/// How to watch.
#[derive(Clone, Debug)]
pub struct Options {
    /// Between two looks at the deployment; longer where the budget asks for it.
    pub interval: Duration,
    /// Calls a minute; clones are one budget for several watches.
    pub budget: Budget,
    /// How long credentials may be refused before the outcome is unknown.
    pub give_up_after: Duration,
    /// When to stop watching; by default when the service itself must have ended the deployment.
    pub timeout: Option<Duration>,
    /// What to do with the deployment when the time is over, and at a first signal.
    pub on_timeout: Leave,
    pub on_interrupt: Leave,
    /// Where to stop watching, if not at the end.
    pub until: Option<Point>,
    /// Stop watching where the deployment waits for an action.
    pub exit_on_ready: bool,
    /// Watch the automatic rollback too; it decides between exit 5 and 6.
    pub follow_rollback: bool,
    /// Wait until the service has named the rollback, also where it is not watched. True: the stop of the deployment
    /// has asked for one.
    pub name_rollback: Option<bool>,
    /// A success with failed targets counts as failed.
    pub require_all: bool,
    /// The deployment was just created or read, so a first call that fails is tried again rather than believed.
    pub known: bool,
    /// The command itself has just made the deployment: it may be stopped before anything was told of it.
    pub made: bool,
    /// The tool's name and version, for the event stream.
    pub tool: String,
    /// The local time; used for stamps until the service tells its own.
    pub now: Timestamp,
    /// What is read of the targets.
    pub reads: Reads,
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
            on_timeout: Leave::Detach,
            on_interrupt: Leave::Detach,
            until: None,
            exit_on_ready: false,
            follow_rollback: true,
            name_rollback: None,
            require_all: false,
            known: false,
            made: false,
            tool: tool.into(),
            now,
            reads: Reads::Each,
            seed,
        }
    }
}

/// Watches deployments to their ends at once and, with `follow_rollback`, their rollbacks. The last event of each is a
/// `result` on every path. Needs a tokio runtime. The first signal detaches, or does as `on_interrupt` says; the
/// second always detaches. `listeners`: one for each, which may have heard a signal before.
pub async fn watch<S: Source>(
    source: Arc<S>,
    deployments: &[String],
    options: &Options,
    (signals, listeners): (&Signals, Vec<Listener>),
    reporters: &mut Reporters,
) -> Vec<Outcome> {
    let watched: Vec<_> = deployments
        .iter()
        .map(|id| Watched { source: Arc::clone(&source), deployment: id.clone(), region: None })
        .collect();
    let options = &Options { budget: options.budget.shared_by(watched.len()), ..options.clone() };
    let told = &*reporters;
    let each = watched.iter().zip(listeners).map(|(watched, signals)| async move {
        let ended = one(watched, options, signals, told).await;
        let outcome = ended.outcome.clone();
        ended.tell(&options.tool, told);
        outcome
    });
    let outcomes = join_all(each).await;
    finish(&outcomes, signals, reporters).await;
    outcomes
}

/// A deployment as the event stream tells of it.
pub fn told(deployment: Deployment) -> Option<DeploymentEvent> {
    let mut tracker = Tracker::default();
    tracker.deployment(deployment);
    tracker.told()
}

/// One of the deployments that are watched at once.
#[derive(Debug)]
pub struct Watched<S> {
    pub source: Arc<S>,
    pub deployment: String,
    /// Told of in every event, where the deployments are in several regions.
    pub region: Option<String>,
}

/// How the watch of one deployment ended; what is still to be told of it.
#[derive(Debug)]
pub struct Ended {
    pub outcome: Outcome,
    report: Box<Report>,
    deployment: String,
    region: Option<String>,
    time: ServiceTime,
}

impl Ended {
    /// The service's time.
    pub fn now(&self) -> Timestamp {
        self.time.now()
    }

    /// Tells the reporters of it, as of now: the `result`.
    pub fn tell(self, tool: &str, reporters: &Reporters) {
        let about = About { deployment: &self.deployment, region: self.region.as_deref() };
        reporters.emit(tool, about, self.time.now(), Event::Result(self.report));
    }
}

/// As [`watch`], and the reporters stay open for more: the deployment that ends last is told of by whoever knows whether
/// anything comes before its `result`. `signals`: a listener for each, which may have heard one before.
pub async fn follow<S: Source>(
    watched: &[Watched<S>],
    options: &Options,
    signals: Vec<Listener>,
    reporters: &Reporters,
) -> (Vec<Outcome>, Option<Ended>) {
    let options = &Options { budget: options.budget.shared_by(watched.len()), ..options.clone() };
    let last = &RefCell::new(None);
    let going = &Cell::new(watched.len());
    let each = watched.iter().zip(signals).map(|(watched, signals)| async move {
        let ended = one(watched, options, signals, reporters).await;
        let outcome = ended.outcome.clone();
        going.set(going.get() - 1);
        if going.get() > 0 {
            ended.tell(&options.tool, reporters);
        } else {
            last.replace(Some(ended));
        }
        outcome
    });
    let outcomes = join_all(each).await;
    (outcomes, last.take())
}

/// Tells of a watch that saw nothing of the deployment that it is `about`, or found none of `place` (an application's
/// group) to watch: nothing but a `result` of that outcome, `now`.
pub(crate) fn nothing(
    tool: &str,
    about: About<'_>,
    place: Option<(&str, &str)>,
    outcome: &Outcome,
    now: Timestamp,
    reporters: &Reporters,
) {
    let report = Tracker::default().report(outcome, now, None);
    // Nothing goes on that anybody could be told of.
    let reason =
        report.reason.or(about.deployment.is_empty().then(|| "no deployment was watched".to_owned()));
    let (application, group) = place.map(|(one, other)| (one.to_owned(), other.to_owned())).unzip();
    let region = about.region.map(str::to_owned);
    let report = Report { reason, region, application, group, ..report };
    reporters.emit(tool, about, now, Event::Result(Box::new(report)));
}

/// Waits until everything is written; not for a reader that takes nothing, once the user has left.
pub async fn finish(outcomes: &[Outcome], signals: &Signals, reporters: &mut Reporters) {
    let left = |outcome: &Outcome| matches!(outcome, Outcome::Detached(_) | Outcome::Closed);
    let mut written = std::pin::pin!(reporters.finish());
    if !outcomes.iter().any(left) {
        // A user who leaves now is not made to wait for a reader that takes nothing.
        let mut signals = signals.listen();
        tokio::select! {
            () = written.as_mut() => return,
            _ = signals.next() => {}
        }
    }
    let _ = timeout(LAST_WORDS, written).await;
}

async fn one<S: Source>(
    watched: &Watched<S>,
    options: &Options,
    mut signals: Listener,
    reporters: &Reporters,
) -> Ended {
    let Watched { source, deployment, region } = watched;
    let mut session = Session::new(options, deployment, region.as_deref(), reporters);
    let mut tracker = Tracker::until(options.until.clone());
    let stop = session.follow(source, &mut tracker, &mut signals).await;
    let mut outcome = session.judge(stop, &tracker);

    let mut rollback = None;
    if let (Outcome::Ended { how, .. }, Some((id, message))) = (&outcome, tracker.rollback()) {
        session.emit(Event::Rollback { rollback: id.clone(), message });
        if options.follow_rollback {
            let how = *how;
            let mut followed = Tracker::default();
            session.switch_to(&id);
            let stop = session.follow(source, &mut followed, &mut signals).await;
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
            session.tell_of(deployment);
            rollback = Some(followed);
        }
    }
    let mut report = tracker.report(&outcome, session.now(), rollback.as_ref());
    report.region.clone_from(region);
    if rollback.is_none() && report.reason.is_none() {
        report.reason = session.left(&outcome);
    }
    let (deployment, region) = (deployment.clone(), region.clone());
    Ended { outcome, report: Box::new(report), deployment, region, time: session.time() }
}

#[cfg(test)]
mod tests;
