//! `--output` and `--query`, with readers of those formats that are not ours.

use serde_json::{Value, json};

use super::Shop;
use crate::contract::python;
use crate::support::stage::Scene;

#[test]
fn every_format_shows_the_same_deployment() {
    let shop = Shop::with_group(Scene::Succeeded);
    let id = shop.deploy();
    let seen = shop.json(&format!("deploy show {id}"));
    assert_eq!(seen["deploymentInfo"]["status"], "Succeeded");
    let yaml = shop.says(&format!("deploy show {id} -o yaml"));
    let read: Value = serde_yaml::from_str(&yaml).unwrap();
    assert_eq!(read, seen);
    let line = shop.says("deploy list shop/prod -o text");
    let cells: Vec<&str> = line.split('\t').collect();
    assert_eq!(cells[..2], [id.as_str(), "Succeeded"], "{line}");
    assert!(cells[4].parse::<jiff::Timestamp>().is_ok(), "{line}");
    let item: Value = serde_json::from_str(&shop.says("deploy list shop/prod -o ndjson")).unwrap();
    assert_eq!(item["deploymentId"], id.as_str());
    assert_eq!(shop.says("deploy list shop/prod").lines().count(), 2);
}

#[test]
fn a_query_written_for_the_aws_cli_works() {
    let shop = Shop::with_group(Scene::Running);
    let id = shop.deploy();
    let query = |query: &str| shop.says(&format!("deploy show {id} --query {query}"));
    assert_eq!(query("deploymentInfo.status -o text"), "InProgress");
    assert_eq!(query("deploymentInfo.status"), "InProgress");
    assert_eq!(query("deploymentInfo.status -o json"), "\"InProgress\"");
    assert_eq!(query("deploymentInfo.[deploymentId,completeTime] -o text"), format!("{id}\tNone"));
    assert_eq!(query("deploymentInfo.{Status:status} -o yaml"), "Status: InProgress");
    assert_eq!(
        shop.says("deploy list shop/prod --query deploymentsInfo[].deploymentId -o ndjson"),
        json!(id).to_string()
    );
    shop.run("deploy list shop/prod --query a[").ends_with(2).complains("not JMESPath");
}

#[test]
fn a_yaml_1_1_reader_sees_the_same() {
    let Some(python) = python::ready("YAML output against PyYAML") else { return };
    let shop = Shop::with_group(Scene::Failed);
    for word in ["no", "2026-01-01", "12:30:45", "1_000", "0o17", "=", "~"] {
        let description = format!("--description={word}");
        shop.run(&format!("deploy create shop/prod --revision github:me/site@0123456789abcdef0123456789abcdef01234567 -q {description}")).ends_with(0);
    }
    let script = "import json, sys, yaml; print(json.dumps(yaml.safe_load(sys.stdin)))";
    let yaml = shop.says("deploy list shop/prod -o yaml");
    let mut command = python.program("python", &shop.url());
    command.args(["-c", script]).stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::piped());
    let mut child = command.spawn().unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), yaml.as_bytes()).unwrap();
    let read: Value = serde_json::from_slice(&child.wait_with_output().unwrap().stdout).unwrap();
    assert_eq!(read, shop.json("deploy list shop/prod"));
    assert_eq!(read["deploymentsInfo"].as_array().unwrap().len(), 7);
}
