//! `cdctl revision run`: a deployment on this machine, without AWS.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use super::fetched::Fetched;
use super::run_report::{Ended, Report};
use crate::appspec::{self, Agent, AppSpec, FileExists, Os, Scope};
use crate::clock::Stopwatch;
use crate::context::Context;
use crate::error::Failure;
use crate::exit::Exit;
use crate::format::print_json;
use crate::model::{BundleType, EventName, LifecycleErrorCode};
use crate::revision::{Selection, Source, check_as, pack_as_is};
use crate::runner::{self, HookPolicy, Host, Isolation, Order, Specification};
use crate::settings::Environment;
use crate::source::psych::Item;
use crate::source::{self, core, psych};

/// Run a deployment of a bundle on this machine, as codedeploy-local does
///
/// Without --root it installs onto this machine and its scripts run on it. With --root DIR all files go below DIR; where
/// bubblewrap is installed the scripts see DIR as `/`, elsewhere they find it in CDCTL_HOST_ROOT. A second run in the
/// same group runs the scripts of the revision before for ApplicationStop. Without --root scripts have the caller's
/// environment and `sudo` is done; for root `runas`, owners, ACLs and SELinux contexts are done too. What is not done is
/// noted. Ends with 3 where an event fails.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  cdctl revision run . --root /tmp/host\n  cdctl revision run --dry-run\n  cdctl revision run -l site.zip -t zip -e DownloadBundle,Install,Smoke --root /tmp/host"
)]
pub struct Arguments {
    /// A directory, a .zip, .tar or .tgz file, s3://BUCKET/KEY, github:OWNER/REPO@COMMIT, or an address of GitHub's
    #[arg(value_name = "PATH", default_value = ".", conflicts_with = "bundle_location")]
    path: PathBuf,

    /// The same, under codedeploy-local's name
    #[arg(short = 'l', long, value_name = "PATH")]
    bundle_location: Option<PathBuf>,

    /// What PATH is [default: found out from it]
    #[arg(short = 't', long = "type", value_name = "TYPE")]
    kind: Option<Kind>,

    /// What to do with files that are there already, where the AppSpec says nothing
    #[arg(short = 'b', long, value_name = "BEHAVIOR", default_value = "DISALLOW", ignore_case = true)]
    file_exists_behavior: Behaviour,

    /// The id of the deployment group: what was installed before is looked up under it
    #[arg(short = 'g', long, value_name = "ID", default_value = "default-local-deployment-group")]
    deployment_group: String,

    /// DEPLOYMENT_GROUP_NAME for the scripts
    #[arg(short = 'd', long, value_name = "NAME", default_value = "LocalFleet")]
    deployment_group_name: String,

    /// APPLICATION_NAME for the scripts [default: the path]
    #[arg(short = 'a', long, value_name = "NAME")]
    application_name: Option<String>,

    /// The events to run, in order, custom ones too; DownloadBundle and Install are added where they are missing
    #[arg(short = 'e', long, value_name = "EVENT,…", value_delimiter = ',')]
    events: Vec<String>,

    /// The AppSpec's path in the bundle
    #[arg(short = 'A', long, value_name = "FILE", default_value = appspec::FILE_NAME, value_parser = below)]
    appspec_filename: String,

    /// The agent's configuration, for its root_dir and max_revisions [default: /etc/codedeploy-agent/conf/codedeployagent.yml, where it is there and no --root is given]
    #[arg(short = 'c', long, value_name = "FILE", conflicts_with = "agent_dir")]
    agent_configuration_file: Option<PathBuf>,

    /// Install below this directory instead of onto this machine
    #[arg(long, value_name = "DIR")]
    root: Option<PathBuf>,

    /// Where revisions, records and logs are kept [default: opt/codedeploy-agent/deployment-root below the root]
    #[arg(long, value_name = "DIR")]
    agent_dir: Option<PathBuf>,

    /// The agent that reads the AppSpec: 1 (1.8, in Ruby) or 2 (2.x, in Rust)
    #[arg(long, value_name = "AGENT", default_value = "1")]
    agent: Which,

    /// Show each file and script, and do nothing
    #[arg(long)]
    dry_run: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Kind {
    Directory,
    Zip,
    Tar,
    Tgz,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "UPPER")]
