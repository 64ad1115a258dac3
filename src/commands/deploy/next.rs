//! A group's next deployment: waits for one that was not there before.

use std::collections::HashSet;

use super::watching::WatchArgs;
use crate::commands::missing;
use crate::commands::names::GroupName;
use crate::context::Context;
use crate::error::Failure;
use crate::model::Creator;
use crate::watch::Outcome;

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
        started = started(context, group, any_creator, watch) => started.map(Next::Started),
    }
}

/// The id of the deployment that starts next.
async fn started(
    context: &Context,
    group: &GroupName,
    any_creator: bool,
    watch: &WatchArgs,
) -> anyhow::Result<String> {
    let api = context.api().await?;
    let list = || api.deployment_ids(&group.application, &group.group, HISTORY);
    let doing = format!("find deployments of {group}");
    let mut seen: HashSet<String> = match list().await {
        Ok(ids) => ids.into_iter().collect(),
        Err(error) => return Err(missing::explain(api, error, group, doing).await),
    };
    context.ui.note(&format!("waiting for the next deployment of {group}"));
    let mut ticks = tokio::time::interval(watch.pace(api));
    loop {
        ticks.tick().await;
        let fresh: Vec<String> = match list().await {
            Ok(ids) => ids.into_iter().filter(|id| !seen.contains(id)).collect(),
            Err(error) if error.is_transient() => continue,
            Err(error) => return Err(missing::explain(api, error, group, doing).await),
        };
        if fresh.is_empty() {
            continue;
        }
        let mut deployments = match api.deployments(&fresh).await {
            Ok(deployments) => deployments.value,
            Err(error) if error.is_transient() => continue,
            Err(error) => return Err(Failure::api(format!("cannot {doing}"), &error).into()),
        };
        let auto_scaling = |creator: &Creator| creator.is_auto_scaling();
        // The oldest of the new ones is the next; in which order they come is nowhere told.
        deployments.sort_by_key(|deployment| deployment.create_time);
        let next = deployments
            .iter()
            .find(|deployment| any_creator || !deployment.creator.as_ref().is_some_and(auto_scaling));
        if let Some(next) = next {
            return Ok(next.id.clone());
        }
        seen.extend(fresh);
    }
}
