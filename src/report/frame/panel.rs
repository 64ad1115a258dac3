//! What keys show in the place of the targets: rows to choose from, one of them in full, the logs of what failed, what
//! keys there are, and a question before something is done. Pure.

use std::collections::BTreeSet;

use unicode_width::UnicodeWidthStr;

use super::line::Line;
use super::{Composer, Look};
use crate::clock;
use crate::model::{DeploymentStatus, EventName, TargetStatus};
use crate::report::stage::{self, time_of_day};
use crate::report::view::{Row, View};
use crate::report::words::{BETWEEN, bare_message, first_line, names, shell};
use crate::report::{Act, Wish};
use crate::ui::{self, Key, Style};

/// Targets at work that can be chosen; those that failed come before them.
const MOST: usize = 50;
/// On a screen of more rows than this one of them is kept for what ^C does.
const TALL: usize = 20;

/// What is shown below the head.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Panel {
    #[default]
    Targets,
    List(usize),
    Details(usize, String),
    Logs,
    Help,
    /// Whether that shall be done to the deployment of this id.
    Ask(Act, String),
}

impl Panel {
    /// It is shown in the place of the targets.
    pub fn is_asked_for(&self) -> bool {
        !matches!(self, Panel::Targets | Panel::Ask(..))
    }

    /// Takes a key in; gives what the user wants done.
    pub fn key(&mut self, key: Key, view: &View) -> Option<Wish> {
        let over = view.status().is_none_or(DeploymentStatus::is_terminal);
        let (next, wish) = match (std::mem::take(self), key) {
            (Panel::Ask(act, deployment), Key::Char('y' | 'Y')) => {
                (Panel::Targets, Some(Wish { deployment, act }))
            }
            (Panel::Ask(..), _) => (Panel::Targets, None),
            (_, Key::Char('s')) if !over && view.lets_stop() => {
                (Panel::Ask(Act::Stop, view.id.clone()), None)
            }
            (_, Key::Char('c')) if !stage::waits_for(view).is_empty() => {
                (Panel::Ask(Act::Continue, view.id.clone()), None)
            }
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

/// The targets that can be chosen: what failed, cause by cause, then the slowest at work, then some of the others.
fn rows(view: &View) -> Vec<(&str, &Row)> {
    let failed = view.causes.ranked().into_iter().flat_map(|cause| &cause.targets).take(MOST);
    let failed = failed.filter_map(|id| view.targets.get_key_value(id)).map(|(id, row)| (id.as_str(), row));
    let mut rows: Vec<_> = failed.chain(view.slowest(MOST)).collect();
    let listed: BTreeSet<_> = rows.iter().map(|(id, _)| *id).collect();
    let others = view.targets.iter().map(|(id, row)| (id.as_str(), row));
    let others: Vec<_> = others.filter(|(id, _)| !listed.contains(id)).take(MOST).collect();
    rows.extend(others);
    rows
}

/// What ^C does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interrupt {
    Detach,
    Stop,
    Rollback,
    /// The deployment is being stopped already.
    Again,
}

impl Interrupt {
    fn short(self) -> &'static str {
        match self {
            Interrupt::Detach | Interrupt::Again => "^C detach",
            Interrupt::Stop => "^C stop",
            Interrupt::Rollback => "^C roll back",
        }
    }

    fn words(self) -> &'static str {
        match self {
            Interrupt::Detach => "^C detach (the deployment goes on)",
            Interrupt::Stop => "^C stop the deployment; a second one detaches",
            Interrupt::Rollback => "^C roll the deployment back; a second one detaches",
            Interrupt::Again => "^C detach (the deployment is being stopped)",
        }
    }
}

/// The footer of a frame; whether it is kept a row, or shown where one is left.
type Footer = Option<(Line, bool)>;

/// What `body` makes of the rows that the footer leaves, and the footer.
pub fn above(footer: Footer, rows: usize, body: impl FnOnce(usize) -> Vec<Line>) -> Vec<Line> {
    let kept = usize::from(footer.as_ref().is_some_and(|(_, kept)| *kept));
    let mut lines = if rows > kept { body(rows - kept) } else { Vec::new() };
    lines.truncate(rows - kept);
    lines.extend(footer.map(|(line, _)| line));
    lines.truncate(rows);
    lines
}

