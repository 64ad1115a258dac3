//! `cdctl demo` as a newcomer runs it, piped, and what it leaves behind.

use std::fs;
use std::path::{Path, PathBuf};

use crate::support::cdctl::{Machine, Run};

/// What no hook, no file and no line of output may hold.
const SECRET: &str = "canary-7d1f";

/// The demo in an environment full of secrets and of settings that lead elsewhere.
fn demo(arguments: &str) -> (Run, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let mut machine = Machine::new()
        .set("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
        .set("AWS_ENDPOINT_URL_CODEDEPLOY", "http://127.0.0.1:9")
        .set("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9")
        .set("AWS_USE_FIPS_ENDPOINT", "true")
        .set("AWS_USE_DUALSTACK_ENDPOINT", "true")
        .set("AWS_CA_BUNDLE", "/nowhere.pem");
    for proxy in ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"] {
        machine = machine.set(proxy, "http://127.0.0.1:9");
    }
    for name in ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"] {
        machine = machine.set(name, SECRET);
    }
    for name in ["GITHUB_TOKEN", "DATABASE_URL", "SSH_AUTH_SOCK", "LD_LIBRARY_PATH"] {
        machine = machine.set(name, SECRET);
    }
    let line = format!("demo --speed 30 --keep {} {arguments}", folder.path().join("kept").display());
    (machine.run(&line), folder)
}

fn hosts(folder: &tempfile::TempDir) -> Vec<PathBuf> {
    let hosts = fs::read_dir(folder.path().join("kept/hosts")).unwrap();
    hosts.map(|entry| entry.unwrap().path()).collect()
}

/// Every file below `folder` that is a file, with its bytes.
fn files(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let walk = ignore::WalkBuilder::new(folder).standard_filters(false).build();
    let files = walk.map(Result::unwrap).filter(|entry| entry.file_type().unwrap().is_file());
    files.map(|entry| (entry.path().to_owned(), fs::read(entry.path()).unwrap())).collect()
}

#[test]
fn every_host_takes_the_release() {
    let (run, folder) = demo("");
    let run = run.ends_with(0).holds_no_escape();
    // Data alone on stdout: the application's id, the group's, the revision, the deployment.
    let stdout: Vec<String> = run.stdout.lines().map(str::to_owned).collect();
    assert_eq!(stdout.len(), 4, "{run}");
    assert!(stdout[2].starts_with("s3://releases/site-1.zip?versionId="), "{run}");
    let deployment = stdout[3].as_str();
    for command in [
        "$ cdctl app create shop\n",
        "$ cdctl group create shop/prod --ec2-tag Role=web --config CodeDeployDefault.HalfAtATime ",
        "$ cdctl revision validate ",
        "$ cdctl revision push ",
        "$ cdctl deploy create shop/prod --revision s3://releases/site-1.zip --watch\n",
    ] {
        assert_eq!(run.stderr.matches(command).count(), 1, "{command}\n{run}");
    }
    let verdict = format!("✓ SUCCEEDED  {deployment}  shop/prod  s3://releases/site-1.zip  after ");
    let run = run.complains(&verdict).complains("\nfleet     12 on site-1.zip\n");

    let site = crate::support::cdctl::package("examples/site");
    assert_eq!(hosts(&folder).len(), 12);
    for host in hosts(&folder) {
        let srv = host.join("root/srv");
        for file in ["index.html", "css/site.css"] {
            let source = fs::read(site.join(file)).unwrap();
            assert_eq!(fs::read(srv.join("site").join(file)).unwrap(), source, "{}", host.display());
            assert_eq!(fs::read(srv.join("current").join(file)).unwrap(), source, "{}", host.display());
        }
        let id = host.file_name().unwrap().to_str().unwrap();
        assert_eq!(
            fs::read_to_string(srv.join("current/release.txt")).unwrap(),
            format!("application shop\ngroup prod\ndeployment {deployment}\nhost {id}\n")
        );
        let running = fs::read_to_string(host.join("root/run/site/running")).unwrap();
        assert_eq!(running.trim(), deployment);
        let log = fs::read_to_string(host.join("root/var/log/site/site.log")).unwrap();
        assert!(log.ends_with(&format!("started {deployment}\n")), "{log}");
    }

    let kept = folder.path().join("kept");
    let state: serde_json::Value =
        serde_json::from_slice(&fs::read(kept.join("state.json")).unwrap()).unwrap();
    assert!(state.to_string().contains(deployment), "{state}");
    let objects: Vec<_> = fs::read_dir(kept.join("objects")).unwrap().collect();
    assert_eq!(objects.len(), 1);
    let bundle = fs::File::open(objects[0].as_ref().unwrap().path()).unwrap();
    assert!(zip::ZipArchive::new(bundle).unwrap().by_name("appspec.yml").is_ok());

    assert!(!run.to_string().contains(SECRET), "{run}");
    for (path, bytes) in files(&kept) {
        assert!(!bytes.windows(SECRET.len()).any(|part| part == SECRET.as_bytes()), "{}", path.display());
    }
}

