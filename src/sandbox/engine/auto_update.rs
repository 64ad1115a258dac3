//! The follow-up of a deployment for instances that came while it ran (`outdatedInstancesStrategy` `UPDATE`).

use std::collections::HashSet;
use std::sync::Arc;

use super::driver::{Context, Key};
use super::in_place::style;
use super::members::{self, History};
use super::successor;
use crate::model::{ComputePlatform, Creator, DeploymentStatus};
use crate::sandbox::fleet::Instance;

/// Makes the follow-up of a deployment that has succeeded, and gives its id; none where no instance is outdated.
///
/// The sandbox's choice: the follow-up keeps the configuration of the deployment that it follows, and a follow-up
/// is followed by none.
pub(super) fn create(context: &mut Context, key: &Key) -> Option<String> {
    let (now, seed) = (context.now, context.options.seed);
    context.with_hosts(key, |region, present| {
        let root = region.deployments.get(&key.id)?;
        let groups = region.applications.values().flat_map(|application| application.groups.values());
        let group = groups.into_iter().find(|group| group.id == root.group_id)?;
        let updates = group.settings.get("outdatedInstancesStrategy").is_none_or(|value| value == "UPDATE");
        if !updates
            || root.creator != Creator::User
            || root.platform != ComputePlatform::Server
            || root.status != DeploymentStatus::Succeeded
            || successor::restarted(root)
            || style(root, "deploymentType") == Some("BLUE_GREEN")
        {
            return None;
        }
        let history = History::of(region, &group.id);
        let members = members::of_group(&group.settings, present);
        let attempted: HashSet<&str> = root.targets.iter().map(|target| target.id.as_str()).collect();
        let outdated = |host: &Arc<Instance>| {
            !attempted.contains(host.id.as_str()) && !history.has(host, &root.revision)
        };
        if !members.iter().any(outdated) {
            return None;
        }
        let id = successor::new_id(region, seed, &["auto-update", &key.id]);
        let mut update = successor::of(root, id.clone(), Creator::AutoUpdate, root.revision.clone(), now);
        update.update_outdated_instances_only = true;
        update.previous_revision.clone_from(&group.target_revision);
        update.progress.auto_update_root = Some(key.id.clone());
        successor::enter(region, update, true);
        region.deployments.get_mut(&key.id)?.progress.auto_updates.push(id.clone());
        Some(id)
    })?
}
