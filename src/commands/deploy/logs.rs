//! `cdctl deploy logs`

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::time::Duration;

use clap::Args;
use tokio::time::Instant;

use super::next;
use super::watching::duration;
use crate::api::{Api, ApiError, ErrorKind};
use crate::clock;
use crate::commands::names::DeploymentArgs;
use crate::context::Context;
use crate::error::{Doing, Failure};
use crate::exit::Exit;
use crate::format::Format;
use crate::model::{EventStatus, LifecycleEvent, Target, TargetStatus, mask};
use crate::report::line as safe;
use crate::ui;
use crate::view;

/// Show what happened on a deployment's targets: each lifecycle event, and the end of the log of those that failed
///
/// With -o text a row an event: target, event, status, when it began and ended, how long it took; of one that failed the error,
/// the script and the end of its log.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  cdctl deploy logs shop/prod --failed
  cdctl deploy logs d-7F3K2QX9A i-0123456789abcdef0
  cdctl deploy logs shop/prod --follow")]
pub struct Arguments {
    #[command(flatten)]
    deployment: DeploymentArgs,

    /// Only these targets
    #[arg(value_name = "TARGET")]
    targets: Vec<String>,

    /// Only targets that failed
    #[arg(long)]
    failed: bool,

    /// Show events as they end, until the deployment ends
    #[arg(long, short, conflicts_with = "failed")]
    follow: bool,

    /// Time between two looks with --follow; longer where there are many targets [default: 5s; 1s on this machine]
    #[arg(long, value_name = "DURATION", value_parser = duration, requires = "follow")]
    interval: Option<Duration>,

    /// With --follow: how long refused credentials are retried before it ends (exit code 9) [default: 10m]
    #[arg(long, value_name = "DURATION", value_parser = duration, requires = "follow", hide_short_help = true)]
    give_up_after: Option<Duration>,
}

/// `--give-up-after`, where it is not given.
const GIVE_UP_AFTER: Duration = Duration::from_secs(600);

pub async fn run(context: &Context, arguments: &Arguments) -> anyhow::Result<Exit> {
    let output = &context.settings.output;
    let for_people = output.format == Format::Table && output.query.is_none();
    if arguments.follow && !for_people {
        return Err(Failure::new("--follow writes lines for people")
            .help("events as JSON: `cdctl deploy watch -o ndjson`")
            .exit(Exit::Usage)
            .into());
    }
    let id = arguments.deployment.resolve(context).await?;
    let api = context.api().await?;
    if arguments.follow {
        return follow(context, &id, arguments).await;
    }
    let doing = format!("read the logs of {id}");
    let ids = arguments.ids(api, &id).await.doing(&doing)?;
    let seen = api.targets(&id, &ids).await.doing(&doing)?;
    if !for_people {
        view::target::events(&seen.value, seen.json).print(output, &context.ui)?;
        return Ok(Exit::Ok);
    }
    if seen.value.is_empty() {
        context.ui.note(if arguments.failed { "no target failed" } else { "no targets" });
    }
    let text: Vec<String> = seen.value.iter().map(paragraph).collect();
    if !text.is_empty() {
        context.ui.data(text.join("\n").trim_end())?;
    }
    Ok(Exit::Ok)
}

