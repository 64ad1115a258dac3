//! `hooks`

use crate::model::EventName;
use crate::source::core;
use crate::source::psych::{Item, Map, Value};

use super::super::finding::nearest;
use super::super::{Agent, Finding, Script};
use super::{Os, Reader, no_method, shape};

pub(super) const KEYS: &[&str] = &["location", "timeout", "runas", "sudo"];

/// Seconds after which the service gives an event up, whatever its scripts may take.
const EVENT_LIMIT: u64 = 3600;

/// The events that run scripts.
pub const EVENTS: &[&str] = &[
    "BeforeBlockTraffic",
    "AfterBlockTraffic",
    "ApplicationStop",
    "BeforeInstall",
    "AfterInstall",
    "ApplicationStart",
    "ValidateService",
    "BeforeAllowTraffic",
    "AfterAllowTraffic",
];

const NO_LOCATION: &str = "The deployment failed because the application specification file specifies a script with no location value. Specify the location in the hooks section of the AppSpec file, and then try again.";
pub(super) const BAD_TIMEOUT: &str = "The deployment failed because an invalid timeout value was provided for a script in the application specification file. Make corrections in the hooks section of the AppSpec file, and then try again.";

impl Reader {
    pub(super) fn hooks(&mut self, root: &Map) -> Vec<(String, Vec<Script>)> {
        let Some((key, item)) = root.entry("hooks") else { return Vec::new() };
        let map = match &item.value {
            Value::Map(map) => map,
            value if self.is_absent(item, value) => {
                self.nothing_below(key, "hooks is empty: no script will run", root, EVENTS);
                return Vec::new();
            }
            other if self.agent == Agent::Two => {
                let message = format!("hooks is {}, not events with their scripts", shape(other));
                self.mistyped("A030", "hooks", item, "a map", message);
                return Vec::new();
            }
            other => {
                self.add(
                    Finding::error(
                        "A030",
                        item.span,
                        format!("hooks is {}, not events with their scripts", shape(other)),
                    )
                    .help("write `AfterInstall:` without a dash, and its scripts as a list below it")
                    .refused(no_method("each_pair", other)),
                );
                return Vec::new();
            }
        };
        for (key, scripts) in &map.repeated {
            let message =
                format!("`{}` comes again below; the agent takes the last one only", key.value.to_s());
            self.add(Finding::warning("A051", key.span, message));
            if self.agent == Agent::Two {
                self.mistyped_below(key, scripts);
            }
        }
        self.false_nulls("A030", "hooks", item, None);
        let is_name = |key: &Item| !matches!(key.value, Value::List(_) | Value::Map(_));
        if self.agent == Agent::Two {
            for (key, _) in map.entries.iter().filter(|(key, _)| !is_name(key)) {
                self.mistyped("A030", "hooks", key, "a string", "the name of an event is one word");
            }
        }
        map.entries
            .iter()
            .filter(|(key, scripts)| !scripts.false_null && (self.agent == Agent::One || is_name(key)))
            .collect::<Vec<_>>()
            .into_iter()
            .map(|(event, scripts)| (event.value.to_s(), self.event(event, scripts, map)))
            .collect()
    }

    /// An event that comes again below: its values count for nothing, their types do.
    fn mistyped_below(&mut self, event: &Item, scripts: &Item) {
        let before = self.findings.len();
        self.event(event, scripts, &Map::default());
        let told = self.findings.split_off(before);
        let typed = |finding: &Finding| finding.refusal.as_deref().is_some_and(super::is_yaml_refusal);
        self.findings.extend(told.into_iter().filter(typed));
    }

