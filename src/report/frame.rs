//! One frame of the live view as lines that fit the screen. Pure: the screen's size comes in, nothing is drawn.
//!
//! Exceptions come before progress, every symbol has a word or a heading, and what is hidden is counted.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::view::{Row, View};
use super::words::{first_line, place, plural, short_revision};
use super::{bar, stage};
use crate::clock;
use crate::model::{DeploymentStatus, TargetStatus};
use crate::ui::{self, Style};
use crate::watch::event::Counts;

/// From this many columns on sentences are whole.
const WIDE: usize = 76;
/// Below this many columns details are dropped; below the second, or that many rows, only the bar is left.
const NARROW: usize = 60;
const BARE: (usize, usize) = (40, 8);
/// The longest bar, and the shortest beside which all words stay.
const WIDEST_BAR: usize = 60;
const SHORTEST_BAR: usize = 8;

/// A line in parts, each in its style.
#[derive(Default)]
struct Line(Vec<(Option<Style>, String)>);

impl Line {
    fn plain(text: impl Into<String>) -> Self {
        Line::default().with(None, text)
    }

    fn with(mut self, style: Option<Style>, text: impl Into<String>) -> Self {
        self.0.push((style, text.into()));
        self
    }

    /// The line in at most `width` columns.
    fn render(&self, width: usize, unicode: bool, colour: bool) -> String {
        let whole: usize = self.0.iter().map(|(_, text)| text.width()).sum();
        let ellipsis = if unicode { "…" } else { "..." };
        let mut left = if whole > width { width.saturating_sub(ellipsis.width()) } else { width };
        let mut line = String::new();
        'parts: for (style, text) in &self.0 {
            let mut part = String::new();
            for c in text.chars() {
                let columns = c.width().unwrap_or(0);
                if columns > left {
                    line.push_str(&paint(*style, &part, colour));
                    break 'parts;
                }
                left -= columns;
                part.push(c);
            }
            line.push_str(&paint(*style, &part, colour));
        }
        if whole > width && width >= ellipsis.width() {
            line.push_str(ellipsis);
        }
        line
    }
}

fn paint(style: Option<Style>, text: &str, colour: bool) -> String {
    match style {
        Some(style) if !text.is_empty() => style.paint(text, colour),
        _ => text.to_owned(),
    }
}

/// The frame for a screen of `width` columns and `height` rows; one row stays free for what follows.
pub fn frame(view: &View, width: usize, height: usize, unicode: bool, colour: bool) -> Vec<String> {
    let composer = Composer { view, width, unicode };
    let mut lines = composer.head(height);
    if width >= BARE.0 && height >= BARE.1 {
        let room = height.saturating_sub(1 + lines.len());
        lines.extend(composer.targets(room));
    }
    lines.truncate(height.saturating_sub(1).max(1));
    lines.iter().map(|line| line.render(width, unicode, colour)).collect()
}

/// The frames of several deployments, one above the other in equal parts of the screen.
pub fn frames(views: &[View], width: usize, height: usize, unicode: bool, colour: bool) -> Vec<String> {
    if let [view] = views {
        return frame(view, width, height, unicode, colour);
    }
    let room = height.saturating_sub(1).max(1);
    let shown = views.len().min(if views.len() > room { room.saturating_sub(1).max(1) } else { room });
    // A frame leaves one row free, which its neighbour may have.
    let each = room / shown.max(1) + 1;
    // What goes on comes before what has ended.
    let ended = |view: &&View| view.status().is_some_and(DeploymentStatus::is_terminal);
    let ordered = views.iter().filter(|view| !ended(view)).chain(views.iter().filter(ended));
    let mut lines: Vec<_> =
        ordered.take(shown).flat_map(|view| frame(view, width, each, unicode, colour)).collect();
    if shown < views.len() && lines.len() < room {
        let more = format!("   {}", plural((views.len() - shown) as u64, "more deployment"));
        lines.push(Line::plain(more).render(width, unicode, colour));
    }
    lines
}

/// What stays of a deployment in the scrollback: the head of its frame.
pub fn last_frame(view: &View, width: usize, unicode: bool, colour: bool) -> Vec<String> {
    let composer = Composer { view, width, unicode };
    composer.head(BARE.1).iter().map(|line| line.render(width, unicode, colour)).collect()
}

struct Composer<'a> {
    view: &'a View,
    width: usize,
    unicode: bool,
}

