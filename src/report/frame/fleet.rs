//! The part of a frame below its head: what failed, grouped by cause; where the targets at work are; the slowest of
//! them; what is hidden; what just happened. Pure.

use unicode_width::UnicodeWidthStr;

use super::line::Line;
use super::{Composer, NARROW};
use crate::clock;
use crate::model::{DeploymentStatus, EventName, TargetStatus};
use crate::report::stage::time_of_day;
use crate::report::view::{Row, View};
use crate::report::words::{BETWEEN, bare_message, first_line, names, plural};
use crate::ui::{self, Style};
use crate::watch::causes::Cause;

/// Rows of targets at work on a narrow screen, and the rows that are kept for them beside many causes.
const FEW: usize = 3;
/// Rows that are enough for more than the first needs.
const ROOMY: usize = 8;
/// The fewest columns of an id and of a lifecycle event on a narrow screen.
const SHORTEST_ID: usize = 8;
const SHORTEST_EVENT: usize = 4;
/// The fewest and the most columns of a lifecycle event elsewhere.
const EVENTS: (usize, usize) = (16, 24);
const FUNNEL: &str = "FUNNEL   ";
/// Lines of log of the first cause where there is room, and what the agent puts before those of stderr.
const TAIL: usize = 5;
const STDERR: &str = "[stderr]";
/// Rows of failures that stay in the scrollback.
const KEPT: usize = 12;

