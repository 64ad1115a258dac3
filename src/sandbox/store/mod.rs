//! What the sandbox knows: applications, groups, configurations, revisions, deployments. Plain data in wire words.
//!
//! Times are whole milliseconds since the epoch. What the engine reads is typed; what it only gives back
//! is kept as the wire's JSON, so that reading back needs no mirror of the API's shapes. What is a table or a list here
//! is rows of its own on disk.

mod application;
mod deployment;
mod fleet;
mod target;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::fleet::{Fleet, Instance, Scaling};
use super::rows::{Entity, List, Parts, Table};
use crate::model::Creator;

pub use application::{Application, Config, Group, HostState, Registered};
pub use deployment::{Deployment, ErrorInformation, HookExecution, Progress, Wait};
pub use fleet::{Alias, Declared, Function, HostChange, OnPremises, Service, scaling_groups};
pub use target::{Event, Label, LambdaFunction, Target, TargetKind, TaskSet};

/// Milliseconds since the epoch.
pub type Millis = i64;

/// The sandbox's one account.
pub const ACCOUNT: &str = "123456789012";

/// Everything, a region apart.
#[derive(Debug, Default)]
pub struct World {
    pub regions: Table<Region>,
    pub declared: Declared,
    /// The alarms that are on, by name.
    pub alarms: Table<Fact>,
    /// The moments of the fleet's timeline that have come, as they are written there.
    pub past: Table<Fact>,
    /// In the order in which they came.
    pub host_changes: List<HostChange>,
    /// What Auto Scaling groups do once they go on.
    pub put_off: List<Scaling>,
}

impl World {
    pub fn parts(&mut self) -> Parts<'_> {
        vec![
            ("regions", &mut self.regions),
            ("alarms", &mut self.alarms),
            ("past", &mut self.past),
            ("hostChanges", &mut self.host_changes),
            ("putOff", &mut self.put_off),
        ]
    }

    /// Says what the fleet declares, to the regions that are there already and those that come.
    pub fn declare(&mut self, fleet: &Fleet, now: Millis) {
        self.declared = Declared::of(fleet);
        let names: Vec<String> = self.regions.keys().cloned().collect();
        for name in names {
            if let Some(region) = self.regions.get_mut(&name) {
                region.begin(&name, &self.declared, now);
            }
        }
    }

    /// What is known without being stored, of a world that was read.
    pub fn complete(&mut self) {
        self.regions.change(|_| true, Region::complete);
    }
}

/// A name that is all there is to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fact;

impl Entity for Fact {}

/// The state of one region.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Region {
    #[serde(skip)]
    pub applications: Table<Application>,
    /// Custom configurations; the built-in ones are not stored.
    #[serde(skip)]
    pub configs: Table<Config>,
    #[serde(skip)]
    pub deployments: Table<Deployment>,
    /// Deployment ids, oldest first: in the order of their numbers.
    #[serde(skip)]
    pub history: Vec<String>,
    /// The names of the GitHub accounts that are connected.
    #[serde(skip)]
    pub git_hub_tokens: Table<Fact>,
    /// The names of those that somebody disconnected, so that a fleet file does not connect them again.
    #[serde(skip)]
    pub git_hub_disconnected: Table<Fact>,
    /// On-premises instances that were registered, by name; the deregistered ones stay.
    #[serde(skip)]
    pub on_premises: Table<OnPremises>,
    /// What deployments made of the fleet file's Lambda functions, by name.
    #[serde(skip)]
    pub functions: Table<Function>,
    /// What deployments made of the fleet file's ECS services, by `cluster:service`.
    #[serde(skip)]
    pub services: Table<Service>,
}

impl Entity for Region {
    const BARE: bool = true;

    fn parts(&mut self) -> Parts<'_> {
        vec![
            ("applications", &mut self.applications),
            ("configs", &mut self.configs),
            ("deployments", &mut self.deployments),
            ("gitHubTokens", &mut self.git_hub_tokens),
            ("gitHubDisconnected", &mut self.git_hub_disconnected),
            ("onPremises", &mut self.on_premises),
            ("functions", &mut self.functions),
            ("services", &mut self.services),
        ]
    }
}

