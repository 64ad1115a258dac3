//! The record of what an Install put on a host, and its removal by the next one.
//!
//! Source: official agent 1.8.1, installer and install_instruction. Paths are the host's own, one a line; a last line
//! without its end is what a crash cut off, and is not trusted.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

use super::failure::ruby;
use super::layout::open;
use super::root::Root;
use super::security;

/// What is in front of a path whose SELinux context was set.
const CONTEXT: &[u8] = b"semanage\0";

/// What the record names behind a mark, in its order; nothing where there is none.
fn named(record: &Path, mark: &[u8]) -> Result<Vec<PathBuf>, String> {
    let bytes = match fs::read(record) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        bytes => bytes.map_err(|error| ruby(&error, "rb_sysopen", record))?,
    };
    let mut lines: Vec<&[u8]> = bytes.split(|byte| *byte == b'\n').collect();
    lines.pop();
    let paths =
        lines.into_iter().filter_map(|line| line.strip_prefix(mark)).filter(|path| path.starts_with(b"/"));
    Ok(paths.map(|path| PathBuf::from(OsStr::from_bytes(path))).collect())
}

/// Whose SELinux contexts [`forget_contexts`] would take back, in its order.
pub fn contexts(record: &Path) -> Result<Vec<PathBuf>, String> {
    named(record, CONTEXT).map(|mut paths| {
        paths.reverse();
        paths
    })
}

/// Takes back the SELinux contexts that the record names. As with the agents it is no matter whether that can be done.
pub fn forget_contexts(record: &Path) -> Result<(), String> {
    contexts(record)?.iter().for_each(|path| security::forget_context(path));
    Ok(())
}

/// What [`remove_previous`] would remove now, in its order: the host's path, and its place. Directories only where
/// nothing else is in them.
pub fn removed(record: &Path, root: &Root) -> Result<Vec<(PathBuf, PathBuf)>, String> {
    let mut goes: Vec<(PathBuf, PathBuf)> = Vec::new();
    let mut gone = BTreeSet::new();
    for path in named(record, b"")?.into_iter().rev() {
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

/// Removes what the record names, last first. What is gone already or a directory in use is passed over.
pub fn remove_previous(record: &Path, root: &Root) -> Result<(), String> {
    for path in named(record, b"")?.iter().rev() {
        let place = root.place(path)?;
        if place.path() == root.path() || !place.exists() || root.keeps(&place) {
            continue;
        }
        if place.is_dir() {
            // Only an empty directory goes; others hold what is not this deployment's.
            let _ = place.remove_dir();
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

/// The record that an Install writes as it goes.
pub struct Record(File);

impl Record {
    pub fn create(path: &Path) -> Result<Self, String> {
        open(path, OpenOptions::new().create(true).write(true).truncate(true)).map(Record)
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
