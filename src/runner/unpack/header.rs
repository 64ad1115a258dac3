//! A header of a tar, read as GNU tar 1.34 reads it; source: its manual and as observed.

use std::io;
use std::time::{Duration, SystemTime};

use tar::Header;

use super::members::damaged;
use super::{Attributes, Owner};

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
fn mode(header: &Header) -> Option<u32> {
    if header.as_old().mode == [0; 8] { Some(0) } else { header.mode().ok() }
}

/// What the header says where the attributes by pax say nothing.
pub fn attributes(header: &Header, mtime: Option<SystemTime>, owner: Owner) -> Attributes {
    let text = |bytes: Option<&[u8]>| {
        let text = String::from_utf8(name(bytes?.to_vec())).ok()?;
        Some(text).filter(|text| !text.is_empty())
    };
    let number = |number: io::Result<u64>| number.ok().and_then(|number| u32::try_from(number).ok());
    let of_header = || SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(header.mtime().ok()?));
    let user = owner.user.0.or_else(|| text(header.username_bytes()));
    let group = owner.group.0.or_else(|| text(header.groupname_bytes()));
    Attributes {
        mode: mode(header),
        modified: mtime.or_else(of_header),
        owner: Some(Owner {
            user: (user, owner.user.1.or_else(|| number(header.uid()))),
            group: (group, owner.group.1.or_else(|| number(header.gid()))),
        }),
    }
}

/// Seconds since 1970, with a fraction, maybe before it.
pub fn time(text: &[u8]) -> Option<SystemTime> {
    let text = std::str::from_utf8(text).ok()?;
    let (is_before, text) = text.strip_prefix('-').map_or((false, text), |text| (true, text));
    let (seconds, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits: String = fraction.chars().chain("000000000".chars()).take(9).collect();
    let since = Duration::new(seconds.parse().ok()?, digits.parse().ok()?);
    if is_before {
        SystemTime::UNIX_EPOCH.checked_sub(since)
    } else {
        SystemTime::UNIX_EPOCH.checked_add(since)
    }
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
