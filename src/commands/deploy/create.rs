//! `cdctl deploy create`

mod planning;
mod regions;
mod unchanged;
pub(super) mod written;

use std::path::PathBuf;

use clap::{ArgGroup, Args, ValueEnum};
use planning::Plan;
use regions::{region, wave_size};
use unchanged::Last;

use super::active::{self, IfActive};
use super::appspec::{AppSpecArgs, compute_platform};
use super::overrides::Overrides;
use super::sending::Made;
use super::watching::{self, WatchArgs};
use super::{RollbackChoice, bundle, last_good, sending, waves};
use crate::api::{Api, CreateDeployment, Created, ErrorKind};
use crate::commands::names::{GroupArgs, GroupName};
use crate::commands::request::{self, RequestArgs};
use crate::commands::revision::pushing::{self, Destination, Prepared};
use crate::commands::{appspec_file, missing};
use crate::context::Context;
use crate::error::Failure;
use crate::exit::Exit;
use crate::format::{Format, View};
use crate::model::{ComputePlatform, Revision};
use crate::revision::Locator;
use crate::signals;

/// Deploy a revision to a group
///
/// Prints the deployment's id. With --watch the exit code tells how the deployment ended.
#[derive(Clone, Debug, Args)]
#[command(
    group(ArgGroup::new("what").args(["revision", "push", "task_definition", "function", "appspec"]).multiple(true)),
    after_help = "\
Examples:
  cdctl deploy create shop/prod --push . --bucket releases --watch
  cdctl deploy create shop/prod --revision s3://releases/site-1.zip --watch
  cdctl deploy create shop/prod --revision last-good --if-active stop
  cdctl deploy create shop/prod --revision 's3://releases-{region}/site-1.zip' \\
      --regions eu-west-1,us-east-1 --watch
  cdctl deploy create shop/web --task-definition taskdef.json --watch
  cdctl deploy create shop/checkout --function checkout:live --target-version 7 --watch
  cdctl deploy create shop/prod --mode restart --watch
  cdctl deploy create --from deployment.yaml --description again
  id=$(cdctl deploy create shop/prod --revision s3://releases/site-1.zip -q)"
)]
pub struct Arguments {
    #[command(flatten)]
    pub group: GroupArgs,

    /// s3://BUCKET/KEY[?versionId=V], github:OWNER/REPO@COMMIT, appspec:FILE, or last-good
    #[arg(long, value_name = "REVISION", conflicts_with_all = ["push", "task_definition", "function", "appspec"])]
    revision: Option<Locator>,

    /// Check, bundle and upload this directory or archive first
    #[arg(long, value_name = "PATH", conflicts_with_all = ["task_definition", "function", "appspec"])]
    push: Option<PathBuf>,

    /// Where --push uploads to
    #[arg(long, value_name = "BUCKET", env = "CDCTL_BUCKET", hide_env_values = true, value_parser = bundle::bucket)]
    bucket: Option<String>,

    /// The object that --push makes [default: APP/NAME-DIGEST.zip]
    #[arg(long, value_name = "KEY", requires = "push")]
    key: Option<String>,

    /// The deployment configuration, instead of the group's
    #[arg(long, value_name = "CONFIG")]
    config: Option<String>,

    /// Said of the deployment wherever it is listed
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,

    /// Go on where the old revision's ApplicationStop fails
    #[arg(long)]
    ignore_application_stop_failures: bool,

    /// What to do with files that are there and no deployment put there
    #[arg(long, value_name = "WHAT")]
    file_exists: Option<FileExists>,

    /// Only instances that do not have the group's revision
    #[arg(long)]
    outdated_only: bool,

    /// Roll back by itself after these endings, instead of as the group says
    #[arg(long, value_name = "ENDING,…|off", value_delimiter = ',')]
    auto_rollback: Option<Vec<RollbackChoice>>,

    /// Do nothing where the group's last attempt succeeded on every target and deployed the same content
    ///
    /// An object is told by its eTag or version, and deployed with them. Prints the id of the deployment that was. A task
    /// definition of a file is always new.
    #[arg(long)]
    if_changed: bool,

    /// What to do where the group has a deployment under way
    #[arg(long, value_name = "WHAT", default_value = "fail")]
    if_active: IfActive,

    /// Show what would be done and do nothing
    #[arg(long, conflicts_with = "watch")]
    pub dry_run: bool,

    /// Watch the deployment to its end
    #[arg(long, short = 'w')]
    watch: bool,

    /// Deploy in these regions, wave after wave, each after the one before has succeeded; {region} in --revision and
    /// --bucket is the region's name
    #[arg(long, value_name = "REGION,…", value_delimiter = ',', value_parser = region)]
    pub regions: Vec<String>,

