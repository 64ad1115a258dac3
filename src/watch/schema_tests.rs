//! docs/events.schema.json against events of tests: each is one of its own, with no member and no word that it does not name.
//!
//! Readers are promised that members and words may be added, so the schema lets them be; this does not, or one that is
//! added would be missed. It knows the keywords that the schema has; what it says is held against jsonschema's word in
//! `tests/contract`.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use serde_json::{Map, Value};

use super::event::Stamped;

pub static SCHEMA: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(include_str!("../../docs/events.schema.json")).unwrap());

/// Asserts that the schema names all that `event` has.
#[track_caller]
pub fn knows(event: &Stamped) {
    let value = serde_json::to_value(event).unwrap();
    if let Err(misfit) = (Checker { root: &SCHEMA }).check(&SCHEMA, &value, "") {
        panic!("docs/events.schema.json: {misfit}\n{value}");
    }
}

struct Checker<'a> {
    root: &'a Value,
}

impl<'a> Checker<'a> {
    /// `shape` with what it refers to, and with what holds for this value of it.
    fn parts(&self, shape: &'a Value, value: &Value) -> Vec<&'a Map<String, Value>> {
        let shape = shape.as_object().unwrap();
        let mut parts = vec![shape];
        if let Some(name) = shape.get("$ref").and_then(Value::as_str) {
            parts.extend(self.parts(self.root.pointer(name.trim_start_matches('#')).unwrap(), value));
        }
        for case in shape.get("allOf").and_then(Value::as_array).into_iter().flatten() {
            if case["if"]["properties"]["type"]["const"] == value["type"] {
                parts.extend(self.parts(&case["then"], value));
            }
        }
        parts
    }

    fn check(&self, shape: &'a Value, value: &Value, place: &str) -> Result<(), String> {
        let parts = self.parts(shape, value);
        let wrong = |what: String| Err(format!("{place}: {what}"));
        for (keyword, wanted) in parts.iter().flat_map(|part| part.iter()) {
            let holds = match keyword.as_str() {
                "type" => match wanted {
                    Value::Array(kinds) => kinds.iter().any(|kind| is(value, kind)),
                    kind => is(value, kind),
                },
                "const" => value == wanted,
                "enum" => wanted.as_array().unwrap().contains(value),
                "minimum" => value.as_f64().is_none_or(|number| number >= wanted.as_f64().unwrap()),
                "maximum" => value.as_f64().is_none_or(|number| number <= wanted.as_f64().unwrap()),
                // Of the words of an open set, those that are named.
                "anyOf" => {
                    let shapes = wanted.as_array().unwrap();
                    let open = serde_json::json!({ "type": "string" });
                    shapes.iter().any(|shape| *shape != open && self.check(shape, value, place).is_ok())
                }
                "required" => {
                    let names = wanted.as_array().unwrap().iter().filter_map(Value::as_str);
                    names.into_iter().all(|name| value.get(name).is_some())
                }
                "items" => {
                    for (index, item) in value.as_array().into_iter().flatten().enumerate() {
                        self.check(wanted, item, &format!("{place}/{index}"))?;
                    }
                    true
                }
                "$schema" | "$ref" | "$defs" | "title" | "description" | "examples" | "format"
                | "pattern" | "allOf" | "properties" => true,
                other => return wrong(format!("the keyword {other} is not known here")),
            };
            if !holds {
                return wrong(format!("{value} is not {keyword} {wanted}"));
            }
        }
        let properties: Vec<&Map<String, Value>> =
            parts.iter().filter_map(|part| part.get("properties")?.as_object()).collect();
        for (name, member) in value.as_object().into_iter().flatten() {
            let place = format!("{place}/{name}");
            let shapes: Vec<&Value> = properties.iter().filter_map(|part| part.get(name)).collect();
            if shapes.is_empty() && !properties.is_empty() {
                return Err(format!("{place} is not named"));
            }
            shapes.into_iter().try_for_each(|shape| self.check(shape, member, &place))?;
        }
        Ok(())
    }
}

fn is(value: &Value, kind: &Value) -> bool {
    match kind.as_str().unwrap() {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        "number" => value.is_number(),
        "integer" => value.is_u64() || value.is_i64(),
        other => panic!("the type {other} is not known here"),
    }
}

/// The names of a list in the schema.
pub fn words(list: &Value) -> BTreeSet<String> {
    list.as_array().unwrap().iter().map(|word| word.as_str().unwrap().to_owned()).collect()
}
