//! Bodies on their way to disk.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use md5::{Digest, Md5};
use serde::{Deserialize, Serialize};
use tempfile::{NamedTempFile, TempPath};

/// What a client says of an object beside its content.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Attributes {
    pub content_type: Option<String>,
    pub metadata: HashMap<String, String>,
    /// `x-amz-checksum-*` by header name, base64.
    pub checksums: HashMap<String, String>,
    pub tags: BTreeMap<String, String>,
    /// `AES256`, `aws:kms` or `aws:kms:dsse`: told, and not done.
    pub encryption: Option<String>,
    pub kms_key: Option<String>,
    pub storage_class: Option<String>,
}

impl Attributes {
    /// What the eTag of a body of this MD5 is made of: another one where a KMS key encrypts it, as S3 then answers no MD5.
    pub(super) fn tag(&self, md5: [u8; 16]) -> [u8; 16] {
        match &self.encryption {
            Some(kind) if kind.starts_with("aws:kms") => {
                Md5::new_with_prefix(md5).chain_update(kind).finalize().into()
            }
            _ => md5,
        }
    }
}

/// A body on disk that has no name yet. Dropped, it is gone.
#[derive(Debug)]
pub struct Body {
    file: NamedTempFile,
    pub size: u64,
}

impl Body {
    pub(super) fn new(directory: &Path) -> io::Result<Self> {
        let file = tempfile::Builder::new().prefix("incoming-").tempfile_in(directory)?;
        Ok(Body { file, size: 0 })
    }

    /// Copies what is left of a file to the end.
    pub(super) fn append(&mut self, mut file: &File) -> io::Result<()> {
        self.size += io::copy(&mut file, self.file.as_file_mut())?;
        Ok(())
    }

    pub(super) fn into_path(self) -> TempPath {
        self.file.into_temp_path()
    }
}

/// A body that is being received. Dropped, it leaves nothing behind.
pub struct Incoming {
    body: Body,
    md5: Md5,
}

/// A body that is there as a whole.
#[derive(Debug)]
pub struct Received {
    pub(super) body: Body,
    pub md5: [u8; 16],
}

impl Incoming {
    pub(super) fn new(directory: &Path) -> io::Result<Self> {
        Ok(Incoming { body: Body::new(directory)?, md5: Md5::new() })
    }

    /// # Errors
    /// A full disk, most likely.
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.body.file.write_all(bytes)?;
        self.md5.update(bytes);
        self.body.size += bytes.len() as u64;
        Ok(())
    }

    /// # Errors
    /// What the system says when the file is closed.
    pub fn finish(mut self) -> io::Result<Received> {
        self.body.file.flush()?;
        Ok(Received { body: self.body, md5: self.md5.finalize().into() })
    }
}

/// Lower-case hexadecimal digits, as in an eTag.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
