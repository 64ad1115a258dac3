//! A pure fold of what the poller saw into events. Not async, reads no time, does no I/O.

mod report;

use std::collections::HashMap;
use std::time::Duration;

use jiff::Timestamp;

use super::causes::Causes;
use super::event::{
    ApiEvent, ApiState, Counts, DeploymentEvent, ErrorEvent, Event, Failure, HeartbeatEvent, Phase,
    TargetEvent,
};
use super::forecast;
use super::outcome::{Ending, Outcome};
use super::point::{Point, Way};
use crate::api::{ApiError, Wait};
use crate::model::{
    ComputePlatform, Creator, Deployment, DeploymentConfig, DeploymentStatus, EventName, LifecycleEvent,
    Overview, Serving, Target, TargetKind, TargetStatus, labelled,
};

/// What is known of one deployment.
#[derive(Debug, Default)]
pub struct Tracker {
    deployment: Option<Deployment>,
    config: Option<DeploymentConfig>,
    /// The last event of each target, without its texts.
    targets: HashMap<String, TargetEvent>,
    causes: Causes,
    api: Option<ApiState>,
    until: Option<Point>,
    way: Way,
}

impl Tracker {
    /// One that tells when `point` is reached.
    pub fn until(point: Option<Point>) -> Self {
        Tracker { until: point, ..Tracker::default() }
    }

    /// The point is reached while the deployment goes on.
    pub fn reached(&self) -> bool {
        match (&self.until, &self.deployment) {
            (Some(point), Some(deployment)) => self.way.reached(point, deployment),
            _ => false,
        }
    }

    /// The deployment goes on only if somebody says so.
    pub fn waits_for_action(&self) -> bool {
        self.deployment.as_ref().is_some_and(|deployment| deployment.status == DeploymentStatus::Ready)
    }

    /// The wait that it is in. That of ECS before the end of the original shows in nothing but its target.
    pub fn wait(&self) -> Option<Wait> {
        let deployment = self.deployment.as_ref()?;
        let moved = deployment.platform == Some(ComputePlatform::Ecs)
            && !self.targets.is_empty()
            && self.targets.values().all(|target| target.status == TargetStatus::Succeeded);
        match deployment.status {
            DeploymentStatus::Ready => Some(Wait::Ready),
            DeploymentStatus::InProgress if deployment.waits.termination_started || moved => {
                Some(Wait::Termination)
            }
            _ => None,
        }
    }

    /// The service has told something of it.
    pub fn is_known(&self) -> bool {
        self.deployment.is_some()
    }

    /// It is over, whatever is still read of it.
    pub fn has_ended(&self) -> bool {
        self.deployment.as_ref().is_some_and(|deployment| deployment.status.is_terminal())
    }

