//! `--query`: JMESPath over the JSON. The only place that knows the jmespath crate.

use std::str::FromStr;

use anyhow::Context as _;
use serde_json::Value;

/// An expression that compiles.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query(String);

impl FromStr for Query {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        jmespath::compile(text).map_err(|error| format!("not JMESPath: {}", error.reason))?;
        Ok(Query(text.to_owned()))
    }
}

impl Query {
    /// What the expression finds in `json`.
    pub fn search(&self, json: &Value) -> anyhow::Result<Value> {
        let failed = || format!("the query `{}` cannot be answered", self.0);
        let expression = jmespath::compile(&self.0).with_context(failed)?;
        let found = expression.search(json).with_context(failed)?;
        serde_json::to_value(found.as_ref()).with_context(failed)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn finds_what_the_aws_cli_finds() {
        let json = json!({"deploymentsInfo": [{"deploymentId": "d-1", "status": "Failed"}, {"deploymentId": "d-2"}]});
        let find = |query: &str| query.parse::<Query>().unwrap().search(&json).unwrap();
        assert_eq!(find("deploymentsInfo[?status=='Failed'].deploymentId | [0]"), json!("d-1"));
        assert_eq!(
            find("deploymentsInfo[].[deploymentId, status]"),
            json!([["d-1", "Failed"], ["d-2", null]])
        );
        assert_eq!(find("length(deploymentsInfo)"), json!(2));
        assert_eq!(find("nothing"), Value::Null);
        assert!("a[".parse::<Query>().is_err());
    }
}
