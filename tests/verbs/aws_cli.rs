//! The JSON of `cdctl api` beside what the AWS CLI prints for the same call, member by member.

use serde_json::{Value, json};

use super::Shop;
use crate::contract::python::{self, Python};
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

fn aws(python: &Python, shop: &Shop, operation: &str, request: &Value) -> Value {
    let mut command = python.program("aws", &shop.url());
    command.env("AWS_DEFAULT_REGION", "us-east-1");
    command.args(["deploy", &kebab(operation), "--output", "json", "--cli-input-json", &request.to_string()]);
    serde_json::from_str(&python::run(&mut command)).unwrap()
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
    let id = shop.deploy();
    let app = json!({ "applicationName": "shop" });
    let group = json!({ "applicationName": "shop", "deploymentGroupName": "prod" });
    let commit = "0123456789abcdef0123456789abcdef01234567";
    let location = json!({
        "revisionType": "GitHub", "gitHubLocation": { "repository": "me/site", "commitId": commit },
    });
    let target = "i-0123456789abcdef0";
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
        ("BatchGetDeploymentTargets", json!({ "deploymentId": id, "targetIds": [target] })),
    ];
    for (operation, request) in reads {
        let answer =
            shop.fed(&format!("api {operation} - -o json"), &request.to_string()).ends_with(0).stdout;
        let ours: Value = serde_json::from_str(&answer).unwrap();
        let theirs = aws(&python, &shop, operation, &request);
        assert_ne!(theirs, json!({}), "{operation}");
        agrees(operation, &normalised(&ours), &normalised(&theirs));
    }
}
