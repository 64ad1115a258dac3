//! `cdctl completions`: the loader for a shell, and what the loaders ask.
//!
//! A loader hands over the line up to the cursor and gets the words that could stand there, one a line with a tab
//! before what it is; `:files` hands the word back to the shell. Everything else is decided here, once for all
//! shells.

mod line;
mod live;

use std::io::Write;
use std::path::Path;
use std::time::Duration;

use clap::{Arg, Args, CommandFactory, ValueEnum};
use line::Place;

use crate::context::Context;
use crate::exit::Exit;
use crate::settings::Settings;
use crate::signals::Apart;
use crate::ui;

/// Who waits for a completion waits a second at most; starting and drawing need their part of it.
const LIMIT: Duration = Duration::from_millis(750);

/// What the shell completes by itself.
const FILES: &str = ":files";

/// Print the completion for a shell
///
/// It completes commands, flags and their values, and what the account has: applications, groups, deployments,
/// configurations, revisions, instances. Without credentials, or where they need a question answered, there are
/// just fewer of them.
#[derive(Debug, Args)]
#[command(
    override_usage = "cdctl completions <SHELL>",
    after_help = "\
Examples:
  source <(cdctl completions bash)
  cdctl completions zsh > ~/.zfunc/_cdctl
  cdctl completions fish > ~/.config/fish/completions/cdctl.fish"
)]
pub struct Arguments {
    #[arg(value_name = "SHELL", required_unless_present = "line")]
    /// The shell
    shell: Option<Shell>,

    /// The line up to the cursor: answer what could stand there
    #[arg(long, hide = true, value_name = "LINE", allow_hyphen_values = true)]
    line: Option<String>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Shell {
    Bash,
    Elvish,
    Fish,
    #[value(name = "powershell", alias = "pwsh")]
    Pwsh,
    Zsh,
}

impl Shell {
    fn loader(self) -> &'static str {
        match self {
            Shell::Bash => include_str!("../../../completions/cdctl.bash"),
            Shell::Elvish => include_str!("../../../completions/cdctl.elv"),
            Shell::Fish => include_str!("../../../completions/cdctl.fish"),
            Shell::Pwsh => include_str!("../../../completions/_cdctl.ps1"),
            Shell::Zsh => include_str!("../../../completions/_cdctl"),
        }
    }
}

/// A word that could stand there.
#[derive(Debug)]
struct Candidate {
    value: String,
    help: String,
}

impl Candidate {
    fn new(value: impl Into<String>, help: impl Into<String>) -> Self {
        Candidate { value: value.into(), help: help.into() }
    }

    /// Shells insert a word as it is: one that would need quotes, or could do more than stand there, is left out. Loaders
    /// quote the `&` of a revision; where one did not, nothing but a variable would be set.
    fn is_plain(&self) -> bool {
        !self.value.is_empty()
            && self.value.replace("&etag=", "").replace("&bundleType=", "").chars().all(|c| {
                ui::line(c.encode_utf8(&mut [0; 4])).chars().eq([c])
                    && !c.is_whitespace()
                    && !"`$\"'\\!&|;<>(){}*^".contains(c)
            })
    }
}

pub async fn run(context: &Context, arguments: &Arguments) -> anyhow::Result<Exit> {
    let mut out = context.ui.out();
    if let Some(shell) = arguments.shell {
        out.write_all(shell.loader().as_bytes())?;
    }
    if let Some(line) = &arguments.line {
        out.write_all(answer(context, line).await.as_bytes())?;
    }
    out.flush()?;
    Ok(Exit::Ok)
}

