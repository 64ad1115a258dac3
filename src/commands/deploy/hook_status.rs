//! `cdctl deploy hook-status`

use clap::{Args, ValueEnum};

use crate::context::Context;
use crate::error::Doing;
use crate::exit::Exit;
use crate::format::{Table, View};

/// Tell CodeDeploy how a lifecycle hook of a Lambda or ECS deployment ended
///
/// A hook's function is given both ids; a function that returns without this answer holds the deployment for an hour.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  cdctl deploy hook-status d-7F3K2QX9A eyJlbmNyeXB0ZWREYXRh… succeeded")]
pub struct Arguments {
    /// The deployment's id
    #[arg(value_name = "DEPLOYMENT")]
    deployment: String,

    /// The LifecycleEventHookExecutionId that the function was given
    #[arg(value_name = "EXECUTION")]
    execution: String,

    /// How it ended
    #[arg(value_name = "STATUS")]
    status: Status,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Status {
    Succeeded,
    Failed,
}

pub async fn run(context: &Context, arguments: &Arguments) -> anyhow::Result<Exit> {
    let status = match arguments.status {
        Status::Succeeded => "Succeeded",
        Status::Failed => "Failed",
    };
    let id = &arguments.deployment;
    let json = context
        .api()
        .await?
        .put_hook_status(id, &arguments.execution, status)
        .await
        .doing(format_args!("tell deployment {id} of its hook"))?;
    let mut table = Table::properties();
    table.row([status.to_owned()]);
    View { json, items: None, table, empty: "" }.print(&context.settings.output, &context.ui)?;
    Ok(Exit::Ok)
}
