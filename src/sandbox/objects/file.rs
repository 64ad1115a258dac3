//! Bodies on their way to disk.

use std::collections::{BTreeMap, HashMap};
use std::io::{self, Write};
use std::path::Path;

use md5::{Digest, Md5};
use tempfile::{NamedTempFile, TempPath};

/// What a client says of an object beside its content.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attributes {
    pub content_type: Option<String>,
    pub metadata: HashMap<String, String>,
    /// `x-amz-checksum-*` by header name, base64.
    pub checksums: HashMap<String, String>,
    pub tags: BTreeMap<String, String>,
}

/// A body that is being received. Dropped, it leaves nothing behind.
pub struct Incoming {
    file: NamedTempFile,
    md5: Md5,
    size: u64,
}

/// A body on disk that has no name yet. Dropped, it is gone.
#[derive(Debug)]
pub struct Received {
    pub(super) path: TempPath,
    pub size: u64,
    pub md5: [u8; 16],
}

impl Incoming {
    pub(super) fn new(directory: &Path) -> io::Result<Self> {
        let file = tempfile::Builder::new().prefix("incoming-").tempfile_in(directory)?;
        Ok(Incoming { file, md5: Md5::new(), size: 0 })
    }

    /// # Errors
    /// A full disk, most likely.
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)?;
        self.md5.update(bytes);
        self.size += bytes.len() as u64;
        Ok(())
    }

    /// # Errors
    /// What the system says when the file is closed.
    pub fn finish(mut self) -> io::Result<Received> {
        self.file.flush()?;
        Ok(Received { path: self.file.into_temp_path(), size: self.size, md5: self.md5.finalize().into() })
    }
}

/// Lower-case hexadecimal digits, as in an eTag.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
