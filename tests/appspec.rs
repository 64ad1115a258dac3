//! Deployments of ECS and Lambda whose AppSpec nobody wrote, and what `aws ecs deploy` makes of the same files.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::Stdio;

use serde_json::{Value, json};

use crate::contract::python;
use crate::support::cdctl::{Machine, Run};
use crate::support::sandbox::{ROLE, Sandbox};
use crate::support::stand_in::{Answer, StandIn};

const FLEET: &str = "
services: [{cluster: main, name: web, tasks: 1}]
functions: [{name: checkout, versions: ['1', '2', '3'], aliases: {live: '1'}}, {name: check, hook: {succeeds: 1}}]
";
const TASK: &str = r#"{"family": "web", "containerDefinitions": [
    {"name": "web", "image": "web:2", "portMappings": [{"containerPort": 80}, {"containerPort": 8080}]},
    {"name": "api", "image": "api:2", "portMappings": [{"containerPortRange": "81-90"}]}]}"#;
const ARN: &str = "arn:aws:ecs:us-east-1:123456789012:task-definition/web:7";

fn with_groups(sandbox: &Sandbox) -> Machine {
    let machine = sandbox.machine();
    machine.run("app create shop --platform ecs").ends_with(0);
    machine.run("app create functions --platform lambda").ends_with(0);
    machine.run("app create hosts").ends_with(0);
    let group = json!({
        "serviceRoleArn": ROLE, "deploymentConfigName": "CodeDeployDefault.ECSAllAtOnce",
        "ecsServices": [{ "clusterName": "main", "serviceName": "web" }],
        "deploymentStyle": { "deploymentType": "BLUE_GREEN", "deploymentOption": "WITH_TRAFFIC_CONTROL" },
        "blueGreenDeploymentConfiguration": {
            "deploymentReadyOption": { "actionOnTimeout": "CONTINUE_DEPLOYMENT", "waitTimeInMinutes": 0 },
            "terminateBlueInstancesOnDeploymentSuccess": { "action": "TERMINATE", "terminationWaitTimeInMinutes": 0 },
        },
        "loadBalancerInfo": { "targetGroupPairInfoList": [{
            "targetGroups": [{ "name": "blue" }, { "name": "green" }],
            "prodTrafficRoute": { "listenerArns": ["arn:aws:elasticloadbalancing:us-east-1:123456789012:listener/app/web/1/2"] },
        }] },
    });
    let file = machine.home().join("group.json");
    fs::write(&file, group.to_string()).unwrap();
    let file = file.to_str().unwrap();
    machine.run(&format!("group create shop/web --from {file}")).ends_with(0);
    let style = "--style blue-green --traffic-control on --config CodeDeployDefault.LambdaAllAtOnce";
    machine.run(&format!("group create functions/checkout --service-role {ROLE} {style}")).ends_with(0);
    machine.run(&format!("group create hosts/prod --service-role {ROLE} --ec2-tag Role=web")).ends_with(0);
    fs::write(machine.home().join("task.json"), TASK).unwrap();
    machine
}

fn task(machine: &Machine) -> String {
    machine.home().join("task.json").to_str().unwrap().to_owned()
}

/// The AppSpec of the deployment that `run` made.
#[track_caller]
fn appspec(machine: &Machine, run: &Run) -> Value {
    let id = run.stdout.trim();
    let shown = machine
        .run(&format!("api GetDeployment -o json {}", request(machine, &json!({ "deploymentId": id }))));
    let shown: Value = serde_json::from_str(&shown.ends_with(0).stdout).unwrap();
    let info = &shown["deploymentInfo"];
    let sha256 = &info["revision"]["appSpecContent"]["sha256"];
    let revision = json!({ "applicationName": info["applicationName"],
        "revision": { "revisionType": "AppSpecContent", "appSpecContent": { "sha256": sha256 } } });
    let shown = machine.run(&format!("api GetApplicationRevision -o json {}", request(machine, &revision)));
    let shown: Value = serde_json::from_str(&shown.ends_with(0).stdout).unwrap();
    serde_json::from_str(shown["revision"]["appSpecContent"]["content"].as_str().unwrap()).unwrap()
}

