//! `cdctl instance show`

use clap::Args;
use serde_json::json;

use crate::commands::missing;
use crate::context::Context;
use crate::exit::Exit;
use crate::view;

/// Show an on-premises instance
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  cdctl instance show rack-7")]
pub struct Arguments {
    /// The instance
    #[arg(value_name = "INSTANCE")]
    name: String,
}

pub async fn run(context: &Context, arguments: &Arguments) -> anyhow::Result<Exit> {
    let name = &arguments.name;
    let api = context.api().await?;
    match api.send("GetOnPremisesInstance", &json!({ "instanceName": name })).await {
        Ok(json) => {
            view::properties(json, "instanceInfo").print(&context.settings.output, &context.ui)?;
            Ok(Exit::Ok)
        }
        Err(error) => Err(missing::instance(api, error, name, format!("show instance {name}")).await),
    }
}
