//! `cdctl config show`

use clap::Args;
use serde_json::json;

use crate::api::ErrorKind;
use crate::commands::missing;
use crate::context::Context;
use crate::error::Failure;
use crate::exit::Exit;
use crate::view;

/// Show a deployment configuration
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  cdctl config show CodeDeployDefault.HalfAtATime")]
pub struct Arguments {
    /// The deployment configuration
    #[arg(value_name = "CONFIG")]
    name: String,
}

pub async fn run(context: &Context, arguments: &Arguments) -> anyhow::Result<Exit> {
    let name = &arguments.name;
    let api = context.api().await?;
    let doing = format!("show deployment configuration {name}");
    match api.send("GetDeploymentConfig", &json!({ "deploymentConfigName": name })).await {
        Ok(json) => {
            view::properties(json, "deploymentConfigInfo").print(&context.settings.output, &context.ui)?;
            Ok(Exit::Ok)
        }
        Err(error) if error.kind == ErrorKind::NotFound => {
            Err(missing::explain_config(api, &error, name, doing).await)
        }
        Err(error) => Err(Failure::api(format!("cannot {doing}"), &error).into()),
    }
}
