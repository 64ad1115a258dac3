//! Faults of the API as a user switches them: by verbs, and by the fleet file.

use crate::support::cdctl::Machine;

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
    let expected = "1\n2\nID  FAULT         OPERATION          RATE  STRUCK\n\
                    1   throttle      CreateApplication  1.0   1\n\
                    2   slow by 20ms  every one          0.5   0\n";
    assert_eq!(run.stdout, expected, "{run}");
    let run = run.ends_with(0).holds_no_escape().complains("no fault is in force").complains("Rate exceeded");
    let _ = run
        .complains("cleared 1 fault\n")
        .complains("created application shop")
        .complains("CodeDeploy has no operation `GetLunch`");
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
    let _ = machine.run("sandbox fault add slow").ends_with(2).complains("--delay");
    let _ =
        machine.run("sandbox fault add reset --for soon").ends_with(2).complains("`soon` is not a duration");
}
