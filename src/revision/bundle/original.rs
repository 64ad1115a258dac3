//! A file as it is packed: what was there when it was listed.

use std::fs::File;
use std::io::{self, Read, Take};

use super::super::listing::{Found, Stamp};

/// Its content, for [`whole`] afterwards. One that grows meanwhile is cut where it ended when it was listed.
pub fn open(entry: &Found) -> io::Result<Take<File>> {
    Ok(File::open(&entry.path)?.take(entry.size))
}

/// # Errors
/// What was read is not what was there when it was listed.
pub fn whole(entry: &Found, content: &Take<File>) -> io::Result<()> {
    if content.limit() > 0 {
        return Err(io::Error::other("it became shorter while it was bundled"));
    }
    let metadata = content.get_ref().metadata()?;
    let now = Stamp::of(&metadata);
    // Not every file system has an inode for each file that stays.
    let is_the_same = metadata.len() == entry.size && now.modified == entry.stamp.modified;
    // A log, say.
    let has_grown = metadata.len() > entry.size && now.file == entry.stamp.file;
    if is_the_same || has_grown { Ok(()) } else { Err(io::Error::other("it changed while it was bundled")) }
}
