//! The follow-up of a deployment for instances that came while it ran (`outdatedInstancesStrategy` `UPDATE`).

use super::driver::{Context, Key};
use super::members::{self, History};
use super::successor;
use crate::model::{ComputePlatform, Creator, DeploymentStatus};

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
        {
            return None;
        }
        let history = History::of(region, &group.id);
        let members = members::of_group(&group.settings, present);
        let came = |host: &str| root.target(host).is_none();
        if !members.iter().any(|host| came(&host.id) && !history.has(host, &root.revision)) {
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
