//! What became of a fleet file: hosts, Lambda functions, ECS services.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Millis, TaskSet};
use crate::sandbox::fleet::{Instance, Scaling};
use crate::sandbox::rows::Entity;

/// What became of the fleet file's hosts. No region is any that nothing has happened in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum HostChange {
    /// From here on a region has hosts of its own.
    Entered(String),
    /// An Auto Scaling group launched instances.
    Launched(Option<String>, Vec<Instance>),
    /// Those with these ids are there no more.
    Removed(String, Vec<String>),
    /// An Auto Scaling group lost its last instances where nothing has happened.
    Shrunk(String, usize),
    /// The host with this id disappeared everywhere.
    Lost(String),
    /// It is there again.
    Found(String),
}

impl Entity for HostChange {}

impl Entity for Scaling {}

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

impl Entity for OnPremises {}

/// A Lambda function: its aliases by name.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Function {
    pub aliases: BTreeMap<String, Alias>,
}

impl Entity for Function {}

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

impl Entity for Service {}
