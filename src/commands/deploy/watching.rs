//! What `deploy watch` and `deploy create --watch` have in common: the flags, the reporters, the signals.

use std::sync::Arc;
use std::time::Duration;

use clap::Args;

use crate::clock;
use crate::context::Context;
use crate::error::{Doing, Failure};
use crate::exit::Exit;
use crate::format::Format;
use crate::report::live::Live;
use crate::report::log::Log;
use crate::report::ndjson::Ndjson;
use crate::report::silent::Silent;
use crate::report::summary::Summary;
use crate::report::{Reporter, Reporters};
use crate::view;
use crate::watch::budget::Budget;
use crate::watch::{Options, Outcome};

/// How to watch.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Watching")]
pub struct WatchArgs {
    /// Time between two looks [default: 5s; 1s where the endpoint is on this machine]
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    interval: Option<Duration>,

    /// Stop watching after this time; the deployment goes on (exit code 7)
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    timeout: Option<Duration>,

    /// A success with failed targets counts as failed (exit code 3)
    #[arg(long)]
    require_all: bool,

    /// Do not watch the automatic rollback of a failed deployment
    #[arg(long)]
    no_follow_rollback: bool,

    /// Calls to the API at most [default: 30; 600 where the endpoint is on this machine]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..), hide_short_help = true)]
    max_calls_per_minute: Option<u32>,

    /// How long refused credentials are retried before the outcome is unknown (exit code 9)
    #[arg(long, value_name = "DURATION", value_parser = duration, default_value = "10m", hide_short_help = true)]
    give_up_after: Duration,
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

/// Watches deployment `id` to its end. `known`: it was just created, so that it is there whatever a first call says.
pub async fn watch(context: &Context, id: &str, arguments: &WatchArgs, known: bool) -> anyhow::Result<Exit> {
    let format = context.settings.output.format;
    let mut reporters = Reporters::start(reporters(context)).doing("start the reporters' thread")?;
    let outcome = follow(context, id, arguments, known, &mut reporters).await?;
    if let Outcome::Refused(error) = &outcome {
        return Err(Failure::api(format!("cannot watch deployment {id}"), error).into());
    }
    if matches!(format, Format::Json | Format::Yaml) {
        // The outcome is known; a look at it that fails is told and changes nothing.
        match context.api().await?.deployment(id).await {
            Ok(seen) => {
                let now = seen.date.unwrap_or_else(clock::now);
                view::deployment::show(&seen.value, seen.json, now)
                    .print(&context.settings.output, &context.ui)?;
            }
            Err(error) => {
                let failure = Failure::api(format!("cannot show deployment {id}"), &error);
                crate::error::show(&failure.into(), &context.ui, true);
            }
        }
    }
    Ok(outcome.exit())
}

/// Waits in silence for deployment `id` to end.
pub async fn wait(context: &Context, id: &str, arguments: &WatchArgs) -> anyhow::Result<Outcome> {
    let mut silent = Reporters::start(vec![Box::new(Silent)]).doing("start the reporters' thread")?;
    let alone = WatchArgs { no_follow_rollback: true, ..arguments.clone() };
    follow(context, id, &alone, true, &mut silent).await
}

async fn follow(
    context: &Context,
    id: &str,
    arguments: &WatchArgs,
    known: bool,
    reporters: &mut Reporters,
) -> anyhow::Result<Outcome> {
    let api = Arc::clone(context.api().await?);
    let (interval, calls) = if api.is_local() { (1, 600) } else { (5, 30) };
    let now = clock::now();
    let tool = concat!("cdctl ", env!("CARGO_PKG_VERSION"));
    #[expect(clippy::cast_sign_loss, reason = "any bits make a seed")]
    let seed = now.as_nanosecond() as u64;
    let mut options = Options::new(tool, now, seed);
    options.interval = arguments.interval.unwrap_or(Duration::from_secs(interval));
    options.budget = Budget::per_minute(arguments.max_calls_per_minute.unwrap_or(calls));
    options.give_up_after = arguments.give_up_after;
    options.timeout = arguments.timeout;
    options.follow_rollback = !arguments.no_follow_rollback;
    options.require_all = arguments.require_all;
    options.known = known;
    Ok(crate::watch::watch(api, id, &options, context.signals.next(), reporters).await)
}

/// A live view on a terminal, a log elsewhere; the summary after either. With `-o ndjson`, events on stdout alone.
fn reporters(context: &Context) -> Vec<Box<dyn Reporter>> {
    let ui = &context.ui;
    if context.settings.output.format == Format::Ndjson {
        return vec![Box::new(Ndjson::new(ui.out()))];
    }
    if ui.quiet {
        return vec![Box::new(Silent)];
    }
    let (unicode, colour) = (ui.terminal.unicode, ui.terminal.colour.1);
    let summary = Box::new(Summary::new(ui.err(), unicode, colour));
    match ui.screen() {
        Some(screen) => vec![Box::new(Live::new(screen, unicode, colour)), summary],
        None => vec![Box::new(Log::new(ui.err())), summary],
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
