//! The examples that help shows are lines that the command tree takes, as a shell splits them.

use std::fs;

use clap::{Command, CommandFactory};

use crate::support::cdctl::Machine;

/// Each command with its examples, one shell line each.
fn examples(command: &Command, path: &str, all: &mut Vec<(String, String)>) {
    let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    let joined = help.replace("\\\n", " ");
    let lines = joined.lines().map(str::trim).filter(|line| !line.ends_with(':') && line.contains("cdctl "));
    all.extend(lines.map(|line| (path.to_owned(), line.to_owned())));
    for verb in command.get_subcommands() {
        examples(verb, format!("{path} {}", verb.get_name()).trim(), all);
    }
}

#[test]
fn each_example_is_a_line_that_is_taken() {
    let machine = Machine::new();
    let calls = machine.home().join("calls");
    let mut all = Vec::new();
    for noun in cdctl::cli::Cli::command().get_subcommands() {
        examples(noun, noun.get_name(), &mut all);
    }
    assert!(all.len() > 50, "{all:?}");
    // The shell splits: what it would call is written down instead, an argument a line, a blank line after each call.
    let script: String = all.iter().map(|(_, line)| format!("{line}\necho '#' >>\"$CALLS\"\n")).collect();
    let function = "cdctl() { printf '%s\\n' \"$@\" >>\"$CALLS\"; echo >>\"$CALLS\"; }\ngh() { cat >/dev/null; }\n\
                    mkdir -p ~/.config/fish/completions ~/.zfunc\n";
    let file = machine.home().join("examples.sh");
    fs::write(&file, format!("{function}{script}")).unwrap();
    let mut shell = machine.command("bash");
    shell.arg(&file).env("CALLS", &calls).current_dir(machine.home()).output().unwrap();
    let calls = fs::read_to_string(calls).unwrap();
    let mut told = calls.split("#\n");
    for (path, line) in &all {
        let calls = told.next().unwrap();
        assert!(calls.contains('\n'), "{path}: no call in: {line}");
        for call in calls.split("\n\n").filter(|call| !call.is_empty()) {
            let arguments = std::iter::once("cdctl").chain(call.lines());
            if let Err(error) = cdctl::cli::Cli::command().try_get_matches_from(arguments) {
                panic!("{path}: `{line}` is not taken:\n{error}");
            }
        }
    }
}
