//! The snippets of `examples/ci/` against a sandbox, as the CI system would run them; what each system is told; and
//! that nothing from a host is told as a command.

use std::fs;
use std::path::Path;

use serde_yaml::Value;

use crate::support::cdctl::{Machine, Run, package};
use crate::support::sandbox::{SIMULATED, Sandbox};

/// Half of the hosts fail, and their logs talk to every CI system.
const HOSTILE: &str = r###"
buckets: [{name: releases, versioning: true}]
generate: [{count: 4, zones: [a, b], tags: {Role: web}}]
faults:
  - hosts: {zone: b}
    event: ApplicationStart
    outcome:
      fail:
        script: scripts/start.sh
        exit_code: 3
        log: "x\n::error::owned\n##[add-mask]a\nsaid ##[error]b ##vso[task.complete]\n##teamcity[buildStop]\n\u001b[0Ksection_end:1:x\r\u001b[0K\n--- heading\n]]></failure>"
"###;

fn text(name: &str) -> String {
    fs::read_to_string(package("examples/ci").join(name)).unwrap()
}

fn yaml(name: &str) -> Value {
    serde_yaml::from_str(&text(name)).unwrap()
}

fn strings(list: &Value) -> Vec<String> {
    list.as_sequence().unwrap().iter().map(|item| item.as_str().unwrap().to_owned()).collect()
}

/// The shell commands of a snippet, and the variables that it sets.
fn github() -> (Vec<String>, Value) {
    let job = yaml("github-actions.yml")["jobs"]["deploy"].clone();
    let steps = job["steps"].as_sequence().unwrap().iter();
    let commands = steps.filter_map(|step| step["run"].as_str()).map(str::to_owned).collect();
    (commands, job["env"].clone())
}

fn gitlab() -> (Vec<String>, Value) {
    let job = yaml("gitlab-ci.yml")["deploy"].clone();
    ([strings(&job["script"]), strings(&job["after_script"])].concat(), job["variables"].clone())
}

fn circleci() -> (Vec<String>, Value) {
    let job = yaml("circleci.yml")["jobs"]["deploy"].clone();
    let steps = job["steps"].as_sequence().unwrap().iter();
    let commands = steps.filter_map(|step| step["run"]["command"].as_str()).map(str::to_owned).collect();
    (commands, job["environment"].clone())
}

/// Groovy has no reader here: its `sh '…'` steps and its `NAME = '…'` lines are plain enough.
fn jenkins() -> (Vec<String>, Value) {
    let file = text("Jenkinsfile");
    assert_eq!(file.matches('{').count(), file.matches('}').count());
    let quoted = |line: &str| line.split('\'').nth(1).unwrap().to_owned();
    let lines = || file.lines().map(str::trim);
    let commands = lines().filter(|line| line.starts_with("sh '")).map(quoted).collect();
    let variables = lines().filter(|line| line.contains(" = '"));
    let pairs = variables.map(|line| (line.split(' ').next().unwrap().into(), quoted(line).into()));
    (commands, Value::Mapping(pairs.collect()))
}

fn prepared(fleet: &str) -> (Sandbox, Machine) {
    let sandbox = Sandbox::start(fleet, 300);
    let machine = sandbox.with_group();
    (sandbox, machine)
}

fn sh(machine: &Machine, folder: &Path, script: &str) -> Run {
    machine.command("sh").args(["-euc", script]).current_dir(folder).output().unwrap().into()
}

/// The machine and the checkout of a job with such variables, and the folder that is its `/tmp` and its system's own.
fn job(mut machine: Machine, variables: &Value) -> (Machine, tempfile::TempDir, tempfile::TempDir) {
    let (folder, temporary) = (checkout(), tempfile::tempdir().unwrap());
    let place = temporary.path().to_str().unwrap();
    for (name, value) in variables.as_mapping().unwrap() {
        let (name, value) = (name.as_str().unwrap(), value.as_str().unwrap());
        // The sandbox is where the job's account and region would be.
        if !["AWS_REGION", "AWS_ROLE_ARN"].contains(&name) {
            machine = machine.set(name, &value.replacen("/tmp", place, 1));
        }
    }
    let machine = machine.set("RUNNER_TEMP", place).set("WORKSPACE_TMP", place).set("AWS_TOKEN", "ey.J.x");
    (machine, folder, temporary)
}

/// A checkout of a repository whose root is a revision.
fn checkout() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let copied = std::process::Command::new("cp")
        .arg("-r")
        .arg(package("examples/site").join("."))
        .arg(folder.path())
        .status();
    assert!(copied.unwrap().success());
    folder
}

#[test]
fn every_snippet_deploys_and_leaves_its_files() {
    for (system, (commands, variables)) in
        [("github", github()), ("gitlab", gitlab()), ("circleci", circleci()), ("jenkins", jenkins())]
    {
        let (_sandbox, machine) = prepared(SIMULATED);
        let (machine, folder, _temporary) = job(machine, &variables);
        let (site, zip) = (folder.path().display(), machine.home().join("whole.zip"));
        let bundled = machine.run(&format!("revision bundle {site} -f {}", zip.display())).ends_with(0);
        let bundled = bundled.stderr.lines().find(|line| line.starts_with("bundled")).unwrap().to_owned();
        // One that keeps its folder for the next build deploys the same once more.
        for _ in 0..if system == "jenkins" { 2 } else { 1 } {
            let runs = commands.iter().map(|command| sh(&machine, folder.path(), command).ends_with(0));
            let said: String = runs.map(|run| run.stderr).collect();
            let entries = bundled.split(',').next().unwrap();
            assert!(said.contains(&format!("{entries},")), "{system}: {bundled}\n{said}");
        }
        let file = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
        assert!(file("cdctl-report.html").contains("<h1>shop/prod</h1>"), "{system}");
        assert_eq!(file("cdctl-junit.xml").matches("<testcase ").count(), 5, "{system}");
    }
}

