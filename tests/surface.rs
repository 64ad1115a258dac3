//! The command line against what is written about it: help, README, exit codes.

use std::fs;

use cdctl::exit::Exit;
use clap::Command;

use crate::support::cdctl::{Machine, package};

/// Every command below `command` as the words that call it.
fn commands(command: &Command, words: &[String]) -> Vec<(Vec<String>, Command)> {
    let mut found = Vec::new();
    for child in command.get_subcommands().filter(|child| !child.is_hide_set()) {
        let words: Vec<String> = words.iter().cloned().chain([child.get_name().to_owned()]).collect();
        found.extend(commands(child, &words));
        found.push((words, child.clone()));
    }
    found
}

pub fn tree() -> Vec<(Vec<String>, Command)> {
    let mut root = cdctl::command();
    root.build();
    commands(&root, &[])
}

/// The words of a line; what stands in single quotes is one.
fn shell_words(line: &str) -> Vec<&str> {
    let parts = line.split('\'').enumerate();
    parts
        .flat_map(|(index, part)| if index % 2 == 1 { vec![part] } else { part.split_whitespace().collect() })
        .collect()
}

#[test]
fn the_command_line_is_sound() {
    cdctl::command().debug_assert();
}

#[test]
fn every_verb_shows_an_example_of_itself() {
    let verbs: Vec<_> = tree().into_iter().filter(|(_, command)| !command.has_subcommands()).collect();
    assert!(verbs.len() >= 12, "{}", verbs.len());
    for (words, command) in verbs {
        let name = format!("cdctl {}", words.join(" "));
        assert!(command.get_about().is_some(), "{name} does not say what it does");
        let examples = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        assert!(examples.starts_with("Example"), "{name} has no example");
        assert!(examples.contains(&name), "the example of {name} is of something else:\n{examples}");
        // What follows `--` is another program's.
        let examples = examples.replace("\\\n", " ");
        for line in examples.lines().filter(|line| line.trim_start().starts_with("cdctl ")) {
            let words = shell_words(line.split(['|', '>', '&']).next().unwrap());
            let parsed = cdctl::command().try_get_matches_from(words);
            assert!(parsed.is_ok() || line.contains("$("), "{line}\n{}", parsed.unwrap_err());
        }
    }
}

#[test]
fn global_options_are_told_of_once() {
    let machine = Machine::new();
    for flag in ["-h", "--help"] {
        machine.run(flag).ends_with(0).says("--endpoint-url <URL>");
        for line in ["app", "app list", "deploy create"] {
            let help = machine.run(&format!("{line} {flag}")).ends_with(0).stdout;
            assert!(!help.contains("--endpoint-url") && help.contains("cdctl --help"), "{help}");
        }
    }
    // They are options of every command all the same.
    let wrong = machine.run("app list --output xml").ends_with(2);
    assert!(wrong.stderr.contains("possible values: table"), "{wrong}");
}

#[test]
fn one_of_a_few_words_is_taken_in_either_case() {
    let mut few = 0;
    for (words, command) in tree() {
        for arg in command.get_arguments().filter(|arg| !arg.get_possible_values().is_empty()) {
            assert!(arg.is_ignore_case_set(), "{words:?} {}", arg.get_id());
            few += 1;
        }
    }
    assert!(few > 50, "{few}");
}

#[test]
fn every_argument_says_what_it_is() {
    for (words, command) in tree() {
        for argument in command.get_arguments() {
            assert!(argument.get_help().is_some(), "{words:?} {} has no help", argument.get_id());
        }
    }
}

#[test]
fn help_fits_a_hundred_columns() {
    let machine = Machine::new();
    for words in tree().into_iter().map(|(words, _)| words).chain([Vec::new()]) {
        for flag in ["-h", "--help"] {
            let words = words.iter().map(String::as_str).chain([flag]);
            let run = machine.cdctl(words).ends_with(0).holds_no_escape();
            let widest = run.stdout.lines().max_by_key(|line| line.chars().count()).unwrap();
            assert!(widest.chars().count() <= 100, "{} columns: {widest}", widest.chars().count());
            assert_eq!(run.stderr, "");
        }
    }
}

#[test]
fn readme_has_the_exit_codes() {
    let readme = fs::read_to_string(package("README.md")).unwrap();
    let section = readme.split("\n## Exit codes\n").nth(1).expect("README has `## Exit codes`");
    let section = section.split("\n## ").next().unwrap();
    let rows: Vec<Vec<&str>> = section
        .lines()
        .filter(|line| line.starts_with('|'))
        .map(|line| line.trim_matches('|').split('|').map(str::trim).collect())
        .collect();
    assert_eq!(rows[0], ["code", "meaning"]);
    let codes: Vec<u8> = rows[2..]
        .iter()
        .flat_map(|row| row[0].split(','))
        .map(|code| code.trim().trim_matches('`').parse().unwrap())
        .collect();
    assert_eq!(codes, Exit::ALL.map(Exit::code));
}

#[test]
fn help_names_the_exit_codes() {
    let help = Machine::new().run("--help").ends_with(0).stdout;
    let codes = help.split_once("Exit codes: ").expect("a list").1;
    let codes = codes.split("See cdctl").next().unwrap();
    let numbers: Vec<u8> =
        codes.split(|c: char| !c.is_ascii_digit()).filter_map(|number| number.parse().ok()).collect();
    for exit in Exit::ALL {
        assert!(numbers.contains(&exit.code()), "{} is not in: {codes}", exit.code());
    }
}
