//! What `deploy create --dry-run` would do.

use serde_json::Value;

use crate::api::{CreateDeployment, Seen};
use crate::format::{Table, View};
use crate::model::{Group, Revision};

/// Whether this setting of the group counts for the deployment.
fn holds(request: &CreateDeployment, name: &str) -> bool {
    let instead = |member: &str| request.overrides.contains_key(member);
    match name {
        "autoRollbackConfiguration" => {
            request.auto_rollback.is_none() && !instead("autoRollbackConfiguration")
        }
        "alarmConfiguration" => !instead("overrideAlarmConfiguration"),
        "ec2DeploymentOptions" => !instead("ec2DeploymentOptions"),
        _ => !TOLD.contains(&name),
    }
}

/// What is no setting of a group, or has a line of its own here.
const TOLD: [&str; 8] = [
    "applicationName",
    "deploymentGroupId",
    "deploymentGroupName",
    "deploymentConfigName",
    "computePlatform",
    "targetRevision",
    "lastSuccessfulDeployment",
    "lastAttemptedDeployment",
];

/// The request with the group's effective settings; `first`: what is made before it.
pub fn show(request: &CreateDeployment, seen: &Seen<Group>, first: &[String], json: Value) -> View {
    let group = &seen.value;
    let mut table = Table::properties();
    for step in first {
        table.property("First", Some(step));
    }
    table.property("Group", Some(format!("{}/{}", request.application, request.group)));
    let restart = || "none: what is installed is restarted".to_owned();
    table.property("Revision", Some(request.revision.as_ref().map_or_else(restart, Revision::to_string)));
    let current = group.target_revision.as_ref().map_or_else(|| "none yet".to_owned(), Revision::to_string);
    table.property("Instead of", Some(current));
    let config = match (&request.config, &group.config) {
        (Some(config), _) => Some(config.clone()),
        (None, Some(config)) => Some(format!("{config} (the group's)")),
        (None, None) => None,
    };
    table.property("Config", config);
    if let Some(Revision::AppSpec { content, .. }) = &request.revision {
        table.property("AppSpec", content.as_ref());
    }
    table.property("Description", request.description.as_ref());
    table.property("File exists", request.file_exists.as_ref());
    table.property(
        "Auto rollback",
        request
            .auto_rollback
            .as_ref()
            .map(|events| if events.is_empty() { "off".to_owned() } else { events.join(", ") }),
    );
    if request.ignore_application_stop_failures {
        table.property("ApplicationStop", Some("its failures are ignored"));
    }
    if request.outdated_only {
        table.property("Instances", Some("outdated ones only"));
    }
    for (name, value) in &request.overrides {
        super::rows(&mut table, name, value);
    }
    let settings = seen.json.get("deploymentGroupInfo").and_then(Value::as_object).into_iter().flatten();
    for (name, value) in settings.filter(|(name, _)| holds(request, name)) {
        super::rows(&mut table, &format!("group.{name}"), value);
    }
    View { json, items: None, table, empty: "" }
}