    /// With --regions: how many regions a wave has
    #[arg(
        long,
        value_name = "N",
        default_value = "1",
        requires = "regions",
        value_parser = wave_size(),
        hide_short_help = true
    )]
    pub wave_size: usize,

    #[command(flatten)]
    overrides: Overrides,

    #[command(flatten)]
    pub watching: WatchArgs,

    #[command(flatten)]
    pub appspec: AppSpecArgs,

    #[command(flatten)]
    written: RequestArgs,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum FileExists {
    /// The deployment fails
    Disallow,
    /// The revision's file replaces it
    Overwrite,
    /// It stays, and the revision's file is left out
    Retain,
}

pub async fn run(context: &Context, line: &Arguments) -> anyhow::Result<Exit> {
    let operation = request::operation("CreateDeployment")?;
    line.check_standard_input()?;
    let Some(file) = line.written.base(context, operation)? else { return Ok(Exit::Ok) };
    let arguments = &mut line.laid_on(context, file)?;
    arguments.check_regions()?;
    let watched = arguments.watch || arguments.dry_run;
    arguments.watching.require(context, watched, arguments.if_active != IfActive::Fail)?;
    // What is missing is said before the work.
    arguments.group.resolve(context)?;
    arguments.check_mode()?;
    arguments.auto_rollback()?;
    let prepared = match &arguments.push {
        Some(path) => {
            arguments.bucket()?;
            Some(pushing::prepare(context, path, arguments.key.as_deref()).await?)
        }
        None => None,
    };
    if !arguments.regions.is_empty() {
        return waves::run(context, arguments, prepared.as_ref()).await;
    }
    let stage = if arguments.dry_run { Stage::Planned } else { Stage::Made };
    let taken = match take(context, arguments, prepared.as_ref(), stage).await {
        Ok(taken) => taken,
        Err(error) if arguments.watch => {
            let group = arguments.group.resolve(context)?;
            return watching::not_begun(context, group, &arguments.watching, error).await;
        }
        Err(error) => return Err(error),
    };
    match taken {
        Taken::Checked => Ok(Exit::Ok),
        Taken::Planned(plan) => plan.show(context).await,
        Taken::Unchanged(there) => {
            View::of(there.json, there.id.as_str()).print(&context.settings.output, &context.ui)?;
            Ok(Exit::Ok)
        }
        Taken::Made(Made { created, mut signals }) => {
            let id = created.id.clone();
            announce(context, created, arguments)?;
            if arguments.watch {
                return watching::made(context, id, signals, &arguments.watching).await;
            }
            Ok(signals.heard().map_or(Exit::Ok, signals::exit))
        }
    }
}

/// How far a deployment is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// What can be known to be wrong is not.
    Checked,
    /// What would be sent is known.
    Planned,
    Made,
}

/// What came of it.
#[derive(Debug)]
pub enum Taken {
    Checked,
    Planned(Box<Plan>),
    /// By `--if-changed`: this deployment has made it so.
    Unchanged(Created),
    Made(Made),
}

