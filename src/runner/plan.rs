//! What an Install will do, worked out before anything is done.
//!
//! Source: official agent 1.8.1, installer and install_instruction.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::appspec::{Agent, AppSpec, Context, FileExists};

use super::failure::ruby;
use super::permissions;
use super::root::{Root, expand};

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

/// What may be reached through links to directories of the bundle: a few that lead to each other make more than any host
/// has room for.
const MAX_LINKED: usize = 50_000;

/// Works out the plan; the error is what the host reports.
pub fn plan(
    appspec: &AppSpec,
    archive: &Path,
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
    archive: &Path,
    root: &Root,
    api: FileExists,
    agent: Agent,
) -> Result<(Plan, Result<(), String>), String> {
    let archive = archive.canonicalize().map_err(|error| ruby(&error, "realpath", archive))?;
    let (file_exists, plan) = (appspec.file_exists.unwrap_or(api), Plan::default());
    let mut planner = Planner { archive, root, file_exists, plan, linked: 0 };
    let ends = planner.all(appspec, agent);
    Ok((planner.plan, ends))
}

struct Planner<'a> {
    archive: PathBuf,
    root: &'a Root,
    file_exists: FileExists,
    plan: Plan,
    /// What was reached through links to directories so far.
    linked: usize,
}

impl Planner<'_> {
    fn all(&mut self, appspec: &AppSpec, agent: Agent) -> Result<(), String> {
        for entry in &appspec.files {
            self.entry(entry.source.as_ref()?, entry.destination.as_ref()?)?;
        }
        permissions::plan(&appspec.permissions, self.root, agent, &mut self.plan)
    }

    fn entry(&mut self, source: &str, destination: &str) -> Result<(), String> {
        // Ruby expands `~` to the agent's home, finds it missing below `/`, and fails to make it.
        if destination.starts_with('~') {
            return Err("File exists @ dir_s_mkdir - /root".to_owned());
        }
        let source = self.archive.join(source.trim_start_matches('/'));
        let destination = expand(Path::new(destination));
        if self.is_directory_within(&source) {
            self.ancestors(&destination)?;
            self.directory(&source, &destination, false)
        } else {
            let inside = source.parent().and_then(|parent| parent.canonicalize().ok());
            if inside.is_some_and(|parent| !parent.starts_with(&self.archive)) {
                return Err(ruby(&io::Error::from(io::ErrorKind::NotFound), "rb_sysopen", &source));
            }
            let name = source.file_name().map(ToOwned::to_owned).unwrap_or_default();
            let target = destination.join(name);
            self.ancestors(&target)?;
            self.file(&source, &target)
        }
    }

    /// A directory of the bundle, or a link to one. A link that leads out of the bundle counts as a file, and is
    /// installed as the link that it is: what it means is the host's business.
    fn is_directory_within(&self, source: &Path) -> bool {
        source.canonicalize().is_ok_and(|real| real.is_dir() && real.starts_with(&self.archive))
    }

    /// `linked`: it was reached through a link.
    fn directory(&mut self, source: &Path, destination: &Path, linked: bool) -> Result<(), String> {
        // Links in a bundle may lead round in a circle.
        if destination.components().count() > 200 {
            return Err(format!("File name too long @ dir_s_mkdir - {}", destination.display()));
        }
        if !self.root.follow(destination)?.is_dir() {
            self.make_directory(destination)?;
        }
        let mut names = Vec::new();
        for entry in fs::read_dir(source).map_err(|error| ruby(&error, "dir_initialize", source))? {
            names.push(entry.map_err(|error| ruby(&error, "dir_initialize", source))?.file_name());
        }
        names.sort();
        let linked = linked || source.is_symlink();
        self.linked += if linked { names.len() } else { 0 };
        if self.linked > MAX_LINKED {
            return Err(format!(
                "links to directories of the bundle lead to more than {MAX_LINKED} files, by {}",
                source.strip_prefix(&self.archive).unwrap_or(source).display()
            ));
        }
        for name in names {
            let (source, destination) = (source.join(&name), destination.join(&name));
            if self.is_directory_within(&source) {
                self.directory(&source, &destination, linked)?;
            } else {
                self.file(&source, &destination)?;
            }
        }
        Ok(())
    }

    fn file(&mut self, source: &Path, destination: &Path) -> Result<(), String> {
        if self.root.follow(destination)?.exists() {
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
        self.plan.steps.push(Step::Copy { source: source.to_owned(), destination: destination.to_owned() });
        Ok(())
    }

    fn ancestors(&mut self, destination: &Path) -> Result<(), String> {
        let mut missing = Vec::new();
        for ancestor in destination.ancestors().skip(1) {
            if self.root.follow(ancestor)?.exists() {
                break;
            }
            missing.push(ancestor);
        }
        missing.into_iter().rev().try_for_each(|ancestor| self.make_directory(ancestor))
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
            self.plan.steps.push(Step::MakeDirectory(destination.to_owned()));
        }
        Ok(())
    }
}

impl Plan {
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
