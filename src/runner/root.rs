//! The directory that stands for a host's `/`. Nothing is touched outside it, whatever links lie within and whoever
//! changes them meanwhile: a path is walked from descriptor to descriptor, and what is done is done by the last one.
//!
//! A directory cannot leave the root while it is held: what may rename it sees no more of the machine than the root.

use std::collections::{BTreeSet, VecDeque};
use std::error::Error;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Component, Path, PathBuf};

use rustix::fs::{AtFlags, CWD, FileType, Gid, Mode, OFlags, Uid};
use rustix::io::Errno;

use super::{Host, Isolation, bubblewrap};

/// Links that are followed for one path before it counts as a loop, as in Linux.
pub const MAX_LINKS: usize = 40;

pub struct Root {
    path: PathBuf,
    directory: OwnedFd,
    /// A link that leads out of it counts as missing. Otherwise its target begins at the root, as for the host itself.
    closed: bool,
    /// Isolated scripts see the machine's files over some of its own.
    covered: bool,
    /// Places that count as missing: what will have gone by then.
    gone: BTreeSet<PathBuf>,
}

/// What a path names, there or not: a name in a directory that is held.
pub struct Place {
    /// None where a directory on the way is missing.
    parent: Result<OwnedFd, Errno>,
    name: OsString,
    path: PathBuf,
}

impl Root {
    /// Makes the directory where it is missing.
    pub fn new(path: &Path) -> Result<Self, String> {
        super::layout::make_dir(path)?;
        Self::open(path, false).map_err(|error| super::failure::ruby(&error, "realpath", path))
    }

    /// A host's. Where scripts are isolated, what every host has is there from the start.
    pub fn of(host: &Host) -> Result<Self, String> {
        let root = Self::seen(host)?;
        if root.covered {
            bubblewrap::prepare(&root);
        }
        Ok(root)
    }

    /// As [`Root::of`], to be looked at: nothing is made in it.
    pub fn seen(host: &Host) -> Result<Self, String> {
        let covered = host.hooks.isolation == Isolation::Bubblewrap;
        Ok(Root { covered, ..Self::new(&host.root)? })
    }

    /// As if these places were missing.
    pub fn without(self, gone: BTreeSet<PathBuf>) -> Self {
        Root { gone, ..self }
    }

    /// Whether a directory is there, or will be before anything is installed.
    pub fn has_dir(&self, place: &Place) -> bool {
        let made = |path: &Path| bubblewrap::is_made(path) && !place.exists();
        place.is_dir() || (self.covered && place.path.strip_prefix(&self.path).is_ok_and(made))
    }

    /// Whether a directory or link never goes: what every host has, and what something is mounted on for isolated scripts,
    /// lest one that was left puts a link in its place.
    pub fn keeps(&self, place: &Place) -> bool {
        let Ok(path) = place.path.strip_prefix(&self.path) else { return false };
        let is_ours = || bubblewrap::link(path).is_some_and(|target| place.read_link().ok() == Some(target));
        self.covered
            && if place.is_link() {
                is_ours()
            } else {
                place.is_dir() && (bubblewrap::is_made(path) || bubblewrap::is_mount_point(path))
            }
    }

    /// Whether something is mounted there for isolated scripts.
    pub fn is_covered(&self, place: &Place) -> bool {
        self.covered && place.path.strip_prefix(&self.path).is_ok_and(bubblewrap::is_mount_point)
    }

    /// Whether a file is only there for something to be mounted on.
    pub fn is_placeholder(&self, place: &Place) -> bool {
        self.is_covered(place)
            && place.stat().is_ok_and(|stat| {
                FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile && stat.st_size == 0
            })
    }

    /// A directory that is there and has nothing to do with what is around it: what a bundle was unpacked to.
    pub fn closed(path: &Path) -> io::Result<Self> {
        Self::open(path, true)
    }

