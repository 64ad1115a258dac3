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

/// Source: real output.
pub(super) fn alarm_active(names: &[String]) -> ErrorInformation {
    let names: Vec<_> = names.iter().map(|name| format!("<{name}>")).collect();
    error(
        "ALARM_ACTIVE",
        &format!(
            "One or more alarms have been activated according to the Amazon CloudWatch metrics you selected, and \
             the affected deployments have been stopped. Activated alarms: {}",
            names.join(" ")
        ),
    )
}

/// Source: real output.
pub(super) fn not_continued(minutes: i64) -> ErrorInformation {
    error(
        "TIMEOUT",
        &format!(
            "The deployment timed out while waiting for a notification to continue. This time out period is \
             {minutes} minutes."
        ),
    )
}

/// The sandbox's own: its record of a deployment that ran makes no sense any more.
pub(super) fn not_resumed() -> ErrorInformation {
    error("INTERNAL_ERROR", "The cdctl sandbox was started again and could not go on with the deployment.")
}

/// Source: official agent 1.8.1, command_poller, whose host restarted in the middle of a script.
pub(super) const AGENT_RESTARTED: &str =
    "Failed: Failing in-progress lifecycle event after an agent restart.";

/// Source: AWS user guide, "Error codes for AWS CodeDeploy".
pub(super) fn appspec_missing() -> ErrorInformation {
    error("INVALID_REVISION", "An AppSpec file is required, but could not be found in the revision")
}

/// Source: real output.
pub(super) fn appspec_malformed() -> ErrorInformation {
    appspec_invalid("The input AppSpec file is a not well-formed yaml. The template cannot be parsed.")
}

/// The first sentence is from real output, `wrong` is the sandbox's own.
pub(super) fn appspec_invalid(wrong: &str) -> ErrorInformation {
    error(
        "INVALID_REVISION",
        &format!(
            "The deployment failed because the AppSpec file that specifies the deployment configuration is \
             missing or has an invalid configuration. {wrong}"
        ),
    )
}

/// The first sentence is from real output, and so is `wrong` where the alias does not match.
pub(super) fn lambda_invalid(wrong: &str) -> ErrorInformation {
    error(
        "INVALID_LAMBDA_CONFIGURATION",
        &format!(
            "The deployment failed because the AppSpec file that specifies the AWS Lambda deployment \
             configuration is missing or has an invalid configuration. {wrong}"
        ),
    )
}

/// The service's text is not known; this is the sandbox's.
pub(super) fn lambda_function_missing(name: &str) -> ErrorInformation {
    error("INVALID_LAMBDA_FUNCTION", &format!("The Lambda function {name} could not be found."))
}

/// The service's text is not known; this is the sandbox's.
pub(super) fn ecs_service_missing(id: &str) -> ErrorInformation {
    error("INVALID_ECS_SERVICE", &format!("The ECS service {id} could not be found."))
}

/// Source: real output.
pub(super) fn hook_failed() -> ErrorInformation {
    error(
        "HOOK_EXECUTION_FAILURE",
        "The deployment failed because one or more of the lifecycle event validation functions failed.",
    )
}

/// The sandbox's own.
pub(super) fn hook_not_run(why: &str) -> ErrorInformation {
    error("HOOK_EXECUTION_FAILURE", why)
}

/// Source: real output. Which code goes with it is not known.
pub(super) fn hook_timed_out() -> ErrorInformation {
    error(
        "TIMEOUT",
        "The deployment timed out while waiting for a status callback. CodeDeploy expects a status callback within \
         one hour after a deployment hook is invoked.",
    )
}

/// Source: real output. Which code goes with it is not known.
pub(super) fn task_set_timed_out() -> ErrorInformation {
    error(
        "TIMEOUT",
        "The deployment timed out while waiting for the replacement task set to become healthy. This time out \
         period is 60 minutes.",
    )
}

/// Source: real output.
pub(super) fn task_set_unhealthy() -> ErrorInformation {
    error("ECS_UPDATE_ERROR", "CodeDeploy detected that the replacement task set is unhealthy.")
}

/// The sandbox's own: traffic that a fault of the fleet kept from moving.
pub(super) fn traffic_stuck(event: &str) -> ErrorInformation {
    error("INTERNAL_ERROR", &format!("The lifecycle event {event} failed."))
}

/// The service's text is not known; this is the sandbox's.
pub(super) fn overdue() -> ErrorInformation {
    error("TIMEOUT", "The deployment ran longer than a deployment may run.")
}

/// The service's text is not known; this is the sandbox's.
pub(super) fn too_many() -> ErrorInformation {
    error("OVER_MAX_INSTANCES", "The deployment targets more instances than are allowed for the account.")
}

/// The service's text is not known; this is the sandbox's.
pub(super) fn nothing_to_restart() -> ErrorInformation {
    error(
        "REVISION_MISSING",
        "No successful deployment of the group installed a revision that could be restarted.",
    )
}

/// What a lifecycle event says that ran when its deployment was cut off. The sandbox's own.
pub(super) const CUT_OFF: &str = "The deployment was stopped while the lifecycle event was in progress.";

/// The service's text is not known; this is the sandbox's.
pub(super) fn group_missing(group: &str) -> ErrorInformation {
    error("DEPLOYMENT_GROUP_MISSING", &format!("The deployment group {group} no longer exists."))
}

/// The service's text is not known; this is the sandbox's.
pub(super) fn blue_green_missing(group: &str) -> ErrorInformation {
    error(
        "MISSING_BLUE_GREEN_DEPLOYMENT_CONFIGURATION",
        &format!("The deployment group {group} has no blue/green deployment configuration."),
    )
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