    /// The service that made it, and that it is left to.
    pub fn keeper(&self) -> Option<&'static str> {
        self.deployment.as_ref()?.creator.as_ref()?.keeper()
    }

    /// It rolls another one back. A rollback that is stopped is not rolled back itself, and leaves its hosts half way.
    pub fn is_rollback(&self) -> bool {
        self.deployment.as_ref().is_some_and(|deployment| deployment.creator == Some(Creator::Rollback))
    }

    /// When the service itself must have ended it.
    pub fn longest(&self) -> Option<Duration> {
        self.deployment
            .as_ref()
            .filter(|deployment| !deployment.status.is_terminal())
            .and_then(forecast::longest)
    }

    /// Targets known to have failed.
    pub fn failed(&self) -> u64 {
        self.counts().map_or(0, |counts| counts.fail).max(self.causes.targets())
    }

    /// What GetDeployment says now.
    pub fn deployment(&mut self, now: Deployment) -> Option<Event> {
        let changed = self.deployment.as_ref() != Some(&now);
        self.deployment = Some(now);
        changed.then(|| self.deployment_event()).flatten()
    }

    /// What the deployment's configuration says.
    pub fn config(&mut self, config: DeploymentConfig) -> Option<Event> {
        let tells = config.routing.is_some() || config.zonal.is_some();
        self.config = Some(config);
        if !tells {
            self.minimum_healthy()?;
        }
        self.deployment_event()
    }

    /// What BatchGetDeploymentTargets says of some targets.
    pub fn targets(&mut self, targets: &[Target]) -> Vec<Event> {
        let mut events = Vec::new();
        let mut same = Vec::new();
        for target in targets {
            match self.target(target) {
                Some(event) => events.push(event),
                None if !target.status.is_finished() => same.push(target.id.clone()),
                None => {}
            }
        }
        events.extend((!same.is_empty()).then_some(Event::Seen { targets: same }));
        events
    }

    fn target(&mut self, target: &Target) -> Option<Event> {
        if let Some(point) = &self.until {
            self.way.target(point, target);
        }
        let event = TargetEvent { serving: self.serving_of(target), ..target_event(target) };
        // Thousands of hosts are kept here.
        let phases = event.own_phases().to_vec();
        let bare = TargetEvent { failure: None, phases, ..event.clone() };
        let before = self.targets.insert(event.id.clone(), bare.clone());
        if before.as_ref() == Some(&bare) {
            return None;
        }
        let failed = |status: &TargetStatus| *status == TargetStatus::Failed;
        if failed(&event.status) && !before.is_some_and(|before| failed(&before.status)) {
            let name = target.failed_event().map(|event| &event.name);
            self.causes.add(&event.id, name, event.failure.as_ref(), event.time);
        }
        Some(Event::Target(Box::new(event)))
    }

    /// A call failed and is tried again, unless `retry_in` is zero; an event where that is news.
    pub fn failing(&mut self, error: &ApiError, retry_in: Duration) -> Option<Event> {
        let state = ApiState::of(error.kind);
        if self.api.replace(state) == Some(state) {
            return None;
        }
        let retry_s = (!retry_in.is_zero()).then(|| seconds(retry_in));
        Some(Event::Api(ApiEvent { state, error: Some(error.to_string()), retry_s }))
    }

    /// All calls work; an event where that is news.
    pub fn recovered(&mut self) -> Option<Event> {
        self.api.take().map(|_| Event::Api(ApiEvent { state: ApiState::Ok, error: None, retry_s: None }))
    }

    /// A sign of life.
    pub fn heartbeat(&self, now: Timestamp, answer_age: Option<Duration>, poll: Duration) -> Event {
        Event::Heartbeat(HeartbeatEvent {
            status: self.deployment.as_ref().map(|deployment| deployment.status.clone()),
            overview: self.counts(),
            elapsed_s: self.elapsed(now).unwrap_or_default().as_secs(),
            last_poll_ok: self.api.is_none(),
            answer_age_s: answer_age.map(|age| age.as_secs()),
            poll_s: seconds(poll),
        })
    }

    /// The outcome once the deployment has ended, the rollback aside; `require_all` refuses a success with
    /// failed targets.
    pub fn outcome(&self, require_all: bool) -> Option<Outcome> {
        let deployment = self.deployment.as_ref()?;
        if let Some(how) = Ending::of(deployment) {
            return Some(Outcome::Ended { how, rollback: None });
        }
        if deployment.status != DeploymentStatus::Succeeded {
            return None;
        }
        let failed = deployment.overview.map_or(0, |overview| overview.failed).max(self.causes.targets());
        Some(match failed {
            0 => Outcome::Succeeded,
            failed => Outcome::SucceededInPart { failed, refused: require_all },
        })
    }

    /// The rollback that the service made for this deployment.
    pub fn rollback(&self) -> Option<(String, Option<String>)> {
        let info = &self.deployment.as_ref()?.rollback;
        Some((info.rollback_deployment_id.clone()?, info.message.clone()))
    }

    fn deployment_event(&self) -> Option<Event> {
        self.told().map(|told| Event::Deployment(Box::new(told)))
    }

    /// All that is known of the deployment itself.
    pub fn told(&self) -> Option<DeploymentEvent> {
        let deployment = self.deployment.as_ref()?;
        Some(DeploymentEvent {
            status: deployment.status.clone(),
            overview: self.counts(),
            application: deployment.application.clone(),
            group: deployment.group.clone(),
            config: deployment.config.clone(),
            minimum_healthy: self.minimum_healthy(),
            platform: deployment.platform.clone(),
            waits: deployment.waits,
            routing: self.config.as_ref().and_then(|config| config.routing),
            // A rollback goes to hosts in no order of theirs.
            zonal: self.config.as_ref().and_then(|config| config.zonal).filter(|_| !self.is_rollback()),
            creator: deployment.creator.clone(),
            rolls_back: deployment.rollback.triggering_deployment_id.clone(),
            revision: deployment.revision.as_ref().map(ToString::to_string),
            previous_revision: deployment.previous_revision.as_ref().map(ToString::to_string),
            create_time: deployment.create_time,
            start_time: deployment.start_time,
            complete_time: deployment.complete_time,
            error: error_event(deployment),
            messages: deployment.messages.clone(),
        })
    }

    /// How many targets there are in which state, as the deployment says.
    pub fn counts(&self) -> Option<Counts> {
        self.deployment.as_ref()?.overview.map(Counts::from)
    }

    /// Hosts that must stay healthy, once configuration and number of targets are known.
    fn minimum_healthy(&self) -> Option<u64> {
        let deployment = self.deployment.as_ref()?;
        let total = match deployment.waits.blue_green {
            // It is about the replacement alone, and whether the overview counts the original too is not documented.
            true if (self.targets.len() as u64) < deployment.overview.as_ref().map_or(0, Overview::total) => {
                0
            }
            true => {
                self.targets.values().filter(|event| event.label.as_deref() == Some("Green")).count() as u64
            }
            false => deployment.overview.as_ref().map_or(0, Overview::total),
        };
        if total == 0 {
            return None;
        }
        let minimum = self.config.as_ref()?.minimum_healthy_hosts?;
        Some(u64::from(minimum.required(u32::try_from(total).ok()?)))
    }

    /// What a target serves, with the labels of task sets that have none.
    fn serving_of(&self, target: &Target) -> Serving {
        let Serving::Ecs { task_sets } = &target.serving else { return target.serving.clone() };
        if self.is_rollback() {
            return target.serving.clone();
        }
        let shift = target.events.iter().find(|event| event.name == EventName::AllowTraffic);
        let before = match self.targets.get(&target.id).map(|event| &event.serving) {
            Some(Serving::Ecs { task_sets }) => task_sets.as_slice(),
            _ => &[],
        };
        let task_sets = labelled(task_sets.clone(), shift.map(|event| &event.status), before);
        Serving::Ecs { task_sets }
    }

    fn elapsed(&self, now: Timestamp) -> Option<Duration> {
        self.deployment.as_ref()?.elapsed(now)
    }
}

