//! What the text alone shows: entries and permissions that clash whatever the bundle holds, locations of no script.

use std::collections::{HashMap, HashSet};

use super::super::{Agent, AppSpec, Finding, Permission, Script};
use super::host::{expanded, has_files_ending};
use super::{is_comparable, is_directorys, is_vain, normal, scripts};

/// The parts of a path that are compared.
const MOST_PARTS: usize = 64;

fn slashes(path: &str, windows: bool) -> String {
    if windows { path.replace('\\', "/") } else { path.to_owned() }
}

/// By their order: source and destination without leading slash.
fn pairs(appspec: &AppSpec, windows: bool) -> Vec<Option<(String, String)>> {
    let pair = |entry: &super::FileEntry| {
        let (source, destination) = (entry.source.as_ref().ok()?, entry.destination.as_ref().ok()?);
        // Another begins at the agent's own directory, wherever that is.
        if !windows && !destination.starts_with('/') {
            return None;
        }
        Some((normal(&slashes(source, windows))?, expanded(&slashes(destination, windows))))
    };
    appspec.files.iter().map(pair).collect()
}

/// Entries of which one copies what another one copies to the same place.
pub fn files(appspec: &AppSpec, windows: bool) -> Vec<Finding> {
    let pairs = pairs(appspec, windows);
    let there: HashSet<(String, String)> = pairs.iter().flatten().cloned().collect();
    let mut seen = HashSet::new();
    let mut findings = Vec::new();
    for (entry, pair) in appspec.files.iter().zip(&pairs) {
        let (Some(pair), Ok(source), Ok(destination)) = (pair, &entry.source, &entry.destination) else {
            continue;
        };
        let (other, is_whole) = match seen.insert(pair) {
            false => ("another entry".to_owned(), true),
            true => match within(pair, &there) {
                Some((above, is_whole)) => (format!("the entry for `/{above}`"), is_whole),
                None => continue,
            },
        };
        let message = format!("`{source}` is copied to {destination} by {other} too: Install fails");
        let finding = match is_whole {
            true if pair.0.is_empty() || has_files_ending(&pair.0) => {
                Finding::error("A016", entry.source_span, message)
            }
            true => {
                let message = format!("{message}, unless that is an empty directory");
                Finding::warning("A016", entry.source_span, message)
            }
            false => Finding::warning("A016", entry.source_span, format!("{message} where that is a file")),
        };
        findings.push(finding.help("take one of the two entries out"));
    }
    findings
}

/// The source of an entry for a directory with this source in it, which puts that to the same place: all that is in it,
/// or only itself where it is a file.
fn within(
    (source, destination): &(String, String),
    there: &HashSet<(String, String)>,
) -> Option<(String, bool)> {
    let from: Vec<&str> = source.split('/').filter(|part| !part.is_empty()).collect();
    let to: Vec<&str> = destination.split('/').filter(|part| !part.is_empty()).collect();
    let is_files = has_files_ending(source);
    for below in 1..=from.len().min(MOST_PARTS) {
        let (above, rest) = from.split_at(from.len() - below);
        let folder = rest.get(..below - 1).unwrap_or_default();
        let (whole, within) = (to.ends_with(rest), is_files && to.ends_with(folder));
        if !whole && !within {
            return None;
        }
        let entry = |depth| (above.join("/"), to.get(..to.len() - depth).unwrap_or_default().join("/"));
        if whole && there.contains(&entry(below)) {
            return Some((above.join("/"), true));
        }
        if within && there.contains(&entry(below - 1)) {
            return Some((above.join("/"), false));
        }
    }
    None
}

/// Permissions that set twice what they are for.
pub fn permissions(appspec: &AppSpec, agent: Agent) -> Vec<Finding> {
    let everything = pairs(appspec, false).into_iter().flatten().filter(|(source, _)| source.is_empty());
    let everything: HashSet<String> =
        everything.map(|(_, destination)| destination).take(MOST_PARTS).collect();
    let mut seen: HashMap<(String, &str, &[String]), (bool, bool)> = HashMap::new();
    let mut findings = Vec::new();
    for permission in &appspec.permissions {
        let Permission { object, pattern, except, files, directories, .. } = permission;
        if !object.starts_with('/') || !is_comparable(agent, object) || is_vain(agent, pattern) {
            continue;
        }
        let object = expanded(object);
        let key = (object.clone(), pattern.as_str(), except.as_slice());
        let before = seen.insert(key.clone(), (*files, *directories)).unwrap_or_default();
        if let Some(now) = seen.get_mut(&key) {
            *now = (now.0 || before.0, now.1 || before.1);
        }
        let for_files = *files && before.0;
        if !(for_files || *directories && before.1) {
            continue;
        }
        // The AppSpec itself is in what is copied.
        let prefix = if object.is_empty() { object.clone() } else { format!("{object}/") };
        let is_for = |to: &String| *to == object || to.starts_with(&prefix);
        let is_certain = for_files && pattern == "**" && except.is_empty() && everything.iter().any(is_for);
        let message = "another permission has the same object and pattern: Install fails";
        let finding = match is_certain {
            true => Finding::error("A028", permission.span, message),
            false => {
                let message = format!("{message} where the bundle installs any of that");
                Finding::warning("A028", permission.span, message)
            }
        };
        findings.push(finding.help("set it once"));
    }
    findings
}

/// A location that leads so far out of the bundle that the host's own programs may be there.
pub fn far_up(script: &Script, windows: bool) -> Option<Finding> {
    /// Directories above an unpacked bundle that are the agent's: a deployment's, a group's, and that of all of them.
    const AGENTS: usize = 3;
    let path = slashes(&script.location, windows);
    let is_far = normal(&path).is_none() && path.split('/').filter(|part| *part == "..").count() > AGENTS;
    let message = format!("`{}` leads out of the bundle: what the host has there runs", script.location);
    is_far.then(|| Finding::warning("A037", script.span, message))
}

/// A location that is no file's, whatever there is.
pub fn location(event: &str, script: &Script, windows: bool) -> Option<Finding> {
    let path = slashes(&script.location, windows);
    let finding = match normal(&path) {
        None if far_up(script, windows).is_some() => return far_up(script, windows),
        None => {
            let what = format!("`{}` leads out of the bundle", script.location);
            scripts::failing("A037", event, script, &what)
                .help("a location is the script's path below the bundle's root")
        }
        Some(normal)
            if normal.is_empty() || (!windows && (is_directorys(&path) || path.ends_with("/.."))) =>
        {
            let what = format!("`{}` can only be a directory", script.location);
            scripts::failing("A039", event, script, &what).help("name the script in it")
        }
        Some(_) => return None,
    };
    Some(finding)
}
