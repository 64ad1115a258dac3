//! What a CI system shows beside its log: annotations and a summary for GitHub Actions, a JUnit file for any. Written
//! once, at the end; what comes from outside can neither end a command nor begin one.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write;

use super::sink::{Sink, Unwritten};
use super::summary::{commands, compose, ending};
use super::words::{self, bare_message, counts, fenced, first_line, names, plural};
use super::{Closed, Reporter, why};
use crate::clock;
use crate::model::TargetStatus;
use crate::ui::{self, Stream};
use crate::watch::event::{Counts, Event, Report, Stamped, TargetEvent};

/// GitHub shows ten errors a step.
const ANNOTATIONS: usize = 10;

/// `::error::` lines for GitHub Actions, and Markdown for the step's summary.
pub struct GitHub {
    out: Stream,
    summary: Option<Sink>,
}

impl GitHub {
    /// `summary`: the file that the job named, opened for appending.
    pub fn new(err: Stream, summary: Option<Sink>) -> Self {
        GitHub { out: err, summary }
    }
}

impl Reporter for GitHub {
    fn event(&mut self, stamped: &Stamped) -> Result<(), Closed> {
        let Event::Result(report) = &stamped.event else { return Ok(()) };
        // A job that cannot show it still has the log and the exit code.
        let _ = self.out.write_all(annotations(&stamped.deployment, report).as_bytes());
        if let Some(summary) = &mut self.summary {
            let _ = summary.write(&markdown(&stamped.deployment, report));
        }
        Ok(())
    }

    fn unwritten(&mut self) -> Option<Unwritten> {
        self.summary.as_mut()?.unwritten()
    }
}

/// Source: GitHub documentation, "Workflow commands for GitHub Actions"; what it reads back is percent-encoded.
fn annotations(id: &str, report: &Report) -> String {
    let data = |text: &str| ui::text(text).replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A");
    let property = |text: &str| data(text).replace(':', "%3A").replace(',', "%2C");
    let mut lines = String::new();
    for cause in report.causes.iter().take(ANNOTATIONS) {
        let failed = match &cause.event {
            Some(event) => format!("{event} failed"),
            None => format!("failed {}", words::BETWEEN),
        };
        let title = property(&format!("{id}: {failed} on {}", plural(cause.count, "target")));
        let text = format!("{}\non {}", bare_message(&cause.message), names(&cause.targets, 8));
        let _ = writeln!(lines, "::error title={title}::{}", data(&text));
    }
    if report.causes.is_empty() && report.exit != 0 {
        let text = data(&why(report).unwrap_or_else(|| left(id, report)));
        let _ = writeln!(
            lines,
            "::error title={}::{text}",
            property(&format!("{}: {}", called(id, report), report.outcome))
        );
    }
    lines
}

/// The deployment, or the group of which none was watched.
fn called(id: &str, report: &Report) -> String {
    if id.is_empty() {
        return words::place(report.application.as_deref(), report.group.as_deref());
    }
    id.to_owned()
}

/// Why it ended so, on one line, where somebody says it.
fn why(report: &Report) -> Option<String> {
    let why = why::of_report(report);
    (!why.is_empty()).then(|| words::clauses(&why))
}

/// How the watch ended, and what to type then.
fn left(id: &str, report: &Report) -> String {
    let next = commands(id, report).into_iter().next();
    let next = next.map(|command| format!("; next: {command}")).unwrap_or_default();
    format!("{}{next}", ending(report).1)
}

/// The summary as a block that no Markdown inside can leave.
fn markdown(id: &str, report: &Report) -> String {
    let lines = compose(id, report, true, false).join("\n");
    format!("### Deployment {}\n\n{}\n", ui::line(id).replace('`', "'"), fenced(&lines))
}

/// A JUnit file: a suite a deployment, a test case a target.
pub struct JUnit {
    file: Sink,
    targets: BTreeMap<String, BTreeMap<String, TargetEvent>>,
    reports: Vec<(String, Report)>,
}

impl JUnit {
    /// Written at the end.
    pub fn new(file: impl Into<Sink>) -> Self {
        JUnit { file: file.into(), targets: BTreeMap::new(), reports: Vec::new() }
    }
}

impl Reporter for JUnit {
    fn event(&mut self, stamped: &Stamped) -> Result<(), Closed> {
        match &stamped.event {
            Event::Target(target) => {
                let own = self.targets.entry(stamped.deployment.clone()).or_default();
                own.insert(target.id.clone(), TargetEvent { phases: Vec::new(), ..target.as_ref().clone() });
            }
            Event::Result(report) => {
                self.reports.push((stamped.deployment.clone(), report.as_ref().clone()));
            }
            _ => {}
        }
        Ok(())
    }

    fn end(&mut self) {
        let text = junit(&self.reports, &self.targets);
        let _ = self.file.write(&text);
    }

    fn unwritten(&mut self) -> Option<Unwritten> {
        self.file.unwritten()
    }
}

