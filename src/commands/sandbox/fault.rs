//! `cdctl sandbox fault`: what goes wrong with the API of a sandbox that runs.

use std::time::Duration;

use clap::{Args, Subcommand};
use http::Method;
use serde_json::{Map, Value, json};

use super::control;
use crate::context::Context;
use crate::exit::Exit;
use crate::format::{Table, View};
use crate::sandbox::fault::parse_span;

/// Make the API of a running sandbox throttle, fail, hang or dawdle
///
/// The sandbox is the one of --endpoint-url or AWS_ENDPOINT_URL, else http://127.0.0.1:4577.
#[derive(Debug, Subcommand)]
#[command(after_help = "\
Examples:
  cdctl sandbox fault add throttle --operation GetDeployment --rate 0.3
  cdctl sandbox fault add reset --for 30s
  cdctl sandbox fault add lost --operation CreateDeployment --times 1
  cdctl sandbox fault add slow --delay 2s
  cdctl sandbox fault clear")]
pub enum Verb {
    Add(Add),
    /// List the faults that are in force
    #[command(after_help = "Example:\n  cdctl sandbox fault list")]
    List,
    Clear(Clear),
}

/// Add a fault; prints its id
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  cdctl sandbox fault add throttle --operation GetDeployment --rate 0.3 --for 1m

Kinds:
  throttle  ThrottlingException, \"Rate exceeded\"
  error     HTTP 500
  reset     the connection is reset and nothing is done
  lost      the call is carried out, and the connection reset instead of answered
  stall     no answer ever comes
  slow      the answer comes after --delay")]
pub struct Add {
    /// What happens to a call
    #[arg(value_name = "KIND", value_parser = ["throttle", "error", "reset", "lost", "stall", "slow"])]
    kind: String,

    /// The operation, such as GetDeployment [default: every one]
    #[arg(long, value_name = "OPERATION")]
    operation: Option<String>,

    /// The share of calls, above 0 and at most 1
    #[arg(long, value_name = "RATE", default_value = "1")]
    rate: f64,

    /// How long it lasts, such as 30s or 5m [default: until it is cleared]
    #[arg(long = "for", value_name = "DURATION", value_parser = parse_span)]
    lasts: Option<Duration>,

    /// How many calls it strikes before it is over [default: any number]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    times: Option<u64>,

    /// How late a slow answer comes
    #[arg(long, value_name = "DURATION", value_parser = parse_span, required_if_eq("kind", "slow"))]
    delay: Option<Duration>,
}

/// End a fault, or all of them
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  cdctl sandbox fault clear\n  cdctl sandbox fault clear 2")]
pub struct Clear {
    /// The fault's id, as `list` shows it [default: all]
    #[arg(value_name = "ID")]
    id: Option<u64>,
}

pub async fn run(context: &Context, verb: Verb) -> anyhow::Result<Exit> {
    match verb {
        Verb::Add(arguments) => add(context, &arguments).await,
        Verb::List => list(context).await,
        Verb::Clear(arguments) => clear(context, &arguments).await,
    }
}

async fn add(context: &Context, arguments: &Add) -> anyhow::Result<Exit> {
    let mut fault = Map::from_iter([
        ("fault".to_owned(), json!(arguments.kind)),
        ("rate".to_owned(), json!(arguments.rate)),
    ]);
    if let Some(operation) = &arguments.operation {
        fault.insert("operation".to_owned(), json!(operation));
    }
    if let Some(times) = arguments.times {
        fault.insert("times".to_owned(), json!(times));
    }
    for (name, span) in [("for", arguments.lasts), ("delay", arguments.delay)] {
        if let Some(span) = span {
            fault.insert(name.to_owned(), json!(format!("{}ms", span.as_millis())));
        }
    }
    let json = control::call(context, Method::POST, "", Some(&Value::Object(fault))).await?;
    let mut table = Table::properties();
    table.row([json.get("id").map(ToString::to_string).unwrap_or_default()]);
    View { json, items: None, table, empty: "" }.print(&context.settings.output, &context.ui)?;
    Ok(Exit::Ok)
}

async fn list(context: &Context) -> anyhow::Result<Exit> {
    let json = control::call(context, Method::GET, "", None).await?;
    let mut table = Table::new(["ID", "FAULT", "OPERATION", "RATE", "STRUCK"]);
    for fault in json.get("faults").and_then(Value::as_array).into_iter().flatten() {
        let text = |name: &str| match fault.get(name) {
            Some(Value::String(text)) => text.clone(),
            Some(value) => value.to_string(),
            None => String::new(),
        };
        let kind = match fault.get("delay").and_then(Value::as_str) {
            Some(delay) => format!("{} by {delay}", text("fault")),
            None => text("fault"),
        };
        let operation = Some(text("operation")).filter(|name| !name.is_empty());
        let operation = operation.unwrap_or_else(|| "every one".to_owned());
        table.row([text("id"), kind, operation, text("rate"), text("struck")]);
    }
    let view = View { json, items: Some("faults"), table, empty: "no fault is in force" };
    view.print(&context.settings.output, &context.ui)?;
    Ok(Exit::Ok)
}

async fn clear(context: &Context, arguments: &Clear) -> anyhow::Result<Exit> {
    let query = arguments.id.map(|id| format!("?id={id}")).unwrap_or_default();
    let json = control::call(context, Method::DELETE, &query, None).await?;
    let count = json.get("cleared").and_then(Value::as_u64).unwrap_or_default();
    let faults = if count == 1 { "fault" } else { "faults" };
    context.ui.note(&format!("cleared {count} {faults}"));
    if context.settings.output.format.is_machine() {
        View { json, items: None, table: Table::properties(), empty: "" }
            .print(&context.settings.output, &context.ui)?;
    }
    Ok(Exit::Ok)
}
