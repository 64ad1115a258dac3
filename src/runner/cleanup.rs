//! The record of what an Install put on a host, and its removal by the next one.
//!
//! Source: official agents. 1.8.1, installer and install_instruction; 2.x, installer and remove_command. Paths are the
//! host's own, one a line; a last line without its end is what a crash cut off, and is not trusted.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

use crate::appspec::{self, Agent};

use super::failure::ruby;
use super::layout::open;
use super::log::Log;
use super::root::{Place, Root};
use super::security;

/// What is in front of a path whose SELinux context was set.
const CONTEXT: &[u8] = b"semanage\0";

/// Why agent 2 uses no record that others may have written; none where it does, or there is no record.
pub fn distrust(record: &Path, agent: Agent) -> Option<String> {
    let metadata = fs::symlink_metadata(record).ok().filter(|_| agent == Agent::Two)?;
    let why = if !metadata.is_file() {
        "is no file"
    } else if metadata.uid() != rustix::process::geteuid().as_raw() {
        "belongs to another user"
    } else if metadata.mode() & 0o022 != 0 {
        "may be written by others, until `chmod go-w`"
    } else {
        return None;
    };
    Some(format!("{} {why}: agent 2 removes nothing that it names", record.display()))
}

/// What the record names behind a mark, in its order; nothing where there is none. Without the lines that the agent
/// reads as other paths: what it then removes is not this deployment's.
fn named(record: &Path, mark: &[u8], agent: Agent) -> Result<Vec<PathBuf>, String> {
    if distrust(record, agent).is_some() {
        return Ok(Vec::new());
    }
    let bytes = match fs::read(record) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        bytes => bytes.map_err(|error| ruby(&error, "rb_sysopen", record))?,
    };
    let mut lines: Vec<&[u8]> = bytes.split(|byte| *byte == b'\n').collect();
    lines.pop();
    let is_read =
        |path: &&[u8]| path.starts_with(b"/") && appspec::is_read_back(agent, &String::from_utf8_lossy(path));
    let paths = lines.into_iter().filter_map(|line| line.strip_prefix(mark)).filter(is_read);
    Ok(paths.map(|path| PathBuf::from(OsStr::from_bytes(path))).collect())
}

/// Whose SELinux contexts [`forget_contexts`] would take back, in its order.
pub fn contexts(record: &Path, agent: Agent) -> Result<Vec<PathBuf>, String> {
    named(record, CONTEXT, agent).map(|mut paths| {
        paths.reverse();
        paths
    })
}

/// Takes back the SELinux contexts that the record names. As with the agents it is no matter whether that can be done.
pub fn forget_contexts(record: &Path, agent: Agent) -> Result<(), String> {
    contexts(record, agent)?.iter().for_each(|path| security::forget_context(path));
    Ok(())
}

/// Whether a link leads to nothing now. Below a root that is not this machine's own, what the machine has counts as well:
/// every host has its programs.
fn is_dangling(root: &Root, path: &Path, place: &Place) -> bool {
    if !place.is_link() {
        return false;
    }
    let Ok(target) = root.follow(path) else { return true };
    let below = target.path().strip_prefix(root.path()).unwrap_or(target.path());
    !(target.exists() || root.has_dir(&target) || Path::new("/").join(below).exists())
}

/// What [`remove_previous`] would remove now, in its order: the host's path, and its place. Directories only where
/// nothing else is in them.
pub fn removed(record: &Path, root: &Root, agent: Agent) -> Result<Vec<(PathBuf, PathBuf)>, String> {
    let mut goes: Vec<(PathBuf, PathBuf)> = Vec::new();
    let mut gone = BTreeSet::new();
    for path in named(record, b"", agent)?.into_iter().rev() {
        let place = root.place(&path)?;
        let emptied = || {
            place.names().is_ok_and(|names| names.iter().all(|name| gone.contains(&place.path().join(name))))
        };
        let stays = || root.keeps(&place) || (place.is_dir() && !emptied());
        if place.path() == root.path() || !place.exists() || stays() {
            continue;
        }
        if gone.insert(place.path().to_owned()) {
            goes.push((path, place.path().to_owned()));
        }
    }
    Ok(goes)
}

/// Removes what the record names, last first. What is gone already and a directory that is not empty are passed over.
pub fn remove_previous(record: &Path, root: &Root, agent: Agent, log: &mut Log) -> Result<(), String> {
    if let Some(why) = distrust(record, agent) {
        log.note(&why);
        return Ok(());
    }
    for path in named(record, b"", agent)?.iter().rev() {
        let place = root.place(path)?;
        if place.path() == root.path() || !place.exists() || root.keeps(&place) {
            continue;
        }
        if agent == Agent::Two && is_dangling(root, path, &place) {
            // Seen in sources before 2.1.0; not known of that.
            let path = path.display();
            log.note(&format!(
                "{path} leads to nothing now: some versions of agent 2 leave it and fail here"
            ));
        }
        if place.is_dir() {
            if let Err(error) = place.remove_dir()
                && !is_passed_over(&error)
            {
                return Err(ruby(&error, "dir_s_rmdir", path));
            }
        } else if root.is_covered(&place) && !place.is_link() {
            place.open(OFlags::WRONLY | OFlags::TRUNC).map_err(|error| ruby(&error, "apply2files", path))?;
        } else {
            place.remove_file().map_err(|error| ruby(&error, "apply2files", path))?;
        }
    }
    match fs::remove_file(record) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(ruby(&error, "apply2files", record)),
        _ => Ok(()),
    }
}

/// Why a directory may stay: it holds what is not this deployment's, or an ordinary user lacks a right that the agents
/// have.
fn is_passed_over(error: &io::Error) -> bool {
    match error.kind() {
        io::ErrorKind::DirectoryNotEmpty => true,
        io::ErrorKind::PermissionDenied => !rustix::process::geteuid().is_root(),
        _ => false,
    }
}

/// The record that an Install writes as it goes.
pub struct Record(File);

impl Record {
    pub fn create(path: &Path) -> Result<Self, String> {
        // Agent 2 uses none that others may write, whatever the umask.
        let file = open(path, OpenOptions::new().create(true).write(true).truncate(true).mode(0o644))?;
        // Also one that was there already; one of another user's stays what it is.
        let _ = file.set_permissions(fs::Permissions::from_mode(0o644));
        Ok(Record(file))
    }

    /// Writes down a path of the host. A path with a line feed would read back as two others, so it is left out.
    pub fn add(&mut self, path: &Path) -> Result<(), String> {
        self.write(b"", path)
    }

    /// Writes down a path whose SELinux context was set.
    pub fn add_context(&mut self, path: &Path) -> Result<(), String> {
        self.write(CONTEXT, path)
    }

    fn write(&mut self, mark: &[u8], path: &Path) -> Result<(), String> {
        let bytes = path.as_os_str().as_bytes();
        if bytes.contains(&b'\n') {
            return Ok(());
        }
        let line = [mark, bytes, b"\n"].concat();
        self.0.write_all(&line).map_err(|error| ruby(&error, "io_write", path))
    }
}
