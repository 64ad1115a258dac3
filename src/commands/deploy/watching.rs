//! What `deploy watch` and `deploy create --watch` have in common: the flags, the reporters, the signals.

mod first;
mod idle;
mod kept;
mod series;
mod shown;

use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::{Args, ValueEnum};
use serde_json::json;

use super::keyboard;
use crate::api::Api;
use crate::api::source::Watching;
use crate::clock::{self, Stopwatch};
use crate::context::Context;
use crate::error::{Doing, Failure};
use crate::exit::Exit;
use crate::format::{Format, print_json};
use crate::model::Deployment;
use crate::report::record::Record;
use crate::report::silent::Silent;
use crate::report::{Interrupt, Reporter, Reporters};
use crate::signals::Listener;
use crate::ui::Keyboard;
use crate::view;
use crate::watch::budget::Budget;
use crate::watch::outcome::worst;
use crate::watch::point::Point;
use crate::watch::{Leave, Options, Outcome, Reads};
pub use first::{not_begun, nothing, unless_left};
use kept::sink;
pub use kept::{unprinted, written};
pub use series::Series;
use shown::Shown;

/// Who makes the event stream.
const TOOL: &str = concat!("cdctl ", env!("CARGO_PKG_VERSION"));

/// How to watch.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Watching")]
pub struct WatchArgs {
    /// Time between two looks [default: 5s; 1s where the endpoint is on this machine]
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    interval: Option<Duration>,

    /// Stop watching after this time (exit code 7) [default: the service's own limit for the deployment]
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub timeout: Option<Duration>,

    /// End at this point: ready, traffic (all of it moved), succeeded, or event:NAME (finished on every target)
    #[arg(long, value_name = "POINT")]
    until: Option<Point>,

    /// End where the deployment waits for `deploy continue` (exit code 8)
    #[arg(long)]
    exit_on_ready: bool,

    /// What becomes of the deployment when the time is over
    #[arg(long, value_name = "WHAT", default_value = "detach", hide_short_help = true)]
    on_timeout: OnLeave,

    /// What becomes of the deployment, also of one that is just being made, at ^C or SIGTERM; a second one always detaches
    #[arg(long, value_name = "WHAT", default_value = "detach", hide_short_help = true)]
    on_interrupt: OnLeave,

    /// A success with failed targets counts as failed (exit code 3)
    #[arg(long)]
    pub require_all: bool,

    /// Do not watch the automatic rollback of a failed deployment
    #[arg(long, overrides_with = "follow_rollback")]
    no_follow_rollback: bool,

    /// Watch it, too, which is the default; of this and --no-follow-rollback the last one counts
    #[arg(long, overrides_with = "no_follow_rollback", hide_short_help = true)]
    follow_rollback: bool,

    /// Write the event stream to this file, for `deploy watch --replay`
    #[arg(long, value_name = "FILE", hide_short_help = true)]
    record: Option<PathBuf>,

    #[command(flatten)]
    pub shown: Shown,

    /// Calls to the API at most [default: 30; 600 where the endpoint is on this machine]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..), hide_short_help = true)]
    max_calls_per_minute: Option<u32>,

    /// How long refused credentials are retried before the outcome is unknown (exit code 9)
    #[arg(long, value_name = "DURATION", value_parser = duration, default_value = "10m", hide_short_help = true)]
    give_up_after: Duration,
}

/// `--on-timeout`, `--on-interrupt`
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum OnLeave {
    /// It goes on
    Detach,
    /// It is stopped, and watched to its end
    Stop,
    /// It is stopped and rolled back, and both are watched to their ends
    Rollback,
}

impl From<OnLeave> for Leave {
    fn from(on: OnLeave) -> Self {
        match on {
            OnLeave::Detach => Leave::Detach,
            OnLeave::Stop => Leave::Stop,
            OnLeave::Rollback => Leave::Rollback,
        }
    }
}

/// `90`, `90s`, `1m30s`, `2h`
pub fn duration(text: &str) -> Result<Duration, String> {
    if let Ok(seconds) = text.parse::<u32>() {
        return Ok(Duration::from_secs(seconds.into()));
    }
    text.parse::<jiff::SignedDuration>()
        .ok()
        .and_then(|duration| Duration::try_from(duration).ok())
        .ok_or_else(|| "a duration is written 90s, 1m30s or 2h".to_owned())
}

