//! `cdctl deploy rollback`

mod plan;

use clap::Args;
use serde_json::{Map, Value, json};

use self::plan::{Back, Goal, Plan, goal, shown};
use super::active::{is_managed, is_untouched, stays_split, stop};
use super::create::check_config;
use super::last_good::Good;
use super::overrides::FleetArgs;
use super::retry::{by_hand, create, group, plain, print, redeployable, told};
use super::watching::{self, Waited, WatchArgs};
use super::{bundle, last_good, versions};
use crate::api::{CreateDeployment, Seen};
use crate::commands::appspec_file;
use crate::commands::names::{DeploymentArgs, DeploymentName, GroupName};
use crate::context::Context;
use crate::error::{Doing, Failure};
use crate::exit::Exit;
use crate::model::{ComputePlatform, Creator, Deployment, DeploymentStatus, Revision};
use crate::report::shell;
use crate::revision::Locator;
use crate::watch::outcome::{Ending, Outcome};

/// Go back to the last good revision, and watch until that is done
///
/// A deployment under way is stopped and rolled back by CodeDeploy; where an EC2 deployment's settings have no rollback it
/// is stopped and the last good revision deployed. After one that has ended, the last good revision is deployed. There is never a
/// second rollback: one that CodeDeploy has made is watched instead. The exit code tells how the rollback ended. An ECS
/// deployment that is stopped before its new task set is installed has nothing to go back from: CodeDeploy makes no
/// rollback, the task set of before goes on serving, and the exit code is 0.
///
/// The last good revision is what the group had before a deployment that did not succeed; after one that did, the newest
/// other revision that succeeded on every target, else the newest that succeeded.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  cdctl deploy rollback shop/prod --dry-run
  cdctl deploy rollback d-7F3K2QX9A --yes
  cdctl deploy rollback shop/prod --to s3://releases/site-41.zip
  cdctl deploy rollback shop/prod --config CodeDeployDefault.AllAtOnce")]
pub struct Arguments {
    #[command(flatten)]
    deployment: DeploymentArgs,

    /// Deploy this revision instead of the last good one; not while a Lambda or ECS deployment is under way
    #[arg(long, value_name = "REVISION")]
    to: Option<Locator>,

    /// Lambda: the version that is live, where the group's history does not tell
    #[arg(long, value_name = "VERSION")]
    current_version: Option<String>,

    /// Go back by this deployment configuration, and not by the group's: all at once, say, where that has a canary
    #[arg(long, value_name = "NAME")]
    config: Option<String>,

    #[command(flatten)]
    fleet: FleetArgs,

    /// Show what would be done and do nothing
    #[arg(long)]
    dry_run: bool,

    /// Do not watch the rollback
    #[arg(long)]
    no_watch: bool,

    #[command(flatten)]
    watching: WatchArgs,
}

pub async fn run(context: &Context, arguments: &Arguments) -> anyhow::Result<Exit> {
    arguments.watching.require(context, !arguments.no_watch || arguments.dry_run, true)?;
    // One time is for all that is waited for.
    let watching = &mut arguments.watching.clone();
    let id = arguments.deployment.resolve(context).await?;
    let api = context.api().await?;
    let seen = api.deployment(&id).await.doing(format_args!("roll back deployment {id}"))?;
    let plan = arguments.plan(context, &seen, watching).await?;
    let finds = finds_its_fleet(&seen.json);
    let deployment = seen.value;
    if let (Some(config), true) = (&arguments.config, !matches!(plan, Plan::Deploy { .. })) {
        return Err(Failure::new(format!("deployment {id} is not rolled back by {config}"))
            .cause("CodeDeploy rolls it back itself, and takes no configuration for that")
            .help("leave --config out")
            .into());
    }
    if let (Some(config), Plan::Deploy { group, .. }) = (&arguments.config, &plan) {
        check_config(api, config, group).await?;
    }
    if let Some((application, revision)) = goal(&deployment, &plan) {
        bundle::require(context, application, revision).await?;
    }
    if arguments.dry_run {
        let config = arguments.config.as_deref();
        let back = Back::read(api, &deployment, &plan).await?;
        shown(&deployment, &plan, config, back).print(&context.settings.output, &context.ui)?;
        if let (Plan::Deploy { group, .. }, None, Some(at_once)) = (&plan, config, at_once(&deployment)) {
            context.ui.note(&format!(
                "the traffic moves as the configuration of {group} says; at once with --config {at_once}"
            ));
        }
        context.ui.note("nothing was changed");
        return Ok(Exit::Ok);
    }
    match plan {
        Plan::Exists(rollback) => {
            context.ui.note(&format!("CodeDeploy rolls deployment {id} back already, with {rollback}"));
            arguments.watch(context, rollback, watching).await
        }
        Plan::UnderWay => {
            context.ui.note(&format!("deployment {id} goes there already, and is not stopped"));
            arguments.watch(context, id, watching).await
        }
        Plan::Automatic { untouched } => {
            context.confirm(&format!("Stop deployment {id} and roll it back?")).await?;
            stop(context, &id, true).await?;
            let then = if untouched { "its traffic has not moved" } else { "CodeDeploy rolls it back" };
            context.ui.note(&format!("stopping deployment {id}; {then}"));
            arguments.automatic(context, &deployment, finds, watching).await
        }
        Plan::Deploy { stop, group, goal } => {
            let stopping =
                if stop { format!("Stop deployment {id} and deploy") } else { "Deploy".to_owned() };
            context.confirm(&format!("{stopping} {} to {group}?", goal.revision)).await?;
            if stop && let Some(left) = stopped(context, &id, watching).await? {
                return Ok(left);
            }
            arguments.deploy(context, &deployment, &group, *goal, watching).await
        }
    }
}

