//! Each of the API's operations is reached by the verb that the README names, through the binary, and is really called.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use serde_json::json;

use super::api::operations_of_the_sdk;
use super::{ROLE, Shop};
use crate::support::cdctl::{Machine, package};
use crate::support::proxy::{Listening, Proxy};
use crate::support::stage::Scene;

const REVISION: &str = "github:me/site@0123456789abcdef0123456789abcdef01234567";

/// The README's table: an operation, and the verbs that reach it.
pub fn table() -> BTreeMap<String, Vec<String>> {
    let readme = fs::read_to_string(package("README.md")).unwrap();
    let (_, section) =
        readme.split_once("\n| operation | reached by |\n| --- | --- |\n").expect("the table of operations");
    let rows = section.lines().take_while(|line| line.starts_with('|'));
    let row = |line: &str| {
        let (operation, verbs) = line.trim_matches('|').split_once('|').unwrap();
        let verbs = verbs.split('`').filter(|part| part.starts_with("cdctl ")).map(str::to_owned).collect();
        (operation.trim().to_owned(), verbs)
    };
    rows.map(row).collect()
}

#[test]
fn the_table_of_operations_is_complete() {
    let table = table();
    let named: BTreeSet<String> = table.keys().cloned().collect();
    assert_eq!(named, operations_of_the_sdk());
    for (operation, verbs) in &table {
        assert!(!verbs.is_empty(), "{operation}");
        for verb in verbs {
            let mut command = &cdctl::command();
            for word in verb.split(' ').skip(1).take_while(|word| !word.starts_with('-')) {
                match command.find_subcommand(word) {
                    Some(found) => command = found,
                    None => assert_eq!(word, operation, "{verb} is no verb"),
                }
            }
            for flag in verb.split(' ').filter_map(|word| word.strip_prefix("--")) {
                let found = command.get_arguments().any(|argument| argument.get_long() == Some(flag));
                assert!(found, "{verb}: there is no --{flag}");
            }
        }
    }
}

/// A machine, a proxy in front of its sandbox, and what each line called.
struct Tour {
    shop: Shop,
    proxy: Listening,
    machine: Machine,
    /// A line, with the operations that it called.
    seen: Vec<(String, BTreeSet<String>)>,
}

impl Tour {
    fn new() -> Self {
        let shop = Shop::of(Scene::Running, 100);
        let proxy = Proxy::default().listen(&shop.url());
        let machine = Machine::new().against(&proxy.url).set("AWS_REGION", "eu-west-1");
        Tour { shop, proxy, machine, seen: Vec::new() }
    }

    /// Runs a line that must succeed; gives what it prints.
    #[track_caller]
    fn goes(&mut self, line: &str) -> String {
        let run = self.machine.run(line).ends_with(0).holds_no_escape();
        self.seen.push((line.to_owned(), self.proxy.operations().into_iter().collect()));
        run.stdout.trim().to_owned()
    }

    /// Whether a line of this verb called the operation.
    fn shows(&self, verb: &str, operation: &str) -> bool {
        let words: Vec<&str> = verb.split(' ').skip(1).collect();
        self.seen.iter().any(|(line, called)| {
            let mut line = line.split(' ');
            words.iter().all(|word| line.any(|other| other == *word)) && called.contains(operation)
        })
    }
}

#[test]
fn every_operation_is_called_by_its_verb() {
    let mut tour = Tour::new();
    server(&mut tour);
    on_premises(&mut tour);
    hooks_and_waits(&mut tour);
    ends(&mut tour);
    for (operation, verbs) in table() {
        for verb in verbs {
            assert!(tour.shows(&verb, &operation), "`{verb}` never called {operation}");
        }
    }
    drop(tour.shop);
}

