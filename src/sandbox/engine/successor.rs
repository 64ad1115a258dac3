//! Deployments that the service makes itself, after and because of others. Works on the store it is given.

use serde_json::Value;

use crate::model::{Creator, DeploymentStatus};
use crate::sandbox::fleet::seeded;
use crate::sandbox::rows::List;
use crate::sandbox::store::{Deployment, Millis, Progress, Region};

/// A deployment like `cause`, of another revision, that nothing has happened to. The caller stores it.
pub(super) fn of(
    cause: &Deployment,
    id: String,
    creator: Creator,
    revision: Value,
    now: Millis,
) -> Deployment {
    let mut settings = cause.settings.clone();
    settings.remove("deploymentMode");
    Deployment {
        id,
        number: 0,
        application: cause.application.clone(),
        group: cause.group.clone(),
        group_id: cause.group_id.clone(),
        config: cause.config.clone(),
        platform: cause.platform.clone(),
        creator,
        revision,
        previous_revision: None,
        description: None,
        settings,
        ignore_application_stop_failures: cause.ignore_application_stop_failures,
        update_outdated_instances_only: false,
        file_exists_behavior: cause.file_exists_behavior.clone(),
        status: DeploymentStatus::Created,
        error: None,
        created: now,
        started: None,
        completed: None,
        overview: None,
        stop_requested: None,
        rollback_deployment: None,
        rollback_of: None,
        rollback_message: None,
        progress: Progress::default(),
        engine: Value::Null,
        targets: List::default(),
    }
}

/// Stores a deployment. `occupies`: it is the one that its group has active, and attempted last.
pub(super) fn enter(region: &mut Region, deployment: Deployment, occupies: bool) {
    if occupies && let Some(group) = region.group_mut(&deployment.group_id) {
        group.active = Some(deployment.id.clone());
        group.last_attempted = Some(deployment.id.clone());
    }
    region.enter(deployment);
}

/// A deployment id that is not taken, drawn from what it is for.
pub(super) fn new_id(region: &Region, seed: u64, purpose: &[&str]) -> String {
    let mut rng = seeded(seed, purpose);
    loop {
        let code: String = (0..9).map(|_| rng.alphanumeric().to_ascii_uppercase()).collect();
        let id = format!("d-{code}");
        if !region.deployments.contains_key(&id) {
            return id;
        }
    }
}

/// Whether a deployment restarts what is installed (`deploymentMode` `RESTART`) instead of installing something.
pub(super) fn restarted(deployment: &Deployment) -> bool {
    deployment.settings.get("deploymentMode").is_some_and(|mode| mode == "RESTART")
}