impl Arguments {
    async fn plan(
        &self,
        context: &Context,
        seen: &Seen<Deployment>,
        watching: &mut WatchArgs,
    ) -> anyhow::Result<Plan> {
        let deployment = &seen.value;
        let id = &deployment.id;
        if self.current_version.is_some() && deployment.platform != Some(ComputePlatform::Lambda) {
            return Err(Failure::new(format!("deployment {id} has no version that is live"))
                .cause("--current-version is of a Lambda function, which this deployment does not have")
                .help("leave it out")
                .exit(Exit::Usage)
                .into());
        }
        if deployment.creator.as_ref().is_some_and(Creator::is_auto_scaling) {
            return Err(Failure::new(format!(
                "deployment {id} was made by Auto Scaling for its own instances"
            ))
            .help("roll back the group: `cdctl deploy rollback APP/GROUP`")
            .into());
        }
        let running = !deployment.status.is_terminal();
        if self.to.is_none()
            && let Some(rollback) = rollback_of(context, deployment, watching).await?
        {
            return Ok(Plan::Exists(rollback));
        }
        if self.to.is_none() && running && deployment.creator == Some(Creator::Rollback) {
            return Ok(Plan::UnderWay);
        }
        let group = group(deployment).ok_or_else(|| {
            Failure::new(format!("deployment {id} cannot be rolled back"))
                .cause("it has no deployment group; another service made it")
        })?;
        if self.to.is_none() && running && deployment.previous_revision.is_none() && is_managed(deployment) {
            // Nothing is stopped for a rollback that does not come.
            return Err(stays_split(id, "cannot be rolled back").into());
        }
        if self.to.is_some() && running && is_managed(deployment) {
            return Err(Failure::new(format!("deployment {id} cannot be stopped for another revision"))
                .cause("its traffic may be between two versions, which takes no other before CodeDeploy has put it back")
                .help(format!("first `cdctl deploy rollback {id}`, and then deploy the revision"))
                .into());
        }
        let automatic = deployment.auto_rollback.enabled || is_managed(deployment);
        if let (None, true, true, Some(previous)) =
            (&self.to, running, automatic, &deployment.previous_revision)
        {
            if goes_to(deployment, previous) {
                return Ok(Plan::UnderWay);
            }
            // Who may not ask finds out at the end.
            let untouched = is_untouched(context.api().await?, deployment).await.unwrap_or(false);
            return Ok(Plan::Automatic { untouched });
        }
        if !running {
            let latest = DeploymentName::LatestOf(group.clone()).resolve(context, false).await?;
            if latest != *id {
                let to = match &self.to {
                    Some(Locator::Revision(revision)) => format!(" --to {}", shell(&revision.to_string())),
                    Some(Locator::AppSpecFile(file)) => {
                        format!(" --to {}", shell(&format!("appspec:{}", file.display())))
                    }
                    Some(Locator::LastGood) | None => String::new(),
                };
                return Err(Failure::new(format!("deployment {id} is not what {group} has now"))
                    .cause(format!("its latest deployment is {latest}"))
                    .help(format!("roll back the group: `cdctl deploy rollback {group}{to}`"))
                    .into());
            }
        }
        let good = self.goal(context, deployment, &group).await?;
        redeployable(&good.revision).map_err(|cause| {
            Failure::new(format!("deployment {id} cannot be rolled back")).cause(cause).help(by_hand(&group))
        })?;
        if running && goes_to(deployment, &good.revision) {
            return Ok(Plan::UnderWay);
        }
        let overrides = self.overrides(context, seen, good.deployment).await?;
        let goal = Box::new(Goal { revision: good.revision, overrides });
        Ok(Plan::Deploy { stop: running, group, goal })
    }

