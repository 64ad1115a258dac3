//! `cdctl revision`

mod push;
pub mod pushing;
mod validate;

use clap::Subcommand;

use crate::context::Context;
use crate::exit::Exit;

#[derive(Debug, Subcommand)]
pub enum Verb {
    Validate(validate::Arguments),
    Push(push::Arguments),
}

pub async fn run(context: &Context, verb: Verb) -> anyhow::Result<Exit> {
    match verb {
        Verb::Validate(arguments) => validate::run(context, &arguments).await,
        Verb::Push(arguments) => push::run(context, &arguments).await,
    }
}
