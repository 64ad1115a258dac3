//! One frame of the live view as lines that fit the screen. Pure: the screen's size comes in, nothing is drawn.
//!
//! Exceptions come before progress, every symbol has a word or a heading, and what is hidden is counted.

mod fleet;
mod health;
mod line;
mod panel;
mod share;

use unicode_width::UnicodeWidthStr;

use super::view::View;
use super::words::{first_line, place, plural, short_revision, short_revisions};
use super::{bar, stage};
use crate::clock;
use crate::model::{ComputePlatform, DeploymentStatus};
use crate::ui::{self, Style};
use crate::watch::event::Counts;
use line::Line;
use panel::above;
pub use panel::{Interrupt, Panel};
pub use share::{focus, frames};

/// From this many columns on sentences are whole, and from the second on long ones too.
const WIDE: usize = 76;
const WIDEST: usize = 96;
/// Below this many columns details are dropped; below the second, or that many rows, only the bar is left.
const NARROW: usize = 60;
const BARE: (usize, usize) = (40, 8);
/// The rows of a first cause, which a deployment with fewer rows than the second does not show.
const CAUSE: usize = 2;
const LEAST: usize = 5;
/// The longest bar, and the shortest beside which all words stay.
const WIDEST_BAR: usize = 60;
const SHORTEST_BAR: usize = 8;

/// How a frame is drawn.
#[derive(Clone, Debug)]
pub struct Look {
    pub width: usize,
    pub height: usize,
    pub unicode: bool,
    pub colour: bool,
    /// What keys have asked for, where there are keys.
    pub panel: Option<Panel>,
    /// What ^C does, where that is to be said.
    pub interrupt: Option<Interrupt>,
}

impl Look {
    /// The screen is too small for more than a bar, or a line a deployment.
    fn is_bare(&self) -> bool {
        self.width < BARE.0 || self.height < BARE.1
    }

    /// The rows of a frame: one of the screen's stays free for what follows.
    fn rows(&self) -> usize {
        self.height.saturating_sub(1).max(1)
    }
}

/// The frame of one deployment.
pub fn frame(view: &View, look: &Look) -> Vec<String> {
    let composer = Composer::new(view, look);
    let lines = above(composer.footer(look, false), look.rows(), |rows| composer.part(look, rows));
    lines.iter().map(|line| line.render(look.width, look.unicode, look.colour)).collect()
}

/// What stays of a deployment in the scrollback: the head of its frame.
pub fn last_frame(view: &View, width: usize, unicode: bool, colour: bool) -> Vec<String> {
    let composer = Composer { view, width, unicode };
    let lines = if width < BARE.0 { vec![composer.bar()] } else { composer.head(usize::MAX) };
    lines.iter().map(|line| line.render(width, unicode, colour)).collect()
}

/// The same with what has failed, of a deployment that gives way to its rollback.
pub fn parting_frame(view: &View, width: usize, unicode: bool, colour: bool) -> Vec<String> {
    let mut lines = last_frame(view, width, unicode, colour);
    if width >= BARE.0 {
        let failures = Composer { view, width, unicode }.failures();
        lines.extend(failures.iter().map(|line| line.render(width, unicode, colour)));
    }
    lines
}

struct Composer<'a> {
    view: &'a View,
    width: usize,
    unicode: bool,
}

impl<'a> Composer<'a> {
    fn new(view: &'a View, look: &Look) -> Self {
        Composer { view, width: look.width, unicode: look.unicode }
    }

    /// The deployment in at most `rows` rows of the screen.
    fn part(&self, look: &Look, rows: usize) -> Vec<Line> {
        if look.is_bare() {
            return vec![self.bar()];
        }
        if let Some(panel) = look.panel.as_ref().filter(|panel| panel.is_asked_for()) {
            let head = self.head(usize::MAX).len().min((rows / 3).max(1));
            let below = self.panel(panel, rows - head);
            let mut lines = self.head(rows - below.len());
            lines.extend(below);
            return lines;
        }
        // A first cause comes before progress.
        let kept = if self.failed_at_all() > 0 && rows >= LEAST { CAUSE } else { 0 };
        let mut lines = self.head(rows - kept);
        lines.extend(self.targets(rows - lines.len()));
        lines
    }

