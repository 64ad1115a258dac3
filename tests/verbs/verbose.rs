//! `-v` and `-vv`: what was called, without a secret.

use serde_json::json;

use super::Shop;
use crate::support::cdctl::Machine;

#[test]
fn each_call_has_its_line() {
    let shop = Shop::empty();
    shop.run("app create shop").ends_with(0);
    let plain = shop.run("app list").ends_with(0);
    let run = shop.run("app list -v").ends_with(0).holds_no_escape();
    assert_eq!(run.stdout, plain.stdout);
    let lines: Vec<&str> = run.stderr.lines().collect();
    assert_eq!(lines.len(), 2, "{run}");
    for (line, operation) in lines.iter().zip(["ListApplications", "BatchGetApplications"]) {
        let rest = line.strip_prefix(&format!("{operation}: 200, ")).expect(line);
        let (took, id) = rest.split_once(" ms, request ").expect(line);
        assert!(took.parse::<u64>().is_ok() && id.len() == 36, "{line}");
    }
    shop.run("app show nope -v")
        .ends_with(1)
        .complains("GetApplication: 400, ")
        .complains("error: cannot show");
    shop.run("app tags shop -v").ends_with(0).complains("GetCallerIdentity: 200, ");
    assert_eq!(shop.run("app list -v -q").ends_with(0).stderr, "");
}

#[test]
fn tries_are_counted() {
    let shop = Shop::empty();
    let fault =
        serde_json::from_value(json!({ "fault": "throttle", "operation": "ListApplications" })).unwrap();
    shop.stage.sandbox.add_fault(fault).unwrap();
    let run = shop.run("app list -vv --max-attempts 2").ends_with(1);
    run.complains("(ListApplications, attempt 2)").complains(" ms, 2 attempts, request ");
    let nobody = Machine::new().against("http://127.0.0.1:1");
    nobody
        .run("app list -vv")
        .ends_with(1)
        .complains("< no answer: ")
        .complains("ListApplications: no answer, ");
}

#[test]
fn requests_are_shown_without_secrets() {
    let shop = Shop::empty();
    let token = "FwoGZXIvYXdzEBYaDGV4YW1wbGU";
    let machine = Machine::new().against(&shop.url()).set("AWS_SESSION_TOKEN", token);
    let run = machine.run("app create shop --tag Team=web -vv").ends_with(0).holds_no_escape();
    let url = format!("> POST {}/ (CreateApplication)\n", shop.url());
    let run = run
        .complains(&url)
        .complains("\n< 200\n")
        .complains("x-amz-target: CodeDeploy_20141006.CreateApplication");
    let run = run.complains("authorization: (not shown)\n").complains("x-amz-security-token: (not shown)\n");
    for secret in [token, "Signature=", "Credential="] {
        assert!(!run.stderr.contains(secret), "{secret}\n{run}");
    }
    let site = "revision push examples/site s3://releases/site.zip --app shop -vv";
    let run = machine.run(site);
    assert!(!run.stderr.contains(token) && !run.stderr.contains("Signature="), "{run}");
}
