//! Puts the safe corrections of a check into the text; all else of it stays as it is, byte for byte.

use std::collections::HashMap;

use crate::source::{self, Content, Node, Position, Span};

use super::{Finding, Scope, check};

/// Takes away what is no safe correction at its place, and keeps a text's quotes: only a scalar on one line without tag
/// and anchor is replaced, whose place then holds it and nothing else.
pub fn make_safe(text: &[u8], findings: &mut [Finding]) {
    if findings.iter().all(|finding| finding.fix.is_none()) {
        return;
    }
    let document = source::parse(text).ok();
    let mut scalars = HashMap::new();
    if let Some(root) = document.as_ref().and_then(|document| document.root.as_ref()) {
        collect(root, &mut scalars);
    }
    let text = String::from_utf8_lossy(text);
    let mut places = Places::of(&text);
    for finding in findings.iter_mut().filter(|finding| finding.code != BYTE_ORDER_MARK) {
        let (Some(fix), Some(span)) = (finding.fix.take(), finding.span) else { continue };
        let Some(bare) = scalars.get(&(span.start, span.end)) else { continue };
        let (Some(start), Some(end)) = (places.byte(span.start), places.byte(span.end)) else { continue };
        let written = text.get(start..end).unwrap_or_default();
        let quote = written.chars().next().filter(|c| matches!(c, '"' | '\''));
        let is_whole = quote.is_none_or(|quote| written.len() > 1 && written.ends_with(quote));
        if span.start.line == span.end.line && *bare == quote.is_none() && is_whole {
            finding.fix = Some(quote.map_or_else(|| fix.clone(), |quote| quoted(&fix, quote)));
        }
    }
}

/// The code of a mark at the beginning, which is no scalar.
const BYTE_ORDER_MARK: &str = "A008";

/// What takes the place of a text in quotes: text in the same quotes, anything else as it is.
fn quoted(fix: &str, quote: char) -> String {
    let is_word =
        |text: &str| text.chars().all(|c| c.is_ascii_alphabetic()) && !matches!(text, "true" | "false");
    match fix.strip_prefix('[').and_then(|list| list.strip_suffix(']')) {
        Some(word) => format!("[{quote}{word}{quote}]"),
        None if is_word(fix) => format!("{quote}{fix}{quote}"),
        None => fix.to_owned(),
    }
}

/// The scalars without tag and anchor: whether they have neither quotes nor block style.
fn collect(node: &Node, scalars: &mut HashMap<(Position, Position), bool>) {
    match &node.content {
        Content::Scalar(scalar) if node.tag.is_none() && node.anchor.is_none() => {
            scalars.insert((node.span.start, node.span.end), scalar.bare);
        }
        Content::List(items) => items.iter().for_each(|item| collect(item, scalars)),
        Content::Map(entries) => {
            for (key, value) in entries {
                collect(key, scalars);
                collect(value, scalars);
            }
        }
        Content::Scalar(_) | Content::Alias(_) => {}
    }
}

/// The corrected text and how many corrections it took; none where there is nothing to correct safely.
///
/// A correction may bring another mistake to light: the text is checked again until nothing more comes.
pub fn fixed(text: &str, scope: Scope) -> Option<(String, usize)> {
    const ROUNDS: usize = 4;
    let (mut text, mut count) = (text.to_owned(), 0);
    for _ in 0..ROUNDS {
        let findings = check(text.as_bytes(), None, scope).findings;
        let edits = edits(&text, &findings);
        let (mut corrected, mut done) = (String::new(), 0);
        for (start, end, replacement) in &edits {
            corrected.push_str(text.get(done..*start).unwrap_or_default());
            corrected.push_str(replacement);
            done = *end;
        }
        corrected.push_str(text.get(done..).unwrap_or_default());
        if edits.is_empty() || !is_same(&text, &corrected) {
            break;
        }
        count += edits.len();
        text = corrected;
    }
    (count > 0).then_some((text, count))
}

/// Whether a corrected text has all that the text had: the same keys and as many values, and JSON where it was JSON.
fn is_same(text: &str, corrected: &str) -> bool {
    if text.starts_with('\u{feff}') {
        return true;
    }
    let is_json = |text: &str| serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok();
    let (Ok(before), Ok(after)) = (source::parse(text.as_bytes()), source::parse(corrected.as_bytes()))
    else {
        return false;
    };
    let same = match (&before.root, &after.root) {
        (Some(before), Some(after)) => is_alike(before, after),
        _ => false,
    };
    same && (is_json(corrected) || !is_json(text))
}