impl Arguments {
    /// The targets that are asked for; none before the deployment has started.
    async fn ids(&self, api: &Api, id: &str) -> Result<Vec<String>, ApiError> {
        let failed = [TargetStatus::Failed];
        let statuses: &[TargetStatus] = if self.failed { &failed } else { &[] };
        if !self.targets.is_empty() && !self.failed {
            return Ok(self.targets.clone());
        }
        match api.all_target_ids(id, statuses).await {
            Ok(mut ids) if !self.targets.is_empty() => {
                // The service says which of them it does not know.
                if self.targets.iter().any(|target| !ids.contains(target)) {
                    api.targets(id, &self.targets).await?;
                }
                ids.retain(|id| self.targets.contains(id));
                Ok(ids)
            }
            Ok(ids) => Ok(ids),
            Err(error) if error.kind == ErrorKind::NotStarted => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }
}

/// One target: its events, and the log of what failed. Everything from outside is made safe.
fn paragraph(target: &Target) -> String {
    let mut text = format!("{}  {}\n", ui::line(&target.id), ui::line(target.status.as_str()));
    for event in &target.events {
        text.push_str(&line(event));
        text.push('\n');
        text.push_str(&tail(event));
    }
    text
}

/// `  ApplicationStart  Failed  1.2s  ScriptFailed scripts/start.sh: …`
fn line(event: &LifecycleEvent) -> String {
    let time = match (event.start_time, event.end_time) {
        (Some(start), Some(end)) => clock::short(clock::between(start, end)),
        _ => String::new(),
    };
    let (name, status) = (ui::line(event.name.as_str()), ui::line(event.status.as_str()));
    let mut line = format!("  {name:<22} {status:<11} {time:>7}");
    if let Some(said) = event.diagnostics.as_ref().filter(|_| event.status == EventStatus::Failed) {
        let (code, message) = (said.error_code.as_str(), mask(said.message.trim()));
        let (code, message) = (safe(code), safe(&message));
        let _ = write!(line, "  {code}: {message}");
    }
    line.trim_end().to_owned()
}

/// The end of the log of an event that failed, line by line; a CI system reads none of them as a command.
fn tail(event: &LifecycleEvent) -> String {
    let Some(said) = event.diagnostics.as_ref().filter(|_| event.status == EventStatus::Failed) else {
        return String::new();
    };
    let log = ui::defuse(&mask(&said.log_tail).replace("\r\n", "\n"));
    log.lines()
        .filter(|line| !line.trim().is_empty())
        .map(|line| format!("      {}\n", line.trim_end()))
        .collect()
}

/// Events that have been shown already.
#[derive(Default)]
struct Shown {
    events: BTreeMap<String, BTreeSet<String>>,
    finished: BTreeSet<String>,
}

impl Shown {
    /// The lines of what has ended on `target` since the last look.
    fn fresh(&mut self, target: &Target) -> String {
        let shown = self.events.entry(target.id.clone()).or_default();
        let mut text = String::new();
        for event in &target.events {
            let ended = matches!(event.status, EventStatus::Succeeded | EventStatus::Failed);
            if !ended || !shown.insert(event.name.as_str().to_owned()) {
                continue;
            }
            let time = event.end_time.map(|end| format!("{end:.0}")).unwrap_or_default();
            let _ = writeln!(text, "{time:<20} {}{}", ui::line(&target.id), line(event));
            text.push_str(&tail(event));
        }
        if target.status.is_finished() {
            self.finished.insert(target.id.clone());
            self.events.remove(&target.id);
        }
        text
    }
}

async fn follow(context: &Context, id: &str, arguments: &Arguments) -> anyhow::Result<Exit> {
    let is_local = context.api().await?.is_local();
    let interval = arguments.interval.unwrap_or(Duration::from_secs(if is_local { 1 } else { 5 }));
    let patience = arguments.give_up_after.unwrap_or(GIVE_UP_AFTER);
    let mut shown = Shown::default();
    let doing = format!("follow the logs of {id}");
    let (mut seen, mut failing, mut refused_since) = (false, false, None);
    loop {
        let api = context.api().await?;
        let ended = match look(context, api, id, arguments, &mut shown).await {
            Ok(ended) => {
                (seen, refused_since) = (true, None);
                if std::mem::take(&mut failing) {
                    context.ui.note("reached again");
                }
                ended
            }
            // Those that have never worked are an error at once.
            Err(Look::Api(error)) if error.kind == ErrorKind::Credentials && seen => {
                let since = *refused_since.get_or_insert_with(Instant::now);
                if since.elapsed() >= patience {
                    return Err(Failure::api(format!("cannot {doing}"), &error).exit(Exit::Unknown).into());
                }
                if !std::mem::replace(&mut failing, true) {
                    context.ui.note(&format!("cannot {doing} ({error}); asking for credentials anew"));
                }
                next::ask_anew(context, api).await;
                false
            }
            // The SDK has tried several times: the next look comes later. The deployment goes on meanwhile, and so does
            // this, as a watch does.
            Err(Look::Api(error)) if error.is_transient() => {
                if !std::mem::replace(&mut failing, true) {
                    context.ui.note(&format!("cannot {doing} ({error}); trying again"));
                }
                false
            }
            Err(Look::Api(error)) => return Err(error).doing(&doing),
            Err(Look::Closed) => return Ok(Exit::Ok),
        };
        if ended {
            return Ok(Exit::Ok);
        }
        // Thirty calls a minute at most: a look costs two and one more a batch.
        let targets = shown.events.len() as u32;
        let least = Duration::from_secs(2) * (2 + targets.div_ceil(25));
        let pause = if is_local { interval } else { interval.max(least) };
        let mut tick = tokio::time::interval(pause);
        tick.tick().await;
        tick.tick().await;
    }
}

enum Look {
    Api(ApiError),
    /// Nobody reads any more.
    Closed,
}

/// One look; true once the deployment has ended and all of it is shown.
async fn look(
    context: &Context,
    api: &Api,
    id: &str,
    arguments: &Arguments,
    shown: &mut Shown,
) -> Result<bool, Look> {
    let ended = api.deployment(id).await.map_err(Look::Api)?.value.status.is_terminal();
    let mut ids = arguments.ids(api, id).await.map_err(Look::Api)?;
    ids.retain(|id| !shown.finished.contains(id));
    for target in api.targets(id, &ids).await.map_err(Look::Api)?.value {
        let text = shown.fresh(&target);
        if !text.is_empty() {
            context.ui.data(text.trim_end()).map_err(|_| Look::Closed)?;
        }
    }
    Ok(ended)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Diagnostics, EventName, LifecycleErrorCode, Serving, TargetKind};

