//! A header of a tar, read as GNU tar 1.34 reads it; source: its manual and as observed.

use std::io;

use tar::Header;

use super::members::damaged;

pub const BLOCK: usize = 512;

/// Whether its checksum is right; old Suns took bytes for numbers from -128 to 127.
pub fn is_whole(header: &Header) -> bool {
    // The checksum counts itself as eight blanks.
    let sum = |of: fn(u8) -> i64| -> i64 {
        let block = header.as_bytes();
        block[..148].iter().chain(&[b' '; 8]).chain(&block[156..]).map(|byte| of(*byte)).sum()
    };
    let said = header.cksum().map(i64::from);
    said.is_ok_and(|said| said == sum(i64::from) || said == sum(|byte| byte.cast_signed().into()))
}

/// Bytes of the content.
///
/// # Errors
/// The field is no number.
pub fn size(header: &Header) -> io::Result<u64> {
    if header.as_old().size == [0; 12] {
        return Ok(0);
    }
    header.entry_size().map_err(|_| damaged("the size of an entry is no number"))
}

/// The permission bits; none where the field is no number.
pub fn mode(header: &Header) -> Option<u32> {
    if header.as_old().mode == [0; 8] { Some(0) } else { header.mode().ok() }
}

/// The name, below the prefix that one of POSIX may have, whatever its version.
pub fn path(header: &Header) -> Vec<u8> {
    let block = header.as_bytes();
    let prefix = name(block[345..500].to_vec());
    let own = name(block[..100].to_vec());
    if block[257..].starts_with(b"ustar\0") && !prefix.is_empty() { [prefix, own].join(&b'/') } else { own }
}

/// Names end at a zero.
pub fn name(mut bytes: Vec<u8>) -> Vec<u8> {
    let end = bytes.iter().position(|byte| *byte == 0);
    bytes.truncate(end.unwrap_or(bytes.len()));
    bytes
}
