//! The verbs that look at a deployment and its targets: what they show to people and what to scripts.

use serde_json::Value;

use crate::support::cdctl::Machine;
use crate::support::sandbox::Sandbox;

/// On half of the hosts ApplicationStart fails, and says a secret.
const HALF_FAILS: &str = "
buckets: [{name: releases, versioning: true}]
instances:
- {id: i-0000000000000000a, tags: {Role: web}}
- {id: i-0000000000000000b, tags: {Role: web}, zone: b}
functions: [{name: checkout, versions: ['1', '2'], aliases: {live: '1'}}]
";
const FAIL: &str = "sandbox fault add fail --zone b --event ApplicationStart --script start.sh --exit-code 3 --log password=hunter2 --times 1";
const CREATE: &str =
    "deploy create shop/prod --revision s3://releases/a.zip --config CodeDeployDefault.AllAtOnce";

/// Two deployments: one that went well on both hosts, and one that failed on one of them.
fn two(sandbox: &Sandbox) -> (Machine, String, String) {
    let machine = sandbox.with_group();
    machine.run("revision push examples/site s3://releases/a.zip --app shop").ends_with(0);
    let deploy = |more: &str| {
        let run = machine.run(&format!("{CREATE} {more}"));
        run.stdout.lines().next().unwrap_or_else(|| panic!("{run}")).to_owned()
    };
    let good = deploy("--watch");
    machine.run(FAIL).ends_with(0);
    let bad = deploy("--watch");
    (machine, good, bad)
}

#[test]
fn logs_are_rows_for_scripts_and_take_a_query() {
    let sandbox = Sandbox::start(HALF_FAILS, 200);
    let (machine, good, bad) = two(&sandbox);
    let run = machine.run(&format!("deploy logs {bad} -o text")).ends_with(0).complains_only("");
    let rows: Vec<Vec<&str>> = run.stdout.lines().map(|line| line.split('\t').collect()).collect();
    assert!(rows.len() > 7 && rows.iter().all(|row| row.len() == 9), "{run}");
    let failed: Vec<_> = rows.iter().filter(|row| row[2] == "Failed").collect();
    let [row] = failed[..] else { panic!("{run}") };
    assert_eq!((row[0], row[1]), ("i-0000000000000000b", "ApplicationStart"));
    assert!(row[6].starts_with("ScriptFailed: ") && row[7] == "start.sh", "{run}");
    assert!(row[8].contains("password=***") && !run.stdout.contains("hunter2"), "{run}");
    assert!(row[3].ends_with('Z') && row[4] >= row[3], "{run}");
    let done: Vec<_> = rows.iter().filter(|row| row[0] == "i-0000000000000000a").collect();
    assert!(done.iter().all(|row| row[2] == "Succeeded" && row[6..] == ["-", "-", "-"]), "{run}");

    let query = "--query deploymentTargets[].instanceTarget.targetId";
    let ids = "i-0000000000000000a\ti-0000000000000000b\n";
    for more in ["", "-o text"] {
        let run = machine.run(&format!("deploy logs {good} {query} {more}")).ends_with(0);
        assert_eq!(run.stdout.split_whitespace().collect::<Vec<_>>().join("\t") + "\n", ids, "{run}");
    }
    // One that there is not is an error, whatever is asked of it.
    for more in ["", "--failed"] {
        let run = machine.run(&format!("deploy logs {bad} i-0000000000000000c {more}")).ends_with(1);
        run.says_nothing().complains("cannot read the logs of");
    }
    let none = machine.run(&format!("deploy logs {bad} i-0000000000000000a --failed")).ends_with(0);
    none.says_nothing().complains_only("no target failed\n");
}

