//! What the events so far say of the deployment on the screen: the fold that live and log share. Pure.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use super::Pulse;
use super::words;
use crate::clock;
use crate::model::{DeploymentStatus, EventName, Serving, TargetStatus};
use crate::ui;
use crate::watch::event::{ApiEvent, ApiState, Counts, DeploymentEvent, Event, Phase, Stamped, TargetEvent};
use crate::watch::forecast;

/// A target as it is shown.
#[derive(Clone, Debug)]
pub struct Row {
    pub status: TargetStatus,
    pub event: Option<EventName>,
    /// When its lifecycle event began, by the service.
    pub since: Option<Timestamp>,
    /// What went wrong, on one line; the log tail is the summary's.
    pub failure: Option<String>,
    /// Its place in the order in which the targets last changed.
    pub changed: u64,
    /// When that was, by the service.
    pub time: Option<Timestamp>,
    /// All its events, and the traffic that it serves; not of hosts.
    pub phases: Vec<Phase>,
    pub serving: Serving,
}

/// Times kept of one lifecycle event, and of whole targets; enough for a median.
const TIMES: usize = 500;

/// The deployment on the screen. A rollback that is followed takes the place of what it rolls back.
#[derive(Debug, Default)]
pub struct View {
    pub id: String,
    /// Where several regions are watched.
    pub region: Option<String>,
    pub deployment: Option<DeploymentEvent>,
    pub targets: BTreeMap<String, Row>,
    pub api: Option<ApiEvent>,
    pub answer_age: Option<Duration>,
    pub now: Timestamp,
    /// How long targets took, and how long each of their events.
    taken: Vec<Duration>,
    events: BTreeMap<EventName, Vec<Duration>>,
    /// When the status last changed, and when anything did.
    status_since: Option<Timestamp>,
    moved: Option<Timestamp>,
    /// The deployment that this one rolls back.
    pub rolls_back: Option<String>,
    rollback: Option<String>,
}

impl View {
    /// Takes an event in.
    pub fn event(&mut self, stamped: &Stamped) {
        self.now = stamped.ts;
        if self.id.is_empty() || self.gives_way_to(stamped) {
            let rolls_back = (self.rollback.as_ref() == Some(&stamped.deployment)).then(|| self.id.clone());
            *self = View {
                id: stamped.deployment.clone(),
                region: stamped.region.clone(),
                now: self.now,
                rolls_back,
                ..View::default()
            };
        }
        match &stamped.event {
            Event::Deployment(event) => {
                if self.status() != Some(&event.status) {
                    // What was Ready before it was looked at is so since its targets are.
                    let first = self.deployment.is_none();
                    self.status_since = (!first).then_some(stamped.ts);
                }
                self.moved = Some(stamped.ts);
                self.deployment = Some(event.as_ref().clone());
            }
            Event::Target(event) => {
                self.moved = Some(stamped.ts);
                self.learn(event);
                self.targets.insert(event.id.clone(), row(event, stamped.seq));
            }
            Event::Api(event) => self.api = (event.state != ApiState::Ok).then(|| event.clone()),
            Event::Rollback { rollback, .. } => self.rollback = Some(rollback.clone()),
            Event::StreamStart { .. } | Event::Heartbeat(_) | Event::Notice { .. } | Event::Result(_) => {}
        }
    }

    /// The event is about another deployment, which takes the screen; a result is the last word on all of them.
    pub fn gives_way_to(&self, stamped: &Stamped) -> bool {
        !self.id.is_empty() && self.id != stamped.deployment && !matches!(stamped.event, Event::Result(_))
    }

    /// The deployment is the one on the screen, what rolls it back, or what it rolls back.
    pub fn is_about(&self, deployment: &str) -> bool {
        self.id == deployment
            || self.rollback.as_deref() == Some(deployment)
            || self.rolls_back.as_deref() == Some(deployment)
    }

    pub fn tick(&mut self, pulse: &Pulse) {
        self.now = pulse.now;
        self.answer_age = pulse.answer_age;
    }

    /// The deployment as lines and headers name it.
    pub fn name(&self) -> String {
        let id = ui::line(&self.id);
        self.region.as_deref().map_or_else(|| id.clone(), |region| format!("{} {id}", ui::line(region)))
    }

    /// The deployment as a command line names it.
    pub fn reference(&self) -> String {
        words::reference(&self.id, self.region.as_deref())
    }

    pub fn counts(&self) -> Option<Counts> {
        self.deployment.as_ref().and_then(|deployment| deployment.overview)
    }

    pub fn status(&self) -> Option<&DeploymentStatus> {
        self.deployment.as_ref().map(|deployment| &deployment.status)
    }

    /// From the start, by the service's time.
    pub fn elapsed(&self) -> Option<Duration> {
        let deployment = self.deployment.as_ref()?;
        let start = deployment.start_time.or(deployment.create_time)?;
        Some(clock::between(start, deployment.complete_time.unwrap_or(self.now)))
    }

