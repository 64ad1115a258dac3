//! Where a deployment without a fleet of hosts is, or a fleet that changes places: its versions, its traffic, its
//! phases, what it waits for and until when. Lines of text for the live view and the log. Pure.

mod blue_green;
mod steps;
mod traffic;

use std::time::Duration;

use jiff::Timestamp;
use unicode_width::UnicodeWidthStr;

use super::view::{Row, View};
use super::words::flowed;
use crate::clock;
use crate::model::{ComputePlatform, DeploymentStatus, EventStatus, TargetStatus};
use crate::ui;
use crate::watch::event::Phase;
pub use steps::{Step, Steps};

/// Below this many columns what stands side by side elsewhere stands one below the other.
const NARROW: usize = 72;

/// What the live view says below its bar.
pub fn lines(view: &View, width: usize, unicode: bool) -> Vec<String> {
    let mut lines = Vec::new();
    // A function, a service and a stack are one target; more are a fleet, and have rows.
    if let Some((_, row)) = single(view) {
        lines.extend(traffic::table(row, width));
        lines.extend(traffic::bar(view, row, width, unicode));
        lines.extend(wrapped("phases   ", &phases(view, &row.phases, unicode), width));
        lines.extend(traffic::end(view, row).into_iter().flat_map(|text| flowed("forecast ", &text, width)));
    } else {
        lines.extend(blue_green::lines(view, width, unicode));
    }
    lines.extend(waits(view, width));
    lines.extend(between_zones(view).into_iter().flat_map(|text| flowed("waits    ", &text, width)));
    lines
}

/// The one target of a deployment that has no fleet.
pub fn single(view: &View) -> Option<(&str, &Row)> {
    view.targets.iter().find(|(_, row)| !row.phases.is_empty()).map(|(id, row)| (id.as_str(), row))
}

/// Parts behind a label, on as many lines as the width asks for.
fn wrapped(label: &str, parts: &[String], width: usize) -> Vec<String> {
    let mut lines = vec![label.to_owned()];
    for part in parts {
        let Some(line) = lines.last_mut() else { break };
        let fits = line.width() + 2 + part.width() <= width;
        if line.len() > label.len() && !fits {
            lines.push(" ".repeat(label.len()) + part);
        } else {
            if line.len() > label.len() {
                line.push_str("  ");
            }
            line.push_str(part);
        }
    }
    lines.iter().map(|line| line.trim_end().to_owned()).collect()
}

/// The mark of a lifecycle event.
fn mark(status: &EventStatus, unicode: bool) -> &'static str {
    match (status, unicode) {
        (EventStatus::Succeeded, true) => "✓",
        (EventStatus::Succeeded, false) => "+",
        (EventStatus::Failed, true) => "✗",
        (EventStatus::Failed, false) => "x",
        (EventStatus::InProgress, true) => "●",
        (EventStatus::InProgress, false) => "*",
        _ => "-",
    }
}

/// Each phase with a mark and its time.
fn phases(view: &View, phases: &[Phase], unicode: bool) -> Vec<String> {
    let one = |phase: &Phase| {
        let mark = mark(&phase.status, unicode);
        let time = match (phase.start, phase.end) {
            (Some(start), Some(end)) => format!(" {}", clock::short(clock::between(start, end))),
            (Some(start), None) => format!(" {}", clock::whole(clock::between(start, view.now))),
            _ => String::new(),
        };
        let name = ui::line(phase.name.as_str());
        match &phase.status {
            EventStatus::Other(status) => format!("{mark} {name} ({})", ui::line(status)),
            _ => format!("{mark} {name}{time}"),
        }
    };
    phases.iter().map(one).collect()
}

/// The phase that is under way, and for how long.
pub fn under_way(view: &View) -> Option<String> {
    let mut phases = view.targets.values().flat_map(|row| &row.phases);
    let phase = phases.find(|phase| phase.status == EventStatus::InProgress)?;
    let time = phase.start.map(|start| format!(" for {}", clock::whole(clock::between(start, view.now))));
    Some(format!("{}{}", ui::line(phase.name.as_str()), time.unwrap_or_default()))
}

