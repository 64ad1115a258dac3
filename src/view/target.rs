//! Targets as rows, those that failed first.

use serde_json::Value;

use super::time;
use crate::clock::{between, short};
use crate::format::{Table, View};
use crate::model::{EventName, Target, TargetStatus, mask};

pub fn list(targets: &[Target], json: Value) -> View {
    let mut table = Table::new(["TARGET", "STATUS", "EVENT", "DURATION", "UPDATED", "ERROR"]);
    let mut sorted: Vec<&Target> = targets.iter().collect();
    sorted.sort_by_key(|target| (rank(&target.status), target.id.as_str()));
    for target in sorted {
        table.row([
            target.id.clone(),
            target.status.to_string(),
            target.current_event().map_or_else(|| "-".to_owned(), EventName::to_string),
            duration(target).unwrap_or_else(|| "-".to_owned()),
            time(target.last_updated).unwrap_or_else(|| "-".to_owned()),
            error(target).unwrap_or_else(|| "-".to_owned()),
        ]);
    }
    View { json, items: Some("deploymentTargets"), table, empty: "no targets" }
}

fn rank(status: &TargetStatus) -> u8 {
    match status {
        TargetStatus::Failed => 0,
        TargetStatus::InProgress => 1,
        TargetStatus::Ready => 2,
        TargetStatus::Pending => 3,
        TargetStatus::Succeeded => 4,
        TargetStatus::Skipped => 5,
        TargetStatus::Unknown | TargetStatus::Other(_) => 6,
    }
}

/// From the first event's start to the last one's end.
fn duration(target: &Target) -> Option<String> {
    let start = target.events.iter().filter_map(|event| event.start_time).min()?;
    let end = target
        .events
        .iter()
        .filter(|event| event.start_time.is_some())
        .filter_map(|event| event.end_time)
        .max()?;
    Some(short(between(start, end)))
}

fn error(target: &Target) -> Option<String> {
    let diagnostics = target.failed_event()?.diagnostics.as_ref()?;
    Some(format!("{}: {}", diagnostics.error_code, mask(&diagnostics.message)))
}
