//! `Hooks` of Lambda and ECS: a list of events, each with one Lambda function.

use std::collections::HashSet;

use crate::source::psych::{Item, Value};

use super::super::finding::nearest;
use super::super::{Finding, Platform};
use super::Checker;

/// Events of ECS that call a function.
pub const ECS_EVENTS: &[&str] =
    &["BeforeInstall", "AfterInstall", "AfterAllowTestTraffic", "BeforeAllowTraffic", "AfterAllowTraffic"];
/// Events of Lambda that call a function.
pub const LAMBDA_EVENTS: &[&str] = &["BeforeAllowTraffic", "AfterAllowTraffic"];

/// An event that both have.
const BEFORE_TRAFFIC: &str = "BeforeAllowTraffic";

fn events(platform: Platform) -> &'static [&'static str] {
    if platform == Platform::Ecs { ECS_EVENTS } else { LAMBDA_EVENTS }
}

/// The event and the function of a hook.
fn entries(hook: &Item) -> &[(Item, Item)] {
    if let Value::Map(map) = &hook.value { map.entries.as_slice() } else { &[] }
}

impl Checker {
    pub(super) fn hooks(&mut self, item: &Item) {
        let help = "write a list: `- BeforeAllowTraffic: FUNCTION`";
        match &item.value {
            Value::Null => {
                self.add(Finding::note("A036", item.span, "Hooks is empty: no function is called"));
            }
            Value::List(items) => {
                items.iter().for_each(|item| self.hook(item));
                let mut below = HashSet::new();
                for (event, _) in items.iter().rev().flat_map(entries) {
                    let name = event.value.to_s();
                    if !below.insert(name.to_ascii_lowercase()) {
                        let message =
                            format!("`{name}` comes again in a later item: an event has one function");
                        self.add(Finding::warning("A051", event.span, message));
                    }
                }
            }
            _ => self.error("A076", item.span, "Hooks is not a list", help),
        }
    }

    fn hook(&mut self, item: &Item) {
        let help = |event: &str| format!("write `- {event}: FUNCTION`, the function's name or ARN");
        let Value::Map(map) = &item.value else {
            let message = "a hook is an event with a function";
            return self.error("A076", item.span, message, &help(BEFORE_TRAFFIC));
        };
        self.repeated(map);
        if map.entries.len() != 1 {
            let message = "a list item of Hooks has one event";
            self.error("A076", item.span, message, &help(BEFORE_TRAFFIC));
        }
        for (event, function) in &map.entries {
            let (name, known) = (event.value.to_s(), events(self.platform));
            let meant = known.iter().find(|known| known.eq_ignore_ascii_case(&name));
            let help = &help(meant.copied().unwrap_or(BEFORE_TRAFFIC));
            if meant.is_none() {
                let finding = Finding::error("A077", event.span, format!("there is no event `{name}` here"));
                self.add(match nearest(&name, known) {
                    Some(word) => finding.help(format!("did you mean `{word}`?")),
                    None => finding.help(format!("events with functions: {}", known.join(", "))),
                });
            }
            let text = match &function.value {
                Value::List(_) | Value::Map(_) => {
                    let message = format!("{name} has more than one value; scripts run on EC2 hosts only");
                    return self.error("A078", function.span, message, help);
                }
                value => value.to_s(),
            };
            if text.trim().is_empty() {
                self.error("A078", event.span, format!("{name} has no function"), help);
            } else if !self.placeholder(function, &text) && !is_function(&text) {
                let message = format!("`{text}` is not the name or ARN of a Lambda function");
                self.error("A078", function.span, message, help);
            }
        }
    }
}

/// `name`, `name:alias`, `account:function:name` or an ARN.
pub fn is_function(text: &str) -> bool {
    let word = |part: &str| {
        !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '$'))
    };
    let parts: Vec<&str> = text.split(':').collect();
    // The name is the only part, or follows `function`.
    let name =
        parts.iter().position(|part| *part == "function").map_or(parts.first(), |at| parts.get(at + 1));
    text.len() <= 170
        && parts.len() <= 8
        && parts.iter().all(|part| word(part))
        && name.is_some_and(|name| name.len() <= 64)
}
