//! Automatic rollbacks: whether one is due, and the deployment that it is. Works on the store it is given.

use serde_json::Value;

use super::ending::End;
use super::texts;
use crate::model::{Creator, DeploymentStatus};
use crate::sandbox::fleet::seeded;
use crate::sandbox::store::{Deployment, Millis, Progress, Region};

/// Whether this end of this deployment calls for a rollback. A rollback is not itself rolled back.
pub(super) fn wanted(deployment: &Deployment, end: &End) -> bool {
    if deployment.creator == Creator::Rollback {
        return false;
    }
    match (end, deployment.stop_requested) {
        (End::Succeeded, _) => false,
        (End::Failed(_), _) => configured(deployment, "DEPLOYMENT_FAILURE"),
        // The request's own word goes before the settings.
        (End::Stopped, Some(Some(choice))) => choice,
        (End::Stopped, _) => configured(deployment, "DEPLOYMENT_STOP_ON_REQUEST"),
    }
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
    let group = region
        .applications
        .values()
        .flat_map(|application| application.groups.values())
        .find(|group| group.id == failed.group_id)?;
    let good = region.deployments.get(group.last_successful.as_ref()?)?;
    let rollback_id = new_id(region, id, seed);
    let rollback = Deployment {
        id: rollback_id.clone(),
        application: failed.application.clone(),
        group: failed.group.clone(),
        group_id: failed.group_id.clone(),
        config: failed.config.clone(),
        platform: failed.platform.clone(),
        creator: Creator::Rollback,
        revision: good.revision.clone(),
        previous_revision: group.target_revision.clone(),
        description: None,
        settings: failed.settings.clone(),
        ignore_application_stop_failures: failed.ignore_application_stop_failures,
        update_outdated_instances_only: false,
        file_exists_behavior: good.file_exists_behavior.clone(),
        status: DeploymentStatus::Created,
        error: None,
        created: now,
        started: None,
        completed: None,
        overview: None,
        stop_requested: None,
        rollback_deployment: None,
        rollback_of: Some(id.to_owned()),
        rollback_message: Some(texts::triggered_by(&rollback_id, id)),
        progress: Progress::default(),
        targets: Vec::new(),
    };
    let group_id = rollback.group_id.clone();
    region.deployments.insert(rollback_id.clone(), rollback);
    region.history.push(rollback_id.clone());
    let failed = region.deployments.get_mut(id)?;
    failed.rollback_deployment = Some(rollback_id.clone());
    failed.rollback_message = Some(texts::rollback_triggered(id, &rollback_id));
    let groups = region.applications.values_mut().flat_map(|application| application.groups.values_mut());
    for group in groups.filter(|group| group.id == group_id) {
        group.active = Some(rollback_id.clone());
        group.last_attempted = Some(rollback_id.clone());
    }
    Some(rollback_id)
}

/// A deployment id that is not taken.
fn new_id(region: &Region, cause: &str, seed: u64) -> String {
    let mut rng = seeded(seed, &["rollback", cause]);
    loop {
        let code: String = (0..9).map(|_| rng.alphanumeric().to_ascii_uppercase()).collect();
        let id = format!("d-{code}");
        if !region.deployments.contains_key(&id) {
            return id;
        }
    }
}
