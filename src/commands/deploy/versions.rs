//! Which version of a Lambda function is live and which one was before, by a group's history.

use crate::api::{Api, ErrorKind};
use crate::appspec::inline;
use crate::commands::appspec_file;
use crate::commands::names::GroupName;
use crate::error::{Doing, Failure};
use crate::model::{Creator, DeploymentStatus, Revision, Serving};

/// How far back the group's history is read; each deployment in it costs two calls.
const HISTORY: usize = 25;

/// A step of a function's alias.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shift {
    pub function: String,
    pub alias: String,
    pub from: String,
    pub to: String,
}

/// The way back for the function of a group: from the version that is live, or from `current`, to the one before. After
/// a deployment that has not `succeeded` the good version is the one that its alias had, which it may have still.
pub async fn back(
    api: &Api,
    group: &GroupName,
    current: Option<&str>,
    succeeded: bool,
) -> anyhow::Result<Shift> {
    let doing = format!("find the versions that {group} has deployed");
    let ids = api.deployment_ids(&group.application, &group.group, HISTORY).await.doing(&doing)?;
    let deployments = api.deployments(&ids).await.doing(&doing)?.value;
    let good = deployments.iter().filter(|deployment| deployment.status == DeploymentStatus::Succeeded);
    let mut history = Vec::new();
    for deployment in good {
        let made_by_rollback = deployment.creator == Some(Creator::Rollback);
        if let Some(shift) = shift(api, &deployment.id).await? {
            history.push((shift, made_by_rollback));
            if let (false, Some((live, _))) = (succeeded, history.first()) {
                return restored(group, live, current);
            }
            if let Some(back) = way_back(&history, current) {
                return Ok(back);
            }
        }
    }
    // Nothing but what is live was ever deployed: before it there was what the first deployment came from.
    let first = history.last().map(|(shift, _)| shift);
    let live = history.first().map(|(shift, _)| shift);
    match (first, live) {
        (Some(first), Some(live)) if first.from != current.unwrap_or(&live.to) => {
            Ok(Shift { from: current.unwrap_or(&live.to).to_owned(), to: first.from.clone(), ..live.clone() })
        }
        _ => Err(Failure::new(format!("deployment group {group} has no earlier version that succeeded"))
            .help("name the revision with --to appspec:FILE")
            .into()),
    }
}

/// Back to the version that was live before a deployment that failed or was stopped, where `current` says that the alias
/// is elsewhere now.
fn restored(group: &GroupName, live: &Shift, current: Option<&str>) -> anyhow::Result<Shift> {
    match current {
        Some(current) if current != live.to => {
            Ok(Shift { from: current.to_owned(), to: live.to.clone(), ..live.clone() })
        }
        _ => {
            let (function, alias, version) = (&live.function, &live.alias, &live.to);
            Err(Failure::new(format!("by the history of {group}, {function}:{alias} is at version {version} already"))
                .cause("the deployment did not succeed, and version ".to_owned() + version + " is the last good one")
                .help("if the alias is elsewhere, say where with --current-version; if it is good, there is nothing to do")
                .into())
        }
    }
}

/// The version of `function` that the group's last success has made live.
pub async fn live(api: &Api, group: &GroupName, function: &str) -> anyhow::Result<Option<String>> {
    let doing = format!("find the versions that {group} has deployed");
    let ids = api.deployment_ids(&group.application, &group.group, HISTORY).await.doing(&doing)?;
    for deployment in api.deployments(&ids).await.doing(&doing)?.value {
        if deployment.status == DeploymentStatus::Succeeded
            && let Some(shift) = shift(api, &deployment.id).await?
            && shift.function == function
        {
            return Ok(Some(shift.to));
        }
    }
    Ok(None)
}

/// From the live version to the newest other one that succeeded without being a rollback; `newest_first`.
fn way_back(newest_first: &[(Shift, bool)], current: Option<&str>) -> Option<Shift> {
    let (live, _) = newest_first.first()?;
    let from = current.unwrap_or(&live.to);
    let (good, _) = newest_first.iter().find(|(shift, rollback)| !rollback && shift.to != from)?;
    Some(Shift { from: from.to_owned(), to: good.to.clone(), ..live.clone() })
}

/// What a deployment did to its alias.
pub async fn shift(api: &Api, id: &str) -> anyhow::Result<Option<Shift>> {
    let doing = format!("read the versions of deployment {id}");
    let ids = match api.all_target_ids(id, &[]).await {
        Ok(ids) => ids,
        Err(error) if error.kind == ErrorKind::NotStarted => return Ok(None),
        Err(error) => return Err(error).doing(doing),
    };
    let targets = api.targets(id, &ids).await.doing(doing)?.value;
    Ok(targets.into_iter().find_map(|target| match target.serving {
        Serving::Lambda { function, alias, current, target, .. } if !target.is_empty() => {
            Some(Shift { function, alias, from: current, to: target })
        }
        _ => None,
    }))
}

impl Shift {
    /// The AppSpec that makes this step.
    pub fn revision(&self) -> Revision {
        appspec_file::of_text(inline::lambda(&self.function, &self.alias, &self.from, &self.to).to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(from: &str, to: &str) -> Shift {
        Shift { function: "checkout".into(), alias: "live".into(), from: from.into(), to: to.into() }
    }

    #[test]
    fn back_goes_from_what_is_live_to_what_was_good() {
        let history = [(step("2", "3"), false), (step("1", "2"), false)];
        assert_eq!(way_back(&history, None), Some(step("3", "2")));
        assert_eq!(way_back(&history[..1], None), None);
        assert_eq!(way_back(&history, Some("7")), Some(step("7", "3")));
        let rolled_back = [(step("3", "2"), true), (step("1", "2"), false), (step("0", "1"), false)];
        assert_eq!(way_back(&rolled_back, None), Some(step("2", "1")), "the rollback made version 2 live");
        let Revision::AppSpec { content: Some(content), .. } = step("3", "2").revision() else { panic!() };
        assert!(content.contains(r#""CurrentVersion":"3","TargetVersion":"2""#), "{content}");
    }
}
