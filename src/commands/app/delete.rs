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
#[command(
    // The environment names nothing that is deleted.
    mut_arg("name", |name| name.help("The application")),
    after_help = "Examples:\n  cdctl app delete shop --yes\n  cdctl app delete --external-id 12345678-stack --yes"
)]
pub struct Arguments {
    #[command(flatten)]
    app: AppArgs,

    /// Instead: what CodeDeploy made for this external id, such as a CloudFormation stack's
    #[arg(long, value_name = "ID", conflicts_with_all = ["name", "app"])]
    external_id: Option<String>,
}

pub async fn run(context: &Context, arguments: &Arguments) -> anyhow::Result<Exit> {
    if let Some(id) = &arguments.external_id {
        return delete_by_external_id(context, id).await;
    }
    let name = arguments.app.doomed(context)?;
    let doing = format!("delete application {name}");
    let api = context.api().await?;
    // The service deletes what is not there without a word; a misspelt name should not pass for done.
    let request = json!({ "applicationName": name });
    if let Err(error) = api.send("GetApplication", &request).await {
        return Err(missing::application(api, error, name, doing).await);
    }
    context.confirm(&format!("Delete application {name} with all its deployment groups?")).await?;
    api.send("DeleteApplication", &request).await.doing(doing)?;
    context.ui.note(&format!("deleted application {name}"));
    Ok(Exit::Ok)
}

/// DeleteResourcesByExternalId: the API does not tell what there is, nor what it deleted.
async fn delete_by_external_id(context: &Context, id: &str) -> anyhow::Result<Exit> {
    context.confirm(&format!("Delete all that belongs to the external id {id}?")).await?;
    let api = context.api().await?;
    let request = json!({ "externalId": id });
    let doing = format!("delete what belongs to the external id {id}");
    api.send("DeleteResourcesByExternalId", &request).await.doing(doing)?;
    context.ui.note(&format!("deleted what belonged to the external id {id}"));
    Ok(Exit::Ok)
}
