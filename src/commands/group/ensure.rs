//! `cdctl group ensure`

use clap::Args;
use serde_json::{Value, json};

use super::create::{self, Wanted};
use super::update;
use crate::api::ErrorKind;
use crate::commands::names::GroupName;
use crate::commands::tags::{self, Resource};
use crate::context::Context;
use crate::exit::Exit;
use crate::format::View;

/// Create a deployment group, or change it where it differs; the same line can run again and again
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  cdctl group ensure shop/prod --ec2-tag Role=web \\
      --service-role arn:aws:iam::123456789012:role/CodeDeploy
  cdctl group ensure --from group.yaml")]
pub struct Arguments {
    #[command(flatten)]
    wanted: Wanted,
}

pub async fn run(context: &Context, arguments: &Arguments) -> anyhow::Result<Exit> {
    let Some((name, wanted)) = arguments.wanted.request(context)? else { return Ok(Exit::Ok) };
    let api = context.api().await?;
    let current = match api.send("GetDeploymentGroup", &name.request()).await {
        Err(error)
            if error.kind == ErrorKind::NotFound
                && error.code.as_deref() == Some("DeploymentGroupDoesNotExistException") =>
        {
            return create::create(context, &name, &wanted).await;
        }
        Err(error) => {
            let doing = format!("look for deployment group {name}");
            return Err(crate::commands::missing::explain(api, error, &name, doing).await);
        }
        Ok(mut answer) => answer.get_mut("deploymentGroupInfo").map(Value::take).unwrap_or_default(),
    };
    let mut changes = json!({});
    for (member, value) in wanted.as_object().into_iter().flatten() {
        let is_setting = !matches!(member.as_str(), "applicationName" | "deploymentGroupName" | "tags");
        let there = current.get(member).unwrap_or(&Value::Null);
        if is_setting && !holds(there, value) {
            // The service replaces a member as a whole.
            changes[member.as_str()] = there.clone();
            update::lay(&mut changes, json!({ member: value }));
        }
    }
    let mut names: Vec<String> =
        changes.as_object().into_iter().flatten().map(|(name, _)| name.clone()).collect();
    if !names.is_empty() {
        update::update(context, &name, changes).await?;
    }
    if let Some(tags) = wanted.get("tags") {
        match tags::ensure(context, &Resource::Group(name.clone()), tags).await {
            Ok(set) => names.extend(set.iter().map(|key| format!("tag {key}"))),
            Err(error) => {
                // What was done is done.
                if !names.is_empty() {
                    context.ui.note(&updated(&name, &names));
                }
                return Err(error);
            }
        }
    }
    if names.is_empty() {
        context.ui.note(&format!("deployment group {name} is as wanted; nothing to change"));
    } else {
        context.ui.note(&updated(&name, &names));
    }
    let id = current.get("deploymentGroupId").and_then(Value::as_str).unwrap_or_default().to_owned();
    View::of(json!({ "deploymentGroupId": id }), id).print(&context.settings.output, &context.ui)?;
    Ok(Exit::Ok)
}

fn updated(name: &GroupName, members: &[String]) -> String {
    format!("updated deployment group {name}: {}", members.join(", "))
}

/// Whether `there` says all that `wanted` says: lists in any order, nothing as good as an empty list or `false`, an
/// Auto Scaling group by its name.
fn holds(there: &Value, wanted: &Value) -> bool {
    match (there, wanted) {
        (Value::Null, Value::Array(list)) => list.is_empty(),
        (Value::Null, Value::Bool(flag)) => !flag,
        (_, Value::Object(members)) => {
            members.iter().all(|(name, value)| holds(there.get(name).unwrap_or(&Value::Null), value))
        }
        (Value::Object(there), Value::String(_)) => there.get("name") == Some(wanted),
        (Value::Array(there), Value::Array(wanted)) => {
            there.len() == wanted.len()
                && wanted.iter().all(|item| there.iter().any(|other| holds(other, item)))
                && there.iter().all(|other| wanted.iter().any(|item| holds(other, item)))
        }
        _ => there == wanted,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_there_is_not_sent_again() {
        let there = json!({"enabled": true, "alarms": [{"name": "a"}, {"name": "b"}], "ignorePollAlarmFailure": false});
        assert!(holds(&there, &json!({"alarms": [{"name": "b"}, {"name": "a"}]})));
        assert!(holds(&there, &json!({"enabled": true})));
        assert!(!holds(&there, &json!({"alarms": [{"name": "a"}]})));
        assert!(!holds(&there, &json!({"alarms": [{"name": "a"}, {"name": "c"}]})));
        let (some, more) = (json!([{"a": 1}]), json!([{"a": 1, "b": 2}]));
        assert!(holds(&more, &some) && !holds(&some, &more));
        let groups = json!([{"name": "web-pool", "hook": "h"}, {"name": "api-pool", "hook": "i"}]);
        assert!(holds(&groups, &json!(["api-pool", "web-pool"])));
        assert!(!holds(&groups, &json!(["web-pool", "web-pool"])) && !holds(&groups, &json!(["web-pool"])));
        assert!(holds(&Value::Null, &json!([])) && holds(&Value::Null, &json!(false)));
        assert!(!holds(&Value::Null, &json!("x")));
    }
}
