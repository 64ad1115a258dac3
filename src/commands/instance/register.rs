//! `cdctl instance register`

use clap::Args;
use serde_json::{Value, json};

use crate::commands::request::{self, RequestArgs};
use crate::commands::tags::{self, Tag};
use crate::context::Context;
use crate::error::{Doing, Failure};
use crate::exit::Exit;

/// Register an on-premises instance, with its tags
///
/// Roles and users are not made: pass the ARN of one that exists. Where the tags cannot be set, the registration is
/// undone.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  cdctl instance register rack-7 --tag Role=web \\
      --session-arn arn:aws:sts::123456789012:assumed-role/CodeDeployInstance/rack-7")]
pub struct Arguments {
    /// The instance's name: 1 to 100 letters, digits or any of +=,.@_-
    #[arg(value_name = "INSTANCE", required_unless_present_any = ["from", "skeleton"])]
    name: Option<String>,

    /// ARN of the role session with which the agent signs in
    #[arg(long, value_name = "ARN", conflicts_with = "user_arn")]
    session_arn: Option<String>,

    /// ARN of the IAM user with which the agent signs in
    #[arg(long, value_name = "ARN")]
    user_arn: Option<String>,

    /// A tag of the instance; repeatable
    #[arg(long, value_name = "KEY=VALUE")]
    tag: Vec<Tag>,

    #[command(flatten)]
    request: RequestArgs,
}

impl Arguments {
    /// Lays the line over the file's request: an instance has one identity, and the line's is it.
    fn lay_on(&self, request: &mut Value) {
        let mut over = json!({});
        for (member, value, instead) in [
            ("instanceName", &self.name, None),
            ("iamSessionArn", &self.session_arn, Some("iamUserArn")),
            ("iamUserArn", &self.user_arn, Some("iamSessionArn")),
        ] {
            let Some(value) = value else { continue };
            over[member] = value.as_str().into();
            if let (Some(instead), Some(request)) = (instead, request.as_object_mut()) {
                request.remove(instead);
            }
        }
        request::merge(request, over);
    }
}

pub async fn run(context: &Context, arguments: &Arguments) -> anyhow::Result<Exit> {
    let operation = request::operation("RegisterOnPremisesInstance")?;
    let Some(mut request) = arguments.request.base(context, operation)? else { return Ok(Exit::Ok) };
    arguments.lay_on(&mut request);
    let name = request::text(&request, "instanceName", operation)?;
    if request.get("iamSessionArn").or(request.get("iamUserArn")).is_none() {
        return Err(Failure::new(format!(
            "instance {name} needs the identity with which its agent signs in"
        ))
        .help("pass --session-arn ARN or --user-arn ARN")
        .exit(Exit::Usage)
        .into());
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
