//! `cdctl group`

mod create;
mod delete;
mod ensure;
mod filters;
mod list;
mod settings;
mod show;
mod tags;
mod update;

use clap::Subcommand;
pub use filters::{Filter, tag_set};
pub use settings::{PROCESSES, Switch};

use crate::context::Context;
use crate::exit::Exit;

#[derive(Debug, Subcommand)]
pub enum Verb {
    List(list::Arguments),
    Show(show::Arguments),
    Create(Box<create::Arguments>),
    Ensure(Box<ensure::Arguments>),
    Update(Box<update::Arguments>),
    Delete(delete::Arguments),
    Tags(tags::Show),
    Tag(tags::Set),
    Untag(tags::Remove),
}

pub async fn run(context: &Context, verb: Verb) -> anyhow::Result<Exit> {
    match verb {
        Verb::List(arguments) => list::run(context, &arguments).await,
        Verb::Show(arguments) => show::run(context, &arguments).await,
        Verb::Create(arguments) => create::run(context, &arguments).await,
        Verb::Ensure(arguments) => ensure::run(context, &arguments).await,
        Verb::Update(arguments) => update::run(context, &arguments).await,
        Verb::Delete(arguments) => delete::run(context, &arguments).await,
        Verb::Tags(arguments) => tags::show(context, &arguments).await,
        Verb::Tag(arguments) => tags::set(context, &arguments).await,
        Verb::Untag(arguments) => tags::remove(context, &arguments).await,
    }
}
