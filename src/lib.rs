//! cdctl manages AWS CodeDeploy from a terminal, a shell script or a CI step.
//!
//! The command line is the map: `cdctl deploy watch` is `commands/deploy/watch.rs`. Layers stand beside the
//! commands, and each has one thing that only it may touch; CONTRIBUTING.md has the table.

pub mod api;
pub mod appspec;
pub mod cli;
pub mod clock;
pub mod commands;
pub mod context;
pub mod error;
pub mod exit;
pub mod format;
pub mod model;
pub mod report;
pub mod revision;
pub mod runner;
pub mod sandbox;
pub mod scratch;
pub mod settings;
pub mod signals;
pub mod source;
pub mod ui;
pub mod view;
pub mod watch;

use std::ffi::OsString;
use std::io;

use clap::FromArgMatches;
use clap::error::ErrorKind;

use crate::cli::Cli;
use crate::context::Context;
use crate::error::Doing;
use crate::exit::Exit;
use crate::model::without_credentials;
use crate::settings::{Environment, Settings};
use crate::ui::{Style, Ui};

/// The command tree, for whatever is generated from it.
pub fn command() -> clap::Command {
    cli::shown()
}

/// Runs one command line on the given streams.
pub fn run(arguments: impl IntoIterator<Item = OsString>, environment: Environment, mut ui: Ui) -> Exit {
    let mut arguments: Vec<OsString> = arguments.into_iter().collect();
    // `cdctl help deploy create`, as in git and cargo.
    if arguments.get(1).is_some_and(|word| word == "help") {
        arguments.remove(1);
        arguments.push("--help".into());
    }
    let taken = cli::line().try_get_matches_from(&arguments);
    let cli = match taken.and_then(|matches| Cli::from_arg_matches(&matches)) {
        Ok(cli) => cli,
        Err(error) if error.kind() == ErrorKind::DisplayHelp => {
            let help = cli::unbroken().try_get_matches_from(&arguments).err();
            return usage(help.as_ref().unwrap_or(&error), &ui);
        }
        Err(error) => {
            let error = cli::told(error);
            if error.use_stderr() && environment.wants_json(&arguments) {
                return error::show(&cli::mistake(&error).into(), &ui, true);
            }
            return usage(&error, &ui);
        }
    };
    let settings = Settings::resolve(&cli.globals, &environment, &mut ui);
    let machine = settings.output.format.is_machine();
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return error::show(&error.into(), &ui, machine),
    };
    let result = runtime.block_on(async {
        let context = Context::new(settings, environment, ui.clone());
        let unheard = context.signals.unheard().doing("listen for signals")?;
        tokio::select! {
            // First: nothing is begun after it.
            biased;
            // What the command holds (a sandbox, temporary folders) goes with it.
            exit = unheard => {
                scratch::clear();
                Ok(exit)
            }
            result = commands::run(&context, cli.noun) => result,
        }
    });
    // A look-up that hangs in the resolver's thread must not keep the process.
    runtime.shutdown_background();
    match result {
        Ok(exit) => exit,
        Err(error) if error::is_broken_pipe(&error) => Exit::Ok,
        Err(error) => error::show(&error, &ui, machine),
    }
}

/// Help and version go to stdout, mistakes to stderr with code 2.
fn usage(error: &clap::Error, ui: &Ui) -> Exit {
    use std::io::Write;
    let mut stream = if error.use_stderr() { ui.err() } else { ui.out() };
    let rendered = error.render();
    let colour = if error.use_stderr() { ui.terminal.stderr } else { ui.terminal.stdout };
    let text = if colour { rendered.ansi().to_string() } else { rendered.to_string() };
    let text = without_credentials(&cli::spaced(&text));
    let written = stream.write_all(text.as_bytes()).and_then(|()| stream.flush());
    match written {
        _ if error.use_stderr() => Exit::Usage,
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => error::show(&error.into(), ui, false),
        _ => Exit::Ok,
    }
}

/// The process's main: its arguments, its environment, its streams.
pub fn main() -> std::process::ExitCode {
    settings::without_empty_variables();
    let ui = Ui::of_process();
    let streams = ui.clone();
    std::panic::set_hook(Box::new(move |panic| {
        streams.complain(&format!(
            "{}: this is a bug in cdctl {}: {}\n  help: please report it with the command that you ran",
            Style::Error.paint("error", false),
            env!("CARGO_PKG_VERSION"),
            crate::ui::text(&panic.to_string()),
        ));
    }));
    run(std::env::args_os(), Environment::of_process(), ui).into()
}
