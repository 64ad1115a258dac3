//! `revision run`: what the agent's own acceptance features ask of a local deployment.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::support::cdctl::{Machine, Run};

/// A bundle whose every hook leaves a line in `trace` below the root.
struct Local {
    machine: Machine,
}

const HOOKS: &[&str] = &[
    "BeforeBlockTraffic",
    "AfterBlockTraffic",
    "ApplicationStop",
    "BeforeInstall",
    "AfterInstall",
    "ApplicationStart",
    "ValidateService",
    "BeforeAllowTraffic",
    "AfterAllowTraffic",
];

impl Local {
    fn new(revision: &str) -> Self {
        let local = Local { machine: Machine::new() };
        local.write(revision, HOOKS);
        local
    }

    fn site(&self) -> PathBuf {
        self.machine.home().join("site")
    }

    fn root(&self) -> PathBuf {
        self.machine.home().join("host")
    }

    fn write(&self, revision: &str, hooks: &[&str]) {
        let site = self.site();
        fs::create_dir_all(site.join("scripts")).unwrap();
        let mut appspec =
            "version: 0.0\nos: linux\nfiles:\n  - source: page.html\n    destination: /srv/www\nhooks:\n"
                .to_owned();
        for hook in hooks {
            appspec.push_str(&format!("  {hook}:\n    - location: scripts/trace.sh\n"));
        }
        fs::write(site.join("appspec.yml"), appspec).unwrap();
        fs::write(site.join("page.html"), revision).unwrap();
        let script = format!(
            "#!/bin/sh\necho \"{revision} $LIFECYCLE_EVENT $DEPLOYMENT_GROUP_NAME\"\necho \"{revision} $LIFECYCLE_EVENT\" >>\"$CDCTL_HOST_ROOT/trace\"\n"
        );
        fs::write(site.join("scripts/trace.sh"), script).unwrap();
        fs::set_permissions(site.join("scripts/trace.sh"), fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// Runs a bundle below the root.
    fn run(&self, path: &Path, arguments: &[&str]) -> Run {
        let (path, root) = (path.to_str().unwrap().to_owned(), self.root().to_str().unwrap().to_owned());
        let mut line = vec!["revision", "run", path.as_str(), "--root", root.as_str()];
        line.extend(arguments);
        self.machine.cdctl(line).holds_no_escape()
    }

    fn page(&self) -> String {
        fs::read_to_string(self.root().join("srv/www/page.html")).unwrap()
    }

    /// The lines that the hooks left, since the last look.
    fn trace(&self) -> Vec<String> {
        let file = self.root().join("trace");
        let lines = fs::read_to_string(&file).unwrap_or_default().lines().map(str::to_owned).collect();
        let _ = fs::remove_file(file);
        lines
    }
}

#[test]
fn the_events_come_in_order_and_the_stopping_ones_run_the_revision_before() {
    let local = Local::new("one");
    let run = local.run(&local.site(), &[]).ends_with(0);
    run.says("[stdout]one AfterInstall LocalFleet").complains("Succeeded");
    assert_eq!(local.page(), "one");
    let first: Vec<String> = HOOKS[3..].iter().map(|hook| format!("one {hook}")).collect();
    assert_eq!(local.trace(), first);
    local.write("two", HOOKS);
    local.run(&local.site(), &[]).ends_with(0);
    assert_eq!(local.page(), "two");
    let before = HOOKS[..3].iter().map(|hook| format!("one {hook}"));
    let after = HOOKS[3..].iter().map(|hook| format!("two {hook}"));
    assert_eq!(local.trace(), before.chain(after).collect::<Vec<_>>());
}

#[test]
fn archives_of_every_type_are_deployed() {
    for kind in ["zip", "tar", "tgz"] {
        let local = Local::new(kind);
        let file = local.machine.home().join(format!("bundle.{kind}"));
        let line =
            format!("revision bundle {} --type {kind} --file {}", local.site().display(), file.display());
        local.machine.run(&line).ends_with(0);
        local.run(&file, &["-t", kind]).ends_with(0);
        assert_eq!(local.page(), kind);
    }
}

#[test]
fn chosen_and_custom_events_run_after_download_and_install() {
    let local = Local::new("one");
    local.run(&local.site(), &["-e", "ValidateService,AfterInstall"]).ends_with(0);
    assert_eq!(local.trace(), ["one ValidateService", "one AfterInstall"]);
    local.write("two", &["Smoke"]);
    local.run(&local.site(), &[]).ends_with(10).complains("unknown events: Smoke");
    assert_eq!(local.page(), "one");
    local.run(&local.site(), &["-e", "Smoke"]).ends_with(0);
    assert_eq!((local.page().as_str(), local.trace()), ("two", vec!["two Smoke".to_owned()]));
    local.run(&local.site(), &["-e", "Install,DownloadBundle"]).ends_with(2);
}

#[test]
fn files_that_are_there_already_are_refused_overwritten_or_kept() {
    let local = Local::new("new");
    fs::create_dir_all(local.root().join("srv/www")).unwrap();
    let there = local.root().join("srv/www/page.html");
    fs::write(&there, "old").unwrap();
    local.run(&local.site(), &[]).ends_with(3).says("already exists at this location: /srv/www/page.html");
    assert_eq!(local.page(), "old");
    local.run(&local.site(), &["-b", "RETAIN"]).ends_with(0);
    assert_eq!(local.page(), "old");
    local.run(&local.site(), &["--file-exists-behavior", "OVERWRITE"]).ends_with(0);
    assert_eq!(local.page(), "new");
}

#[test]
fn without_an_appspec_nothing_runs() {
    let local = Local::new("one");
    fs::remove_file(local.site().join("appspec.yml")).unwrap();
    local.run(&local.site(), &[]).ends_with(10).complains("has no appspec.yml");
    assert!(!local.root().join("srv").exists());
}

#[test]
fn a_failed_script_ends_it_and_machines_are_told() {
    let local = Local::new("one");
    fs::write(local.site().join("scripts/trace.sh"), "#!/bin/sh\necho broken >&2\nexit 7\n").unwrap();
    let run = local.run(&local.site(), &["-o", "json"]).ends_with(3);
    let json: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(json["status"], "Failed");
    let last = json["lifecycleEvents"].as_array().unwrap().last().unwrap();
    assert_eq!(last["lifecycleEventName"], "BeforeInstall");
    assert_eq!(last["diagnostics"]["errorCode"], "ScriptFailed");
    assert!(last["diagnostics"]["logTail"].as_str().unwrap().contains("[stderr]broken"));
    let lines = local.run(&local.site(), &["-o", "ndjson"]).ends_with(3).stdout;
    assert!(lines.lines().all(|line| serde_json::from_str::<Value>(line).is_ok()));
    local.run(&local.site(), &[]).ends_with(3).says("exit code 7").says("AfterInstall        Skipped");
}

#[test]
fn a_dry_run_shows_each_step_and_does_nothing() {
    let local = Local::new("one");
    local
        .run(&local.site(), &["--dry-run"])
        .ends_with(0)
        .says("page.html -> /srv/www/page.html")
        .says("scripts/trace.sh");
    assert!(!local.root().exists());
}
