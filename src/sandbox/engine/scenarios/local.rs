//! The engine on its thread with hosts that really install files and run scripts.

use crate::sandbox::objects::When;
use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use sha2::{Digest, Sha256};
use tempfile::TempDir;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::*;
use crate::clock::Stopwatch;
use crate::model::Diagnostics;
use crate::sandbox::Conductor;
use crate::sandbox::clock::Scaled;
use crate::sandbox::engine::Engine;
use crate::sandbox::host::{Begun, HookPolicy, Local};
use crate::sandbox::objects::{Attributes, Objects};

const FOUR: &str = "generate: [{count: 4, kind: local, zones: [a, b], tags: {Role: web}}]\n";
const APPSPEC: &str = "version: 0.0\nos: linux\nfiles:\n- {source: index.html, destination: /srv}\n";
const HOOKS: &str = "hooks:\n  ApplicationStart:\n  - {location: start.sh, timeout: 20}\n";
const SCRIPT: &str = "#!/bin/sh\necho $CDCTL_HOST_ID $CDCTL_HOST_ZONE $BUNDLE_KEY > \"$CDCTL_HOST_ROOT/started\"\n\
                      if [ \"$CDCTL_HOST_ZONE\" = b ]; then echo no port >&2; exit 3; fi\n";

/// One bundle under the key `site.zip`.
struct Shelf(PathBuf);

impl Bundles for Shelf {
    fn object(&self, _bucket: &str, key: &str, _version: Option<&str>) -> Result<Object, String> {
        if key == "site.zip" {
            Ok(Object { path: self.0.clone(), etag: "abc".into(), version: None })
        } else {
            Err("NoSuchKey: The specified key does not exist.".into())
        }
    }
}

