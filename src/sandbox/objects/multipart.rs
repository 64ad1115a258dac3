//! Multipart uploads.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;

use md5::{Digest, Md5};

use super::file::{Attributes, Incoming, Received, hex};
use super::{Error, Fault, Objects, Stored, When};
use crate::sandbox::store::Millis;

/// The least that every part but the last must hold. Source: Amazon S3 user guide, "Multipart upload limits".
const MIN_PART: u64 = 5 << 20;

/// An upload under way.
#[derive(Debug)]
pub struct Upload {
    pub bucket: String,
    pub key: String,
    pub initiated: Millis,
    attributes: Attributes,
    parts: BTreeMap<i32, Received>,
}

impl Objects {
    /// Opens an upload and gives its id.
    pub fn create_upload(
        &self,
        bucket: &str,
        key: &str,
        attributes: Attributes,
        now: Millis,
    ) -> Result<String, Fault> {
        let mut index = self.index();
        index.bucket(bucket)?;
        let id = index.id();
        let (bucket, key) = (bucket.to_owned(), key.to_owned());
        let upload = Upload { bucket, key, initiated: now, attributes, parts: BTreeMap::new() };
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
        part: Received,
    ) -> Result<String, Fault> {
        let etag = hex(&part.md5);
        self.index().upload(bucket, key, id)?.parts.insert(number, part);
        Ok(etag)
    }

    /// Makes an object of the parts that the client names by number and eTag. Copies them: not for a thread
    /// that others wait for.
    ///
    /// # Errors
    /// `NoSuchUpload`, `InvalidPart`, `InvalidPartOrder`, `EntityTooSmall`, `PreconditionFailed`.
    pub fn complete_upload(
        &self,
        bucket: &str,
        key: &str,
        id: &str,
        named: &[(i32, String)],
        when: &When,
        now: Millis,
    ) -> Result<Stored, Error> {
        // While its parts are copied nobody else can reach the upload; a refusal puts it back.
        let upload = {
            let mut index = self.index();
            index.upload(bucket, key, id)?;
            index.uploads.remove(id).ok_or(Fault::NoSuchUpload)?
        };
        let stored = self.joined(&upload, named).and_then(|(body, etag)| {
            self.store(bucket, key, body, etag, upload.attributes.clone(), when, now)
        });
        if stored.is_err() {
            self.index().uploads.insert(id.to_owned(), upload);
        }
        stored
    }

    fn joined(&self, upload: &Upload, named: &[(i32, String)]) -> Result<(Received, String), Error> {
        if named.is_empty() {
            return Err(Fault::InvalidPart.into());
        }
        if !named.is_sorted_by(|(a, _), (b, _)| a < b) {
            return Err(Fault::InvalidPartOrder.into());
        }
        let mut parts = Vec::new();
        for (number, etag) in named {
            let part = upload.parts.get(number).filter(|part| hex(&part.md5) == *etag);
            parts.push(part.ok_or(Fault::InvalidPart)?);
        }
        if parts.split_last().is_some_and(|(_, others)| others.iter().any(|part| part.size < MIN_PART)) {
            return Err(Fault::EntityTooSmall.into());
        }
        let mut whole = Incoming::new(&self.directory)?;
        let mut sums = Md5::new();
        let mut buffer = vec![0; 64 * 1024];
        for part in &parts {
            sums.update(part.md5);
            let mut file = File::open(&part.path)?;
            loop {
                let count = file.read(&mut buffer)?;
                if count == 0 {
                    break;
                }
                whole.write(&buffer[..count])?;
            }
        }
        let etag = format!("{}-{}", hex(&sums.finalize()), parts.len());
        Ok((whole.finish()?, etag))
    }

    /// # Errors
    /// `NoSuchUpload`.
    pub fn abort_upload(&self, bucket: &str, key: &str, id: &str) -> Result<(), Fault> {
        let mut index = self.index();
        index.upload(bucket, key, id)?;
        index.uploads.remove(id);
        Ok(())
    }

    /// Id, key and time of a bucket's open uploads.
    pub fn uploads(&self, bucket: &str) -> Result<Vec<(String, String, Millis)>, Fault> {
        let index = self.index();
        index.bucket(bucket)?;
        let open = index.uploads.iter().filter(|(_, upload)| upload.bucket == bucket);
        Ok(open.map(|(id, upload)| (id.clone(), upload.key.clone(), upload.initiated)).collect())
    }
}

impl super::index::Index {
    fn upload(&mut self, bucket: &str, key: &str, id: &str) -> Result<&mut Upload, Fault> {
        self.bucket(bucket)?;
        let upload = self.uploads.get_mut(id).filter(|upload| upload.bucket == bucket && upload.key == key);
        upload.ok_or(Fault::NoSuchUpload)
    }
}
