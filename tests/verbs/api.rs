//! `cdctl api`: the whole API by name.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use serde_json::{Value, json};

use super::{ROLE, Shop};
use crate::contract::python;
use crate::support::cdctl::Machine;
use crate::support::stage::Scene;

/// Where cargo has the SDK's source.
fn sdk() -> std::path::PathBuf {
    // What other platforms need was never fetched.
    let rustc = Command::new("rustc").arg("-vV").output().unwrap();
    let rustc = String::from_utf8(rustc.stdout).unwrap();
    let host = rustc.lines().find_map(|line| line.strip_prefix("host: ")).unwrap();
    let arguments = ["metadata", "--format-version=1", "--offline", "--locked", "--filter-platform", host];
    let output = Command::new(env!("CARGO")).args(arguments).current_dir(env!("CARGO_MANIFEST_DIR")).output();
    let metadata: Value = serde_json::from_slice(&output.unwrap().stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    let package = packages.iter().find(|package| package["name"] == "aws-sdk-codedeploy").unwrap();
    std::path::Path::new(package["manifest_path"].as_str().unwrap()).parent().unwrap().to_owned()
}

fn listed() -> BTreeSet<String> {
    Machine::new().run("api --list").ends_with(0).stdout.lines().map(str::to_owned).collect()
}

/// The operations in the SDK crate's source.
pub fn operations_of_the_sdk() -> BTreeSet<String> {
    let mut operations = BTreeSet::new();
    for entry in fs::read_dir(sdk().join("src/operation")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            let (_, rest) = text.split_once("pub struct ").expect("an operation's file names it");
            operations.insert(rest.chars().take_while(|c| c.is_alphanumeric()).collect::<String>());
        }
    }
    assert!(operations.len() >= 47);
    operations
}

#[test]
fn the_list_is_the_sdks() {
    assert_eq!(listed(), operations_of_the_sdk());
}

/// What botocore's model says a shape is, as our JSON Schema would.
fn modelled(model: &Value, name: &str, is_input: bool) -> Value {
    let shape = &model["shapes"][name];
    match shape["type"].as_str().unwrap() {
        "structure" => {
            let members = shape["members"].as_object().unwrap();
            let properties: serde_json::Map<String, Value> = members
                .iter()
                .map(|(name, member)| {
                    (name.clone(), modelled(model, member["shape"].as_str().unwrap(), false))
                })
                .collect();
            let required = if is_input { shape["required"].clone() } else { Value::Null };
            json!({ "properties": properties, "required": required })
        }
        "list" => json!({ "items": modelled(model, shape["member"]["shape"].as_str().unwrap(), false) }),
        "map" => json!({ "values": modelled(model, shape["value"]["shape"].as_str().unwrap(), false) }),
        "string" => {
            let mut words: Vec<String> = serde_json::from_value(shape["enum"].clone()).unwrap_or_default();
            words.sort();
            json!({ "words": words })
        }
        "long" => json!("integer"),
        other => json!(other),
    }
}

/// Our JSON Schema in the same words.
fn ours(schema: &Value) -> Value {
    if let Some(properties) = schema["properties"].as_object() {
        let properties: serde_json::Map<String, Value> =
            properties.iter().map(|(name, schema)| (name.clone(), ours(schema))).collect();
        return json!({ "properties": properties, "required": schema["required"] });
    }
    if schema["additionalProperties"].is_object() {
        return json!({ "values": ours(&schema["additionalProperties"]) });
    }
    match schema["type"].as_str() {
        Some("array") => json!({ "items": ours(&schema["items"]) }),
        Some("string") => {
            let mut words: Vec<String> = serde_json::from_value(schema["enum"].clone()).unwrap_or_default();
            words.sort();
            json!({ "words": words })
        }
        Some(other) => json!(other),
        None => json!("timestamp"),
    }
}

#[test]
fn schemas_are_those_of_botocores_model() {
    let Some(python) = python::ready("the requests' schemas against botocore's model") else { return };
    let model = python.service_model();
    let machine = Machine::new();
    for operation in listed() {
        let described = &model["operations"][&operation];
        if described.is_null() {
            continue;
        }
        let schema = machine.run(&format!("api {operation} --schema")).ends_with(0).stdout;
        let schema = ours(&serde_json::from_str(&schema).unwrap());
        let expected = match described["input"]["shape"].as_str() {
            Some(input) => modelled(&model, input, true),
            None => json!({ "properties": {}, "required": null }),
        };
        known_alike(&operation, &schema, &expected);
    }
}

