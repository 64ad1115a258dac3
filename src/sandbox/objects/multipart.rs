//! Multipart uploads.

use std::collections::HashMap;
use std::fs::File;
use std::path::PathBuf;

use md5::{Digest, Md5};
use serde::{Deserialize, Serialize};

use super::file::{Attributes, Body, Incoming, Received, hex};
use super::{Error, Fault, Objects, Stored, When};
use crate::sandbox::rows::{self, Entity, Parts, Table};
use crate::sandbox::store::Millis;

/// The least that every part but the last must hold. Source: Amazon S3 user guide, "Multipart upload limits".
const MIN_PART: u64 = 5 << 20;

/// An upload under way.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Upload {
    pub bucket: String,
    pub key: String,
    pub initiated: Millis,
    /// None: what comes with its parts is checked and not kept.
    #[serde(default)]
    checksums: Option<Checksums>,
    attributes: Attributes,
    /// Its parts are being joined: nobody else can reach it.
    #[serde(skip)]
    busy: bool,
    /// By number, in as many digits as the greatest has.
    #[serde(skip)]
    parts: Table<Part>,
}

/// The checksums that an upload was begun with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checksums {
    /// As in the API: `CRC32`.
    pub algorithm: String,
    /// The object's is that of its whole content, not that of its parts' checksums.
    pub full_object: bool,
}

/// A part that is there.
#[derive(Debug)]
pub struct Uploaded {
    pub number: i32,
    /// In bytes.
    pub size: u64,
    pub etag: String,
    /// By the upload's algorithm, base64.
    pub checksum: Option<String>,
    pub path: PathBuf,
}

/// An upload that is open.
#[derive(Debug)]
pub struct Opened {
    pub id: String,
    pub key: String,
    pub initiated: Millis,
    pub checksums: Option<Checksums>,
}

/// A part of an upload.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Part {
    /// The file's name.
    path: PathBuf,
    size: u64,
    /// What its eTag is made of.
    #[serde(rename = "md5")]
    tag: [u8; 16],
    #[serde(default)]
    checksum: Option<String>,
}

impl Entity for Part {}

impl Entity for Upload {
    fn parts(&mut self) -> Parts<'_> {
        vec![("parts", &mut self.parts as &mut dyn rows::Part)]
    }
}

impl Upload {
    /// The files of its parts.
    pub fn files(&self) -> impl Iterator<Item = &PathBuf> {
        self.parts.values().map(|part| &part.path)
    }
}

fn name(number: i32) -> String {
    format!("{number:05}")
}

impl Objects {
    /// Opens an upload and gives its id.
    pub fn create_upload(
        &self,
        bucket: &str,
        key: &str,
        attributes: Attributes,
        checksums: Option<Checksums>,
        now: Millis,
    ) -> Result<String, Fault> {
        let mut index = self.index();
        index.bucket(bucket)?;
        let id = index.id();
        let (bucket, key) = (bucket.to_owned(), key.to_owned());
        let parts = Table::default();
        let upload = Upload { bucket, key, initiated: now, checksums, attributes, busy: false, parts };
        index.uploads.insert(id.clone(), upload);
        Ok(id)
    }

    /// Where a part of an open upload is written to.
    pub fn receive_part(&self, bucket: &str, key: &str, id: &str) -> Result<Incoming, Error> {
        self.index().upload(bucket, key, id)?;
        Ok(Incoming::new(&self.directory)?)
    }

    /// Stores a part, in place of one with its number, and gives its eTag.
    pub fn put_part(
        &self,
        bucket: &str,
        key: &str,
        id: &str,
        number: i32,
        (part, checksum): (Received, Option<String>),
    ) -> Result<String, Error> {
        let mut index = self.index();
        let Received { body, md5 } = part;
        let tag = index.upload(bucket, key, id)?.attributes.tag(md5);
        let size = body.size;
        let (_, path) = index.name(&self.directory, body)?;
        let part = Part { path, size, tag, checksum };
        let replaced = index.upload(bucket, key, id)?.parts.insert(name(number), part);
        index.litter.extend(replaced.map(|part| part.path));
        Ok(hex(&tag))
    }

