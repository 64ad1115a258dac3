//! What only the bundle can tell: whether what an AppSpec names is there. Works on a listing, opens nothing.

use std::collections::{BTreeMap, HashMap};

use crate::source::Span;

use super::finding::nearest;
use super::read::acl;
use super::{Agent, AppSpec, FileExists, Finding, Os, Permission, Script};

/// What an entry of a bundle is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    File,
    Directory,
    Link,
}

/// An entry of a bundle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub kind: Kind,
    /// Permission bits.
    pub mode: u32,
    /// The first bytes of a file, enough for its first line; where a link points.
    pub head: Vec<u8>,
}

/// The entries of a bundle by their path below its root, without a leading slash.
pub type Listing = BTreeMap<String, Entry>;

/// The findings that a bundle adds, for one agent or for both.
pub fn check(appspec: &AppSpec, listing: &Listing, agent: Option<Agent>) -> Vec<Finding> {
    let windows = appspec.os == Os::Windows;
    let (findings, targets) = (Vec::new(), BTreeMap::new());
    let mut checker = Checker { listing, agent, windows, findings, targets, complete: true };
    for entry in &appspec.files {
        match (&entry.source, &entry.destination) {
            (Ok(source), Ok(destination)) => checker.file(source, entry.source_span, destination),
            _ => checker.complete = false,
        }
    }
    if !windows {
        checker.there_already(appspec);
    }
    let mut objects = BTreeMap::new();
    for permission in &appspec.permissions {
        checker.permission(permission, &mut objects);
    }
    for script in appspec.hooks.iter().flat_map(|(_, scripts)| scripts) {
        checker.script(script);
    }
    checker.findings
}

/// Notes of one kind: a tree of links is one matter, not a thousand.
pub const MOST: usize = 5;

