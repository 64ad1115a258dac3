//! `cdctl deploy wait`

use clap::Args;

use super::watching::{self, WatchArgs};
use crate::commands::names::DeploymentsArgs;
use crate::context::Context;
use crate::exit::Exit;

/// Wait for deployments to end, without a word; the exit code tells how they ended
#[derive(Debug, Args)]
#[command(mut_arg("linear", |arg| arg.hide(true)), after_help = "\
Examples:
  cdctl deploy wait d-7F3K2QX9A && ./smoke-test.sh
  cdctl deploy wait shop/prod --until traffic --timeout 30m")]
pub struct Arguments {
    #[command(flatten)]
    deployments: DeploymentsArgs,

    #[command(flatten)]
    watch: WatchArgs,
}

pub async fn run(context: &Context, arguments: &Arguments) -> anyhow::Result<Exit> {
    let names = arguments.deployments.names(context)?;
    match watching::unless_left(context, arguments.deployments.resolve(context)).await? {
        Ok(ids) => watching::silently(context, &ids, &arguments.watch).await,
        Err(outcome) => watching::nothing(context, &names, &arguments.watch, outcome, true).await,
    }
}
