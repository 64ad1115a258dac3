//! AppSpec files of Lambda and ECS deployments, which the service itself reads: `Resources` and `Hooks`.
//!
//! The service's reader is closed. These are the documented rules, and what the service is reported to refuse; the
//! case of keys does not count.
//!
//! Source: AWS CodeDeploy user guide, AppSpec "resources" and "hooks" sections.

mod ecs;
mod hooks;
mod lambda;

use std::collections::{BTreeSet, HashSet};

use crate::source::psych::{Item, Map, Value};
use crate::source::{self, Content, Indented, Node, Position, Span, core};

use super::finding::nearest;
use super::read::{INDENTED, NOT_INDENTED, keys_help, rest_help, unreadable_help, unreadable_span};
use super::template::readable;
use super::{Finding, Platform, Severity, placeholder};

pub use ecs::{SECURITY_GROUP, SUBNET, TASK_DEFINITION};
pub use hooks::{ECS_EVENTS, LAMBDA_EVENTS};
pub use lambda::VERSION;

/// How the sentence of each error ends.
pub const OUTCOME: &str = "; the deployment fails";

/// Everything there is to say of the text. `placeholders`: values that a pipeline fills in are worth a note only.
pub fn check(text: &[u8], platform: Platform, placeholders: bool) -> Vec<Finding> {
    let mut checker = Checker { platform, placeholders, findings: Vec::new() };
    checker.document(text);
    for finding in checker.findings.iter_mut().filter(|finding| finding.severity == Severity::Error) {
        finding.message.push_str(OUTCOME);
    }
    checker.findings
}

struct Checker {
    platform: Platform,
    placeholders: bool,
    findings: Vec<Finding>,
}

const TOP_KEYS: &[&str] = &["version", "Resources", "Hooks"];

/// Keys that often stand beside the key that they belong below.
const BELOW: &[(&str, &[&str])] = &[
    ("Properties", ecs::PROPERTIES),
    ("Properties", lambda::PROPERTIES),
    ("LoadBalancerInfo", ecs::LOAD_BALANCER),
    ("AwsvpcConfiguration", ecs::VPC),
];

/// What `name` belongs below, among `known`.
fn belongs_below(name: &str, known: &[&str]) -> Option<&'static str> {
    let is_of = |(below, names): &&(&str, &[&str])| {
        known.contains(below) && names.iter().any(|of| of.eq_ignore_ascii_case(name))
    };
    BELOW.iter().find(is_of).map(|(below, _)| *below)
}

/// The keys of `item`, which `name` holds, with those that stand beside `name` and belong below it; none where there are none.
fn with_lost(item: Option<&Item>, around: &Map, name: &str) -> Option<Map> {
    let mut map = match item.map(|item| &item.value) {
        Some(Value::Map(map)) => map.clone(),
        Some(Value::Null) => Map::default(),
        _ => return None,
    };
    let mut there: HashSet<String> =
        map.entries.iter().map(|(key, _)| key.value.to_s().to_ascii_lowercase()).collect();
    for (key, value) in &around.entries {
        let text = key.value.to_s();
        if belongs_below(&text, &[name]).is_some() && there.insert(text.to_ascii_lowercase()) {
            map.entries.push((key.clone(), value.clone()));
        }
    }
    (!map.entries.is_empty() || matches!(item, Some(Item { value: Value::Map(_), .. }))).then_some(map)
}