    /// The targets that failed, the newest failure last.
    pub fn failed(&self) -> Vec<(&str, &Row)> {
        self.rows(|row| row.status == TargetStatus::Failed, |row| row.changed)
    }

    /// How many targets are known to have failed.
    pub fn failures(&self) -> u64 {
        self.targets.values().filter(|row| row.status == TargetStatus::Failed).count() as u64
    }

    /// The targets at work, the longest in their lifecycle event first.
    pub fn running(&self) -> Vec<(&str, &Row)> {
        let at_work = |row: &Row| !row.status.is_finished() && row.status != TargetStatus::Pending;
        self.rows(at_work, |row| row.since.map_or(i64::MAX, Timestamp::as_millisecond))
    }

    /// How many of the targets at work are in which lifecycle event, the fullest first.
    pub fn phases(&self) -> Vec<(String, usize)> {
        let mut phases: BTreeMap<&str, usize> = BTreeMap::new();
        for (_, row) in self.running() {
            *phases.entry(row.event.as_ref().map_or("(starting)", EventName::as_str)).or_default() += 1;
        }
        let mut phases: Vec<_> = phases.into_iter().map(|(name, count)| (name.to_owned(), count)).collect();
        phases.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        phases
    }

    /// Takes in how long the target's last event took, and all of it where it has finished well.
    fn learn(&mut self, event: &TargetEvent) {
        if let Some(before) = self.targets.get(&event.id)
            && let (Some(name), Some(start), Some(end)) = (&before.event, before.since, event.since)
            && before.event != event.event
        {
            let times = self.events.entry(name.clone()).or_default();
            if times.len() < TIMES {
                times.push(clock::between(start, end));
            }
        }
        if event.status == TargetStatus::Succeeded
            && let (Some(began), Some(end)) = (event.began, event.time)
            && self.taken.len() < TIMES
        {
            self.taken.push(clock::between(began, end));
        }
    }

    /// It deploys to one function, service or stack, whose phases are shown instead of a fleet.
    pub fn is_single(&self) -> bool {
        self.targets.values().any(|row| !row.phases.is_empty())
    }

    /// Since when the deployment is in its state.
    pub fn since(&self) -> Option<Timestamp> {
        self.status_since.or_else(|| self.last_target_change())
    }

    /// The last change of a target, by the service.
    pub fn last_target_change(&self) -> Option<Timestamp> {
        self.targets.values().filter_map(|row| row.time).max()
    }

    /// How many times as long as usual a target at work is in its event, where that is much.
    pub fn slow(&self, row: &Row) -> Option<u64> {
        let mut times = self.events.get(row.event.as_ref()?)?.clone();
        if times.len() < 3 {
            return None;
        }
        times.sort();
        let usual = times.get(times.len() / 2)?.max(&Duration::from_secs(1)).as_secs_f64();
        let times = self.time_in_event(row)?.as_secs_f64() / usual;
        #[expect(clippy::cast_sign_loss, reason = "a quotient of durations")]
        (times >= 3.0).then_some(times as u64)
    }

    /// From when to when the fleet will be done. Nothing is said of a fleet that does not move.
    pub fn forecast(&self) -> Option<(Timestamp, Timestamp)> {
        let deployment = self.deployment.as_ref().filter(|deployment| !deployment.status.is_terminal())?;
        let counts = self.counts()?;
        let longest = self.taken.iter().max()?;
        let still = clock::between(self.moved?, self.now);
        if still > (*longest * 2).max(Duration::from_secs(60)) {
            return None;
        }
        let spare = counts.total().saturating_sub(deployment.minimum_healthy?).saturating_sub(counts.fail);
        let batch = spare.max(counts.run);
        let (least, most) = forecast::remaining(&self.taken, counts.run + counts.pend, batch)?;
        let moved = self.moved?;
        // From the last change on, so that the end does not move by itself.
        let end = |after: Duration| moved.checked_add(after).unwrap_or(moved).max(self.now);
        Some((end(least), end(most)))
    }

    /// How long a target has been in its lifecycle event.
    pub fn time_in_event(&self, row: &Row) -> Option<Duration> {
        row.since.map(|since| clock::between(since, self.now))
    }

    fn rows<K: Ord>(&self, keep: impl Fn(&Row) -> bool, key: impl Fn(&Row) -> K) -> Vec<(&str, &Row)> {
        let mut rows: Vec<_> =
            self.targets.iter().filter(|(_, row)| keep(row)).map(|(id, row)| (id.as_str(), row)).collect();
        rows.sort_by_key(|(_, row)| key(row));
        rows
    }
}

fn row(event: &TargetEvent, seq: u64) -> Row {
    let failure = event.failure.as_ref().map(words::failure);
    Row {
        status: event.status.clone(),
        event: event.event.clone(),
        since: event.since,
        failure,
        changed: seq,
        time: event.time,
        phases: event.phases.clone(),
        serving: event.serving.clone(),
    }
}