    fn open(path: &Path, closed: bool) -> io::Result<Self> {
        let path = path.canonicalize()?;
        let directory = enter(CWD, path.as_os_str())?;
        Ok(Root { directory, path, closed, covered: false, gone: BTreeSet::new() })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where a path of the host lies, with links in its parents followed as the host itself would: an absolute
    /// target begins at the root. The last part is not followed.
    pub fn place(&self, path: &Path) -> Result<Place, String> {
        self.walk(path, false).map_err(|error| told(&error, path))
    }

    /// As [`Root::place`], the last part followed as well.
    pub fn follow(&self, path: &Path) -> Result<Place, String> {
        self.walk(path, true).map_err(|error| told(&error, path))
    }

    /// As [`Root::follow`], with the system's own error.
    pub fn walk(&self, path: &Path, last: bool) -> io::Result<Place> {
        // The directories that were entered, by name.
        let mut entered: Vec<(OsString, Result<OwnedFd, Errno>)> = Vec::new();
        let mut pending: VecDeque<OsString> = walked(path).collect();
        let mut links = 0;
        // The way led back out of what is no directory: whatever it names is not there.
        let mut lost: Option<Errno> = None;
        while let Some(part) = pending.pop_front() {
            if part == "." {
                continue;
            }
            if part == ".." {
                match entered.pop() {
                    None if self.closed => return Err(outside()),
                    None => {}
                    Some((_, directory)) => lost = lost.or(directory.and_then(search).err()),
                }
                continue;
            }
            let parent = match (lost, entered.last()) {
                (Some(error), _) => Err(error),
                (None, Some((_, directory))) => directory.as_ref().map(AsFd::as_fd).map_err(|error| *error),
                (None, None) => Ok(self.directory.as_fd()),
            };
            let is_gone = !self.gone.is_empty()
                && self.gone.contains(&self.join(entered.iter().map(|(name, _)| name).chain([&part])));
            let parent = if is_gone { Err(Errno::NOENT) } else { parent };
            let target = match parent {
                Ok(parent) if last || !pending.is_empty() => {
                    rustix::fs::readlinkat(parent, &part, Vec::new()).ok()
                }
                _ => None,
            };
            let Some(target) = target else {
                if pending.is_empty() {
                    let parent = parent.and_then(|parent| parent.try_clone_to_owned().map_err(errno));
                    let path = self.join(entered.iter().map(|(name, _)| name).chain([&part]));
                    return Ok(Place { parent, name: part, path });
                }
                let directory = parent.and_then(|parent| enter(parent, &part).map_err(errno));
                entered.push((part, directory));
                continue;
            };
            links += 1;
            if links > MAX_LINKS {
                return Err(Errno::LOOP.into());
            }
            let target = PathBuf::from(OsString::from_vec(target.into_bytes()));
            if target.is_absolute() {
                if self.closed {
                    return Err(outside());
                }
                entered.clear();
            }
            // A script that is not isolated writes links with the root's own path in front.
            let inner = target.strip_prefix(&self.path).unwrap_or(&target);
            for part in walked(inner).collect::<Vec<_>>().into_iter().rev() {
                pending.push_front(part);
            }
        }
        let path = self.join(entered.iter().map(|(name, _)| name));
        let parent = match (lost, entered.pop()) {
            (Some(error), _) => Err(error),
            (None, Some((_, directory))) => directory,
            (None, None) => self.directory.try_clone().map_err(errno),
        };
        Ok(Place { parent, name: ".".into(), path })
    }

    fn join<'n>(&self, parts: impl Iterator<Item = &'n OsString>) -> PathBuf {
        let mut path = self.path.clone();
        path.extend(parts);
        path
    }
}

fn enter(parent: BorrowedFd<'_>, name: &OsStr) -> io::Result<OwnedFd> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    Ok(rustix::fs::openat(parent, name, flags, Mode::empty())?)
}

/// Whether a way may lead through a directory, if only back out of it.
fn search(directory: OwnedFd) -> Result<(), Errno> {
    rustix::fs::statat(directory, ".", AtFlags::empty()).map(drop)
}

fn errno(error: io::Error) -> Errno {
    Errno::from_io_error(&error).unwrap_or(Errno::IO)
}

/// A way out of a closed directory.
#[derive(Debug)]
pub struct Outside;

impl Outside {
    pub fn is(error: &io::Error) -> bool {
        error.get_ref().is_some_and(|error| error.is::<Outside>())
    }
}

impl fmt::Display for Outside {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str("outside")
    }
}

impl Error for Outside {}

fn outside() -> io::Error {
    io::Error::new(io::ErrorKind::NotFound, Outside)
}

fn told(error: &io::Error, path: &Path) -> String {
    match Errno::from_io_error(error) {
        Some(Errno::LOOP) => format!("Too many levels of symbolic links - {}", path.display()),
        _ => super::failure::ruby(error, "realpath", path),
    }
}

