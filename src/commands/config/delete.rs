//! `cdctl config delete`

use clap::Args;
use serde_json::json;

use crate::api::ErrorKind;
use crate::commands::missing;
use crate::context::Context;
use crate::error::{Doing, Failure};
use crate::exit::Exit;

/// Delete a deployment configuration that no group uses
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  cdctl config delete Careful --yes")]
pub struct Arguments {
    /// The deployment configuration
    #[arg(value_name = "CONFIG")]
    name: String,
}

pub async fn run(context: &Context, arguments: &Arguments) -> anyhow::Result<Exit> {
    let name = &arguments.name;
    let doing = format!("delete deployment configuration {name}");
    let api = context.api().await?;
    let request = json!({ "deploymentConfigName": name });
    match api.send("GetDeploymentConfig", &request).await {
        Ok(_) => {}
        Err(error) if error.kind == ErrorKind::NotFound => {
            return Err(missing::explain_config(api, &error, name, doing).await);
        }
        Err(error) => return Err(Failure::api(format!("cannot {doing}"), &error).into()),
    }
    context.confirm(&format!("Delete deployment configuration {name}?")).await?;
    api.send("DeleteDeploymentConfig", &request).await.doing(doing)?;
    context.ui.note(&format!("deleted deployment configuration {name}"));
    Ok(Exit::Ok)
}
