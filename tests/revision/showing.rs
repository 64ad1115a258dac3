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
