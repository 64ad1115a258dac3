//! The page: one file, readable without a network. No script, no picture and no style from elsewhere, and the page's own
//! policy forbids them; all that comes from outside is escaped.

use std::fmt::Write;

use sha2::{Digest, Sha256};

use super::chart::Scale;
use super::{Bar, Timeline};
use crate::clock;
use crate::model::{ComputePlatform, DeploymentStatus, TargetStatus};
use crate::report::words::{bare_message, names, place, plural};
use crate::report::{hints, words};
use crate::ui;
use crate::watch::causes::Cause;

const STYLE: &str = include_str!("style.css");
/// Targets with a row of their own; the area shows them all.
const ROWS: usize = 300;
/// Causes with a paragraph of their own, and characters of a log.
const CAUSES: usize = 20;
const LOG: usize = 4096;

/// A page about these deployments: the first, and what rolled it back.
pub fn page(timelines: &[Timeline], tool: &str) -> String {
    let title = timelines
        .first()
        .map_or_else(String::new, |first| format!("{} {}", first.id, first.deployment.status.as_str()));
    let mut html = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'sha256-{}'; base-uri 'none'; form-action 'none'\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<meta name=\"color-scheme\" content=\"light dark\">\n\
         <meta name=\"referrer\" content=\"no-referrer\">\n<title>{}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n",
        base64(&Sha256::digest(STYLE.as_bytes())),
        escaped(&title)
    );
    for timeline in timelines {
        section(&mut html, timeline);
    }
    let as_of = timelines.iter().map(|timeline| timeline.as_of).max().unwrap_or_default();
    let _ = write!(
        html,
        "<footer>All times are the service's, in UTC. As of {as_of:.0}; made by {}.</footer>\n</main>\n</body>\n</html>\n",
        escaped(tool)
    );
    html
}

fn section(html: &mut String, timeline: &Timeline) {
    let scale = Scale::of(timeline);
    html.push_str("<section>\n");
    head(html, timeline);
    let hosts =
        timeline.deployment.platform.as_ref().is_none_or(|platform| *platform == ComputePlatform::Server);
    causes(html, &timeline.causes(), hosts);
    if timeline.bars.len() > 1 {
        let _ = write!(
            html,
            "<h2>{} over time</h2>\n{}{}{}\n<p class=\"soft\">Done below, failed on top, the phases between.</p>\n",
            plural(timeline.bars.len() as u64, "target"),
            scale.area(&timeline.bars),
            scale.axis(),
            scale.legend()
        );
    }
    rows(html, timeline, &scale);
    times(html, timeline);
    html.push_str("</section>\n");
}

fn head(html: &mut String, timeline: &Timeline) {
    let deployment = &timeline.deployment;
    let failed = timeline.bars.iter().filter(|bar| bar.status == TargetStatus::Failed).count();
    let (mark, class) = match deployment.status {
        // CodeDeploy's own word for it; a reader must not miss the rest.
        DeploymentStatus::Succeeded if failed > 0 => ("!", "going"),
        DeploymentStatus::Succeeded => ("✓", "good"),
        DeploymentStatus::Failed | DeploymentStatus::Stopped => ("✗", "wrong"),
        _ => ("●", "going"),
    };
    let place = place(deployment.application.as_deref(), deployment.group.as_deref());
    // What CloudFormation makes has neither.
    let named = if place.is_empty() { timeline.id.clone() } else { place };
    let _ = write!(
        html,
        "<h1>{}</h1>\n<p class=\"verdict {class}\">{mark} {}{} after {}</p>\n<dl>\n",
        escaped(&named),
        escaped(deployment.status.as_str()),
        match failed {
            0 => String::new(),
            failed => format!(", {failed} of {} failed,", plural(timeline.bars.len() as u64, "target")),
        },
        clock::short(timeline.duration())
    );
    let time = |time: Option<jiff::Timestamp>| time.map(|time| format!("{time:.0}"));
    for (name, value) in [
        ("Deployment", Some(timeline.id.clone())),
        ("Region", timeline.region.clone()),
        ("Revision", deployment.revision.clone()),
        ("Was", deployment.previous_revision.clone()),
        ("Configuration", deployment.config.clone()),
        ("Made by", deployment.creator.as_ref().map(|creator| creator.as_str().to_owned())),
        ("Created", time(deployment.create_time)),
        ("Started", time(deployment.start_time)),
        ("Ended", time(deployment.complete_time)),
        ("Targets", deployment.overview.as_ref().map(words::counts_in_words)),
        ("Why", timeline.why()),
        ("Hint", deployment.error.as_ref().and_then(hints::of_error).map(str::to_owned)),
    ] {
        if let Some(value) = value {
            let _ = writeln!(html, "<dt>{name}</dt><dd>{}</dd>", escaped(&value));
        }
    }
    html.push_str("</dl>\n");
}

