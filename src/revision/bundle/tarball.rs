//! Tar bundles, plain or gzipped.

use std::fs;
use std::io::{self, BufWriter, Write};

use tar::{Builder, EntryType, Header};

use super::super::listing::Found;
use super::deflate::Deflate;
use super::hashed::Hashed;
use super::original;
use crate::appspec::Kind;

/// 1980-01-01T00:00:00Z, the earliest time that every form of bundle can hold: the same files make the same bytes.
const MTIME: u64 = 315_532_800;

/// Deflate, no name, no time, no operating system. Source: RFC 1952, section 2.3.
const HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];

/// Writes the entries; `progress` hears of the bytes read.
pub fn write(found: &[Found], to: Hashed, gzip: bool, progress: &mut dyn FnMut(u64)) -> io::Result<Hashed> {
    let mut file = BufWriter::with_capacity(1 << 20, to);
    if !gzip {
        return Ok(entries(found, file, progress)?.into_inner()?);
    }
    file.write_all(&HEADER)?;
    let (mut file, sum) = entries(found, Deflate::new(file), progress)?.finish()?;
    file.write_all(&sum.sum().to_le_bytes())?;
    // Modulo 2^32, as it is there.
    file.write_all(&sum.amount().to_le_bytes())?;
    Ok(file.into_inner()?)
}

fn entries<W: Write>(found: &[Found], to: W, progress: &mut dyn FnMut(u64)) -> io::Result<W> {
    let mut builder = Builder::new(to);
    for entry in found {
        add(&mut builder, entry)
            .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", entry.path.display())))?;
        progress(entry.bytes());
    }
    builder.into_inner()
}

fn add<W: Write>(builder: &mut Builder<W>, entry: &Found) -> io::Result<()> {
    let mut header = Header::new_gnu();
    header.set_mode(entry.mode);
    header.set_mtime(MTIME);
    header.set_uid(0);
    header.set_gid(0);
    header.set_size(entry.bytes());
    match entry.kind {
        Kind::Directory => {
            header.set_entry_type(EntryType::Directory);
            builder.append_data(&mut header, format!("{}/", entry.name), io::empty())
        }
        Kind::Link => {
            header.set_entry_type(EntryType::Symlink);
            builder.append_link(&mut header, &entry.name, fs::read_link(&entry.path)?)
        }
        Kind::File => {
            header.set_entry_type(EntryType::Regular);
            let mut content = original::open(entry)?;
            builder.append_data(&mut header, &entry.name, &mut content)?;
            // The header is written first: a shorter one would spoil all after it.
            original::whole(entry, &content)
        }
    }
}
