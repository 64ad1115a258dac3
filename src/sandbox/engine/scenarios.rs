//! Whole deployments on simulated hosts with a clock that jumps: what the store shows after each moment.

use std::collections::BTreeMap;
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::Options;
use super::driver::{Driver, Key, Message};
use crate::model::{
    ComputePlatform, Creator, DeploymentStatus, EventName, EventStatus, LifecycleErrorCode,
    MinimumHealthyHosts, TargetStatus,
};
use crate::sandbox::clock::{Clock, Manual};
use crate::sandbox::fleet::{Change, Changed, Faults, Fleet, Scaling, Status};
use crate::sandbox::host::{Answer, Begun, HostPrograms, Hosts, Order, Simulated};
use crate::sandbox::rows::{self, Entity, List, Table};
use crate::sandbox::store::{
    Application, Config, Deployment, Group, HostState, Millis, Progress, Region, Registered, World,
};
use crate::sandbox::{Bundles, Object, Shared};

const REGION: &str = "us-east-1";
const START: Millis = 1_800_000_000_000;
const TWELVE: &str = "generate: [{count: 12, zones: [a, b, c], tags: {Role: web}}]\n";

/// A store that holds every key but those that start with `missing`.
struct Anything;

impl Bundles for Anything {
    fn object(&self, _bucket: &str, key: &str, _version: Option<&str>) -> Result<Object, String> {
        if key.starts_with("missing") {
            return Err("NoSuchKey: The specified key does not exist.".to_owned());
        }
        Ok(Object { path: "bundle".into(), etag: "e".into(), version: None })
    }
}

struct Sandbox {
    shared: Arc<Shared>,
    clock: Arc<Manual>,
    fleet: Arc<Fleet>,
    faults: Arc<Faults>,
    driver: Driver,
    inbox: Receiver<Message>,
    created: u32,
    local: Arc<dyn Hosts>,
    /// Where its state is, if it is kept.
    disk: Option<tempfile::TempDir>,
}

impl Sandbox {
    /// An application `shop` with a group `prod` of all instances tagged `Role=web`.
    fn new(fleet: &str, seed: u64) -> Self {
        let simulated = Arc::new(Simulated::new(Arc::new(Anything), seed));
        Sandbox::with_local(fleet, seed, simulated)
    }

    /// The same, with something else behind local instances.
    fn with_local(fleet: &str, seed: u64, local: Arc<dyn Hosts>) -> Self {
        let clock = Arc::new(Manual::default());
        clock.set(START);
        let settings = json!({"ec2TagFilters": [{"Key": "Role", "Value": "web", "Type": "KEY_AND_VALUE"}]});
        let group = Group {
            id: "group-1".into(),
            name: "prod".into(),
            settings: settings.as_object().unwrap().clone(),
            tags: BTreeMap::new(),
            target_revision: None,
            last_successful: None,
            last_attempted: None,
            active: None,
            hosts: Table::default(),
        };
        let application = Application {
            id: "app-1".into(),
            name: "shop".into(),
            platform: ComputePlatform::Server,
            created: START,
            groups: [("prod".to_owned(), group)].into(),
            revisions: List::default(),
            tags: BTreeMap::new(),
        };
        let mut region = Region::default();
        region.applications.insert("shop".into(), application);
        let world = World { regions: [(REGION.to_owned(), region)].into(), ..World::default() };
        let shared = Arc::new(Shared::new(Arc::clone(&clock) as Arc<dyn Clock>, seed));
        *shared.world() = world;
        let fleet = Arc::new(Fleet::parse(fleet, seed).unwrap());
        let faults = Arc::new(Faults::of(&fleet));
        let (messages, inbox) = channel();
        let options = options(&fleet, &faults, &local, seed, 0);
        let driver = Driver::new(Arc::clone(&shared), options, messages);
        Sandbox { shared, clock, fleet, faults, driver, inbox, created: 0, local, disk: None }
    }

    fn region<T>(&self, read: impl FnOnce(&mut Region) -> T) -> T {
        read(self.shared.world().regions.get_mut(REGION).unwrap())
    }

