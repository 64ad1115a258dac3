//! Faults of the API as a user switches them: by verbs, and by the fleet file.

use crate::support::cdctl::Machine;
use crate::support::sandbox::{SIMULATED, Sandbox};

/// Runs a shell script against a sandbox of its own; each call is tried once.
fn script(machine: &Machine, fleet: &[&str], script: &str) -> crate::support::cdctl::Run {
    let arguments = [&["sandbox", "run"], fleet, &["--", "sh", "-c", script]].concat();
    machine.cdctl(arguments)
}

#[test]
fn a_fault_is_added_seen_and_cleared() {
    let machine = Machine::new().set("AWS_MAX_ATTEMPTS", "1");
    let run = script(
        &machine,
        &[],
        "cdctl sandbox fault list
         cdctl sandbox fault add throttle --operation CreateApplication
         cdctl sandbox fault add slow --delay 20ms --rate 0.5 --for 1h
         cdctl app create shop
         cdctl sandbox fault list
         cdctl sandbox fault clear 1
         cdctl app create shop >/dev/null
         cdctl sandbox fault add error --operation GetLunch
         cdctl sandbox fault clear",
    );
    let expected = "1\n2\nID  FAULT         WHERE              SHARE  FOR  STRUCK\n\
                    1   throttle      CreateApplication  1.0         1\n\
                    2   slow by 20ms  every call         0.5    1h   0\n";
    assert_eq!(run.stdout, expected, "{run}");
    let run = run.ends_with(0).holds_no_escape().complains("no fault is in force").complains("Rate exceeded");
    let _ = run
        .complains("cleared 1 fault\n")
        .complains("created application shop")
        .complains("has an operation `GetLunch`");
}

#[test]
fn a_fault_strikes_an_operation_of_s3() {
    let sandbox = Sandbox::start(SIMULATED, 60);
    let machine = sandbox.with_group().set("AWS_MAX_ATTEMPTS", "1");
    let push = "revision push examples/site s3://releases/s.zip --app shop";
    let add = |kind: &str| machine.run(&format!("sandbox fault add {kind} --operation PutObject --times 1"));
    for (kind, said) in [("throttle", "SlowDown"), ("error", "InternalError"), ("reset", "cannot upload")] {
        add(kind).ends_with(0);
        machine.run(push).ends_with(1).complains(said);
        machine.run("revision validate s3://releases/s.zip").ends_with(1).complains("cannot download");
    }
    add("lost").ends_with(0);
    machine.run(push).ends_with(1).complains("cannot upload");
    machine.run("revision validate s3://releases/s.zip").ends_with(0);
    machine.run("sandbox fault list").ends_with(0).complains("no fault is in force");
    machine.run(push).ends_with(0);
}

/// A deployment fails while a fault is there, and goes well once it is cleared.
#[test]
fn faults_of_hosts_come_and_go() {
    let sandbox = Sandbox::start(
        &format!("{SIMULATED}faults: [{{event: ValidateService, outcome: {{slow: 2}}}}]\n"),
        60,
    );
    let machine = sandbox.with_group();
    let add = "sandbox fault add fail --tag Role=web --event Install --script scripts/start.sh --exit-code 3 \
               --for 5m --times 9";
    let unknown = machine.run("sandbox fault add offline --host i-0123").ends_with(2);
    let _ = unknown.complains("no host i-0123 is there");
    assert_eq!(
        machine.cdctl([add.split(' ').collect(), vec!["--log", "no port"]].concat()).ends_with(0).stdout,
        "2\n"
    );
    let create = "deploy create shop/prod --push examples/site --bucket releases --watch";
    let late =
        "sandbox fault add slow --operation DeleteApplication --delay 1500ms --rate 0.5 --for 1h --times 4";
    machine.run(late).ends_with(0);
    let bad = machine.run(create).ends_with(3);
    let _ = bad.complains("scripts/start.sh failed with exit code 3").complains("[stderr]no port");
    let listed = machine.run("sandbox fault list -o text").ends_with(0).stdout;
    let expected = "1\tslow by a factor of 2\tValidateService\t1.0\t\t0\n\
                    2\tfail: scripts/start.sh, exit code 3, log \"no port\"\tInstall with Role=web\t1.0\t5m\t1 of 9\n\
                    3\tslow by 1s 500ms\tDeleteApplication\t0.5\t1h\t0 of 4\n";
    assert_eq!(listed, expected);
    let head = machine.run("sandbox fault list").ends_with(0).stdout;
    assert!(head.starts_with("ID  FAULT "), "{head}");
    let _ = machine.run("sandbox fault clear 2").ends_with(0).complains("cleared 1 fault");
    let _ = machine.run(create).ends_with(0);
}

