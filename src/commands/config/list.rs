//! `cdctl config list`

use clap::Args;
use futures_util::stream::{self, StreamExt, TryStreamExt};
use serde_json::{Value, json};

use crate::api::{Api, ApiError, batch, strings};
use crate::context::Context;
use crate::error::Doing;
use crate::exit::Exit;
use crate::format::Listing;
use crate::view;

/// List the deployment configurations, CodeDeploy's own first
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  cdctl config list --wide")]
pub struct Arguments {
    /// Also the platform and the rule of each (a call more for each)
    #[arg(long)]
    wide: bool,

    /// How many at most
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
}

pub async fn run(context: &Context, arguments: &Arguments) -> anyhow::Result<Exit> {
    let (output, ui) = (&context.settings.output, &context.ui);
    let api = context.api().await?;
    let doing = "list the deployment configurations";
    let limit = arguments.limit.unwrap_or(usize::MAX);
    let empty = "no deployment configurations";
    let mut list = if arguments.wide {
        Listing::new(output, ui, "deploymentConfigsInfo", view::config::WIDE_HEADER, empty)
    } else {
        Listing::new(output, ui, "deploymentConfigsList", view::config::HEADER, empty)
    };
    let mut pages = api.pages_of("ListDeploymentConfigs", json!({})).doing(doing)?;
    while list.count() < limit
        && let Some(page) = pages.next().await.doing(doing)?
    {
        let mut names = strings(page.get("deploymentConfigsList"));
        names.truncate(limit - list.count());
        if !arguments.wide {
            for name in names {
                list.add(name.as_str().into(), vec![name])?;
            }
            continue;
        }
        let mut details =
            stream::iter(names.into_iter().map(|name| detail(api, name))).buffered(batch::AT_ONCE);
        while let Some(info) = details.try_next().await.doing(doing)? {
            let cells = view::config::row(&info);
            list.add(info, cells)?;
        }
    }
    list.finish()?;
    Ok(Exit::Ok)
}

async fn detail(api: &Api, name: String) -> Result<Value, ApiError> {
    let mut answer = api.send("GetDeploymentConfig", &json!({ "deploymentConfigName": name })).await?;
    Ok(answer.get_mut("deploymentConfigInfo").map(Value::take).unwrap_or_default())
}
