//! The fleet file: YAML text into a fleet, strictly. Opens no file.

use std::collections::BTreeSet;

use serde::de::Error;
use serde::{Deserialize, Deserializer};

use crate::error::nearest;
use crate::source::{self, Content, Document};

use super::wrong::{Places, explained};
use super::{ApiFault, Bucket, Change, Fault, Fleet, Function, Instance, Kind, Moment, Service, seeded};

/// More instances than this are a slip of the keyboard.
pub const MOST_INSTANCES: usize = 100_000;

/// What is wrong with one that would be both.
const SCALED: &str = "an on-premises instance is in no Auto Scaling group";

/// The file as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a mapping of buckets, instances, generate and faults")]
struct File {
    #[serde(default)]
    buckets: Vec<Bucket>,
    /// Instances one by one.
    #[serde(default)]
    instances: Vec<Instance>,
    /// Instances by the dozen.
    #[serde(default)]
    generate: Vec<Generator>,
    #[serde(default)]
    faults: Vec<Fault>,
    #[serde(default)]
    api_faults: Vec<ApiFault>,
    #[serde(default)]
    git_hub_accounts: BTreeSet<String>,
    #[serde(default)]
    functions: Vec<Function>,
    #[serde(default)]
    services: Vec<Service>,
    #[serde(default)]
    timeline: Vec<Moment>,
    #[serde(default)]
    instance_quota: Option<usize>,
}

/// So many alike instances; they take the zones in turn.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Generator {
    count: usize,
    /// What ids start with: `i-0` where it is left out, `host-` on premises (`host-1`, `host-2`, …).
    prefix: Option<String>,
    #[serde(default)]
    zones: Vec<String>,
    #[serde(default)]
    tags: std::collections::BTreeMap<String, String>,
    #[serde(default)]
    kind: Kind,
    #[serde(default)]
    auto_scaling_group: Option<String>,
    #[serde(default)]
    on_premises: bool,
}

/// The fleet, or what is wrong with the text.
pub(super) fn parse(text: &str, seed: u64) -> Result<Fleet, String> {
    let places = Places::of(read(text)?);
    let file: File = serde_yaml::from_str(text).map_err(|error| explained(&error.to_string()))?;
    let mut ids = BTreeSet::new();
    let mut instances = Vec::new();
    for instance in file.instances {
        if instance.on_premises == instance.id.starts_with("i-") {
            let rule = "an EC2 instance's id starts with i-, an on-premises instance's name does not";
            return Err(places.told(&format!("instance {}: {rule}", instance.id), &instance.id, 0));
        }
        if instance.on_premises && instance.auto_scaling_group.is_some() {
            return Err(places.told(&format!("instance {}: {SCALED}", instance.id), &instance.id, 0));
        }
        if !ids.insert(instance.id.clone()) {
            return Err(places.told(&twice(&format!("instance {}", instance.id)), &instance.id, 1));
        }
        instances.push(instance);
    }
    let mut rng = seeded(seed, &["instances"]);
    for (number, generator) in file.generate.into_iter().enumerate() {
        let filled = generator.fill(&mut instances, &mut ids, &mut rng);
        filled.map_err(|wrong| places.entry(&wrong, "generate", number))?;
    }
    let mut names = BTreeSet::new();
    if let Some(other) = file.buckets.iter().find(|bucket| !names.insert(&bucket.name)) {
        return Err(places.told(&twice(&format!("bucket {}", other.name)), &other.name, 1));
    }
    let fleet = Fleet {
        instances,
        buckets: file.buckets,
        faults: file.faults,
        api_faults: file.api_faults,
        git_hub_accounts: file.git_hub_accounts,
        functions: file.functions,
        services: file.services,
        timeline: file.timeline,
        instance_quota: file.instance_quota,
    };
    check(&fleet, ids, &places)?;
    Ok(fleet)
}

