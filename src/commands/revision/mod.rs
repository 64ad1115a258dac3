//! `cdctl revision`

mod explain;
mod fetched;
mod push;
pub mod pushing;
mod reading;
mod validate;

use clap::Subcommand;

use crate::context::Context;
use crate::exit::Exit;

#[derive(Debug, Subcommand)]
pub enum Verb {
    Validate(validate::Arguments),
    Explain(explain::Arguments),
    Push(push::Arguments),
}

pub async fn run(context: &Context, verb: Verb) -> anyhow::Result<Exit> {
    match verb {
        Verb::Validate(arguments) => validate::run(context, &arguments).await,
        Verb::Explain(arguments) => explain::run(context, &arguments),
        Verb::Push(arguments) => push::run(context, &arguments).await,
    }
}