/// What a deployment that goes zone by zone waits for while no host is at work.
///
/// Source: API reference, `ZonalConfig`.
pub fn between_zones(view: &View) -> Option<String> {
    let deployment = view.deployment.as_ref().filter(|deployment| !deployment.status.is_terminal())?;
    let monitor = Duration::from_secs(deployment.zonal?.monitor_s?);
    let counts = view.counts().filter(|counts| counts.run == 0 && counts.pend > 0 && counts.ok > 0)?;
    let done = counts.total() - counts.pend;
    Some(format!("for the next zone: {done} done, each zone is watched for {}", clock::whole(monitor)))
}

/// What the deployment waits for: the wait itself, then what can be typed.
fn waits(view: &View, width: usize) -> Vec<String> {
    let wait = waits_for(view);
    let commands = if wait.is_empty() { Vec::new() } else { commands(view) };
    let labels = std::iter::once("waits    ").chain(std::iter::repeat("         "));
    let mut lines: Vec<_> = labels.zip(&wait).flat_map(|(label, text)| flowed(label, text, width)).collect();
    lines.extend(commands.iter().map(|(what, command)| match width < NARROW {
        // A command that is cut cannot be typed.
        true => format!(" {command}"),
        false => format!("         {:<9} {command}", format!("{what}:")),
    }));
    lines
}

/// What the deployment waits for, and what comes of it by itself, in clauses; none where it does not wait.
pub fn waits_for(view: &View) -> Vec<String> {
    let Some(deployment) = &view.deployment else { return Vec::new() };
    let after = |since: Timestamp, wait| since.checked_add(Duration::from_secs(wait)).unwrap_or(since);
    if deployment.status == DeploymentStatus::Ready {
        let mut clauses = vec!["for `continue`: the replacement is ready".to_owned()];
        if let (Some(since), Some(wait)) = (view.since(), deployment.waits.ready_s) {
            clauses
                .push(format!("without it the deployment stops {}", countdown(view.now, after(since, wait))));
        }
        return clauses;
    }
    let Some((since, wait)) = terminates(view).zip(deployment.waits.termination_s) else { return Vec::new() };
    let end = countdown(view.now, after(since, wait));
    vec![
        format!("for the end of the original {end}"),
        "all traffic has moved; until then a rollback only moves it back".to_owned(),
    ]
}

/// What can be done about a wait, and how.
pub fn commands(view: &View) -> Vec<(&'static str, String)> {
    let ready = view.status() == Some(&DeploymentStatus::Ready);
    let id = view.reference();
    let mut commands = vec![("continue", format!("cdctl deploy continue {id}"))];
    commands.extend(ready.then(|| ("stop", format!("cdctl deploy stop {id} --rollback"))));
    commands
}

/// Since when the original fleet is only kept. ECS does not say so: its target is done and the deployment is not.
fn terminates(view: &View) -> Option<Timestamp> {
    let deployment = view.deployment.as_ref()?;
    if deployment.status != DeploymentStatus::InProgress {
        return None;
    }
    let ecs = deployment.platform == Some(ComputePlatform::Ecs)
        && !view.targets.is_empty()
        && view.targets.values().all(|row| row.status == TargetStatus::Succeeded);
    match ecs {
        true => view.last_target_change(),
        false => view.kept_since().filter(|_| deployment.waits.termination_started),
    }
}

/// `in 3m22s (14:36:12Z)`
pub fn countdown(now: Timestamp, then: Timestamp) -> String {
    format!("in {} ({})", clock::whole(clock::between(now, then)), time_of_day(then))
}

/// `14:36:12Z`
pub fn time_of_day(time: Timestamp) -> String {
    time.strftime("%H:%M:%SZ").to_string()
}
