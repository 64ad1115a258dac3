//! Revisions for Lambda and ECS whose AppSpec the tool makes or fills in: `--task-definition`, `--function`,
//! `--appspec`, `--set`.

use std::path::{Path, PathBuf};

use clap::{ArgGroup, Args};
use serde_json::Value;

use super::function::Function;
use super::{task_definition, versions};
use crate::api::{Api, ErrorKind, Seen};
use crate::appspec::{Platform, Scope, inline};
use crate::commands::appspec_file;
use crate::commands::names::GroupName;
use crate::context::Context;
use crate::error::{Doing, Failure};
use crate::exit::Exit;
use crate::model::{Group, Revision};
use task_definition::{Container, TaskDefinition};

/// What the AppSpec is made of.
#[derive(Clone, Debug, Args)]
#[command(
    next_help_heading = "ECS and Lambda",
    group(ArgGroup::new("appspec_of").args(["task_definition", "function", "appspec"]).multiple(true))
)]
pub struct AppSpecArgs {
    /// Deploy this task definition to the group's ECS service: an ARN, or a file to register first
    #[arg(long, value_name = "ARN|FILE", conflicts_with = "function")]
    task_definition: Option<TaskDefinition>,

    /// The container that the load balancer reaches [default: the last revision's, else the service's]
    #[arg(long, value_name = "NAME:PORT", requires = "task_definition")]
    container: Option<Container>,

    /// Point this function's alias at --target-version [default alias: the last revision's]
    #[arg(long, value_name = "NAME[:ALIAS]", requires = "target_version", conflicts_with = "appspec")]
    function: Option<Function>,

    /// The version to go to
    #[arg(long, alias = "version", value_name = "VERSION", requires = "function")]
    target_version: Option<String>,

    /// The version that the alias points at [default: what the group deployed last]
    #[arg(long, value_name = "VERSION", requires = "function")]
    current_version: Option<String>,

    /// An AppSpec to fill in; `-` is standard input
    #[arg(long, value_name = "FILE")]
    appspec: Option<PathBuf>,

    // No doc comment: the index would be read as a link.
    #[arg(
        long,
        value_name = "PATH=VALUE",
        requires = "appspec_of",
        value_parser = assignment,
        help = "Set a value of the AppSpec, such as Resources[0].TargetService.Properties.PlatformVersion=LATEST"
    )]
    set: Vec<(String, String)>,
}

fn assignment(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((path, value)) if !path.is_empty() => Ok((path.to_owned(), value.to_owned())),
        _ => Err("it is written PATH=VALUE".to_owned()),
    }
}

/// Stands for a task definition that is yet to be registered, where an ARN is looked for.
const TO_COME: &str = "arn:aws:ecs:us-east-1:123456789012:task-definition/to-come:1";

/// An AppSpec that is complete but for the task definition that is yet to be registered.
#[derive(Clone)]
pub struct Unfinished {
    appspec: Value,
    /// None: found out from the text.
    platform: Option<Platform>,
    /// Registered at the last moment.
    register: Option<(PathBuf, Value)>,
    container: Option<Container>,
    set: Vec<(String, String)>,
}

impl AppSpecArgs {
    pub fn is_given(&self) -> bool {
        self.task_definition.is_some() || self.function.is_some() || self.appspec.is_some()
    }

    pub fn is_standard_input(&self) -> bool {
        self.appspec.as_ref().is_some_and(|file| file.as_os_str() == "-")
    }

    /// What can be known before anything is changed, the group's readiness included; none where no AppSpec is asked
    /// for.
    pub async fn prepare(
        &self,
        context: &Context,
        name: &GroupName,
        group: Option<&Seen<Group>>,
        task: Option<Value>,
    ) -> anyhow::Result<Option<Unfinished>> {
        let written = match &self.appspec {
            Some(file) => Some(read(file)?),
            None => None,
        };
        let unfinished = |appspec| Unfinished {
            appspec,
            platform: platform(group),
            register: None,
            container: self.container.clone(),
            set: self.set.clone(),
        };
        let made = if let Some(definition) = &self.task_definition {
            require_platform(name, group, "ECS", "--task-definition")?;
            Some(self.ecs(context, name, group, written, definition, task).await?)
        } else if let Some(function) = &self.function {
            require_platform(name, group, "Lambda", "--function")?;
            Some(unfinished(self.lambda(context, name, group, function).await?))
        } else {
            written.map(unfinished)
        };
        // What is wrong with it is found before anything is stopped or registered.
        if let Some(made) = &made {
            made.check(context)?;
        }
        Ok(made)
    }

