//! `cdctl revision run`: a deployment on this machine, without AWS.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use clap::{Args, ValueEnum};

use super::dry_run;
use super::fetched::Fetched;
use super::run_check::{checked, events, warn_of_rights, warn_of_scripts};
use super::run_report::{Ended, Report};
use crate::appspec::{self, Agent, FileExists};
use crate::clock::Stopwatch;
use crate::context::Context;
use crate::error::Failure;
use crate::exit::Exit;
use crate::model::{BundleType, EventName, LifecycleErrorCode};
use crate::revision::{GitSource, Source, pack_as_is};
use crate::runner::{self, HookPolicy, Host, Isolation, Order, Specification};
use crate::scratch::Folder;
use crate::settings::Environment;
use crate::signals;
use crate::source::psych::Item;
use crate::source::{self, core, psych};

/// Run a deployment of a bundle on this machine, as codedeploy-local does
///
/// Without --root it installs onto this machine and its scripts run on it. With --root DIR all files go below DIR; where
/// bubblewrap 0.8 works the scripts see DIR as `/` and what they leave running ends with the run. Elsewhere they run on
/// this machine as you, which a warning says first, and find DIR in CDCTL_HOST_ROOT. A second run in the same group runs the
/// scripts of the revision before for ApplicationStop. Scripts start in `/`, with --root in DIR, as an agent's on an
/// instance do; codedeploy-local's start where it is called. Without --root scripts have the caller's environment and `sudo` is
/// done; for root `runas`, owners, ACLs and SELinux contexts are done too, and a tar keeps its own owners and setuid bits.
/// What is not done is noted. Ends with 3 where an event fails.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  cdctl revision run . --root /tmp/host\n  cdctl revision run --dry-run\n  cdctl revision run -l site.zip -t zip -e DownloadBundle,BeforeInstall,Install --root /tmp/host"
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
    #[arg(short = 'g', long, value_name = "ID", default_value = "default-local-deployment-group", value_parser = group)]
    deployment_group: String,

    /// DEPLOYMENT_GROUP_NAME for the scripts
    #[arg(short = 'd', long, value_name = "NAME", default_value = "LocalFleet")]
    deployment_group_name: String,

    /// APPLICATION_NAME for the scripts [default: the path]
    #[arg(short = 'a', long, value_name = "NAME")]
    application_name: Option<String>,

    /// The events to run, in order, custom ones too; DownloadBundle and Install come first where they are missing
    #[arg(short = 'e', long, value_name = "EVENT,…", value_delimiter = ',')]
    events: Vec<String>,

    /// The AppSpec's path in the bundle
    #[arg(short = 'A', long, value_name = "FILE", default_value = appspec::FILE_NAME, value_parser = below)]
    appspec_filename: String,

    /// The agent's configuration, for its max_revisions and, without --root, its root_dir [default: /etc/codedeploy-agent/conf/codedeployagent.yml, where it is there and no --root is given]
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

    /// A token for bundles of GitHub [default: CODEDEPLOY_GITHUB_TOKEN; without one git asks as it is set up]
    #[arg(long, value_name = "TOKEN", value_parser = token)]
    github_token: Option<String>,

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

impl Kind {
    fn archive(self) -> Option<BundleType> {
        match self {
            Kind::Directory => None,
            Kind::Zip => Some(BundleType::Zip),
            Kind::Tar => Some(BundleType::Tar),
            Kind::Tgz => Some(BundleType::Tgz),
        }
    }
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

/// A path that stays below the bundle's root, as an archive lists it.
fn below(text: &str) -> Result<String, String> {
    let mut path = PathBuf::new();
    for part in Path::new(text).components() {
        match part {
            Component::Normal(part) => path.push(part),
            Component::CurDir => {}
            _ => return Err("it is a path below the bundle's root".to_owned()),
        }
    }
    match path.to_str() {
        Some(path) if !path.is_empty() => Ok(path.to_owned()),
        _ => Err("it is a path below the bundle's root".to_owned()),
    }
}

/// A token of GitHub's, which is letters, digits and `_`.
fn token(text: &str) -> Result<String, String> {
    if !text.is_empty() && text.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_') {
        return Ok(text.to_owned());
    }
    Err("it is letters, digits and underscores".to_owned())
}

/// Where deploy-local looks for a token. Source: official agent 2.x.
const TOKEN: &str = "CODEDEPLOY_GITHUB_TOKEN";

fn of_github(path: &Path) -> bool {
    let text = path.to_string_lossy();
    text.starts_with("github:") || GitSource::of_github_page(&text).is_some()
}

