//! `cdctl github delete-token`

use clap::Args;
use serde_json::json;

use crate::commands::missing;
use crate::context::Context;
use crate::exit::Exit;

/// Delete a stored connection to a GitHub account
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  cdctl github delete-token my-account --yes")]
pub struct Arguments {
    /// The connection's name
    #[arg(value_name = "TOKEN")]
    name: String,
}

pub async fn run(context: &Context, arguments: &Arguments) -> anyhow::Result<Exit> {
    let name = &arguments.name;
    context.confirm(&format!("Delete the connection {name} to GitHub?")).await?;
    let api = context.api().await?;
    if let Err(error) = api.send("DeleteGitHubAccountToken", &json!({ "tokenName": name })).await {
        return Err(missing::token(api, error, name, format!("delete the connection {name}")).await);
    }
    context.ui.note(&format!("deleted the connection {name} to GitHub"));
    Ok(Exit::Ok)
}
