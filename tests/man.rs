//! The manual, a page a command, is made of the command tree and the README's tables: `man/` holds it, and
//! `SNAPSHOTS=overwrite cargo test --test cdctl man` writes it anew.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::process::Command as Process;
use std::{env, fs};

use clap::{Arg, Command};

use crate::support::cdctl::package;
use crate::surface::tree;

/// What stands at the foot of a page; formatters want a date.
const DATE: &str = "2026-11-23";

/// Text of a page: what roff would read as its own is escaped, line by line.
fn roff(text: &str) -> String {
    let mut output = String::new();
    for line in text.lines() {
        if line.starts_with(['.', '\'']) {
            output.push_str("\\&");
        }
        for c in line.chars() {
            match c {
                '\\' => output.push_str("\\e"),
                '-' => output.push_str("\\-"),
                '\'' => output.push_str("\\(aq"),
                '^' => output.push_str("\\(ha"),
                '~' => output.push_str("\\(ti"),
                '`' => output.push_str("\\(ga"),
                c if c.is_ascii() => output.push(c),
                c => output.push_str(&format!("\\[u{:04X}]", u32::from(c))),
            }
        }
        output.push('\n');
    }
    output
}

fn inline(text: &str) -> String {
    roff(text).trim_end().replace('\n', " ")
}

fn section(page: &mut String, heading: &str, body: &str) {
    if !body.is_empty() {
        page.push_str(&format!(".SH {}\n{body}", inline(&heading.to_uppercase())));
    }
}

/// A term and what it means.
fn entry(term: &str, text: &str) -> String {
    format!(".TP\n{term}\n{}", roff(text))
}

fn bold(text: &str) -> String {
    format!("\\fB{}\\fR", inline(text))
}

fn argument(arg: &Arg) -> String {
    let names = arg.get_short().map(|short| format!("-{short}")).into_iter();
    let names = names.chain(arg.get_long().map(|long| format!("--{long}")));
    let names: Vec<String> = names.map(|name| bold(&name)).collect();
    let mut term = names.join(", ");
    if arg.get_num_args().unwrap().takes_values() {
        let values: Vec<&str> =
            arg.get_value_names().unwrap_or_default().iter().map(|name| name.as_str()).collect();
        let separator = if term.is_empty() { "" } else { " " };
        term.push_str(&format!("{separator}\\fI{}\\fR", inline(&values.join(" "))));
    }
    let mut text = arg.get_long_help().or(arg.get_help()).unwrap().to_string();
    let add = |text: &mut String, what: &str, value: String| text.push_str(&format!(" [{what}: {value}]"));
    if let Some(variable) = variable(arg).filter(|_| !text.contains("[env:")) {
        add(&mut text, "env", variable);
    }
    if arg.get_num_args().unwrap().takes_values() {
        let defaults: Vec<_> = arg.get_default_values().iter().map(|value| value.to_string_lossy()).collect();
        if !defaults.is_empty() {
            add(&mut text, "default", defaults.join(","));
        }
        let values = arg.get_possible_values();
        let shown: Vec<&str> =
            values.iter().filter(|value| !value.is_hide_set()).map(|value| value.get_name()).collect();
        if !shown.is_empty() {
            add(&mut text, "possible values", shown.join(", "));
        }
    }
    entry(&term, &text)
}

/// The environment variable that stands for an argument, as its help names it.
fn variable(arg: &Arg) -> Option<String> {
    let in_help = || {
        let help = arg.get_help()?.to_string();
        Some(help.split_once("[env: ")?.1.split(']').next()?.to_owned())
    };
    arg.get_env().map(|name| name.to_string_lossy().into_owned()).or_else(in_help)
}

/// The rows of the README's table below `heading`.
fn table(heading: &str) -> Vec<(String, String)> {
    let readme = fs::read_to_string(package("README.md")).unwrap();
    let section = readme.split(&format!("\n## {heading}\n")).nth(1).unwrap().split("\n## ").next().unwrap();
    let rows = section.lines().filter(|line| line.starts_with("| ")).skip(2);
    let cell = |cell: Option<&str>| cell.unwrap().trim().replace('`', "");
    rows.map(|row| {
        let mut cells = row.trim_matches('|').split(" | ");
        (cell(cells.next()), cell(cells.next()))
    })
    .collect()
}

