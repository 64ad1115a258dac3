//! Points, time-outs and signals of a watch through the binary: what it ends with, and what becomes of the deployment.

use std::io::{BufRead, BufReader, Read};
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::support::cdctl::{CDCTL, Machine, Run};
use crate::support::proxy::{Gate, Proxy};
use crate::support::sandbox::{SIMULATED, Sandbox};

/// A group whose first deployment went well, and whose second one hangs on every host.
fn hanging(more: &str) -> (Sandbox, Machine, String) {
    let sandbox = Sandbox::start(SIMULATED, 300);
    let machine = sandbox.with_group();
    machine.run("revision push examples/site s3://releases/a.zip --app shop").ends_with(0);
    machine.run("revision push examples/site s3://releases/b.zip --app shop").ends_with(0);
    create(&machine, "a.zip", "--watch");
    // Once on each host: the fault is over when all of them hang, and what follows goes well.
    machine.run("sandbox fault add hang --event Install --times 4").ends_with(0);
    let id = create(&machine, "b.zip", more);
    for _ in 0..600 {
        if !machine.run("sandbox fault list").ends_with(0).stdout.contains("hang") {
            return (sandbox, machine, id);
        }
        thread::sleep(Duration::from_millis(50));
    }
    panic!("the hosts never hung");
}

/// Deploys to all hosts at once; gives the deployment's id.
fn create(machine: &Machine, object: &str, more: &str) -> String {
    let create = format!("deploy create shop/prod --revision s3://releases/{object}");
    let run = machine.run(&format!("{create} --config CodeDeployDefault.AllAtOnce {more}")).ends_with(0);
    run.stdout.lines().next().unwrap().to_owned()
}

fn status(machine: &Machine, id: &str) -> String {
    let run = machine.run(&format!("deploy show {id} -o json --query deploymentInfo.status")).ends_with(0);
    serde_json::from_str::<String>(&run.stdout).unwrap()
}

/// Sends a signal to a watch once it has told what it watches.
fn signalled(machine: &Machine, line: &str, signal: Signal) -> Run {
    signalled_with(machine, line, &[signal])
}

