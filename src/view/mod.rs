//! The model as cells for people, a file a noun.

pub mod app;
pub mod config;
pub mod deployment;
pub mod findings;
pub mod group;
pub mod instance;
pub mod plan;
pub mod revision;
pub mod target;

use jiff::Timestamp;
use serde_json::Value;

use crate::format::{Table, View};
use crate::model::mask;

/// A time for people: UTC, to the second.
fn time(time: Option<Timestamp>) -> Option<String> {
    time.map(|time| time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())
}

/// The text at `path` (`/a/b`); `-` where there is none.
fn cell(json: &Value, path: &str) -> String {
    json.pointer(path).and_then(Value::as_str).filter(|text| !text.is_empty()).unwrap_or("-").to_owned()
}

/// The time at `path`; `-` where there is none.
fn when(json: &Value, path: &str) -> String {
    let text = json.pointer(path).and_then(Value::as_str);
    time(text.and_then(|text| text.parse().ok())).unwrap_or_else(|| "-".to_owned())
}

/// Every member of an answer as a name and a value, those that this version does not know included.
/// `inner`: the member that holds all the others.
pub fn properties(json: Value, inner: &str) -> View {
    let mut table = Table::properties();
    rows(&mut table, "", json.get(inner).unwrap_or(&json));
    View { json, items: None, table, empty: "" }
}

fn rows(table: &mut Table, name: &str, json: &Value) {
    if let Some(value) = short(json) {
        // What a host says of a failed event.
        let said = [".message", ".logTail"].iter().any(|member| name.ends_with(member));
        if !value.is_empty() {
            table.row([name.to_owned(), if said { mask(&value) } else { value }]);
        }
        return;
    }
    let path = |inner: &str| if name.is_empty() { inner.to_owned() } else { format!("{name}.{inner}") };
    match json {
        Value::Object(map) => map.iter().for_each(|(inner, value)| rows(table, &path(inner), value)),
        Value::Array(list) => {
            list.iter()
                .enumerate()
                .for_each(|(index, value)| rows(table, &format!("{name}[{index}]"), value));
        }
        _ => {}
    }
}

/// A value that fits on a line: scalars, lists of those, tags and filters as `Role=web`, names, revisions.
fn short(json: &Value) -> Option<String> {
    match json {
        Value::Null => Some(String::new()),
        Value::Bool(_) | Value::Number(_) => Some(json.to_string()),
        Value::String(text) if text.parse::<Timestamp>().is_ok() => Some(when(json, "")),
        Value::String(text) => Some(text.clone()),
        Value::Array(list) => {
            let items: Option<Vec<String>> = list.iter().map(short).collect();
            items.map(|items| items.join(", "))
        }
        Value::Object(map) if map.contains_key("Key") || map.contains_key("Value") => {
            let value = map.get("Value").and_then(Value::as_str);
            Some(value.map_or_else(|| cell(json, "/Key"), |value| format!("{}={value}", cell(json, "/Key"))))
        }
        Value::Object(map) if map.len() == 1 && map.contains_key("name") => Some(cell(json, "/name")),
        Value::Object(map) if map.contains_key("revisionType") => Some(revision::read(json).to_string()),
        Value::Object(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_member_has_a_line() {
        let mut table = Table::properties();
        let json = json!({
            "name": "prod", "alarms": {"enabled": true, "alarms": [{"name": "a"}, {"name": "b"}]}, "empty": [],
            "tags": [{"Key": "Role", "Value": "web"}, {"Key": "Any"}], "createTime": "2026-11-22T12:00:00.123000+00:00",
            "future": {"x": [{"y": 1}]},
            "revision": {"revisionType": "S3", "s3Location": {"bucket": "b", "key": "k.zip"}},
        });
        rows(&mut table, "", &json);
        let mut out = Vec::new();
        table.write_text(&mut out).unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "name\tprod\nalarms.enabled\ttrue\nalarms.alarms\ta, b\ntags\tRole=web, Any\ncreateTime\t2026-11-22T12:00:00Z\n\
             future.x[0].y\t1\nrevision\ts3://b/k.zip\n"
        );
    }
}
