//! Checks what would be deployed: the AppSpec of a directory or archive, against what is in it.

mod archive;
mod names;

use std::fs;
use std::path::{Path, PathBuf};

use crate::appspec::{self, Checked, Finding, Kind, Os, Platform, Scope, Severity};
use crate::model::BundleType;
use crate::runner;

use super::bundle::{is_other_case, require_appspec};
use super::listing::{Found, Selected, listing, outside};
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

    /// It is for Lambda or ECS, which take no bundle.
    pub fn is_no_bundles(&self) -> bool {
        self.findings.iter().any(|finding| finding.code == "A067")
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
    pub fn render(&self, look: appspec::Look) -> String {
        appspec::render(&self.path, &self.text, &self.findings, look)
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
        Source::Directory(directory) => check_directory(&Selected::of(directory, selection)?, (scope, name)),
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

/// As [`check`], of a directory that was looked at and becomes a bundle of this type.
///
/// # Errors
/// Those of [`check`].
pub fn check_selected(selected: &Selected<'_>, scope: Scope, kind: &BundleType) -> Result<Report, Error> {
    let mut report = check_directory(selected, (scope, None))?;
    if *kind == BundleType::Zip {
        report.findings.extend(names::of_directory(&selected.found));
    }
    Ok(report)
}

fn check_directory(
    Selected { directory, selection, found, left_out }: &Selected<'_>,
    (scope, wanted): (Scope, Option<&str>),
) -> Result<Report, Error> {
    let warnings = left_out.iter().map(|message| Finding::warning("A061", None, message.clone()));
    let named = |name: &str| directory.join(name).display().to_string();
    let mut text = |name: &str| runner::read_appspec(&directory.join(name)).ok();
    let Some(name) = appspec_name(wanted, found, &mut text) else {
        let wanted_name = wanted.unwrap_or(appspec::FILE_NAME);
        let mut report = missing(named(wanted_name), directory, wanted, found);
        let why = selection.left_out(directory, wanted_name);
        report.findings.iter_mut().for_each(|finding| finding.help = why.clone().or(finding.help.take()));
        return Ok(report);
    };
    let file = directory.join(name);
    // What a link of a stranger's leads to out of the bundle is not read: its lines would stand in the findings.
    let is_link = found.iter().any(|found| found.name == name && found.kind == Kind::Link);
    if is_link && !(file.is_file() && matches!(outside(directory, &file), Ok(None))) {
        let target = fs::read_link(&file).unwrap_or_default();
        return Ok(no_file(named(name), &target.to_string_lossy()));
    }
    let text = read(&file)?;
    let listing = listing(found, &text)?;
    let mut checked = appspec::check(&text, Some(&listing), scope);
    explain_left_out(&mut checked, &|name| selection.left_out(directory, name));
    let mut findings = checked.findings;
    findings.extend(warnings.chain(appspec::names(&listing)).chain(from_outside(found)));
    findings.extend(case_of(name, wanted));
    findings.extend(no_bundles((name, &text), scope, Severity::Note));
    Ok(Report { path: named(name), file: Some(file), text, findings })
}

/// Sources and scripts that are missing in the bundle although they are there: which rule leaves them out.
fn explain_left_out(checked: &mut Checked, why: &dyn Fn(&str) -> Option<String>) {
    let Some(appspec) = &checked.appspec else { return };
    let sources =
        appspec.files.iter().filter_map(|entry| Some((entry.source_span, entry.source.as_ref().ok()?)));
    let scripts = appspec.hooks.iter().flat_map(|(_, scripts)| scripts);
    let named: Vec<_> = sources.chain(scripts.map(|script| (script.span, &script.location))).collect();
    for finding in checked.findings.iter_mut().filter(|finding| matches!(finding.code, "A015" | "A037")) {
        let path = named.iter().find(|(span, _)| Some(*span) == finding.span).map(|(_, path)| *path);
        let path = path.map(|path| match appspec.os {
            Os::Windows => path.replace('\\', "/"),
            Os::Linux => path.clone(),
        });
        finding.help = path.and_then(|path| why(&path)).or(finding.help.take());
    }
}

/// An AppSpec for Lambda or ECS is no part of a bundle: a warning where that is one, a note where it may become one.
fn no_bundles((name, text): (&str, &[u8]), scope: Scope, severity: Severity) -> Option<Finding> {
    let platform = match scope.platform.unwrap_or_else(|| Platform::of(text)) {
        Platform::Lambda => "Lambda",
        Platform::Ecs => "ECS",
        Platform::Server | Platform::Linux | Platform::Windows => return None,
    };
    let message = format!(
        "an AppSpec for {platform} is deployed as a file of its own: CodeDeploy takes it in no bundle"
    );
    let help = format!(
        "push the file itself, `cdctl revision push {name} s3://BUCKET/{name}`; only CodePipeline's action for ECS takes it in a zip"
    );
    Some(Finding::new("A067", severity, None, message).help(help))
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

/// The report of a revision whose AppSpec is a link to no file of it.
fn no_file(path: String, target: &str) -> Report {
    let message = format!("{path} is a link to `{target}`, which is no file of the bundle");
    let finding = Finding::error("A060", None, message).help("put the file itself at the root of the bundle");
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
