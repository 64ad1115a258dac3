//! Reads an AppSpec in the agent's order, so that the first refusal is the one that a host reports.
//!
//! Where Ruby itself breaks on a value of the wrong shape, its words become the host's report, as they do on the agent.

mod acl;
mod context;
mod files;
mod hooks;
mod permissions;

use crate::source::psych::{self, Item, Map, Value};
use crate::source::{self, Position, Span};

use super::finding::nearest;
use super::{AppSpec, FileExists, Finding, Os};

pub const EMPTY: &str = "The deployment failed because the application specification file was empty. Make sure your AppSpec file defines at minimum the 'version' and 'os' properties.";

const TOP_KEYS: &[&str] = &["version", "os", "file_exists_behavior", "files", "permissions", "hooks"];

/// The AppSpec, where there is anything to hold, and everything there is to say of it.
///
/// `host` is the system that the agent runs on; without one either will do.
pub fn read(text: &[u8], host: Option<Os>) -> (Option<AppSpec>, Vec<Finding>) {
    let mut reader = Reader { host, os: host.unwrap_or(Os::Linux), findings: Vec::new() };
    let appspec = reader.document(text);
    (appspec, reader.findings)
}

struct Reader {
    host: Option<Os>,
    os: Os,
    findings: Vec<Finding>,
}

impl Reader {
    fn add(&mut self, finding: Finding) {
        self.findings.push(finding);
    }

    fn document(&mut self, text: &[u8]) -> Option<AppSpec> {
        let document = match source::parse(text) {
            Ok(document) => document,
            Err(error) => return self.unreadable(&error),
        };
        let root = match psych::load(&document) {
            Ok(Some(root)) if !root.value.is_null() && root.value != Value::Bool(false) => root,
            Ok(_) => {
                self.add(Finding::error("A002", None, "the file is empty").refused(EMPTY));
                return None;
            }
            Err(error) => return self.unreadable(&error),
        };
        if document.byte_order_mark {
            self.add(
                Finding::warning(
                    "A008",
                    Span::at(Position { line: 1, column: 1 }),
                    "the file begins with a byte order mark",
                )
                .help("the agent then reads only the first key; save the file as UTF-8 without BOM"),
            );
        }
        if let Some(rest) = document.rest {
            let message = "the agent reads the first YAML document only; this is not read";
            self.add(Finding::warning("A007", Span::at(rest), message));
        }
        self.root(&root)
    }

    fn unreadable(&mut self, error: &source::Error) -> Option<AppSpec> {
        let unclosed = error.context.filter(|_| error.message.contains("unexpected end of stream"));
        let finding =
            Finding::error("A001", Span::at(unclosed.unwrap_or(error.position)), error.message.clone());
        let report = psych::report(error);
        let help = match error.message.as_str() {
            message if message.contains("cannot start any token") => Some(
                "YAML indents with spaces, never tabs, and a value that begins with @, ` or % needs quotes",
            ),
            message if message.contains("mapping values are not allowed") => Some(
                "a colon is followed by a blank, a dash too, and keys of one list item begin in the same column",
            ),
            message if message.starts_with("Unknown alias") => {
                Some("the agent does not load YAML aliases: write the value out")
            }
            message if message.ends_with("class: Date") || message.ends_with("class: Time") => {
                Some("quote it: the agent does not load dates")
            }
            _ => None,
        };
        let finding = finding.refused(report);
        self.add(match help {
            Some(help) => finding.help(help),
            None => finding,
        });
        None
    }

    fn root(&mut self, root: &Item) -> Option<AppSpec> {
        let empty = Map::default();
        let map = match &root.value {
            Value::Map(map) => map,
            other => {
                let finding = Finding::error(
                    "A006",
                    root.span,
                    format!("the file holds {}, not keys with values", shape(other)),
                );
                if let Err(report) = index(other, "version") {
                    self.add(finding.refused(report));
                    return None;
                }
                self.add(finding);
                &empty
            }
        };
        self.keys(map, TOP_KEYS, "an AppSpec file");
        let version = index(&root.value, "version").unwrap_or(Value::Null);
        self.version(map, &version, root.span);
        self.os(map, root.span);
        let file_exists = self.file_exists(map);
        let hooks = self.hooks(map.entry("hooks"));
        let files = self.files(map.entry("files"));
        let permissions = self.permissions(map.entry("permissions"));
        Some(AppSpec { os: self.os, file_exists, files, permissions, hooks })
    }

