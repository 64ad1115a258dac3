//! `cdctl deploy targets`

use clap::{Args, ValueEnum};

use crate::api::{ErrorKind, Seen};
use crate::commands::names::DeploymentArgs;
use crate::context::Context;
use crate::error::Doing;
use crate::exit::Exit;
use crate::model::TargetStatus;
use crate::view;

/// List a deployment's targets, those that failed first
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  cdctl deploy targets d-7F3K2QX9A --status failed
  cdctl deploy targets shop/prod --target i-0123456789abcdef0")]
pub struct Arguments {
    #[command(flatten)]
    deployment: DeploymentArgs,

    /// Only targets in one of these states
    #[arg(long, value_name = "STATUS", value_delimiter = ',', ignore_case = true)]
    status: Vec<Status>,

    /// Everything about this one
    #[arg(long, value_name = "TARGET", conflicts_with = "status")]
    target: Option<String>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
#[value(rename_all = "PascalCase")]
enum Status {
    Pending,
    InProgress,
    Ready,
    Succeeded,
    Failed,
    Skipped,
}

pub async fn run(context: &Context, arguments: &Arguments) -> anyhow::Result<Exit> {
    let statuses: Vec<TargetStatus> = arguments.status.iter().map(|status| status.model()).collect();
    let id = arguments.deployment.resolve(context).await?;
    let api = context.api().await?;
    if let Some(target) = &arguments.target {
        let request = serde_json::json!({ "deploymentId": id, "targetId": target });
        let doing = format!("show target {target} of {id}");
        let json = api.send("GetDeploymentTarget", &request).await.doing(doing)?;
        view::properties(json, "deploymentTarget").print(&context.settings.output, &context.ui)?;
        return Ok(Exit::Ok);
    }
    let doing = format!("list the targets of {id}");
    let seen = match api.all_target_ids(&id, &statuses).await {
        Ok(ids) => api.targets(&id, &ids).await.doing(doing)?,
        Err(error) if error.kind == ErrorKind::NotStarted => {
            context.ui.note(&format!("deployment {id} has not started; it has no targets yet"));
            Seen { value: Vec::new(), json: serde_json::json!({"deploymentTargets": []}), date: None }
        }
        Err(error) => return Err(error).doing(doing),
    };
    let view = view::target::list(&seen.value, seen.json);
    view.print_listed(("targetIds", id_of), &context.settings.output, &context.ui)?;
    Ok(Exit::Ok)
}

/// Every kind of target has a member of its own, with the id in it.
fn id_of(target: &serde_json::Value) -> serde_json::Value {
    let members = target.as_object().into_iter().flat_map(|target| target.values());
    members.filter_map(|member| member.get("targetId")).next().cloned().unwrap_or_default()
}

impl Status {
    fn model(self) -> TargetStatus {
        match self {
            Status::Pending => TargetStatus::Pending,
            Status::InProgress => TargetStatus::InProgress,
            Status::Ready => TargetStatus::Ready,
            Status::Succeeded => TargetStatus::Succeeded,
            Status::Failed => TargetStatus::Failed,
            Status::Skipped => TargetStatus::Skipped,
        }
    }
}
