//! What lists call: how often, how many at once, and when the first row is there.

use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::sync::Arc;

use serde_json::{Value, json};

use super::{ROLE, Shop};
use crate::support::cdctl::{CDCTL, Machine};
use crate::support::proxy::{Gate, Listening, Proxy};
use crate::support::stage::Scene;

/// A sandbox with so many items a page, and applications `app-0`, `app-1`, ….
fn with_applications(page_size: usize, count: usize) -> Shop {
    let shop = Shop::of(Scene::Succeeded, page_size);
    (0..count).for_each(|number| drop(shop.run(&format!("app create app-{number}")).ends_with(0)));
    shop
}

fn beside(shop: &Shop, proxy: Proxy) -> (Machine, Listening) {
    let proxy = proxy.listen(&shop.url());
    (Machine::new().against(&proxy.url), proxy)
}

#[test]
fn a_limit_stops_the_calls() {
    let shop = with_applications(2, 5);
    let (machine, proxy) = beside(&shop, Proxy::default());
    let calls = |line: &str| {
        machine.run(line).ends_with(0);
        proxy.operations()
    };
    let pair = ["ListApplications", "BatchGetApplications"];
    assert_eq!(calls("app list --limit 1"), pair);
    assert_eq!(calls("app list --limit 2"), pair);
    assert_eq!(calls("app list --limit 3"), pair.repeat(2));
    assert_eq!(calls("app list"), pair.repeat(3));
    assert_eq!(calls("config list --limit 3"), ["ListDeploymentConfigs"; 2]);
    let wide = calls("config list --wide --limit 2");
    assert_eq!(wide, ["ListDeploymentConfigs", "GetDeploymentConfig", "GetDeploymentConfig"]);
    assert_eq!(calls("app list --wide --limit 1"), [&pair[..], &["ListDeploymentGroups"]].concat());
    assert_eq!(calls("app list --wide --limit 1 -o json"), [&pair[..], &["ListDeploymentGroups"]].concat());
}

#[test]
fn deployments_come_in_as_few_batches_as_there_can_be() {
    let shop = Shop::with_group(Scene::Succeeded);
    for _ in 0..30 {
        shop.deploy();
    }
    let (machine, proxy) = beside(&shop, Proxy::default());
    let calls = |line: &str| {
        let rows = machine.run(&format!("{line} -o text")).ends_with(0).stdout.lines().count();
        (rows, proxy.operations())
    };
    let (list, batch) = ("ListDeployments", "BatchGetDeployments");
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    assert_eq!(calls("deploy list shop/prod"), (30, names(&[list, batch, batch])));
    assert_eq!(calls("deploy list shop/prod --limit 25"), (25, names(&[list, batch])));
    assert_eq!(calls("deploy list shop/prod --limit 100"), (30, names(&[list, batch, batch])));
    assert_eq!(calls("deploy list --creator user --limit 3"), (3, names(&[list, batch, batch])));
    assert_eq!(
        calls("revision list shop"),
        (1, names(&["ListApplicationRevisions", "BatchGetApplicationRevisions"]))
    );
    assert_eq!(calls("group list shop"), (1, names(&["ListDeploymentGroups", "BatchGetDeploymentGroups"])));
}

/// Four batches are under way before the first is answered, and never a fifth.
#[test]
fn batches_run_in_parallel_up_to_a_limit() {
    let shop = Shop::with_group(Scene::Succeeded);
    for number in 0..6 {
        shop.run(&format!("app create app-{number}")).ends_with(0);
        let create = format!("group create app-{number}/prod --ec2-tag Role=web --service-role {ROLE}");
        shop.run(&create).ends_with(0);
    }
    let gate = Arc::new(Gate::default());
    let inside = gate.clone();
    let proxy = Proxy::holding(move |call| {
        if call.operation == "ListDeploymentGroups" {
            inside.wait();
        }
    });
    let (machine, proxy) = beside(&shop, proxy);
    let mut command = machine.command(CDCTL);
    command.args(["app", "list", "--wide", "-o", "text"]).stdout(Stdio::piped());
    let child = command.spawn().unwrap();
    assert_eq!(gate.reached(4), 4);
    gate.open();
    let output = child.wait_with_output().unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap().lines().count(), 7);
    let groups = proxy.operations().iter().filter(|operation| *operation == "ListDeploymentGroups").count();
    assert_eq!(groups, 7);
}

