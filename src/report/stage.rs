//! Where a deployment without a fleet of hosts is, or a fleet that changes places: its versions, its traffic, its
//! phases, what it waits for and until when. Lines of text for the live view and the log. Pure.

use std::time::Duration;

use jiff::Timestamp;

use super::view::{Row, View};
use crate::clock;
use crate::model::{
    ComputePlatform, DeploymentStatus, EventName, EventStatus, Serving, TargetStatus, TaskSet,
};
use crate::ui;
use crate::watch::event::Phase;
use crate::watch::forecast::{self, Traffic};

/// The columns of a bar of traffic.
const BAR: usize = 20;

/// What the live view says below its bar.
pub fn lines(view: &View, unicode: bool) -> Vec<String> {
    let mut lines = Vec::new();
    // A function, a service and a stack are one target; more are a fleet, and have rows.
    if let Some((_, row)) = view.targets.iter().find(|(_, row)| !row.phases.is_empty()) {
        lines.extend(versions(&row.serving));
        lines.extend(traffic(view, row, unicode));
        lines.push(format!("phases   {}", phases(view, &row.phases, unicode)));
    }
    lines.extend(waits(view));
    lines
}

/// Which versions change places.
pub fn versions(serving: &Serving) -> Vec<String> {
    match serving {
        Serving::Unsaid => Vec::new(),
        Serving::Lambda { function, alias, current, target, .. } => {
            let place = ui::line(&format!("{function}:{alias}"));
            vec![format!("function {place}  version {} -> {}", ui::line(current), ui::line(target))]
        }
        Serving::Ecs { task_sets } => task_sets.iter().map(task_set).collect(),
        Serving::CloudFormation { resource_type, .. } => {
            vec![format!("resource {}", ui::line(resource_type))]
        }
    }
}

fn task_set(set: &TaskSet) -> String {
    let label = set.label.as_deref().map_or_else(|| "set".to_owned(), |label| ui::line(label).to_lowercase());
    let status = set.status.as_deref().map(ui::line).unwrap_or_default();
    let weight = set.weight.map(|weight| format!("  traffic {weight:.0}%")).unwrap_or_default();
    let pending = if set.pending > 0 { format!(" ({} pending)", set.pending) } else { String::new() };
    format!("{label:<8} {status}  running {}/{}{pending}{weight}", set.running, set.desired)
}

/// Percent of the traffic that the new version serves, as the service tells it.
pub fn actual(serving: &Serving) -> Option<f64> {
    match serving {
        Serving::Unsaid => None,
        Serving::Lambda { weight, .. } => weight.map(|weight| weight * 100.0),
        Serving::CloudFormation { weight, .. } => *weight,
        Serving::Ecs { task_sets } => {
            task_sets.iter().find(|set| set.label.as_deref() == Some("Green")).and_then(|set| set.weight)
        }
    }
}

/// The traffic by the configuration, once it has begun to move.
pub fn moved(view: &View, row: &Row) -> Option<Traffic> {
    let routing = view.deployment.as_ref()?.routing?;
    let shift = row.phases.iter().find(|phase| phase.name == EventName::AllowTraffic)?;
    let start = shift.start.filter(|_| shift.status == EventStatus::InProgress)?;
    Some(forecast::traffic(routing, start, view.now))
}

fn traffic(view: &View, row: &Row, unicode: bool) -> Option<String> {
    let actual = actual(&row.serving);
    let planned = moved(view, row);
    let share = planned.map(|traffic| f64::from(traffic.set)).or(actual)?;
    #[expect(clippy::cast_sign_loss, reason = "clamped to a percentage")]
    let full = (share.clamp(0.0, 100.0) / 100.0 * BAR as f64).round() as usize;
    let (on, off) = if unicode { ("█", "·") } else { ("#", ".") };
    let mut text = format!("traffic  [{}{}]", on.repeat(full), off.repeat(BAR - full));
    if let Some(planned) = planned {
        text.push_str(&format!("  {}% set", planned.set));
    }
    if let Some(actual) = actual {
        text.push_str(&format!("  {actual:.0}% actual"));
    }
    if let Some((next, at)) = planned.and_then(|planned| planned.next) {
        text.push_str(&format!("  next: {next}% {}", countdown(view.now, at)));
    }
    if let Some(whole) = planned.filter(|planned| planned.next.is_some_and(|(next, _)| next < 100)) {
        text.push_str(&format!("  100% at {}", time_of_day(whole.whole)));
    }
    Some(text)
}

/// Each phase with a mark and its time.
fn phases(view: &View, phases: &[Phase], unicode: bool) -> String {
    let one = |phase: &Phase| {
        let mark = match (&phase.status, unicode) {
            (EventStatus::Succeeded, true) => "✓",
            (EventStatus::Succeeded, false) => "+",
            (EventStatus::Failed, true) => "✗",
            (EventStatus::Failed, false) => "x",
            (EventStatus::InProgress, true) => "●",
            (EventStatus::InProgress, false) => "*",
            _ => "-",
        };
        let time = match (phase.start, phase.end) {
            (Some(start), Some(end)) => format!(" {}", clock::short(clock::between(start, end))),
            (Some(start), None) => format!(" {}", whole(clock::between(start, view.now))),
            _ => String::new(),
        };
        let name = ui::line(phase.name.as_str());
        match &phase.status {
            EventStatus::Other(status) => format!("{mark} {name} ({})", ui::line(status)),
            _ => format!("{mark} {name}{time}"),
        }
    };
    phases.iter().map(one).collect::<Vec<_>>().join("  ")
}

/// The phase that is under way, and for how long.
pub fn under_way(view: &View) -> Option<String> {
    let mut phases = view.targets.values().flat_map(|row| &row.phases);
    let phase = phases.find(|phase| phase.status == EventStatus::InProgress)?;
    let time = phase.start.map(|start| format!(" for {}", whole(clock::between(start, view.now))));
    Some(format!("{}{}", ui::line(phase.name.as_str()), time.unwrap_or_default()))
}

/// What the deployment waits for.
pub fn waits(view: &View) -> Vec<String> {
    let Some(deployment) = &view.deployment else { return Vec::new() };
    if deployment.status == DeploymentStatus::Ready {
        let until = match (view.since(), deployment.waits.ready_s) {
            (Some(since), Some(wait)) => {
                let end = since.checked_add(Duration::from_secs(wait)).unwrap_or(since);
                format!("; without one it stops {}", countdown(view.now, end))
            }
            _ => String::new(),
        };
        return vec![
            format!("waits    for a decision: the new fleet is ready{until}"),
            format!("         continue: cdctl deploy continue {}", view.reference()),
        ];
    }
    let Some((since, wait)) = terminates(view).zip(deployment.waits.termination_s) else { return Vec::new() };
    let end = since.checked_add(Duration::from_secs(wait)).unwrap_or(since);
    vec![format!("waits    all traffic has moved; the original fleet ends {}", countdown(view.now, end))]
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
    (ecs || deployment.waits.termination_started).then(|| view.last_target_change()).flatten()
}

/// `in 3m22s (14:36:12Z)`
pub fn countdown(now: Timestamp, then: Timestamp) -> String {
    format!("in {} ({})", whole(clock::between(now, then)), time_of_day(then))
}

/// `14:36:12Z`
pub fn time_of_day(time: Timestamp) -> String {
    time.strftime("%H:%M:%SZ").to_string()
}

/// A duration without tenths, which would flicker.
fn whole(duration: Duration) -> String {
    match duration.as_secs() {
        0 => "0s".to_owned(),
        seconds => clock::short(Duration::from_secs(seconds)),
    }
}