fn causes(html: &mut String, causes: &[Cause], hosts: bool) {
    if causes.is_empty() {
        return;
    }
    html.push_str("<h2>What failed</h2>\n");
    for cause in causes.iter().take(CAUSES) {
        let event = cause.event.as_ref().map_or(words::BETWEEN, |event| event.as_str());
        let parts = [event, &cause.error, &cause.script];
        let what: Vec<_> = parts.into_iter().filter(|part| !part.is_empty()).map(escaped).collect();
        let _ = write!(
            html,
            "<div class=\"cause\"><p><strong>{} × {}</strong></p>\n<p>{}</p>\n<p class=\"soft\">on {}</p>\n",
            cause.count,
            what.join(" · "),
            escaped(bare_message(&cause.message)),
            whole(&names(&cause.targets, 20))
        );
        if let Some(hint) = hints::of_cause(cause, hosts) {
            let _ = writeln!(html, "<p>Hint: {}</p>", escaped(hint));
        }
        let skip = cause.log_tail.chars().count().saturating_sub(LOG);
        let log: String = cause.log_tail.chars().skip(skip).collect();
        if !log.trim().is_empty() {
            let _ = writeln!(html, "<pre>{}</pre>", escaped(log.replace("\r\n", "\n").trim_end()));
        }
        html.push_str("</div>\n");
    }
    if causes.len() > CAUSES {
        let _ =
            writeln!(html, "<p class=\"soft\">{}</p>", plural((causes.len() - CAUSES) as u64, "more cause"));
    }
}

/// Names in markup, none of which breaks at a hyphen.
fn whole(names: &str) -> String {
    let names = names.split(", ").map(|name| format!("<span class=\"name\">{}</span>", escaped(name)));
    names.collect::<Vec<_>>().join(", ")
}

fn rows(html: &mut String, timeline: &Timeline, scale: &Scale<'_>) {
    if timeline.bars.is_empty() {
        return;
    }
    let shown = timeline.first_bars(ROWS);
    let hidden = timeline.bars.len() - shown.len();
    let order = if timeline.bars.len() > 1 { ", failed first, then the slowest" } else { "" };
    let _ = writeln!(html, "<h2>Targets{order}</h2>");
    if timeline.bars.len() == 1 {
        html.push_str(&scale.legend());
    }
    let _ = write!(
        html,
        "<ul class=\"rows\">\n<li aria-hidden=\"true\"><span class=\"id\"></span>{}<span class=\"time\"></span></li>\n",
        scale.axis()
    );
    for bar in shown {
        row(html, bar, timeline, scale);
    }
    html.push_str("</ul>\n");
    if hidden > 0 {
        let hidden = plural(hidden as u64, "more target");
        let _ = writeln!(html, "<p class=\"soft\">{hidden}, all of them in the picture above</p>");
    }
}

fn row(html: &mut String, bar: &Bar, timeline: &Timeline, scale: &Scale<'_>) {
    let (class, mark) = match bar.status {
        TargetStatus::Failed => ("failed", "✗ "),
        _ => ("", ""),
    };
    let label = bar.label.as_deref().map(|label| format!(" {label}")).unwrap_or_default();
    let name = format!("{}{label}", bar.id);
    let time = match (&bar.status, bar.taken(timeline.as_of)) {
        (TargetStatus::Succeeded | TargetStatus::Failed, Some(time)) => clock::short(time),
        (status, _) => status.as_str().to_owned(),
    };
    let _ = writeln!(
        html,
        "<li class=\"{class}\"><span class=\"id\" title=\"{0}\">{mark}{0}</span>{1}<span class=\"time\">{2}</span></li>",
        escaped(&name),
        scale.bar(bar),
        escaped(&time)
    );
}

fn times(html: &mut String, timeline: &Timeline) {
    let times = timeline.times();
    if times.is_empty() {
        return;
    }
    html.push_str(
        "<h2>Phases</h2>\n<div class=\"scroll\"><table>\n<tr><th>Phase</th><th class=\"n\">Targets</th>\
         <th class=\"n\">Median</th><th class=\"n\">Longest</th><th>Slowest target</th></tr>\n",
    );
    for times in times {
        let _ = writeln!(
            html,
            "<tr><td>{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"id\">{}</td></tr>",
            escaped(times.name.as_str()),
            times.targets,
            clock::short(times.median),
            clock::short(times.longest),
            escaped(&times.slowest)
        );
    }
    html.push_str("</table></div>\n");
}

/// Text as HTML shows it, in an element and in a quoted attribute; control characters are made visible.
pub fn escaped(text: &str) -> String {
    let mut html = String::with_capacity(text.len());
    for c in ui::text(text).chars() {
        match c {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            c => html.push(c),
        }
    }
    html
}

/// Source: RFC 4648, section 4.
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let byte = |at: usize| u32::from(chunk.get(at).copied().unwrap_or(0));
        let word = byte(0) << 16 | byte(1) << 8 | byte(2);
        for at in 0..4 {
            let digit = char::from(DIGITS[(word >> (18 - 6 * at)) as usize & 63]);
            text.push(if at <= chunk.len() { digit } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_the_standards() {
        for (plain, coded) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg==")]
        {
            assert_eq!(base64(plain.as_bytes()), coded);
        }
    }

    #[test]
    fn nothing_from_outside_is_markup() {
        assert_eq!(escaped("<b a='\"'>&\u{1b}[0m"), "&lt;b a=&#39;&quot;&#39;&gt;&amp;\\x1b[0m");
    }
}
