//! The verbs on deployments of Lambda functions and ECS services, through the binary.

use std::fs;

use serde_json::{Value, json};

use crate::support::cdctl::{CDCTL, Machine};
use crate::support::sandbox::{ROLE, Sandbox};

const FUNCTION: &str = "functions: [{name: checkout, versions: ['1', '2', '3'], aliases: {live: '1'}}]\n";
const SERVICE: &str = "services: [{cluster: shop, name: web, tasks: 2}]\n";

/// A machine with the group of the function, whose traffic moves at once.
fn lambda(sandbox: &Sandbox) -> Machine {
    let machine = sandbox.machine();
    machine.run("app create checkout --platform lambda").ends_with(0);
    let config = "CodeDeployDefault.LambdaAllAtOnce --style blue-green --traffic-control on";
    machine.run(&format!("group create checkout/live --service-role {ROLE} --config {config}")).ends_with(0);
    machine
}

/// An AppSpec from one version of the function to another.
fn appspec(machine: &Machine, from: u32, to: u32, hooks: &str) -> String {
    let path = machine.home().join(format!("{from}-{to}.yml"));
    let text = format!(
        "version: 0.0\nResources:\n- f:\n    Type: AWS::Lambda::Function\n    Properties: {{Name: checkout, Alias: live, \
         CurrentVersion: '{from}', TargetVersion: '{to}'}}\nHooks: [{hooks}]\n"
    );
    fs::write(&path, text).unwrap();
    format!("appspec:{}", path.display())
}

/// Deploys from one version to another; gives the deployment's id.
fn shift(machine: &Machine, from: u32, to: u32, more: &str) -> String {
    let revision = appspec(machine, from, to, "");
    let run = machine.run(&format!("deploy create checkout/live --revision {revision} {more}")).ends_with(0);
    run.stdout.lines().next().unwrap().to_owned()
}

/// The versions between which a deployment moved the traffic.
fn versions(machine: &Machine, id: &str) -> (String, String) {
    let run = machine.run(&format!("deploy targets {id} -o json")).ends_with(0);
    let targets: Value = serde_json::from_str(&run.stdout).unwrap();
    let function = &targets["deploymentTargets"][0]["lambdaTarget"]["lambdaFunctionInfo"];
    let version = |name: &str| function[name].as_str().unwrap_or_else(|| panic!("{targets}")).to_owned();
    (version("currentVersion"), version("targetVersion"))
}

fn pair(from: &str, to: &str) -> (String, String) {
    (from.to_owned(), to.to_owned())
}

#[test]
fn a_hook_answers_for_itself() {
    for (answer, code) in [("succeeded", 0), ("failed", 3)] {
        let folder = tempfile::tempdir().unwrap();
        let (script, pipe) = (folder.path().join("hook.sh"), folder.path().join("pipe"));
        rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, 0o600.into()).unwrap();
        // The answer is what counts: the program itself goes on until somebody has seen the deployment's end.
        let text = format!(
            "payload=$(cat)\nfield() {{ printf %s \"$payload\" | sed \"s/.*\\\"$1\\\":\\\"\\([^\\\"]*\\)\\\".*/\\1/\"; }}\n\
             {CDCTL} deploy hook-status \"$(field DeploymentId)\" \"$(field LifecycleEventHookExecutionId)\" {answer}\n: <{}\n",
            pipe.display()
        );
        fs::write(&script, text).unwrap();
        let hook = format!("- {{name: verify, hook: {{command: [sh, {}]}}}}\n", script.display());
        let functions = format!("functions:\n- {{name: checkout, aliases: {{live: '1'}}}}\n{hook}");
        let sandbox = Sandbox::start(&functions, 60);
        let machine = lambda(&sandbox);
        let revision = appspec(&machine, 1, 2, "BeforeAllowTraffic: verify");
        let create = format!("deploy create checkout/live --revision {revision} --watch --interval 100ms");
        let run = machine.run(&create).ends_with(code);
        let _ = run.complains(if code == 0 { "✓ SUCCEEDED" } else { "HOOK_EXECUTION_FAILURE" });
        drop(fs::OpenOptions::new().read(true).write(true).open(pipe).unwrap());
    }
}

