//! `cdctl deploy watch`

use std::path::PathBuf;

use clap::Args;

use super::next::{self, Next};
use super::replay;
use super::watching::{self, WatchArgs};
use crate::clock::Stopwatch;
use crate::commands::names::{DeploymentName, DeploymentsArgs};
use crate::context::Context;
use crate::error::Failure;
use crate::exit::Exit;

/// Watch deployments to their end; the exit code tells how they ended
///
/// On a terminal a live view, elsewhere a log of what changes, both on stderr; with `-o ndjson` one event a line
/// on stdout. ^C stops watching, never the deployment, unless --on-interrupt says so. Of several deployments the exit
/// code is that of the worst: unknown (9), rollback failed (6), failed (3), rolled back (5), stopped (4), timed out (7),
/// ready (8), done (0).
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  cdctl deploy watch shop/prod
  cdctl deploy watch d-7F3K2QX9A --timeout 30m --require-all
  cdctl deploy watch shop/prod --until event:Install
  cdctl deploy watch d-7F3K2QX9A d-8G4L3RY0B shop/prod
  cdctl deploy watch shop/prod --next --timeout 1h
  cdctl deploy watch shop/prod --record prod.ndjson
  cdctl deploy watch --replay prod.ndjson --speed 10
  cdctl deploy watch shop/prod -o ndjson | tail -1")]
pub struct Arguments {
    #[command(flatten)]
    deployments: DeploymentsArgs,

    /// Wait for the group's next deployment to start, and watch that one
    #[arg(long)]
    next: bool,

    /// Show what was recorded with --record again; calls nothing
    #[arg(long, value_name = "FILE", conflicts_with_all = OF_CALLS)]
    replay: Option<PathBuf>,

    /// With --replay: so many times as fast as it was [default: all at once]
    #[arg(long, value_name = "N", requires = "replay", value_parser = speed)]
    speed: Option<f64>,

    #[command(flatten)]
    watch: WatchArgs,
}

/// What is about the calls of a watch and its end, which a recording has behind it.
const OF_CALLS: [&str; 17] = [
    "names",
    "app",
    "group",
    "next",
    "interval",
    "timeout",
    "until",
    "exit_on_ready",
    "on_timeout",
    "on_interrupt",
    "no_follow_rollback",
    "follow_rollback",
    "record",
    "max_calls_per_minute",
    "give_up_after",
    "any_creator",
    "keys",
];

/// A factor that moves time on.
fn speed(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(speed) if (0.01..=1e6).contains(&speed) => Ok(speed),
        _ => Err("a speed is a number such as 0.5, 1 or 20".to_owned()),
    }
}

pub async fn run(context: &Context, arguments: &Arguments) -> anyhow::Result<Exit> {
    if let Some(file) = &arguments.replay {
        return replay::run(context, file, arguments.speed, &arguments.watch).await;
    }
    let names = arguments.deployments.names(context)?;
    if !arguments.next {
        let found = watching::unless_left(context, arguments.deployments.resolve(context)).await?;
        return match found {
            Ok(ids) => watching::watch(context, &ids, &arguments.watch, false).await,
            Err(outcome) => watching::nothing(context, &names, &arguments.watch, outcome, false).await,
        };
    }
    let [DeploymentName::LatestOf(group)] = names.as_slice() else {
        return Err(Failure::new("--next waits for one group's deployment")
            .help("write `cdctl deploy watch APP/GROUP --next`")
            .exit(Exit::Usage)
            .into());
    };
    let started = Stopwatch::start();
    let any_creator = arguments.deployments.any_creator;
    match next::find(context, group, any_creator, &arguments.watch).await? {
        Next::Started(id) => {
            // The time is for both.
            let mut watch = arguments.watch.clone();
            watch.spend(started.elapsed());
            watching::watch(context, &[id], &watch, true).await
        }
        Next::None(outcome) => watching::nothing(context, &names, &arguments.watch, outcome, false).await,
    }
}
