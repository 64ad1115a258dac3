//! Reads an AppSpec in the agent's order, so that the first refusal is the one that a host reports.
//!
//! Both agents' readings are here, for most of their rules are the same: a value comes resolved by its agent's YAML,
//! and where the rules differ the code asks which agent it is. What serde's types refuse is worded in `typed`.
//!
//! Where Ruby itself breaks on a value of the wrong shape, its words become the host's report, as they do on the agent.

mod accounts;
pub mod acl;
mod context;
mod files;
mod hooks;
mod permissions;
mod typed;
mod unread;

use crate::source::psych::{Item, Map, Value};
use crate::source::{self, Indented, Position, Span, core, psych};

pub use hooks::EVENTS;
pub use permissions::is_nobodys;
pub use unread::{INDENTED, NOT_INDENTED, rest_help, unreadable_help, unreadable_span};

use super::finding::nearest;
use super::{Agent, AppSpec, FileExists, Finding, Os};

pub const EMPTY: &str = "The deployment failed because the application specification file was empty. Make sure your AppSpec file defines at minimum the 'version' and 'os' properties.";

/// Whether a report comes from agent 2's YAML reader.
pub fn is_yaml_refusal(report: &str) -> bool {
    report.starts_with(typed::YAML)
}

/// The order in which that reader refuses: values, then fields that are not there, then a second document.
pub fn yaml_order(report: &str) -> u8 {
    let is = |what: &str| report.starts_with(&typed::yaml(what));
    u8::from(is("missing field")) + 2 * u8::from(is(core::MORE_DOCUMENTS))
}

/// The keys of an AppSpec for hosts.
pub const TOP_KEYS: &[&str] = &["version", "os", "file_exists_behavior", "files", "permissions", "hooks"];

/// The AppSpec, where there is anything to hold, and everything there is to say of it.
///
/// `host` is the system that the agent runs on; without one either will do.
pub fn read(text: &[u8], host: Option<Os>, agent: Agent) -> (Option<AppSpec>, Vec<Finding>) {
    let mut reader = Reader { agent, host, os: host.unwrap_or(Os::Linux), findings: Vec::new() };
    let appspec = reader.document(text);
    (appspec, reader.findings)
}

struct Reader {
    agent: Agent,
    host: Option<Os>,
    os: Os,
    findings: Vec<Finding>,
}

impl Reader {
    fn add(&mut self, finding: Finding) {
        self.findings.push(finding);
    }

    fn document(&mut self, text: &[u8]) -> Option<AppSpec> {
        let mut document = match source::parse(text) {
            Ok(document) => document,
            Err(error) => return self.unreadable(text, &error),
        };
        // Behind a mark the first key stands in column 2 and the others do not: to agent 2 it is all that there is, before
        // it comes to see a second document.
        if let (Agent::Two, true, Some(rest)) = (self.agent, document.byte_order_mark, document.rest) {
            let text = String::from_utf8_lossy(text);
            let line =
                rest.line.checked_sub(1).and_then(|line| source::lines(&text).get(line).map(|line| line.1));
            document.rest = document.rest.filter(|_| line.is_some_and(|line| line.starts_with("---")));
        }
        let loaded = match self.agent {
            Agent::One => psych::load(&document),
            Agent::Two => core::load_first(&document),
        };
        let root = match loaded {
            Ok(Some(root)) if !root.value.is_null() && root.value != Value::Bool(false) => root,
            Ok(root) => {
                let report = self.nothing(text, root.as_ref());
                self.add(Finding::error("A002", None, "the file is empty").refused(report));
                return None;
            }
            Err(error) => return self.unreadable(text, &error),
        };
        self.mark(text);
        if let Some(meant) = Indented::of(text, &document) {
            return self.indented(&root, &meant);
        }
        if let (Agent::One, Some(rest)) = (self.agent, document.rest) {
            let message = "the agent reads the first YAML document only; this is not read";
            self.add(Finding::warning("A007", Span::at(rest), message).help(rest_help(text, rest)));
        }
        if let Some(error) = source::json_error(text) {
            let message = format!(
                "this begins like JSON and is none ({}): the agents read it, others do not",
                error.message
            );
            self.add(Finding::warning("A009", Span::at(error.position), message));
        }
        let appspec = self.root(&root);
        if let (Agent::Two, Some(rest)) = (self.agent, document.rest) {
            self.more_documents(rest, rest_help(text, rest));
        }
        appspec
    }

