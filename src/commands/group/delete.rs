//! `cdctl group delete`

use clap::Args;
use serde_json::Value;

use crate::commands::missing;
use crate::commands::names::GroupArgs;
use crate::context::Context;
use crate::error::Doing;
use crate::exit::Exit;

/// Delete a deployment group; instances keep what is installed on them
#[derive(Debug, Args)]
#[command(
    // The environment names nothing that is deleted.
    mut_arg("app", |app| app.help("The application, where no APP/GROUP is written")),
    mut_arg("group", |group| group.help("The deployment group of --app")),
    after_help = "Example:\n  cdctl group delete shop/prod --yes"
)]
pub struct Arguments {
    #[command(flatten)]
    group: GroupArgs,
}

pub async fn run(context: &Context, arguments: &Arguments) -> anyhow::Result<Exit> {
    let name = arguments.group.doomed(context)?;
    let doing = format!("delete deployment group {name}");
    let api = context.api().await?;
    // The service deletes what is not there without a word; a misspelt name should not pass for done.
    if let Err(error) = api.send("GetDeploymentGroup", &name.request()).await {
        return Err(missing::explain(api, error, &name, doing).await);
    }
    context.confirm(&format!("Delete deployment group {name}?")).await?;
    let answer = api.send("DeleteDeploymentGroup", &name.request()).await.doing(doing)?;
    warn_of_hooks(context, &answer);
    context.ui.note(&format!("deleted deployment group {name}"));
    Ok(Exit::Ok)
}

/// Names the Auto Scaling groups whose lifecycle hooks CodeDeploy could not remove.
pub fn warn_of_hooks(context: &Context, answer: &Value) {
    for group in answer.get("hooksNotCleanedUp").and_then(Value::as_array).into_iter().flatten() {
        let text = |name: &str| group.get(name).and_then(Value::as_str).unwrap_or("?");
        context.ui.warn(&format!(
            "the lifecycle hook {} of Auto Scaling group {} could not be removed",
            text("hook"),
            text("name")
        ));
    }
}
