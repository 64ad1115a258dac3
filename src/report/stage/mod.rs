//! Where a deployment without a fleet of hosts is, or a fleet that changes places: its versions, its traffic, its
//! phases, what it waits for and until when. Lines of text for the live view and the log. Pure.

mod blue_green;
mod steps;
mod traffic;
mod waits;

use jiff::Timestamp;
use unicode_width::UnicodeWidthStr;

use super::view::{Row, View};
use super::words::flowed;
use crate::clock;
use crate::model::{DeploymentStatus, EventStatus};
use crate::ui;
use crate::watch::event::Phase;
pub use steps::{Step, Steps};
use waits::kept;
pub use waits::{Known, between_zones, commands, known, waits_for};

/// Below this many columns what stands side by side elsewhere stands one below the other.
const NARROW: usize = 72;

/// What the live view says below its bar. On a screen without room for all of it, what happens next and when comes first:
/// so many lines. Of what has ended nothing comes next, and of a fleet the bar says all.
pub fn lines(view: &View, width: usize, unicode: bool, room: usize) -> (Vec<String>, usize) {
    let over = view.status().is_some_and(DeploymentStatus::is_terminal);
    let mut waits = Vec::new();
    if !over {
        waits = waits::lines(view, width);
        waits.extend(waits::between_zones(view).into_iter().flat_map(|text| flow("waits    ", &text, width)));
    }
    // A function, a service and a stack are one target; more are a fleet, and have rows.
    let [before, next, after] = match single(view) {
        Some((_, row)) => [
            traffic::table(row, width),
            traffic::bar(view, row, width, unicode),
            wrapped("phases   ", &phases(view, &row.phases, unicode), width)
                .into_iter()
                .chain(traffic::end(view, row).into_iter().flat_map(|text| flow("forecast ", &text, width)))
                .collect(),
        ],
        None if over => [const { Vec::new() }; 3],
        None => [blue_green::lines(view, width, unicode), Vec::new(), Vec::new()],
    };
    let fits = before.len() + next.len() + after.len() + waits.len() <= room;
    let first = next.len() + waits.len();
    let lines = if fits { [before, next, after, waits] } else { [next, waits, before, after] };
    (lines.concat(), first)
}

/// How far a function, a service or a stack is, in one line.
pub fn progress(view: &View, width: usize, unicode: bool) -> Option<String> {
    let (_, row) = single(view)?;
    traffic::bar(view, row, width, unicode).into_iter().next().or_else(|| under_way(view))
}

/// The share of its traffic that has moved, or its phase.
pub fn moved(view: &View) -> Option<String> {
    let (_, row) = single(view)?;
    let planned = traffic::moved(view, row).map(|traffic| format!("traffic {}%", traffic.set));
    let actual = || traffic::actual(&row.serving).map(|share| format!("traffic {share:.0}%"));
    planned.or_else(actual).or_else(|| under_way(view))
}

/// As [`flowed`], and a time stays with what it is the time of.
fn flow(label: &str, text: &str, width: usize) -> Vec<String> {
    const TIED: &str = "\u{a0}";
    let text = text.replace(" in ", &format!(" in{TIED}")).replace(" (", &format!("{TIED}("));
    flowed(label, &text, width).into_iter().map(|line| line.replace(TIED, " ")).collect()
}

/// The one target of a deployment that has no fleet.
pub fn single(view: &View) -> Option<(&str, &Row)> {
    let targets = view.is_single().then_some(&view.targets)?;
    targets.iter().find(|(_, row)| !row.phases.is_empty()).map(|(id, row)| (id.as_str(), row))
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

/// Each phase with a mark and its time; of one that was never told to end, until the end of the deployment.
fn phases(view: &View, phases: &[Phase], unicode: bool) -> Vec<String> {
    let until = view.deployment.as_ref().and_then(|event| event.complete_time).unwrap_or(view.now);
    let one = |phase: &Phase| {
        let mark = mark(&phase.status, unicode);
        let time = match (phase.start, phase.end) {
            (Some(start), Some(end)) => format!(" {}", clock::short(clock::between(start, end))),
            (Some(start), None) => format!(" {}", clock::whole(clock::between(start, until))),
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

/// `in 3m22s (14:36:12Z)`
pub fn countdown(now: Timestamp, then: Timestamp) -> String {
    format!("in {} ({})", clock::whole(clock::between(now, then)), time_of_day(then))
}

/// `14:36:12Z`
pub fn time_of_day(time: Timestamp) -> String {
    time.strftime("%H:%M:%SZ").to_string()
}