    /// The revision to go back to.
    async fn goal(
        &self,
        context: &Context,
        deployment: &Deployment,
        name: &GroupName,
    ) -> anyhow::Result<Good> {
        let alone = |revision| Ok(Good { revision, deployment: None });
        match &self.to {
            Some(Locator::Revision(revision)) => return alone(revision.clone()),
            Some(Locator::AppSpecFile(file)) => return alone(appspec_file::revision(context, file)?),
            Some(Locator::LastGood) | None => {}
        }
        let api = context.api().await?;
        if deployment.platform == Some(ComputePlatform::Lambda) {
            let succeeded = deployment.status == DeploymentStatus::Succeeded;
            let shift = versions::back(api, name, self.current_version.as_deref(), succeeded).await?;
            return alone(shift.revision());
        }
        last_good::find(api, name).await
    }

    /// What the good deployment was told, as CodeDeploy's own rollback takes it over; of a group that finds its new fleet,
    /// which instances that is.
    async fn overrides(
        &self,
        context: &Context,
        seen: &Seen<Deployment>,
        good: Option<String>,
    ) -> anyhow::Result<Map<String, Value>> {
        let id = &seen.value.id;
        if seen.value.platform != Some(ComputePlatform::Server) {
            return Ok(Map::new());
        }
        let mut overrides = match good {
            Some(good) => {
                let answer = context.api().await?.deployment(&good).await;
                let answer =
                    answer.doing(format_args!("read deployment {good}, which is to be gone back to"))?;
                told(&answer.json, &["fileExistsBehavior", "targetInstances"])
            }
            None => Map::new(),
        };
        if let Some(fleet) = self.fleet.member() {
            overrides.insert("targetInstances".to_owned(), fleet);
        }
        if finds_its_fleet(&seen.json) && !overrides.contains_key("targetInstances") {
            return Err(Failure::new(format!("deployment {id} cannot be rolled back"))
                .cause("its group finds the new instances by what each deployment says, and no earlier one tells which")
                .help("name them with --target-tag, --target-tag-set or --target-asg")
                .into());
        }
        Ok(overrides)
    }

    /// Follows what CodeDeploy makes of the deployment, which has been stopped.
    async fn automatic(
        &self,
        context: &Context,
        deployment: &Deployment,
        finds: bool,
        watching: &mut WatchArgs,
    ) -> anyhow::Result<Exit> {
        let id = &deployment.id;
        let undo = || {
            if let Some(undo) = group(deployment).and_then(|group| undo(deployment, &group, finds)) {
                context.ui.note(&format!("undo with `cdctl deploy {undo}`"));
            }
        };
        if self.no_watch {
            undo();
            context.ui.note(&format!("see how it ends with `cdctl deploy watch {id}`"));
            return Ok(Exit::Ok);
        }
        let left = |outcome: &Outcome| {
            context.ui.warn(&format!(
                "the rollback of deployment {id} was not seen; see how it ends with `cdctl deploy watch {id}`"
            ));
            Ok(outcome.exit())
        };
        if deployment.platform == Some(ComputePlatform::Ecs) {
            let ended = match watching::wait(context, id, watching, None).await? {
                Waited::Ended(ended) => ended,
                Waited::Left(outcome) => return left(&outcome),
            };
            let named = ended.rollback.rollback_deployment_id.is_some();
            if !named && is_untouched(context.api().await?, &ended).await.unwrap_or(false) {
                context.ui.note(&format!(
                    "deployment {id} is {} and had moved no traffic: there is nothing to roll back, the task set of \
                     before serves",
                    ended.status
                ));
                undo();
                // No deployment brings the group back; it is where it was to be.
                let name = group(deployment).map_or(DeploymentName::Id(id.clone()), DeploymentName::LatestOf);
                return watching::nothing(context, &[name], watching, Outcome::Succeeded, false).await;
            }
        }
        let ended = match watching::wait(context, id, watching, Some(true)).await? {
            Waited::Ended(ended) => ended.rollback,
            Waited::Left(outcome) => return left(&outcome),
        };
        let Some(rollback) = ended.rollback_deployment_id else {
            let why = ended
                .message
                .unwrap_or_else(|| "the service named none in the minute after its end".to_owned());
            return Err(Failure::new(format!("CodeDeploy made no rollback of deployment {id}"))
                .cause(why)
                .help(format!("deploy the last good revision with `cdctl deploy rollback {id}`"))
                .into());
        };
        undo();
        self.watch(context, rollback, watching).await
    }

