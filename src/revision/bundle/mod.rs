//! A directory becomes a bundle, the same bytes every time; an archive that is there already is taken as it is.

mod batch;
mod deflate;
mod hashed;
mod level;
mod ordered;
mod original;
mod tarball;
mod zipped;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

pub use hashed::digest;

use crate::appspec::{self, Kind};
use crate::model::BundleType;
use crate::runner;

use super::listing::{Found, Selected, walk};
use super::{Error, Selection};
use hashed::Hashed;

/// What a path is as a source of a revision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    Directory(PathBuf),
    /// An archive, or the AppSpec of a Lambda or ECS revision; with its type by the file's name.
    Ready(PathBuf, BundleType),
}

impl Source {
    /// By what is there and what it is called.
    ///
    /// # Errors
    /// It cannot be read, or is neither a directory nor a bundle.
    pub fn of(path: &Path) -> Result<Source, Error> {
        let metadata = fs::metadata(path).map_err(|error| {
            let told = Error::new(format!("cannot read {}: {error}", path.display()));
            let is_url = path.to_string_lossy().contains("://");
            if is_url {
                told.help(
                    "`revision bundle` and `revision push` take a commit of a git repository with --git URL",
                )
            } else {
                told
            }
        })?;
        if metadata.is_dir() {
            return Ok(Source::Directory(path.to_owned()));
        }
        match BundleType::of_key(&path.to_string_lossy()) {
            Some(kind) if metadata.is_file() => Ok(Source::Ready(path.to_owned(), kind)),
            _ => Err(Error::new(format!("{} is neither a directory nor a bundle", path.display()))
                .help("give a directory with an appspec.yml, a .zip, .tar or .tgz file, or an AppSpec file")),
        }
    }
}

/// What was packed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packed {
    pub entries: usize,
    /// Bytes of the bundle.
    pub bytes: u64,
    /// Of the bundle, lower-case hexadecimal digits.
    pub sha256: String,
    /// Bytes of the files in it.
    pub unpacked: u64,
    /// What was left out and why; names of files, not sanitised.
    pub warnings: Vec<String>,
}

/// Packs a directory into a bundle at `to`. `progress` hears of the bytes read so far and of all there are to read.
///
/// # Errors
/// The directory has no AppSpec or cannot be read, or the bundle cannot be written.
pub fn pack(
    directory: &Path,
    to: &Path,
    kind: &BundleType,
    selection: &Selection,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Packed, Error> {
    pack_selected(&Selected::of(directory, selection)?, to, kind, progress)
}

/// As [`pack`], of a directory that was looked at.
///
/// # Errors
/// Those of [`pack`].
pub fn pack_selected(
    selected: &Selected<'_>,
    to: &Path,
    kind: &BundleType,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Packed, Error> {
    let Selected { directory, found, left_out, .. } = selected;
    require_appspec(directory, found)?;
    write(found, left_out.clone(), to, kind, progress)
}

/// As [`pack`], with or without an AppSpec and with `.git`: for a copy that stays on this machine. `own` are the places of
/// whoever takes it, and no part of it.
///
/// # Errors
/// It cannot be read or written.
pub fn pack_as_is(directory: &Path, to: &Path, kind: &BundleType, own: &[&Path]) -> Result<Packed, Error> {
    let (mut found, warnings) = walk(directory, &Selection { with_git: true, ..Selection::default() })?;
    let below = |path: &Path| {
        let path = path.canonicalize().ok()?;
        Some(path.strip_prefix(directory.canonicalize().ok()?).ok()?.to_owned())
    };
    let own = own.iter().filter_map(|path| below(path)).filter(|path| *path != Path::new(""));
    let own: Vec<PathBuf> = own.collect();
    found.retain(|found| !own.iter().any(|path| Path::new(&found.name).starts_with(path)));
    write(&found, warnings, to, kind, &mut |_, _| {})
}

fn write(
    found: &[Found],
    warnings: Vec<String>,
    to: &Path,
    kind: &BundleType,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Packed, Error> {
    let told = |error: io::Error| Error::new(format!("cannot make the bundle: {error}"));
    let file = Hashed::create(to).map_err(told)?;
    let total = found.iter().map(Found::bytes).sum();
    let mut done = 0;
    let mut hear = |count| {
        done += count;
        progress(done, total);
    };
    let written = match kind {
        BundleType::Zip => zipped::write(found, file, &mut hear),
        BundleType::Tar => tarball::write(found, file, false, &mut hear),
        BundleType::Tgz => tarball::write(found, file, true, &mut hear),
        other => return Err(Error::new(format!("a directory cannot become a bundle of type {other}"))),
    };
    let (sha256, bytes) = written.and_then(Hashed::finish).map_err(told)?;
    Ok(Packed { entries: found.len(), bytes, sha256, unpacked: total, warnings })
}

/// The AppSpec's name in another case, which Windows takes for the same.
pub fn is_other_case(found: &Found) -> bool {
    found.kind != Kind::Directory
        && found.name != appspec::FILE_NAME
        && found.name.eq_ignore_ascii_case(appspec::FILE_NAME)
}

/// The agent reads `appspec.yml` at the root, by exactly this name; on Windows in whatever case.
pub fn require_appspec(directory: &Path, found: &[Found]) -> Result<(), Error> {
    if found.iter().any(|found| found.name == appspec::FILE_NAME && found.kind != Kind::Directory) {
        return Ok(());
    }
    let for_windows =
        |found: &Found| runner::read_appspec(&found.path).is_ok_and(|text| appspec::is_for_windows(&text));
    if found.iter().any(|found| is_other_case(found) && for_windows(found)) {
        return Ok(());
    }
    let error = Error::new(format!("{} has no {}", directory.display(), appspec::FILE_NAME));
    let alike =
        |name: &str| matches!(name.to_lowercase().as_str(), "appspec.yml" | "appspec.yaml" | "appspec.json");
    let root = found.iter().find(|found| found.kind != Kind::Directory && alike(&found.name));
    let nested = found.iter().find(|found| found.name.ends_with("/appspec.yml"));
    let is_managed = |found: &Found| {
        let text = runner::read_appspec(&found.path);
        text.is_ok_and(|text| appspec::Platform::of(&text) != appspec::Platform::Server)
    };
    Err(match (root, nested) {
        (Some(found), _) if is_managed(found) => {
            error.help(format!("{} is for Lambda or ECS, and deployed by itself: push that file", found.name))
        }
        (Some(found), _) => {
            error.help(format!("rename {} to appspec.yml: the agent looks for no other name", found.name))
        }
        (None, Some(found)) => error.help(format!("there is one in {}: bundle that directory", found.name)),
        (None, None) if found.iter().any(|found| found.name == appspec::FILE_NAME) => {
            error.help("what is called appspec.yml there is a directory: the agent looks for a file")
        }
        (None, None) => error.help("a revision for instances has an appspec.yml at its root"),
    })
}
