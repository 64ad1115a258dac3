//! What `deploy watch` and `deploy create --watch` have in common: the flags, the reporters, the signals.

mod idle;
mod kept;

use std::fs::{File, OpenOptions};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::builder::FalseyValueParser;
use clap::{Args, ValueEnum};

use futures_util::FutureExt;

use super::keyboard;
use crate::api::source::Watching;
use crate::api::{Api, ErrorKind};
use crate::clock;
use crate::commands::names::GroupName;
use crate::context::Context;
use crate::error::{Doing, Failure};
use crate::exit::Exit;
use crate::format::{Format, print_json};
use crate::report::ci::{GitHub, JUnit};
use crate::report::fold::{Folded, Folds};
use crate::report::linear::Linear;
use crate::report::live::Live;
use crate::report::log::Log;
use crate::report::ndjson::Ndjson;
use crate::report::record::Record;
use crate::report::several::Several;
use crate::report::silent::Silent;
use crate::report::sink::Sink;
use crate::report::summary::Summary;
use crate::report::taskbar::Taskbar;
use crate::report::{About, Reporter, Reporters};
use crate::signals::{self, Listener, Signals};
use crate::ui::Keyboard;
use crate::view;
use crate::watch::budget::Budget;
use crate::watch::event::{Event, NoticeCode};
use crate::watch::outcome::worst;
use crate::watch::point::Point;
use crate::watch::{Leave, Options, Outcome, Watched};
use kept::sink;
pub use kept::written;

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

    /// What becomes of the deployment at ^C or SIGTERM; a second one always detaches
    #[arg(long, value_name = "WHAT", default_value = "detach", hide_short_help = true)]
    on_interrupt: OnLeave,

    /// A success with failed targets counts as failed (exit code 3)
    #[arg(long)]
    pub require_all: bool,

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
    /// Sentences for a screen reader instead of a live view; a terminal with TERM=dumb gets them too [env: ACCESSIBLE]
    #[arg(long, env = "ACCESSIBLE", hide_env = true, value_parser = FalseyValueParser::new())]
    linear: bool,

    /// Steer the live view with keys: rows, logs, stop, continue; ? tells them
    #[arg(long)]
    keys: bool,

    /// Show the progress in the terminal's tab or task bar too (OSC 9;4)
    #[arg(long, hide_short_help = true)]
    progress: bool,

    /// Ring the terminal's bell at the end
    #[arg(long, hide_short_help = true)]
    bell: bool,

    /// Annotations and a step summary for this CI system
    #[arg(long, value_name = "SYSTEM", default_value = "off", env = "CDCTL_CI", hide_env_values = true)]
    ci: Ci,

    /// Write a JUnit file at the end, a test case a target
    #[arg(long, value_name = "FILE", hide_short_help = true)]
    junit: Option<PathBuf>,

    #[command(flatten)]
    job: Job,
    /// Where GitHub Actions wants the step's summary
    #[arg(long, env = "GITHUB_STEP_SUMMARY", hide = true)]
    github_step_summary: Option<PathBuf>,
}

/// What the environment says of the job that the command is a step of.
#[derive(Clone, Debug, Args)]
struct Job {
    /// The job runs in a CI system
    #[arg(long, env = "CI", hide = true, value_parser = FalseyValueParser::new())]
    in_ci: bool,
    /// The job runs on GitHub Actions
    #[arg(long, env = "GITHUB_ACTIONS", hide = true, value_parser = FalseyValueParser::new())]
    in_github_actions: bool,
    /// The job runs on GitLab
    #[arg(long, env = "GITLAB_CI", hide = true, value_parser = FalseyValueParser::new())]
    in_gitlab_ci: bool,
    /// The job runs on Buildkite
    #[arg(long, env = "BUILDKITE", hide = true, value_parser = FalseyValueParser::new())]
    in_buildkite: bool,
}

/// `--ci`
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Ci {
    /// The one whose variables are set; nothing but the log on others
    Auto,
    /// GitHub Actions: a group for the log, annotations, the step's summary
    Github,
    /// GitLab: a section for the log
    Gitlab,
    /// Buildkite: a group for the log
    Buildkite,
    /// Nothing but the log
    Off,
}

