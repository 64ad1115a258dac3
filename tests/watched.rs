//! Which deployment is watched: the one that was made or named, whatever else its group does meanwhile.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use serde_json::Value;

use crate::support::cdctl::{Machine, Run};
use crate::support::proxy::Proxy;
use crate::support::sandbox::{ROLE, SIMULATED, Sandbox};
use crate::support::stand_in::{Answer, StandIn};

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

/// A service that takes `old` until its second look, and from then on only `fresh`, after `renew` was called.
fn expiring(renew: impl Fn() + Send + Sync + 'static) -> StandIn {
    let looks = AtomicUsize::new(0);
    StandIn::new(move |request| {
        if request.key() == "old" && looks.fetch_add(1, Ordering::SeqCst) > 1 {
            renew();
            return Answer::error(403, "ExpiredTokenException");
        }
        let status = if request.key() == "fresh" { "Succeeded" } else { "InProgress" };
        Answer::json(&format!(r#"{{"deploymentInfo":{{"deploymentId":"d-1","status":"{status}"}}}}"#))
    })
}

#[test]
fn sre_05_credentials_are_asked_for_anew_and_never_called_a_failure() {
    let machine = Machine::new().set("AWS_REGION", "us-east-1").set("AWS_PROFILE", "work");
    let folder = machine.home().join(".aws");
    std::fs::create_dir(&folder).unwrap();
    let file = folder.join("credentials");
    let keys = |key: &str| format!("[work]\naws_access_key_id = {key}\naws_secret_access_key = {key}\n");
    let told = folder.join("told.json");
    let process = format!("[work]\ncredential_process = cat {}\n", told.display());
    let answer =
        |key: &str| format!(r#"{{"Version": 1, "AccessKeyId": "{key}", "SecretAccessKey": "{key}"}}"#);
    let cases = [
        (&file, keys("old"), keys("fresh"), 0, "✓ SUCCEEDED  d-1"),
        (&file, keys("old"), keys("old"), 9, "ExpiredTokenException"),
        (&told, answer("old"), answer("fresh"), 0, "✓ SUCCEEDED  d-1"),
    ];
    for (path, old, fresh, code, says) in cases {
        std::fs::write(&file, &process).unwrap();
        std::fs::write(path, old).unwrap();
        let path = path.clone();
        let service = expiring(move || std::fs::write(&path, &fresh).unwrap());
        let watch = "deploy watch d-1 --interval 100ms --give-up-after 3s --endpoint-url";
        let run = machine.run(&format!("{watch} {}", service.url)).ends_with(code).complains(says);
        assert!(!run.stderr.contains("FAILED"), "{run}");
        assert!(run.stderr.contains("UNKNOWN outcome") || code == 0, "{run}");
    }
}

/// The verb that waits for longest outlives its credentials.
#[test]
fn a_wait_for_the_next_deployment_asks_for_credentials_anew() {
    let machine = Machine::new().set("AWS_REGION", "us-east-1").set("AWS_PROFILE", "work");
    let folder = machine.home().join(".aws");
    std::fs::create_dir(&folder).unwrap();
    let file = folder.join("credentials");
    let keys = |key: &str| format!("[work]\naws_access_key_id = {key}\naws_secret_access_key = {key}\n");
    for (fresh, code, says) in [("fresh", 0, "✓ SUCCEEDED  d-1"), ("old", 9, "ExpiredTokenException")] {
        std::fs::write(&file, keys("old")).unwrap();
        let (renewed, fresh) = (file.clone(), keys(fresh));
        let looks = AtomicUsize::new(0);
        let service = StandIn::new(move |request| {
            if request.key() == "old" && looks.fetch_add(1, Ordering::SeqCst) > 0 {
                std::fs::write(&renewed, &fresh).unwrap();
                return Answer::error(403, "ExpiredTokenException");
            }
            let info = r#"{"deploymentId":"d-1","status":"Succeeded","creator":"user"}"#;
            Answer::json(&match (request.operation().unwrap_or_default(), request.key()) {
                ("ListDeployments", "fresh") => r#"{"deployments":["d-1"]}"#.to_owned(),
                ("ListDeployments", _) => r#"{"deployments":[]}"#.to_owned(),
                ("BatchGetDeployments", _) => format!(r#"{{"deploymentsInfo":[{info}]}}"#),
                _ => format!(r#"{{"deploymentInfo":{info}}}"#),
            })
        });
        let watch = "deploy watch shop/prod --next --interval 100ms --give-up-after 1s --endpoint-url";
        machine.run(&format!("{watch} {}", service.url)).ends_with(code).complains(says);
    }
}

/// And so does who reads the log meanwhile.
#[test]
fn who_follows_the_log_asks_for_credentials_anew() {
    let machine = Machine::new().set("AWS_REGION", "us-east-1").set("AWS_PROFILE", "work");
    let folder = machine.home().join(".aws");
    std::fs::create_dir(&folder).unwrap();
    let file = folder.join("credentials");
    let keys = |key: &str| format!("[work]\naws_access_key_id = {key}\naws_secret_access_key = {key}\n");
    for (fresh, code) in [("fresh", 0), ("old", 9)] {
        std::fs::write(&file, keys("old")).unwrap();
        let (renewed, fresh) = (file.clone(), keys(fresh));
        let looks = AtomicUsize::new(0);
        let service = StandIn::new(move |request| {
            let (operation, key) = (request.operation().unwrap_or_default(), request.key());
            if key == "old" && operation == "GetDeployment" && looks.fetch_add(1, Ordering::SeqCst) > 0 {
                std::fs::write(&renewed, &fresh).unwrap();
                return Answer::error(403, "ExpiredTokenException");
            }
            let status = if key == "fresh" { "Succeeded" } else { "InProgress" };
            Answer::json(&match operation {
                "ListDeploymentTargets" => r#"{"targetIds":[]}"#.to_owned(),
                _ => format!(r#"{{"deploymentInfo":{{"deploymentId":"d-1","status":"{status}"}}}}"#),
            })
        });
        let follow = "deploy logs d-1 --follow --interval 100ms --give-up-after 1s --endpoint-url";
        let run = machine.run(&format!("{follow} {}", service.url)).ends_with(code);
        let run = run.complains("ExpiredTokenException").complains("asking for credentials anew");
        let _ =
            run.complains(if code == 0 { "reached again" } else { "error: cannot follow the logs of d-1" });
    }
    // Those that never worked are no reason to wait.
    let service = StandIn::new(|_| Answer::error(403, "ExpiredTokenException"));
    machine.run(&format!("deploy logs d-1 --follow --endpoint-url {}", service.url)).ends_with(1);
}

/// What a command does after its watch goes by the credentials that the watch found, not by those that were refused.
#[test]
fn what_follows_a_watch_has_its_credentials() {
    let machine = Machine::new().set("AWS_REGION", "us-east-1").set("AWS_PROFILE", "work");
    let folder = machine.home().join(".aws");
    std::fs::create_dir(&folder).unwrap();
    let file = folder.join("credentials");
    let keys = |key: &str| format!("[work]\naws_access_key_id = {key}\naws_secret_access_key = {key}\n");
    std::fs::write(&file, keys("old")).unwrap();
    let (renewed, fresh) = (file.clone(), keys("fresh"));
    let service = expiring(move || std::fs::write(&renewed, &fresh).unwrap());
    let watch = format!("deploy watch d-1 --interval 100ms -o json --endpoint-url {}", service.url);
    let run = machine.run(&watch).ends_with(0);
    let told: Value = serde_json::from_str(&run.stdout).unwrap_or_else(|error| panic!("{error}: {run}"));
    assert_eq!(told["deploymentInfo"]["status"], "Succeeded", "{run}");
    // A rollback stops, waits, and then asks for what has become of it.
    std::fs::write(&file, keys("old")).unwrap();
    let looks = AtomicUsize::new(0);
    let (renewed, fresh) = (file.clone(), keys("fresh"));
    let service = StandIn::new(move |request| {
        let operation = request.operation().unwrap_or_default().to_owned();
        if request.key() == "old" && operation == "GetDeployment" && looks.fetch_add(1, Ordering::SeqCst) > 1
        {
            std::fs::write(&renewed, &fresh).unwrap();
            return Answer::error(403, "ExpiredTokenException");
        }
        if operation != "GetDeployment" {
            return Answer::json("{}");
        }
        let (status, rest) = match request.key() {
            "fresh" => ("Stopped", r#","rollbackInfo":{"rollbackMessage":"nothing to go back to"}"#),
            _ => ("InProgress", ""),
        };
        let more = r#","autoRollbackConfiguration":{"enabled":true,"events":["DEPLOYMENT_STOP_ON_REQUEST"]}"#;
        let previous = r#","previousRevision":{"revisionType":"GitHub","gitHubLocation":{"repository":"o/r","commitId":"c"}}"#;
        Answer::json(&format!(
            r#"{{"deploymentInfo":{{"deploymentId":"d-1","applicationName":"shop","deploymentGroupName":"prod","status":"{status}"{more}{previous}{rest}}}}}"#
        ))
    });
    let rollback = format!("deploy rollback d-1 --yes --interval 100ms --endpoint-url {}", service.url);
    let run = machine.run(&rollback).ends_with(1).complains("CodeDeploy made no rollback of deployment d-1");
    let _ = run.complains("nothing to go back to");
}

/// From the wire to the screen: a kind that the SDK has no shape for, whose members are those that all kinds have.
#[test]
fn sre_17_a_target_of_a_kind_that_nobody_knows_is_shown_as_it_came() {
    let service = StandIn::new(|request| match request.operation() {
        Some("GetDeployment") => Answer::json(
            r#"{"deploymentInfo":{"deploymentId":"d-1","status":"Failed","computePlatform":"EKS",
                "deploymentOverview":{"Failed":1,"Pending":0,"InProgress":0,"Succeeded":0,"Skipped":0,"Ready":0}}}"#,
        ),
        Some("ListDeploymentTargets") => Answer::json(r#"{"targetIds":["pod-1"]}"#),
        Some("BatchGetDeploymentTargets") => Answer::json(
            r#"{"deploymentTargets":[{"deploymentTargetType":"EKSTarget","eksTarget":{"targetId":"pod-1",
                "status":"Failed","cluster":"c","lastUpdatedAt":1.7E9,"lifecycleEvents":[{"lifecycleEventName":"Bake",
                "status":"Failed","startTime":1.69999999E9,"endTime":1.7E9,"diagnostics":{"errorCode":"OvenBroke",
                "scriptName":"bake.sh","message":"it is cold","logTail":"[stderr]no gas"}}]}}]}"#,
        ),
        _ => Answer::error(400, "AccessDeniedException"),
    });
    let machine = Machine::new().against(&service.url);
    let run = machine.run("deploy watch d-1 -o ndjson").ends_with(3);
    let told = events(&run);
    let target = told.iter().find(|event| event["type"] == "target").unwrap_or_else(|| panic!("{run}"));
    let told: Vec<_> = ["id", "kind", "status", "event", "error", "time"].map(|name| &target[name]).into();
    assert_eq!(
        told,
        ["pod-1", "EKSTarget", "Failed", "Bake", "OvenBroke", "2023-11-14T22:13:20.000Z"],
        "{run}"
    );
    let run = machine.run("deploy watch d-1").ends_with(3);
    run.complains("target     FAILED pod-1 Bake at 22:13:20Z: OvenBroke bake.sh: it is cold\n")
        .complains("  1  1x  Bake  OvenBroke  bake.sh  first 2023-11-14T22:13:20Z")
        .complains("     it is cold\n     on pod-1\n")
        .complains("[stderr]no gas");
    machine.run("deploy targets d-1").ends_with(0).says("pod-1").says("Bake");
    machine.run("deploy logs d-1 --failed").ends_with(0).says("no gas");
    machine.run("deploy report d-1").ends_with(0).says("pod-1").says("OvenBroke");
}

/// A host outside AWS has a name of its own, and is watched as every other one.
#[test]
fn sre_17_an_on_premises_host_is_watched_by_its_name() {
    let fleet = "
buckets: [{name: releases, versioning: true}]
instances: [{id: rack-7, kind: simulated, on_premises: true, tags: {Rack: a}}]
generate: [{count: 1, tags: {Role: web}}]
";
    let sandbox = Sandbox::start(fleet, 60);
    let machine = sandbox.machine();
    machine.run("app create shop").ends_with(0);
    let group =
        format!("group create shop/prod --service-role {ROLE} --ec2-tag Role=web --on-prem-tag Rack=a");
    machine.run(&group).ends_with(0);
    machine.run("revision push examples/site s3://releases/site-1.zip --app shop").ends_with(0);
    machine.run("sandbox fault add fail --event ApplicationStart --host rack-7").ends_with(0);
    let run = machine.run(&format!("{CREATE} --config CodeDeployDefault.AllAtOnce --watch -o ndjson"));
    let told = events(&run);
    let of = |id: &str| told.iter().rfind(|event| event["type"] == "target" && event["id"] == id).unwrap();
    let named = of("rack-7");
    assert_eq!((&named["kind"], &named["status"]), (&"InstanceTarget".into(), &"Failed".into()), "{run}");
    let report = told.last().unwrap();
    assert_eq!(report["causes"][0]["targets"], Value::from(vec!["rack-7"]), "{run}");
    assert_eq!(report["counts"]["fail"], 1, "{run}");
    let id = report["deployment"].as_str().unwrap();
    let run = machine.run(&format!("deploy watch {id}")).complains("on rack-7");
    let _ = run.complains("FAILED rack-7 ApplicationStart");
    let _ = machine.run(&format!("deploy logs {id} rack-7")).ends_with(0).says("ApplicationStart");
}
