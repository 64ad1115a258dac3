//! The last word of a watch, the same on a terminal and in CI: the verdict, why, the causes once each with their
//! hosts and the end of a log, what the fleet runs now, and what to do next. At most sixty lines.

use std::io::Write;

use super::words::{
    BETWEEN, bare_message, bare_revision, flowed, line, names, place, plural, reference, short_revisions,
};
use super::{Closed, Reporter, hints, running, why};
use crate::clock;
use crate::model::{Creator, DeploymentStatus, Serving};
use crate::ui::{self, Screen, Stream, Style, columns};
use crate::watch::causes::Cause;
use crate::watch::event::{Event, Report, Stamped};

/// Causes with a paragraph of their own, and lines of log of each: the first ones have more, and all together leave
/// room for the rest in sixty lines.
const CAUSES: usize = 5;
const TAIL: [usize; CAUSES] = [8, 4, 2, 1, 1];
/// Lines of log of the rollback's first cause.
const ROLLBACK_TAIL: usize = 3;
/// Columns of a sentence, and its lines at most.
const SENTENCE: usize = 120;
const SENTENCES: usize = 4;
/// Characters of a line of log.
const WIDEST: usize = 200;
/// What stands before a line of log, and the columns of a label.
const LOG: &str = "       ";
const LABEL: usize = 10;

/// Writes the summary to stderr; none where nobody listens, and none of a watch that the service refused, which
/// the command's error tells.
pub struct Summary {
    out: Stream,
    unicode: bool,
    colour: bool,
    /// Nothing is written before the end.
    last: bool,
    held: String,
    /// The terminal whose width long lines keep to.
    screen: Option<Screen>,
}

impl Summary {
    pub fn new(err: Stream, unicode: bool, colour: bool) -> Self {
        Summary { out: err, unicode, colour, last: false, held: String::new(), screen: None }
    }

    /// One that says nothing before the end: a live view has the screen until then.
    pub fn at_the_end(self) -> Self {
        Summary { last: true, ..self }
    }

    /// One whose long lines are folded for a terminal, so that it breaks none in the middle of a word.
    pub fn folded(self, screen: Option<Screen>) -> Self {
        Summary { screen, ..self }
    }

    fn write(&mut self) {
        // Nobody may be reading; the exit code says it too.
        let text = std::mem::take(&mut self.held);
        let _ = self.out.write_all(text.as_bytes()).and_then(|()| self.out.flush());
    }
}

impl Reporter for Summary {
    fn event(&mut self, stamped: &Stamped) -> Result<(), Closed> {
        let Event::Result(report) = &stamped.event else { return Ok(()) };
        if !matches!(report.outcome.as_str(), "closed" | "error") {
            let id = &stamped.deployment;
            let lines = match self.screen.as_ref().map(|screen| screen.size().0.into()) {
                Some(width) => folded(composed(id, report, self.unicode, self.colour, width), width),
                None => compose(id, report, self.unicode, self.colour),
            };
            if !self.held.is_empty() {
                self.held.push('\n');
            }
            self.held.extend(lines.into_iter().flat_map(|line| [line, "\n".to_owned()]));
        }
        if !self.last {
            self.write();
        }
        Ok(())
    }

    fn end(&mut self) {
        self.write();
    }
}

/// The summary of deployment `id`, line by line.
pub fn compose(id: &str, report: &Report, unicode: bool, colour: bool) -> Vec<String> {
    composed(id, report, unicode, colour, usize::MAX)
}

/// As [`compose`], for `width` columns of which its sentences make use.
fn composed(id: &str, report: &Report, unicode: bool, colour: bool, width: usize) -> Vec<String> {
    let mut lines = vec![verdict(id, report, unicode, colour)];
    let beside = width.saturating_sub(LABEL);
    lines.extend(entries("why", why::of_report(report).iter().flat_map(|why| whole(&line(why), beside))));
    lines.extend(entries("message", report.messages.iter().take(3).map(|message| clip(&line(message)))));
    let hint = report.error.as_ref().and_then(hints::of_error).filter(|_| split(report).is_none());
    lines.extend(hint.map(|hint| entry("hint", hint)));
    let named = reference(id, report.region.as_deref());
    let hosts = report.serving == Serving::Unsaid;
    lines.extend(causes(&named, report, hosts));
    lines.extend(rollback(report, hosts));
    let label = if hosts { "fleet" } else { "traffic" };
    lines.extend(entries(label, running::lines(report)));
    lines.extend(split(report).map(|(hint, _)| entry("hint", hint)));
    lines.extend(entries("next", commands(id, report)));
    lines
}

