//! Deployments, and how far each is.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Millis, Target};
use crate::model::{ComputePlatform, Creator, DeploymentStatus, EventName, Overview};
use crate::sandbox::rows::{Entity, List, Parts};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorInformation {
    pub code: String,
    pub message: String,
}

#[derive(Debug, Serialize, Deserialize)]
pub struct Deployment {
    pub id: String,
    /// Its place among the region's deployments, which never changes.
    pub number: u64,
    pub application: String,
    pub group: String,
    pub group_id: String,
    pub config: String,
    pub platform: ComputePlatform,
    pub creator: Creator,
    /// The wire RevisionLocation.
    pub revision: Value,
    pub previous_revision: Option<Value>,
    pub description: Option<String>,
    /// Further members of DeploymentInfo that come from the request or the group, in wire form
    /// (`deploymentStyle`, `autoRollbackConfiguration`, `targetInstances`, …).
    pub settings: Map<String, Value>,
    pub ignore_application_stop_failures: bool,
    pub update_outdated_instances_only: bool,
    /// `DISALLOW`, `OVERWRITE` or `RETAIN`.
    pub file_exists_behavior: String,
    pub status: DeploymentStatus,
    pub error: Option<ErrorInformation>,
    pub created: Millis,
    pub started: Option<Millis>,
    pub completed: Option<Millis>,
    /// The overview, kept up to date with `targets`; none until the deployment has started, and on Lambda and ECS
    /// until it has ended.
    pub overview: Option<Overview>,
    /// Somebody asked for a stop: with (`true`), without (`false`) or by the deployment's own rollback settings.
    pub stop_requested: Option<Option<bool>>,
    pub rollback_deployment: Option<String>,
    pub rollback_of: Option<String>,
    pub rollback_message: Option<String>,
    pub progress: Progress,
    /// What the engine needs to go on with it, in a form of its own; null before it starts and once it has ended.
    pub engine: Value,
    /// In the order in which they are deployed to.
    #[serde(skip)]
    pub targets: List<Target>,
}

impl Entity for Deployment {
    fn parts(&mut self) -> Parts<'_> {
        vec![("targets", &mut self.targets)]
    }
}

impl Deployment {
    /// The target with this id, or with this ARN.
    pub fn target(&self, id: &str) -> Option<&Target> {
        self.targets.iter().find(|target| target.id == id || target.arn == id)
    }
}

/// What the engine tells of a deployment beyond its status.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Progress {
    /// What the deployment waits for: what ContinueDeployment may end.
    pub wait: Option<Wait>,
    /// The wait that somebody asked to end last.
    pub continued: Option<Wait>,
    /// `instanceTerminationWaitTimeStarted`. Always false for ECS, and where the blue instances are kept alive.
    pub termination_wait_started: bool,
    /// Executions of hook functions, by lifecycleEventHookExecutionId.
    pub hooks: BTreeMap<String, HookExecution>,
    /// `relatedDeployments.autoUpdateOutdatedInstancesRootDeploymentId`
    pub auto_update_root: Option<String>,
    /// `relatedDeployments.autoUpdateOutdatedInstancesDeploymentIds`
    pub auto_updates: Vec<String>,
}

/// A wait of a deployment, as in `deploymentWaitType`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Wait {
    /// `READY_WAIT`: traffic has not moved, the status is `Ready`.
    Ready,
    /// `TERMINATION_WAIT`: traffic has moved, the old instances or tasks are still there.
    Termination,
}

/// One execution of a hook function.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HookExecution {
    pub event: EventName,
    /// Its answer was taken, or its time is over: no answer is taken any more.
    pub over: bool,
    /// The answer that was taken.
    pub succeeded: Option<bool>,
}
