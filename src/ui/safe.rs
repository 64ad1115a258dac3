//! Strings from the service, scripts and bundles, made harmless before a person or a CI system reads them.

use std::fmt::Write;

/// Control, bidirectional and zero-width characters that could move a cursor, hide text or reorder it.
fn is_dangerous(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2064}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// `input` with every dangerous character made visible (`\x1b`, `\u{202e}`); line feeds and tabs stay.
pub fn text(input: &str) -> String {
    escape(input, |c| c == '\n' || c == '\t')
}

/// As [`text`], on one line: line feeds and tabs are made visible as well.
pub fn line(input: &str) -> String {
    escape(input, |_| false)
}

fn escape(input: &str, keep: impl Fn(char) -> bool) -> String {
    let mut output = String::with_capacity(input.len());
    for c in input.chars() {
        if !is_dangerous(c) || keep(c) {
            output.push(c);
        } else if c == '\n' {
            output.push_str("\\n");
        } else if c == '\t' {
            output.push_str("\\t");
        } else if c == '\r' {
            output.push_str("\\r");
        } else if u32::from(c) < 0x100 {
            let _ = write!(output, "\\x{:02x}", u32::from(c));
        } else {
            let _ = write!(output, "\\u{{{:x}}}", u32::from(c));
        }
    }
    output
}

/// JSON text with every dangerous character escaped; it means the same to a JSON reader. The line feeds of
/// pretty-printed JSON stay: within strings they are escaped already. Nor does a CI system find a command in it
/// (`##[…]`, `##vso[`), which it looks for anywhere in a line.
pub fn json(input: &str) -> String {
    let mut output = String::with_capacity(input.len());
    let mut before = ' ';
    for c in input.chars() {
        let command = c == '#' && std::mem::replace(&mut before, c) == '#';
        before = c;
        if command || (is_dangerous(c) && c != '\n') {
            // All of them lie in the basic plane: four digits do.
            let _ = write!(output, "\\u{:04x}", u32::from(c));
        } else {
            output.push(c);
        }
    }
    output
}

/// As [`text`], and nothing in it is what a CI system reads as a command: a visible dot is put before what is one at the
/// start of a line (`::error::`, Buildkite's `--- `), and into what is one anywhere (`##[…]`, `##vso[`, `##teamcity[`).
/// For logs that a CI system keeps.
///
/// Source: GitHub's runner, `ActionCommand.TryParseV2` (a line's start after white space) and `TryParse` (anywhere).
pub fn defuse(input: &str) -> String {
    let safe = text(input);
    let mut output = String::with_capacity(safe.len());
    for (index, line) in safe.split('\n').enumerate() {
        if index > 0 {
            output.push('\n');
        }
        let heading = ["--- ", "+++ ", "~~~ ", "^^^ "].iter().any(|mark| line.starts_with(mark));
        if heading || line.trim_start().starts_with("::") {
            output.push('.');
        }
        let mut rest = line;
        while let Some(at) = rest.find("##") {
            let (before, after) = rest.split_at(at + 1);
            output.push_str(before);
            let name = after.trim_start_matches('#').trim_start_matches(|c: char| c.is_ascii_alphabetic());
            if name.starts_with('[') {
                output.push('.');
            }
            rest = after;
        }
        output.push_str(rest);
    }
    output
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escape_codes_become_visible() {
        assert_eq!(text("a\x1b[31mred\r\nb\tc"), "a\\x1b[31mred\\r\nb\tc");
        assert_eq!(text("\u{9b}31m \u{7f} \u{202e}evil \u{200b}"), "\\x9b31m \\x7f \\u{202e}evil \\u{200b}");
        assert_eq!(line("one\ntwo\tthree"), "one\\ntwo\\tthree");
        assert_eq!(text("schön ✓ 日本"), "schön ✓ 日本");
    }

    #[test]
    fn json_stays_the_same_json() {
        let raw = serde_json::to_string("\u{9b}31m \u{7f} \u{202e}evil \u{1b} \n 日本").unwrap();
        let safe = json(&raw);
        assert!(safe.chars().all(|c| !is_dangerous(c)), "{safe}");
        let pretty = serde_json::to_string_pretty(&serde_json::json!({"a": "\u{9b}\n"})).unwrap();
        assert_eq!(json(&pretty), "{\n  \"a\": \"\\u009b\\n\"\n}");
        assert_eq!(json(r###""##vso[x] ###[y] # #""###), r###""#\u0023vso[x] #\u0023\u0023[y] # #""###);
        assert_eq!(
            serde_json::from_str::<String>(&safe).unwrap(),
            "\u{9b}31m \u{7f} \u{202e}evil \u{1b} \n 日本"
        );
    }

    #[test]
    fn ci_commands_are_defused() {
        assert_eq!(
            defuse("ok\n::error::x\n  ##vso[task]\n##[group]\na ::b ## c\n--- x\n a --- b"),
            "ok\n.::error::x\n  #.#vso[task]\n#.#[group]\na ::b ## c\n.--- x\n a --- b"
        );
        // GitHub's runner finds the older form anywhere in a line.
        assert_eq!(defuse("it said ###[add-mask]x"), "it said #.#.#[add-mask]x");
        assert_eq!(defuse("\u{1b}[0Ksection_end:1:x\r\u{1b}[0K"), "\\x1b[0Ksection_end:1:x\\r\\x1b[0K");
    }
}
