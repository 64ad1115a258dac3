//! Targets as rows, those that failed first.

use serde_json::Value;

use super::time;
use crate::clock::{between, short};
use crate::format::{Table, View};
use crate::model::{EventName, Target, TargetStatus, mask};

pub fn list(targets: &[Target], json: Value) -> View {
    // Of two fleets each target says in which it is; last, so that other columns stay where they are.
    let fleets = targets.iter().any(|target| target.label.is_some());
    let header = ["TARGET", "STATUS", "EVENT", "DURATION", "UPDATED", "ERROR"];
    let mut table = Table::new(header.into_iter().chain(fleets.then_some("FLEET")));
    let mut sorted: Vec<&Target> = targets.iter().collect();
    sorted.sort_by_key(|target| (rank(&target.status), target.id.as_str()));
    for target in sorted {
        let fleet = fleets.then(|| target.label.clone().unwrap_or_else(|| "-".to_owned()));
        let cells = [
            target.id.clone(),
            target.status.to_string(),
            target.current_event().map_or_else(|| "-".to_owned(), EventName::to_string),
            duration(target).unwrap_or_else(|| "-".to_owned()),
            time(target.last_updated).unwrap_or_else(|| "-".to_owned()),
            error(target).unwrap_or_else(|| "-".to_owned()),
        ];
        table.row(cells.into_iter().chain(fleet));
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Serving, TargetKind};

    #[test]
    fn of_two_fleets_each_target_says_in_which_it_is() {
        let host = |id: &str, label: Option<&str>| Target {
            id: id.into(),
            kind: TargetKind::Instance,
            status: TargetStatus::Ready,
            label: label.map(str::to_owned),
            last_updated: None,
            events: Vec::new(),
            serving: Serving::Unsaid,
        };
        let text = |targets: &[Target]| {
            let mut text = Vec::new();
            list(targets, Value::Null).table.write_text(&mut text).unwrap();
            String::from_utf8(text).unwrap()
        };
        assert_eq!(text(&[host("i-1", None)]), "i-1\tReady\t-\t-\t-\t-\n");
        let two = [host("i-1", Some("Blue")), host("i-2", Some("Green"))];
        assert_eq!(text(&two), "i-1\tReady\t-\t-\t-\t-\tBlue\ni-2\tReady\t-\t-\t-\t-\tGreen\n");
    }
}
