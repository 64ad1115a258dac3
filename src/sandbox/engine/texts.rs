//! The sentences that the service says when things end badly, and the sandbox's own where the service's are
//! not known. Nothing but text.

use crate::sandbox::store::ErrorInformation;

fn error(code: &str, message: &str) -> ErrorInformation {
    ErrorInformation { code: code.to_owned(), message: message.to_owned() }
}

/// Source: real output.
pub(super) fn health_constraints() -> ErrorInformation {
    error(
        "HEALTH_CONSTRAINTS",
        "The overall deployment failed because too many individual instances failed deployment, too few \
         healthy instances are available for deployment, or some instances in your deployment group are \
         experiencing problems.",
    )
}

/// Source: AWS user guide, "Error codes for AWS CodeDeploy".
pub(super) fn health_constraints_invalid() -> ErrorInformation {
    error(
        "HEALTH_CONSTRAINTS_INVALID",
        "The deployment can't start because the minimum number of healthy instances, as defined by your \
         deployment configuration, are not available. You can reduce the required number of healthy instances \
         by updating your deployment configuration or increase the number of instances in this deployment group.",
    )
}

/// Source: real output.
pub(super) fn no_instances() -> ErrorInformation {
    error(
        "NO_INSTANCES",
        "The deployment failed because no instances were found for your deployment group. Check your \
         deployment group settings to make sure the tags for your Amazon EC2 instances or Auto Scaling groups \
         correctly identify the instances you want to deploy to, and then try again.",
    )
}

/// The service's text is not known; this is the sandbox's.
pub(super) fn manual_stop() -> ErrorInformation {
    error("MANUAL_STOP", "The deployment was stopped by a request.")
}

/// The service's text is not known; this is the sandbox's.
pub(super) fn group_missing(group: &str) -> ErrorInformation {
    error("DEPLOYMENT_GROUP_MISSING", &format!("The deployment group {group} no longer exists."))
}

/// The service's text is not known; this is the sandbox's.
pub(super) fn config_missing(config: &str) -> ErrorInformation {
    error("INTERNAL_ERROR", &format!("No deployment configuration found for name: {config}"))
}

/// The sandbox's own.
pub(super) fn not_simulated(what: &str) -> ErrorInformation {
    error("INTERNAL_ERROR", &format!("The sandbox does not run {what} deployments."))
}

/// What a lifecycle event says that no agent took. Source: real output.
pub(super) const AGENT_OFFLINE: &str = "CodeDeploy agent was not able to receive the lifecycle event. Check the CodeDeploy agent logs on your host \
     and make sure the agent is running and can connect to the CodeDeploy server.";

/// What a lifecycle event says that ran into the one-hour limit. The service's text is not known.
pub(super) const EVENT_TIMED_OUT: &str = "The lifecycle event did not end within 3600 seconds.";

/// Source: real output.
pub(super) fn rollback_triggered(deployment: &str, rollback: &str) -> String {
    format!(
        "Deployment {deployment} terminated. Automatic rollback is triggered with a DeploymentId {rollback}."
    )
}

/// Source: real output.
pub(super) fn triggered_by(rollback: &str, deployment: &str) -> String {
    format!("Deployment {rollback} is triggered to roll back deployment {deployment}.")
}
