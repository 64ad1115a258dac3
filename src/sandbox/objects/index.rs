//! What is stored under which name.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use tempfile::TempPath;

use super::bucket::Bucket;
use super::multipart::Upload;
use super::{Error, Fault};

pub struct Index {
    pub buckets: BTreeMap<String, Bucket>,
    pub uploads: BTreeMap<String, Upload>,
    random: fastrand::Rng,
}

impl Index {
    pub fn new(random: fastrand::Rng) -> Self {
        Index { buckets: BTreeMap::new(), uploads: BTreeMap::new(), random }
    }

    pub fn bucket(&self, name: &str) -> Result<&Bucket, Fault> {
        self.buckets.get(name).ok_or(Fault::NoSuchBucket)
    }

    pub fn bucket_mut(&mut self, name: &str) -> Result<&mut Bucket, Fault> {
        self.buckets.get_mut(name).ok_or(Fault::NoSuchBucket)
    }

    /// A name that no version and no upload has.
    pub fn id(&mut self) -> String {
        (0..32).map(|_| self.random.alphanumeric()).collect()
    }

    /// Gives a body its name for good.
    pub fn name(&mut self, directory: &Path, mut body: TempPath) -> Result<(String, PathBuf), Error> {
        loop {
            let id = self.id();
            let path = directory.join(&id);
            match body.persist_noclobber(&path) {
                Ok(()) => return Ok((id, path)),
                // A file of an earlier store with the same seed.
                Err(taken) if taken.error.kind() == std::io::ErrorKind::AlreadyExists => body = taken.path,
                Err(failed) => return Err(failed.error.into()),
            }
        }
    }
}
