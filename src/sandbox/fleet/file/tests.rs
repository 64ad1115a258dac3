//! Fleet files: what they declare, and what is said of a mistake.

use super::*;
use crate::model::EventName;
use crate::sandbox::fleet::{Faults, Kind, Outcome};

#[test]
fn the_built_in_fleet_is_twelve_local_hosts_in_three_zones() {
    let fleet = Fleet::built_in(1).unwrap();
    assert_eq!(fleet.instances.len(), 12);
    let zones: Vec<_> = fleet.instances.iter().take(4).map(|instance| instance.zone.as_str()).collect();
    assert_eq!(zones, ["a", "b", "c", "a"]);
    assert!(fleet.instances.iter().all(|instance| instance.kind == Kind::Local
        && instance.id.starts_with("i-0")
        && instance.id.len() == 19
        && instance.tags["Role"] == "web"));
    assert_eq!(fleet, Fleet::built_in(1).unwrap(), "a seed repeats exactly");
    assert_ne!(fleet, Fleet::built_in(2).unwrap());
}

#[test]
fn the_example_file_is_a_fleet() {
    let text = include_str!("../../../../examples/fleet.yaml");
    let fleet = Fleet::parse(text, 1).unwrap();
    assert_eq!(fleet.instances.len(), 12);
    assert_eq!(fleet.buckets[0].name, "releases");

    // What it shows in comments is right too: prose is commented twice, or comes before the first member.
    let all: String = text
        .lines()
        .map(|line| format!("{}\n", line.strip_prefix("# ").filter(is_shown).unwrap_or(line)))
        .collect();
    let fleet = Fleet::parse(&all, 1).unwrap();
    assert_eq!(
        (fleet.instances.len(), fleet.faults.len(), fleet.functions.len(), fleet.services.len()),
        (19, 5, 5, 3)
    );
    assert_eq!((fleet.api_faults.len(), fleet.timeline.len(), fleet.git_hub_accounts.len()), (3, 6, 1));
    assert_eq!((fleet.instance_quota, fleet.deployment_quota), (Some(1000), Some(20)));
    let groups: Vec<_> = fleet.scaling_groups().into_iter().collect();
    assert_eq!(groups, ["spare-pool", "web-pool"]);
    assert_eq!(fleet.topics.unwrap().into_iter().collect::<Vec<_>>(), ["deployments"]);
}

/// Whether a commented line is YAML that is off, and not prose.
fn is_shown(line: &&str) -> bool {
    let first = line.trim_start();
    first.starts_with("- ")
        || line.starts_with("  ")
        || first.split_once(':').is_some_and(|(name, _)| {
            !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
        })
}