/// The token of the flag, or of the variable.
fn chosen_token(flag: Option<&str>) -> anyhow::Result<Option<String>> {
    let variable = || Environment::variables().remove(TOKEN).filter(|text| !text.is_empty());
    let chosen = flag.map(str::to_owned).or_else(variable);
    chosen
        .map(|text| {
            token(&text).map_err(|what| {
                let what = format!("{TOKEN} holds no token of GitHub's: {what}");
                Failure::new(what).exit(Exit::Usage).into()
            })
        })
        .transpose()
}

/// A group's id, which names files.
fn group(text: &str) -> Result<String, String> {
    if runner::is_id(text) {
        return Ok(text.to_owned());
    }
    Err("it is a name without slashes, and without a dot in front".to_owned())
}

/// Where an installed agent keeps its configuration. Source: official agent 1.8.1.
const CONFIGURATION: &str = "/etc/codedeploy-agent/conf/codedeployagent.yml";

/// Where an agent keeps revisions, records and logs, below the root.
const AGENT_DIR: &str = "opt/codedeploy-agent/deployment-root";

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

pub async fn run(context: &Context, arguments: &Arguments) -> anyhow::Result<Exit> {
    let path = arguments.bundle_location.as_ref().unwrap_or(&arguments.path);
    let agent = agent(arguments);
    let events = events(&arguments.events, agent)?;
    let archive = arguments.kind.and_then(Kind::archive);
    let token = match of_github(path) {
        true => chosen_token(arguments.github_token.as_deref())?,
        false => None,
    };
    let fetched = Fetched::of_type(context, path, (archive, token)).await?;
    let is_directory = matches!(fetched.source(), Source::Directory(_));
    // Of GitHub the agents fetch an archive of whichever type they were told; here it is a commit.
    if arguments.kind.is_some_and(|kind| (kind == Kind::Directory) != is_directory && !fetched.is_commit()) {
        let message = format!("{} is not of the type that --type names", path.display());
        return Err(Failure::new(message).exit(Exit::Usage).into());
    }
    let source = fetched.source().clone();
    if matches!(kind(&source), BundleType::Yaml | BundleType::Json) {
        return Err(Failure::new(format!(
            "{} is an AppSpec without a bundle; nothing was run",
            fetched.name()
        ))
        .help("give the directory or the archive that it belongs to")
        .exit(Exit::Usage)
        .into());
    }
    let (ui, read, name) =
        (context.ui.clone(), (source.clone(), fetched.names()), arguments.appspec_filename.clone());
    let (checked, events) = context
        .blocking(move || checked(&ui, &read, (agent, &name), &events).map(|checked| (checked, events)))
        .await??;
    let behaviour = match arguments.file_exists_behavior {
        Behaviour::Disallow => FileExists::Disallow,
        Behaviour::Overwrite => FileExists::Overwrite,
        Behaviour::Retain => FileExists::Retain,
    };
    let (Source::Directory(place) | Source::Ready(place, _)) = &source;
    let specification = Specification {
        deployment_id: id(),
        installed: None,
        application_name: arguments.application_name.clone().unwrap_or_else(|| fetched.name().to_owned()),
        group_name: arguments.deployment_group_name.clone(),
        group_id: arguments.deployment_group.clone(),
        bundle_type: kind(&source),
        file_exists: behaviour,
        of_directory: is_directory,
        source: place.canonicalize().ok(),
        appspec: arguments.appspec_filename.clone(),
        bundle_variables: fetched.variables.clone(),
    };
    // A root that is not there yet is an empty one, and a dry run does not make it.
    let unmade = Folder::new().context("cannot make a temporary directory")?;
    let host = host(
        arguments,
        match arguments.root.as_deref() {
            None => Path::new("/"),
            Some(root) if arguments.dry_run && root.symlink_metadata().is_err() => unmade.path(),
            Some(root) => root,
        },
    )?;
    if arguments.dry_run {
        let (output, ui) = (context.settings.output.clone(), context.ui.clone());
        let root = arguments.root.clone();
        let show = move || {
            let whose = (&host, &specification, agent);
            let is_unmade = |_: &&Path| host.root == unmade.path();
            warn_of_rights(&ui, root.as_deref().filter(is_unmade).unwrap_or(&host.agent_dir));
            warn_of_scripts(&ui, root.as_deref(), whose, (&checked.0, &events));
            dry_run::show((&output, &ui), &source, &checked, whose, &events)
        };
        return context.blocking(show).await?;
    }
    fs::create_dir_all(&host.agent_dir).map_err(|error| {
        let failure = Failure::new(format!("cannot write {}: {error}", host.agent_dir.display()));
        failure.help(match (&arguments.agent_dir, &arguments.root) {
            (Some(_), _) => "name a directory that you can write with --agent-dir",
            (None, Some(_)) => "name a directory that you can write with --root",
            (None, None) => "pass --root DIR to install below a directory of yours, or run it as root",
        })
    })?;
    let _held = runner::hold(&host, &specification).map_err(|message| {
        Failure::new(message).help("wait until it has ended, or name another group with --deployment-group")
    })?;
    let report = Arc::new(Report::new(&context.ui, &context.settings.output));
    let groups = Arc::clone(&host.groups);
    let (ui, root) = (context.ui.clone(), arguments.root.clone());
    let mut deployment = Box::pin(context.blocking(move || {
        let whose = (&host, &specification, agent);
        warn_of_scripts(&ui, root.as_deref(), whose, (&checked.0, &events));
        deploy(&report, agent, &host, &specification, &source, &events)
    }));
    let signal = context.signals.next();
    let signal = tokio::select! {
        ended = &mut deployment => return ended,
        signal = signal => signal,
    };
    // The scripts end, and with them the deployment, with its summary. A second signal ends it at once.
    groups.stop();
    deployment.await?;
    Ok(signals::exit(signal))
}

