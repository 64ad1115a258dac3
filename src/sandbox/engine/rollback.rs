//! Automatic rollbacks: whether one is due, and the deployment that it is. Works on the store it is given.

use serde_json::Value;

use super::ending::{End, Stop};
use super::{successor, texts};
use crate::model::{ComputePlatform, Creator, EventName, EventStatus};
use crate::sandbox::store::{Deployment, Millis, Region};

/// Whether this end of this deployment calls for a rollback. A rollback is not itself rolled back.
///
/// The sandbox's choice: Auto Scaling's own deployments are not either, nor one that nobody continued, which has
/// moved nothing.
pub(super) fn wanted(deployment: &Deployment, end: &End) -> bool {
    let is_own = deployment.creator == Creator::Rollback || deployment.creator.is_auto_scaling();
    if is_own || !can_be_undone(deployment) {
        return false;
    }
    match end {
        End::Succeeded | End::Stopped(Stop::NotContinued(_)) => false,
        End::Failed(_) | End::Stopped(Stop::Overdue) => configured(deployment, "DEPLOYMENT_FAILURE"),
        End::Stopped(Stop::Alarms(_)) => configured(deployment, "DEPLOYMENT_STOP_ON_ALARM"),
        // The request's own word goes before the settings.
        End::Stopped(Stop::Requested) => deployment
            .stop_requested
            .flatten()
            .unwrap_or_else(|| configured(deployment, "DEPLOYMENT_STOP_ON_REQUEST")),
    }
}

/// Source: AWS's user guide, "AppSpec 'hooks' section for an Amazon ECS deployment": before AfterInstall no rollback is
/// possible, for nothing stands behind a listener.
fn can_be_undone(deployment: &Deployment) -> bool {
    let mut events = deployment.targets.iter().flat_map(|target| &target.events);
    deployment.platform != ComputePlatform::Ecs
        || events.any(|event| event.name == EventName::Install && event.status == EventStatus::Succeeded)
}

fn configured(deployment: &Deployment, event: &str) -> bool {
    let Some(configuration) = deployment.settings.get("autoRollbackConfiguration") else { return false };
    let events = configuration.get("events").and_then(Value::as_array);
    configuration.get("enabled").and_then(Value::as_bool) == Some(true)
        && events.is_some_and(|events| events.iter().any(|entry| entry == event))
}

/// Makes the deployment that brings back the group's last success, and gives its id; none where there is
/// no success to go back to.
pub(super) fn create(region: &mut Region, id: &str, now: Millis, seed: u64) -> Option<String> {
    let failed = region.deployments.get(id)?;
    let groups = region.applications.values().flat_map(|application| application.groups.values());
    let group = groups.into_iter().find(|group| group.id == failed.group_id)?;
    let good = region.deployments.get(group.last_successful.as_ref()?)?;
    let rollback_id = successor::new_id(region, seed, &["rollback", id]);
    let mut rollback =
        successor::of(failed, rollback_id.clone(), Creator::Rollback, good.revision.clone(), now);
    rollback.previous_revision.clone_from(&group.target_revision);
    rollback.file_exists_behavior.clone_from(&good.file_exists_behavior);
    rollback.rollback_of = Some(id.to_owned());
    rollback.rollback_message = Some(texts::triggered_by(&rollback_id, id));
    match rollback.platform {
        // Source: real output.
        ComputePlatform::Ecs => "CodeDeployDefault.ECSAllAtOnce".clone_into(&mut rollback.config),
        // The sandbox's choice: as on ECS.
        ComputePlatform::Lambda => "CodeDeployDefault.LambdaAllAtOnce".clone_into(&mut rollback.config),
        _ => {}
    }
    successor::enter(region, rollback, true);
    let failed = region.deployments.get_mut(id)?;
    failed.rollback_deployment = Some(rollback_id.clone());
    failed.rollback_message = Some(texts::rollback_triggered(id, &rollback_id));
    Some(rollback_id)
}