    /// A section or an event with nothing below it. That loses something only where what it should hold stands beside it:
    /// one of these `names`, in the map that holds `key`.
    fn nothing_below(&mut self, key: &Item, message: impl Into<String>, around: &Map, names: &[&str]) {
        let beside = around.entries.iter().find(|(key, _)| names.contains(&key.value.to_s().as_str()));
        self.add(match beside {
            Some((lost, _)) => Finding::warning("A036", key.span, message)
                .help(format!("indent `{}` and what else belongs below it", lost.value.to_s())),
            None => Finding::note("A036", key.span, message),
        });
    }

    /// A section that the agent takes for one that is not there.
    fn is_absent(&self, item: &Item, value: &Value) -> bool {
        match self.agent {
            Agent::One => matches!(value, Value::Null | Value::Bool(false)),
            Agent::Two => item.is_left_out(),
        }
    }

    fn event(&mut self, event: &Item, scripts: &Item, hooks: &Map) -> Vec<Script> {
        let name = event.value.to_s();
        // `timeout: 300` in the column of the event.
        let is_scripts = KEYS.contains(&name.as_str())
            && !matches!(scripts.value, Value::List(_) | Value::Null)
            && !(self.agent == Agent::Two && scripts.is_left_out());
        if !is_scripts {
            self.event_name(event, scripts);
        }
        let message = |other: &Value| match is_scripts {
            true => format!("`{name}` is no event: it belongs to a script"),
            false => format!("the scripts of an event are a list; this is {}", shape(other)),
        };
        let help = match name.as_str() {
            "location" => "write `- location: …`, indented below its event".to_owned(),
            _ if is_scripts => format!("indent `{name}` below its `- location: …`"),
            _ => "write `- location: scripts/…` below the event".to_owned(),
        };
        let items = match &scripts.value {
            Value::List(items) => items,
            value if value.is_null() || (self.agent == Agent::Two && scripts.is_left_out()) => {
                let message = format!("{} has no scripts", event.value.to_s());
                self.nothing_below(event, message, hooks, KEYS);
                return Vec::new();
            }
            other if self.agent == Agent::Two => {
                self.mistyped("A030", &format!("hooks.{name}"), scripts, "a sequence", message(other));
                if let Some(finding) = self.findings.last_mut() {
                    finding.help = Some(help);
                }
                return Vec::new();
            }
            other => {
                let report = match other {
                    Value::Map(map) => match map.entries.first() {
                        None => return Vec::new(),
                        Some((key, value)) => {
                            no_method("has_key?", &Value::List(vec![key.clone(), value.clone()]))
                        }
                    },
                    other => no_method("each", other),
                };
                self.add(Finding::error("A030", scripts.span, message(other)).help(help).refused(report));
                return Vec::new();
            }
        };
        let place = |at: usize| format!("hooks.{name}[{at}]");
        let (mut scripts, mut chosen) = (Vec::new(), Vec::new());
        for (at, item) in items.iter().enumerate() {
            let Some(script) = self.script(item, &place(at), &name) else { continue };
            // Left out it is an hour, which nobody chose.
            if matches!(&item.value, Value::Map(map) if map.get("timeout").is_some()) {
                chosen.push(script.timeout);
            }
            scripts.push(script);
        }
        let total = chosen.iter().copied().fold(0, u64::saturating_add);
        if total > EVENT_LIMIT && chosen.len() > 1 {
            let message = format!(
                "the time-outs add up to {total} s; the service fails an event after {EVENT_LIMIT} s"
            );
            self.add(Finding::warning("A033", event.span, message));
        }
        scripts
    }

