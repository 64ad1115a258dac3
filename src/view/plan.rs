//! What `deploy create --dry-run` would do.

use serde_json::Value;

use crate::api::CreateDeployment;
use crate::format::{Table, View};
use crate::model::{Group, Revision};

/// The request with the group's effective settings.
pub fn show(request: &CreateDeployment, group: &Group, json: Value) -> View {
    let mut table = Table::properties();
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
    View { json, items: None, table, empty: "" }
}