#[test]
fn a_snippet_reports_on_nothing_but_what_it_has_deployed() {
    for (commands, variables) in [github(), gitlab(), circleci(), jenkins()] {
        let (_sandbox, machine) = prepared(SIMULATED);
        machine.run("revision push examples/site s3://releases/a.zip --app shop").ends_with(0);
        machine.run("deploy create shop/prod --revision s3://releases/a.zip --watch").ends_with(0);
        let (machine, folder, _temporary) = job(machine, &variables);
        fs::write(folder.path().join("appspec.yml"), "version: 0.0\nos: linx\n").unwrap();
        let codes: Vec<_> =
            commands.iter().map(|command| sh(&machine, folder.path(), command).code).collect();
        assert_eq!(codes.iter().filter(|code| **code == 10).count(), 1, "{commands:?} {codes:?}");
        assert_eq!(codes.last(), Some(&0), "{commands:?}");
        assert!(!folder.path().join("cdctl-report.html").exists(), "{commands:?}");
    }
}

#[test]
fn the_shell_script_ends_as_the_deployment_did() {
    let script = package("examples/ci/deploy.sh");
    for (fleet, code, said) in [(SIMULATED, 0, "deployed\n"), (HOSTILE, 3, "not deployed (3)\n")] {
        let (_sandbox, machine) = prepared(fleet);
        let machine =
            machine.set("CDCTL_APP", "shop").set("CDCTL_GROUP", "prod").set("CDCTL_BUCKET", "releases");
        let folder = checkout();
        let _ = sh(&machine, folder.path(), &script.display().to_string()).ends_with(code).says(said);
        assert!(folder.path().join("cdctl-junit.xml").exists());
    }
}

#[test]
fn each_system_gets_its_markers_and_nothing_from_a_host_is_one() {
    let (_sandbox, machine) = prepared(HOSTILE);
    machine.run("revision push examples/site s3://releases/a.zip --app shop").ends_with(0);
    let record = machine.home().join("a.ndjson").display().to_string();
    let create = "deploy create shop/prod --revision s3://releases/a.zip --watch";
    let run = machine.run(&format!("{create} --record {record}")).ends_with(3).holds_no_escape();
    let plain = run.stderr;
    let replay = |arguments: &str, variables: &[&str]| {
        let machine = variables.iter().fold(Machine::new(), |machine, name| machine.set(name, "true"));
        machine.run(&format!("deploy watch --replay {record} {arguments}")).ends_with(3).stderr
    };
    let github = replay("--ci github", &[]);
    assert_eq!(github, replay("--ci auto", &["CI", "GITHUB_ACTIONS"]));
    assert!(
        github.starts_with("::group::Deployment log\n") && github.contains("\n::endgroup::\n"),
        "{github}"
    );
    let gitlab = replay("--ci auto", &["CI", "GITLAB_CI"]);
    assert!(
        gitlab.starts_with("\x1b[0Ksection_start:") && gitlab.contains("\r\x1b[0KDeployment log\n"),
        "{gitlab}"
    );
    assert_eq!(gitlab.matches('\x1b').count(), 4, "two markers of two escape codes each\n{gitlab}");
    let buildkite = replay("--ci buildkite", &[]);
    assert!(
        buildkite.starts_with("--- Deployment log\n") && buildkite.contains("\n+++ Deployment summary\n")
    );
    // CircleCI and Jenkins have no markers.
    assert_eq!(replay("--ci auto", &["CI", "CIRCLECI", "JENKINS_URL"]), plain);
    for log in [&plain, &github, &gitlab, &buildkite] {
        let commands: Vec<_> = log.lines().filter(|line| line.trim_start().starts_with("::")).collect();
        let ours = |line: &&str| ["::group::Deployment log", "::endgroup::"].contains(line);
        assert!(commands.iter().filter(|line| !ours(line)).all(|line| line.starts_with("::error title=")));
        assert!(!log.contains("##[") && !log.contains("##vso[") && !log.contains("##teamcity["), "{log}");
        assert!(log.contains("error::owned"), "{log}");
    }
}

#[test]
fn a_log_cannot_leave_the_junit_file_nor_the_summary() {
    let (_sandbox, machine) = prepared(HOSTILE);
    machine.run("revision push examples/site s3://releases/a.zip --app shop").ends_with(0);
    let (xml, md) = (machine.home().join("j.xml"), machine.home().join("s.md"));
    let machine = machine.set("GITHUB_STEP_SUMMARY", &md.display().to_string());
    let create = "deploy create shop/prod --revision s3://releases/a.zip --watch --ci github";
    machine.run(&format!("{create} --junit {}", xml.display())).ends_with(3);
    let (xml, md) = (fs::read_to_string(xml).unwrap(), fs::read_to_string(md).unwrap());
    assert!(!xml.contains("]]>") && xml.contains("]]&gt;&lt;/failure&gt;") && !xml.contains('\x1b'), "{xml}");
    let parsed = machine
        .command("python3")
        .args(["-c", "import sys, xml.dom.minidom as m; print(len(m.parseString(sys.argv[1]).getElementsByTagName('testcase')))"])
        .arg(&xml)
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&parsed.stdout), "5\n");
    assert!(md.starts_with("### Deployment d-") && md.trim_end().ends_with("```"), "{md}");
    assert!(!md.lines().any(|line| line.trim_start().starts_with("::")), "{md}");
}
