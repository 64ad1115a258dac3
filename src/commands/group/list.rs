//! `cdctl group list`

use clap::Args;
use serde_json::json;

use crate::api::batch;
use crate::commands::listing::Source;
use crate::commands::missing;
use crate::commands::names::AppArgs;
use crate::context::Context;
use crate::exit::Exit;
use crate::format::Listing;
use crate::view;

/// List an application's deployment groups: what they run, and how their last deployment ended
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  cdctl group list shop")]
pub struct Arguments {
    #[command(flatten)]
    app: AppArgs,

    /// How many at most
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
}

pub async fn run(context: &Context, arguments: &Arguments) -> anyhow::Result<Exit> {
    let name = &arguments.app.resolve(context)?;
    let api = context.api().await?;
    let source = Source {
        operation: "ListDeploymentGroups",
        input: json!({ "applicationName": name }),
        names: "deploymentGroups",
        batch: &batch::GROUPS,
        base: json!({ "applicationName": name }),
    };
    let (output, ui) = (&context.settings.output, &context.ui);
    let mut list = Listing::new(output, ui, batch::GROUPS.items, view::group::HEADER, "no deployment groups")
        .listed("deploymentGroups", |info| info["deploymentGroupName"].clone());
    if let Err(error) = source.fill(api, arguments.limit, &mut list, view::group::row).await? {
        let doing = format!("list the deployment groups of {name}");
        return Err(missing::application(api, error, name, doing).await);
    }
    list.finish()?;
    Ok(Exit::Ok)
}
