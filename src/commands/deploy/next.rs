//! A group's next deployment: waits for one that was not there before.

use std::collections::HashSet;
use std::time::Duration;

use tokio::time::{Instant, Interval, MissedTickBehavior};

use super::watching::WatchArgs;
use crate::api::source::Watching;
use crate::api::{Api, ApiError, ErrorKind};
use crate::commands::missing;
use crate::commands::names::GroupName;
use crate::context::Context;
use crate::model::{Creator, Deployment};
use crate::watch::Outcome;
use crate::watch::source::Source;

/// How much of a group's history tells a new deployment from an old one.
const HISTORY: usize = 100;

/// What came of waiting.
#[derive(Debug)]
pub enum Next {
    /// The deployment of this id has started.
    Started(String),
    /// None has, and the wait was ended.
    None(Outcome),
}

/// Waits for the deployment that starts next, until `--timeout` is over or a signal comes; those that Auto Scaling makes
/// are passed over unless `any_creator`.
pub async fn find(
    context: &Context,
    group: &GroupName,
    any_creator: bool,
    watch: &WatchArgs,
) -> anyhow::Result<Next> {
    // Whoever is asked for credentials first may leave at once.
    context.api().await?;
    let mut signals = context.signals.listen();
    let over = async {
        match watch.timeout {
            Some(time) => crate::watch::sleep(time).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        biased;
        signal = signals.next() => Ok(Next::None(Outcome::Detached(signal))),
        () = over => {
            context.ui.note(&format!("no deployment of {group} has started"));
            Ok(Next::None(Outcome::TimedOut))
        }
        started = started(context, group, any_creator, watch) => started,
    }
}

/// The deployment that starts next; none where credentials are refused for as long as `--give-up-after` says.
async fn started(
    context: &Context,
    group: &GroupName,
    any_creator: bool,
    watch: &WatchArgs,
) -> anyhow::Result<Next> {
    let api = context.api().await?;
    let doing = format!("find deployments of {group}");
    let mut seen: HashSet<String> = match api.deployment_ids(&group.application, &group.group, HISTORY).await
    {
        Ok(ids) => ids.into_iter().collect(),
        Err(error) => return Err(missing::explain(api, error, group, doing).await),
    };
    context.ui.note(&format!("waiting for the next deployment of {group}"));
    let mut ticks = ticks(watch.pace(api));
    let mut refused_since = None;
    loop {
        ticks.tick().await;
        let api = context.api().await?;
        let mut deployments = match fresh(api, group, &seen).await {
            Ok(deployments) => deployments,
            Err(error) if error.is_transient() => continue,
            Err(error) if error.kind == ErrorKind::Credentials => {
                let since = *refused_since.get_or_insert_with(Instant::now);
                if since.elapsed() >= watch.give_up_after() {
                    context.ui.warn(&format!("cannot {doing}: {error}"));
                    return Ok(Next::None(Outcome::Unknown(error.to_string())));
                }
                ask_anew(context, api).await;
                continue;
            }
            Err(error) => return Err(missing::explain(api, error, group, doing).await),
        };
        refused_since = None;
        let auto_scaling = |creator: &Creator| creator.is_auto_scaling();
        // The oldest of the new ones is the next; in which order they come is nowhere told.
        deployments.sort_by_key(|deployment| deployment.create_time);
        let next = deployments
            .iter()
            .find(|deployment| any_creator || !deployment.creator.as_ref().is_some_and(auto_scaling));
        if let Some(next) = next {
            return Ok(Next::Started(next.id.clone()));
        }
        seen.extend(deployments.into_iter().map(|deployment| deployment.id));
    }
}

/// Credentials were refused: asks for them anew, all along the provider chain, for the calls from now on.
pub async fn ask_anew(context: &Context, api: &Api) {
    let source = Watching::new(api, &context.settings.connection);
    source.renew().await;
    source.renewed().into_iter().for_each(|api| context.renew(api));
}

/// One at once, and then one each `pace`; an answer that took long is not made up for.
fn ticks(pace: Duration) -> Interval {
    let mut ticks = tokio::time::interval(pace);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}

/// The group's deployments that are not among those `seen`.
async fn fresh(api: &Api, group: &GroupName, seen: &HashSet<String>) -> Result<Vec<Deployment>, ApiError> {
    let ids = api.deployment_ids(&group.application, &group.group, HISTORY).await?;
    let fresh: Vec<String> = ids.into_iter().filter(|id| !seen.contains(id)).collect();
    if fresh.is_empty() { Ok(Vec::new()) } else { Ok(api.deployments(&fresh).await?.value) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_took_long_is_followed_by_no_burst() {
        let pace = Duration::from_secs(6);
        let mut ticks = ticks(pace);
        ticks.tick().await;
        tokio::time::advance(Duration::from_secs(31)).await;
        let mut last = Instant::now();
        ticks.tick().await;
        assert_eq!(last.elapsed(), Duration::ZERO);
        for _ in 0..3 {
            ticks.tick().await;
            assert!(last.elapsed() >= pace, "{:?}", last.elapsed());
            last = Instant::now();
        }
    }
}
