//! The fleet file: YAML text into a fleet, strictly. Opens no file.

use std::collections::BTreeSet;

use serde::de::Error;
use serde::{Deserialize, Deserializer};

use crate::error::nearest;
use crate::source::{self, Content, Document};

use super::generate::Generator;
use super::wrong::{Places, explained};
use super::{ApiFault, Bucket, Change, Fault, Fleet, Function, Instance, Moment, Service, seeded};

/// Source: AWS user guide, "CodeDeploy quotas".
const MOST_GIT_HUB_ACCOUNTS: usize = 25;

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
    auto_scaling_groups: BTreeSet<String>,
    #[serde(default)]
    git_hub_accounts: BTreeSet<String>,
    #[serde(default, deserialize_with = "written")]
    topics: Option<BTreeSet<String>>,
    #[serde(default)]
    functions: Vec<Function>,
    #[serde(default)]
    services: Vec<Service>,
    #[serde(default)]
    timeline: Vec<Moment>,
    #[serde(default, deserialize_with = "written")]
    instance_quota: Option<usize>,
    #[serde(default, deserialize_with = "written")]
    deployment_quota: Option<usize>,
}

/// Reads what means something else where it is left out: a name with nothing behind it is not left out.
fn written<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
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
        auto_scaling_groups: file.auto_scaling_groups,
        git_hub_accounts: file.git_hub_accounts,
        topics: file.topics,
        functions: file.functions,
        services: file.services,
        timeline: file.timeline,
        instance_quota: file.instance_quota,
        deployment_quota: file.deployment_quota,
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
    check_scaling(fleet, places)?;
    let mut enter = |id: String| if ids.insert(id.clone()) { Ok(()) } else { Err(twice(&id)) };
    each(&fleet.functions, "functions", places, |one| one.check().and_then(|()| enter(one.name.clone())))?;
    each(&fleet.services, "services", places, |one| one.check().and_then(|()| enter(one.id())))?;
    check_names(fleet, places)?;
    let unknown = fleet.faults.iter().flat_map(|fault| fault.hosts.ids.iter().flatten());
    match unknown.into_iter().find(|id| !ids.contains(*id)) {
        Some(id) => Err(undeclared(&format!("a fault names {id}"), id, &ids, places)),
        None => Ok(()),
    }
}

/// The lists that are names only.
fn check_names(fleet: &Fleet, places: &Places) -> Result<(), String> {
    for (what, names) in
        [("an Auto Scaling group", &fleet.auto_scaling_groups), ("a GitHub account", &fleet.git_hub_accounts)]
    {
        if names.contains("") {
            return Err(places.told(&format!("{what} has a name"), "", 0));
        }
    }
    if fleet.git_hub_accounts.len() > MOST_GIT_HUB_ACCOUNTS {
        return Err(format!("more than {MOST_GIT_HUB_ACCOUNTS} GitHub accounts"));
    }
    let is_name = |name: &str| {
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
    };
    match fleet.topics.iter().flatten().find(|name| !is_name(name)) {
        Some(topic) => {
            Err(places.told(&format!("{topic:?} is no topic's name, which its ARN ends in"), topic, 0))
        }
        None => Ok(()),
    }
}

/// The timeline scales what is there. Copies that CodeDeploy makes have names that nobody can declare.
fn check_scaling(fleet: &Fleet, places: &Places) -> Result<(), String> {
    let groups = fleet.scaling_groups();
    let named = fleet.timeline.iter().filter_map(|moment| match &moment.change {
        Change::Grow(by) | Change::Shrink(by) => Some(&by.group),
        _ => None,
    });
    match named.into_iter().find(|name| !groups.contains(*name) && !name.starts_with("CodeDeploy_")) {
        Some(name) => {
            Err(undeclared(&format!("the timeline names Auto Scaling group {name}"), name, &groups, places))
        }
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

/// Reads a bucket's name.
pub(super) fn bucket_name<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let name = String::deserialize(deserializer)?;
    let within = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let valid = (3..=63).contains(&name.len())
        && name.bytes().all(|byte| within(byte) || byte == b'.' || byte == b'-')
        && name.bytes().next().is_some_and(within)
        && name.bytes().last().is_some_and(within);
    if valid { Ok(name) } else { Err(D::Error::custom(format!("{name:?} is no bucket name"))) }
}

#[cfg(test)]
mod tests;