    async fn deploy(
        &self,
        context: &Context,
        from: &Deployment,
        group: &GroupName,
        Goal { revision, overrides }: Goal,
        watching: &WatchArgs,
    ) -> anyhow::Result<Exit> {
        let undo = undo(from, group, overrides.contains_key("targetInstances"));
        let request = CreateDeployment {
            overrides,
            config: self.config.clone(),
            ..plain(group, Some(revision), Some(format!("rollback of {}", from.id)))
        };
        create(context, group, &request, undo, (!self.no_watch).then_some(watching)).await
    }

    /// Prints the id of the rollback that is there, as of one that is made, and watches it.
    async fn watch(&self, context: &Context, id: String, watching: &WatchArgs) -> anyhow::Result<Exit> {
        print(context, &id, json!({ "deploymentId": id }))?;
        if self.no_watch {
            context.ui.note(&format!("watch it with `cdctl deploy watch {id}`"));
            return Ok(Exit::Ok);
        }
        watching::watch(context, &[id], watching, true).await
    }
}

/// The rollback that CodeDeploy makes of a deployment's end. It names it later, which is waited for.
async fn rollback_of(
    context: &Context,
    deployment: &Deployment,
    watching: &mut WatchArgs,
) -> anyhow::Result<Option<String>> {
    let told = &deployment.rollback;
    let comes = Ending::of(deployment).is_some_and(|end| end.is_rolled_back(deployment, false));
    if told.rollback_deployment_id.is_some() || told.message.is_some() || !comes {
        return Ok(told.rollback_deployment_id.clone());
    }
    let id = &deployment.id;
    match watching::wait(context, id, watching, Some(false)).await? {
        Waited::Ended(ended) => Ok(ended.rollback.rollback_deployment_id),
        Waited::Left(outcome) => {
            Err(Failure::new(format!("CodeDeploy has not named its rollback of deployment {id} yet"))
                .cause("nothing was done: there is never a second rollback")
                .help(format!("try again: `cdctl deploy rollback {id}`"))
                .exit(outcome.exit())
                .into())
        }
    }
}

/// Stops the deployment, without CodeDeploy's rollback; gives how the command ends where its end was not seen.
async fn stopped(context: &Context, id: &str, watching: &mut WatchArgs) -> anyhow::Result<Option<Exit>> {
    stop(context, id, false).await?;
    context.ui.note(&format!("stopping deployment {id}"));
    let Waited::Left(outcome) = watching::wait(context, id, watching, None).await? else { return Ok(None) };
    context.ui.warn(&format!(
        "deployment {id} was not seen to end; nothing was deployed. Try again: `cdctl deploy rollback {id}`"
    ));
    Ok(Some(outcome.exit()))
}

/// The arguments of `cdctl deploy` that take a rollback of `from` back; none where nothing is known that does. `finds`:
/// each deployment to its group names its instances.
fn undo(from: &Deployment, group: &GroupName, finds: bool) -> Option<String> {
    match &from.revision {
        // Nothing but that deployment has its AppSpec, or tells its fleet.
        Some(Revision::AppSpec { .. }) if from.platform == Some(ComputePlatform::Ecs) => {
            Some(format!("retry {}", from.id))
        }
        Some(_) if finds => Some(format!("retry {}", from.id)),
        // Where it was stopped half way, nothing but itself has its step.
        _ if from.platform == Some(ComputePlatform::Lambda) && !from.status.is_terminal() => {
            Some(format!("retry {}", from.id))
        }
        // The way back from the way back, by the group's history.
        _ if from.platform == Some(ComputePlatform::Lambda) => Some(format!("rollback {group}")),
        Some(revision) if redeployable(revision).is_ok() => {
            Some(format!("create {group} --revision {}", shell(&revision.to_string())))
        }
        _ => None,
    }
}

/// The configuration that moves all of a deployment's traffic at once.
fn at_once(deployment: &Deployment) -> Option<&'static str> {
    match deployment.platform {
        Some(ComputePlatform::Lambda) => Some("CodeDeployDefault.LambdaAllAtOnce"),
        Some(ComputePlatform::Ecs) => Some("CodeDeployDefault.ECSAllAtOnce"),
        _ => None,
    }
}

/// The hosts get this revision from it already. What has moved traffic goes back another way.
fn goes_to(deployment: &Deployment, revision: &Revision) -> bool {
    !is_managed(deployment)
        && deployment.revision.as_ref().is_some_and(|own| own.to_string() == revision.to_string())
}

/// Each deployment to its group names the instances of the new fleet.
fn finds_its_fleet(answer: &Value) -> bool {
    let action = "/deploymentInfo/blueGreenDeploymentConfiguration/greenFleetProvisioningOption/action";
    answer.pointer(action).and_then(Value::as_str) == Some("DISCOVER_EXISTING")
}
