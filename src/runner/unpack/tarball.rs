//! Tar archives, plain or packed by gzip or bzip2; which of them, their first bytes tell, as with `tar -x`.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

use tar::EntryType;

use super::Entries;
use super::gate::{Gate, refuse, target};
use super::members::Members;
use super::packed::{self, BZIP2, GZIP};
use crate::model::BundleType;

/// What else an archive may be packed by, that a host's `tar` finds out where it is not told.
const XZ: &[u8] = b"\xfd7zXZ\0";
const ZSTD: &[u8] = b"\x28\xb5\x2f\xfd";

/// Source: official agent 1.8.1 (`tar -xpsf`, of a tgz `-zxpsf`) and GNU tar.
fn open(bundle: &Path, kind: &BundleType) -> io::Result<Members<BufReader<Box<dyn Read>>>> {
    let file = File::open(bundle)?;
    let most = Gate::new(file.metadata()?.len()).left();
    let mut file = BufReader::new(file);
    let begin = file.fill_buf()?;
    let is = |magic: &[u8]| begin.starts_with(magic);
    let (gzip, bzip2) = (is(GZIP), is(BZIP2));
    let other = if is(XZ) { Some("xz") } else { is(ZSTD).then_some("zstd") };
    if *kind == BundleType::Tgz && !gzip {
        // The agents' `tar` fails on it, as it does on what is damaged.
        return Err(io::Error::new(io::ErrorKind::InvalidData, "it is not packed by gzip"));
    }
    if let Some(other) = other {
        let message = format!(
            "it is packed by {other}, which is not read here; a host unpacks it where {other} is installed, \
             gzip is everywhere"
        );
        return Err(refuse(message));
    }
    let from: Box<dyn Read> = match (gzip, bzip2) {
        (true, _) => Box::new(packed::gzip(file)),
        (_, true) => Box::new(packed::bzip2(file)),
        _ => Box::new(file),
    };
    Ok(Members::new(BufReader::new(from), most))
}

pub fn unpack(bundle: &Path, kind: &BundleType, to: &mut dyn Entries) -> io::Result<()> {
    let mut members = open(bundle, kind)?;
    while let Some(member) = members.next_entry()? {
        let (name, attributes) = (&member.name, &member.attributes);
        to.gate().promise(member.size, name)?;
        match member.kind {
            _ if member.is_file() => to.file(name, attributes, &mut members.content(&member))?,
            EntryType::Directory => to.directory(name, attributes)?,
            EntryType::Symlink => to.link(name, target(member.target, name)?)?,
            EntryType::Link => to.copy_of(name, &PathBuf::from(OsString::from_vec(member.target)))?,
            _ => {
                return Err(refuse(format!("{} is neither file, directory nor link", name.display())));
            }
        }
    }
    if !members.any {
        return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "no entries"));
    }
    // Behind its last entry `tar` reads on: there the checksum of what is gzipped stands.
    io::copy(&mut members.rest(), &mut io::sink()).map(drop)
}

/// The first bytes of a file, by its number among the archive's files.
///
/// # Errors
/// The archive cannot be read, or has no such file any more.
pub fn read(bundle: &Path, kind: &BundleType, number: usize, most: u64) -> io::Result<Vec<u8>> {
    let mut members = open(bundle, kind)?;
    let mut before = 0;
    while let Some(member) = members.next_entry()? {
        if member.is_file() && before == number {
            let mut bytes = Vec::new();
            return members.content(&member).take(most).read_to_end(&mut bytes).map(|_| bytes);
        }
        before += usize::from(member.is_file());
    }
    Err(io::ErrorKind::UnexpectedEof.into())
}
