//! Rollbacks and retries: that none is stopped by asking for it again, and that what is made anew is made as it was.

use std::process::{Child, Stdio};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::support::cdctl::{CDCTL, Machine, Run};
use crate::support::proxy::{Listening, Proxy};
use crate::support::sandbox::{ROLE, SIMULATED, Sandbox};
use crate::support::stand_in::{Answer, StandIn};

fn id_of(run: &Run) -> String {
    run.stdout.lines().next().unwrap_or_else(|| panic!("{run}")).to_owned()
}

fn push(machine: &Machine, objects: &[&str]) {
    for object in objects {
        machine.run(&format!("revision push examples/site s3://releases/{object} --app shop")).ends_with(0);
    }
}

fn create(group: &str, object: &str, more: &str) -> String {
    format!("deploy create {group} --revision s3://releases/{object} {more}")
}

fn shown(machine: &Machine, id: &str) -> Value {
    let run = machine.run(&format!("deploy show {id} -o json")).ends_with(0);
    serde_json::from_str::<Value>(&run.stdout).unwrap()["deploymentInfo"].take()
}

/// The group's deployments, newest first.
fn deployments(machine: &Machine, group: &str) -> Vec<Value> {
    let run = machine.run(&format!("deploy list {group} -o json")).ends_with(0);
    serde_json::from_str::<Value>(&run.stdout).unwrap()["deploymentsInfo"].as_array().unwrap().clone()
}

#[test]
fn a_rollback_under_way_is_watched_and_never_stopped() {
    for automatic in [true, false] {
        let sandbox = Sandbox::start(SIMULATED, 300);
        let machine = sandbox.with_group();
        push(&machine, &["a.zip", "b.zip"]);
        machine.run(&create("shop/prod", "a.zip", "--watch")).ends_with(0);
        let stop = if automatic { "--auto-rollback stop" } else { "--auto-rollback off" };
        machine.run("sandbox fault add hang --event Install").ends_with(0);
        let bad = id_of(&machine.run(&create("shop/prod", "b.zip", stop)).ends_with(0));
        // What runs of the bad one is let go; everything of the rollback hangs.
        machine.run("sandbox fault add hang --event ApplicationStop").ends_with(0);
        machine.run(&format!("deploy stop {bad} --yes")).ends_with(0);
        machine.run("sandbox fault clear").ends_with(0);
        machine.run("sandbox fault add hang --event Install").ends_with(0);
        machine.run(&format!("deploy wait {bad} --no-follow-rollback")).ends_with(4);
        if !automatic {
            machine.run(&format!("deploy rollback {bad} --yes --no-watch")).ends_with(0);
        }
        let back = deployments(&machine, "shop/prod")[0]["deploymentId"].as_str().unwrap().to_owned();
        let run = machine.run("deploy rollback shop/prod --dry-run").ends_with(0);
        let _ = run.says("watch it: it goes there already").says("s3://releases/a.zip");
        let again = machine.run("deploy rollback shop/prod --yes --timeout 1s --interval 100ms").ends_with(7);
        let _ = again.complains(&format!("deployment {back} goes there already"));
        if automatic {
            let left = format!("deploy watch {back} --timeout 1s --interval 100ms --on-timeout stop");
            let _ = machine.run(&left).ends_with(7).complains("it is not stopped");
            let next = create("shop/prod", "b.zip", "--if-active stop --watch --timeout 1s --interval 100ms");
            let _ =
                machine.run(&next).ends_with(7).complains(&format!("waiting for deployment {back} to end"));
        }
        assert_eq!(shown(&machine, &back)["status"], "InProgress");
        assert_eq!(deployments(&machine, "shop/prod").len(), 3, "one rollback, never two");
    }
}