/// Lines for a terminal of so many columns: sentences go on below their beginning. A log and commands stay as they are,
/// because they are copied.
fn folded(lines: Vec<String>, width: usize) -> Vec<String> {
    let commands = lines.iter().position(|line| line.starts_with("next ")).unwrap_or(lines.len());
    let fold = |(index, line): (usize, String)| {
        let space = line.len() - line.trim_start().len();
        let is_kept = index >= commands || space == LOG.len();
        if is_kept || columns(&line) <= width {
            return vec![line];
        }
        let below = match line.trim_start().chars().next() {
            _ if space == LABEL => LABEL,
            Some(first) if space == 0 && first.is_ascii_lowercase() => LABEL,
            Some(first) if first.is_ascii_digit() => LOG.len() - 2,
            _ => space + 2,
        };
        let (begun, rest) = line.split_at(space);
        let mut folded = vec![begun.to_owned()];
        let mut empty = true;
        for word in rest.split(' ') {
            let Some(last) = folded.last_mut() else { break };
            if !empty && columns(last) + 1 + columns(word) > width && !word.is_empty() {
                last.truncate(last.trim_end().len());
                folded.push(" ".repeat(below) + word);
            } else {
                last.push_str(if empty { "" } else { " " });
                last.push_str(word);
            }
            empty = false;
        }
        folded
    };
    lines.into_iter().enumerate().flat_map(fold).collect()
}

/// How it ended, in words.
pub fn ending(report: &Report) -> (Style, String) {
    let failed = report
        .counts
        .map_or(0, |counts| counts.fail)
        .max(report.causes.iter().map(|cause| cause.count).sum());
    let total = report.counts.map_or(failed, |counts| counts.total());
    match report.outcome.as_str() {
        "succeeded" => (Style::Good, "SUCCEEDED".to_owned()),
        "reached" => (Style::Good, "REACHED the point; the deployment goes on".to_owned()),
        "reached_with_failures" if report.exit == 0 => {
            (Style::Warning, format!("REACHED the point with {failed} of {} failed", plural(total, "target")))
        }
        "reached_with_failures" => (
            Style::Error,
            format!(
                "FAILED: {failed} of {} failed before the point, and all were required",
                plural(total, "target")
            ),
        ),
        "ready" => (Style::Warning, "READY: the deployment waits for an action".to_owned()),
        "succeeded_with_failures" if report.exit == 0 => {
            (Style::Warning, format!("SUCCEEDED with {failed} of {} failed", plural(total, "target")))
        }
        "succeeded_with_failures" => (
            Style::Error,
            format!("FAILED: {failed} of {} failed, all were required", plural(total, "target")),
        ),
        "failed" => (Style::Error, "FAILED".to_owned()),
        "failed_rolled_back" => (Style::Error, "FAILED, rolled back".to_owned()),
        "failed_rollback_failed" => (Style::Error, "FAILED, and so did its rollback".to_owned()),
        "stopped" => (Style::Error, "STOPPED".to_owned()),
        "stopped_rolled_back" => (Style::Error, "STOPPED, rolled back".to_owned()),
        "stopped_rollback_failed" => (Style::Error, "STOPPED, and its rollback failed".to_owned()),
        "stopped_by_alarm" => (Style::Error, "STOPPED by an alarm".to_owned()),
        "alarm_rolled_back" => (Style::Error, "STOPPED by an alarm, rolled back".to_owned()),
        "alarm_rollback_failed" => (Style::Error, "STOPPED by an alarm, and its rollback failed".to_owned()),
        "detached" if report.rollback.is_some() => {
            (Style::Warning, "DETACHED; the rollback continues".to_owned())
        }
        "timed_out" => {
            let left = report.reason.as_deref().map_or("the deployment goes on".to_owned(), line);
            (Style::Warning, format!("TIMED OUT; {left}"))
        }
        "detached" => {
            let ended = report.status.as_ref().filter(|status| status.is_terminal());
            let left = match (ended, &report.reason) {
                (Some(status), _) => format!("the deployment has ended: {}", line(status.as_str())),
                (None, Some(reason)) => line(reason),
                (None, None) => "the deployment continues".to_owned(),
            };
            (Style::Warning, format!("DETACHED; {left}"))
        }
        "unknown" => (Style::Warning, "UNKNOWN outcome".to_owned()),
        _ => (Style::Error, "ERROR".to_owned()),
    }
}

