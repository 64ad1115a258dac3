//! `cdctl sandbox change`: alarms, Auto Scaling groups and hosts of a sandbox that runs.

use clap::{Args, Subcommand};
use http::Method;
use serde_json::{Value, json};

use super::control;
use crate::context::Context;
use crate::exit::Exit;
use crate::format::{Table, View};

/// Change the fleet of a running sandbox: alarms, Auto Scaling groups, hosts
///
/// The changes are those of a fleet file's timeline, made now and in every region. The sandbox is the one of
/// --endpoint-url or AWS_ENDPOINT_URL, else http://127.0.0.1:4577.
#[derive(Debug, Subcommand)]
#[command(after_help = "\
Examples:
  cdctl sandbox change alarm high-error-rate
  cdctl sandbox change grow web-pool --count 2
  cdctl sandbox change disappear i-0123456789abcdef0")]
pub enum Verb {
    /// A CloudWatch alarm goes off: deployments that watch it stop
    #[command(after_help = "Example:\n  cdctl sandbox change alarm high-error-rate")]
    Alarm(Named),
    /// A CloudWatch alarm is over
    #[command(after_help = "Example:\n  cdctl sandbox change alarm-over high-error-rate")]
    AlarmOver(Named),
    /// An Auto Scaling group launches instances, and CodeDeploy deploys to them
    #[command(after_help = "Example:\n  cdctl sandbox change grow web-pool --count 2")]
    Grow(Scaling),
    /// An Auto Scaling group terminates its last instances
    #[command(after_help = "Example:\n  cdctl sandbox change shrink web-pool")]
    Shrink(Scaling),
    /// A host is there no more, and nobody is told
    #[command(after_help = "Example:\n  cdctl sandbox change disappear i-0123456789abcdef0")]
    Disappear(Host),
    /// A host that had disappeared is there again
    #[command(after_help = "Example:\n  cdctl sandbox change appear i-0123456789abcdef0")]
    Appear(Host),
}

#[derive(Debug, Args)]
pub struct Named {
    /// The alarm's name
    #[arg(value_name = "ALARM")]
    name: String,
}

#[derive(Debug, Args)]
pub struct Host {
    /// The instance's id, or the name of an on-premises one
    #[arg(value_name = "HOST")]
    id: String,
}

#[derive(Debug, Args)]
pub struct Scaling {
    /// The Auto Scaling group
    #[arg(value_name = "GROUP")]
    group: String,

    /// How many instances
    #[arg(long, value_name = "N", default_value = "1", value_parser = clap::value_parser!(u32).range(1..))]
    count: u32,
}

pub async fn run(context: &Context, verb: Verb) -> anyhow::Result<Exit> {
    let instances =
        |count: u32| if count == 1 { "an instance".to_owned() } else { format!("{count} instances") };
    let (change, done) = match verb {
        Verb::Alarm(Named { name }) => (json!({"alarm": name}), format!("the alarm {name} is on")),
        Verb::AlarmOver(Named { name }) => (json!({"alarm-over": name}), format!("the alarm {name} is over")),
        Verb::Grow(Scaling { group, count }) => (
            json!({"grow": {"group": group, "count": count}}),
            format!("{group} launches {}", instances(count)),
        ),
        Verb::Shrink(Scaling { group, count }) => (
            json!({"shrink": {"group": group, "count": count}}),
            format!("{group} terminates {}", instances(count)),
        ),
        Verb::Disappear(Host { id }) => (json!({"disappear": id}), format!("{id} has disappeared")),
        Verb::Appear(Host { id }) => (json!({"appear": id}), format!("{id} is there again")),
    };
    let json: Value = control::call(context, Method::POST, "changes", Some(&change)).await?;
    context.ui.note(&done);
    if context.settings.output.format.is_machine() {
        View { json, items: None, table: Table::properties(), empty: "" }
            .print(&context.settings.output, &context.ui)?;
    }
    Ok(Exit::Ok)
}
