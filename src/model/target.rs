//! The targets of a deployment: instances, and whatever else the service deploys to.

use jiff::Timestamp;

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

/// One target with its lifecycle events in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// The target id, as ListDeploymentTargets gives it.
    pub id: String,
    pub kind: TargetKind,
    pub status: TargetStatus,
    /// `Blue` or `Green`, in blue/green deployments only.
    pub label: Option<String>,
    pub last_updated: Option<Timestamp>,
    pub events: Vec<LifecycleEvent>,
}

impl Target {
    /// The event that failed first, with what the host said of it.
    pub fn failed_event(&self) -> Option<&LifecycleEvent> {
        self.events.iter().find(|event| event.status == EventStatus::Failed)
    }

    /// The event that the target is at: in progress, failed, or the last one that ended.
    pub fn current_event(&self) -> Option<&EventName> {
        self.events
            .iter()
            .find(|event| matches!(event.status, EventStatus::InProgress | EventStatus::Failed))
            .or_else(|| self.events.iter().rev().find(|event| event.end_time.is_some()))
            .map(|event| &event.name)
    }
}
