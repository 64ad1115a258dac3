//! `cdctl deploy`

mod active;
mod appspec;
mod bundle;
mod compare;
mod continuing;
mod create;
mod function;
mod hook_status;
mod keyboard;
mod last_good;
mod list;
mod logs;
mod next;
mod overrides;
mod replay;
mod report;
mod retry;
mod rollback;
pub(super) mod sending;
mod show;
mod stop;
mod targets;
mod task_definition;
mod versions;
mod wait;
mod watch;
mod watching;
mod waves;

use clap::{Subcommand, ValueEnum};
pub use watching::duration;

use crate::context::Context;
use crate::exit::Exit;

#[derive(Debug, Subcommand)]
pub enum Verb {
    Create(Box<create::Arguments>),
    Watch(watch::Arguments),
    List(list::Arguments),
    Show(show::Arguments),
    Targets(targets::Arguments),
    Wait(wait::Arguments),
    Logs(logs::Arguments),
    Stop(stop::Arguments),
    Continue(continuing::Arguments),
    Rollback(Box<rollback::Arguments>),
    Retry(retry::Arguments),
    Compare(compare::Arguments),
    Report(report::Arguments),
    HookStatus(hook_status::Arguments),
}

pub async fn run(context: &Context, verb: Verb) -> anyhow::Result<Exit> {
    match verb {
        Verb::Create(arguments) => create::run(context, &arguments).await,
        Verb::Watch(arguments) => watch::run(context, &arguments).await,
        Verb::List(arguments) => list::run(context, &arguments).await,
        Verb::Show(arguments) => show::run(context, &arguments).await,
        Verb::Targets(arguments) => targets::run(context, &arguments).await,
        Verb::Wait(arguments) => wait::run(context, &arguments).await,
        Verb::Logs(arguments) => logs::run(context, &arguments).await,
        Verb::Stop(arguments) => stop::run(context, &arguments).await,
        Verb::Continue(arguments) => continuing::run(context, &arguments).await,
        Verb::Rollback(arguments) => rollback::run(context, &arguments).await,
        Verb::Retry(arguments) => retry::run(context, &arguments).await,
        Verb::Compare(arguments) => compare::run(context, &arguments).await,
        Verb::Report(arguments) => report::run(context, &arguments).await,
        Verb::HookStatus(arguments) => hook_status::run(context, &arguments).await,
    }
}

/// `--auto-rollback`: an ending after which CodeDeploy rolls back by itself, or none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum RollbackChoice {
    /// The deployment failed
    Failure,
    /// An alarm stopped it
    Alarm,
    /// A request stopped it
    Stop,
    /// Never by itself
    Off,
}

impl RollbackChoice {
    /// The API's `AutoRollbackEvent`.
    pub fn event(self) -> Option<&'static str> {
        match self {
            RollbackChoice::Failure => Some("DEPLOYMENT_FAILURE"),
            RollbackChoice::Alarm => Some("DEPLOYMENT_STOP_ON_ALARM"),
            RollbackChoice::Stop => Some("DEPLOYMENT_STOP_ON_REQUEST"),
            RollbackChoice::Off => None,
        }
    }
}
