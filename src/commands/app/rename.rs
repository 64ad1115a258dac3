//! `cdctl app rename`

use clap::Args;
use serde_json::json;

use crate::commands::missing;
use crate::context::Context;
use crate::exit::Exit;

/// Rename an application
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  cdctl app rename shop store")]
pub struct Arguments {
    /// The application
    #[arg(value_name = "APP")]
    name: String,

    /// Its new name
    #[arg(value_name = "NEW-NAME")]
    new: String,
}

pub async fn run(context: &Context, arguments: &Arguments) -> anyhow::Result<Exit> {
    let (name, new) = (&arguments.name, &arguments.new);
    let api = context.api().await?;
    let request = json!({ "applicationName": name, "newApplicationName": new });
    if let Err(error) = api.send("UpdateApplication", &request).await {
        return Err(missing::application(api, error, name, format!("rename application {name}")).await);
    }
    context.ui.note(&format!("application {name} is now {new}"));
    Ok(Exit::Ok)
}
