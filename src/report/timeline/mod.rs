//! A deployment from its first event to its last: which target was in which phase, and for how long. Made of what the
//! service tells or of a recorded stream, and written as HTML, Markdown or data. Pure.

mod chart;
mod html;
mod markdown;

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};

pub use html::page;
pub use markdown::markdown;

use crate::clock;
use crate::model::{EventName, EventStatus, Target, TargetStatus};
use crate::report::{why, words};
use crate::watch::causes::{Cause, Causes};
use crate::watch::event::{DeploymentEvent, Event, Failure, Phase, Stamped, TargetEvent};

/// One deployment.
#[derive(Clone, Debug)]
pub struct Timeline {
    pub id: String,
    pub region: Option<String>,
    pub deployment: DeploymentEvent,
    /// The service's time when this was so.
    pub as_of: Timestamp,
    pub bars: Vec<Bar>,
}

/// One target.
#[derive(Clone, Debug, Serialize)]
pub struct Bar {
    pub id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    pub status: TargetStatus,
    /// In the order in which they came. A recording may lack some: a watch does not see every target at every moment.
    pub phases: Vec<Phase>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
}

/// How long one phase took on the targets that ended it.
#[derive(Clone, Debug, PartialEq)]
pub struct Times {
    pub name: EventName,
    pub targets: usize,
    pub median: Duration,
    pub longest: Duration,
    /// The target that took longest.
    pub slowest: String,
}

impl Timeline {
    /// What the service tells of a deployment and its targets.
    pub fn of_service(id: &str, deployment: DeploymentEvent, targets: &[Target], as_of: Timestamp) -> Self {
        let bars = targets.iter().map(Bar::of_target).collect();
        Timeline { id: id.to_owned(), region: None, deployment, as_of, bars }
    }

    /// What a recorded stream tells, a deployment each; one of which nothing was seen is left out.
    pub fn of_events(events: &[Stamped]) -> Vec<Self> {
        let mut order: Vec<Seen> = Vec::new();
        let mut places: HashMap<&str, usize> = HashMap::new();
        for stamped in events {
            let place = *places.entry(&stamped.deployment).or_insert_with(|| {
                order.push(Seen::default());
                order.len() - 1
            });
            let Some(seen) = order.get_mut(place) else { continue };
            match &stamped.event {
                Event::Deployment(event) => seen.deployment = Some((stamped, event)),
                Event::Target(event) => {
                    let bar = seen.bars.entry(&event.id).or_insert_with(|| Bar::new(event));
                    bar.take(event);
                }
                _ => {}
            }
        }
        let as_of = events.iter().map(|stamped| stamped.ts).max().unwrap_or_default();
        let timeline = |seen: Seen<'_>| {
            let (stamped, deployment) = seen.deployment?;
            Some(Timeline {
                id: stamped.deployment.clone(),
                region: stamped.region.clone(),
                deployment: deployment.clone(),
                as_of,
                bars: seen.bars.into_values().collect(),
            })
        };
        order.into_iter().filter_map(timeline).collect()
    }

    /// From when to when.
    pub fn span(&self) -> (Timestamp, Timestamp) {
        let phases = || self.bars.iter().flat_map(|bar| &bar.phases);
        let told = self.deployment.start_time.or(self.deployment.create_time);
        let first = told.into_iter().chain(phases().filter_map(|phase| phase.start)).min();
        let start = first.unwrap_or(self.as_of);
        let end = self.deployment.complete_time.unwrap_or(self.as_of);
        (start, phases().filter_map(|phase| phase.end).fold(end, Timestamp::max).max(start))
    }

    pub fn duration(&self) -> Duration {
        let (start, end) = self.span();
        clock::between(start, self.deployment.complete_time.unwrap_or(end))
    }

    /// The failures by cause, those that hit most targets first.
    pub fn causes(&self) -> Vec<Cause> {
        let mut causes = Causes::default();
        for bar in self.bars.iter().filter(|bar| bar.status == TargetStatus::Failed) {
            let phase = bar.phases.iter().find(|phase| phase.status == EventStatus::Failed);
            let time = phase.and_then(|phase| phase.end);
            causes.add(&bar.id, phase.map(|phase| &phase.name), bar.failure.as_ref(), time);
        }
        causes.list()
    }

    /// Why it ended as it did, where somebody says it.
    pub fn why(&self) -> Option<String> {
        let failed = self.bars.iter().filter(|bar| bar.status == TargetStatus::Failed).count() as u64;
        let failed = self.deployment.overview.map_or(failed, |counts| counts.fail.max(failed));
        let why = why::of_error(self.deployment.error.as_ref(), &self.causes(), failed);
        (!why.is_empty()).then(|| words::clauses(&why))
    }

    /// The phases in the order of the target that went through most.
    pub fn phases(&self) -> Vec<&EventName> {
        let mut names: Vec<&EventName> = Vec::new();
        let longest = self.bars.iter().max_by_key(|bar| bar.phases.len());
        for bar in longest.into_iter().chain(&self.bars) {
            for phase in &bar.phases {
                if !names.contains(&&phase.name) {
                    names.push(&phase.name);
                }
            }
        }
        names
    }

    /// How long each phase took.
    pub fn times(&self) -> Vec<Times> {
        let of = |name: &EventName| {
            let mut taken: Vec<(Duration, &str)> = self
                .bars
                .iter()
                .filter_map(|bar| {
                    let phase = bar.phases.iter().find(|phase| phase.name == *name)?;
                    Some((clock::between(phase.start?, phase.end?), bar.id.as_str()))
                })
                .collect();
            taken.sort_unstable();
            let (longest, slowest) = *taken.last()?;
            let (median, _) = *taken.get(taken.len() / 2)?;
            let targets = taken.len();
            Some(Times { name: name.clone(), targets, median, longest, slowest: slowest.to_owned() })
        };
        self.phases().into_iter().filter_map(of).collect()
    }

    /// At most `most` targets that a reader looks for first: those that failed, those that go on, the slowest.
    pub fn first_bars(&self, most: usize) -> Vec<&Bar> {
        let mut bars: Vec<&Bar> = self.bars.iter().collect();
        bars.sort_by_cached_key(|bar| {
            let rank = match bar.status {
                TargetStatus::Failed => 0,
                ref status if !status.is_finished() => 1,
                TargetStatus::Succeeded => 2,
                _ => 3,
            };
            (rank, std::cmp::Reverse(bar.taken(self.as_of)), bar.id.clone())
        });
        bars.truncate(most);
        bars
    }

    /// All of it as data; times in seconds.
    pub fn data(&self) -> Value {
        let times: Vec<_> = self
            .times()
            .into_iter()
            .map(|times| {
                json!({
                    "name": times.name.as_str(), "targets": times.targets, "slowest": times.slowest,
                    "medianSeconds": times.median.as_secs_f64(), "longestSeconds": times.longest.as_secs_f64(),
                })
            })
            .collect();
        json!({
            "deploymentId": self.id, "region": self.region, "asOf": format!("{:.3}", self.as_of),
            "deployment": self.deployment, "phases": times, "causes": self.causes(), "targets": self.bars,
        })
    }
}

