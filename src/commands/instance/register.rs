//! `cdctl instance register`

use clap::{ArgGroup, Args};
use serde_json::{Value, json};

use crate::commands::tags::{self, Tag};
use crate::context::Context;
use crate::error::{Doing, Failure};
use crate::exit::Exit;

/// Register an on-premises instance, with its tags
///
/// Roles and users are not made: pass the ARN of one that exists. Where the tags cannot be set, the registration is
/// undone.
#[derive(Debug, Args)]
#[command(
    group(ArgGroup::new("identity").args(["session_arn", "user_arn"]).required(true)),
    after_help = "\
Example:
  cdctl instance register rack-7 --tag Role=web \\
      --session-arn arn:aws:sts::123456789012:assumed-role/CodeDeployInstance/rack-7"
)]
pub struct Arguments {
    /// The instance's name: 1 to 100 letters, digits or any of +=,.@_-
    #[arg(value_name = "INSTANCE")]
    name: String,

    /// ARN of the role session with which the agent signs in
    #[arg(long, value_name = "ARN")]
    session_arn: Option<String>,

    /// ARN of the IAM user with which the agent signs in
    #[arg(long, value_name = "ARN")]
    user_arn: Option<String>,

    /// A tag of the instance; repeatable
    #[arg(long, value_name = "KEY=VALUE")]
    tag: Vec<Tag>,
}

pub async fn run(context: &Context, arguments: &Arguments) -> anyhow::Result<Exit> {
    let name = &arguments.name;
    let mut request = json!({ "instanceName": name });
    if let Some(arn) = &arguments.session_arn {
        request["iamSessionArn"] = arn.as_str().into();
    }
    if let Some(arn) = &arguments.user_arn {
        request["iamUserArn"] = arn.as_str().into();
    }
    let api = context.api().await?;
    let refusal = "InstanceNameAlreadyRegisteredException";
    let made = api.make("RegisterOnPremisesInstance", &request, refusal, async |api| {
        let answer = api.send("GetOnPremisesInstance", &json!({ "instanceName": name })).await?;
        let is_ours = |info: &&Value| {
            info.get("deregisterTime").is_none()
                && ["iamSessionArn", "iamUserArn"].iter().all(|arn| info.get(arn) == request.get(arn))
        };
        Ok(answer.get("instanceInfo").filter(is_ours).map(|_| json!({})))
    });
    made.await.doing(format_args!("register instance {name}"))?;
    if !arguments.tag.is_empty() {
        let request = json!({ "instanceNames": [name], "tags": tags::list(&arguments.tag) });
        if let Err(error) = api.send("AddTagsToOnPremisesInstances", &request).await {
            let undone = api.send("DeregisterOnPremisesInstance", &json!({ "instanceName": name })).await;
            let help = match undone {
                Ok(_) => "the registration was undone".to_owned(),
                Err(_) => format!(
                    "the instance stayed registered without tags; undo it with `cdctl instance deregister {name}`"
                ),
            };
            return Err(Failure::api(format!("cannot tag instance {name}"), &error).help(help).into());
        }
    }
    context.ui.note(&format!("registered instance {name}"));
    Ok(Exit::Ok)
}