    fn group<T>(&self, read: impl FnOnce(&mut Group) -> T) -> T {
        self.region(|region| {
            read(region.applications.get_mut("shop").unwrap().groups.get_mut("prod").unwrap())
        })
    }

    fn deployment<T>(&self, id: &str, read: impl FnOnce(&mut Deployment) -> T) -> T {
        self.region(|region| read(region.deployments.get_mut(id).unwrap()))
    }

    /// Creates a deployment as the API does, with changes of the test's own.
    fn create(&mut self, config: &str, key: &str, change: impl FnOnce(&mut Deployment)) -> String {
        self.created += 1;
        let id = format!("d-{:09}", self.created);
        let (target, last) = self.group(|group| {
            group.active = Some(id.clone());
            (group.target_revision.clone(), group.last_successful.clone())
        });
        assert_eq!(target.is_some(), last.is_some());
        let mut deployment = Deployment {
            id: id.clone(),
            number: 0,
            application: "shop".into(),
            group: "prod".into(),
            group_id: "group-1".into(),
            config: config.into(),
            platform: ComputePlatform::Server,
            creator: Creator::User,
            revision: revision(key),
            previous_revision: target,
            description: None,
            settings: serde_json::Map::new(),
            ignore_application_stop_failures: false,
            update_outdated_instances_only: false,
            file_exists_behavior: "DISALLOW".into(),
            status: DeploymentStatus::Created,
            error: None,
            created: self.clock.now(),
            started: None,
            completed: None,
            overview: None,
            stop_requested: None,
            rollback_deployment: None,
            rollback_of: None,
            rollback_message: None,
            progress: Progress::default(),
            engine: Value::Null,
            targets: List::default(),
        };
        change(&mut deployment);
        self.region(|region| {
            region.enter(deployment);
        });
        self.driver.take(Message::Created(self.key(&id)));
        id
    }

    /// Sets members of the group's settings.
    fn set_group(&self, settings: Value) {
        self.group(|group| group.settings.extend(settings.as_object().unwrap().clone()));
    }

    /// Works off everything that is due within so many seconds.
    fn run_for(&mut self, seconds: i64) {
        let until = self.clock.now() + seconds * 1_000;
        loop {
            if let Ok(message) = self.inbox.try_recv() {
                self.driver.take(message);
            } else if let Some(moment) = self.driver.next().filter(|moment| *moment <= until) {
                self.clock.set(moment);
                self.driver.advance();
            } else {
                break;
            }
        }
        self.clock.set(until);
    }

    /// All that the store has of a deployment.
    fn tree(&self, id: &str) -> Value {
        self.deployment(id, tree)
    }

    fn key(&self, id: &str) -> Key {
        Key { region: REGION.into(), id: id.into() }
    }

    /// Works off the next thing that is due; false where nothing is.
    fn step(&mut self) -> bool {
        if let Ok(message) = self.inbox.try_recv() {
            self.driver.take(message);
            return true;
        }
        let Some(moment) = self.driver.next() else { return false };
        self.clock.set(moment);
        self.driver.advance();
        true
    }

    fn run(&mut self) {
        while self.step() {}
    }

    /// Creates a deployment and runs everything to its end.
    fn deploy(&mut self, config: &str, key: &str) -> String {
        let id = self.create(config, key, |_| {});
        self.run();
        id
    }

    /// Makes something happen beside the deployments.
    fn change(&mut self, change: Change) -> Result<Changed, String> {
        let (sender, answer) = channel();
        self.driver.take(Message::Changed(change, sender));
        answer.recv().unwrap()
    }

    fn status(&mut self, region: &str) -> Status {
        let (sender, answer) = channel();
        self.driver.take(Message::Asked(region.into(), sender));
        answer.recv().unwrap()
    }

    fn stop(&mut self, id: &str, rollback: Option<bool>) {
        self.deployment(id, |deployment| deployment.stop_requested = Some(rollback));
        self.driver.take(Message::StopRequested(self.key(id)));
    }