/// The value under a key whose case does not count.
fn member<'a>(map: &'a Map, name: &str) -> Option<&'a Item> {
    map.entries.iter().find(|(key, _)| key.value.to_s().eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

impl Checker {
    fn add(&mut self, finding: Finding) {
        self.findings.push(finding);
    }

    fn error(&mut self, code: &'static str, span: Span, message: impl Into<String>, help: &str) {
        self.add(Finding::error(code, span, message).help(help));
    }

    fn document(&mut self, text: &[u8]) {
        let bare = without_mark(text);
        if bare.len() < text.len() {
            let first = Span::at(Position { line: 1, column: 1 });
            let finding = Finding::warning("A008", first, "the file begins with a byte order mark");
            self.add(finding.help("save the file as UTF-8 without BOM").fix(""));
        }
        let text = bare;
        let document = match source::parse(text) {
            Ok(document) => document,
            Err(error) => return self.unreadable(text, error),
        };
        if let Some(meant) = Indented::of(text, &document) {
            self.error("A007", Span::at(meant.start), INDENTED, NOT_INDENTED);
            let before = self.findings.len();
            self.document(&meant.text);
            for finding in self.findings.iter_mut().skip(before) {
                finding.span = finding.span.map(|span| meant.span(span));
            }
            return self.findings.sort_by_key(|finding| finding.span.map(|span| span.start));
        }
        if let Some(error) = source::json_error(text) {
            let message = format!("this begins like JSON and is none: {}", error.message);
            return self.error(
                "A001",
                Span::at(error.position),
                message,
                "JSON has no trailing commas and no comments",
            );
        }
        if let Some(rest) = document.rest {
            let message = "a second YAML document begins here; an AppSpec is one";
            self.add(Finding::warning("A007", Span::at(rest), message).help(rest_help(text, rest)));
        }
        let mut tags = Vec::new();
        document.root.iter().for_each(|root| foreign_tags(root, &mut tags));
        match core::load_first(&document) {
            Ok(Some(root)) => self.root(&root),
            Ok(None) => self.add(Finding::error("A002", None, "the file is empty")),
            Err(error) => return self.unreadable(text, error),
        }
        // What stands behind such a tag is not the value.
        let tagged: BTreeSet<Span> = tags.iter().map(|(_, span)| *span).collect();
        self.findings.retain(|found| found.span.is_none_or(|span| !tagged.contains(&span)));
        for (tag, span) in tags {
            let message = format!("`{tag}` is CloudFormation's; CodeDeploy does not know it");
            self.error("A070", span, message, "write the value itself");
        }
        self.findings.sort_by_key(|finding| finding.span.map(|span| span.start));
    }

    fn unreadable(&mut self, text: &[u8], error: source::Error) {
        let help = unreadable_help(text, &error.message);
        let finding = Finding::error("A001", unreadable_span(&error), error.message);
        self.add(Finding { help: help.map(str::to_owned), ..finding });
    }

    fn root(&mut self, root: &Item) {
        let Value::Map(map) = &root.value else {
            return self.error(
                "A006",
                root.span,
                "the file holds no keys with values",
                keys_help(&root.value).unwrap_or("begin it with `version: 0.0`"),
            );
        };
        self.keys(map, TOP_KEYS, "A071", self.appspec());
        self.version(map, root.span);
        let Some(resources) = member(map, "Resources") else {
            let help = "add `Resources:`, a list with one resource";
            return self.error("A070", Span::at(root.span.start), "the file has no Resources", help);
        };
        self.resources(resources);
        if let Some(hooks) = member(map, "Hooks") {
            self.hooks(hooks);
        }
    }

    fn version(&mut self, map: &Map, root: Span) {
        let Some(item) = member(map, "version") else {
            return self.error(
                "A003",
                Span::at(root.start),
                "no version",
                "begin the file with `version: 0.0`",
            );
        };
        let text = item.value.to_s();
        let number = core::float(item.plain.as_deref().unwrap_or(&text));
        if number != Some(0.0) {
            self.error("A003", item.span, "the version must be 0.0", "write `version: 0.0`");
        } else if text != "0.0" {
            self.add(Finding::warning("A003", item.span, "the documented version is written 0.0"));
        }
    }

    /// Keys that the service does not know: it refuses them. Of repeated ones it can only take one.
    fn keys(&mut self, map: &Map, known: &[&str], code: &'static str, place: &str) {
        self.repeated(map);
        for (key, _) in &map.entries {
            let name = key.value.to_s();
            if known.iter().any(|known| known.eq_ignore_ascii_case(&name)) {
                continue;
            }
            let message = format!("the service does not know `{name}` in {place}");
            let finding = Finding::error(code, key.span, message);
            if let Some(below) = belongs_below(&name, known) {
                self.add(finding.help(format!("indent it below `{below}:`")));
                continue;
            }
            self.add(match nearest(&name, known) {
                Some(word) => finding.help(format!("did you mean `{word}`?")),
                None => finding.help(format!("{place} has: {}", known.join(", "))),
            });
        }
    }

    /// Keys that come again, in whatever case.
    fn repeated(&mut self, map: &Map) {
        let mut below = HashSet::new();
        let other_case = map.entries.iter().rev();
        let other_case = other_case.filter(|(key, _)| !below.insert(key.value.to_s().to_ascii_lowercase()));
        for (key, _) in map.repeated.iter().chain(other_case) {
            let message = format!("`{}` comes again below: one of the two is lost", key.value.to_s());
            self.add(Finding::warning("A051", key.span, message));
        }
    }

    fn resources(&mut self, item: &Item) {
        let help = "write one list item: the resource's name, and below it Type and Properties";
        let Value::List(items) = &item.value else {
            return self.error("A070", item.span, "Resources is not a list", help);
        };
        let [one] = items.as_slice() else {
            let message = format!("{} resources: a deployment has exactly one", items.len());
            return self.error("A070", item.span, message, help);
        };
        let resource = match &one.value {
            Value::Map(map) => match map.entries.as_slice() {
                [entry] => {
                    self.repeated(map);
                    entry
                }
                _ => {
                    let message = "a resource is one name with all else below it; is this indented enough?";
                    return self.error("A070", one.span, message, help);
                }
            },
            _ => return self.error("A070", one.span, "a resource is a name with Type and Properties", help),
        };
        let (name, body) = resource;
        let Value::Map(map) = &body.value else {
            return self.error("A070", name.span, "the resource is empty", help);
        };
        self.keys(map, &["Type", "Properties"], "A071", "a resource");
        let (wanted, properties) = (self.resource_type(), member(map, "Properties"));
        match member(map, "Type").map(|item| (item, item.value.to_s())) {
            None => {
                self.error("A072", name.span, "the resource has no Type", &format!("add `Type: {wanted}`"))
            }
            Some((item, text)) if text != wanted => {
                let message = format!("a deployment of this platform has no resource of type `{text}`");
                self.error("A072", item.span, message, &format!("write `Type: {wanted}`"));
            }
            Some(_) => {}
        }
        let Some(inner) = with_lost(properties, map, "Properties") else {
            let given = properties.filter(|item| !is_empty(&item.value));
            let span = given.map_or(name.span, |item| item.span);
            return self.error("A073", span, "the resource has no Properties", "add `Properties:`");
        };
        match self.platform {
            Platform::Ecs => self.ecs(name, &inner),
            _ => self.lambda(name, &inner),
        }
    }

    fn resource_type(&self) -> &'static str {
        if self.platform == Platform::Ecs { "AWS::ECS::Service" } else { "AWS::Lambda::Function" }
    }

    /// The whole file.
    fn appspec(&self) -> &'static str {
        if self.platform == Platform::Ecs { "an AppSpec for ECS" } else { "an AppSpec for Lambda" }
    }

    /// The text of a property that must be there; none where it is missing or a placeholder.
    fn required<'a>(&mut self, map: &'a Map, name: &str, at: Span) -> Option<(&'a Item, String)> {
        let item = member(map, name).filter(|item| !is_empty(&item.value));
        let Some(item) = item else {
            let span = member(map, name).map_or(at, |item| item.span);
            self.error("A073", span, format!("{name} is missing or empty"), &format!("add `{name}:`"));
            return None;
        };
        self.one_value(name, item).map(|text| (item, text))
    }

    /// The text of a property; none where it has several values or is a placeholder.
    fn one_value(&mut self, name: &str, item: &Item) -> Option<String> {
        if matches!(item.value, Value::List(_) | Value::Map(_)) {
            let message = format!("{name} is not one value");
            self.error("A074", item.span, message, &format!("write `{name}: VALUE`"));
            return None;
        }
        let text = item.value.to_s();
        (!self.placeholder(item, &text)).then_some(text)
    }

    /// Notices what is filled in later.
    fn placeholder(&mut self, item: &Item, text: &str) -> bool {
        let is = placeholder::is_placeholder(text);
        if is {
            self.add(placeholder::finding(item.span, text, self.placeholders));
        }
        is
    }

    /// As [`Checker::placeholder`], of a value that no word of capitals can be: it names one of `wanted`.
    fn stand_in(&mut self, item: &Item, text: &str, wanted: &[&str]) -> bool {
        let is = placeholder::stands_for(text, wanted);
        if is {
            self.add(placeholder::finding(item.span, text, self.placeholders));
        }
        is
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Text(text) => text.trim().is_empty(),
        Value::List(items) => items.is_empty(),
        Value::Map(map) => map.entries.is_empty(),
        _ => false,
    }
}

