//! `cdctl demo`: a sandbox in this process, and on it what a user would type, command by command.

mod sample;

use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::{Args, Parser, ValueEnum};

use super::sandbox::Folder;
use crate::cli::Cli;
use crate::context::Context;
use crate::exit::Exit;
use crate::runner::Isolation;
use crate::sandbox::fleet::Fleet;
use crate::sandbox::{HookPolicy, Running, Setup};
use crate::settings::{Connection, Settings};
use crate::ui::Style;

/// A whole deployment on a sandbox: twelve hosts in three zones, real hooks, watched
///
/// No account, no configuration, no network. The files are really installed, each host has a directory that stands
/// for its /, and the hooks really run.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  cdctl demo
  cdctl demo --scenario failure
  cdctl demo --keep /tmp/demo")]
pub struct Arguments {
    /// What happens
    #[arg(long, value_name = "SCENARIO", default_value = "success")]
    scenario: Scenario,

    /// A success with failed hosts counts as failed (exit code 3)
    #[arg(long)]
    require_all: bool,

    /// Leave hosts, bundle and state in this directory to look at
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,

    /// How many times faster the service's own waiting goes; hooks run in real time
    #[arg(long, value_name = "N", default_value = "1", value_parser = clap::value_parser!(u32).range(1..))]
    speed: u32,

    /// Makes ids, durations and the order of hosts repeat
    #[arg(long, value_name = "N", default_value = "1")]
    seed: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Scenario {
    /// Every host takes the new revision
    Success,
    /// A hook fails in two of three zones: too few healthy hosts are left
    Failure,
    /// A hook fails in one zone: by CodeDeploy's rules the deployment succeeds
    Partial,
}

const ROLE: &str = "arn:aws:iam::123456789012:role/CodeDeploy";

pub async fn run(context: &Context, arguments: &Arguments) -> anyhow::Result<Exit> {
    let folder = Folder::new(arguments.keep.clone())?;
    let site = folder.path().join("site");
    sample::write(&site, arguments.scenario).context("cannot write the sample application")?;
    let setup = Setup {
        listen: (Ipv4Addr::LOCALHOST, 0).into(),
        dir: folder.path().to_owned(),
        fleet: Fleet::built_in(arguments.seed).context("the built-in fleet")?,
        speed: arguments.speed,
        seed: arguments.seed,
        hooks: HookPolicy {
            isolation: Isolation::best(),
            trusted: BTreeSet::from([sample::sha256(&site, folder.path())?]),
            ..HookPolicy::default()
        },
        path: None,
        state: None,
    };
    let running = Running::start(setup).context("cannot start the sandbox")?;
    let exit = steps(context, arguments, &running, &site).await;
    running.shut_down()?;
    if let Some(kept) = folder.kept() {
        context
            .ui
            .note(&format!("kept: {}/hosts, one folder a host; {0}/objects; {0}/state.json", kept.display()));
    }
    exit
}

async fn steps(
    context: &Context,
    arguments: &Arguments,
    running: &Running,
    site: &Path,
) -> anyhow::Result<Exit> {
    let demo = Demo { context, url: running.url() };
    context
        .ui
        .note(&format!("a sandbox of CodeDeploy runs at {} with twelve hosts in three zones", demo.url));
    let site = site.to_string_lossy();
    let before: [&[&str]; 4] = [
        &["app", "create", "shop"],
        &[
            "group",
            "create",
            "shop/prod",
            "--ec2-tag",
            "Role=web",
            "--config",
            "CodeDeployDefault.HalfAtATime",
            "--service-role",
            ROLE,
        ],
        &["revision", "validate", &site],
        &["revision", "push", &site, "s3://releases/site-1.zip", "--app", "shop"],
    ];
    for command in before {
        let exit = demo.step(command).await?;
        if exit != Exit::Ok {
            return Ok(exit);
        }
    }
    let mut deploy =
        vec!["deploy", "create", "shop/prod", "--revision", "s3://releases/site-1.zip", "--watch"];
    if arguments.require_all {
        deploy.push("--require-all");
    }
    demo.step(&deploy).await
}

/// Runs command lines against the demo's sandbox, showing each before it runs.
struct Demo<'a> {
    context: &'a Context,
    url: String,
}

impl Demo<'_> {
    async fn step(&self, command: &[&str]) -> anyhow::Result<Exit> {
        let ui = &self.context.ui;
        let line = format!("cdctl {}", command.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" "));
        ui.show(&format!("\n{} {}", ui.paint(Style::Dim, "$"), ui.paint(Style::Strong, &line)));
        let cli = Cli::try_parse_from(std::iter::once(&"cdctl").chain(command))?;
        let connection = Connection {
            endpoint_url: Some(self.url.clone()),
            sandbox: true,
            ..self.context.settings.connection.clone()
        };
        let settings = Settings { connection, yes: true, ..self.context.settings.clone() };
        let inner = self.context.with(settings);
        Box::pin(super::run(&inner, cli.noun)).await
    }
}

/// A word as a shell would read it back.
pub fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./:=@,+".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}
