//! Targets as rows, those that failed first.

use serde_json::Value;

use super::time;
use crate::clock::{between, short};
use crate::format::{Table, View};
use crate::model::{
    Diagnostics, EventName, EventStatus, LifecycleEvent, Serving, Target, TargetStatus, TaskSet, mask,
};

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

/// A row an event, as a script takes them: what `deploy logs` shows.
pub fn events(targets: &[Target], json: Value) -> View {
    let dash = || "-".to_owned();
    let mut table =
        Table::new(["TARGET", "EVENT", "STATUS", "STARTED", "ENDED", "DURATION", "ERROR", "SCRIPT", "LOG"]);
    for (target, event) in targets.iter().flat_map(|target| target.events.iter().map(move |it| (target, it)))
    {
        let said = event.diagnostics.as_ref().filter(|_| event.status == EventStatus::Failed);
        let text = |text: &str| if text.is_empty() { dash() } else { text.to_owned() };
        table.row([
            target.id.clone(),
            event.name.to_string(),
            event.status.to_string(),
            time(event.start_time).unwrap_or_else(dash),
            time(event.end_time).unwrap_or_else(dash),
            took(event).unwrap_or_else(dash),
            said.map_or_else(dash, reason),
            said.map_or_else(dash, |said| text(&said.script_name)),
            said.map_or_else(dash, |said| text(&mask(&said.log_tail))),
        ]);
    }
    View { json, items: Some("deploymentTargets"), table, empty: "no targets" }
}

/// Everything about one for people: what it is, its events, and the log of the one that failed.
pub fn show(target: &Target, json: Value) -> View {
    let mut table = Table::properties();
    table.property("Target", Some(&target.id));
    table.property("Kind", Some(target.kind.as_str()));
    table.property("Status", Some(target.status.as_str()));
    table.property("Fleet", target.label.as_ref());
    match &target.serving {
        Serving::Unsaid => {}
        Serving::Lambda { function, alias, current, target, weight } => {
            table.property("Function", Some(format!("{function}:{alias}")));
            table.property("Versions", Some(format!("{current} -> {target}")));
            table.property("Traffic", weight.map(|weight| format!("{:.0}% to {target}", weight * 100.0)));
        }
        Serving::Ecs { task_sets } => {
            for set in task_sets {
                table.property("Task set", Some(task_set(set)));
            }
        }
        Serving::CloudFormation { resource_type, weight } => {
            table.property("Resource", Some(resource_type));
            table.property("Weight", weight.map(|weight| weight.to_string()));
        }
    }
    table.property("Updated", time(target.last_updated));
    table.property("Duration", duration(target));
    for event in &target.events {
        let took = took(event).map(|took| format!(" after {took}")).unwrap_or_default();
        let said = event.diagnostics.as_ref().filter(|_| event.status == EventStatus::Failed);
        let why = said.map(|said| format!(": {}", reason(said))).unwrap_or_default();
        table.row([format!("  {}", event.name), format!("{}{took}{why}", event.status)]);
        let log = said.map(|said| mask(&said.log_tail)).unwrap_or_default();
        for line in log.lines().filter(|line| !line.trim().is_empty()) {
            table.row([String::new(), format!("  {}", line.trim_end())]);
        }
    }
    View { json, items: None, table, empty: "" }
}

/// `green ACTIVE: 7/12 running, 5 pending, traffic 0%, tg-green`
fn task_set(set: &TaskSet) -> String {
    let named = [set.label.as_deref().map(str::to_lowercase), set.status.clone()];
    let mut text = named.into_iter().flatten().collect::<Vec<_>>().join(" ");
    text.push_str(&format!(": {}/{} running", set.running, set.desired));
    if set.pending > 0 {
        text.push_str(&format!(", {} pending", set.pending));
    }
    if let Some(weight) = set.weight {
        text.push_str(&format!(", traffic {weight:.0}%"));
    }
    if let Some(group) = &set.target_group {
        text.push_str(&format!(", {group}"));
    }
    text
}

/// How long an event took that has ended.
fn took(event: &LifecycleEvent) -> Option<String> {
    Some(short(between(event.start_time?, event.end_time?)))
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
    target.failed_event()?.diagnostics.as_ref().map(reason)
}

fn reason(said: &Diagnostics) -> String {
    format!("{}: {}", said.error_code, mask(said.message.trim()))
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