fn request(machine: &Machine, request: &Value) -> String {
    let file = machine.home().join("request.json");
    fs::write(&file, request.to_string()).unwrap();
    file.to_str().unwrap().to_owned()
}

fn service(task: &str, container: &str, port: u64) -> Value {
    json!({ "version": 0.0, "Resources": [{ "TargetService": { "Type": "AWS::ECS::Service", "Properties": {
        "TaskDefinition": task, "LoadBalancerInfo": { "ContainerName": container, "ContainerPort": port },
    } } }] })
}

#[test]
fn a_task_definition_is_a_deployment() {
    let sandbox = Sandbox::start(FLEET, 60);
    let machine = with_groups(&sandbox);
    let task = task(&machine);
    let create = "deploy create shop/web --task-definition";
    // Nothing is registered for what cannot follow.
    let run = machine.run(&format!("{create} {task}")).ends_with(1).says_nothing();
    run.complains_only(
        "error: it is not known which container of shop/web takes the traffic\n  help: pass --container NAME:PORT\n",
    );
    let planned = machine.run(&format!("{create} {task} --container web:80 --dry-run -o json")).ends_with(0);
    assert!(planned.stdout.contains("(registered from "), "{planned}");
    let first = machine.run(&format!("{create} {task} --container web:80 --watch -q")).ends_with(0);
    let first_arn = "arn:aws:ecs:us-east-1:123456789012:task-definition/web:1";
    assert_eq!(appspec(&machine, &first), service(first_arn, "web", 80));
    // The container, and whatever else there was, is the last revision's.
    let second = machine.run(&format!("{create} {ARN} --set Hooks[0].BeforeInstall=check"));
    second.ends_with(2).complains("`Hooks[0].BeforeInstall`: there is no item [0] of 0");
    let platform = "--set Resources[0].TargetService.Properties.PlatformVersion=LATEST";
    let second = machine.run(&format!("{create} {ARN} {platform} --watch")).ends_with(0);
    let mut expected = service(ARN, "web", 80);
    expected["Resources"][0]["TargetService"]["Properties"]["PlatformVersion"] = "LATEST".into();
    assert_eq!(appspec(&machine, &second), expected);
    let third = machine.run(&format!("{create} {task} --container api:81")).ends_with(0);
    let third = third.complains("registered arn:aws:ecs:us-east-1:123456789012:task-definition/web:2\n");
    let spec = appspec(&machine, &third);
    let properties = &spec["Resources"][0]["TargetService"]["Properties"];
    assert_eq!(properties["LoadBalancerInfo"], json!({ "ContainerName": "api", "ContainerPort": 81 }));
    assert_eq!(properties["PlatformVersion"], "LATEST");
}

#[test]
fn a_container_that_is_not_in_the_task_definition_is_told_before_it_is_registered() {
    let sandbox = Sandbox::start(FLEET, 60);
    let machine = with_groups(&sandbox);
    let task = task(&machine);
    let create = format!("deploy create shop/web --task-definition {task}");
    let written = machine.home().join("appspec.json");
    fs::write(&written, service("<TASK>", "nope", 80).to_string()).unwrap();
    for (more, why) in [
        ("--container nope:80".to_owned(), "there is no container nope in it, but web, api\n"),
        ("--container web:81 --dry-run".to_owned(), "its container web maps no port 81\n"),
        ("--container api:80".to_owned(), "its container api maps no port 80\n"),
        (format!("--appspec {}", written.display()), "there is no container nope in it"),
    ] {
        let run = machine.run(&format!("{create} {more}")).ends_with(10).says_nothing();
        let run = run.complains("does not fit").complains(why);
        assert!(!run.stderr.contains("registered arn"), "{run}");
    }
    let port = "--set Resources[0].TargetService.Properties.LoadBalancerInfo.ContainerName=web";
    let planned = machine.run(&format!("{create} --appspec {} {port} --dry-run", written.display()));
    let planned = planned.ends_with(0).says(&format!("register the task definition {task}"));
    assert!(planned.stdout.contains("ContainerName"), "{planned}");
}