impl Composer<'_> {
    /// The targets in at most `room` rows.
    pub fn targets(&self, room: usize) -> Vec<Line> {
        let counts = self.view.counts().unwrap_or_default();
        let over = self.view.status().is_some_and(DeploymentStatus::is_terminal);
        let failed = self.failed_at_all();
        let at_work = self.view.at_work();
        let seen = at_work.len();
        // Its phases say more than a row.
        let idle = over || self.view.is_single();
        let running = if idle { 0 } else { counts.run.max(seen as u64) };
        // A row between head and targets, one for the count of what is hidden.
        let mut left = room.saturating_sub(2);
        if left < 2 && failed > 0 {
            return self.failed(failed, room).0;
        }
        if left < 2 || failed + running + counts.pend == 0 {
            return Vec::new();
        }
        let mut lines = vec![Line::default()];
        let funnel = (running > 0 && left >= ROOMY).then(|| self.funnel(&at_work, running)).flatten();
        left -= usize::from(funnel.is_some());
        lines.extend(funnel);
        let happened = if left >= ROOMY && self.width >= NARROW { self.happened() } else { None };
        left -= usize::from(happened.is_some());
        let for_running = if running == 0 || left < ROOMY / 2 { 0 } else { seen.min(FEW).min(left / 3) + 1 };
        let (told, shown_failed) = self.failed(failed, left.saturating_sub(for_running));
        left = left.saturating_sub(told.len());
        lines.extend(told);
        let most = if self.width < NARROW { FEW } else { usize::MAX };
        let most = if idle { 0 } else { left.saturating_sub(1).min(most) };
        let rows = self.view.slowest_of(at_work, most);
        if !rows.is_empty() {
            lines.push(self.heading(&rows, seen, running));
            lines.extend(self.rows(&rows));
        }
        let pending = if over { 0 } else { counts.pend };
        lines.extend(self.hidden(failed - shown_failed, running - rows.len() as u64, pending));
        lines.extend(happened);
        lines
    }

    /// How many of the targets at work are in which lifecycle event.
    fn funnel(&self, at_work: &[(&str, &Row)], running: u64) -> Option<Line> {
        let bar = if self.unicode { " ▏ " } else { " | " };
        let mut phases = self.view.funnel(at_work);
        if phases.is_empty() {
            return None;
        }
        let seen: usize = phases.iter().map(|(_, count)| count).sum();
        let sample =
            if (seen as u64) < running { format!("   ({seen} of {running} seen)") } else { String::new() };
        let (mut left_out, mut hosts) = (0, 0);
        loop {
            let mut parts: Vec<_> =
                phases.iter().map(|(name, count)| format!("{} {count}", phase_name(name))).collect();
            if left_out > 0 {
                parts.push(format!("+{}, {hosts}", plural(left_out, "phase")));
            }
            let text = parts.join(bar) + &sample;
            if FUNNEL.width() + text.width() <= self.width || phases.len() <= 1 {
                return Some(Line::default().with(Some(Style::Strong), FUNNEL).with(None, text));
            }
            // The emptiest goes first; among equals the earliest.
            let least = (0..phases.len()).min_by_key(|index| phases[*index].1)?;
            let (_, count) = phases.remove(least);
            (left_out, hosts) = (left_out + 1, hosts + count);
        }
    }

    /// The failures by cause, in at most `room` rows, and how many targets they stand for.
    fn failed(&self, failed: u64, room: usize) -> (Vec<Line>, u64) {
        if failed == 0 || room == 0 {
            return (Vec::new(), 0);
        }
        let causes = self.view.causes.ranked();
        let many = if causes.len() > 1 {
            format!(", {}", plural(causes.len() as u64, "cause"))
        } else {
            String::new()
        };
        let heading = format!("FAILED   {}{many}", plural(failed, "target"));
        let mut lines = vec![Line::default().with(Some(Style::Error), heading)];
        let mut told = 0;
        // Every cause has its line before one has more, and a line of log before the first has the others.
        let shown = causes.len().min(room - 1);
        let spare = if self.width < NARROW { 0 } else { room - 1 - shown };
        let wanted: usize = causes[..shown].iter().map(|cause| self.more_of(cause, 1).len()).sum();
        let (mut spare, mut tail) = (spare, 1 + spare.saturating_sub(wanted).min(TAIL - 1));
        for cause in &causes[..shown] {
            let more = self.more_of(cause, std::mem::replace(&mut tail, 1));
            let more = &more[..more.len().min(spare)];
            spare -= more.len();
            lines.push(self.cause(cause, more.is_empty()));
            lines.extend_from_slice(more);
            told += cause.count;
        }
        (lines, told)
    }

    /// The failures as they stay in the scrollback.
    pub fn failures(&self) -> Vec<Line> {
        self.failed(self.failed_at_all(), KEPT).0
    }

    fn cause(&self, cause: &Cause, alone: bool) -> Line {
        let mark = if self.unicode { " ✗" } else { " x" };
        let event = cause.event.as_ref().map_or(BETWEEN, EventName::as_str);
        let mut text = format!(" {}x  {:<16}  ", cause.count, ui::line(event));
        if self.width >= NARROW {
            text.push_str(&what(cause));
        }
        if alone {
            text = format!("{}  on {}", text.trim_end(), names(&cause.targets, 2));
        }
        Line::default().with(Some(Style::Error), mark).with(None, text)
    }

    /// On which targets, and the end of the first one's log in at most `tail` lines, of which one went to stderr.
    fn more_of(&self, cause: &Cause, tail: usize) -> Vec<Line> {
        let most = (self.width.saturating_sub(12) / 22).clamp(1, 8);
        let mut lines = vec![Line::plain(format!("      on {}", names(&cause.targets, most)))];
        let log = ui::defuse(&cause.log_tail);
        let log: Vec<_> = log.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        let (before, shown) = log.split_at(log.len().saturating_sub(tail));
        let mut shown = shown.to_vec();
        let is_error = |line: &&&str| line.starts_with(STDERR);
        if let (None, Some(error)) = (shown.iter().find(is_error), before.iter().rfind(is_error))
            && let Some(first) = shown.first_mut()
        {
            *first = error;
        }
        let bar = if self.unicode { "│" } else { "|" };
        let line = |line: &&str| format!("      {bar} {}", first_line(line, 300));
        lines.extend(shown.iter().map(|text| Line::default().with(Some(Style::Dim), line(text))));
        lines
    }

    fn heading(&self, rows: &[(&str, &Row)], seen: usize, running: u64) -> Line {
        let usual = rows.iter().find_map(|(_, row)| {
            let event = row.event.as_ref()?;
            Some((event, self.view.usual(event)?))
        });
        let sample = if (seen as u64) < running { format!(" of {seen} seen") } else { String::new() };
        let line = Line::default().with(Some(Style::Strong), format!("RUNNING  slowest{sample} first"));
        match usual {
            Some((event, usual)) => line.with(
                Some(Style::Dim),
                format!("  (usual for {}: {})", ui::line(event.as_str()), clock::short(usual)),
            ),
            None => line,
        }
    }

    fn rows(&self, rows: &[(&str, &Row)]) -> Vec<Line> {
        let event = |row: &Row| row.event.as_ref().map(|event| ui::line(event.as_str())).unwrap_or_default();
        let widest =
            |texts: &mut dyn Iterator<Item = String>| texts.map(|text| text.width()).max().unwrap_or(0);
        // On a narrow screen the times and what is said of them stay, and the rest is cut.
        let narrow = self.width < NARROW;
        let times = if narrow { 5 } else { 6 };
        let events = widest(&mut rows.iter().map(|(_, row)| event(row)));
        let rest =
            |terse: Terse| widest(&mut rows.iter().map(|(_, row)| at_work(self.view, row, times, terse)));
        let left = |terse: Terse| self.width.saturating_sub(7 + rest(terse));
        let (events, most, terse) = match narrow {
            true => {
                let fits = |terse: &Terse| left(*terse) >= SHORTEST_ID + SHORTEST_EVENT;
                let terse = [Terse::No, Terse::NoWait].into_iter().find(fits).unwrap_or(Terse::NoFleet);
                let events = events.min(left(terse).saturating_sub(SHORTEST_ID)).max(SHORTEST_EVENT);
                (events, left(terse).saturating_sub(events).max(SHORTEST_ID), terse)
            }
            false => (events.clamp(EVENTS.0, EVENTS.1), 40, Terse::No),
        };
        let event = |row: &Row| match narrow && event(row).width() > events {
            true => {
                let short = row.event.as_ref().map(|event| phase_name(event.as_str())).unwrap_or_default();
                Line::plain(short).render(events, self.unicode, false)
            }
            false => event(row),
        };
        let events = if narrow { widest(&mut rows.iter().map(|(_, row)| event(row))) } else { events };
        let name = |id: &str| Line::plain(first_line(id, 200)).render(most, self.unicode, false);
        let names = widest(&mut rows.iter().map(|(id, _)| name(id)));
        let mark = if self.unicode { "●" } else { "*" };
        rows.iter()
            .map(|(id, row)| {
                let id = name(id);
                let pad = " ".repeat(names - id.width());
                let event = event(row);
                Line::plain(format!(" {mark} {id}{pad}  {event:<events$}  "))
                    .with(None, at_work(self.view, row, times, terse))
            })
            .collect()
    }

    fn hidden(&self, failed: u64, running: u64, pending: u64) -> Option<Line> {
        let parts = [(failed, "more failed"), (running, "more running"), (pending, "pending")];
        let parts: Vec<_> = parts
            .iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, what)| format!("{count} {what}"))
            .collect();
        let dots = if self.unicode { "…" } else { "..." };
        let mut text = format!("   {dots} {}", parts.join(", "));
        let hint = format!("   (cdctl deploy targets {})", self.view.reference());
        if failed + running > 0 && text.width() + hint.width() <= self.width {
            text.push_str(&hint);
        }
        (!parts.is_empty()).then(|| Line::default().with(Some(Style::Dim), text))
    }

    /// What just became of targets, as much as the width takes; the newest last.
    fn happened(&self) -> Option<Line> {
        let mut line = Vec::new();
        let mut width = 0;
        let mut happenings: Vec<_> = self.view.happenings.iter().collect();
        // Of several that are read at once the order is any.
        happenings.sort_by_key(|happening| happening.time);
        for happening in happenings.into_iter().rev() {
            let mark = match (happening.failed, self.unicode) {
                (true, true) => "✗",
                (true, false) => "x",
                (false, true) => "✓",
                (false, false) => "+",
            };
            let text = format!("{} {mark} {}", time_of_day(happening.time), happening.text);
            if width + text.width() > self.width {
                break;
            }
            width += text.width() + 3;
            line.insert(0, text);
        }
        (!line.is_empty()).then(|| Line::default().with(Some(Style::Dim), line.join("   ")))
    }
}