/// Equal, where the pinned botocore knows the member.
#[track_caller]
fn known_alike(path: &str, ours: &Value, modelled: &Value) {
    match (ours["properties"].as_object(), modelled["properties"].as_object()) {
        (Some(ours_members), Some(members)) => {
            for (name, member) in members {
                let here = ours_members.get(name).unwrap_or_else(|| panic!("{path} lacks {name}"));
                known_alike(&format!("{path}.{name}"), here, member);
            }
            assert_eq!(ours["required"], modelled["required"], "{path}");
        }
        _ => match (ours.get("items"), modelled.get("items")) {
            (Some(here), Some(there)) => known_alike(&format!("{path}[]"), here, there),
            _ => assert_eq!(ours, modelled, "{path}"),
        },
    }
}

#[test]
fn a_skeleton_is_a_request() {
    let machine = Machine::new();
    for operation in listed() {
        let skeleton = machine.run(&format!("api {operation} --skeleton -o yaml")).ends_with(0).stdout;
        let file = machine.home().join("request.yaml");
        fs::write(&file, super::requests::filled(&skeleton)).unwrap();
        // It passes the check; what fails is only that there is no region to send it to.
        machine
            .run(&format!("api {operation} {}", file.display()))
            .ends_with(1)
            .complains("no AWS region is set");
    }
}

#[test]
fn a_request_is_sent_as_it_was_written() {
    let shop = Shop::empty();
    shop.fed("api CreateApplication -", "applicationName: shop\ncomputePlatform: Server\n").ends_with(0);
    let group = json!({
        "applicationName": "shop", "deploymentGroupName": "prod", "serviceRoleArn": ROLE,
        "ec2TagSet": {"ec2TagSetList": [[{"Key": "Role", "Value": "web", "Type": "KEY_AND_VALUE"}]]},
    });
    shop.fed("api CreateDeploymentGroup -", &group.to_string()).ends_with(0).says("deploymentGroupId");
    let get = r#"{"applicationName": "shop", "deploymentGroupName": "prod"}"#;
    let answer = shop.fed("api GetDeploymentGroup -", get).ends_with(0).stdout;
    let answer: Value = serde_json::from_str(&answer).unwrap();
    assert_eq!(answer["deploymentGroupInfo"]["ec2TagSet"], group["ec2TagSet"]);
}

#[test]
fn pages_are_joined_unless_one_is_wanted() {
    let shop = Shop::of(Scene::Created, 2);
    for name in ["a", "b", "c", "d", "e"] {
        shop.run(&format!("app create {name}")).ends_with(0);
    }
    let all = shop.json("api ListApplications");
    assert_eq!(all, json!({ "applications": ["a", "b", "c", "d", "e"] }));
    let first = shop.json("api ListApplications --no-paginate");
    assert_eq!(first["applications"], json!(["a", "b"]));
    assert!(first["nextToken"].is_string());
}

#[test]
fn mistakes_are_found_before_anything_is_sent() {
    let machine = Machine::new();
    machine.run("api GetDeploymnet").ends_with(2).complains("did you mean `GetDeployment`?");
    machine.run("api GetDeployment").ends_with(2).complains("GetDeployment needs deploymentId");
    let file = machine.home().join("request.json");
    fs::write(&file, "{\n \"deploymentID\": \"d-1\"}").unwrap();
    machine
        .run(&format!("api GetDeployment {}", file.display()))
        .ends_with(2)
        .complains("line 2 column 2: unknown member `deploymentID`; GetDeployment has: deploymentId")
        .complains("did you mean `deploymentId`?");
    machine
        .run("api GetDeployment /nonexistent")
        .ends_with(1)
        .complains("cannot read the request /nonexistent");
}

#[test]
fn every_exception_of_the_sdk_is_explained() {
    let explained = fs::read_to_string(crate::support::cdctl::package("src/api/exceptions.rs")).unwrap();
    let mut codes = 0;
    for entry in fs::read_dir(sdk().join("src/types/error")).unwrap() {
        let text = fs::read_to_string(entry.unwrap().path()).unwrap_or_default();
        for name in text.split("\"com.amazonaws.codedeploy#").skip(1) {
            let code = name.split(['"', '$']).next().unwrap();
            if code.ends_with("Exception") {
                codes += 1;
                assert!(explained.contains(&format!("(\"{code}\", ")), "{code} is not explained");
            }
        }
    }
    assert!(codes >= 114, "{codes}");
}