impl Place {
    /// Where it was when it was looked up, for words and for what nobody else changes.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn parent(&self) -> io::Result<BorrowedFd<'_>> {
        self.parent.as_ref().map(AsFd::as_fd).map_err(|error| (*error).into())
    }

    /// What is there, a link as such.
    pub fn kind(&self) -> io::Result<FileType> {
        Ok(FileType::from_raw_mode(self.stat()?.st_mode))
    }

    fn stat(&self) -> io::Result<rustix::fs::Stat> {
        Ok(rustix::fs::statat(self.parent()?, &self.name, AtFlags::SYMLINK_NOFOLLOW)?)
    }

    pub fn exists(&self) -> bool {
        self.stat().is_ok()
    }

    pub fn is_dir(&self) -> bool {
        matches!(self.kind(), Ok(FileType::Directory))
    }

    pub fn is_link(&self) -> bool {
        matches!(self.kind(), Ok(FileType::Symlink))
    }

    pub fn read_link(&self) -> io::Result<PathBuf> {
        let target = rustix::fs::readlinkat(self.parent()?, &self.name, Vec::new())?;
        Ok(PathBuf::from(OsString::from_vec(target.into_bytes())))
    }

    /// Opens a file; a link is an error, and so is what is no file.
    pub fn open(&self, flags: OFlags) -> io::Result<File> {
        let always = OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
        let mode = Mode::from_raw_mode(0o666);
        let file = File::from(rustix::fs::openat(self.parent()?, &self.name, flags | always, mode)?);
        if file.metadata()?.is_file() {
            return Ok(file);
        }
        Err(io::Error::new(io::ErrorKind::AlreadyExists, "not a file"))
    }

    /// The names in a directory, in ascending order.
    pub fn names(&self) -> io::Result<Vec<OsString>> {
        let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let directory = rustix::fs::openat(self.parent()?, &self.name, flags, Mode::empty())?;
        let mut names = Vec::new();
        for entry in rustix::fs::Dir::new(directory)? {
            let name = OsString::from_vec(entry?.file_name().to_bytes().to_vec());
            if name != "." && name != ".." {
                names.push(name);
            }
        }
        names.sort();
        Ok(names)
    }

    pub fn make_dir(&self) -> io::Result<()> {
        Ok(rustix::fs::mkdirat(self.parent()?, &self.name, Mode::from_raw_mode(0o777))?)
    }

    pub fn symlink(&self, target: &Path) -> io::Result<()> {
        Ok(rustix::fs::symlinkat(target, self.parent()?, &self.name)?)
    }

    pub fn remove_file(&self) -> io::Result<()> {
        Ok(rustix::fs::unlinkat(self.parent()?, &self.name, AtFlags::empty())?)
    }

    /// Removes a directory that is empty.
    pub fn remove_dir(&self) -> io::Result<()> {
        Ok(rustix::fs::unlinkat(self.parent()?, &self.name, AtFlags::REMOVEDIR)?)
    }

    /// The permission bits.
    pub fn mode(&self) -> io::Result<u32> {
        Ok(self.stat()?.st_mode & 0o7777)
    }

    pub fn set_mode(&self, mode: u32) -> io::Result<()> {
        let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let held = rustix::fs::openat(self.parent()?, &self.name, flags, Mode::empty())?;
        if FileType::from_raw_mode(rustix::fs::fstat(&held)?.st_mode) == FileType::Symlink {
            return Err(Errno::LOOP.into());
        }
        // The mode of what is held by its path alone is set through `/proc`.
        let through = format!("/proc/self/fd/{}", held.as_raw_fd());
        Ok(rustix::fs::chmod(through, Mode::from_raw_mode(mode))?)
    }

    /// A link's own owner where it is one.
    pub fn set_owner(&self, owner: Option<u32>, group: Option<u32>) -> io::Result<()> {
        let (owner, group) = (owner.map(Uid::from_raw), group.map(Gid::from_raw));
        Ok(rustix::fs::chownat(self.parent()?, &self.name, owner, group, AtFlags::SYMLINK_NOFOLLOW)?)
    }
}

fn parts(path: &Path) -> impl Iterator<Item = OsString> {
    path.components().filter_map(|component| match component {
        Component::Normal(name) => Some(name.to_owned()),
        Component::ParentDir => Some(OsString::from("..")),
        _ => None,
    })
}

/// [`parts`], and a last `.` where the path ends in a slash or in `/.`: behind that the system looks for a directory.
fn walked(path: &Path) -> impl Iterator<Item = OsString> {
    let text = path.as_os_str().as_bytes();
    let last = (text.ends_with(b"/") || text.ends_with(b"/.")).then(|| OsString::from("."));
    parts(path).chain(last)
}

/// An absolute path without `.` and `..`, by its text alone (Ruby's `File.expand_path` with `/` as the directory).
pub fn expand(path: &Path) -> PathBuf {
    let mut expanded = PathBuf::from("/");
    for part in parts(path) {
        if part == ".." {
            expanded.pop();
        } else {
            expanded.push(part);
        }
    }
    expanded
}

#[cfg(test)]
mod tests;
