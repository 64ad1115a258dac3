//! CreateDeployment whose answer is lost, on real sockets: one deployment, or none, and the user knows which.

use serde_json::{Value, json};

use crate::support::cdctl::{Machine, Run};
use crate::support::sandbox::{ROLE, SIMULATED, Sandbox};

const CREATE: &str = "deploy create shop/prod --revision s3://releases/site-1.zip";

fn deployable() -> (Sandbox, Machine) {
    let sandbox = Sandbox::start(SIMULATED, 60);
    let machine = sandbox.with_group();
    machine.run("revision push examples/site s3://releases/site-1.zip --app shop").ends_with(0);
    (sandbox, machine)
}

fn fault(machine: &Machine, fault: &str) {
    machine.run(&format!("sandbox fault add {fault}")).ends_with(0);
}

fn made(sandbox: Sandbox) -> Vec<String> {
    let Value::Object(deployments) = sandbox.end()["deployments"].take() else { panic!() };
    deployments.keys().cloned().collect()
}

#[track_caller]
fn made_one(sandbox: Sandbox, run: &Run) {
    assert_eq!(made(sandbox), [run.stdout.trim()], "{run}");
}

#[test]
fn an_answer_that_is_lost_is_no_second_deployment() {
    let (sandbox, machine) = deployable();
    fault(&machine, "lost --operation CreateDeployment --times 1");
    let run = machine.cdctl(CREATE.split(' ').chain(["--description", "for the season"])).ends_with(0);
    let id = run.stdout.trim();
    let run = run
        .clone()
        .complains("the answer was lost (CreateDeployment: ")
        .complains(&format!("deployment {id} was made\nwatch it with `cdctl deploy watch {id}`\n"));
    made_one(sandbox, &run);
}

#[test]
fn a_request_that_is_lost_is_sent_again() {
    std::thread::scope(|scope| {
        for lost in ["reset", "error", "stall"] {
            scope.spawn(move || {
                let (sandbox, machine) = deployable();
                fault(&machine, &format!("{lost} --operation CreateDeployment --times 1"));
                let create = format!("{CREATE} --read-timeout 1 -o json --query deploymentId");
                let run =
                    machine.run(&create).ends_with(0).complains("there is none: nothing was deployed\n");
                let id: String = serde_json::from_str(&run.stdout).unwrap();
                assert_eq!(made(sandbox), [id], "{lost}");
            });
        }
    });
}

#[test]
fn what_was_deployed_before_is_not_taken_for_it() {
    let (sandbox, machine) = deployable();
    let first = machine.run(&format!("{CREATE} --watch -q")).ends_with(0).stdout;
    fault(&machine, "reset --operation CreateDeployment --times 1");
    let second = machine.run(CREATE).ends_with(0).complains("there is none").stdout;
    machine.run(&format!("deploy watch -q {}", second.trim())).ends_with(0);
    // Nor is another's of the same time: a retry and a rollback say what they are.
    fault(&machine, "lost --operation CreateDeployment --times 1");
    let third =
        machine.run(&format!("deploy retry {}", first.trim())).ends_with(0).complains("was made").stdout;
    let mut ids = [first, second, third].map(|id| id.trim().to_owned());
    ids.sort();
    assert_eq!(made(sandbox), ids);
}

#[test]
fn what_cannot_be_found_out_is_said() {
    let (sandbox, machine) = deployable();
    fault(&machine, "lost --operation CreateDeployment");
    fault(&machine, "error --operation BatchGetDeployments");
    let run = machine.run(&format!("{CREATE} --max-attempts 1")).ends_with(9).says_nothing();
    run.complains("error: it is not known whether a deployment of shop/prod was made: ")
        .complains("help: look before you deploy again: `cdctl deploy list shop/prod`\n");
    assert_eq!(made(sandbox).len(), 1);
}

#[test]
fn no_answer_at_all_is_an_error_and_no_deployment() {
    let (sandbox, machine) = deployable();
    fault(&machine, "reset --operation CreateDeployment");
    let run = machine.run(&format!("{CREATE} --max-attempts 1")).ends_with(1).says_nothing();
    run.complains("error: cannot deploy to shop/prod: no answer came, and no deployment was made\n")
        .complains("help: check the network");
    assert_eq!(made(sandbox), [""; 0]);
}

#[test]
fn a_throttled_request_is_sent_again_without_a_look() {
    let (sandbox, machine) = deployable();
    fault(&machine, "throttle --operation CreateDeployment --times 2");
    fault(&machine, "error --operation BatchGetDeployments");
    let run = machine.run(CREATE).ends_with(0);
    made_one(sandbox, &run);
}

#[test]
fn the_same_of_a_request_as_it_was_written() {
    let (sandbox, machine) = deployable();
    fault(&machine, "lost --operation CreateDeployment --times 1");
    let request = json!({ "applicationName": "shop", "deploymentGroupName": "prod", "description": "by hand",
        "revision": { "revisionType": "S3",
            "s3Location": { "bucket": "releases", "key": "site-1.zip", "bundleType": "zip" } } });
    let file = machine.home().join("request.json");
    std::fs::write(&file, request.to_string()).unwrap();
    let line = format!("api CreateDeployment {}", file.display());
    let run = machine.run(&format!("{line} --query deploymentId -o text")).ends_with(0);
    let run = run.complains("the answer was lost");
    machine.run(&format!("deploy watch {}", run.stdout.trim())).ends_with(0);
    fault(&machine, "lost --operation CreateDeployment");
    fault(&machine, "error --operation BatchGetDeployments");
    let lost = machine.run(&format!("{line} --max-attempts 1")).ends_with(9).says_nothing();
    let _ = lost.complains("help: look before you deploy again: `cdctl deploy list shop/prod`\n");
    let made = made(sandbox);
    assert!(made.len() == 2 && made.contains(&run.stdout.trim().to_owned()), "{made:?}\n{run}");
}

#[test]
fn what_an_earlier_try_made_is_there() {
    let sandbox = Sandbox::start(SIMULATED, 60);
    let machine = sandbox.machine();
    let arn = "--user-arn arn:aws:iam::123456789012:user/rack-7";
    let group = format!("group create shop/prod --service-role {ROLE} --ec2-tag Role=web");
    for (operation, line, shows) in [
        (
            "RegisterOnPremisesInstance",
            &*format!("instance register rack-7 {arn} --tag a=b"),
            "instance show rack-7",
        ),
        ("CreateApplication", "app create shop --tag a=b", "app show shop"),
        ("CreateDeploymentGroup", &group, "group show shop/prod"),
    ] {
        fault(&machine, &format!("lost --operation {operation} --times 1"));
        let made = machine.run(&format!("{line} -o json")).ends_with(0);
        let shown = machine.run(&format!("{shows} -o json")).ends_with(0);
        if let Some(id) = made.stdout.split('"').nth(3) {
            assert!(shown.stdout.contains(id), "{made}\n{shown}");
        }
        let _ = machine.run(line).ends_with(1).says_nothing().complains("Already");
    }
    let tags = machine.run("instance show rack-7 -o json --query instanceInfo.tags[0].Value").ends_with(0);
    assert_eq!(tags.stdout.trim(), "\"b\"");
    // Somebody else's of that name is none of ours.
    fault(&machine, "lost --operation RegisterOnPremisesInstance --times 1");
    let other = arn.replace("user/rack-7", "user/rack-8");
    machine.run(&format!("instance register rack-7 {other}")).ends_with(1).complains("cdctl instance list");
}
