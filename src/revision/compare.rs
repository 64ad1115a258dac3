//! What differs between two revisions: the files that a host would find, and the AppSpec's text. Archives are unpacked
//! as the agent unpacks them, with its limits.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::appspec::{FILE_NAME, Kind};
use crate::model::BundleType;
use crate::runner;
use crate::scratch::Folder;

use super::listing::{Found, walk};
use super::{Error, Selection, Source, digest};

/// A revision that lies open in a directory; what was unpacked goes with it.
pub struct Opened {
    directory: PathBuf,
    folder: Option<Folder>,
    found: Vec<Found>,
}

/// A file, directory or link of a revision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    pub kind: Kind,
    /// Permission bits; those of a link mean nothing and are 0.
    pub mode: u32,
    /// Bytes of a file.
    pub size: u64,
    /// SHA-256 of a file; where a link leads.
    content: Vec<u8>,
}

impl Item {
    /// Where a link leads; not sanitised.
    pub fn target(&self) -> Option<String> {
        (self.kind == Kind::Link).then(|| String::from_utf8_lossy(&self.content).into_owned())
    }
}

/// What became of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    Added(Item),
    Removed(Item),
    /// Before and after; `true` where the content is another.
    Changed(Item, Item, bool),
}

impl Opened {
    /// Unpacks what is an archive. An AppSpec alone is a revision of one file.
    ///
    /// # Errors
    /// It cannot be unpacked or read.
    pub fn of(source: &Source) -> Result<Opened, Error> {
        let (directory, folder) = match source {
            Source::Directory(directory) => (directory.clone(), None),
            Source::Ready(file, kind) => {
                let told =
                    |error: io::Error| Error::new(format!("cannot unpack {}: {error}", file.display()));
                let folder = Folder::new().map_err(told)?;
                let inner = folder.path().join("bundle");
                fs::create_dir(&inner).map_err(told)?;
                if matches!(kind, BundleType::Yaml | BundleType::Json) {
                    fs::copy(file, inner.join(FILE_NAME)).map_err(told)?;
                } else {
                    runner::unpack_with(file, kind, &inner, runner::Keep::Bits).map_err(|message| {
                        Error::new(format!("cannot unpack {}: {message}", file.display()))
                    })?;
                }
                (inner, Some(folder))
            }
        };
        // A directory is taken as it would be bundled; what was in an archive is all meant.
        let selection = if folder.is_some() { Selection::all() } else { Selection::default() };
        let (found, _) = walk(&directory, &selection)?;
        Ok(Opened { directory, folder, found })
    }

    /// The AppSpec's text, where there is a readable one.
    pub fn appspec(&self) -> Option<String> {
        let names = [FILE_NAME, "appspec.yaml", "appspec.json"];
        let name = names.into_iter().find(|name| self.found.iter().any(|found| found.name == *name))?;
        // A link of a stranger's to a file of this machine: its lines would be shown.
        String::from_utf8(runner::read_within(&self.directory, name).ok()?).ok()
    }

    /// By the bytes of their paths, which need not be UTF-8.
    fn items(&self) -> Result<BTreeMap<OsString, Item>, Error> {
        let is_ours = self.folder.is_some();
        let item = |found: &Found| {
            let shown = if is_ours { Path::new(&found.name) } else { &found.path };
            item(found, is_ours)
                .map_err(|error| Error::new(format!("cannot read {}: {error}", shown.display())))
        };
        let path = |found: &Found| found.path.strip_prefix(&self.directory).unwrap_or(&found.path).into();
        self.found.iter().map(|found| Ok((path(found), item(found)?))).collect()
    }
}

/// `is_ours`: what was unpacked for this.
fn item(found: &Found, is_ours: bool) -> io::Result<Item> {
    let (mode, size, content) = match found.kind {
        Kind::Directory => (found.mode, 0, Vec::new()),
        Kind::Link => (0, 0, fs::read_link(&found.path)?.into_os_string().into_encoded_bytes()),
        Kind::File => {
            if is_ours && found.mode & 0o400 == 0 {
                // By its mode it may be nobody's to read.
                fs::set_permissions(&found.path, Permissions::from_mode(0o600))?;
            }
            (found.mode, found.size, digest(&found.path)?.0.into_bytes())
        }
    };
    Ok(Item { kind: found.kind.clone(), mode, size, content })
}

