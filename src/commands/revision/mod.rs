//! `cdctl revision`

mod bundle;
mod diff;
mod dry_run;
mod explain;
mod fetched;
mod init;
mod list;
mod packing;
mod pull;
mod push;
pub mod pushing;
mod reading;
mod register;
mod registering;
mod run;
mod run_check;
mod run_report;
mod schema;
mod show;
mod uploading;
mod validate;

use clap::Subcommand;

use crate::context::Context;
use crate::exit::Exit;

#[derive(Debug, Subcommand)]
pub enum Verb {
    Init(init::Arguments),
    Validate(validate::Arguments),
    Explain(explain::Arguments),
    Schema(schema::Arguments),
    Bundle(bundle::Arguments),
    Push(Box<push::Arguments>),
    Register(register::Arguments),
    List(list::Arguments),
    Show(show::Arguments),
    Diff(diff::Arguments),
    Pull(pull::Arguments),
    Run(Box<run::Arguments>),
}

pub async fn run(context: &Context, verb: Verb) -> anyhow::Result<Exit> {
    match verb {
        Verb::Init(arguments) => init::run(context, &arguments),
        Verb::Validate(arguments) => validate::run(context, &arguments).await,
        Verb::Bundle(arguments) => bundle::run(context, &arguments).await,
        Verb::Explain(arguments) => explain::run(context, &arguments),
        Verb::Schema(arguments) => schema::run(context, &arguments),
        Verb::Run(arguments) => run::run(context, &arguments).await,
        Verb::Push(arguments) => push::run(context, &arguments).await,
        Verb::Register(arguments) => register::run(context, &arguments).await,
        Verb::List(arguments) => list::run(context, &arguments).await,
        Verb::Diff(arguments) => diff::run(context, &arguments).await,
        Verb::Pull(arguments) => pull::run(context, &arguments).await,
        Verb::Show(arguments) => show::run(context, &arguments).await,
    }
}
