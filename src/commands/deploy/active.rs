//! A group takes one deployment at a time: what to do where it has one already.

use clap::ValueEnum;

use super::watching::{self, Waited, WatchArgs};
use crate::api::{Api, ApiError, ErrorKind};
use crate::commands::missing;
use crate::commands::names::GroupName;
use crate::context::Context;
use crate::error::{Doing, Failure};
use crate::model::{ComputePlatform, Creator, Deployment, EventName, EventStatus, Target};

/// `--if-active`
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum IfActive {
    /// End with an error
    Fail,
    /// Wait for it to end
    Wait,
    /// Stop it and wait for it to end, with its rollback on Lambda and ECS; Auto Scaling's and rollbacks are waited for
    Stop,
}

/// Makes sure that the group is free, as far as `--if-active` allows. What it waits is taken off the `--timeout`.
pub async fn settle(
    context: &Context,
    group: &GroupName,
    choice: IfActive,
    watching: &mut WatchArgs,
) -> anyhow::Result<()> {
    while let Some(deployment) = find(context, group).await? {
        let mut rollback = None;
        match choice {
            IfActive::Fail => {
                let help = format!("{}, or pass --if-active wait|stop", help(&deployment.id));
                return Err(refused(group, &deployment).help(help).into());
            }
            IfActive::Stop if !is_waited_for(&deployment) => {
                let managed = is_managed(&deployment);
                if managed && deployment.previous_revision.is_none() {
                    return Err(stays_split(&deployment.id, "cannot be stopped for another one").into());
                }
                context.ui.note(&format!("stopping deployment {}", deployment.id));
                // Traffic is put back first; hosts get what is deployed next all the same.
                stop(context, &deployment.id, managed).await?;
                rollback = managed.then_some(true);
            }
            IfActive::Stop | IfActive::Wait => {
                context.ui.note(&format!("waiting for deployment {} to end", deployment.id));
            }
        }
        if let Waited::Left(outcome) = watching::wait(context, &deployment.id, watching, rollback).await? {
            return Err(Failure::new(format!(
                "deployment {} did not end while it was waited for; nothing was deployed",
                deployment.id
            ))
            .help(format!("watch it with `cdctl deploy watch {}`", deployment.id))
            .exit(outcome.exit())
            .into());
        }
    }
    Ok(())
}

/// Auto Scaling's own, and rollbacks: half of one would be worse than what it goes back from.
fn is_waited_for(deployment: &Deployment) -> bool {
    let creator = deployment.creator.as_ref();
    creator.is_some_and(|creator| creator.is_auto_scaling() || *creator == Creator::Rollback)
}

/// Its traffic is the service's to put back: a function's alias or a service's listener that stays between two versions
/// takes no other deployment.
///
/// Source: AWS user guide, "Redeploy and roll back a deployment": a stopped Lambda deployment leaves its alias split.
pub fn is_managed(deployment: &Deployment) -> bool {
    matches!(deployment.platform, Some(ComputePlatform::Lambda | ComputePlatform::Ecs))
}

/// Whether an ECS deployment has not come so far that anything of it could be gone back from: nothing of it stands behind a
/// listener, and the task set of before serves. CodeDeploy rolls no such deployment back.
///
/// Source: AWS user guide, "AppSpec 'hooks' section for an Amazon ECS deployment": before AfterInstall no rollback is
/// possible. What `rollbackInfo` then says is told nowhere.
pub async fn is_untouched(api: &Api, deployment: &Deployment) -> Result<bool, ApiError> {
    if deployment.platform != Some(ComputePlatform::Ecs) {
        return Ok(false);
    }
    let ids = match api.all_target_ids(&deployment.id, &[]).await {
        Ok(ids) => ids,
        Err(error) if error.kind == ErrorKind::NotStarted => return Ok(true),
        Err(error) => return Err(error),
    };
    let targets = api.targets(&deployment.id, &ids).await?.value;
    let installing = |target: &Target| {
        use EventStatus::{Failed, InProgress, Pending, Skipped};
        let install = target.events.iter().find(|event| event.name == EventName::Install);
        install.is_some_and(|event| matches!(event.status, Pending | InProgress | Skipped | Failed))
    };
    Ok(!targets.is_empty() && targets.iter().all(installing))
}

/// The error of a managed deployment whose traffic nobody would put back.
pub fn stays_split(id: &str, what: &str) -> Failure {
    Failure::new(format!("deployment {id} {what}"))
        .cause("its group has never succeeded, so CodeDeploy has nothing to go back to")
        .help(format!(
            "let it end; or stop it with `cdctl deploy stop {id}`, which leaves the traffic where it is then, \
             between two versions, and point it back yourself"
        ))
}

/// Stops deployment `id`, with CodeDeploy's rollback or without one, whatever its settings say. One that has ended
/// meanwhile is no error.
pub async fn stop(context: &Context, id: &str, rollback: bool) -> anyhow::Result<()> {
    let stopped = context.api().await?.stop_deployment(id, Some(rollback)).await;
    if !stopped.as_ref().is_err_and(has_ended) {
        stopped.doing(format_args!("stop deployment {id}"))?;
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

fn has_ended(error: &ApiError) -> bool {
    error.code.as_deref() == Some("DeploymentAlreadyCompletedException")
}