    /// Status, error code and counters (succeeded, failed, skipped) of a deployment that has ended.
    fn end(&self, id: &str) -> (DeploymentStatus, Option<String>, [u64; 3]) {
        self.deployment(id, |deployment| {
            assert!(deployment.status.is_terminal() && deployment.completed.is_some(), "{deployment:?}");
            check_counters(deployment);
            let overview = deployment.overview.unwrap_or_default();
            assert_eq!(overview.pending + overview.in_progress + overview.ready, 0);
            (
                deployment.status.clone(),
                deployment.error.as_ref().map(|error| error.code.clone()),
                [overview.succeeded, overview.failed, overview.skipped],
            )
        })
    }

    fn zone(&self, target: &str) -> &str {
        let found = self.fleet.instances.iter().find(|instance| instance.id == target);
        &found.unwrap().zone
    }
}

fn tree(deployment: &mut Deployment) -> Value {
    rows::tree(serde_json::to_value(&*deployment).unwrap(), deployment.parts())
}

fn revision(key: &str) -> Value {
    json!({"revisionType": "S3", "s3Location": {"bucket": "releases", "key": key, "bundleType": "zip"}})
}

fn fault(hosts: &str, event: &str) -> String {
    format!(
        "{TWELVE}faults: [{{hosts: {hosts}, event: {event}, outcome: {{fail: {{script: scripts/start.sh, \
         exit_code: 3, log: no port}}}}}}]\n"
    )
}

fn auto_rollback(deployment: &mut Deployment) {
    let value = json!({"enabled": true, "events": ["DEPLOYMENT_FAILURE", "DEPLOYMENT_STOP_ON_REQUEST"]});
    deployment.settings.insert("autoRollbackConfiguration".into(), value);
}

fn options(
    fleet: &Arc<Fleet>,
    faults: &Arc<Faults>,
    local: &Arc<dyn Hosts>,
    seed: u64,
    paused: Millis,
) -> Options {
    Options {
        seed,
        faults: Arc::clone(faults),
        fleet: Arc::clone(fleet),
        local: Arc::clone(local),
        bundles: Arc::new(Anything),
        programs: Arc::new(HostPrograms::new(false, BTreeMap::new())),
        simulated: Arc::new(Simulated::new(Arc::new(Anything), seed)),
        agent_pace: 50..=400,
        began: START + paused,
        paused,
    }
}

/// The counters are those of the targets.
fn check_counters(deployment: &Deployment) {
    let Some(overview) = deployment.overview else { return };
    let count = |status: TargetStatus| {
        u64::try_from(deployment.targets.iter().filter(|target| target.status == status).count()).unwrap()
    };
    assert_eq!(overview.pending, count(TargetStatus::Pending));
    assert_eq!(overview.in_progress, count(TargetStatus::InProgress));
    assert_eq!(overview.succeeded, count(TargetStatus::Succeeded));
    assert_eq!(overview.failed, count(TargetStatus::Failed));
    assert_eq!(overview.skipped, count(TargetStatus::Skipped));
    assert_eq!(overview.total(), u64::try_from(deployment.targets.len()).unwrap());
}

/// Every target's events are told as the service tells them.
fn check_events(deployment: &Deployment) {
    for target in &deployment.targets {
        let names: Vec<_> = target.events.iter().map(|event| event.name.clone()).collect();
        assert_eq!(names, EventName::IN_PLACE);
        let mut last = deployment.started.unwrap();
        for event in &target.events {
            match event.status {
                EventStatus::Pending => assert_eq!((event.start, event.end), (None, None)),
                EventStatus::InProgress => assert!(event.start.is_some() && event.end.is_none()),
                EventStatus::Skipped => assert!(event.start.is_none() && event.end.is_some()),
                _ => {
                    assert!(event.start.unwrap() >= last && event.end >= event.start);
                    assert!(event.diagnostics.is_some());
                    last = event.end.unwrap();
                }
            }
        }
    }
}

mod answers;
mod blue_green;
mod ecs;
mod endings;
mod ends;
mod flow;
mod lambda;
mod local;
mod resume;
mod rollbacks;
mod scaling;
mod server;
mod timeline;