impl Shown {
    /// A live view is shown.
    fn is_live(&self, context: &Context) -> bool {
        let ui = &context.ui;
        let shown = ui.terminal.stderr && !ui.quiet && context.settings.output.format != Format::Ndjson;
        shown && !self.linear && !self.job.in_ci && self.system().is_none()
    }

    /// The reporters of a watch.
    pub fn reporters(&self, context: &Context) -> anyhow::Result<Vec<Box<dyn Reporter>>> {
        let mut reporters = self.lines(context, self.system());
        reporters.extend(self.beside(context)?);
        Ok(reporters)
    }

    /// What is shown and kept beside the lines of a watch, whatever they are.
    fn beside(&self, context: &Context) -> anyhow::Result<Vec<Box<dyn Reporter>>> {
        let mut reporters: Vec<Box<dyn Reporter>> = Vec::new();
        if context.ui.terminal.stderr && (self.progress || self.bell) {
            reporters.push(Box::new(Taskbar::new(context.ui.err(), self.progress, self.bell)));
        }
        if self.system() == Some(Folds::GitHub) {
            let summary = match &self.github_step_summary {
                Some(path) => {
                    let file = OpenOptions::new().create(true).append(true).open(path);
                    Some(sink("the step summary", path, file)?)
                }
                None => None,
            };
            reporters.push(Box::new(GitHub::new(context.ui.err(), summary)));
        }
        if let Some(path) = &self.junit {
            reporters.push(Box::new(JUnit::new(sink("the JUnit file", path, File::create(path))?)));
        }
        Ok(reporters)
    }
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
    /// The time between two looks.
    pub fn interval(&self, api: &Api) -> Duration {
        self.interval.unwrap_or(Duration::from_secs(if api.is_local() { 1 } else { 5 }))
    }

    /// What shows and what records a watch, which a `silent` one does without.
    fn reporters(&self, context: &Context, silent: bool) -> anyhow::Result<Vec<Box<dyn Reporter>>> {
        let mut reporters =
            if silent { self.shown.beside(context)? } else { self.shown.reporters(context)? };
        if let Some(path) = &self.record {
            reporters.push(Box::new(Record::new(sink("the recording", path, File::create(path))?)));
        }
        Ok(reporters)
    }

