//! `--query`: JMESPath over the JSON. The only place that knows the jpx-core crate.

use std::str::FromStr;

use anyhow::Context as _;
use serde_json::{Number, Value};

/// An expression that compiles.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    /// As it was given.
    text: String,
    /// With literals as JMESPath's grammar has them.
    strict: String,
}

impl FromStr for Query {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let strict = strict(text);
        jpx_core::compile(&strict).map_err(|error| format!("not JMESPath: {}", error.reason))?;
        Ok(Query { text: text.to_owned(), strict })
    }
}

impl Query {
    /// What the expression finds in `json`.
    pub fn search(&self, json: &Value) -> anyhow::Result<Value> {
        let failed = || format!("the query `{}` cannot be answered", self.text);
        let expression = jpx_core::compile(&self.strict).with_context(failed)?;
        let mut found = expression.search(json).with_context(failed)?;
        whole(&mut found);
        Ok(found)
    }
}

/// Literals that are no JSON are strings, as in the AWS CLI: \`running\` is \`"running"\`.
fn strict(text: &str) -> String {
    let (mut out, mut rest) = (String::new(), text);
    while let Some(at) = rest.find(['`', '\'', '"']) {
        let (before, from) = rest.split_at(at);
        out.push_str(before);
        let quote = from.chars().next().unwrap_or_default();
        let Some(end) = closing(from, quote) else {
            // Not closed: what is wrong is the parser's to say.
            rest = from;
            break;
        };
        let (quoted, after) = from.split_at(end + 1);
        let literal = quoted.trim_matches('`').trim_start();
        let string = format!("\"{literal}\"");
        let is_json = |text: &str| serde_json::from_str::<Value>(&text.replace("\\`", "`")).is_ok();
        if quote == '`' && !is_json(literal) && is_json(&string) {
            out.push_str(&format!("`{string}`"));
        } else {
            out.push_str(quoted);
        }
        rest = after;
    }
    out + rest
}

/// Where the quote at the start of `text` is closed.
fn closing(text: &str, quote: char) -> Option<usize> {
    let mut escaped = false;
    text.char_indices().skip(1).find_map(|(at, c)| {
        let closes = c == quote && !escaped;
        escaped = c == '\\' && !escaped;
        closes.then_some(at)
    })
}

/// Whole numbers as the AWS CLI prints them: `sum` and `ceil` give 3, not 3.0.
fn whole(value: &mut Value) {
    match value {
        Value::Number(number) if number.is_f64() => {
            let integer =
                number.as_f64().filter(|float| float.fract() == 0.0).map(|float| format!("{float:.0}"));
            if let Some(integer) = integer.and_then(|text| text.parse::<i64>().ok()) {
                *number = Number::from(integer);
            }
        }
        Value::Array(list) => list.iter_mut().for_each(whole),
        Value::Object(map) => map.values_mut().for_each(whole),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn find(query: &str, json: &Value) -> Value {
        query.parse::<Query>().unwrap().search(json).unwrap()
    }

    #[test]
    fn finds_what_the_aws_cli_finds() {
        let json = json!({"deploymentsInfo": [{"deploymentId": "d-1", "status": "Failed"}, {"deploymentId": "d-2"}]});
        let find = |query: &str| find(query, &json);
        assert_eq!(find("deploymentsInfo[?status=='Failed'].deploymentId | [0]"), json!("d-1"));
        assert_eq!(
            find("deploymentsInfo[].[deploymentId, status]"),
            json!([["d-1", "Failed"], ["d-2", null]])
        );
        assert_eq!(find("length(deploymentsInfo)"), json!(2));
        assert_eq!(find("nothing"), Value::Null);
        assert!("a[".parse::<Query>().is_err());
        assert!("a[?b==`c".parse::<Query>().is_err());
    }

    #[test]
    fn literals_need_no_quotes() {
        let json = json!({"list": [{"status": "Failed", "count": 2}, {"status": "it`s \"x\"", "count": 3}]});
        for query in
            ["list[?status==`Failed`].count", "list[?status==`\"Failed\"`].count", "list[?count==`2`].count"]
        {
            assert_eq!(find(query, &json), json!([2]), "{query}");
        }
        assert_eq!(find(r#"list[?status==`it\`s \"x\"`].count"#, &json), json!([3]));
        assert_eq!(find("'`raw`'", &json), json!("`raw`"));
        assert_eq!(find("{\"a`b\": `x`}", &json), json!({"a`b": "x"}));
    }

    #[test]
    fn members_keep_their_order_and_numbers_are_whole() {
        let json = json!({"overview": {"Pending": 3, "Failed": 1, "Ready": 0}});
        assert_eq!(find("overview.*", &json), json!([3, 1, 0]));
        assert_eq!(find("overview", &json).to_string(), r#"{"Pending":3,"Failed":1,"Ready":0}"#);
        assert_eq!(
            find("[sum(values(overview)), ceil(`1.5`), avg(`[1, 2]`)]", &json).to_string(),
            "[4,2,1.5]"
        );
    }
}
