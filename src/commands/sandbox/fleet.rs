//! `cdctl sandbox fleet`: what is there in a sandbox that runs.

use clap::Args;
use http::Method;
use serde_json::Value;

use super::control;
use crate::context::Context;
use crate::exit::Exit;
use crate::format::{Table, View};

/// Show the hosts, Auto Scaling groups, alarms, functions and services of a running sandbox
///
/// The sandbox is the one of --endpoint-url or AWS_ENDPOINT_URL, else http://127.0.0.1:4577; the region is the
/// caller's. The table has the hosts, and a line each tells of the rest; -o json and -o yaml have everything.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  cdctl sandbox fleet
  cdctl sandbox fleet -o json --query autoScalingGroups")]
pub struct Arguments {}

pub async fn run(context: &Context, _arguments: &Arguments) -> anyhow::Result<Exit> {
    let region = context.settings.connection.region.as_deref().unwrap_or("us-east-1");
    let json = control::call(context, Method::GET, &format!("fleet?region={region}"), None).await?;
    let mut table = Table::new(["HOST", "ZONE", "KIND", "GROUP", "TAGS", "STATE"]);
    let hosts = json.get("instances").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    for host in hosts {
        let text = |name: &str| host.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let tags = host.get("tags").and_then(Value::as_object).into_iter().flatten();
        let tags: Vec<String> =
            tags.map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default())).collect();
        let gone = host.get("disappeared").and_then(Value::as_bool) == Some(true);
        let state = if gone { "disappeared" } else { "there" };
        table.row([
            text("id"),
            text("zone"),
            text("kind"),
            text("autoScalingGroup"),
            tags.join(" "),
            state.to_owned(),
        ]);
    }
    let notes = notes(&json);
    let machine = context.settings.output.format.is_machine();
    View { json, items: Some("instances"), table, empty: "there is no host" }
        .print(&context.settings.output, &context.ui)?;
    if !machine {
        notes.iter().for_each(|note| context.ui.note(note));
    }
    Ok(Exit::Ok)
}

/// What there is beside hosts, a line each.
fn notes(fleet: &Value) -> Vec<String> {
    let list = |value: Option<&Value>| -> Vec<String> {
        let texts = value.and_then(Value::as_array).into_iter().flatten();
        texts.filter_map(|text| text.as_str().map(ToOwned::to_owned)).collect()
    };
    let mut notes = Vec::new();
    for group in fleet.get("autoScalingGroups").and_then(Value::as_array).into_iter().flatten() {
        let name = group.get("name").and_then(Value::as_str).unwrap_or_default();
        let count = group.get("instances").and_then(Value::as_u64).unwrap_or_default();
        let mut note = format!("Auto Scaling group {name}: {count}");
        let suspended = list(group.get("suspendedProcesses"));
        if !suspended.is_empty() {
            note.push_str(&format!(", suspended: {}", suspended.join(", ")));
        }
        notes.push(note);
    }
    notes.extend(list(fleet.get("alarms")).into_iter().map(|name| format!("alarm {name} is on")));
    notes.extend(members(fleet, "functions").map(|(name, function)| {
        let aliases: Vec<_> = members(function, "aliases").map(alias).collect();
        let aliases = if aliases.is_empty() { "no alias".to_owned() } else { aliases.join(", ") };
        format!("function {name}: {aliases}")
    }));
    notes.extend(members(fleet, "services").map(|(name, service)| {
        let sets: Vec<_> =
            service.get("taskSets").and_then(Value::as_array).into_iter().flatten().map(task_set).collect();
        let sets = if sets.is_empty() { "nothing was deployed to it".to_owned() } else { sets.join(", ") };
        format!("service {name}: {sets}")
    }));
    notes
}

fn members<'v>(value: &'v Value, name: &str) -> impl Iterator<Item = (&'v String, &'v Value)> {
    value.get(name).and_then(Value::as_object).into_iter().flatten()
}

/// An alias and its version, and the second one with its share.
fn alias((name, alias): (&String, &Value)) -> String {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut words = format!("{name} is at {}", alias.get("version").map(text).unwrap_or_default());
    if let Some([version, share]) = alias.get("additional").and_then(Value::as_array).map(Vec::as_slice) {
        let percent = share.as_f64().unwrap_or_default() * 100.0;
        words.push_str(&format!(" and {percent:.0}% at {}", text(version)));
    }
    words
}

fn task_set(set: &Value) -> String {
    let text = |name: &str| set.get(name).and_then(Value::as_str).unwrap_or_default();
    let number = |name: &str| set.get(name).and_then(Value::as_f64).unwrap_or_default();
    let (label, status) = (text("label"), text("status"));
    format!("{label} {status} {}/{} {}%", number("running"), number("desired"), number("trafficWeight"))
}
