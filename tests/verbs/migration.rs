//! The README's lines for whoever knows `aws deploy`: none of its commands is missing, and each new line is one.

use std::collections::BTreeSet;
use std::fs;

use crate::contract::python;
use crate::support::cdctl::package;

/// The table's rows: an old line, and the new ones.
fn rows() -> Vec<(String, Vec<String>)> {
    let readme = fs::read_to_string(package("README.md")).unwrap();
    let (_, section) = readme.split_once("\n## Coming from the AWS CLI\n").expect("the section");
    let section = section.split("\n#").next().unwrap();
    let rows = section.lines().filter(|line| line.starts_with("| ")).skip(2);
    let spans = |text: &str| text.split('`').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>();
    rows.map(|row| {
        let (before, now) = row.trim_matches('|').split_once(" | ").unwrap();
        (spans(before).into_iter().next().unwrap_or_default(), spans(now))
    })
    .collect()
}

#[test]
fn each_new_line_is_one() {
    let mut lines = 0;
    for line in rows().into_iter().flat_map(|(_, lines)| lines) {
        let words =
            line.split(' ').map(|word| word.replace("ARN", "arn:aws:iam::123456789012:role/CodeDeploy"));
        let parsed = cdctl::command().try_get_matches_from(words);
        assert!(parsed.is_ok(), "{line}\n{}", parsed.unwrap_err());
        lines += 1;
    }
    assert!(lines > 50, "{lines}");
}

#[test]
fn every_command_of_the_aws_cli_has_its_line() {
    let Some(python) = python::ready("the README against the AWS CLI's own list of commands") else { return };
    let script = "from awscli.clidriver import create_clidriver as driver\n\
                  print(*driver()._get_command_table()['deploy']._create_command_table())";
    let commands = python::run(python.program("python", "http://127.0.0.1:1").args(["-c", script]));
    let commands: BTreeSet<&str> = commands.split_whitespace().filter(|name| *name != "help").collect();
    assert!(commands.len() >= 49, "{commands:?}");
    let rows = rows();
    let lines = rows.iter().filter_map(|(before, _)| before.strip_prefix("aws deploy "));
    let told: BTreeSet<&str> = lines.map(|line| line.split(' ').next().unwrap()).collect();
    assert_eq!(told, commands);
}