impl WatchArgs {
    /// Takes `time` off the `--timeout`, which is one for all that a command waits for.
    pub fn spend(&mut self, time: Duration) {
        self.timeout = self.timeout.map(|left| left.saturating_sub(time));
    }

    /// The time between two looks.
    fn interval(&self, api: &Api) -> Duration {
        self.interval.unwrap_or(Duration::from_secs(if api.is_local() { 1 } else { 5 }))
    }

    /// The time between two looks for something, within the budget of calls.
    pub fn pace(&self, api: &Api) -> Duration {
        self.interval(api).max(self.budget(api).shortest_interval())
    }

    /// How long refused credentials are asked for anew.
    pub fn give_up_after(&self) -> Duration {
        self.give_up_after
    }

    fn budget(&self, api: &Api) -> Budget {
        let calls = if api.is_local() { 600 } else { 30 };
        Budget::per_minute(self.max_calls_per_minute.unwrap_or(calls))
    }

    /// Somebody keeps each target: the stream, a recording or a JUnit file.
    fn keeps_targets(&self, context: &Context) -> bool {
        let stream = context.settings.output.format == Format::Ndjson;
        stream || self.record.is_some() || self.shown.junit.is_some()
    }

    /// What shows and what records a watch, which a `silent` one does without.
    fn reporters(&self, context: &Context, silent: bool) -> anyhow::Result<Vec<Box<dyn Reporter>>> {
        let interrupt = match self.on_interrupt {
            OnLeave::Detach => Interrupt::Detach,
            OnLeave::Stop => Interrupt::Stop,
            OnLeave::Rollback => Interrupt::Rollback,
        };
        let mut reporters = if silent {
            self.shown.beside(context)?
        } else {
            self.shown.watched(context, Some(interrupt))?
        };
        if let Some(path) = &self.record {
            reporters.push(Box::new(Record::new(sink("the recording", path, File::create(path))?)));
        }
        Ok(reporters)
    }

    async fn options(&self, context: &Context, known: bool) -> anyhow::Result<Options> {
        let api = context.api().await?;
        let now = clock::now();
        #[expect(clippy::cast_sign_loss, reason = "any bits make a seed")]
        let seed = now.as_nanosecond() as u64;
        Ok(Options {
            interval: self.interval(api),
            budget: self.budget(api).within(&context.ledger),
            give_up_after: self.give_up_after,
            timeout: self.timeout,
            on_timeout: self.on_timeout.into(),
            on_interrupt: self.on_interrupt.into(),
            until: self.until.clone().filter(|point| *point != Point::Succeeded),
            exit_on_ready: self.exit_on_ready,
            follow_rollback: !self.no_follow_rollback,
            require_all: self.require_all,
            known,
            reads: if self.keeps_targets(context) { Reads::Each } else { Reads::Summary },
            ..Options::new(TOOL, now, seed)
        })
    }
}

/// Watches deployments to their ends. `known`: they are there, whatever a first call says. The exit code
/// is that of the worst.
pub async fn watch(
    context: &Context,
    ids: &[String],
    arguments: &WatchArgs,
    known: bool,
) -> anyhow::Result<Exit> {
    to_the_end(context, ids, arguments, if known { Known::There } else { Known::Nothing }, false).await
}

/// As [`watch`], of a deployment that the command has just made; `signals` has listened since before that.
pub async fn made(
    context: &Context,
    id: String,
    signals: Listener,
    arguments: &WatchArgs,
) -> anyhow::Result<Exit> {
    to_the_end(context, &[id], arguments, Known::Made(signals), false).await
}

/// As [`watch`], without a word; what is to be written beside them is written all the same.
pub async fn silently(context: &Context, ids: &[String], arguments: &WatchArgs) -> anyhow::Result<Exit> {
    if arguments.shown.keys {
        return Err(no_keyboard());
    }
    to_the_end(context, ids, arguments, Known::Nothing, true).await
}

/// What is known of deployments before they are watched.
enum Known {
    Nothing,
    /// They are there, whatever a first call says.
    There,
    /// As [`Known::There`]: the command itself has just made it, and has listened since before that.
    Made(Listener),
}

