//! Where unpacked entries go: one directory, with links made last so that nothing is written through them.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, fchown, symlink};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::super::users::Users;
use super::gate::Gate;
use super::{Attributes, Entries, Keep, Lost, Owner};
use crate::appspec::Kind;

pub struct Sink {
    directory: PathBuf,
    gate: Gate,
    /// Links to make: where and to what.
    links: BTreeMap<PathBuf, PathBuf>,
    /// Directories and their attributes, set last so that a read-only one can be filled.
    directories: Vec<(PathBuf, Attributes)>,
    keep: Keep,
    users: Users,
    lost: Lost,
}

/// Directories that no entry names are made with the usual umask of an agent.
const DIRECTORY: u32 = 0o755;

/// What the system says, with the entry that it says it of.
pub fn named(name: &Path) -> impl Fn(io::Error) -> io::Error + '_ {
    move |error| io::Error::new(error.kind(), format!("{}: {error}", name.display()))
}

impl Sink {
    pub fn new(directory: &Path, gate: Gate, keep: Keep) -> Result<Self, String> {
        let directory = directory
            .canonicalize()
            .map_err(|error| super::super::failure::ruby(&error, "realpath", directory))?;
        let users = Users::new(keep == Keep::Owners);
        let (links, directories) = (BTreeMap::new(), Vec::new());
        Ok(Sink { directory, gate, links, directories, keep, users, lost: Lost::default() })
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
        let create = || {
            fs::create_dir(&path)?;
            // Whatever the caller's own umask is.
            match self.keep {
                Keep::Masked => Ok(()),
                _ => fs::set_permissions(&path, fs::Permissions::from_mode(DIRECTORY)),
            }
        };
        match (create(), above) {
            (Err(error), Some(above)) if error.kind() == io::ErrorKind::NotFound => {
                self.make(above)?;
                create()
            }
            (Err(error), _) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
            (made, _) => made,
        }
    }

    /// A new file, in the place of an earlier one that by its mode may be nobody's to write.
    fn create(&self, inner: &Path, mode: u32) -> io::Result<File> {
        let path = self.parent(inner)?;
        // The umask counts here, and where all is set afterwards it is as good as any.
        let mode = if self.keep == Keep::Masked { mode & 0o777 } else { 0o666 };
        let create = || File::options().write(true).create_new(true).mode(mode).open(&path);
        match create() {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                fs::remove_file(&path)?;
                create()
            }
            created => created,
        }
    }

    /// Writes a new file and gives it back, without its attributes but for a mode that is masked.
    fn write(
        &mut self,
        inner: &Path,
        (name, mode): (&Path, u32),
        content: &mut dyn Read,
    ) -> io::Result<File> {
        self.links.remove(inner);
        let mut file = self.create(inner, mode).map_err(named(name))?;
        let written = io::copy(&mut content.take(self.gate.left().saturating_add(1)), &mut file);
        self.gate.count(written.map_err(named(name))?, name)?;
        Ok(file)
    }

    /// Owner, mode and time, in this order: each change would spoil what comes before it.
    fn set(&mut self, file: &File, attributes: &Attributes, otherwise: u32) -> io::Result<()> {
        let owner = attributes.owner.as_ref().filter(|_| self.keep == Keep::Owners);
        if let Some(Owner { user, group }) = owner {
            let user = user.0.as_deref().and_then(|name| self.users.user(name)).or(user.1);
            let group = group.0.as_deref().and_then(|name| self.users.group(name)).or(group.1);
            fchown(file, user, group)?;
        }
        self.set_mode(file, attributes.mode.unwrap_or(otherwise))?;
        self.set_time(file, attributes.modified);
        Ok(())
    }

    fn set_mode(&self, file: &File, mode: u32) -> io::Result<()> {
        let kept = match self.keep {
            Keep::Masked => return Ok(()),
            Keep::Modes | Keep::Times => 0o777,
            Keep::Bits | Keep::Owners => 0o7777,
        };
        file.set_permissions(fs::Permissions::from_mode(mode & kept))
    }

    fn set_time(&self, file: &File, modified: Option<SystemTime>) {
        if let Some(time) = modified.filter(|_| matches!(self.keep, Keep::Times | Keep::Owners)) {
            // One that the file system cannot hold is no reason not to unpack.
            drop(file.set_modified(time));
        }
    }

    /// Notes what a file has in a tar and does not keep. Whoever unpacks stands for root.
    fn note_lost(&mut self, name: &Path, attributes: &Attributes) {
        if self.keep != Keep::Times {
            return;
        }
        let Some(Owner { user, group }) = &attributes.owner else { return };
        if let Some(mode) = attributes.mode.filter(|mode| mode & 0o6000 != 0) {
            self.lost.bits.get_or_insert_with(|| (name.to_owned(), mode));
        }
        let (own_user, own_group) =
            (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
        let is_other =
            |number: Option<u32>, own: u32| number.is_some_and(|number| number != 0 && number != own);
        if is_other(user.1, own_user) || is_other(group.1, own_group) {
            self.lost.owner.get_or_insert_with(|| name.to_owned());
        }
    }

    /// Makes the links and sets the directories' attributes.
    pub fn finish(mut self) -> io::Result<Lost> {
        for (inner, target) in &self.links {
            symlink(target, self.directory.join(inner)).map_err(named(inner))?;
        }
        for (path, attributes) in std::mem::take(&mut self.directories) {
            self.set(&File::open(path)?, &attributes, DIRECTORY)?;
        }
        Ok(self.lost)
    }
}

