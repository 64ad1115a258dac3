//! What keys show in the place of the targets: rows to choose from, one of them in full, the logs of what failed, what
//! keys there are, and a question before something is done. Pure.

use super::Composer;
use super::line::Line;
use crate::clock;
use crate::model::{DeploymentStatus, EventName, TargetStatus};
use crate::report::stage::{self, time_of_day};
use crate::report::view::{Row, View};
use crate::report::words::{bare_message, first_line, names, shell};
use crate::report::{Act, Wish};
use crate::ui::{self, Key, Style};

/// Targets at work that can be chosen; those that failed come before them.
const MOST: usize = 50;

/// What is shown below the head.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Panel {
    #[default]
    Targets,
    List(usize),
    Details(usize, String),
    Logs,
    Help,
    Ask(Act),
}

impl Panel {
    /// Takes a key in; gives what the user wants done.
    pub fn key(&mut self, key: Key, view: &View) -> Option<Wish> {
        let over = view.status().is_none_or(DeploymentStatus::is_terminal);
        let (next, wish) = match (std::mem::take(self), key) {
            (Panel::Ask(act), Key::Char('y' | 'Y')) => {
                (Panel::Targets, Some(Wish { deployment: view.id.clone(), act }))
            }
            (Panel::Ask(_), _) => (Panel::Targets, None),
            (_, Key::Char('s')) if !over => (Panel::Ask(Act::Stop), None),
            (_, Key::Char('c')) if !stage::waits_for(view).is_empty() => (Panel::Ask(Act::Continue), None),
            (Panel::Logs, Key::Char('l')) | (Panel::Help, Key::Char('?')) => (Panel::Targets, None),
            (_, Key::Char('l')) => (Panel::Logs, None),
            (_, Key::Char('?')) => (Panel::Help, None),
            (Panel::List(row), Key::Up) => (Panel::List(row.saturating_sub(1)), None),
            (Panel::List(row), Key::Down) => (Panel::List((row + 1).min(rows(view).len().max(1) - 1)), None),
            (Panel::List(row), Key::Enter) => match rows(view).get(row) {
                Some((id, _)) => (Panel::Details(row, (*id).to_owned()), None),
                None => (Panel::List(row), None),
            },
            (Panel::Details(row, _), Key::Escape | Key::Up | Key::Down | Key::Enter) => {
                (Panel::List(row), None)
            }
            (_, Key::Up | Key::Down) => (Panel::List(0), None),
            (_, Key::Escape) => (Panel::Targets, None),
            (same, _) => (same, None),
        };
        *self = next;
        wish
    }
}

/// The targets that can be chosen: what failed, cause by cause, then the slowest at work.
fn rows(view: &View) -> Vec<(&str, &Row)> {
    let failed = view.causes.ranked().into_iter().flat_map(|cause| &cause.targets).take(MOST);
    let failed = failed.filter_map(|id| view.targets.get_key_value(id)).map(|(id, row)| (id.as_str(), row));
    failed.chain(view.slowest(MOST)).collect()
}

