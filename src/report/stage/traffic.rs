//! The versions of a function, a service or a stack that change places, and the traffic of each: what the configuration
//! says, what the service tells, when the next step comes and when all has moved. Pure.

use std::time::Duration;

use jiff::Timestamp;

use super::{NARROW, countdown, time_of_day};
use crate::clock;
use crate::model::{DeploymentStatus, EventName, EventStatus, Serving, TaskSet, TrafficRouting};
use crate::report::view::{Row, View};
use crate::ui;
use crate::watch::forecast::{self, Traffic};

/// The fewest and the most columns of a bar of traffic, and what stands beside it.
const BAR: (usize, usize) = (8, 20);
const BESIDE: usize = 66;

/// Which versions change places, a line each for the log.
pub fn versions(serving: &Serving) -> Vec<String> {
    match serving {
        Serving::Unsaid => Vec::new(),
        Serving::Lambda { function, alias, current, target, .. } => {
            let place = ui::line(&format!("{function}:{alias}"));
            vec![format!("function {place} v{} -> v{}", ui::line(current), ui::line(target))]
        }
        Serving::Ecs { task_sets } => task_sets.iter().map(task_set).collect(),
        Serving::CloudFormation { resource_type, .. } => {
            vec![format!("resource {}", ui::line(resource_type))]
        }
    }
}

fn task_set(set: &TaskSet) -> String {
    let weight = set.weight.map(|weight| format!(", traffic {weight:.0}%")).unwrap_or_default();
    let group = set.target_group.as_deref().map(|name| format!(", {}", ui::line(name))).unwrap_or_default();
    let pending = if set.pending > 0 { format!(" ({} pending)", set.pending) } else { String::new() };
    format!("{} {}: {}/{} running{pending}{weight}{group}", label(set), status(set), set.running, set.desired)
}

fn label(set: &TaskSet) -> String {
    set.label.as_deref().map_or_else(|| "set".to_owned(), |label| ui::line(label).to_lowercase())
}

fn status(set: &TaskSet) -> String {
    set.status.as_deref().map(ui::line).unwrap_or_default()
}

fn share(set: &TaskSet) -> String {
    set.weight.map(|weight| format!("{weight:.0}%")).unwrap_or_default()
}

/// The versions for the live view.
pub fn table(row: &Row, width: usize) -> Vec<String> {
    let narrow = width < NARROW;
    match &row.serving {
        Serving::Lambda { function, alias, current, target, weight } => {
            let place = ui::line(&format!("{function}:{alias}"));
            let (old, new) = match weight {
                Some(weight) => {
                    (format!(" {:.0}%", (1.0 - weight) * 100.0), format!(" {:.0}%", weight * 100.0))
                }
                None => (String::new(), String::new()),
            };
            let versions = format!("v{}{old} -> v{}{new}", ui::line(current), ui::line(target));
            match narrow {
                true => vec![format!("function {place}"), format!("         {versions}")],
                false => vec![format!("function {place}   {versions}")],
            }
        }
        Serving::Ecs { task_sets } if !task_sets.is_empty() && narrow => {
            let mut lines = vec![format!("{:<8} {:<9} {:>9} {:>5}", "TASK SET", "STATE", "RUN", "PROD")];
            lines.extend(task_sets.iter().map(|set| {
                let running = format!("{}/{}", set.running, set.desired);
                format!("{:<8} {:<9} {running:>9} {:>5}", label(set), status(set), share(set))
            }));
            lines
        }
        Serving::Ecs { task_sets } if !task_sets.is_empty() => {
            let mut lines = vec![format!(
                "{:<8} {:<9} {:>7} {:>4} {:>4} {:>5}  TARGET GROUP",
                "TASK SET", "STATE", "DESIRED", "RUN", "PEND", "PROD"
            )];
            for set in task_sets {
                let group = set.target_group.as_deref().map(ui::line).unwrap_or_default();
                let line = format!(
                    "{:<8} {:<9} {:>7} {:>4} {:>4} {:>5}  {group}",
                    label(set),
                    status(set),
                    set.desired,
                    set.running,
                    set.pending,
                    share(set)
                );
                lines.push(line.trim_end().to_owned());
            }
            lines
        }
        serving => versions(serving),
    }
}

