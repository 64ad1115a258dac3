//! `cdctl revision`

mod list;
mod push;
pub mod pushing;
mod show;
mod validate;

use clap::Subcommand;

use crate::context::Context;
use crate::exit::Exit;

#[derive(Debug, Subcommand)]
pub enum Verb {
    Validate(validate::Arguments),
    Push(push::Arguments),
    List(list::Arguments),
    Show(show::Arguments),
}

pub async fn run(context: &Context, verb: Verb) -> anyhow::Result<Exit> {
    match verb {
        Verb::Validate(arguments) => validate::run(context, &arguments).await,
        Verb::Push(arguments) => push::run(context, &arguments).await,
        Verb::List(arguments) => list::run(context, &arguments).await,
        Verb::Show(arguments) => show::run(context, &arguments).await,
    }
}
