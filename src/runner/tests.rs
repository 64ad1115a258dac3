//! Whole deployments on a host of its own, as the agent runs them.

mod hosts;
mod isolated;
mod previews;

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
fn hooks_see_a_clean_environment_and_start_in_the_root() {
    let mut world = World::new();
    let script = "#!/bin/sh\npwd > \"$CDCTL_HOST_ROOT/pwd\"\nenv | sort > \"$CDCTL_HOST_ROOT/env\"\n";
    let deployment = world
        .deployment(&[("appspec.yml", 0o644, &hook("AfterInstall", "env.sh")), ("env.sh", 0o644, script)]);
    assert_eq!(deployment.after_install(), Diagnostics::success());
    let root = world.host.root.canonicalize().unwrap();
    assert_eq!(world.read("/pwd").trim_end(), root.to_str().unwrap());
    let environment = world.read("/env");
    let names: Vec<&str> = environment.lines().filter_map(|line| line.split('=').next()).collect();
    let expected = [
        "APPLICATION_NAME",
        "BUNDLE_BUCKET",
        "CDCTL_HOST_ID",
        "CDCTL_HOST_ROOT",
        "DEPLOYMENT_GROUP_ID",
        "DEPLOYMENT_GROUP_NAME",
        "DEPLOYMENT_ID",
        "HOME",
        "LANG",
        "LIFECYCLE_EVENT",
        "PATH",
        "PWD",
        "TMPDIR",
    ];
    let shells_own = ["OLDPWD", "SHLVL", "_"];
    assert_eq!(names.iter().filter(|name| !shells_own.contains(name)).copied().collect::<Vec<_>>(), expected);
    assert!(environment.contains("LIFECYCLE_EVENT=AfterInstall\n"));
}

#[test]
fn a_failing_script_is_reported_in_the_agents_words() {
    let mut world = World::new();
    let script = "echo out; echo oops >&2; exit 3";
    let deployment =
        world.deployment(&[("appspec.yml", 0o644, &hook("AfterInstall", "a.sh")), ("a.sh", 0o755, script)]);
    let diagnostics = deployment.after_install();
    assert_eq!(diagnostics.error_code, LifecycleErrorCode::ScriptFailed);
    assert_eq!(diagnostics.script_name, "a.sh");
    assert_eq!(diagnostics.message, "Script at specified location: a.sh failed with exit code 3");
    assert!(diagnostics.log_tail.starts_with("LifecycleEvent - AfterInstall\nScript - a.sh\n"));
    assert!(
        diagnostics.log_tail.contains("[stdout]out\n") && diagnostics.log_tail.contains("[stderr]oops\n")
    );
    let log = |path: &str| fs::read_to_string(world.guard.path().join("agent").join(path)).unwrap();
    assert!(log("g-1/d-1/logs/scripts.log").contains(" [stderr]oops\n"));
    let all = log("deployment-logs/codedeploy-agent-deployments.log");
    assert!(all.contains("] [d-1]Script - a.sh\n[") && all.contains("] [d-1][stderr]oops\n"), "{all}");
}

#[test]
fn scripts_that_cannot_be_run() {
    let cases: &[(&str, u32, &str, LifecycleErrorCode, &str)] = &[
        (
            "other.sh",
            0o755,
            "exit 0",
            LifecycleErrorCode::ScriptMissing,
            "Script does not exist at specified location: ",
        ),
        (
            "a.sh",
            0o755,
            "#!/bin/sh\r\nexit 0\r\n",
            LifecycleErrorCode::ScriptFailed,
            "failed with error Errno::ENOENT with message No such file or directory",
        ),
        (
            ".",
            0o755,
            "exit 0",
            LifecycleErrorCode::ScriptFailed,
            "failed with error Errno::EACCES with message Permission denied",
        ),
        ("a.sh", 0o755, "kill -9 $$", LifecycleErrorCode::ScriptFailed, "failed with exit code "),
    ];
    for (location, mode, script, code, message) in cases {
        let mut world = World::new();
        let deployment = world
            .deployment(&[("appspec.yml", 0o644, &hook("AfterInstall", location)), ("a.sh", *mode, script)]);
        let diagnostics = deployment.after_install();
        assert_eq!(&diagnostics.error_code, code, "{diagnostics:?}");
        assert!(diagnostics.message.contains(message), "{diagnostics:?}");
    }
}

