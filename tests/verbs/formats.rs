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
    let named = shop.says("deploy list shop/prod --query deploymentsInfo[].{id:deploymentId,State:status}");
    assert_eq!(named, format!("id           State\n{id}  InProgress"));
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

/// Queries of scripts, each through JMESPath and the text output of the AWS CLI itself.
const QUERIES: &[&str] = &[
    "deploymentInfo.status",
    "deploymentInfo.deploymentOverview.*",
    "deploymentInfo.deploymentOverview",
    "deploymentInfo.[deploymentId,completeTime,status]",
    "deploymentInfo.{Status:status,Id:deploymentId}",
    "deploymentInfo.revision",
    "keys(deploymentInfo)",
    "to_string(deploymentInfo.deploymentOverview)",
    "sum(values(deploymentInfo.deploymentOverview))",
    "ceil(`1.5`)",
    "deploymentInfo",
    "@",
    "list[?name==`b`].names",
    "list[?name==`\"b\"`].names[]",
    "list[?count>`1`].name",
    "list",
    "list[]",
    "list[].names",
    "list[].[name,count]",
    "sort_by(list,&name)[].name",
    "reverse(list[].name)",
    "length(list)",
    "join(`,`,list[].name)",
    "list[?!count].name",
    "list[-1]",
    "nothing",
    "nothing.at.all",
    "list[].nothing",
    "`[]`",
    "[`[]`,`[1,[2]]`]",
];

#[test]
fn text_and_queries_are_the_aws_clis_own() {
    let Some(python) = python::ready("queries and text against the AWS CLI's") else { return };
    let info = json!({
        "deploymentId": "d-1", "status": "Failed", "createTime": "2026-01-01T00:00:00Z", "rollback": {},
        "deploymentOverview": {"Pending": 3, "InProgress": 2, "Succeeded": 0, "Failed": 1, "Skipped": 0, "Ready": 0},
        "revision": {"revisionType": "S3", "s3Location": {"bucket": "b", "key": "k", "bundleType": "zip"}},
        "targetInstances": {"tagFilters": [{"Key": "a", "Type": "KEY_ONLY"}, {"Key": "b", "Value": "c", "Type": "x"}]},
    });
    let list = json!([
        {"name": "b", "count": 2, "names": ["x", "y"]}, {"name": "a", "nested": {"z": [1, 2]}}, {"count": 1, "name": "c"},
    ]);
    let document = json!({"deploymentInfo": info, "list": list, "flag": true, "none": null});
    let script = "import io, json, sys, jmespath; from awscli.text import format_text\n\
                  document, queries = json.load(sys.stdin)\n\
                  def text(query):\n    \
                      out = io.StringIO(); format_text(jmespath.search(query, document), out); return out.getvalue()\n\
                  print(json.dumps([[text(query), json.dumps(jmespath.search(query, document))] for query in queries]))";
    let mut command = python.program("python", "http://127.0.0.1:1");
    command.args(["-c", script]).stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::piped());
    let mut child = command.spawn().unwrap();
    let input = json!([document, QUERIES]).to_string();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), input.as_bytes()).unwrap();
    let theirs: Vec<(String, String)> =
        serde_json::from_slice(&child.wait_with_output().unwrap().stdout).unwrap();
    for (query, (text, json)) in QUERIES.iter().zip(theirs) {
        let found = query.parse::<cdctl::format::Query>().unwrap().search(&document).unwrap();
        let mut ours = Vec::new();
        cdctl::format::text(&mut ours, &found).unwrap();
        assert_eq!(String::from_utf8(ours).unwrap(), text, "{query}");
        // The order of members counts, so texts are compared; Python's has blanks.
        assert_eq!(found.to_string(), json.replace(": ", ":").replace(", ", ","), "{query}");
    }
}

#[test]
fn a_query_for_a_list_call_finds_what_that_call_answers() {
    let shop = Shop::with_group(Scene::Succeeded);
    let id = shop.deploy();
    let user = "arn:aws:iam::123456789012:user/rack-7";
    shop.run(&format!("instance register rack-7 --user-arn {user}")).ends_with(0);
    for (line, found) in [
        ("deploy list shop/prod --query deployments[0]", id.as_str()),
        ("app list --query applications[0]", "shop"),
        ("app list --wide --query applications", "shop"),
        ("group list shop --query deploymentGroups[0]", "prod"),
        ("instance list --query instanceNames", "rack-7"),
        ("config list --query deploymentConfigsList[0]", "CodeDeployDefault.AllAtOnce"),
        ("revision list shop --query revisions[].gitHubLocation.repository", "me/site"),
        ("revision list shop --query revisions[].revisionLocation.revisionType", "GitHub"),
        (&format!("deploy targets {id} --query targetIds[0]"), "i-0123456789abcdef0"),
    ] {
        assert_eq!(shop.says(&format!("{line} -o text")), found, "{line}");
    }
    // Without a query it is the batch call's answer and nothing else.
    let names = |line: &str| shop.json(line).as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(names("deploy list shop/prod"), ["deploymentsInfo"]);
    assert_eq!(names("revision list shop"), ["applicationName", "revisions"]);
    assert_eq!(names(&format!("deploy targets {id}")), ["deploymentTargets"]);
}

#[test]
fn a_table_is_cut_and_says_so_and_scripts_get_all() {
    let shop = Shop::with_group(Scene::Succeeded);
    for _ in 0..21 {
        shop.deploy();
    }
    let table =
        shop.run("deploy list shop/prod").ends_with(0).complains("20 are shown; `--limit N` shows more");
    assert_eq!(table.stdout.lines().count(), 21);
    for line in ["-o text", "-o ndjson", "--query deployments[]", "--limit 30 -o text"] {
        let run = shop.run(&format!("deploy list shop/prod {line}")).ends_with(0);
        assert_eq!((run.stdout.lines().count(), run.stderr.as_str()), (21, ""), "{line}");
    }
    assert_eq!(shop.says("deploy list shop/prod --query length(deploymentsInfo)"), "21");
    assert_eq!(shop.run("deploy list shop/prod --limit 5").ends_with(0).stderr, "");
}
