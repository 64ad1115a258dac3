//! `cdctl sandbox fault`: what goes wrong in a sandbox that runs, with calls of its API and with events on its hosts.

use std::time::Duration;

use clap::{Args, Subcommand};
use http::Method;
use serde_json::{Map, Value, json};

use super::control;
use crate::commands::words::one_of;
use crate::context::Context;
use crate::error::Failure;
use crate::exit::Exit;
use crate::format::{Table, View};
use crate::sandbox::fault::parse_span;

/// Make calls or hosts of a running sandbox fail, hang or dawdle
///
/// The sandbox is the one of --endpoint-url or AWS_ENDPOINT_URL, else http://127.0.0.1:4577.
#[derive(Debug, Subcommand)]
#[command(after_help = "\
Examples:
  cdctl sandbox fault add throttle --operation GetDeployment --rate 0.3
  cdctl sandbox fault add reset --for 30s
  cdctl sandbox fault add lost --operation CreateDeployment --times 1
  cdctl sandbox fault add reset --operation UploadPart --times 2
  cdctl sandbox fault add fail --event ApplicationStart --share 0.25 --script scripts/start.sh
  cdctl sandbox fault add offline --host i-0123456789abcdef0
  cdctl sandbox fault clear")]
pub enum Verb {
    Add(Box<Add>),
    /// List the faults that are in force
    #[command(after_help = "Example:\n  cdctl sandbox fault list")]
    List,
    Clear(Clear),
}

/// Add a fault; prints its id
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  cdctl sandbox fault add throttle --operation GetDeployment --rate 0.3 --for 1m
  cdctl sandbox fault add slow --delay 2s
  cdctl sandbox fault add fail --zone c --event ApplicationStart \\
      --script scripts/start.sh --log 'port 80 is taken'
  cdctl sandbox fault add slow --factor 4 --share 0.1

Kinds for calls of the API:
  throttle  ThrottlingException, \"Rate exceeded\"; of S3 SlowDown
  error     HTTP 500
  reset     the connection is reset and nothing is done
  lost      the call is carried out, and the connection reset instead of answered
  stall     no answer ever comes
  slow      the answer comes after --delay

Kinds for lifecycle events on hosts:
  fail      the event fails
  hang      the event does not end before its limit of an hour
  slow      the event takes --factor times as long
  offline   the host's agent does not answer")]
pub struct Add {
    /// What happens
    #[arg(value_name = "KIND", value_parser = one_of(&["throttle", "error", "reset", "lost", "stall", "slow", "fail", "hang", "offline"]))]
    kind: String,

    /// How long it lasts, such as 30s or 5m [default: until it is cleared]
    #[arg(long = "for", value_name = "DURATION", value_parser = parse_span)]
    lasts: Option<Duration>,

    /// How many calls or events it strikes before it is over [default: any number]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    times: Option<u64>,

    #[command(flatten)]
    calls: Calls,

    #[command(flatten)]
    hosts: Hosts,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Calls of the API")]
struct Calls {
    /// The operation, such as GetDeployment, or PutObject of S3 [default: every one of CodeDeploy]
    #[arg(long, value_name = "OPERATION")]
    operation: Option<String>,

    /// The share of calls, above 0 and at most 1 [default: 1]
    #[arg(long, value_name = "RATE", value_parser = finite)]
    rate: Option<f64>,

    /// How late a slow answer comes
    #[arg(long, value_name = "DURATION", value_parser = parse_span)]
    delay: Option<Duration>,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Events on hosts")]
struct Hosts {
    /// The lifecycle event, such as ApplicationStart [default: every one]
    #[arg(long, value_name = "EVENT")]
    event: Option<String>,

    /// On this host; for a Lambda function its name, for an ECS service CLUSTER:SERVICE; may be repeated
    #[arg(long = "host", value_name = "ID")]
    ids: Vec<String>,

