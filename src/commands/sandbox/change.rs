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
    let change = match &verb {
        Verb::Alarm(Named { name }) => json!({"alarm": name}),
        Verb::AlarmOver(Named { name }) => json!({"alarm-over": name}),
        Verb::Grow(Scaling { group, count }) => json!({"grow": {"group": group, "count": count}}),
        Verb::Shrink(Scaling { group, count }) => json!({"shrink": {"group": group, "count": count}}),
        Verb::Disappear(Host { id }) => json!({"disappear": id}),
        Verb::Appear(Host { id }) => json!({"appear": id}),
    };
    let json: Value = control::call(context, Method::POST, "changes", Some(&change)).await?;
    context.ui.note(&done(&verb, &json));
    if context.settings.output.format.is_machine() {
        View { json, items: None, table: Table::properties(), empty: "" }
            .print(&context.settings.output, &context.ui)?;
    }
    Ok(Exit::Ok)
}

/// What a change did, which the sandbox says of Auto Scaling groups.
fn done(verb: &Verb, answer: &Value) -> String {
    let count = |count: u64| if count == 1 { "an instance".to_owned() } else { format!("{count} instances") };
    match verb {
        Verb::Alarm(Named { name }) => format!("the alarm {name} is on"),
        Verb::AlarmOver(Named { name }) => format!("the alarm {name} is over"),
        Verb::Grow(by) => format!("{} launches {}", by.group, count(by.count.into())),
        Verb::Shrink(Scaling { group, count: asked }) => {
            let asked = u64::from(*asked);
            match answer.get("instances").and_then(Value::as_u64) {
                Some(0) => format!("{group} has no instance to terminate"),
                Some(told) if told < asked => format!("{group} terminates {}, all that it has", count(told)),
                _ if answer.get("putOff").is_some() => {
                    format!(
                        "{group} terminates {} once it may: a deployment has suspended that",
                        count(asked)
                    )
                }
                _ => format!("{group} terminates {}", count(asked)),
            }
        }
        Verb::Disappear(Host { id }) => format!("{id} has disappeared"),
        Verb::Appear(Host { id }) => format!("{id} is there again"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shrink_says_what_it_did() {
        let said = |count: u32, answer: Value| {
            done(&Verb::Shrink(Scaling { group: "pool".to_owned(), count }), &answer)
        };
        assert_eq!(said(1, json!({"instances": 1})), "pool terminates an instance");
        assert_eq!(said(5, json!({"instances": 2})), "pool terminates 2 instances, all that it has");
        assert_eq!(said(5, json!({"instances": 0})), "pool has no instance to terminate");
        let later = "pool terminates 2 instances once it may: a deployment has suspended that";
        assert_eq!(said(2, json!({"putOff": true})), later);
    }
}
