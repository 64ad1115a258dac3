//! What is stored under which name.

use std::collections::BTreeSet;
use std::ops::{Deref, DerefMut};
use std::path::{Path, PathBuf};
use std::sync::MutexGuard;

use super::bucket::Bucket;
use super::file::Body;
use super::multipart::Upload;
use super::{Error, Fault};
use crate::sandbox::rows::{self, Parts, Table};
use crate::sandbox::state::Journal;

/// Signs of a name that the store gives.
const NAME: usize = 32;

pub struct Index {
    pub buckets: Table<Bucket>,
    pub uploads: Table<Upload>,
    random: fastrand::Rng,
    /// Files that were named since the index was locked.
    named: Vec<PathBuf>,
    /// Files that nothing names any more since then.
    pub litter: Vec<PathBuf>,
}

impl Index {
    pub fn new(random: fastrand::Rng) -> Self {
        let (buckets, uploads) = (Table::default(), Table::default());
        Index { buckets, uploads, random, named: Vec::new(), litter: Vec::new() }
    }

    pub fn parts(&mut self) -> Parts<'_> {
        vec![("buckets", &mut self.buckets), ("uploads", &mut self.uploads)]
    }

    /// The names of all files that hold something.
    ///
    /// # Errors
    /// A name that the store never gives.
    pub fn files(&self) -> Result<BTreeSet<String>, String> {
        let objects = self.buckets.values().flat_map(Bucket::files);
        let parts = self.uploads.values().flat_map(Upload::files);
        let name = |path: &PathBuf| {
            let name = path
                .to_str()
                .filter(|name| name.len() == NAME && name.bytes().all(|byte| byte.is_ascii_alphanumeric()));
            name.map(str::to_owned).ok_or_else(|| format!("{} is not the name of an object", path.display()))
        };
        objects.chain(parts).map(name).collect()
    }

    pub fn bucket(&self, name: &str) -> Result<&Bucket, Fault> {
        self.buckets.get(name).ok_or(Fault::NoSuchBucket)
    }

    pub fn bucket_mut(&mut self, name: &str) -> Result<&mut Bucket, Fault> {
        self.buckets.get_mut(name).ok_or(Fault::NoSuchBucket)
    }

    /// A name that no version and no upload has.
    pub fn id(&mut self) -> String {
        (0..NAME).map(|_| self.random.alphanumeric()).collect()
    }

    /// Gives a body its name for good: its file is the second, in `directory`.
    pub fn name(&mut self, directory: &Path, body: Body) -> Result<(String, PathBuf), Error> {
        let mut body = body.into_path();
        loop {
            let id = self.id();
            let path = directory.join(&id);
            match body.persist_noclobber(&path) {
                Ok(()) => {
                    self.named.push(path);
                    return Ok((id.clone(), id.into()));
                }
                // A file of an earlier store with the same seed.
                Err(taken) if taken.error.kind() == std::io::ErrorKind::AlreadyExists => body = taken.path,
                Err(failed) => return Err(failed.error.into()),
            }
        }
    }
}

/// The index, locked. Let go, what was changed in it is recorded.
pub struct Held<'a> {
    pub index: MutexGuard<'a, Index>,
    pub journal: &'a Journal,
    pub directory: &'a Path,
}

impl Deref for Held<'_> {
    type Target = Index;

    fn deref(&self) -> &Index {
        &self.index
    }
}

impl DerefMut for Held<'_> {
    fn deref_mut(&mut self) -> &mut Index {
        &mut self.index
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        let mut changes = self.journal.changes();
        rows::drain(self.index.parts(), false, &mut rows::Path::default(), &mut changes);
        let litter = std::mem::take(&mut self.index.litter);
        let litter = litter.iter().map(|name| self.directory.join(name)).collect();
        self.journal.record(changes, std::mem::take(&mut self.index.named), litter);
    }
}
