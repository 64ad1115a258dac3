//! A small zip archive in memory: its entries are compressed whole, twice as fast as through a stream; and one of a large
//! file on disk. Opens no files.
//!
//! The zip library, which reads the batch and merges it into the bundle, cannot take bytes that another has compressed.
//! Below 4 GiB and 65,535 entries; source: PKWARE's APPNOTE 6.3, sections 4.3.7, 4.3.12 and 4.3.16.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::mem;

use libdeflater::Crc;

use super::super::listing::Found;
use super::deflate::Deflate;
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
#[derive(Default)]
pub struct Batch {
    compressors: Compressors,
    archive: Vec<u8>,
    directory: Vec<u8>,
    entries: u16,
}

impl Batch {
    /// Adds an entry; `content` is a file's, or where a link points.
    pub fn add(&mut self, entry: &Found, level: Level, content: &[u8]) -> io::Result<()> {
        let offset = small(self.archive.len())?;
        let mut crc = Crc::new();
        crc.update(content);
        let mut about = About::new(entry, crc.sum(), content.len())?;
        let head = self.archive.len() + about.local().len();
        let compressor = self.compressors.at(level);
        let room = compressor.deflate_compress_bound(content.len());
        self.archive.resize(head + room, 0);
        let space = self.archive.get_mut(head..).unwrap_or_default();
        let deflated = compressor.deflate_compress(content, space).ok().filter(|size| *size < content.len());
        match deflated {
            Some(size) => about.packed = Some(small(size)?),
            None => {
                self.archive.truncate(head);
                self.archive.extend_from_slice(content);
            }
        }
        self.archive.truncate(head + deflated.unwrap_or(content.len()));
        let local = about.local();
        if let Some(space) = self.archive.get_mut(head - local.len()..head) {
            space.copy_from_slice(&local);
        }
        self.directory.extend(about.central(offset));
        self.entries =
            self.entries.checked_add(1).ok_or_else(|| io::Error::other("too many entries in a batch"))?;
        Ok(())
    }

    /// The archive; the next one begins empty.
    pub fn finish(&mut self) -> io::Result<Vec<u8>> {
        let offset = self.archive.len();
        self.archive.extend(end(self.entries, offset, mem::take(&mut self.directory))?);
        self.entries = 0;
        Ok(mem::take(&mut self.archive))
    }
}

/// An archive of one large file, which is compressed on every processor; `at` is empty.
pub fn single(entry: &Found, content: impl Read, mut at: File) -> io::Result<File> {
    let head = About::new(entry, 0, 0)?.local().len();
    at.seek(SeekFrom::Start(head as u64))?;
    let mut deflate = Deflate::new(BufWriter::with_capacity(128 << 10, at));
    io::copy(&mut BufReader::with_capacity(128 << 10, content), &mut deflate)?;
    let (at, sum) = deflate.finish()?;
    let mut at = at.into_inner()?;
    let offset = usize::try_from(at.stream_position()?).map_err(io::Error::other)?;
    let size = usize::try_from(sum.amount()).map_err(io::Error::other)?;
    let about = About { packed: Some(small(offset - head)?), ..About::new(entry, sum.sum(), size)? };
    at.write_all(&end(1, offset, about.central(0))?)?;
    at.rewind()?;
    at.write_all(&about.local())?;
    Ok(at)
}

/// What an archive says of an entry.
struct About {
    name: String,
    mode: u32,
    crc: u32,
    size: u32,
    /// Bytes of the deflated content; none where it is stored as it is.
    packed: Option<u32>,
}

impl About {
    fn new(entry: &Found, crc: u32, size: usize) -> io::Result<About> {
        let Found { name, mode, .. } = entry;
        let (name, mode) = match entry.kind {
            Kind::File => (name.clone(), 0o100_000 | mode),
            Kind::Directory => (format!("{name}/"), 0o040_000 | mode),
            Kind::Link => (name.clone(), 0o120_000 | 0o777),
        };
        if u16::try_from(name.len()).is_err() {
            return Err(io::Error::other("a name is longer than 65,535 bytes"));
        }
        Ok(About { name, mode, crc, size: small(size)?, packed: None })
    }

    /// What stands before its content.
    fn local(&self) -> Vec<u8> {
        [b"PK\x03\x04", self.common().as_slice(), self.name.as_bytes()].concat()
    }

    /// What stands in the directory; `offset` is where the former begins.
    fn central(&self, offset: u32) -> Vec<u8> {
        let mut bytes = [b"PK\x01\x02", &MADE_BY.to_le_bytes()[..], &self.common()].concat();
        // No comment, the first disk, no internal attributes.
        bytes.extend([0; 6]);
        bytes.extend((self.mode << 16).to_le_bytes());
        bytes.extend(offset.to_le_bytes());
        bytes.extend(self.name.as_bytes());
        bytes
    }

    /// What both have in common.
    fn common(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(26);
        let flags = if self.name.is_ascii() { 0 } else { UTF8 };
        let method = if self.packed.is_some() { DEFLATED } else { STORED };
        for value in [NEEDED, flags, method, 0, DATE] {
            bytes.extend(value.to_le_bytes());
        }
        for value in [self.crc, self.packed.unwrap_or(self.size), self.size] {
            bytes.extend(value.to_le_bytes());
        }
        let length = u16::try_from(self.name.len()).unwrap_or_default();
        bytes.extend(length.to_le_bytes());
        bytes.extend([0, 0]);
        bytes
    }
}

/// The directory, which begins at `offset`, and the end of an archive.
fn end(entries: u16, offset: usize, mut directory: Vec<u8>) -> io::Result<Vec<u8>> {
    let size = small(directory.len())?;
    directory.extend(b"PK\x05\x06\0\0\0\0");
    for _ in 0..2 {
        directory.extend(entries.to_le_bytes());
    }
    directory.extend(size.to_le_bytes());
    directory.extend(small(offset)?.to_le_bytes());
    directory.extend([0; 2]);
    Ok(directory)
}

fn small(size: usize) -> io::Result<u32> {
    u32::try_from(size).map_err(|_| io::Error::other("a batch is larger than 4 GiB"))
}
