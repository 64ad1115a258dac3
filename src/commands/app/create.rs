//! `cdctl app create`

use clap::{Args, ValueEnum};

use crate::context::Context;
use crate::error::Doing;
use crate::exit::Exit;
use crate::format::{Table, View};
use crate::model::ComputePlatform;

/// Create an application
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  cdctl app create shop")]
pub struct Arguments {
    /// The application's name: 1 to 100 letters, digits or any of +=,.@_-
    #[arg(value_name = "APP")]
    name: String,

    /// What the application runs on
    #[arg(long, value_name = "PLATFORM", default_value = "server")]
    platform: Platform,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Platform {
    /// EC2 and on-premises instances
    Server,
    Lambda,
    Ecs,
}

pub async fn run(context: &Context, arguments: &Arguments) -> anyhow::Result<Exit> {
    let platform = match arguments.platform {
        Platform::Server => ComputePlatform::Server,
        Platform::Lambda => ComputePlatform::Lambda,
        Platform::Ecs => ComputePlatform::Ecs,
    };
    let api = context.api().await?;
    let json = api
        .create_application(&arguments.name, &platform)
        .await
        .doing(format_args!("create application {}", arguments.name))?;
    context.ui.note(&format!("created application {} ({platform})", arguments.name));
    let id = json.get("applicationId").and_then(|id| id.as_str()).unwrap_or_default().to_owned();
    let mut table = Table::properties();
    table.row([id]);
    View { json, items: None, table, empty: "" }.print(&context.settings.output, &context.ui)?;
    Ok(Exit::Ok)
}
