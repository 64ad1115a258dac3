//! What agent 2's types refuse while they read, and how it words that. Agent 1 has no types.
//!
//! Source: official agent 2.x, application_specification.

use crate::source::psych::{Item, Map, Value};
use crate::source::{Position, Span, core};

use super::super::Finding;
use super::{Reader, shape};

pub const YAML: &str = "The deployment failed because of a YAML parsing error: ";

/// The host's report of what the YAML reader refuses.
pub fn yaml(message: &str) -> String {
    format!("{YAML}{message}")
}

/// A scalar's text, whatever it looks like; none for a list or a map.
pub fn text(item: &Item) -> Option<&str> {
    match (&item.value, &item.plain) {
        (Value::Text(text), _) | (_, Some(text)) => Some(text),
        _ => None,
    }
}

/// The report of a value that is not of its field's type.
pub fn mismatch(path: &str, item: &Item, expected: &str) -> String {
    let path = if path.is_empty() { String::new() } else { format!("{path}: ") };
    yaml(&format!("{path}invalid type: {}, expected {expected}{}", found(item), at(item.span)))
}

/// The report of a field that must be there.
pub fn missing_field(name: &str, root: Span) -> String {
    yaml(&format!("missing field `{name}`{}", at(root)))
}

/// Where a value begins, in serde's words; it does not name the very first place.
fn at(span: Span) -> String {
    let Position { line, column } = span.start;
    if (line, column) == (1, 1) { String::new() } else { format!(" at line {line} column {column}") }
}

/// What serde calls a value that does not fit.
fn found(item: &Item) -> String {
    match &item.value {
        Value::List(_) => "sequence".to_owned(),
        Value::Map(_) => "map".to_owned(),
        value => {
            let plain = item.plain.as_deref().and_then(core::unexpected);
            plain.unwrap_or_else(|| format!("string {:?}", value.to_s()))
        }
    }
}

impl Reader {
    /// A value that is not of its field's type.
    pub(super) fn mistyped(
        &mut self,
        code: &'static str,
        path: &str,
        item: &Item,
        expected: &str,
        message: impl Into<String>,
    ) {
        self.add(Finding::error(code, item.span, message).refused(mismatch(path, item, expected)));
    }

    /// Refuses `!!null` before what is no null in the fields of a map that may be left out, `keys` or all; true where
    /// there is one. serde names the map, not the field.
    pub(super) fn false_nulls(
        &mut self,
        code: &'static str,
        path: &str,
        item: &Item,
        keys: Option<&[&str]>,
    ) -> bool {
        let Value::Map(map) = &item.value else { return false };
        let path = if path.is_empty() { String::new() } else { format!("{path}: ") };
        let mut refused = false;
        for (key, value) in &map.entries {
            if !value.false_null || keys.is_some_and(|keys| !keys.contains(&key.value.to_s().as_str())) {
                continue;
            }
            refused = true;
            let report = yaml(&format!(
                "{path}invalid value: string {:?}, expected null{}",
                value.value.to_s(),
                at(item.span)
            ));
            let finding = Finding::error(code, value.span, "`!!null` stands before what is no null");
            self.add(finding.help("take the tag away").refused(report));
        }
        refused
    }

    /// The items of a list that is not optional: left empty it has none, `~` is refused.
    pub(super) fn typed_list<'a>(&mut self, code: &'static str, name: &str, item: &'a Item) -> &'a [Item] {
        match &item.value {
            Value::List(items) => return items,
            _ if item.is_left_out() => {}
            value => {
                let message = format!("{name} is {}, not a list", shape(value));
                self.mistyped(code, name, item, "a sequence", message);
            }
        }
        &[]
    }

    pub(super) fn typed_version(&mut self, map: &Map, root: Span) {
        let help = "write `version: 0.0`, without quotes";
        let Some(item) = map.get("version") else {
            let finding = Finding::error("A003", Span::at(root.start), "no version");
            let report = missing_field("version", root);
            return self.add(finding.help("begin the file with `version: 0.0`").refused(report));
        };
        match item.plain.as_deref().and_then(core::float) {
            None => {
                self.mistyped("A003", "version", item, "f64", "the version must be the number 0.0");
                if let Some(finding) = self.findings.last_mut() {
                    finding.help = Some(help.to_owned());
                    finding.fix = (item.value.to_s() == "0.0").then(|| "0.0".to_owned());
                }
            }
            Some(value) if value.abs() < f64::EPSILON => self.unusual_version(map),
            Some(value) => {
                let report = format!(
                    "The deployment failed because an invalid version value ({value}) was entered in the application specification file. Make sure your AppSpec file specifies \"0.0\" as the version, and then try again."
                );
                let finding = Finding::error("A003", item.span, "the version must be the number 0.0");
                self.add(finding.help(help).refused(report));
            }
        }
    }

    /// Seconds; none where they are refused.
    pub(super) fn typed_timeout(&mut self, item: &Item, path: &str, default: u64) -> Option<u64> {
        if item.value.is_null() {
            return Some(default);
        }
        match item.plain.as_deref().and_then(core::unsigned) {
            Some(0) => {
                let message = "the timeout is not a number of seconds above 0";
                self.add(Finding::error("A032", item.span, message).refused(super::hooks::BAD_TIMEOUT));
                None
            }
            Some(seconds) => Some(u64::from(seconds)),
            None => {
                let message = "the timeout is not a whole number of seconds without quotes";
                self.mistyped("A032", path, item, "u32", message);
                if let Some(finding) = self.findings.last_mut() {
                    finding.help = Some("write whole seconds: `timeout: 300`".to_owned());
                    let text = item.value.to_s();
                    let quoted =
                        item.plain.is_none() && core::unsigned(&text).is_some_and(|seconds| seconds > 0);
                    finding.fix = (quoted && text.starts_with(|c: char| c.is_ascii_digit())).then_some(text);
                }
                None
            }
        }
    }

    /// A field of text that may be left out; `Err` where it is refused.
    pub(super) fn typed_text(
        &mut self,
        code: &'static str,
        path: &str,
        item: Option<&Item>,
    ) -> Result<Option<String>, ()> {
        let Some(item) = item.filter(|item| !item.value.is_null()) else { return Ok(None) };
        match text(item) {
            Some(text) => Ok(Some(text.to_owned())),
            None => {
                let message = format!("this is {}, not one value", shape(&item.value));
                self.mistyped(code, path, item, "a string", message);
                Err(())
            }
        }
    }
}
