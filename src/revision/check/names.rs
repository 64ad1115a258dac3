//! Names that `unzip` changes.

use std::collections::HashMap;

use super::super::listing::Found;
use crate::appspec::{self, Finding, Kind};
use crate::runner;

const HELP: &str = "name files without control characters, and without `;` and digits at the end";

/// Of a zip's names the first few that it changes: as they are written, and as they are unpacked.
pub fn of_zip(changed: &[(String, String)]) -> Option<Finding> {
    let finding = |message: String| Finding::warning("A064", None, message).help(HELP);
    (!changed.is_empty()).then(|| finding(format!("`unzip` changes names in this zip: {}", told(changed))))
}

/// Of a directory that becomes a zip; an error where a file would be lost.
pub fn of_directory(found: &[Found]) -> Vec<Finding> {
    let changed = found.iter().map(|found| (found.name.clone(), unzipped(found)));
    let changed: Vec<_> = changed.filter(|(from, to)| from != to).take(appspec::MOST).collect();
    if changed.is_empty() {
        return Vec::new();
    }
    let help = format!("{HELP}, or make the bundle a tar");
    let mut places: HashMap<String, &Found> = HashMap::with_capacity(found.len());
    let lost = found.iter().filter_map(|found| {
        let name = unzipped(found);
        let other = places.insert(name.clone(), found)?;
        let both = found.kind == Kind::Directory && other.kind == Kind::Directory;
        let message = format!("`unzip` puts `{}` where it puts `{}`: {name}", found.name, other.name);
        (!both).then(|| Finding::error("A064", None, message).help(&help))
    });
    let lost: Vec<Finding> = lost.take(appspec::MOST).collect();
    let message = format!("`unzip` changes names in a zip of this: {}", told(&changed));
    [Finding::warning("A064", None, message).help(&help)].into_iter().chain(lost).collect()
}

fn told(changed: &[(String, String)]) -> String {
    let changed: Vec<String> = changed.iter().map(|(from, to)| format!("`{from}` becomes `{to}`")).collect();
    changed.join(", ")
}

fn unzipped(found: &Found) -> String {
    let end = if found.kind == Kind::Directory { "/" } else { "" };
    let name = runner::as_written(format!("{}{end}", found.name).as_bytes());
    let name = String::from_utf8_lossy(&name);
    name.strip_suffix(end).unwrap_or(&name).to_owned()
}
