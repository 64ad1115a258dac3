//! `cdctl deploy report`

use std::collections::HashSet;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use super::replay;
use crate::api::{Api, ErrorKind};
use crate::clock;
use crate::commands::names::DeploymentsArgs;
use crate::context::Context;
use crate::error::{Doing, Failure};
use crate::exit::Exit;
use crate::format::{Format, print_json};
use crate::report::timeline::{Timeline, markdown, page};
use crate::watch;

/// Write a report on a deployment: its timeline target by target, how long each phase took, what failed and why
///
/// The HTML is one file that needs nothing else: no script, no network. The rollback of a deployment is reported with
/// it. With --replay it is made from a recording, and nothing is called.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  cdctl deploy report shop/prod -f html > report.html
  cdctl deploy report d-7F3K2QX9A -f markdown | \\
      gh issue create --title 'A failed deployment' --body-file -
  cdctl deploy report --replay prod.ndjson -f html > report.html
  cdctl deploy report d-7F3K2QX9A -o json --query 'timelines[0].phases'")]
pub struct Arguments {
    #[command(flatten)]
    deployments: DeploymentsArgs,

    /// What the report is written as [default: markdown; data with -o json or yaml]
    #[arg(long, short, value_name = "FORMAT")]
    format: Option<Form>,

    /// Report on what `deploy watch --record` has written; calls nothing
    #[arg(long, value_name = "FILE", conflicts_with = "names")]
    replay: Option<PathBuf>,
}

/// `--format`
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Form {
    /// A page for a browser
    Html,
    /// For a ticket, a pull request or a wiki
    Markdown,
    /// All of it as data
    Json,
}

pub async fn run(context: &Context, arguments: &Arguments) -> anyhow::Result<Exit> {
    let timelines = match &arguments.replay {
        Some(file) => {
            let timelines = Timeline::of_events(&replay::read(file)?);
            if timelines.is_empty() {
                return Err(Failure::new(format!("{} tells of no deployment", file.display())).into());
            }
            timelines
        }
        None => timelines(context, &arguments.deployments.resolve(context).await?).await?,
    };
    let output = &context.settings.output;
    let machine = matches!(output.format, Format::Json | Format::Yaml) || output.query.is_some();
    let text = match arguments.format {
        Some(Form::Html) => page(&timelines, concat!("cdctl ", env!("CARGO_PKG_VERSION"))),
        Some(Form::Markdown) => markdown(&timelines),
        None if !machine => markdown(&timelines),
        form => {
            let data: Vec<Value> = timelines.iter().map(Timeline::data).collect();
            let mut output = output.clone();
            if form.is_some() {
                output.format = Format::Json;
            }
            print_json(&json!({ "timelines": data }), Some("timelines"), &output, &context.ui)?;
            return Ok(Exit::Ok);
        }
    };
    context.ui.data(text.trim_end())?;
    Ok(Exit::Ok)
}

/// Each deployment, followed by the one that rolled it back.
async fn timelines(context: &Context, ids: &[String]) -> anyhow::Result<Vec<Timeline>> {
    let api = context.api().await?;
    let mut told = HashSet::new();
    let mut wanted: Vec<String> = ids.iter().rev().cloned().collect();
    let mut timelines = Vec::new();
    while let Some(id) = wanted.pop() {
        if !told.insert(id.clone()) {
            continue;
        }
        let (timeline, rollback) = timeline(api, &id).await?;
        timelines.extend(timeline);
        wanted.extend(rollback);
    }
    Ok(timelines)
}

async fn timeline(api: &Api, id: &str) -> anyhow::Result<(Option<Timeline>, Option<String>)> {
    let seen = api.deployment(id).await.doing(format_args!("report on deployment {id}"))?;
    let doing = format!("read the targets of {id}");
    let targets = match api.all_target_ids(id, &[]).await {
        Ok(ids) => api.targets(id, &ids).await.doing(&doing)?.value,
        Err(error) if error.kind == ErrorKind::NotStarted => Vec::new(),
        Err(error) => return Err(error).doing(&doing),
    };
    let as_of = seen.date.unwrap_or_else(clock::now);
    let rollback = seen.value.rollback.rollback_deployment_id.clone();
    let told = watch::told(seen.value);
    Ok((told.map(|told| Timeline::of_service(id, told, &targets, as_of)), rollback))
}
