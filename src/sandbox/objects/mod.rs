//! The sandbox's S3 without the protocol: buckets, versions, multipart uploads.
//!
//! The index is in memory, and its rows are kept with the sandbox's. An object is one file in one directory, named by a version id and never by its key,
//! so that no key can reach outside. Bodies go to disk as they come.

mod bucket;
mod file;
mod index;
mod multipart;

pub use bucket::{Listing, Stored, Versioning, When};
pub use file::{Attributes, Incoming, Received};
pub use multipart::{Checksums, Opened, Upload, Uploaded};

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use index::{Held, Index};

use super::rows::Parts;
use super::state::Journal;
use super::{Bundles, Object};

/// What S3 has a code for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    NoSuchBucket,
    NoSuchKey,
    NoSuchVersion,
    NoSuchUpload,
    BucketAlreadyOwnedByYou,
    BucketNotEmpty,
    InvalidPart,
    InvalidPartOrder,
    EntityTooSmall,
    PreconditionFailed,
}

/// Why the store refuses or fails.
#[derive(Debug)]
pub enum Error {
    Fault(Fault),
    Io(io::Error),
}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        Error::Fault(fault)
    }
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        Error::Io(error)
    }
}

/// The object store.
pub struct Objects {
    directory: PathBuf,
    index: Mutex<Index>,
    journal: Arc<Journal>,
}

impl Fault {
    /// What S3 says of it.
    pub fn message(self) -> &'static str {
        match self {
            Fault::NoSuchBucket => "The specified bucket does not exist",
            Fault::NoSuchKey => "The specified key does not exist.",
            Fault::NoSuchVersion => "The specified version does not exist.",
            Fault::NoSuchUpload => {
                "The specified upload does not exist. The upload ID may be invalid, or the upload may have been \
                 aborted or completed."
            }
            Fault::BucketAlreadyOwnedByYou => {
                "Your previous request to create the named bucket succeeded and you already own it."
            }
            Fault::BucketNotEmpty => "The bucket you tried to delete is not empty",
            Fault::InvalidPart => "One or more of the specified parts could not be found.",
            Fault::InvalidPartOrder => "The list of parts was not in ascending order.",
            Fault::EntityTooSmall => "Your proposed upload is smaller than the minimum allowed size",
            Fault::PreconditionFailed => "At least one of the pre-conditions you specified did not hold",
        }
    }
}

impl Objects {
    /// A store over `directory`, which is made if it is missing and may hold files of an earlier store.
    /// `random` gives the version ids.
    ///
    /// # Errors
    /// A directory that cannot be made.
    pub fn new(directory: &Path, random: fastrand::Rng) -> io::Result<Self> {
        std::fs::create_dir_all(directory)?;
        let index = Mutex::new(Index::new(random));
        Ok(Objects { directory: directory.to_owned(), index, journal: Arc::default() })
    }

    /// The parts that rows are read into, before the store is used.
    pub fn parts(&mut self) -> Parts<'_> {
        self.index.get_mut().unwrap_or_else(PoisonError::into_inner).parts()
    }

    /// From here on changes go to `journal`. Clears away what a crash has left in the directory.
    ///
    /// # Errors
    /// Rows that name files as no store does.
    pub fn keep(&mut self, journal: Arc<Journal>) -> Result<(), String> {
        let files = self.index().files()?;
        for entry in std::fs::read_dir(&self.directory).into_iter().flatten().flatten() {
            if !entry.file_name().to_str().is_some_and(|name| files.contains(name)) {
                // One that stays is litter in a directory of the sandbox's own.
                let _ = std::fs::remove_file(entry.path());
            }
        }
        self.journal = journal;
        Ok(())
    }

    fn index(&self) -> Held<'_> {
        let index = self.index.lock().unwrap_or_else(PoisonError::into_inner);
        Held { index, journal: &self.journal, directory: &self.directory }
    }
}

impl Bundles for Objects {
    fn object(&self, bucket: &str, key: &str, version: Option<&str>) -> Result<Object, String> {
        let stored =
            self.get(bucket, key, version).map_err(|fault| format!("{fault:?}: {}", fault.message()))?;
        Ok(Object { path: stored.path, etag: stored.etag, version: stored.version })
    }
}

#[cfg(test)]
mod tests;