    fn event_name(&mut self, event: &Item, scripts: &Item) {
        let name = event.value.to_s();
        if EVENTS.contains(&name.as_str()) {
            return;
        }
        if matches!(name.as_str(), "DownloadBundle" | "Install") {
            let message = format!("{name} is the agent's own work: scripts on it never run");
            let finding = Finding::warning("A035", event.span, message);
            self.add(finding.help(format!("events with scripts: {}", EVENTS.join(", "))));
            return;
        }
        let known = EventName::KNOWN.iter().any(|known| known.as_str() == name);
        let (code, message) = if known {
            ("A035", format!("{name} runs no scripts on EC2 and on-premises hosts"))
        } else {
            ("A034", format!("there is no event `{name}`"))
        };
        // An event without scripts is passed over before names are compared.
        let finding = match &scripts.value {
            Value::Null => Finding::warning(code, event.span, message),
            Value::List(items) if items.is_empty() && self.agent == Agent::Two => {
                Finding::warning(code, event.span, message)
            }
            _ => {
                // Source: official agents 1.8.1, codedeploy-local, and 2.x, deploy-local.
                let consequence = match self.agent {
                    Agent::One => {
                        "the agent's own local run refuses the file, a deployment never runs these scripts"
                    }
                    Agent::Two => {
                        "a deployment never runs these scripts, the agent's own local run passes over them"
                    }
                };
                Finding::error(code, event.span, format!("{message}: {consequence}"))
            }
        };
        self.add(finding.help(match nearest(&name, EVENTS) {
            Some(word) => format!("did you mean `{word}`?"),
            None => format!("events with scripts: {}", EVENTS.join(", ")),
        }));
    }

    /// `path` is the script's, as agent 2 names it.
    fn script(&mut self, item: &Item, path: &str, event: &str) -> Option<Script> {
        let nothing = Map::default();
        let map = match &item.value {
            Value::Map(map) => map,
            _ if self.agent == Agent::Two && item.is_left_out() => &nothing,
            value => {
                let message = format!("a script is {}", shape(value));
                if self.agent == Agent::Two {
                    self.mistyped("A030", path, item, "struct RawScript", message);
                } else {
                    let finding =
                        Finding::error("A030", item.span, message).help("write `- location: scripts/…`");
                    self.add(finding.refused(no_method("has_key?", value)));
                }
                return None;
            }
        };
        self.keys(map, KEYS, "a script");
        if self.false_nulls("A031", path, item, Some(KEYS)) {
            return None;
        }
        let location = self.scalar(map, "location", path)?.unwrap_or_default();
        if location.is_empty() {
            let span = map.entry("location").map_or(item.span, |(key, _)| key.span);
            let finding = Finding::error("A031", span, "the script has no location").refused(NO_LOCATION);
            let is_apart =
                !path.ends_with("[0]") && !map.entries.is_empty() && map.entry("location").is_none();
            self.add(finding.help(match is_apart {
                true => "take the dash away where this belongs to the script above, else add `location:`",
                false => "add `location:`, the script's path in the bundle",
            }));
            return None;
        }
        let timeout = self.timeout(map, path)?;
        let runas = self.scalar(map, "runas", path)?;
        if let (Some(_), Os::Windows, Some(item)) = (&runas, self.os, map.get("runas")) {
            self.add(Finding::warning("A042", item.span, "runas does nothing on Windows"));
        }
        if let (Some(name), Os::Linux, Some(item)) = (&runas, self.os, map.get("runas")) {
            self.account(name, item, event);
        }
        let sudo = self.sudo(map, path)?;
        if let (true, Os::Windows, Some(item)) = (sudo, self.os, map.get("sudo")) {
            self.add(Finding::warning("A042", item.span, "sudo does nothing on Windows"));
        }
        let span = map.get("location").map_or(item.span, |item| item.span);
        Some(Script { location, timeout, runas, sudo, span })
    }

    /// A script's value without the blanks around it; none where the agent refuses it.
    fn scalar(&mut self, map: &Map, key: &str, path: &str) -> Option<Option<String>> {
        let item = map.get(key).filter(|item| !item.value.is_null());
        let text = match self.agent {
            Agent::One => item.map(|item| item.value.stripped()),
            Agent::Two => {
                let code = if key == "runas" { "A044" } else { "A031" };
                let text = self.typed_text(code, &format!("{path}.{key}"), item).ok()?;
                text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
            }
        };
        Some(text)
    }

