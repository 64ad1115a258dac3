//! `cdctl group show`

use clap::Args;

use crate::commands::missing;
use crate::commands::names::GroupArgs;
use crate::context::Context;
use crate::exit::Exit;
use crate::view;

/// Show a deployment group: every setting, its revision, its last deployments
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  cdctl group show shop/prod\n  cdctl group show shop/prod -o yaml")]
pub struct Arguments {
    #[command(flatten)]
    group: GroupArgs,
}

pub async fn run(context: &Context, arguments: &Arguments) -> anyhow::Result<Exit> {
    let name = arguments.group.resolve(context)?;
    let api = context.api().await?;
    match api.send("GetDeploymentGroup", &name.request()).await {
        Ok(json) => {
            view::properties(json, "deploymentGroupInfo").print(&context.settings.output, &context.ui)?;
            Ok(Exit::Ok)
        }
        Err(error) => Err(missing::explain(api, error, &name, format!("show deployment group {name}")).await),
    }
}