/// Takes the deployment as far as `stage` in the region of `context`. Time that is waited for the group is taken off the
/// `--timeout`.
pub async fn take(
    context: &Context,
    arguments: &mut Arguments,
    prepared: Option<&Prepared>,
    stage: Stage,
) -> anyhow::Result<Taken> {
    let name = arguments.group.resolve(context)?;
    let auto_rollback = arguments.auto_rollback()?;
    // What can be wrong on this side is found before anything is called.
    let bundle = match prepared {
        Some(prepared) => Some((prepared, arguments.destination(prepared, &name)?)),
        None => None,
    };
    let mut given = arguments.given(context)?;
    let task = arguments.appspec.definition()?;
    let api = context.api().await?;
    // Who may deploy but not look gets by without the early answers.
    let group = match api.group(&name.application, &name.group).await {
        Ok(group) => Some(group),
        Err(error) if error.kind == ErrorKind::Denied && stage != Stage::Planned => None,
        Err(error) => return Err(missing::explain(api, error, &name, format!("deploy to {name}")).await),
    };
    if let Some(config) = &arguments.config {
        check_config(api, config, &name).await?;
    }
    if let Some(prepared) = prepared {
        let platform = compute_platform(group.as_ref()).map(ComputePlatform::from);
        prepared.require_platform(&name.application, platform)?;
    }
    if let Some(revision) = &given {
        bundle::require(context, &name.application, revision).await?;
    }
    let last = match &group {
        Some(group) if arguments.if_changed => {
            given = match given {
                Some(revision) => Some(unchanged::resolved(api, revision).await),
                None => None,
            };
            Last::of(context, &name, &group.value).await?
        }
        _ => None,
    };
    let to = bundle.as_ref().map(|(prepared, to)| (*prepared, to));
    if let Some(last) = &last
        && last.has(context, arguments, to, given.as_ref()).await?
    {
        return Ok(last.stays(context, &name, stage));
    }
    let appspec = arguments.appspec.prepare(context, &name, group.as_ref(), task).await?;
    if let (Some(last), Some(appspec)) = (&last, &appspec)
        && appspec.registers().is_none()
        && last.is(&appspec.planned()?)
    {
        return Ok(last.stays(context, &name, stage));
    }
    if let (Stage::Planned, Some(group)) = (stage, group) {
        let first = planning::first(&name, to, appspec.as_ref());
        let revision = match (to, &appspec) {
            (Some((prepared, to)), _) => Some(planning::revision(prepared, to)),
            (_, Some(appspec)) => Some(appspec.planned()?),
            _ => arguments.named(context, &name, given).await?,
        };
        if let (IfActive::Fail, Some(active)) = (arguments.if_active, active::find(context, &name).await?) {
            context.ui.warn(&format!("deployment {} is under way: this one would be refused", active.id));
        }
        let request = arguments.request(&name, revision, auto_rollback);
        return Ok(Taken::Planned(Box::new(Plan { request, group, first })));
    }
    if stage == Stage::Checked {
        if prepared.is_none() && given.is_none() && appspec.is_none() {
            arguments.named(context, &name, None).await?;
        }
        if arguments.if_active == IfActive::Fail {
            active::settle(context, &name, arguments.if_active, &mut arguments.watching).await?;
        }
        return Ok(Taken::Checked);
    }
    active::settle(context, &name, arguments.if_active, &mut arguments.watching).await?;
    let revision = match (to, appspec) {
        (Some((prepared, to)), _) => {
            let description = arguments.description.as_deref();
            Some(pushing::push(context, prepared, to, &name.application, description).await?)
        }
        (_, Some(appspec)) => Some(appspec.finish(context).await?),
        _ => arguments.named(context, &name, given).await?,
    };
    let request = arguments.request(&name, revision, auto_rollback);
    create(context, &name, &request, arguments).await.map(Taken::Made)
}

/// Nothing is uploaded and nothing stopped for a configuration that is not there. A caller who may not ask finds
/// out at the end.
pub async fn check_config(api: &Api, config: &str, name: &GroupName) -> anyhow::Result<()> {
    match api.config(config).await {
        Err(error) if error.kind == ErrorKind::NotFound => {
            Err(missing::explain_config(api, &error, config, format_args!("deploy to {name}")).await)
        }
        _ => Ok(()),
    }
}

/// Sends it. A deployment that came in between is dealt with as `--if-active` says.
async fn create(
    context: &Context,
    name: &GroupName,
    request: &CreateDeployment,
    arguments: &mut Arguments,
) -> anyhow::Result<Made> {
    let api = context.api().await?;
    loop {
        match sending::send(context, request).await? {
            Ok(made) => return Ok(made),
            Err(error) if error.kind == ErrorKind::Busy && arguments.if_active != IfActive::Fail => {
                active::settle(context, name, arguments.if_active, &mut arguments.watching).await?;
            }
            Err(error) if error.kind == ErrorKind::Busy => {
                return Err(active::busy(context, name, error).await);
            }
            Err(error) => return Err(missing::explain(api, error, name, format!("deploy to {name}")).await),
        }
    }
}

/// Prints the id.
fn announce(context: &Context, created: Created, arguments: &Arguments) -> anyhow::Result<()> {
    let output = &context.settings.output;
    if output.format == Format::Table || !arguments.watch {
        View::of(created.json, created.id.as_str())
            .print(output, &context.ui)
            .map_err(|error| unsaid(error, &created.id, arguments.watch))?;
    }
    if !arguments.watch {
        context.ui.note(&format!("watch it with `cdctl deploy watch {}`", created.id));
    }
    Ok(())
}

/// The id could not be printed; whoever closed the pipe did not want it.
fn unsaid(error: anyhow::Error, id: &str, watches: bool) -> anyhow::Error {
    let kind = error.downcast_ref::<std::io::Error>().map(std::io::Error::kind);
    if kind == Some(std::io::ErrorKind::BrokenPipe) {
        return error;
    }
    Failure::new(format!("deployment {id} was created and goes on, but its id could not be printed"))
        .cause(error.to_string())
        .help(format!("watch it with `cdctl deploy watch {id}`"))
        .exit(if watches { Exit::Unknown } else { Exit::Error })
        .into()
}

impl Arguments {
    fn check_standard_input(&self) -> anyhow::Result<()> {
        let from = self.written.from.as_ref().is_some_and(|file| file.as_os_str() == "-");
        if from && self.appspec.is_standard_input() {
            let what = "standard input is read once, not for both --from and --appspec";
            return Err(Failure::new(what).exit(Exit::Usage).into());
        }
        Ok(())
    }

