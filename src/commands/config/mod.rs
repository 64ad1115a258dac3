//! `cdctl config`

mod create;
mod delete;
mod list;
mod show;

use clap::Subcommand;

use crate::context::Context;
use crate::exit::Exit;

#[derive(Debug, Subcommand)]
pub enum Verb {
    List(list::Arguments),
    Show(show::Arguments),
    Create(Box<create::Arguments>),
    Delete(delete::Arguments),
}

pub async fn run(context: &Context, verb: Verb) -> anyhow::Result<Exit> {
    match verb {
        Verb::List(arguments) => list::run(context, &arguments).await,
        Verb::Show(arguments) => show::run(context, &arguments).await,
        Verb::Create(arguments) => create::run(context, &arguments).await,
        Verb::Delete(arguments) => delete::run(context, &arguments).await,
    }
}
