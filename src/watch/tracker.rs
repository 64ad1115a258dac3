//! A pure fold of what the poller saw into events. Not async, reads no time, does no I/O.

use std::collections::HashMap;
use std::time::Duration;

use jiff::Timestamp;

use super::causes::Causes;
use super::event::{
    ApiEvent, ApiState, Counts, DeploymentEvent, ErrorEvent, Event, Failure, Fleets, HeartbeatEvent, Hosts,
    Left, Phase, Report, TargetEvent,
};
use super::forecast;
use super::outcome::{Ending, Outcome};
use super::point::{Point, Way};
use crate::api::{ApiError, Wait};
use crate::model::{
    ComputePlatform, Creator, Deployment, DeploymentConfig, DeploymentStatus, LifecycleEvent, Overview,
    Serving, Target, TargetKind, TargetStatus,
};

/// Hosts named in a report of each kind.
const NAMED: usize = 20;

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

    /// It goes on, and Auto Scaling did not make it.
    pub fn may_be_stopped(&self) -> bool {
        self.deployment.as_ref().is_some_and(|deployment| {
            !deployment.status.is_terminal()
                && !deployment.creator.as_ref().is_some_and(Creator::is_auto_scaling)
        })
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
        let event = target_event(target);
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

    /// The summary's facts; `rollback` is the tracker of the rollback that was followed.
    pub fn report(&self, outcome: &Outcome, now: Timestamp, rollback: Option<&Tracker>) -> Report {
        let deployment = self.deployment.as_ref();
        let followed = rollback.and_then(|rollback| rollback.deployment.as_ref());
        let causes = self.causes.list();
        let failed = self.counts().map_or(0, |counts| counts.fail);
        Report {
            outcome: outcome.word().to_owned(),
            exit: outcome.exit().code(),
            reason: match outcome {
                Outcome::Unknown(why) => Some(why.clone()),
                Outcome::Refused(error) => Some(error.to_string()),
                _ => None,
            },
            region: None,
            status: deployment.map(|deployment| deployment.status.clone()),
            application: deployment.and_then(|deployment| deployment.application.clone()),
            group: deployment.and_then(|deployment| deployment.group.clone()),
            revision: deployment.and_then(|deployment| deployment.revision.as_ref()).map(ToString::to_string),
            previous_revision: deployment
                .and_then(|deployment| deployment.previous_revision.as_ref())
                .map(ToString::to_string),
            error: deployment.and_then(error_event),
            messages: deployment.map(|deployment| deployment.messages.clone()).unwrap_or_default(),
            duration_s: self.elapsed(now).map(seconds),
            counts: self.counts(),
            hosts: self.hosts(|_| true),
            fleets: self.fleets(),
            serving: rollback
                .and_then(Tracker::serving)
                .or_else(|| self.serving())
                .cloned()
                .unwrap_or_default(),
            failures_not_read: failed.saturating_sub(self.causes.targets()),
            causes,
            rollback: self.rollback().map(|(id, _)| id),
            rollback_status: followed.map(|deployment| deployment.status.clone()),
            rollback_counts: rollback.and_then(Tracker::counts),
            rollback_hosts: rollback.map(|rollback| rollback.hosts(|_| true)).unwrap_or_default(),
            rollback_fleets: rollback.and_then(Tracker::fleets),
            rollback_left: rollback.map(|rollback| self.left_by(rollback)).unwrap_or_default(),
            rollback_causes: rollback.map(|rollback| rollback.causes.list()).unwrap_or_default(),
        }
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

    /// The first hosts by name. What has finished stays as it was seen; of others nobody can say what they are now. The
    /// two fleets of a blue/green deployment finish in their own ways.
    fn hosts(&self, among: impl Fn(&str) -> bool) -> Hosts {
        let named = |status: TargetStatus| {
            let is_it = |one: &&TargetEvent| is_fleet(one) && one.status == status && among(&one.id);
            let mut ids: Vec<_> = self.targets.values().filter(is_it).map(|one| one.id.as_str()).collect();
            if ids.len() > NAMED {
                ids.select_nth_unstable(NAMED);
                ids.truncate(NAMED);
            }
            ids.sort_unstable();
            ids.into_iter().map(str::to_owned).collect()
        };
        Hosts { ok: named(TargetStatus::Succeeded), skip: named(TargetStatus::Skipped) }
    }

    /// Both fleets of a blue/green deployment.
    fn fleets(&self) -> Option<Fleets> {
        let of = |label: &str| {
            let fleet = self.targets.values().filter(|one| one.label.as_deref() == Some(label));
            fleet.map(|one| &one.status).collect::<Counts>()
        };
        let fleets = Fleets { blue: of("Blue"), green: of("Green") };
        (fleets.blue.total() + fleets.green.total() > 0).then_some(fleets)
    }

    /// Who has the traffic, of a deployment to one target.
    fn serving(&self) -> Option<&Serving> {
        self.targets.values().map(|target| &target.serving).find(|serving| **serving != Serving::Unsaid)
    }

    /// How this deployment has left the hosts that `rollback` did not reach.
    fn left_by(&self, rollback: &Tracker) -> Left {
        let unreached = |id: &str| {
            let status = rollback.targets.get(id).map(|target| &target.status);
            matches!(status, Some(TargetStatus::Skipped | TargetStatus::Pending))
        };
        let left = self.targets.values().filter(|one| is_fleet(one) && unreached(&one.id));
        Left { counts: left.map(|one| &one.status).collect(), hosts: self.hosts(unreached) }
    }

    /// Hosts that must stay healthy, once configuration and number of targets are known.
    fn minimum_healthy(&self) -> Option<u64> {
        let deployment = self.deployment.as_ref()?;
        let total = match deployment.waits.blue_green {
            // It is about the replacement alone, and whether the overview counts the original too is not documented.
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

    fn elapsed(&self, now: Timestamp) -> Option<Duration> {
        self.deployment.as_ref()?.elapsed(now)
    }
}

/// A host of the only fleet that there is.
fn is_fleet(target: &TargetEvent) -> bool {
    target.kind == TargetKind::Instance && target.label.is_none()
}

fn error_event(deployment: &Deployment) -> Option<ErrorEvent> {
    let error = deployment.error.as_ref()?;
    Some(ErrorEvent { code: error.code.clone(), message: error.message.clone() })
}

fn target_event(target: &Target) -> TargetEvent {
    let failed = (target.status == TargetStatus::Failed).then(|| target.failed_event()).flatten();
    let name = failed.map(|event| &event.name).or_else(|| target.current_event());
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
mod tests {
    use super::*;
    use crate::api::ErrorKind;
    use crate::model::{
        AutoRollback, Diagnostics, EventName, EventStatus, LifecycleErrorCode, MinimumHealthyHosts,
        RollbackInfo, Serving, Waits,
    };

    fn deployment(status: &str, overview: Option<Overview>) -> Deployment {
        Deployment {
            id: "d-1".into(),
            application: None,
            group: None,
            config: None,
            platform: None,
            status: status.into(),
            creator: None,
            description: None,
            revision: None,
            previous_revision: None,
            create_time: None,
            start_time: None,
            complete_time: None,
            overview,
            error: None,
            rollback: RollbackInfo::default(),
            auto_rollback: AutoRollback::default(),
            waits: Waits::default(),
            messages: Vec::new(),
        }
    }

    fn target(id: &str, status: &str, event_status: &str) -> Target {
        Target {
            id: id.into(),
            kind: TargetKind::Other("EKSTarget".into()),
            status: status.into(),
            label: None,
            last_updated: None,
            events: vec![LifecycleEvent {
                name: EventName::ApplicationStop,
                status: event_status.into(),
                start_time: None,
                end_time: None,
                diagnostics: Some(Diagnostics {
                    error_code: LifecycleErrorCode::ScriptFailed,
                    script_name: "stop.sh".into(),
                    message: "no".into(),
                    log_tail: "tail".into(),
                }),
            }],
            serving: Serving::Unsaid,
        }
    }

    #[test]
    fn only_changes_are_events_and_unknown_states_are_shown_as_they_are() {
        let mut tracker = Tracker::default();
        assert!(tracker.deployment(deployment("Sleeping", None)).is_some());
        assert_eq!(tracker.deployment(deployment("Sleeping", None)), None);
        assert_eq!(tracker.outcome(false), None, "an unknown state is no end");
        let Some(Event::Deployment(event)) = tracker.deployment(deployment("Dreaming", None)) else {
            panic!()
        };
        assert_eq!(event.status.as_str(), "Dreaming");
        let events = tracker.targets(&[target("a", "Waiting", "Napping")]);
        let [Event::Target(event)] = events.as_slice() else { panic!("{events:?}") };
        assert_eq!((event.status.as_str(), event.kind.as_str()), ("Waiting", "EKSTarget"));
        let same = tracker.targets(&[target("a", "Waiting", "Napping")]);
        assert_eq!(same, [Event::Seen { targets: vec!["a".into()] }], "it was looked at, and that is all");
        tracker.targets(&[target("b", "Succeeded", "Succeeded")]);
        assert_eq!(tracker.targets(&[target("b", "Succeeded", "Succeeded")]), []);
    }

    #[test]
    fn a_failure_counts_once_and_only_where_the_target_failed() {
        let mut tracker = Tracker::default();
        tracker.targets(&[target("a", "Failed", "Failed")]);
        tracker.targets(&[target("a", "Failed", "Failed"), target("b", "Succeeded", "Failed")]);
        let overview = Overview { succeeded: 1, failed: 3, ..Overview::default() };
        tracker.deployment(deployment("Succeeded", Some(overview)));
        let outcome = tracker.outcome(false).unwrap();
        assert_eq!(outcome, Outcome::SucceededInPart { failed: 3, refused: false });
        let report = tracker.report(&outcome, Timestamp::UNIX_EPOCH, None);
        assert_eq!(report.causes.len(), 1);
        assert_eq!(report.causes[0].targets, ["a"]);
        assert_eq!(report.failures_not_read, 2);
    }

    #[test]
    fn a_report_names_the_first_hosts_that_have_finished() {
        let mut tracker = Tracker::default();
        let host =
            |id: String, status: &str| Target { kind: TargetKind::Instance, ..target(&id, status, status) };
        let mut targets: Vec<_> = (0..50).rev().map(|n| host(format!("i-{n:02}"), "Succeeded")).collect();
        targets
            .extend(["Skipped", "Failed", "Pending", "Dreaming"].map(|status| host(status.into(), status)));
        targets.push(Target { label: Some("Blue".into()), ..host("blue".into(), "Skipped") });
        targets.push(target("function", "Succeeded", "Succeeded"));
        tracker.targets(&targets);
        let report = tracker.report(&Outcome::Succeeded, Timestamp::UNIX_EPOCH, None);
        assert_eq!(report.hosts.ok, (0..20).map(|n| format!("i-{n:02}")).collect::<Vec<_>>());
        assert_eq!(report.hosts.skip, ["Skipped"], "what has not finished may be anything now");
        let rollback = tracker.report(&Outcome::Succeeded, Timestamp::UNIX_EPOCH, Some(&tracker));
        assert_eq!(rollback.rollback_hosts, report.hosts);
    }

    #[test]
    fn trouble_is_told_when_it_changes() {
        let mut tracker = Tracker::default();
        let error = |kind| ApiError {
            operation: "GetDeployment".into(),
            kind,
            code: None,
            message: "no".into(),
            request_id: None,
        };
        let second = Duration::from_secs(1);
        assert_eq!(tracker.recovered(), None);
        assert!(tracker.failing(&error(ErrorKind::Throttled), second).is_some());
        assert_eq!(tracker.failing(&error(ErrorKind::Throttled), second), None);
        assert!(tracker.failing(&error(ErrorKind::Transient), second).is_some());
        assert!(tracker.recovered().is_some());
        assert_eq!(tracker.recovered(), None);
    }

    #[test]
    fn the_minimum_of_healthy_hosts_follows_from_configuration_and_total() {
        let mut tracker = Tracker::default();
        let config = DeploymentConfig {
            name: "c".into(),
            minimum_healthy_hosts: Some(MinimumHealthyHosts::Percent(50)),
            routing: None,
            zonal: None,
        };
        assert_eq!(tracker.config(config), None, "not without a total");
        let overview = Overview { pending: 9, ..Overview::default() };
        let Some(Event::Deployment(event)) = tracker.deployment(deployment("InProgress", Some(overview)))
        else {
            panic!()
        };
        assert_eq!(event.minimum_healthy, Some(5));
    }

    #[test]
    fn an_event_in_progress_has_its_own_times() {
        let mut working = target("a", "InProgress", "InProgress");
        working.events[0].start_time = Timestamp::from_second(5).ok();
        assert_eq!(target_event(&working).since, Timestamp::from_second(5).ok());
        assert_eq!(target_event(&working).failure, None, "diagnostics of what has not failed are no failure");
        assert_eq!(target_event(&working).event_status, Some(EventStatus::InProgress));
    }
}
