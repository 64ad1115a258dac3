//! Deployments as rows and as a list of properties.

use jiff::Timestamp;
use serde_json::Value;

use super::time;
use crate::clock::short;
use crate::format::{Table, View};
use crate::model::{Deployment, Overview, Revision};

pub const SPARE: &[&str] = &["CREATOR", "DURATION"];

/// The columns; with the deployment group where `all` groups are listed.
pub fn header(all: bool) -> Vec<&'static str> {
    let group = all.then_some("GROUP");
    let rest = ["STATUS", "TARGETS", "DURATION", "CREATED", "CREATOR", "REVISION"];
    ["DEPLOYMENT"].into_iter().chain(group).chain(rest).collect()
}

/// One row under [`header`]. `now` measures a deployment that still runs.
pub fn row(deployment: &Deployment, now: Timestamp, all: bool) -> Vec<String> {
    let dash = || "-".to_owned();
    let group = || match (&deployment.application, &deployment.group) {
        (Some(application), Some(group)) => format!("{application}/{group}"),
        _ => dash(),
    };
    let cells = vec![
        deployment.status.to_string(),
        deployment.overview.map_or_else(dash, counts),
        duration(deployment, now).unwrap_or_else(dash),
        time(deployment.create_time).unwrap_or_else(dash),
        deployment.creator.as_ref().map_or_else(dash, ToString::to_string),
        deployment.revision.as_ref().map_or_else(dash, Revision::to_string),
    ];
    [deployment.id.clone()].into_iter().chain(all.then(group)).chain(cells).collect()
}

/// Everything about one.
pub fn show(deployment: &Deployment, json: Value, now: Timestamp) -> View {
    let mut table = Table::properties();
    table.property("Deployment", Some(&deployment.id));
    table.property("Status", Some(deployment.status.as_str()));
    if let (Some(application), Some(group)) = (&deployment.application, &deployment.group) {
        table.property("Group", Some(format!("{application}/{group}")));
    }
    table.property("Revision", deployment.revision.as_ref().map(Revision::to_string));
    table.property("Previous", deployment.previous_revision.as_ref().map(Revision::to_string));
    table.property("Config", deployment.config.as_ref());
    table.property("Creator", deployment.creator.as_ref().map(ToString::to_string));
    table.property("Description", deployment.description.as_ref().filter(|text| !text.is_empty()));
    table.property("Created", time(deployment.create_time));
    table.property("Started", time(deployment.start_time));
    table.property("Completed", time(deployment.complete_time));
    table.property("Duration", duration(deployment, now));
    table.property("Targets", deployment.overview.map(in_words));
    if let Some(error) = &deployment.error {
        table.property("Error", Some(format!("{}: {}", error.code, error.message)));
    }
    table.property("Rolled back by", deployment.rollback.rollback_deployment_id.as_ref());
    table.property("Rolls back", deployment.rollback.triggering_deployment_id.as_ref());
    for message in &deployment.messages {
        table.property("Message", Some(message));
    }
    View { json, items: None, table, empty: "" }
}

fn duration(deployment: &Deployment, now: Timestamp) -> Option<String> {
    deployment.elapsed(now).map(short)
}

/// `12/12`, `8/12 4 failed`
pub fn counts(overview: Overview) -> String {
    let failed = if overview.failed > 0 { format!(" {} failed", overview.failed) } else { String::new() };
    format!("{}/{}{failed}", overview.succeeded, overview.total())
}

fn in_words(overview: Overview) -> String {
    let words = [
        (overview.succeeded, "succeeded"),
        (overview.failed, "failed"),
        (overview.in_progress, "in progress"),
        (overview.ready, "ready"),
        (overview.pending, "pending"),
        (overview.skipped, "skipped"),
    ];
    let shown: Vec<String> =
        words.iter().filter(|(n, _)| *n > 0).map(|(n, word)| format!("{n} {word}")).collect();
    if shown.is_empty() { "none".to_owned() } else { shown.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_name_failures_only_where_there_are() {
        let overview = Overview { succeeded: 8, failed: 4, ..Overview::default() };
        assert_eq!(counts(overview), "8/12 4 failed");
        assert_eq!(in_words(overview), "8 succeeded, 4 failed");
        assert_eq!(counts(Overview { succeeded: 2, ..Overview::default() }), "2/2");
        assert_eq!(in_words(Overview::default()), "none");
    }
}
