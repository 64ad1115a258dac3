//! Zip archives.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use zip::ZipArchive;

use super::sink::Sink;

/// The longest target of a link.
const MAX_TARGET: u64 = 4096;
/// File type bits of a Unix mode, and those of a link and a directory.
const KIND: u32 = 0o170_000;
const LINK: u32 = 0o120_000;
const FILE: u32 = 0o100_000;
const DIRECTORY: u32 = 0o040_000;

pub fn unpack(bundle: &Path, sink: &mut Sink) -> io::Result<()> {
    let mut archive = ZipArchive::new(File::open(bundle)?)?;
    for index in 0..archive.len() {
        let mut entry = archive.by_index(index)?;
        let name = PathBuf::from(OsStr::from_bytes(entry.name_raw()));
        let mode = entry.unix_mode();
        match mode.map(|mode| mode & KIND) {
            // Only a slash ends a directory's name; a backslash may end any file's.
            _ if entry.name_raw().ends_with(b"/") => sink.directory(&name, mode)?,
            Some(DIRECTORY) => sink.directory(&name, mode)?,
            Some(LINK) => {
                let mut target = Vec::new();
                entry.by_ref().take(MAX_TARGET + 1).read_to_end(&mut target)?;
                if target.is_empty() || target.contains(&0) || target.len() as u64 > MAX_TARGET {
                    let message = format!("{} is a link to nowhere", name.display());
                    return Err(io::Error::new(io::ErrorKind::InvalidData, message));
                }
                sink.link(&name, PathBuf::from(OsStr::from_bytes(&target)))?;
            }
            None | Some(0 | FILE) => sink.file(&name, mode, &mut entry)?,
            Some(_) => {
                let message = format!("{} is neither file, directory nor link", name.display());
                return Err(io::Error::new(io::ErrorKind::InvalidData, message));
            }
        }
    }
    Ok(())
}