fn bundle(appspec: &str) -> Vec<u8> {
    let mut writer = ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, content) in [("appspec.yml", appspec), ("index.html", "hello"), ("start.sh", SCRIPT)] {
        writer.start_file(name, SimpleFileOptions::default().unix_permissions(0o755)).unwrap();
        writer.write_all(content.as_bytes()).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

fn policy(allow_host_hooks: bool) -> Arc<HookPolicy> {
    Arc::new(HookPolicy { allow_host_hooks, ..HookPolicy::default() })
}

/// What became of a deployment to four local hosts.
struct Outcome {
    directory: TempDir,
    deployment: serde_json::Value,
    fleet: Arc<Fleet>,
}

impl Outcome {
    fn path(&self, host: usize, path: &str) -> PathBuf {
        self.directory.path().join("hosts").join(&self.fleet.instances[host].id).join(path)
    }

    fn target(&self, host: usize) -> &serde_json::Value {
        let targets = self.deployment["targets"].as_array().unwrap();
        targets.iter().find(|target| target["id"] == self.fleet.instances[host].id.as_str()).unwrap()
    }
}

/// Waits for a deployment in real time, a hundred times sped up.
fn run(sandbox: &Sandbox, id: &str, local: Arc<dyn Hosts>) -> serde_json::Value {
    let world = std::mem::take(&mut *sandbox.shared.world());
    let shared = Arc::new(Shared::new(Arc::new(Scaled::new(100)), 1));
    *shared.world() = world;
    let options = Options {
        seed: 1,
        faults: Arc::new(Faults::of(&sandbox.fleet)),
        fleet: Arc::clone(&sandbox.fleet),
        local,
        bundles: Arc::new(Anything),
        programs: Arc::new(HostPrograms::new(false, BTreeMap::new())),
        simulated: Arc::new(Simulated::new(Arc::new(Anything), 1)),
        agent_pace: 50..=400,
        began: START,
        paused: 0,
    };
    let engine = Engine::start(Arc::clone(&shared), options).unwrap();
    engine.created(REGION, id);
    let begun = Stopwatch::start();
    loop {
        let mut world = shared.world();
        let deployment = world.regions.get_mut(REGION).unwrap().deployments.get_mut(id).unwrap();
        if deployment.status.is_terminal() {
            return tree(deployment);
        }
        assert!(begun.elapsed() < std::time::Duration::from_secs(60), "{}", deployment.status);
        drop(world);
        std::thread::yield_now();
    }
}

fn deploy(appspec: &str, policy: Arc<HookPolicy>, change: impl FnOnce(&mut Deployment)) -> Outcome {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("object");
    fs::write(&path, bundle(appspec)).unwrap();
    let local = Local::new(directory.path().join("hosts"), Arc::new(Shelf(path)), policy);
    let mut sandbox = Sandbox::new(FOUR, 1);
    let id = sandbox.create("CodeDeployDefault.AllAtOnce", "site.zip", change);
    let deployment = run(&sandbox, &id, Arc::new(local));
    Outcome { directory, deployment, fleet: Arc::clone(&sandbox.fleet) }
}

#[test]
fn files_are_installed_and_scripts_run_on_each_host() {
    let outcome = deploy(&format!("{APPSPEC}{HOOKS}"), policy(true), |_| {});
    assert_eq!(outcome.deployment["status"], "Succeeded");
    for (host, instance) in outcome.fleet.instances.iter().enumerate() {
        assert_eq!(fs::read_to_string(outcome.path(host, "root/srv/index.html")).unwrap(), "hello");
        let started = fs::read_to_string(outcome.path(host, "root/started")).unwrap();
        assert_eq!(started, format!("{} {} site.zip\n", instance.id, instance.zone));
        let (status, event) = (&outcome.target(host)["status"], &outcome.target(host)["events"][5]);
        if instance.zone == "b" {
            assert_eq!((status.as_str(), event["status"].as_str()), (Some("Failed"), Some("Failed")));
            assert_eq!(event["diagnostics"]["errorCode"], "ScriptFailed");
            assert_eq!(event["diagnostics"]["scriptName"], "start.sh");
            assert!(event["diagnostics"]["logTail"].as_str().unwrap().contains("[stderr]no port"));
        } else {
            assert_eq!(status, "Succeeded");
        }
    }
}

#[test]
fn a_strangers_scripts_do_not_run_unasked() {
    let outcome = deploy(&format!("{APPSPEC}{HOOKS}"), policy(false), |_| {});
    assert_eq!(outcome.deployment["error"]["code"], "HEALTH_CONSTRAINTS");
    for host in 0..4 {
        let event = &outcome.target(host)["events"][1];
        assert_eq!(event["diagnostics"]["errorCode"], "UnknownError");
        assert!(event["diagnostics"]["message"].as_str().unwrap().contains("--allow-host-hooks"));
        assert!(!outcome.path(host, "root/started").exists() && !outcome.path(host, "root/srv").exists());
    }
}

#[test]
fn files_alone_need_no_permission_and_trusted_scripts_neither() {
    let outcome = deploy(APPSPEC, policy(false), |_| {});
    assert_eq!(outcome.deployment["status"], "Succeeded");
    assert!(outcome.path(0, "root/srv/index.html").exists());

    let appspec = format!("{APPSPEC}{HOOKS}");
    let digest = Sha256::digest(bundle(&appspec));
    let trusted = BTreeSet::from([digest.iter().map(|byte| format!("{byte:02x}")).collect()]);
    let trusting = HookPolicy { trusted, ..HookPolicy::default() };
    let outcome = deploy(&appspec, Arc::new(trusting), |_| {});
    assert_eq!(outcome.deployment["status"], "Succeeded");
    assert!(outcome.path(0, "root/started").exists());
}

#[test]
fn another_bundle_than_the_revisions_is_refused() {
    let with_etag = |etag: &str| {
        let mut revision = revision("site.zip");
        revision["s3Location"]["eTag"] = json!(etag);
        move |deployment: &mut Deployment| deployment.revision = revision
    };
    let outcome = deploy(APPSPEC, policy(false), with_etag("\"other\""));
    assert_eq!(
        outcome.target(0)["events"][1]["diagnostics"]["message"],
        "Expected deployment artifact bundle etag other but was actually abc"
    );
    assert_eq!(deploy(APPSPEC, policy(false), with_etag("\"abc\"")).deployment["status"], "Succeeded");

    let outcome = deploy(APPSPEC, policy(false), |deployment| deployment.revision = revision("missing.zip"));
    let diagnostics = &outcome.target(0)["events"][1]["diagnostics"];
    assert_eq!(diagnostics["message"], "NoSuchKey: The specified key does not exist.");
    assert_eq!(diagnostics["errorCode"], "UnknownError");
}

/// A bucket without versions in which somebody pushes over the key after every other look.
struct Overwritten {
    objects: Objects,
    bundle: Vec<u8>,
    looks: AtomicU32,
}

impl Overwritten {
    fn push(&self) {
        let mut body = self.objects.receive("releases").unwrap();
        body.write(&self.bundle).unwrap();
        self.objects
            .put("releases", "site.zip", body.finish().unwrap(), Attributes::default(), &When::Always, 0)
            .unwrap();
    }
}

impl Bundles for Overwritten {
    fn object(&self, bucket: &str, key: &str, version: Option<&str>) -> Result<Object, String> {
        let found = self.objects.object(bucket, key, version);
        if self.looks.fetch_add(1, Ordering::Relaxed).is_multiple_of(2) {
            self.push();
        }
        found
    }
}

#[test]
fn a_bundle_that_is_pushed_over_meanwhile_is_fetched_as_it_is_then() {
    let directory = tempfile::tempdir().unwrap();
    let objects = Objects::new(&directory.path().join("objects"), fastrand::Rng::with_seed(1)).unwrap();
    objects.create_bucket("releases", None, 0).unwrap();
    let shelf = Overwritten { objects, bundle: bundle(APPSPEC), looks: AtomicU32::new(0) };
    shelf.push();
    let local = Local::new(directory.path().join("hosts"), Arc::new(shelf), policy(false));
    let mut sandbox = Sandbox::new(FOUR, 1);
    let id = sandbox.create("CodeDeployDefault.OneAtATime", "site.zip", |_| {});
    let deployment = run(&sandbox, &id, Arc::new(local));
    assert_eq!(deployment["status"], "Succeeded", "{deployment:#}");
}

/// As [`bundle`], of any scripts.
fn scripts(appspec: &str, scripts: &[(&str, &str)]) -> Vec<u8> {
    let mut writer = ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, content) in [("appspec.yml", appspec)].iter().chain(scripts) {
        writer.start_file(*name, SimpleFileOptions::default().unix_permissions(0o755)).unwrap();
        writer.write_all(content.as_bytes()).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

fn order(deployment: &str, installed: Option<&str>) -> Arc<Order> {
    Arc::new(Order {
        deployment: deployment.into(),
        installed: installed.map(str::to_owned),
        application: "shop".into(),
        group: "prod".into(),
        group_id: "g-1".into(),
        revision: revision("site.zip"),
        file_exists: crate::runner::FileExists::Disallow,
        bundle: std::sync::OnceLock::new(),
    })
}

/// Runs an event on the first host to its end.
fn event(local: &Local, sandbox: &Sandbox, order: &Arc<Order>, event: &EventName) -> Diagnostics {
    let (answer, answers) = std::sync::mpsc::channel();
    let told = Box::new(move |diagnostics| answer.send(diagnostics).unwrap());
    let mut rng = fastrand::Rng::with_seed(1);
    let begun = local.begin(&sandbox.fleet.instances[0], order, event, &mut rng, told);
    assert!(matches!(begun, Begun::Answers));
    answers.recv().unwrap()
}

/// Bubblewrap's namespace ends with the thread that it was started from.
#[test]
fn what_an_isolated_script_leaves_outlives_its_event() {
    use crate::runner::Isolation;
    if Isolation::best() != Isolation::Bubblewrap {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("object");
    let appspec = "version: 0.0\nos: linux\nhooks:\n  AfterInstall:\n  - location: a.sh\n";
    let script = "#!/bin/sh\n(while echo beat >> /beats; do sleep 0.05; done) </dev/null >/dev/null 2>&1 &\n";
    fs::write(&path, scripts(appspec, &[("a.sh", script)])).unwrap();
    let hosts = directory.path().join("hosts");
    let isolated = HookPolicy { isolation: Isolation::Bubblewrap, ..HookPolicy::default() };
    let local = Local::new(hosts.clone(), Arc::new(Shelf(path)), Arc::new(isolated));
    let sandbox = Sandbox::new(FOUR, 1);
    let order = order("d-1", None);
    for name in [EventName::DownloadBundle, EventName::AfterInstall] {
        assert_eq!(event(&local, &sandbox, &order, &name), Diagnostics::success());
    }
    let beats = hosts.join(&sandbox.fleet.instances[0].id).join("root/beats");
    let count = || fs::read_to_string(&beats).unwrap_or_default().lines().count();
    let (before, waited) = (count(), Stopwatch::start());
    while count() < before + 10 {
        assert!(waited.elapsed() < std::time::Duration::from_secs(20), "it has ended");
        std::thread::yield_now();
    }
    local.shut_down();
}

#[test]
fn a_restarts_scripts_are_those_of_the_last_revision_and_see_their_own_deployment() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("object");
    let appspec = "version: 0.0\nos: linux\nhooks:\n  ApplicationStart:\n  - location: a.sh\n";
    let script = "#!/bin/sh\necho $DEPLOYMENT_ID $0 > \"$CDCTL_HOST_ROOT/seen\"\n";
    fs::write(&path, scripts(appspec, &[("a.sh", script)])).unwrap();
    let hosts = directory.path().join("hosts");
    let local = Local::new(hosts.clone(), Arc::new(Shelf(path)), policy(true));
    let sandbox = Sandbox::new(FOUR, 1);
    let download = event(&local, &sandbox, &order("d-1", None), &EventName::DownloadBundle);
    assert_eq!(download, Diagnostics::success());
    let restart = order("d-2", Some("d-1"));
    let started = event(&local, &sandbox, &restart, &EventName::ApplicationStart);
    assert_eq!(started, Diagnostics::success());
    let seen = fs::read_to_string(hosts.join(&sandbox.fleet.instances[0].id).join("root/seen")).unwrap();
    assert!(seen.starts_with("d-2 ") && seen.ends_with("/d-1/deployment-archive/a.sh\n"), "{seen}");
}

#[test]
fn the_sample_site_restarts() {
    use EventName::{
        AfterInstall, ApplicationStart, ApplicationStop, BeforeInstall, DownloadBundle, Install,
        ValidateService,
    };
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("object");
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/site");
    crate::revision::pack(
        &sample,
        &path,
        &crate::model::BundleType::Zip,
        &Default::default(),
        &mut |_, _| {},
    )
    .unwrap();
    let local = Local::new(directory.path().join("hosts"), Arc::new(Shelf(path)), policy(true));
    let sandbox = Sandbox::new(FOUR, 1);
    let runs = |order: Arc<Order>, events: &[EventName]| {
        for name in events {
            assert_eq!(event(&local, &sandbox, &order, name), Diagnostics::success(), "{name:?}");
        }
    };
    let installs = [DownloadBundle, BeforeInstall, Install, AfterInstall, ApplicationStart, ValidateService];
    runs(order("d-1", None), &installs);
    runs(order("d-2", Some("d-1")), &[ApplicationStop, ApplicationStart, ValidateService]);
}

#[test]
fn the_end_of_the_hosts_ends_their_scripts_and_answers_nobody() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("object");
    let appspec = "version: 0.0\nos: linux\nhooks:\n  ApplicationStart:\n  - location: start.sh\n";
    let script = "#!/bin/sh\necho $$ > \"$CDCTL_HOST_ROOT/pid\"\nsleep 600\n";
    fs::write(&path, scripts(appspec, &[("start.sh", script)])).unwrap();
    let hosts = directory.path().join("hosts");
    let local = Local::new(hosts.clone(), Arc::new(Shelf(path)), policy(true));
    let sandbox = Sandbox::new(FOUR, 1);
    let instance = &sandbox.fleet.instances[0];
    let order = order("d-1", None);
    let (answer, answers) = std::sync::mpsc::channel();
    let begin = |event: EventName| {
        let answer = answer.clone();
        let told = Box::new(move |diagnostics| answer.send(diagnostics).unwrap());
        let mut rng = fastrand::Rng::with_seed(1);
        assert!(matches!(local.begin(instance, &order, &event, &mut rng, told), Begun::Answers));
    };
    begin(EventName::DownloadBundle);
    assert_eq!(answers.recv().unwrap(), Diagnostics::success());
    begin(EventName::ApplicationStart);
    let pid = hosts.join(&instance.id).join("root/pid");
    let pid = loop {
        match fs::read_to_string(&pid) {
            Ok(text) if text.ends_with('\n') => break text.trim_end().to_owned(),
            _ => std::thread::yield_now(),
        }
    };
    local.shut_down();
    assert!(!Path::new("/proc").join(pid).exists());
    begin(EventName::ApplicationStart);
    drop(answer);
    assert_eq!(answers.try_iter().count(), 0);
}

#[test]
fn nothing_is_written_beside_the_hosts_own_directories() {
    let outcome = deploy(APPSPEC, policy(false), |_| {});
    let names = |path: &Path| {
        let mut names: Vec<_> = fs::read_dir(path)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    };
    assert_eq!(names(outcome.directory.path()), ["hosts", "object"]);
    let mut ids: Vec<_> = outcome.fleet.instances.iter().map(|instance| instance.id.clone()).collect();
    ids.sort();
    assert_eq!(names(&outcome.directory.path().join("hosts")), ids);
    assert_eq!(names(&outcome.path(0, ".")), ["agent", "root"]);
}