#[test]
fn a_deployment_that_gives_way_to_another_is_not_rolled_back_half_way() {
    let sandbox = Sandbox::start(SIMULATED, 60);
    let machine = sandbox.with_group();
    push(&machine, &["a.zip", "b.zip"]);
    machine.run(&create("shop/prod", "a.zip", "--config CodeDeployDefault.AllAtOnce --watch")).ends_with(0);
    let old = id_of(&machine.run(&create("shop/prod", "b.zip", "--auto-rollback stop")).ends_with(0));
    let settings = "--config CodeDeployDefault.AllAtOnce --if-active stop --watch";
    let new = id_of(&machine.run(&create("shop/prod", "a.zip", settings)).ends_with(0));
    assert_eq!(
        (shown(&machine, &old)["status"].clone(), shown(&machine, &new)["status"].clone()),
        (json!("Stopped"), json!("Succeeded"))
    );
    assert_eq!(deployments(&machine, "shop/prod").len(), 3);
}

/// A deployment of `b.zip` that hangs on every host, after one of `a.zip` that went well, and a door to its sandbox.
fn hanging(more: &str) -> (Sandbox, Machine, Listening, String) {
    let sandbox = Sandbox::start(SIMULATED, 300);
    let machine = sandbox.with_group();
    push(&machine, &["a.zip", "b.zip"]);
    machine.run(&create("shop/prod", "a.zip", "--watch")).ends_with(0);
    machine.run("sandbox fault add hang --event Install").ends_with(0);
    let settings = format!("--config CodeDeployDefault.AllAtOnce {more}");
    let bad = id_of(&machine.run(&create("shop/prod", "b.zip", &settings)).ends_with(0));
    let door = Proxy::default().listen(&sandbox.url());
    (sandbox, machine, door, bad)
}

/// Starts a rollback, and waits until it has looked at the deployment that it has stopped.
fn stopping(sandbox: &Sandbox, door: &Listening, line: &str) -> Child {
    let mut command = sandbox.machine().against(&door.url).command(CDCTL);
    command.args(line.split_whitespace()).stdout(Stdio::piped()).stderr(Stdio::piped());
    door.calls();
    let child = command.spawn().unwrap();
    let (mut called, mut looks) = (Vec::new(), 0);
    while called.iter().skip_while(|call| *call != "StopDeployment").all(|call| call != "GetDeployment") {
        assert!(looks < 600, "it has not looked: {called:?}");
        looks += 1;
        thread::sleep(Duration::from_millis(50));
        called.extend(door.operations());
    }
    child
}

fn signalled(child: Child, signal: Signal) -> Run {
    kill_process(Pid::from_child(&child), signal).unwrap();
    child.wait_with_output().unwrap().into()
}

#[test]
fn who_leaves_while_a_deployment_is_stopped_ends_as_who_leaves_a_watch() {
    let (sandbox, machine, door, bad) = hanging("--auto-rollback off");
    let back = format!("deploy rollback {bad} --yes --interval 100ms");
    let late = sandbox.machine().run(&format!("{back} --timeout 1s")).ends_with(7);
    let _ = late.complains(&format!("deployment {bad} was not seen to end; nothing was deployed"));
    for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143)] {
        signalled(stopping(&sandbox, &door, &back), signal).ends_with(code);
    }
    assert_eq!(deployments(&machine, "shop/prod").len(), 2, "nothing was deployed");
}

#[test]
fn what_another_service_made_is_not_stopped_for_a_rollback() {
    let aws = StandIn::new(|request| match request.operation() {
        Some("GetDeployment") => Answer::json(
            r#"{"deploymentInfo":{"deploymentId":"d-STACK0000","creator":"CloudFormation","status":"InProgress",
            "computePlatform":"ECS","createTime":1.7e9,"startTime":1.7e9,"externalId":"a-stack"}}"#,
        ),
        _ => Answer::error(400, "AccessDeniedException"),
    });
    let run = Machine::new().against(&aws.url).run("deploy rollback d-STACK0000 --yes").ends_with(1);
    let run = run.complains("it has no deployment group; another service made it");
    assert!(!run.stderr.contains("cdctl deploy stop"), "{run}");
}