    /// On hosts of this zone
    #[arg(long, value_name = "ZONE")]
    zone: Option<String>,

    /// On hosts with this tag; may be repeated
    #[arg(long = "tag", value_name = "KEY=VALUE", value_parser = tag)]
    tags: Vec<(String, String)>,

    /// On about this share of the hosts, above 0 and at most 1 [default: 1]
    #[arg(long, value_name = "SHARE", value_parser = finite)]
    share: Option<f64>,

    /// How many times as long a slow event takes
    #[arg(long, value_name = "N", value_parser = finite)]
    factor: Option<f64>,

    /// The script that failed, as the AppSpec writes it
    #[arg(long, value_name = "PATH")]
    script: Option<String>,

    /// Its exit code [default: 1]
    #[arg(long, value_name = "CODE")]
    exit_code: Option<u8>,

    /// What it wrote to stderr
    #[arg(long, value_name = "TEXT")]
    log: Option<String>,

    /// What the host says of it [default: the agent's own sentence]
    #[arg(long, value_name = "TEXT")]
    message: Option<String>,
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

fn tag(text: &str) -> Result<(String, String), String> {
    let pair = text.split_once('=').filter(|(key, _)| !key.is_empty());
    let (key, value) = pair.ok_or_else(|| format!("`{text}` is not KEY=VALUE"))?;
    Ok((key.to_owned(), value.to_owned()))
}

/// JSON has no other numbers: `nan` and `inf` would arrive as nothing.
fn finite(text: &str) -> Result<f64, String> {
    let number = text.parse().ok().filter(|number: &f64| number.is_finite());
    number.ok_or_else(|| format!("`{text}` is not a number"))
}

fn wrong(what: String) -> anyhow::Error {
    Failure::new(what).help("see `cdctl sandbox fault add --help`").exit(Exit::Usage).into()
}

impl Add {
    /// Whether it is about hosts: only `slow` has to be told by its flags.
    fn is_of_hosts(&self) -> anyhow::Result<bool> {
        match (self.kind.as_str(), self.calls.delay, self.hosts.factor) {
            ("fail" | "hang" | "offline", ..) | ("slow", None, Some(_)) => Ok(true),
            ("slow", None, None) => {
                Err(wrong("slow needs --delay for calls, or --factor for events on hosts".to_owned()))
            }
            ("slow", Some(_), Some(_)) => {
                Err(wrong("--delay is for calls and --factor for events on hosts: give one".to_owned()))
            }
            _ => Ok(false),
        }
    }

    /// The fault as the sandbox reads it.
    fn json(&self) -> anyhow::Result<Value> {
        let of_hosts = self.is_of_hosts()?;
        let stranger = if of_hosts { self.calls.given() } else { self.hosts.given() };
        if let Some(flag) = stranger {
            let other = if of_hosts { "events on hosts" } else { "calls of the API" };
            return Err(wrong(format!("{flag} has no meaning for {}, which is about {other}", self.kind)));
        }
        let mut fault = if of_hosts { self.hosts.json(&self.kind)? } else { self.calls.json(&self.kind) };
        if let Some(lasts) = self.lasts {
            fault.insert("for".to_owned(), json!(milliseconds(lasts)));
        }
        if let Some(times) = self.times {
            fault.insert("times".to_owned(), json!(times));
        }
        Ok(Value::Object(fault))
    }
}

fn milliseconds(span: Duration) -> String {
    format!("{}ms", span.as_millis())
}

/// The first of flags that was given.
fn first<'f>(flags: &[(&'f str, bool)]) -> Option<&'f str> {
    flags.iter().find(|(_, given)| *given).map(|(flag, _)| *flag)
}