fn verdict(id: &str, report: &Report, unicode: bool, colour: bool) -> String {
    let (style, words) = ending(report);
    let mark = match (style, unicode) {
        (Style::Good, true) => "✓",
        (Style::Good, false) => "+",
        (Style::Warning, _) => "!",
        (_, true) => "✗",
        (_, false) => "x",
    };
    let mut text = style.paint(&format!("{mark} {words}"), colour);
    for part in [
        line(id),
        report.region.as_deref().map(line).unwrap_or_default(),
        place(report.application.as_deref(), report.group.as_deref()),
        report.revision.as_deref().map(bare_revision).unwrap_or_default(),
        took(report),
    ] {
        if !part.is_empty() {
            text.push_str("  ");
            text.push_str(&part);
        }
    }
    text
}

/// How long the deployment took, or how long ago it began where it goes on.
fn took(report: &Report) -> String {
    let over = report.status.as_ref().is_none_or(DeploymentStatus::is_terminal);
    let word = |time: String| if over { format!("after {time}") } else { format!("{time} since its start") };
    report.duration().map(|duration| word(clock::short(duration))).unwrap_or_default()
}

fn causes(named: &str, report: &Report, hosts: bool) -> Vec<String> {
    let (causes, not_read) = (&report.causes, report.failures_not_read);
    let mut lines = Vec::new();
    for (index, (cause, tail)) in causes.iter().zip(TAIL).enumerate() {
        lines.extend(self::cause(index + 1, cause, tail, hosts));
    }
    let rest = causes.get(CAUSES..).unwrap_or_default();
    if !rest.is_empty() {
        let targets = rest.iter().map(|cause| cause.count).sum();
        let more = plural(rest.len() as u64, "more cause");
        lines.push(format!("     {more}, {}: cdctl deploy targets {named}", plural(targets, "target")));
    }
    if not_read > 0 {
        let noun = if causes.is_empty() { "failed target" } else { "more failed target" };
        lines.push(format!("     {} not read: cdctl deploy targets {named}", plural(not_read, noun)));
    }
    lines
}

fn cause(number: usize, cause: &Cause, tail: usize, hosts: bool) -> Vec<String> {
    let event = cause.event.as_ref().map_or(BETWEEN, |event| event.as_str());
    let parts = [line(event), line(&cause.error), line(&cause.script)];
    let what: Vec<_> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    let first = cause.first.map(|first| format!("  first {first:.0}")).unwrap_or_default();
    let mut lines = vec![format!("{number:>3}  {}x  {}{first}", cause.count, what.join("  "))];
    if !cause.message.trim().is_empty() {
        lines.push(format!("     {}", clip(&line(bare_message(&cause.message)))));
    }
    lines.push(format!("     on {}", names(&cause.targets, 8)));
    lines.extend(hints::of_cause(cause, hosts).map(|hint| format!("     hint: {hint}")));
    let log = ui::defuse(&cause.log_tail.replace("\r\n", "\n"));
    let log: Vec<_> = log.lines().map(str::trim_end).filter(|line| !line.is_empty()).collect();
    let hidden = log.len().saturating_sub(tail);
    if hidden > 0 {
        lines.push(format!("{LOG}[{} before]", plural(hidden as u64, "line")));
    }
    lines.extend(log[hidden..].iter().map(|line| format!("{LOG}{}", clip(&line.replace('\t', "    ")))));
    lines
}

fn rollback(report: &Report, hosts: bool) -> Vec<String> {
    let Some(id) = &report.rollback else { return Vec::new() };
    let mut lines = match &report.rollback_status {
        None => vec![entry("rollback", &format!("{} (automatic), not watched", line(id)))],
        Some(status) => {
            let counts = report.rollback_counts.map(|counts| format!(" {}/{}", counts.ok, counts.total()));
            let text =
                format!("{} {}{} (automatic)", line(id), line(status.as_str()), counts.unwrap_or_default());
            vec![entry("rollback", &text)]
        }
    };
    if let Some(first) = report.rollback_causes.first() {
        lines.extend(cause(1, first, ROLLBACK_TAIL, hosts));
        let rest = report.rollback_causes.len() as u64 - 1;
        if rest > 0 {
            let named = reference(id, report.region.as_deref());
            lines.push(format!("     {}: cdctl deploy targets {named}", plural(rest, "more cause")));
        }
    }
    lines
}

