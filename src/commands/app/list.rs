//! `cdctl app list`

use clap::Args;
use futures_util::stream::{self, StreamExt, TryStreamExt};
use serde_json::{Value, json};

use crate::api::{Api, ApiError, batch, strings};
use crate::commands::listing::Source;
use crate::context::Context;
use crate::error::Doing;
use crate::exit::Exit;
use crate::format::Listing;
use crate::view;

/// List the applications
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  cdctl app list --wide
  cdctl app list -o text | while read -r app platform created; do echo \"$app\"; done")]
pub struct Arguments {
    /// Also the groups of each and its last deployment (two calls more for each)
    #[arg(long)]
    wide: bool,

    /// How many at most
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
}

pub async fn run(context: &Context, arguments: &Arguments) -> anyhow::Result<Exit> {
    let (output, ui) = (&context.settings.output, &context.ui);
    let api = context.api().await?;
    let doing = "list the applications";
    let source = Source {
        operation: "ListApplications",
        input: json!({}),
        names: "applications",
        batch: &batch::APPLICATIONS,
        base: json!({}),
    };
    if !arguments.wide {
        let mut list = Listing::new(output, ui, "applicationsInfo", view::app::HEADER, "no applications")
            .listed("applications", name_of);
        source.fill(api, arguments.limit, &mut list, view::app::row).await?.doing(doing)?;
        list.finish()?;
        return Ok(Exit::Ok);
    }
    let mut list = Listing::new(output, ui, "applicationsInfo", view::app::WIDE_HEADER, "no applications")
        .listed("applications", name_of);
    let mut pages = api.pages_of("ListApplications", json!({})).doing(doing)?;
    let limit = arguments.limit.unwrap_or(usize::MAX);
    while list.count() < limit
        && let Some(page) = pages.next().await.doing(doing)?
    {
        let mut names = strings(page.get("applications"));
        names.truncate(limit - list.count());
        let apps = api.batch(&batch::APPLICATIONS, &json!({}), &names).await.doing(doing)?;
        let apps = apps.into_iter().map(|app| with_groups(api, app));
        let mut apps = stream::iter(apps).buffered(batch::AT_ONCE);
        while let Some(app) = apps.try_next().await.doing(doing)? {
            let cells = view::app::wide_row(&app);
            list.add(app, cells)?;
        }
    }
    list.finish()?;
    Ok(Exit::Ok)
}

async fn with_groups(api: &Api, mut app: Value) -> Result<Value, ApiError> {
    let name = app.get("applicationName").and_then(Value::as_str).unwrap_or_default().to_owned();
    let groups = api.group_names(&name).await?;
    let groups = api.batch(&batch::GROUPS, &json!({ "applicationName": name }), &groups).await?;
    if let Some(app) = app.as_object_mut() {
        app.insert(batch::GROUPS.items.to_owned(), Value::Array(groups));
    }
    Ok(app)
}

fn name_of(info: &Value) -> Value {
    info["applicationName"].clone()
}
