//! `cdctl deploy compare`

use std::time::Duration;

use clap::Args;
use serde_json::json;

use crate::api::{Api, ApiError, ErrorKind};
use crate::clock::{between, short};
use crate::commands::names::DeploymentName;
use crate::context::Context;
use crate::error::Doing;
use crate::exit::Exit;
use crate::format::{Table, View};
use crate::model::{Deployment, EventName, Revision, Target, TargetStatus};
use crate::report::{BETWEEN, bare_message};
use crate::view::deployment::counts;
use crate::watch::causes::{Cause, Causes};
use crate::watch::event::Failure;

/// Targets that are listed as the slowest.
const SLOWEST: usize = 3;
/// Causes of failures that are listed; JSON has all of them.
const CAUSES: usize = 3;

/// Compare two deployments: what they deployed, why targets failed, how long each lifecycle event took, the slowest targets
///
/// Durations are medians over the targets, by the service's clock.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  cdctl deploy compare d-7F3K2QX9A d-8G4L3RY0B
  cdctl deploy compare d-7F3K2QX9A shop/prod -o json")]
pub struct Arguments {
    /// The first: its id, or APP/GROUP for the group's latest one
    #[arg(value_name = "DEPLOYMENT")]
    first: DeploymentName,

    /// The second
    #[arg(value_name = "OTHER")]
    second: DeploymentName,
}

pub async fn run(context: &Context, arguments: &Arguments) -> anyhow::Result<Exit> {
    let api = context.api().await?;
    let mut sides = Vec::new();
    for name in [&arguments.first, &arguments.second] {
        let id = name.resolve(context, false).await?;
        let deployment = api.deployment(&id).await.doing(format_args!("show deployment {id}"))?.value;
        let targets = targets(api, &id).await.doing(format_args!("read the targets of {id}"))?;
        sides.push(Side { deployment, targets });
    }
    if let [a, b] = sides.as_slice() {
        view(a, b).print(&context.settings.output, &context.ui)?;
    }
    Ok(Exit::Ok)
}

