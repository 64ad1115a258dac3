//! What `deploy watch` and `deploy create --watch` have in common: the flags, the reporters, the signals.

use std::fs::{File, OpenOptions};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::builder::FalseyValueParser;
use clap::{Args, ValueEnum};
use tokio::task::JoinSet;

use crate::api::{Api, ErrorKind};
use crate::clock;
use crate::context::Context;
use crate::error::{Doing, Failure};
use crate::exit::Exit;
use crate::format::{Format, print_json};
use crate::report::ci::{GitHub, JUnit};
use crate::report::linear::Linear;
use crate::report::live::Live;
use crate::report::log::Log;
use crate::report::ndjson::Ndjson;
use crate::report::record::Record;
use crate::report::several::Several;
use crate::report::silent::Silent;
use crate::report::summary::Summary;
use crate::report::{Reporter, Reporters};
use crate::ui::Stream;
use crate::view;
use crate::watch::budget::Budget;
use crate::watch::outcome::worst;
use crate::watch::point::Point;
use crate::watch::{Leave, Options, Outcome, Signals};

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

    /// What becomes of the deployment at ^C or SIGTERM; a second one always detaches
    #[arg(long, value_name = "WHAT", default_value = "detach", hide_short_help = true)]
    on_interrupt: OnLeave,

    /// A success with failed targets counts as failed (exit code 3)
    #[arg(long)]
    require_all: bool,

    /// Do not watch the automatic rollback of a failed deployment
    #[arg(long)]
    no_follow_rollback: bool,

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

/// How it is shown.
#[derive(Clone, Debug, Args)]
pub struct Shown {
    /// Sentences for a screen reader instead of a live view [env: ACCESSIBLE]
    #[arg(long, env = "ACCESSIBLE", hide_env = true, value_parser = FalseyValueParser::new())]
    linear: bool,

    /// Annotations and a step summary for this CI system
    #[arg(long, value_name = "SYSTEM", default_value = "off", env = "CDCTL_CI", hide_env_values = true)]
    ci: Ci,

    /// Write a JUnit file at the end, a test case a target
    #[arg(long, value_name = "FILE", hide_short_help = true)]
    junit: Option<PathBuf>,

    /// Whether the job runs on GitHub Actions
    #[arg(long, env = "GITHUB_ACTIONS", hide = true, value_parser = FalseyValueParser::new())]
    github_actions: bool,
    /// Where GitHub Actions wants the step's summary
    #[arg(long, env = "GITHUB_STEP_SUMMARY", hide = true)]
    github_step_summary: Option<PathBuf>,
}

/// `--ci`
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Ci {
    /// GitHub Actions where GITHUB_ACTIONS is set
    Auto,
    /// GitHub Actions
    Github,
    /// Nothing but the log
    Off,
}

impl Shown {
    /// The reporters of a watch.
    pub fn reporters(&self, context: &Context) -> anyhow::Result<Vec<Box<dyn Reporter>>> {
        let mut reporters = reporters(context, self.linear);
        let github = self.ci == Ci::Github || (self.ci == Ci::Auto && self.github_actions);
        if github && context.settings.output.format != Format::Ndjson {
            let summary = match &self.github_step_summary {
                Some(path) => {
                    let file = OpenOptions::new().create(true).append(true).open(path);
                    Some(Stream::new(file.doing(format_args!("write {}", path.display()))?))
                }
                None => None,
            };
            reporters.push(Box::new(GitHub::new(context.ui.err(), summary)));
        }
        if let Some(path) = &self.junit {
            let file = File::create(path).doing(format_args!("write {}", path.display()))?;
            reporters.push(Box::new(JUnit::new(Stream::new(file))));
        }
        Ok(reporters)
    }
}

/// `--on-timeout`, `--on-interrupt`
#[derive(Clone, Copy, Debug, ValueEnum)]
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
    /// The time between two looks.
    pub fn interval(&self, api: &Api) -> Duration {
        self.interval.unwrap_or(Duration::from_secs(if api.is_local() { 1 } else { 5 }))
    }

    fn options(&self, api: &Api, known: bool) -> Options {
        let calls = if api.is_local() { 600 } else { 30 };
        let now = clock::now();
        let tool = concat!("cdctl ", env!("CARGO_PKG_VERSION"));
        #[expect(clippy::cast_sign_loss, reason = "any bits make a seed")]
        let seed = now.as_nanosecond() as u64;
        Options {
            interval: self.interval(api),
            budget: Budget::per_minute(self.max_calls_per_minute.unwrap_or(calls)),
            give_up_after: self.give_up_after,
            timeout: self.timeout,
            on_timeout: self.on_timeout.into(),
            on_interrupt: self.on_interrupt.into(),
            until: self.until.clone().filter(|point| *point != Point::Succeeded),
            exit_on_ready: self.exit_on_ready,
            follow_rollback: !self.no_follow_rollback,
            require_all: self.require_all,
            known,
            ..Options::new(tool, now, seed)
        }
    }
}