/// The host below a root; nothing is made but the root.
fn host(arguments: &Arguments, root: &Path) -> anyhow::Result<Host> {
    let real = arguments.root.is_none();
    let installed = Some(PathBuf::from(CONFIGURATION)).filter(|file| real && file.exists());
    let file = arguments.agent_configuration_file.clone().or(installed);
    let configured = file.map(|file| configuration(&file)).transpose()?.unwrap_or_default();
    // What was installed below a root is nothing of the machine's own agent.
    let configured_dir = configured.root_dir.filter(|_| real);
    let agent_dir = match arguments.agent_dir.clone().or(configured_dir) {
        Some(chosen) => chosen,
        None if real => root.join(AGENT_DIR),
        // The root's own links lead nowhere else.
        None => runner::below(root, Path::new(AGENT_DIR))
            .map_err(|message| Failure::new(format!("cannot use {}", root.display())).cause(message))?,
    };
    Ok(Host {
        agent_dir,
        root: root.to_owned(),
        variables: if real { variables(agent(arguments)) } else { BTreeMap::new() },
        // Whoever runs a revision on this machine means its scripts; elsewhere they are kept in where that is possible.
        hooks: Arc::new(HookPolicy {
            isolation: if real { Isolation::None } else { Isolation::best() },
            allow_host_hooks: true,
            ..HookPolicy::default()
        }),
        groups: Arc::default(),
        max_revisions: configured.max_revisions,
        real,
    })
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

pub fn kind(source: &Source) -> BundleType {
    match source {
        Source::Directory(_) => BundleType::Tar,
        Source::Ready(_, kind) => kind.clone(),
    }
}

fn agent(arguments: &Arguments) -> Agent {
    if arguments.agent == Which::One { Agent::One } else { Agent::Two }
}

/// Writes the bundle to where the agent looks for it.
pub fn fetch(source: &Source, host: &Host, to: &Path) -> Result<(), String> {
    match source {
        Source::Ready(file, _) => fs::copy(file, to)
            .map(drop)
            .map_err(|error| format!("cannot copy {} to {}: {error}", file.display(), to.display())),
        Source::Directory(directory) => {
            let own = [host.root.as_path(), host.agent_dir.as_path()];
            let packed = pack_as_is(directory, to, &BundleType::Tar, &own);
            packed.map(drop).map_err(|error| format!("{} (into {})", error.message, to.display()))
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
) -> Exit {
    report.begin(&specification.deployment_id, host, runner::script_log(host, specification).as_deref());
    let mut ended = Vec::new();
    for event in events {
        report.event(event);
        let (heard, of) = (Arc::clone(report), event.clone());
        let listener: runner::Listener = Arc::new(move |text: &str| heard.line(&of, text));
        let order = Order { specification, event, agent, listener: Some(listener) };
        let watch = Stopwatch::start();
        let (diagnostics, signal) = runner::run(host, &order, &|to: &Path| fetch(source, host, to));
        let failed = diagnostics.error_code != LifecycleErrorCode::Success;
        let end = Ended { event: event.clone(), diagnostics, signal, took: watch.elapsed() };
        report.ended(&end);
        ended.push(end);
        if failed || host.groups.stopped() {
            break;
        }
    }
    let stopped = host.groups.stopped();
    let failed = report.summary(&specification.deployment_id, &ended, (events, stopped));
    if failed { Exit::Failed } else { Exit::Ok }
}
