//! `cdctl deploy stop`

use clap::Args;

use crate::commands::names::DeploymentArgs;
use crate::context::Context;
use crate::error::Doing;
use crate::exit::Exit;
use crate::format::{Table, View};

/// Stop a deployment; hosts that are at work finish what they do
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  cdctl deploy stop shop/prod --no-rollback --yes")]
pub struct Arguments {
    #[command(flatten)]
    deployment: DeploymentArgs,

    /// Roll back, whatever the deployment's settings say
    #[arg(long, conflicts_with = "no_rollback")]
    rollback: bool,

    /// Do not roll back, whatever the deployment's settings say
    #[arg(long)]
    no_rollback: bool,
}

pub async fn run(context: &Context, arguments: &Arguments) -> anyhow::Result<Exit> {
    let id = arguments.deployment.resolve(context).await?;
    context.confirm(&format!("Stop deployment {id}?")).await?;
    let rollback = match (arguments.rollback, arguments.no_rollback) {
        (true, _) => Some(true),
        (_, true) => Some(false),
        _ => None,
    };
    let api = context.api().await?;
    let json = api.stop_deployment(&id, rollback).await.doing(format_args!("stop deployment {id}"))?;
    let text = |name: &str| json.get(name).and_then(|value| value.as_str()).unwrap_or_default().to_owned();
    let is_stopped = text("status") == "Succeeded";
    let mut table = Table::properties();
    table.row([id.clone(), text("status"), text("statusMessage")]);
    View { json, items: None, table, empty: "" }.print(&context.settings.output, &context.ui)?;
    if is_stopped {
        context.ui.note(&format!("deployment {id} is stopped"));
    } else {
        context.ui.note(&format!(
            "deployment {id} is being stopped; see how it ends with `cdctl deploy watch {id}`"
        ));
    }
    Ok(Exit::Ok)
}