/// Percent of the traffic that the new version serves, as the service tells it.
pub fn actual(serving: &Serving) -> Option<f64> {
    match serving {
        Serving::Unsaid => None,
        Serving::Lambda { weight, .. } => weight.map(|weight| weight * 100.0),
        // Documented as a percentage, as that of a function is, which comes as a fraction.
        Serving::CloudFormation { weight, .. } => {
            weight.map(|weight| if weight > 1.0 { weight } else { weight * 100.0 })
        }
        Serving::Ecs { task_sets } => {
            task_sets.iter().find(|set| set.label.as_deref() == Some("Green")).and_then(|set| set.weight)
        }
    }
}

/// The traffic by the configuration, once it has begun to move and as long as the deployment goes on.
pub fn moved(view: &View, row: &Row) -> Option<Traffic> {
    let deployment = view.deployment.as_ref().filter(|deployment| !deployment.status.is_terminal())?;
    let routing = deployment.routing?;
    let shift = row.phases.iter().find(|phase| phase.name == EventName::AllowTraffic)?;
    let start = shift.start.filter(|_| shift.status == EventStatus::InProgress)?;
    Some(forecast::traffic(routing, start, view.now))
}

/// One step of the traffic for the log: `v42 10% (v41 90%); next 100% at 14:36:12Z`.
pub fn line_of(view: &View, row: &Row, share: u64) -> String {
    let rest = 100_u64.saturating_sub(share);
    let mut text = match &row.serving {
        Serving::Lambda { current, target, .. } => {
            format!("v{} {share}% (v{} {rest}%)", ui::line(target), ui::line(current))
        }
        Serving::Ecs { .. } => format!("green {share}% (blue {rest}%)"),
        _ => format!("{share}%"),
    };
    if let Some(planned) = moved(view, row)
        && let Some((next, at)) = planned.next
    {
        text.push_str(&format!("; next {next}% at {}", time_of_day(at)));
        if next < 100 {
            text.push_str(&format!(", all at {}", time_of_day(planned.whole)));
        }
    }
    text
}

/// Set and actual on one bar.
pub fn bar(view: &View, row: &Row, width: usize, unicode: bool) -> Vec<String> {
    let actual = actual(&row.serving);
    let planned = moved(view, row);
    let Some(share) = planned.map(|traffic| f64::from(traffic.set)).or(actual) else { return Vec::new() };
    let cells = width.saturating_sub(BESIDE).clamp(BAR.0, BAR.1);
    #[expect(clippy::cast_sign_loss, reason = "clamped to a percentage")]
    let full = (share.clamp(0.0, 100.0) / 100.0 * cells as f64).round() as usize;
    let (on, off) = if unicode { ("█", "·") } else { ("#", ".") };
    let mut text = format!("traffic  [{}{}]", on.repeat(full), off.repeat(cells - full));
    if let Some(planned) = planned {
        text.push_str(&format!(" {}% set", planned.set));
    }
    if let Some(actual) = actual {
        text.push_str(&format!(" {actual:.0}% actual"));
    }
    let Some((next, at)) = planned.and_then(|planned| planned.next) else { return vec![text] };
    let next = format!("next {next}% {}", countdown(view.now, at));
    match width < NARROW {
        true => vec![text, format!("         {next}")],
        false => vec![format!("{text}  {next}")],
    }
}

/// When all of it will have moved and the deployment be done, if nothing breaks: exact once the traffic moves.
pub fn end(view: &View, row: &Row) -> Option<String> {
    let deployment = view.deployment.as_ref()?;
    let kept = deployment.waits.termination_s.filter(|kept| *kept > 0);
    let Some(planned) = moved(view, row) else {
        let open = |phase: &&crate::watch::event::Phase| {
            phase.name == EventName::AllowTraffic && matches!(phase.status, EventStatus::Pending)
        };
        row.phases.iter().find(open).filter(|_| deployment.status == DeploymentStatus::InProgress)?;
        let whole =
            forecast::traffic(deployment.routing?, Timestamp::UNIX_EPOCH, Timestamp::UNIX_EPOCH).whole;
        let takes = clock::between(Timestamp::UNIX_EPOCH, whole);
        let moves = match deployment.routing {
            Some(TrafficRouting::AllAtOnce) => "moves at once".to_owned(),
            _ => format!("takes {} once it moves", clock::whole(takes)),
        };
        return Some(format!("the traffic {moves}"));
    };
    let moved = countdown(view.now, planned.whole);
    Some(match kept {
        Some(kept) => {
            let end = planned.whole.checked_add(Duration::from_secs(kept)).unwrap_or(planned.whole);
            format!("all moved {moved}, done about {} if nothing breaks", time_of_day(end))
        }
        None => format!("all moved {moved} if nothing breaks"),
    })
}
