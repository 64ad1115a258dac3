//! What the sandbox knows: applications, groups, configurations, revisions, deployments. Plain data in wire words.
//!
//! Times are whole milliseconds since the epoch. What the engine reads is typed; what it only gives back
//! is kept as the wire's JSON, so that reading back needs no mirror of the API's shapes.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::model::{
    ComputePlatform, Creator, DeploymentStatus, Diagnostics, EventName, EventStatus, Overview, TargetStatus,
};

/// Milliseconds since the epoch.
pub type Millis = i64;

/// The sandbox's one account.
pub const ACCOUNT: &str = "123456789012";

/// Everything, a region apart.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct World {
    pub regions: BTreeMap<String, Region>,
    /// The GitHub accounts whose tokens every region starts with.
    #[serde(default)]
    pub git_hub_accounts: BTreeSet<String>,
}

/// The state of one region.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Region {
    pub applications: BTreeMap<String, Application>,
    /// Custom configurations; the built-in ones are not stored.
    pub configs: BTreeMap<String, Config>,
    pub deployments: BTreeMap<String, Deployment>,
    /// Deployment ids, oldest first.
    pub history: Vec<String>,
    /// The names of the GitHub accounts that are connected.
    #[serde(default)]
    pub git_hub_tokens: BTreeSet<String>,
    /// What is known of the hosts that were deployed to: by group id, then by instance.
    #[serde(default)]
    pub hosts: BTreeMap<String, BTreeMap<String, HostState>>,
    /// On-premises instances that were registered, by name; the deregistered ones stay.
    #[serde(default)]
    pub on_premises: BTreeMap<String, OnPremises>,
    /// What deployments made of the fleet file's Lambda functions, by name.
    #[serde(default)]
    pub functions: BTreeMap<String, Function>,
    /// What deployments made of the fleet file's ECS services, by `cluster:service`.
    #[serde(default)]
    pub services: BTreeMap<String, Service>,
}

/// An on-premises instance that was registered. One that the fleet file does not declare is simulated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OnPremises {
    pub name: String,
    pub arn: String,
    pub iam_user_arn: Option<String>,
    pub iam_session_arn: Option<String>,
    pub tags: BTreeMap<String, String>,
    pub registered: Millis,
    pub deregistered: Option<Millis>,
}

/// A Lambda function: its aliases by name.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Function {
    pub aliases: BTreeMap<String, Alias>,
}

/// Where an alias sends its traffic.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Alias {
    pub version: String,
    /// A second version with its share of the traffic, above 0 and below 1.
    pub additional: Option<(String, f64)>,
}

/// An ECS service: its task sets, the one that serves first.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Service {
    pub task_sets: Vec<TaskSet>,
}

/// What earlier deployments of a group left on a host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostState {
    /// The host's last deployment went well.
    pub healthy: bool,
    /// The deployment whose revision the host has; none where that is unknown.
    pub deployment: Option<String>,
}

#[derive(Debug, Serialize, Deserialize)]
pub struct Application {
    pub id: String,
    pub name: String,
    pub platform: ComputePlatform,
    pub created: Millis,
    pub groups: BTreeMap<String, Group>,
    pub revisions: Vec<Registered>,
    pub tags: BTreeMap<String, String>,
}

#[derive(Debug, Serialize, Deserialize)]
pub struct Group {
    pub id: String,
    pub name: String,
    /// The members of DeploymentGroupInfo that the user set or that have a default, in wire form
    /// (`deploymentConfigName`, `ec2TagFilters`, `serviceRoleArn`, …).
    pub settings: Map<String, Value>,
    pub tags: BTreeMap<String, String>,
    /// The wire RevisionLocation that the group aims at: that of its last successful deployment.
    pub target_revision: Option<Value>,
    pub last_successful: Option<String>,
    pub last_attempted: Option<String>,
    /// The deployment that runs now, if any.
    pub active: Option<String>,
}

#[derive(Debug, Serialize, Deserialize)]
pub struct Config {
    pub id: String,
    pub created: Millis,
    /// DeploymentConfigInfo in wire form, without id and time.
    pub settings: Map<String, Value>,
}

/// A registered revision.
#[derive(Debug, Serialize, Deserialize)]
pub struct Registered {
    /// The wire RevisionLocation.
    pub revision: Value,
    pub description: Option<String>,
    pub registered: Millis,
    pub first_used: Option<Millis>,
    pub last_used: Option<Millis>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorInformation {
    pub code: String,
    pub message: String,
}

#[derive(Debug, Serialize, Deserialize)]
pub struct Deployment {
    pub id: String,
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
    #[serde(default)]
    pub progress: Progress,
    /// In the order in which they are deployed to.
    pub targets: Vec<Target>,
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
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Target {
    pub id: String,
    pub arn: String,
    pub kind: TargetKind,
    pub status: TargetStatus,
    pub last_updated: Option<Millis>,
    pub events: Vec<Event>,
}

/// What a target is, with what only that kind shows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum TargetKind {
    /// `InstanceTarget`; the label in blue/green deployments only.
    Instance(Option<Label>),
    /// `LambdaTarget`
    Lambda(LambdaFunction),
    /// `ECSTarget`: `taskSetsInfo`.
    Ecs(Vec<TaskSet>),
}

/// `Blue` or `Green`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Label {
    Blue,
    Green,
}

impl Label {
    /// The label as it is on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Label::Blue => "Blue",
            Label::Green => "Green",
        }
    }
}

/// `lambdaFunctionInfo`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LambdaFunction {
    pub name: String,
    pub alias: String,
    pub current_version: String,
    pub target_version: String,
    /// The share of the traffic that goes to the target version: 0.0 to 1.0.
    pub target_version_weight: f64,
}

/// An entry of `taskSetsInfo`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TaskSet {
    /// `identifer` on the wire (the service misspells it): `ecs-svc/` and digits.
    pub id: String,
    pub desired: i64,
    pub pending: i64,
    pub running: i64,
    /// `PRIMARY`, `ACTIVE` or `DRAINING`.
    pub status: String,
    /// 0.0 to 100.0
    pub traffic_weight: f64,
    /// The name of its target group.
    pub target_group: Option<String>,
    pub label: Option<Label>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Event {
    pub name: EventName,
    pub status: EventStatus,
    pub start: Option<Millis>,
    pub end: Option<Millis>,
    pub diagnostics: Option<Diagnostics>,
}
