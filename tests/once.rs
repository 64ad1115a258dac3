//! CreateDeployment whose answer is lost or not waited for, on real sockets: one deployment, or none, and the user knows
//! which.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStderr, Stdio};
use std::sync::Arc;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::support::cdctl::{CDCTL, Machine, Run};
use crate::support::proxy::{Gate, Proxy};
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
                let run = machine.run(&create).ends_with(0).complains("there is none: sending it again\n");
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
    assert!(!run.stderr.contains("sending it again"), "{run}");
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

/// A command whose CreateDeployment is on its way, and waits there until the gate is opened.
struct Held {
    child: Child,
    stderr: BufReader<ChildStderr>,
    told: String,
    gate: Arc<Gate>,
}

impl Held {
    fn start(sandbox: &Sandbox, line: &str) -> Self {
        let gate = Arc::new(Gate::default());
        let closed = Arc::clone(&gate);
        let door = Proxy::holding(move |call| {
            if call.operation == "CreateDeployment" {
                closed.wait();
            }
        });
        let mut command = sandbox.machine().against(&door.listen(&sandbox.url()).url).command(CDCTL);
        command.args(line.split_whitespace()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        assert_eq!(gate.reached(1), 1);
        let stderr = BufReader::new(child.stderr.take().unwrap());
        Held { child, stderr, told: String::new(), gate }
    }

    fn signal(self, signal: Signal) -> Self {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
        self
    }

    /// It says what it does after a signal.
    fn says(mut self, what: &str) -> Self {
        while !self.told.contains(what) {
            assert!(self.stderr.read_line(&mut self.told).unwrap() > 0, "never said: {what}\n{}", self.told);
        }
        self
    }

    fn interrupted(self, signal: Signal) -> Self {
        self.signal(signal).says("waiting for its id")
    }

    /// Lets the call pass, and waits for the end.
    fn passes(self) -> Run {
        self.gate.open();
        self.ends()
    }

    fn ends(mut self) -> Run {
        self.stderr.read_to_string(&mut self.told).unwrap();
        let mut output = self.child.wait_with_output().unwrap();
        output.stderr = self.told.into_bytes();
        output.into()
    }
}

fn first_line(run: &Run) -> String {
    run.stdout.lines().next().unwrap_or_else(|| panic!("{run}")).to_owned()
}

#[test]
fn a_signal_waits_for_the_id_of_what_is_being_made() {
    let sandbox = Sandbox::start(SIMULATED, 300);
    let machine = sandbox.with_group();
    machine.run("revision push examples/site s3://releases/site-1.zip --app shop").ends_with(0);
    let first = first_line(&machine.run(&format!("{CREATE} --watch")).ends_with(0));
    let request = json!({ "applicationName": "shop", "deploymentGroupName": "prod",
        "revision": { "revisionType": "S3",
            "s3Location": { "bucket": "releases", "key": "site-1.zip", "bundleType": "zip" } } });
    let file = machine.home().join("request.json");
    std::fs::write(&file, request.to_string()).unwrap();
    for line in [
        CREATE,
        &format!("deploy retry {first}"),
        "deploy rollback shop/prod --to s3://releases/site-1.zip --yes --no-watch",
        &format!("api CreateDeployment {} --query deploymentId -o text", file.display()),
    ] {
        let run = Held::start(&sandbox, line).interrupted(Signal::TERM).passes().ends_with(143);
        let id = first_line(&run);
        let run =
            if line.starts_with("api") { run } else { run.complains("watch it with `cdctl deploy watch") };
        machine.run(&format!("deploy wait {id}")).ends_with(0);
        // It is known though it is not watched.
        let run =
            run.complains("the deployment may have been made: waiting for its id; another ^C leaves at once");
        assert!(id.starts_with("d-"), "{run}");
    }
    assert_eq!(made(sandbox).len(), 5);
}

#[test]
fn what_was_being_made_is_stopped_where_that_was_asked_for() {
    let (sandbox, machine) = deployable();
    machine.run(&format!("{CREATE} --watch")).ends_with(0);
    let back = "deploy rollback shop/prod --to s3://releases/site-1.zip --yes";
    for line in [format!("{CREATE} --watch"), back.to_owned()] {
        let line = format!("{line} --interval 100ms --on-interrupt stop");
        let run = Held::start(&sandbox, &line).interrupted(Signal::INT).passes().ends_with(4);
        let _ = run.complains("stopping the deployment; another ^C leaves it to that").complains("STOPPED");
        let run = Held::start(&sandbox, &format!("{CREATE} --watch -o ndjson")).interrupted(Signal::INT);
        let run = run.passes().ends_with(130);
        let events: Vec<Value> = run.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let (start, result) = (&events[0], events.last().unwrap());
        assert_eq!((&start["type"], &result["type"]), (&"stream_start".into(), &"result".into()), "{run}");
        assert_eq!((&result["outcome"], &result["exit"]), (&"detached".into(), &130.into()), "{run}");
        let id = result["deployment"].as_str().unwrap();
        machine.run(&format!("deploy wait {id}")).ends_with(0);
    }
}

#[test]
fn a_second_signal_leaves_with_a_word_on_what_may_be_there() {
    for more in ["", " --watch -o ndjson"] {
        let (sandbox, _machine) = deployable();
        let held = Held::start(&sandbox, &format!("{CREATE}{more}")).interrupted(Signal::INT);
        let gate = Arc::clone(&held.gate);
        let run = held.signal(Signal::TERM).ends().ends_with(143);
        gate.open();
        let run = run
            .complains("a deployment of shop/prod may have been made")
            .complains("cdctl deploy list shop/prod");
        let last = run.stdout.lines().last().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let told = last.map(|last| (last["type"].clone(), last["outcome"].clone(), last["group"].clone()));
        let result = ("result".into(), "detached".into(), "prod".into());
        assert_eq!(told, (!more.is_empty()).then_some(result), "{run}");
    }
}

#[test]
fn nothing_is_sent_again_after_a_signal() {
    let (sandbox, machine) = deployable();
    fault(&machine, "reset --operation CreateDeployment --times 1");
    let run = Held::start(&sandbox, CREATE).interrupted(Signal::INT).passes().ends_with(130).says_nothing();
    let _ = run.complains("no answer came, and no deployment was made");
    assert_eq!(made(sandbox), [""; 0]);
}
