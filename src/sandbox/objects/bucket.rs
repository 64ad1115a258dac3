//! Buckets and the versions of their objects.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::path::PathBuf;

use super::file::{Attributes, Incoming, Received, hex};
use super::{Error, Fault, Objects};
use crate::sandbox::store::Millis;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Versioning {
    /// Never switched on: no version has an id.
    #[default]
    Off,
    Enabled,
    Suspended,
}

#[derive(Debug)]
pub struct Bucket {
    pub created: Millis,
    /// None for us-east-1.
    pub location: Option<String>,
    pub versioning: Versioning,
    /// The versions of each key, the newest last; none without a version.
    keys: BTreeMap<String, Vec<Entry>>,
}

/// The id of a version that was stored without one.
const NULL: &str = "null";

#[derive(Clone, Debug)]
struct Entry {
    /// An id, or [`NULL`].
    version: String,
    /// None for a delete marker.
    stored: Option<Stored>,
}

/// One version of an object.
#[derive(Clone, Debug)]
pub struct Stored {
    pub key: String,
    pub path: PathBuf,
    pub size: u64,
    /// Without quotes: the MD5 of the content, or that of a multipart upload's parts with their number.
    pub etag: String,
    pub modified: Millis,
    /// None where the bucket had no versioning.
    pub version: Option<String>,
    pub attributes: Attributes,
}

/// What must be so for a write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum When {
    Always,
    /// The key has no object.
    New,
    /// The key's object has this eTag.
    Is(String),
}

/// A page of a bucket's keys.
#[derive(Debug, Default)]
pub struct Listing {
    pub objects: Vec<Stored>,
    /// Keys' beginnings up to the delimiter.
    pub prefixes: Vec<String>,
    /// What to go on after; none at the end.
    pub next: Option<String>,
}

impl Bucket {
    fn newest(&self, key: &str) -> Option<&Stored> {
        self.keys.get(key)?.last()?.stored.as_ref()
    }

    /// Puts a version on top. What it replaces is taken off the disk by the caller.
    fn push(&mut self, key: &str, id: String, stored: Option<Stored>) -> Vec<PathBuf> {
        let versioned = self.versioning == Versioning::Enabled;
        let entries = self.keys.entry(key.to_owned()).or_default();
        let mut gone = Vec::new();
        if !versioned {
            entries.retain(|entry| {
                let stays = entry.version != NULL;
                gone.extend(entry.stored.iter().filter(|_| !stays).map(|stored| stored.path.clone()));
                stays
            });
        }
        entries.push(Entry { version: if versioned { id } else { NULL.to_owned() }, stored });
        gone
    }
}

impl Objects {
    /// # Errors
    /// `BucketAlreadyOwnedByYou`.
    pub fn create_bucket(&self, name: &str, location: Option<String>, now: Millis) -> Result<(), Fault> {
        let mut index = self.index();
        if index.buckets.contains_key(name) {
            return Err(Fault::BucketAlreadyOwnedByYou);
        }
        let bucket = Bucket { created: now, location, versioning: Versioning::Off, keys: BTreeMap::new() };
        index.buckets.insert(name.to_owned(), bucket);
        Ok(())
    }

    /// # Errors
    /// `NoSuchBucket`, `BucketNotEmpty`.
    pub fn delete_bucket(&self, name: &str) -> Result<(), Fault> {
        let mut index = self.index();
        if !index.bucket(name)?.keys.is_empty() {
            return Err(Fault::BucketNotEmpty);
        }
        index.uploads.retain(|_, upload| upload.bucket != name);
        index.buckets.remove(name);
        Ok(())
    }

    /// Names and times of creation.
    pub fn buckets(&self) -> Vec<(String, Millis)> {
        self.index().buckets.iter().map(|(name, bucket)| (name.clone(), bucket.created)).collect()
    }

    /// Where a bucket is; none for us-east-1.
    pub fn location(&self, bucket: &str) -> Result<Option<String>, Fault> {
        Ok(self.index().bucket(bucket)?.location.clone())
    }

    pub fn versioning(&self, bucket: &str) -> Result<Versioning, Fault> {
        Ok(self.index().bucket(bucket)?.versioning)
    }

    pub fn set_versioning(&self, bucket: &str, versioning: Versioning) -> Result<(), Fault> {
        self.index().bucket_mut(bucket)?.versioning = versioning;
        Ok(())
    }

    /// Where a body for this bucket is written to.
    pub fn receive(&self, bucket: &str) -> Result<Incoming, Error> {
        self.index().bucket(bucket)?;
        Ok(Incoming::new(&self.directory)?)
    }

    /// Stores a received body as the newest version of a key.
    ///
    /// # Errors
    /// `PreconditionFailed`, and `NoSuchKey` where it was to have an eTag.
    pub fn put(
        &self,
        bucket: &str,
        key: &str,
        body: Received,
        attributes: Attributes,
        when: &When,
        now: Millis,
    ) -> Result<Stored, Error> {
        let etag = hex(&body.md5);
        self.store(bucket, key, body, etag, attributes, when, now)
    }

