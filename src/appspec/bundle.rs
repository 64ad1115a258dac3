//! What only the bundle can tell: whether what an AppSpec names is there. Works on a listing, opens nothing.

mod host;
mod names;
mod pattern;
mod permissions;
mod scripts;
mod text;
mod tree;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::source::Span;

use super::finding::nearest;
use super::placeholder::is_placeholder;
use super::read::EVENTS;
use super::{Agent, AppSpec, FileEntry, FileExists, Finding, Os, Script};

pub use host::{NAME_MAX, PATH_MAX};
pub use names::{is_read_back, names};
pub use pattern::{Pattern, is_comparable, is_vain};
pub use scripts::{OF_THE_NEXT, apart_in, taken_apart};

use host::{expanded, has_files_ending, long, too_long, written_as_file};
pub use tree::file_at;
use tree::{Place, Tree};

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

/// The findings that a bundle adds, for one agent.
pub fn check(appspec: &AppSpec, listing: &Listing, agent: Agent) -> Vec<Finding> {
    check_within(appspec, listing, agent, WORK)
}

/// As [`check`]; `work` is how many files, and how many permissions of files, are looked at.
pub fn check_within(appspec: &AppSpec, listing: &Listing, agent: Agent, work: usize) -> Vec<Finding> {
    let windows = appspec.os == Os::Windows;
    let mut checker = Checker {
        listing,
        tree: Tree::new(listing, windows),
        agent,
        windows,
        findings: Vec::new(),
        targets: BTreeMap::new(),
        needed: BTreeMap::new(),
        clashes: BTreeMap::new(),
        long: BTreeMap::new(),
        names: None,
        lengths: None,
        complete: true,
        scripts_before: appspec.scripts("BeforeInstall").len(),
        circles: BTreeSet::new(),
        work,
        likenesses: work / 5,
    };
    for (at, entry) in appspec.files.iter().enumerate() {
        match (&entry.source, &entry.destination) {
            (Ok(source), Ok(destination)) => checker.file(at, entry, source, destination),
            _ => checker.complete = false,
        }
    }
    checker.tell_clashes(appspec);
    checker.tell_long(appspec);
    if !windows {
        checker.there_already(appspec);
        checker.never_removed(appspec);
    }
    let mut is_all = checker.work > 0;
    checker.work = work;
    let mut objects = BTreeMap::new();
    for permission in &appspec.permissions {
        checker.permission(permission, &mut objects);
    }
    is_all &= checker.work > 0;
    if !is_all {
        let message =
            "files and permissions are for so many paths that not all were compared with each other";
        checker.findings.push(Finding::note("A016", None, message));
    }
    for (event, script) in scripts_that_run(appspec) {
        checker.script(event, script);
    }
    checker.findings
}

/// Each script with its event. Those of the agent's own events never run, nor do those of events that are none.
fn scripts_that_run(appspec: &AppSpec) -> impl Iterator<Item = (&str, &Script)> {
    let hooks = appspec.hooks.iter().filter(|(event, _)| EVENTS.contains(&event.as_str()));
    hooks.flat_map(|(event, scripts)| scripts.iter().map(|script| (event.as_str(), script)))
}

/// What an AppSpec's paths tell without the bundle, for one agent.
pub fn by_text(appspec: &AppSpec, agent: Agent) -> Vec<Finding> {
    let windows = appspec.os == Os::Windows;
    let mut findings = Vec::new();
    for entry in &appspec.files {
        let (Ok(source), Ok(destination)) = (&entry.source, &entry.destination) else { continue };
        if source.contains(['*', '?']) {
            let finding = if windows && !is_placeholder(source) {
                let message = format!("`{source}` is no pattern, and no name on Windows: Install fails");
                Finding::error("A015", entry.source_span, message)
            } else {
                let message =
                    format!("`{source}` is no pattern: Install fails where no file has this very name");
                Finding::warning("A015", entry.source_span, message)
            };
            findings.push(finding.help(WILDCARDS));
        }
        if let Some(message) = too_long(&expanded(destination)).filter(|_| !windows) {
            findings.push(long(entry, message));
        }
        if has_files_ending(source) {
            findings.extend(written_as_file(entry, source, destination, windows));
        }
    }
    findings.extend(text::files(appspec, windows));
    findings.extend(appspec.permissions.iter().flat_map(|permission| permission.at_install.clone()));
    findings.extend(text::permissions(appspec, agent));
    let script = |(event, script)| {
        let apart = scripts::apart(event, script, agent, windows);
        let told = apart.or_else(|| text::location(event, script, windows));
        told.or_else(|| scripts::not_of_windows(script).filter(|_| windows))
    };
    findings.extend(scripts_that_run(appspec).filter_map(script));
    findings
}