/// A file that was unpacked: by its mode it may be nobody's to read.
fn open(path: &Path) -> io::Result<(File, fs::Metadata)> {
    let metadata = fs::symlink_metadata(path)?;
    match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            fs::set_permissions(path, fs::Permissions::from_mode(0o600))?;
            let file = File::open(path);
            fs::set_permissions(path, metadata.permissions())?;
            Ok((file?, metadata))
        }
        file => Ok((file?, metadata)),
    }
}

impl Entries for Sink {
    fn gate(&mut self) -> &mut Gate {
        &mut self.gate
    }

    fn directory(&mut self, name: &Path, attributes: &Attributes) -> io::Result<()> {
        let inner = match self.gate.place(name, Kind::Directory)? {
            Some(inner) => inner,
            // `tar` sets the root as well, `unzip` does not.
            None if attributes.owner.is_some() => PathBuf::new(),
            None => return Ok(()),
        };
        if !inner.as_os_str().is_empty() {
            self.make(&inner).map_err(named(name))?;
        }
        // The owner must be able to go on: install, log, remove.
        let mode = attributes.mode.map(|mode| mode | 0o700);
        self.directories.push((self.directory.join(inner), Attributes { mode, ..attributes.clone() }));
        Ok(())
    }

    fn file(&mut self, name: &Path, attributes: &Attributes, content: &mut dyn Read) -> io::Result<()> {
        let Some(inner) = self.gate.place(name, Kind::File)? else { return Ok(()) };
        self.note_lost(name, attributes);
        let file = self.write(&inner, (name, attributes.mode.unwrap_or(0o644)), content)?;
        self.set(&file, attributes, 0o644).map_err(named(name))
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

    fn copy_of(&mut self, name: &Path, earlier: &Path) -> io::Result<()> {
        let inner = self.gate.earlier(name, earlier)?;
        if let Some(target) = self.links.get(&inner).cloned() {
            return self.link(name, target);
        }
        // Of itself: it is there.
        let Some(place) = self.gate.place(name, Kind::File)?.filter(|place| *place != inner) else {
            return Ok(());
        };
        let (mut source, there) = open(&self.directory.join(inner)).map_err(named(name))?;
        let file = self.write(&place, (name, there.permissions().mode()), &mut source)?;
        if self.keep == Keep::Owners {
            fchown(&file, Some(there.uid()), Some(there.gid())).map_err(named(name))?;
        }
        self.set_mode(&file, there.permissions().mode()).map_err(named(name))?;
        self.set_time(&file, there.modified().ok());
        Ok(())
    }
}
