//! Buckets and the versions of their objects.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::file::{Attributes, Body, Incoming, Received, hex};
use super::{Error, Fault, Objects};
use crate::sandbox::rows::{Entity, List, Parts, Table};
use crate::sandbox::store::Millis;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Versioning {
    /// Never switched on: no version has an id.
    #[default]
    Off,
    Enabled,
    Suspended,
}

#[derive(Debug, Serialize, Deserialize)]
pub struct Bucket {
    pub created: Millis,
    /// None for us-east-1.
    pub location: Option<String>,
    pub versioning: Versioning,
    /// None without a version.
    #[serde(skip)]
    keys: Table<Versions>,
}

impl Entity for Bucket {
    fn parts(&mut self) -> Parts<'_> {
        vec![("keys", &mut self.keys)]
    }
}

/// The versions of a key, the newest last.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Versions {
    #[serde(skip)]
    entries: List<Entry>,
}

impl Entity for Versions {
    const BARE: bool = true;

    fn parts(&mut self) -> Parts<'_> {
        vec![("versions", &mut self.entries)]
    }
}

/// The id of a version that was stored without one.
const NULL: &str = "null";

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Entry {
    /// An id, or [`NULL`].
    version: String,
    /// None for a delete marker.
    stored: Option<Stored>,
}

impl Entity for Entry {}

/// One version of an object.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Stored {
    pub key: String,
    /// In the index the file's name alone.
    pub path: PathBuf,
    pub size: u64,
    /// Without quotes: the MD5 of the content, or that of a multipart upload's parts with their number; no MD5 where a
    /// KMS key encrypts it.
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
        self.keys.get(key)?.entries.last()?.stored.as_ref()
    }

    /// The files of all versions.
    pub fn files(&self) -> impl Iterator<Item = &PathBuf> {
        let entries = self.keys.values().flat_map(|versions| &versions.entries);
        entries.filter_map(|entry| Some(&entry.stored.as_ref()?.path))
    }

    /// Puts a version on top. The files of what it replaces are litter.
    fn push(&mut self, key: &str, id: String, stored: Option<Stored>) -> Vec<PathBuf> {
        let versioned = self.versioning == Versioning::Enabled;
        let entries = &mut self.keys.get_or_insert_with(key, Versions::default).entries;
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
        let bucket = Bucket { created: now, location, versioning: Versioning::Off, keys: Table::default() };
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
        let open = index.uploads.iter().filter(|(_, upload)| upload.bucket == name);
        let open: Vec<_> = open.map(|(id, _)| id.clone()).collect();
        open.iter().for_each(|id| index.close(id));
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
        let etag = hex(&attributes.tag(body.md5));
        self.store(bucket, key, body.body, etag, attributes, when, now)
    }

    #[expect(clippy::too_many_arguments, reason = "an object is that much")]
    pub(super) fn store(
        &self,
        bucket: &str,
        key: &str,
        body: Body,
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
        let size = body.size;
        let (id, path) = index.name(&self.directory, body)?;
        let version = versioned.then(|| id.clone());
        let stored = Stored { key: key.to_owned(), path, size, etag, modified: now, version, attributes };
        let gone = index.bucket_mut(bucket)?.push(key, id, Some(stored.clone()));
        index.litter.extend(gone);
        Ok(self.located(stored))
    }

    /// A version of an object, the newest where none is named.
    ///
    /// # Errors
    /// `NoSuchBucket`, `NoSuchKey` (also for a delete marker), `NoSuchVersion`.
    pub fn get(&self, bucket: &str, key: &str, version: Option<&str>) -> Result<Stored, Fault> {
        let index = self.index();
        let bucket = index.bucket(bucket)?;
        let stored = match version {
            None => bucket.newest(key).cloned(),
            Some(version) => {
                let mut entries = bucket.keys.get(key).into_iter().flat_map(|versions| &versions.entries);
                let entry = entries.find(|entry| entry.version == version).ok_or(Fault::NoSuchVersion)?;
                entry.stored.clone()
            }
        };
        stored.map(|stored| self.located(stored)).ok_or(Fault::NoSuchKey)
    }

    /// With the whole path of its file.
    fn located(&self, mut stored: Stored) -> Stored {
        stored.path = self.directory.join(stored.path);
        stored
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
        let missing = if version.is_some() { Fault::NoSuchVersion } else { Fault::NoSuchKey };
        let Versions { entries } = index.bucket_mut(bucket)?.keys.get_mut(key).ok_or(missing)?;
        let place = match version {
            Some(version) => entries.iter().position(|entry| entry.version == version),
            None => entries.len().checked_sub(1),
        };
        let entry = place.and_then(|place| entries.get_mut(place)).ok_or(missing)?;
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
                if let Some(Versions { entries }) = bucket.keys.get_mut(key) {
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
        if bucket.keys.get(key).is_some_and(|versions| versions.entries.is_empty()) {
            bucket.keys.remove(key);
        }
        index.litter.extend(gone);
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
        for (key, versions) in keys.take_while(|(key, _)| key.starts_with(prefix)) {
            let Some(stored) = versions.entries.last().and_then(|entry| entry.stored.as_ref()) else {
                continue;
            };
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
                None => listing.objects.push(self.located(stored.clone())),
            }
            last = Some(group.unwrap_or(key).to_owned());
        }
        Ok(listing)
    }
}
