//! `cdctl deploy retry`

use clap::Args;
use serde_json::{Map, Value};

use super::sending::Made;
use super::watching::{self, WatchArgs};
use super::{active, sending, versions};
use crate::api::{Api, CreateDeployment, ErrorKind};
use crate::commands::appspec_file;
use crate::commands::names::{DeploymentArgs, GroupName};
use crate::context::Context;
use crate::error::{Doing, Failure};
use crate::exit::Exit;
use crate::format::{Table, View};
use crate::model::{ComputePlatform, Deployment, Revision};
use crate::signals;

/// What a deployment was told instead of its group, as GetDeployment tells it; and the same about hosts alone.
const TOLD: [&str; 2] = ["autoRollbackConfiguration", "overrideAlarmConfiguration"];
const TOLD_OF_HOSTS: [&str; 6] = [
    "fileExistsBehavior",
    "ignoreApplicationStopFailures",
    "updateOutdatedInstancesOnly",
    "deploymentMode",
    "ec2DeploymentOptions",
    "targetInstances",
];

/// Deploy again what a deployment that has ended deployed: the same revision, configuration and settings
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
    arguments.watching.require(context, arguments.watch, false)?;
    let id = arguments.deployment.resolve(context).await?;
    let api = context.api().await?;
    let seen = api.deployment(&id).await.doing(format_args!("retry deployment {id}"))?;
    let deployment = &seen.value;
    if !deployment.status.is_terminal() {
        return Err(Failure::new(format!("deployment {id} is {} and has not ended", deployment.status))
            .help(format!("watch it with `cdctl deploy watch {id}`"))
            .into());
    }
    let mut overrides = told(&seen.json, &TOLD);
    if deployment.platform == Some(ComputePlatform::Server) {
        overrides.extend(told(&seen.json, &TOLD_OF_HOSTS));
    }
    // It names no revision, and is refused with one.
    let restart = overrides.get("deploymentMode").and_then(Value::as_str) == Some("RESTART");
    let (group, revision) = again(api, deployment).await?;
    if deployment.platform == Some(ComputePlatform::Lambda) {
        check_alias(api, &group, &id).await?;
    }
    let request = CreateDeployment {
        config: deployment.config.clone(),
        ignore_application_stop_failures: arguments.ignore_application_stop_failures,
        outdated_only: arguments.outdated_only,
        overrides,
        ..plain(&group, Some(revision).filter(|_| !restart), Some(format!("retry of {id}")))
    };
    let watched = arguments.watch.then_some(&arguments.watching);
    create(context, &group, &request, None, watched).await
}

/// Those of `members` that say something, of an answer of GetDeployment.
pub fn told(answer: &Value, members: &[&str]) -> Map<String, Value> {
    fn says(value: &Value) -> bool {
        match value {
            Value::Null => false,
            Value::Array(list) => !list.is_empty(),
            Value::Object(members) => members.values().any(says),
            _ => true,
        }
    }
    let told = |member: &&str| {
        let value = answer.pointer(&format!("/deploymentInfo/{member}"))?;
        (says(value) && *value != Value::Bool(false)).then(|| ((*member).to_owned(), value.clone()))
    };
    members.iter().filter_map(told).collect()
}

/// An error where the alias is known to be elsewhere than the AppSpec of deployment `id` says: it would fail at once.
async fn check_alias(api: &Api, group: &GroupName, id: &str) -> anyhow::Result<()> {
    let Some(versions::Shift { function, alias, from, to }) = versions::shift(api, id).await? else {
        return Ok(());
    };
    match versions::live(api, group, &function).await? {
        Some(live) if live != from => Err(Failure::new(format!("deployment {id} cannot be retried"))
            .cause(format!(
                "it goes from version {from} to {to}, and by the history of {group}, {function}:{alias} is at version {live}"
            ))
            .help(format!(
                "go from there with `cdctl deploy create {group} --function {function}:{alias} --target-version {to}`"
            ))
            .into()),
        _ => Ok(()),
    }
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
    let revision = whole(api, &group.application, revision).await?;
    redeployable(&revision).map_err(|cause| Failure::new(what()).cause(cause).help(by_hand(&group)))?;
    Ok((group, revision))
}

/// The group of a deployment; CloudFormation's have none.
pub fn group(deployment: &Deployment) -> Option<GroupName> {
    let application = deployment.application.clone()?;
    Some(GroupName { application, group: deployment.group.clone()? })
}

/// The revision with what the service leaves out where it names a deployment's: the text of an inline AppSpec, which
/// the application's revisions have. Where that is not to be had it stays as it is.
pub async fn whole(api: &Api, application: &str, revision: Revision) -> anyhow::Result<Revision> {
    let Revision::AppSpec { content: None, sha256: Some(sha256) } = &revision else { return Ok(revision) };
    match api.appspec_content(application, sha256).await {
        Ok(text) => Ok(text.map_or(revision, appspec_file::of_text)),
        Err(error) if matches!(error.kind, ErrorKind::Denied | ErrorKind::NotFound) => Ok(revision),
        Err(error) => Err(error).doing(format_args!("read {revision} of application {application}")),
    }
}

/// An inline AppSpec of which only the digest is known cannot be sent again.
pub fn redeployable(revision: &Revision) -> Result<(), &'static str> {
    match revision {
        Revision::AppSpec { content: None, .. } => {
            Err("its AppSpec was inline, and the service does not give it back")
        }
        Revision::Other(_) => Err("its revision is of a kind that this version does not know"),
        _ => Ok(()),
    }
}

pub fn by_hand(group: &GroupName) -> String {
    format!("deploy it with `cdctl deploy create {group} --revision appspec:FILE`")
}

/// A request with nothing but where and what.
pub fn plain(group: &GroupName, revision: Option<Revision>, description: Option<String>) -> CreateDeployment {
    CreateDeployment {
        application: group.application.clone(),
        group: group.group.clone(),
        revision,
        config: None,
        description,
        ignore_application_stop_failures: false,
        file_exists: None,
        outdated_only: false,
        auto_rollback: None,
        overrides: serde_json::Map::new(),
    }
}

/// Prints the id of a deployment; `json`: what CreateDeployment answers.
pub fn print(context: &Context, id: &str, json: Value) -> anyhow::Result<()> {
    let mut table = Table::properties();
    table.row([id.to_owned()]);
    View { json, items: None, table, empty: "" }.print(&context.settings.output, &context.ui)
}

/// Makes a deployment and prints its id and, where there is one, the `undo` command; then watches it where it is to be
/// `watched`.
pub async fn create(
    context: &Context,
    group: &GroupName,
    request: &CreateDeployment,
    undo: Option<String>,
    watched: Option<&WatchArgs>,
) -> anyhow::Result<Exit> {
    let sent = match (sending::send(context, request).await, watched) {
        (Err(error), Some(watching)) => {
            return watching::not_begun(context, group.clone(), watching, error).await;
        }
        (sent, _) => sent?,
    };
    let Made { created, mut signals } = match sent {
        Ok(made) => made,
        Err(error) if error.kind == ErrorKind::Busy => return Err(active::busy(context, group, error).await),
        Err(error) => return Err(error).doing(format_args!("deploy to {group}")),
    };
    let id = created.id;
    print(context, &id, created.json)?;
    if let Some(undo) = undo {
        context.ui.note(&format!("undo with `cdctl deploy {undo}`"));
    }
    if let Some(watching) = watched {
        return watching::made(context, id, signals, watching).await;
    }
    context.ui.note(&format!("watch it with `cdctl deploy watch {id}`"));
    Ok(signals.heard().map_or(Exit::Ok, signals::exit))
}