fn junit(reports: &[(String, Report)], targets: &BTreeMap<String, BTreeMap<String, TargetEvent>>) -> String {
    let mut xml = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n");
    for (id, report) in reports {
        let none = BTreeMap::new();
        let own = known(targets.get(id).unwrap_or(&none), report.counts);
        let id = &called(id, report);
        let read: Counts = own.iter().map(|target| &target.status).collect();
        let unread = report.counts.map(|counts| less(counts, read)).filter(|counts| counts.total() > 0);
        let failed = read.fail + unread.map_or(0, |unread| unread.fail.min(1));
        // Neither what has not finished nor what was not read has run as a test.
        let skipped = read.total() - read.ok - read.fail + unread.map_or(0, |unread| 1 - unread.fail.min(1));
        // A deployment that ended badly is a test of its own, whatever its targets say.
        let ended = u64::from(report.exit != 0);
        let _ = writeln!(
            xml,
            "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{}\" skipped=\"{skipped}\" time=\"{:.3}\">",
            escaped(id),
            own.len() + 1 + usize::from(unread.is_some()),
            failed + ended,
            report.duration_s.unwrap_or_default()
        );
        let _ = write!(xml, "    <testcase classname=\"{}\" name=\"deployment\"", escaped(id));
        if ended == 0 {
            xml.push_str("/>\n");
        } else {
            let why = why(report).map(|why| format!("{}: {why}", ending(report).1));
            let ended = why.unwrap_or_else(|| left(id, report));
            let _ = writeln!(xml, "><failure message=\"{}\"/></testcase>", escaped(&ended));
        }
        for target in own {
            case(&mut xml, id, target);
        }
        if let Some(unread) = unread {
            let what = if unread.fail > 0 { "failure" } else { "skipped" };
            let _ = writeln!(
                xml,
                "    <testcase classname=\"{}\" name=\"{}\"><{what} message=\"not read: {}\"/></testcase>",
                escaped(id),
                plural(unread.total(), "more target"),
                escaped(&counts(&unread))
            );
        }
        xml.push_str("  </testsuite>\n");
    }
    xml + "</testsuites>\n"
}

/// The targets of which it is known how they ended or that they go on; what was read of some may be older than `counts`.
fn known(targets: &BTreeMap<String, TargetEvent>, counts: Option<Counts>) -> Vec<&TargetEvent> {
    let all: Counts = targets.values().map(|target| &target.status).collect();
    let old = counts.is_some_and(|counts| counts.total() >= all.total() && going(counts) < going(all));
    targets.values().filter(|target| !old || target.status.is_finished()).collect()
}

/// Those that have not ended.
fn going(counts: Counts) -> u64 {
    counts.run + counts.pend + counts.ready
}

/// The targets of `all` that are not among `read`.
fn less(all: Counts, read: Counts) -> Counts {
    let mut less = Counts {
        ok: all.ok.saturating_sub(read.ok),
        run: all.run.saturating_sub(read.run),
        pend: all.pend.saturating_sub(read.pend),
        fail: all.fail.saturating_sub(read.fail),
        skip: all.skip.saturating_sub(read.skip),
        ready: all.ready.saturating_sub(read.ready),
    };
    // What has gone on since it was read is one target all the same.
    let mut twice = less.total().saturating_sub(all.total().saturating_sub(read.total()));
    for state in [&mut less.run, &mut less.pend, &mut less.ready] {
        let off = twice.min(*state);
        (*state, twice) = (*state - off, twice - off);
    }
    less
}

fn case(xml: &mut String, id: &str, target: &TargetEvent) {
    let time = match (target.began, target.time) {
        (Some(began), Some(end)) => clock::between(began, end).as_secs_f64(),
        _ => 0.0,
    };
    let _ = write!(
        xml,
        "    <testcase classname=\"{}\" name=\"{}\" time=\"{time:.3}\"",
        escaped(id),
        escaped(&target.id)
    );
    match (&target.status, &target.failure) {
        (TargetStatus::Succeeded, _) => xml.push_str("/>\n"),
        (TargetStatus::Failed, failure) => {
            let event = target.event.as_ref().map_or(words::BETWEEN, |event| event.as_str());
            let (message, log) = failure
                .as_ref()
                .map_or(("", ""), |failure| (failure.message.as_str(), failure.log_tail.as_str()));
            let message = first_line(message, 300);
            let _ = writeln!(
                xml,
                "><failure message=\"{}\">{}</failure></testcase>",
                escaped(format!("{event}: {message}").trim_end_matches(": ")),
                escaped(log)
            );
        }
        (other, _) => {
            let _ = writeln!(xml, "><skipped message=\"{}\"/></testcase>", escaped(other.as_str()));
        }
    }
}

/// Text that XML allows, with control characters made visible.
fn escaped(text: &str) -> String {
    ui::text(text).chars().map(|c| if matches!(c, '\u{fffe}' | '\u{ffff}') { '\u{fffd}' } else { c }).fold(
        String::new(),
        |mut output, c| {
            match c {
                '&' => output.push_str("&amp;"),
                '<' => output.push_str("&lt;"),
                '>' => output.push_str("&gt;"),
                '"' => output.push_str("&quot;"),
                '\n' => output.push_str("&#10;"),
                c => output.push(c),
            }
            output
        },
    )
}
