//! Zip archives.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use zip::read::ZipFileEntry;
use zip::{System, ZipArchive};

use super::gate::refuse;
use super::{Contents, Entries};
use crate::appspec::{Entry, Kind};

/// The longest target of a link.
const MAX_TARGET: u64 = 4096;
/// File type bits of a Unix mode, and those of a link and a directory.
const KIND: u32 = 0o170_000;
const LINK: u32 = 0o120_000;
const FILE: u32 = 0o100_000;
const DIRECTORY: u32 = 0o040_000;

/// An entry that a bundle may have.
fn kind(entry: &ZipFileEntry<'_>, name: &Path) -> io::Result<Kind> {
    match entry.unix_mode().map(|mode| mode & KIND) {
        _ if name.as_os_str().as_bytes().ends_with(b"/") => Ok(Kind::Directory),
        Some(DIRECTORY) => Ok(Kind::Directory),
        Some(LINK) => Ok(Kind::Link),
        None | Some(0 | FILE) => Ok(Kind::File),
        Some(_) => Err(refuse(format!("{} is neither file, directory nor link", name.display()))),
    }
}

fn target(entry: &mut dyn Read, name: &Path) -> io::Result<PathBuf> {
    let mut target = Vec::new();
    entry.take(MAX_TARGET + 1).read_to_end(&mut target)?;
    if target.is_empty() || target.contains(&0) || target.len() as u64 > MAX_TARGET {
        return Err(refuse(format!("{} is a link to nowhere", name.display())));
    }
    Ok(PathBuf::from(OsStr::from_bytes(&target)))
}

/// Where nothing but backslashes parts a name of MS-DOS, they are taken for slashes; elsewhere they are letters.
///
/// Source: Info-ZIP's unzip 6.0, which both official agents call.
fn name(entry: &ZipFileEntry<'_>) -> PathBuf {
    let mut name = entry.name_raw().to_owned();
    if entry.system() == System::Dos && !name.contains(&b'/') {
        name.iter_mut().filter(|byte| **byte == b'\\').for_each(|byte| *byte = b'/');
    }
    PathBuf::from(OsString::from_vec(name))
}

/// An entry's name, mode and kind, by the archive's directory.
fn described(entry: &ZipFileEntry<'_>) -> io::Result<(PathBuf, Option<u32>, Kind)> {
    let name = name(entry);
    let kind = kind(entry, &name)?;
    Ok((name, entry.unix_mode(), kind))
}

pub fn unpack(bundle: &Path, to: &mut dyn Entries) -> io::Result<()> {
    let mut archive = ZipArchive::new(File::open(bundle)?)?;
    for index in 0..archive.len() {
        let entry = archive.by_index_data(index)?;
        let (name, mode, kind) = described(&entry)?;
        match kind {
            Kind::Directory => to.directory(&name, mode)?,
            Kind::Link => to.link(&name, target(&mut archive.by_index(index)?, &name)?)?,
            Kind::File => to.file(&name, mode, &mut archive.by_index(index)?)?,
        }
    }
    Ok(())
}

/// Lists the entries by the archive's directory; files are counted as long as it says.
pub fn list(bundle: &Path, contents: &mut Contents) -> io::Result<()> {
    let mut archive = ZipArchive::new(BufReader::new(File::open(bundle)?))?;
    for index in 0..archive.len() {
        let entry = archive.by_index_data(index)?;
        let (name, mode, kind) = described(&entry)?;
        contents.backslashes |= name.as_os_str().as_bytes() != entry.name_raw();
        match kind {
            Kind::Directory => contents.directory(&name, mode)?,
            Kind::Link => {
                let target = target(&mut archive.by_index(index)?, &name)?;
                contents.link(&name, target)?;
            }
            Kind::File => {
                contents.gate().count(entry.size(), &name)?;
                let mode = mode.unwrap_or(0o644) & 0o777;
                contents.note(&name, Entry { kind: Kind::File, mode, head: Vec::new() }, Some(index))?;
            }
        }
    }
    contents.zip = Some(Zip(archive));
    Ok(())
}

/// An open archive.
pub struct Zip(ZipArchive<BufReader<File>>);

impl Zip {
    /// The first bytes of a file.
    pub fn read(&mut self, number: usize, most: u64) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.0.by_index(number)?.take(most).read_to_end(&mut bytes)?;
        Ok(bytes)
    }
}
