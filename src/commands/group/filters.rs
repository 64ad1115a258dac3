//! Tag filters, target group pairs and triggers as a person writes them, as the API's JSON. Pure.

use std::str::FromStr;

use serde_json::{Value, json};

/// What a tag must have: `KEY=VALUE`, `KEY` whatever its value, `=VALUE` whatever its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter {
    key: Option<String>,
    value: Option<String>,
}

impl FromStr for Filter {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (key, value) = match text.split_once('=') {
            Some((key, value)) => (key, Some(value.to_owned())),
            None => (text, None),
        };
        let key = (!key.is_empty()).then(|| key.to_owned());
        if key.is_none() && value.as_ref().is_none_or(String::is_empty) {
            return Err("a tag is written KEY=VALUE, KEY for any value, or =VALUE for any key".to_owned());
        }
        Ok(Filter { key, value })
    }
}

impl Filter {
    /// The API's `EC2TagFilter` and `TagFilter`, which look alike.
    pub fn json(&self) -> Value {
        match (&self.key, &self.value) {
            (Some(key), Some(value)) => json!({ "Key": key, "Value": value, "Type": "KEY_AND_VALUE" }),
            (key, None) => json!({ "Key": key, "Type": "KEY_ONLY" }),
            (None, value) => json!({ "Value": value, "Type": "VALUE_ONLY" }),
        }
    }

    /// Whether it is that of the API's `tag`.
    pub fn takes(&self, tag: &Value) -> bool {
        let is = |member: &str, wanted: &Option<String>| {
            let there = tag.get(member).and_then(Value::as_str).unwrap_or_default();
            wanted.as_ref().is_none_or(|wanted| wanted == there)
        };
        is("Key", &self.key) && is("Value", &self.value)
    }
}

/// `Role=web,api & Env=prod`: groups of filters, of which an instance needs one each.
pub fn tag_set(text: &str) -> Result<Value, String> {
    let group = |part: &str| {
        let filter: Filter = part.trim().parse()?;
        Ok(match &filter.value {
            Some(values) => values
                .split(',')
                .map(|value| Filter { value: Some(value.trim().to_owned()), ..filter.clone() }.json())
                .collect::<Value>(),
            None => json!([filter.json()]),
        })
    };
    text.split('&').map(group).collect()
}

/// `CLUSTER/SERVICE`
pub fn ecs_service(text: &str) -> Result<Value, String> {
    match text.split_once('/') {
        Some((cluster, service)) if !cluster.is_empty() && !service.is_empty() => {
            Ok(json!({ "clusterName": cluster, "serviceName": service }))
        }
        _ => Err("an ECS service is written CLUSTER/SERVICE".to_owned()),
    }
}

/// `NAME=EVENT,…@ARN`
pub fn trigger(text: &str) -> Result<Value, String> {
    let wrong = || "a trigger is written NAME=EVENT,EVENT@TOPIC-ARN".to_owned();
    let (name, rest) = text.split_once('=').ok_or_else(wrong)?;
    let (events, arn) = rest.split_once('@').ok_or_else(wrong)?;
    if name.is_empty() || events.is_empty() || !arn.starts_with("arn:") {
        return Err(wrong());
    }
    let events: Vec<&str> = events.split(',').map(str::trim).collect();
    Ok(json!({ "triggerName": name, "triggerTargetArn": arn, "triggerEvents": events }))
}

/// Things that are only a name.
pub fn named(names: &[String]) -> Value {
    names.iter().map(|name| json!({ "name": name })).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_set_is_alternatives_that_all_must_hold() {
        let web = json!({"Key": "Role", "Value": "web", "Type": "KEY_AND_VALUE"});
        let api = json!({"Key": "Role", "Value": "api", "Type": "KEY_AND_VALUE"});
        let any = json!({"Key": "Env", "Type": "KEY_ONLY"});
        assert_eq!(tag_set("Role=web,api & Env"), Ok(json!([[web, api], [any]])));
        let value = json!({"Value": "web", "Type": "VALUE_ONLY"});
        assert_eq!(tag_set("=web"), Ok(json!([[value]])));
        assert!(tag_set("Role=web & ").is_err());
        assert!("=".parse::<Filter>().is_err());
    }

    #[test]
    fn a_filter_takes_a_tag_that_has_all_that_it_says() {
        let takes =
            |filter: &str| filter.parse::<Filter>().unwrap().takes(&json!({ "Key": "Role", "Value": "web" }));
        assert!(takes("Role=web") && takes("Role") && takes("=web"));
        assert!(!takes("Role=api") && !takes("Rol") && !takes("=api"));
    }

    #[test]
    fn triggers_and_services() {
        let arn = "arn:aws:sns:eu-west-1:1:t";
        assert_eq!(
            trigger("alert=DeploymentFailure,DeploymentStop@arn:aws:sns:eu-west-1:1:t"),
            Ok(
                json!({"triggerName": "alert", "triggerTargetArn": arn, "triggerEvents": ["DeploymentFailure", "DeploymentStop"]})
            )
        );
        for wrong in ["alert", "alert=x", "=x@arn:a", "a=@arn:a", "a=x@topic"] {
            assert!(trigger(wrong).is_err(), "{wrong}");
        }
        assert_eq!(ecs_service("main/web"), Ok(json!({"clusterName": "main", "serviceName": "web"})));
        assert!(ecs_service("web").is_err());
    }
}
