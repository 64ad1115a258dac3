//! `cdctl app delete`

use clap::Args;
use serde_json::json;

use crate::commands::missing;
use crate::commands::names::AppArgs;
use crate::context::Context;
use crate::error::Doing;
use crate::exit::Exit;

/// Delete an application with its groups, its revisions' registrations and its deployments' history
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  cdctl app delete shop --yes")]
pub struct Arguments {
    #[command(flatten)]
    app: AppArgs,
}

pub async fn run(context: &Context, arguments: &Arguments) -> anyhow::Result<Exit> {
    let name = &arguments.app.resolve(context)?;
    let doing = format!("delete application {name}");
    let api = context.api().await?;
    // The service deletes what is not there without a word; a misspelt name should not pass for done.
    let request = json!({ "applicationName": name });
    if let Err(error) = api.send("GetApplication", &request).await {
        return Err(missing::application(api, error, name, doing).await);
    }
    context.confirm(&format!("Delete application {name} with all its deployment groups?"))?;
    api.send("DeleteApplication", &request).await.doing(doing)?;
    context.ui.note(&format!("deleted application {name}"));
    Ok(Exit::Ok)
}
