//! The examples that help shows. Each is a line that the command tree takes as a shell splits it, and each is run, in a
//! world where what it names is there.

mod worlds;

use std::fs;

use clap::{Command, CommandFactory};

use crate::contract::python;
use crate::support::cdctl::Machine;
use worlds::{ELSEWHERE, World, alone, code};

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

fn all() -> Vec<(String, String)> {
    let mut all = Vec::new();
    for noun in cdctl::cli::Cli::command().get_subcommands() {
        examples(noun, noun.get_name(), &mut all);
    }
    assert!(all.len() > 50, "{all:?}");
    all
}

#[test]
fn each_example_is_a_line_that_is_taken() {
    let machine = Machine::new();
    let calls = machine.home().join("calls");
    let all = all();
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
            if let Err(error) = cdctl::command().try_get_matches_from(arguments) {
                panic!("{path}: `{line}` is not taken:\n{error}");
            }
        }
    }
}

#[test]
fn each_example_does_what_it_says() {
    let mut lines: Vec<String> = all().into_iter().map(|(_, line)| line).collect();
    lines.sort();
    lines.dedup();
    for (line, _) in ELSEWHERE {
        let at = lines.iter().position(|other| other == line);
        lines.remove(at.unwrap_or_else(|| panic!("no example: {line}")));
    }
    if python::ready("the example that runs the AWS CLI").is_none() {
        lines.retain(|line| !line.contains("-- aws "));
    }
    let (alone, together): (Vec<_>, Vec<_>) = lines.into_iter().partition(|line| alone(line).is_some());
    let mut shares: Vec<&[String]> = alone.chunks(alone.len().div_ceil(3)).collect();
    let wrong = std::thread::scope(|scope| {
        let each = |line: &String| wrong(&World::of(worlds::alone(line).unwrap()), line);
        let threads: Vec<_> = shares
            .drain(..)
            .map(|lines| scope.spawn(move || lines.iter().filter_map(each).collect::<Vec<_>>()))
            .collect();
        let world = World::of("");
        // A deployment that an example began is over before the next one begins.
        let next = |line: &String| {
            world.settles();
            wrong(&world, line)
        };
        let mut wrongs: Vec<_> = together.iter().filter_map(next).collect();
        wrongs.extend(threads.into_iter().flat_map(|thread| thread.join().unwrap()));
        wrongs
    });
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

/// What is wrong with what an example does in `world`.
fn wrong(world: &World, line: &str) -> Option<String> {
    let run = world.runs(line);
    let is_right =
        run.code == code(line) && !run.stderr.contains("this is a bug") && !run.stdout.contains('\x1b');
    (!is_right).then(|| format!("$ {line}\n{run}"))
}
