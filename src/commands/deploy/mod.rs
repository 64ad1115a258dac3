//! `cdctl deploy`

mod active;
mod bundle;
mod create;
mod last_good;
mod list;
mod show;
mod stop;
mod targets;
mod watch;
mod watching;

use clap::{Subcommand, ValueEnum};

use crate::context::Context;
use crate::exit::Exit;

#[derive(Debug, Subcommand)]
pub enum Verb {
    Create(Box<create::Arguments>),
    Watch(watch::Arguments),
    List(list::Arguments),
    Show(show::Arguments),
    Targets(targets::Arguments),
    Stop(stop::Arguments),
}

pub async fn run(context: &Context, verb: Verb) -> anyhow::Result<Exit> {
    match verb {
        Verb::Create(arguments) => create::run(context, &arguments).await,
        Verb::Watch(arguments) => watch::run(context, &arguments).await,
        Verb::List(arguments) => list::run(context, &arguments).await,
        Verb::Show(arguments) => show::run(context, &arguments).await,
        Verb::Targets(arguments) => targets::run(context, &arguments).await,
        Verb::Stop(arguments) => stop::run(context, &arguments).await,
    }
}

/// An ending after which CodeDeploy rolls back by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum RollbackEvent {
    /// The deployment failed
    Failure,
    /// An alarm stopped it
    Alarm,
    /// A request stopped it
    Stop,
}

impl RollbackEvent {
    /// The API's `AutoRollbackEvent`.
    pub fn as_str(self) -> &'static str {
        match self {
            RollbackEvent::Failure => "DEPLOYMENT_FAILURE",
            RollbackEvent::Alarm => "DEPLOYMENT_STOP_ON_ALARM",
            RollbackEvent::Stop => "DEPLOYMENT_STOP_ON_REQUEST",
        }
    }
}
