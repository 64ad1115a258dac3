//! One frame of the live view as lines that fit the screen. Pure: the screen's size comes in, nothing is drawn.
//!
//! Exceptions come before progress, every symbol has a word or a heading, and what is hidden is counted.

mod fleet;
mod line;
mod panel;

use unicode_width::UnicodeWidthStr;

use super::view::View;
use super::words::{first_line, flowed, place, plural, short_revision, short_revisions};
use super::{bar, stage};
use crate::clock;
use crate::model::{DeploymentStatus, MinimumHealthyHosts};
use crate::ui::{self, Style};
use crate::watch::event::Counts;
use crate::watch::forecast;
use line::Line;
pub use panel::Panel;

/// From this many columns on sentences are whole, and from the second on long ones too.
const WIDE: usize = 76;
const WIDEST: usize = 96;
/// Below this many columns details are dropped; below the second, or that many rows, only the bar is left.
const NARROW: usize = 60;
const BARE: (usize, usize) = (40, 8);
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
}

/// The frame of one deployment; one row stays free for what follows.
pub fn frame(view: &View, look: &Look) -> Vec<String> {
    let &Look { width, height, unicode, colour, .. } = look;
    let composer = Composer { view, width, unicode };
    let mut lines = composer.head(height, height.saturating_sub(1));
    if width >= BARE.0 && height >= BARE.1 {
        let room = height.saturating_sub(1 + lines.len());
        lines.extend(match &look.panel {
            Some(panel) => composer.panel(panel, room),
            None => composer.targets(room),
        });
    }
    lines.truncate(height.saturating_sub(1).max(1));
    lines.iter().map(|line| line.render(width, unicode, colour)).collect()
}

/// The deployment that keys are about: the first that goes on.
pub fn focus(views: &[View]) -> usize {
    let goes_on = |view: &View| !view.status().is_some_and(DeploymentStatus::is_terminal);
    views.iter().position(goes_on).unwrap_or(0)
}

/// The frames of several deployments, one above the other in equal parts of the screen.
pub fn frames(views: &[View], look: &Look) -> Vec<String> {
    if let [view] = views {
        return frame(view, look);
    }
    let room = look.height.saturating_sub(1).max(1);
    let shown = views.len().min(if views.len() > room { room.saturating_sub(1).max(1) } else { room });
    // What goes on comes before what has ended.
    let ended = |(_, view): &(usize, &View)| view.status().is_some_and(DeploymentStatus::is_terminal);
    let all = || views.iter().enumerate();
    let ordered: Vec<_> = all().filter(|view| !ended(view)).chain(all().filter(ended)).take(shown).collect();
    let focus = focus(views);
    let looks = |index: usize| Look { panel: look.panel.clone().filter(|_| index == focus), ..look.clone() };
    // Each has what it needs, as far as that is not more than its part of what the others leave.
    let mut needs: Vec<_> =
        ordered.iter().map(|(index, view)| (*index, frame(view, &looks(*index)).len())).collect();
    needs.sort_by_key(|(_, rows)| *rows);
    let (mut left, mut rows) = (room - usize::from(shown < views.len()), vec![0; views.len()]);
    for (place, (index, wanted)) in needs.iter().enumerate() {
        rows[*index] = (*wanted).min(left / (shown - place)).max(1);
        left = left.saturating_sub(rows[*index]);
    }
    // A frame leaves one row free, which its neighbour may have.
    let mut lines: Vec<_> = ordered
        .iter()
        .flat_map(|(index, view)| frame(view, &Look { height: rows[*index] + 1, ..looks(*index) }))
        .collect();
    if shown < views.len() && lines.len() < room {
        let more = format!("   {}", plural((views.len() - shown) as u64, "more deployment"));
        lines.push(Line::plain(more).render(look.width, look.unicode, look.colour));
    }
    lines
}

/// What stays of a deployment in the scrollback: the head of its frame.
pub fn last_frame(view: &View, width: usize, unicode: bool, colour: bool) -> Vec<String> {
    let composer = Composer { view, width, unicode };
    composer.head(BARE.1, usize::MAX).iter().map(|line| line.render(width, unicode, colour)).collect()
}

struct Composer<'a> {
    view: &'a View,
    width: usize,
    unicode: bool,
}

