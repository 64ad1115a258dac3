//! Several deployments on one screen: a part of it each, and which of them keys are about. Pure.

use super::line::Line;
use super::panel::above;
use super::{Composer, Look, frame};
use crate::model::DeploymentStatus;
use crate::report::view::View;
use crate::report::words::plural;

/// From this many rows a deployment on, a row is left empty between two.
const APART: usize = 8;

/// The deployment that keys are about: the one that was chosen, or the first that goes on.
pub fn focus(views: &[View]) -> usize {
    let goes_on = |view: &View| !has_ended(view);
    let chosen = views.iter().position(|view| view.chosen && goes_on(view));
    chosen.or_else(|| views.iter().position(goes_on)).unwrap_or(0)
}

fn has_ended(view: &View) -> bool {
    view.status().is_some_and(DeploymentStatus::is_terminal)
}

/// The frames of several deployments, one above the other.
pub fn frames(views: &[View], look: &Look) -> Vec<String> {
    if let [view] = views {
        return frame(view, look);
    }
    let focus = focus(views);
    let footer = views.get(focus).and_then(|view| Composer::new(view, look).footer(look, true));
    let lines = above(footer, look.rows(), |room| share(views, look, focus, room));
    lines.iter().map(|line| line.render(look.width, look.unicode, look.colour)).collect()
}

/// Each has what it needs, as far as that is not more than its part of what the others leave.
fn share(views: &[View], look: &Look, focus: usize, room: usize) -> Vec<Line> {
    let shown = if views.len() > room { room.saturating_sub(1).max(1) } else { views.len() };
    // What goes on comes before what has ended.
    let ended = |(_, view): &(usize, &View)| has_ended(view);
    let all = || views.iter().enumerate();
    let ordered: Vec<_> = all().filter(|view| !ended(view)).chain(all().filter(ended)).take(shown).collect();
    let part = |index: usize, rows: usize| {
        let Some(view) = views.get(index) else { return Vec::new() };
        let composer = Composer::new(view, look);
        if look.is_bare() || rows < 2 {
            return vec![composer.row()];
        }
        let panel = look.panel.clone().filter(|_| index == focus);
        composer.part(&Look { panel, ..look.clone() }, rows)
    };
    let apart = usize::from(room / shown.max(1) >= APART);
    let mut left = room - usize::from(shown < views.len()).min(room) - apart * shown.saturating_sub(1);
    let mut needs: Vec<_> = ordered.iter().map(|(index, _)| (*index, part(*index, left).len())).collect();
    needs.sort_by_key(|(_, rows)| *rows);
    let mut rows = vec![0; views.len()];
    for (place, (index, wanted)) in needs.iter().enumerate() {
        rows[*index] = (*wanted).min(left / (shown - place)).max(1);
        left = left.saturating_sub(rows[*index]);
    }
    let mut lines = Vec::new();
    for (place, (index, _)) in ordered.iter().enumerate() {
        if place > 0 && apart > 0 {
            lines.push(Line::default());
        }
        lines.extend(part(*index, rows[*index]));
    }
    if shown < views.len() && lines.len() < room {
        let dots = if look.unicode { "…" } else { "..." };
        let more = plural((views.len() - shown) as u64, "more deployment");
        lines.push(Line::plain(format!("   {dots} {more}")));
    }
    lines
}