impl Composer<'_> {
    fn head(&self, height: usize) -> Vec<Line> {
        if self.width < BARE.0 || height < BARE.1 {
            return vec![self.bar()];
        }
        let mut lines = vec![self.title()];
        if self.width >= NARROW {
            lines.push(self.subtitle());
        }
        let single = self.view.is_single();
        if !single || self.view.counts().is_some() {
            lines.push(self.bar());
        }
        lines.extend(self.trouble());
        lines.extend(self.health());
        lines.extend(self.forecast());
        if !self.view.status().is_some_and(DeploymentStatus::is_terminal) {
            lines.extend(stage::lines(self.view, self.unicode).into_iter().map(Line::plain));
        }
        lines
    }

    fn title(&self) -> Line {
        let mut line = Line::default().with(Some(Style::Strong), self.view.name());
        if let Some(deployment) = &self.view.deployment {
            let place = place(deployment.application.as_deref(), deployment.group.as_deref());
            line = line.with(None, format!("  {place}  "));
            line = line.with(status_style(&deployment.status), ui::line(deployment.status.as_str()));
        } else {
            line = line.with(None, "  waiting for a first answer");
        }
        if let Some(elapsed) = self.view.elapsed() {
            line = line.with(None, format!("  {}", clock::short(elapsed)));
        }
        if let Some(original) = &self.view.rolls_back {
            line = line.with(Some(Style::Warning), format!("  rolls back {}", ui::line(original)));
        }
        line
    }

    fn subtitle(&self) -> Line {
        let Some(deployment) = &self.view.deployment else { return Line::default() };
        let mut parts = Vec::new();
        if let Some(revision) = &deployment.revision {
            let before = deployment.previous_revision.as_deref().filter(|before| before != revision);
            let was = before.map(|before| format!(" (was {})", short_revision(before))).unwrap_or_default();
            parts.push(format!("{}{was}", short_revision(revision)));
        }
        if let Some(config) = &deployment.config {
            parts.push(ui::line(config.strip_prefix("CodeDeployDefault.").unwrap_or(config)));
        }
        if let Some(creator) = deployment.creator.as_ref().filter(|_| self.width >= WIDE) {
            parts.push(format!("by {}", ui::line(creator.as_str())));
        }
        if let (Some(age), false) = (self.view.answer_age, deployment.status.is_terminal()) {
            parts.push(format!("as of {} ago", seconds(age.as_secs())));
        }
        Line::default().with(Some(Style::Dim), parts.join("  "))
    }

    fn bar(&self) -> Line {
        let Some(counts) = self.view.counts().filter(|counts| counts.total() > 0) else {
            let status =
                self.view.status().map_or_else(|| "waiting".to_owned(), |status| ui::line(status.as_str()));
            return Line::plain(format!("[no targets yet]  {status}"));
        };
        let mut words = bar_words(&counts);
        let taken = |words: &[BarWord]| words.iter().map(|word| word.text.width() + 2).sum::<usize>() + 2;
        while taken(&words) + SHORTEST_BAR > self.width
            && let Some(least) = (0..words.len()).max_by_key(|index| words[*index].rank)
            && words.len() > 1
        {
            words.remove(least);
        }
        let cells = self.width.saturating_sub(taken(&words)).clamp(1, WIDEST_BAR);
        let mut line = Line::plain("[");
        for segment in bar::segments(&counts, cells, self.unicode) {
            line = line.with(segment.style, segment.cells);
        }
        line = line.with(None, "]");
        for word in words {
            line = line.with(None, "  ").with(word.style, word.text);
        }
        line
    }

    /// Trouble with the API: what is shown may be old.
    fn trouble(&self) -> Option<Line> {
        let api = self.view.api.as_ref()?;
        let age = match self.view.answer_age {
            Some(age) => format!("; as of {} ago", seconds(age.as_secs())),
            None => String::new(),
        };
        let error =
            api.error.as_deref().map(|error| format!(": {}", first_line(error, 200))).unwrap_or_default();
        Some(
            Line::default().with(Some(Style::Warning), format!("api      {}{age}{error}", api.state.words())),
        )
    }

    /// What minimum healthy hosts still allow.
    ///
    /// Source: AWS user guide, "Minimum healthy instances": while hosts wait, a failure that leaves no more healthy
    /// hosts than the minimum ends the deployment.
    fn health(&self) -> Option<Line> {
        let minimum = self.view.deployment.as_ref()?.minimum_healthy?;
        let counts = self.view.counts()?;
        let total = counts.total();
        let spare = total.saturating_sub(counts.fail).saturating_sub(minimum);
        let last = u64::from(counts.pend == 0);
        let text = match self.width >= WIDE {
            true => format!("health   at least {minimum} of {total} must stay healthy"),
            false => format!("health   min {minimum} of {total}"),
        };
        let over = self.view.status().is_some_and(DeploymentStatus::is_terminal);
        if over && counts.fail == 0 {
            return None;
        }
        let (style, rest) = match spare + last {
            _ if over => (None, String::new()),
            0 => (Some(Style::Error), "; too few are left".to_owned()),
            1 => (Some(Style::Warning), "; the next failure stops it".to_owned()),
            more => (None, format!("; {more} more failures stop it")),
        };
        Some(Line::plain(text).with(style, rest))
    }

    /// When the fleet will be done, from the times that its hosts took.
    fn forecast(&self) -> Option<Line> {
        let (least, most) = self.view.forecast()?;
        let text = match self.width >= WIDE {
            true => format!(
                "forecast done between {} and {}",
                stage::time_of_day(least),
                stage::time_of_day(most)
            ),
            false => format!("forecast {}..{}", stage::time_of_day(least), stage::time_of_day(most)),
        };
        Some(Line::plain(text))
    }

    fn targets(&self, room: usize) -> Vec<Line> {
        let (failed, mut running) = (self.view.failed(), self.view.running());
        // Its phases say more than a row.
        running.retain(|(_, row)| row.phases.is_empty());
        let counts = self.view.counts().unwrap_or_default();
        let over = self.view.status().is_some_and(DeploymentStatus::is_terminal);
        let all_failed = counts.fail.max(failed.len() as u64);
        let all_running =
            if over || self.view.is_single() { 0 } else { counts.run.max(running.len() as u64) };
        // A row between head and targets, one for the count of what is hidden.
        let mut left = room.saturating_sub(2);
        if left < 2 || all_failed + all_running + counts.pend == 0 {
            return Vec::new();
        }
        let for_running = if running.is_empty() || left < 8 { 0 } else { running.len().min(3) + 1 };
        let mut lines = vec![Line::default()];
        let shown_failed = failed.len().min(left.saturating_sub(1 + for_running));
        if all_failed > 0 {
            let heading = format!("FAILED   {}", plural(all_failed, "target"));
            lines.push(Line::default().with(Some(Style::Error), heading));
            lines.extend(self.rows(&failed[..shown_failed]));
            left = left.saturating_sub(1 + shown_failed);
        }
        let most = if self.width < NARROW { 3 } else { usize::MAX };
        let shown_running = if over { 0 } else { running.len().min(left.saturating_sub(1)).min(most) };
        if shown_running > 0 {
            lines.push(Line::default().with(Some(Style::Strong), "RUNNING  slowest first"));
            lines.extend(self.rows(&running[..shown_running]));
        }
        lines.extend(self.hidden(
            all_failed - shown_failed as u64,
            all_running - shown_running as u64,
            if over { 0 } else { counts.pend },
        ));
        lines
    }

    fn rows(&self, rows: &[(&str, &Row)]) -> Vec<Line> {
        let name = |id: &str| first_line(id, 40);
        let names = rows.iter().map(|(id, _)| name(id).width()).max().unwrap_or(0);
        rows.iter()
            .map(|(id, row)| {
                let event = row.event.as_ref().map(|event| ui::line(event.as_str())).unwrap_or_default();
                let (mark, style) = match (&row.failure, &row.status) {
                    (_, TargetStatus::Failed) if self.unicode => ("✗", Some(Style::Error)),
                    (_, TargetStatus::Failed) => ("x", Some(Style::Error)),
                    _ if self.unicode => ("●", None),
                    _ => ("*", None),
                };
                let rest = match &row.failure {
                    Some(failure) => failure.clone(),
                    None if style.is_some() => String::new(),
                    None => self.at_work(row),
                };
                let id = name(id);
                let pad = " ".repeat(names - id.width());
                Line::plain(" ").with(style, mark).with(None, format!(" {id}{pad}  {event:<16}  {rest}"))
            })
            .collect()
    }

    /// How long the target has been in its event; and its state, where that says more than "in progress".
    fn at_work(&self, row: &Row) -> String {
        let time =
            self.view.time_in_event(row).map(|time| format!("{:>6}", clock::short(time))).unwrap_or_default();
        let slow = self.view.slow(row).map(|times| format!("  slow x{times}")).unwrap_or_default();
        match &row.status {
            TargetStatus::InProgress => time + &slow,
            other => format!("{time}  {}", ui::line(other.as_str())),
        }
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
}

