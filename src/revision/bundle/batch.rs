//! A small zip archive in memory: its entries are compressed whole, twice as fast as through a stream. Opens no files.
//!
//! The zip library, which reads the batch and merges it into the bundle, cannot take bytes that another has compressed.
//! Below 4 GiB and 65,535 entries; source: PKWARE's APPNOTE 6.3, sections 4.3.7, 4.3.12 and 4.3.16.

use std::io;

use libdeflater::Crc;

use super::super::listing::Found;
use super::level::{Compressors, Level};
use crate::appspec::Kind;

/// Unix made it, by 3.0: the upper half of the external attributes is the mode.
const MADE_BY: u16 = 3 << 8 | 30;
/// 2.0: directories and deflate.
const NEEDED: u16 = 20;
/// The name is UTF-8.
const UTF8: u16 = 1 << 11;
/// 1980-01-01, the first day there is: the same files make the same bytes.
const DATE: u16 = 1 << 5 | 1;
const STORED: u16 = 0;
const DEFLATED: u16 = 8;

/// An archive that is being made; it can be used again for the next.
pub struct Batch {
    compressors: Compressors,
    archive: Vec<u8>,
    directory: Vec<u8>,
    entries: u16,
}

impl Batch {
    pub fn new() -> Batch {
        let compressors = Compressors::new();
        Batch { compressors, archive: Vec::new(), directory: Vec::new(), entries: 0 }
    }

    /// Adds an entry; `content` is a file's, or where a link points.
    pub fn add(&mut self, entry: &Found, level: Level, content: &[u8]) -> io::Result<()> {
        let Found { name, mode, .. } = entry;
        let (name, mode) = match entry.kind {
            Kind::File => (name.to_owned(), 0o100_000 | mode),
            Kind::Directory => (format!("{name}/"), 0o040_000 | mode),
            Kind::Link => (name.to_owned(), 0o120_000 | 0o777),
        };
        let offset = small(self.archive.len())?;
        let mut crc = Crc::new();
        crc.update(content);
        let head = self.archive.len() + 30 + name.len();
        let compressor = self.compressors.at(level);
        let room = compressor.deflate_compress_bound(content.len());
        self.archive.resize(head + room, 0);
        let space = self.archive.get_mut(head..).unwrap_or_default();
        let deflated = compressor.deflate_compress(content, space).ok().filter(|size| *size < content.len());
        if deflated.is_none() {
            self.archive.truncate(head);
            self.archive.extend_from_slice(content);
        }
        let packed = deflated.unwrap_or(content.len());
        self.archive.truncate(head + packed);

        // What both headers have in common.
        let mut common = Vec::with_capacity(26);
        for value in [NEEDED, if name.is_ascii() { 0 } else { UTF8 }] {
            common.extend(value.to_le_bytes());
        }
        for value in [if deflated.is_some() { DEFLATED } else { STORED }, 0, DATE] {
            common.extend(value.to_le_bytes());
        }
        for value in [crc.sum(), small(packed)?, small(content.len())?] {
            common.extend(value.to_le_bytes());
        }
        let length =
            u16::try_from(name.len()).map_err(|_| io::Error::other("a name is longer than 65,535 bytes"))?;
        common.extend(length.to_le_bytes());
        common.extend([0, 0]);

        let mut local = b"PK\x03\x04".to_vec();
        local.extend(&common);
        local.extend(name.as_bytes());
        if let Some(space) = self.archive.get_mut(head - local.len()..head) {
            space.copy_from_slice(&local);
        }
        self.directory.extend(b"PK\x01\x02");
        self.directory.extend(MADE_BY.to_le_bytes());
        self.directory.extend(&common);
        // No comment, the first disk, no internal attributes.
        self.directory.extend([0; 6]);
        self.directory.extend((mode << 16).to_le_bytes());
        self.directory.extend(offset.to_le_bytes());
        self.directory.extend(name.as_bytes());
        self.entries =
            self.entries.checked_add(1).ok_or_else(|| io::Error::other("too many entries in a batch"))?;
        Ok(())
    }

    /// The archive; the next one begins empty.
    pub fn finish(&mut self) -> io::Result<Vec<u8>> {
        let (offset, size) = (small(self.archive.len())?, small(self.directory.len())?);
        self.archive.append(&mut self.directory);
        self.archive.extend(b"PK\x05\x06\0\0\0\0");
        for _ in 0..2 {
            self.archive.extend(self.entries.to_le_bytes());
        }
        self.archive.extend(size.to_le_bytes());
        self.archive.extend(offset.to_le_bytes());
        self.archive.extend([0; 2]);
        self.entries = 0;
        Ok(std::mem::take(&mut self.archive))
    }
}

fn small(size: usize) -> io::Result<u32> {
    u32::try_from(size).map_err(|_| io::Error::other("a batch is larger than 4 GiB"))
}
