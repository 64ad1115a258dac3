//! The targets of a deployment: instances, and whatever else the service deploys to.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{EventName, EventStatus, LifecycleEvent, open_enum};

open_enum! {
    /// The state of a deployment target.
    TargetStatus {
        Pending = "Pending",
        InProgress = "InProgress",
        Ready = "Ready",
        Succeeded = "Succeeded",
        Failed = "Failed",
        Skipped = "Skipped",
        Unknown = "Unknown",
    }
}

impl TargetStatus {
    /// Nothing more will happen on this target in this deployment.
    pub fn is_finished(&self) -> bool {
        matches!(self, TargetStatus::Succeeded | TargetStatus::Failed | TargetStatus::Skipped)
    }
}

open_enum! {
    /// `DeploymentTarget.deploymentTargetType`.
    TargetKind {
        Instance = "InstanceTarget",
        Lambda = "LambdaTarget",
        Ecs = "ECSTarget",
        CloudFormation = "CloudFormationTarget",
    }
}

/// A task set of an ECS service.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TaskSet {
    /// `Blue` or `Green`; absent in old answers.
    pub label: Option<String>,
    /// `PRIMARY`, `ACTIVE` or `DRAINING`.
    pub status: Option<String>,
    pub desired: i64,
    pub running: i64,
    pub pending: i64,
    /// Percent of the production traffic.
    pub weight: Option<f64>,
    /// The name of its target group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_group: Option<String>,
}

/// The task sets of a deployment with the labels that an old answer leaves out, as far as their states tell: before the
/// traffic moves the primary one is the original, after it the replacement. While it moves, a primary one with all of
/// the traffic may be either, and is what the set of its target group was in the answer `before`. `shift` is the state
/// of AllowTraffic. None of this holds of a rollback.
///
/// Source: API reference of ECSTaskSet (`PRIMARY` serves the production traffic).
pub fn labelled(mut sets: Vec<TaskSet>, shift: Option<&EventStatus>, before: &[TaskSet]) -> Vec<TaskSet> {
    let only = |status: &str| {
        let is = |set: &TaskSet| set.status.as_deref() == Some(status);
        let mut those = sets.iter().enumerate().filter(|(_, set)| is(set)).map(|(at, _)| at);
        those.next().filter(|_| those.next().is_none())
    };
    let Some(primary) = only("PRIMARY").filter(|_| sets.iter().all(|set| set.label.is_none())) else {
        return sets;
    };
    let shares = sets.get(primary).and_then(|set| set.weight).is_some_and(|weight| weight < 100.0);
    let moved = match shift {
        Some(EventStatus::Succeeded) => true,
        None | Some(EventStatus::Pending | EventStatus::Skipped) => false,
        Some(_) if shares => false,
        Some(_) => {
            for set in sets.iter_mut().filter(|set| set.target_group.is_some()) {
                let same = before.iter().find(|other| other.target_group == set.target_group);
                set.label = same.and_then(|other| other.label.clone());
            }
            return sets;
        }
    };
    // What drains before the traffic has moved is what an earlier deployment left.
    let other = only("ACTIVE").or_else(|| only("DRAINING").filter(|_| moved));
    let (first, second) = if moved { ("Green", "Blue") } else { ("Blue", "Green") };
    for (at, label) in [(Some(primary), first), (other, second)] {
        if let Some(set) = at.and_then(|at| sets.get_mut(at)) {
            set.label = Some(label.to_owned());
        }
    }
    sets
}

/// What only one kind of target has: what it is and how much of the traffic it serves.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Serving {
    #[default]
    Unsaid,
    Lambda {
        function: String,
        alias: String,
        current: String,
        target: String,
        /// Of the target version, 0 to 1, as far as the service tells it.
        weight: Option<f64>,
    },
    Ecs {
        task_sets: Vec<TaskSet>,
    },
    CloudFormation {
        resource_type: String,
        /// As it came.
        weight: Option<f64>,
    },
}

/// One target with its lifecycle events in order.
#[derive(Clone, Debug, PartialEq)]
pub struct Target {
    /// The target id, as ListDeploymentTargets gives it.
    pub id: String,
    pub kind: TargetKind,
    pub status: TargetStatus,
    /// `Blue` or `Green`, in blue/green deployments only.
    pub label: Option<String>,
    pub last_updated: Option<Timestamp>,
    pub events: Vec<LifecycleEvent>,
    pub serving: Serving,
}

impl Target {
    /// The event that failed, with what the host said of it: the last one, since a failure before it was passed over.
    pub fn failed_event(&self) -> Option<&LifecycleEvent> {
        self.events.iter().rfind(|event| event.status == EventStatus::Failed)
    }