async fn targets(api: &Api, id: &str) -> Result<Vec<Target>, ApiError> {
    let ids = match api.all_target_ids(id, &[]).await {
        Ok(ids) => ids,
        Err(error) if error.kind == ErrorKind::NotStarted => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    Ok(api.targets(id, &ids).await?.value)
}

struct Side {
    deployment: Deployment,
    targets: Vec<Target>,
}

impl Side {
    fn duration(&self) -> Option<Duration> {
        let deployment = &self.deployment;
        let start = deployment.start_time.or(deployment.create_time)?;
        Some(between(start, deployment.complete_time?))
    }

    /// The median time of an event over the targets that ended it.
    fn median(&self, name: &EventName) -> Option<Duration> {
        let mut times: Vec<Duration> = self
            .targets
            .iter()
            .flat_map(|target| &target.events)
            .filter(|event| event.name == *name)
            .filter_map(|event| Some(between(event.start_time?, event.end_time?)))
            .collect();
        times.sort();
        times.get(times.len() / 2).copied()
    }

    /// The targets with the longest time from their first event's start to their last one's end.
    fn slowest(&self) -> Vec<(&str, Duration)> {
        let mut times: Vec<_> = self
            .targets
            .iter()
            .filter_map(|target| {
                let start = target.events.iter().filter_map(|event| event.start_time).min()?;
                let end = target.events.iter().filter_map(|event| event.end_time).max()?;
                Some((target.id.as_str(), between(start, end)))
            })
            .collect();
        times.sort_by_key(|(_, time)| std::cmp::Reverse(*time));
        times.truncate(SLOWEST);
        times
    }

    /// Why targets failed, what hit most of them first.
    fn causes(&self) -> Vec<Cause> {
        let mut causes = Causes::default();
        for target in self.targets.iter().filter(|target| target.status == TargetStatus::Failed) {
            let event = target.failed_event();
            let said = event.and_then(|event| event.diagnostics.as_ref()).map(Failure::of);
            let time = event.and_then(|event| event.end_time);
            causes.add(&target.id, event.map(|event| &event.name), said.as_ref(), time);
        }
        causes.list()
    }

    fn events(&self) -> impl Iterator<Item = &EventName> {
        self.targets.iter().flat_map(|target| &target.events).map(|event| &event.name)
    }
}

/// `6x ApplicationStart ScriptFailed: …`
fn in_words(cause: &Cause) -> String {
    let event = cause.event.as_ref().map_or(BETWEEN, EventName::as_str);
    let what = [cause.error.as_str(), bare_message(&cause.message)];
    let what: Vec<&str> = what.into_iter().filter(|text| !text.is_empty()).collect();
    format!("{}x {event} {}", cause.count, what.join(": ")).trim_end().to_owned()
}

fn view(a: &Side, b: &Side) -> View {
    let mut events: Vec<&EventName> = Vec::new();
    for name in a.events().chain(b.events()) {
        if !events.contains(&name) {
            events.push(name);
        }
    }
    let mut table = Table::properties();
    let mut row = |name: &str, a: Option<String>, b: Option<String>| {
        table.row([name.to_owned(), a.unwrap_or_else(|| "-".into()), b.unwrap_or_else(|| "-".into())]);
    };
    type Cell = fn(&Side) -> Option<String>;
    let rows: [(&str, Cell); 7] = [
        ("Deployment", |side| Some(side.deployment.id.clone())),
        ("Status", |side| Some(side.deployment.status.to_string())),
        ("Revision", |side| side.deployment.revision.as_ref().map(Revision::to_string)),
        ("Config", |side| side.deployment.config.clone()),
        ("Targets", |side| side.deployment.overview.map(counts)),
        ("Error", |side| side.deployment.error.as_ref().map(|error| error.code.clone())),
        ("Duration", |side| side.duration().map(short)),
    ];
    for (name, of) in rows {
        // Most deployments have no error.
        if let (a, b) = (of(a), of(b))
            && (name != "Error" || a.is_some() || b.is_some())
        {
            row(name, a, b);
        }
    }
    let (causes_a, causes_b) = (a.causes(), b.causes());
    for index in 0..causes_a.len().max(causes_b.len()).min(CAUSES) {
        let cell = |causes: &[Cause]| causes.get(index).map(in_words);
        row(if index == 0 { "Failed" } else { "" }, cell(&causes_a), cell(&causes_b));
    }
    for name in &events {
        row(&format!("  {name}"), a.median(name).map(short), b.median(name).map(short));
    }
    let (slow_a, slow_b) = (a.slowest(), b.slowest());
    for index in 0..slow_a.len().max(slow_b.len()) {
        let cell =
            |list: &[(&str, Duration)]| list.get(index).map(|(id, time)| format!("{id} {}", short(*time)));
        row(if index == 0 { "Slowest" } else { "" }, cell(&slow_a), cell(&slow_b));
    }
    View {
        json: json!({ "deployments": [data(a, &events), data(b, &events)] }),
        items: Some("deployments"),
        table,
        empty: "",
    }
}

/// One side as data, times in seconds.
fn data(side: &Side, events: &[&EventName]) -> serde_json::Value {
    let deployment = &side.deployment;
    let medians: serde_json::Map<_, _> = events
        .iter()
        .filter_map(|name| Some((name.to_string(), json!(side.median(name)?.as_secs_f64()))))
        .collect();
    let slowest: Vec<_> = side
        .slowest()
        .into_iter()
        .map(|(id, time)| json!({ "targetId": id, "seconds": time.as_secs_f64() }))
        .collect();
    json!({
        "deploymentId": deployment.id, "status": deployment.status.as_str(),
        "revision": deployment.revision.as_ref().map(Revision::to_string),
        "deploymentConfigName": deployment.config,
        "targets": deployment.overview.map(|overview| overview.total()),
        "succeeded": deployment.overview.map(|overview| overview.succeeded),
        "failed": deployment.overview.map(|overview| overview.failed),
        "error": deployment.error.as_ref().map(|error| json!({ "code": error.code, "message": error.message })),
        "causes": side.causes(),
        "seconds": side.duration().map(|time| time.as_secs_f64()),
        "medianSeconds": medians, "slowest": slowest,
    })
}