    /// Makes an object of the parts that the client names by number and eTag; `checksums` are the object's. Copies
    /// them: not for a thread that others wait for.
    ///
    /// # Errors
    /// `NoSuchUpload`, `InvalidPart`, `InvalidPartOrder`, `EntityTooSmall`, `PreconditionFailed`.
    pub fn complete_upload(
        &self,
        bucket: &str,
        key: &str,
        id: &str,
        (named, checksums): (&[(i32, String)], HashMap<String, String>),
        when: &When,
        now: Millis,
    ) -> Result<Stored, Error> {
        // While its parts are copied nobody else can reach the upload; a refusal puts it back.
        let upload = {
            let mut index = self.index();
            let upload = index.upload(bucket, key, id)?;
            upload.busy = true;
            upload.clone()
        };
        let attributes = Attributes { checksums, ..upload.attributes.clone() };
        let stored = self
            .joined(&upload, named)
            .and_then(|(body, etag)| self.store(bucket, key, body, etag, attributes, when, now));
        let mut index = self.index();
        if stored.is_ok() {
            index.close(id);
        } else if let Some(upload) = index.uploads.get_mut(id) {
            upload.busy = false;
        }
        stored
    }

    fn joined(&self, upload: &Upload, named: &[(i32, String)]) -> Result<(Body, String), Error> {
        if named.is_empty() {
            return Err(Fault::InvalidPart.into());
        }
        if !named.is_sorted_by(|(a, _), (b, _)| a < b) {
            return Err(Fault::InvalidPartOrder.into());
        }
        let mut parts = Vec::new();
        for (number, etag) in named {
            let part = upload.parts.get(&name(*number)).filter(|part| hex(&part.tag) == *etag);
            parts.push(part.ok_or(Fault::InvalidPart)?);
        }
        if parts.split_last().is_some_and(|(_, others)| others.iter().any(|part| part.size < MIN_PART)) {
            return Err(Fault::EntityTooSmall.into());
        }
        let mut whole = Body::new(&self.directory)?;
        let mut sums = Md5::new();
        for part in &parts {
            sums.update(part.tag);
            whole.append(&File::open(self.directory.join(&part.path))?)?;
        }
        let etag = format!("{}-{}", hex(&sums.finalize()), parts.len());
        Ok((whole, etag))
    }

    /// # Errors
    /// `NoSuchUpload`.
    pub fn abort_upload(&self, bucket: &str, key: &str, id: &str) -> Result<(), Fault> {
        let mut index = self.index();
        index.upload(bucket, key, id)?;
        index.close(id);
        Ok(())
    }

    /// The checksums that an open upload was begun with.
    ///
    /// # Errors
    /// `NoSuchUpload`.
    pub fn checksums(&self, bucket: &str, key: &str, id: &str) -> Result<Option<Checksums>, Fault> {
        Ok(self.index().upload(bucket, key, id)?.checksums.clone())
    }

    /// An open upload's parts by number.
    ///
    /// # Errors
    /// `NoSuchUpload`.
    pub fn uploaded(&self, bucket: &str, key: &str, id: &str) -> Result<Vec<Uploaded>, Fault> {
        let mut index = self.index();
        let parts = index.upload(bucket, key, id)?.parts.iter();
        let uploaded = |(name, part): (&String, &Part)| Uploaded {
            number: name.parse().unwrap_or_default(),
            size: part.size,
            etag: hex(&part.tag),
            checksum: part.checksum.clone(),
            path: self.directory.join(&part.path),
        };
        Ok(parts.map(uploaded).collect())
    }

    /// A bucket's open uploads whose key begins so, by key.
    pub fn uploads(&self, bucket: &str, prefix: &str) -> Result<Vec<Opened>, Fault> {
        let index = self.index();
        index.bucket(bucket)?;
        let meant = index.open_uploads(bucket).filter(|(_, upload)| upload.key.starts_with(prefix));
        let opened = |(id, upload): (&String, &Upload)| Opened {
            id: id.clone(),
            key: upload.key.clone(),
            initiated: upload.initiated,
            checksums: upload.checksums.clone(),
        };
        let mut uploads: Vec<_> = meant.map(opened).collect();
        uploads.sort_by(|a, b| (&a.key, a.initiated).cmp(&(&b.key, b.initiated)));
        Ok(uploads)
    }
}

impl super::index::Index {
    fn upload(&mut self, bucket: &str, key: &str, id: &str) -> Result<&mut Upload, Fault> {
        self.bucket(bucket)?;
        let meant = |upload: &&mut Upload| !upload.busy && upload.bucket == bucket && upload.key == key;
        self.uploads.get_mut(id).filter(meant).ok_or(Fault::NoSuchUpload)
    }

    /// Id and upload, those that nobody else has hold of.
    pub fn open_uploads(&self, bucket: &str) -> impl Iterator<Item = (&String, &Upload)> {
        self.uploads.iter().filter(move |(_, upload)| !upload.busy && upload.bucket == bucket)
    }

    /// Ends an upload: the files of its parts are litter.
    pub fn close(&mut self, id: &str) {
        if let Some(upload) = self.uploads.remove(id) {
            self.litter.extend(upload.files().cloned());
        }
    }
}