fn server(tour: &mut Tour) {
    for line in [
        "app create shop --tag Team=web",
        "app list",
        "app show shop",
        "app tag shop Stage=prod",
        "app tags shop",
        "app untag shop Stage",
        "app ensure shop --tag Team=api",
        "app ensure fresh",
        "app rename fresh stale",
        "config create Careful --min-healthy 90%",
        "config list",
        "config list --wide",
        "config show Careful",
        "config delete Careful --yes",
        &format!("group create shop/prod --ec2-tag Role=web --service-role {ROLE}"),
        &format!("group ensure shop/prod --ec2-tag Role=api --service-role {ROLE}"),
        &format!("group ensure shop/test --ec2-tag Role=api --service-role {ROLE}"),
        "group update shop/prod --outdated ignore",
        "group list shop",
        "app list --wide",
        "group show shop/prod",
        "group tag shop/prod Team=web",
        "group tags shop/prod",
        "group untag shop/prod Team",
        &format!("revision push {REVISION} --app shop"),
        &format!("revision register {REVISION} --app shop"),
        "revision list shop",
        &format!("revision show {REVISION} --app shop"),
    ] {
        tour.goes(line);
    }
    let id = tour.goes(&format!("deploy create shop/prod --revision {REVISION} -q"));
    for line in [
        "deploy list shop/prod",
        &format!("deploy show {id}"),
        &format!("deploy targets {id}"),
        &format!("deploy targets {id} --target i-0123456789abcdef0"),
    ] {
        tour.goes(line);
    }
    let file = tour.machine.home().join("request.json");
    for (operation, request) in [
        ("ListDeploymentInstances", json!({ "deploymentId": id })),
        ("GetDeploymentInstance", json!({ "deploymentId": id, "instanceId": "i-0123456789abcdef0" })),
        (
            "BatchGetDeploymentInstances",
            json!({ "deploymentId": id, "instanceIds": ["i-0123456789abcdef0"] }),
        ),
    ] {
        fs::write(&file, request.to_string()).unwrap();
        tour.goes(&format!("api {operation} {}", file.display()));
    }
    tour.goes(&format!("deploy stop {id} --yes"));
}

fn on_premises(tour: &mut Tour) {
    for line in [
        "instance register rack-1 --tag Role=web --user-arn arn:aws:iam::123456789012:user/rack-1",
        "instance list",
        "instance show rack-1",
        "instance tag rack-1 Zone=a",
        "instance untag rack-1 Zone",
        "instance deregister rack-1 --yes",
    ] {
        tour.goes(line);
    }
}

fn hooks_and_waits(tour: &mut Tour) {
    let appspec = tour.machine.home().join("appspec.yml");
    let function = "{Name: checkout, Alias: live, CurrentVersion: '1', TargetVersion: '2'}";
    let resource = format!("{{checkout: {{Type: 'AWS::Lambda::Function', Properties: {function}}}}}");
    fs::write(&appspec, format!("version: 0.0\nResources: [{resource}]\n")).unwrap();
    let config = "--config CodeDeployDefault.LambdaAllAtOnce";
    let style = "--style blue-green --traffic-control on";
    tour.goes("app create fn --platform lambda");
    tour.goes(&format!("group create fn/live --service-role {ROLE} {config} {style}"));
    let id = tour.goes(&format!("deploy create fn/live --revision appspec:{} -q", appspec.display()));
    tour.goes(&format!("deploy hook-status {id} hook succeeded"));

    let fleet = "--green-fleet discover --when-ready continue --terminate-blue 5 --target-group web";
    tour.goes(&format!("group create shop/green --service-role {ROLE} --ec2-tag Role=web {style} {fleet}"));
    let targets = "--target-tag Fleet=green";
    let id = tour.goes(&format!("deploy create shop/green --revision {REVISION} {targets} -q"));
    tour.goes(&format!("deploy continue {id}"));
    let file = tour.machine.home().join("request.json");
    fs::write(&file, json!({ "deploymentId": id }).to_string()).unwrap();
    tour.goes(&format!("api SkipWaitTimeForInstanceTermination {}", file.display()));
}

fn ends(tour: &mut Tour) {
    // Without a connected account nothing can be deployed from GitHub.
    tour.goes("github tokens");
    tour.goes("github delete-token octocat --yes");
    tour.goes("app delete --external-id stack --yes");
    tour.goes("group delete shop/test --yes");
    tour.goes("app delete stale --yes");
}