    fn version(&mut self, map: &Map, version: &Value, root: Span) {
        let zero = match version {
            Value::Int(value) => *value == 0,
            Value::Float(value) => *value == 0.0,
            _ => false,
        };
        if zero {
            return;
        }
        let report = format!(
            "The deployment failed because an invalid version value ({}) was entered in the application specification file. Make sure your AppSpec file specifies \"0.0\" as the version, and then try again.",
            version.to_s()
        );
        let finding = match map.get("version") {
            None => Finding::error("A003", Span::at(root.start), "no version")
                .help("begin the file with `version: 0.0`"),
            Some(item) => Finding::error("A003", item.span, "the version must be the number 0.0")
                .help("write `version: 0.0`, without quotes"),
        };
        self.add(finding.refused(report));
    }

    fn os(&mut self, map: &Map, root: Span) {
        let null = Value::Null;
        let value = map.get("os").map_or(&null, |item| &item.value);
        let os =
            [Os::Linux, Os::Windows].into_iter().find(|os| *value == Value::Text(os.as_str().to_owned()));
        if let Some(os) = os {
            self.os = os;
            if self.host.is_none_or(|host| host == os) {
                return;
            }
        }
        let report = format!(
            "The deployment failed because the application specification file specifies an unsupported operating system ({}). Specify either \"linux\" or \"windows\" in the os section of the AppSpec file, and then try again.",
            value.to_s()
        );
        let finding = match map.get("os") {
            None => Finding::error("A004", Span::at(root.start), "no os").help("add `os: linux`"),
            Some(item) if os.is_some() => Finding::error("A004", item.span, "the host runs another system"),
            Some(item) => Finding::error("A004", item.span, "unknown operating system")
                .help("it is `linux` or `windows`, in lower case, for every distribution"),
        };
        self.add(finding.refused(report));
    }

    fn file_exists(&mut self, map: &Map) -> Option<FileExists> {
        let item = map.get("file_exists_behavior").filter(|item| !item.value.is_null())?;
        let text = item.value.to_s();
        let known = matches!(item.value, Value::Text(_)).then(|| FileExists::of(&text)).flatten();
        if known.is_none() {
            let report = format!(
                "The deployment failed because an invalid file_exists_behavior value ({text}) was entered in the application specification file. Make sure your AppSpec file specifies one of DISALLOW,OVERWRITE,RETAIN as the file_exists_behavior, and then try again."
            );
            self.add(
                Finding::error("A005", item.span, "unknown file_exists_behavior")
                    .help("it is DISALLOW, OVERWRITE or RETAIN, in capitals")
                    .refused(report),
            );
        }
        known
    }

    /// Warns of keys that the agent passes over and of repeated ones.
    fn keys(&mut self, map: &Map, known: &[&str], place: &str) {
        for (key, _) in &map.entries {
            let name = key.value.to_s();
            if known.contains(&name.as_str()) {
                continue;
            }
            let finding = Finding::warning("A050", key.span, format!("the agent ignores `{name}`"));
            self.add(finding.help(match nearest(&name, known) {
                _ if name.contains('\u{a0}') => "it holds no-break spaces: indent with plain ones".to_owned(),
                Some(word) => format!("did you mean `{word}`?"),
                None => format!("{place} has: {}", known.join(", ")),
            }));
        }
        for key in &map.repeated {
            let message =
                format!("`{}` comes again below; the agent takes the last one only", key.value.to_s());
            self.add(Finding::warning("A051", key.span, message));
        }
    }
}

/// What a person calls a value of this kind.
fn shape(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Text(_) => "a single value",
        Value::List(_) => "a list",
        Value::Map(_) => "keys with values",
    }
}

/// Ruby's `value[key]`: a Hash's value, a String's substring, or the error that Ruby raises.
fn index(value: &Value, key: &str) -> Result<Value, String> {
    match value {
        Value::Map(map) => Ok(map.get(key).map_or(Value::Null, |item| item.value.clone())),
        Value::Text(text) if text.contains(key) => Ok(Value::Text(key.to_owned())),
        Value::Text(_) => Ok(Value::Null),
        Value::List(_) | Value::Int(_) => Err("no implicit conversion of String into Integer".to_owned()),
        other => Err(no_method("[]", other)),
    }
}

/// The message of Ruby 3.1's NoMethodError.
fn no_method(method: &str, value: &Value) -> String {
    format!("undefined method `{method}' for {}:{}", value.inspect(), value.class())
}

/// Text, or the TypeError that Ruby raises where it is used as a path or a name.
fn text_or_type_error(value: &Value) -> Result<String, String> {
    match value {
        Value::Text(text) => Ok(text.clone()),
        Value::Null => Err("no implicit conversion of nil into String".to_owned()),
        Value::Bool(value) => Err(format!("no implicit conversion of {value} into String")),
        other => Err(format!("no implicit conversion of {} into String", other.class())),
    }
}
