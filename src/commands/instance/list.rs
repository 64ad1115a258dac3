//! `cdctl instance list`

use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use crate::api::batch;
use crate::commands::group::Filter;
use crate::commands::listing::Source;
use crate::context::Context;
use crate::error::Doing;
use crate::exit::Exit;
use crate::format::Listing;
use crate::view;

/// List the on-premises instances: when they were registered, their tags, their identity
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  cdctl instance list --status registered --tag Role=web")]
pub struct Arguments {
    /// Only those in this state
    #[arg(long, value_name = "STATUS")]
    status: Option<Status>,

    /// Only those with this tag; KEY alone matches any value, =VALUE any key; several: one of them is enough
    #[arg(long, value_name = "KEY=VALUE")]
    tag: Vec<Filter>,

    /// How many at most
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Status {
    Registered,
    Deregistered,
}

pub async fn run(context: &Context, arguments: &Arguments) -> anyhow::Result<Exit> {
    let mut input = json!({});
    match arguments.status {
        Some(Status::Registered) => input["registrationStatus"] = "Registered".into(),
        Some(Status::Deregistered) => input["registrationStatus"] = "Deregistered".into(),
        None => {}
    }
    if !arguments.tag.is_empty() {
        input["tagFilters"] = arguments.tag.iter().map(Filter::json).collect::<Value>();
    }
    let source = Source {
        operation: "ListOnPremisesInstances",
        input,
        names: "instanceNames",
        batch: &batch::INSTANCES,
        base: json!({}),
    };
    let (output, ui) = (&context.settings.output, &context.ui);
    let empty = "no on-premises instances";
    let mut list = Listing::new(output, ui, batch::INSTANCES.items, view::instance::HEADER, empty)
        .listed("instanceNames", |info| info["instanceName"].clone());
    let api = context.api().await?;
    let filled = source.fill(api, arguments.limit, &mut list, view::instance::row).await?;
    filled.doing("list the on-premises instances")?;
    list.finish()?;
    Ok(Exit::Ok)
}
