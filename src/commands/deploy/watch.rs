//! `cdctl deploy watch`

use clap::Args;

use super::watching::{self, WatchArgs};
use crate::commands::names::DeploymentArgs;
use crate::context::Context;
use crate::exit::Exit;

/// Watch a deployment to its end; the exit code tells how it ended
///
/// On a terminal a live view, elsewhere a log of what changes, both on stderr; with `-o ndjson` one event a line
/// on stdout. ^C stops watching, never the deployment.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  cdctl deploy watch shop/prod
  cdctl deploy watch d-7F3K2QX9A --timeout 30m --require-all
  cdctl deploy watch shop/prod -o ndjson | tail -1")]
pub struct Arguments {
    #[command(flatten)]
    deployment: DeploymentArgs,

    #[command(flatten)]
    watch: WatchArgs,
}

pub async fn run(context: &Context, arguments: &Arguments) -> anyhow::Result<Exit> {
    let id = arguments.deployment.resolve(context).await?;
    watching::watch(context, &id, &arguments.watch, false).await
}
