//! Whole deployments on a host of its own, as the agent runs them.

mod agents;
mod bare;
mod hosts;
mod isolated;
mod links;
mod previews;
mod scripts;

use std::fs;
use std::io::Write;
use std::os::unix::fs::{PermissionsExt, symlink};

use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::*;
use crate::model::LifecycleErrorCode;

/// A host in a temporary directory, and a revision to deploy to it.
struct World {
    guard: tempfile::TempDir,
    host: Host,
    deployments: u32,
}

/// The mode of a link: its content is where it leads.
const LINK: u32 = 0o120_777;

/// Whether this machine isolates scripts. What is left out where it doesn't is said, and is a failure in CI.
#[expect(clippy::print_stderr, clippy::disallowed_methods, reason = "a test that is left out says so")]
fn isolates() -> bool {
    let isolates = Isolation::best() == Isolation::Bubblewrap;
    if !isolates {
        eprintln!("left out: a test of isolated scripts; bubblewrap is missing or may not be used here");
        assert!(std::env::var_os("CI").is_none(), "CI has to test isolated scripts: install bubblewrap");
    }
    isolates
}

type Files<'a> = &'a [(&'a str, u32, &'a str)];

fn policy(isolation: Isolation, allow_host_hooks: bool) -> Arc<HookPolicy> {
    Arc::new(HookPolicy { isolation, allow_host_hooks, ..HookPolicy::default() })
}

impl World {
    fn new() -> Self {
        let guard = tempfile::tempdir().unwrap();
        let host = Host {
            agent_dir: guard.path().join("agent"),
            root: guard.path().join("host"),
            variables: BTreeMap::from([("CDCTL_HOST_ID".to_owned(), "web-1".to_owned())]),
            hooks: policy(Isolation::None, true),
            groups: Arc::default(),
            max_revisions: MAX_REVISIONS,
            real: false,
        };
        World { guard, host, deployments: 0 }
    }

    fn deployment(&mut self, files: Files<'_>) -> Deployment<'_> {
        self.deployments += 1;
        let mut writer = ZipWriter::new(std::io::Cursor::new(Vec::new()));
        for (name, mode, content) in files {
            if *mode == LINK {
                writer.add_symlink(*name, *content, SimpleFileOptions::default()).unwrap();
                continue;
            }
            writer.start_file(*name, SimpleFileOptions::default().unix_permissions(*mode)).unwrap();
            writer.write_all(content.as_bytes()).unwrap();
        }
        let specification = Specification {
            deployment_id: format!("d-{}", self.deployments),
            installed: None,
            application_name: "shop".into(),
            group_name: "prod".into(),
            group_id: "g-1".into(),
            bundle_type: BundleType::Zip,
            file_exists: FileExists::Disallow,
            of_directory: false,
            source: None,
            appspec: appspec::FILE_NAME.to_owned(),
            bundle_variables: BTreeMap::from([("BUNDLE_BUCKET".to_owned(), "releases".to_owned())]),
        };
        Deployment { world: self, bundle: writer.finish().unwrap().into_inner(), specification }
    }

    fn path(&self, path: &str) -> PathBuf {
        self.host.root.join(path.trim_start_matches('/'))
    }

    fn read(&self, path: &str) -> String {
        fs::read_to_string(self.path(path)).unwrap()
    }
}

struct Deployment<'a> {
    world: &'a World,
    bundle: Vec<u8>,
    specification: Specification,
}

impl Deployment<'_> {
    fn event(&self, event: EventName) -> Diagnostics {
        let fetch = |path: &Path| fs::write(path, &self.bundle).map_err(|error| error.to_string());
        run_event(&self.world.host, &self.specification, &event, &fetch)
    }

    /// The events up to the first that fails, which is returned.
    fn all(&self) -> (Option<EventName>, Diagnostics) {
        for event in EventName::IN_PLACE {
            let diagnostics = self.event(event.clone());
            if diagnostics.error_code != LifecycleErrorCode::Success {
                return (Some(event.clone()), diagnostics);
            }
        }
        (None, Diagnostics::success())
    }

    fn after_install(&self) -> Diagnostics {
        assert_eq!(self.event(EventName::DownloadBundle), Diagnostics::success());
        self.event(EventName::AfterInstall)
    }
}

fn hook(event: &str, location: &str) -> String {
    format!("version: 0.0\nos: linux\nhooks:\n  {event}:\n    - location: {location}\n      timeout: 60\n")
}

/// Of a script that never ends by itself: time enough for what it does before on a busy machine.
fn brief_hook() -> String {
    hook("AfterInstall", "a.sh").replace("timeout: 60", "timeout: 3")
}

const TOUCH: &str = "#!/bin/sh\ntouch \"$CDCTL_HOST_ROOT/ran\"\n";
const SITE: &str = "version: 0.0\nos: linux\nfiles:\n  - source: site\n    destination: /srv/site\n";

