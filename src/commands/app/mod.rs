//! `cdctl app`

mod create;

use clap::Subcommand;

use crate::context::Context;
use crate::exit::Exit;

#[derive(Debug, Subcommand)]
pub enum Verb {
    Create(create::Arguments),
}

pub async fn run(context: &Context, verb: Verb) -> anyhow::Result<Exit> {
    match verb {
        Verb::Create(arguments) => create::run(context, &arguments).await,
    }
}
