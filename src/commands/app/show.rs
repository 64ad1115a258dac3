//! `cdctl app show`

use clap::Args;
use serde_json::json;

use crate::commands::missing;
use crate::commands::names::AppArgs;
use crate::context::Context;
use crate::exit::Exit;
use crate::view;

/// Show an application
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  cdctl app show shop --query application.applicationId -o text")]
pub struct Arguments {
    #[command(flatten)]
    app: AppArgs,
}

pub async fn run(context: &Context, arguments: &Arguments) -> anyhow::Result<Exit> {
    let name = &arguments.app.resolve(context)?;
    let api = context.api().await?;
    match api.send("GetApplication", &json!({ "applicationName": name })).await {
        Ok(json) => {
            view::properties(json, "application").print(&context.settings.output, &context.ui)?;
            Ok(Exit::Ok)
        }
        Err(error) => Err(missing::application(api, error, name, format!("show application {name}")).await),
    }
}