fn exit_status(words: &[String], command: &Command) -> String {
    let name = words.join(" ");
    let watches = command.get_arguments().any(|arg| arg.get_long() == Some("require-all"));
    let all = watches || name.is_empty() || name == "demo";
    let more: &[&str] = match name.as_str() {
        "revision validate" | "revision push" => &["10"],
        "revision run" => &["3"],
        _ => &[],
    };
    let mut body = String::new();
    for (code, meaning) in table("Exit codes") {
        if all {
            body.push_str(&entry(&bold(&code), &meaning));
        } else if ["0", "1", "2"].contains(&code.as_str()) || more.contains(&code.as_str()) {
            body.push_str(&entry(&bold(&code), meaning.split(';').next().unwrap()));
        }
    }
    if name == "sandbox run" {
        body.push_str(".PP\nOtherwise it ends with its command\\(aqs own code.\n");
    }
    body
}

fn environment(words: &[String], command: &Command) -> String {
    let mut body = String::new();
    if words.is_empty() {
        for (name, meaning) in table("Environment") {
            body.push_str(&entry(&bold(&name), &meaning));
        }
        return body;
    }
    let mut variables = BTreeMap::new();
    for arg in command.get_arguments().filter(|arg| !arg.is_hide_set()) {
        if let Some(name) = variable(arg) {
            let value = arg.get_value_names().and_then(|names| names.first()).map(ToString::to_string);
            let of = arg.get_long().map(|long| format!("--{long}")).or(value).unwrap();
            variables.entry(name).or_insert_with(BTreeSet::new).insert(of);
        }
    }
    for (name, of) in variables {
        let of: Vec<String> = of.into_iter().collect();
        body.push_str(&entry(&bold(&name), &format!("Stands for {}.", of.join(", "))));
    }
    if !body.is_empty() {
        body.push_str(".PP\n");
    }
    body.push_str("Variables of every command, and those of AWS, are in\n.BR cdctl (1).\n");
    body
}

/// The examples of a command's help, broken where a page of 80 columns ends.
fn examples(command: &Command) -> String {
    let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    let Some((_, rest)) = help.split_once(":\n").filter(|(head, _)| head.starts_with("Example")) else {
        return String::new();
    };
    let mut lines = Vec::new();
    for line in rest.lines().take_while(|line| !line.is_empty()) {
        let mut line = line.trim_start().to_owned();
        while line.len() > 70 {
            let head = &line[..line.floor_char_boundary(68)];
            let breaks = |at: &str| {
                let places = head.rmatch_indices(at).map(|(at, _)| at).filter(|&at| at > 4);
                places.filter(|&at| line[..at].matches('\'').count() % 2 == 0).max()
            };
            let Some(at) = breaks(" -").or_else(|| breaks(" ")) else { break };
            let rest = line.split_off(at);
            lines.push(format!("{line} \\"));
            line = format!("    {}", rest.trim_start());
        }
        lines.push(line);
    }
    format!(".nf\n{}.fi\n", roff(&lines.join("\n")))
}

