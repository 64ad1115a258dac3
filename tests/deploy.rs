//! The verbs of `deploy` that follow, undo and repeat, through the binary against a sandbox.

use serde_json::Value;

use crate::support::cdctl::{Machine, Run};
use crate::support::sandbox::{SIMULATED, Sandbox};

/// Two of four hosts fail.
const HALF_FAILS: &str = "
buckets: [{name: releases, versioning: true}]
generate: [{count: 4, zones: [a, b], tags: {Role: web}}]
faults:
  - hosts: {zone: b}
    event: ApplicationStart
    outcome: {fail: {script: scripts/start.sh, exit_code: 3, log: port 80 is taken}}
";

fn push(machine: &Machine, object: &str) {
    machine.run(&format!("revision push examples/site s3://releases/{object} --app shop")).ends_with(0);
}

/// Creates a deployment of an object and gives its id.
fn deploy(machine: &Machine, object: &str, more: &str) -> String {
    let run = machine.run(&format!("deploy create shop/prod --revision s3://releases/{object} {more}"));
    run.stdout.lines().next().unwrap_or_else(|| panic!("{run}")).to_owned()
}

fn shown(machine: &Machine, id: &str) -> Value {
    let run = machine.run(&format!("deploy show {id} -o json")).ends_with(0);
    serde_json::from_str::<Value>(&run.stdout).unwrap()["deploymentInfo"].take()
}

fn last(run: &Run) -> Value {
    serde_json::from_str(run.stdout.lines().last().unwrap()).unwrap()
}

