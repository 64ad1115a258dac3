//! `cdctl deploy list`

use clap::Args;

use crate::clock;
use crate::commands::missing;
use crate::commands::names::GroupArgs;
use crate::context::Context;
use crate::error::Doing;
use crate::exit::Exit;
use crate::view;

/// List a group's deployments, newest first
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  cdctl deploy list shop/prod --limit 5")]
pub struct Arguments {
    #[command(flatten)]
    group: GroupArgs,

    /// How many at most
    #[arg(long, value_name = "N", default_value = "20")]
    limit: usize,
}

pub async fn run(context: &Context, arguments: &Arguments) -> anyhow::Result<Exit> {
    let group = arguments.group.resolve()?;
    let api = context.api().await?;
    let doing = format!("list the deployments of {group}");
    let ids = match api.deployment_ids(&group.application, &group.group, arguments.limit).await {
        Ok(ids) => ids,
        Err(error) => return Err(missing::explain(api, error, &group, doing).await),
    };
    let seen = api.deployments(&ids).await.doing(doing)?;
    let now = seen.date.unwrap_or_else(clock::now);
    view::deployment::list(&seen.value, seen.json, now).print(&context.settings.output, &context.ui)?;
    Ok(Exit::Ok)
}
