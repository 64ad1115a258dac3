//! The clap root: global flags, nouns. No logic.

use std::path::PathBuf;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, Command, CommandFactory, Parser, ValueEnum};

use crate::commands::Noun;
use crate::error::Failure;
use crate::exit::Exit;
use crate::format::{Format, Query};

/// Deploy with AWS CodeDeploy: in one line, watched live, with the cause of a failure on the screen.
#[derive(Debug, Parser)]
#[command(
    name = "cdctl",
    version,
    disable_help_subcommand = true,
    max_term_width = 100,
    after_help = "\
Try it without an AWS account:  cdctl demo
Deploy a directory:             cdctl deploy create shop/prod --push . --bucket releases --watch

Exit codes: 0 done, 1 error, 2 wrong usage, 3 failed, 4 stopped, 5 rolled back, 6 rollback failed,
7 timed out, 8 ready, 9 unknown, 10 a check found problems, 130 and 143 detached. See cdctl(1)."
)]
pub struct Cli {
    #[command(flatten)]
    pub globals: Globals,

    #[command(subcommand)]
    pub noun: Noun,
}

/// What nouns and verbs say of the global options.
const GLOBALS: &str =
    "Options of every command (--profile, --region, --output, --query, --yes, …): cdctl --help";

/// The command tree as it takes a line: one of a few words is taken in either case, as the service, its other tools and
/// this one write them.
pub fn line() -> Command {
    fn any_case(command: Command) -> Command {
        command
            .mut_args(|arg| {
                let few =
                    arg.get_action().takes_values() && arg.get_value_parser().possible_values().is_some();
                if few { arg.ignore_case(true) } else { arg }
            })
            .mut_subcommands(any_case)
    }
    any_case(Cli::command())
}

/// The command tree as help and the manual show it: the global options are told of once, at its root.
pub fn shown() -> Command {
    let root = line();
    let globals: Vec<Arg> =
        root.get_arguments().filter(|arg| arg.is_global_set()).map(|arg| arg.clone().hide(true)).collect();
    root.mut_subcommands(|noun| folded(noun.args(&globals)))
}

fn folded(command: Command) -> Command {
    let help =
        command.get_after_help().map_or_else(|| GLOBALS.to_owned(), |help| format!("{help}\n\n{GLOBALS}"));
    command.after_help(help).mut_subcommands(folded)
}

/// The space of a line that is not to be broken.
const FIRM: &str = "\u{a0}";

/// The command tree for help on a screen, whose examples stay lines that can be copied; [`spaced`] is for what it prints.
pub fn unbroken() -> Command {
    shown().mut_subcommands(firm)
}

fn firm(command: Command) -> Command {
    let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    let line = |line: &str| if line.starts_with("  ") { line.replace(' ', FIRM) } else { line.to_owned() };
    let help: Vec<String> = help.lines().map(line).collect();
    command.after_help(help.join("\n")).mut_subcommands(firm)
}

/// What was printed of [`unbroken`], as it is meant.
pub fn spaced(text: &str) -> String {
    text.replace(FIRM, " ")
}

/// What clap says of a wrong line, without what does not help: an option that there is not is no value either, and how the
/// command is called is no matter of the one option that is most like it.
pub fn told(mut error: clap::Error) -> clap::Error {
    let usage = match (error.kind(), error.get(ContextKind::Usage)) {
        (ErrorKind::UnknownArgument, Some(ContextValue::StyledStr(usage))) => usage.to_string(),
        _ => return error,
    };
    error.remove(ContextKind::Suggested);
    let mut root = Cli::command();
    root.build();
    // `Usage: cdctl deploy list …`
    let mut command = &root;
    for word in usage.split_whitespace().skip(2) {
        let Some(inner) = command.find_subcommand(word) else { break };
        command = inner;
    }
    error.insert(ContextKind::Usage, ContextValue::StyledStr(command.clone().render_usage()));
    error
}

/// What clap says of a wrong line, in our form.
pub fn mistake(error: &clap::Error) -> Failure {
    let text = error.render().to_string();
    let mut parts = text.trim_end().split("\n\n");
    let what = parts.next().unwrap_or_default();
    let (tips, rest): (Vec<&str>, Vec<&str>) = parts.partition(|part| part.trim_start().starts_with("tip: "));
    let mut failure = Failure::new(what.trim_start_matches("error: ")).exit(Exit::Usage);
    if let Some(usage) = rest.iter().find(|part| part.starts_with("Usage: ")) {
        failure = failure.cause(*usage);
    }
    match tips.first() {
        Some(tip) => failure.help(tip.trim_start().trim_start_matches("tip: ")),
        None => failure.help("see `cdctl --help`"),
    }
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
    #[arg(short, long, global = true, env = "CDCTL_YES", hide_env_values = true, value_parser = clap::builder::BoolishValueParser::new())]
    pub yes: bool,

    /// How often a call is tried [default: AWS_MAX_ATTEMPTS, then the profile's, then 4]
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_example_is_one_line_however_narrow_the_screen() {
        let mut root = unbroken().term_width(40);
        root.build();
        let create = root.find_subcommand_mut("app").and_then(|app| app.find_subcommand_mut("list")).unwrap();
        let help = spaced(&create.render_long_help().to_string());
        let line = "  cdctl app list -o text | while read -r app platform created; do echo \"$app\"; done\n";
        assert!(help.contains(line), "{help}");
        assert!(help.lines().any(|line| line.starts_with("Options of every command") && line.len() <= 40));
    }
}