#[test]
fn who_leaves_before_the_end_was_seen_does_not_follow_a_rollback() {
    let (sandbox, machine, door, bad) = hanging("--auto-rollback stop");
    let child = stopping(&sandbox, &door, &format!("deploy rollback {bad} --yes --interval 30s"));
    machine.run("sandbox fault clear").ends_with(0);
    machine.run(&format!("deploy wait {bad} --no-follow-rollback --interval 100ms")).ends_with(4);
    let run = signalled(child, Signal::INT).ends_with(130);
    let _ = run.complains(&format!("see how it ends with `cdctl deploy watch {bad}`"));
}

#[test]
fn codedeploys_own_rollback_is_taken_however_late_it_is_named() {
    for stopped_before in [false, true] {
        let sandbox = Sandbox::start(SIMULATED, 300);
        let machine = sandbox.with_group();
        push(&machine, &["a.zip", "b.zip"]);
        machine.run(&create("shop/prod", "a.zip", "--watch")).ends_with(0);
        machine.run("sandbox fault add hang --event Install").ends_with(0);
        let settings = "--auto-rollback failure,stop --config CodeDeployDefault.AllAtOnce";
        let bad = id_of(&machine.run(&create("shop/prod", "b.zip", settings)).ends_with(0));
        machine.run("sandbox fault clear").ends_with(0);
        if stopped_before {
            machine.run(&format!("deploy stop {bad} --yes")).ends_with(0);
            machine.run(&format!("deploy wait {bad} --no-follow-rollback")).ends_with(4);
        }
        let door = Proxy::late_rollback(4).listen(&sandbox.url());
        let aside = sandbox.machine().against(&door.url);
        let run = aside.run(&format!("deploy rollback {bad} --yes --interval 100ms")).ends_with(0);
        if !stopped_before {
            let _ = run.complains("undo with `cdctl deploy create shop/prod --revision s3://releases/b.zip");
        }
        let made = deployments(&machine, "shop/prod");
        assert_eq!(made.len(), 3, "one rollback, never two");
        assert_eq!(made[0]["creator"], "codeDeployRollback");
    }
}

#[test]
fn nothing_is_stopped_for_a_revision_that_is_gone() {
    let sandbox = Sandbox::start(SIMULATED, 300);
    let machine = sandbox.with_group();
    push(&machine, &["a.zip", "b.zip"]);
    machine.run(&create("shop/prod", "a.zip", "--watch")).ends_with(0);
    machine.run("sandbox fault add hang --event Install").ends_with(0);
    let bad = id_of(&machine.run(&create("shop/prod", "b.zip", "--auto-rollback failure")).ends_with(0));
    let gone = Proxy::changing(|_, answer| {
        if let Some(key) = answer.pointer_mut("/deploymentInfo/previousRevision/s3Location/key") {
            *key = "gone.zip".into();
        }
    });
    let aside = sandbox.machine().against(&gone.listen(&sandbox.url()).url);
    let run = aside.run(&format!("deploy rollback {bad} --yes")).ends_with(1);
    let _ = run.complains("there is no bundle at s3://releases/gone.zip");
    assert_eq!(shown(&machine, &bad)["status"], "InProgress");
}

