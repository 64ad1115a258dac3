//! Between which hosts a blue/green deployment moves the traffic. Reads the store and the hosts, changes neither.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::configuration::Configuration;
use super::driver::Key;
use super::in_place::{group_of, order};
use super::machine::Refusal;
use super::waits::Waits;
use super::{members, texts};
use crate::model::{Creator, MinimumHealthyHosts};
use crate::sandbox::fleet::Instance;
use crate::sandbox::host::Order;
use crate::sandbox::store::{Deployment, Label, Region, TargetKind};

/// Between which hosts the traffic moves. The losing ones are the first of the deployment's targets.
pub(super) struct Fleets {
    pub(super) losing: Vec<Arc<Instance>>,
    pub(super) gaining: Vec<Arc<Instance>>,
    /// How the green fleet comes to be.
    pub(super) origin: Origin,
}

/// How the green fleet comes to be.
#[derive(Clone, Serialize, Deserialize)]
pub(super) enum Origin {
    /// A copy of this Auto Scaling group is launched, under the other name.
    Copied { from: String, name: String },
    /// The deployment named it: its `targetInstances`.
    Found(Map<String, Value>),
    /// The traffic goes back to the blue fleet; nothing is installed.
    Back,
}

/// Between what the traffic moves, and how.
pub(super) struct Found {
    pub(super) fleets: Fleets,
    pub(super) order: Order,
    pub(super) minimum: MinimumHealthyHosts,
    pub(super) waits: Waits,
}

/// Both fleets of a deployment; the error is why it can't start.
pub(super) fn find(region: &Region, key: &Key, present: &[Arc<Instance>]) -> Result<Found, Refusal> {
    let deployment = region.deployments.get(&key.id).ok_or(Refusal::Gone)?;
    let group = group_of(region, deployment)?;
    let (order, minimum, waits) = terms(region, key)?;
    let fleets = if deployment.creator == Creator::Rollback {
        back(region, deployment, present)?
    } else {
        forth(deployment, &group.settings, present)?
    };
    Ok(Found { fleets, order, minimum, waits })
}

/// What a deployment tells its hosts, how many of them must be healthy, and how long it waits.
pub(super) fn terms(region: &Region, key: &Key) -> Result<(Order, MinimumHealthyHosts, Waits), Refusal> {
    let deployment = region.deployments.get(&key.id).ok_or(Refusal::Gone)?;
    let group = group_of(region, deployment)?;
    let name = "blueGreenDeploymentConfiguration";
    if !deployment.settings.contains_key(name) && !group.settings.contains_key(name) {
        return Err(Refusal::Failed(texts::blue_green_missing(&group.name)));
    }
    let config = Configuration::named(&deployment.config, region);
    let minimum = config.and_then(|config| config.minimum());
    let minimum = minimum.ok_or_else(|| Refusal::Failed(texts::config_missing(&deployment.config)))?;
    Ok((order(deployment), minimum, Waits::of(&deployment.settings, &group.settings)))
}

/// The group's own hosts are blue; what is green is launched or was named.
fn forth(
    deployment: &Deployment,
    settings: &Map<String, Value>,
    present: &[Arc<Instance>],
) -> Result<Fleets, Refusal> {
    let mut blue = members::of_group(settings, present);
    let block = |name: &str| deployment.settings.get(name).or_else(|| settings.get(name));
    let option = block("blueGreenDeploymentConfiguration");
    let action = option.and_then(|block| block.pointer("/greenFleetProvisioningOption/action")?.as_str());
    if action == Some("COPY_AUTO_SCALING_GROUP") {
        let from = settings.get("autoScalingGroups").and_then(|groups| groups.get(0)?.get("name")?.as_str());
        let Some(from) = from.filter(|_| !blue.is_empty()) else { return Err(Refusal::NoInstances) };
        let name = format!("CodeDeploy_{}_{}", deployment.group, deployment.id);
        let origin = Origin::Copied { from: from.to_owned(), name };
        return Ok(Fleets { losing: blue, gaining: Vec::new(), origin });
    }
    let found = deployment.settings.get("targetInstances").and_then(Value::as_object);
    let found = found.cloned().unwrap_or_default();
    let green = members::of_group(&found, present);
    if green.is_empty() {
        return Err(Refusal::NoInstances);
    }
    let named: HashSet<&str> = green.iter().map(|host| host.id.as_str()).collect();
    blue.retain(|host| !named.contains(host.id.as_str()));
    Ok(Fleets { losing: blue, gaining: green, origin: Origin::Found(found) })
}

/// The fleets of the deployment that is rolled back, as far as their hosts are still there.
fn back(region: &Region, rollback: &Deployment, present: &[Arc<Instance>]) -> Result<Fleets, Refusal> {
    let original = rollback.rollback_of.as_ref().and_then(|id| region.deployments.get(id));
    let present: HashMap<&str, &Arc<Instance>> =
        present.iter().map(|host| (host.id.as_str(), host)).collect();
    let labelled = |label: Label| -> Vec<Arc<Instance>> {
        let targets = original.iter().flat_map(|original| &original.targets);
        let targets = targets.filter(|target| target.kind == TargetKind::Instance(Some(label)));
        targets.filter_map(|target| present.get(target.id.as_str()).copied()).cloned().collect()
    };
    let fleets =
        Fleets { losing: labelled(Label::Green), gaining: labelled(Label::Blue), origin: Origin::Back };
    if fleets.gaining.is_empty() { Err(Refusal::NoInstances) } else { Ok(fleets) }
}

/// A deployment's `targetInstances` as the settings of a group.
pub(super) fn pointed(found: &Map<String, Value>) -> Map<String, Value> {
    let list = |name: &str| found.get(name).and_then(Value::as_array).cloned().unwrap_or_default();
    let groups: Vec<Value> =
        list("autoScalingGroups").into_iter().map(|name| json!({"name": name})).collect();
    let mut settings = Map::from_iter([("autoScalingGroups".to_owned(), Value::Array(groups))]);
    match found.get("ec2TagSet") {
        Some(set) => settings.insert("ec2TagSet".to_owned(), set.clone()),
        None => settings.insert("ec2TagFilters".to_owned(), Value::Array(list("tagFilters"))),
    };
    settings
}
