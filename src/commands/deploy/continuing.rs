//! `cdctl deploy continue`

use clap::{Args, ValueEnum};

use super::watching::{self, WatchArgs};
use crate::api::{Api, ApiError, Wait};
use crate::commands::names::DeploymentArgs;
use crate::context::Context;
use crate::error::{Doing, Failure};
use crate::exit::Exit;
use crate::model::{ComputePlatform, Deployment, DeploymentStatus, TargetStatus};

/// End the wait that a blue/green deployment is in
///
/// A deployment that is Ready moves its traffic; one that keeps the original fleet after that ends it.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  cdctl deploy continue shop/prod
  cdctl deploy continue d-7F3K2QX9A --wait termination --watch")]
pub struct Arguments {
    #[command(flatten)]
    deployment: DeploymentArgs,

    /// Which wait, where the deployment's own state is not to decide
    #[arg(long, value_name = "WAIT")]
    wait: Option<WaitChoice>,

    /// Watch the deployment to its end
    #[arg(long, short = 'w')]
    watch: bool,

    #[command(flatten)]
    watching: WatchArgs,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum WaitChoice {
    /// Before the traffic moves
    Ready,
    /// Before the original fleet ends
    Termination,
}

pub async fn run(context: &Context, arguments: &Arguments) -> anyhow::Result<Exit> {
    arguments.watching.require(context, arguments.watch, false)?;
    let id = arguments.deployment.resolve(context).await?;
    let api = context.api().await?;
    let wait = match arguments.wait {
        Some(WaitChoice::Ready) => Wait::Ready,
        Some(WaitChoice::Termination) => Wait::Termination,
        None => {
            let deployment = api.deployment(&id).await.doing(format_args!("continue deployment {id}"))?.value;
            let done = moved(api, &deployment).await.doing(format_args!("continue deployment {id}"))?;
            applies(&deployment, done).ok_or_else(|| idle(&deployment))?
        }
    };
    api.continue_deployment(&id, wait).await.doing(format_args!("continue deployment {id}"))?;
    let text = match wait {
        Wait::Ready => "the traffic moves to the new fleet",
        Wait::Termination => "the original fleet ends",
    };
    context.ui.note(&format!("deployment {id} goes on: {text}"));
    if arguments.watch {
        return watching::watch(context, &[id], &arguments.watching, true).await;
    }
    context.ui.note(&format!("watch it with `cdctl deploy watch {id}`"));
    Ok(Exit::Ok)
}

/// Whether an ECS deployment has moved all its traffic: its wait afterwards shows in nothing else.
async fn moved(api: &Api, deployment: &Deployment) -> Result<bool, ApiError> {
    if deployment.platform != Some(ComputePlatform::Ecs) || deployment.status != DeploymentStatus::InProgress
    {
        return Ok(false);
    }
    let ids = api.all_target_ids(&deployment.id, &[]).await?;
    let targets = api.targets(&deployment.id, &ids).await?.value;
    Ok(!targets.is_empty() && targets.iter().all(|target| target.status == TargetStatus::Succeeded))
}

/// The wait that the deployment is in. `moved`: its targets are done though it goes on.
fn applies(deployment: &Deployment, moved: bool) -> Option<Wait> {
    match deployment.status {
        DeploymentStatus::Ready => Some(Wait::Ready),
        DeploymentStatus::InProgress if deployment.waits.termination_started || moved => {
            Some(Wait::Termination)
        }
        _ => None,
    }
}

fn idle(deployment: &Deployment) -> Failure {
    Failure::new(format!("deployment {} is {} and waits for nothing", deployment.id, deployment.status))
        .help(format!("see where it is with `cdctl deploy show {}`", deployment.id))
}