/// The paths that differ, in order.
///
/// # Errors
/// A file or link cannot be read.
pub fn compare(before: &Opened, after: &Opened) -> Result<Vec<(String, Change)>, Error> {
    let (before, mut after) = (before.items()?, after.items()?);
    let mut changes = BTreeMap::new();
    for (name, old) in before {
        match after.remove(&name) {
            None => drop(changes.insert(name, Change::Removed(old))),
            Some(new) if new == old => {}
            Some(new) => {
                let content = (&old.kind, &old.content) != (&new.kind, &new.content);
                changes.insert(name, Change::Changed(old, new, content));
            }
        }
    }
    changes.extend(after.into_iter().map(|(name, new)| (name, Change::Added(new))));
    Ok(changes.into_iter().map(|(name, change)| (name.to_string_lossy().into_owned(), change)).collect())
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    /// An archive of a stranger's may link to any file of this machine.
    #[test]
    fn an_appspec_outside_is_not_shown() {
        let guard = tempfile::tempdir().unwrap();
        let path = |name: &str| guard.path().join(name);
        fs::write(path("secret"), "version: secret").unwrap();
        let text = |name: &str, target: &Path| {
            let mut builder = tar::Builder::new(File::create(path(name)).unwrap());
            let mut header = tar::Header::new_gnu();
            header.set_size(12);
            builder.append_data(&mut header, "deploy/a.yml", &b"version: 0.0"[..]).unwrap();
            let mut header = tar::Header::new_gnu();
            header.set_entry_type(tar::EntryType::Symlink);
            header.set_size(0);
            builder.append_link(&mut header, FILE_NAME, target).unwrap();
            builder.into_inner().unwrap();
            Opened::of(&Source::of(&path(name)).unwrap()).unwrap().appspec()
        };
        assert_eq!(text("out.tar", &path("secret")), None);
        assert_eq!(text("null.tar", Path::new("/dev/zero")), None);
        assert_eq!(text("in.tar", Path::new("deploy/a.yml")).as_deref(), Some("version: 0.0"));
    }

    /// A host unpacks all of it.
    #[test]
    fn an_archive_hides_nothing_from_a_comparison() {
        let guard = tempfile::tempdir().unwrap();
        let open = |name: &str, files: &[&str]| {
            let path = guard.path().join(name);
            let mut builder = tar::Builder::new(File::create(&path).unwrap());
            for file in files {
                let mut header = tar::Header::new_gnu();
                header.set_size(2);
                builder.append_data(&mut header, file, &b"*\n"[..]).unwrap();
            }
            builder.into_inner().unwrap();
            Opened::of(&Source::of(&path).unwrap()).unwrap()
        };
        let (one, two) =
            (open("one.tar", &["a"]), open("two.tar", &["a", ".cdctlignore", ".git/x", "evil.sh"]));
        let names: Vec<String> = compare(&one, &two).unwrap().into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, [".cdctlignore", ".git", ".git/x", "evil.sh"]);
    }

    /// Of the archive's names and modes, nothing is lost.
    #[test]
    fn archives_are_compared_by_all_that_a_host_would_have() {
        let guard = tempfile::tempdir().unwrap();
        let open = |name: &str, files: &[(&[u8], u32)]| {
            let path = guard.path().join(name);
            let mut builder = tar::Builder::new(File::create(&path).unwrap());
            for (file, mode) in files {
                let mut header = tar::Header::new_gnu();
                header.as_old_mut().name[..file.len()].copy_from_slice(file);
                header.set_mode(*mode);
                header.set_size(0);
                header.set_cksum();
                builder.append(&header, io::empty()).unwrap();
            }
            builder.into_inner().unwrap();
            Opened::of(&Source::of(&path).unwrap()).unwrap()
        };
        let one = open("one.tar", &[(b"caf\xe9", 0o644), (b"closed", 0), (b"s", 0o755)]);
        let two = open("two.tar", &[(b"caf\xe8", 0o644), (b"closed", 0), (b"s", 0o4755)]);
        let changes = compare(&one, &two).unwrap();
        let [(added, Change::Added(_)), (removed, Change::Removed(_)), (s, Change::Changed(old, new, false))] =
            changes.as_slice()
        else {
            panic!("{changes:?}")
        };
        assert_eq!([added.as_str(), removed, s], ["caf\u{fffd}", "caf\u{fffd}", "s"]);
        assert_eq!((old.mode, new.mode), (0o755, 0o4755));
    }

    #[test]
    fn what_was_added_removed_and_changed() {
        let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        for (folder, text) in [(&one, "a"), (&two, "b")] {
            fs::write(folder.path().join("same"), "same").unwrap();
            fs::write(folder.path().join("text"), text).unwrap();
            fs::write(folder.path().join("mode"), "x").unwrap();
            symlink(text, folder.path().join("link")).unwrap();
        }
        fs::write(one.path().join("old"), "12345").unwrap();
        fs::create_dir(two.path().join("new")).unwrap();
        fs::set_permissions(two.path().join("mode"), fs::Permissions::from_mode(0o755)).unwrap();
        let open =
            |folder: &tempfile::TempDir| Opened::of(&Source::Directory(folder.path().to_owned())).unwrap();
        let changes = compare(&open(&one), &open(&two)).unwrap();
        let said: Vec<(&str, &str)> = changes
            .iter()
            .map(|(name, change)| {
                let what = match change {
                    Change::Added(_) => "added",
                    Change::Removed(_) => "removed",
                    Change::Changed(_, _, true) => "content",
                    Change::Changed(..) => "mode",
                };
                (name.as_str(), what)
            })
            .collect();
        assert_eq!(
            said,
            [
                ("link", "content"),
                ("mode", "mode"),
                ("new", "added"),
                ("old", "removed"),
                ("text", "content")
            ]
        );
        assert_eq!(compare(&open(&one), &open(&one)).unwrap(), []);
    }
}
