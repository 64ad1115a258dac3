//! What an Install will do, worked out before anything is done.
//!
//! Source: official agent 1.8.1, installer and install_instruction.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rustix::fs::FileType;
use serde_json::{Value, json};

use crate::appspec::{Agent, AppSpec, Context, FileExists, NAME_MAX, PATH_MAX};

use super::failure::ruby;
use super::permissions;
use super::reach::Reach;
use super::root::{MAX_LINKS, Outside, Place, Root, expand};

/// Files and directories that one Install puts on a host: more than a bundle may have, which its links multiply. A test is
/// there sooner.
const MAX_STEPS: usize = if cfg!(test) { 50_000 } else { 500_000 };

/// Bytes of all their paths. A test is there sooner.
const MAX_PATHS: usize = if cfg!(test) { 8 << 20 } else { 256 << 20 };

/// The home of agent 2, which expands `~`.
const HOME: &str = "/root";

/// One step. Destinations and objects are the host's own paths, expanded.
#[derive(Debug, PartialEq, Eq)]
pub enum Step {
    MakeDirectory(PathBuf),
    Copy {
        source: PathBuf,
        destination: PathBuf,
    },
    SetMode {
        object: PathBuf,
        mode: u32,
    },
    /// Entries as written.
    SetAcl {
        object: PathBuf,
        entries: Vec<String>,
    },
    SetContext {
        object: PathBuf,
        context: Context,
    },
    SetOwner {
        object: PathBuf,
        owner: Option<String>,
        group: Option<String>,
    },
}

/// The steps, in order.
#[derive(Debug, Default)]
pub struct Plan {
    pub steps: Vec<Step>,
    /// Destination -> source.
    pub copied: BTreeMap<PathBuf, PathBuf>,
    pub made: BTreeSet<PathBuf>,
    /// Destinations where a file is that must not be replaced.
    pub conflicts: Vec<PathBuf>,
}

/// Works out the plan; the error is what the host reports.
pub fn plan(
    appspec: &AppSpec,
    archive: &Root,
    root: &Root,
    api: FileExists,
    agent: Agent,
) -> Result<Plan, String> {
    let (plan, ends) = draft(appspec, archive, root, api, agent)?;
    match plan.conflicts.first() {
        Some(path) => Err(conflict(path)),
        None => ends.map(|()| plan),
    }
}

/// What the host reports of a file that is there already.
pub fn conflict(destination: &Path) -> String {
    format!(
        "The deployment failed because a specified file already exists at this location: {}",
        destination.display()
    )
}

/// The plan beyond its conflicts, as far as it goes, and how it ends.
pub fn draft(
    appspec: &AppSpec,
    archive: &Root,
    root: &Root,
    api: FileExists,
    agent: Agent,
) -> Result<(Plan, Result<(), String>), String> {
    let file_exists = appspec.file_exists.unwrap_or(api);
    let mut planner = Planner { archive, root, file_exists, agent, plan: Plan::default(), paths: 0 };
    let ends = planner.all(appspec);
    Ok((planner.plan, ends))
}

/// A path of an unpacked bundle, below its root. By its bytes: a slash at its end stays, behind which only a directory is
/// looked for.
fn below<'p>(archive: &Root, source: &'p Path) -> &'p Path {
    let below = source.as_os_str().as_bytes().strip_prefix(archive.path().as_os_str().as_bytes());
    below.map_or(source, |below| Path::new(OsStr::from_bytes(below)))
}

/// What a path of an unpacked bundle names. A link out of it leads nowhere: what it means is the host's business.
pub fn source(archive: &Root, source: &Path, last: bool) -> io::Result<Place> {
    archive.walk(below(archive, source), last)
}

/// Whether a link leads out of the bundle, to what may be a directory on a host.
pub fn may_be_directory(archive: &Root, link: &Path) -> bool {
    source(archive, link, false).is_ok_and(|place| place.is_link())
        && source(archive, link, true).is_err_and(|error| Outside::is(&error))
}

fn too_many() -> String {
    format!("The bundle installs more than {MAX_STEPS} files and directories.")
}

fn too_long(destination: &Path) -> String {
    format!("File name too long @ dir_s_mkdir - {}", destination.display())
}

struct Planner<'a> {
    archive: &'a Root,
    root: &'a Root,
    file_exists: FileExists,
    agent: Agent,
    plan: Plan,
    /// Bytes of the paths of all steps.
    paths: usize,
}

