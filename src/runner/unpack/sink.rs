//! Where unpacked entries go: one directory, with links made last so that nothing is written through them.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use super::Entries;
use super::gate::Gate;
use crate::appspec::Kind;

pub struct Sink {
    directory: PathBuf,
    gate: Gate,
    /// Links to make: where and to what.
    links: BTreeMap<PathBuf, PathBuf>,
    /// Directories and their modes, set last so that a read-only one can be filled.
    modes: Vec<(PathBuf, u32)>,
}

/// What the system says, with the entry that it says it of.
pub fn named(name: &Path) -> impl Fn(io::Error) -> io::Error + '_ {
    move |error| io::Error::new(error.kind(), format!("{}: {error}", name.display()))
}

impl Sink {
    pub fn new(directory: &Path, gate: Gate) -> Result<Self, String> {
        let directory = directory
            .canonicalize()
            .map_err(|error| super::super::failure::ruby(&error, "realpath", directory))?;
        Ok(Sink { directory, gate, links: BTreeMap::new(), modes: Vec::new() })
    }

    fn parent(&self, inner: &Path) -> io::Result<PathBuf> {
        inner
            .parent()
            .filter(|parent| !parent.as_os_str().is_empty())
            .map_or(Ok(()), |parent| self.make(parent))?;
        Ok(self.directory.join(inner))
    }

    /// Makes a directory and those that it is in; never the root, which is gone where a signal ends the command.
    fn make(&self, inner: &Path) -> io::Result<()> {
        let path = self.directory.join(inner);
        let above = inner.parent().filter(|above| !above.as_os_str().is_empty());
        match (fs::create_dir(&path), above) {
            (Err(error), Some(above)) if error.kind() == io::ErrorKind::NotFound => {
                self.make(above)?;
                fs::create_dir(&path)
            }
            (Err(error), _) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
            (made, _) => made,
        }
    }

    /// A new file, in the place of an earlier one that by its mode may be nobody's to write.
    fn create(&self, inner: &Path) -> io::Result<File> {
        let path = self.parent(inner)?;
        match File::create_new(&path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                fs::remove_file(&path)?;
                File::create_new(path)
            }
            created => created,
        }
    }

    fn write(&mut self, inner: &Path, name: &Path, mode: u32, content: &mut dyn Read) -> io::Result<()> {
        self.links.remove(inner);
        let mut file = self.create(inner).map_err(named(name))?;
        let written = io::copy(&mut content.take(self.gate.left().saturating_add(1)), &mut file);
        self.gate.count(written.map_err(named(name))?, name)?;
        file.set_permissions(fs::Permissions::from_mode(mode & 0o777)).map_err(named(name))
    }

    /// Makes the links and sets the directories' modes.
    pub fn finish(self) -> io::Result<()> {
        for (inner, target) in &self.links {
            symlink(target, self.directory.join(inner)).map_err(named(inner))?;
        }
        for (path, mode) in self.modes.iter().rev() {
            // The owner must be able to go on: install, log, remove.
            fs::set_permissions(path, fs::Permissions::from_mode(mode | 0o700))?;
        }
        Ok(())
    }
}

/// A file that was unpacked, with its mode: by that it may be nobody's to read.
fn open(path: &Path) -> io::Result<(File, u32)> {
    let permissions = fs::symlink_metadata(path)?.permissions();
    let mode = permissions.mode();
    match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            fs::set_permissions(path, fs::Permissions::from_mode(0o600))?;
            let file = File::open(path);
            fs::set_permissions(path, permissions)?;
            Ok((file?, mode))
        }
        file => Ok((file?, mode)),
    }
}

impl Entries for Sink {
    fn gate(&mut self) -> &mut Gate {
        &mut self.gate
    }

    fn directory(&mut self, name: &Path, mode: Option<u32>) -> io::Result<()> {
        let Some(inner) = self.gate.place(name, Kind::Directory)? else { return Ok(()) };
        self.make(&inner).map_err(named(name))?;
        let path = self.directory.join(inner);
        if let Some(mode) = mode {
            self.modes.push((path, mode & 0o777));
        }
        Ok(())
    }

    fn file(&mut self, name: &Path, mode: Option<u32>, content: &mut dyn Read) -> io::Result<()> {
        let Some(inner) = self.gate.place(name, Kind::File)? else { return Ok(()) };
        self.write(&inner, name, mode.unwrap_or(0o644), content)
    }

    fn link(&mut self, name: &Path, target: PathBuf) -> io::Result<()> {
        let Some(inner) = self.gate.place(name, Kind::Link)? else { return Ok(()) };
        self.gate.hold(target.as_os_str().len())?;
        let path = self.parent(&inner).map_err(named(name))?;
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(named(name)(error)),
            _ => {}
        }
        self.links.insert(inner, target);
        Ok(())
    }

    fn copy_of(&mut self, name: &Path, earlier: &Path, mode: Option<u32>) -> io::Result<()> {
        let inner = self.gate.earlier(name, earlier)?;
        if let Some(target) = self.links.get(&inner).cloned() {
            return self.link(name, target);
        }
        // Of itself: it is there.
        let Some(place) = self.gate.place(name, Kind::File)?.filter(|place| *place != inner) else {
            return Ok(());
        };
        let (mut source, there) = open(&self.directory.join(inner)).map_err(named(name))?;
        self.write(&place, name, mode.unwrap_or(there), &mut source)
    }
}
