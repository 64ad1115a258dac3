//! Findings as text for people, with the lines of the file that they are about. Nothing of a file reaches the
//! result raw.

use std::fmt::Write;

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};

use crate::source::{self, Position, Span};
use crate::ui;

pub use crate::ui::Look;

use super::{Agent, Finding, Severity};

/// A longer line is named, not shown: nobody finds a caret in it.
const MAX_LINE: usize = 400;
/// In fewer columns no sentence is read.
const LEAST: usize = 20;
/// Nobody reads more at once.
const MOST_SHOWN: usize = 100;

/// `findings` on the file at `path` with this text, each with its line and a caret, as a stream shows text: sentences are
/// wrapped to its columns.
pub fn render(path: &str, text: &[u8], findings: &[Finding], Look { colour, columns }: Look) -> String {
    let text = String::from_utf8_lossy(text);
    let path = ui::line(path);
    let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
    let mut renderer = renderer.decor_style(DecorStyle::Ascii);
    if let Some(columns) = columns {
        renderer = renderer.term_width(columns);
    }
    let (mut output, lines) = (String::new(), source::lines(&text));
    // Of many the worst, in the order of the text.
    let mut order: Vec<usize> = (0..findings.len()).collect();
    order.sort_by_key(|at| findings.get(*at).map(|finding| finding.severity));
    order.truncate(MOST_SHOWN);
    order.sort_unstable();
    for finding in order.iter().filter_map(|at| findings.get(*at)) {
        let place = finding.span.map_or_else(
            || path.clone(),
            |Span { start: Position { line, column }, .. }| format!("{path}:{line}:{column}"),
        );
        let rendered = renderer.render(&[group(&lines, finding, columns)]);
        let _ = writeln!(output, "{}\n", placed(&rendered, &place));
    }
    let more = findings.len() - order.len();
    if more > 0 {
        let told = format!("and {more} more, which `cdctl revision validate -o json` tells");
        let _ = writeln!(output, "{}\n", wrapped(&told, columns, 0));
    }
    output
}

/// What stands for the place of a finding in what is rendered: no text that was made safe has it. The renderer counts
/// columns in the line that it shows, where a tab is two characters and a character that is not seen up to eight.
const PLACE: &str = "\0";

/// What was rendered, with the finding's own place.
fn placed(rendered: &str, place: &str) -> String {
    let Some((before, after)) = rendered.split_once(PLACE) else { return rendered.to_owned() };
    let rest = after.trim_start_matches(|c: char| c == ':' || c.is_ascii_digit());
    format!("{before}{place}{rest}")
}

fn group<'a>(lines: &[(usize, &str)], finding: &'a Finding, columns: Option<usize>) -> Group<'a> {
    let level = match finding.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Note => Level::NOTE,
    };
    let before = finding.severity.as_str().len() + finding.code.len() + "[]: ".len();
    let title = level.primary_title(wrapped(&finding.message, columns, before)).id(finding.code);
    // Behind the numbers of lines and a bar.
    let number = finding.span.map_or(1, |span| span.start.line.to_string().len());
    let below = |text: &str| wrapped(text, columns, number + "  = help: ".len() - 1);
    let mut group = match finding.span {
        None => title.element(Origin::path(PLACE)),
        Some(span) => match shown(lines, span) {
            Some(shown) => {
                let caret = AnnotationKind::Primary.span(shown.start..shown.end);
                let snippet = Snippet::source(shown.line).line_start(span.start.line).path(PLACE);
                title.element(snippet.annotation(caret))
            }
            None => title.element(Origin::path(PLACE)),
        },
    };
    if let Some(help) = &finding.help {
        group = group.element(Level::HELP.message(below(help)));
    }
    if let Some(agent) = finding.only {
        let other = if agent == Agent::One { Agent::Two } else { Agent::One };
        let mut note = format!("this is agent {}.x's reading", agent.as_str());
        if let Some(message) = &finding.other {
            note.push_str(&format!("; agent {}.x's: {message}", other.as_str()));
        }
        group = group.element(Level::NOTE.message(below(&note)));
    }
    if let Some(refusal) = &finding.refusal {
        group = group.element(Level::NOTE.message(below(&format!("a host would report: {refusal}"))));
    }
    group
}

/// A sentence made safe, in lines that end within the columns, of which `before` are taken. A word that is longer is left
/// whole: it may be a path that somebody copies.
pub fn wrapped(text: &str, columns: Option<usize>, before: usize) -> String {
    let text = ui::line(text);
    let Some(columns) = columns else { return text };
    let room = columns.saturating_sub(before).max(LEAST);
    let (mut lines, mut left) = (String::with_capacity(text.len()), room);
    for (at, word) in text.split(' ').enumerate() {
        let width = ui::columns(word);
        if at > 0 && width < left {
            lines.push(' ');
            left -= 1;
        } else if at > 0 {
            lines.push('\n');
            left = room;
        }
        lines.push_str(word);
        left = left.saturating_sub(width);
    }
    lines
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
        render("site/appspec.yml", text.as_bytes(), &findings, Look::default())
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
    fn the_place_is_that_of_the_file_whatever_the_line_is_shown_as() {
        let text = "{\n\t\"version\": 0.0,\n\t\"os\": \"Linux\",\n\t\"a\u{200b}\": \"\", \"b\": 1\n}\n";
        let findings = check(text.as_bytes(), None, Scope::default()).findings;
        let places = ["3:8", "4:2", "4:12"];
        for colour in [false, true] {
            let shown = render("a.json", text.as_bytes(), &findings, Look { colour, columns: None });
            let told = shown.match_indices("a.json:").filter_map(|(at, _)| shown.get(at + 7..));
            let told: Vec<&str> = told
                .map(|told| told.split(|c: char| c != ':' && !c.is_ascii_digit()).next().unwrap_or_default())
                .collect();
            assert_eq!(told, places, "{shown}");
        }
        let shown = render("a.json", text.as_bytes(), &findings, Look::default());
        assert!(shown.contains("3 | \\t\"os\": \"Linux\",\n  |         ^^^^^^^\n"), "{shown}");
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
    fn sentences_and_lines_end_within_the_terminal() {
        let text = format!("version: 0.0\nos: linux\nhooks:\n  AfterInstal: [] # {}\n", "far ".repeat(30));
        let findings = check(text.as_bytes(), None, Scope::default()).findings;
        let look = Look { colour: false, columns: Some(40) };
        let shown = render("site/appspec.yml", text.as_bytes(), &findings, look);
        assert!(shown.lines().all(|line| line.len() <= 40), "{shown}");
        let expected = "\
error[A034]: there is no event
             `AfterInstal`: the agent's
             own local run refuses the
             file, a deployment never
             runs these scripts
 --> site/appspec.yml:4:3
";
        assert!(shown.starts_with(expected), "{shown}");
        let word = "x".repeat(60);
        assert_eq!(wrapped(&format!("a {word} b"), Some(40), 10), format!("a\n{word}\nb"));
    }

    #[test]
    fn colour_is_asked_for() {
        let findings = check(b"version: 1\n", None, Scope::default()).findings;
        let look = |colour| Look { colour, columns: None };
        assert!(render("a", b"version: 1\n", &findings, look(true)).contains('\x1b'));
        assert!(!render("a", b"version: 1\n", &findings, look(false)).contains('\x1b'));
    }
}
