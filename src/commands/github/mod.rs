//! `cdctl github`

mod delete_token;
mod tokens;

use clap::Subcommand;

use crate::context::Context;
use crate::exit::Exit;

#[derive(Debug, Subcommand)]
pub enum Verb {
    Tokens(tokens::Arguments),
    DeleteToken(delete_token::Arguments),
}

pub async fn run(context: &Context, verb: Verb) -> anyhow::Result<Exit> {
    match verb {
        Verb::Tokens(arguments) => tokens::run(context, &arguments).await,
        Verb::DeleteToken(arguments) => delete_token::run(context, &arguments).await,
    }
}
