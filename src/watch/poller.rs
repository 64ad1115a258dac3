//! The only place of the client that sleeps: a task that asks the service and feeds a channel, so that a slow
//! request never freezes a screen or Ctrl-C. Decides when to call; says nothing to anyone but the channel.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::Instant;

use super::budget::{Call, Purpose};
use super::observation::{End, Observation, Pace, Reads, Unreadable};
use super::outcome::Ending;
use super::roster::{Roster, Stage, Want};
use super::source::Source;
use crate::api::{ApiError, ErrorKind};
use crate::clock;
use crate::model::{Deployment, DeploymentStatus};

/// The longest wait after a failed call.
const LONGEST_BACKOFF: Duration = Duration::from_secs(32);
/// The shortest interval between ticks, and the longest.
const SHORTEST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(86_400);
/// The slowest pace while nothing moves, and how much slower than the interval it may be.
const SLOWEST: Duration = Duration::from_secs(15);
/// How long a call may take; past it the call counts as failed.
const LONGEST_CALL: Duration = Duration::from_secs(60);
/// How long after the end what is still wanted of the targets is read, at most.
const FINAL_READ: Duration = Duration::from_secs(10);
/// The first pause and the longest between two tries in that time.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
/// How long after the end `rollbackInfo` is waited for, where a rollback is configured for that ending.
const ROLLBACK_WAIT: Duration = Duration::from_secs(60);

/// The watch is gone, or the poll has said its last word.
struct Over;

/// Polls deployment `id` until its end, or until nobody listens.
pub async fn poll<S: Source>(
    source: Arc<S>,
    id: String,
    pace: Pace,
    random: fastrand::Rng,
    to: mpsc::Sender<Observation>,
) {
    let interval = pace.interval.max(pace.budget.shortest_interval()).clamp(SHORTEST, LONGEST);
    let targets = if pace.reads == Reads::Nothing { Reading::Closed } else { Reading::Wanted };
    let poller = Poller {
        source,
        id,
        interval,
        pace,
        random,
        to,
        roster: Roster::default(),
        last: None,
        over_for: Duration::ZERO,
        still: 0,
        attempts: 0,
        refused_since: None,
        config: Reading::Wanted,
        targets,
        owed: None,
        saved: 2.0,
    };
    let Err(Over) = poller.run().await;
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Reading {
    Wanted,
    /// Read, or not to be had.
    Closed,
}

/// Calls that a service may throttle each by itself.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Config,
    List,
    Describe,
}

impl Kind {
    fn of(want: &Want) -> Self {
        match want {
            Want::List(..) => Kind::List,
            Want::Describe(_) => Kind::Describe,
        }
    }
}

struct Poller<S> {
    source: Arc<S>,
    id: String,
    interval: Duration,
    pace: Pace,
    random: fastrand::Rng,
    to: mpsc::Sender<Observation>,
    roster: Roster,
    last: Option<Deployment>,
    /// How long the deployment had been over when it was looked at last, by the service.
    over_for: Duration,
    /// Ticks without a change.
    still: u32,
    /// Failed ticks in a row.
    attempts: u32,
    refused_since: Option<Instant>,
    config: Reading,
    targets: Reading,
    /// The kind of call that failed and has not worked since: a tick without one is no recovery.
    owed: Option<Kind>,
    /// Details that the ticks so far have left over, and parts of one.
    saved: f64,
}

impl<S: Source> Poller<S> {
    async fn run(mut self) -> Result<std::convert::Infallible, Over> {
        sleep(self.pace.delay).await;
        loop {
            let start = Instant::now();
            let wait = match self.tick().await? {
                Ok(()) => {
                    self.recovered().await?;
                    self.pause()
                }
                Err(error) => self.failed(error).await?,
            };
            self.say(Observation::Paced(wait)).await?;
            sleep(wait.saturating_sub(start.elapsed())).await;
        }
    }

    /// One look at the deployment and, within the budget, at its targets. The inner error is one to try again after.
    async fn tick(&mut self) -> Result<Result<(), ApiError>, Over> {
        let deployment = match self.look().await {
            Ok(seen) => seen,
            Err(error) => return self.refused(error).await.map(Err),
        };
        if deployment.status.is_terminal() {
            self.finish(deployment).await?;
            return Err(Over);
        }
        if let Err(error) = self.configuration(&deployment).await? {
            return Ok(Err(error));
        }
        if matches!(deployment.status, DeploymentStatus::Created | DeploymentStatus::Queued) {
            return Ok(Ok(()));
        }
        self.roster.tick(deployment.overview, Stage::Running);
        self.details(None).await
    }

