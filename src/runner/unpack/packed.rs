//! What a tar is packed by, read as the host's `gzip` and `bzip2` read it: part by part, each with an end of its own.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};

use bzip2::bufread::BzDecoder;
use flate2::bufread::GzDecoder;

/// What each part begins with.
pub const GZIP: &[u8] = &[0x1f, 0x8b];
pub const BZIP2: &[u8] = b"BZh";

struct Parts<D> {
    part: Option<D>,
    /// The part behind one that has been read.
    next: fn(D) -> io::Result<Option<D>>,
}

impl<D: Read> Read for Parts<D> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while let Some(part) = &mut self.part {
            match part.read(into)? {
                0 if !into.is_empty() => self.part = self.part.take().map_or(Ok(None), self.next)?,
                read => return Ok(read),
            }
        }
        Ok(0)
    }
}

pub fn gzip(file: BufReader<File>) -> impl Read {
    Parts { part: Some(GzDecoder::new(file)), next: |part| gzip_behind(part.into_inner()) }
}

/// Zeros up to the end fill a tape; in front of anything else they are damage.
fn gzip_behind(mut file: BufReader<File>) -> io::Result<Option<GzDecoder<BufReader<File>>>> {
    let mut is_filled = false;
    loop {
        let bytes = file.fill_buf()?;
        let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
        match bytes.len() {
            0 => return Ok(None),
            more if more > zeros && (is_filled || zeros > 0) => {
                return Err(io::Error::new(io::ErrorKind::InvalidData, "more than zeros is behind its end"));
            }
            more if more > zeros => return Ok(Some(GzDecoder::new(file))),
            _ => {
                is_filled = true;
                file.consume(zeros);
            }
        }
    }
}

pub fn bzip2(file: BufReader<File>) -> impl Read {
    Parts { part: Some(BzDecoder::new(file)), next: |part| bzip2_behind(part.into_inner()) }
}

/// Whatever begins otherwise than a part does is passed over.
fn bzip2_behind(mut file: BufReader<File>) -> io::Result<Option<BzDecoder<BufReader<File>>>> {
    let mut begin = Vec::new();
    file.by_ref().take(4).read_to_end(&mut begin)?;
    let is_level = |byte: &u8| (b'1'..=b'9').contains(byte);
    let is_part =
        begin.iter().zip(BZIP2).all(|(is, wanted)| is == wanted) && begin.get(3).is_none_or(is_level);
    if begin.is_empty() || !is_part {
        return Ok(None);
    }
    file.seek_relative(-i64::try_from(begin.len()).unwrap_or_default())?;
    Ok(Some(BzDecoder::new(file)))
}
