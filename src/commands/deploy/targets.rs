//! `cdctl deploy targets`

use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use crate::api::{ErrorKind, Seen, strings};
use crate::commands::names::DeploymentArgs;
use crate::context::Context;
use crate::error::Doing;
use crate::exit::Exit;
use crate::view;

/// List a deployment's targets, those that failed first
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  cdctl deploy targets d-7F3K2QX9A --status failed
  cdctl deploy targets shop/prod --fleet green --status failed,skipped
  cdctl deploy targets shop/prod --target i-0123456789abcdef0")]
pub struct Arguments {
    #[command(flatten)]
    deployment: DeploymentArgs,

    /// Only targets in one of these states
    #[arg(long, value_name = "STATUS", value_delimiter = ',')]
    status: Vec<Status>,

    /// Only those of the old or of the new fleet of a blue/green deployment
    #[arg(long, value_name = "FLEET")]
    fleet: Option<Fleet>,

    /// This one alone: its lifecycle events, the log of what failed, who has the traffic; with -o json all the API tells
    #[arg(long, value_name = "TARGET", conflicts_with_all = ["status", "fleet"])]
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
    Unknown,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Fleet {
    Blue,
    Green,
}

impl Arguments {
    /// What the service filters by.
    fn input(&self, id: &str) -> Value {
        let mut filters = json!({});
        if !self.status.is_empty() {
            let names = self.status.iter().map(|status| status.to_possible_value());
            filters["TargetStatus"] = names.flatten().map(|value| value.get_name().to_owned()).collect();
        }
        match self.fleet {
            Some(Fleet::Blue) => filters["ServerInstanceLabel"] = json!(["Blue"]),
            Some(Fleet::Green) => filters["ServerInstanceLabel"] = json!(["Green"]),
            None => {}
        }
        match filters == json!({}) {
            true => json!({ "deploymentId": id }),
            false => json!({ "deploymentId": id, "targetFilters": filters }),
        }
    }
}

pub async fn run(context: &Context, arguments: &Arguments) -> anyhow::Result<Exit> {
    let id = arguments.deployment.resolve(context).await?;
    let api = context.api().await?;
    if let Some(target) = &arguments.target {
        let seen = api.target(&id, target).await.doing(format_args!("show target {target} of {id}"))?;
        view::target::show(&seen.value, seen.json).print(&context.settings.output, &context.ui)?;
        return Ok(Exit::Ok);
    }
    let doing = format!("list the targets of {id}");
    let pages = api.pages_of("ListDeploymentTargets", arguments.input(&id)).doing(&doing)?;
    let seen = match pages.joined().await {
        Ok(listed) => api.targets(&id, &strings(listed.get("targetIds"))).await.doing(doing)?,
        Err(error) if error.kind == ErrorKind::NotStarted => {
            context.ui.note(&format!("deployment {id} has not started; it has no targets yet"));
            Seen { value: Vec::new(), json: json!({ "deploymentTargets": [] }), date: None }
        }
        Err(error) => return Err(error).doing(doing),
    };
    let view = view::target::list(&seen.value, seen.json);
    view.print_listed(("targetIds", id_of), &context.settings.output, &context.ui)?;
    Ok(Exit::Ok)
}

/// Every kind of target has a member of its own, with the id in it.
fn id_of(target: &Value) -> Value {
    let members = target.as_object().into_iter().flat_map(|target| target.values());
    members.filter_map(|member| member.get("targetId")).next().cloned().unwrap_or_default()
}
