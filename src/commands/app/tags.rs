//! `cdctl app tags`, `tag`, `untag`

use clap::Args;

use crate::commands::names::AppArgs;
use crate::commands::tags::{self, Resource};
use crate::context::Context;
use crate::exit::Exit;

/// List an application's tags
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  cdctl app tags shop")]
pub struct Show {
    #[command(flatten)]
    app: AppArgs,
}

/// Set tags of an application
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  cdctl app tag shop Team=web Stage=prod")]
pub struct Set {
    /// The application
    #[arg(value_name = "APP")]
    name: String,

    #[command(flatten)]
    set: tags::TagArgs,
}

/// Remove tags of an application
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  cdctl app untag shop Team")]
pub struct Remove {
    /// The application
    #[arg(value_name = "APP")]
    name: String,

    #[command(flatten)]
    remove: tags::KeyArgs,
}

fn resource(name: &str) -> Resource {
    Resource::Application(name.to_owned())
}

pub async fn show(context: &Context, arguments: &Show) -> anyhow::Result<Exit> {
    tags::show(context, &resource(&arguments.app.resolve(context)?)).await
}

pub async fn set(context: &Context, arguments: &Set) -> anyhow::Result<Exit> {
    tags::set(context, &resource(&arguments.name), &arguments.set).await
}

pub async fn remove(context: &Context, arguments: &Remove) -> anyhow::Result<Exit> {
    tags::remove(context, &resource(&arguments.name), &arguments.remove).await
}
