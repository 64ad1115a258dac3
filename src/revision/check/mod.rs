//! Checks what would be deployed: the AppSpec of a directory or archive, against what is in it.

mod archive;

use std::path::{Path, PathBuf};

use crate::appspec::{self, Finding, Kind, Scope, Severity};
use crate::model::BundleType;
use crate::runner;

use super::bundle::{is_other_case, require_appspec};
use super::listing::{Found, listing, outside, walk};
use super::{Error, Selection, Source};

/// What a check found.
#[derive(Debug)]
pub struct Report {
    /// The AppSpec's name for people: below the directory, or within the archive.
    pub path: String,
    /// Where it can be written to; none within an archive.
    pub file: Option<PathBuf>,
    pub text: Vec<u8>,
    pub findings: Vec<Finding>,
}

impl Report {
    /// There is no AppSpec.
    pub fn is_missing(&self) -> bool {
        self.findings.iter().any(|finding| finding.code == "A060" && finding.severity == Severity::Error)
    }

    /// It is in an archive that cannot be read so far.
    pub fn is_damaged(&self) -> bool {
        self.text.is_empty() && self.findings.iter().any(|finding| finding.code == "A065")
    }

    pub fn has_errors(&self) -> bool {
        self.has(Severity::Error)
    }

    pub fn has(&self, severity: Severity) -> bool {
        self.findings.iter().any(|finding| finding.severity == severity)
    }

    /// `2 errors, 1 warning`
    pub fn in_words(&self) -> String {
        let count = |severity: Severity, word: &str| {
            let n = self.findings.iter().filter(|finding| finding.severity == severity).count();
            (n > 0).then(|| format!("{n} {word}{}", if n == 1 { "" } else { "s" }))
        };
        let words = [
            count(Severity::Error, "error"),
            count(Severity::Warning, "warning"),
            count(Severity::Note, "note"),
        ];
        let words: Vec<String> = words.into_iter().flatten().collect();
        if words.is_empty() { "nothing to complain about".to_owned() } else { words.join(", ") }
    }

    /// For people.
    pub fn render(&self, colour: bool) -> String {
        appspec::render(&self.path, &self.text, &self.findings, colour)
    }
}

/// Checks a directory, as far as the selection takes it, an archive or an AppSpec alone. A missing AppSpec is a finding; what cannot be read at all is
/// an error.
///
/// # Errors
/// It cannot be read or unpacked.
pub fn check(source: &Source, scope: Scope, selection: &Selection) -> Result<Report, Error> {
    check_as(source, scope, selection, None)
}

/// As [`check`], of a bundle whose AppSpec has the name that was chosen for it.
///
/// # Errors
/// Those of [`check`].
pub fn check_as(
    source: &Source,
    scope: Scope,
    selection: &Selection,
    name: Option<&str>,
) -> Result<Report, Error> {
    match source {
        Source::Directory(directory) => check_directory(directory, (scope, name), selection),
        Source::Ready(file, BundleType::Yaml | BundleType::Json) => {
            let text = read(file)?;
            let findings = appspec::check(&text, None, scope).findings;
            Ok(Report { path: file.display().to_string(), file: Some(file.clone()), text, findings })
        }
        Source::Ready(archive, kind) => archive::check(archive, kind, (scope, name)),
    }
}

fn read(file: &Path) -> Result<Vec<u8>, Error> {
    runner::read_appspec(file).map_err(|error| Error::new(format!("cannot read {}: {error}", file.display())))
}

fn check_directory(
    directory: &Path,
    (scope, wanted): (Scope, Option<&str>),
    selection: &Selection,
) -> Result<Report, Error> {
    let (found, left_out) = walk(directory, selection)?;
    let warnings = left_out.into_iter().map(|message| Finding::warning("A061", None, message));
    let named = |name: &str| directory.join(name).display().to_string();
    let mut text = |name: &str| runner::read_appspec(&directory.join(name)).ok();
    let Some(name) = appspec_name(wanted, &found, &mut text) else {
        return Ok(missing(named(wanted.unwrap_or(appspec::FILE_NAME)), directory, wanted, &found));
    };
    let file = directory.join(name);
    // A link of a stranger's to a file of this machine: its lines would stand in the findings.
    let is_link = found.iter().any(|found| found.name == name && found.kind == Kind::Link);
    if is_link && outside(directory, &file).ok().flatten().is_some() {
        let message = format!("cannot read {}: it is a link out of the bundle", named(name));
        return Err(Error::new(message));
    }
    let text = read(&file)?;
    let listing = listing(&found, &text)?;
    let mut findings = appspec::check(&text, Some(&listing), scope).findings;
    findings.extend(warnings.chain(appspec::names(&listing)).chain(from_outside(&found)));
    findings.extend(case_of(name, wanted));
    Ok(Report { path: named(name), file: Some(file), text, findings })
}

/// Links out of the directory that were followed: the bundle has a copy of what is there on this machine.
fn from_outside(found: &[Found]) -> impl Iterator<Item = Finding> {
    let links = found.iter().filter_map(|found| Some((&found.name, found.from_outside.as_ref()?)));
    let note = |(name, target): (&String, &PathBuf)| {
        let target = target.display();
        Finding::note(
            "A062",
            None,
            format!("`{name}` is a link out of the bundle, to `{target}`: that is copied"),
        )
    };
    links.map(note).take(appspec::MOST)
}

/// The report of a revision without an AppSpec.
fn missing(path: String, shown: &Path, wanted: Option<&str>, found: &[Found]) -> Report {
    let mut finding = Finding::error("A060", None, format!("{} has no appspec.yml", shown.display()));
    if let Some(name) = wanted {
        finding = Finding::error("A060", None, format!("{} has no {name}", shown.display()));
    } else if let Err(Error { message, help }) = require_appspec(shown, found) {
        finding = Finding::error("A060", None, message);
        finding.help = help;
    }
    Report { path, file: None, text: Vec::new(), findings: vec![finding] }
}

/// What an AppSpec at the root may be called; by the others than the first only one for Lambda or ECS.
const NAMES: &[&str] = &[appspec::FILE_NAME, "appspec.yaml", "appspec.json"];

/// The AppSpec that is wanted, or the one at the root.
fn appspec_name<'a>(
    wanted: Option<&'a str>,
    found: &'a [Found],
    text: &mut dyn FnMut(&str) -> Option<Vec<u8>>,
) -> Option<&'a str> {
    if let Some(name) = wanted {
        return found.iter().any(|found| found.name == name).then_some(name);
    }
    let is_there = |name: &str| found.iter().any(|found| found.name == name && found.kind != Kind::Directory);
    let managed = |text: Vec<u8>| appspec::Platform::of(&text) != appspec::Platform::Server;
    NAMES
        .iter()
        .copied()
        .find(|name| is_there(name) && (*name == appspec::FILE_NAME || text(name).is_some_and(managed)))
        .or_else(|| {
            let other = found.iter().find(|found| is_other_case(found)).map(|found| found.name.as_str());
            other.filter(|name| text(name).is_some_and(|text| appspec::is_for_windows(&text)))
        })
}

/// The note on a name that only Windows takes for the AppSpec's.
fn case_of(name: &str, wanted: Option<&str>) -> Option<Finding> {
    let other = wanted.is_none() && !NAMES.contains(&name);
    let finding =
        || Finding::warning("A060", None, format!("`{name}` is found on Windows only, whatever its case"));
    other.then(|| finding().help("rename it to appspec.yml"))
}

#[cfg(test)]
mod tests;