impl Composer<'_> {
    /// The panel in at most `room` rows; what is not a panel of its own shows the targets.
    pub fn panel(&self, panel: &Panel, room: usize) -> Vec<Line> {
        let room = room.saturating_sub(1);
        let mut lines = match panel {
            Panel::Targets | Panel::Ask(_) => self.targets(room),
            Panel::List(selected) => self.list(*selected, room),
            Panel::Details(_, id) => self.details(id),
            Panel::Logs => self.logs(room),
            Panel::Help => help(),
        };
        lines.truncate(room);
        lines.push(self.footer(panel));
        lines
    }

    fn footer(&self, panel: &Panel) -> Line {
        let id = self.view.reference();
        let ask = |what: String| {
            Line::default().with(Some(Style::Warning), format!("{what} y: yes, any other key: no"))
        };
        match panel {
            Panel::Ask(Act::Stop) => ask(format!("Stop deployment {id}?")),
            Panel::Ask(Act::Continue) => ask(format!("End the wait of deployment {id}?")),
            _ if self.width < 76 => Line::default().with(Some(Style::Dim), "^C detach  ? keys"),
            _ => {
                let arrows = if self.unicode { "↑↓" } else { "up/down" };
                let wait = if stage::waits_for(self.view).is_empty() { "" } else { "  c continue" };
                let keys = format!(
                    "^C detach  s stop{wait}  l logs of failed  {arrows} rows  Enter details  ? keys"
                );
                Line::default().with(Some(Style::Dim), keys)
            }
        }
    }

    fn list(&self, selected: usize, room: usize) -> Vec<Line> {
        let rows = rows(self.view);
        let heading =
            Line::default().with(Some(Style::Strong), "TARGETS  failed ones first, then the slowest");
        let mut lines = vec![Line::default(), heading];
        let shown = room.saturating_sub(2).max(1);
        let first = (selected + 1).saturating_sub(shown);
        for (index, (id, row)) in rows.iter().enumerate().skip(first).take(shown) {
            let cursor = if index == selected { ">" } else { " " };
            let event = row.event.as_ref().map_or("", EventName::as_str);
            let failed = row.status == TargetStatus::Failed;
            let rest = match &row.failure {
                Some(failure) if failed => failure.clone(),
                _ => self.view.time_in_event(row).map(clock::whole).unwrap_or_default(),
            };
            let text = format!(
                "{cursor} {:<20}  {:<10}  {:<16}  {rest}",
                first_line(id, 40),
                ui::line(row.status.as_str()),
                ui::line(event)
            );
            let style = match (index == selected, failed) {
                (true, _) => Some(Style::Strong),
                (_, true) => Some(Style::Error),
                _ => None,
            };
            lines.push(Line::default().with(style, text));
        }
        if rows.is_empty() {
            lines.push(Line::plain("  no target has failed and none is known to be at work"));
        }
        lines
    }

    fn details(&self, id: &str) -> Vec<Line> {
        let mut lines = vec![Line::default(), Line::default().with(Some(Style::Strong), first_line(id, 80))];
        let Some(row) = self.view.targets.get(id) else { return lines };
        let mut tell = |name: &str, text: String| {
            if !text.is_empty() {
                lines.push(Line::plain(format!("  {name:<9} {text}")));
            }
        };
        let label = row.label.as_deref().map(|label| format!(" ({})", ui::line(label))).unwrap_or_default();
        tell("state", format!("{}{label}", ui::line(row.status.as_str())));
        if let Some(event) = &row.event {
            let time = self.view.time_in_event(row).filter(|_| !row.status.is_finished());
            let time = time.map(|time| format!(" for {}", clock::whole(time))).unwrap_or_default();
            let usual = self.view.usual(event).map(|usual| format!(", usually {}", clock::short(usual)));
            tell("event", format!("{}{time}{}", ui::line(event.as_str()), usual.unwrap_or_default()));
        }
        tell("began", row.began.map(time_of_day).unwrap_or_default());
        let ended = row.time.filter(|_| row.status.is_finished());
        tell("ended", ended.map(time_of_day).unwrap_or_default());
        tell("all", format!("cdctl deploy logs {} {}", self.view.reference(), shell(id)));
        if let Some(failure) = self.view.failure(id) {
            tell("error", first_line(failure.error.as_str(), 80));
            tell("script", first_line(&failure.script, 200));
            tell("message", first_line(bare_message(&failure.message), 300));
            lines.extend(log(&failure.log_tail));
        }
        lines
    }

    /// The end of a log of each cause, as much of each as there is room.
    fn logs(&self, room: usize) -> Vec<Line> {
        let causes = self.view.causes.ranked();
        let mut lines =
            vec![Line::default(), Line::default().with(Some(Style::Strong), "LOGS     one a cause")];
        if causes.is_empty() {
            lines.push(Line::plain("  nothing has failed"));
        }
        let mut left = room.saturating_sub(lines.len());
        for (index, cause) in causes.iter().enumerate() {
            let each = left / (causes.len() - index).max(1);
            let event = cause.event.as_ref().map_or("-", EventName::as_str);
            let head = format!(" {}x  {}  on {}", cause.count, ui::line(event), names(&cause.targets, 3));
            let tail = log(&cause.log_tail);
            let tail = &tail[tail.len().saturating_sub(each.max(2) - 1)..];
            left = left.saturating_sub(1 + tail.len());
            lines.push(Line::default().with(Some(Style::Error), head));
            lines.extend_from_slice(tail);
        }
        lines
    }
}

fn log(tail: &str) -> Vec<Line> {
    let safe = ui::defuse(&tail.replace("\r\n", "\n"));
    let lines = safe.lines().map(str::trim_end).filter(|line| !line.is_empty());
    lines.map(|line| Line::plain(format!("    {}", line.replace('\t', "    ")))).collect()
}

fn help() -> Vec<Line> {
    let keys = [
        ("up, down", "choose a target"),
        ("Enter", "the chosen target in full"),
        ("Escape", "back"),
        ("l", "the logs of what failed"),
        ("c", "end the wait that the deployment is in (asks)"),
        ("s", "stop the deployment (asks)"),
        ("^C", "leave; the deployment goes on"),
        ("^Z", "pause; `fg` comes back"),
    ];
    let heading = [Line::default(), Line::default().with(Some(Style::Strong), "KEYS")];
    heading.into_iter().chain(keys.map(|(key, what)| Line::plain(format!("  {key:<9} {what}")))).collect()
}
