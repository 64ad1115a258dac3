//! The JSON of `cdctl api` beside what the AWS CLI prints for the same call, member by member.

use std::collections::BTreeSet;
use std::fs;
use std::process::Stdio;

use serde_json::{Value, json};

use super::Shop;
use super::api::operations_of_the_sdk;
use crate::contract::python::{self, Python};
use crate::support::cdctl::Machine;
use crate::support::proxy::Proxy;
use crate::support::stage::Scene;

/// `GetDeployment` -> `get-deployment`
fn kebab(operation: &str) -> String {
    let mut name = String::new();
    for c in operation.chars() {
        if c.is_uppercase() && !name.is_empty() {
            name.push('-');
        }
        name.extend(c.to_lowercase());
    }
    name
}

/// What the AWS CLI prints for each.
fn aws(python: &Python, shop: &Shop, calls: &[(&str, Value)]) -> Vec<Value> {
    let mut command = python.script(&shop.url(), "aws_json.py");
    command.env("AWS_DEFAULT_REGION", "us-east-1").stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let lines =
        calls.iter().map(|(operation, request)| json!([kebab(operation), request]).to_string() + "\n");
    let text: String = lines.collect();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), text.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// Times as seconds, however they are written.
fn normalised(value: &Value) -> Value {
    match value {
        Value::String(text) => match text.parse::<jiff::Timestamp>() {
            Ok(time) => json!(time.as_millisecond()),
            Err(_) => value.clone(),
        },
        Value::Number(number) if number.as_f64().is_some_and(|number| number > 1e9) => {
            json!((number.as_f64().unwrap() * 1000.0).round() as i64)
        }
        Value::Array(list) => list.iter().map(normalised).collect(),
        Value::Object(map) => {
            Value::Object(map.iter().map(|(name, value)| (name.clone(), normalised(value))).collect())
        }
        _ => value.clone(),
    }
}

/// Everything that `theirs` says, `ours` says; it may say more, for the AWS CLI drops what it does not know.
#[track_caller]
fn agrees(path: &str, ours: &Value, theirs: &Value) {
    match (ours, theirs) {
        (Value::Object(ours), Value::Object(theirs)) => {
            for (name, value) in theirs {
                let here = ours.get(name).unwrap_or_else(|| panic!("{path} lacks {name}"));
                agrees(&format!("{path}.{name}"), here, value);
            }
        }
        (Value::Array(ours), Value::Array(theirs)) => {
            assert_eq!(ours.len(), theirs.len(), "{path}");
            for (ours, theirs) in ours.iter().zip(theirs) {
                agrees(&format!("{path}[]"), ours, theirs);
            }
        }
        _ => assert_eq!(ours, theirs, "{path}"),
    }
}