impl Region {
    /// Enters what the fleet file declares and nobody has made or ended here.
    pub fn begin(&mut self, name: &str, declared: &Declared, now: Millis) {
        self.register(name, &declared.on_premises, now);
        for account in &declared.git_hub_accounts {
            if !self.git_hub_disconnected.contains_key(account) && !self.git_hub_tokens.contains_key(account)
            {
                self.git_hub_tokens.insert(account.clone(), Fact);
            }
        }
    }

    /// Enters on-premises instances that nobody has registered or deregistered. SANDBOX: each has an IAM user of its name.
    fn register(&mut self, region: &str, declared: &[Instance], now: Millis) {
        for instance in declared {
            if self.on_premises.contains_key(&instance.id) {
                continue;
            }
            let record = OnPremises {
                name: instance.id.clone(),
                arn: instance.arn(region),
                iam_user_arn: Some(format!("arn:aws:iam::{ACCOUNT}:user/{}", instance.id)),
                iam_session_arn: None,
                tags: instance.tags.clone(),
                registered: now,
                deregistered: None,
            };
            self.on_premises.insert(instance.id.clone(), record);
        }
    }

    /// Stores a deployment, as the newest.
    pub fn enter(&mut self, mut deployment: Deployment) {
        let last = self.history.last().and_then(|id| self.deployments.get(id));
        deployment.number = last.map_or(0, |last| last.number + 1);
        self.history.push(deployment.id.clone());
        self.deployments.insert(deployment.id.clone(), deployment);
    }

    /// Only the deployments that are to be kept stay.
    pub fn keep_deployments(&mut self, keep: impl Fn(&Deployment) -> bool) {
        let Region { history, deployments, .. } = self;
        deployments.retain(|_, deployment| keep(deployment));
        history.retain(|id| deployments.contains_key(id));
    }

    /// The group with this id.
    pub fn group(&self, id: &str) -> Option<&Group> {
        self.applications
            .values()
            .flat_map(|application| application.groups.values())
            .find(|one| one.id == id)
    }

    /// The application of the group with this id, and the group's name.
    pub fn home_mut(&mut self, id: &str) -> Option<(&mut Application, String)> {
        let find = |(home, application): (&String, &Application)| {
            let name = application.groups.values().find(|group| group.id == id)?.name.clone();
            Some((home.clone(), name))
        };
        let (home, name) = self.applications.iter().find_map(find)?;
        Some((self.applications.get_mut(&home)?, name))
    }

    /// The group with this id.
    pub fn group_mut(&mut self, id: &str) -> Option<&mut Group> {
        let (application, name) = self.home_mut(id)?;
        application.groups.get_mut(&name)
    }

    /// The Auto Scaling groups that its deployment groups have.
    pub fn named_scaling_groups(&self) -> BTreeSet<String> {
        let groups = self.applications.values().flat_map(|application| application.groups.values());
        let lists = groups.filter_map(|group| group.settings.get("autoScalingGroups")?.as_array());
        lists.flatten().filter_map(|entry| Some(entry.get("name")?.as_str()?.to_owned())).collect()
    }

    /// How many deployments count as running at the same time. An instance that an Auto Scaling group launched counts once
    /// an application, however many of its groups deploy to it.
    ///
    /// Source: AWS user guide, "CodeDeploy quotas".
    pub fn concurrent_deployments(&self) -> usize {
        let running = self.deployments.values().filter(|one| !one.status.is_terminal());
        let (launched, others): (Vec<_>, Vec<_>) =
            running.partition(|one| one.creator == Creator::AutoScaling);
        let launches: BTreeSet<_> = launched
            .into_iter()
            .flat_map(|one| one.targets.iter().map(|target| (one.application.as_str(), target.id.as_str())))
            .collect();
        launches.len() + others.len()
    }

    fn complete(&mut self) {
        let mut numbered: Vec<_> =
            self.deployments.iter().map(|(id, one)| (one.number, id.clone())).collect();
        numbered.sort_unstable();
        self.history = numbered.into_iter().map(|(_, id)| id).collect();
    }
}
