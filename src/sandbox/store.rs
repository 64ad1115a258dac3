//! What the sandbox knows: applications, groups, configurations, revisions, deployments. Plain data in wire words.
//!
//! Times are whole milliseconds since the epoch. What the engine reads is typed; what it only gives back
//! is kept as the wire's JSON, so that reading back needs no mirror of the API's shapes.

use std::collections::BTreeMap;

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
    /// What is known of the hosts that were deployed to: by group id, then by instance.
    #[serde(default)]
    pub hosts: BTreeMap<String, BTreeMap<String, HostState>>,
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
    /// The overview, kept up to date with `targets`; none until the deployment has started.
    pub overview: Option<Overview>,
    /// Somebody asked for a stop: with (`true`), without (`false`) or by the deployment's own rollback settings.
    pub stop_requested: Option<Option<bool>>,
    pub rollback_deployment: Option<String>,
    pub rollback_of: Option<String>,
    pub rollback_message: Option<String>,
    /// In the order in which they are deployed to.
    pub targets: Vec<Target>,
}

impl Deployment {
    /// The target with this id, or with this ARN.
    pub fn target(&self, id: &str) -> Option<&Target> {
        self.targets.iter().find(|target| target.id == id || target.arn == id)
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Target {
    pub id: String,
    pub arn: String,
    pub status: TargetStatus,
    pub last_updated: Option<Millis>,
    pub events: Vec<Event>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Event {
    pub name: EventName,
    pub status: EventStatus,
    pub start: Option<Millis>,
    pub end: Option<Millis>,
    pub diagnostics: Option<Diagnostics>,
}