impl Calls {
    fn given(&self) -> Option<&'static str> {
        let Calls { operation, rate, delay } = self;
        first(&[
            ("--operation", operation.is_some()),
            ("--rate", rate.is_some()),
            ("--delay", delay.is_some()),
        ])
    }

    fn json(&self, kind: &str) -> Map<String, Value> {
        let mut fault = Map::from_iter([
            ("fault".to_owned(), json!(kind)),
            ("rate".to_owned(), json!(self.rate.unwrap_or(1.0))),
        ]);
        fault.extend(self.operation.iter().map(|operation| ("operation".to_owned(), json!(operation))));
        fault.extend(self.delay.iter().map(|delay| ("delay".to_owned(), json!(milliseconds(*delay)))));
        fault
    }
}

impl Hosts {
    fn given(&self) -> Option<&'static str> {
        let Hosts { event, ids, zone, tags, share, factor, .. } = self;
        let hosts = [
            ("--event", event.is_some()),
            ("--host", !ids.is_empty()),
            ("--zone", zone.is_some()),
            ("--tag", !tags.is_empty()),
            ("--share", share.is_some()),
            ("--factor", factor.is_some()),
        ];
        first(&hosts).or_else(|| self.failure())
    }

    /// The first of the flags that say how an event fails.
    fn failure(&self) -> Option<&'static str> {
        let Hosts { script, exit_code, log, message, .. } = self;
        first(&[
            ("--script", script.is_some()),
            ("--exit-code", exit_code.is_some()),
            ("--log", log.is_some()),
            ("--message", message.is_some()),
        ])
    }

    fn json(&self, kind: &str) -> anyhow::Result<Map<String, Value>> {
        if let Some(flag) = self.failure().filter(|_| kind != "fail") {
            return Err(wrong(format!(
                "{flag} has no meaning for {kind}: the event does not fail by a script"
            )));
        }
        if self.factor.is_some() && kind != "slow" {
            return Err(wrong(format!("--factor has no meaning for {kind}")));
        }
        let outcome = match kind {
            "fail" => {
                let mut failure = Map::new();
                let texts = [("script", &self.script), ("log", &self.log), ("message", &self.message)];
                for (name, text) in texts {
                    failure.extend(text.iter().map(|text| (name.to_owned(), json!(text))));
                }
                failure.extend(self.exit_code.iter().map(|code| ("exit_code".to_owned(), json!(code))));
                json!({"fail": failure})
            }
            "slow" => json!({"slow": self.factor}),
            "offline" => json!("agent-offline"),
            other => json!(other),
        };
        let tags: Map<String, Value> =
            self.tags.iter().map(|(key, value)| (key.clone(), json!(value))).collect();
        let mut hosts = Map::from_iter([("tags".to_owned(), Value::Object(tags))]);
        if !self.ids.is_empty() {
            hosts.insert("ids".to_owned(), json!(self.ids));
        }
        hosts.extend(self.zone.iter().map(|zone| ("zone".to_owned(), json!(zone))));
        hosts.extend(self.share.iter().map(|share| ("share".to_owned(), json!(share))));
        let mut fault =
            Map::from_iter([("hosts".to_owned(), Value::Object(hosts)), ("outcome".to_owned(), outcome)]);
        fault.extend(self.event.iter().map(|event| ("event".to_owned(), json!(event))));
        Ok(fault)
    }
}

async fn add(context: &Context, arguments: &Add) -> anyhow::Result<Exit> {
    let json = control::call(context, Method::POST, "faults", Some(&arguments.json()?)).await?;
    let mut table = Table::properties();
    table.row([json.get("id").map(ToString::to_string).unwrap_or_default()]);
    View { json, items: None, table, empty: "" }.print(&context.settings.output, &context.ui)?;
    Ok(Exit::Ok)
}

