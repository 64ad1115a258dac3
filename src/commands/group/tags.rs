//! `cdctl group tags`, `tag`, `untag`

use clap::Args;

use crate::commands::names::{GroupArgs, GroupName};
use crate::commands::tags::{self, Resource};
use crate::context::Context;
use crate::exit::Exit;

/// List a deployment group's tags
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  cdctl group tags shop/prod")]
pub struct Show {
    #[command(flatten)]
    group: GroupArgs,
}

/// Set tags of a deployment group
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  cdctl group tag shop/prod Team=web Stage=prod")]
pub struct Set {
    /// The deployment group
    #[arg(value_name = "APP/GROUP")]
    name: GroupName,

    #[command(flatten)]
    set: tags::TagArgs,
}

/// Remove tags of a deployment group
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  cdctl group untag shop/prod Team")]
pub struct Remove {
    /// The deployment group
    #[arg(value_name = "APP/GROUP")]
    name: GroupName,

    #[command(flatten)]
    remove: tags::KeyArgs,
}

fn resource(name: &GroupName) -> Resource {
    Resource::Group(name.clone())
}

pub async fn show(context: &Context, arguments: &Show) -> anyhow::Result<Exit> {
    tags::show(context, &resource(&arguments.group.resolve(context)?)).await
}

pub async fn set(context: &Context, arguments: &Set) -> anyhow::Result<Exit> {
    tags::set(context, &resource(&arguments.name), &arguments.set).await
}

pub async fn remove(context: &Context, arguments: &Remove) -> anyhow::Result<Exit> {
    tags::remove(context, &resource(&arguments.name), &arguments.remove).await
}
