//! Puts the safe corrections of a check into the text; all else of it stays as it is, byte for byte.

use crate::source::{self, Position, Span};

use super::{Finding, Scope, check};

/// The corrected text and how many corrections it took; none where there is nothing to correct safely.
///
/// A correction may bring another mistake to light: the text is checked again until nothing more comes.
pub fn fixed(text: &str, scope: Scope) -> Option<(String, usize)> {
    const ROUNDS: usize = 4;
    let (mut text, mut count) = (text.to_owned(), 0);
    for _ in 0..ROUNDS {
        let findings = check(text.as_bytes(), None, scope).findings;
        let edits = edits(&text, &findings);
        if edits.is_empty() {
            break;
        }
        count += edits.len();
        for (start, end, replacement) in edits.into_iter().rev() {
            text.replace_range(start..end, &replacement);
        }
    }
    (count > 0).then_some((text, count))
}

/// Byte ranges and what they become, in order and apart from each other.
fn edits(text: &str, findings: &[Finding]) -> Vec<(usize, usize, String)> {
    // Columns of the first line are off by the mark: it goes first, alone.
    if text.starts_with('\u{feff}') {
        return vec![(0, '\u{feff}'.len_utf8(), String::new())];
    }
    let lines = source::lines(text);
    let mut edits: Vec<(usize, usize, String)> = Vec::new();
    for finding in findings {
        let (Some(Span { start, end }), Some(replacement)) = (finding.span, &finding.fix) else { continue };
        let (Some(start), Some(end)) = (offset(&lines, start), offset(&lines, end)) else { continue };
        if edits.last().is_none_or(|(_, last, _)| *last <= start) && start < end {
            edits.push((start, end, replacement.clone()));
        }
    }
    edits
}

/// The byte at a position.
fn offset(lines: &[(usize, &str)], position: Position) -> Option<usize> {
    let (start, line) = lines.get(position.line.checked_sub(1)?)?;
    let mut columns = line.char_indices().map(|(at, _)| at).chain([line.len()]);
    columns.nth(position.column.checked_sub(1)?).map(|at| start + at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::appspec::{Agent, Severity};

    #[test]
    fn what_is_safe_is_corrected_and_the_rest_is_left() {
        let text = "\u{feff}version: \"0.0\"\r\nos: Linux # mine\r\nfile_exists_behavior: overwrite\r\npermissions:\r\n  - object: /srv\r\n    mode: 0755\r\nhooks:\r\n  AfterInstall:\r\n    - location: a.sh\r\n      timeout: \"300\"\r\n";
        let (fixed, count) = fixed(text, Scope::default()).unwrap();
        assert_eq!(
            fixed,
            "version: 0.0\r\nos: linux # mine\r\nfile_exists_behavior: OVERWRITE\r\npermissions:\r\n  - object: /srv\r\n    mode: \"0755\"\r\nhooks:\r\n  AfterInstall:\r\n    - location: a.sh\r\n      timeout: 300\r\n"
        );
        assert_eq!(count, 6);
        let left = check(fixed.as_bytes(), None, Scope::default()).findings;
        assert!(left.iter().all(|finding| finding.severity == Severity::Note), "{left:?}");
    }

    #[test]
    fn a_correction_finds_its_line_behind_whatever_ends_one() {
        let with = |os: &str| format!("version: 0.0\r# a\u{2028}# b\u{85}x: \"c\u{2029}d\"\ros: {os}\r");
        assert_eq!(fixed(&with("Linux"), Scope::default()), Some((with("linux"), 1)));
    }

    #[test]
    fn truth_is_corrected_where_agent_1_takes_it_as_it_is_written() {
        let with = |value: &str| {
            format!(
                "version: 0.0\nos: linux\nhooks:\n  AfterInstall:\n    - {{location: a, sudo: {value}}}\n"
            )
        };
        for (value, corrected) in [
            ("yes", Some("true")),
            ("\"true\"", Some("true")),
            ("Off", Some("false")),
            ("\"no\"", None),
            ("1", None),
        ] {
            let text = fixed(&with(value), Scope::default()).map(|(text, _)| text);
            assert_eq!(text, corrected.map(with), "{value}");
        }
        let mode = "version: 0.0\nos: linux\npermissions:\n  - {object: /a, mode: 0x1FF}\n";
        assert_eq!(fixed(mode, Scope::default()), None);
    }

    #[test]
    fn one_type_becomes_a_list_of_it() {
        let with = |kind: &str| {
            format!(
                "version: 0.0\nos: linux\npermissions:\n  - object: /a\n    type: {kind}\n    mode: \"644\"\n"
            )
        };
        for agent in [None, Some(Agent::One), Some(Agent::Two)] {
            let scope = Scope { agent, ..Scope::default() };
            assert_eq!(fixed(&with("file"), scope), Some((with("[file]"), 1)), "{agent:?}");
            assert_eq!(fixed(&with("files"), scope), None);
        }
    }

    #[test]
    fn a_right_text_and_an_unreadable_one_are_left_alone() {
        assert_eq!(fixed("version: 0.0\nos: linux\n", Scope::default()), None);
        assert_eq!(fixed("version: 0.0\nos: 'linux\n", Scope::default()), None);
    }
}
