//! The twenty things that a sceptical engineer would try first, in order, each the name of a test: they stand where their
//! scene is, beside the code or here, and `cargo test sre_` runs them all.

use std::fs;
use std::path::Path;

const TWENTY: [&str; 20] = [
    "sre_01_truthful_exit",
    "sre_02_right_deployment",
    "sre_03_throttle_storm",
    "sre_04_network_cut",
    "sre_05_credentials",
    "sre_06_pipe_purity",
    "sre_07_log_budget",
    "sre_08_first_failure",
    "sre_09_resize",
    "sre_10_signals",
    "sre_11_never_stopped_on_the_way_out",
    "sre_12_ready",
    "sre_13_cause_not_symptom",
    "sre_14_rollback",
    "sre_15_time",
    "sre_16_eta",
    "sre_17_kinds_and_states",
    "sre_18_permission",
    "sre_19_recorded",
    "sre_20_accessible",
];

/// Every line of the package's sources that begins a function, with the line before it.
fn functions(folder: &Path, found: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            functions(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(path).unwrap();
            let mut before = "";
            for line in text.lines() {
                if line.contains("fn sre_") {
                    found.push((before.to_owned(), line.to_owned()));
                }
                before = if line.starts_with("#[expect") { before } else { line };
            }
        }
    }
}

#[test]
fn all_twenty_are_tests() {
    let mut found = Vec::new();
    for folder in ["src", "tests"] {
        functions(&Path::new(env!("CARGO_MANIFEST_DIR")).join(folder), &mut found);
    }
    for name in TWENTY {
        let is_it = |(before, line): &(String, String)| before.contains("test") && line.contains(name);
        assert_eq!(found.iter().filter(|function| is_it(function)).count(), 1, "{name}");
    }
}
