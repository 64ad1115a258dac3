//! The commands, a file a verb. This file only dispatches.

mod api;
mod app;
mod appspec_file;
mod completions;
mod config;
mod demo;
mod deploy;
mod github;
mod group;
mod instance;
mod listing;
mod missing;
mod names;
mod request;
mod revision;
mod sandbox;
mod tags;
mod words;

use clap::Subcommand;

use crate::context::Context;
use crate::exit::Exit;

#[derive(Debug, Subcommand)]
pub enum Noun {
    /// Applications
    #[command(subcommand)]
    App(app::Verb),
    /// Deployment groups: which instances, how many at a time
    #[command(subcommand)]
    Group(group::Verb),
    /// Deployment configurations: how fast a deployment goes
    #[command(subcommand)]
    Config(config::Verb),
    /// Deployments: create, watch, look at, stop
    #[command(subcommand)]
    Deploy(Box<deploy::Verb>),
    /// Application revisions: check, bundle, push, register, run
    #[command(subcommand)]
    Revision(revision::Verb),
    /// On-premises instances
    #[command(subcommand)]
    Instance(instance::Verb),
    /// Stored connections to GitHub accounts
    #[command(subcommand)]
    Github(github::Verb),
    /// CodeDeploy on this machine, without an AWS account
    #[command(subcommand)]
    Sandbox(sandbox::Verb),
    Demo(demo::Arguments),
    Api(api::Arguments),
    Completions(completions::Arguments),
}

pub async fn run(context: &Context, noun: Noun) -> anyhow::Result<Exit> {
    match noun {
        Noun::App(verb) => app::run(context, verb).await,
        Noun::Group(verb) => group::run(context, verb).await,
        Noun::Config(verb) => config::run(context, verb).await,
        Noun::Instance(verb) => instance::run(context, verb).await,
        Noun::Github(verb) => github::run(context, verb).await,
        Noun::Deploy(verb) => deploy::run(context, *verb).await,
        Noun::Revision(verb) => revision::run(context, verb).await,
        Noun::Demo(arguments) => demo::run(context, &arguments).await,
        Noun::Api(arguments) => api::run(context, &arguments).await,
        Noun::Completions(arguments) => completions::run(context, &arguments).await,
        Noun::Sandbox(verb) => sandbox::run(context, verb).await,
    }
}
