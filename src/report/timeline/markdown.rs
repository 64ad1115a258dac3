//! The report as Markdown for a ticket, a pull request or a wiki. What comes from outside stands in code, which nothing
//! in it can leave.

use std::fmt::Write;

use super::Timeline;
use crate::clock;
use crate::model::TargetStatus;
use crate::report::words::{self, bare_message, fenced, names, plural};
use crate::ui;

/// Targets with a row of their own, and causes with a paragraph.
const ROWS: usize = 20;
const CAUSES: usize = 10;

/// These deployments: the first, and what rolled it back.
pub fn markdown(timelines: &[Timeline]) -> String {
    timelines.iter().map(one).collect::<Vec<_>>().join("\n")
}

fn one(timeline: &Timeline) -> String {
    let deployment = &timeline.deployment;
    let place = words::place(deployment.application.as_deref(), deployment.group.as_deref());
    let mut text = format!(
        "## Deployment {}: {} after {}\n\n| | |\n| --- | --- |\n",
        code(&timeline.id),
        code(deployment.status.as_str()),
        clock::short(timeline.duration())
    );
    for (name, value) in [
        ("Group", (!place.is_empty()).then_some(place)),
        ("Region", timeline.region.clone()),
        ("Revision", deployment.revision.clone()),
        ("Was", deployment.previous_revision.clone()),
        ("Configuration", deployment.config.clone()),
        ("Started", deployment.start_time.map(|time| format!("{time:.0}"))),
        ("Ended", deployment.complete_time.map(|time| format!("{time:.0}"))),
        ("Targets", deployment.overview.as_ref().map(words::counts_in_words)),
        ("Why", timeline.why()),
    ] {
        if let Some(value) = value {
            let _ = writeln!(text, "| {name} | {} |", code(&value));
        }
    }
    causes(&mut text, timeline);
    let times = timeline.times();
    if !times.is_empty() {
        text.push_str("\n### Phases\n\n| phase | targets | median | longest | slowest target |\n");
        text.push_str("| --- | ---: | ---: | ---: | --- |\n");
    }
    for times in times {
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {} |",
            code(times.name.as_str()),
            times.targets,
            clock::short(times.median),
            clock::short(times.longest),
            code(&times.slowest)
        );
    }
    targets(&mut text, timeline);
    text
}

fn causes(text: &mut String, timeline: &Timeline) {
    let causes = timeline.causes();
    if causes.is_empty() {
        return;
    }
    text.push_str("\n### What failed\n");
    for cause in causes.iter().take(CAUSES) {
        let event = cause.event.as_ref().map_or(words::BETWEEN, |event| event.as_str());
        let parts = [event, &cause.error, &cause.script];
        let what: Vec<_> = parts.into_iter().filter(|part| !part.is_empty()).map(code).collect();
        let targets = code(&names(&cause.targets, 8));
        let _ = write!(text, "\n**{} ×** {} on {targets}\n\n", cause.count, what.join(" "));
        let said = format!("{}\n{}", bare_message(&cause.message), cause.log_tail);
        if !said.trim().is_empty() {
            text.push_str(&fenced(said.trim_start_matches('\n')));
        }
    }
    if causes.len() > CAUSES {
        let _ = writeln!(text, "\n{}", plural((causes.len() - CAUSES) as u64, "more cause"));
    }
}

fn targets(text: &mut String, timeline: &Timeline) {
    let shown = timeline.first_bars(ROWS);
    if shown.is_empty() {
        return;
    }
    // Of two fleets each target says in which it is.
    let fleets = timeline.bars.iter().any(|bar| bar.label.is_some());
    let (head, rule) = if fleets { (" fleet |", " --- |") } else { ("", "") };
    let _ = writeln!(
        text,
        "\n### Targets\n\n| target |{head} state | phase | time |\n| --- |{rule} --- | --- | ---: |"
    );
    for bar in &shown {
        let at = match bar.status {
            TargetStatus::Succeeded => None,
            _ => bar.phases.iter().rev().find(|phase| phase.start.is_some()),
        };
        let _ = writeln!(
            text,
            "| {} |{} {} | {} | {} |",
            code(&bar.id),
            if fleets {
                format!(" {} |", bar.label.as_deref().map(code).unwrap_or_default())
            } else {
                String::new()
            },
            code(bar.status.as_str()),
            at.map(|phase| code(phase.name.as_str())).unwrap_or_default(),
            bar.taken(timeline.as_of).map(clock::short).unwrap_or_default()
        );
    }
    let hidden = timeline.bars.len() - shown.len();
    if hidden > 0 {
        let _ = writeln!(text, "\n{}", plural(hidden as u64, "more target"));
    }
}

/// A span of code on one line, in a table's cell as well.
fn code(text: &str) -> String {
    format!("`{}`", ui::line(text.trim()).replace('`', "'").replace('|', "\\|"))
}
