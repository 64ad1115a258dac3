//! `last-good`: the revision to go back to.

use super::retry::whole;
use crate::api::Api;
use crate::commands::names::GroupName;
use crate::error::{Doing, Failure};
use crate::model::{Creator, Deployment, DeploymentStatus, Revision};

/// How far back the group's history is read.
const HISTORY: usize = 200;

/// A revision to go back to, and the deployment that brought it.
#[derive(Debug)]
pub struct Good {
    pub revision: Revision,
    pub deployment: Option<String>,
}

/// The newest revision that succeeded on every target of the group, was not made by a rollback, and is not what the group
/// aims at now, nor the same bundle pushed again; where none did on every target, the newest that succeeded. Where the last
/// attempt did not succeed (or still runs), what the group aims at.
pub async fn find(api: &Api, name: &GroupName) -> anyhow::Result<Good> {
    let doing = format!("find the last good revision of {name}");
    let group = api.group(&name.application, &name.group).await.doing(&doing)?.value;
    if let (Some(target), false) = (&group.target_revision, group.last_attempted == group.last_successful) {
        let revision = whole(api, &name.application, target.clone()).await?;
        return Ok(Good { revision, deployment: group.last_successful });
    }
    let ids = api.deployment_ids(&name.application, &name.group, HISTORY).await.doing(&doing)?;
    let mut found = None;
    for chunk in ids.chunks(25) {
        let deployments = api.deployments(chunk).await.doing(&doing)?.value;
        match good(deployments, group.target_revision.as_ref()) {
            Some(good) if good.everywhere => {
                found = Some(good);
                break;
            }
            partly => found = found.or(partly),
        }
    }
    if let Some(Success { revision, id, .. }) = found {
        let revision = whole(api, &name.application, revision).await?;
        return Ok(Good { revision, deployment: Some(id) });
    }
    Err(Failure::new(format!("deployment group {name} has no earlier revision that succeeded"))
        .help(format!("name one with --revision (of `deploy rollback`: --to); `cdctl deploy list {name}` shows what was deployed"))
        .into())
}

/// A deployment that succeeded, and whether it did on every target.
#[derive(Debug, PartialEq)]
struct Success {
    revision: Revision,
    id: String,
    everywhere: bool,
}

fn good(newest_first: Vec<Deployment>, target: Option<&Revision>) -> Option<Success> {
    let successes = newest_first
        .into_iter()
        .filter(|deployment| deployment.status == DeploymentStatus::Succeeded)
        .filter(|deployment| deployment.creator != Some(Creator::Rollback))
        .filter_map(|deployment| {
            let everywhere = deployment.overview.is_none_or(|overview| overview.failed == 0);
            Some(Success { revision: deployment.revision?, id: deployment.id, everywhere })
        })
        .filter(|success| !target.is_some_and(|target| target.same_content(&success.revision)));
    let mut partly = None;
    for success in successes {
        if success.everywhere {
            return Some(success);
        }
        partly = partly.or(Some(success));
    }
    partly
}