#[test]
fn a_hook_that_is_not_there_is_an_error() {
    let sandbox = Sandbox::start(FUNCTION, 120);
    let machine = lambda(&sandbox);
    let id = shift(&machine, 1, 2, "--watch");
    machine.run(&format!("deploy hook-status {id} nonsense succeeded")).ends_with(1).complains("Exception");
    machine.run(&format!("deploy hook-status {id} nonsense perhaps")).ends_with(2);
}

#[test]
fn a_function_goes_back_from_what_is_live() {
    let sandbox = Sandbox::start(FUNCTION, 120);
    let machine = lambda(&sandbox);
    shift(&machine, 1, 2, "--watch");
    let last = shift(&machine, 2, 3, "--watch");
    let run =
        machine.run("deploy rollback checkout/live --dry-run").ends_with(0).complains("nothing was changed");
    let _ = run.says(r#""CurrentVersion":"3","TargetVersion":"2""#);
    let run = machine.run("deploy rollback checkout/live --current-version 1 --dry-run").ends_with(0);
    let _ = run.says(r#""CurrentVersion":"1","TargetVersion":"3""#);
    let run = machine.run(&format!("deploy rollback {last} --yes")).ends_with(0);
    let rollback = run.stdout.lines().next().unwrap().to_owned();
    assert_eq!(versions(&machine, &rollback), pair("3", "2"));
    // The undo that was printed leads back.
    let undo = run.stderr.lines().find_map(|line| line.strip_prefix("undo with `cdctl ")).unwrap();
    let run = machine.run(&format!("{} --yes", undo.trim_end_matches('`'))).ends_with(0);
    assert_eq!(versions(&machine, run.stdout.lines().next().unwrap()), pair("2", "3"));
}

#[test]
fn what_moved_no_traffic_is_not_gone_back_from() {
    let sandbox = Sandbox::start(
        &format!(
            "{}- {{name: refuse, hook: {{fails: 1}}}}\n",
            FUNCTION.replace("[{", "\n- {").replace("}]", "}")
        ),
        120,
    );
    let machine = lambda(&sandbox);
    shift(&machine, 1, 2, "--watch");
    let revision = appspec(&machine, 2, 3, "BeforeAllowTraffic: refuse");
    let run = machine.run(&format!("deploy create checkout/live --revision {revision} --watch")).ends_with(3);
    let id = run.stdout.lines().next().unwrap();
    let run = machine.run(&format!("deploy rollback {id} --dry-run")).ends_with(1);
    let _ = run.complains("version 2").complains("--current-version");
    let run = machine.run(&format!("deploy rollback {id} --current-version 3 --dry-run")).ends_with(0);
    let _ = run.says(r#""CurrentVersion":"3","TargetVersion":"2""#);
}

#[test]
fn a_function_under_way_is_rolled_back_by_the_service() {
    let sandbox = Sandbox::start(FUNCTION, 120);
    let machine = lambda(&sandbox);
    shift(&machine, 1, 2, "--watch");
    let canary = "--config CodeDeployDefault.LambdaCanary10Percent30Minutes";
    let id = shift(&machine, 2, 3, canary);
    while !machine.run(&format!("deploy targets {id}")).ends_with(0).stdout.contains("live") {}
    let plan = machine.run(&format!("deploy rollback {id} --dry-run")).ends_with(0);
    let _ = plan.says("CodeDeploy deploys its last good revision").says("checkout:live v3 -> v2");
    let plan = machine.run(&format!("deploy rollback {id} --dry-run -o json")).ends_with(0);
    let plan: Value = serde_json::from_str(&plan.stdout).unwrap();
    assert_eq!(
        plan["versions"],
        json!({ "function": "checkout", "alias": "live", "from": "3", "to": "2" }),
        "{plan}"
    );
    let run = machine.run(&format!("deploy rollback {id} --yes")).ends_with(0);
    let _ = run.complains("CodeDeploy rolls it back");
    let shown = machine.run(&format!("deploy show {id} -o json")).ends_with(0);
    let shown: Value = serde_json::from_str(&shown.stdout).unwrap();
    assert!(shown["deploymentInfo"]["rollbackInfo"]["rollbackDeploymentId"].is_string(), "{shown}");
    // The alias is whole again: the next deployment starts from it.
    shift(&machine, 2, 3, "--watch");
}

#[test]
fn a_function_under_way_is_stopped_with_its_rollback_or_not_at_all() {
    let sandbox = Sandbox::start(FUNCTION, 120);
    let machine = lambda(&sandbox);
    shift(&machine, 1, 2, "--watch");
    let canary = "--config CodeDeployDefault.LambdaCanary10Percent30Minutes";
    let id = shift(&machine, 2, 3, canary);
    let info = || {
        let shown = machine.run(&format!("deploy show {id} -o json")).ends_with(0);
        serde_json::from_str::<Value>(&shown.stdout).unwrap()["deploymentInfo"].take()
    };
    for how in ["--dry-run", "--yes"] {
        let to = appspec(&machine, 3, 1, "");
        let run = machine.run(&format!("deploy rollback {id} --to {to} {how}")).ends_with(1);
        let _ =
            run.complains("cannot be stopped for another revision").complains("first `cdctl deploy rollback");
    }
    assert_eq!(info()["status"], "InProgress");
    // The next deployment starts from where the traffic was before.
    let next = appspec(&machine, 2, 3, "");
    let create = format!("deploy create checkout/live --revision {next} --if-active stop --watch");
    let _ = machine.run(&create).ends_with(0).complains(&format!("stopping deployment {id}"));
    assert!(info()["rollbackInfo"]["rollbackDeploymentId"].is_string(), "{}", info());
}

#[test]
fn a_first_function_is_not_stopped_for_another_deployment() {
    let sandbox = Sandbox::start(FUNCTION, 120);
    let machine = lambda(&sandbox);
    let id = shift(&machine, 1, 2, "--config CodeDeployDefault.LambdaCanary10Percent30Minutes");
    let next = appspec(&machine, 1, 3, "");
    let create = format!("deploy create checkout/live --revision {next} --if-active stop --watch");
    let _ = machine.run(&create).ends_with(1).complains("nothing to go back to");
    let _ = machine.run(&format!("deploy show {id}")).ends_with(0).says("InProgress");
}

#[test]
fn an_alias_that_is_split_gets_its_hint() {
    let sandbox = Sandbox::start(FUNCTION, 120);
    let machine = lambda(&sandbox);
    shift(&machine, 1, 2, "--watch");
    let canary = "--config CodeDeployDefault.LambdaCanary10Percent30Minutes";
    let id = shift(&machine, 2, 3, &format!("{canary} --watch --until event:BeforeAllowTraffic"));
    machine.run(&format!("deploy stop {id} --yes")).ends_with(0);
    let stopped = machine.run(&format!("deploy watch {id}")).ends_with(4);
    assert!(!stopped.stderr.contains("load balancer"), "a function has none: {stopped}");
    let revision = appspec(&machine, 2, 3, "");
    let run = machine.run(&format!("deploy create checkout/live --revision {revision} --watch")).ends_with(3);
    let _ = run.complains("INVALID_LAMBDA_CONFIGURATION").complains("aws lambda get-alias");
}

/// A machine with the group of the service, which waits an hour before and an hour after its traffic moves.
pub fn ecs(sandbox: &Sandbox) -> (Machine, String) {
    let machine = sandbox.machine();
    machine.run("app create web --platform ecs").ends_with(0);
    let group = json!({
        "ecsServices": [{"clusterName": "shop", "serviceName": "web"}],
        "deploymentStyle": {"deploymentType": "BLUE_GREEN", "deploymentOption": "WITH_TRAFFIC_CONTROL"},
        "loadBalancerInfo": {"targetGroupPairInfoList": [{
            "targetGroups": [{"name": "tg-1"}, {"name": "tg-2"}],
            "prodTrafficRoute": {"listenerArns": ["arn:aws:elasticloadbalancing:us-east-1:123456789012:listener/app/x/1/2"]},
        }]},
        "blueGreenDeploymentConfiguration": {
            "deploymentReadyOption": {"actionOnTimeout": "STOP_DEPLOYMENT", "waitTimeInMinutes": 60},
            "terminateBlueInstancesOnDeploymentSuccess": {"action": "TERMINATE", "terminationWaitTimeInMinutes": 60},
        },
    });
    let path = machine.home().join("group.json");
    fs::write(&path, group.to_string()).unwrap();
    let config = format!("--config CodeDeployDefault.ECSAllAtOnce --from {}", path.display());
    machine.run(&format!("group create web/prod --service-role {ROLE} {config}")).ends_with(0);
    let path = machine.home().join("service.yml");
    let properties = "TaskDefinition: 'arn:aws:ecs:us-east-1:123456789012:task-definition/web:7', \
                      LoadBalancerInfo: {ContainerName: web, ContainerPort: 80}";
    let text = format!(
        "version: 0.0\nResources:\n- TargetService:\n    Type: AWS::ECS::Service\n    Properties: {{{properties}}}\n"
    );
    fs::write(&path, text).unwrap();
    let create = format!("deploy create web/prod --revision appspec:{}", path.display());
    (machine, create)
}

#[test]
fn each_wait_of_a_service_is_ended_by_the_same_verb() {
    let sandbox = Sandbox::start(SERVICE, 200);
    let (machine, create) = ecs(&sandbox);
    let run = machine.run(&format!("{create} --watch --exit-on-ready")).ends_with(8);
    let id = run.stdout.lines().next().unwrap().to_owned();
    let _ = run.complains(&format!("next      cdctl deploy continue {id}"));
    machine.run(&format!("deploy wait {id} --until ready")).ends_with(0);
    let run = machine.run(&format!("deploy watch {id} --until ready")).ends_with(0);
    let run = run.complains("without it the deployment stops").complains("✓ REACHED the point");
    let _ = run.complains(&format!("\n          cdctl deploy continue {id}\n"));
    let run = machine.run(&format!("deploy continue {id} --watch --until traffic")).ends_with(0);
    let run = run.complains("the traffic moves to the new fleet").complains("✓ REACHED the point");
    let _ = run.complains(&format!("\n          cdctl deploy continue {id}\n"));
    let run = machine.run(&format!("deploy watch {id} --timeout 1s")).ends_with(7);
    let _ = run.complains(&format!("\n          cdctl deploy continue {id}\n"));
    let run = machine.run("deploy continue web/prod --watch").ends_with(0);
    let _ = run.complains("the original fleet ends").complains("✓ SUCCEEDED");
    machine
        .run(&format!("deploy continue {id}"))
        .ends_with(1)
        .complains("is Succeeded and waits for nothing");
}

#[test]
fn a_service_under_way_is_rolled_back_by_the_service() {
    let sandbox = Sandbox::start(SERVICE, 200);
    let (machine, create) = ecs(&sandbox);
    let run = machine.run(&format!("{create} --watch --exit-on-ready")).ends_with(8);
    let id = run.stdout.lines().next().unwrap().to_owned();
    machine.run(&format!("deploy continue {id} --watch --until traffic")).ends_with(0);
    machine.run(&format!("deploy continue {id} --watch")).ends_with(0);
    let run = machine.run(&format!("{create} --watch --exit-on-ready")).ends_with(8);
    let id = run.stdout.lines().next().unwrap().to_owned();
    let _ =
        machine.run(&format!("deploy rollback {id} --dry-run")).ends_with(0).says("task-definition/web:7");
    let run = machine.run(&format!("deploy rollback {id} --yes")).ends_with(0);
    let _ = run.complains("CodeDeploy rolls it back").complains("✓ SUCCEEDED");
}

/// Before its task set is installed there is nothing to go back from, and the service makes no rollback.
#[test]
fn a_service_that_has_moved_nothing_is_stopped_and_that_is_all() {
    let sandbox = Sandbox::start(SERVICE, 200);
    let (machine, create) = ecs(&sandbox);
    let run = machine.run(&format!("{create} --watch --exit-on-ready")).ends_with(8);
    through(&machine, run.stdout.lines().next().unwrap());
    machine.run("sandbox fault add hang --event Install").ends_with(0);
    for more in ["", "-o ndjson"] {
        let id = machine.run(&create).ends_with(0).stdout.trim().to_owned();
        while !machine.run(&format!("deploy targets {id}")).ends_with(0).stdout.contains("Install") {}
        let run = machine.run(&format!("deploy rollback {id} --dry-run")).ends_with(0);
        let _ = run.says("nothing more: its traffic has not moved");
        let run = machine.run(&format!("deploy rollback {id} --yes --interval 100ms {more}")).ends_with(0);
        let run = run.complains(&format!("stopping deployment {id}; its traffic has not moved\n"));
        let run = run.complains("there is nothing to roll back, the task set of before serves");
        let run = run.complains(&format!("undo with `cdctl deploy retry {id}`"));
        let result = run.stdout.lines().last().map(|line| serde_json::from_str::<Value>(line).unwrap());
        assert_eq!(result.is_some(), !more.is_empty(), "{run}");
        assert!(result.is_none_or(|result| result["type"] == "result" && result["exit"] == 0), "{run}");
        let run = machine.run(&format!("deploy show {id} -o json")).ends_with(0);
        let shown: Value = serde_json::from_str(&run.stdout).unwrap();
        let shown = &shown["deploymentInfo"];
        assert_eq!(
            (&shown["status"], &shown["rollbackInfo"]["rollbackDeploymentId"]),
            (&"Stopped".into(), &Value::Null)
        );
    }
}

#[test]
fn a_service_that_has_succeeded_is_rolled_back_and_deployed_again() {
    let sandbox = Sandbox::start(SERVICE, 200);
    let (machine, create) = ecs(&sandbox);
    let deploy = |task: &str| {
        let file = machine.home().join("service.yml");
        let text = fs::read_to_string(&file).unwrap();
        fs::write(&file, text.replace("web:7", task)).unwrap();
        let run = machine.run(&format!("{create} --watch --exit-on-ready")).ends_with(8);
        through(&machine, run.stdout.lines().next().unwrap())
    };
    let first = deploy("web:7");
    let second = deploy("web:8");
    let run = machine.run("deploy rollback web/prod --dry-run").ends_with(0);
    let _ = run.says("task-definition/web:7");
    let run = machine.run("deploy rollback web/prod --yes --no-watch").ends_with(0);
    let run = run.complains(&format!("undo with `cdctl deploy retry {second}`"));
    let back = through(&machine, run.stdout.lines().next().unwrap());
    let run = machine.run(&format!("deploy retry {second}")).ends_with(0);
    let again = through(&machine, run.stdout.lines().next().unwrap());
    let digest = |id: &str| {
        let run = machine.run(&format!("deploy show {id} -o json")).ends_with(0);
        let shown: Value = serde_json::from_str(&run.stdout).unwrap();
        shown["deploymentInfo"]["revision"]["appSpecContent"]["sha256"].as_str().unwrap().to_owned()
    };
    assert_eq!(digest(&back), digest(&first));
    assert_eq!(digest(&again), digest(&second));
}

/// Ends both waits of a service's deployment.
fn through(machine: &Machine, id: &str) -> String {
    machine.run(&format!("deploy wait {id} --until ready")).ends_with(0);
    machine.run(&format!("deploy continue {id} --watch --until traffic")).ends_with(0);
    machine.run(&format!("deploy continue {id} --watch")).ends_with(0);
    id.to_owned()
}

#[test]
fn a_function_is_deployed_again_from_where_it_is() {
    let faulty = FUNCTION.replace("[{", "\n- {").replace("}]", "}");
    let sandbox = Sandbox::start(&format!("{faulty}- {{name: refuse, hook: {{fails: 1}}}}\n"), 120);
    let machine = lambda(&sandbox);
    let revision = appspec(&machine, 1, 2, "BeforeAllowTraffic: refuse");
    let run = machine.run(&format!("deploy create checkout/live --revision {revision} --watch")).ends_with(3);
    let failed = run.stdout.lines().next().unwrap();
    let run = machine.run(&format!("deploy retry {failed} --watch")).ends_with(3).complains("HOOK_EXECUTION");
    assert_eq!(versions(&machine, run.stdout.lines().next().unwrap()), pair("1", "2"));
    let second = shift(&machine, 1, 2, "--watch");
    // What has moved the traffic already would be refused by the service, once it is made.
    let run = machine.run(&format!("deploy retry {second}")).ends_with(1).says_nothing();
    let _ = run.complains("live is at version 2").complains("--function checkout:live --target-version 2");
}

#[test]
fn what_is_wrong_with_a_made_appspec_is_found_before_it_is_sent() {
    let sandbox = Sandbox::start(FUNCTION, 120);
    let machine = lambda(&sandbox);
    let create = "deploy create checkout/live --function checkout:live --current-version 1 --target-version";
    let run = machine.run(&format!("{create} newest")).ends_with(10).says_nothing();
    let _ = run.complains("error[A0").complains("nothing was sent").complains("TargetVersion");
    let set = "--set Resources[0].checkout.Type=AWS::Lambda::Funktion";
    machine.run(&format!("{create} 2 {set} --dry-run")).ends_with(10).says_nothing();
    // The same of a file, wherever one is named.
    fs::write(machine.home().join("bad.yml"), "version: 0.0\nResources: []\n").unwrap();
    let bad = format!("appspec:{}", machine.home().join("bad.yml").display());
    for line in ["deploy create checkout/live --revision", "revision register --app checkout"] {
        let run = machine.run(&format!("{line} {bad}")).ends_with(10).says_nothing();
        let _ = run.complains("bad.yml:").complains("nothing was sent");
    }
    assert!(machine.run("deploy list checkout/live -o text").ends_with(0).stdout.is_empty());
    machine.run(&format!("{create} 2 --watch")).ends_with(0);
}

#[test]
fn what_was_deployed_inline_is_deployed_again() {
    let sandbox = Sandbox::start(&format!("{FUNCTION}{SERVICE}"), 200);
    let machine = lambda(&sandbox);
    let planned = |line: &str| machine.run(&format!("{line} --dry-run -o json")).ends_with(0).stdout;
    let first = shift(&machine, 1, 2, "--watch");
    shift(&machine, 2, 3, "--watch");
    let last_good = planned("deploy create checkout/live --revision last-good");
    assert!(last_good.contains("CurrentVersion: '1'"), "{last_good}");
    shift(&machine, 3, 1, "--watch");
    let again = machine.run(&format!("deploy retry {first}")).ends_with(0);
    let sent = |id: &str| {
        let shown = machine.run(&format!("deploy show {id} -o json --query deploymentInfo.revision"));
        shown.ends_with(0).stdout
    };
    assert_eq!(sent(again.stdout.trim()), sent(&first));

    let (machine, create) = ecs(&sandbox);
    let service = |task: &str| {
        let create = create.replace("--revision", &format!("--if-active wait --set {task} --appspec"));
        let create = create.replace("appspec:", "");
        let run = machine.run(&format!("{create} --watch --exit-on-ready")).ends_with(8);
        let id = run.stdout.lines().next().unwrap().to_owned();
        machine.run(&format!("deploy continue {id} --watch --until traffic")).ends_with(0);
        machine.run(&format!("deploy continue {id} --watch")).ends_with(0);
    };
    let properties = "Resources[0].TargetService.Properties.TaskDefinition=";
    let task = |number: u8| format!("arn:aws:ecs:us-east-1:123456789012:task-definition/web:{number}");
    service(&format!("{properties}{}", task(1)));
    service(&format!("{properties}{}", task(2)));
    let run = machine.run("deploy rollback web/prod --dry-run").ends_with(0);
    let _ = run.says(&task(1));
}