#[test]
fn a_revision_is_installed_and_the_next_one_replaces_it() {
    let mut world = World::new();
    let first = world.deployment(&[
        ("appspec.yml", 0o644, SITE),
        ("site/a.txt", 0o640, "1"),
        ("site/old/b", 0o755, "1"),
    ]);
    assert_eq!(first.all().0, None);
    assert_eq!(world.read("/srv/site/a.txt"), "1");
    assert_eq!(world.path("/srv/site/old/b").metadata().unwrap().permissions().mode() & 0o777, 0o755);
    fs::write(world.path("/srv/site/not-ours"), "kept").unwrap();

    let second = world.deployment(&[("appspec.yml", 0o644, SITE), ("site/a.txt", 0o644, "2")]);
    assert_eq!(second.all().0, None);
    assert_eq!(world.read("/srv/site/a.txt"), "2");
    assert!(!world.path("/srv/site/old").exists());
    assert_eq!(world.read("/srv/site/not-ours"), "kept");
    let record = world.guard.path().join("agent/deployment-instructions/g-1_last_successful_install");
    assert!(fs::read_to_string(record).unwrap().ends_with("/agent/g-1/d-2"));
}

#[test]
fn application_stop_runs_the_last_installed_revisions_script() {
    let mut world = World::new();
    let script = |text: &str| format!("#!/bin/sh\necho {text} > \"$CDCTL_HOST_ROOT/stopped\"\n");
    let (one, two) = (script("one"), script("two"));
    let appspec = hook("ApplicationStop", "stop.sh");
    let first = world.deployment(&[("appspec.yml", 0o644, &appspec), ("stop.sh", 0o755, &one)]);
    assert_eq!(first.all().0, None);
    assert!(!world.path("/stopped").exists());
    let second = world.deployment(&[("appspec.yml", 0o644, &appspec), ("stop.sh", 0o755, &two)]);
    assert_eq!(second.event(EventName::ApplicationStop), Diagnostics::success());
    assert_eq!(world.read("/stopped"), "one\n");
    // The log is that of the deployment whose event it is.
    let log =
        |id: &str| fs::read_to_string(world.guard.path().join(format!("agent/g-1/{id}/logs/scripts.log")));
    assert_eq!(["d-1", "d-2"].map(|id| log(id).unwrap().contains(" Script - stop.sh\n")), [false, true]);
}

#[test]
fn files_that_exist() {
    let files: Files<'_> = &[("appspec.yml", 0o644, SITE), ("site/a", 0o644, "new")];
    for (behavior, expected) in [(FileExists::Overwrite, "new"), (FileExists::Retain, "old")] {
        let mut world = World::new();
        fs::create_dir_all(world.path("/srv/site")).unwrap();
        fs::write(world.path("/srv/site/a"), "old").unwrap();
        let mut deployment = world.deployment(files);
        assert_eq!(
            deployment.all().1.message,
            "The deployment failed because a specified file already exists at this location: /srv/site/a"
        );
        deployment.specification.file_exists = behavior;
        assert_eq!(deployment.all().0, None);
        assert_eq!(world.read("/srv/site/a"), expected);
    }
}

#[test]
fn permissions_are_set_on_what_was_installed() {
    let mut world = World::new();
    let appspec = format!(
        "{SITE}permissions:\n  - object: /srv/site\n    pattern: '*.sh'\n    mode: '750'\n    type: [file]\n    owner: nobody-here\n"
    );
    let deployment = world.deployment(&[
        ("appspec.yml", 0o644, &appspec),
        ("site/a.sh", 0o644, ""),
        ("site/b.txt", 0o644, ""),
    ]);
    assert_eq!(deployment.all().0, None);
    let mode = |path: &str| world.path(path).metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!((mode("/srv/site/a.sh"), mode("/srv/site/b.txt")), (0o750, 0o644));
    let log = fs::read_to_string(world.guard.path().join("agent/g-1/d-1/logs/scripts.log")).unwrap();
    assert!(log.contains("owner and group of /srv/site/a.sh are not set"), "{log}");
}

#[test]
fn permissions_for_too_much_are_refused() {
    let mut world = World::new();
    let names: Vec<String> = (0..600).map(|n| format!("site/{n}")).collect();
    let with = |count: usize| {
        let permissions = "  - {object: /srv/site, pattern: 'x*', except: [y], mode: '750'}\n".repeat(count);
        format!("{SITE}permissions:\n{permissions}")
    };
    for (count, event) in [(40, None), (50, Some(EventName::Install))] {
        let appspec = with(count);
        let files = names.iter().map(|name| (name.as_str(), 0o644, ""));
        let files: Vec<_> = [("appspec.yml", 0o644, appspec.as_str())].into_iter().chain(files).collect();
        let (failed, diagnostics) = world.deployment(&files).all();
        assert_eq!(failed, event, "{diagnostics:?}");
    }
}

