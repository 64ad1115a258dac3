//! JSON values as YAML that readers of YAML 1.1 and of 1.2 understand alike. Knows nothing of what is in them.

use std::io::{self, Write};

use serde_json::Value;

use crate::ui;

/// Words that YAML 1.1 reads as something else than text.
const WORDS: &[&str] = &["y", "n", "yes", "no", "on", "off", "true", "false", "null"];

/// Writes one document in block style.
pub fn write(out: &mut dyn Write, value: &Value) -> io::Result<()> {
    match value {
        Value::Object(map) if !map.is_empty() => block(out, value, 0),
        Value::Array(list) if !list.is_empty() => block(out, value, 0),
        _ => writeln!(out, "{}", scalar(value)),
    }
}

/// The entries of a map or the items of a list, each on a line that is already indented where it is the first.
fn block(out: &mut dyn Write, value: &Value, indent: usize) -> io::Result<()> {
    match value {
        Value::Object(map) => {
            for (name, value) in map {
                write!(out, "{:indent$}{}:", "", string(name))?;
                entry(out, value, indent)?;
            }
        }
        Value::Array(list) => {
            for item in list {
                write!(out, "{:indent$}-", "")?;
                entry(out, item, indent)?;
            }
        }
        _ => {}
    }
    Ok(())
}

/// What stands after `name:` or `-`.
fn entry(out: &mut dyn Write, value: &Value, indent: usize) -> io::Result<()> {
    match value {
        Value::Object(map) if !map.is_empty() => {
            writeln!(out)?;
            block(out, value, indent + 2)
        }
        Value::Array(list) if !list.is_empty() => {
            writeln!(out)?;
            block(out, value, indent + 2)
        }
        Value::String(text) if is_literal(text) => {
            writeln!(out, " |{}", if text.ends_with('\n') { "" } else { "-" })?;
            for line in text.trim_end_matches('\n').split('\n') {
                let indent = if line.is_empty() { 0 } else { indent + 2 };
                writeln!(out, "{:indent$}{line}", "")?;
            }
            Ok(())
        }
        _ => writeln!(out, " {}", scalar(value)),
    }
}

fn scalar(value: &Value) -> String {
    match value {
        Value::String(text) => string(text),
        other => other.to_string(),
    }
}

/// Plain where every reader sees text; else in double quotes, whose escapes YAML shares with JSON.
fn string(text: &str) -> String {
    if is_plain(text) { text.to_owned() } else { ui::json(&Value::from(text).to_string()) }
}

fn is_plain(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || " _./@+:-".contains(c))
        && !text.ends_with([' ', ':'])
        && !text.contains(": ")
        && !WORDS.contains(&text.to_ascii_lowercase().as_str())
}

/// Text of several lines that may stand as it is: at most one line feed at its end, nothing that a terminal obeys.
fn is_literal(text: &str) -> bool {
    text.trim_end_matches('\n').contains('\n')
        && !text.ends_with("\n\n")
        && !text.starts_with([' ', '\n', '\t'])
        && !text.contains('\t')
        && ui::defuse(text) == text
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn yaml(value: &Value) -> String {
        let mut out = Vec::new();
        write(&mut out, value).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn lines_that_a_ci_system_obeys_are_quoted() {
        let text = "a\nsaid ##vso[task.complete]\n  ::error::owned\n##[add-mask]a";
        let yaml = yaml(&json!({ "log": text }));
        assert!(yaml.starts_with("log: \"a\\nsaid #") && yaml.lines().count() == 1, "{yaml}");
        assert!(!yaml.contains("##vso[") && !yaml.contains("##["), "{yaml}");
    }

    #[test]
    fn block_style_with_quotes_where_a_reader_could_err() {
        let value = json!({
            "name": "shop", "empty": [], "none": null, "count": 3, "answer": "no", "when": "2026-01-01",
            "list": [{"Key": "Role", "Value": "on"}, ["a"]], "log": "one\n  two\n\nthree", "odd": "a: b",
        });
        assert_eq!(
            yaml(&value),
            "name: shop\nempty: []\nnone: null\ncount: 3\nanswer: \"no\"\nwhen: \"2026-01-01\"\nlist:\n  -\n    \
             Key: Role\n    Value: \"on\"\n  -\n    - a\nlog: |-\n  one\n    two\n\n  three\nodd: \"a: b\"\n"
        );
    }

    #[test]
    fn what_is_written_reads_back() {
        let texts = [
            "",
            " ",
            "~",
            "-",
            "- a",
            "a:",
            "a #b",
            "#",
            "1_000",
            "0o17",
            "12:30:45",
            ".inf",
            "=",
            "<<",
            "Yes",
            "y",
            "\t",
            "a\n",
            "a\nb\n",
            "a\nb\n\n",
            " a\nb",
            "\u{9b}31m",
            "日本",
            "é\nb",
            "null",
            "1e3",
            "0x1f",
            "!x",
            "&a",
            "*a",
            "%a",
            "@a",
            "`a",
            "'",
            "\"",
            "{",
            "[",
            "a\r\nb",
            "\u{feff}",
            "\u{85}x",
            "s3://b/k?etag=1",
        ];
        for text in texts {
            let value = json!({ "value": text, "list": [text], text: 1 });
            let read: Value =
                serde_yaml::from_str(&yaml(&value)).unwrap_or_else(|error| panic!("{text:?}: {error}"));
            assert_eq!(read, value, "{text:?}\n{}", yaml(&value));
        }
    }
}
