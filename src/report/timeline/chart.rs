//! Bars and areas as SVG. Every place and size is a number made here; names come escaped.

use std::fmt::Write;

use jiff::Timestamp;

use super::html::escaped;
use super::{Bar, Timeline};
use crate::clock;
use crate::model::{EventName, EventStatus, TargetStatus};
use crate::watch::event::Phase;

/// The width of a bar's coordinates.
const WIDTH: f64 = 1000.0;
/// The columns of the area, and its height.
const COLUMNS: u32 = 120;
const HEIGHT: f64 = 100.0;
/// Colours of phases, as many as a host behind a load balancer has; later ones begin again.
pub const COLOURS: usize = 13;

/// What all bars of a page share: the time line and the colours.
pub struct Scale<'a> {
    start: Timestamp,
    end: Timestamp,
    now: Timestamp,
    phases: Vec<&'a EventName>,
}

impl<'a> Scale<'a> {
    pub fn of(timeline: &'a Timeline) -> Self {
        let (start, end) = timeline.span();
        Scale { start, end, now: timeline.as_of.max(start).min(end), phases: timeline.phases() }
    }

    /// 0 to 1.
    fn at(&self, time: Timestamp) -> f64 {
        let whole = clock::between(self.start, self.end).as_secs_f64();
        if whole <= 0.0 { 0.0 } else { (clock::between(self.start, time).as_secs_f64() / whole).min(1.0) }
    }

    fn colour(&self, name: &EventName) -> usize {
        self.phases.iter().position(|known| *known == name).unwrap_or(0) % COLOURS
    }

    /// The class of a phase's rectangle.
    fn class(&self, phase: &Phase) -> String {
        match phase.status {
            EventStatus::Failed => "bad".to_owned(),
            EventStatus::InProgress => format!("p{} open", self.colour(&phase.name)),
            _ => format!("p{}", self.colour(&phase.name)),
        }
    }

    /// Which colour is which phase.
    pub fn legend(&self) -> String {
        let mut html = String::from("<ul class=\"legend\">");
        for name in &self.phases {
            let _ = write!(
                html,
                "<li><svg viewBox=\"0 0 10 10\" aria-hidden=\"true\"><rect class=\"p{}\" width=\"10\" height=\"10\"/></svg>{}</li>",
                self.colour(name),
                escaped(name.as_str())
            );
        }
        for (class, what) in [("wait", "between two phases"), ("bad", "failed")] {
            let _ = write!(
                html,
                "<li><svg viewBox=\"0 0 10 10\" aria-hidden=\"true\"><rect class=\"{class}\" width=\"10\" height=\"10\"/></svg>{what}</li>"
            );
        }
        html + "</ul>"
    }

    /// The times that go with bars.
    pub fn axis(&self) -> String {
        let whole = clock::between(self.start, self.end);
        let mut html = String::from("<div class=\"axis\" aria-hidden=\"true\">");
        for quarter in 0..=4_u32 {
            let time = if quarter == 0 { "0s".to_owned() } else { clock::short(whole * quarter / 4) };
            let _ = write!(html, "<span>{time}</span>");
        }
        html + "</div>"
    }

    /// One target from left to right.
    pub fn bar(&self, bar: &Bar) -> String {
        let mut words = Vec::new();
        let mut shapes = String::new();
        for phase in &bar.phases {
            let Some(start) = phase.start else { continue };
            let end =
                phase.end.unwrap_or(if phase.status == EventStatus::InProgress { self.now } else { start });
            let (x, to) = (self.at(start) * WIDTH, self.at(end) * WIDTH);
            let words_of =
                format!("{} {} {}", phase.name, phase.status, clock::short(clock::between(start, end)));
            let _ = write!(
                shapes,
                "<rect class=\"{}\" x=\"{x:.1}\" width=\"{:.1}\" height=\"10\"><title>{}</title></rect>",
                self.class(phase),
                // What took no time is still seen.
                (to - x).max(1.5),
                escaped(&words_of)
            );
            words.push(words_of);
        }
        let label = if words.is_empty() { bar.status.as_str().to_owned() } else { words.join(", ") };
        format!(
            "<svg class=\"bar\" viewBox=\"0 0 1000 10\" preserveAspectRatio=\"none\" role=\"img\" aria-label=\"{}\">{shapes}</svg>",
            escaped(&label)
        )
    }

    /// How many targets were where at each moment: what is done below, then the phases, what failed on top.
    pub fn area(&self, bars: &[Bar]) -> String {
        let mut shapes = String::new();
        let total = bars.len().max(1) as f64;
        for column in 0..COLUMNS {
            let moment =
                clock::between(self.start, self.end).mul_f64(f64::from(column) / f64::from(COLUMNS - 1));
            let time = self.start.checked_add(moment).unwrap_or(self.end);
            let mut counts = vec![0_u32; COLOURS];
            let (mut done, mut bad, mut between) = (0_u32, 0_u32, 0_u32);
            for bar in bars {
                match self.place(bar, time) {
                    Place::Waiting => {}
                    Place::In(colour) => counts[colour] += 1,
                    Place::Between => between += 1,
                    Place::Done => done += 1,
                    Place::Failed => bad += 1,
                }
            }
            let layers = std::iter::once(("done".to_owned(), done))
                .chain(counts.into_iter().enumerate().map(|(colour, count)| (format!("p{colour}"), count)))
                .chain([("wait".to_owned(), between), ("bad".to_owned(), bad)]);
            let mut below = HEIGHT;
            for (class, count) in layers.filter(|(_, count)| *count > 0) {
                let height = f64::from(count) / total * HEIGHT;
                below -= height;
                let _ = write!(
                    shapes,
                    "<rect class=\"{class}\" x=\"{column}\" y=\"{below:.2}\" width=\"1.05\" height=\"{height:.2}\"/>"
                );
            }
        }
        format!(
            "<svg class=\"area\" viewBox=\"0 0 {COLUMNS} 100\" preserveAspectRatio=\"none\" shape-rendering=\"crispEdges\" role=\"img\" \
             aria-label=\"How many of {} targets were in which phase over time\">{shapes}</svg>",
            bars.len()
        )
    }

    fn place(&self, bar: &Bar, time: Timestamp) -> Place {
        let mut place = Place::Waiting;
        for phase in &bar.phases {
            let Some(start) = phase.start.filter(|start| *start <= time) else { continue };
            let ended = phase.end.or((phase.status != EventStatus::InProgress).then_some(start));
            place = match ended.filter(|end| *end <= time) {
                Some(_) if phase.status == EventStatus::Failed => return Place::Failed,
                Some(end) if end < time => Place::Between,
                _ => Place::In(self.colour(&phase.name)),
            };
        }
        let over = bar.phases.iter().filter_map(|phase| phase.end).max().is_some_and(|end| end <= time);
        match bar.status {
            TargetStatus::Succeeded if over => Place::Done,
            TargetStatus::Failed if over => Place::Failed,
            _ => place,
        }
    }
}

/// Where a target is at a moment.
enum Place {
    Waiting,
    /// In a phase, by its colour.
    In(usize),
    /// It waits for its next phase.
    Between,
    Done,
    Failed,
}