/// Agent 1 hands the path to a shell.
#[test]
fn a_missing_or_bad_appspec() {
    let mut world = World::new();
    let (event, diagnostics) = world.deployment(&[("readme", 0o644, "")]).all();
    assert_eq!(event, Some(EventName::BeforeInstall));
    assert!(diagnostics.message.starts_with("The CodeDeploy agent did not find an AppSpec file within"));
    let (event, diagnostics) = world.deployment(&[("appspec.yml", 0o644, "version: 1.0\nos: linux\n")]).all();
    assert_eq!(event, Some(EventName::BeforeInstall));
    assert!(diagnostics.message.contains("an invalid version value (1.0)"), "{diagnostics:?}");
}

#[test]
fn a_failed_fetch_is_an_unknown_error() {
    let mut world = World::new();
    let deployment = world.deployment(&[]);
    let fetch = |_: &Path| Err("NoSuchKey: The specified key does not exist.".to_owned());
    let diagnostics =
        run_event(&deployment.world.host, &deployment.specification, &EventName::DownloadBundle, &fetch);
    assert_eq!(diagnostics.error_code, LifecycleErrorCode::UnknownError);
    assert_eq!(diagnostics.message, "NoSuchKey: The specified key does not exist.");
}

#[test]
fn ids_that_are_no_names_are_refused() {
    let mut world = World::new();
    let mut deployment = world.deployment(&[]);
    deployment.specification.group_id = "../x".into();
    assert_eq!(deployment.event(EventName::DownloadBundle).error_code, LifecycleErrorCode::UnknownError);
}

#[test]
fn the_sample_site_deploys_and_redeploys() {
    use crate::revision::{Source, check, pack};

    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/site");
    assert_eq!(
        check(&Source::of(&sample).unwrap(), crate::appspec::Scope::default(), &Default::default())
            .unwrap()
            .findings,
        []
    );
    let mut world = World::new();
    let bundle = world.guard.path().join("site.zip");
    pack(&sample, &bundle, &BundleType::Zip, &Default::default(), &mut |_, _| {}).unwrap();
    for deployment_id in ["d-1", "d-2"] {
        let mut deployment = world.deployment(&[]);
        deployment.bundle = fs::read(&bundle).unwrap();
        assert_eq!(deployment.all(), (None, Diagnostics::success()));
        assert_eq!(world.read("/run/site/running").trim_end(), deployment_id);
        assert!(world.read("/srv/current/release.txt").contains("host web-1\n"));
    }
    let log = fs::read_to_string(world.guard.path().join("agent/g-1/d-2/logs/scripts.log")).unwrap();
    assert!(
        log.contains(" LifecycleEvent - ApplicationStop\n") && log.contains(" [stdout]stopped\n"),
        "{log}"
    );
    assert_eq!(world.read("/var/log/site/site.log").lines().count(), 2);
}

#[test]
fn a_host_keeps_as_many_revisions_as_it_shall_and_the_last_successful_one() {
    for limit in [1, 5] {
        let mut world = World::new();
        world.host.max_revisions = limit;
        for number in 1..=7 {
            let deployment = world.deployment(&[("appspec.yml", 0o644, "version: 0.0\nos: linux\n")]);
            assert_eq!(deployment.event(EventName::DownloadBundle), Diagnostics::success());
            if number == 2 {
                assert_eq!(deployment.event(EventName::Install), Diagnostics::success());
            }
        }
        let kept = fs::read_dir(world.guard.path().join("agent/g-1")).unwrap();
        let mut kept: Vec<_> = kept.map(|entry| entry.unwrap().file_name()).collect();
        kept.sort();
        let expected: &[&str] =
            if limit == 1 { &["d-2", "d-7"] } else { &["d-2", "d-4", "d-5", "d-6", "d-7"] };
        assert_eq!(kept, expected);
    }
}

#[test]
fn room_is_made_before_a_download_and_by_one_that_fails_too() {
    let mut world = World::new();
    world.host.max_revisions = 3;
    let group = world.guard.path().join("agent/g-1");
    let kept = || {
        let entries = fs::read_dir(&group).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    };
    let appspec = ("appspec.yml", 0o644, "version: 0.0\nos: linux\n");
    assert_eq!(world.deployment(&[appspec]).all().0, None);
    for _ in 2..=7 {
        let deployment = world.deployment(&[]);
        let fetch = |_: &Path| Err(format!("{} of 3", kept().len()));
        let diagnostics =
            run_event(&deployment.world.host, &deployment.specification, &EventName::DownloadBundle, &fetch);
        assert!(["2 of 3", "3 of 3"].contains(&diagnostics.message.as_str()), "{diagnostics:?}");
    }
    assert_eq!(kept(), ["d-1", "d-6", "d-7"]);
}

#[test]
fn what_is_no_revision_is_not_dropped_with_the_old_ones() {
    let mut world = World::new();
    world.host.max_revisions = 1;
    let group = world.guard.path().join("agent/g-1");
    fs::create_dir_all(group.join("notes")).unwrap();
    for _ in 0..3 {
        let deployment = world.deployment(&[("appspec.yml", 0o644, "version: 0.0\nos: linux\n")]);
        assert_eq!(deployment.event(EventName::DownloadBundle), Diagnostics::success());
    }
    assert!(group.join("notes").exists() && !group.join("d-1").exists());
}