    /// What comes before the targets, in at most `room` rows; what there is no room for is counted.
    fn head(&self, room: usize) -> Vec<Line> {
        let one = |line: Option<Line>| line.into_iter().collect::<Vec<_>>();
        let mut title = self.title();
        let mut subtitle = one((self.width >= NARROW).then(|| self.subtitle()));
        let mut bar = one(self.has_bar().then(|| self.bar()));
        let mut trouble = one(self.trouble());
        let mut health = one(self.health());
        let mut zones = if health.is_empty() { Vec::new() } else { self.zones() };
        let mut forecast = one(self.forecast());
        let needed = 1 + bar.len() + trouble.len() + health.len() + forecast.len();
        let all = needed + subtitle.len() + zones.len();
        let (mut stage, _) = self.stage(room.saturating_sub(all));
        let total = all + stage.len();
        let mut hidden = 0;
        if total > room {
            if room < 2 {
                return vec![self.row()];
            }
            let (anew, first) = self.stage(room.saturating_sub(needed + 1));
            stage = anew;
            let mut left = total + 1 - room;
            let mut cut = |lines: &mut Vec<Line>, to: usize| {
                let gone = left.min(lines.len().saturating_sub(to));
                lines.truncate(lines.len() - gone);
                left -= gone;
                gone
            };
            hidden = cut(&mut subtitle, 0) + cut(&mut zones, 0) + cut(&mut stage, first);
            hidden += cut(&mut forecast, 0) + cut(&mut health, 0);
            // What the bar says its words say too.
            if cut(&mut bar, 0) > 0 {
                title = self.row();
            }
            hidden += cut(&mut stage, 0) + cut(&mut trouble, 0);
        }
        let mut lines = vec![title];
        for part in [subtitle, bar, trouble, health, zones, forecast, stage] {
            lines.extend(part);
        }
        if hidden > 0 {
            let dots = if self.unicode { "…" } else { "..." };
            let text = format!("   {dots} {}", plural(hidden as u64, "more line"));
            lines.push(Line::default().with(Some(Style::Dim), text));
        }
        lines
    }

    /// What is told below the bar, and how many of its lines are about what comes next.
    fn stage(&self, room: usize) -> (Vec<Line>, usize) {
        let (lines, first) = stage::lines(self.view, self.width, self.unicode, room);
        (lines.into_iter().map(Line::plain).collect(), first)
    }

    /// A function, a service and a stack are one target, of which its own lines tell.
    fn has_bar(&self) -> bool {
        let platform = self.view.deployment.as_ref().and_then(|deployment| deployment.platform.as_ref());
        let one =
            self.view.is_single() || platform.is_some_and(|platform| *platform != ComputePlatform::Server);
        !one || self.view.counts().is_some()
    }

    /// The deployment in one line. What there is no room for is left out whole.
    fn row(&self) -> Line {
        let mut parts = vec![BarWord { style: Some(Style::Strong), text: self.view.name(), rank: 0 }];
        let mut part = |style: Option<Style>, text: String, rank: u8| {
            if !text.is_empty() {
                parts.push(BarWord { style, text, rank });
            }
        };
        match &self.view.deployment {
            None => part(None, "waiting for a first answer".to_owned(), 1),
            Some(deployment) => {
                let place = place(deployment.application.as_deref(), deployment.group.as_deref());
                part(None, place, 10);
                part(status_style(&deployment.status), ui::line(deployment.status.as_str()), 1);
                part(None, self.view.elapsed().map(clock::whole).unwrap_or_default(), 9);
            }
        }
        let rolls_back = self.view.rolls_back();
        part(Some(Style::Warning), rolls_back.map(|_| "a rollback".to_owned()).unwrap_or_default(), 8);
        part(None, stage::moved(self.view).unwrap_or_default(), 2);
        let counts = self.view.counts().filter(|counts| counts.total() > 0);
        for word in counts.iter().flat_map(bar_words) {
            part(word.style, word.text, word.rank + 2);
        }
        let mut line = Line::default();
        for (index, word) in fitting(parts, 0, self.width).into_iter().enumerate() {
            line = line.with(None, if index > 0 { "  " } else { "" }).with(word.style, word.text);
        }
        line
    }

    fn title(&self) -> Line {
        let mut line = Line::default().with(Some(Style::Strong), self.view.name());
        if let Some(deployment) = &self.view.deployment {
            let word = if self.width >= NARROW { " elapsed" } else { "" };
            let elapsed = self.view.elapsed().map(|elapsed| format!("  {}{word}", clock::whole(elapsed)));
            let (status, elapsed) = (ui::line(deployment.status.as_str()), elapsed.unwrap_or_default());
            let place = place(deployment.application.as_deref(), deployment.group.as_deref());
            // Where room is short the state matters more than the group.
            let needs = self.view.name().width() + status.width() + elapsed.width() + place.width() + 4;
            if !place.is_empty() && (self.width >= NARROW || needs <= self.width) {
                line = line.with(None, format!("  {place}"));
            }
            line = line.with(None, "  ").with(status_style(&deployment.status), status).with(None, elapsed);
        } else {
            line = line.with(None, "  waiting for a first answer");
        }
        if let Some(original) = self.view.rolls_back() {
            line = line.with(Some(Style::Warning), format!("  rolls back {}", ui::line(original)));
        }
        line
    }

