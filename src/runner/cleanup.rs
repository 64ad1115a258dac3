//! The record of what an Install put on a host, and its removal by the next one.
//!
//! Source: official agent 1.8.1, installer. Paths are the host's own, one a line; a last line without its end is
//! what a crash cut off, and is not trusted.

use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::failure::ruby;
use super::root::Root;

/// What the record names, in its order; nothing where there is none.
pub fn named(record: &Path) -> Result<Vec<PathBuf>, String> {
    let bytes = match fs::read(record) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        bytes => bytes.map_err(|error| ruby(&error, "rb_sysopen", record))?,
    };
    let mut lines: Vec<&[u8]> = bytes.split(|byte| *byte == b'\n').collect();
    lines.pop();
    lines.retain(|line| line.starts_with(b"/"));
    Ok(lines.into_iter().map(|line| PathBuf::from(OsStr::from_bytes(line))).collect())
}

/// Removes what the record names, last first. What is gone already or a directory in use is passed over.
pub fn remove_previous(record: &Path, root: &Root) -> Result<(), String> {
    for path in named(record)?.iter().rev() {
        let place = root.place(path)?;
        if place == root.path() {
            continue;
        }
        let Ok(metadata) = fs::symlink_metadata(&place) else { continue };
        if metadata.is_dir() {
            // Only an empty directory goes; others hold what is not this deployment's.
            let _ = fs::remove_dir(&place);
        } else {
            fs::remove_file(&place).map_err(|error| ruby(&error, "apply2files", path))?;
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
        let file = OpenOptions::new().create(true).write(true).truncate(true).open(path);
        file.map(Record).map_err(|error| ruby(&error, "rb_sysopen", path))
    }

    /// Writes down a path of the host. A path with a line feed would read back as two others, so it is left out.
    pub fn add(&mut self, path: &Path) -> Result<(), String> {
        let bytes = path.as_os_str().as_bytes();
        if bytes.contains(&b'\n') {
            return Ok(());
        }
        let line = [bytes, b"\n"].concat();
        self.0.write_all(&line).map_err(|error| ruby(&error, "io_write", path))
    }
}