fn error_event(deployment: &Deployment) -> Option<ErrorEvent> {
    let error = deployment.error.as_ref()?;
    Some(ErrorEvent { code: error.code.clone(), message: error.message.clone() })
}

fn target_event(target: &Target) -> TargetEvent {
    let failed = (target.status == TargetStatus::Failed).then(|| target.failed_event()).flatten();
    // One that was stopped between two events has failed in neither.
    let current = || target.current_event().filter(|_| target.status != TargetStatus::Failed);
    let name = failed.map(|event| &event.name).or_else(current);
    let event = name.and_then(|name| target.events.iter().find(|event| event.name == *name));
    TargetEvent {
        id: target.id.clone(),
        kind: target.kind.clone(),
        label: target.label.clone(),
        status: target.status.clone(),
        event: name.cloned(),
        event_status: event.map(|event| event.status.clone()),
        since: event.and_then(|event| event.start_time),
        began: target.events.iter().filter_map(|event| event.start_time).min(),
        time: event.and_then(|event| event.end_time.or(event.start_time)).or(target.last_updated),
        phases: match target.kind {
            TargetKind::Instance if !target.status.is_finished() => Vec::new(),
            _ => target.events.iter().map(phase).collect(),
        },
        serving: target.serving.clone(),
        failure: failed.and_then(|event| event.diagnostics.as_ref()).map(Failure::of),
    }
}

fn phase(event: &LifecycleEvent) -> Phase {
    Phase {
        name: event.name.clone(),
        status: event.status.clone(),
        start: event.start_time,
        end: event.end_time,
    }
}

/// Seconds, to the millisecond.
fn seconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1000.0).round() / 1000.0
}

#[cfg(test)]
mod tests;
