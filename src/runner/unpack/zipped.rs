//! Zip archives.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use zip::read::{ZipFileEntry, ZipReadOptions};
use zip::result::ZipError;
use zip::{System, ZipArchive};

use super::contents::Stored;
use super::damage::{self, Damage, Member};
use super::gate::{self, refuse};
use super::{Contents, Entries};
use crate::appspec::{Entry, Kind};

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
    entry.take(gate::MAX_PATH as u64 + 1).read_to_end(&mut target)?;
    gate::target(target, name)
}

/// Where nothing but backslashes parts a name of MS-DOS, they are taken for slashes; elsewhere they are letters.
///
/// Source: Info-ZIP's unzip 6.0, which both official agents call.
fn name(entry: &ZipFileEntry<'_>) -> PathBuf {
    let mut name = entry.name_raw().to_owned();
    // What is no UTF-8 is code page 437 there.
    if entry.system() == System::Dos
        && std::str::from_utf8(&name).is_err()
        && let Ok(decoded) = entry.name()
    {
        name = decoded.into_owned().into_bytes();
    }
    if entry.system() == System::Dos && !name.contains(&b'/') {
        name.iter_mut().filter(|byte| **byte == b'\\').for_each(|byte| *byte = b'/');
    }
    PathBuf::from(OsString::from_vec(name))
}

/// What is wrong with an entry, with its name.
fn named(name: &Path) -> impl Fn(ZipError) -> io::Error + '_ {
    move |error| io::Error::new(io::ErrorKind::InvalidData, format!("{}: {error}", name.display()))
}

pub fn unpack(bundle: &Path, to: &mut dyn Entries) -> io::Result<()> {
    let mut archive = ZipArchive::new(File::open(bundle)?)?;
    for index in 0..archive.len() {
        let entry = archive.by_index_data(index)?;
        let (name, mode, size) = (name(&entry), entry.unix_mode(), entry.size());
        let kind = kind(&entry, &name)?;
        if kind == Kind::Directory {
            to.directory(&name, mode)?;
            continue;
        }
        if kind == Kind::File {
            // What would not be listed is not unpacked either.
            to.gate().promise(size, &name)?;
        }
        let mut content = archive.by_index(index).map_err(named(&name))?;
        if kind == Kind::Link {
            let target = target(&mut content, &name)?;
            to.link(&name, target)?;
        } else {
            to.file(&name, mode, &mut content)?;
        }
    }
    Ok(())
}

/// Lists the entries by the archive's directory; files are counted as long as it says.
pub fn list(bundle: &Path, contents: &mut Contents) -> io::Result<()> {
    let file = File::open(bundle)?;
    let mut archive = ZipArchive::new(BufReader::new(file.try_clone()?))?;
    let mut members = Vec::with_capacity(archive.len());
    for index in 0..archive.len() {
        let entry = archive.by_index_data(index)?;
        members.push(Member::new(&entry));
        let (name, mode, size) = (name(&entry), entry.unix_mode(), entry.size());
        contents.backslashes |= slashes(name.as_os_str().as_bytes()) > slashes(entry.name_raw());
        match kind(&entry, &name)? {
            Kind::Directory => contents.directory(&name, mode)?,
            Kind::Link => {
                let mut content = archive.by_index(index).map_err(named(&name))?;
                let target = target(&mut content, &name)?;
                contents.link(&name, target)?;
            }
            Kind::File => {
                contents.gate().promise(size, &name)?;
                let mode = mode.unwrap_or(0o644) & 0o777;
                let stored = Stored { number: index, size };
                contents.note(&name, Entry { kind: Kind::File, mode, head: Vec::new() }, Some(stored))?;
            }
        }
    }
    contents.zip = Some(Zip { file, archive, members });
    Ok(())
}

fn slashes(name: &[u8]) -> usize {
    name.iter().filter(|byte| **byte == b'/').count()
}

/// An open archive.
pub struct Zip {
    file: File,
    archive: ZipArchive<BufReader<File>>,
    members: Vec<Member>,
}

impl Zip {
    /// The first bytes of a file, whatever its checksum says: [`Zip::damage`] tells of that.
    pub fn read(&mut self, number: usize, most: u64) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let options = ZipReadOptions::new().ignore_crc32(true);
        self.archive.by_index_with_options(number, options)?.take(most).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    /// What is not whole; the content of the files that are `wanted` is read in any case.
    pub fn damage(&self, wanted: &dyn Fn(usize) -> bool) -> io::Result<Vec<Damage>> {
        let members = self.members.iter().enumerate();
        let members: Vec<_> = members.map(|(number, member)| (member, wanted(number))).collect();
        damage::find(&self.file, self.archive.central_directory_start(), &members)
    }
}
