//! What cdctl prints for other tools, held against those tools' own words: the JSON Schemas of the AppSpec and of a watch's
//! events.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use super::python;
use crate::managed;
use crate::support::cdctl::{CDCTL, Machine, package};
use crate::support::sandbox::{ROLE, Sandbox};

/// The folder of AppSpec files with verdicts, which lies beside the project or nowhere.
fn corpus() -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/appspec");
    let named = std::env::var_os("CDCTL_APPSPEC_CORPUS").map(PathBuf::from);
    let is_named = named.is_some();
    let folder = named.unwrap_or(beside);
    if folder.is_dir() {
        return Some(folder);
    }
    assert!(!is_named, "CDCTL_APPSPEC_CORPUS names {}, which is no folder", folder.display());
    // Not through `eprintln!`: the harness keeps that back for tests that pass.
    let line = b"\nleft out, for there is no ../shared/appspec: the JSON Schema on its AppSpec files\n";
    std::io::stderr().write_all(line).unwrap();
    None
}

#[test]
fn the_schema_of_an_appspec_takes_what_is_right_and_nothing_else() {
    let Some(python) = python::ready("the JSON Schema of an AppSpec") else { return };
    let appspecs = python::fixture("appspecs.yaml");
    python::run(python.script("http://127.0.0.1:9", "schema.py").arg(CDCTL).arg(appspecs).args(corpus()));
}

const WORLD: &str = "
buckets: [{name: releases, versioning: true}]
generate: [{count: 4, zones: [a, b], tags: {Role: web}}]
functions: [{name: checkout, versions: ['1', '2'], aliases: {live: '1'}}]
services: [{cluster: shop, name: web, tasks: 2}]
";

/// Watches of all kinds of deployments, each as a file of events.
fn recordings(sandbox: &Sandbox, folder: &Path) -> Vec<PathBuf> {
    let machine = sandbox.with_group();
    machine.run("revision push examples/site s3://releases/a.zip --app shop").ends_with(0);
    let mut files = Vec::new();
    let mut keep = |machine: &Machine, line: &str, code: i32| {
        let file = folder.join(format!("{}.ndjson", files.len()));
        let run = machine.run(&format!("{line} -o ndjson")).ends_with(code);
        fs::write(&file, run.stdout).unwrap();
        files.push(file);
    };
    let create = "deploy create shop/prod --revision s3://releases/a.zip --interval 50ms --watch";
    keep(&machine, create, 0);
    machine.run("sandbox fault add throttle --operation GetDeployment --times 2").ends_with(0);
    machine.run("sandbox fault add fail --event Install --log oh --times 1").ends_with(0);
    keep(&machine, &format!("{create} --auto-rollback failure"), 5);
    keep(&machine, "deploy watch shop/prod --next --timeout 300ms --interval 100ms", 7);
    // A group of a region in which there is nobody, so that the next region is left out.
    for region in ["us-east-1", "eu-west-1"] {
        machine.run(&format!("app create sparse --region {region}")).ends_with(0);
        let group = format!("group create sparse/prod --service-role {ROLE} --ec2-tag Role=nobody");
        machine.run(&format!("{group} --region {region}")).ends_with(0);
    }
    let waves =
        "deploy create sparse/prod --revision s3://releases/a.zip --watch --regions us-east-1,eu-west-1";
    keep(&machine, waves, 3);
    machine.run("app create fn --platform lambda").ends_with(0);
    let config = "--config CodeDeployDefault.LambdaCanary10Percent5Minutes";
    machine.run(&format!("group create fn/live --service-role {ROLE} {config}")).ends_with(0);
    let shift =
        "deploy create fn/live --function checkout:live --current-version 1 --target-version 2 --watch";
    keep(&machine, shift, 0);
    let (machine, create) = managed::ecs(sandbox);
    keep(&machine, &format!("{create} --watch --exit-on-ready"), 8);
    files
}

#[test]
fn sre_19_every_event_of_a_watch_is_one_of_the_schema() {
    let Some(python) = python::ready("the JSON Schema of events") else { return };
    let sandbox = Sandbox::start(WORLD, 300);
    let folder = tempfile::tempdir().unwrap();
    let files = recordings(&sandbox, folder.path());
    let mut script = python.script("http://127.0.0.1:9", "events.py");
    let types = python::run(script.arg(package("docs/events.schema.json")).args(files));
    for kind in ["stream_start", "deployment", "target", "api", "notice", "rollback", "result"] {
        assert!(types.split_whitespace().any(|word| word == kind), "{kind} is not tried: {types}");
    }
}