fn page(words: &[String], command: &Command) -> (String, String) {
    let names: Vec<&str> = ["cdctl"].into_iter().chain(words.iter().map(String::as_str)).collect();
    let name = names.join("-");
    let version = env!("CARGO_PKG_VERSION");
    let mut page = format!(
        ".TH {} 1 \"{DATE}\" \"cdctl {version}\" \"cdctl\"\n.nh\n.ad l\n",
        inline(&name.to_uppercase())
    );
    let about = command.get_about().unwrap().to_string();
    section(&mut page, "NAME", &format!("{} \\- {}\n", inline(&name), inline(about.trim_end_matches('.'))));
    let usage = command.clone().render_usage().to_string();
    let usage = usage.trim_start_matches("Usage: ").split_whitespace().collect::<Vec<_>>().join(" ");
    let rest = usage.strip_prefix(&names.join(" ")).unwrap_or(&usage);
    section(&mut page, "SYNOPSIS", &format!("{}{}\n", bold(&names.join(" ")), inline(rest)));
    let about = command.get_long_about().or(command.get_about()).unwrap().to_string();
    let paragraphs: Vec<String> = about.split("\n\n").map(roff).collect();
    section(&mut page, "DESCRIPTION", &paragraphs.join(".PP\n"));

    let commands: Vec<String> = command
        .get_subcommands()
        .filter(|child| !child.is_hide_set())
        .map(|child| {
            let term = format!("{}(1)", bold(&format!("{name}-{}", child.get_name())));
            entry(&term, &child.get_about().unwrap().to_string())
        })
        .collect();
    section(&mut page, "COMMANDS", &commands.concat());
    let mut headings: Vec<(String, String)> = Vec::new();
    for arg in command.get_arguments().filter(|arg| !arg.is_hide_set()) {
        let heading = match arg.get_help_heading() {
            Some(heading) => heading.to_owned(),
            None if arg.is_positional() => "Arguments".to_owned(),
            None => "Options".to_owned(),
        };
        match headings.iter_mut().find(|(other, _)| *other == heading) {
            Some((_, body)) => body.push_str(&argument(arg)),
            None => headings.push((heading, argument(arg))),
        }
    }
    headings.sort_by_key(|(heading, _)| heading != "Arguments");
    for (heading, body) in &headings {
        section(&mut page, heading, body);
    }
    section(&mut page, "EXAMPLES", &examples(command));
    section(&mut page, "EXIT STATUS", &exit_status(words, command));
    section(&mut page, "ENVIRONMENT", &environment(words, command));
    if let Some((_, parents)) = names.split_last().filter(|(_, parents)| !parents.is_empty()) {
        section(&mut page, "SEE ALSO", &format!(".BR {} (1)\n", inline(&parents.join("-"))));
    }
    (format!("{name}.1"), page)
}

fn pages() -> BTreeMap<String, String> {
    let mut root = cdctl::command();
    root.build();
    let commands = tree().into_iter().chain([(Vec::new(), root)]);
    commands.map(|(words, command)| page(&words, &command)).collect()
}

#[test]
fn pages_are_the_committed_ones() {
    let folder = package("man");
    let pages = pages();
    if env::var_os("SNAPSHOTS").is_some_and(|value| value == "overwrite") {
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir(&folder).unwrap();
        for (name, text) in &pages {
            fs::write(folder.join(name), text).unwrap();
        }
    }
    let committed: BTreeSet<String> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(committed, pages.keys().cloned().collect(), "SNAPSHOTS=overwrite cargo test --test cdctl man");
    for (name, text) in pages {
        let committed = fs::read_to_string(folder.join(&name)).unwrap();
        assert!(committed == text, "man/{name} is old: SNAPSHOTS=overwrite cargo test --test cdctl man");
    }
}

#[test]
fn every_page_tells_what_a_script_asks() {
    for (name, text) in pages() {
        for heading in ["NAME", "SYNOPSIS", "DESCRIPTION", "EXIT STATUS", "ENVIRONMENT"] {
            assert!(text.contains(&format!(".SH {heading}\n")), "{name} has no {heading}");
        }
        assert!(text.contains(".SH EXAMPLES\n") || text.contains(".SH COMMANDS\n"), "{name} has no example");
    }
}

/// Both of the formatters that systems have.
#[test]
fn pages_are_sound_and_fit_eighty_columns() {
    let folder = tempfile::tempdir().unwrap();
    let pages = pages().into_iter();
    let files = pages.map(|(name, text)| {
        let file = folder.path().join(name);
        fs::write(&file, text).unwrap();
        file
    });
    let files: Vec<_> = files.collect();
    let run = |program: &str, arguments: &[&str]| {
        let Ok(output) = Process::new(program).args(arguments).args(&files).output() else {
            let line = format!("\nleft out, for there is no {program}: the manual's form\n");
            std::io::stderr().write_all(line.as_bytes()).unwrap();
            assert!(env::var_os("CI").is_none(), "left out although CI is set: {program}");
            return None;
        };
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Some((text(output.stdout), text(output.stderr)))
    };
    if let Some((out, err)) = run("mandoc", &["-T", "lint", "-W", "warning"]) {
        assert_eq!((out.as_str(), err.as_str()), ("", ""));
    }
    if let Some((out, err)) = run("groff", &["-ww", "-man", "-Tutf8", "-P-c", "-rLL=80n"]) {
        assert_eq!(err, "");
        // Bold is a character printed over itself.
        for line in out.lines() {
            let width = line.chars().count() - 2 * line.matches('\u{8}').count();
            assert!(width <= 80, "{width} columns: {line}");
        }
    }
}
