//! Something of every kind, read again after a restart from `--state`: every answer is the same to the last member.

use std::fs;

use serde_json::Value;

use super::crash::Served;
use crate::contract::python;
use crate::support::cdctl::{CDCTL, Machine};

const FLEET: &str = r#"
buckets: [{name: releases, versioning: true}]
generate:
- {count: 2, kind: simulated, tags: {Role: web}}
- {count: 1, prefix: stand-, kind: simulated, on_premises: true, tags: {Rack: a}}
git_hub_accounts: [octocat, hubber]
functions: [{name: checkout, versions: ["1", "2"], aliases: {live: "1"}}]
"#;

#[test]
fn everything_reads_the_same_after_a_kill() {
    let Some(python) = python::ready("every kind of thing after a restart") else { return };
    let (machine, folder) = (Machine::new(), tempfile::tempdir().unwrap());
    let fleet = folder.path().join("fleet.yaml");
    fs::write(&fleet, FLEET).unwrap();
    let (fleet, state) = (fleet.display(), folder.path().join("state"));
    let line = format!("--listen 127.0.0.1:0 --speed 500 --state {} --fleet {fleet}", state.display());
    let script = |served: &Served, phase: &str, known: &str| {
        python::run(python.script(&served.url, "kept.py").args([phase, known]))
    };

    let first = Served::start(machine.command(CDCTL), &line);
    let known = script(&first, "make", "");
    let before: Value = serde_json::from_str(&script(&first, "read", &known)).unwrap();
    drop(first);
    let second = Served::start(machine.command(CDCTL), &line);
    let after: Value = serde_json::from_str(&script(&second, "read", &known)).unwrap();
    for (question, answer) in before.as_object().unwrap() {
        assert_eq!(answer, &after[question], "{question}");
    }
    assert_eq!(before, after);
    script(&second, "complete", &known);
}
