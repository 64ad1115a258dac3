//! Findings as text for people, with the lines of the file that they are about. Nothing of a file reaches the
//! result raw.

use std::fmt::Write;

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};

use crate::source::{self, Position, Span};
use crate::ui;

use super::{Agent, Finding, Severity};

/// A longer line is named, not shown: nobody finds a caret in it.
const MAX_LINE: usize = 400;
/// Nobody reads more at once.
const MOST_SHOWN: usize = 100;

/// `findings` on the file at `path` with this text, each with its line and a caret.
pub fn render(path: &str, text: &[u8], findings: &[Finding], colour: bool) -> String {
    let text = String::from_utf8_lossy(text);
    let path = ui::line(path);
    let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
    let renderer = renderer.decor_style(DecorStyle::Ascii);
    let (mut output, lines) = (String::new(), source::lines(&text));
    // Of many the worst, in the order of the text.
    let mut order: Vec<usize> = (0..findings.len()).collect();
    order.sort_by_key(|at| findings.get(*at).map(|finding| finding.severity));
    order.truncate(MOST_SHOWN);
    order.sort_unstable();
    for finding in order.iter().filter_map(|at| findings.get(*at)) {
        let _ = writeln!(output, "{}\n", renderer.render(&[group(&path, &lines, finding)]));
    }
    let more = findings.len() - order.len();
    if more > 0 {
        let _ = writeln!(output, "and {more} more, which `cdctl revision validate -o json` tells\n");
    }
    output
}

fn group<'a>(path: &'a str, lines: &[(usize, &str)], finding: &'a Finding) -> Group<'a> {
    let level = match finding.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Note => Level::NOTE,
    };
    let title = level.primary_title(ui::line(&finding.message)).id(finding.code);
    let mut group = match finding.span {
        None => title.element(Origin::path(path)),
        Some(span) => match shown(lines, span) {
            Some(shown) => {
                let caret = AnnotationKind::Primary.span(shown.start..shown.end);
                let snippet = Snippet::source(shown.line).line_start(span.start.line).path(path);
                title.element(snippet.annotation(caret))
            }
            None => {
                let Position { line, column } = span.start;
                title.element(Origin::path(path).line(line).char_column(column))
            }
        },
    };
    if let Some(help) = &finding.help {
        group = group.element(Level::HELP.message(ui::line(help)));
    }
    if let Some(agent) = finding.only {
        let other = if agent == Agent::One { Agent::Two } else { Agent::One };
        let mut note = format!("this is agent {}.x's reading", agent.as_str());
        if let Some(message) = &finding.other {
            note.push_str(&format!("; agent {}.x's: {}", other.as_str(), ui::line(message)));
        }
        group = group.element(Level::NOTE.message(note));
    }
    if let Some(refusal) = &finding.refusal {
        group = group.element(Level::NOTE.message(format!("a host would report: {}", ui::line(refusal))));
    }
    group
}

/// A line made safe, and where in it the caret goes, in bytes.
struct Shown {
    line: String,
    start: usize,
    end: usize,
}

fn shown(lines: &[(usize, &str)], span: Span) -> Option<Shown> {
    let (_, line) = lines.get(span.start.line.checked_sub(1)?)?;
    if line.chars().count() > MAX_LINE {
        return None;
    }
    let chars: Vec<char> = line.chars().collect();
    let from = span.start.column.saturating_sub(1).min(chars.len());
    let wanted =
        if span.end.line == span.start.line { span.end.column.saturating_sub(1) } else { chars.len() };
    let to = wanted.max(from + 1).min(chars.len());
    let safe = |chars: &[char]| ui::line(&chars.iter().collect::<String>());
    let (before, marked) = (safe(chars.get(..from)?), safe(chars.get(from..to)?));
    let (start, end) = (before.len(), before.len() + marked.len());
    Some(Shown { line: format!("{before}{marked}{}", safe(chars.get(to..)?)), start, end })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::appspec::{Scope, check};

    fn rendered(text: &str) -> String {
        let findings = check(text.as_bytes(), None, Scope::default()).findings;
        render("site/appspec.yml", text.as_bytes(), &findings, false)
    }

    #[test]
    fn a_finding_has_its_place_its_line_a_caret_and_help() {
        let text =
            rendered("version: 0.0\r\nos: linux\r\nhooks:\r\n  AfterInstal:\r\n    - location: a.sh\r\n");
        let expected = "\
error[A034]: there is no event `AfterInstal`: the agent's own local run refuses the file, a deployment never runs these scripts
 --> site/appspec.yml:4:3
  |
4 |   AfterInstal:
  |   ^^^^^^^^^^^
  |
  = help: did you mean `AfterInstall`?

";
        assert_eq!(text, expected);
    }

    #[test]
    fn what_a_host_would_report_is_told() {
        let text = rendered("version: 0.1\nos: linux\n");
        assert!(text.contains(
            "= note: a host would report: The deployment failed because an invalid version value (0.1)"
        ));
    }

    #[test]
    fn a_file_cannot_speak_to_the_terminal() {
        let text = rendered("version: 0.0\nos: \"\\e[2J\"\n\"\\e[31mkey\u{202e}\": 1\n");
        assert!(!text.contains('\x1b') && !text.contains('\u{202e}'), "{text}");
        assert!(text.contains("\\u{202e}"));
    }

    #[test]
    fn findings_without_a_line_name_the_file() {
        assert!(rendered("").contains("site/appspec.yml"));
        let long = format!("version: 0.0\nos: linux\n{}: 1\n", "x".repeat(500));
        assert!(rendered(&long).contains("--> site/appspec.yml:3:1"));
    }

    #[test]
    fn of_many_findings_the_worst_are_shown_and_the_others_counted() {
        let keys: String = (0..150).map(|n| format!("k{n}: 1\n")).collect();
        let shown = rendered(&format!("version: 0.0\n{keys}os: Linux\n"));
        assert_eq!(shown.matches("[A050]").count(), MOST_SHOWN - 1);
        assert!(shown.contains("[A004]") && shown.contains("and 51 more, "), "{shown}");
        let keys: String = (0..1500).map(|n| format!("k{n}: 1\n")).collect();
        let findings =
            check(format!("version: 0.0\nos: linux\n{keys}").as_bytes(), None, Scope::default()).findings;
        assert_eq!(findings.len(), 1001);
        assert!(findings.iter().any(|finding| finding.message.contains("500 more findings")));
    }

    #[test]
    fn colour_is_asked_for() {
        let findings = check(b"version: 1\n", None, Scope::default()).findings;
        assert!(render("a", b"version: 1\n", &findings, true).contains('\x1b'));
        assert!(!render("a", b"version: 1\n", &findings, false).contains('\x1b'));
    }
}