    /// Whether what this AppSpec made is what `--function` asks for.
    pub fn is_where(&self, appspec: &Value) -> bool {
        let Some(function) = self.function.as_ref().filter(|_| self.set.is_empty()) else { return false };
        let there = inline::target(appspec, &function.name);
        there.is_some_and(|(alias, version)| {
            function.alias.as_ref().is_none_or(|wanted| *wanted == alias)
                && self.target_version == Some(version)
        })
    }

    /// The task definition that the file holds, read before anything is called.
    pub fn definition(&self) -> anyhow::Result<Option<Value>> {
        match &self.task_definition {
            Some(TaskDefinition::File(file)) => task_definition::read(file).map(Some),
            _ => Ok(None),
        }
    }

    async fn ecs(
        &self,
        context: &Context,
        name: &GroupName,
        group: Option<&Seen<Group>>,
        written: Option<Value>,
        definition: &TaskDefinition,
        task: Option<Value>,
    ) -> anyhow::Result<Unfinished> {
        let service = task_definition::ready(context, name, group, task.is_some()).await?;
        let last = match written {
            Some(_) => None,
            None => last(context, name, group).await?.filter(inline::has_ecs),
        };
        let known = service.and_then(|service| service.container);
        let appspec = match (written, last, self.container.clone().map(|it| (it.name, it.port)).or(known)) {
            (Some(written), ..) => written,
            (None, Some(last), _) => last,
            (None, None, Some((container, port))) => inline::ecs("", &container, port),
            (None, None, None) => {
                return Err(Failure::new(format!(
                    "it is not known which container of {name} takes the traffic"
                ))
                .help("pass --container NAME:PORT")
                .into());
            }
        };
        let mut unfinished = Unfinished {
            appspec,
            platform: Some(Platform::Ecs),
            register: None,
            container: self.container.clone(),
            set: self.set.clone(),
        };
        match (definition, task) {
            (TaskDefinition::File(file), Some(task)) => {
                // What is wrong with the AppSpec is found before the task definition is registered.
                unfinished.fill(&format!("(registered from {})", file.display()))?;
                unfinished.register = Some((file.clone(), task));
            }
            (TaskDefinition::Arn(arn), _) => unfinished.fill(arn)?,
            (TaskDefinition::File(_), None) => {}
        }
        Ok(unfinished)
    }

    async fn lambda(
        &self,
        context: &Context,
        name: &GroupName,
        group: Option<&Seen<Group>>,
        Function { name: function, alias, region }: &Function,
    ) -> anyhow::Result<Value> {
        let here = context.api().await?.region();
        if let Some(region) = region.as_ref().filter(|region| *region != here) {
            return Err(Failure::new(format!("function {function} is in {region}, and {name} in {here}"))
                .help(format!("pass --region {region}, or the function's name alone"))
                .exit(Exit::Usage)
                .into());
        }
        let last = last(context, name, group).await?;
        let alias = alias.clone().or_else(|| inline::alias(last.as_ref()?, function)).ok_or_else(|| {
            Failure::new(format!("it is not known which alias of {function} {name} deploys"))
                .help(format!("write --function {function}:ALIAS"))
        })?;
        let to = self.target_version.as_deref().unwrap_or_default();
        let from = match &self.current_version {
            Some(version) => version.clone(),
            None => versions::live(context.api().await?, name, function).await?.ok_or_else(|| {
                Failure::new(format!("it is not known which version of {function} {alias} points at"))
                    .cause(format!("{name} has deployed none of it"))
                    .help("pass --current-version VERSION")
            })?,
        };
        if from == to {
            return Err(Failure::new(format!("{function}:{alias} points at version {to} already")).into());
        }
        if let Some(mut last) = last
            && inline::fill_lambda(&mut last, function, &alias, &from, to)
        {
            return Ok(last);
        }
        Ok(inline::lambda(function, &alias, &from, to))
    }
}

impl Unfinished {
    /// Holds it against the rules of `revision validate`; warnings are shown.
    fn check(&self, context: &Context) -> anyhow::Result<()> {
        let mut to_come = self.clone();
        if self.register.is_some() {
            to_come.fill(TO_COME)?;
        }
        let appspec = to_come.filled()?;
        if let Some((file, task)) = &self.register {
            task_definition::require_containers(file, task, &appspec)?;
        }
        let text = serde_json::to_string_pretty(&appspec)?;
        let scope = Scope { platform: self.platform, ..Scope::default() };
        appspec_file::check(context, "AppSpec", &text, scope)
    }

