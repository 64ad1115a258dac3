//! What a fleet file says and what became of it: hosts, Lambda functions, ECS services, Auto Scaling groups.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{Millis, Region, TaskSet};
use crate::sandbox::fleet::{self, Fleet, Instance, Scaling};
use crate::sandbox::rows::{Entity, List};

/// What the fleet file says of the account beside CodeDeploy, the same in every region. Not kept.
#[derive(Debug, Default)]
pub struct Declared {
    /// The GitHub accounts that are connected until somebody deletes their tokens.
    pub git_hub_accounts: BTreeSet<String>,
    /// The on-premises instances that are registered until somebody deregisters them.
    pub on_premises: Vec<Instance>,
    /// The Auto Scaling groups that there are from the start.
    pub auto_scaling_groups: BTreeSet<String>,
    /// The SNS topics, by name; any is there where they are left out.
    pub topics: Option<BTreeSet<String>>,
    /// The ECS services, by `cluster:service`.
    pub services: BTreeMap<String, fleet::Service>,
    /// The most deployments that run at the same time in a region; AWS's own limit where it is left out.
    pub deployment_quota: Option<usize>,
}

impl Declared {
    pub fn of(fleet: &Fleet) -> Self {
        Declared {
            git_hub_accounts: fleet.git_hub_accounts.clone(),
            on_premises: fleet.instances.iter().filter(|one| one.on_premises).cloned().collect(),
            auto_scaling_groups: fleet.scaling_groups(),
            topics: fleet.topics.clone(),
            services: fleet.services.iter().map(|service| (service.id(), service.clone())).collect(),
            deployment_quota: fleet.deployment_quota,
        }
    }
}

/// The Auto Scaling groups of a region: those that the fleet file declares, those that launched instances since, copies
/// among them, and those that a deployment group has, which the fleet file of an earlier start declared.
pub fn scaling_groups(
    declared: &BTreeSet<String>,
    changes: &List<HostChange>,
    region: (&str, &Region),
) -> BTreeSet<String> {
    let (name, region) = region;
    let mut groups = declared.clone();
    for change in changes.iter() {
        if let HostChange::Launched(place, instances) = change
            && place.as_ref().is_none_or(|place| place == name)
        {
            groups.extend(instances.iter().filter_map(|instance| instance.auto_scaling_group.clone()));
        }
    }
    groups.extend(region.named_scaling_groups());
    groups
}

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
