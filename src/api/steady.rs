//! A file that must stay as it is until it was sent: its digest and what was found in it are told of the object.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::ApiError;
use super::upload::local;

/// A file, and how it was.
pub struct Steady {
    path: PathBuf,
    seen: Seen,
}

/// What changes with a file's content: where it is, its size in bytes, its times in seconds and nanoseconds.
#[derive(Debug, PartialEq, Eq)]
struct Seen {
    file: (u64, u64),
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Seen {
    fn of(path: &Path) -> io::Result<Self> {
        let file = fs::metadata(path)?;
        Ok(Seen {
            file: (file.dev(), file.ino()),
            size: file.size(),
            modified: (file.mtime(), file.mtime_nsec()),
            changed: (file.ctime(), file.ctime_nsec()),
        })
    }
}

impl Steady {
    /// From here on it must stay as it is.
    ///
    /// # Errors
    /// It is not there, or cannot be looked at.
    pub fn new(path: PathBuf) -> io::Result<Self> {
        Ok(Steady { seen: Seen::of(&path)?, path })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// In bytes.
    pub fn size(&self) -> u64 {
        self.seen.size
    }

    pub fn has_changed(&self) -> bool {
        Seen::of(&self.path).ok().as_ref() != Some(&self.seen)
    }

    /// # Errors
    /// It has changed.
    pub(super) fn require(&self, operation: &str) -> Result<(), ApiError> {
        if self.has_changed() { Err(local(operation, "the file has changed".to_owned())) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_seen_even_where_size_and_time_are_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        fs::write(&path, "one").unwrap();
        let steady = Steady::new(path.clone()).unwrap();
        assert!(!steady.has_changed() && steady.size() == 3);
        let other = folder.path().join("other");
        fs::write(&other, "two").unwrap();
        let times = fs::metadata(&path).unwrap().modified().unwrap();
        fs::File::options().write(true).open(&other).unwrap().set_modified(times).unwrap();
        fs::rename(&other, &path).unwrap();
        assert!(steady.has_changed());
        fs::remove_file(&path).unwrap();
        assert!(steady.has_changed());
    }
}