#[test]
fn a_retry_is_made_as_the_deployment_was() {
    let sandbox = Sandbox::start(SIMULATED, 300);
    let machine = sandbox.with_group();
    push(&machine, &["a.zip"]);
    let settings = "--config CodeDeployDefault.AllAtOnce --file-exists overwrite --auto-rollback failure,alarm \
                    --ignore-application-stop-failures --ignore-alarms --suspend-asg AZRebalance --outdated-only";
    let first = id_of(&machine.run(&create("shop/prod", "a.zip", settings)).ends_with(0));
    machine.run(&format!("deploy wait {first}")).ends_with(0);
    let second = id_of(&machine.run(&format!("deploy retry {first}")).ends_with(0));
    let _ = machine.run(&format!("deploy wait {second}"));
    let (first, second) = (shown(&machine, &first), shown(&machine, &second));
    for (member, value) in [
        ("deploymentConfigName", json!("CodeDeployDefault.AllAtOnce")),
        ("fileExistsBehavior", json!("OVERWRITE")),
        ("ignoreApplicationStopFailures", json!(true)),
        ("updateOutdatedInstancesOnly", json!(true)),
        (
            "autoRollbackConfiguration",
            json!({"enabled": true, "events": ["DEPLOYMENT_FAILURE", "DEPLOYMENT_STOP_ON_ALARM"]}),
        ),
    ] {
        assert_eq!(second[member], value, "{member}");
    }
    for member in ["overrideAlarmConfiguration", "ec2DeploymentOptions", "revision"] {
        assert!(!first[member].is_null(), "{member}: {first}");
        assert_eq!(second[member], first[member], "{member}");
    }
    // A restart names no revision, and is one again.
    let run = machine.run("deploy create shop/prod --mode restart --watch").ends_with(0);
    let again = id_of(&machine.run(&format!("deploy retry {}", id_of(&run))).ends_with(0));
    assert_eq!(shown(&machine, &again)["deploymentMode"], "RESTART");
}

/// Hosts of three fleets, and a group that finds its new one.
const FLEETS: &str = "
buckets: [{name: releases, versioning: true}]
generate:
  - {count: 2, tags: {Role: web}}
  - {count: 2, tags: {Fleet: one}}
  - {count: 2, tags: {Fleet: two}}
";

fn finding(sandbox: &Sandbox) -> Machine {
    let machine = sandbox.machine();
    machine.run("app create shop").ends_with(0);
    let style = "--style blue-green --traffic-control on --green-fleet discover --when-ready continue --terminate-blue keep";
    let group =
        format!("group create shop/bg --service-role {ROLE} --ec2-tag Role=web --target-group web {style}");
    machine.run(&group).ends_with(0);
    push(&machine, &["a.zip", "b.zip"]);
    machine
}

#[test]
fn a_fleet_that_was_found_is_gone_back_to() {
    let sandbox = Sandbox::start(FLEETS, 600);
    let machine = finding(&sandbox);
    let first =
        id_of(&machine.run(&create("shop/bg", "a.zip", "--target-tag Fleet=one --watch")).ends_with(0));
    machine.run(&create("shop/bg", "b.zip", "--target-tag Fleet=two --watch")).ends_with(0);
    let fleet = |id: &str| shown(&machine, id)["targetInstances"]["tagFilters"][0]["Value"].clone();
    let run = machine.run("deploy rollback shop/bg --dry-run -o json").ends_with(0);
    let plan: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(plan["targetInstances"], shown(&machine, &first)["targetInstances"], "{run}");
    let back = id_of(&machine.run("deploy rollback shop/bg --yes").ends_with(0));
    assert_eq!(fleet(&back), "one");
    let again = id_of(&machine.run(&format!("deploy retry {back}")).ends_with(0));
    assert_eq!(fleet(&again), "one");
    machine.run(&format!("deploy wait {again}")).ends_with(0);
    // What no deployment tells is asked for, before anything is stopped.
    let running = id_of(&machine.run(&create("shop/bg", "b.zip", "--target-tag Fleet=two")).ends_with(0));
    let named = "deploy rollback shop/bg --to s3://releases/a.zip";
    machine.run(&format!("{named} --yes")).ends_with(1).complains("--target-tag");
    let _ = machine.run(&format!("{named} --target-tag Fleet=one --dry-run")).ends_with(0).says("one");
    machine.run(&format!("deploy wait {running}")).ends_with(0);
}

/// A function whose group moves the traffic by a canary of an hour.
const FUNCTION: &str = "functions: [{name: checkout, versions: ['1', '2', '3'], aliases: {live: '1'}}]\n";

