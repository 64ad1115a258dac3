//! A sandbox with an engine that does as the test says.

use std::net::TcpListener;
use std::sync::Arc;

use cdctl::model::{
    ComputePlatform, DeploymentStatus, Diagnostics, EventName, EventStatus, Overview, TargetStatus,
};
use cdctl::sandbox::clock::Fixed;
use cdctl::sandbox::fleet::Fleet;
use cdctl::sandbox::objects::Objects;
use cdctl::sandbox::server::Server;
use cdctl::sandbox::store::{
    ErrorInformation, Event, HookExecution, Label, LambdaFunction, Target, TargetKind, TaskSet, Wait,
};
use cdctl::sandbox::{Conductor, PAGE_SIZE, Sandbox, Shared};

/// The time at which every staged sandbox stands still: 2026-11-22T12:00:00.123Z.
pub const NOW: i64 = 1_795_348_800_123;

/// What there is beside CodeDeploy.
const ACCOUNT: &str = "
auto_scaling_groups: [web, api, pool]
git_hub_accounts: [octocat]
services:
- {cluster: main, name: web}
- {cluster: main, name: api}
- {cluster: main, name: tcp, load_balancer: network}
";

/// Moves each deployment at once, on two hosts, to where the test wants it.
struct Play {
    shared: Arc<Shared>,
    scene: Scene,
}

/// How far a staged deployment comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scene {
    /// It stays as it was created.
    Created,
    /// Both hosts are at work; a stop ends it.
    Running,
    Succeeded,
    Failed,
}

impl Play {
    fn description(&self, region: &str, id: &str) -> Option<String> {
        self.shared.world().regions.get(region)?.deployments.get(id)?.description.clone()
    }
}

impl Conductor for Play {
    fn created(&self, region: &str, id: &str) {
        let told = self.description(region, id);
        let scene = if told.as_deref() == Some("succeeded") { Scene::Succeeded } else { self.scene };
        let (status, target, event) = match scene {
            Scene::Created => return,
            Scene::Running => {
                (DeploymentStatus::InProgress, TargetStatus::InProgress, EventStatus::InProgress)
            }
            Scene::Succeeded => {
                (DeploymentStatus::Succeeded, TargetStatus::Succeeded, EventStatus::Succeeded)
            }
            Scene::Failed => (DeploymentStatus::Failed, TargetStatus::Failed, EventStatus::Failed),
        };
        let mut world = self.shared.world();
        let deployment = world.regions.get_mut(region).unwrap().deployments.get_mut(id).unwrap();
        if told.as_deref() == Some("not started") {
            return;
        }
        deployment.started = Some(NOW + 1);
        deployment.completed = status.is_terminal().then_some(NOW + 9);
        deployment.overview = Some(Overview { in_progress: 2, ..Overview::default() });
        if status == DeploymentStatus::Failed {
            let (code, message) = ("HEALTH_CONSTRAINTS".to_owned(), "too many".to_owned());
            deployment.error = Some(ErrorInformation { code, message });
        }
        deployment.status = status;
        let targets: Vec<Target> = match deployment.platform {
            ComputePlatform::Lambda => {
                let hook =
                    HookExecution { event: EventName::BeforeAllowTraffic, over: false, succeeded: None };
                deployment.progress.hooks.insert("hook".to_owned(), hook);
                vec![Target { kind: function(), ..host("checkout", &target, &event) }]
            }
            ComputePlatform::Ecs => {
                deployment.progress.wait = Some(Wait::Ready);
                vec![Target { kind: service(), ..host("main:web", &target, &event) }]
            }
            _ if deployment.settings["deploymentStyle"]["deploymentType"] == "BLUE_GREEN" => {
                deployment.progress.wait = Some(Wait::Termination);
                deployment.progress.termination_wait_started = true;
                let labelled = |id, label| {
                    let kind = TargetKind::Instance(Some(label));
                    Target { kind, ..host(id, &target, &event) }
                };
                vec![
                    labelled("i-0123456789abcdef0", Label::Blue),
                    labelled("i-0123456789abcdef1", Label::Green),
                ]
            }
            _ => ["i-0123456789abcdef0", "i-0123456789abcdef1"].map(|id| host(id, &target, &event)).into(),
        };
        deployment.targets = targets.into();
    }

    fn stop_requested(&self, region: &str, id: &str) {
        let mut world = self.shared.world();
        let deployment = world.regions.get_mut(region).unwrap().deployments.get_mut(id).unwrap();
        deployment.status = DeploymentStatus::Stopped;
        deployment.completed = Some(NOW + 9);
    }

    fn continued(&self, _region: &str, _id: &str, _wait: Wait) {}

    fn hook_answered(&self, _region: &str, _id: &str, _hook_execution_id: &str, _succeeded: bool) {}
}

fn function() -> TargetKind {
    TargetKind::Lambda(LambdaFunction {
        name: "checkout".to_owned(),
        alias: "live".to_owned(),
        current_version: "1".to_owned(),
        target_version: "2".to_owned(),
        target_version_weight: 0.1,
    })
}

fn service() -> TargetKind {
    TargetKind::Ecs(vec![TaskSet {
        id: "ecs-svc/9223370493425779968".to_owned(),
        desired: 2,
        pending: 0,
        running: 2,
        status: "PRIMARY".to_owned(),
        traffic_weight: 100.0,
        target_group: Some("blue".to_owned()),
        label: Some(Label::Blue),
    }])
}

fn host(id: &str, status: &TargetStatus, event: &EventStatus) -> Target {
    let ended = *event != EventStatus::InProgress;
    let event = Event {
        name: EventName::ApplicationStop,
        status: event.clone(),
        start: Some(NOW + 1),
        end: ended.then_some(NOW + 2),
        diagnostics: ended.then(Diagnostics::success),
    };
    Target {
        id: id.to_owned(),
        arn: format!("arn:aws:ec2:eu-west-1:123456789012:instance/{id}"),
        kind: TargetKind::Instance(None),
        status: status.clone(),
        last_updated: Some(NOW + 2),
        events: vec![event],
    }
}

/// A sandbox and what stands around it.
pub struct Stage {
    pub objects: Arc<Objects>,
    pub sandbox: Arc<Sandbox>,
    _directory: tempfile::TempDir,
}

impl Stage {
    pub fn new() -> Self {
        Self::of(Scene::Created, PAGE_SIZE)
    }

    pub fn of(scene: Scene, page_size: usize) -> Self {
        let shared = Arc::new(Shared::new(Arc::new(Fixed(NOW)), 7));
        shared.world().declare(&Fleet::parse(ACCOUNT, 1).unwrap(), NOW);
        let directory = tempfile::tempdir().unwrap();
        let objects = Arc::new(Objects::new(directory.path(), shared.random().fork()).unwrap());
        let sandbox = Arc::new(Sandbox::new(
            shared.clone(),
            objects.clone(),
            Arc::new(Play { shared, scene }),
            page_size,
        ));
        Stage { objects, sandbox, _directory: directory }
    }

    /// Behind a loopback socket.
    pub fn serve(&self) -> Server {
        self.sandbox.clone().serve(TcpListener::bind("127.0.0.1:0").unwrap()).unwrap()
    }
}