    fn options(&self, api: &Api, known: bool) -> Options {
        let calls = if api.is_local() { 600 } else { 30 };
        let now = clock::now();
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
            ..Options::new(TOOL, now, seed)
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
    to_the_end(context, ids, arguments, known, false).await
}

/// Ends a watch that found no deployment of `group` to watch: who reads events, a recording or a file of results is told
/// the outcome as well.
pub async fn nothing(
    context: &Context,
    group: &GroupName,
    arguments: &WatchArgs,
    outcome: Outcome,
) -> anyhow::Result<Exit> {
    let reporters = arguments.reporters(context, context.settings.output.format != Format::Ndjson)?;
    let options = arguments.options(context.api().await?, false);
    let mut reporters = Reporters::start(reporters).doing("start the reporters' thread")?;
    let (place, exit) = ((group.application.as_str(), group.group.as_str()), outcome.exit());
    crate::watch::nothing(place, outcome, &options, &context.signals, &mut reporters).await;
    Ok(written(context, reporters.unwritten(), exit))
}

/// As [`watch`], without a word; what is to be written beside them is written all the same.
pub async fn silently(context: &Context, ids: &[String], arguments: &WatchArgs) -> anyhow::Result<Exit> {
    to_the_end(context, ids, arguments, false, true).await
}

async fn to_the_end(
    context: &Context,
    ids: &[String],
    arguments: &WatchArgs,
    known: bool,
    silent: bool,
) -> anyhow::Result<Exit> {
    let looked = if known { 0 } else { ids.len() };
    let known = known || there(context, ids).await?;
    let reporters = arguments.reporters(context, silent)?;
    let mut options = arguments.options(context.api().await?, known);
    options.budget.spend(looked, tokio::time::Instant::now());
    // Where nobody is shown any, only the end counts.
    options.targets = !reporters.is_empty() || options.until.is_some();
    let mut reporters = Reporters::start(reporters).doing("start the reporters' thread")?;
    let outcomes = follow(context, ids, arguments, options, &mut reporters).await?;
    let exit = written(context, reporters.unwritten(), worst(outcomes.iter().map(Outcome::exit)));
    for (id, outcome) in ids.iter().zip(&outcomes) {
        if let (Outcome::Refused(error), true) = (outcome, silent || ids.len() == 1) {
            return Err(Failure::api(format!("cannot watch deployment {id}"), error).into());
        }
    }
    let output = &context.settings.output;
    let events = output.format == Format::Ndjson && !silent;
    if !events && (output.format != Format::Table || output.query.is_some()) {
        // The outcome is known; a look that fails is told and changes nothing.
        if let Err(error) = show(context, ids).await {
            crate::error::show(&error, &context.ui, true);
        }
    }
    Ok(exit)
}

/// Watches one after the other that share their reporters and listen to the same signals.
pub struct Series {
    arguments: WatchArgs,
    reporters: Reporters,
    signals: Signals,
    /// Hears of the signals that come while nothing is watched.
    listener: Listener,
    outcomes: Vec<Outcome>,
}

impl Series {
    pub fn start(context: &Context, arguments: &WatchArgs) -> anyhow::Result<Self> {
        if arguments.shown.keys {
            return Err(Failure::new("--keys steers one watch, not one after the other")
                .help("leave --keys or --regions out")
                .exit(Exit::Usage)
                .into());
        }
        let reporters = Reporters::start(arguments.reporters(context, false)?);
        Ok(Series {
            arguments: arguments.clone(),
            reporters: reporters.doing("start the reporters' thread")?,
            signals: context.signals.clone(),
            listener: context.signals.listen(),
            outcomes: Vec::new(),
        })
    }

    /// The code of a signal that came since; nothing more is started after it.
    pub fn left(&mut self) -> Option<Exit> {
        self.listener.next().now_or_never().map(signals::exit)
    }

    /// Watches deployments that were just made.
    pub async fn follow(
        &mut self,
        context: &Context,
        watched: &[Watched<Watching>],
    ) -> anyhow::Result<Vec<Outcome>> {
        let options = self.arguments.options(context.api().await?, true);
        let outcomes = crate::watch::follow(watched, &options, &self.signals, &self.reporters).await;
        self.outcomes.extend(outcomes.iter().cloned());
        Ok(outcomes)
    }

    /// Tells the stream of a region in which nothing is watched, and so nothing of it is told.
    pub fn left_out(&self, region: &str) {
        let message = format!("nothing was started in {region}");
        let event = Event::Notice { code: NoticeCode::NotStarted, message };
        self.reporters.emit(TOOL, About { deployment: "", region: Some(region) }, clock::now(), event);
    }