    /// The event that the target is at: in progress, failed, or the last one that it went through; none where it was
    /// never begun.
    pub fn current_event(&self) -> Option<&EventName> {
        self.events
            .iter()
            .find(|event| event.status == EventStatus::InProgress)
            // With --ignore-application-stop-failures a failure is not the last of it.
            .or_else(|| {
                let ended = |event: &&LifecycleEvent| {
                    matches!(event.status, EventStatus::Succeeded | EventStatus::Failed)
                };
                self.events.iter().rfind(ended)
            })
            .map(|event| &event.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(statuses: &[EventStatus]) -> Target {
        let end_time = Some(Timestamp::UNIX_EPOCH);
        let events = EventName::IN_PLACE.iter().zip(statuses).map(|(name, status)| LifecycleEvent {
            name: name.clone(),
            status: status.clone(),
            start_time: None,
            end_time,
            diagnostics: None,
        });
        Target {
            id: "i-1".into(),
            kind: TargetKind::Instance,
            status: TargetStatus::Failed,
            label: None,
            last_updated: None,
            events: events.collect(),
            serving: Serving::default(),
        }
    }

    #[test]
    fn task_sets_without_labels_are_told_by_their_states() {
        use EventStatus::{Failed, InProgress, Pending, Succeeded};
        let set = |status: &str, weight| TaskSet {
            label: None,
            status: Some(status.into()),
            desired: 2,
            running: 2,
            pending: 0,
            weight: Some(weight),
            target_group: None,
        };
        let labels = |sets: &[(&str, f64)], shift: Option<EventStatus>| {
            let sets = sets.iter().map(|(status, weight)| set(status, *weight)).collect();
            let told =
                labelled(sets, shift.as_ref(), &[]).into_iter().map(|set| set.label.unwrap_or_default());
            told.collect::<Vec<_>>().join(" ")
        };
        assert_eq!(labels(&[("PRIMARY", 100.0)], None), "Blue");
        let (before, after) = ([("PRIMARY", 100.0), ("ACTIVE", 0.0)], [("ACTIVE", 0.0), ("PRIMARY", 100.0)]);
        assert_eq!(labels(&before, Some(Pending)), "Blue Green");
        assert_eq!(labels(&[("ACTIVE", 40.0), ("PRIMARY", 60.0)], Some(InProgress)), "Green Blue");
        assert_eq!(labels(&[("PRIMARY", 0.0), ("ACTIVE", 100.0)], Some(InProgress)), "Blue Green");
        assert_eq!(labels(&before, Some(InProgress)).trim(), "", "before the first step, or after the last");
        assert_eq!(labels(&after, Some(Succeeded)), "Blue Green");
        assert_eq!(labels(&[("DRAINING", 0.0), ("PRIMARY", 100.0)], Some(Succeeded)), "Blue Green");
        assert_eq!(labels(&[("DRAINING", 0.0), ("PRIMARY", 100.0)], Some(Pending)), " Blue");
        assert_eq!(labels(&after, Some(Failed)).trim(), "");
        // What is said stands.
        let said = vec![TaskSet { label: Some("Green".into()), ..set("PRIMARY", 100.0) }, set("ACTIVE", 0.0)];
        assert_eq!(labelled(said.clone(), None, &[]), said);
        // And what was known of a target group.
        let behind = |group: &str, set: TaskSet| TaskSet { target_group: Some(group.into()), ..set };
        let sets = |first: &str, second: &str| {
            vec![behind("tg-1", set(first, 0.0)), behind("tg-2", set(second, 100.0))]
        };
        let shifting = labelled(sets("PRIMARY", "ACTIVE"), Some(&InProgress), &[]);
        let after = labelled(sets("ACTIVE", "PRIMARY"), Some(&InProgress), &shifting);
        assert_eq!(
            after.iter().map(|set| set.label.as_deref()).collect::<Vec<_>>(),
            [Some("Blue"), Some("Green")]
        );
    }

    #[test]
    fn what_was_skipped_is_not_where_a_target_is() {
        use EventStatus::{Failed, Skipped, Succeeded};
        let stopped = target(&[Succeeded, Skipped, Skipped]);
        assert_eq!(stopped.current_event(), Some(&EventName::ApplicationStop));
        assert_eq!(target(&[Skipped, Skipped]).current_event(), None);
        assert_eq!(target(&[Succeeded, Failed, Skipped]).current_event(), Some(&EventName::DownloadBundle));
        let passed_over = target(&[Failed, Succeeded, Succeeded, EventStatus::InProgress]);
        assert_eq!(passed_over.current_event(), Some(&EventName::Install));
        assert_eq!(target(&[Failed, Succeeded]).current_event(), Some(&EventName::DownloadBundle));
        let twice = target(&[Failed, Succeeded, Failed, Skipped]);
        assert_eq!(twice.failed_event().map(|event| &event.name), Some(&EventName::BeforeInstall));
    }
}