/// What is worth a word about a bundle's names, whatever its AppSpec says.
pub fn names(listing: &Listing) -> Vec<Finding> {
    let outward =
        listing.iter().filter(|(name, entry)| entry.kind == Kind::Link && leads_out(name, &entry.head));
    let links = outward.map(|(name, entry)| {
        let target = String::from_utf8_lossy(&entry.head);
        Finding::note("A062", None, format!("`{name}` is a link out of the bundle, to `{target}`"))
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

/// What Install puts at a path of the host.
#[derive(PartialEq)]
enum Target {
    Directory,
    /// From this path of the bundle.
    File(String),
}

/// Files of every Linux host.
const ALWAYS_THERE: &[&str] = &[
    "etc/fstab",
    "etc/group",
    "etc/hosts",
    "etc/os-release",
    "etc/passwd",
    "etc/profile",
    "etc/resolv.conf",
    "etc/shadow",
];

struct Checker<'a> {
    listing: &'a Listing,
    agent: Option<Agent>,
    windows: bool,
    findings: Vec<Finding>,
    targets: BTreeMap<String, Target>,
    /// Whether these are all that Install makes.
    complete: bool,
}

/// A path by its text alone, without leading slash, `.` and `..`; none where it leads out.
fn normal(path: &str) -> Option<String> {
    let mut parts = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

impl Checker<'_> {
    /// A name of the bundle that a wrong path may be meant for: the same file in another folder, or one that is written
    /// nearly so.
    fn meant(&self, path: &str) -> Option<String> {
        let path = self.path(path)?;
        let name = path.rsplit('/').next().filter(|name| !name.is_empty())?;
        let same =
            |known: &&String| known.rsplit('/').next().is_some_and(|known| known.eq_ignore_ascii_case(name));
        let known = self.listing.keys().find(same).map(String::as_str).or_else(|| {
            let near = self.listing.keys().filter(|known| known.len().abs_diff(path.len()) <= 2);
            nearest(&path, &near.map(String::as_str).collect::<Vec<_>>())
        })?;
        Some(format!("did you mean `{known}`?"))
    }

    /// [`normal`], of a host's path.
    fn path(&self, path: &str) -> Option<String> {
        if self.windows { normal(&path.replace('\\', "/")) } else { normal(path) }
    }

    fn file(&mut self, source: &str, span: Span, destination: &str) {
        let found = self.path(source).filter(|path| path.is_empty() || self.listing.contains_key(path));
        let Some(path) = found else {
            self.complete = false;
            let finding =
                Finding::error("A015", span, format!("`{source}` is not in the bundle: Install fails"));
            self.findings.push(if source.contains(['*', '?', '[']) {
                finding
                    .help("the agent knows no wildcards: name a file, or a directory for all that it holds")
            } else {
                let help = self.meant(source);
                finding.help(help.unwrap_or_else(|| "a source is a path below the bundle's root".to_owned()))
            });
            return;
        };
        let to = self.path(destination).unwrap_or_default();
        let below = |path: &str| if path.is_empty() { String::new() } else { format!("{path}/") };
        if !path.is_empty() && self.listing.get(&path).is_none_or(|entry| entry.kind != Kind::Directory) {
            let name = path.rsplit('/').next().unwrap_or(&path).to_owned();
            return self.target(format!("{}{name}", below(&to)), Target::File(path), span);
        }
        self.target(to.clone(), Target::Directory, span);
        let (prefix, listing) = (below(&path), self.listing);
        for (name, entry) in listing.range(prefix.clone()..).take_while(|(name, _)| name.starts_with(&prefix))
        {
            let target = format!("{}{}", below(&to), name.get(prefix.len()..).unwrap_or_default());
            let kind = match entry.kind {
                Kind::Directory => Target::Directory,
                Kind::File | Kind::Link => Target::File(name.clone()),
            };
            self.target(target, kind, span);
        }
    }

    fn target(&mut self, path: String, target: Target, span: Span) {
        let Some(there) = self.targets.get(&path) else {
            self.targets.insert(path, target);
            return;
        };
        let message = match (there, &target) {
            (Target::Directory, Target::Directory) => return,
            (Target::File(first), Target::File(second)) => {
                format!("`{first}` and `{second}` are both installed as /{path}: Install fails")
            }
            _ => format!("/{path} is installed both as a file and as a directory: Install fails"),
        };
        self.findings.push(Finding::error("A016", span, message));
    }

    /// DISALLOW refuses what is there already, and these are there on every host.
    fn there_already(&mut self, appspec: &AppSpec) {
        let Some(target) = ALWAYS_THERE.iter().find(|path| self.targets.contains_key(**path)) else { return };
        let help = "write `file_exists_behavior: OVERWRITE` at the top level of the file";
        let span = appspec.files.iter().filter(|entry| {
            let destination = entry.destination.as_deref().ok().and_then(|path| self.path(path));
            destination.is_some_and(|path| path.is_empty() || target.starts_with(&format!("{path}/")))
        });
        let span = span.map(|entry| entry.destination_span).next_back();
        let message = format!("/{target} exists on every host: Install fails under DISALLOW");
        let finding = match appspec.file_exists {
            Some(FileExists::Disallow) => Finding::error("A017", span, message),
            None => {
                Finding::warning("A017", span, format!("{message}, unless the deployment says otherwise"))
            }
            Some(FileExists::Overwrite | FileExists::Retain) => return,
        };
        self.findings.push(finding.help(help));
    }

    fn permission(&mut self, permission: &Permission, objects: &mut BTreeMap<String, Span>) {
        let span = permission.span;
        let object = self.path(&permission.object).unwrap_or_default();
        let matched: Vec<String> = match self.targets.get(&object) {
            Some(Target::File(_)) => {
                if permission.files && (permission.pattern != "**" || !permission.except.is_empty()) {
                    let message =
                        "pattern and except are for directories; this object is a file: Install fails";
                    self.findings.push(Finding::error("A028", span, message));
                    return;
                }
                permission.files.then(|| object.clone()).into_iter().collect()
            }
            _ => self.below(permission, &object),
        };
        if matched.is_empty() && permission.object.starts_with('/') && self.complete {
            let message = "the permission is for nothing that this bundle installs: it does nothing";
            self.findings.push(Finding::warning("A029", span, message));
        }
        if let Some(twice) = matched.iter().find(|path| objects.contains_key(*path)) {
            let message = format!("two permissions are for /{twice}: Install fails");
            let help = "take it out of the other one with `except`, or set it once";
            self.findings.push(Finding::error("A028", span, message).help(help));
        }
        if permission.acls.iter().any(|entry| acl::is_default(entry))
            && let Some(file) =
                matched.iter().find(|path| matches!(self.targets.get(*path), Some(Target::File(_))))
        {
            let message = format!("a default ACL is for directories, and /{file} is a file: Install fails");
            let help = "write `type: [directory]`";
            self.findings.push(Finding::error("A025", span, message).help(help));
        }
        if permission.mode.is_some()
            && let Some(link) = matched.iter().find(|path| self.is_dangling(path))
        {
            let message = format!("/{link} is a link to nothing in the bundle: setting its mode fails");
            self.findings.push(Finding::error("A028", span, message));
        }
        objects.extend(matched.into_iter().map(|path| (path, span)));
    }

    fn below(&self, permission: &Permission, object: &str) -> Vec<String> {
        let prefix = if object.is_empty() { String::new() } else { format!("{object}/") };
        let wanted = |path: &str, target: &Target| {
            let below = path.get(prefix.len()..).unwrap_or_default();
            let kind = if *target == Target::Directory { permission.directories } else { permission.files };
            let fits = |pattern: &str| matches_glob(self.agent.unwrap_or(Agent::One), pattern, below);
            kind && !below.is_empty()
                && (permission.pattern == "**" || fits(&permission.pattern))
                && !permission.except.iter().any(|pattern| fits(pattern))
        };
        self.targets
            .range(prefix.clone()..)
            .take_while(|(path, _)| path.starts_with(&prefix))
            .filter(|(path, target)| wanted(path, target))
            .map(|(path, _)| path.clone())
            .collect()
    }

    /// A link whose target is neither in the bundle nor named from the host's root.
    fn is_dangling(&self, path: &str) -> bool {
        let Some(Target::File(source)) = self.targets.get(path) else { return false };
        let Some(Entry { kind: Kind::Link, head, .. }) = self.listing.get(source) else { return false };
        let target = String::from_utf8_lossy(head);
        let folder = source.rsplit_once('/').map_or("", |(folder, _)| folder);
        !target.starts_with('/')
            && normal(&format!("{folder}/{target}"))
                .is_some_and(|path| !path.is_empty() && !self.listing.contains_key(&path))
    }

    fn script(&mut self, script: &Script) {
        let (location, runas) = (&script.location, script.runas.is_some());
        let entry = self.path(location).and_then(|path| self.listing.get(&path));
        let finding = match entry {
            None => {
                let finding = Finding::error(
                    "A037",
                    script.span,
                    format!("`{location}` is not in the bundle: the event fails"),
                );
                match location.split_once(char::is_whitespace) {
                    Some(_) => finding.help("a location takes no arguments: put them into a script"),
                    None => finding.help(self.meant(location).unwrap_or_else(|| {
                        "a location is the script's path below the bundle's root".to_owned()
                    })),
                }
            }
            Some(_)
                if location.contains(char::is_whitespace) && (self.agent != Some(Agent::Two) || runas) =>
            {
                let message = "a location with a blank in it is taken apart by a shell: the event fails";
                let mut finding = Finding::error("A040", script.span, message).help("rename the script");
                finding.only = (self.agent.is_none() && !runas).then_some(Agent::One);
                finding
            }
            Some(Entry { kind: Kind::Directory, .. }) => {
                Finding::error("A039", script.span, format!("`{location}` is a directory: the event fails"))
            }
            Some(Entry { kind: Kind::File, head, .. }) if !self.windows && has_crlf_shebang(head) => {
                Finding::error(
                    "A038",
                    script.span,
                    format!("the first line of `{location}` ends with CR LF: the event fails"),
                )
                .help("save the script with Unix line ends")
            }
            Some(Entry { kind: Kind::File, mode, head }) => return self.script_file(script, *mode, head),
            Some(_) => return,
        };
        self.findings.push(finding);
    }

    /// What a script that is there will do otherwise than it says.
    fn script_file(&mut self, script: &Script, mode: u32, head: &[u8]) {
        let location = &script.location;
        // What Windows runs, or what is no text, has its own ways.
        if self.windows || head.starts_with(b"\x7fELF") {
            return;
        }
        if mode & 0o111 == 0 {
            let message = format!("`{location}` is not executable; the agent makes it so");
            self.findings.push(Finding::note("A041", script.span, message));
        }
        if head.starts_with("\u{feff}".as_bytes()) {
            let message = format!("`{location}` begins with a byte order mark: its first line is not seen");
            let help = "save the script as UTF-8 without BOM";
            self.findings.push(Finding::warning("A045", script.span, message).help(help));
        } else if head.is_empty() {
            self.findings.push(Finding::warning("A046", script.span, format!("`{location}` is empty")));
        } else if !head.starts_with(b"#!") {
            let message = format!("`{location}` has no `#!` line: /bin/sh runs it");
            self.findings.push(Finding::note("A046", script.span, message));
            if head.windows(2).any(|pair| pair == b"\r\n") {
                let message = format!("the lines of `{location}` end with CR LF: commands see the CR");
                let help = "save the script with Unix line ends";
                self.findings.push(Finding::warning("A038", script.span, message).help(help));
            }
        }
    }
}

fn has_crlf_shebang(head: &[u8]) -> bool {
    let line = head.split(|byte| *byte == b'\n').next().unwrap_or_default();
    head.len() > line.len() && line.starts_with(b"#!") && line.ends_with(b"\r")
}

/// Whether a permission's pattern is for a path below its object.
///
/// Source: official agents. 1.8.1, linux_permission_info: `*` is the only wildcard, and patterns reach one level. 2.x,
/// pattern: the crate globset where there is a `*`, for one level too; without it the pattern is the path itself.
pub fn matches_glob(agent: Agent, pattern: &str, name: &str) -> bool {
    match agent {
        Agent::One => matches_stars(pattern, name),
        Agent::Two if pattern == "**" => true,
        Agent::Two if pattern.contains('*') => match globset::Glob::new(pattern) {
            Ok(glob) => !name.contains(['/', '\\']) && glob.compile_matcher().is_match(name),
            Err(_) => pattern == name,
        },
        Agent::Two => pattern == name,
    }
}

fn matches_stars(pattern: &str, name: &str) -> bool {
    if name.contains('/') {
        return false;
    }
    let (pattern, name) = (pattern.as_bytes(), name.as_bytes());
    // The usual two-pointer match: on a mismatch the last star takes one more byte.
    let (mut p, mut n, mut star) = (0, 0, None);
    while n < name.len() {
        if pattern.get(p) == Some(&b'*') {
            star = Some((p, n));
            p += 1;
        } else if pattern.get(p) == name.get(n) {
            p += 1;
            n += 1;
        } else if let Some((at, taken)) = star {
            star = Some((at, taken + 1));
            p = at + 1;
            n = taken + 1;
        } else {
            return false;
        }
    }
    pattern.get(p..).unwrap_or_default().iter().all(|byte| *byte == b'*')
}