    /// What is deployed, how, by whom, and how old that is; what there is no room for is left out whole.
    fn subtitle(&self) -> Line {
        let Some(deployment) = &self.view.deployment else { return Line::default() };
        let before = deployment.previous_revision.as_deref();
        let before = before.filter(|before| deployment.revision.as_deref() != Some(*before));
        let (revision, was) = match (deployment.revision.as_deref(), before) {
            (Some(revision), Some(before)) => {
                let (now, before) = short_revisions(revision, before);
                (Some(now), Some(format!("(was {before})")))
            }
            (revision, _) => (revision.map(short_revision), None),
        };
        let config = deployment.config.as_deref();
        let config =
            config.map(|config| ui::line(config.strip_prefix("CodeDeployDefault.").unwrap_or(config)));
        let creator = deployment.creator.as_ref().map(|creator| format!("by {}", ui::line(creator.as_str())));
        let age = self.view.answer_age.filter(|_| !deployment.status.is_terminal());
        let age = age.map(|age| format!("as of {} ago", clock::whole(age)));
        let mut parts = [revision, was, config, creator, age];
        let text = |parts: &[Option<String>]| {
            parts
                .iter()
                .flatten()
                .map(String::as_str)
                .collect::<Vec<_>>()
                .join("  ")
                .replace("  (was", " (was")
        };
        for least in [3, 2, 1, 0] {
            if text(&parts).width() <= self.width {
                break;
            }
            parts[least] = None;
        }
        Line::default().with(Some(Style::Dim), text(&parts))
    }

    /// How many targets have failed.
    fn failed_at_all(&self) -> u64 {
        self.view.counts().map_or(0, |counts| counts.fail).max(self.view.failures())
    }

    fn bar(&self) -> Line {
        let Some(counts) = self.view.counts().filter(|counts| counts.total() > 0) else {
            let status =
                self.view.status().map_or_else(|| "waiting".to_owned(), |status| ui::line(status.as_str()));
            return Line::plain(
                match (stage::progress(self.view, self.width, self.unicode), self.has_bar()) {
                    (Some(progress), _) => progress,
                    (None, true) => format!("[no targets yet]  {status}"),
                    (None, false) => status,
                },
            );
        };
        let words = fitting(bar_words(&counts), 4 + SHORTEST_BAR, self.width);
        let taken = words.iter().map(|word| word.text.width() + 2).sum::<usize>() + 2;
        let cells = self.width.saturating_sub(taken).clamp(1, WIDEST_BAR);
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
            Some(age) => format!("; as of {} ago", clock::whole(age)),
            None => String::new(),
        };
        let error =
            api.error.as_deref().map(|error| format!(": {}", first_line(error, 200))).unwrap_or_default();
        Some(
            Line::default().with(Some(Style::Warning), format!("api      {}{age}{error}", api.state.words())),
        )
    }

    /// When the fleet will be done, from the times that its hosts took.
    fn forecast(&self) -> Option<Line> {
        let (least, most) = self.view.forecast()?;
        let text = match self.width >= WIDE {
            true => format!(
                "forecast done between {} and {} (in {} to {})",
                stage::time_of_day(least),
                stage::time_of_day(most),
                clock::whole(clock::between(self.view.now, least)),
                clock::whole(clock::between(self.view.now, most))
            ),
            false => format!("forecast {}..{}", stage::time_of_day(least), stage::time_of_day(most)),
        };
        Some(Line::plain(text))
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

/// The words that fit beside so many columns, two of them between each two; the first that go are those of the highest
/// rank.
fn fitting(mut words: Vec<BarWord>, beside: usize, width: usize) -> Vec<BarWord> {
    let taken = |words: &[BarWord]| words.iter().map(|word| word.text.width() + 2).sum::<usize>();
    while beside + taken(&words) > width + 2
        && let Some(least) = (0..words.len()).max_by_key(|index| words[*index].rank)
        && words.len() > 1
    {
        words.remove(least);
    }
    words
}

fn status_style(status: &DeploymentStatus) -> Option<Style> {
    match status {
        DeploymentStatus::Succeeded => Some(Style::Good),
        DeploymentStatus::Failed | DeploymentStatus::Stopped => Some(Style::Error),
        DeploymentStatus::Ready => Some(Style::Warning),
        _ => None,
    }
}