/// What a stream has told of one deployment.
#[derive(Default)]
struct Seen<'a> {
    deployment: Option<(&'a Stamped, &'a DeploymentEvent)>,
    bars: BTreeMap<&'a str, Bar>,
}

impl Bar {
    fn of_target(target: &Target) -> Self {
        let phases = target.events.iter().map(|event| Phase {
            name: event.name.clone(),
            status: event.status.clone(),
            start: event.start_time,
            end: event.end_time,
        });
        let failed = (target.status == TargetStatus::Failed).then(|| target.failed_event()).flatten();
        Bar {
            id: target.id.clone(),
            label: target.label.clone(),
            status: target.status.clone(),
            phases: phases.collect(),
            failure: failed.and_then(|event| event.diagnostics.as_ref()).map(Failure::of),
        }
    }

    fn new(event: &TargetEvent) -> Self {
        let (id, label) = (event.id.clone(), event.label.clone());
        Bar { id, label, status: event.status.clone(), phases: Vec::new(), failure: None }
    }

    /// Goes on with what a later look has seen.
    fn take(&mut self, event: &TargetEvent) {
        self.status.clone_from(&event.status);
        if event.failure.is_some() {
            self.failure.clone_from(&event.failure);
        }
        if !event.phases.is_empty() {
            self.phases.clone_from(&event.phases);
            return;
        }
        let (Some(name), Some(status)) = (&event.event, &event.event_status) else { return };
        let ended = *status != EventStatus::InProgress;
        if self.phases.last().is_none_or(|last| last.name != *name) {
            // Where the watch saw the next phase begin, the one before has ended.
            if let Some(last) = self.phases.last_mut().filter(|last| last.end.is_none()) {
                last.status = EventStatus::Succeeded;
                last.end = event.since;
            }
            let (name, status) = (name.clone(), status.clone());
            self.phases.push(Phase { name, status, start: event.since, end: None });
        }
        if let Some(last) = self.phases.last_mut() {
            last.status.clone_from(status);
            last.end = event.time.filter(|_| ended);
        }
    }

    /// From the first phase's start to the last one's end.
    pub fn taken(&self, now: Timestamp) -> Option<Duration> {
        let start = self.phases.iter().filter_map(|phase| phase.start).min()?;
        let open = self.phases.iter().any(|phase| phase.start.is_some() && phase.end.is_none());
        let end = self.phases.iter().filter_map(|phase| phase.end).max();
        Some(clock::between(start, if open { now } else { end.unwrap_or(start) }))
    }
}

#[cfg(test)]
mod tests;