    /// Waits until everything is written; gives the exit code.
    pub async fn finish(mut self, context: &Context, exit: Exit) -> Exit {
        crate::watch::finish(&self.outcomes, &self.signals, &mut self.reporters).await;
        written(context, self.reporters.unwritten(), exit)
    }
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

/// Waits in silence for deployment `id` to end. A time-out or a signal ends the wait and never the deployment, which
/// may be somebody else's: what shall be done then is said of the one that is watched afterwards.
pub async fn wait(context: &Context, id: &str, arguments: &WatchArgs) -> anyhow::Result<Outcome> {
    let alone = WatchArgs {
        no_follow_rollback: true,
        until: None,
        exit_on_ready: false,
        on_timeout: OnLeave::Detach,
        on_interrupt: OnLeave::Detach,
        ..arguments.clone()
    };
    let mut silent = Reporters::start(vec![Box::new(Silent)]).doing("start the reporters' thread")?;
    let mut options = alone.options(context.api().await?, true);
    // Nobody is shown any, and the end is the deployment's own.
    options.targets = false;
    let outcomes = follow(context, &[id.to_owned()], &alone, options, &mut silent).await?;
    Ok(outcomes.into_iter().next().unwrap_or(Outcome::Closed))
}

async fn follow(
    context: &Context,
    ids: &[String],
    arguments: &WatchArgs,
    options: Options,
    reporters: &mut Reporters,
) -> anyhow::Result<Vec<Outcome>> {
    let api = context.api().await?;
    let keys = keyboard(context, &arguments.shown)?;
    let input = reporters.input().filter(|_| arguments.shown.is_live(context));
    let attended = async {
        match input {
            Some(input) => keyboard::attend(keys, input).await.doing("read keys"),
            None => std::future::pending().await,
        }
    };
    let source = Arc::new(Watching::new(api, &context.settings.connection));
    tokio::select! {
        outcomes = crate::watch::watch(source, ids, &options, &context.signals, reporters) => Ok(outcomes),
        never = attended => match never? {},
    }
}

/// The keyboard, where `--keys` asks for it.
fn keyboard(context: &Context, shown: &Shown) -> anyhow::Result<Option<Keyboard>> {
    if !shown.keys {
        return Ok(None);
    }
    let keyboard = if shown.is_live(context) { Keyboard::take().doing("take the keyboard")? } else { None };
    match keyboard {
        Some(keyboard) => Ok(Some(keyboard)),
        None => Err(Failure::new("--keys needs a live view on a terminal, and the keyboard")
            .help("leave it out where the output is a pipe or the command runs in the background")
            .exit(Exit::Usage)
            .into()),
    }
}

impl Shown {
    /// The system whose markers are wanted.
    fn system(&self) -> Option<Folds> {
        match self.ci {
            Ci::Github => Some(Folds::GitHub),
            Ci::Gitlab => Some(Folds::GitLab),
            Ci::Buildkite => Some(Folds::Buildkite),
            Ci::Auto if self.job.in_github_actions => Some(Folds::GitHub),
            Ci::Auto if self.job.in_gitlab_ci => Some(Folds::GitLab),
            Ci::Auto if self.job.in_buildkite => Some(Folds::Buildkite),
            Ci::Auto | Ci::Off => None,
        }
    }

    /// A live view on a terminal, a log elsewhere and in CI, where what says that it is a terminal seldom is one; the
    /// summaries after either. With `-o ndjson`, events on stdout alone.
    fn lines(&self, context: &Context, system: Option<Folds>) -> Vec<Box<dyn Reporter>> {
        let ui = &context.ui;
        if context.settings.output.format == Format::Ndjson {
            let stream = Ndjson::new(Sink::new("the event stream", ui.out()));
            return vec![Box::new(stream.query(context.settings.output.query.clone()))];
        }
        if ui.quiet {
            return vec![Box::new(Silent)];
        }
        let (unicode, colour) = (ui.terminal.unicode && !self.linear, ui.terminal.colour.1 && !self.linear);
        let summary = Summary::new(ui.err(), unicode, colour);
        if let Some(canvas) = ui.canvas().filter(|_| self.is_live(context)) {
            let live = Live::new(canvas, unicode, colour);
            let live = if self.keys { live.with_keys() } else { live };
            return vec![Box::new(live), Box::new(summary.at_the_end())];
        }
        // In CI what says that it is a terminal seldom is one.
        let linear = self.linear || (ui.terminal.dumb && !self.job.in_ci && system.is_none());
        let (err, verbose) = (ui.err(), context.settings.verbose > 0);
        let lines = Several::new(move || -> Box<dyn Reporter> {
            if linear {
                Box::new(Linear::new(err.clone()))
            } else {
                Box::new(Log::new(err.clone()).verbose(verbose))
            }
        });
        match system {
            Some(system) => {
                let folded = Folded::new(system, ui.err(), Box::new(lines));
                vec![Box::new(folded), Box::new(summary.at_the_end())]
            }
            None => vec![Box::new(lines), Box::new(summary)],
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