/// As [`signalled`], with several at once.
fn signalled_with(machine: &Machine, line: &str, signals: &[Signal]) -> Run {
    let mut command = machine.command(CDCTL);
    command.args(line.split_whitespace()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    let mut first = String::new();
    stderr.read_line(&mut first).unwrap();
    for signal in signals {
        kill_process(Pid::from_child(&child), *signal).unwrap();
    }
    let mut rest = String::new();
    stderr.read_to_string(&mut rest).unwrap();
    let mut output = child.wait_with_output().unwrap();
    output.stderr = (first + &rest).into_bytes();
    output.into()
}

#[test]
fn what_is_left_goes_on_unless_the_user_said_otherwise() {
    let (_sandbox, machine, id) = hanging("");
    let watch = format!("deploy watch {id} --interval 100ms");
    let run = machine.run(&format!("{watch} --timeout 1s")).ends_with(7);
    let _ = run.complains("TIMED OUT; the deployment goes on").complains(&format!("cdctl deploy watch {id}"));
    assert_eq!(status(&machine, &id), "InProgress");
    let _ = signalled(&machine, &watch, Signal::INT).ends_with(130).complains("DETACHED");
    let _ = signalled(&machine, &watch, Signal::TERM).ends_with(143).complains("DETACHED");
    assert_eq!(status(&machine, &id), "InProgress");
    machine.run("sandbox fault clear").ends_with(0);
    machine.run(&format!("{watch} --timeout 1s --on-timeout stop")).ends_with(4);
    assert_eq!(status(&machine, &id), "Stopped");
}

#[test]
fn who_waits_for_a_group_to_be_free_stops_nobodys_deployment() {
    let (_sandbox, machine, id) = hanging("");
    let create =
        "deploy create shop/prod --revision s3://releases/a.zip --if-active wait --watch --interval 100ms";
    let run = machine.run(&format!("{create} --timeout 1s --on-timeout stop -o ndjson")).ends_with(7);
    let run = run.complains("did not end while it was waited for; nothing was deployed");
    let _ = run.says(r#""type":"result","outcome":"timed_out","exit":7"#);
    assert_eq!(status(&machine, &id), "InProgress");
}

#[test]
fn a_rollback_that_was_asked_for_is_followed_however_late_it_is_named() {
    let (sandbox, machine, id) = hanging("");
    // The hosts that hang let the stop wait for them.
    let door = Proxy::late_rollback(4).listen(&sandbox.url());
    let aside = sandbox.machine().against(&door.url);
    let line = format!("deploy watch {id} --interval 100ms --timeout 1s --on-timeout rollback");
    let _ = aside.run(&line).ends_with(5).complains("rolling it back");
    assert_eq!(status(&machine, &id), "Stopped");
}

#[test]
fn who_waits_for_the_next_deployment_in_vain_is_told_by_every_means() {
    let sandbox = Sandbox::start(SIMULATED, 300);
    let machine = sandbox.with_group();
    let folder = tempfile::tempdir().unwrap();
    let (record, junit) = (folder.path().join("r.ndjson"), folder.path().join("j.xml"));
    let line = format!(
        "deploy watch shop/prod --next --timeout 300ms --interval 100ms -o ndjson --record {} --junit {}",
        record.display(),
        junit.display()
    );
    let run = machine.run(&line).ends_with(7);
    let last: Value = serde_json::from_str(run.stdout.lines().last().unwrap()).unwrap();
    assert_eq!(
        (&last["type"], &last["outcome"], &last["exit"]),
        (&"result".into(), &"timed_out".into(), &7.into())
    );
    assert_eq!((&last["application"], &last["group"]), (&"shop".into(), &"prod".into()));
    assert_eq!(std::fs::read_to_string(&record).unwrap().lines().count(), run.stdout.lines().count());
    assert!(std::fs::read_to_string(&junit).unwrap().contains("<testsuite name=\"shop/prod\""));
    let again = machine.run(&format!("deploy watch --replay {}", record.display())).ends_with(7);
    let said = "! TIMED OUT; no deployment was watched  shop/prod\nnext      cdctl deploy list shop/prod\n";
    assert_eq!(again.stderr, said);
    let run = signalled(&machine, "deploy watch shop/prod --next -o ndjson", Signal::INT).ends_with(130);
    let _ = run.says("\"outcome\":\"detached\"");
}

/// What is held at the first call, and where nothing but a signal or the time ends it.
#[test]
fn who_leaves_before_anything_was_seen_is_told_by_every_means() {
    let sandbox = Sandbox::start(SIMULATED, 300);
    sandbox.with_group();
    let folder = tempfile::tempdir().unwrap();
    let (record, junit) = (folder.path().join("r.ndjson"), folder.path().join("j.xml"));
    for (operation, line, signal, code) in [
        ("GetDeployment", "deploy watch d-1 -o ndjson", Some(Signal::INT), 130),
        ("GetDeployment", "deploy watch d-1 -o ndjson --on-interrupt stop", Some(Signal::TERM), 143),
        ("GetDeployment", "deploy watch d-1 -o ndjson --timeout 1s", None, 7),
        ("GetDeployment", "deploy watch d-1", Some(Signal::INT), 130),
        ("GetDeployment", "deploy watch d-1 -o json", Some(Signal::INT), 130),
        ("GetDeployment", "deploy watch d-1 -o json --timeout 1s", None, 7),
        ("GetDeployment", "deploy wait d-1", Some(Signal::INT), 130),
        ("ListDeployments", "deploy watch shop/prod -o ndjson", Some(Signal::TERM), 143),
        ("ListDeployments", "deploy wait shop/prod", Some(Signal::INT), 130),
    ] {
        let gate = Arc::new(Gate::default());
        let held = Arc::clone(&gate);
        let door = Proxy::holding(move |call| {
            if call.operation == operation {
                held.wait();
            }
        });
        let machine = sandbox.machine().against(&door.listen(&sandbox.url()).url);
        let kept = format!("--record {} --junit {}", record.display(), junit.display());
        let mut command = machine.command(CDCTL);
        command.args(format!("{line} {kept}").split_whitespace());
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        assert_eq!(gate.reached(1), 1);
        if let Some(signal) = signal {
            kill_process(Pid::from_child(&child), signal).unwrap();
        }
        let run = Run::from(child.wait_with_output().unwrap()).ends_with(code);
        gate.open();
        let stream = std::fs::read_to_string(&record).unwrap();
        if line.contains("ndjson") {
            assert_eq!(run.stdout, stream, "{line}");
        }
        let events: Vec<Value> = stream.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let (start, result) = (&events[0], events.last().unwrap());
        assert_eq!((&start["type"], &result["type"]), (&"stream_start".into(), &"result".into()), "{run}");
        assert_eq!(result["exit"], code, "{line}");
        assert!(std::fs::read_to_string(&junit).unwrap().contains("<testsuite"), "{line}");
        std::fs::remove_file(&junit).unwrap();
        std::fs::remove_file(&record).unwrap();
    }
}

#[test]
fn a_watch_without_any_time_tells_of_a_deployment_that_has_ended() {
    let sandbox = Sandbox::start(SIMULATED, 300);
    let machine = sandbox.with_group();
    machine.run("revision push examples/site s3://releases/a.zip --app shop").ends_with(0);
    create(&machine, "a.zip", "--watch");
    let _ = machine.run("deploy watch shop/prod --timeout 0").ends_with(0).complains("SUCCEEDED");
}

#[test]
fn a_time_out_rolls_back_where_it_was_asked_to() {
    let (_sandbox, machine, id) = hanging("");
    let run = machine
        .run(&format!("deploy watch {id} --interval 100ms --timeout 1s --on-timeout rollback"))
        .ends_with(5);
    let _ = run.complains("stopping the deployment and rolling it back").complains("STOPPED, rolled back");
}

#[test]
fn an_interrupt_rolls_back_where_it_was_asked_to() {
    let (_sandbox, machine, id) = hanging("");
    let watch = format!("deploy watch {id} --interval 100ms --on-interrupt rollback");
    let _ = signalled(&machine, &watch, Signal::INT).ends_with(5).complains("STOPPED, rolled back");
}

#[test]
fn a_signal_that_comes_twice_stops_the_deployment_all_the_same() {
    let (_sandbox, machine, id) = hanging("");
    let watch = format!("deploy watch {id} --interval 100ms --on-interrupt stop");
    let run = signalled_with(&machine, &watch, &[Signal::INT, Signal::TERM]);
    let _ = run.complains("stopping the deployment").complains("DETACHED; the deployment is being stopped");
    machine.run(&format!("deploy watch {id} --interval 100ms")).ends_with(4);
}

#[test]
fn what_was_just_made_is_stopped_though_nothing_was_told_of_it() {
    let (_sandbox, machine, old) = hanging("");
    machine.run("sandbox fault clear").ends_with(0);
    machine.run(&format!("deploy stop {old} --yes")).ends_with(0);
    machine.run(&format!("deploy watch {old} --interval 100ms")).ends_with(4);
    machine.run("sandbox fault add hang --event Install").ends_with(0);
    machine.run("sandbox fault add throttle --operation GetDeployment").ends_with(0);
    let create = "deploy create shop/prod --revision s3://releases/b.zip --watch --on-interrupt stop";
    let run = signalled_with(&machine, create, &[Signal::INT, Signal::TERM]);
    let id = run.stdout.lines().next().unwrap().to_owned();
    let _ = run.complains("DETACHED; the deployment is being stopped");
    machine.run("sandbox fault clear").ends_with(0);
    machine.run(&format!("deploy watch {id} --interval 100ms")).ends_with(4);
}

#[test]
fn a_rollback_is_followed_unless_the_user_said_otherwise() {
    let (_sandbox, machine, id) = hanging("--auto-rollback stop");
    machine.run(&format!("deploy stop {id} --yes")).ends_with(0);
    let run = machine.run(&format!("deploy watch {id} --no-follow-rollback")).ends_with(4);
    let _ = run.complains("STOPPED");
    let run = machine.run(&format!("deploy watch {id} -o ndjson")).ends_with(5);
    let last: Value = serde_json::from_str(run.stdout.lines().last().unwrap()).unwrap();
    assert_eq!((&last["outcome"], &last["exit"]), (&"stopped_rolled_back".into(), &5.into()));
    // What fails on its way back is the worst that a deployment can come to.
    machine.run("sandbox fault add fail --event Install").ends_with(0);
    let bad = "deploy create shop/prod --revision s3://releases/b.zip --auto-rollback failure --watch";
    let run = machine.run(bad).ends_with(6);
    let _ = run.complains("FAILED, and so did its rollback");
}

#[test]
fn several_are_watched_at_once_and_the_worst_decides() {
    let (_sandbox, machine, id) = hanging("");
    let good = machine.run("deploy list shop/prod --status succeeded -o json").ends_with(0);
    let list: Value = serde_json::from_str(&good.stdout).unwrap();
    let good = list["deploymentsInfo"][0]["deploymentId"].as_str().unwrap().to_owned();
    // The latest of the group is the one that is named already.
    let watch = format!("deploy watch {good} {id} shop/prod --timeout 1s --interval 100ms");
    let run = machine.run(&watch).ends_with(7).holds_no_escape();
    let _ = run
        .complains(&format!("✓ SUCCEEDED  {good}"))
        .complains(&format!("TIMED OUT; the deployment goes on  {id}"));
    machine.run("sandbox fault clear").ends_with(0);
    machine.run(&format!("deploy stop {id} --yes")).ends_with(0);
    machine.run(&format!("deploy watch {good} {id} shop/prod")).ends_with(4);
}

#[test]
fn the_next_deployment_is_watched_once_it_starts() {
    let sandbox = Sandbox::start(SIMULATED, 300);
    let machine = sandbox.with_group();
    machine.run("revision push examples/site s3://releases/a.zip --app shop").ends_with(0);
    let old = create(&machine, "a.zip", "--watch");
    let mut command = machine.command(CDCTL);
    command.args(["deploy", "watch", "shop/prod", "--next", "--timeout", "60s", "--interval", "100ms"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // Once it says so, it knows which deployments are old.
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    let mut text = String::new();
    stderr.read_line(&mut text).unwrap();
    assert!(text.contains("waiting for the next deployment"), "{text}");
    let new = create(&machine, "a.zip", "");
    stderr.read_to_string(&mut text).unwrap();
    let mut output = child.wait_with_output().unwrap();
    output.stderr = text.into_bytes();
    let run = Run::from(output).ends_with(0).complains(&format!("✓ SUCCEEDED  {new}"));
    assert!(!run.stderr.contains(&old), "{run}");
}

#[test]
fn who_waits_for_the_next_deployment_may_leave_in_the_middle_of_a_call() {
    let sandbox = Sandbox::start(SIMULATED, 300);
    sandbox.with_group();
    for (more, code) in [("", 130), (" --timeout 2s", 7)] {
        let (gate, listed) = (Arc::new(Gate::default()), AtomicUsize::new(0));
        let held = Arc::clone(&gate);
        let door = Proxy::holding(move |call| {
            if call.operation == "ListDeployments" && listed.fetch_add(1, Ordering::SeqCst) > 0 {
                held.wait();
            }
        });
        let machine = sandbox.machine().against(&door.listen(&sandbox.url()).url);
        let mut command = machine.command(CDCTL);
        command.args(format!("deploy watch shop/prod --next --interval 100ms{more}").split_whitespace());
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        assert_eq!(gate.reached(1), 1);
        if more.is_empty() {
            kill_process(Pid::from_child(&child), Signal::INT).unwrap();
        }
        let start = Instant::now();
        let status = loop {
            if let Some(status) = child.try_wait().unwrap() {
                break status;
            }
            assert!(start.elapsed() < Duration::from_secs(15), "it waits for the answer");
            thread::sleep(Duration::from_millis(10));
        };
        gate.open();
        assert_eq!(status.code(), Some(code), "{more}");
    }
}

#[test]
fn a_rollback_before_the_point_is_an_error() {
    let (_sandbox, machine, id) = hanging("--auto-rollback stop");
    machine.run(&format!("deploy stop {id} --yes")).ends_with(0);
    machine.run(&format!("deploy watch {id} --until event:ValidateService")).ends_with(5);
}

#[test]
fn old_scripts_that_fail_and_hosts_that_are_silent_get_their_hints() {
    let sandbox = Sandbox::start(SIMULATED, 3000);
    let machine = sandbox.with_group();
    machine.run("revision push examples/site s3://releases/a.zip --app shop").ends_with(0);
    let deploy =
        "deploy create shop/prod --revision s3://releases/a.zip --config CodeDeployDefault.AllAtOnce --watch";
    for (fault, hint) in [
        ("fail --event ApplicationStop --script scripts/stop.sh", "--ignore-application-stop-failures"),
        ("offline", "is its agent running"),
    ] {
        machine.run(&format!("sandbox fault add {fault}")).ends_with(0);
        let _ = machine.run(deploy).ends_with(3).complains("hint: ").complains(hint);
        machine.run("sandbox fault clear").ends_with(0);
    }
}