/// Watches deployments to their ends. `known`: they were just created, so that they are there whatever a first call
/// says. The exit code is that of the worst.
pub async fn watch(
    context: &Context,
    ids: &[String],
    arguments: &WatchArgs,
    known: bool,
) -> anyhow::Result<Exit> {
    let format = context.settings.output.format;
    let known = known || there(context, ids).await?;
    let mut shown = arguments.shown.reporters(context)?;
    if let Some(path) = &arguments.record {
        let file = File::create(path).doing(format_args!("write {}", path.display()))?;
        shown.push(Box::new(Record::new(Stream::new(file))));
    }
    let mut reporters = Reporters::start(shown).doing("start the reporters' thread")?;
    let outcomes = follow(context, ids, arguments, known, &mut reporters).await?;
    if let ([Outcome::Refused(error)], [id]) = (outcomes.as_slice(), ids) {
        return Err(Failure::api(format!("cannot watch deployment {id}"), error).into());
    }
    if matches!(format, Format::Json | Format::Yaml) {
        // The outcome is known; a look that fails is told and changes nothing.
        if let Err(error) = show(context, ids).await {
            crate::error::show(&error, &context.ui, true);
        }
    }
    Ok(worst(outcomes.iter().map(Outcome::exit)))
}

/// Asks for each deployment once, with all the patience of an ordinary call, so that a wrong name or wrong
/// credentials end at once. False where the service has no time for the question.
async fn there(context: &Context, ids: &[String]) -> anyhow::Result<bool> {
    let api = context.api().await?;
    for id in ids {
        match api.deployment(id).await {
            Ok(_) => {}
            Err(error) if error.kind == ErrorKind::Throttled => return Ok(false),
            Err(error) => return Err(error).doing(format_args!("watch deployment {id}")),
        }
    }
    Ok(true)
}

/// The deployments as data, as `deploy show` and the API's batch call print them.
async fn show(context: &Context, ids: &[String]) -> anyhow::Result<()> {
    let api = context.api().await?;
    let output = &context.settings.output;
    if let [id] = ids {
        let seen = api.deployment(id).await.doing(format_args!("show deployment {id}"))?;
        let now = seen.date.unwrap_or_else(clock::now);
        return view::deployment::show(&seen.value, seen.json, now).print(output, &context.ui);
    }
    let seen = api.deployments(ids).await.doing("show the deployments")?;
    print_json(&seen.json, Some("deploymentsInfo"), output, &context.ui)
}

/// Waits in silence for deployment `id` to end.
pub async fn wait(context: &Context, id: &str, arguments: &WatchArgs) -> anyhow::Result<Outcome> {
    let alone =
        WatchArgs { no_follow_rollback: true, until: None, exit_on_ready: false, ..arguments.clone() };
    let outcomes = silently(context, &[id.to_owned()], &alone, true).await?;
    Ok(outcomes.into_iter().next().unwrap_or(Outcome::Closed))
}

/// Watches without a word.
pub async fn silently(
    context: &Context,
    ids: &[String],
    arguments: &WatchArgs,
    known: bool,
) -> anyhow::Result<Vec<Outcome>> {
    let known = known || there(context, ids).await?;
    let mut silent = Reporters::start(vec![Box::new(Silent)]).doing("start the reporters' thread")?;
    follow(context, ids, arguments, known, &mut silent).await
}

async fn follow(
    context: &Context,
    ids: &[String],
    arguments: &WatchArgs,
    known: bool,
    reporters: &mut Reporters,
) -> anyhow::Result<Vec<Outcome>> {
    let api = context.api().await?;
    let options = arguments.options(api, known);
    let (signals, listening) = listen(&context.signals);
    let outcomes = crate::watch::watch(Arc::new(api.once()), ids, &options, &signals, reporters).await;
    drop(listening);
    Ok(outcomes)
}

/// The command's signals for as long as the second value lives.
fn listen(signals: &crate::signals::Signals) -> (Signals, JoinSet<()>) {
    let (to, heard) = Signals::channel();
    let signals = signals.clone();
    let mut next = signals.next();
    let mut listening = JoinSet::new();
    listening.spawn(async move {
        loop {
            let signal = next.await;
            next = signals.next();
            to.send(signal);
        }
    });
    (heard, listening)
}

/// A live view on a terminal, a log elsewhere; the summaries after either. With `-o ndjson`, events on stdout alone.
fn reporters(context: &Context, linear: bool) -> Vec<Box<dyn Reporter>> {
    let ui = &context.ui;
    if context.settings.output.format == Format::Ndjson {
        return vec![Box::new(Ndjson::new(ui.out()))];
    }
    if ui.quiet {
        return vec![Box::new(Silent)];
    }
    let (unicode, colour) = (ui.terminal.unicode, ui.terminal.colour.1);
    if linear {
        let err = ui.err();
        let sentences = Several::new(move || Box::new(Linear::new(err.clone())));
        return vec![Box::new(sentences), Box::new(Summary::new(ui.err(), false, false))];
    }
    match ui.screen() {
        Some(screen) => {
            let summary = Summary::new(ui.err(), unicode, colour).at_the_end();
            vec![Box::new(Live::new(screen, unicode, colour)), Box::new(summary)]
        }
        None => {
            let err = ui.err();
            let summary = Summary::new(ui.err(), unicode, colour);
            vec![Box::new(Several::new(move || Box::new(Log::new(err.clone())))), Box::new(summary)]
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
