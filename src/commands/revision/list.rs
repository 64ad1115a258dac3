//! `cdctl revision list`

use clap::{Args, ValueEnum};
use futures_util::stream::{self, StreamExt, TryStreamExt};
use serde_json::{Value, json};

use crate::api::batch::AT_ONCE;
use crate::api::{Api, ApiError};
use crate::commands::missing;
use crate::commands::names::AppArgs;
use crate::context::Context;
use crate::error::Doing;
use crate::exit::Exit;
use crate::format::Listing;
use crate::view;

/// How many revisions BatchGetApplicationRevisions takes. Source: its API reference.
const BATCH: usize = 25;

/// List an application's registered revisions, newest first
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  cdctl revision list shop --bucket releases --limit 10")]
pub struct Arguments {
    #[command(flatten)]
    app: AppArgs,

    /// Only those in this bucket
    #[arg(long, value_name = "BUCKET")]
    bucket: Option<String>,

    /// Only those whose key begins so
    #[arg(long, value_name = "PREFIX", requires = "bucket")]
    prefix: Option<String>,

    /// Only those that are a group's target (or are not)
    #[arg(long, value_name = "YES|NO")]
    deployed: Option<Deployed>,

    /// What they are sorted by
    #[arg(long, value_name = "TIME", default_value = "registered")]
    sort: Sort,

    /// Oldest first
    #[arg(long)]
    ascending: bool,

    /// How many at most [default: 20 in a table, else all]
    #[arg(long, value_name = "N", value_parser = clap::builder::RangedU64ValueParser::<usize>::new().range(1..))]
    limit: Option<usize>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Deployed {
    Yes,
    No,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Sort {
    Registered,
    FirstUsed,
    LastUsed,
}

impl Arguments {
    fn input(&self, application: &str) -> Value {
        let by = match self.sort {
            Sort::Registered => "registerTime",
            Sort::FirstUsed => "firstUsedTime",
            Sort::LastUsed => "lastUsedTime",
        };
        let order = if self.ascending { "ascending" } else { "descending" };
        let mut input = json!({ "applicationName": application, "sortBy": by, "sortOrder": order });
        if let Some(bucket) = &self.bucket {
            input["s3Bucket"] = bucket.as_str().into();
        }
        if let Some(prefix) = &self.prefix {
            input["s3KeyPrefix"] = prefix.as_str().into();
        }
        match self.deployed {
            Some(Deployed::Yes) => input["deployed"] = "include".into(),
            Some(Deployed::No) => input["deployed"] = "exclude".into(),
            None => {}
        }
        input
    }
}

pub async fn run(context: &Context, arguments: &Arguments) -> anyhow::Result<Exit> {
    let name = &arguments.app.resolve(context)?;
    let (output, ui) = (&context.settings.output, &context.ui);
    let api = context.api().await?;
    let doing = format!("list the revisions of {name}");
    let mut list = Listing::new(output, ui, "revisions", view::revision::HEADER, "no revisions")
        .beside("applicationName", name.as_str().into())
        .listed("revisions", with_location);
    let limit = list.limit(arguments.limit);
    let mut pages = api.pages_of("ListApplicationRevisions", arguments.input(name)).doing(&doing)?;
    while list.count() < limit {
        let locations = match pages.next().await {
            Ok(Some(mut page)) => match page.get_mut("revisions").map(Value::take) {
                Some(Value::Array(locations)) => locations,
                _ => continue,
            },
            Ok(None) => break,
            Err(error) => return Err(missing::application(api, error, name, doing).await),
        };
        let wanted = locations.get(..limit - list.count()).unwrap_or(&locations);
        let calls = wanted.chunks(BATCH).map(|chunk| details(api, name, chunk));
        let mut answers = stream::iter(calls).buffered(AT_ONCE);
        while let Some(infos) = answers.try_next().await.doing(&doing)? {
            for info in infos {
                let cells = view::revision::row(&info);
                list.add(info, cells)?;
            }
        }
    }
    list.finish()?;
    Ok(Exit::Ok)
}

/// A `RevisionInfo` with what ListApplicationRevisions says of it, the location's own members.
fn with_location(info: &Value) -> Value {
    let mut info = info.clone();
    if let (Some(location), Some(members)) =
        (info["revisionLocation"].as_object().cloned(), info.as_object_mut())
    {
        members.extend(location);
    }
    info
}

/// The `RevisionInfo` of each, in their order.
async fn details(api: &Api, application: &str, locations: &[Value]) -> Result<Vec<Value>, ApiError> {
    let request = json!({ "applicationName": application, "revisions": locations });
    let mut answer = api.send("BatchGetApplicationRevisions", &request).await?;
    let mut infos = match answer.get_mut("revisions").map(Value::take) {
        Some(Value::Array(infos)) => infos,
        _ => Vec::new(),
    };
    infos.sort_by_key(|info| {
        locations.iter().position(|location| info.get("revisionLocation") == Some(location))
    });
    Ok(infos)
}