impl Composer<'_> {
    /// The panel in at most `room` rows.
    pub fn panel(&self, panel: &Panel, room: usize) -> Vec<Line> {
        let mut lines = match panel {
            Panel::Targets | Panel::Ask(..) => self.targets(room),
            Panel::List(selected) => self.list(*selected, room),
            Panel::Details(_, id) => self.details(id),
            Panel::Logs => self.logs(room),
            Panel::Help => help(),
        };
        lines.truncate(room);
        lines
    }

    /// What keys do and what ^C does, or a question; `many`: other deployments are on the screen too.
    pub fn footer(&self, look: &Look, many: bool) -> Footer {
        let dim = |text: String| Line::default().with(Some(Style::Dim), text);
        let over = self.view.status().is_some_and(DeploymentStatus::is_terminal);
        match &look.panel {
            Some(Panel::Ask(act, _)) => {
                let question = Line::default().with(Some(Style::Warning), self.question(*act));
                Some((question, true))
            }
            _ if look.is_bare() => None,
            Some(_) => Some((dim(self.keys(look, many)), true)),
            None if over => None,
            None => look.interrupt.map(|interrupt| (dim(interrupt.words().to_owned()), look.height > TALL)),
        }
    }

    /// The first form that fits: what is asked must not be cut.
    fn question(&self, act: Act) -> String {
        let id = self.view.reference();
        let (whole, named, few) = match act {
            Act::Stop if self.view.rolls_back().is_some() => (
                format!("Stop the rollback {id}, half way?"),
                format!("Stop {id} half way?"),
                "Stop it half way?",
            ),
            Act::Stop => (format!("Stop deployment {id}?"), format!("Stop {id}?"), "Stop it?"),
            Act::Continue => (
                format!("End the wait of deployment {id}?"),
                format!("End the wait of {id}?"),
                "End its wait?",
            ),
        };
        let forms = [format!("{whole} y: yes, any other key: no"), format!("{named} y/n")];
        forms.into_iter().find(|text| text.width() <= self.width).unwrap_or_else(|| format!("{few} y/n"))
    }

    fn keys(&self, look: &Look, many: bool) -> String {
        let interrupt = look.interrupt.unwrap_or(Interrupt::Detach).short();
        let next = if many { "  n next deployment" } else { "" };
        let of = if many { format!(" {}", self.view.reference()) } else { String::new() };
        let wait = if stage::waits_for(self.view).is_empty() { "" } else { "  c continue" };
        let stop = if self.view.lets_stop() { format!("  s stop{of}") } else { String::new() };
        let arrows = if self.unicode { "↑↓" } else { "up/down" };
        let forms = [
            format!("{interrupt}{stop}{wait}{next}  l logs of failed  {arrows} rows  Enter details  ? keys"),
            format!("{interrupt}{stop}{wait}{next}  ? keys"),
            format!("{interrupt}{next}  ? keys"),
        ];
        let [.., least] = &forms;
        forms.iter().find(|text| text.width() <= self.width).unwrap_or(least).clone()
    }

    fn list(&self, selected: usize, room: usize) -> Vec<Line> {
        let rows = rows(self.view);
        let shown = room.saturating_sub(2).max(1);
        let first = (selected + 1).saturating_sub(shown);
        let last = (first + shown).min(rows.len());
        let counts = self.view.counts().unwrap_or_default();
        let all = counts.total().max(self.view.targets.len() as u64);
        let more = all.saturating_sub(rows.len() as u64);
        let more = if more > 0 { format!("; {more} more are not listed") } else { String::new() };
        let place = format!("TARGETS  {}-{last} of {}", (first + 1).min(last), rows.len());
        let heading = Line::default()
            .with(Some(Style::Strong), place)
            .with(Some(Style::Dim), format!(", failed first, then the slowest at work{more}"));
        let mut lines = vec![Line::default(), heading];
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
            lines.push(Line::plain("  no target has been read"));
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
            let event = cause.event.as_ref().map_or(BETWEEN, EventName::as_str);
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
        ("n", "steer the next of several deployments"),
        ("^C", "leave, or what --on-interrupt says"),
        ("^Z", "pause; `fg` comes back"),
    ];
    let heading = [Line::default(), Line::default().with(Some(Style::Strong), "KEYS")];
    heading.into_iter().chain(keys.map(|(key, what)| Line::plain(format!("  {key:<9} {what}")))).collect()
}
