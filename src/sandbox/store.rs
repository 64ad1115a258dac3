//! What the sandbox knows: applications, groups, configurations, revisions, deployments. Plain data in wire words.
//!
//! Times are whole milliseconds since the epoch. What the engine reads is typed; what it only gives back
//! is kept as the wire's JSON, so that reading back needs no mirror of the API's shapes. What is a table or a list here
//! is rows of its own on disk.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::fleet::{Fleet, Instance, Scaling};
use super::rows::{Entity, List, Parts, Table};

use crate::model::{
    ComputePlatform, Creator, DeploymentStatus, Diagnostics, EventName, EventStatus, Overview, TargetStatus,
};

/// Milliseconds since the epoch.
pub type Millis = i64;

/// The sandbox's one account.
pub const ACCOUNT: &str = "123456789012";

/// Everything, a region apart.
#[derive(Debug, Default)]
pub struct World {
    pub regions: Table<Region>,
    /// The GitHub accounts whose tokens every region starts with: the fleet's, not kept.
    pub git_hub_accounts: BTreeSet<String>,
    /// The on-premises instances that are registered in every region until somebody deregisters them: the fleet's, not
    /// kept.
    pub on_premises: Vec<Instance>,
    /// The alarms that are on, by name.
    pub alarms: Table<Fact>,
    /// The moments of the fleet's timeline that have come, as they are written there.
    pub past: Table<Fact>,
    /// In the order in which they came.
    pub host_changes: List<HostChange>,
    /// What Auto Scaling groups do once they go on.
    pub put_off: List<Scaling>,
    /// The last revision of each family of ECS task definitions, by `region/family`.
    pub task_definitions: Table<Revision>,
}

impl World {
    pub fn parts(&mut self) -> Parts<'_> {
        vec![
            ("regions", &mut self.regions),
            ("alarms", &mut self.alarms),
            ("past", &mut self.past),
            ("hostChanges", &mut self.host_changes),
            ("putOff", &mut self.put_off),
            ("taskDefinitions", &mut self.task_definitions),
        ]
    }

    /// Says what the fleet declares, to the regions that are there already and those that come.
    pub fn declare(&mut self, fleet: &Fleet, now: Millis) {
        self.git_hub_accounts.clone_from(&fleet.git_hub_accounts);
        self.on_premises = fleet.instances.iter().filter(|one| one.on_premises).cloned().collect();
        let names: Vec<String> = self.regions.keys().cloned().collect();
        for name in names {
            if let Some(region) = self.regions.get_mut(&name) {
                region.register(&name, &self.on_premises, now);
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

/// The number of a revision, from 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revision(pub u32);

impl Entity for Revision {}

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
            ("onPremises", &mut self.on_premises),
            ("functions", &mut self.functions),
            ("services", &mut self.services),
        ]
    }
}

impl Region {
    /// Enters on-premises instances that nobody has registered or deregistered. SANDBOX: each has an IAM user of its name.
    pub fn register(&mut self, region: &str, declared: &[Instance], now: Millis) {
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

    fn complete(&mut self) {
        let mut numbered: Vec<_> =
            self.deployments.iter().map(|(id, one)| (one.number, id.clone())).collect();
        numbered.sort_unstable();
        self.history = numbered.into_iter().map(|(_, id)| id).collect();
    }
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

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Target {
    pub id: String,
    pub arn: String,
    pub kind: TargetKind,
    pub status: TargetStatus,
    pub last_updated: Option<Millis>,
    pub events: Vec<Event>,
}

impl Entity for Target {}

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
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<Millis>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<Millis>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub diagnostics: Option<Diagnostics>,
}
