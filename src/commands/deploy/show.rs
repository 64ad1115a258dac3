//! `cdctl deploy show`

use clap::Args;

use crate::clock;
use crate::commands::names::DeploymentArgs;
use crate::context::Context;
use crate::error::Doing;
use crate::exit::Exit;
use crate::view;

/// Show a deployment
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  cdctl deploy show shop/prod\n  cdctl deploy show d-7F3K2QX9A -o json")]
pub struct Arguments {
    #[command(flatten)]
    deployment: DeploymentArgs,
}

pub async fn run(context: &Context, arguments: &Arguments) -> anyhow::Result<Exit> {
    let id = arguments.deployment.resolve(context).await?;
    let seen = context.api().await?.deployment(&id).await.doing(format_args!("show deployment {id}"))?;
    let now = seen.date.unwrap_or_else(clock::now);
    view::deployment::show(&seen.value, seen.json, now).print(&context.settings.output, &context.ui)?;
    Ok(Exit::Ok)
}