/// A second's work, of a bundle that is made to take hours.
const WORK: usize = 500_000;

const WILDCARDS: &str = "the agent knows no wildcards: name a file, or a directory for all that it holds";

/// Notes of one kind: a tree of links is one matter, not a thousand.
pub const MOST: usize = 5;

/// What Install puts at a path of the host.
#[derive(Clone, PartialEq)]
enum Target {
    Directory,
    /// From this path of the bundle.
    File(String),
    /// What a link that leads out of the bundle is depends on what the host has there.
    Unknown,
}

/// What two entries make of the same paths.
struct Clash {
    first: String,
    more: usize,
}

struct Checker<'a> {
    listing: &'a Listing,
    tree: Tree<'a>,
    agent: Agent,
    windows: bool,
    findings: Vec<Finding>,
    /// By their path, with the number of the entry.
    targets: BTreeMap<String, (Target, usize)>,
    /// Directories that must be there for an entry's destination.
    needed: BTreeMap<String, usize>,
    /// By the numbers of both entries.
    clashes: BTreeMap<(usize, usize), Clash>,
    /// What of the first path of an entry is too long, by the entry's number.
    long: BTreeMap<usize, String>,
    /// Names in whatever directory, in lower case, with the first path that has them.
    names: Option<HashMap<String, &'a str>>,
    /// Paths by their length in bytes.
    lengths: Option<BTreeMap<usize, Vec<&'a str>>>,
    /// Whether these are all that Install makes.
    complete: bool,
    /// Scripts of BeforeInstall, which may make whatever they like.
    scripts_before: usize,
    /// Links to a directory that they are in, as far as they are told.
    circles: BTreeSet<String>,
    /// What is left to look at.
    work: usize,
    /// How many names may still be compared with paths that are not there; a long one counts for many.
    likenesses: usize,
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

/// Whether a path of Linux can only be that of a directory.
fn is_directorys(path: &str) -> bool {
    matches!(path.rsplit('/').next(), Some("" | "."))
}

/// `name` in a directory, which is empty for the root.
fn joined(directory: &str, name: &str) -> String {
    if directory.is_empty() { name.to_owned() } else { format!("{directory}/{name}") }
}

impl<'a> Checker<'a> {
    /// A name of the bundle that a wrong path may be meant for: the same file in another folder, the path with an ending, or
    /// one that is written nearly so. `script`: it is to be a file's.
    fn meant(&mut self, path: &str, script: bool) -> Option<String> {
        let path = self.path(path)?;
        let name = path.rsplit('/').next().filter(|name| !name.is_empty())?.to_ascii_lowercase();
        let listing = self.listing;
        let names = self.names.get_or_insert_with(|| {
            let mut names = HashMap::with_capacity(listing.len());
            for known in listing.keys() {
                let name = known.rsplit('/').next().unwrap_or(known);
                names.entry(name.to_ascii_lowercase()).or_insert(known.as_str());
            }
            names
        });
        let may_be =
            |known: &&str| !script || listing.get(*known).is_some_and(|entry| entry.kind != Kind::Directory);
        let stem = format!("{path}.");
        let ending = || {
            let known = listing.range(stem.clone()..).map(|(known, _)| known.as_str());
            let mut known = known.take_while(|known| known.starts_with(&stem)).take(MOST);
            known.find(|known| may_be(known) && !known.get(stem.len()..).unwrap_or_default().contains('/'))
        };
        let known = names.get(&name).copied().filter(may_be).or_else(ending).or_else(|| {
            let lengths = self.lengths.get_or_insert_with(|| {
                let mut lengths = BTreeMap::<usize, Vec<&str>>::new();
                for known in listing.keys() {
                    lengths.entry(known.len()).or_default().push(known);
                }
                lengths
            });
            let near = lengths.range(path.len().saturating_sub(2)..=path.len() + 2);
            // What it takes to compare two names grows with both.
            let cost = 1 + (path.len() / 32).pow(2);
            let near = near.flat_map(|(_, names)| names).copied().filter(may_be);
            let near: Vec<&str> = near.take(self.likenesses / cost).collect();
            self.likenesses -= near.len() * cost;
            nearest(&path, &near)
        })?;
        Some(format!("did you mean `{known}`?"))
    }