/// The second page is not answered before the first row was read.
#[test]
fn a_first_row_is_there_before_the_last_page() {
    let shop = with_applications(2, 3);
    for (noun, operation, format) in [
        ("app list", "ListApplications", "text"),
        ("app list", "ListApplications", "ndjson"),
        ("app list --wide", "ListApplications", "text"),
        ("config list", "ListDeploymentConfigs", "text"),
    ] {
        let gate = Arc::new(Gate::default());
        let inside = gate.clone();
        let proxy = Proxy::holding(move |call| {
            if call.operation == operation && call.request.get("nextToken").is_some() {
                inside.wait();
            }
        });
        let (machine, _proxy) = beside(&shop, proxy);
        let mut command = machine.command(CDCTL);
        command.args(noun.split(' ')).args(["-o", format]).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut rows = BufReader::new(child.stdout.take().unwrap()).lines();
        assert!(rows.next().is_some_and(|row| row.is_ok_and(|row| !row.is_empty())), "{noun}");
        gate.open();
        assert!(rows.map_while(Result::ok).count() >= 2, "{noun}");
        assert!(child.wait().unwrap().success());
    }
}

#[test]
fn filters_are_the_services_own_where_it_has_them() {
    let shop = Shop::with_group(Scene::Succeeded);
    shop.deploy();
    let (machine, proxy) = beside(&shop, Proxy::default());
    let request = |line: &str| {
        machine.run(line).ends_with(0);
        let calls = proxy.calls();
        calls.into_iter().find(|call| call.operation.starts_with("List")).unwrap().request
    };
    let group = json!({ "applicationName": "shop", "deploymentGroupName": "prod" });
    assert_eq!(request("deploy list shop/prod"), group);
    let mut expected = group;
    expected["includeOnlyStatuses"] = json!(["Failed", "Stopped"]);
    expected["createTimeRange"] = json!({ "start": 1_795_305_600, "end": 1_795_348_800 });
    let range = "--since 2026-11-22 --until 2026-11-22T12:00:00Z";
    assert_eq!(request(&format!("deploy list shop/prod --status failed,stopped {range}")), expected);
    assert_eq!(request("deploy list --external-id stack"), json!({ "externalId": "stack" }));
    assert_eq!(
        request("instance list --status registered --tag Role=web --tag Rack"),
        json!({ "registrationStatus": "Registered", "tagFilters": [
            { "Key": "Role", "Value": "web", "Type": "KEY_AND_VALUE" }, { "Key": "Rack", "Type": "KEY_ONLY" },
        ] })
    );
    let revisions = request("revision list shop --bucket releases --prefix site --deployed no --ascending");
    let expected = json!({
        "applicationName": "shop", "s3Bucket": "releases", "s3KeyPrefix": "site", "deployed": "exclude",
        "sortBy": "registerTime", "sortOrder": "ascending",
    });
    assert_eq!(revisions, expected);
}

/// A newer service says more: that comes through, in every shape and wherever it stands.
#[test]
fn what_this_version_does_not_know_comes_through() {
    fn grow(value: &mut Value) {
        match value {
            Value::Object(members) => {
                members.values_mut().for_each(grow);
                members
                    .insert("fromTheFuture".to_owned(), json!({ "when": 1.7e9, "states": ["Teleporting"] }));
            }
            Value::Array(items) => items.iter_mut().for_each(grow),
            _ => {}
        }
    }
    let shop = Shop::with_group(Scene::Failed);
    let id = shop.deploy();
    shop.run("instance register rack-1 --user-arn arn:aws:iam::123456789012:user/rack-1").ends_with(0);
    let proxy = Proxy::changing(|_, answer| grow(answer));
    let (machine, _proxy) = beside(&shop, proxy);
    let future = json!({ "when": 1.7e9, "states": ["Teleporting"] });
    for (line, path) in [
        (format!("deploy show {id}"), "/deploymentInfo/revision"),
        ("deploy list".to_owned(), "/deploymentsInfo/0/errorInformation"),
        (format!("deploy targets {id}"), "/deploymentTargets/0/instanceTarget/lifecycleEvents/0"),
        (format!("deploy targets {id} --target i-0123456789abcdef0"), "/deploymentTarget"),
        ("app list".to_owned(), "/applicationsInfo/0"),
        ("app show shop".to_owned(), "/application"),
        ("group list shop".to_owned(), "/deploymentGroupsInfo/0"),
        ("group show shop/prod".to_owned(), "/deploymentGroupInfo/ec2TagFilters/0"),
        ("config show CodeDeployDefault.OneAtATime".to_owned(), "/deploymentConfigInfo/minimumHealthyHosts"),
        ("revision list shop".to_owned(), "/revisions/0/genericRevisionInfo"),
        ("instance list".to_owned(), "/instanceInfos/0"),
        ("instance show rack-1".to_owned(), "/instanceInfo"),
        ("api ListApplications".to_owned(), ""),
    ] {
        for format in ["json", "yaml"] {
            let text = machine.run(&format!("{line} -o {format}")).ends_with(0).stdout;
            let json: Value = serde_yaml::from_str(&text).unwrap();
            let found = json.pointer(&format!("{path}/fromTheFuture"));
            assert_eq!(found, Some(&future), "{line} -o {format}\n{text}");
        }
    }
    machine.run("app show shop").ends_with(0).says("fromTheFuture.states");
}
