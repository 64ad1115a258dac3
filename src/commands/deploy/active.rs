//! A group takes one deployment at a time: what to do where it has one already.

use clap::ValueEnum;

use super::watching::{self, WatchArgs};
use crate::api::{ApiError, ErrorKind};
use crate::commands::missing;
use crate::commands::names::GroupName;
use crate::context::Context;
use crate::error::{Doing, Failure};
use crate::model::{Creator, Deployment};
use crate::watch::Outcome;

/// `--if-active`
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum IfActive {
    /// End with an error
    Fail,
    /// Wait for it to end
    Wait,
    /// Stop it and wait for it to end; one that Auto Scaling made is waited for
    Stop,
}

/// Makes sure that the group is free, as far as `--if-active` allows.
pub async fn settle(
    context: &Context,
    group: &GroupName,
    choice: IfActive,
    watching: &WatchArgs,
) -> anyhow::Result<()> {
    while let Some(deployment) = find(context, group).await? {
        match choice {
            IfActive::Fail => {
                let help = format!("{}, or pass --if-active wait|stop", help(&deployment.id));
                return Err(refused(group, &deployment).help(help).into());
            }
            IfActive::Stop if !deployment.creator.as_ref().is_some_and(Creator::is_auto_scaling) => {
                context.ui.note(&format!("stopping deployment {}", deployment.id));
                let api = context.api().await?;
                let stopped = api.stop_deployment(&deployment.id, None).await;
                if !stopped.as_ref().is_err_and(has_ended) {
                    stopped.doing(format_args!("stop deployment {}", deployment.id))?;
                }
            }
            IfActive::Stop | IfActive::Wait => {
                context.ui.note(&format!("waiting for deployment {} to end", deployment.id));
            }
        }
        match watching::wait(context, &deployment.id, watching).await? {
            outcome @ (Outcome::TimedOut
            | Outcome::Reached { .. }
            | Outcome::Ready
            | Outcome::Detached(_)
            | Outcome::Unknown(_)
            | Outcome::Closed) => {
                return Err(Failure::new(format!(
                    "deployment {} did not end while it was waited for; nothing was deployed",
                    deployment.id
                ))
                .help(format!("watch it with `cdctl deploy watch {}`", deployment.id))
                .exit(outcome.exit())
                .into());
            }
            Outcome::Refused(error) => {
                return Err(error).doing(format_args!("wait for deployment {}", deployment.id));
            }
            Outcome::Succeeded | Outcome::SucceededInPart { .. } | Outcome::Ended { .. } => {}
        }
    }
    Ok(())
}

/// The error of a CreateDeployment that was refused because the group is busy.
pub async fn busy(context: &Context, group: &GroupName, error: ApiError) -> anyhow::Error {
    let id = error
        .message
        .split(|c: char| !c.is_ascii_alphanumeric() && c != '-')
        .find(|word| word.starts_with("d-"));
    let failure = Failure::api(format!("deployment group {group} already has an active deployment"), &error);
    match (find(context, group).await, id) {
        (Ok(Some(deployment)), _) => {
            refused(group, &deployment).cause(error.to_string()).help(help(&deployment.id)).into()
        }
        (_, Some(id)) => failure.help(help(id)).into(),
        _ => failure.into(),
    }
}

/// The group's deployment under way.
pub async fn find(context: &Context, group: &GroupName) -> anyhow::Result<Option<Deployment>> {
    let api = context.api().await?;
    let ids = match api.active_deployment_ids(&group.application, &group.group).await {
        Ok(ids) => ids,
        // CreateDeployment refuses a busy group by itself.
        Err(error) if error.kind == ErrorKind::Denied => return Ok(None),
        Err(error) => return Err(missing::explain(api, error, group, format!("deploy to {group}")).await),
    };
    let Some(id) = ids.first() else { return Ok(None) };
    let seen = api.deployment(id).await.doing(format_args!("show deployment {id}"))?;
    Ok(Some(seen.value).filter(|deployment| !deployment.status.is_terminal()))
}

fn refused(group: &GroupName, deployment: &Deployment) -> Failure {
    let progress = deployment
        .overview
        .map_or_else(String::new, |overview| format!(", {}/{}", overview.succeeded, overview.total()));
    Failure::new(format!(
        "deployment group {group} already has an active deployment, {} ({}{progress})",
        deployment.id, deployment.status
    ))
}

fn help(id: &str) -> String {
    format!("watch it with `cdctl deploy watch {id}`")
}

pub fn has_ended(error: &ApiError) -> bool {
    error.code.as_deref() == Some("DeploymentAlreadyCompletedException")
}
