//! Before a watch has seen anything: its first look, and what is told where none comes of it.

use std::time::Duration;

use super::{TOOL, WatchArgs, written};
use crate::api::{ApiError, ErrorKind};
use crate::clock::Stopwatch;
use crate::commands::names::{DeploymentName, GroupName};
use crate::context::Context;
use crate::error::{self, Doing, Failure};
use crate::exit::Exit;
use crate::format::Format;
use crate::report::{About, Reporters};
use crate::watch::{Outcome, Signal};

/// What is left of a `--timeout` that the first look has used up: no time at all would wait for one look.
const OVER: Duration = Duration::from_millis(1);

impl WatchArgs {
    /// Asks for each deployment once, with all the patience of an ordinary call, so that a wrong name or wrong
    /// credentials end at once. False where they are not known to be there: the service has no time for the question, a
    /// signal came, or the `--timeout` is over, off which the time is taken. The watch hears of either, and ends with it.
    pub(super) async fn look(&mut self, context: &Context, ids: &[String]) -> anyhow::Result<bool> {
        let mut signals = context.signals.listen();
        let started = Stopwatch::start();
        let limit = self.timeout.filter(|limit| !limit.is_zero());
        let over = async {
            match limit {
                Some(limit) => crate::watch::sleep(limit).await,
                None => std::future::pending().await,
            }
        };
        let there = tokio::select! {
            biased;
            _ = signals.next() => Ok(false),
            there = there(context, ids) => there,
            () = over => Ok(false),
        };
        if limit.is_some() {
            self.spend(started.elapsed());
            self.timeout = self.timeout.map(|left| left.max(OVER));
        }
        there
    }
}

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

/// What a watch needs to begin, unless a signal comes first.
pub async fn unless_left<T>(
    context: &Context,
    work: impl Future<Output = anyhow::Result<T>>,
) -> anyhow::Result<Result<T, Outcome>> {
    // Whoever is asked for credentials first may leave at once.
    context.api().await?;
    let mut signals = context.signals.listen();
    tokio::select! {
        biased;
        signal = signals.next() => Ok(Err(Outcome::Detached(signal))),
        done = work => Ok(Ok(done?)),
    }
}

/// Ends a watch that has seen none of `names`: who reads events (unless it is `silent`), a recording or a file of results
/// is told the outcome as well.
pub async fn nothing(
    context: &Context,
    names: &[DeploymentName],
    arguments: &WatchArgs,
    outcome: Outcome,
    silent: bool,
) -> anyhow::Result<Exit> {
    let silent = silent || context.settings.output.format != Format::Ndjson;
    let reporters = arguments.reporters(context, silent)?;
    let mut reporters = Reporters::start(reporters).doing("start the reporters' thread")?;
    for name in names {
        let (id, place) = match name {
            DeploymentName::Id(id) => (id.as_str(), None),
            DeploymentName::LatestOf(group) => ("", Some((&*group.application, &*group.group))),
        };
        let about = About { deployment: id, region: None };
        crate::watch::nothing(TOOL, about, place, &outcome, context.service_time(), &reporters);
    }
    let exit = outcome.exit();
    crate::watch::finish(&[outcome], &context.signals, &mut reporters).await;
    Ok(written(context, reporters.unwritten(), exit))
}

/// How a watch ends where what was to be watched was not made: with `exit`, because of `why`.
pub(super) fn unbegun(exit: Exit, why: String) -> Outcome {
    match exit {
        Exit::Interrupted => Outcome::Detached(Signal::Interrupt),
        Exit::Terminated => Outcome::Detached(Signal::Terminate),
        Exit::TimedOut => Outcome::TimedOut,
        Exit::Unknown => Outcome::Unknown(why),
        _ => Outcome::Refused(ApiError {
            operation: "CreateDeployment".to_owned(),
            kind: ErrorKind::Other,
            code: None,
            message: why,
            request_id: None,
        }),
    }
}

/// Ends a command that was to watch what it makes, where `error` came before that. An error that a watch may end with (a
/// signal, the `--timeout`, a service that was lost) is told as its result as well.
pub async fn not_begun(
    context: &Context,
    group: GroupName,
    arguments: &WatchArgs,
    error: anyhow::Error,
) -> anyhow::Result<Exit> {
    let Some(failure) = error.downcast_ref::<Failure>() else { return Err(error) };
    let outcome = unbegun(failure.ends_with(), failure.to_string());
    if matches!(outcome, Outcome::Refused(_)) {
        return Err(error);
    }
    error::show(&error, &context.ui, context.settings.output.format.is_machine());
    nothing(context, &[DeploymentName::LatestOf(group)], arguments, outcome, false).await
}
