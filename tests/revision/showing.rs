//! `revision show` of what the service has under other words than it is asked for by.

use serde_json::{Value, json};

use crate::support::cdctl::{Machine, Run};
use crate::support::sandbox::{SIMULATED, Sandbox};

/// A machine whose application has these revisions, the last one the newest.
fn machine(sandbox: &Sandbox, registered: &[&str]) -> Machine {
    let machine = sandbox.machine();
    machine.run("app create shop").ends_with(0);
    for revision in registered {
        machine.cdctl(["revision", "register", revision, "--app", "shop"]).ends_with(0);
    }
    machine
}

fn show(machine: &Machine, revision: &str) -> Run {
    machine.cdctl(["revision", "show", revision, "--app", "shop", "-o", "json"])
}

fn location(run: &Run) -> Value {
    serde_json::from_str::<Value>(&run.stdout).unwrap()["revision"]["s3Location"].clone()
}

#[test]
fn a_place_alone_is_the_revision_that_was_registered_there_last() {
    let sandbox = Sandbox::start(SIMULATED, 60);
    let registered = [
        "s3://releases/a.zip?etag=0",
        "s3://releases/a.zip?versionId=v&etag=1",
        "s3://releases/a.zip.zip?etag=2",
    ];
    let machine = machine(&sandbox, &registered);
    let run = show(&machine, "s3://releases/a.zip").ends_with(0);
    assert_eq!(location(&run)["eTag"], "1");
    let note = "s3://releases/a.zip is registered as s3://releases/a.zip?versionId=v&etag=1, the newest of 2";
    run.complains(note);
    let run = show(&machine, "s3://releases/a.zip?versionId=v").ends_with(0);
    assert_eq!(
        location(&run),
        json!({"bucket": "releases", "key": "a.zip", "bundleType": "zip", "version": "v", "eTag": "1"})
    );
    // What is said must be so.
    for other in ["s3://releases/a.zip?etag=3", "s3://releases/a.zip?versionId=w", "s3://releases/b.zip"] {
        show(&machine, other).ends_with(1).complains("RevisionDoesNotExist").complains("revision list shop");
    }
}

#[test]
fn quotes_around_an_etag_are_what_the_service_has() {
    let sandbox = Sandbox::start(SIMULATED, 60);
    let quoted = "s3://releases/q.zip?etag=\"e\"";
    let machine = machine(&sandbox, &[quoted]);
    machine.run("revision list shop -o text").ends_with(0).says(quoted);
    let run = show(&machine, quoted).ends_with(0);
    assert_eq!(location(&run)["eTag"], "\"e\"");
    assert!(!run.stderr.contains("is registered as"), "{run}");
    // A shell has eaten them.
    let run = show(&machine, "s3://releases/q.zip?etag=e").ends_with(0).complains("is registered as");
    assert_eq!(location(&run)["eTag"], "\"e\"");
}

#[test]
fn an_inline_appspec_is_shown_by_the_digits_of_the_list_and_by_its_file() {
    let sandbox = Sandbox::start(SIMULATED, 60);
    let machine = sandbox.machine();
    machine.run("app create shop --platform lambda").ends_with(0);
    let file = |target: u32| {
        let file = machine.home().join(format!("{target}.yml"));
        let text = format!(
            "version: 0.0\nResources:\n  - f:\n      Type: AWS::Lambda::Function\n      Properties: {{Name: f, Alias: live, CurrentVersion: 1, TargetVersion: {target}}}\n"
        );
        std::fs::write(&file, &text).unwrap();
        (format!("appspec:{}", file.display()), text)
    };
    let listed = || {
        let run = machine.run("revision list shop -o text").ends_with(0);
        run.stdout.lines().map(|line| line.split('\t').next().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let content = |named: &str| {
        let run = show(&machine, named).ends_with(0);
        serde_json::from_str::<Value>(&run.stdout).unwrap()["revision"]["appSpecContent"]["content"].clone()
    };
    let ((two, text), (three, _)) = (file(2), file(3));
    machine.cdctl(["revision", "register", &two, "--app", "shop"]).ends_with(0);
    let first = listed().remove(0);
    assert!(first.starts_with("appspec:sha256="), "{first}");
    show(&machine, &three).ends_with(1).complains("application shop has no such AppSpec");
    machine.cdctl(["revision", "register", &three, "--app", "shop"]).ends_with(0);
    assert_eq!(
        [content(&first), content(&first.to_uppercase().replace("APPSPEC:SHA256", "appspec:sha256"))],
        [text.as_str(); 2]
    );
    assert_eq!(content(&two), text);
    show(&machine, "appspec:sha256=").ends_with(2).complains("2 AppSpecs begin with these digits");
    show(&machine, "last-good").ends_with(2).complains("appspec:sha256=DIGITS");
}