async fn list(context: &Context) -> anyhow::Result<Exit> {
    let json = control::call(context, Method::GET, "faults", None).await?;
    let mut table = Table::new(["ID", "FAULT", "WHERE", "SHARE", "FOR", "STRUCK"]);
    for fault in json.get("faults").and_then(Value::as_array).into_iter().flatten() {
        let [kind, place, share] = told(fault);
        let most = fault.get("times").map(|times| format!(" of {times}")).unwrap_or_default();
        let struck = format!("{}{most}", text(fault, "struck"));
        table.row([text(fault, "id"), kind, place, share, text(fault, "for"), struck]);
    }
    let view = View { json, items: Some("faults"), table, empty: "no fault is in force" };
    view.print(&context.settings.output, &context.ui)?;
    Ok(Exit::Ok)
}

fn text(fault: &Value, name: &str) -> String {
    match fault.get(name) {
        Some(Value::String(text)) => text.clone(),
        Some(value) => value.to_string(),
        None => String::new(),
    }
}

/// What a fault does, where, and to which share of calls or hosts.
fn told(fault: &Value) -> [String; 3] {
    let Some(outcome) = fault.get("outcome") else {
        let kind = match fault.get("delay").and_then(Value::as_str) {
            Some(delay) => format!("{} by {delay}", text(fault, "fault")),
            None => text(fault, "fault"),
        };
        let operation = Some(text(fault, "operation")).filter(|name| !name.is_empty());
        return [kind, operation.unwrap_or_else(|| "every call".to_owned()), text(fault, "rate")];
    };
    let kind = match outcome {
        Value::String(kind) if kind == "agent-offline" => "offline".to_owned(),
        Value::String(kind) => kind.clone(),
        other => match other.get("slow").and_then(Value::as_f64) {
            Some(factor) => format!("slow by a factor of {factor}"),
            None => failing(other.get("fail").unwrap_or(&Value::Null)),
        },
    };
    let hosts = fault.get("hosts").cloned().unwrap_or_default();
    let mut place = vec![fault.get("event").and_then(Value::as_str).unwrap_or("every event").to_owned()];
    let ids: Vec<&str> =
        hosts.get("ids").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
    if !ids.is_empty() {
        place.push(format!("on {}", ids.join(", ")));
    }
    place.extend(hosts.get("zone").and_then(Value::as_str).map(|zone| format!("in zone {zone}")));
    for (key, value) in hosts.get("tags").and_then(Value::as_object).into_iter().flatten() {
        place.push(format!("with {key}={}", value.as_str().unwrap_or_default()));
    }
    let share = hosts.get("share").map_or_else(|| "1.0".to_owned(), ToString::to_string);
    [kind, place.join(" "), share]
}

/// How an event fails: by which script, and what is said of it.
fn failing(how: &Value) -> String {
    let said = |name: &str| Some(text(how, name)).filter(|text| !text.is_empty());
    let exit = said("exit_code").map(|code| format!("exit code {code}"));
    let quoted = |name: &str| said(name).map(|text| format!("{name} \"{text}\""));
    let parts: Vec<_> = [said("error_code"), said("script"), exit, quoted("message"), quoted("log")]
        .into_iter()
        .flatten()
        .collect();
    if parts.is_empty() { "fail".to_owned() } else { format!("fail: {}", parts.join(", ")) }
}

async fn clear(context: &Context, arguments: &Clear) -> anyhow::Result<Exit> {
    let query = arguments.id.map(|id| format!("?id={id}")).unwrap_or_default();
    let json = control::call(context, Method::DELETE, &format!("faults{query}"), None).await?;
    let count = json.get("cleared").and_then(Value::as_u64).unwrap_or_default();
    if let (Some(id), 0) = (arguments.id, count) {
        return Err(Failure::new(format!("there is no fault {id}"))
            .help("`cdctl sandbox fault list` shows those in force")
            .into());
    }
    let faults = if count == 1 { "fault" } else { "faults" };
    context.ui.note(&format!("cleared {count} {faults}"));
    if context.settings.output.format.is_machine() {
        View { json, items: None, table: Table::properties(), empty: "" }
            .print(&context.settings.output, &context.ui)?;
    }
    Ok(Exit::Ok)
}