impl Planner<'_> {
    fn all(&mut self, appspec: &AppSpec) -> Result<(), String> {
        self.is_bounded(appspec)?;
        for entry in &appspec.files {
            self.entry(entry.source.as_ref()?, entry.destination.as_ref()?)?;
        }
        permissions::plan(&appspec.permissions, self.root, self.agent, &mut self.plan)?;
        self.plan.is_text(self.agent)
    }

    /// Looks ahead whether links multiply what is installed beyond the limit, which takes minutes to find out on the way.
    fn is_bounded(&self, appspec: &AppSpec) -> Result<(), String> {
        let reach = Reach::of(self.archive.path());
        let sources = appspec.files.iter().filter_map(|entry| entry.source.as_ref().ok());
        let counts = sources.filter_map(|source| reach.below(&self.source(source)));
        if counts.fold(0, usize::saturating_add) > MAX_STEPS { Err(too_many()) } else { Ok(()) }
    }

    fn source(&self, source: &str) -> PathBuf {
        self.archive.path().join(source.trim_start_matches('/'))
    }

    fn entry(&mut self, source: &str, destination: &str) -> Result<(), String> {
        let destination = match destination.strip_prefix('~') {
            // Ruby expands `~` to the agent's home, finds it missing below `/`, and fails to make it.
            Some(_) if self.agent == Agent::One => {
                return Err(format!("File exists @ dir_s_mkdir - {HOME}"));
            }
            Some(rest) if rest.is_empty() || rest.starts_with('/') => {
                expand(Path::new(&format!("{HOME}{rest}")))
            }
            _ => expand(Path::new(destination)),
        };
        if destination.as_os_str().len() >= PATH_MAX {
            return Err(too_long(&destination));
        }
        let source = self.source(source);
        if self.directory_at(&source).is_some() {
            self.ancestors(&destination)?;
            self.directory(&source, &destination)
        } else {
            self::source(self.archive, &source, false)
                .map_err(|error| ruby(&error, "rb_sysopen", &source))?;
            let name = source.file_name().map(ToOwned::to_owned).unwrap_or_default();
            let target = destination.join(name);
            self.ancestors(&target)?;
            self.file(&source, &target)
        }
    }

    /// A directory of the bundle, or a link to one. A link that leads out of the bundle counts as a file, and is
    /// installed as the link that it is.
    fn directory_at(&self, source: &Path) -> Option<Place> {
        let place = self::source(self.archive, source, true).ok()?;
        place.is_dir().then_some(place)
    }

    /// All that is below a directory of the bundle, in order. Not by recursion: links that lead up make it deeper than a
    /// thread has room for.
    fn directory(&mut self, source: &Path, destination: &Path) -> Result<(), String> {
        let mut pending = vec![(source.to_owned(), destination.to_owned())];
        while let Some((source, destination)) = pending.pop() {
            let Some(place) = self.directory_at(&source) else {
                self.file(&source, &destination)?;
                continue;
            };
            if destination.as_os_str().len() >= PATH_MAX {
                return Err(too_long(&destination));
            }
            if !self.root.has_dir(&self.root.follow(&destination)?) {
                self.make_directory(&destination)?;
            }
            let names = place.names().map_err(|error| ruby(&error, "dir_initialize", &source))?;
            pending.extend(names.iter().rev().map(|name| (source.join(name), destination.join(name))));
        }
        Ok(())
    }

    /// Links that lead to links make more of a bundle than any disk holds.
    fn step(&mut self, step: Step, destination: &Path) -> Result<(), String> {
        if destination.as_os_str().len() >= PATH_MAX
            || destination.file_name().is_some_and(|name| name.len() > NAME_MAX)
        {
            let call = if matches!(step, Step::Copy { .. }) { "rb_sysopen" } else { "dir_s_mkdir" };
            return Err(format!("File name too long @ {call} - {}", destination.display()));
        }
        if self.plan.steps.len() >= MAX_STEPS {
            return Err(too_many());
        }
        self.paths += destination.as_os_str().len();
        if self.paths > MAX_PATHS {
            return Err(format!(
                "The paths that the bundle installs have more than {MAX_PATHS} bytes in all."
            ));
        }
        self.plan.steps.push(step);
        Ok(())
    }

    fn file(&mut self, source: &Path, destination: &Path) -> Result<(), String> {
        let there = self.root.follow(destination)?;
        if there.exists() && !self.root.is_placeholder(&there) {
            match self.file_exists {
                FileExists::Disallow => self.plan.conflicts.push(destination.to_owned()),
                FileExists::Overwrite => {}
                FileExists::Retain => return Ok(()),
            }
        }
        let (from, to) = (source.display(), destination.display());
        if let Some(other) = self.plan.copied.get(destination) {
            return Err(format!(
                "The deployment failed because the application specification file specifies two source files named {from} and {} for the same destination ({to}). Remove one of the source file paths from the AppSpec file, and then try again.",
                other.display()
            ));
        }
        if self.plan.made.contains(destination) {
            return Err(format!(
                "The deployment failed because the application specification file calls for installing the file {from}, but a file with that name already exists at the location ({to}). Update your AppSpec file or directory structure, and then try again."
            ));
        }
        self.plan.copied.insert(destination.to_owned(), source.to_owned());
        self.step(Step::Copy { source: source.to_owned(), destination: destination.to_owned() }, destination)
    }

    fn ancestors(&mut self, destination: &Path) -> Result<(), String> {
        let Some(parent) = destination.parent() else { return Ok(()) };
        if self.is_there(parent)? {
            return Ok(());
        }
        // From the top. What is below a missing one is missing: each look walks the whole path.
        let mut ancestors: Vec<&Path> = parent.ancestors().collect();
        ancestors.reverse();
        let missing = ancestors.partition_point(|ancestor| self.is_there(ancestor).unwrap_or(false));
        ancestors.into_iter().skip(missing).try_for_each(|ancestor| self.make_directory(ancestor))
    }

    fn is_there(&self, path: &Path) -> Result<bool, String> {
        let place = self.root.follow(path)?;
        Ok(place.exists() || self.root.has_dir(&place))
    }

    fn make_directory(&mut self, destination: &Path) -> Result<(), String> {
        if let Some(source) = self.plan.copied.get(destination) {
            return Err(format!(
                "The deployment failed because the application specification file includes an mkdir command more than once for the same destination path ({}) from ({}). Update the files section of the AppSpec file, and then try again.",
                destination.display(),
                source.display()
            ));
        }
        if self.plan.made.insert(destination.to_owned()) {
            return self.step(Step::MakeDirectory(destination.to_owned()), destination);
        }
        Ok(())
    }
}