async fn answer(context: &Context, line: &str) -> String {
    let mut root = crate::cli::Cli::command();
    root.build();
    let mut words = line::words(line);
    // Before it may stand `sudo`, or a variable of its own.
    let is_program = |word: &String| Path::new(word).file_name().is_some_and(|name| name == "cdctl");
    let program = words.iter().position(is_program).unwrap_or(0);
    let Some(place) = line::place(&root, &words.split_off(program)) else { return String::new() };
    let mut candidates = fixed(&place);
    if let Some(arg) = place.value_of {
        if candidates.is_empty() && names_files(arg) {
            return format!("{FILES}\n");
        }
        if let Some(source) = live::source(&place, arg) {
            let apart = Apart::leave();
            let context = quiet(context, &place);
            let finding = live::find(&context, source, &place, &mut candidates);
            let _ = tokio::time::timeout(LIMIT, finding).await;
            apart.end(&context.signals);
        }
    }
    render(candidates, &place)
}

/// Subcommands, options and the values that the command line itself knows.
fn fixed(place: &Place<'_>) -> Vec<Candidate> {
    let mut candidates = Vec::new();
    let about = |text: Option<&clap::builder::StyledStr>| text.map(ToString::to_string).unwrap_or_default();
    if let Some(arg) = place.value_of {
        let values = arg.get_possible_values();
        let shown = values.iter().filter(|value| !value.is_hide_set());
        candidates.extend(shown.map(|value| Candidate::new(value.get_name(), about(value.get_help()))));
    }
    if !place.is_free {
        return candidates;
    }
    if place.current.starts_with('-') {
        let options = place.command.get_arguments().filter(|arg| !arg.is_hide_set());
        candidates.extend(
            options.filter_map(|arg| {
                Some(Candidate::new(format!("--{}", arg.get_long()?), about(arg.get_help())))
            }),
        );
    } else {
        let commands = place.command.get_subcommands().filter(|command| !command.is_hide_set());
        candidates
            .extend(commands.map(|command| Candidate::new(command.get_name(), about(command.get_about()))));
    }
    candidates
}

fn names_files(arg: &Arg) -> bool {
    let names = arg.get_value_names().unwrap_or_default();
    names.iter().any(|name| matches!(name.as_str(), "FILE" | "PATH" | "DIR" | "COMMAND"))
}

/// The same run with the line's own profile, region and endpoint, that neither repeats a call nor asks anything.
fn quiet(context: &Context, place: &Place<'_>) -> Context {
    let given = |id: &str| place.given(id).map(str::to_owned);
    let mut settings: Settings = context.settings.clone();
    let connection = &mut settings.connection;
    connection.profile = given("profile").or(connection.profile.take());
    connection.region = given("region").or(connection.region.take());
    connection.endpoint_url = given("endpoint_url").or(connection.endpoint_url.take());
    connection.ca_bundle = given("ca_bundle").map(Into::into).or(connection.ca_bundle.take());
    connection.max_attempts = Some(1);
    let mut context = context.with(settings);
    context.ui.terminal = ui::Terminal::NONE;
    context
}

fn render(candidates: Vec<Candidate>, place: &Place<'_>) -> String {
    /// Shells put it on the word's own line.
    const HELP: usize = 70;
    let mut lines = String::new();
    for candidate in candidates.into_iter().filter(|it| it.value.starts_with(&place.current) && it.is_plain())
    {
        let help: String =
            ui::line(candidate.help.lines().next().unwrap_or_default()).chars().take(HELP).collect();
        let tab = if help.is_empty() { "" } else { "\t" };
        lines.push_str(&format!("{}{}{tab}{help}\n", place.before, candidate.value));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_that_could_do_more_than_stand_there_is_left_out() {
        for plain in [
            "shop",
            "shop/prod",
            "a+b=c,d.e@f_g-h",
            "s3://b/k?versionId=V",
            "s3://b/k?versionId=V&etag=e&bundleType=zip",
            "schön",
        ] {
            assert!(Candidate::new(plain, "").is_plain(), "{plain}");
        }
        for other in [
            "",
            "a b",
            "a\tb",
            "$(reboot)",
            "`x`",
            "a;b",
            "a&b",
            "a&etag=b&reboot",
            "a&etag",
            "\u{1b}[2J",
            "\u{202e}x",
            "it's",
            "a\\b",
        ] {
            assert!(!Candidate::new(other, "").is_plain(), "{other}");
        }
    }
}