    /// What the host reports of a file that holds nothing. Agent 2 does so where there are blanks alone; else serde misses
    /// the first field, or has nothing where keys were expected.
    fn nothing(&self, text: &[u8], root: Option<&Item>) -> String {
        let blank = std::str::from_utf8(text).is_ok_and(|text| text.trim().is_empty());
        match root {
            _ if self.agent == Agent::One || blank => EMPTY.to_owned(),
            Some(root) if !root.is_left_out() => typed::mismatch("", root, "struct RawAppSpec"),
            Some(root) => typed::missing_field("version", root.span),
            None => {
                let text = String::from_utf8_lossy(text);
                let lines = source::lines(&text);
                let column = lines.last().map_or(0, |(_, line)| line.chars().count()) + 1;
                typed::missing_field("version", Span::at(Position { line: lines.len(), column }))
            }
        }
    }

    fn root(&mut self, root: &Item) -> Option<AppSpec> {
        let empty = Map::default();
        if self.agent == Agent::Two && !matches!(root.value, Value::Map(_)) {
            let message = format!("the file holds {}, not keys with values", shape(&root.value));
            self.mistyped("A006", "", root, "struct RawAppSpec", message);
            if let Some(finding) = self.findings.last_mut() {
                finding.help = keys_help(&root.value).map(str::to_owned);
            }
            return None;
        }
        let map = match &root.value {
            Value::Map(map) => map,
            other => {
                let message = format!("the file holds {}, not keys with values", shape(other));
                let mut finding = Finding::error("A006", root.span, message);
                finding.help = keys_help(other).map(str::to_owned);
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
        self.false_nulls("A005", "", root, Some(&["file_exists_behavior"]));
        let file_exists = self.file_exists(map);
        let hooks = self.hooks(map);
        let files = self.files(map.entry("files"));
        let permissions = self.permissions(map.entry("permissions"));
        Some(AppSpec { os: self.os, file_exists, files, permissions, hooks })
    }

    fn version(&mut self, map: &Map, version: &Value, root: Span) {
        if self.agent == Agent::Two {
            return self.typed_version(map, root);
        }
        let zero = match version {
            Value::Int(value) => *value == 0,
            Value::Float(value) => *value == 0.0,
            _ => false,
        };
        if zero {
            return self.unusual_version(map);
        }
        let report = format!(
            "The deployment failed because an invalid version value ({}) was entered in the application specification file. Make sure your AppSpec file specifies \"0.0\" as the version, and then try again.",
            version.to_s()
        );
        let finding = match map.get("version") {
            None => Finding::error("A003", Span::at(root.start), "no version")
                .help("begin the file with `version: 0.0`"),
            Some(item) => {
                let finding = Finding::error("A003", item.span, "the version must be the number 0.0")
                    .help("write `version: 0.0`, without quotes");
                if item.value.to_s() == "0.0" { finding.fix("0.0") } else { finding }
            }
        };
        self.add(finding.refused(report));
    }

    /// A zero that the agents take, though no document shows it.
    fn unusual_version(&mut self, map: &Map) {
        if let Some(item) = map.get("version")
            && item.plain.as_deref() != Some("0.0")
        {
            self.add(
                Finding::warning("A003", item.span, "the documented version is written 0.0")
                    .help("write `version: 0.0`"),
            );
        }
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
            if self.agent == Agent::Two {
                let span = map.get("os").map(|item| item.span);
                let message = "the host runs another system, and the agent never asks";
                return self.add(Finding::warning("A004", span, message));
            }
        }
        if self.agent == Agent::Two
            && let Some(item) = map.get("os")
            && typed::text(item).is_none()
        {
            return self.mistyped("A004", "os", item, "a string", "os is not one word");
        }
        let report = format!(
            "The deployment failed because the application specification file specifies an unsupported operating system ({}). Specify either \"linux\" or \"windows\" in the os section of the AppSpec file, and then try again.",
            map.get("os").map_or_else(String::new, |item| self.written(item))
        );
        let finding = match map.get("os") {
            None if self.agent == Agent::Two => {
                let finding = Finding::error("A004", Span::at(root.start), "no os").help("add `os: linux`");
                return self.add(finding.refused(typed::missing_field("os", root)));
            }
            None => Finding::error("A004", Span::at(root.start), "no os").help("add `os: linux`"),
            Some(item) if os.is_some() => Finding::error("A004", item.span, "the host runs another system"),
            Some(item) => {
                let mut finding = Finding::error("A004", item.span, "unknown operating system")
                    .help("it is `linux` or `windows`, in lower case, for every distribution");
                let lower = item.value.to_s().to_lowercase();
                // What else there is to say is said of the system that is meant, whichever its version.
                if lower.starts_with(Os::Windows.as_str()) {
                    self.os = Os::Windows;
                }
                finding.fix = matches!(lower.as_str(), "linux" | "windows").then_some(lower);
                finding
            }
        };
        self.add(finding.refused(report));
    }

    fn file_exists(&mut self, map: &Map) -> Option<FileExists> {
        let item =
            map.get("file_exists_behavior").filter(|item| !item.value.is_null() && !item.false_null)?;
        if self.agent == Agent::Two && typed::text(item).is_none() {
            self.mistyped(
                "A005",
                "file_exists_behavior",
                item,
                "a string",
                "file_exists_behavior is not one word",
            );
            return None;
        }
        let text = item.value.to_s();
        let known = matches!(item.value, Value::Text(_)).then(|| FileExists::of(&text)).flatten();
        if known.is_none() {
            let report = format!(
                "The deployment failed because an invalid file_exists_behavior value ({text}) was entered in the application specification file. Make sure your AppSpec file specifies one of DISALLOW,OVERWRITE,RETAIN as the file_exists_behavior, and then try again."
            );
            let mut finding = Finding::error("A005", item.span, "unknown file_exists_behavior")
                .help("it is DISALLOW, OVERWRITE or RETAIN, in capitals")
                .refused(report);
            let upper = text.to_uppercase();
            finding.fix = FileExists::of(&upper).map(|_| upper);
            self.add(finding);
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
            if self.agent == Agent::Two && matches!(key.value, Value::List(_) | Value::Map(_)) {
                self.mistyped("A050", "", key, "field identifier", "a key is one word");
                continue;
            }
            let then = if event(&name).is_some() { ": its scripts never run" } else { "" };
            let finding = Finding::warning("A050", key.span, format!("the agent ignores `{name}`{then}"));
            self.add(finding.help(match (belongs(&name, known), nearest(&name, known)) {
                _ if name.contains('\u{a0}') => "it holds no-break spaces: indent with plain ones".to_owned(),
                (Some(help), _) => help,
                (None, Some(word)) => format!("did you mean `{word}`?"),
                (None, None) => format!("{place} has: {}", known.join(", ")),
            }));
        }
        for (key, _) in &map.repeated {
            let name = key.value.to_s();
            if self.agent == Agent::Two && known.contains(&name.as_str()) {
                let message = format!("`{name}` comes again below; the agent refuses that");
                let report = typed::yaml(&format!("duplicate field `{name}`"));
                self.add(Finding::error("A051", key.span, message).refused(report));
            } else {
                let message = format!("`{name}` comes again below; the agent takes the last one only");
                self.add(Finding::warning("A051", key.span, message));
            }
        }
    }

    /// A scalar as the agent's messages show it.
    fn written(&self, item: &Item) -> String {
        match (self.agent, &item.plain) {
            (Agent::Two, Some(plain)) => plain.clone(),
            _ => item.value.to_s(),
        }
    }
}

/// The event of this name, in whatever case.
fn event(name: &str) -> Option<&'static str> {
    EVENTS.iter().find(|event| event.eq_ignore_ascii_case(name)).copied()
}