    #[expect(clippy::too_many_arguments, reason = "an object is that much")]
    pub(super) fn store(
        &self,
        bucket: &str,
        key: &str,
        body: Received,
        etag: String,
        attributes: Attributes,
        when: &When,
        now: Millis,
    ) -> Result<Stored, Error> {
        let mut index = self.index();
        match (when, index.bucket(bucket)?.newest(key)) {
            (When::New, Some(_)) => return Err(Fault::PreconditionFailed.into()),
            (When::Is(_), None) => return Err(Fault::NoSuchKey.into()),
            (When::Is(etag), Some(stored)) if stored.etag != *etag => {
                return Err(Fault::PreconditionFailed.into());
            }
            _ => {}
        }
        let versioned = index.bucket(bucket)?.versioning == Versioning::Enabled;
        let (id, path) = index.name(&self.directory, body.path)?;
        let version = versioned.then(|| id.clone());
        let stored =
            Stored { key: key.to_owned(), path, size: body.size, etag, modified: now, version, attributes };
        let gone = index.bucket_mut(bucket)?.push(key, id, Some(stored.clone()));
        drop(index);
        remove(gone);
        Ok(stored)
    }

    /// A version of an object, the newest where none is named.
    ///
    /// # Errors
    /// `NoSuchBucket`, `NoSuchKey` (also for a delete marker), `NoSuchVersion`.
    pub fn get(&self, bucket: &str, key: &str, version: Option<&str>) -> Result<Stored, Fault> {
        let index = self.index();
        let bucket = index.bucket(bucket)?;
        let Some(version) = version else { return bucket.newest(key).cloned().ok_or(Fault::NoSuchKey) };
        let entries = bucket.keys.get(key).into_iter().flatten();
        let entry = entries.into_iter().find(|entry| entry.version == version).ok_or(Fault::NoSuchVersion)?;
        entry.stored.clone().ok_or(Fault::NoSuchKey)
    }

    /// Replaces the tags of a version, the newest where none is named. Gives its id.
    ///
    /// # Errors
    /// As [`Objects::get`].
    pub fn set_tags(
        &self,
        bucket: &str,
        key: &str,
        version: Option<&str>,
        tags: BTreeMap<String, String>,
    ) -> Result<Option<String>, Fault> {
        let mut index = self.index();
        let mut entries = index.bucket_mut(bucket)?.keys.get_mut(key).into_iter().flatten();
        let entry = match version {
            Some(version) => entries.find(|entry| entry.version == version).ok_or(Fault::NoSuchVersion)?,
            None => entries.next_back().ok_or(Fault::NoSuchKey)?,
        };
        let stored = entry.stored.as_mut().ok_or(Fault::NoSuchKey)?;
        stored.attributes.tags = tags;
        Ok(stored.version.clone())
    }

    /// Deletes a version, or puts a delete marker on top. Gives the version id that the client is told, and
    /// whether it is that of a marker. What does not exist is deleted already.
    pub fn delete(
        &self,
        bucket: &str,
        key: &str,
        version: Option<&str>,
    ) -> Result<(Option<String>, bool), Fault> {
        let mut index = self.index();
        let id = index.id();
        let bucket = index.bucket_mut(bucket)?;
        let (told, gone) = match version {
            Some(version) => {
                let mut gone = Vec::new();
                let mut marker = false;
                if let Some(entries) = bucket.keys.get_mut(key) {
                    entries.retain(|entry| {
                        let stays = entry.version != version;
                        marker |= !stays && entry.stored.is_none();
                        gone.extend(entry.stored.iter().filter(|_| !stays).map(|stored| stored.path.clone()));
                        stays
                    });
                }
                ((Some(version.to_owned()), marker), gone)
            }
            None => {
                let gone = bucket.push(key, id.clone(), None);
                match bucket.versioning {
                    Versioning::Enabled => ((Some(id), true), gone),
                    Versioning::Suspended => ((Some(NULL.to_owned()), true), gone),
                    Versioning::Off => {
                        bucket.keys.remove(key);
                        ((None, false), gone)
                    }
                }
            }
        };
        bucket.keys.retain(|_, entries| !entries.is_empty());
        drop(index);
        remove(gone);
        Ok(told)
    }

    /// Keys in order, without those under a delete marker.
    pub fn list(
        &self,
        bucket: &str,
        prefix: &str,
        delimiter: Option<&str>,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Listing, Fault> {
        let index = self.index();
        let bucket = index.bucket(bucket)?;
        let mut listing = Listing::default();
        let mut last = None;
        let start = match after {
            Some(after) if after >= prefix => Bound::Excluded(after),
            _ => Bound::Included(prefix),
        };
        let keys = bucket.keys.range::<str, _>((start, Bound::Unbounded));
        for (key, entries) in keys.take_while(|(key, _)| key.starts_with(prefix)) {
            let Some(stored) = entries.last().and_then(|entry| entry.stored.as_ref()) else { continue };
            let group = delimiter.filter(|delimiter| !delimiter.is_empty()).and_then(|delimiter| {
                let end = prefix.len() + key[prefix.len()..].find(delimiter)? + delimiter.len();
                Some(&key[..end])
            });
            let group_is_told = group.is_some() && (group == after || group == last.as_deref());
            if group_is_told {
                continue;
            }
            if listing.objects.len() + listing.prefixes.len() >= limit {
                listing.next = last;
                break;
            }
            match group {
                Some(group) => listing.prefixes.push(group.to_owned()),
                None => listing.objects.push(stored.clone()),
            }
            last = Some(group.unwrap_or(key).to_owned());
        }
        Ok(listing)
    }
}

/// Takes files off the disk. One that stays is litter in a directory of the sandbox's own.
fn remove(paths: Vec<PathBuf>) {
    for path in paths {
        let _ = std::fs::remove_file(path);
    }
}
