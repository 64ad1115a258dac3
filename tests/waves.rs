//! `deploy create --regions`: a wave after the other, and none after a failure.

use std::process::{Child, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::support::cdctl::{CDCTL, Machine, Run};
use crate::support::proxy::{Gate, Proxy};
use crate::support::sandbox::{ROLE, SIMULATED, Sandbox};

const REGIONS: [&str; 3] = ["us-east-1", "eu-west-1", "ap-south-1"];

/// The same application in each region; `broken` has a group whose deployments fail.
fn world(sandbox: &Sandbox, broken: &str) -> Machine {
    let machine = sandbox.machine();
    for region in REGIONS {
        let tag = if region == broken { "Role=nobody" } else { "Role=web" };
        machine.run(&format!("app create shop --region {region}")).ends_with(0);
        let group = format!("group create shop/prod --service-role {ROLE} --ec2-tag {tag} --region {region}");
        machine.run(&group).ends_with(0);
    }
    machine
}

fn regions(stdout: &str) -> Vec<Value> {
    serde_json::from_str::<Value>(stdout).unwrap()["regions"].as_array().unwrap().clone()
}

#[test]
fn every_region_is_deployed_to_wave_after_wave() {
    let sandbox = Sandbox::start(SIMULATED, 300);
    let machine = world(&sandbox, "");
    let push = "deploy create shop/prod --push examples/site --bucket releases --regions us-east-1,eu-west-1,ap-south-1";
    let run = machine.run(&format!("{push} --dry-run --wave-size 2 -o json")).ends_with(0);
    let waves: Vec<_> = regions(&run.stdout).iter().map(|row| row["wave"].clone()).collect();
    assert_eq!(waves, [1, 1, 2]);
    assert!(!machine.run("deploy list shop/prod").stdout.contains("d-"), "a dry run deploys nothing");

    let run = machine.run(&format!("{push} --watch --wave-size 2")).ends_with(0).holds_no_escape();
    let ended =
        |region: &str| run.stderr.find(&format!(" {region} d-")).unwrap_or_else(|| panic!("{region}\n{run}"));
    let last = run.stderr.find("✓ SUCCEEDED  d-").unwrap();
    assert!(ended("us-east-1") < last && ended("eu-west-1") < last && last < ended("ap-south-1"), "{run}");
    for (index, region) in REGIONS.iter().enumerate() {
        let line = run.stdout.lines().find(|line| line.contains(region)).unwrap();
        let cells: Vec<&str> = line.split_whitespace().collect();
        assert_eq!((cells[0], cells[3]), (if index < 2 { "1" } else { "2" }, "succeeded"), "{run}");
        let shown = machine.run(&format!("deploy show {} --region {region}", cells[2])).ends_with(0);
        let _ = shown.says("Succeeded");
        // The id is known in its own region alone.
        let other = if *region == "us-east-1" { "eu-west-1" } else { "us-east-1" };
        machine.run(&format!("deploy show {} --region {other}", cells[2])).ends_with(1);
    }
}

#[test]
fn the_first_failure_is_the_last_wave() {
    let sandbox = Sandbox::start(SIMULATED, 300);
    let machine = world(&sandbox, "eu-west-1");
    machine.run("revision push examples/site s3://releases/a.zip --app shop").ends_with(0);
    let create = "deploy create shop/prod --revision s3://releases/a.zip --watch --regions us-east-1,eu-west-1,ap-south-1";
    let run = machine.run(&format!("{create} -o json")).ends_with(3);
    let rows = regions(&run.stdout);
    let outcomes: Vec<_> = rows.iter().map(|row| row["outcome"].as_str().unwrap()).collect();
    assert_eq!(outcomes, ["succeeded", "failed", "not_started"], "{run}");
    assert_eq!(
        rows.iter().map(|row| row["exit"].clone()).collect::<Vec<_>>(),
        [0.into(), 3.into(), Value::Null]
    );
    let id = rows[1]["deploymentId"].as_str().unwrap();
    let run = run.complains(&format!("cdctl deploy show {id} --region eu-west-1"));
    assert!(!run.stderr.contains("ap-south-1 d-"), "{run}");
    assert_eq!(run.stderr.matches("nothing was started in ap-south-1").count(), 1, "{run}");
    let run = machine.run("deploy list shop/prod --region ap-south-1 -q").ends_with(0);
    assert!(!run.stdout.contains("d-"), "{run}");

    let events = machine.run(&format!("{create} -o ndjson")).ends_with(3).stdout;
    let events: Vec<Value> = events.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!((0..).zip(&events).all(|(seq, event)| event["seq"] == seq), "one numbering");
    let results: Vec<_> = events.iter().filter(|event| event["type"] == "result").collect();
    assert_eq!(results.len(), 2);
    assert_eq!((&results[1]["region"], &results[1]["exit"]), (&"eu-west-1".into(), &3.into()));
    assert_eq!(events.last().unwrap()["type"], "result");
    let times: Vec<_> = events.iter().map(|event| event["ts"].as_str().unwrap()).collect();
    let [.., before, left_out, result] = times[..] else { panic!("{times:?}") };
    assert!(before <= left_out && left_out <= result, "by the service's clock, which is ahead: {times:?}");
    let left_out = &events[events.len() - 2];
    assert_eq!((&left_out["code"], &left_out["region"]), (&"not_started".into(), &"ap-south-1".into()));
}

#[test]
fn a_recording_tells_of_the_regions_that_were_left_out() {
    let sandbox = Sandbox::start(SIMULATED, 300);
    let machine = world(&sandbox, "eu-west-1");
    machine.run("revision push examples/site s3://releases/a.zip --app shop").ends_with(0);
    let record = machine.home().join("waves.ndjson").display().to_string();
    let create =
        "deploy create shop/prod --revision s3://releases/a.zip --watch --regions eu-west-1,ap-south-1";
    let live = machine.run(&format!("{create} --record {record} -o json")).ends_with(3);
    let again = machine.run(&format!("deploy watch --replay {record}")).ends_with(3);
    assert_eq!(again.stderr, live.stderr);
    let events = machine.run(&format!("deploy watch --replay {record} -o ndjson")).ends_with(3).stdout;
    assert_eq!(events, std::fs::read_to_string(&record).unwrap());
    let last: Vec<Value> =
        events.lines().rev().take(2).map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((&last[1]["code"], &last[1]["region"]), (&"not_started".into(), &"ap-south-1".into()));
    assert_eq!(last[0]["type"], "result");
}

/// Deploys in waves, and holds its first CreateDeployment until the gate is opened.
fn held(sandbox: &Sandbox, more: &str) -> (Child, Arc<Gate>) {
    held_at(sandbox, ("CreateDeployment", 1), &format!("--revision s3://releases/a.zip {more}"))
}

/// As [`held`], at the so many-eth call of an operation.
fn held_at(sandbox: &Sandbox, (operation, nth): (&'static str, usize), more: &str) -> (Child, Arc<Gate>) {
    let gate = Arc::new(Gate::default());
    let closed = Arc::clone(&gate);
    let seen = AtomicUsize::new(0);
    let door = Proxy::holding(move |call| {
        if call.operation == operation && seen.fetch_add(1, Ordering::SeqCst) + 1 >= nth {
            closed.wait();
        }
    });
    let machine = sandbox.machine().against(&door.listen(&sandbox.url()).url);
    let line = format!("deploy create shop/prod --watch --regions us-east-1,eu-west-1 {more}");
    let mut command = machine.command(CDCTL);
    command.args(line.split_whitespace()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = command.spawn().unwrap();
    assert_eq!(gate.reached(1), 1);
    (child, gate)
}

#[test]
fn nothing_is_started_after_a_signal_and_what_was_hears_of_it() {
    for more in ["", "--wave-size 2"] {
        let sandbox = Sandbox::start(SIMULATED, 300);
        let machine = world(&sandbox, "");
        machine.run("revision push examples/site s3://releases/a.zip --app shop").ends_with(0);
        let record = machine.home().join("waves.ndjson").display().to_string();
        let (child, gate) = held(&sandbox, &format!("{more} --record {record}"));
        kill_process(Pid::from_child(&child), Signal::INT).unwrap();
        gate.open();
        let run = Run::from(child.wait_with_output().unwrap()).ends_with(130);
        let run = run.complains("DETACHED").complains("nothing was started in eu-west-1");
        for (region, count) in [("us-east-1", 1), ("eu-west-1", 0)] {
            let list =
                machine.run(&format!("deploy list shop/prod -q --region {region}")).ends_with(0).stdout;
            assert_eq!(list.matches("d-").count(), count, "{region}\n{list}\n{run}");
        }
        machine.run(&format!("deploy watch --replay {record}")).ends_with(130);
    }
}

/// The last events of a recording, in their order.
fn last_two(record: &str) -> [Value; 2] {
    let text = std::fs::read_to_string(record).unwrap();
    let events: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    events.last_chunk().unwrap().clone()
}

#[test]
fn a_signal_before_anything_is_sent_makes_nothing() {
    // What was asked of each region before the first one is touched comes before the third question.
    let asks = (("GetDeploymentGroup", 3), "--revision s3://releases/a.zip");
    let pushes = (("RegisterApplicationRevision", 1), "--push examples/site --bucket releases");
    for (call, more) in [asks, pushes] {
        let sandbox = Sandbox::start(SIMULATED, 300);
        let machine = world(&sandbox, "");
        machine.run("revision push examples/site s3://releases/a.zip --app shop").ends_with(0);
        let record = machine.home().join("waves.ndjson").display().to_string();
        let (child, gate) = held_at(&sandbox, call, &format!("{more} --record {record}"));
        kill_process(Pid::from_child(&child), Signal::INT).unwrap();
        let run = Run::from(child.wait_with_output().unwrap()).ends_with(130);
        gate.open();
        let run = run.complains("nothing was started in us-east-1").complains("no deployment was watched");
        for region in ["us-east-1", "eu-west-1"] {
            let list =
                machine.run(&format!("deploy list shop/prod -q --region {region}")).ends_with(0).stdout;
            assert!(!list.contains("d-"), "{region}\n{list}\n{run}");
        }
        let [left_out, result] = last_two(&record);
        assert_eq!((&left_out["code"], &left_out["region"]), (&"not_started".into(), &"eu-west-1".into()));
        assert_eq!((&result["type"], &result["outcome"]), (&"result".into(), &"detached".into()));
        let again = machine.run(&format!("deploy watch --replay {record}")).ends_with(130);
        let next = "next      cdctl deploy list shop/prod --region us-east-1\n";
        let _ =
            again.complains("! DETACHED; no deployment was watched  us-east-1  shop/prod\n").complains(next);
    }
}

#[test]
fn a_first_region_that_refuses_is_a_result_as_well() {
    let sandbox = Sandbox::start(SIMULATED, 300);
    let machine = world(&sandbox, "");
    machine.run("revision push examples/site s3://releases/a.zip --app shop").ends_with(0);
    machine.run("sandbox fault add throttle --operation CreateDeployment").ends_with(0);
    let record = machine.home().join("waves.ndjson").display().to_string();
    let create =
        "deploy create shop/prod --revision s3://releases/a.zip --watch --regions us-east-1,eu-west-1";
    let run = machine.run(&format!("{create} --max-attempts 1 --record {record}")).ends_with(1);
    let _ = run.complains("error: cannot deploy to shop/prod (in us-east-1)");
    let [_, result] = last_two(&record);
    assert_eq!((&result["type"], &result["outcome"]), (&"result".into(), &"error".into()));
    assert_eq!((&result["region"], &result["exit"]), (&"us-east-1".into(), &1.into()));
    assert!(result["reason"].as_str().unwrap().contains("cannot deploy to shop/prod"), "{result}");
    machine.run(&format!("deploy watch --replay {record}")).ends_with(1);
}

#[test]
fn a_second_signal_waits_for_no_call_and_is_what_the_replay_ends_with() {
    let sandbox = Sandbox::start(SIMULATED, 300);
    let machine = world(&sandbox, "");
    machine.run("revision push examples/site s3://releases/a.zip --app shop").ends_with(0);
    let record = machine.home().join("waves.ndjson").display().to_string();
    let (child, gate) = held(&sandbox, &format!("--record {record}"));
    for signal in [Signal::INT, Signal::TERM] {
        kill_process(Pid::from_child(&child), signal).unwrap();
    }
    let run = Run::from(child.wait_with_output().unwrap());
    gate.open();
    assert!([130, 143].contains(&run.code), "{run}");
    let run = run.complains("a deployment of shop/prod may have been made (in us-east-1)");
    let run = run.complains("it is not known whether a deployment was started in us-east-1");
    let run = run.complains("nothing was started in eu-west-1");
    assert_eq!(last_two(&record)[1]["type"], "result", "{run}");
    let again = machine.run(&format!("deploy watch --replay {record}")).ends_with(run.code);
    for run in [run, again] {
        let _ = run.complains("DETACHED; no deployment was watched  us-east-1  shop/prod\n");
    }
}

#[test]
fn a_failure_is_one_whether_or_not_its_table_can_be_printed() {
    let sandbox = Sandbox::start(SIMULATED, 300);
    let machine = world(&sandbox, "eu-west-1");
    machine.run("revision push examples/site s3://releases/a.zip --app shop").ends_with(0);
    let create = "cdctl deploy create shop/prod --revision s3://releases/a.zip --watch --regions";
    let shell =
        |script: String| -> Run { machine.command("sh").args(["-c", &script]).output().unwrap().into() };
    let run = shell(format!("{{ {create} eu-west-1; echo exit $? >&2; }} | true")).complains("exit 3\n");
    assert!(!run.stderr.contains("error:"), "{run}");
    let unprinted = "error: No space left on device";
    let _ = shell(format!("{create} eu-west-1 > /dev/full")).ends_with(3).complains(unprinted);
    let _ = shell(format!("{create} us-east-1 > /dev/full")).ends_with(1).complains(unprinted);
}

#[test]
fn nothing_is_deployed_where_a_region_cannot_be() {
    let sandbox = Sandbox::start(SIMULATED, 300);
    let machine = world(&sandbox, "");
    machine.run("revision push examples/site s3://releases/a.zip --app shop").ends_with(0);
    let create = "deploy create shop/prod --revision s3://releases/a.zip";
    machine
        .run(&format!("{create} --watch --regions us-east-1,mars-north-1"))
        .ends_with(1)
        .complains("error: cannot deploy to shop/prod (in mars-north-1)");
    machine.run(&format!("{create} --regions us-east-1")).ends_with(2).complains("add --watch");
    machine.run(&format!("{create} --regions us-east-1 --wave-size 0 --watch")).ends_with(2);
    let template = "deploy create shop/prod --revision s3://releases-{region}/a.zip";
    machine.run(template).ends_with(2).complains("pass --regions");
    machine.run(&format!("{template} --watch --regions eu-west-1")).ends_with(1).complains(
        "there is no bundle at s3://releases-eu-west-1/a.zip; nothing was deployed (in eu-west-1)",
    );
    for region in REGIONS {
        let run = machine.run(&format!("deploy list shop/prod -q --region {region}")).ends_with(0);
        assert!(!run.stdout.contains("d-"), "{run}");
    }
}