#[test]
fn a_wait_is_silent_and_ends_as_the_worst() {
    let sandbox = Sandbox::start(HALF_FAILS, 200);
    let machine = sandbox.with_group();
    push(&machine, "a.zip");
    let failed = deploy(&machine, "a.zip", "");
    machine.run(&format!("deploy wait {failed}")).ends_with(3).says_nothing().complains_only("");
    let good = deploy(&machine, "a.zip", "--config CodeDeployDefault.AllAtOnce");
    machine.run(&format!("deploy wait {good}")).ends_with(0);
    machine.run(&format!("deploy wait {good} --require-all")).ends_with(3);
    machine.run(&format!("deploy wait {good} {failed}")).ends_with(3);
    let run = machine.run(&format!("deploy watch {good} {failed} -o ndjson")).ends_with(3);
    let results = run.stdout.lines().filter(|line| line.contains(r#""type":"result""#));
    assert_eq!(results.count(), 2, "each has its own");
    machine.run("deploy wait d-NOSUCHONE").ends_with(1).complains("DeploymentDoesNotExistException");
}

#[test]
fn points_are_checked_before_anything_is_created() {
    let sandbox = Sandbox::start(SIMULATED, 200);
    let machine = sandbox.with_group();
    push(&machine, "a.zip");
    let create = "deploy create shop/prod --revision s3://releases/a.zip --watch";
    machine
        .run(&format!("{create} --until event:Instal"))
        .ends_with(2)
        .complains("did you mean event:Install?");
    let run = machine.run("deploy list shop/prod").ends_with(0);
    assert!(!run.stdout.contains("d-"), "{run}");
    let run = machine.run(&format!("{create} --until event:Install -o ndjson")).ends_with(0);
    assert!(["reached", "succeeded"].contains(&last(&run)["outcome"].as_str().unwrap()), "{run}");
}

#[test]
fn logs_show_events_and_the_tails_of_what_failed() {
    let sandbox = Sandbox::start(HALF_FAILS, 200);
    let machine = sandbox.with_group();
    push(&machine, "a.zip");
    let id = deploy(&machine, "a.zip", "--config CodeDeployDefault.AllAtOnce");
    let run = machine.run(&format!("deploy logs {id} --follow")).ends_with(0);
    assert_eq!(run.stdout.matches("ValidateService").count(), 2, "{run}");
    let run = machine.run(&format!("deploy logs {id} --failed")).ends_with(0);
    assert!(!run.stdout.contains("\u{1b}"), "{run}");
    assert_eq!(run.stdout.matches("[stderr]port 80 is taken").count(), 2, "{run}");
    let target = run.stdout.split_whitespace().next().unwrap().to_owned();
    let run = machine.run(&format!("deploy logs {id} {target} -o json")).ends_with(0);
    let json: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(json["deploymentTargets"][0]["instanceTarget"]["status"], "Failed");
}

#[test]
fn sre_14_rollback_goes_to_the_last_good_revision() {
    let sandbox = Sandbox::start(SIMULATED, 200);
    let machine = sandbox.with_group();
    for object in ["a.zip", "b.zip"] {
        push(&machine, object);
        let id = deploy(&machine, object, "");
        machine.run(&format!("deploy wait {id}")).ends_with(0);
    }
    let run =
        machine.run("deploy rollback shop/prod --dry-run").ends_with(0).complains("nothing was changed");
    let _ = run.says("s3://releases/b.zip").says("s3://releases/a.zip");
    machine.run("deploy rollback shop/prod").ends_with(2).complains("--yes");
    let run = machine.run("deploy rollback shop/prod --yes").ends_with(0).complains("undo with");
    let rollback = run.stdout.lines().next().unwrap();
    assert_eq!(shown(&machine, rollback)["revision"]["s3Location"]["key"], "a.zip");
}

#[test]
fn a_running_deployment_is_stopped_and_rolled_back_once() {
    for (automatic, creator) in [("", "user"), ("--auto-rollback stop", "codeDeployRollback")] {
        let sandbox = Sandbox::start(SIMULATED, 60);
        let machine = sandbox.with_group();
        for object in ["a.zip", "b.zip"] {
            push(&machine, object);
        }
        let good = deploy(&machine, "a.zip", "");
        machine.run(&format!("deploy wait {good}")).ends_with(0);
        let bad = deploy(&machine, "b.zip", automatic);
        machine.run(&format!("deploy rollback {bad} --yes")).ends_with(0);
        assert_eq!(shown(&machine, &bad)["status"], "Stopped");
        let run = machine.run("deploy list shop/prod -o json");
        let list: Value = serde_json::from_str(&run.stdout).unwrap();
        let list = list["deploymentsInfo"].as_array().unwrap();
        assert_eq!(list.len(), 3, "one rollback, never two: {run}");
        assert_eq!(list[0]["creator"], creator);
        assert_eq!(list[0]["revision"]["s3Location"]["key"], "a.zip");
        // Asked again, the rollback that exists is watched.
        if creator == "codeDeployRollback" {
            machine.run(&format!("deploy rollback {bad} --yes")).ends_with(0).complains("already");
        }
    }
}

#[test]
fn a_retry_deploys_the_same_and_a_comparison_tells_both_apart() {
    let sandbox = Sandbox::start(HALF_FAILS, 200);
    let machine = sandbox.with_group();
    push(&machine, "a.zip");
    let first = deploy(&machine, "a.zip", "--config CodeDeployDefault.OneAtATime");
    machine.run(&format!("deploy wait {first}")).ends_with(3);
    let run = machine.run(&format!("deploy retry {first} --watch")).ends_with(3);
    let second = run.stdout.lines().next().unwrap();
    assert_eq!(shown(&machine, second)["deploymentConfigName"], "CodeDeployDefault.OneAtATime");
    let run = machine.run(&format!("deploy compare {first} {second}")).ends_with(0);
    assert!(run.stdout.contains("ApplicationStart") && run.stdout.contains("Slowest"), "{run}");
    let run = machine.run(&format!("deploy compare {first} {second} -o json")).ends_with(0);
    let json: Value = serde_json::from_str(&run.stdout).unwrap();
    assert!(json["deployments"][1]["medianSeconds"]["Install"].is_number(), "{run}");
    machine.run(&format!("deploy continue {first}")).ends_with(1).complains("waits for nothing");
}

#[test]
fn the_next_deployment_is_waited_for() {
    let sandbox = Sandbox::start(SIMULATED, 200);
    let machine = sandbox.with_group();
    machine.run("deploy watch shop/prod --next --timeout 1s --interval 200ms").ends_with(7);
    machine.run("deploy watch d-1 --next").ends_with(2);
}

#[test]
fn a_recording_shows_the_same_again_through_any_reporter() {
    let sandbox = Sandbox::start(HALF_FAILS, 100);
    let machine = sandbox.with_group();
    push(&machine, "a.zip");
    let id = deploy(&machine, "a.zip", "");
    let file = machine.home().join("watch.ndjson").display().to_string();
    let live = machine.run(&format!("deploy watch {id} --record {file}")).ends_with(3);
    let again = machine.run(&format!("deploy watch --replay {file}")).ends_with(3);
    assert_eq!(again.stderr, live.stderr);
    let events = machine.run(&format!("deploy watch --replay {file} -o ndjson")).ends_with(3);
    assert_eq!(events.stdout, std::fs::read_to_string(&file).unwrap());
    let paced = machine.run(&format!("deploy watch --replay {file} --speed 1000")).ends_with(3);
    assert_eq!(paced.stderr, live.stderr);
    std::fs::write(&file, "{}\n").unwrap();
    machine.run(&format!("deploy watch --replay {file}")).ends_with(1).complains("line 1");
    machine.run("deploy watch").ends_with(2).complains("no deployment is named");
}
