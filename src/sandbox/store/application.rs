//! Applications with their groups and revisions, and deployment configurations.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::Millis;
use crate::model::ComputePlatform;
use crate::sandbox::rows::{Entity, List, Parts, Table};

/// What earlier deployments of a group left on a host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostState {
    /// The host's last deployment went well.
    pub healthy: bool,
    /// The deployment whose revision the host has; none where that is unknown.
    pub deployment: Option<String>,
}

impl Entity for HostState {}

#[derive(Debug, Serialize, Deserialize)]
pub struct Application {
    pub id: String,
    pub name: String,
    pub platform: ComputePlatform,
    pub created: Millis,
    #[serde(skip)]
    pub groups: Table<Group>,
    #[serde(skip)]
    pub revisions: List<Registered>,
    pub tags: BTreeMap<String, String>,
}

impl Entity for Application {
    fn parts(&mut self) -> Parts<'_> {
        vec![("groups", &mut self.groups), ("revisions", &mut self.revisions)]
    }
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
    /// What is known of the hosts that were deployed to, by instance.
    #[serde(skip)]
    pub hosts: Table<HostState>,
}

impl Entity for Group {
    fn parts(&mut self) -> Parts<'_> {
        vec![("hosts", &mut self.hosts)]
    }
}

#[derive(Debug, Serialize, Deserialize)]
pub struct Config {
    pub id: String,
    pub created: Millis,
    /// DeploymentConfigInfo in wire form, without id and time.
    pub settings: Map<String, Value>,
}

impl Entity for Config {}

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

impl Entity for Registered {}