#[test]
fn a_function_moves_from_version_to_version() {
    let sandbox = Sandbox::start(FLEET, 60);
    let machine = with_groups(&sandbox);
    let create = "deploy create functions/checkout --function";
    let run = machine.run(&format!("{create} checkout --target-version 2")).ends_with(1).says_nothing();
    run.complains("help: write --function checkout:ALIAS\n");
    let run = machine.run(&format!("{create} checkout:live --target-version 2")).ends_with(1).says_nothing();
    run.complains("help: pass --current-version VERSION\n");
    let first = format!("{create} checkout:live --current-version 1 --target-version 2 --watch");
    let first = machine.run(&first).ends_with(0);
    let expected = json!({ "version": 0.0, "Resources": [{ "function": { "Type": "AWS::Lambda::Function",
        "Properties": { "Name": "checkout", "Alias": "live", "CurrentVersion": "1", "TargetVersion": "2" } } }] });
    assert_eq!(appspec(&machine, &first), expected);
    machine
        .run(&format!("{create} checkout --target-version 2"))
        .ends_with(1)
        .complains("version 2 already\n");
    let second = machine.run(&format!("{create} checkout --target-version 3 --watch")).ends_with(0);
    // By its ARN, as the AWS CLI tells it; in another region it is another function.
    let arn = "arn:aws:lambda:us-east-1:123456789012:function:checkout:live";
    let named = format!("{create} {arn} --target-version 1 --dry-run -o json");
    let _ = machine
        .run(&named)
        .ends_with(0)
        .says(r#"\"Name\":\"checkout\",\"Alias\":\"live\",\"CurrentVersion\":\"3\""#);
    let elsewhere = named.replace("us-east-1", "eu-west-1");
    machine.run(&elsewhere).ends_with(2).says_nothing().complains("checkout is in eu-west-1");
    for wrong in [":live", "checkout:7"] {
        machine.run(&format!("{create} {wrong} --target-version 1")).ends_with(2).says_nothing();
    }
    let properties = &appspec(&machine, &second)["Resources"][0]["function"]["Properties"];
    assert_eq!((&properties["CurrentVersion"], &properties["TargetVersion"]), (&json!("2"), &json!("3")));
}

#[test]
fn what_does_not_fit_the_group_is_told() {
    let sandbox = Sandbox::start(FLEET, 60);
    let machine = with_groups(&sandbox);
    let (task, home) = (task(&machine), machine.home().display().to_string());
    fs::write(machine.home().join("empty.json"), "{}").unwrap();
    for (line, code, why) in [
        (
            format!("hosts/prod --task-definition {ARN}"),
            1,
            "deploys to Server, and --task-definition is for ECS\n",
        ),
        (format!("functions/checkout --task-definition {task}"), 1, "help: pass --function NAME:ALIAS"),
        (
            "shop/web --function a:b --target-version 2".to_owned(),
            1,
            "help: pass --task-definition ARN|FILE\n",
        ),
        ("shop/web --task-definition nowhere.json".to_owned(), 2, "there is no file nowhere.json\n"),
        (format!("shop/web --task-definition {home}/empty.json"), 2, "it has no family\n"),
        (format!("shop/web --task-definition {ARN} --container web"), 2, "a container is written NAME:PORT"),
        (format!("shop/web --task-definition {ARN} --push ."), 2, "cannot be used with"),
        ("shop/web --function a:b".to_owned(), 2, "--target-version"),
        ("shop/web --set a=b --push .".to_owned(), 2, "--set"),
        (
            format!("shop/web --appspec {home}/empty.json --task-definition {ARN}"),
            10,
            "no resource of type AWS::ECS::Service",
        ),
    ] {
        machine.run(&format!("deploy create {line}")).ends_with(code).says_nothing().complains(why);
    }
    assert_eq!(sandbox.end()["deployments"], json!({}));
}

/// ECS and CodeDeploy with a service like this.
fn account(service: &'static str) -> StandIn {
    StandIn::new(move |request| match (request.operation(), request.header("x-amz-target")) {
        (Some("GetDeploymentGroup"), _) => Answer::json(
            r#"{"deploymentGroupInfo":{"applicationName":"shop","deploymentGroupName":"web","computePlatform":"ECS","ecsServices":[{"clusterName":"main","serviceName":"web"}]}}"#,
        ),
        (Some("ListDeployments"), _) => Answer::json(r#"{"deployments":[]}"#),
        (Some("CreateDeployment"), _) => Answer::json(r#"{"deploymentId":"d-123456789"}"#),
        (None, "AmazonEC2ContainerServiceV20141113.DescribeServices") => match service {
            "denied" => Answer::error(400, "AccessDeniedException"),
            service => Answer::json(service),
        },
        (None, "AmazonEC2ContainerServiceV20141113.RegisterTaskDefinition") => {
            Answer::json(r#"{"taskDefinition":{"taskDefinitionArn":"arn:new"}}"#)
        }
        _ => Answer::not_found(),
    })
}

const READY: &str = r#"{"services":[{"status":"ACTIVE","deploymentController":{"type":"CODE_DEPLOY"},"loadBalancers":[{"containerName":"web","containerPort":8080}]}]}"#;

#[test]
fn a_service_that_cannot_be_deployed_to_is_told_before_anything_is_registered() {
    let task = tempfile::NamedTempFile::new().unwrap();
    fs::write(task.path(), TASK).unwrap();
    let line = format!("deploy create shop/web --task-definition {}", task.path().display());
    for (service, why) in [
        (r#"{"services":[],"failures":[{"reason":"MISSING"}]}"#, "there is no service web in cluster main\n"),
        (r#"{"services":[{"status":"DRAINING"}]}"#, "main/web is DRAINING\n"),
        (
            r#"{"services":[{"status":"ACTIVE"}]}"#,
            "the deployment controller of main/web is ECS, not CODE_DEPLOY\n",
        ),
    ] {
        let aws = account(service);
        let run = Machine::new().against(&aws.url).run(&line).ends_with(1).says_nothing();
        run.complains("error: the ECS service of shop/web cannot be deployed to\n").complains(why);
        let targets: Vec<String> = aws.seen().iter().map(|it| it.header("x-amz-target").to_owned()).collect();
        assert!(!targets.iter().any(|it| it.contains("Register") || it.contains("Create")), "{targets:?}");
    }
}

#[test]
fn a_task_definition_is_registered_only_from_a_file() {
    let task = tempfile::NamedTempFile::new().unwrap();
    // As `aws ecs describe-task-definition` shows one.
    fs::write(
        task.path(),
        format!(r#"{{"taskDefinition": {}}}"#, TASK.replace('{', "{\"status\": \"ACTIVE\", ")),
    )
    .unwrap();
    for (given, registered, used) in [(ARN, 0, ARN), (task.path().to_str().unwrap(), 1, "arn:new")] {
        let aws = account(READY);
        let run = Machine::new()
            .against(&aws.url)
            .run(&format!("deploy create shop/web --task-definition {given}"));
        let run = run.ends_with(0);
        let seen = aws.seen();
        let of = |operation: &str| {
            seen.iter().filter(|it| it.header("x-amz-target").ends_with(operation)).collect::<Vec<_>>()
        };
        let registrations = of("RegisterTaskDefinition");
        assert_eq!(registrations.len(), registered, "{run}");
        for registration in registrations {
            assert!(registration.header("authorization").contains("/us-east-1/ecs/aws4_request"));
            let body: Value = serde_json::from_str(&registration.body).unwrap();
            assert_eq!(body["family"], "web");
            assert_eq!(body.get("status"), None, "{body}");
        }
        let body: Value = serde_json::from_str(&of("CreateDeployment")[0].body).unwrap();
        let content = body["revision"]["appSpecContent"]["content"].as_str().unwrap();
        // The container is the service's own.
        assert_eq!(serde_json::from_str::<Value>(content).unwrap(), service(used, "web", 8080));
    }
    let denied = account("denied");
    let machine = Machine::new().against(&denied.url);
    let line = format!("deploy create shop/web --task-definition {ARN} --container web:80");
    machine.run(&line).ends_with(0).says("d-123456789");
}

#[test]
fn an_endpoint_for_codedeploy_alone_registers_nothing_at_aws() {
    let aws = account(READY);
    let task = tempfile::NamedTempFile::new().unwrap();
    fs::write(task.path(), TASK).unwrap();
    let machine = Machine::new()
        .against(&aws.url)
        .set("AWS_ENDPOINT_URL_CODEDEPLOY", &aws.url)
        .set("AWS_ENDPOINT_URL", "");
    let line =
        format!("deploy create shop/web --task-definition {} --container web:80", task.path().display());
    machine.run(&line).ends_with(1).says_nothing().complains("help: set AWS_ENDPOINT_URL for all services");
    let machine = machine.set("AWS_ENDPOINT_URL_ECS", &aws.url);
    machine.run(&line).ends_with(0).complains("registered arn:new\n");
}

#[test]
fn it_is_what_aws_ecs_deploy_makes() {
    let Some(python) = python::ready("`aws ecs deploy` beside `deploy create`") else { return };
    let sandbox = Sandbox::start(FLEET, 60);
    let machine = with_groups(&sandbox);
    let task = task(&machine);
    let written = machine.home().join("appspec.yml");
    fs::write(
        &written,
        "version: 0.0\nResources:\n  - TargetService:\n      Type: AWS::ECS::Service\n      Properties:\n        \
         TaskDefinition: \"<TASK_DEFINITION>\"\n        LoadBalancerInfo:\n          ContainerName: web\n          \
         ContainerPort: 80\n        PlatformVersion: '1.4.0'\nHooks:\n  - BeforeInstall: check\n",
    )
    .unwrap();
    let written = written.to_str().unwrap();
    let mut aws = python.program("aws", &sandbox.url());
    aws.env("AWS_DEFAULT_REGION", "us-east-1").args([
        "ecs",
        "deploy",
        "--cluster",
        "main",
        "--service",
        "web",
    ]);
    aws.args(["--codedeploy-application", "shop", "--codedeploy-deployment-group", "web"]);
    aws.args(["--task-definition", &task, "--codedeploy-appspec", written]);
    // It would wait for the end, at a look every fifteen seconds.
    let mut child = aws.stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    let id = lines
        .find_map(|line| Some(line.strip_prefix("Successfully created deployment ")?.to_owned()))
        .unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    machine.run(&format!("deploy wait {id}")).ends_with(0);
    let line = format!("deploy create shop/web --task-definition {task} --appspec {written} --watch");
    let ours = machine.run(&line).ends_with(0);
    let of = |id: &str| appspec(&machine, &Run { stdout: id.to_owned(), stderr: String::new(), code: 0 });
    let (theirs, ours) = (of(&id), of(&ours.stdout));
    let arn = |number| format!("arn:aws:ecs:us-east-1:123456789012:task-definition/web:{number}");
    assert_eq!(theirs.to_string().replace(&arn(1), &arn(2)), ours.to_string());
    assert!(ours.to_string().contains(&arn(2)), "{ours}");
}