/// Hosts and Auto Scaling groups change under a sandbox that runs, and everybody can see it.
#[test]
fn a_fleet_changes_while_it_is_watched() {
    let fleet = "buckets: [{name: releases}]\ngenerate: [{count: 2, auto_scaling_group: pool, tags: {Role: web}}]\n\
                 functions: [{name: checkout, aliases: {live: '1'}}, {name: verify}]\nservices: [{cluster: shop, name: web}]\n";
    let sandbox = Sandbox::start(fleet, 60);
    let machine = sandbox.with_group();
    let hosts =
        |machine: &Machine| machine.run("sandbox fleet -o json --query instances[].id").ends_with(0).stdout;
    let ids: Vec<String> = serde_json::from_str(&hosts(&machine)).unwrap();
    let _ = machine
        .run(&format!("sandbox change disappear {}", ids[0]))
        .ends_with(0)
        .complains("has disappeared");
    let shown = machine.run("sandbox fleet").ends_with(0).complains("Auto Scaling group pool: 1");
    let _ = shown
        .complains("function checkout: live is at 1")
        .complains("function verify: no alias")
        .complains("service shop:web: nothing was deployed to it");
    let shown = machine.run("sandbox fleet").ends_with(0);
    assert!(
        shown.stdout.lines().any(|line| line.starts_with(&ids[0]) && line.ends_with("disappeared")),
        "{shown}"
    );
    let _ = machine.run(&format!("sandbox change appear {}", ids[0])).ends_with(0);
    let _ =
        machine.run("sandbox change grow pool --count 3").ends_with(0).complains("pool launches 3 instances");
    assert_eq!(serde_json::from_str::<Vec<String>>(&hosts(&machine)).unwrap().len(), 5);
    let _ = machine.run("sandbox change shrink pool").ends_with(0).complains("pool terminates an instance");
    let _ = machine.run("sandbox change alarm errors").ends_with(0);
    let _ =
        machine.run("sandbox fleet").complains("alarm errors is on").complains("Auto Scaling group pool: 4");
    let _ = machine.run("sandbox change alarm-over errors").ends_with(0);
    let _ =
        machine.run("sandbox change alarm-over errors").ends_with(2).complains("the alarm errors is not on");
    let _ = machine.run("sandbox change grow pol").ends_with(2).complains("there is pool");
    let shrunk = machine.run("sandbox change shrink pool --count 9 -o json").ends_with(0);
    let shrunk = shrunk.complains("pool terminates 4 instances, all that it has");
    assert_eq!(serde_json::from_str::<serde_json::Value>(&shrunk.stdout).unwrap()["instances"], 4);
    let _ =
        machine.run("sandbox change shrink pool").ends_with(0).complains("pool has no instance to terminate");
}

#[test]
fn the_fleet_file_has_faults_from_the_start() {
    let machine = Machine::new().set("AWS_MAX_ATTEMPTS", "1");
    let fleet = machine.home().join("fleet.yaml");
    std::fs::write(&fleet, "api_faults: [{fault: reset, operation: CreateApplication, for: 1h}]\n").unwrap();
    let fleet = ["--fleet", fleet.to_str().unwrap()];
    let run =
        script(&machine, &fleet, "cdctl app create shop; cdctl sandbox fault clear && cdctl app create shop");
    let _ = run.ends_with(0).complains("error").complains("created application shop");
}

#[test]
fn a_fault_goes_to_this_machine_only() {
    let machine = Machine::new();
    let elsewhere =
        machine.run("sandbox fault list --endpoint-url https://codedeploy.eu-west-1.amazonaws.com");
    let _ = elsewhere.ends_with(2).complains("is not a sandbox on this machine");
    let nobody = machine.run("sandbox fault list --endpoint-url http://127.0.0.1:1");
    let _ = nobody.ends_with(1).complains("cannot be reached");
    for (add, why) in [
        ("slow", "slow needs --delay for calls, or --factor for events on hosts"),
        ("slow --delay 1s --factor 2", "give one"),
        ("fail --rate 0.5", "--rate has no meaning for fail"),
        ("throttle --zone a", "--zone has no meaning for throttle"),
        ("hang --log x", "--log has no meaning for hang"),
        ("hang --factor 2", "--factor has no meaning for hang"),
        ("hang --tag x", "`x` is not KEY=VALUE"),
        ("fail --share nan", "`nan` is not a number"),
        ("slow --factor inf", "`inf` is not a number"),
        ("error --rate NaN", "`NaN` is not a number"),
    ] {
        let _ = machine.run(&format!("sandbox fault add {add}")).ends_with(2).complains(why);
    }
    let _ =
        machine.run("sandbox fault add reset --for soon").ends_with(2).complains("`soon` is not a duration");
}

#[test]
fn a_fleet_of_ten_thousand_is_shown() {
    let sandbox = Sandbox::start("generate: [{count: 10000, kind: simulated, tags: {Role: web}}]", 1);
    let shown = sandbox.machine().run("sandbox fleet -o text").ends_with(0).stdout;
    assert_eq!(shown.lines().count(), 10_000);
}
