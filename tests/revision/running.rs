//! `revision run`: what the agent's own acceptance features ask of a local deployment.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use aws_sdk_s3::types::{BucketVersioningStatus, VersioningConfiguration};
use serde_json::{Value, json};

use crate::support::cdctl::{CDCTL, Machine, Run};
use crate::support::client::s3;
use crate::support::stage::Stage;

/// A bundle whose every hook leaves a line in `trace` below the root.
pub struct Local {
    pub machine: Machine,
}

pub const HOOKS: &[&str] = &[
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
    pub fn new(revision: &str) -> Self {
        let local = Local { machine: Machine::new() };
        local.write(revision, HOOKS);
        local
    }

    pub fn site(&self) -> PathBuf {
        self.machine.home().join("site")
    }

    pub fn root(&self) -> PathBuf {
        self.machine.home().join("host")
    }

    pub fn write(&self, revision: &str, hooks: &[&str]) {
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
    pub fn run(&self, path: &Path, arguments: &[&str]) -> Run {
        let (path, root) = (path.to_str().unwrap().to_owned(), self.root().to_str().unwrap().to_owned());
        let mut line = vec!["revision", "run", path.as_str(), "--root", root.as_str()];
        line.extend(arguments);
        self.machine.cdctl(line).holds_no_escape()
    }

    pub fn page(&self) -> String {
        fs::read_to_string(self.root().join("srv/www/page.html")).unwrap()
    }

    /// The lines that the hooks left, since the last look.
    pub fn trace(&self) -> Vec<String> {
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
        let bare = local.machine.home().join("artifact.12345");
        fs::copy(&file, &bare).unwrap();
        local.run(&bare, &["-t", kind]).ends_with(0);
        local.run(&bare, &[]).ends_with(1).complains("neither a directory nor a bundle");
        local.run(&bare, &["-t", "directory"]).ends_with(1);
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
    for (early, of) in [
        ("DownloadBundle,ApplicationStart,Install", "ApplicationStart comes before Install"),
        ("AfterInstall,Install", "AfterInstall comes before Install"),
        ("AfterInstall,DownloadBundle,Install", "AfterInstall comes before DownloadBundle"),
        ("Smoke,DownloadBundle,Install", "Smoke comes before DownloadBundle"),
        ("Install,DownloadBundle", "Install comes before DownloadBundle"),
    ] {
        local.run(&local.site(), &["-e", early]).ends_with(2).complains(of);
    }
    assert_eq!(local.trace(), Vec::<String>::new());
    let misspelt = local.run(&local.site(), &["-e", "AfterInstal"]).ends_with(2);
    misspelt.complains("there is no event `AfterInstal`").complains("did you mean AfterInstall?");
    let passed_over = local.run(&local.site(), &["-e", "Nope", "--agent", "2"]).ends_with(0);
    passed_over.complains("'Nope' requested but not defined").complains("(will be skipped)");
}

#[test]
fn nothing_is_written_through_a_link_in_the_root() {
    let local = Local::new("one");
    let outside = local.machine.home().join("outside");
    fs::create_dir_all(&outside).unwrap();
    fs::create_dir_all(local.root().join("opt")).unwrap();
    std::os::unix::fs::symlink(&outside, local.root().join("opt/codedeploy-agent")).unwrap();
    // Isolated scripts do not run below a link.
    let run = local.run(&local.site(), &[]);
    if run.code == 0 {
        run.says("[stdout]one AfterInstall");
    } else {
        run.ends_with(3).says("a link at /opt/codedeploy-agent,");
    }
    assert_eq!(fs::read_dir(&outside).unwrap().count(), 0);
}

#[test]
fn scripts_know_the_names_that_the_flags_give() {
    let local = Local::new("one");
    let script = "#!/bin/sh\necho \"$APPLICATION_NAME/$DEPLOYMENT_GROUP_NAME of $DEPLOYMENT_GROUP_ID\"\n";
    fs::write(local.site().join("scripts/trace.sh"), script).unwrap();
    let short = ["-a", "shop", "-d", "prod", "-g", "group-1"];
    local.run(&local.site(), &short).ends_with(0).says("[stdout]shop/prod of group-1");
    let long = ["--application-name", "shop", "--deployment-group-name", "test"];
    let run = local.run(&local.site(), &[&long[..], &["-b", "OVERWRITE"]].concat()).ends_with(0);
    run.says("[stdout]shop/test of default-local-deployment-group");
}

#[test]
fn a_group_that_names_no_file_is_a_mistake_of_the_command_line() {
    let local = Local::new("one");
    for id in ["../x", ".x", "a/b"] {
        local.run(&local.site(), &["-g", id]).ends_with(2).complains("--deployment-group");
    }
    assert!(!local.root().exists());
}

#[test]
fn an_appspec_may_be_named_by_whatever_leads_to_it() {
    let local = Local::new("one");
    fs::create_dir(local.site().join("conf")).unwrap();
    fs::rename(local.site().join("appspec.yml"), local.site().join("conf/site.yml")).unwrap();
    for name in ["./conf/site.yml", "conf//site.yml", "conf/./site.yml"] {
        local.run(&local.site(), &["--dry-run", "-A", name]).ends_with(0);
    }
    for name in ["", ".", "../site.yml", "/site.yml"] {
        local.run(&local.site(), &["--dry-run", "-A", name]).ends_with(2);
    }
}

#[test]
fn an_appspec_of_another_platform_is_named_as_such() {
    let local = Local::new("one");
    for (platform, name) in [("lambda", "lambda"), ("ecs", "ecs")] {
        let folder = local.machine.home().join(platform);
        let line = format!("revision init {} --platform {platform}", folder.display());
        local.machine.run(&line).ends_with(0);
        let run = local.run(&folder, &[]).ends_with(10);
        run.complains(&format!("is an AppSpec for {name}")).complains("`revision run` is for instances");
    }
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
    let events = json["lifecycleEvents"].as_array().unwrap();
    let failed = events.iter().find(|event| event["status"] == "Failed").unwrap();
    assert_eq!(failed["lifecycleEventName"], "BeforeInstall");
    assert_eq!(failed["diagnostics"]["errorCode"], "ScriptFailed");
    assert!(failed["diagnostics"]["logTail"].as_str().unwrap().contains("[stderr]broken"));
    // As in the table, what was not run any more is there.
    let skipped = json!({"lifecycleEventName": "AfterAllowTraffic", "status": "Skipped"});
    assert_eq!((events.len(), events.last()), (11, Some(&skipped)));
    run.complains("[stderr]broken");
    let lines = local.run(&local.site(), &["-o", "ndjson"]).ends_with(3).stdout;
    let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let is = |value: Value| lines.contains(&value);
    assert!(is(json!({"lifecycleEventName": "BeforeInstall", "status": "InProgress"})), "{lines:?}");
    let script = "scripts/trace.sh";
    assert!(
        is(
            json!({"lifecycleEventName": "BeforeInstall", "scriptName": script, "stream": "stderr", "line": "broken"})
        ),
        "{lines:?}"
    );
    assert!(is(skipped) && lines.last().unwrap()["status"] == "Failed", "{lines:?}");
    let run = local.run(&local.site(), &[]).ends_with(3).says("exit code 7");
    let run = run.says("AfterInstall        Skipped");
    let row = run.stdout.lines().find(|line| line.starts_with("BeforeInstall       Failed")).unwrap();
    let time = row.split_whitespace().last().unwrap();
    assert!(time.strip_suffix('s').unwrap().parse::<f64>().is_ok(), "{row}");
}

#[test]
fn where_the_appspec_is_not_there_each_agent_takes_its_other_name_where_it_does() {
    let local = Local::new("one");
    local.run(&local.site(), &["--agent", "2"]).ends_with(0);
    local.trace();
    local.write("two", HOOKS);
    fs::rename(local.site().join("appspec.yml"), local.site().join("deploy.yml")).unwrap();
    // The revision before has appspec.yml alone.
    local.run(&local.site(), &["-A", "deploy.yml", "--dry-run"]).ends_with(3);
    local.run(&local.site(), &["-A", "deploy.yml"]).ends_with(3).says("did not find an AppSpec file");
    local.run(&local.site(), &["-A", "deploy.yml", "--agent", "2", "--dry-run"]).ends_with(0);
    local.run(&local.site(), &["-A", "deploy.yml", "--agent", "2"]).ends_with(0);
    assert!(local.trace().starts_with(&["one BeforeBlockTraffic".to_owned()]));
    fs::rename(local.site().join("deploy.yml"), local.site().join("appspec.yaml")).unwrap();
    for events in ["DownloadBundle,Install", "Install"] {
        local.run(&local.site(), &["-e", events]).ends_with(0);
        local.run(&local.site(), &["-e", events, "--agent", "2"]).ends_with(10);
    }
    local.run(&local.site(), &["-e", "AfterInstall"]).ends_with(10).complains("appspec.yml is not there");
}

#[test]
fn an_events_name_writes_no_lines_of_its_own() {
    let local = Local::new("one");
    let name = "Ev\\n::error file=x::owned\\ndeployment d-AAAAAAAAA-local: Succeeded\\n";
    let appspec =
        format!("version: 0.0\nos: linux\nhooks:\n  \"{name}\":\n    - location: scripts/trace.sh\n");
    fs::write(local.site().join("appspec.yml"), appspec).unwrap();
    for (agent, code) in [("1", 10), ("2", 0)] {
        let run = local.run(&local.site(), &["--agent", agent]).ends_with(code);
        let own = |line: &str| line.starts_with("deployment d-AAAAAAAAA") || line.starts_with("::");
        assert!(!run.stderr.lines().any(own), "{}", run.stderr);
        run.complains("Ev\\n");
    }
}

#[test]
fn an_appspec_for_windows_is_run_by_agent_2_with_a_word() {
    let local = Local::new("one");
    fs::write(local.site().join("appspec.yml"), "version: 0.0\nos: windows\n").unwrap();
    local.run(&local.site(), &[]).ends_with(10).complains("unsupported operating system");
    let run = local.run(&local.site(), &["--agent", "2"]).ends_with(0);
    run.complains("is for Windows; agent 2 never asks");
    let site = local.site().display().to_string();
    let checked = |agent: &str| {
        local.machine.cdctl(["revision", "validate", &site, "--platform", "linux", "--agent", agent])
    };
    checked("1").ends_with(10);
    checked("2").ends_with(0).says("warning").says("the host runs another system");
}

#[test]
fn a_directory_is_copied_under_the_agents_umask() {
    let local = Local::new("one");
    let page = local.site().join("page.html");
    fs::set_permissions(&page, fs::Permissions::from_mode(0o666)).unwrap();
    for (agent, mode) in [("1", 0o644), ("2", 0o666)] {
        local.run(&local.site(), &["--agent", agent]).ends_with(0);
        let installed = fs::metadata(local.root().join("srv/www/page.html")).unwrap();
        assert_eq!(installed.permissions().mode() & 0o777, mode, "agent {agent}");
    }
}

#[test]
fn a_relative_directory_is_deployed() {
    let local = Local::new("one");
    let mut command = local.machine.command(CDCTL);
    command.current_dir(local.machine.home()).args(["revision", "run", "-l", "site", "--root", "host"]);
    Run::from(command.output().unwrap()).ends_with(0);
    assert_eq!(local.page(), "one");
}

#[test]
fn a_revision_that_is_still_kept_can_be_deployed_again() {
    for again in ["bundle.tar", "deployment-archive"] {
        let local = Local::new("0");
        for revision in ["1", "2", "3", "4", "5"] {
            local.write(revision, &[]);
            local.run(&local.site(), &[]).ends_with(0);
        }
        let group = local.root().join("opt/codedeploy-agent/deployment-root/default-local-deployment-group");
        let revisions = fs::read_dir(&group).unwrap().map(|entry| entry.unwrap().path());
        let mut revisions: Vec<PathBuf> = revisions.collect();
        revisions.sort_by_key(|path| path.metadata().unwrap().modified().unwrap());
        let oldest = revisions[0].join(again);
        local.run(&oldest, &[]).ends_with(0);
        assert_eq!(local.page(), "1");
        assert!(oldest.exists());
    }
}

#[test]
fn a_zipped_directory_is_deployed_without_its_top_directory() {
    use std::io::Write;
    let local = Local::new("one");
    let file = local.machine.home().join("site.zip");
    let mut writer = zip::ZipWriter::new(fs::File::create(&file).unwrap());
    for name in ["appspec.yml", "page.html", "scripts/trace.sh"] {
        let options = zip::write::SimpleFileOptions::default().unix_permissions(0o755);
        writer.start_file(format!("site-1.2/{name}"), options).unwrap();
        writer.write_all(&fs::read(local.site().join(name)).unwrap()).unwrap();
    }
    writer.finish().unwrap();
    local.run(&file, &["--type", "zip"]).ends_with(0);
    assert_eq!(local.page(), "one");
}

#[tokio::test]
async fn an_object_of_s3_is_deployed_and_its_scripts_know_where_it_came_from() {
    let stage = Stage::new();
    s3(&stage.sandbox).create_bucket().bucket("releases").send().await.unwrap();
    let versioning = VersioningConfiguration::builder().status(BucketVersioningStatus::Enabled).build();
    let put = s3(&stage.sandbox).put_bucket_versioning().bucket("releases");
    put.versioning_configuration(versioning).send().await.unwrap();
    let server = stage.serve();
    let mut local = Local::new("one");
    local.machine =
        local.machine.against(&format!("http://{}", server.address())).set("AWS_REGION", "eu-west-1");
    let script =
        "#!/bin/sh\necho \"from $BUNDLE_BUCKET $BUNDLE_KEY ${BUNDLE_ETAG:-none} ${BUNDLE_VERSION:-none}\"\n";
    fs::write(local.site().join("scripts/trace.sh"), script).unwrap();
    let file = local.machine.home().join("a.zip");
    let line = format!("revision bundle {} --file {}", local.site().display(), file.display());
    local.machine.run(&line).ends_with(0);
    let body = fs::read(&file).unwrap();
    let put = s3(&stage.sandbox).put_object().bucket("releases").key("shop/a.zip").body(body.into());
    let put = put.send().await.unwrap();
    let (etag, version) = (put.e_tag().unwrap().trim_matches('"'), put.version_id().unwrap());
    let run = local.run(Path::new("s3://releases/shop/a.zip"), &[]).ends_with(0);
    run.says(&format!("[stdout]from releases shop/a.zip {etag} {version}"));
    assert_eq!(local.page(), "one");
    server.shut_down();
}

#[test]
fn another_appspec_and_another_agents_folder_are_named_as_codedeploy_local_does() {
    let local = Local::new("one");
    fs::rename(local.site().join("appspec.yml"), local.site().join("scripts/prod.yml")).unwrap();
    let configuration = local.machine.home().join("agent.yml");
    let agent = local.machine.home().join("deployments");
    fs::write(&configuration, format!("---\n:root_dir: {}\n:max_revisions: 2\n", agent.display())).unwrap();
    let flags = ["-A", "scripts/prod.yml", "-c", configuration.to_str().unwrap(), "-g", "group-1"];
    local.run(&local.site(), &flags).ends_with(0);
    assert_eq!(local.page(), "one");
    for _ in 0..3 {
        local.run(&local.site(), &[&flags[..], &["-b", "OVERWRITE"]].concat()).ends_with(0);
    }
    let below = local.root().join("opt/codedeploy-agent/deployment-root/group-1");
    assert_eq!(fs::read_dir(below).unwrap().count(), 2, "max_revisions");
    // On the machine itself the agent's own folder is meant.
    let bare = local.machine.home().join("bare");
    fs::create_dir(&bare).unwrap();
    fs::write(bare.join("appspec.yml"), "version: 0.0\nos: linux\n").unwrap();
    let (bare, file) = (bare.to_str().unwrap(), configuration.to_str().unwrap());
    local.machine.cdctl(["revision", "run", bare, "-c", file, "-g", "group-1"]).ends_with(0);
    assert_eq!(fs::read_dir(agent.join("group-1")).unwrap().count(), 1);
    fs::write(&configuration, "---\n:max_revisions: none\n").unwrap();
    local.run(&local.site(), &flags).ends_with(1).complains("max_revisions is none");
    local.run(&local.site(), &["-A", "none.yml"]).ends_with(10).complains("none.yml is not there");
    local.run(&local.site(), &["-A", "../appspec.yml"]).ends_with(2);
}

#[test]
fn agent_2_passes_over_unknown_events_and_replaces_links() {
    let local = Local::new("one");
    local.write("one", &["Smoke", "AfterInstall"]);
    let page = local.root().join("srv/www/page.html");
    fs::create_dir_all(page.parent().unwrap()).unwrap();
    fs::write(local.root().join("mine"), "mine").unwrap();
    std::os::unix::fs::symlink("../../mine", &page).unwrap();
    let run = local.run(&local.site(), &["--agent", "2", "-b", "OVERWRITE"]).ends_with(0);
    // What an error says of it would not be true of this run.
    assert!(!run.complains("there is no event Smoke").stderr.contains("error"));
    assert_eq!(local.trace(), ["one AfterInstall"]);
    assert!(fs::symlink_metadata(&page).unwrap().is_file(), "agent 2 puts the file in the link's place");
    assert_eq!(fs::read_to_string(local.root().join("mine")).unwrap(), "mine");
}

#[test]
fn on_the_machine_itself_scripts_have_the_callers_environment() {
    let mut local = Local::new("one");
    let script = "#!/bin/sh\necho \"$MINE in $HOME at $LIFECYCLE_EVENT, ${AWS_SECRET_ACCESS_KEY:-no key}\"\n";
    fs::write(local.site().join("scripts/trace.sh"), script).unwrap();
    let (agent, home) = (local.machine.home().join("agent"), local.machine.home().display().to_string());
    let appspec = "version: 0.0\nos: linux\nhooks:\n  AfterInstall:\n    - location: scripts/trace.sh\n";
    fs::write(local.site().join("appspec.yml"), appspec).unwrap();
    local.machine = local.machine.set("MINE", "a value").set("AWS_SECRET_ACCESS_KEY", "k");
    for (number, key) in [("1", "k"), ("2", "no key")] {
        let line = format!(
            "revision run {} --agent-dir {} --agent {number}",
            local.site().display(),
            agent.display()
        );
        let said = format!("[stdout]a value in {home} at AfterInstall, {key}");
        local.machine.run(&line).ends_with(0).says(&said);
    }
}

/// Says what was left out. Where CI is set that is a failure, as it can be had there.
pub fn left_out(what: &str) {
    use std::io::Write;
    // Not through `eprintln!`: the harness keeps that back for tests that pass.
    std::io::stderr().write_all(format!("\nleft out: {what}\n").as_bytes()).unwrap();
    assert!(std::env::var_os("CI").is_none(), "left out although CI is set: {what}");
}

#[test]
fn on_the_machine_itself_root_does_users_owners_and_acls() {
    if !rustix::process::geteuid().is_root() {
        return left_out("runas, owners and ACLs, which only root can do");
    }
    if !Path::new("/usr/bin/setfacl").exists() {
        return left_out("ACLs, for there is no setfacl");
    }
    let local = Local::new("one");
    let (site, host) = (local.site(), local.machine.home().join("real"));
    let page = host.join("page.html");
    let appspec = |user: &str, owner: &str| {
        format!(
            "version: 0.0\nos: linux\nfile_exists_behavior: OVERWRITE\nfiles:\n  - source: page.html\n    destination: {0}\npermissions:\n  - object: {0}/page.html\n    mode: \"640\"\n    owner: {owner}\n    group: daemon\n    acls: [\"u:bin:r\"]\n    context: {{type: t, range: s0}}\nhooks:\n  AfterInstall:\n    - location: scripts/trace.sh\n      runas: {user}\n",
            host.display()
        )
    };
    fs::write(site.join("scripts/trace.sh"), "#!/bin/sh\necho \"$(id -un) in $HOME\"\n").unwrap();
    let agent = local.machine.home().join("agent");
    let run = |user: &str, owner: &str, flags: &[&str]| {
        fs::write(site.join("appspec.yml"), appspec(user, owner)).unwrap();
        let mut line =
            vec!["revision", "run", site.to_str().unwrap(), "--agent-dir", agent.to_str().unwrap()];
        line.extend(flags);
        local.machine.cdctl(line)
    };
    let done = run("root", "daemon", &[]).ends_with(0).says("[stdout]root in /root");
    if !Path::new("/sys/fs/selinux/enforce").exists() {
        let path = page.display();
        done.says(&format!("context of {path} is not set: SELinux is not on this machine"));
    }
    let metadata = fs::metadata(&page).unwrap();
    assert_eq!(std::os::unix::fs::MetadataExt::uid(&metadata), 1, "daemon");
    let listed = local.machine.command("getfacl").args(["-cp", page.to_str().unwrap()]).output().unwrap();
    assert!(String::from_utf8_lossy(&listed.stdout).contains("user:bin:r--"), "{listed:?}");
    // `su` refuses an account without a login shell; an owner that is not there breaks agent 1 alone.
    run("daemon", "daemon", &[]).ends_with(3).says("run as user daemon failed with exit code 1");
    run("'a:b'", "daemon", &["--dry-run"]).ends_with(3).complains("AfterInstall would fail");
    run("--help", "daemon", &[]).ends_with(3).says("there is no user --help");
    run("root", "nobody-here", &[]).ends_with(3).says("can't find user for nobody-here");
    let foretold = run("root", "nobody-here", &["--dry-run"]).ends_with(3);
    foretold.complains("Install would fail").complains("can't find user for nobody-here");
    run("root", "nobody-here", &["--dry-run", "--agent", "2"]).ends_with(0);
    // A script may make the user.
    let text = fs::read_to_string(site.join("appspec.yml")).unwrap();
    fs::write(site.join("appspec.yml"), text.replace("AfterInstall", "BeforeInstall")).unwrap();
    let flags = ["--dry-run", "--agent-dir", agent.to_str().unwrap()];
    let line = ["revision", "run", site.to_str().unwrap()].into_iter().chain(flags);
    local.machine.cdctl(line).ends_with(0).complains("unless a script before it changes that");
    run("root", "nobody-here", &["--agent", "2"]).ends_with(0).says("are not set");
}
