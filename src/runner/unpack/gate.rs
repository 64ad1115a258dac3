//! Which entries of a bundle are let in: names that stay inside, nothing through a link, no more than the limits.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::ffi::OsString;
use std::fmt;
use std::io;
use std::os::unix::ffi::OsStringExt;
use std::path::{Component, Path, PathBuf};

use crate::appspec::Kind;

/// Entries in a bundle, and directories in it that no entry names.
pub const MAX_ENTRIES: usize = 200_000;
/// Bytes of a bundle once unpacked.
const MAX_BYTES: u64 = 16 << 30;
/// How many times its packed size a bundle may grow, beyond an allowance: an image of a disk is mostly zeros.
const MAX_RATIO: u64 = 200;
const ALLOWANCE: u64 = 256 << 20;
/// Names within each other.
const MAX_DEPTH: usize = 128;
/// Bytes of a name, of a path and of where a link leads: Linux has no longer ones.
const MAX_NAME: usize = 255;
pub const MAX_PATH: usize = 4095;
/// Bytes of all paths, and of where all links lead; they are held in memory.
const MAX_PATHS: usize = 128 << 20;

/// What was let in so far.
pub struct Gate {
    entries: usize,
    /// Directories that no entry names.
    made: usize,
    /// Bytes that paths may still have.
    paths: usize,
    /// Bytes that may still come, and that an archive's directory may still promise.
    left: u64,
    promised: u64,
    /// By the path below the root; as text, for paths are compared part by part.
    kinds: HashMap<OsString, Kind>,
}

/// What this tool does not unpack, whole as the archive may be.
#[derive(Debug)]
struct Refusal(String);

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Refusal {}

pub fn refuse(message: impl Into<String>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, Refusal(message.into()))
}

/// Whether an error came of [`refuse`].
pub fn is_refusal(error: &io::Error) -> bool {
    error.get_ref().is_some_and(|inner| inner.is::<Refusal>())
}

/// Where a link leads.
pub fn target(target: Vec<u8>, name: &Path) -> io::Result<PathBuf> {
    if target.is_empty() || target.contains(&0) || target.len() > MAX_PATH {
        return Err(refuse(format!("{} is a link to nowhere", name.display())));
    }
    Ok(PathBuf::from(OsString::from_vec(target)))
}

/// A name below the bundle's root, empty for the root itself. Absolute names and `..` are refused.
fn inner(name: &Path) -> io::Result<PathBuf> {
    if name.as_os_str().len() > MAX_PATH {
        let begin: String = name.to_string_lossy().chars().take(60).collect();
        return Err(refuse(format!("{begin}… is longer than {MAX_PATH} bytes")));
    }
    let mut inner = PathBuf::with_capacity(name.as_os_str().len());
    for component in name.components() {
        match component {
            Component::Normal(part) if part.len() > MAX_NAME => {
                return Err(refuse(format!("{} is longer than {MAX_NAME} bytes", part.display())));
            }
            Component::Normal(part) => inner.push(part),
            Component::CurDir => {}
            _ => return Err(refuse(format!("{} leads out of the bundle", name.display()))),
        }
    }
    Ok(inner)
}

/// What is left after so many bytes of a file.
pub fn after(left: u64, bytes: u64, name: &Path) -> io::Result<u64> {
    left.checked_sub(bytes).ok_or_else(|| too_much(name.display()))
}

/// Refuses more entries than a bundle may have.
pub fn count(entries: usize) -> io::Result<()> {
    if entries > MAX_ENTRIES { Err(refuse(format!("more than {MAX_ENTRIES} entries"))) } else { Ok(()) }
}

/// Of what there are more bytes than [`Gate::new`] grants.
pub fn too_much(what: impl fmt::Display) -> io::Error {
    let (allowance, most) = (ALLOWANCE >> 20, MAX_BYTES >> 30);
    refuse(format!(
        "{what} unpacks to more than a bundle may hold: {MAX_RATIO} times its packed size and {allowance} MiB, \
         {most} GiB at most"
    ))
}

impl Gate {
    /// For a bundle of `packed` bytes.
    pub fn new(packed: u64) -> Self {
        let left = packed.saturating_mul(MAX_RATIO).saturating_add(ALLOWANCE).min(MAX_BYTES);
        Gate { entries: 0, made: 0, paths: MAX_PATHS, left, promised: left, kinds: HashMap::new() }
    }

    /// Bytes that the bundle may still unpack to.
    pub fn left(&self) -> u64 {
        self.left
    }

    /// Counts bytes of a file.
    pub fn count(&mut self, bytes: u64, name: &Path) -> io::Result<()> {
        self.left = after(self.left, bytes, name)?;
        Ok(())
    }

    /// Counts the bytes that an archive's directory says a file has, whatever it really has.
    pub fn promise(&mut self, bytes: u64, name: &Path) -> io::Result<()> {
        self.promised = after(self.promised, bytes, name)?;
        Ok(())
    }

    /// Counts bytes of a path, or of where a link leads.
    pub fn hold(&mut self, bytes: usize) -> io::Result<()> {
        let left = self.paths.checked_sub(bytes);
        self.paths = left.ok_or_else(|| refuse("its paths are longer in all than a bundle may have them"))?;
        Ok(())
    }

    /// An entry's place below the root; none for the root itself. A later file or link replaces an earlier one.
    pub fn place(&mut self, name: &Path, kind: Kind) -> io::Result<Option<PathBuf>> {
        self.entries += 1;
        count(self.entries)?;
        let inner = inner(name)?;
        if inner.components().count() > MAX_DEPTH {
            return Err(refuse(format!("{} is too deep", name.display())));
        }
        if inner.as_os_str().is_empty() {
            return Ok(None);
        }
        self.hold(inner.as_os_str().len())?;
        for parent in inner.ancestors().skip(1).filter(|parent| !parent.as_os_str().is_empty()) {
            match self.kinds.get(parent.as_os_str()) {
                Some(Kind::Directory) => break,
                Some(Kind::Link) => {
                    let (name, link) = (name.display(), parent.display());
                    return Err(refuse(format!("{name} would be written through the link {link}")));
                }
                Some(Kind::File) => {
                    return Err(refuse(format!("{} is below the file {}", name.display(), parent.display())));
                }
                None => {
                    self.made += 1;
                    count(self.made)?;
                    self.hold(parent.as_os_str().len())?;
                    self.kinds.insert(parent.into(), Kind::Directory);
                }
            }
        }
        let both = match self.kinds.entry(inner.as_os_str().to_owned()) {
            Entry::Vacant(place) => {
                place.insert(kind);
                return Ok(Some(inner));
            }
            Entry::Occupied(mut there) => match (there.get(), &kind) {
                (Kind::Directory, Kind::File) | (Kind::File, Kind::Directory) => "file",
                (Kind::Directory, Kind::Link) | (Kind::Link, Kind::Directory) => "link",
                _ => {
                    there.insert(kind);
                    return Ok(Some(inner));
                }
            },
        };
        Err(refuse(format!("{} is both a directory and a {both}", name.display())))
    }

    /// The earlier file or link that a hard link names.
    pub fn earlier(&self, name: &Path, earlier: &Path) -> io::Result<PathBuf> {
        let inner = inner(earlier)?;
        match self.kinds.get(inner.as_os_str()) {
            Some(Kind::File | Kind::Link) => Ok(inner),
            _ => Err(refuse(format!("{} is a hard link to what is no file", name.display()))),
        }
    }
}
