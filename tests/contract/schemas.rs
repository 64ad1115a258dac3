//! What cdctl prints for other tools, held against those tools' own words: JSON Schemas of the AppSpec.

use std::io::Write;
use std::path::{Path, PathBuf};

use super::python;
use crate::support::cdctl::CDCTL;

/// The folder of AppSpec files with verdicts, which lies beside the project or nowhere.
fn corpus() -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/appspec");
    let folder = std::env::var_os("CDCTL_APPSPEC_CORPUS").map_or(beside, PathBuf::from);
    if folder.is_dir() {
        return Some(folder);
    }
    // Not through `eprintln!`: the harness keeps that back for tests that pass.
    let line = b"\nleft out, for there is no ../shared/appspec: the JSON Schema on its AppSpec files\n";
    std::io::stderr().write_all(line).unwrap();
    None
}

#[test]
fn the_schema_of_an_appspec_takes_what_is_right_and_nothing_else() {
    let Some(python) = python::ready("the JSON Schema of an AppSpec") else { return };
    let appspecs = python::fixture("appspecs.yaml");
    python::run(python.script("http://127.0.0.1:9", "schema.py").arg(CDCTL).arg(appspecs).args(corpus()));
}