/// What to do about a key that is right in another place, `known` being those of its own.
fn belongs(name: &str, known: &[&str]) -> Option<String> {
    let is_of = |keys: &[&str]| keys.iter().any(|key| key.eq_ignore_ascii_case(name));
    if is_of(known) {
        return None;
    }
    if let Some(event) = event(name) {
        return Some(format!("an event belongs below `hooks:`: indent `{event}` there"));
    }
    let is_command = known == hooks::KEYS && is_of(&["run", "command", "commands", "script"]);
    let help = if is_command {
        "write `location:`, the path of a script in the bundle; commands go into the script"
    } else if is_of(TOP_KEYS) {
        "it belongs at the top level of the file"
    } else if is_of(files::KEYS) {
        "it belongs to an entry of `files`"
    } else if is_of(&["location"]) {
        "it belongs below an event: write `- location: …` there"
    } else if is_of(hooks::KEYS) {
        "it belongs to a script: indent it below its `- location: …`"
    } else if is_of(permissions::KEYS) {
        "it belongs to an entry of `permissions`, beside the `object:` that it is for"
    } else {
        return None;
    };
    Some(help.to_owned())
}

/// What to do about a file without keys.
pub fn keys_help(value: &Value) -> Option<&'static str> {
    match value {
        Value::Text(text) if text.contains(':') => Some("put a blank after each colon: `version: 0.0`"),
        Value::List(_) => Some("begin it with `version: 0.0`, without a dash"),
        _ => None,
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
