//! JSON values as lines of tab-separated cells, in the way of the AWS CLI's text output.

use std::io::{self, Write};

use serde_json::Value;

use crate::ui;

/// A scalar is a line; a list of scalars is a line; a list of lists or maps is a line each; a map is the line of its
/// scalars by name, and a line for what is nested, with the member's name before it.
pub fn write(out: &mut dyn Write, value: &Value) -> io::Result<()> {
    lines(out, value, None)
}

fn lines(out: &mut dyn Write, value: &Value, name: Option<&str>) -> io::Result<()> {
    let mut line = |cells: Vec<String>| {
        let name = name.map(str::to_uppercase);
        writeln!(out, "{}", name.into_iter().chain(cells).collect::<Vec<_>>().join("\t"))
    };
    match value {
        Value::Array(list) => {
            let (nested, flat): (Vec<_>, Vec<_>) = list.iter().partition(|item| is_nested(item));
            if !flat.is_empty() {
                line(flat.into_iter().map(cell).collect())?;
            }
            nested.into_iter().try_for_each(|item| lines(out, item, name))
        }
        Value::Object(map) => {
            let mut members: Vec<_> = map.iter().collect();
            members.sort_by_key(|(name, _)| name.as_str());
            let flat = members.iter().filter(|(_, value)| !is_nested(value));
            let cells: Vec<String> = flat.map(|(_, value)| cell(value)).collect();
            if !cells.is_empty() {
                line(cells)?;
            }
            let mut nested = members.into_iter().filter(|(_, value)| is_nested(value));
            nested.try_for_each(|(name, value)| lines(out, value, Some(name)))
        }
        scalar => line(vec![cell(scalar)]),
    }
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
            "x\t1\nLIST\tv\nNAMES\tp\tq\n"
        );
        assert_eq!(text(json!([])), "");
    }
}