async fn to_the_end(
    context: &Context,
    ids: &[String],
    arguments: &WatchArgs,
    known: Known,
    silent: bool,
) -> anyhow::Result<Exit> {
    // Whoever is asked for credentials first may leave at once.
    context.api().await?;
    let listeners = || ids.iter().map(|_| context.signals.listen()).collect();
    let mut left = arguments.clone();
    let (there, made, listeners) = match known {
        Known::Made(listener) => (true, true, vec![listener]),
        Known::There => (true, false, listeners()),
        // They hear of a signal that ends the first look.
        Known::Nothing => {
            let listeners = listeners();
            (left.look(context, ids).await?, false, listeners)
        }
    };
    let reporters = arguments.reporters(context, silent)?;
    let mut options = left.options(context, there).await?;
    options.made = made;
    if reporters.is_empty() && options.until.is_none() {
        // Where nobody is shown any, only the end counts.
        options.reads = Reads::Nothing;
    }
    let mut reporters = Reporters::start(reporters).doing("start the reporters' thread")?;
    let (outcomes, source) =
        follow(context, ids, arguments, options, listeners, &mut reporters, !silent).await?;
    let exit = written(context, reporters.unwritten(), worst(outcomes.iter().map(Outcome::exit)));
    for (id, outcome) in ids.iter().zip(&outcomes) {
        if let (Outcome::Refused(error), true) = (outcome, silent || ids.len() == 1) {
            return Err(Failure::api(format!("cannot watch deployment {id}"), error).into());
        }
    }
    let output = &context.settings.output;
    let events = output.format == Format::Ndjson && !silent;
    // Nobody who has left, or has no time, waits for another answer.
    let left = |outcome: &Outcome| matches!(outcome, Outcome::Detached(_) | Outcome::TimedOut);
    let untold = outcomes.iter().any(left) && !ids.iter().all(|id| source.last(id).is_some());
    if !events
        && !untold
        && (output.format != Format::Table || output.query.is_some())
        && let Err(error) = show(context, ids, &source).await
    {
        return Ok(unprinted(context, error, exit));
    }
    Ok(exit)
}

/// The deployments as data, as `deploy show` and the API's batch call print them: as the watch has seen them last.
async fn show(context: &Context, ids: &[String], source: &Watching) -> anyhow::Result<()> {
    let output = &context.settings.output;
    if let [id] = ids {
        let seen = match source.last(id) {
            Some(seen) => seen,
            None => context.api().await?.deployment(id).await.doing(format_args!("show deployment {id}"))?,
        };
        let now = seen.date.unwrap_or_else(clock::now);
        return view::deployment::show(&seen.value, seen.json, now).print(output, &context.ui);
    }
    let told =
        ids.iter().map(|id| source.last(id)?.json.get_mut("deploymentInfo").map(serde_json::Value::take));
    let json = match told.collect::<Option<Vec<_>>>() {
        Some(infos) => json!({ "deploymentsInfo": infos }),
        None => context.api().await?.deployments(ids).await.doing("show the deployments")?.json,
    };
    print_json(&json, Some("deploymentsInfo"), output, &context.ui)
}

/// What came of waiting in silence.
#[derive(Debug)]
pub enum Waited {
    /// The deployment has ended; as it was seen last.
    Ended(Box<Deployment>),
    /// A time-out, a signal or a service that was lost ended the wait.
    Left(Outcome),
}

/// Waits in silence for deployment `id` to end and, with `rollback`, until the service has named the rollback that it
/// makes of that (true: whoever stopped it asked for one). A time-out or a signal ends the wait and never the deployment,
/// which may be somebody else's: what shall be done then is said of the one that is watched afterwards. What the wait
/// takes is taken off the `--timeout`.
pub async fn wait(
    context: &Context,
    id: &str,
    arguments: &mut WatchArgs,
    rollback: Option<bool>,
) -> anyhow::Result<Waited> {
    let started = Stopwatch::start();
    let alone = WatchArgs {
        no_follow_rollback: true,
        until: None,
        exit_on_ready: false,
        on_timeout: OnLeave::Detach,
        on_interrupt: OnLeave::Detach,
        ..arguments.clone()
    };
    let mut silent = Reporters::start(vec![Box::new(Silent)]).doing("start the reporters' thread")?;
    let mut options = alone.options(context, true).await?;
    // Nobody is shown any, and the end is the deployment's own.
    options.reads = Reads::Nothing;
    options.name_rollback = rollback;
    let listeners = vec![context.signals.listen()];
    let (outcomes, source) =
        follow(context, &[id.to_owned()], &alone, options, listeners, &mut silent, false).await?;
    arguments.spend(started.elapsed());
    let ended = match outcomes.into_iter().next() {
        Some(Outcome::Ended { .. } | Outcome::Succeeded | Outcome::SucceededInPart { .. }) => source.last(id),
        Some(Outcome::Refused(error)) => {
            return Err(error).doing(format_args!("wait for deployment {id}"));
        }
        Some(outcome) => return Ok(Waited::Left(outcome)),
        None => None,
    };
    let Some(deployment) = ended.map(|seen| seen.value) else { return Ok(Waited::Left(Outcome::Closed)) };
    let told = &deployment.rollback;
    let told = told.rollback_deployment_id.is_some() || told.message.is_some();
    if rollback.is_some() && !told && arguments.timeout.is_some_and(|left| left.is_zero()) {
        return Ok(Waited::Left(Outcome::TimedOut));
    }
    Ok(Waited::Ended(Box::new(deployment)))
}