#[test]
fn every_read_is_what_the_aws_cli_prints() {
    let Some(python) = python::ready("the JSON against the AWS CLI's") else { return };
    let shop = Shop::with_group(Scene::Failed);
    let proxy = Proxy::default().listen(&shop.url());
    let machine = Machine::new().against(&proxy.url);
    let id = shop.deploy();
    let user = "arn:aws:iam::123456789012:user/rack-7";
    shop.run(&format!("instance register rack-7 --user-arn {user} --tag Role=web")).ends_with(0);
    shop.run("app tag shop Team=web").ends_with(0);
    let arn = "arn:aws:codedeploy:us-east-1:123456789012:application:shop";
    let app = json!({ "applicationName": "shop" });
    let group = json!({ "applicationName": "shop", "deploymentGroupName": "prod" });
    let commit = "0123456789abcdef0123456789abcdef01234567";
    let location = json!({
        "revisionType": "GitHub", "gitHubLocation": { "repository": "me/site", "commitId": commit },
    });
    let target = "i-0123456789abcdef0";
    let targets: Value =
        serde_json::from_str(&shop.says(&format!("deploy targets {id} --query targetIds -o json"))).unwrap();
    let reads = [
        ("ListApplications", json!({})),
        ("GetApplication", app.clone()),
        ("BatchGetApplications", json!({ "applicationNames": ["shop"] })),
        ("ListDeploymentGroups", app.clone()),
        ("GetDeploymentGroup", group.clone()),
        ("BatchGetDeploymentGroups", json!({ "applicationName": "shop", "deploymentGroupNames": ["prod"] })),
        ("ListDeploymentConfigs", json!({})),
        ("GetDeploymentConfig", json!({ "deploymentConfigName": "CodeDeployDefault.HalfAtATime" })),
        ("ListApplicationRevisions", app),
        ("GetApplicationRevision", json!({ "applicationName": "shop", "revision": location })),
        ("BatchGetApplicationRevisions", json!({ "applicationName": "shop", "revisions": [location] })),
        ("ListDeployments", group),
        ("GetDeployment", json!({ "deploymentId": id })),
        ("BatchGetDeployments", json!({ "deploymentIds": [id] })),
        ("ListDeploymentTargets", json!({ "deploymentId": id })),
        ("GetDeploymentTarget", json!({ "deploymentId": id, "targetId": target })),
        ("BatchGetDeploymentTargets", json!({ "deploymentId": id, "targetIds": targets })),
        ("ListDeploymentInstances", json!({ "deploymentId": id })),
        ("GetDeploymentInstance", json!({ "deploymentId": id, "instanceId": target })),
        ("BatchGetDeploymentInstances", json!({ "deploymentId": id, "instanceIds": [target] })),
        ("ListOnPremisesInstances", json!({})),
        ("GetOnPremisesInstance", json!({ "instanceName": "rack-7" })),
        ("BatchGetOnPremisesInstances", json!({ "instanceNames": ["rack-7"] })),
        ("ListGitHubAccountTokenNames", json!({})),
        ("ListTagsForResource", json!({ "ResourceArn": arn })),
    ];
    let is_read = |name: &&String| ["Get", "List", "BatchGet"].iter().any(|verb| name.starts_with(verb));
    let all = operations_of_the_sdk();
    let named: BTreeSet<&str> = reads.iter().map(|(operation, _)| *operation).collect();
    assert_eq!(named, all.iter().filter(is_read).map(String::as_str).collect());
    let printed = aws(&python, &shop, &reads);
    for (operation, line) in [
        ("GetApplication", "app show shop"),
        ("BatchGetApplications", "app list"),
        ("ListTagsForResource", "app tags shop"),
        ("GetDeploymentGroup", "group show shop/prod"),
        ("BatchGetDeploymentGroups", "group list shop"),
        ("GetDeploymentConfig", "config show CodeDeployDefault.HalfAtATime"),
        ("ListDeploymentConfigs", "config list"),
        ("GetApplicationRevision", &format!("revision show github:me/site@{commit} --app shop")),
        ("BatchGetApplicationRevisions", "revision list shop"),
        ("GetDeployment", &format!("deploy show {id}")),
        ("BatchGetDeployments", "deploy list shop/prod"),
        ("GetDeploymentTarget", &format!("deploy targets {id} --target {target}")),
        ("BatchGetDeploymentTargets", &format!("deploy targets {id}")),
        ("GetOnPremisesInstance", "instance show rack-7"),
        ("BatchGetOnPremisesInstances", "instance list"),
        ("ListGitHubAccountTokenNames", "github tokens"),
    ] {
        let at = reads.iter().position(|(name, _)| *name == operation).unwrap();
        agrees(line, &normalised(&shop.json(line)), &normalised(&printed[at]));
    }
    for ((operation, request), theirs) in reads.into_iter().zip(printed) {
        let file = machine.home().join("request.json");
        fs::write(&file, request.to_string()).unwrap();
        let answer = machine.run(&format!("api {operation} {} -o json", file.display())).ends_with(0).stdout;
        let ours: Value = serde_json::from_str(&answer).unwrap();
        let empty = |value: &Value| {
            value.as_object().is_none_or(|members| members.values().all(|member| *member == json!([])))
        };
        assert!(!empty(&theirs), "{operation}");
        agrees(operation, &normalised(&ours), &normalised(&theirs));
        // What the AWS CLI does not know is as the service wrote it.
        assert_eq!(normalised(&ours), normalised(&proxy.answer()), "{operation}");
    }
}