/// Names are declared once, and what faults and the timeline name is declared.
fn check(fleet: &Fleet, mut ids: BTreeSet<String>, places: &Places) -> Result<(), String> {
    for moment in &fleet.timeline {
        if let Change::Disappear(id) | Change::Appear(id) = &moment.change
            && !ids.contains(id)
        {
            return Err(undeclared(&format!("the timeline names instance {id}"), id, &ids, places));
        }
    }
    each(&fleet.api_faults, "api_faults", places, ApiFault::check)?;
    each(&fleet.faults, "faults", places, Fault::check)?;
    each(&fleet.timeline, "timeline", places, Moment::check)?;
    let mut enter = |id: String| if ids.insert(id.clone()) { Ok(()) } else { Err(twice(&id)) };
    each(&fleet.functions, "functions", places, |one| one.check().and_then(|()| enter(one.name.clone())))?;
    each(&fleet.services, "services", places, |one| one.check().and_then(|()| enter(one.id())))?;
    if fleet.git_hub_accounts.contains("") {
        return Err(places.told("a GitHub account has a name", "", 0));
    }
    let unknown = fleet.faults.iter().flat_map(|fault| fault.hosts.ids.iter().flatten());
    match unknown.into_iter().find(|id| !ids.contains(*id)) {
        Some(id) => Err(undeclared(&format!("a fault names {id}"), id, &ids, places)),
        None => Ok(()),
    }
}

/// Checks the entries of a list; the error says where the wrong one stands.
fn each<T>(
    entries: &[T],
    list: &str,
    places: &Places,
    mut check: impl FnMut(&T) -> Result<(), String>,
) -> Result<(), String> {
    let mut numbered = entries.iter().enumerate();
    numbered.try_for_each(|(number, one)| check(one).map_err(|wrong| places.entry(&wrong, list, number)))
}

fn twice(what: &str) -> String {
    format!("{what} is declared twice")
}

fn undeclared(what: &str, id: &str, ids: &BTreeSet<String>, places: &Places) -> String {
    let told = places.told(&format!("{what}, which is not declared"), id, 0);
    match nearest(id, ids.iter().map(String::as_str)) {
        Some(name) => format!("{told}; did you mean `{name}`?"),
        None => told,
    }
}

/// Refuses a text that the reader above would need very long for: too long, too deeply nested, or followed by another.
fn read(text: &str) -> Result<Document, String> {
    match source::parse(text.as_bytes()) {
        // A list is refused for what it is, and what follows it is not read.
        Ok(Document { root, rest: Some(place), .. })
            if !root.as_ref().is_some_and(|root| matches!(root.content, Content::List(_))) =>
        {
            Err(format!("a second document begins at line {} column {}", place.line, place.column))
        }
        Ok(document) => Ok(document),
        Err(error) => Err(error.to_string()),
    }
}

impl Generator {
    fn fill(
        &self,
        instances: &mut Vec<Instance>,
        ids: &mut BTreeSet<String>,
        rng: &mut fastrand::Rng,
    ) -> Result<(), String> {
        if instances.len().saturating_add(self.count) > MOST_INSTANCES {
            return Err(format!("more than {MOST_INSTANCES} instances"));
        }
        if self.on_premises && self.auto_scaling_group.is_some() {
            return Err(format!("generate: {SCALED}"));
        }
        let prefix = self.prefix.as_deref().unwrap_or(if self.on_premises { "host-" } else { "i-0" });
        for index in 0..self.count {
            let id =
                if self.on_premises { format!("{prefix}{}", index + 1) } else { ec2_id(prefix, ids, rng)? };
            check_instance_id(&id)?;
            if self.on_premises == id.starts_with("i-") || !ids.insert(id.clone()) {
                return Err(format!("generate: prefix {prefix:?} gives {id}, which can't be used"));
            }
            instances.push(Instance {
                id,
                zone: self.zones.get(index % self.zones.len().max(1)).cloned().unwrap_or_default(),
                tags: self.tags.clone(),
                kind: self.kind,
                auto_scaling_group: self.auto_scaling_group.clone(),
                on_premises: self.on_premises,
                arn: None,
            });
        }
        Ok(())
    }
}