/// The schema names what the reader reads: serde tells its names where it meets one that it does not know.
#[test]
fn the_schema_is_that_of_the_reader() {
    let schema: serde_json::Value = serde_json::from_str(crate::sandbox::fleet::SCHEMA).unwrap();
    let shape = |name: &str| if name.is_empty() { schema.clone() } else { schema["$defs"][name].clone() };
    let names = |error: String| -> Vec<String> {
        let expected = error.split_once("expected ").unwrap_or_else(|| panic!("{error}")).1;
        let mut names: Vec<String> = expected.split('`').skip(1).step_by(2).map(ToOwned::to_owned).collect();
        names.sort();
        names
    };
    fn fails<T: serde::de::DeserializeOwned>(yaml: &str) -> String {
        serde_yaml::from_str::<T>(yaml).err().map(|error| error.to_string()).unwrap()
    }
    type Structure = (&'static str, fn(&str) -> String);
    let structures: [Structure; 12] = [
        ("", fails::<File>),
        ("bucket", fails::<Bucket>),
        ("instance", fails::<Instance>),
        ("generator", fails::<Generator>),
        ("fault", fails::<Fault>),
        ("hosts", fails::<crate::sandbox::fleet::Hosts>),
        ("failure", fails::<crate::sandbox::fleet::Failure>),
        ("apiFault", fails::<ApiFault>),
        ("function", fails::<Function>),
        ("service", fails::<Service>),
        ("moment", fails::<Moment>),
        ("scaling", fails::<crate::sandbox::fleet::Scaling>),
    ];
    for (name, fails) in structures {
        let shape = shape(name);
        let mut properties: Vec<String> = shape["properties"].as_object().unwrap().keys().cloned().collect();
        properties.sort();
        assert_eq!(properties, names(fails("{'?': 0}")), "{name}");
        assert_eq!(shape["additionalProperties"], false, "{name}");
        for member in shape["required"].as_array().into_iter().flatten() {
            assert!(properties.iter().any(|name| name == member), "{name}: {member}");
        }
    }
    let variants = |shape: &serde_json::Value| {
        let mut all: Vec<String> = Vec::new();
        for one in shape["oneOf"].as_array().cloned().unwrap_or_else(|| vec![shape.clone()]) {
            let words = one["enum"].as_array().or_else(|| one["required"].as_array()).unwrap();
            all.extend(words.iter().map(|word| word.as_str().unwrap().to_owned()));
        }
        all.sort();
        all
    };
    let enumerations: [Structure; 7] = [
        ("kind", fails::<Kind>),
        ("outcome", fails::<Outcome>),
        ("hook", fails::<crate::sandbox::fleet::Hook>),
        ("change", fails::<Change>),
        ("service", fails::<crate::sandbox::fleet::DeploymentController>),
        ("balancer", fails::<crate::sandbox::fleet::LoadBalancer>),
        ("apiFault", fails::<crate::sandbox::fault::Kind>),
    ];
    for (name, fails) in enumerations {
        let shape = match name {
            "service" => shape(name)["properties"]["deployment_controller"].clone(),
            "balancer" => shape("service")["properties"]["load_balancer"].clone(),
            "apiFault" => shape(name)["properties"]["fault"].clone(),
            name => shape(name),
        };
        assert_eq!(variants(&shape), names(fails("'?'")), "{name}");
    }
    let events: Vec<&str> = EventName::KNOWN.iter().map(EventName::as_str).collect();
    assert_eq!(schema["$defs"]["event"]["enum"], serde_json::json!(events));
}

#[test]
fn ten_thousand_hosts_are_five_lines() {
    let fleet = Fleet::parse("generate:\n- count: 10000\n  zones: [a, b]\n  tags: {Role: web}\n", 1).unwrap();
    assert_eq!(fleet.instances.len(), 10_000);
    assert_eq!(fleet.instances[0].kind, Kind::Simulated);
}

#[test]
fn on_premises_hosts_have_names() {
    let fleet = Fleet::parse("generate: [{count: 2, on_premises: true, prefix: shop-}]", 1).unwrap();
    assert_eq!(fleet.instances[1].id, "shop-2");
    let arn = fleet.instances[1].arn("eu-west-1");
    let ending = arn.strip_prefix("arn:aws:codedeploy:eu-west-1:123456789012:instance/shop-2_").unwrap();
    assert_eq!(ending.len(), 10);
}

#[test]
fn faults_meet_the_hosts_and_events_they_name() {
    let fleet = Fleet::parse(
        "
generate: [{count: 4, zones: [a, b]}]
faults:
- hosts: {zone: b}
  event: ApplicationStart
  outcome: {fail: {exit_code: 3, script: scripts/start.sh, log: port 80 is taken}}
- hosts: {zone: b}
  outcome: {slow: 4}
- event: Install
  outcome: hang
",
        1,
    )
    .unwrap();
    let faults = Faults::of(&fleet);
    let at = |index: usize, event| faults.meet(&fleet.instances[index], &event, 0);
    assert!(
        matches!(at(1, EventName::ApplicationStart), Some(Outcome::Fail(failure)) if failure.exit_code == Some(3))
    );
    assert_eq!(at(1, EventName::Install), Some(Outcome::Slow(4.0)));
    assert_eq!(at(0, EventName::Install), Some(Outcome::Hang));
    assert_eq!(at(0, EventName::ApplicationStart), None);
}

#[test]
fn a_file_without_end_or_bottom_is_refused() {
    for text in [
        "[".repeat(200_000),
        format!("a: 1\n---\n{}", "[".repeat(200_000)),
        format!("[a]\n---\n{}", "[".repeat(200_000)),
        "- ".repeat(200_000),
    ] {
        assert!(Fleet::parse(&text, 1).is_err());
    }
    let error = Fleet::parse(&"[".repeat(200_000), 1).unwrap_err().to_string();
    assert!(error.contains("levels deep"), "{error}");
    let error = Fleet::parse(&" ".repeat(source::MAX_BYTES + 1), 1).unwrap_err().to_string();
    assert!(error.contains("longer than"), "{error}");
    for path in ["/dev/zero", "/"] {
        let error = Fleet::load(std::path::Path::new(path), 1).unwrap_err().to_string();
        assert_eq!(error, "not a regular file");
    }
}

#[test]
fn an_empty_list_of_topics_is_not_one_that_is_left_out() {
    let topics = |text| Fleet::parse(text, 1).unwrap().topics;
    assert_eq!(topics(""), None);
    assert_eq!([topics("topics:\n"), topics("topics: []\n")], [Some(BTreeSet::new()), Some(BTreeSet::new())]);
}

#[test]
fn an_account_has_25_git_hub_accounts_at_most() {
    let accounts = |count: usize| {
        let names: Vec<String> = (0..count).map(|n| format!("one-{n}")).collect();
        Fleet::parse(&format!("git_hub_accounts: [{}]\n", names.join(", ")), 1)
    };
    assert!(accounts(25).is_ok());
    assert_eq!(accounts(26).unwrap_err().to_string(), "more than 25 GitHub accounts");
}

#[test]
fn mistakes_are_named_with_their_line() {
    let cases = [
        ("buckets:\n- name: releases\n  versionning: true\n", "unknown field `versionning`", "line 3"),
        ("buckets:\n- name: releases\n  versionning: true\n", "did you mean `versioning`?", "line 3"),
        (
            "generate: [{count: 1, on_premises: true, prefix: rack-}]\nfaults:\n- hosts: {ids: [rack-2]}\n  outcome: hang\n",
            "a fault names rack-2, which is not declared at line 3 column 17; did you mean `rack-1`?",
            "",
        ),
        (
            "faults: [{event: Instal, outcome: hang}]\n",
            "`Instal` is no lifecycle event; did you mean `Install`?",
            "line 1 column 10",
        ),
        (
            "faults: [{hosts: {share: 2}, outcome: hang}]\n",
            "the share 2 is not above 0 and at most 1",
            "line 1 column 10",
        ),
        ("faults: [{times: 0, outcome: hang}]\n", "a fault strikes at least once", "line 1 column 10"),
        ("buckets: [{name: abc},\n {name: abc}]\n", "bucket abc is declared twice", "line 2"),
        ("instances:\n- id: ../../etc\n", "is no instance id", "line 2"),
        (
            "instances:\n- id: web-1\n  on_premises: true\n  kind: docker\n",
            "unknown variant `docker`",
            "line 4",
        ),
        ("buckets: [{name: A}]\n", "is no bucket name", "line 1"),
        ("api_faults: [{fault: slow}]\n", "a slow answer needs a delay", "line 1"),
        ("api_faults: [{fault: stall, for: soon}]\n", "`soon` is not a duration", "line 1"),
        ("faults:\n- outcome: explode\n", "unknown variant `explode`", "line 2"),
        (
            "instances: [{id: web-1}]\n",
            "instance web-1: an EC2 instance's id starts with i-",
            "line 1 column 18",
        ),
        ("instances: [{id: .., on_premises: true}]\n", "is no instance id", "line 1"),
        ("generate: [{count: 9999999}]\n", "more than 100000 instances", "line 1 column 12"),
        ("generate: [{count: 1, prefix: i-0xyz}]\n", "is no instance id", "line 1"),
        ("generate: [{count: 17, prefix: i-0123456789abcdef}]\n", "too few ids", "line 1"),
        ("faults: [{outcome: {slow: -1}}]\n", "not a number of times", "line 1"),
        ("faults: [{outcome: {slow: .inf}}]\n", "not a number of times", "line 1"),
        ("faults: [{outcome: {slow: .nan}}]\n", "not a number of times", "line 1"),
        ("buckets: []\n---\nbuckets: []\n", "a second document begins", "line 2"),
        ("faults: [{hosts: {ids: [i-1]}, outcome: hang}]\n", "i-1, which is not declared", "line 1"),
        ("timeline: [{at: 1, change: {disappear: i-1}}]\n", "i-1, which is not declared", ""),
        ("timeline: [{at: 1, change: explode}]\n", "unknown variant `explode`", "line 1"),
        ("functions: [{name: f}, {name: f}]\n", "f is declared twice", "line 1 column 24"),
        (
            "functions: [{name: f, versions: ['1'], aliases: {live: '9'}}]\n",
            "at version 9, which f does not have",
            "line 1",
        ),
        ("functions: [{name: ''}]\n", "a function has a name", "line 1"),
        (
            "functions: [{name: f, hook: {succeeds: -1}}]\n",
            "within 0 to 3600 seconds, not after -1",
            "line 1",
        ),
        ("functions: [{name: f, hook: {command: []}}]\n", "a command names a program", "line 1"),
        ("services: [{cluster: 'a:b', name: c}]\n", "without `:` and `/`", "line 1"),
        ("git_hub_accounts: ['']\n", "a GitHub account has a name", "line 1"),
        ("auto_scaling_groups: ['']\n", "an Auto Scaling group has a name", "line 1"),
        ("auto_scaling_group: [web]\n", "did you mean `auto_scaling_groups`?", ""),
        ("topics: ['arn:aws:sns:eu-west-1:123456789012:t']\n", "is no topic's name", "line 1 column 10"),
        ("deployment_quota:\n", "nothing is written here", "line 1"),
        (
            "services: [{cluster: a, name: b, load_balancer: aplication}]\n",
            "did you mean `application`?",
            "line 1",
        ),
        (
            "auto_scaling_groups: [web-pool]\ntimeline: [{at: 1, change: {grow: {group: web-pol, count: 1}}}]\n",
            "the timeline names Auto Scaling group web-pol, which is not declared at line 2 column 43; did you mean \
             `web-pool`?",
            "",
        ),
        (
            "api_faults:\n- {fault: error, operation: GetDeploymnt}\n",
            "did you mean `GetDeployment`?",
            "line 2 column 3",
        ),
        (
            "faults: [{outcome: {fail: {error_code: ScriptFaild}}}]\n",
            "did you mean `ScriptFailed`?",
            "line 1",
        ),
        ("faults: [{outcome: {slow: 0}}]\n", "not a number of times", "line 1"),
        (
            "timeline: [{at: 1, change: {shrink: {group: web, count: 0}}}]\n",
            "by at least one instance",
            "line 1",
        ),
        ("generate: [{count: many}]\n", "expected a whole number", "line 1"),
        ("functions: [{name: f, hook: {answers: 1}}]\n", "unknown variant `answers`", "line 1"),
    ];
    for (text, what, place) in cases {
        let error = Fleet::parse(text, 1).unwrap_err().to_string();
        assert!(error.contains(what) && error.contains(place), "{text:?}: {error}");
    }
}
