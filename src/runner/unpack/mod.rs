//! A bundle becomes a directory. The archive is a stranger's: nothing is written outside the directory, through a
//! link, as a device, or beyond the limits.

mod contents;
mod damage;
mod gate;
mod header;
mod members;
mod packed;
mod sink;
mod tarball;
mod zipped;

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::model::BundleType;

use super::failure::ruby;
pub use contents::Contents;
pub use damage::{Damage, Fault};
use gate::{Gate, is_refusal};
use sink::Sink;
pub use zipped::as_written;

/// What an archive says of an entry beside its name and content; nobody has looked at it.
#[derive(Clone, Debug, Default)]
struct Attributes {
    mode: Option<u32>,
    modified: Option<SystemTime>,
    /// Of a tar.
    owner: Option<Owner>,
}

/// Whose a file was where it was packed: the name of its user and the number, and those of its group.
#[derive(Clone, Debug, Default)]
struct Owner {
    user: (Option<String>, Option<u32>),
    group: (Option<String>, Option<u32>),
}

/// What is kept of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// As of what is made anew: of files the permission bits that the caller's umask leaves, of directories nothing.
    Masked,
    /// The permission bits.
    Modes,
    /// And when files and directories were changed.
    Times,
    /// And of a tar, the bits of setuid and its like, as root has it; all is owned by whoever unpacks.
    Bits,
    /// And of a tar, owners: as root has it on a machine of its own.
    Owners,
}

/// What a tar has and [`Keep::Times`] does not keep; the first file each.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Lost {
    /// With its mode: setuid and setgid.
    pub bits: Option<(PathBuf, u32)>,
    /// Of an owner or group that is neither root nor whoever unpacks.
    pub owner: Option<PathBuf>,
}

/// What becomes of an archive's entries. Names and attributes are the archive's: nobody has looked at them.
trait Entries {
    fn gate(&mut self) -> &mut Gate;

    fn directory(&mut self, name: &Path, attributes: &Attributes) -> io::Result<()>;

    /// A later entry of the same name replaces an earlier one.
    fn file(&mut self, name: &Path, attributes: &Attributes, content: &mut dyn Read) -> io::Result<()>;

    /// Kept as it is written: where it leads is the host's business, but nothing is ever written through it.
    fn link(&mut self, name: &Path, target: PathBuf) -> io::Result<()>;

    /// A hard link becomes a copy of the earlier file or link that it names, with all its attributes.
    fn copy_of(&mut self, name: &Path, earlier: &Path) -> io::Result<()>;
}

/// Unpacks a bundle into an existing, empty directory. A single top directory that holds an AppSpec is taken off.
/// The error is what the host reports.
///
/// Source: official agent 1.8.1, command_executor (DownloadBundle).
pub fn unpack(bundle: &Path, kind: &BundleType, directory: &Path) -> Result<(), String> {
    unpack_with(bundle, kind, directory, Keep::Times).map(drop)
}

/// As [`unpack`], told what to keep of each entry's attributes; says what was not kept.
pub fn unpack_with(bundle: &Path, kind: &BundleType, directory: &Path, keep: Keep) -> Result<Lost, String> {
    let lost = extract_with(bundle, kind, directory, keep)?;
    take_off_top(directory).map(|()| lost)
}

/// As [`unpack`]; a single top directory stays.
pub fn extract(bundle: &Path, kind: &BundleType, directory: &Path) -> Result<(), String> {
    extract_with(bundle, kind, directory, Keep::Times).map(drop)
}

/// As [`unpack_with`]; a single top directory stays.
pub fn extract_with(bundle: &Path, kind: &BundleType, directory: &Path, keep: Keep) -> Result<Lost, String> {
    let mut sink = Sink::new(directory, gate(bundle)?, keep)?;
    let result = match kind {
        BundleType::Zip => zipped::unpack(bundle, &mut sink),
        BundleType::Tgz | BundleType::Tar => tarball::unpack(bundle, kind, &mut sink),
        other => return Err(undeployable(other)),
    };
    result.and_then(|()| sink.finish()).map_err(|error| told(kind, &error))
}

/// What [`unpack`] would leave, without a file written. The content of a zip's files is not looked at before it is asked
/// for ([`Contents::damage`]).
pub fn contents(bundle: &Path, kind: &BundleType) -> Result<Contents, Unreadable> {
    let refused = |message| Unreadable { message, damaged: false };
    let mut contents = Contents::new(gate(bundle).map_err(refused)?);
    let result = match kind {
        BundleType::Zip => zipped::list(bundle, &mut contents),
        BundleType::Tgz | BundleType::Tar => {
            contents.tar = Some((bundle.to_owned(), kind.clone()));
            tarball::unpack(bundle, kind, &mut contents)
        }
        other => return Err(refused(undeployable(other))),
    };
    result.map_err(|error| {
        let of_system = matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied);
        let damaged = !is_refusal(&error) && !of_system && error.raw_os_error().is_none();
        Unreadable { message: told(kind, &error), damaged }
    })?;
    contents.take_off_top();
    Ok(contents)
}

/// Why what is in an archive cannot be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable {
    /// In the words of [`unpack`].
    pub message: String,
    /// It is no whole archive, and the agents fail on it; else it cannot be opened, or this tool refuses what is in it.
    pub damaged: bool,
}

/// Whether a bundle of so many bytes, packed and unpacked, and entries is more than [`unpack`] lets in. The agents have no
/// such limits.
pub fn is_too_much(packed: u64, unpacked: u64, entries: usize) -> bool {
    entries > gate::MAX_ENTRIES || unpacked > Gate::new(packed).left()
}

fn gate(bundle: &Path) -> Result<Gate, String> {
    Ok(Gate::new(fs::metadata(bundle).map_err(|error| ruby(&error, "rb_sysopen", bundle))?.len()))
}

fn undeployable(kind: &BundleType) -> String {
    format!("Bundle type {kind} cannot be deployed to instances")
}

fn told(kind: &BundleType, error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::StorageFull => "The disk is (or was) full during extraction.".to_owned(),
        _ => format!("Error extracting {kind} archive: {error}"),
    }
}

/// `site-1.2/appspec.yml` becomes `appspec.yml`, where `site-1.2` is all there is.
fn take_off_top(directory: &Path) -> Result<(), String> {
    let list = |path: &Path| -> io::Result<Vec<std::ffi::OsString>> {
        fs::read_dir(path)?.map(|entry| Ok(entry?.file_name())).collect()
    };
    let told = |error: io::Error| ruby(&error, "dir_initialize", directory);
    let names = list(directory).map_err(told)?;
    let [top] = names.as_slice() else { return Ok(()) };
    let top = directory.join(top);
    if !fs::symlink_metadata(&top).map_err(told)?.is_dir() {
        return Ok(());
    }
    let inner = list(&top).map_err(told)?;
    if !inner.iter().any(|name| name.to_string_lossy().to_lowercase().contains("appspec")) {
        return Ok(());
    }
    let aside = directory.with_file_name("deployment-archive-top");
    let lift = || -> io::Result<()> {
        // From a crash in here.
        match fs::remove_dir_all(&aside) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        fs::rename(&top, &aside)?;
        fs::remove_dir(directory)?;
        fs::rename(&aside, directory)
    };
    lift().map_err(told)
}

#[cfg(test)]
mod tests;
