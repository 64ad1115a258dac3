//! JSON values as lines of tab-separated cells: the AWS CLI's text output, its columns included.

use std::collections::BTreeSet;
use std::io::{self, Write};

use serde_json::{Map, Value};

use crate::ui;

/// A scalar is a line; a list of scalars is a line, or a line each where it is a member; a map is the line of its scalars
/// by name, and lines for what is nested, with the member's name before them. The maps of a list have the same columns.
pub fn write(out: &mut dyn Write, value: &Value) -> io::Result<()> {
    lines(out, value, None)
}

fn lines(out: &mut dyn Write, value: &Value, name: Option<&str>) -> io::Result<()> {
    match value {
        Value::Array(list) if list.iter().any(Value::is_object) => {
            let columns = list.iter().filter_map(Value::as_object).flatten();
            let columns: BTreeSet<&str> =
                columns.filter(|(_, value)| !is_nested(value)).map(|(name, _)| name.as_str()).collect();
            list.iter().try_for_each(|item| match item {
                Value::Object(map) => object(out, map, name, &columns),
                other => lines(out, other, name),
            })
        }
        Value::Array(list) => {
            let (nested, flat): (Vec<_>, Vec<_>) = list.iter().partition(|item| is_nested(item));
            if name.is_some() {
                flat.iter().try_for_each(|item| line(out, name, [cell(item)]))?;
            } else if !flat.is_empty() {
                line(out, None, flat.into_iter().map(cell))?;
            }
            nested.into_iter().try_for_each(|item| lines(out, item, name))
        }
        Value::Object(map) => {
            let columns = map.iter().filter(|(_, value)| !is_nested(value)).map(|(name, _)| name.as_str());
            object(out, map, name, &columns.collect())
        }
        scalar => line(out, name, [cell(scalar)]),
    }
}

fn object(
    out: &mut dyn Write,
    map: &Map<String, Value>,
    name: Option<&str>,
    columns: &BTreeSet<&str>,
) -> io::Result<()> {
    if !columns.is_empty() {
        line(out, name, columns.iter().map(|column| map.get(*column).map(cell).unwrap_or_default()))?;
    }
    let mut nested: Vec<_> = map.iter().filter(|(name, _)| !columns.contains(name.as_str())).collect();
    nested.sort_by_key(|(name, _)| name.as_str());
    nested.into_iter().try_for_each(|(name, value)| lines(out, value, Some(name)))
}

fn line(out: &mut dyn Write, name: Option<&str>, cells: impl IntoIterator<Item = String>) -> io::Result<()> {
    let name = name.map(str::to_uppercase);
    writeln!(out, "{}", name.into_iter().chain(cells).collect::<Vec<_>>().join("\t"))
}

pub fn is_nested(value: &Value) -> bool {
    value.is_array() || value.is_object()
}

/// One cell, safe and on one line.
pub fn cell(value: &Value) -> String {
    match value {
        Value::Null => "None".to_owned(),
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        Value::String(text) => ui::line(text),
        other => ui::line(&other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn lines_as_the_aws_cli_writes_them() {
        let text = |value: Value| {
            let mut out = Vec::new();
            write(&mut out, &value).unwrap();
            String::from_utf8(out).unwrap()
        };
        assert_eq!(text(json!("d-1")), "d-1\n");
        assert_eq!(text(json!(["a", "b\tc"])), "a\tb\\tc\n");
        assert_eq!(text(json!([["d-1", null], ["d-2", true]])), "d-1\tNone\nd-2\tTrue\n");
        assert_eq!(
            text(json!({"b": 1, "a": "x", "list": [{"k": "v"}], "names": ["p", "q"]})),
            "x\t1\nLIST\tv\nNAMES\tp\nNAMES\tq\n"
        );
        assert_eq!(text(json!([])), "");
        assert_eq!(
            text(json!([{"b": 1, "c": {"d": 2}}, {"a": 3, "b": null}, {"c": []}])),
            "\t1\nC\t2\n3\tNone\n\t\n"
        );
    }
}
