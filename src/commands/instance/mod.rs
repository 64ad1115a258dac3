//! `cdctl instance`

mod deregister;
mod list;
mod register;
mod show;
mod tag;

use clap::Subcommand;

use crate::context::Context;
use crate::exit::Exit;

#[derive(Debug, Subcommand)]
pub enum Verb {
    List(list::Arguments),
    Show(show::Arguments),
    Register(register::Arguments),
    Deregister(deregister::Arguments),
    Tag(tag::Set),
    Untag(tag::Remove),
}

pub async fn run(context: &Context, verb: Verb) -> anyhow::Result<Exit> {
    match verb {
        Verb::List(arguments) => list::run(context, &arguments).await,
        Verb::Show(arguments) => show::run(context, &arguments).await,
        Verb::Register(arguments) => register::run(context, &arguments).await,
        Verb::Deregister(arguments) => deregister::run(context, &arguments).await,
        Verb::Tag(arguments) => tag::set(context, &arguments).await,
        Verb::Untag(arguments) => tag::remove(context, &arguments).await,
    }
}