    fn filled(&self) -> anyhow::Result<Value> {
        let mut appspec = self.appspec.clone();
        for (path, value) in &self.set {
            inline::set(&mut appspec, path, value).map_err(|why| {
                Failure::new("the AppSpec cannot be filled in").cause(why).exit(Exit::Usage)
            })?;
        }
        Ok(appspec)
    }

    fn fill(&mut self, arn: &str) -> anyhow::Result<()> {
        let container = self.container.as_ref().map(|it| (it.name.clone(), it.port));
        inline::fill_ecs(&mut self.appspec, arn, container.as_ref()).map_err(|why| {
            Failure::new("the AppSpec cannot take a task definition").cause(why).exit(Exit::Findings).into()
        })
    }

    /// The file of the task definition that is yet to be registered.
    pub fn registers(&self) -> Option<&Path> {
        self.register.as_ref().map(|(file, _)| file.as_path())
    }

    /// The revision, as far as it is known before anything is registered.
    pub fn planned(&self) -> anyhow::Result<Revision> {
        Ok(appspec_file::of_text(self.filled()?.to_string()))
    }

    /// Registers the task definition, where there is one to register, and gives the revision.
    pub async fn finish(mut self, context: &Context) -> anyhow::Result<Revision> {
        if let Some((file, task)) = self.register.take() {
            let api = context.api().await?;
            let doing = format!("register the task definition {}", file.display());
            let arn = api.register_task_definition(&task).await.doing(doing)?;
            context.ui.note(&format!("registered {arn}"));
            self.fill(&arn)?;
        }
        self.planned()
    }
}

fn read(file: &Path) -> anyhow::Result<Value> {
    inline::read(&appspec_file::read(file)?).map_err(|why| {
        Failure::new(format!("{} is not an AppSpec", file.display())).cause(why).exit(Exit::Findings).into()
    })
}

/// What the group deploys to, in the service's word; none where the caller may not look at it.
pub fn compute_platform(group: Option<&Seen<Group>>) -> Option<&str> {
    group?.json.pointer("/deploymentGroupInfo/computePlatform")?.as_str()
}

/// What the group deploys to, where that has an AppSpec as its revision.
fn platform(group: Option<&Seen<Group>>) -> Option<Platform> {
    match compute_platform(group)? {
        "ECS" => Some(Platform::Ecs),
        "Lambda" => Some(Platform::Lambda),
        _ => None,
    }
}

/// Nothing is asked of a group that the caller may not look at.
fn require_platform(
    name: &GroupName,
    group: Option<&Seen<Group>>,
    wanted: &str,
    flag: &str,
) -> anyhow::Result<()> {
    match compute_platform(group) {
        Some(platform) if platform != wanted => Err(Failure::new(format!(
            "deployment group {name} deploys to {platform}, and {flag} is for {wanted}"
        ))
        .help(match platform {
            "ECS" => "pass --task-definition ARN|FILE",
            "Lambda" => "pass --function NAME:ALIAS --target-version VERSION",
            _ => "pass --push DIR or --revision REVISION",
        })
        .into()),
        _ => Ok(()),
    }
}

/// The inline AppSpec that the group aims at: its hooks and settings go on.
async fn last(
    context: &Context,
    name: &GroupName,
    group: Option<&Seen<Group>>,
) -> anyhow::Result<Option<Value>> {
    let Some(Revision::AppSpec { sha256: Some(sha256), .. }) =
        group.and_then(|group| group.value.target_revision.as_ref())
    else {
        return Ok(None);
    };
    let api: &Api = context.api().await?;
    match api.appspec_content(&name.application, sha256).await {
        Ok(Some(text)) => {
            let short = sha256.get(..12).unwrap_or(sha256);
            context.ui.note(&format!(
                "the rest of the AppSpec is that of the last revision, appspec:sha256={short}"
            ));
            Ok(inline::read(&text).ok())
        }
        Ok(None) => Ok(None),
        Err(error) if matches!(error.kind, ErrorKind::Denied | ErrorKind::NotFound) => Ok(None),
        Err(error) => Err(error).doing(format!("read the last AppSpec of {name}")),
    }
}