enum Behaviour {
    Disallow,
    Overwrite,
    Retain,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Which {
    #[value(name = "1")]
    One,
    #[value(name = "2")]
    Two,
}

/// A path that stays below the bundle's root.
fn below(text: &str) -> Result<String, String> {
    let fits = |part: std::path::Component<'_>| matches!(part, std::path::Component::Normal(_));
    if !text.is_empty() && Path::new(text).components().all(fits) {
        return Ok(text.to_owned());
    }
    Err("it is a path below the bundle's root".to_owned())
}

/// Where an installed agent keeps its configuration. Source: official agent 1.8.1.
const CONFIGURATION: &str = "/etc/codedeploy-agent/conf/codedeployagent.yml";

/// What a run needs of an agent's configuration.
struct Configuration {
    root_dir: Option<PathBuf>,
    max_revisions: usize,
}

impl Default for Configuration {
    fn default() -> Self {
        Configuration { root_dir: None, max_revisions: runner::MAX_REVISIONS }
    }
}

/// Reads an agent's configuration, whose keys are written with a colon in front or without.
fn configuration(file: &Path) -> anyhow::Result<Configuration> {
    let text = runner::read_appspec(file).with_context(|| format!("cannot read {}", file.display()))?;
    let root = source::parse(&text)
        .and_then(|document| core::load(&document))
        .with_context(|| format!("cannot read {}", file.display()))?;
    let mut found = Configuration::default();
    let Some(Item { value: psych::Value::Map(map), .. }) = root else { return Ok(found) };
    let text = |name: &str| {
        let item = map.get(&format!(":{name}")).or_else(|| map.get(name));
        item.map(|item| item.value.to_s()).filter(|text| !text.is_empty())
    };
    found.root_dir = text("root_dir").map(PathBuf::from);
    if let Some(count) = text("max_revisions") {
        found.max_revisions = count.parse().ok().filter(|count| *count > 0).ok_or_else(|| {
            Failure::new(format!("{}: max_revisions is {count}", file.display()))
                .help("it is a number of revisions, 1 or more")
        })?;
    }
    Ok(found)
}

/// codedeploy-local's order.
const EVENTS: &[EventName] = &[
    EventName::BeforeBlockTraffic,
    EventName::AfterBlockTraffic,
    EventName::ApplicationStop,
    EventName::DownloadBundle,
    EventName::BeforeInstall,
    EventName::Install,
    EventName::AfterInstall,
    EventName::ApplicationStart,
    EventName::ValidateService,
    EventName::BeforeAllowTraffic,
    EventName::AfterAllowTraffic,
];

/// The events to run: those of the flag, with the two that every deployment needs.
fn events(chosen: &[String]) -> anyhow::Result<Vec<EventName>> {
    if chosen.is_empty() {
        return Ok(EVENTS.to_vec());
    }
    let mut events: Vec<EventName> = chosen.iter().map(|name| EventName::from(name.as_str())).collect();
    let at = |events: &[EventName], wanted: EventName| events.iter().position(|event| *event == wanted);
    if at(&events, EventName::DownloadBundle).is_none() {
        events.insert(0, EventName::DownloadBundle);
    }
    let download = at(&events, EventName::DownloadBundle).unwrap_or_default();
    match at(&events, EventName::Install) {
        None => events.insert(download + 1, EventName::Install),
        Some(install) if install < download => {
            return Err(Failure::new("Install comes before DownloadBundle").exit(Exit::Usage).into());
        }
        Some(_) => {}
    }
    Ok(events)
}

pub async fn run(context: &Context, arguments: &Arguments) -> anyhow::Result<Exit> {
    let path = arguments.bundle_location.as_ref().unwrap_or(&arguments.path);
    let events = events(&arguments.events)?;
    let fetched = Fetched::of(context, path).await?;
    let source = match (arguments.kind, fetched.source()) {
        (Some(Kind::Zip), Source::Ready(file, _)) => Source::Ready(file.clone(), BundleType::Zip),
        (Some(Kind::Tar), Source::Ready(file, _)) => Source::Ready(file.clone(), BundleType::Tar),
        (Some(Kind::Tgz), Source::Ready(file, _)) => Source::Ready(file.clone(), BundleType::Tgz),
        (None, source) | (Some(Kind::Directory), source @ Source::Directory(_)) => source.clone(),
        _ => {
            let message = format!("{} is not of the type that --type names", path.display());
            return Err(Failure::new(message).exit(Exit::Usage).into());
        }
    };
    let appspec = checked(context, &source, arguments, &events)?;
    let root = arguments.root.clone().unwrap_or_else(|| PathBuf::from("/"));
    let behaviour = match arguments.file_exists_behavior {
        Behaviour::Disallow => FileExists::Disallow,
        Behaviour::Overwrite => FileExists::Overwrite,
        Behaviour::Retain => FileExists::Retain,
    };
    if arguments.dry_run {
        return dry_run(context, &source, &appspec, &root, (behaviour, agent(arguments)), &events);
    }
    let installed =
        Some(PathBuf::from(CONFIGURATION)).filter(|file| arguments.root.is_none() && file.exists());
    let file = arguments.agent_configuration_file.clone().or(installed);
    let configured = file.map(|file| configuration(&file)).transpose()?.unwrap_or_default();
    let agent_dir = arguments.agent_dir.clone().or(configured.root_dir);
    let agent_dir = agent_dir.unwrap_or_else(|| root.join("opt/codedeploy-agent/deployment-root"));
    fs::create_dir_all(&agent_dir).map_err(|error| {
        Failure::new(format!("cannot write {}: {error}", agent_dir.display()))
            .help("pass --root DIR to install below a directory of yours, or run it as root")
    })?;
    let host = Host {
        agent_dir,
        root,
        variables: if arguments.root.is_none() { variables(agent(arguments)) } else { BTreeMap::new() },
        // Whoever runs a revision on this machine means its scripts; elsewhere they are kept in where that is possible.
        hooks: Arc::new(HookPolicy {
            isolation: if arguments.root.is_some() { Isolation::best() } else { Isolation::None },
            allow_host_hooks: true,
            ..HookPolicy::default()
        }),
        groups: Arc::default(),
        max_revisions: configured.max_revisions,
        real: arguments.root.is_none(),
    };
    let specification = Specification {
        deployment_id: id(),
        application_name: arguments.application_name.clone().unwrap_or_else(|| fetched.name().to_owned()),
        group_name: arguments.deployment_group_name.clone(),
        group_id: arguments.deployment_group.clone(),
        bundle_type: kind(&source),
        file_exists: behaviour,
        appspec: arguments.appspec_filename.clone(),
        bundle_variables: fetched.variables.clone(),
    };
    let report = Arc::new(Report::new(&context.ui, &context.settings.output));
    let agent = agent(arguments);
    context.blocking(move || deploy(&report, agent, &host, &specification, &source, &events)).await?
}

/// What scripts on the machine itself see beside the deployment's own: all of the caller's, as from codedeploy-local.
/// Agent 2 holds back the keys.
fn variables(agent: Agent) -> BTreeMap<String, String> {
    const KEYS: &[&str] = &["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_CREDENTIAL_FILE"];
    let mut variables = Environment::variables();
    variables.retain(|name, _| agent == Agent::One || !KEYS.contains(&name.as_str()));
    variables
}

/// `d-` and nine characters, as codedeploy-local names them.
fn id() -> String {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    let letter = |_| char::from(*fastrand::choice(LETTERS).unwrap_or(&b'A'));
    format!("d-{}-local", (0..9).map(letter).collect::<String>())
}

fn kind(source: &Source) -> BundleType {
    match source {
        Source::Directory(_) => BundleType::Tar,
        Source::Ready(_, kind) => kind.clone(),
    }
}

fn agent(arguments: &Arguments) -> Agent {
    if arguments.agent == Which::One { Agent::One } else { Agent::Two }
}

/// The AppSpec, which is looked at before anything runs.
fn checked(
    context: &Context,
    source: &Source,
    arguments: &Arguments,
    events: &[EventName],
) -> anyhow::Result<AppSpec> {
    let agent = agent(arguments);
    let scope = Scope { agent: Some(agent), ..Scope::default() };
    let name = arguments.appspec_filename.as_str();
    let chosen = (name != appspec::FILE_NAME).then_some(name);
    let report = check_as(source, scope, &Selection::default(), chosen)?;
    let refuse = |what: String| Failure::new(what).exit(Exit::Findings);
    let appspec = match appspec::load(&report.text, Os::Linux, agent) {
        Ok(appspec) => appspec,
        Err(message) => {
            context.ui.complain(report.render(context.ui.terminal.colour.1).trim_end());
            return Err(refuse(format!("{}: the agent refuses it; nothing was run", report.path))
                .cause(message)
                .into());
        }
    };
    let unknown: Vec<&str> = appspec
        .hooks
        .iter()
        .filter(|(name, scripts)| {
            let event = EventName::from(name.as_str());
            !scripts.is_empty() && !EVENTS.contains(&event) && !events.contains(&event)
        })
        .map(|(name, _)| name.as_str())
        .collect();
    if unknown.is_empty() {
        return Ok(appspec);
    }
    if agent == Agent::Two {
        // Its local run never asks.
        for name in unknown {
            context.ui.note(&format!("warning: there is no event {name}: its scripts will not run"));
        }
        return Ok(appspec);
    }
    Err(refuse(format!("{} has scripts for unknown events: {}", report.path, unknown.join(", ")))
        .help("name custom events with --events, in their order")
        .into())
}

fn dry_run(
    context: &Context,
    source: &Source,
    appspec: &AppSpec,
    root: &Path,
    (behaviour, agent): (FileExists, Agent),
    events: &[EventName],
) -> anyhow::Result<Exit> {
    let folder = tempfile::tempdir().context("cannot make a temporary directory")?;
    let archive = folder.path().join("archive");
    fs::create_dir(&archive).context("cannot make a temporary directory")?;
    let bundle = folder.path().join("bundle");
    fetch(source, &bundle)
        .and_then(|()| runner::unpack(&bundle, &kind(source), &archive))
        .map_err(Failure::new)?;
    // A root that is not there yet is an empty one.
    let root = if root.is_dir() { root.to_owned() } else { folder.path().join("root") };
    let plan = runner::preview(appspec, &archive, &root, behaviour, agent)
        .map_err(|message| Failure::new("Install would fail").cause(message).exit(Exit::Failed))?;
    let archive = archive.canonicalize().unwrap_or(archive);
    let steps = plan.get("instructions").and_then(Value::as_array).cloned().unwrap_or_default();
    let mut lines = Vec::new();
    for event in events {
        for script in appspec.scripts(event.as_str()) {
            lines.push(json!({"event": event.as_str(), "type": "script", "location": script.location,
                "timeout": script.timeout, "runas": script.runas}));
        }
        if *event == EventName::Install {
            for step in &steps {
                let mut step = step.clone();
                if let Some(source) = step.get("source").and_then(Value::as_str) {
                    let below = Path::new(source).strip_prefix(&archive).unwrap_or(Path::new(source));
                    step["source"] = below.to_string_lossy().into();
                }
                step["event"] = event.as_str().into();
                lines.push(step);
            }
        }
    }
    if context.settings.output.format.is_machine() {
        let json = json!({ "steps": lines });
        print_json(&json, Some("steps"), &context.settings.output, &context.ui)?;
    } else {
        super::run_report::steps(&lines, &context.ui)?;
    }
    Ok(Exit::Ok)
}

/// Writes the bundle to where the agent looks for it.
fn fetch(source: &Source, to: &Path) -> Result<(), String> {
    match source {
        Source::Ready(file, _) => fs::copy(file, to).map(|_| ()).map_err(|error| error.to_string()),
        Source::Directory(directory) => {
            pack_as_is(directory, to, &BundleType::Tar).map(drop).map_err(|error| error.message)
        }
    }
}

fn deploy(
    report: &Arc<Report>,
    agent: Agent,
    host: &Host,
    specification: &Specification,
    source: &Source,
    events: &[EventName],
) -> anyhow::Result<Exit> {
    report.begin(&specification.deployment_id, host);
    let mut ended = Vec::new();
    for event in events {
        report.event(event)?;
        let heard = Arc::clone(report);
        let listener: runner::Listener = Arc::new(move |text: &str| heard.line(text));
        let order = Order { specification, event, agent, listener: Some(listener) };
        let watch = Stopwatch::start();
        let diagnostics = runner::run(host, &order, &|to: &Path| fetch(source, to));
        let failed = diagnostics.error_code != LifecycleErrorCode::Success;
        let end = Ended { event: event.clone(), diagnostics, took: watch.elapsed() };
        report.ended(&end)?;
        ended.push(end);
        if failed {
            break;
        }
    }
    let failed = report.summary(&specification.deployment_id, &ended, events)?;
    Ok(if failed { Exit::Failed } else { Exit::Ok })
}
