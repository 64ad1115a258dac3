//! The house's walls that the compiler does not see: who may name what. CONTRIBUTING.md has the table.

use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Every Rust file below `folder`, as a path from the package's root with its text.
fn sources(folder: &str) -> Vec<(String, String)> {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }
    let mut found = Vec::new();
    walk(&root().join(folder), &mut found);
    found.sort();
    found
        .into_iter()
        .map(|path| {
            let name = path.strip_prefix(root()).unwrap().to_str().unwrap().to_owned();
            (name, fs::read_to_string(path).unwrap())
        })
        .collect()
}

/// The text without unit tests and comments: what the rules are about.
fn code(text: &str) -> String {
    let body = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or(text);
    body.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

/// Places (prefixes of paths) where `word` may stand in code.
struct Rule {
    word: &'static str,
    only: &'static [&'static str],
}

const RULES: &[Rule] = &[
    Rule {
        word: "aws_sdk_",
        only: &["src/api/", "src/sandbox/server/", "src/sandbox/operations/", "src/sandbox/wire.rs"],
    },
    Rule { word: "aws_config", only: &["src/api/"] },
    Rule {
        word: "aws_smithy_",
        only: &["src/api/", "src/sandbox/server/", "src/sandbox/operations/", "src/sandbox/wire.rs"],
    },
    Rule { word: "s3s::", only: &["src/sandbox/"] },
    Rule { word: "indicatif", only: &["src/report/", "src/ui/"] },
    Rule { word: "comfy_table", only: &["src/format/table.rs"] },
    Rule { word: "libyaml_safer", only: &["src/source/"] },
    Rule { word: "annotate_snippets", only: &["src/appspec/render.rs"] },
    Rule { word: "serde_yaml", only: &["src/sandbox/fleet/", "src/format/", "src/appspec/serde_tests.rs"] },
    Rule { word: "clap", only: &["src/cli.rs", "src/lib.rs", "src/commands/", "src/format/mod.rs"] },
    Rule { word: "crate::commands", only: &["src/cli.rs", "src/lib.rs", "src/commands/"] },
    Rule {
        word: "crate::sandbox",
        only: &["src/sandbox/", "src/commands/sandbox/", "src/commands/demo/", "src/lib.rs"],
    },
    Rule {
        word: "crate::ui",
        only: &[
            "src/ui/",
            "src/report/",
            "src/format/",
            "src/view/",
            "src/commands/",
            "src/lib.rs",
            "src/error.rs",
            "src/context.rs",
            "src/settings.rs",
            "src/appspec/render.rs",
        ],
    },
    Rule { word: "crate::view", only: &["src/view/", "src/commands/"] },
    Rule { word: "terminal_size", only: &["src/ui/"] },
    Rule { word: "redb::", only: &["src/sandbox/state/"] },
];

#[test]
fn only_its_owner_names_a_thing() {
    let mut broken = Vec::new();
    for (name, text) in sources("src") {
        let code = code(&text);
        for rule in RULES {
            if code.contains(rule.word) && !rule.only.iter().any(|place| name.starts_with(place)) {
                broken.push(format!("{name} names {}, which only {:?} may", rule.word, rule.only));
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

/// What nobody knows stays behind where a signal ends the command.
#[test]
fn only_scratch_makes_temporary_files() {
    const OTHERS: &[&str] =
        &["src/scratch.rs", "src/sandbox/", "src/commands/sandbox/", "src/api/role_cache.rs"];
    for (name, text) in sources("src") {
        let is_test = name.contains("/tests/") || name.ends_with("tests.rs");
        let may = is_test || OTHERS.iter().any(|place| name.starts_with(place));
        assert!(may || !code(&text).contains("tempfile::"), "{name} makes a temporary file past scratch.rs");
    }
}

#[test]
fn the_sandbox_does_not_know_the_client() {
    for (name, text) in sources("src/sandbox") {
        for word in ["crate::api", "crate::watch", "crate::context", "crate::settings"] {
            assert!(!code(&text).contains(word), "{name} names {word}");
        }
    }
    for (name, text) in sources("src/runner") {
        for word in ["crate::api", "crate::sandbox"] {
            assert!(!code(&text).contains(word), "{name} names {word}");
        }
    }
}

#[test]
fn the_fold_of_a_watch_is_pure() {
    for file in ["tracker.rs", "tracker/report.rs", "outcome.rs", "causes.rs", "event.rs"] {
        let text = fs::read_to_string(root().join("src/watch").join(file)).unwrap();
        for word in ["async ", ".await", "Instant::now", "tokio::", "std::fs", "std::io"] {
            assert!(!code(&text).contains(word), "watch/{file} holds {word}");
        }
    }
}

#[test]
fn every_file_says_what_it_is_for() {
    for (name, text) in sources("src").into_iter().chain(sources("tests")) {
        assert!(text.starts_with("//!"), "{name} does not open with what it is for");
    }
}

#[test]
fn no_file_grows_without_bound() {
    let is_test =
        |name: &str| name.ends_with("/tests.rs") || name.contains("/tests/") || name.contains("/scenarios");
    for (name, text) in sources("src").into_iter().filter(|(name, _)| !is_test(name)) {
        let lines = code(&text).lines().count();
        assert!(lines <= 500, "{name} has {lines} lines of code; CONTRIBUTING.md says 500 at most");
    }
}

#[test]
fn every_test_file_is_run() {
    let main = fs::read_to_string(root().join("tests/main.rs")).unwrap();
    for entry in fs::read_dir(root().join("tests")).unwrap() {
        let path = entry.unwrap().path();
        let stem = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let is_module =
            path.extension().is_some_and(|extension| extension == "rs") || path.join("mod.rs").exists();
        if is_module && stem != "main" {
            assert!(main.contains(&format!("mod {stem};")), "tests/main.rs does not name {stem}");
        }
    }
}