    /// A call of a tick failed: how long to wait before the next one.
    async fn failed(&mut self, error: ApiError) -> Result<Duration, Over> {
        let wait = self.backoff();
        if error.kind == ErrorKind::Credentials {
            // A provider that asks and gets no answer is no reason to stop looking.
            let _ = tokio::time::timeout(LONGEST_CALL, self.source.renew()).await;
        }
        self.say(Observation::Failing { error, retry_in: wait }).await?;
        Ok(wait)
    }

    /// All calls of a tick worked; what failed before may not have been asked for again.
    async fn recovered(&mut self) -> Result<(), Over> {
        self.refused_since = None;
        if self.owed.is_none() && std::mem::take(&mut self.attempts) > 0 {
            self.say(Observation::Recovered).await?;
        }
        Ok(())
    }

    /// GetDeployment, within the budget.
    async fn look(&mut self) -> Result<Deployment, ApiError> {
        let call = loop {
            match self.pace.budget.take(Purpose::Tick, Instant::now(), 0) {
                Ok(call) => break call,
                Err(wait) => sleep(wait).await,
            }
        };
        let seen = within(self.source.deployment(&self.id)).await;
        drop(call);
        let seen = seen?;
        let moved = self.last.as_ref() != Some(&seen.value);
        self.still = if moved { 0 } else { self.still.saturating_add(1) };
        let over = seen.value.complete_time.zip(seen.date);
        self.over_for = over.map(|(end, now)| clock::between(end, now)).unwrap_or_default();
        self.last = Some(seen.value.clone());
        let deployment = seen.value.clone();
        // A closed channel is noticed at the next word.
        let _ = self.say(Observation::Deployment(Box::new(seen))).await;
        Ok(deployment)
    }

    /// What an error of GetDeployment means: a later try, or the end.
    async fn refused(&mut self, error: ApiError) -> Result<ApiError, Over> {
        let first = self.last.is_none() && !self.pace.known;
        let end = match error.kind {
            ErrorKind::Throttled => None,
            ErrorKind::Transient if first => Some(End::Refused(error.clone())),
            ErrorKind::Transient => None,
            ErrorKind::NotFound | ErrorKind::Denied | ErrorKind::Invalid => Some(match self.last {
                None => End::Refused(error.clone()),
                Some(_) => End::Lost(error.clone()),
            }),
            _ if first => Some(End::Refused(error.clone())),
            _ => {
                let since = *self.refused_since.get_or_insert_with(Instant::now);
                (since.elapsed() >= self.pace.give_up_after).then(|| End::Lost(error.clone()))
            }
        };
        match end {
            None => Ok(error),
            Some(end) => {
                self.say(Observation::End(end)).await?;
                Err(Over)
            }
        }
    }

    /// The deployment has ended: reads what is still wanted of its targets as far as time and budget allow, then waits
    /// for the id of its rollback.
    async fn finish(&mut self, mut deployment: Deployment) -> Result<(), Over> {
        let seen = Instant::now();
        // One that has been over for long has been told all that comes; what this watch stopped has ended just now.
        let over = if self.asked() { Duration::ZERO } else { self.over_for };
        let patience = ROLLBACK_WAIT.saturating_sub(over);
        // A summary tells of each of two fleets.
        let stage = match self.pace.reads {
            Reads::Summary if !deployment.waits.blue_green => Stage::Summary,
            _ => Stage::Each,
        };
        self.roster.tick(deployment.overview, stage);
        // Whatever goes wrong here, the deployment's end is known.
        self.read_on(seen + FINAL_READ).await?;
        let mut missing = self.awaits_rollback(&deployment) && !patience.is_zero();
        if missing {
            self.say(Observation::AwaitsRollback).await?;
        }
        while missing && seen.elapsed() < patience {
            let pause = self.jittered(self.interval);
            sleep(pause.min((seen + patience).saturating_duration_since(Instant::now()))).await;
            match self.look().await {
                Ok(seen) => {
                    deployment = seen;
                    // Nobody waits for these: they are read as far as there is room meanwhile.
                    self.roster.tick(deployment.overview, Stage::Each);
                    if self.details(None).await?.is_ok() {
                        self.recovered().await?;
                    }
                }
                Err(error) => {
                    let wait = self.failed(error).await?;
                    sleep(wait).await;
                }
            }
            missing = self.awaits_rollback(&deployment);
        }
        let none = deployment.rollback.rollback_deployment_id.is_none();
        // Who asked for one hears as well that there was nothing to go back to.
        let wanted = self.pace.rollback && self.asked() && Ending::of(&deployment) == Some(Ending::Stopped);
        let rollback_missing = none && (wanted || self.covered_by_rollback(&deployment));
        self.say(Observation::End(End::Ended { rollback_missing })).await
    }

