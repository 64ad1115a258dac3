//! Tag filters, target group pairs and triggers as a person writes them, as the API's JSON. Pure.

use serde_json::{Value, json};

use crate::commands::tags::Tag;

/// `EC2TagFilter` and `TagFilter` look alike.
pub fn filter(tag: &Tag) -> Value {
    match &tag.value {
        Some(value) => json!({ "Key": tag.key, "Value": value, "Type": "KEY_AND_VALUE" }),
        None => json!({ "Key": tag.key, "Type": "KEY_ONLY" }),
    }
}

/// `Role=web,api & Env=prod`: groups of filters, of which an instance needs one each.
pub fn tag_set(text: &str) -> Result<Value, String> {
    let group = |part: &str| {
        let tag: Tag = part.trim().parse()?;
        Ok(match &tag.value {
            Some(values) => values
                .split(',')
                .map(|value| filter(&Tag { key: tag.key.clone(), value: Some(value.trim().to_owned()) }))
                .collect::<Value>(),
            None => json!([filter(&tag)]),
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
        assert!(tag_set("Role=web & ").is_err());
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