#[test]
fn a_failure_names_its_cause_once() {
    let (run, folder) = demo("--scenario failure");
    let run = run.ends_with(3).holds_no_escape();
    let summary = run.stderr.split_once("✗ FAILED  d-").expect("a summary").1;
    let host = |host: &PathBuf| host.file_name().unwrap().to_str().unwrap().to_owned();
    let broken: Vec<String> = hosts(&folder)
        .iter()
        .filter(|host| host.join("root/srv/current").exists() && !host.join("root/run/site/running").exists())
        .map(host)
        .collect();
    // Six of twelve must stay healthy: the seventh failure cannot come.
    assert_eq!(broken.len(), 6, "{run}");
    assert!(summary.contains("\nwhy       6 targets failed for one cause; too few healthy ones were left (HEALTH_CONSTRAINTS)\n"), "{run}");
    assert_eq!(summary.matches("scripts/start.sh failed with exit code 3\n").count(), 1, "{run}");
    assert!(summary.contains("  1  6x  ApplicationStart  ScriptFailed  scripts/start.sh  first "), "{run}");
    assert_eq!(summary.matches("error: listen 0.0.0.0:8080: address already in use").count(), 1, "{run}");
    assert!(broken.iter().all(|id| summary.matches(id.as_str()).count() == 1), "{broken:?}\n{run}");
    // Which hosts run what: none is left to be looked for.
    assert!(summary.contains("\nfleet     1 on site-1.zip: i-"), "{run}");
    assert!(summary.contains("\n          6 broken (failed half way to site-1.zip)\n"), "{run}");
    let untouched = summary.lines().find(|line| line.contains(" 5 untouched on what they had: i-")).unwrap();
    assert_eq!(untouched.matches("i-").count(), 5, "{untouched}");
}

#[test]
fn a_success_in_part_is_loud() {
    let (run, folder) = demo("--scenario partial");
    let run = run.ends_with(0).holds_no_escape().complains("! SUCCEEDED with 4 of 12 targets failed  d-");
    run.complains("\n  1  4x  ApplicationStart  ScriptFailed  scripts/start.sh  first ")
        .complains("[stderr]error: listen 0.0.0.0:8080: address already in use\n")
        .complains("\nfleet     8 on site-1.zip: i-")
        .complains(", +2 more\n          4 broken (failed half way to site-1.zip)\n");
    let running = hosts(&folder).iter().filter(|host| host.join("root/run/site/running").exists()).count();
    assert_eq!(running, 8);
}

#[test]
fn a_success_in_part_fails_where_all_are_required() {
    let (run, _folder) = demo("--scenario partial --require-all");
    run.ends_with(3).holds_no_escape().complains("✗ FAILED: 4 of 12 targets failed, all were required  d-");
}

#[test]
fn it_repeats_exactly() {
    let stdout = || Machine::new().run("demo --speed 60").ends_with(0).stdout;
    assert_eq!(stdout(), stdout());
}

#[test]
fn a_directory_that_holds_something_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("mine"), "").unwrap();
    let keep = folder.path().display();
    Machine::new().run(&format!("demo --keep {keep}")).ends_with(1).says_nothing().complains_only(&format!(
        "error: {keep} is not empty\n  help: name a directory that does not exist yet\n"
    ));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}
