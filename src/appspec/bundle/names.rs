//! What is worth a word about the names in a bundle.

use std::collections::HashMap;

use super::super::{Agent, AppSpec, FileExists, Finding};
use super::{Checker, Kind, Listing, MOST, Target, normal};

/// What is worth a word about a bundle's names, whatever its AppSpec says.
pub fn names(listing: &Listing) -> Vec<Finding> {
    let outward =
        listing.iter().filter(|(name, entry)| entry.kind == Kind::Link && leads_out(name, &entry.head));
    let links = outward.map(|(name, entry)| {
        let target = String::from_utf8_lossy(&entry.head);
        Finding::note("A062", None, format!("`{name}` is a link out of the bundle, to `{target}`"))
            .help("a directory that the host has there is copied; any other link stays one")
    });
    let mut seen: HashMap<String, &str> = HashMap::with_capacity(listing.len());
    let clashes = listing.keys().filter_map(|name| {
        let other = seen.insert(name.to_lowercase(), name)?;
        let message = format!("`{other}` and `{name}` differ in case only");
        Some(Finding::note("A063", None, message))
    });
    links.take(MOST).chain(clashes.take(MOST)).collect()
}

fn leads_out(name: &str, target: &[u8]) -> bool {
    let target = String::from_utf8_lossy(target);
    let folder = name.rsplit_once('/').map_or("", |(folder, _)| folder);
    target.starts_with('/') || normal(&format!("{folder}/{target}")).is_none()
}

/// Whether an agent reads a path of the host out of its record as it wrote it there: a line each, whose ends it clears of
/// blanks.
///
/// Source: official agents. 1.8.1, install_instruction (Ruby's `strip`); 2.x, installer (Rust's `trim`).
pub fn is_read_back(agent: Agent, path: &str) -> bool {
    let is_blank = |c: char| match agent {
        Agent::One => matches!(c, '\t'..='\r' | ' '),
        Agent::Two => c.is_whitespace(),
    };
    !path.contains('\n') && !path.ends_with(is_blank)
}

impl Checker<'_> {
    /// Files that the next deployment is to remove and does not find.
    pub(super) fn never_removed(&mut self, appspec: &AppSpec) {
        let (agent, listing) = (self.agent, self.listing);
        let lost = self.targets.iter().filter_map(|(path, (target, at))| match target {
            Target::File(source) if !is_read_back(agent, path) => Some((path, source, *at)),
            _ => None,
        });
        // What is no link is replaced.
        let is_replaced = |source: &String| {
            appspec.file_exists == Some(FileExists::Overwrite)
                && listing.get(source).is_none_or(|entry| entry.kind != Kind::Link)
        };
        let lost: Vec<_> = lost.filter(|(_, source, _)| !is_replaced(source)).collect();
        let Some((path, source, at)) = lost.first().copied() else { return };
        let what = match path {
            path if path.contains('\n') => "has a line feed in its name",
            path if path.ends_with('\r') => "ends in a carriage return",
            _ => "ends in a blank",
        };
        let then = match appspec.file_exists {
            Some(FileExists::Retain) => "the next deployment does not replace it",
            Some(_) => "the next deployment fails as it is there already",
            None => "the next deployment fails as it is there already, unless it says otherwise",
        };
        let more = match lost.len() {
            1 => String::new(),
            many => format!(", and so on with {} more", many - 1),
        };
        let message =
            format!("`{source}` {what}: the agents do not find it again to remove it, and {then}{more}");
        // A name that `unzip` changes is another one on a host.
        let help = match source.contains(|c: char| c.is_ascii_control()) {
            true => "rename it; of a zip `unzip` leaves the character out",
            false => "rename it",
        };
        let span = appspec.files.get(at).map(|entry| entry.source_span);
        self.findings.push(Finding::warning("A068", span, message).help(help));
    }
}
