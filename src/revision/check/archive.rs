//! Archives: nothing is unpacked, so that what is in a large bundle is told within a moment.

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};

use super::super::listing::{Found, Named, Stamp};
use super::{Error, Report, appspec_name, case_of, missing, names, no_bundles, no_file};
use crate::appspec::{self, Agent, AppSpec, Finding, Kind, Os, Scope, Severity};
use crate::model::BundleType;
use crate::runner::{self, Contents, Damage, Fault};

const DAMAGED: &str = "make the bundle again, and compare the copies' checksums";

pub fn check(
    archive: &Path,
    kind: &BundleType,
    (scope, wanted): (Scope, Option<&str>),
) -> Result<Report, Error> {
    let told = |message: String| Error::new(format!("cannot unpack {}: {message}", archive.display()));
    let report = |path: String, text, findings| Report { path, file: None, text, findings };
    let mut contents = match runner::contents(archive, kind) {
        Ok(contents) => contents,
        Err(error) if error.damaged => {
            let finding = Finding::error("A065", None, error.message).help(DAMAGED);
            return Ok(report(archive.display().to_string(), Vec::new(), vec![finding]));
        }
        Err(error) => return Err(told(error.message)),
    };
    let found: Vec<Found> = found(&contents);
    let named = |name: &str| format!("{}:{name}", archive.display());
    let faults = |contents: &Contents, wanted: &dyn Fn(&str) -> bool| match contents.damage(wanted) {
        Ok(damage) => Ok(faults(&damage, scope.agent)),
        Err(error) => Err(told(error.to_string())),
    };
    let mut text = |name: &str| contents.text(name).ok().flatten();
    let Some(name) = appspec_name(wanted, &found, &mut text) else {
        let mut report = missing(named(wanted.unwrap_or(appspec::FILE_NAME)), archive, wanted, &found);
        report.findings.extend(faults(&contents, &|_| false)?);
        return Ok(report);
    };
    let text = match contents.text(name) {
        Ok(Some(text)) => text,
        Ok(None) => {
            let target = contents.listing().get(name).map_or(&[][..], |entry| entry.head.as_slice());
            return Ok(no_file(named(name), &String::from_utf8_lossy(target)));
        }
        Err(error) => {
            let mut findings = faults(&contents, &|path| path == name)?;
            if findings.iter().all(|finding| finding.severity != Severity::Error) {
                findings.push(Finding::error("A065", None, format!("`{name}` cannot be unpacked: {error}")));
            }
            return Ok(report(named(name), Vec::new(), findings));
        }
    };
    let links = contents.listing().iter().filter(|(_, entry)| entry.kind == Kind::Link);
    let files = Named::new(&text, links.map(|(link, entry)| (link.as_str(), entry.head.as_slice())));
    let faults = faults(&contents, &|path| path == name || files.has(path))?;
    let backslashes = contents.backslashes.then(|| {
        let message = "names in this zip have backslashes, which `unzip` takes for slashes with a warning";
        Finding::warning("A064", None, message).help("make the zip by a tool that writes slashes")
    });
    let changed = names::of_zip(&contents.changed);
    let doubtful = (!contents.doubtful.is_empty()).then(|| {
        let names = contents.doubtful.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        let message =
            format!("`unzip` of Debian and Ubuntu takes names of this zip of Windows for others: {names}");
        Finding::warning("A064", None, message).help("name files in ASCII, or make the zip on Linux or macOS")
    });
    let no_text = std::mem::take(&mut contents.no_text);
    // What the AppSpec names cannot be looked at where it cannot be unpacked.
    let whole = faults.iter().all(|finding| finding.severity != Severity::Error || finding.only.is_some());
    let listing = if whole {
        Some(contents.with_heads(&|path| files.has(path)).map_err(|error| told(error.to_string()))?)
    } else {
        None
    };
    let checked = appspec::check(&text, listing.as_ref(), scope);
    let mut findings = checked.findings;
    findings.extend(checked.appspec.iter().flat_map(|appspec| unwritten(appspec, &no_text)));
    findings.extend(faults);
    findings
        .extend(listing.iter().flat_map(appspec::names).chain(backslashes).chain(changed).chain(doubtful));
    findings.extend(case_of(name, wanted));
    findings.extend(no_bundles((name, &text), scope, Severity::Warning));
    Ok(report(named(name), text, findings))
}

fn found(contents: &Contents) -> Vec<Found> {
    let entry = |(name, entry): (&String, &appspec::Entry)| Found {
        name: name.clone(),
        // Nothing of it is opened by its path.
        path: PathBuf::new(),
        kind: entry.kind.clone(),
        mode: entry.mode,
        size: 0,
        from_outside: None,
        stamp: Stamp::default(),
    };
    contents.listing().iter().map(entry).collect()
}

/// Names that are no UTF-8 among what `files` installs on Linux.
fn unwritten(appspec: &AppSpec, no_text: &BTreeSet<String>) -> Vec<Finding> {
    let sources = appspec.files.iter().filter_map(|entry| entry.source.as_ref().ok());
    let sources: Vec<PathBuf> = sources.map(|source| plain(source)).collect();
    let installed = |path: &&String| {
        appspec.os == Os::Linux && sources.iter().any(|source| Path::new(path).starts_with(source))
    };
    let finding = |path: &String| {
        let message =
            format!("the name `{path}` is not UTF-8, and the agent cannot write it down: Install fails");
        Finding::error("A069", None, message).help("rename the file, and make the archive again")
    };
    no_text.iter().filter(installed).map(finding).take(appspec::MOST).collect()
}

/// A source without leading slash and `.`
fn plain(source: &str) -> PathBuf {
    let parts = Path::new(source.trim_start_matches('/')).components();
    parts.filter(|part| *part != Component::CurDir).collect()
}

/// What is not whole, and for which agent that matters.
fn faults(damage: &[Damage], agent: Option<Agent>) -> Vec<Finding> {
    let finding = |Damage { name, fault }: &Damage| {
        let finding = match fault {
            Fault::Broken(what) => {
                Finding::error("A065", None, format!("`{name}` cannot be unpacked: {what}"))
            }
            Fault::Checksum => {
                let message = format!("the checksum of `{name}` is wrong: its content is damaged");
                match agent {
                    Some(Agent::One) => {
                        Finding::warning("A065", None, format!("{message}, and installed as it is"))
                    }
                    _ => of(Agent::Two, agent, Finding::error("A065", None, message)),
                }
            }
            Fault::Method if agent == Some(Agent::Two) => return None,
            Fault::Method => {
                let message =
                    format!("`{name}` is packed by a method that the agent's `unzip` does not know");
                return Some(of(Agent::One, agent, Finding::error("A065", None, message)).help(METHOD));
            }
            Fault::Header => {
                let message = format!(
                    "what stands about `{name}` in the archive is not all true: not every tool unpacks it alike"
                );
                Finding::warning("A065", None, message)
            }
        };
        let encrypted = matches!(fault, Fault::Broken(what) if what.contains("encrypted"));
        Some(finding.help(if encrypted { "make the zip without a password" } else { DAMAGED }))
    };
    let mut findings: Vec<Finding> = damage.iter().filter_map(finding).collect();
    findings.sort_by_key(|finding| finding.severity);
    findings.truncate(appspec::MOST);
    findings
}

const METHOD: &str = "make the zip with the method `deflate`";

/// Names the agent that it holds for, where both were asked.
fn of(agent: Agent, asked: Option<Agent>, finding: Finding) -> Finding {
    Finding { only: asked.is_none().then_some(agent), ..finding }
}