/// A lifecycle event in few letters.
fn phase_name(name: &str) -> String {
    let short = match name {
        "ApplicationStop" => "Stop",
        "DownloadBundle" => "Download",
        "ApplicationStart" => "Start",
        "ValidateService" => "Validate",
        other => other.strip_suffix("Traffic").unwrap_or(other),
    };
    ui::line(short)
}

/// `ScriptFailed: scripts/start.sh failed with exit code 1`
fn what(cause: &Cause) -> String {
    let message = bare_message(&cause.message);
    let script = if message.contains(&cause.script) { String::new() } else { format!(" {}", cause.script) };
    let parts = [format!("{}{script}", cause.error), first_line(message, 300)];
    // A function's and a service's say neither.
    let said: Vec<_> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    first_line(&said.join(": "), 300)
}

/// What a row leaves out, so that its id has room: that its target waits for its next event, and its fleet as well.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Terse {
    No,
    NoWait,
    NoFleet,
}

/// How long the target has been in its event; its fleet in a blue/green deployment; and its state, where that says
/// more than "in progress".
fn at_work(view: &View, row: &Row, times: usize, terse: Terse) -> String {
    let time =
        view.time_in_event(row).map(|time| format!("{:>times$}", clock::whole(time))).unwrap_or_default();
    let slow = view.slow(row).map(|times| format!("  SLOW x{times}")).unwrap_or_default();
    let label = row.label.as_deref().filter(|_| terse != Terse::NoFleet);
    let label = label.map(|label| format!("  {}", ui::line(label).to_lowercase()));
    let state = match &row.status {
        TargetStatus::InProgress if row.ended.is_some() && terse != Terse::No => String::new(),
        TargetStatus::InProgress if row.ended.is_some() => "  waits for next".to_owned(),
        TargetStatus::InProgress => slow,
        other => format!("  {}", ui::line(other.as_str())),
    };
    let stale = view.stale(row).map(|age| format!("  seen {} ago", clock::whole(age))).unwrap_or_default();
    format!("{time}{}{state}{stale}", label.unwrap_or_default())
}
