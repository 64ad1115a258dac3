//! Which deployment is watched: the one that was made or named, whatever else its group does meanwhile.

use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::Value;

use crate::support::cdctl::{Machine, Run};
use crate::support::proxy::Proxy;
use crate::support::sandbox::{SIMULATED, Sandbox};

const CREATE: &str = "deploy create shop/prod --revision s3://releases/site-1.zip";

fn scene(speed: u32) -> (Sandbox, Machine) {
    let sandbox = Sandbox::start(SIMULATED, speed);
    let machine = sandbox.with_group();
    machine.run("revision push examples/site s3://releases/site-1.zip --app shop").ends_with(0);
    (sandbox, machine)
}

fn events(run: &Run) -> Vec<Value> {
    let event = |line: &str| serde_json::from_str(line).ok().filter(|event: &Value| event["v"] == 1);
    run.stdout.lines().filter_map(event).collect()
}

fn id_of(run: &Run) -> String {
    run.stdout.lines().next().unwrap_or_else(|| panic!("{run}")).to_owned()
}

/// `deploy create --watch`, whose deployment is superseded before the watch has had its first look.
fn superseded() {
    let start = std::time::Instant::now();
    let (sandbox, machine) = scene(10);
    let (url, once) = (sandbox.url(), AtomicBool::new(false));
    let proxy = Proxy::holding(move |call| {
        if call.operation == "GetDeployment" && !once.swap(true, Ordering::SeqCst) {
            let other = Machine::new().against(&url);
            let id = call.request["deploymentId"].as_str().unwrap();
            other.run(&format!("deploy stop {id} --yes")).ends_with(0);
            other.run(&format!("deploy wait {id}")).ends_with(4);
            other.run("sandbox fault add hang --event Install").ends_with(0);
            other.run(CREATE).ends_with(0);
        }
    });
    let door = proxy.listen(&sandbox.url());
    let run = Machine::new().against(&door.url).run(&format!("{CREATE} --watch -o ndjson")).ends_with(4);
    eprintln!("watched {:?}", start.elapsed());
    let newest = machine.run("deploy list shop/prod -o json").ends_with(0);
    let newest: Value = serde_json::from_str(&newest.stdout).unwrap();
    let [other, own] = newest["deploymentsInfo"].as_array().unwrap().as_slice() else { panic!("{newest}") };
    let own = own["deploymentId"].as_str().unwrap();
    let goes_on = ["Created", "InProgress"].contains(&other["status"].as_str().unwrap());
    assert!(goes_on, "the other: {other}");
    let told = events(&run);
    assert!(told.iter().all(|event| event["deployment"] == own), "{run}");
    let result = told.last().unwrap();
    assert_eq!((&result["outcome"], &result["rollback"]), (&Value::from("stopped"), &Value::Null), "{run}");
    let asked = door.calls().into_iter().filter(|call| call.operation == "GetDeployment");
    assert!(asked.map(|call| call.request["deploymentId"].clone()).all(|id| id == own), "nobody else's end");
}

/// One that CodeDeploy rolls back is told apart by what the service says of both, and each has its own end.
fn rolled_back() {
    let (sandbox, machine) = scene(200);
    let good = id_of(&machine.run(CREATE).ends_with(0));
    machine.run(&format!("deploy wait {good}")).ends_with(0);
    machine.run("sandbox fault add fail --event Install --times 1").ends_with(0);
    let run = machine.run(&format!("{CREATE} --auto-rollback failure --watch -o ndjson")).ends_with(5);
    let told = events(&run);
    let result = told.last().unwrap();
    let (failed, rollback) = (result["deployment"].as_str().unwrap(), result["rollback"].as_str().unwrap());
    assert_eq!(result["outcome"], "failed_rolled_back");
    let of = |id: &str| told.iter().rfind(|event| event["type"] == "deployment" && event["deployment"] == id);
    assert_eq!(of(failed).unwrap()["creator"], "user");
    assert_eq!(of(rollback).unwrap()["creator"], "codeDeployRollback");
    assert_eq!(of(rollback).unwrap()["rolls_back"], failed);
    ended_is_told_at_once(&sandbox, &good, 0, "✓ SUCCEEDED");
    ended_is_told_at_once(&sandbox, failed, 5, "✗ FAILED, rolled back");
    ended_is_told_at_once(&sandbox, rollback, 0, &format!("(rolls back {failed})"));
}

/// Nothing is looked at twice by the watch; what was named is looked up before.
fn ended_is_told_at_once(sandbox: &Sandbox, id: &str, code: i32, says: &str) {
    let door = Proxy::default().listen(&sandbox.url());
    let run = Machine::new().against(&door.url).run(&format!("deploy watch {id}"));
    run.ends_with(code).complains(says);
    let asked = door.operations().into_iter().filter(|operation| operation == "GetDeployment");
    assert_eq!(asked.count(), if code == 5 { 3 } else { 2 }, "{id}");
}

#[test]
fn sre_02_right_deployment_is_the_one_that_create_made() {
    std::thread::scope(|scope| {
        scope.spawn(superseded);
        scope.spawn(rolled_back);
    });
}
