//! A deployment, as GetDeployment tells it.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Revision, open_enum};

open_enum! {
    /// `DeploymentInfo.status`. `Ready` and `Baking` are not ends.
    DeploymentStatus {
        Created = "Created",
        Queued = "Queued",
        InProgress = "InProgress",
        Baking = "Baking",
        Succeeded = "Succeeded",
        Failed = "Failed",
        Stopped = "Stopped",
        Ready = "Ready",
    }
}

impl DeploymentStatus {
    /// The deployment has ended; an unknown state has not.
    pub fn is_terminal(&self) -> bool {
        matches!(self, DeploymentStatus::Succeeded | DeploymentStatus::Failed | DeploymentStatus::Stopped)
    }
}

open_enum! {
    /// `computePlatform` of an application or a deployment.
    ComputePlatform {
        Server = "Server",
        Lambda = "Lambda",
        Ecs = "ECS",
    }
}

open_enum! {
    /// Who made the deployment, as in `DeploymentInfo.creator`.
    Creator {
        User = "user",
        AutoScaling = "autoscaling",
        Rollback = "codeDeployRollback",
        CodeDeploy = "CodeDeploy",
        AutoUpdate = "CodeDeployAutoUpdate",
        CloudFormation = "CloudFormation",
        CloudFormationRollback = "CloudFormationRollback",
        AutoScalingTermination = "autoscalingTermination",
    }
}

impl Creator {
    /// Auto Scaling made it for one of its own instances.
    pub fn is_auto_scaling(&self) -> bool {
        matches!(self, Creator::AutoScaling | Creator::AutoScalingTermination)
    }

    /// The service that such a deployment is left to: it cannot be stopped, or is not the caller's to stop.
    ///
    /// Source: AWS user guide, "Create an AWS CloudFormation blue/green deployment": the stack's owner acts on the stack.
    pub fn keeper(&self) -> Option<&'static str> {
        match self {
            Creator::AutoScaling | Creator::AutoScalingTermination => Some("Auto Scaling"),
            Creator::CloudFormation | Creator::CloudFormationRollback => Some("CloudFormation"),
            _ => None,
        }
    }

    /// Whether such a deployment can be stopped and is the caller's to stop.
    pub fn lets_stop(&self) -> bool {
        self.keeper().is_none()
    }
}

/// `DeploymentOverview`: how many targets are in which state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Overview {
    pub pending: u64,
    pub in_progress: u64,
    pub succeeded: u64,
    pub failed: u64,
    pub skipped: u64,
    pub ready: u64,
}

impl Overview {
    /// All targets.
    pub fn total(&self) -> u64 {
        [self.pending, self.in_progress, self.succeeded, self.failed, self.skipped, self.ready]
            .into_iter()
            .fold(0, u64::saturating_add)
    }
}

/// `errorInformation`: why the deployment ended badly, in the service's words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErrorInformation {
    pub code: String,
    pub message: String,
}

/// `rollbackInfo`, all members optional as on the wire.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RollbackInfo {
    /// On the deployment that ended: the deployment that rolls it back.
    pub rollback_deployment_id: Option<String>,
    /// On the rollback: the deployment that it rolls back.
    pub triggering_deployment_id: Option<String>,
    pub message: Option<String>,
}

/// `autoRollbackConfiguration`: `events` holds `DEPLOYMENT_FAILURE`, `DEPLOYMENT_STOP_ON_ALARM`,
/// `DEPLOYMENT_STOP_ON_REQUEST`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AutoRollback {
    pub enabled: bool,
    pub events: Vec<String>,
}

/// How traffic moves and where the deployment waits, from `deploymentStyle` and `blueGreenDeploymentConfiguration`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waits {
    /// `BLUE_GREEN`
    pub blue_green: bool,
    /// `WITH_TRAFFIC_CONTROL`
    pub traffic_control: bool,
    /// Seconds that it stays `Ready` before it stops by itself; none where it goes on at once.
    pub ready_s: Option<u64>,
    /// Seconds that the original fleet is kept after the traffic has moved; none where it is kept for good.
    pub termination_s: Option<u64>,
    /// `instanceTerminationWaitTimeStarted`; ECS leaves it false through the whole wait.
    pub termination_started: bool,
}

/// A `DeploymentInfo`. Application and group are absent for CloudFormation's own deployments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deployment {
    pub id: String,
    pub application: Option<String>,
    pub group: Option<String>,
    pub config: Option<String>,
    pub platform: Option<ComputePlatform>,
    pub status: DeploymentStatus,
    pub creator: Option<Creator>,
    pub description: Option<String>,
    pub revision: Option<Revision>,
    pub previous_revision: Option<Revision>,
    pub create_time: Option<Timestamp>,
    pub start_time: Option<Timestamp>,
    pub complete_time: Option<Timestamp>,
    /// Absent until the deployment has started, and while ECS and Lambda deployments run.
    pub overview: Option<Overview>,
    pub error: Option<ErrorInformation>,
    pub rollback: RollbackInfo,
    pub auto_rollback: AutoRollback,
    pub waits: Waits,
    /// `deploymentStatusMessages`
    pub messages: Vec<String>,
}

impl Deployment {
    /// From its start (or, before that, its creation) to its end or to `now`.
    pub fn elapsed(&self, now: Timestamp) -> Option<Duration> {
        let start = self.start_time.or(self.create_time)?;
        let end = self.complete_time.unwrap_or(now);
        Some(Duration::try_from(end.duration_since(start)).unwrap_or(Duration::ZERO))
    }
}
