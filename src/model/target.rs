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