impl Plan {
    /// Refuses names that are no UTF-8, of which neither agent can write down its instructions: agent 2 panics there.
    ///
    /// Source: official agent 1.8.1, installer (`to_json`), and issue 284 of its repository; official agent 2.x,
    /// copy_command and make_directory_command (`json!` of a path).
    fn is_text(&self, agent: Agent) -> Result<(), String> {
        let paths = self.steps.iter().flat_map(|step| match step {
            Step::MakeDirectory(path) => [Some(path), None],
            Step::Copy { source, destination } => [Some(destination), Some(source)],
            _ => [None, None],
        });
        let Some(path) = paths.flatten().find(|path| path.to_str().is_none()) else { return Ok(()) };
        let words = match agent {
            Agent::One => "source sequence is illegal/malformed utf-8",
            Agent::Two => "path contains invalid UTF-8 characters",
        };
        Err(format!("{words} - {}", path.display()))
    }

    /// Looks whether all that is copied is there, which an Install finds out as it goes; the error is what it reports.
    pub fn sources(&self, archive: &Root) -> Result<(), String> {
        for step in &self.steps {
            let Step::Copy { source, destination } = step else { continue };
            let kind = self::source(archive, source, false).and_then(|place| place.kind());
            let kind = kind.map_err(|error| ruby(&error, "rb_sysopen", source))?;
            if !matches!(kind, FileType::RegularFile | FileType::Symlink) {
                return Err(ruby(&io::ErrorKind::AlreadyExists.into(), "rb_sysopen", destination));
            }
        }
        Ok(())
    }

    /// What a step will fail of that sets something through a link which leads nowhere; `all` are more than modes.
    pub fn dangling(&self, archive: &Root, root: &Root, all: bool) -> Option<String> {
        let missing = self.steps.iter().find_map(|step| {
            match step {
                Step::SetMode { object, .. } => Some(object),
                Step::SetAcl { object, .. }
                | Step::SetContext { object, .. }
                | Step::SetOwner { object, .. } => Some(object).filter(|_| all),
                Step::MakeDirectory(_) | Step::Copy { .. } => None,
            }
            .filter(|object| self.leads_nowhere(object, archive, root))
        });
        missing.map(|object| ruby(&io::ErrorKind::NotFound.into(), "apply2files", object))
    }

    /// Whether what is put there is a link to what is neither on the host nor put there.
    fn leads_nowhere(&self, object: &Path, archive: &Root, root: &Root) -> bool {
        let mut at = object.to_owned();
        for _ in 0..=MAX_LINKS {
            let Some(source) = self.copied.get(&at) else {
                // Below a link that is put there is whatever that leads to.
                let is_known = !at.ancestors().any(|above| self.copied.contains_key(above));
                let is_there = || root.follow(&at).is_ok_and(|place| place.exists() || root.has_dir(&place));
                return is_known && !self.made.contains(&at) && !is_there();
            };
            let link = self::source(archive, source, false).and_then(|place| place.read_link());
            let Ok(target) = link else { return false };
            at = expand(&at.parent().unwrap_or(Path::new("/")).join(target));
        }
        true
    }

    /// The plan as the agent writes it down.
    pub fn json(&self) -> Value {
        let steps = self.steps.iter().map(|step| match step {
            Step::MakeDirectory(path) => json!({"type": "mkdir", "directory": path.to_string_lossy()}),
            Step::Copy { source, destination } => {
                json!({"type": "copy", "source": source.to_string_lossy(), "destination": destination.to_string_lossy()})
            }
            Step::SetMode { object, mode } => {
                json!({"type": "chmod", "mode": format!("{mode:o}"), "file": object.to_string_lossy()})
            }
            Step::SetAcl { object, entries } => {
                json!({"type": "setfacl", "acl": entries, "file": object.to_string_lossy()})
            }
            Step::SetContext { object, context: Context { name, kind, range } } => {
                let context = json!({"user": name, "role": null, "type": kind, "range": range});
                json!({"type": "semanage", "context": context, "file": object.to_string_lossy()})
            }
            Step::SetOwner { object, owner, group } => {
                json!({"type": "chown", "owner": owner, "group": group, "file": object.to_string_lossy()})
            }
        });
        json!({ "instructions": steps.collect::<Vec<_>>() })
    }
}