impl Composer<'_> {
    /// What comes before the targets on a screen of so many rows, of which it may have `room`.
    fn head(&self, height: usize, room: usize) -> Vec<Line> {
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
        let health = self.health();
        if health.is_some() {
            lines.extend(health);
            lines.extend(self.zones());
        }
        lines.extend(self.forecast());
        if !self.view.status().is_some_and(DeploymentStatus::is_terminal) {
            let room = room.saturating_sub(lines.len());
            let stage = stage::lines(self.view, self.width, self.unicode, room);
            lines.extend(stage.into_iter().map(Line::plain));
        }
        lines
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
            Some(age) => format!("; as of {} ago", clock::whole(age)),
            None => String::new(),
        };
        let error =
            api.error.as_deref().map(|error| format!(": {}", first_line(error, 200))).unwrap_or_default();
        Some(
            Line::default().with(Some(Style::Warning), format!("api      {}{age}{error}", api.state.words())),
        )
    }

    /// What minimum healthy hosts still allow.
    fn health(&self) -> Option<Line> {
        let minimum = self.view.deployment.as_ref()?.minimum_healthy?;
        let counts = self.view.replacement().or(self.view.counts())?;
        let total = counts.total();
        let over = self.view.status().is_some_and(DeploymentStatus::is_terminal);
        let open = |counts: Counts| counts.run + counts.pend + counts.ready;
        // Of two fleets, the original goes after the replacement.
        let done = open(counts) == 0 && self.view.counts().is_none_or(|all| open(all) == 0);
        if (over || done) && counts.fail == 0 {
            return None;
        }
        let narrow = self.width < NARROW;
        let zone = self.zone_minimum();
        let green = if self.view.replacement().is_some() { " green" } else { "" };
        let text = match self.width {
            WIDEST.. if zone.is_none() => {
                format!("health   at least {minimum} of {total}{green} must stay healthy")
            }
            NARROW.. => format!("health   min {minimum} of {total}{green}"),
            _ => format!("health   min {minimum}/{total}"),
        };
        // The bar says it too.
        let failed = match counts.fail {
            0 => String::new(),
            _ if narrow => String::new(),
            failed => format!("; {failed} failed"),
        };
        let fatal = match zone {
            Some(zone) => forecast::fatal_at_the_latest(&counts, minimum, zone),
            None => forecast::fatal(&counts, minimum),
        };
        let (style, rest) = match fatal {
            _ if over => (None, String::new()),
            None if green.is_empty() && narrow => (None, "; none can stop it".to_owned()),
            None if green.is_empty() => (None, "; no further failure can stop it".to_owned()),
            // Source: AWS user guide, "Minimum healthy instances": original hosts have no minimum.
            None if narrow => (None, "; a blue failure ends it".to_owned()),
            None => (None, "; an original that fails ends it".to_owned()),
            Some(0) => (Some(Style::Error), "; too few are left".to_owned()),
            Some(1) if narrow => (Some(Style::Warning), "; the next stops it".to_owned()),
            Some(1) => (Some(Style::Warning), "; the next failure stops it".to_owned()),
            Some(last) if narrow && zone.is_some() => (None, format!("; stops by {last} more")),
            Some(last) if narrow => (None, format!("; stops at {last} more")),
            Some(last) if zone.is_some() => {
                (None, format!("; the {} further failure stops it at the latest", ordinal(last)))
            }
            Some(last) => (None, format!("; the {} further failure stops it", ordinal(last))),
        };
        Some(Line::plain(text + &failed).with(style, rest))
    }

    /// What each zone must keep beside it.
    fn zone_minimum(&self) -> Option<MinimumHealthyHosts> {
        self.view.deployment.as_ref()?.zonal?.minimum
    }

    /// Why the failures that are still allowed are no more than that: which hosts are in a zone is nowhere told.
    fn zones(&self) -> Vec<Line> {
        let over = self.view.status().is_none_or(DeploymentStatus::is_terminal);
        let Some(minimum) = self.zone_minimum().filter(|_| !over && self.width >= NARROW) else {
            return Vec::new();
        };
        let of_each = match minimum {
            MinimumHealthyHosts::Percent(percent) => format!("min {percent}% of each zone"),
            MinimumHealthyHosts::Count(count) => format!("min {count} of each zone"),
            MinimumHealthyHosts::Concurrency(count) => format!("all but {count} of each zone"),
        };
        let text = format!("{of_each}; the API does not tell which hosts are in one, so it may stop sooner");
        flowed("zones    ", &text, self.width).into_iter().map(Line::plain).collect()
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

fn status_style(status: &DeploymentStatus) -> Option<Style> {
    match status {
        DeploymentStatus::Succeeded => Some(Style::Good),
        DeploymentStatus::Failed | DeploymentStatus::Stopped => Some(Style::Error),
        DeploymentStatus::Ready => Some(Style::Warning),
        _ => None,
    }
}

/// `1st`, `2nd`, `3rd`, `11th`
fn ordinal(number: u64) -> String {
    let ending = match (number % 100, number % 10) {
        (11..=13, _) => "th",
        (_, 1) => "st",
        (_, 2) => "nd",
        (_, 3) => "rd",
        _ => "th",
    };
    format!("{number}{ending}")
}