/// An id with this prefix that is not taken: 17 hexadecimal digits in all, as EC2's are.
fn ec2_id(prefix: &str, ids: &BTreeSet<String>, rng: &mut fastrand::Rng) -> Result<String, String> {
    let open = "i-".len().saturating_add(17).saturating_sub(prefix.len());
    for _ in 0..1_000 {
        let digits = format!("{:016x}", rng.u64(..));
        let id = format!("{prefix}{}", digits.get(..open.min(16)).unwrap_or(""));
        if !ids.contains(&id) {
            return Ok(id);
        }
    }
    Err(format!("generate: too few ids start with {prefix:?}"))
}

/// An instance's id is also the name of its directory.
fn check_instance_id(id: &str) -> Result<(), String> {
    let valid = match id.strip_prefix("i-") {
        Some(digits) => {
            (8..=17).contains(&digits.len())
                && digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
        }
        None => {
            (1..=100).contains(&id.len())
                && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+=,.@_-".contains(&byte))
                && id.bytes().any(|byte| byte != b'.')
        }
    };
    if valid {
        Ok(())
    } else {
        Err(format!(
            "{id:?} is no instance id: i- and 8 to 17 hexadecimal digits, or an on-premises name of at most \
             100 letters, digits and +=,.@_-"
        ))
    }
}

/// Reads an instance's id.
pub(super) fn instance_id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let id = String::deserialize(deserializer)?;
    check_instance_id(&id).map_err(D::Error::custom)?;
    Ok(id)
}

/// Reads a bucket's name: one that a call can name.
pub(super) fn bucket_name<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let name = String::deserialize(deserializer)?;
    if s3s::path::check_bucket_name(&name) {
        Ok(name)
    } else {
        Err(D::Error::custom(format!("{name:?} is no bucket name")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::EventName;
    use crate::sandbox::fleet::{Faults, Outcome};

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
        let text = include_str!("../../../examples/fleet.yaml");
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
            (19, 5, 5, 2)
        );
        assert_eq!((fleet.api_faults.len(), fleet.timeline.len(), fleet.git_hub_accounts.len()), (3, 6, 1));
        assert_eq!(fleet.instance_quota, Some(1000));
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
            let mut names: Vec<String> =
                expected.split('`').skip(1).step_by(2).map(ToOwned::to_owned).collect();
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
            let mut properties: Vec<String> =
                shape["properties"].as_object().unwrap().keys().cloned().collect();
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
        let enumerations: [Structure; 6] = [
            ("kind", fails::<Kind>),
            ("outcome", fails::<Outcome>),
            ("hook", fails::<crate::sandbox::fleet::Hook>),
            ("change", fails::<Change>),
            ("service", fails::<crate::sandbox::fleet::DeploymentController>),
            ("apiFault", fails::<crate::sandbox::fault::Kind>),
        ];
        for (name, fails) in enumerations {
            let shape = match name {
                "service" => shape(name)["properties"]["deployment_controller"].clone(),
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
        let fleet =
            Fleet::parse("generate:\n- count: 10000\n  zones: [a, b]\n  tags: {Role: web}\n", 1).unwrap();
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
            ("buckets: [{name: a..b}]\n", "\"a..b\" is no bucket name", "line 1"),
            ("buckets:\n- name: 192.168.1.1\n", "is no bucket name", "line 2"),
            ("buckets: [{name: xn--abc}]\n", "is no bucket name", "line 1"),
            ("timeline: [{at: 1, change: {alarm: ''}}]\n", "an alarm has a name", "line 1"),
            (
                "instances: [{id: rack-1, on_premises: true, auto_scaling_group: web}]\n",
                "rack-1: an on-premises instance is in no Auto Scaling group",
                "line 1",
            ),
            (
                "generate: [{count: 1, on_premises: true, auto_scaling_group: web}]\n",
                "an on-premises instance is in no Auto Scaling group",
                "line 1",
            ),
            ("functions: [{name: f, hook: {answers: 1}}]\n", "unknown variant `answers`", "line 1"),
        ];
        for (text, what, place) in cases {
            let error = Fleet::parse(text, 1).unwrap_err().to_string();
            assert!(error.contains(what) && error.contains(place), "{text:?}: {error}");
        }
    }
}