/// A count in words.
struct BarWord {
    style: Option<Style>,
    text: String,
    /// The higher, the sooner it goes where room is short.
    rank: u8,
}

/// The counts in words, the rare ones only where they are not zero.
fn bar_words(counts: &Counts) -> Vec<BarWord> {
    let word = |name: &str, count: u64, rank: u8| {
        (count > 0).then(|| BarWord { style: None, text: format!("{name} {count}"), rank })
    };
    let ok = BarWord { style: None, text: format!("ok {}/{}", counts.ok, counts.total()), rank: 1 };
    let style = (counts.fail > 0).then_some(Style::Error);
    let fail = BarWord { style, text: format!("fail {}", counts.fail), rank: 0 };
    let rest = [
        word("run", counts.run, 2),
        word("pend", counts.pend, 3),
        word("ready", counts.ready, 4),
        word("skip", counts.skip, 5),
    ];
    std::iter::once(ok).chain(rest.into_iter().flatten()).chain([fail]).collect()
}

fn status_style(status: &DeploymentStatus) -> Option<Style> {
    match status {
        DeploymentStatus::Succeeded => Some(Style::Good),
        DeploymentStatus::Failed | DeploymentStatus::Stopped => Some(Style::Error),
        DeploymentStatus::Ready => Some(Style::Warning),
        _ => None,
    }
}

/// Whole seconds, as a duration: a frame that differs by tenths only would flicker.
fn seconds(seconds: u64) -> String {
    if seconds == 0 { "0s".to_owned() } else { clock::short(std::time::Duration::from_secs(seconds)) }
}