    fn sudo(&mut self, map: &Map, path: &str) -> Option<bool> {
        let Some(item) = map.get("sudo").filter(|item| !item.value.is_null()) else { return Some(false) };
        if self.agent == Agent::One {
            if let Value::Text(text) = &item.value {
                let message = format!("any text is taken for true here, `{text}` too");
                self.add(
                    Finding::warning("A043", item.span, message).help("write true or false, without quotes"),
                );
            }
            return Some(item.value != Value::Bool(false));
        }
        let sudo = item.plain.as_deref().and_then(core::boolean);
        if sudo.is_none() {
            self.mistyped(
                "A043",
                &format!("{path}.sudo"),
                item,
                "a boolean",
                "sudo is neither true nor false",
            );
            if let Some(finding) = self.findings.last_mut() {
                finding.help = Some("write true or false, without quotes".to_owned());
                finding.fix = meant_truth(item).map(str::to_owned);
            }
        }
        sudo
    }

    /// Seconds by Ruby's `to_i`; none where the agent refuses.
    fn timeout(&mut self, map: &Map, path: &str) -> Option<u64> {
        let Some(item) = map.get("timeout") else { return Some(EVENT_LIMIT) };
        if self.agent == Agent::Two {
            let seconds = self.typed_timeout(item, &format!("{path}.timeout"), EVENT_LIMIT)?;
            self.too_long(item, seconds);
            return Some(seconds);
        }
        let seconds = match &item.value {
            Value::Null | Value::Bool(false) => return Some(EVENT_LIMIT),
            Value::Int(value) => *value,
            Value::Float(value) if value.is_finite() => *value as i128,
            Value::Text(text) => text_to_i(text),
            other => {
                let finding = Finding::error("A032", item.span, "the timeout is not a number of seconds");
                self.add(finding.refused(no_method("to_i", other)));
                return None;
            }
        };
        if seconds <= 0 {
            let finding = Finding::error("A032", item.span, "the timeout is not a number of seconds above 0");
            self.add(finding.refused(BAD_TIMEOUT));
            return None;
        }
        let seconds = u64::try_from(seconds).unwrap_or(u64::MAX);
        let written = item.plain.clone().unwrap_or_else(|| item.value.to_s());
        if written != seconds.to_string() {
            let finding = Finding::warning(
                "A032",
                item.span,
                format!("the agent reads `{written}` as {seconds} seconds"),
            );
            self.add(finding.help("write whole seconds, without unit, colon or leading zero"));
        }
        self.too_long(item, seconds);
        Some(seconds)
    }

    fn too_long(&mut self, item: &Item, seconds: u64) {
        if seconds > EVENT_LIMIT {
            let message = format!("the service fails an event after {EVENT_LIMIT} s");
            self.add(Finding::warning("A033", item.span, message));
        }
    }
}

/// What agent 1 makes of a truth value that agent 2 refuses, where that is what it says. `"false"` says no and is yes.
fn meant_truth(item: &Item) -> Option<&'static str> {
    match (item.value.to_s().to_ascii_lowercase().as_str(), item.plain.is_some()) {
        ("yes" | "on" | "true", _) => Some("true"),
        ("no" | "off", true) => Some("false"),
        _ => None,
    }
}

/// Ruby's `String#to_i`: the number at the beginning, or 0.
fn text_to_i(text: &str) -> i128 {
    let text = text.trim_start();
    let (negative, body) = match text.strip_prefix('-') {
        Some(body) => (true, body),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    // One underscore may stand between two digits.
    let end = body.find(|c: char| !c.is_ascii_digit() && c != '_').unwrap_or(body.len());
    let number = body.get(..end).unwrap_or_default();
    let digits = number.split("__").next().unwrap_or_default().replace('_', "");
    if number.starts_with('_') || digits.is_empty() {
        return 0;
    }
    let value = digits.parse().unwrap_or(i128::MAX);
    if negative { -value } else { value }
}
