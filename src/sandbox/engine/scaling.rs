//! Auto Scaling groups that grow and shrink, and the deployments that CodeDeploy makes for their instances.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::Value;

use super::driver::{Context, Key};
use super::{ledger, successor};
use crate::model::{ComputePlatform, Creator};
use crate::sandbox::fleet::{Instance, Kind, Scaling};
use crate::sandbox::store::{Deployment, Group, Region, TargetKind};

/// Launches instances in every region. Each gets a deployment of what each of its groups aims at.
///
/// The sandbox's choice: a group without instances launches simulated ones, and one whose deployment group has no
/// successful deployment yet is given none.
pub(super) fn grow(context: &mut Context, by: &Scaling) -> Vec<Key> {
    let otherwise = Arc::new(Instance::named("", Kind::Simulated));
    let mut made = Vec::new();
    for region in regions(context) {
        let mut models = context.inventory.scaled(&region, &by.group);
        if models.is_empty() {
            models.push(Arc::clone(&otherwise));
        }
        let launched = context.inventory.launch(&region, &by.group, &models, by.count);
        made.extend(deploy(context, &region, by, &launched, Creator::AutoScaling));
    }
    context.inventory.grow_base(&by.group, &otherwise, by.count);
    made
}

/// Suspends what a deployment's settings say of its group's Auto Scaling groups.
///
/// Source: API reference, EC2DeploymentOptions. The sandbox's choice: a group whose `Terminate` is suspended shrinks
/// once it goes on; the other processes do nothing here.
pub(super) fn suspend(context: &mut Context, key: &Key) {
    let wanted = context.region(&key.region, |region| {
        let deployment = region.deployments.get(&key.id)?;
        let processes =
            deployment.settings.get("ec2DeploymentOptions")?.get("autoScalingGroupProcessesToSuspend")?;
        let processes: BTreeSet<String> =
            processes.as_array()?.iter().filter_map(|name| name.as_str().map(ToOwned::to_owned)).collect();
        let groups = region.applications.values().flat_map(|application| application.groups.values());
        let group = groups.into_iter().find(|group| group.id == deployment.group_id)?;
        let names = group.settings.get("autoScalingGroups")?.as_array()?.iter();
        let names: Vec<String> =
            names.filter_map(|entry| Some(entry.get("name")?.as_str()?.to_owned())).collect();
        (!processes.is_empty() && !deployment.creator.is_auto_scaling()).then_some((names, processes))
    });
    for (name, processes) in wanted
        .flatten()
        .into_iter()
        .flat_map(|(names, processes)| names.into_iter().map(move |name| (name, processes.clone())))
    {
        context.inventory.suspend(&key.region, &name, &key.id, processes);
    }
}

/// Terminates the last instances in every region; first they get a deployment where the group's termination hook
/// is enabled. Gives the deployments, and by how many it shrinks: the most of any region.
pub(super) fn shrink(context: &mut Context, by: &Scaling) -> (Vec<Key>, usize) {
    let mut made = Vec::new();
    let mut most = None;
    for region in regions(context) {
        let mut all = context.inventory.scaled(&region, &by.group);
        let going = leaving_already(context, &region);
        all.retain(|host| !going.contains(&host.id));
        let leaving = all.split_at(all.len().saturating_sub(by.count)).1;
        most = most.max(Some(leaving.len()));
        let deployments = deploy(context, &region, by, leaving, Creator::AutoScalingTermination);
        if deployments.is_empty() {
            context.inventory.remove(&region, leaving.iter().map(|host| host.id.clone()));
        }
        made.extend(deployments);
    }
    let elsewhere = context.inventory.shrink_base(&by.group, by.count);
    (made, most.unwrap_or(elsewhere))
}

/// The instances of a region whose last deployment runs already.
fn leaving_already(context: &Context, region: &str) -> BTreeSet<String> {
    let going = context.region(region, |region| {
        let deployments = region.deployments.values();
        let last = deployments
            .filter(|one| one.creator == Creator::AutoScalingTermination && !one.status.is_terminal());
        last.flat_map(|one| one.targets.iter().map(|target| target.id.clone())).collect()
    });
    going.unwrap_or_default()
}

/// The regions that somebody has called. From here on each has hosts of its own.
fn regions(context: &mut Context) -> Vec<String> {
    let names: Vec<String> = context.shared.world().regions.keys().cloned().collect();
    names.iter().for_each(|name| context.inventory.enter(name));
    names
}

/// Makes a deployment an instance and group.
fn deploy(
    context: &mut Context,
    region: &str,
    by: &Scaling,
    hosts: &[Arc<Instance>],
    creator: Creator,
) -> Vec<Key> {
    let (now, seed) = (context.now, context.options.seed);
    let made = context.region(region, |store| {
        let mut made = Vec::new();
        for cause in causes(store, &by.group, &creator) {
            for host in hosts {
                let Some(cause) = store.deployments.get(&cause) else { continue };
                let id = successor::new_id(store, seed, &[creator.as_str(), &cause.id, &host.id]);
                let revision = cause.revision.clone();
                let mut deployment = successor::of(cause, id.clone(), creator.clone(), revision, now);
                "CodeDeployDefault.OneAtATime".clone_into(&mut deployment.config);
                deployment.targets =
                    vec![ledger::pending(&host.id, host.arn(region), TargetKind::Instance(None), &[])].into();
                successor::enter(store, deployment, false);
                made.push(Key { region: region.to_owned(), id });
            }
        }
        made
    });
    made.unwrap_or_default()
}

/// The last successful deployments of the groups that this Auto Scaling group belongs to.
fn causes(region: &Region, name: &str, creator: &Creator) -> Vec<String> {
    let applications = region.applications.values();
    let groups = applications
        .filter(|application| application.platform == ComputePlatform::Server)
        .flat_map(|application| application.groups.values());
    let concerned = groups.filter(|group| {
        has(group, name)
            && (*creator == Creator::AutoScaling
                || group.settings.get("terminationHookEnabled").and_then(Value::as_bool) == Some(true))
    });
    let known =
        |id: &&String| region.deployments.get(*id).is_some_and(|one: &Deployment| one.completed.is_some());
    concerned.filter_map(|group| group.last_successful.as_ref()).filter(known).cloned().collect()
}

fn has(group: &Group, name: &str) -> bool {
    let groups = group.settings.get("autoScalingGroups").and_then(Value::as_array);
    let is = |entry: &Value| entry.get("name").unwrap_or(entry) == name;
    groups.is_some_and(|groups| groups.iter().any(is))
}