/// The values with a tag that is not YAML's own.
fn foreign_tags<'a>(node: &'a Node, found: &mut Vec<(&'a str, Span)>) {
    if let Some(tag) = node.tag.as_deref().filter(|tag| placeholder::is_foreign(tag)) {
        return found.push((tag, node.span));
    }
    match &node.content {
        Content::List(items) => items.iter().for_each(|item| foreign_tags(item, found)),
        Content::Map(entries) => {
            for (key, value) in entries {
                foreign_tags(key, found);
                foreign_tags(value, found);
            }
        }
        Content::Scalar(_) | Content::Alias(_) => {}
    }
}

/// A text without its byte order mark, which hides all but the first key from the agents; the service is none.
fn without_mark(text: &[u8]) -> &[u8] {
    text.strip_prefix("\u{feff}".as_bytes()).unwrap_or(text)
}

/// Which platform a text is for, by what it holds.
pub fn detect(text: &[u8]) -> Platform {
    let text = without_mark(text);
    let parse = |text: &[u8]| source::parse(text).ok();
    let document = parse(&readable(text));
    let document = document.and_then(|document| match Indented::of(text, &document) {
        Some(meant) => parse(&meant.text),
        None => Some(document),
    });
    // What follows the first document is the service's own business.
    let root = document.and_then(|document| core::load_first(&document).ok().flatten());
    let root = root.map(|root| root.value);
    let Some(whole @ Value::Map(map)) = &root else {
        let text = String::from_utf8_lossy(text);
        return match (text.contains("Resources"), text.contains("AWS::Lambda")) {
            (true, true) => Platform::Lambda,
            (true, false) => Platform::Ecs,
            (false, _) => Platform::Server,
        };
    };
    let (resources, os) = (member(map, "Resources"), member(map, "os").is_some());
    let words = words(resources.map_or(whole, |item| &item.value));
    let has = |name: &str| words.iter().any(|word| word.eq_ignore_ascii_case(name));
    let has_type = |part: &str| {
        words.iter().any(|word| word.starts_with("AWS:") && word.to_ascii_lowercase().contains(part))
    };
    let is_ecs = resources.is_some() || has("TargetService") || has_type("ecs");
    if os && (resources.is_none() || !has("Properties")) {
        Platform::Server
    } else if has_type("lam")
        || has("TargetVersion")
        || has("CurrentVersion")
        || (has("Name") && has("Alias"))
    {
        Platform::Lambda
    } else if is_ecs {
        Platform::Ecs
    } else {
        Platform::Server
    }
}

/// Every scalar of a value, keys included.
fn words(value: &Value) -> Vec<String> {
    match value {
        Value::List(items) => items.iter().flat_map(|item| words(&item.value)).collect(),
        Value::Map(map) => map
            .entries
            .iter()
            .flat_map(|(key, value)| [words(&key.value), words(&value.value)].concat())
            .collect(),
        value => vec![value.to_s()],
    }
}

#[cfg(test)]
mod tests;