#[test]
fn a_script_outside_the_bundle_is_missing() {
    let mut world = World::new();
    fs::write(world.guard.path().join("evil.sh"), "touch \"$CDCTL_HOST_ROOT/evil\"").unwrap();
    for location in ["../../../../evil.sh", "/etc/hostname"] {
        let deployment = world.deployment(&[("appspec.yml", 0o644, &hook("AfterInstall", location))]);
        assert_eq!(deployment.after_install().error_code, LifecycleErrorCode::ScriptMissing, "{location}");
    }
    assert!(!world.path("/evil").exists());
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
fn install_stays_below_the_root() {
    let mut world = World::new();
    let outside = world.guard.path().join("outside");
    fs::create_dir(&outside).unwrap();
    fs::create_dir_all(world.path("/srv")).unwrap();
    symlink(&outside, world.path("/srv/site")).unwrap();
    let deployment = world.deployment(&[("appspec.yml", 0o644, SITE), ("site/a", 0o644, "x")]);
    let _ = deployment.all();
    assert_eq!(fs::read_dir(&outside).unwrap().count(), 0);
    let up = SITE.replace("/srv/site", "/../../../up");
    let deployment = world.deployment(&[("appspec.yml", 0o644, &up), ("site/a", 0o644, "x")]);
    assert_eq!(deployment.all().0, None);
    assert_eq!(world.read("/up/a"), "x");
}

/// The agents copy what is there; here it may be what is installed, which would be copied over itself.
#[test]
fn a_link_out_of_the_bundle_stays_one_and_is_noted() {
    let mut world = World::new();
    fs::create_dir_all(world.path("/srv/site/shared")).unwrap();
    fs::write(world.path("/srv/site/shared/precious"), "kept").unwrap();
    let files = [
        ("appspec.yml", 0o644, SITE),
        ("site/in", LINK, "a"),
        ("site/a", 0o644, "x"),
        ("site/linked", LINK, "/srv/site/shared"),
        ("site/none", LINK, "/etc/none"),
        ("site/up", LINK, "../../../d-1"),
    ];
    let mut deployment = world.deployment(&files);
    deployment.specification.file_exists = FileExists::Overwrite;
    assert_eq!(deployment.all(), (None, Diagnostics::success()));
    assert_eq!(world.read("/srv/site/shared/precious"), "kept");
    for (name, target) in [("linked", "/srv/site/shared"), ("none", "/etc/none"), ("up", "../../../d-1")] {
        assert_eq!(fs::read_link(world.path("/srv/site").join(name)).unwrap(), Path::new(target));
    }
    let log = fs::read_to_string(world.guard.path().join("agent/g-1/d-1/logs/scripts.log")).unwrap();
    let noted = |name: &str| log.contains(&format!("[note]/srv/site/{name} is a link out of the bundle"));
    assert_eq!(["in", "linked", "none", "up"].map(noted), [false, true, true, true], "{log}");
}

#[test]
fn links_that_lead_to_each_other_end() {
    let mut world = World::new();
    // One: as far as the system follows it, as with the agent.
    let one = [("appspec.yml", 0o644, SITE), ("site/a", 0o644, "x"), ("site/up", LINK, ".")];
    assert_eq!(world.deployment(&one).all().0, None);
    assert_eq!(world.read("/srv/site/up/up/up/a"), "x");
    // Each of these leads to the next one twice: no circle, and yet 131,072 files.
    let mut world = World::new();
    let links: Vec<_> = (0..17)
        .flat_map(|n| ["a", "b"].map(|name| (format!("site/l{n}/{name}"), format!("../l{}", n + 1))))
        .collect();
    let links = links.iter().map(|(name, target)| (name.as_str(), LINK, target.as_str()));
    let files: Vec<_> =
        [("appspec.yml", 0o644, SITE), ("site/l17/f", 0o644, "x")].into_iter().chain(links).collect();
    let (event, diagnostics) = world.deployment(&files).all();
    assert_eq!(event, Some(EventName::Install));
    assert_eq!(diagnostics.message, "The bundle installs more than 50000 files and directories.");
    assert!(!world.path("/srv").exists());
}

/// To the system `missing/..` is not there, whatever is here: such a link dangles, and is installed as the link that it is.
#[test]
fn links_through_what_is_not_there_are_no_directories() {
    let mut world = World::new();
    let files = [
        ("appspec.yml", 0o644, SITE),
        ("site/a", LINK, "b"),
        ("site/b", LINK, "missing/.."),
        ("site/c", LINK, "f/.."),
        ("site/d", LINK, "f/"),
        ("site/f", 0o644, "x"),
    ];
    assert_eq!(world.deployment(&files).all().0, None);
    for (name, target) in [("a", "b"), ("b", "missing/.."), ("c", "f/.."), ("d", "f/")] {
        let installed = world.path("/srv/site").join(name);
        assert_eq!(fs::read_link(installed).unwrap(), Path::new(target));
    }
}

#[test]
fn what_is_named_as_a_directory_and_is_none_is_not_there() {
    let mut world = World::new();
    for (source, is_there) in
        [("a", true), ("sub/", true), ("a/", false), ("a/.", false), ("a/../a", false), ("none/../a", false)]
    {
        let appspec = SITE.replace("source: site", &format!("source: {source}"));
        let files = [("appspec.yml", 0o644, appspec.as_str()), ("a", 0o644, "x"), ("sub/b", 0o644, "x")];
        let deployment = world.deployment(&files);
        let (event, diagnostics) = deployment.all();
        assert_eq!(event, (!is_there).then_some(EventName::Install), "{source}: {diagnostics:?}");
        assert!(is_there || diagnostics.message.contains(" @ rb_sysopen - "), "{source}: {diagnostics:?}");
    }
    for location in ["a.sh/", "a.sh/.", "none/../a.sh", "a.sh/../a.sh"] {
        let appspec = hook("AfterInstall", location);
        let files = [("appspec.yml", 0o644, appspec.as_str()), ("a.sh", 0o755, "#!/bin/sh\n")];
        let diagnostics = world.deployment(&files).after_install();
        assert_eq!(diagnostics.error_code, LifecycleErrorCode::ScriptMissing, "{location}");
    }
}

/// As deep as the system lets a path be, and no deeper than a thread has room for.
#[test]
fn a_link_up_a_deep_directory_ends_where_no_path_is_longer() {
    let mut world = World::new();
    let (deep, up) = ("deep/".repeat(110), "../".repeat(110));
    let link = format!("site/{deep}up");
    let (event, diagnostics) = world.deployment(&[("appspec.yml", 0o644, SITE), (&link, LINK, &up)]).all();
    assert_eq!(event, Some(EventName::Install));
    assert!(
        diagnostics.message.starts_with("File name too long @ dir_s_mkdir - /srv/site/deep/deep/"),
        "{diagnostics:?}"
    );
    assert!(!world.path("/srv").exists());
}

#[test]
fn a_source_outside_the_bundle_is_not_read() {
    let mut world = World::new();
    fs::write(world.guard.path().join("secret"), "s").unwrap();
    let appspec = SITE.replace("source: site", "source: ../../../../secret");
    let deployment = world.deployment(&[("appspec.yml", 0o644, &appspec)]);
    let (event, diagnostics) = deployment.all();
    assert_eq!(event, Some(EventName::Install));
    assert!(diagnostics.message.starts_with("No such file or directory @ rb_sysopen - "), "{diagnostics:?}");
    assert!(!world.path("/srv/site/secret").exists());
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
fn a_location_with_a_shells_characters_is_no_program() {
    let mut world = World::new();
    let appspec = "version: 0.0\nos: linux\nhooks:\n  AfterInstall:\n    - location: a&b.sh\n";
    let files = [("appspec.yml", 0o644, appspec), ("a&b.sh", 0o755, "#!/bin/sh\n")];
    let deployment = world.deployment(&files);
    let diagnostics = deployment.after_install();
    assert_eq!(diagnostics.error_code, LifecycleErrorCode::ScriptFailed);
    assert!(diagnostics.message.ends_with("a&b.sh failed with exit code 127"), "{diagnostics:?}");
    let (specification, event) = (&deployment.specification, &EventName::AfterInstall);
    let order = Order { specification, event, agent: Agent::Two, listener: None };
    let fetch = |_: &Path| Ok(());
    assert_eq!(run(&deployment.world.host, &order, &fetch).0, Diagnostics::success());
}

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
fn endless_output_without_a_line_feed_does_not_grow() {
    let mut world = World::new();
    let script = "#!/bin/sh\nhead -c 3000000 /dev/zero | tr '\\0' x\nexit 1\n";
    let deployment =
        world.deployment(&[("appspec.yml", 0o644, &hook("AfterInstall", "a.sh")), ("a.sh", 0o755, script)]);
    let diagnostics = deployment.after_install();
    assert_eq!(diagnostics.error_code, LifecycleErrorCode::ScriptFailed);
    assert!(diagnostics.log_tail.len() < 2048);
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

#[test]
fn a_script_that_cannot_be_started_is_told_in_each_agents_words() {
    for isolation in [Isolation::None, Isolation::Bubblewrap] {
        if isolation == Isolation::Bubblewrap && !isolates() {
            continue;
        }
        let cases: &[(&str, u32, &str, LifecycleErrorCode, &str, &str)] = &[
            (
                "a.sh",
                0o755,
                "#!/usr/bin/nonexist\n",
                LifecycleErrorCode::ScriptFailed,
                "failed with error Errno::ENOENT with message No such file or directory - /",
                "failed with error No such file or directory (os error 2)",
            ),
            (
                "a.sh",
                0o755,
                "#!/bin/sh\r\nexit 0\r\n",
                LifecycleErrorCode::ScriptFailed,
                "failed with error Errno::ENOENT with message No such file or directory - /",
                "failed with error No such file or directory (os error 2)",
            ),
            (
                ".",
                0o755,
                "",
                LifecycleErrorCode::ScriptFailed,
                "failed with error Errno::EACCES with message Permission denied - /",
                "failed with error Permission denied (os error 13)",
            ),
            (
                "b.sh",
                LINK,
                "/nowhere/program",
                LifecycleErrorCode::ScriptMissing,
                "Script does not exist at specified location: /",
                "Script does not exist at specified location: /",
            ),
            (
                "b.sh",
                LINK,
                "nowhere",
                LifecycleErrorCode::ScriptMissing,
                "Script does not exist at specified location: /",
                "Script does not exist at specified location: /",
            ),
            // Its own codes are its own.
            (
                "a.sh",
                0o755,
                "echo no >&2; exit 127",
                LifecycleErrorCode::ScriptFailed,
                "failed with exit code 127",
                "failed with exit code 127",
            ),
            (
                "a.sh",
                0o755,
                "#! /bin/sh -e\nexit 126",
                LifecycleErrorCode::ScriptFailed,
                "failed with exit code 126",
                "failed with exit code 126",
            ),
        ];
        for (location, mode, content, code, ruby, rust) in cases {
            for (agent, message) in [(Agent::One, ruby), (Agent::Two, rust)] {
                let mut world = World::new();
                world.host.hooks = policy(isolation, true);
                let name = if *location == "." { "a.sh" } else { location };
                let deployment = world.deployment(&[
                    ("appspec.yml", 0o644, &hook("AfterInstall", location)),
                    (name, *mode, content),
                ]);
                assert_eq!(deployment.event(EventName::DownloadBundle), Diagnostics::success());
                let (specification, event) = (&deployment.specification, &EventName::AfterInstall);
                let order = Order { specification, event, agent, listener: None };
                let (diagnostics, _) = run(&deployment.world.host, &order, &|_: &Path| Ok(()));
                assert_eq!(&diagnostics.error_code, code, "{isolation:?} {diagnostics:?}");
                assert!(diagnostics.message.contains(message), "{isolation:?} {diagnostics:?}");
            }
        }
    }
}

#[test]
fn a_link_to_a_program_of_the_host_is_run() {
    for isolation in [Isolation::None, Isolation::Bubblewrap] {
        if isolation == Isolation::Bubblewrap && !isolates() {
            continue;
        }
        let mut world = World::new();
        world.host.hooks = policy(isolation, true);
        let deployment = world.deployment(&[
            ("appspec.yml", 0o644, &hook("AfterInstall", "a.sh")),
            ("a.sh", LINK, "/bin/false"),
        ]);
        let diagnostics = deployment.after_install();
        assert_eq!(diagnostics.message, "Script at specified location: a.sh failed with exit code 1");
    }
}

#[test]
fn a_missing_sudo_is_not_a_missing_script() {
    let mut world = World::new();
    world.host.real = true;
    let empty = world.guard.path().to_str().unwrap().to_owned();
    world.host.variables.insert("PATH".to_owned(), empty);
    let appspec = hook("AfterInstall", "a.sh") + "      sudo: true\n";
    let deployment = world.deployment(&[("appspec.yml", 0o644, &appspec), ("a.sh", 0o755, "exit 0")]);
    assert_eq!(
        deployment.after_install().message,
        "Script at specified location: a.sh failed with error Errno::ENOENT with message No such file or directory - sudo"
    );
}

#[test]
fn an_appspec_outside_the_revision_is_none() {
    let mut world = World::new();
    world.host.hooks = policy(Isolation::None, false);
    // Harmless when it is looked at first; what Install puts there would not be.
    fs::create_dir_all(world.path("/srv")).unwrap();
    fs::write(world.path("/srv/spec"), "version: 0.0\nos: linux\n").unwrap();
    let deployment =
        world.deployment(&[("appspec.yml", LINK, "../../../../host/srv/spec"), ("a.sh", 0o755, TOUCH)]);
    let (event, diagnostics) = deployment.all();
    assert_eq!(event, Some(EventName::DownloadBundle));
    assert!(diagnostics.message.starts_with("The CodeDeploy agent did not find an AppSpec file within"));

    let within = world.deployment(&[("appspec.yml", LINK, "specs/a.yml"), ("specs/a.yml", 0o644, SITE)]);
    assert_eq!(within.event(EventName::DownloadBundle), Diagnostics::success());
    assert_eq!(within.event(EventName::BeforeInstall), Diagnostics::success());
}