/// What to do about a function whose alias the deployment has left on two versions, once it is over.
fn split(report: &Report) -> Option<(&'static str, String)> {
    let over = report.status.as_ref().is_some_and(DeploymentStatus::is_terminal);
    let rolling = report.rollback.is_some()
        && !report.rollback_status.as_ref().is_some_and(DeploymentStatus::is_terminal);
    hints::of_serving(&report.serving).filter(|_| over && !rolling)
}

/// What to type next.
pub fn commands(id: &str, report: &Report) -> Vec<String> {
    let place = place(report.application.as_deref(), report.group.as_deref());
    let named = |id: &str| reference(id, report.region.as_deref());
    if id.is_empty() {
        let listed = report.exit != 0 && !place.is_empty();
        return listed.then(|| format!("cdctl deploy list {}", named(&place))).into_iter().collect();
    }
    let watch = |id: &str| format!("cdctl deploy watch {}", named(id));
    let rollback = report.rollback.as_deref();
    let rolling =
        rollback.filter(|_| !report.rollback_status.as_ref().is_some_and(DeploymentStatus::is_terminal));
    let ready = report.status == Some(DeploymentStatus::Ready);
    let go_on = (ready || report.termination_wait).then(|| format!("cdctl deploy continue {}", named(id)));
    let mut commands = Vec::new();
    match report.outcome.as_str() {
        "succeeded" | "closed" => {}
        "ready" => {
            commands.push(format!("cdctl deploy continue {}", named(id)));
            commands.push(format!("cdctl deploy stop {} --rollback", named(id)));
        }
        "reached" | "reached_with_failures" => {
            commands.push(watch(id));
            commands.extend(go_on);
            commands.extend(ready.then(|| format!("cdctl deploy stop {} --rollback", named(id))));
        }
        "timed_out" | "detached" | "unknown" => {
            commands.push(watch(rolling.unwrap_or(id)));
            commands.extend(go_on);
            // One that is being stopped needs no more.
            let stopping = report.outcome != "unknown" && report.reason.is_some();
            let goes_on = report.status.as_ref().is_some_and(|status| !status.is_terminal());
            if goes_on && !stopping && report.creator.as_ref().is_none_or(Creator::lets_stop) {
                commands.push(format!("cdctl deploy stop {}", named(id)));
            }
        }
        "error" => commands.push(format!("cdctl deploy show {}", named(id))),
        _ => {
            let failed = !report.causes.is_empty() || report.counts.is_some_and(|counts| counts.fail > 0);
            commands.push(match failed {
                true => format!("cdctl deploy logs {} --failed", named(id)),
                false => format!("cdctl deploy show {}", named(id)),
            });
            let split = split(report);
            commands.extend(split.as_ref().map(|(_, command)| command.clone()));
            match (rollback, rolling, &report.previous_revision) {
                (_, Some(rollback), _) => commands.push(watch(rollback)),
                // An alias on two versions is nothing that a deployment can go back from.
                (None, _, Some(previous))
                    if !place.is_empty()
                        && report.revision.as_ref() != Some(previous)
                        && split.is_none()
                        && report.error.as_ref().and_then(hints::of_error).is_none() =>
                {
                    let revision = report.revision.as_deref().unwrap_or_default();
                    let (back, _) = short_revisions(previous, revision);
                    commands.push(format!("cdctl deploy rollback {}   # back to {back}", named(id)));
                }
                _ => {}
            }
        }
    }
    commands
}

/// Lines of which the first has the label.
fn entries(label: &str, texts: impl IntoIterator<Item = String>) -> Vec<String> {
    let labels = std::iter::once(label).chain(std::iter::repeat(""));
    labels.zip(texts).map(|(label, text)| entry(label, &text)).collect()
}

fn entry(label: &str, text: &str) -> String {
    format!("{label:<width$} {text}", width = LABEL - 1)
}

/// A sentence of the service, of which the end says most, on a few lines, or on more where they have fewer columns.
fn whole(sentence: &str, width: usize) -> Vec<String> {
    let mut lines = flowed("", sentence, SENTENCE);
    if lines.len() > SENTENCES {
        lines.truncate(SENTENCES - 1);
        lines.push("...".to_owned());
    }
    let lines: Vec<_> = lines.iter().map(|line| clip(line)).collect();
    if width < SENTENCE { flowed("", &lines.join(" "), width) } else { lines }
}

/// A line that a screen still shows.
fn clip(line: &str) -> String {
    if line.chars().count() <= WIDEST {
        return line.to_owned();
    }
    line.chars().take(WIDEST - 3).chain("...".chars()).collect()
}