#[test]
fn a_rollback_may_be_immediate() {
    let sandbox = Sandbox::start(FUNCTION, 600);
    let machine = sandbox.machine();
    machine.run("app create checkout --platform lambda").ends_with(0);
    let canary = "CodeDeployDefault.LambdaCanary10Percent30Minutes --style blue-green --traffic-control on";
    machine.run(&format!("group create checkout/live --service-role {ROLE} --config {canary}")).ends_with(0);
    let at_once = "CodeDeployDefault.LambdaAllAtOnce";
    for version in [2, 3] {
        let create =
            format!("deploy create checkout/live --function checkout:live --target-version {version}");
        let from = version - 1;
        machine.run(&format!("{create} --current-version {from} --config {at_once} --watch")).ends_with(0);
    }
    let back = "deploy rollback checkout/live";
    let plain = machine.run(&format!("{back} --dry-run")).ends_with(0);
    let _ = plain.complains(&format!("at once with --config {at_once}"));
    let run = machine.run(&format!("{back} --dry-run --config {at_once}")).ends_with(0).says(at_once);
    assert!(!run.stderr.contains("at once with"), "{run}");
    let run = machine.run(&format!("{back} --dry-run --config {at_once} -o json")).ends_with(0);
    let plan: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(plan["deploymentConfigName"], at_once, "{run}");
    let wrong = machine.run(&format!("{back} --yes --config CodeDeployDefault.LambdaAllAtOne")).ends_with(1);
    let _ = wrong.complains("LambdaAllAtOnce");
    let id = id_of(&machine.run(&format!("{back} --yes --config {at_once}")).ends_with(0));
    assert_eq!(shown(&machine, &id)["deploymentConfigName"], at_once);
    // What CodeDeploy rolls back itself goes by no other configuration, and nothing is stopped for it.
    let create =
        "deploy create checkout/live --function checkout:live --target-version 3 --current-version 2";
    let running = id_of(&machine.run(create).ends_with(0));
    let refused = machine.run(&format!("{back} --yes --config {at_once}")).ends_with(1);
    let _ = refused.complains("CodeDeploy rolls it back itself");
    machine.run(&format!("deploy wait {running}")).ends_with(0);
}

/// Same content pushed again, and a release that broke a part of the fleet, are no way back.
#[test]
fn the_last_good_revision_is_another_one_that_succeeded_everywhere() {
    let sandbox = Sandbox::start(SIMULATED, 300);
    let machine = sandbox.with_group();
    let site = |name: &str| {
        let folder = machine.home().join("site");
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("appspec.yml"), "version: 0.0\nos: linux\n").unwrap();
        std::fs::write(folder.join("index.html"), name).unwrap();
        folder.display().to_string()
    };
    let deploy = |name: &str| {
        let push = format!(
            "deploy create shop/prod --push {} --bucket releases --watch --config CodeDeployDefault.AllAtOnce",
            site(name)
        );
        id_of(&machine.run(&push).ends_with(0))
    };
    let first = deploy("good");
    let good = shown(&machine, &first)["revision"]["s3Location"]["key"].clone();
    machine.run("sandbox fault add fail --event ApplicationStart --times 1").ends_with(0);
    let partly = deploy("partly good");
    assert_eq!(shown(&machine, &partly)["deploymentOverview"]["Failed"], 1);
    let once = deploy("bad");
    let twice = deploy("bad");
    let plan = machine.run("deploy rollback shop/prod --dry-run -o json").ends_with(0);
    let plan: Value = serde_json::from_str(&plan.stdout).unwrap();
    assert!(plan["to"].as_str().unwrap().contains(good.as_str().unwrap()), "{plan}");
    let older = machine.run(&format!("deploy rollback {once} --dry-run")).ends_with(1);
    let older = older.complains(&format!("deployment {once} is not what shop/prod has now"));
    older.complains(&twice).complains("`cdctl deploy rollback shop/prod`");
    for to in ["s3://releases/a.zip", "appspec:examples/site/appspec.yml"] {
        let older = machine.run(&format!("deploy rollback {once} --to {to} --dry-run")).ends_with(1);
        let _ = older.complains(&format!("`cdctl deploy rollback shop/prod --to {to}`"));
    }
}