    fn target(status: TargetStatus, events: Vec<LifecycleEvent>) -> Target {
        Target {
            id: "i-1".into(),
            kind: TargetKind::Instance,
            status,
            label: None,
            last_updated: None,
            events,
            serving: Serving::Unsaid,
        }
    }

    fn event(name: EventName, status: EventStatus, log_tail: &str) -> LifecycleEvent {
        let diagnostics = Diagnostics {
            error_code: LifecycleErrorCode::ScriptFailed,
            script_name: "start.sh".into(),
            message: "exit code 3".into(),
            log_tail: log_tail.into(),
        };
        let at = |second| jiff::Timestamp::from_second(second).ok();
        LifecycleEvent { name, status, start_time: at(0), end_time: at(2), diagnostics: Some(diagnostics) }
    }

    #[test]
    fn a_log_is_shown_where_something_failed_and_does_no_harm() {
        let events = vec![
            event(EventName::Install, EventStatus::Succeeded, "quiet"),
            event(EventName::ApplicationStart, EventStatus::Failed, "[stderr]\x1b[31mred\n::error::x\n"),
        ];
        let text = paragraph(&target(TargetStatus::Failed, events));
        assert_eq!(
            text,
            "i-1  Failed\n  Install                Succeeded        2s\n  \
             ApplicationStart       Failed           2s  ScriptFailed: exit code 3\n      \
             [stderr]\\x1b[31mred\n      .::error::x\n"
        );
    }

    #[test]
    fn what_a_host_says_of_a_failure_is_masked_and_no_command_of_a_ci_system() {
        let mut failed = event(EventName::Install, EventStatus::Failed, "");
        failed.diagnostics.as_mut().unwrap().message = "x ##[error]y token=abcdef1234567890".into();
        assert_eq!(
            line(&failed),
            "  Install                Failed           2s  ScriptFailed: x #.#[error]y token=***"
        );
    }

    #[test]
    fn following_shows_each_event_once() {
        let mut shown = Shown::default();
        let install = || event(EventName::Install, EventStatus::Succeeded, "");
        let first = target(TargetStatus::InProgress, vec![install()]);
        assert!(shown.fresh(&first).contains("Install"));
        assert_eq!(shown.fresh(&first), "");
        let start = event(EventName::ApplicationStart, EventStatus::Succeeded, "");
        let text = shown.fresh(&target(TargetStatus::Succeeded, vec![install(), start]));
        assert!(text.contains("ApplicationStart") && !text.contains("Install "), "{text}");
        assert!(shown.finished.contains("i-1"));
    }
}