    /// What is still wanted of the targets, with a new try after a call that failed, as long as there is time.
    async fn read_on(&mut self, until: Instant) -> Result<(), Over> {
        let mut pause = FIRST_PAUSE;
        loop {
            let read = tokio::time::timeout_at(until, self.details(Some(until))).await;
            let Err(error) = read.unwrap_or(Ok(Ok(())))? else { return self.recovered().await };
            self.attempts = self.attempts.saturating_add(1);
            let wait = self.jittered(pause);
            let again = Instant::now() + wait < until;
            if again && error.kind == ErrorKind::Credentials {
                let _ = tokio::time::timeout_at(until, self.source.renew()).await;
            }
            let retry_in = if again { wait } else { Duration::ZERO };
            self.say(Observation::Failing { error, retry_in }).await?;
            if !again {
                return Ok(());
            }
            sleep(wait).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// A rollback is configured for this ending, and the service has said nothing of it yet.
    fn awaits_rollback(&self, deployment: &Deployment) -> bool {
        self.covered_by_rollback(deployment)
            && deployment.rollback.rollback_deployment_id.is_none()
            && deployment.rollback.message.is_none()
    }

    fn covered_by_rollback(&self, deployment: &Deployment) -> bool {
        let ending = Ending::of(deployment);
        self.pace.rollback && ending.is_some_and(|ending| ending.is_rolled_back(deployment, self.asked()))
    }

    fn asked(&self) -> bool {
        self.pace.asked.load(Ordering::Relaxed)
    }

    /// GetDeploymentConfig, once: the healthy hosts that are required, or the steps of the traffic.
    async fn configuration(&mut self, deployment: &Deployment) -> Result<Result<(), ApiError>, Over> {
        let Some(name) = deployment.config.as_deref().filter(|_| self.config == Reading::Wanted) else {
            return Ok(Ok(()));
        };
        let Ok(call) = self.pace.budget.take(Purpose::Detail, Instant::now(), self.ticks()) else {
            return Ok(Ok(()));
        };
        let answer = within(self.source.config(name)).await;
        drop(call);
        self.answered(Kind::Config, answer.as_ref().err());
        match answer {
            Ok(config) => {
                self.config = Reading::Closed;
                self.say(Observation::Config(config)).await.map(Ok)
            }
            Err(error) if passes(&error) => Ok(Err(error)),
            Err(error) => {
                self.config = Reading::Closed;
                self.say(Observation::Unreadable(Unreadable::Config, error)).await.map(Ok)
            }
        }
    }

    /// The target calls that the budget has room for now; up to `until` they wait for room.
    async fn details(&mut self, until: Option<Instant>) -> Result<Result<(), ApiError>, Over> {
        if until.is_none() {
            let share = self.details_per_tick();
            self.saved = (self.saved + share).min(share.max(1.0) * 2.0);
        }
        loop {
            let want = if self.targets == Reading::Wanted { self.roster.next() } else { None };
            let Some((purpose, want)) = want else {
                // Nothing is wanted of targets any more, or none are read.
                self.owed = self.owed.filter(|owed| *owed == Kind::Config);
                break;
            };
            if purpose == Purpose::Detail && until.is_none() {
                if self.saved < 1.0 {
                    break;
                }
                self.saved -= 1.0;
            }
            let ticks = if until.is_some() { 0 } else { self.ticks() };
            let call = match (self.pace.budget.take(purpose, Instant::now(), ticks), until) {
                (Ok(call), _) => call,
                (Err(wait), Some(until)) if Instant::now() + wait <= until => {
                    sleep(wait).await;
                    continue;
                }
                (Err(_), _) => break,
            };
            if let Err(error) = self.ask(&want, call).await? {
                return Ok(Err(error));
            }
        }
        Ok(Ok(()))
    }

    /// One call about targets. The inner error is one to try again after.
    async fn ask(&mut self, want: &Want, call: Call) -> Result<Result<(), ApiError>, Over> {
        self.roster.begin(want);
        let answer = match want {
            Want::List(filter, token) => {
                within(self.source.target_ids(&self.id, filter.statuses(), token.clone())).await.map(
                    |(ids, next)| {
                        self.roster.listed(*filter, ids, next);
                        Vec::new()
                    },
                )
            }
            Want::Describe(ids) => within(self.source.targets(&self.id, ids)).await.map(|mut targets| {
                targets.retain(|target| ids.contains(&target.id));
                if self.roster.described(ids, &targets) {
                    self.still = 0;
                }
                targets
            }),
        };
        drop(call);
        self.answered(Kind::of(want), answer.as_ref().err());
        match answer {
            Ok(targets) if targets.is_empty() => Ok(Ok(())),
            Ok(targets) => self.say(Observation::Targets(targets)).await.map(Ok),
            Err(error) if error.kind == ErrorKind::NotStarted => {
                self.roster.untold(want);
                Ok(Ok(()))
            }
            Err(error) if passes(&error) => Ok(Err(error)),
            Err(error) => {
                if error.kind == ErrorKind::Denied || matches!(want, Want::List(..)) {
                    self.targets = Reading::Closed;
                }
                self.roster.refused(want);
                self.say(Observation::Unreadable(Unreadable::Targets, error)).await.map(Ok)
            }
        }
    }

    /// What came of a call of that kind: it failed for now, or not.
    fn answered(&mut self, kind: Kind, error: Option<&ApiError>) {
        if error.is_some_and(passes) {
            self.owed = Some(kind);
        } else if self.owed == Some(kind) {
            self.owed = None;
        }
    }

    async fn say(&mut self, observation: Observation) -> Result<(), Over> {
        self.to.send(observation).await.map_err(|_| Over)
    }

    /// The time to the next tick: slower by a quarter for each tick that showed nothing new.
    fn pause(&mut self) -> Duration {
        let slowest = SLOWEST.min(self.interval * 3).max(self.interval);
        let slower = self.interval.mul_f64(1.0 + 0.25 * f64::from(self.still.min(100)));
        self.jittered(slower.min(slowest))
    }

    fn jittered(&mut self, pause: Duration) -> Duration {
        pause.mul_f64(0.9 + 0.2 * self.random.f64())
    }

    /// The wait after a failed tick: full jitter under a bound that doubles, never shorter than the interval.
    fn backoff(&mut self) -> Duration {
        self.attempts = self.attempts.saturating_add(1);
        let bound = self.interval.saturating_mul(1 << self.attempts.min(16)).min(LONGEST_BACKOFF);
        bound.mul_f64(self.random.f64()).max(self.interval.min(LONGEST_BACKOFF))
    }

    /// Ticks a minute, at most.
    fn ticks(&self) -> usize {
        (60.0 / (0.9 * self.interval.as_secs_f64())).ceil() as usize
    }

    /// The details of a tick, so that they spread over the minute: seldom a whole number.
    fn details_per_tick(&self) -> f64 {
        let ticks = self.ticks().max(1);
        self.pace.budget.details_of(Purpose::Detail, ticks) as f64 / ticks as f64
    }
}

/// The error of a call that may well work later.
fn passes(error: &ApiError) -> bool {
    error.is_transient() || error.kind == ErrorKind::Credentials
}

/// The answer of `call`, or a passing error where it takes too long.
async fn within<T>(call: impl Future<Output = Result<T, ApiError>>) -> Result<T, ApiError> {
    tokio::time::timeout(LONGEST_CALL, call).await.unwrap_or_else(|_| {
        Err(ApiError {
            operation: "request".to_owned(),
            kind: ErrorKind::Transient,
            code: None,
            message: format!("no answer for {} s", LONGEST_CALL.as_secs()),
            request_id: None,
        })
    })
}

/// Waits in real time; for a command that has to look again.
#[expect(clippy::disallowed_methods, reason = "the one place of the client that sleeps")]
pub async fn sleep(duration: Duration) {
    tokio::time::sleep(duration).await;
}