#[test]
fn a_target_is_a_page_for_people() {
    let sandbox = Sandbox::start(HALF_FAILS, 200);
    let (machine, _, bad) = two(&sandbox);
    let run = machine.run(&format!("deploy targets {bad} --target i-0000000000000000b")).ends_with(0);
    assert!(!run.stdout.contains("lifecycleEvents[") && !run.stdout.contains("hunter2"), "{run}");
    let lines: Vec<&str> = run.stdout.lines().collect();
    let at = |name: &str| {
        let found = lines.iter().position(|line| line.starts_with(name));
        found.unwrap_or_else(|| panic!("{name}\n{run}"))
    };
    for (name, value) in [
        ("Target ", "i-0000000000000000b"),
        ("Kind ", "InstanceTarget"),
        ("Status ", "Failed"),
        ("Updated ", "Z"),
        ("Duration ", "s"),
        ("  Install ", "Succeeded after "),
        ("  ApplicationStart ", "Failed after "),
        ("  ValidateService ", "Skipped"),
    ] {
        assert!(lines[at(name)].contains(value), "{name}\n{run}");
    }
    let failed = at("  ApplicationStart ");
    assert!(lines[failed].contains(": ScriptFailed: "), "{run}");
    assert!(lines[failed + 1..].iter().any(|line| line.trim() == "[stderr]password=***"), "{run}");
    // All that the API tells is there still.
    let run = machine.run(&format!("deploy targets {bad} --target i-0000000000000000b -o json")).ends_with(0);
    let told: Value = serde_json::from_str(&run.stdout).unwrap();
    assert!(told["deploymentTarget"]["instanceTarget"]["targetArn"].is_string(), "{run}");
}

#[test]
fn a_comparison_tells_how_many_failed_and_why() {
    let sandbox = Sandbox::start(HALF_FAILS, 200);
    let (machine, good, bad) = two(&sandbox);
    let run = machine.run(&format!("deploy compare {bad} {good}")).ends_with(0);
    let row = |name: &str| {
        let line = run.stdout.lines().find(|line| line.starts_with(name));
        line.unwrap_or_else(|| panic!("{name}\n{run}")).split("  ").map(str::trim).collect::<Vec<_>>()
    };
    let cells = |name: &str| row(name).into_iter().filter(|cell| !cell.is_empty()).collect::<Vec<_>>();
    assert_eq!(cells("Targets"), ["Targets", "1/2 1 failed", "2/2"]);
    let failed = cells("Failed");
    assert!(failed[1].starts_with("1x ApplicationStart ScriptFailed: ") && failed[2] == "-", "{run}");
    let run = machine.run(&format!("deploy compare {bad} {good} -o json")).ends_with(0);
    let json: Value = serde_json::from_str(&run.stdout).unwrap();
    let first = &json["deployments"][0];
    assert_eq!((&first["targets"], &first["succeeded"], &first["failed"]), (&2.into(), &1.into(), &1.into()));
    assert_eq!(first["causes"][0]["targets"][0], "i-0000000000000000b", "{run}");
    assert_eq!(json["deployments"][1]["causes"], Value::Array(Vec::new()));
    // Two that went well say nothing of errors.
    let run = machine.run(&format!("deploy compare {good} {good}")).ends_with(0);
    assert!(!run.stdout.contains("Error") && !run.stdout.contains("Failed"), "{run}");
}

#[test]
fn a_version_is_of_a_function_alone() {
    let sandbox = Sandbox::start(HALF_FAILS, 200);
    let (machine, _, _) = two(&sandbox);
    let run = machine.run("deploy rollback shop/prod --current-version 3 --dry-run").ends_with(2);
    run.says_nothing().complains("has no version that is live");
}

#[test]
fn words_are_taken_in_either_case() {
    let machine = Machine::new();
    // Who gets as far as the region has been understood.
    for line in [
        "deploy hook-status d-1 eyJ Succeeded",
        "deploy hook-status d-1 eyJ FAILED",
        "deploy list --status failed,INPROGRESS --creator USER -o TEXT",
        "deploy targets d-1 --status failed --fleet Blue --color Never",
        "deploy create shop/prod --revision s3://b/k.zip --file-exists OVERWRITE --auto-rollback Failure --if-active Stop",
        "deploy create shop/prod --mode RESTART --suspend-asg terminate",
        "deploy continue d-1 --wait READY --yes",
        "group create shop/prod --style BLUE-GREEN --traffic-control ON --service-role x --when-ready Continue --terminate-blue KEEP",
        "config create Careful --platform Lambda --canary 10%/5m",
        "app create shop --platform ECS",
        "instance list --status Registered",
    ] {
        machine.run(line).ends_with(1).complains("no AWS region is set");
    }
    let outside = Machine::new().set("CDCTL_OUTPUT", "JSON");
    outside.run("app list extra").ends_with(2).complains(r#"{"error":"#);
}
