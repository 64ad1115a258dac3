//! `--query` against the AWS CLI's own library: the same expression finds the same.

use cdctl::format::Query;
use serde_json::{Value, json};

use super::python;

const QUERIES: &[&str] = &[
    "deploymentsInfo[?status==`Failed`].deploymentId",
    "deploymentsInfo[?status=='Failed' || status==`\"Stopped\"`].[deploymentId, status]",
    "deploymentsInfo[?createTime>=`2026-11-22`].deploymentId",
    "deploymentsInfo[?createTime<'2026-11-22T12:00:00'] | [0].deploymentId",
    "deploymentsInfo[?!(createTime>'2026')].{Id: deploymentId, When: createTime}",
    "sort_by(deploymentsInfo[?createTime], &createTime)[-1].deploymentId",
    "reverse(sort_by(deploymentsInfo, &counts.Failed))[*].counts.Failed",
    "deploymentsInfo[?counts.Failed > `0` && counts.Failed <= `2`].counts",
    "deploymentsInfo[?contains(description, `a b`)].description",
    "deploymentsInfo[?starts_with(deploymentId, `d-`)] | length(@)",
    "max_by(deploymentsInfo, &counts.Failed).deploymentId",
    "deploymentsInfo[].counts.*[] | sum(@)",
    "deploymentsInfo[?description==`it's \\`so\\``].deploymentId",
    "deploymentsInfo[0:3:2].deploymentId",
    "join(', ', deploymentsInfo[].deploymentId)",
    "deploymentsInfo[].not_null(createTime, `never`)",
    "`{\"a\": [1]}`.a",
    "nothing",
];

#[test]
fn a_query_finds_what_the_aws_cli_finds() {
    let Some(python) = python::ready("queries against the AWS CLI's own library") else { return };
    let json = json!({ "deploymentsInfo": [
        { "deploymentId": "d-1", "status": "Failed", "createTime": "2026-11-22T12:00:00.123000+00:00",
          "description": "a b c", "counts": { "Failed": 2 } },
        { "deploymentId": "d-2", "status": "Stopped", "createTime": "2026-11-21T12:00:00+00:00",
          "description": "it's `so`", "counts": { "Failed": 0 } },
        { "deploymentId": "d-3", "status": "Succeeded", "description": "", "counts": { "Failed": 5 } },
    ] });
    let script = "import jmespath, json, sys, warnings\nwarnings.simplefilter('ignore')\n\
                  queries, data = json.loads(sys.argv[1])\n\
                  print(json.dumps([jmespath.search(query, data) for query in queries]))";
    let mut command = python.program("python", "http://127.0.0.1:1");
    let theirs = python::run(command.args(["-c", script, &json!([QUERIES, json]).to_string()]));
    let theirs: Vec<Value> = serde_json::from_str(&theirs).unwrap();
    for (query, theirs) in QUERIES.iter().zip(theirs) {
        let ours = query.parse::<Query>().unwrap().search(&json).unwrap();
        let same = ours == theirs || ours.as_f64().is_some_and(|ours| Some(ours) == theirs.as_f64());
        assert!(same, "{query}\nours   {ours}\ntheirs {theirs}");
    }
}
