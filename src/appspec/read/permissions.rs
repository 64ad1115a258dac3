//! `permissions`

use crate::source::Span;
use crate::source::psych::{Item, Map, Value};

use super::super::bundle::is_vain;
use super::super::{Agent, Context, Finding, Os, Permission};
use super::{Reader, acl, no_method, shape, text_or_type_error, typed};

pub(super) const KEYS: &[&str] =
    &["object", "pattern", "except", "owner", "group", "mode", "acls", "context", "type"];

const ON_WINDOWS: &str = "The deployment failed because the application specification file specifiles file permissions, but the deployment is targeting one or more Windows Server instances. Permissions are supported only for Amazon Linux, Ubuntu Server, and Red Hat Enterprise Linux (RHEL) instances. Update the permissions section of the AppSpec file, and then try again.";
const NO_OBJECT: &str = "The deployment failed because a permission listed in the application specification file has no object value. Update the permissions section of the AppSpec file, and then try again.";

impl Reader {
    pub(super) fn permissions(&mut self, entry: Option<&(Item, Item)>) -> Vec<Permission> {
        let Some((key, item)) = entry else { return Vec::new() };
        let items: &[Item] = match &item.value {
            _ if self.agent == Agent::Two => self.typed_list("A020", "permissions", item),
            Value::Null | Value::Bool(false) => return Vec::new(),
            Value::List(items) => items,
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
                let message = format!("permissions is {}, not a list", shape(other));
                let help = "begin each entry with a dash: `- object: …`";
                self.add(Finding::error("A020", item.span, message).help(help).refused(report));
                return Vec::new();
            }
        };
        if self.os == Os::Windows && !items.is_empty() {
            let report = match self.agent {
                Agent::One => ON_WINDOWS.to_owned(),
                Agent::Two => ON_WINDOWS.replace("specifiles", "specifies"),
            };
            let finding = Finding::error("A027", key.span, "permissions are not supported on Windows");
            self.add(finding.refused(report));
            return Vec::new();
        }
        items
            .iter()
            .enumerate()
            .filter_map(|(at, item)| self.permission(item, &format!("permissions[{at}]")))
            .collect()
    }

    fn permission(&mut self, item: &Item, path: &str) -> Option<Permission> {
        let nothing = Map::default();
        let map = match &item.value {
            Value::Map(map) => map,
            _ if self.agent == Agent::Two && item.is_left_out() => &nothing,
            value => {
                let message = format!("a permission is {}", shape(value));
                if self.agent == Agent::Two {
                    self.mistyped("A020", path, item, "struct RawPermission", message);
                } else {
                    let finding = Finding::error("A020", item.span, message).help("write `- object: …`");
                    self.add(finding.refused(no_method("has_key?", value)));
                }
                return None;
            }
        };
        self.keys(map, KEYS, "a permission");
        if self.false_nulls("A024", path, item, Some(KEYS)) {
            return None;
        }
        let value = |key: &str| map.get(key).filter(|item| !item.value.is_null());
        if self.agent == Agent::Two {
            for key in ["object", "pattern", "owner", "group", "mode"] {
                self.typed_text("A024", &format!("{path}.{key}"), value(key)).ok()?;
            }
        }
        let object = value("object").map(|item| match self.agent {
            Agent::One => item.value.stripped(),
            Agent::Two => item.value.to_s().trim().to_owned(),
        });
        let object = object.unwrap_or_default();
        if object.is_empty() {
            let finding =
                Finding::error("A021", item.span, "the permission has no object").refused(NO_OBJECT);
            self.add(finding.help("add `object:`, the path on the host"));
            return None;
        }
        let except = self.texts(map, "except", path);
        if self.agent == Agent::One {
            self.patterns_of_no_text(map);
        }
        let (files, directories) = self.types(map, path);
        let mode = self.mode(value("mode"));
        self.vain_patterns(map);
        let acls = self.acls(map, path);
        let context = self.context(value("context"), path);
        if !object.starts_with('/') {
            let span = value("object").map(|item| item.span);
            let message = match self.agent {
                Agent::One => "the object is relative: it is taken from the agent's own directory",
                Agent::Two => "a relative object matches nothing",
            };
            self.add(Finding::warning("A029", span, message).help("begin it with `/`"));
        }
        let mut at_install = Vec::new();
        let mut name = |key: &str| self.name(value(key), key, &mut at_install);
        let (owner, group) = (name("owner"), name("group"));
        if let (Agent::One, Some(Context { range: None, .. }), Some(item)) =
            (self.agent, &context, value("context"))
        {
            let message = "without `range` the agent's Install fails";
            at_install.push(Finding::error("A026", item.span, message).help("add `range: s0`"));
        }
        let is_set = |name: &Option<Result<String, String>>| matches!(name, Some(Ok(_)));
        if let (Some(mode), Some(item)) = (&mode, value("mode"))
            && files
            && (is_set(&owner) || is_set(&group))
        {
            self.lost_bits(mode, item.span);
        }
        Some(Permission {
            object,
            pattern: value("pattern").map_or_else(|| "**".to_owned(), |item| item.value.to_s()),
            except_spans: match map.get("except") {
                Some(Item { value: Value::List(items), .. }) if items.len() == except.len() => {
                    items.iter().map(|item| item.span).collect()
                }
                _ => Vec::new(),
            },
            except,
            owner,
            group,
            mode,
            files,
            directories,
            acls,
            context,
            at_install,
            span: value("object").map_or(item.span, |item| item.span),
        })
    }

    fn name(
        &self,
        item: Option<&Item>,
        key: &str,
        at_install: &mut Vec<Finding>,
    ) -> Option<Result<String, String>> {
        let item = item?;
        if self.agent == Agent::Two {
            let name = typed::text(item).unwrap_or_default().trim().to_owned();
            if name.contains(':') || name.bytes().all(|byte| byte.is_ascii_digit()) {
                let message = format!("agent 2 knows no {key} `{name}` and leaves the {key} as it is");
                let help = "write the name, not the number, of a user or group";
                at_install.push(Finding::warning("A024", item.span, message).help(help));
            }
            return Some(Ok(name));
        }
        let name = text_or_type_error(&item.value);
        match &name {
            Err(error) => {
                let message = format!("{key} is not a name: Install fails ({error})");
                let help = "write the name, not the number, of a user or group";
                at_install.push(Finding::error("A024", item.span, message).help(help));
            }
            Ok(name) if name.contains(':') => {
                let message = format!("no {key} has a colon in its name: Install fails");
                at_install
                    .push(Finding::error("A024", item.span, message).help("owner and group are two keys"));
            }
            Ok(name) if is_nobodys(name) => {
                let message = format!("no {key} is named `{name}`: Install fails");
                let help = "write the name, not the number, of a user or group";
                at_install.push(Finding::error("A024", item.span, message).help(help));
            }
            Ok(_) => {}
        }
        Some(name)
    }

    /// A list of texts; refused where it is no list.
    fn texts(&mut self, map: &Map, key: &str, path: &str) -> Vec<String> {
        let Some(item) = map.get(key) else { return Vec::new() };
        // Refused as it is, one type can be meant in one way only.
        let one = item.value.to_s();
        let fix = (key == "type" && is_type(&one)).then(|| format!("[{one}]"));
        match &item.value {
            Value::Null => Vec::new(),
            Value::Bool(false) if key != "acls" => Vec::new(),
            _ if self.agent == Agent::Two && item.is_left_out() => Vec::new(),
            Value::List(items) if self.agent == Agent::Two => {
                let mut texts = Vec::new();
                for (at, item) in items.iter().enumerate() {
                    match typed::text(item) {
                        Some(text) => texts.push(text.to_owned()),
                        None => {
                            let message =
                                format!("an item of {key} is {}, not one value", shape(&item.value));
                            self.mistyped("A024", &format!("{path}.{key}[{at}]"), item, "a string", message);
                        }
                    }
                }
                texts
            }
            Value::List(items) => items.iter().map(|item| item.value.to_s()).collect(),
            other if self.agent == Agent::Two => {
                let message = format!("{key} is {}, not a list", shape(other));
                self.mistyped("A024", &format!("{path}.{key}"), item, "a sequence", message);
                if let Some(finding) = self.findings.last_mut() {
                    finding.fix = fix;
                }
                Vec::new()
            }
            // Ruby takes a Hash apart into pairs; none of them is a pattern, a type or an entry.
            Value::Map(map) => {
                let pair =
                    |(name, value): &(Item, Item)| Value::List(vec![name.clone(), value.clone()]).to_s();
                map.entries.iter().map(pair).collect()
            }
            other => {
                let message = format!("{key} is {}, not a list", shape(other));
                let help = format!("write `{key}: [{}]`", other.to_s());
                let mut finding = Finding::error("A024", item.span, message).help(help);
                // Refused as it is, it can be meant in one way only.
                finding.fix = fix;
                self.add(finding.refused(no_method("each", other)));
                Vec::new()
            }
        }
    }

    /// Whether the permission is for files, for directories; for both where `type` is left out.
    fn types(&mut self, map: &Map, path: &str) -> (bool, bool) {
        let given = map.get("type").filter(|item| !matches!(item.value, Value::Null | Value::Bool(false)));
        let Some(item) = given else { return (true, true) };
        let mut types = self.texts(map, "type", path);
        // Refused already; what it would be for is plain.
        if !matches!(item.value, Value::List(_) | Value::Map(_)) {
            types.push(item.value.to_s());
            if !types.iter().any(|name| is_type(name)) {
                return (true, true);
            }
        } else if let Some(unknown) = types.iter().find(|name| !is_type(name)) {
            let report = format!(
                "The deployment failed because the application specification filespecifies a permission for an object type not supported for permissions ({unknown}). Update the permissions section of the AppSpec file, and then try again."
            );
            let span = match &item.value {
                Value::List(items) => items.iter().find(|item| item.value.to_s() == *unknown),
                _ => None,
            };
            let span = span.map_or(item.span, |item| item.span);
            let finding = Finding::error("A024", span, format!("unknown type `{unknown}`")).refused(report);
            self.add(finding.help("a type is `file` or `directory`"));
            if !types.iter().any(|name| is_type(name)) {
                return (true, true);
            }
        }
        (types.iter().any(|name| name == "file"), types.iter().any(|name| name == "directory"))
    }

    /// Three or four octal digits; shorter ones are padded in front, as the agent does.
    fn mode(&mut self, item: Option<&Item>) -> Option<String> {
        let item = item?;
        let text = self.written(item);
        let mode = format!("{text:0>3}");
        // Agent 1 names it as it is filled up, agent 2 as it is written.
        let named = if self.agent == Agent::One { &mode } else { &text };
        let written = item.plain.clone().unwrap_or_else(|| text.clone());
        let quote = format!("write it in quotes: `mode: \"{written}\"`");
        let octal = item.plain.is_some() && written != text;
        let is_meant = (1..=4).contains(&written.len()) && written.chars().all(|c| c.is_digit(8));
        let fix = (octal && is_meant).then(|| format!("\"{written}\""));
        let refusal = if mode.chars().count() > 4 {
            Some(format!(
                "The deployment failed because the length of a permissions mode ({named}) in the application specification file is invalid. Permissions modes must be between one and four characters long. Update the permissions section of the AppSpec file, and then try again."
            ))
        } else {
            mode.chars().find(|c| !c.is_digit(8)).map(|c| format!(
                "The deployment failed because the permissions mode ({named}) in the application specification file contains an invalid character ({c}). Update the permissions section of the AppSpec file, and then try again."
            ))
        };
        if let Some(report) = refusal {
            let message = if octal {
                let what = if matches!(item.value, Value::Bool(_)) { "" } else { "the number " };
                format!("without quotes YAML reads `{written}` as {what}{text}, which is no mode")
            } else {
                format!("`{text}` is no mode")
            };
            let help = match octal && is_meant {
                true => quote,
                false => "a mode is up to four octal digits in quotes: \"0644\"".to_owned(),
            };
            let mut finding = Finding::error("A022", item.span, message).help(help).refused(report);
            finding.fix = fix;
            self.add(finding);
            return None;
        }
        let value = |text: &str| u32::from_str_radix(text, 8);
        if octal && value(&mode) != value(&written) {
            let message = format!("without quotes YAML reads `{written}` as {text}: the mode becomes {mode}");
            let mut finding = Finding::warning("A023", item.span, message).help(quote);
            finding.fix = fix;
            self.add(finding);
        } else if mode.len() > written.len() {
            self.add(Finding::warning("A023", item.span, format!("the mode becomes {mode}")));
        }
        Some(mode)
    }

    /// Agent 1 takes them, and breaks as it compares them with a name.
    fn patterns_of_no_text(&mut self, map: &Map) {
        let except = match map.get("except") {
            Some(Item { value: Value::List(items), .. }) => items.as_slice(),
            _ => &[],
        };
        let pattern =
            map.get("pattern").filter(|item| !matches!(item.value, Value::Null | Value::Bool(false)));
        for item in pattern.into_iter().chain(except) {
            if !matches!(item.value, Value::Text(_)) {
                let written = item.plain.clone().unwrap_or_else(|| item.value.to_s());
                let message =
                    format!("`{written}` is not text: Install fails where anything lies below the object");
                self.add(Finding::warning("A024", item.span, message).help("write it in quotes"));
            }
        }
    }

    /// Patterns with a path in them, which are for nothing.
    fn vain_patterns(&mut self, map: &Map) {
        let help = "write the name alone, and a directory below in a permission of its own";
        let agent = self.agent;
        let vain = |item: &Item| is_vain(agent, &item.value.to_s());
        if let Some(item) = map.get("pattern").filter(|item| vain(item)) {
            let text = item.value.to_s();
            let message = format!("`{text}` is for nothing: a pattern is for names directly in the object");
            self.add(Finding::warning("A029", item.span, message).help(help));
        }
        let Some(Item { value: Value::List(items), .. }) = map.get("except") else { return };
        for item in items.iter().filter(|item| vain(item)) {
            let text = item.value.to_s();
            let message = format!("`{text}` keeps out nothing: except is for names directly in the object");
            self.add(Finding::warning("A024", item.span, message).help(help));
        }
    }

    /// The agents set the owner last, and the system then takes these bits from a file.
    fn lost_bits(&mut self, mode: &str, span: Span) {
        let bits = u32::from_str_radix(mode, 8).unwrap_or_default();
        // Without the group's execute bit setgid is another matter, and stays.
        if bits & 0o4000 != 0 || bits & 0o2010 == 0o2010 {
            let message =
                format!("a file loses setuid and setgid of {mode}: owner and group are set after the mode");
            let help = "set the mode in a script of AfterInstall, or leave owner and group out";
            self.add(Finding::warning("A023", span, message).help(help));
        }
    }

    fn acls(&mut self, map: &Map, path: &str) -> Vec<String> {
        let entries = self.texts(map, "acls", path);
        let items: &[Item] = match map.get("acls") {
            Some(Item { value: Value::List(items), .. }) if items.len() == entries.len() => items,
            _ => &[],
        };
        for (at, entry) in entries.iter().enumerate() {
            let span = items.get(at).or(map.get("acls")).map(|item| item.span);
            if let Err(report) = acl::check(entry, self.agent) {
                let finding =
                    Finding::error("A025", span, format!("`{entry}` is no ACL entry")).refused(report);
                self.add(
                    finding.help("an entry is `u:NAME:rwx`, `g:NAME:rx`, or `d:u:NAME:rw` for a default"),
                );
            }
        }
        entries
    }
}

/// Whether no user or group of any host has this name, for agent 1, which takes no number for one.
pub fn is_nobodys(name: &str) -> bool {
    name.contains(':') || name.trim().is_empty() || name.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_type(name: &str) -> bool {
    matches!(name, "file" | "directory")
}
