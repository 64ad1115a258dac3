//! `cdctl deploy retry`

use clap::Args;

use super::watching::{self, WatchArgs};
use super::{active, sending};
use crate::api::{Api, CreateDeployment, ErrorKind};
use crate::commands::names::{DeploymentArgs, GroupName};
use crate::context::Context;
use crate::error::{Doing, Failure};
use crate::exit::Exit;
use crate::format::{Table, View};
use crate::model::{Deployment, Revision};

/// Deploy again what a deployment that has ended deployed: the same revision with the same configuration
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  cdctl deploy retry d-7F3K2QX9A --watch
  cdctl deploy retry shop/prod --outdated-only")]
pub struct Arguments {
    #[command(flatten)]
    deployment: DeploymentArgs,

    /// Only instances that do not have the group's revision
    #[arg(long)]
    outdated_only: bool,

    /// Go on where the old revision's ApplicationStop fails
    #[arg(long)]
    ignore_application_stop_failures: bool,

    /// Watch the new deployment to its end
    #[arg(long, short = 'w')]
    watch: bool,

    #[command(flatten)]
    watching: WatchArgs,
}

pub async fn run(context: &Context, arguments: &Arguments) -> anyhow::Result<Exit> {
    let id = arguments.deployment.resolve(context).await?;
    let deployment =
        context.api().await?.deployment(&id).await.doing(format_args!("retry deployment {id}"))?.value;
    if !deployment.status.is_terminal() {
        return Err(Failure::new(format!("deployment {id} is {} and has not ended", deployment.status))
            .help(format!("watch it with `cdctl deploy watch {id}`"))
            .into());
    }
    let (group, revision) = again(context.api().await?, &deployment).await?;
    let request = CreateDeployment {
        config: deployment.config.clone(),
        ignore_application_stop_failures: arguments.ignore_application_stop_failures,
        outdated_only: arguments.outdated_only,
        ..plain(&group, revision, format!("retry of {id}"))
    };
    let id = create(context, &group, &request).await?;
    if arguments.watch {
        return watching::watch(context, &[id], &arguments.watching, true).await;
    }
    context.ui.note(&format!("watch it with `cdctl deploy watch {id}`"));
    Ok(Exit::Ok)
}

/// Where and what a deployment deployed, as far as it can be deployed again.
async fn again(api: &Api, deployment: &Deployment) -> anyhow::Result<(GroupName, Revision)> {
    let what = || format!("deployment {} cannot be retried", deployment.id);
    let group = group(deployment)
        .ok_or_else(|| Failure::new(what()).cause("it has no deployment group; another service made it"))?;
    let revision = deployment
        .revision
        .clone()
        .ok_or_else(|| Failure::new(what()).cause("the service names no revision for it"))?;
    let revision = whole(api, &group, revision).await?;
    redeployable(&revision).map_err(|cause| Failure::new(what()).cause(cause).help(by_hand(&group)))?;
    Ok((group, revision))
}

/// The group of a deployment; CloudFormation's have none.
pub fn group(deployment: &Deployment) -> Option<GroupName> {
    let application = deployment.application.clone()?;
    Some(GroupName { application, group: deployment.group.clone()? })
}

/// A revision with its content. Of an inline AppSpec a deployment names only the digest; the application has the rest.
pub async fn whole(api: &Api, group: &GroupName, revision: Revision) -> anyhow::Result<Revision> {
    match revision {
        Revision::AppSpec { content: None, sha256: Some(sha256) } => {
            let content = api.appspec_content(&group.application, &sha256).await;
            let content = content.doing(format_args!("read the AppSpec that was deployed to {group}"))?;
            Ok(Revision::AppSpec { content, sha256: Some(sha256) })
        }
        other => Ok(other),
    }
}

/// An inline AppSpec of which only the digest is known cannot be sent again.
pub fn redeployable(revision: &Revision) -> Result<(), &'static str> {
    match revision {
        Revision::AppSpec { content: None, .. } => {
            Err("its AppSpec was inline, and the service has only the digest of it")
        }
        Revision::Other(_) => Err("its revision is of a kind that this version does not know"),
        _ => Ok(()),
    }
}

pub fn by_hand(group: &GroupName) -> String {
    format!("deploy it with `cdctl deploy create {group} --revision appspec:FILE`")
}

/// A request with nothing but where and what.
pub fn plain(group: &GroupName, revision: Revision, description: String) -> CreateDeployment {
    CreateDeployment {
        application: group.application.clone(),
        group: group.group.clone(),
        revision: Some(revision),
        config: None,
        description: Some(description),
        ignore_application_stop_failures: false,
        file_exists: None,
        outdated_only: false,
        auto_rollback: None,
        overrides: serde_json::Map::new(),
    }
}

/// Makes a deployment and prints its id.
pub async fn create(
    context: &Context,
    group: &GroupName,
    request: &CreateDeployment,
) -> anyhow::Result<String> {
    let created = match sending::send(context, request).await? {
        Ok(created) => created,
        Err(error) if error.kind == ErrorKind::Busy => return Err(active::busy(context, group, error).await),
        Err(error) => return Err(error).doing(format_args!("deploy to {group}")),
    };
    let mut table = Table::properties();
    table.row([created.id.clone()]);
    View { json: created.json, items: None, table, empty: "" }
        .print(&context.settings.output, &context.ui)?;
    Ok(created.id)
}