/// Whether two trees differ in nothing but values.
fn is_alike(before: &Node, after: &Node) -> bool {
    match (&before.content, &after.content) {
        (Content::Scalar(_), Content::Scalar(_)) => true,
        // `type: file` becomes a list of it.
        (Content::Scalar(one), Content::List(items)) => {
            matches!(items.as_slice(), [Node { content: Content::Scalar(other), .. }] if one.text == other.text)
        }
        (Content::List(before), Content::List(after)) => {
            before.len() == after.len()
                && before.iter().zip(after).all(|(before, after)| is_alike(before, after))
        }
        (Content::Map(before), Content::Map(after)) => {
            before.len() == after.len()
                && before
                    .iter()
                    .zip(after)
                    .all(|(before, after)| is_equal(&before.0, &after.0) && is_alike(&before.1, &after.1))
        }
        (Content::Alias(before), Content::Alias(after)) => before == after,
        _ => false,
    }
}

/// Whether two keys are the same, wherever they stand.
fn is_equal(before: &Node, after: &Node) -> bool {
    match (&before.content, &after.content) {
        (Content::Scalar(before), Content::Scalar(after)) => before == after,
        _ => is_alike(before, after),
    }
}

/// Byte ranges and what they become, in order and apart from each other.
fn edits(text: &str, findings: &[Finding]) -> Vec<(usize, usize, String)> {
    // Columns of the first line are off by the mark: it goes first, alone.
    if text.starts_with('\u{feff}') {
        return vec![(0, '\u{feff}'.len_utf8(), String::new())];
    }
    let mut places = Places::of(text);
    let mut edits: Vec<(usize, usize, String)> = Vec::new();
    for finding in findings {
        let (Some(Span { start, end }), Some(replacement)) = (finding.span, &finding.fix) else { continue };
        let (Some(start), Some(end)) = (places.byte(start), places.byte(end)) else { continue };
        if edits.last().is_none_or(|(_, last, _)| *last <= start) && start < end {
            edits.push((start, end, replacement.clone()));
        }
    }
    edits
}

/// Positions of a text in bytes.
struct Places<'a> {
    lines: Vec<(usize, &'a str)>,
    /// Where the columns of a line begin, in its bytes; of those lines that were asked for.
    columns: HashMap<usize, Vec<usize>>,
}

impl<'a> Places<'a> {
    fn of(text: &'a str) -> Self {
        Places { lines: source::lines(text), columns: HashMap::new() }
    }

    /// The byte at a position.
    fn byte(&mut self, Position { line, column }: Position) -> Option<usize> {
        let number = line.checked_sub(1)?;
        let (start, line) = *self.lines.get(number)?;
        let columns = self
            .columns
            .entry(number)
            .or_insert_with(|| line.char_indices().map(|(at, _)| at).chain([line.len()]).collect());
        columns.get(column.checked_sub(1)?).map(|at| start + at)
    }
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
    fn many_corrections_on_one_line_are_all_found() {
        let with = |value: &str| {
            let script = format!("{{location: \"é\", sudo: {value}}}, ");
            format!("version: 0.0\nos: linux\nhooks: {{AfterInstall: [{}]}}\n", script.repeat(300))
        };
        assert_eq!(fixed(&with("yes"), Scope::default()), Some((with("true"), 300)));
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
    fn what_is_in_quotes_stays_in_them_and_a_block_or_an_anchor_is_left_alone() {
        let json = r#"{"version": "0.0", "os": "Linux", "file_exists_behavior": "overwrite",
            "permissions": [{"object": "/a", "type": "file"}]}"#;
        let right =
            json.replace("\"0.0\"", "0.0").replace("Linux", "linux").replace("overwrite", "OVERWRITE");
        let right = right.replace("\"file\"}", "[\"file\"]}");
        assert_eq!(fixed(json, Scope::default()), Some((right, 4)));
        let with =
            |os: &str| format!("version: 0.0\nos: {os}\nfiles:\n  - {{source: /, destination: /srv}}\n");
        assert_eq!(fixed(&with("'Linux'"), Scope::default()), Some((with("'linux'"), 1)));
        for os in [">-\n  Linux", "|\n  Linux", "\"Lin\\\n  ux\"", "&a Linux\nx: *a"] {
            for agent in [None, Some(Agent::One), Some(Agent::Two)] {
                let text = with(os);
                assert_eq!(fixed(&text, Scope { agent, ..Scope::default() }), None, "{text}");
            }
        }
        let timeout = "version: 0.0\nos: linux\nhooks:\n  AfterInstall:\n    - location: a\n      timeout: >-\n        300\n      runas: b\n";
        assert_eq!(fixed(timeout, Scope::default()), None);
    }

    #[test]
    fn a_right_text_and_an_unreadable_one_are_left_alone() {
        assert_eq!(fixed("version: 0.0\nos: linux\n", Scope::default()), None);
        assert_eq!(fixed("version: 0.0\nos: 'linux\n", Scope::default()), None);
    }
}