    /// [`normal`], as the host's system parts it.
    fn path(&self, path: &str) -> Option<String> {
        if self.windows { normal(&path.replace('\\', "/")) } else { normal(path) }
    }

    /// [`expanded`], of a host's path.
    fn on_host(&self, path: &str) -> String {
        if self.windows { expanded(&path.replace('\\', "/")) } else { expanded(path) }
    }

    /// Where a path leads as the host's system takes it: Windows goes by its text alone, Linux from part to part, and
    /// behind a slash only a directory is looked for.
    fn follow(&self, path: &str) -> Place<'a> {
        if self.windows {
            return self.path(path).map_or(Place::Nothing, |path| self.tree.follow(&path));
        }
        match self.tree.follow(path) {
            Place::File(..) if is_directorys(path) => Place::Nothing,
            place => place,
        }
    }

    /// As [`Checker::follow`], but for a link at the end.
    fn look(&self, path: &str) -> Place<'a> {
        match self.windows {
            true => self.path(path).map_or(Place::Nothing, |path| self.tree.look(&path)),
            false if is_directorys(path) => self.follow(path),
            false => self.tree.look(path),
        }
    }

    /// Says that a name is found only because Windows passes over the case of its letters.
    fn case(&mut self, code: &'static str, written: &str, path: &str, name: &str, span: Span) {
        if self.windows && path != name && path.to_lowercase() == name.to_lowercase() {
            let message = format!("`{written}` is `{name}` in the bundle: Windows takes one for the other");
            self.findings.push(Finding::note(code, span, message));
        }
    }

    fn file(&mut self, at: usize, entry: &FileEntry, source: &str, destination: &str) {
        let span = entry.source_span;
        let to = self.on_host(destination);
        // Agent 2 expands `~` to a directory that only the host knows; for agent 1 Install fails.
        self.complete &= self.windows || !destination.starts_with('~');
        // Nor does anybody know yet where that lies.
        self.complete &= !is_placeholder(destination);
        let path = self.path(source).unwrap_or_default();
        let name = path.rsplit('/').next().unwrap_or_default();
        match (self.follow(source), self.look(source)) {
            (Place::Directory(real), _) => {
                self.case("A015", source, &path, &real, span);
                self.need(&to, at);
                self.target(to.clone(), Target::Directory, at);
                self.directory(&real, &to, at, &mut vec![real.clone()]);
            }
            (Place::File(..) | Place::Nothing, Place::File(real, _) | Place::Link(real, _)) => {
                self.case("A015", source, &path, real, span);
                self.findings.extend(written_as_file(entry, source, destination, self.windows));
                let target = joined(&to, name);
                self.need(&target, at);
                self.target(target, Target::File(real.to_owned()), at);
            }
            (Place::Nothing, _) => {
                self.complete = false;
                let message = format!("`{source}` is not in the bundle: Install fails");
                let finding = Finding::error("A015", span, message);
                let help = match source.contains(['*', '?', '[']) {
                    true => Some(WILDCARDS.to_owned()),
                    false => self.meant(source, false),
                };
                self.findings.push(
                    finding.help(
                        help.unwrap_or_else(|| "a source is a path below the bundle's root".to_owned()),
                    ),
                );
            }
            (Place::Outside | Place::Link(..) | Place::File(..), _) => {
                let target = joined(&to, name);
                self.need(&target, at);
                self.target(target, Target::Unknown, at);
            }
        }
    }

    /// All that is in a directory of the bundle. Links to directories are followed, as the agents do: `walked` are the
    /// directories that led here.
    fn directory(&mut self, real: &str, to: &str, at: usize, walked: &mut Vec<String>) {
        let prefix = if real.is_empty() { String::new() } else { format!("{real}/") };
        let listing = self.listing;
        for (name, entry) in listing.range(prefix.clone()..).take_while(|(name, _)| name.starts_with(&prefix))
        {
            if self.work == 0 {
                return;
            }
            let target = joined(to, name.get(prefix.len()..).unwrap_or_default());
            let leads = match entry.kind {
                Kind::Link => self.tree.follow(name),
                Kind::File => Place::File(name, entry),
                Kind::Directory => Place::Directory(String::new()),
            };
            match leads {
                Place::Directory(inner) if entry.kind == Kind::Link => {
                    let holds = |path: &str| {
                        inner.is_empty()
                            || path
                                .strip_prefix(&inner)
                                .is_some_and(|rest| rest.starts_with('/') || rest.is_empty())
                    };
                    if holds(name) || walked.iter().any(|path| holds(path)) {
                        self.circle(name);
                        self.complete = false;
                        self.target(target, Target::Unknown, at);
                    } else if walked.len() <= tree::MAX_HOPS {
                        self.target(target.clone(), Target::Directory, at);
                        walked.push(inner.clone());
                        self.directory(&inner, &target, at, walked);
                        walked.pop();
                    }
                }
                Place::Directory(_) => self.target(target, Target::Directory, at),
                Place::File(..) | Place::Link(..) | Place::Nothing => {
                    self.target(target, Target::File(name.clone()), at);
                }
                Place::Outside => self.target(target, Target::Unknown, at),
            }
        }
    }

    /// A link that leads to a directory that it is in: told once, however often it is met.
    fn circle(&mut self, name: &str) {
        if self.circles.len() < MOST && self.circles.insert(name.to_owned()) {
            let message = format!(
                "`{name}` is a link to a directory that it is in: Install copies that into itself until the system refuses"
            );
            let finding = Finding::warning("A066", None, message);
            self.findings.push(finding.help("take the link out of the bundle"));
        }
    }

    fn target(&mut self, path: String, target: Target, at: usize) {
        self.work = self.work.saturating_sub(1);
        self.complete &= self.work > 0 && target != Target::Unknown;
        if let Some(message) = too_long(&path).filter(|_| !self.windows) {
            self.complete = false;
            self.long.entry(at).or_insert(message);
            return;
        }
        let Some((there, first)) = self.targets.get(&path) else {
            if matches!(target, Target::File(_))
                && let Some(first) = self.needed.get(&path).copied()
            {
                let message =
                    format!("/{path} is installed as a file, and another entry needs a directory there");
                self.clash((first, at), message);
            }
            self.targets.insert(path, (target, at));
            return;
        };
        let message = match (there, &target) {
            (Target::Directory, Target::Directory) | (Target::Unknown, _) | (_, Target::Unknown) => return,
            (Target::File(one), Target::File(two)) => {
                format!("`{one}` and `{two}` are both installed as /{path}")
            }
            _ => format!("/{path} is installed both as a file and as a directory"),
        };
        self.clash((*first, at), message);
    }

    /// The directories above a target, which Install makes.
    fn need(&mut self, path: &str, at: usize) {
        if path.len() > PATH_MAX {
            return;
        }
        for (end, _) in path.match_indices('/') {
            let above = path.get(..end).unwrap_or_default();
            if let Some((Target::File(_), first)) = self.targets.get(above) {
                let message =
                    format!("/{above} is installed as a file, and another entry needs a directory there");
                self.clash((*first, at), message);
            }
            self.needed.entry(above.to_owned()).or_insert(at);
        }
    }

    fn clash(&mut self, entries: (usize, usize), first: String) {
        let clash = self.clashes.entry(entries).and_modify(|clash| clash.more += 1);
        clash.or_insert(Clash { first, more: 0 });
    }

    /// Two entries for the same files are one matter, however many files these are.
    fn tell_clashes(&mut self, appspec: &AppSpec) {
        for ((_, at), Clash { first, more }) in std::mem::take(&mut self.clashes) {
            let span = appspec.files.get(at).map(|entry| entry.source_span);
            let more = if more > 0 { format!(", and so on with {more} more") } else { String::new() };
            self.findings.push(Finding::error("A016", span, format!("{first}{more}: Install fails")));
        }
    }

    fn tell_long(&mut self, appspec: &AppSpec) {
        for (at, message) in std::mem::take(&mut self.long) {
            self.findings.extend(appspec.files.get(at).map(|entry| long(entry, message)));
        }
    }

    /// DISALLOW refuses what is there already, and these are there on every host.
    fn there_already(&mut self, appspec: &AppSpec) {
        let Some(target) = host::ALWAYS_THERE.iter().find(|path| self.targets.contains_key(**path)) else {
            return;
        };
        let help = "write `file_exists_behavior: OVERWRITE` at the top level of the file";
        let span = appspec.files.iter().filter(|entry| {
            let destination = entry.destination.as_deref().ok().map(|path| self.on_host(path));
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
}
