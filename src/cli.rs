//! The clap root: global flags, nouns. No logic.

use std::path::PathBuf;

use clap::{Parser, ValueEnum};

use crate::commands::Noun;
use crate::format::{Format, Query};

/// Deploy with AWS CodeDeploy: in one line, watched live, with the cause of a failure on the screen.
#[derive(Debug, Parser)]
#[command(
    name = "cdctl",
    version,
    propagate_version = true,
    disable_help_subcommand = true,
    max_term_width = 100,
    after_help = "\
Try it without an AWS account:  cdctl demo
Deploy a directory:             cdctl deploy create shop/prod --push . --bucket releases --watch

Exit codes: 0 done, 1 error, 2 wrong usage, 3 failed, 4 stopped, 5 rolled back, 6 rollback failed,
7 timed out, 8 ready, 9 unknown, 10 a check found problems, 130 and 143 detached. See README.md."
)]
pub struct Cli {
    #[command(flatten)]
    pub globals: Globals,

    #[command(subcommand)]
    pub noun: Noun,
}

/// Flags that every command has.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Global options")]
pub struct Globals {
    /// Profile of the shared AWS config files; beats keys in the environment
    #[arg(long, global = true, value_name = "NAME")]
    pub profile: Option<String>,

    /// AWS region [default: AWS_REGION, then the profile's]
    #[arg(long, global = true, value_name = "REGION")]
    pub region: Option<String>,

    /// One endpoint for every service, such as a sandbox [default: AWS_ENDPOINT_URL]
    #[arg(long, global = true, value_name = "URL")]
    pub endpoint_url: Option<String>,

    /// PEM certificates to trust beside the system's [default: AWS_CA_BUNDLE]
    #[arg(long, global = true, value_name = "FILE", hide_short_help = true)]
    pub ca_bundle: Option<PathBuf>,

    /// How data is printed
    #[arg(
        short,
        long,
        global = true,
        value_name = "FORMAT",
        default_value = "table",
        env = "CDCTL_OUTPUT",
        hide_env_values = true
    )]
    pub output: Format,

    /// Only what this JMESPath finds in the JSON
    #[arg(long, global = true, value_name = "JMESPATH")]
    pub query: Option<Query>,

    /// When to use colour
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub color: Colour,

    /// Nothing but data and errors
    #[arg(short, long, global = true)]
    pub quiet: bool,

    /// Show each call of the API on stderr; twice: each request, with its headers but for secrets
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,

    /// Ask no questions
    #[arg(short, long, global = true, env = "CDCTL_YES", hide_env_values = true, value_parser = clap::builder::FalseyValueParser::new())]
    pub yes: bool,

    /// How often a call is tried [default: AWS_MAX_ATTEMPTS, then 4]
    #[arg(long, global = true, value_name = "N", value_parser = clap::value_parser!(u32).range(1..), hide_short_help = true)]
    pub max_attempts: Option<u32>,

    /// Seconds to wait for a connection
    #[arg(long, global = true, value_name = "SECONDS", default_value = "4", hide_short_help = true)]
    pub connect_timeout: u64,

    /// Seconds to wait for an answer
    #[arg(long, global = true, value_name = "SECONDS", default_value = "30", hide_short_help = true)]
    pub read_timeout: u64,
}

/// `--color`
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Colour {
    Auto,
    Always,
    Never,
}