    fn check_regions(&self) -> anyhow::Result<()> {
        let usage = |what: &str, help: &str| Err(Failure::new(what).help(help).exit(Exit::Usage).into());
        let bucket = match &self.revision {
            Some(Locator::Revision(Revision::S3 { bucket, .. })) => Some(bucket),
            _ => self.bucket.as_ref(),
        };
        if self.regions.is_empty() && bucket.is_some_and(|bucket| bucket.contains("{region}")) {
            return usage("{region} stands for each of --regions", "pass --regions REGION,REGION --watch");
        }
        if !self.regions.is_empty() && !self.watch && !self.dry_run {
            return usage("--regions goes from wave to wave by watching", "add --watch, or --dry-run");
        }
        if !self.regions.is_empty() && self.appspec.is_standard_input() {
            return usage("standard input is read once, not for each of --regions", "give --appspec a file");
        }
        Ok(())
    }

    /// Something is deployed, or what is there is restarted.
    fn check_mode(&self) -> anyhow::Result<()> {
        let wrong = |what: &str| Err(Failure::new(what).exit(Exit::Usage).into());
        match (
            self.overrides.is_restart(),
            self.revision.is_some() || self.push.is_some() || self.appspec.is_given(),
        ) {
            (false, false) => wrong(
                "nothing is named to deploy: pass --revision, --push, --task-definition, --function, --appspec or --mode restart",
            ),
            (true, true) => wrong("--mode restart deploys no revision: leave out what names one"),
            (true, false) if self.outdated_only => wrong("--mode restart has no --outdated-only"),
            (true, false) if self.if_changed => wrong("--mode restart has no --if-changed"),
            _ => Ok(()),
        }
    }

    /// The revision that the command line names, or the last good one; none for a restart.
    async fn named(
        &self,
        context: &Context,
        name: &GroupName,
        given: Option<Revision>,
    ) -> anyhow::Result<Option<Revision>> {
        if given.is_some() || self.overrides.is_restart() {
            return Ok(given);
        }
        let revision = last_good::find(context.api().await?, name).await?.revision;
        bundle::require(context, &name.application, &revision).await?;
        Ok(Some(revision))
    }

    fn auto_rollback(&self) -> anyhow::Result<Option<Vec<String>>> {
        let Some(choices) = &self.auto_rollback else { return Ok(None) };
        if choices.contains(&RollbackChoice::Off) {
            return if choices.len() == 1 {
                Ok(Some(Vec::new()))
            } else {
                Err(Failure::new("--auto-rollback is either off or a list of endings")
                    .exit(Exit::Usage)
                    .into())
            };
        }
        Ok(Some(choices.iter().filter_map(|choice| choice.event()).map(str::to_owned).collect()))
    }

    /// Where `--push` uploads to.
    fn destination(&self, prepared: &Prepared, name: &GroupName) -> anyhow::Result<Destination> {
        let key = self.key.clone().unwrap_or_else(|| prepared.key(&name.application));
        let bucket = self.bucket()?;
        Ok(Destination { bucket, key, if_changed: self.if_changed, ..Destination::default() })
    }

    fn bucket(&self) -> anyhow::Result<String> {
        Ok(self.bucket.clone().ok_or_else(|| {
            Failure::new("--push needs a bucket")
                .help("pass --bucket BUCKET or set CDCTL_BUCKET")
                .exit(Exit::Usage)
        })?)
    }

    /// The revision that the command line itself names; `last-good` is known only once the group is free.
    fn given(&self, context: &Context) -> anyhow::Result<Option<Revision>> {
        Ok(match &self.revision {
            Some(Locator::Revision(revision)) => Some(revision.clone()),
            Some(Locator::AppSpecFile(file)) => Some(appspec_file::revision(context, file)?),
            Some(Locator::LastGood) | None => None,
        })
    }

    fn request(
        &self,
        name: &GroupName,
        revision: Option<Revision>,
        auto_rollback: Option<Vec<String>>,
    ) -> CreateDeployment {
        let file_exists = self.file_exists.map(|behaviour| match behaviour {
            FileExists::Disallow => "DISALLOW".to_owned(),
            FileExists::Overwrite => "OVERWRITE".to_owned(),
            FileExists::Retain => "RETAIN".to_owned(),
        });
        CreateDeployment {
            application: name.application.clone(),
            group: name.group.clone(),
            revision,
            config: self.config.clone(),
            description: self.description.clone(),
            ignore_application_stop_failures: self.ignore_application_stop_failures,
            file_exists,
            outdated_only: self.outdated_only,
            auto_rollback,
            overrides: self.overrides.members(),
        }
    }
}
