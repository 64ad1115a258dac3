//! Where unpacked entries go: one directory, with limits, and with links made last so that nothing is written
//! through them.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt, symlink};
use std::path::{Component, Path, PathBuf};

use rustix::fs::OFlags;

/// Entries in a bundle.
const MAX_ENTRIES: usize = 200_000;
/// Bytes of a bundle once unpacked.
const MAX_BYTES: u64 = 16 << 30;
/// How many times its packed size a bundle may grow, beyond an allowance for small ones.
const MAX_RATIO: u64 = 200;
const ALLOWANCE: u64 = 64 << 20;
/// Names within each other.
const MAX_DEPTH: usize = 128;

pub struct Sink {
    directory: PathBuf,
    entries: usize,
    /// Bytes that may still be written.
    left: u64,
    /// Links to make: where and to what.
    links: BTreeMap<PathBuf, PathBuf>,
    /// Directories and their modes, set last so that a read-only one can be filled.
    modes: Vec<(PathBuf, u32)>,
}

fn refuse(message: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, message)
}

impl Sink {
    /// For a bundle of `packed` bytes.
    pub fn new(directory: &Path, packed: u64) -> Result<Self, String> {
        let directory = directory
            .canonicalize()
            .map_err(|error| super::super::failure::ruby(&error, "realpath", directory))?;
        let left = packed.saturating_mul(MAX_RATIO).saturating_add(ALLOWANCE).min(MAX_BYTES);
        Ok(Sink { directory, entries: 0, left, links: BTreeMap::new(), modes: Vec::new() })
    }

    /// Bytes that the bundle may still unpack to.
    pub fn left(&self) -> u64 {
        self.left
    }

    /// An entry's place; none for the root itself. Absolute names and `..` are refused, as is a link on the way.
    fn place(&mut self, name: &Path) -> io::Result<Option<PathBuf>> {
        self.entries += 1;
        if self.entries > MAX_ENTRIES {
            return Err(refuse(format!("more than {MAX_ENTRIES} entries")));
        }
        let mut inner = PathBuf::new();
        for component in name.components() {
            match component {
                Component::Normal(part) => inner.push(part),
                Component::CurDir => {}
                _ => return Err(refuse(format!("{} leads out of the bundle", name.display()))),
            }
        }
        if inner.components().count() > MAX_DEPTH {
            return Err(refuse(format!("{} is too deep", name.display())));
        }
        if inner.as_os_str().is_empty() {
            return Ok(None);
        }
        if let Some(link) = inner.ancestors().skip(1).find(|parent| self.links.contains_key(*parent)) {
            return Err(refuse(format!(
                "{} would be written through the link {}",
                name.display(),
                link.display()
            )));
        }
        Ok(Some(inner))
    }

    fn parent(&self, inner: &Path) -> io::Result<PathBuf> {
        let path = self.directory.join(inner);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        Ok(path)
    }

    pub fn directory(&mut self, name: &Path, mode: Option<u32>) -> io::Result<()> {
        let Some(inner) = self.place(name)? else { return Ok(()) };
        if self.links.contains_key(&inner) {
            return Err(refuse(format!("{} is both a link and a directory", name.display())));
        }
        let path = self.parent(&inner)?;
        fs::create_dir_all(&path)?;
        if let Some(mode) = mode {
            self.modes.push((path, mode & 0o777));
        }
        Ok(())
    }

    /// A later entry of the same name replaces an earlier one.
    pub fn file(&mut self, name: &Path, mode: Option<u32>, content: &mut dyn Read) -> io::Result<()> {
        let Some(inner) = self.place(name)? else { return Ok(()) };
        self.links.remove(&inner);
        let path = self.parent(&inner)?;
        let no_follow = OFlags::NOFOLLOW.bits().cast_signed();
        let mut file =
            OpenOptions::new().create(true).write(true).truncate(true).custom_flags(no_follow).open(&path)?;
        self.fill(&mut file, content, name)?;
        file.set_permissions(fs::Permissions::from_mode(mode.unwrap_or(0o644) & 0o777))
    }

    fn fill(&mut self, file: &mut File, content: &mut dyn Read, name: &Path) -> io::Result<()> {
        let written = io::copy(&mut content.take(self.left.saturating_add(1)), file)?;
        self.left = self
            .left
            .checked_sub(written)
            .ok_or_else(|| refuse(format!("{} unpacks to more than a bundle may hold", name.display())))?;
        Ok(())
    }

    /// Kept as it is written: where it leads is the host's business, but nothing is ever written through it.
    pub fn link(&mut self, name: &Path, target: PathBuf) -> io::Result<()> {
        let Some(inner) = self.place(name)? else { return Ok(()) };
        let path = self.parent(&inner)?;
        match fs::symlink_metadata(&path) {
            Ok(there) if there.is_dir() => {
                return Err(refuse(format!("{} is both a directory and a link", name.display())));
            }
            Ok(_) => fs::remove_file(&path)?,
            Err(_) => {}
        }
        self.links.insert(inner, target);
        Ok(())
    }

    /// A hard link becomes a copy of the earlier entry that it names.
    pub fn copy_of(&mut self, name: &Path, earlier: &Path, mode: Option<u32>) -> io::Result<()> {
        let Some(inner) = self.place(earlier)? else {
            return Err(refuse("a hard link to the bundle itself".into()));
        };
        let source = self.directory.join(&inner);
        if self.links.contains_key(&inner) || !fs::symlink_metadata(&source)?.is_file() {
            return Err(refuse(format!("{} is a hard link to what is no file", name.display())));
        }
        if self.place(name)?.is_some_and(|place| place == inner) {
            return Ok(());
        }
        let mode = mode.map_or_else(|| Ok(fs::metadata(&source)?.permissions().mode()), io::Result::Ok)?;
        self.file(name, Some(mode), &mut File::open(&source)?)
    }

    /// Makes the links and sets the directories' modes.
    pub fn finish(self) -> io::Result<()> {
        for (inner, target) in &self.links {
            symlink(target, self.directory.join(inner))?;
        }
        for (path, mode) in self.modes.iter().rev() {
            // The owner must be able to go on: install, log, remove.
            fs::set_permissions(path, fs::Permissions::from_mode(mode | 0o700))?;
        }
        Ok(())
    }
}
