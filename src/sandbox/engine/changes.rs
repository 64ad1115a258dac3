//! What may be changed beside the deployments while they run, and what can be seen of it. Changes nothing itself.

use std::collections::BTreeSet;

use super::driver::Context;
use crate::sandbox::fleet::{
    Change, InstanceStatus, MOST_INSTANCES, Scaling, ScalingStatus, ServiceStatus, Status,
};
use crate::sandbox::store::{Alias, Function, Region, Service, scaling_groups};

/// Whether a change makes sense now; the error says why not.
pub(super) fn check(context: &Context, change: &Change) -> Result<(), String> {
    match change {
        Change::Alarm(_) => Ok(()),
        Change::AlarmOver(name) if context.alarms.contains(name) => Ok(()),
        Change::AlarmOver(name) => Err(format!("the alarm {name} is not on")),
        Change::Grow(by) | Change::Shrink(by) => check_scaling(context, by),
        Change::Disappear(id) if context.inventory.has(id) || is_registered(context, id) => Ok(()),
        Change::Disappear(id) => Err(format!("no host {id} is there")),
        Change::Appear(id) if context.inventory.is_lost(id) => Ok(()),
        Change::Appear(id) => Err(format!("no host {id} has disappeared")),
    }
}

fn check_scaling(context: &Context, by: &Scaling) -> Result<(), String> {
    let declared = context.options.fleet.scaling_groups();
    let world = context.shared.world();
    let regions = world.regions.iter().map(|(name, region)| (name.as_str(), region));
    let mut names: BTreeSet<_> =
        regions.flat_map(|region| scaling_groups(&declared, &world.host_changes, region)).collect();
    names.extend(declared);
    if by.count > MOST_INSTANCES {
        return Err(format!("more than {MOST_INSTANCES} instances"));
    }
    if names.contains(&by.group) {
        return Ok(());
    }
    let known: Vec<_> = names.into_iter().collect();
    let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
    Err(format!("there is no Auto Scaling group {}; there is {known}", by.group))
}

fn is_registered(context: &Context, id: &str) -> bool {
    context.shared.world().regions.values().any(|region| region.on_premises.contains_key(id))
}

/// What is there in a region.
pub(super) fn status(context: &Context, region: &str) -> Status {
    let world = context.shared.world();
    let empty = Region::default();
    let store = world.regions.get(region).unwrap_or(&empty);
    let hosts = context.inventory.hosts(region, store.on_premises.values());
    let declared = context.options.fleet.scaling_groups();
    let scaling = scaling_groups(&declared, &world.host_changes, (region, store));
    let group = |name: String| ScalingStatus {
        suspended_processes: context.inventory.suspended(region, &name),
        instances: hosts.iter().filter(|host| host.auto_scaling_group.as_ref() == Some(&name)).count(),
        name,
    };
    let lost = context.inventory.lost(region);
    let present = hosts.iter().map(|host| InstanceStatus::of(host, false));
    let instances = present.chain(lost.iter().map(|host| InstanceStatus::of(host, true))).collect();
    Status {
        auto_scaling_groups: scaling.into_iter().map(group).collect(),
        instances,
        alarms: context.alarms.clone(),
        functions: functions(context, store),
        services: services(context, store),
    }
}

/// The functions of the fleet file, as deployments have left their aliases.
fn functions(context: &Context, store: &Region) -> std::collections::BTreeMap<String, Function> {
    let declared = context.options.fleet.functions.iter().map(|function| {
        let point = |(name, version): (&String, &String)| {
            (name.clone(), Alias { version: version.clone(), additional: None })
        };
        (function.name.clone(), Function { aliases: function.aliases.iter().map(point).collect() })
    });
    declared.chain((*store.functions).clone()).collect()
}

/// The services of the fleet file, with the task sets that deployments have left.
fn services(context: &Context, store: &Region) -> std::collections::BTreeMap<String, ServiceStatus> {
    let declared = context.options.fleet.services.iter().map(|one| (one.id(), Service::default()));
    let all: std::collections::BTreeMap<_, _> = declared.chain((*store.services).clone()).collect();
    all.iter().map(|(id, service)| (id.clone(), ServiceStatus::from(service))).collect()
}