/// How each of them ended, and what was seen of it. What the command does next goes by the credentials that worked last.
/// `shown`: the reporters show it, and keys and pauses are theirs.
async fn follow(
    context: &Context,
    ids: &[String],
    arguments: &WatchArgs,
    options: Options,
    listeners: Vec<Listener>,
    reporters: &mut Reporters,
    shown: bool,
) -> anyhow::Result<(Vec<Outcome>, Arc<Watching>)> {
    let api = context.api().await?;
    let keys = if shown { keyboard(context, &arguments.shown)? } else { None };
    let input = reporters.input().filter(|_| shown && arguments.shown.is_live(context));
    let source = Arc::new(Watching::new(api, &context.settings.connection));
    let watched = Arc::clone(&source);
    let signals = (&context.signals, listeners);
    let watch = crate::watch::watch(watched, ids, &options, signals, reporters);
    let outcomes = keyboard::beside(keys, input, watch).await?;
    source.renewed().into_iter().for_each(|api| context.renew(api));
    Ok((outcomes, source))
}

/// The keyboard, where `--keys` asks for it.
fn keyboard(context: &Context, shown: &Shown) -> anyhow::Result<Option<Keyboard>> {
    if !shown.keys {
        return Ok(None);
    }
    let keyboard = if shown.is_live(context) { Keyboard::take().doing("take the keyboard")? } else { None };
    match keyboard {
        Some(keyboard) => Ok(Some(keyboard)),
        None => Err(no_keyboard()),
    }
}

fn no_keyboard() -> anyhow::Error {
    Failure::new("--keys needs a live view on a terminal, and the keyboard")
        .help("leave it out where the output is a pipe or the command runs in the background")
        .exit(Exit::Usage)
        .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_time_is_for_all_that_is_waited_for() {
        let mut watch = watch_args(&["--timeout", "10m"]);
        watch.spend(Duration::from_secs(240));
        watch.spend(Duration::from_secs(240));
        assert_eq!(watch.timeout, Some(Duration::from_secs(120)));
        watch.spend(Duration::from_secs(240));
        assert_eq!(watch.timeout, Some(Duration::ZERO), "none is left, which is not no limit");
        let mut watch = watch_args(&[]);
        watch.spend(Duration::from_secs(240));
        assert_eq!(watch.timeout, None);
    }

    #[test]
    fn of_two_words_on_the_rollback_the_last_one_counts() {
        assert!(!watch_args(&["--follow-rollback"]).no_follow_rollback);
        assert!(!watch_args(&["--no-follow-rollback", "--follow-rollback"]).no_follow_rollback);
        assert!(watch_args(&["--follow-rollback", "--no-follow-rollback"]).no_follow_rollback);
    }

    fn watch_args(line: &[&str]) -> WatchArgs {
        use clap::FromArgMatches;
        let command = WatchArgs::augment_args(clap::Command::new("watch").no_binary_name(true));
        WatchArgs::from_arg_matches(&command.get_matches_from(line)).unwrap()
    }

    #[test]
    fn durations_are_written_as_people_do() {
        let cases = [("90", 90_000), ("90s", 90_000), ("1m30s", 90_000), ("2h", 7_200_000), ("500ms", 500)];
        for (text, ms) in cases {
            assert_eq!(duration(text), Ok(Duration::from_millis(ms)), "{text}");
        }
        for wrong in ["", "soon", "-5s", "1 fortnight"] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
    }
}
