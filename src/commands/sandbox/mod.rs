//! `cdctl sandbox`

mod change;
mod control;
mod fault;
mod fleet;
mod run;
mod schema;
mod serve;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::{Args, Subcommand};

use crate::context::Context;
use crate::error::Failure;
use crate::exit::Exit;
use crate::runner::Isolation;
use crate::sandbox::fleet::Fleet;
use crate::sandbox::state::{State, StateError};
use crate::sandbox::{HookPolicy, Running, Setup};

#[derive(Debug, Subcommand)]
pub enum Verb {
    Serve(serve::Arguments),
    Run(run::Arguments),
    #[command(subcommand)]
    Fault(fault::Verb),
    #[command(subcommand)]
    Change(change::Verb),
    Fleet(fleet::Arguments),
    Schema(schema::Arguments),
}

pub async fn run(context: &Context, verb: Verb) -> anyhow::Result<Exit> {
    match verb {
        Verb::Serve(arguments) => serve::run(context, &arguments).await,
        Verb::Run(arguments) => run::run(context, &arguments).await,
        Verb::Fault(verb) => fault::run(context, verb).await,
        Verb::Change(verb) => change::run(context, verb).await,
        Verb::Fleet(arguments) => fleet::run(context, &arguments).await,
        Verb::Schema(arguments) => schema::run(context, &arguments),
    }
}

/// What kind of sandbox.
#[derive(Clone, Debug, Args)]
pub struct SandboxArgs {
    /// Instances, buckets and faults [default: twelve local hosts tagged Role=web in three zones, bucket `releases`]
    #[arg(long, value_name = "FILE")]
    fleet: Option<PathBuf>,

    /// How many times faster its clock runs: waits are shorter, and times and durations are the clock's; hooks run in
    /// real time
    #[arg(long, value_name = "N", default_value = "1", value_parser = clap::value_parser!(u32).range(1..))]
    speed: u32,

    /// Makes ids, durations and the order of hosts repeat
    #[arg(long, value_name = "N")]
    seed: Option<u64>,

    /// Let bundles' scripts use the network, and run as you where bubblewrap cannot isolate them
    #[arg(long, env = "CDCTL_ALLOW_HOST_HOOKS", hide_env_values = true, value_parser = clap::builder::FalseyValueParser::new())]
    allow_host_hooks: bool,

    /// Keep everything in this directory, and go on from what is there: also after a crash [default: a temporary one,
    /// removed at the end]
    #[arg(long, value_name = "DIR")]
    state: Option<PathBuf>,
}

impl SandboxArgs {
    /// Starts it, with its directory, which must outlive it; the sandbox ends when it is dropped.
    fn start(&self, context: &Context, listen: SocketAddr) -> anyhow::Result<(Folder, Running)> {
        if !listen.ip().is_loopback() {
            return Err(Failure::new(format!(
                "the sandbox listens on a loopback address only, and {} is none",
                listen.ip()
            ))
            .help("use --listen 127.0.0.1:4577, or `--listen 127.0.0.1:0` for any free port")
            .exit(Exit::Usage)
            .into());
        }
        let state = self.state.as_deref().map(|path| open(path, self.seed)).transpose()?;
        let seed = state.as_ref().map(|state| state.origin.seed).or(self.seed);
        let seed = seed.unwrap_or_else(|| fastrand::u64(..));
        let fleet = match &self.fleet {
            Some(path) => Fleet::load(path, seed).map_err(|error| {
                Failure::new(format!("the fleet file {} cannot be used", path.display()))
                    .cause(error.to_string())
            })?,
            None => Fleet::built_in(seed).context("the built-in fleet")?,
        };
        let folder = match &state {
            Some(state) => Folder::Kept(state.directory().to_owned()),
            None => Folder::new(None)?,
        };
        let setup = Setup {
            listen,
            dir: folder.path().to_owned(),
            fleet,
            speed: self.speed,
            seed,
            hooks: HookPolicy {
                isolation: Isolation::best(),
                allow_host_hooks: self.allow_host_hooks,
                ..HookPolicy::default()
            },
            path: context.environment.path.clone(),
            state,
        };
        let running = Running::start(setup).map_err(|error| match error.downcast::<StateError>() {
            Ok(error) => unusable(folder.path(), &error),
            Err(error) => Failure::new(format!("the sandbox cannot listen on {listen}"))
                .cause(error.to_string())
                .help("pick another port with --listen, or any free one with `--listen 127.0.0.1:0`"),
        })?;
        Ok((folder, running))
    }
}

/// The state in a directory.
fn open(path: &Path, seed: Option<u64>) -> anyhow::Result<State> {
    State::open(path, seed).map_err(|error| unusable(path, &error).into())
}

fn unusable(path: &Path, error: &StateError) -> Failure {
    let failure =
        Failure::new(format!("cannot use the state in {}", path.display())).cause(error.to_string());
    match error {
        StateError::NotEmpty => {
            failure.help("name a directory that does not exist yet, or one that --state made")
        }
        StateError::Locked => failure.help("end that sandbox, or name another directory"),
        StateError::Format(_) => failure.help("use that cdctl, or name another directory"),
        StateError::Seed(_) => failure.help("leave out --seed, or name another directory").exit(Exit::Usage),
        StateError::Damaged(_) => {
            failure.help("name another directory; what hosts hold is in hosts/ beside it")
        }
        StateError::Io(_) => failure,
    }
}

/// Where a sandbox keeps its things: the user's directory, or a temporary one that goes when it is dropped.
pub enum Folder {
    Kept(PathBuf),
    Temporary(tempfile::TempDir),
}

impl Folder {
    /// `keep` must not hold anything yet.
    pub fn new(keep: Option<PathBuf>) -> anyhow::Result<Self> {
        let Some(path) = keep else {
            let folder = tempfile::Builder::new().prefix("cdctl-sandbox-").tempdir();
            return Ok(Folder::Temporary(folder.context("cannot make a temporary directory")?));
        };
        let failure = |error: std::io::Error| {
            Failure::new(format!("cannot use {}", path.display())).cause(error.to_string())
        };
        std::fs::create_dir_all(&path).map_err(failure)?;
        if std::fs::read_dir(&path).map_err(failure)?.next().is_some() {
            return Err(Failure::new(format!("{} is not empty", path.display()))
                .help("name a directory that does not exist yet")
                .into());
        }
        Ok(Folder::Kept(path.canonicalize().map_err(failure)?))
    }

    pub fn path(&self) -> &std::path::Path {
        match self {
            Folder::Kept(path) => path,
            Folder::Temporary(folder) => folder.path(),
        }
    }

    /// The directory that stays, if it does.
    pub fn kept(&self) -> Option<&std::path::Path> {
        match self {
            Folder::Kept(path) => Some(path),
            Folder::Temporary(_) => None,
        }
    }
}
