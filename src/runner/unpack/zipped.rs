//! Zip archives.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use zip::read::{ZipFile, ZipFileEntry, ZipReadOptions};
use zip::result::ZipError;
use zip::{ExtraField, System, ZipArchive};

use super::contents::Stored;
use super::damage::{self, Damage, Member};
use super::gate::{self, refuse};
use super::{Attributes, Contents, Entries};
use crate::appspec::{self, Entry, Kind};

/// File type bits of a Unix mode, and those of a link and a directory.
const KIND: u32 = 0o170_000;
const LINK: u32 = 0o120_000;
const FILE: u32 = 0o100_000;
const DIRECTORY: u32 = 0o040_000;

/// What is kept back of the modes of a system that knows neither group nor others.
const UMASK: u32 = 0o022;

/// An entry that a bundle may have, and its mode.
///
/// Source: Info-ZIP's unzip 6.0 as observed, for each system that a zip may name.
fn kind(entry: &ZipFileEntry<'_>, name: &Path) -> io::Result<(Kind, u32)> {
    let is_directory = name.as_os_str().as_bytes().ends_with(b"/");
    let (attributes, system) = (entry.external_attributes(), entry.system());
    let unix = attributes >> 16;
    let (mode, has_links) = match system {
        System::Unix | System::OpenVMS | System::AtariSt | System::BeOS => (unix, true),
        System::VSE | System::AcornRisc | System::Tandem | System::Os400 => (unix, false),
        System::Amiga => (for_all(attributes >> 17 & 7), false),
        // Of all others what MS-DOS knows counts: whether it may be written, and whether it is a directory.
        _ => {
            let is_one = is_directory || attributes & 0x10 != 0;
            let bits = u32::from(attributes & 1 == 0) << 1 | u32::from(is_one);
            // The bits of a Unix beside that, where they say the same of the owner.
            let agree = system == System::Dos && unix & 0o700 == 0o400 | bits << 6;
            if agree { (unix, true) } else { (for_all(4 | bits), false) }
        }
    };
    let kind = match mode & KIND {
        _ if is_directory => Kind::Directory,
        LINK if has_links => Kind::Link,
        // The name alone makes a directory.
        0 | FILE | DIRECTORY | LINK => Kind::File,
        _ => return Err(refuse(format!("{} is neither file, directory nor link", name.display()))),
    };
    Ok((kind, mode & 0o777))
}

fn for_all(bits: u32) -> u32 {
    (bits << 6 | bits << 3 | bits) & !UMASK
}

/// When a file was changed: by the time of Unix that stands beside an entry, else by the clock on the wall of whoever
/// made the zip, taken for this machine's.
///
/// Source: Info-ZIP's unzip 6.0 as observed.
fn modified(entry: &ZipFile<'_, File>, zone: &TimeZone) -> Option<SystemTime> {
    let of_unix = entry.extra_data_fields().find_map(|field| match field {
        ExtraField::ExtendedTimestamp(times) => times.mod_time(),
        _ => None,
    });
    if let Some(seconds) = of_unix {
        return SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds.into()));
    }
    let time = entry.last_modified()?;
    let number = |part: u8| i8::try_from(part).ok();
    let (month, day) = (number(time.month())?, number(time.day())?);
    let (hour, minute, second) = (number(time.hour())?, number(time.minute())?, number(time.second())?);
    let time = DateTime::new(i16::try_from(time.year()).ok()?, month, day, hour, minute, second, 0).ok()?;
    Some(zone.to_timestamp(time).ok()?.into())
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
    PathBuf::from(OsString::from_vec(as_written(&parted(entry))))
}

/// As [`name`], with all that is written in it.
fn parted(entry: &ZipFileEntry<'_>) -> Vec<u8> {
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
    name
}

/// A name as `unzip` writes it: up to a zero, without control characters, and without what looks like the version of a
/// file of VMS.
pub fn as_written(name: &[u8]) -> Vec<u8> {
    let name = name.split(|byte| *byte == 0).next().unwrap_or_default();
    let mut name: Vec<u8> =
        name.iter().copied().filter(|byte| !matches!(byte, ..b' ' | 0x7f | 0xff)).collect();
    let begin = name.iter().rposition(|byte| *byte == b'/').map_or(0, |slash| slash + 1);
    if let Some(at) = name.iter().rposition(|byte| *byte == b';').filter(|at| *at >= begin)
        && name.iter().skip(at + 1).all(u8::is_ascii_digit)
    {
        name.truncate(at);
    }
    name
}

/// Whether Debian's `unzip` takes a name for one of code page 850 and writes it in Latin-1, whatever it is and says; of
/// some versions of PKZIP it writes the bytes as they are. That of Red Hat is another one.
///
/// Source: unzip 6.0-28 of Debian as observed.
fn is_doubtful(entry: &ZipFileEntry<'_>) -> bool {
    let is_kept = matches!(entry.version_made_by(), (2, 5 | 6) | (4, 0))
        && std::str::from_utf8(entry.name_raw()).is_ok();
    matches!(entry.system(), System::Dos | System::Os2) && !entry.name_raw().is_ascii() && !is_kept
}

/// What is wrong with an entry, with its name.
fn named(name: &Path) -> impl Fn(ZipError) -> io::Error + '_ {
    move |error| io::Error::new(io::ErrorKind::InvalidData, format!("{}: {error}", name.display()))
}

pub fn unpack(bundle: &Path, to: &mut dyn Entries) -> io::Result<()> {
    let mut archive = ZipArchive::new(File::open(bundle)?)?;
    // Before any of them is written.
    gate::count(archive.len())?;
    let zone = TimeZone::system();
    for index in 0..archive.len() {
        let entry = archive.by_index_data(index)?;
        let (name, size) = (name(&entry), entry.size());
        let (kind, mode) = kind(&entry, &name)?;
        let mut attributes = Attributes { mode: Some(mode), ..Attributes::default() };
        if kind == Kind::Directory {
            attributes.modified = archive.by_index(index).ok().and_then(|entry| modified(&entry, &zone));
            to.directory(&name, &attributes)?;
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
            attributes.modified = modified(&content, &zone);
            to.file(&name, &attributes, &mut content)?;
        }
    }
    Ok(())
}

/// Lists the entries by the archive's directory; files are counted as long as it says.
pub fn list(bundle: &Path, contents: &mut Contents) -> io::Result<()> {
    let file = File::open(bundle)?;
    let mut archive = ZipArchive::new(BufReader::new(file.try_clone()?))?;
    gate::count(archive.len())?;
    let mut members = Vec::with_capacity(archive.len());
    for index in 0..archive.len() {
        let entry = archive.by_index_data(index)?;
        members.push(Member::new(&entry));
        let (name, size) = (name(&entry), entry.size());
        let parted = parted(&entry);
        contents.backslashes |= slashes(&parted) > slashes(entry.name_raw());
        let unpacked = name.as_os_str().as_bytes();
        let text = |name: &[u8]| String::from_utf8_lossy(name).into_owned();
        if is_doubtful(&entry) && contents.doubtful.len() < appspec::MOST {
            contents.doubtful.push(text(unpacked));
        }
        if parted != unpacked && contents.changed.len() < appspec::MOST {
            contents.changed.push((text(&parted), text(unpacked)));
        }
        let (kind, mode) = kind(&entry, &name)?;
        match kind {
            Kind::Directory => {
                contents.directory(&name, &Attributes { mode: Some(mode), ..Attributes::default() })?;
            }
            Kind::Link => {
                let mut content = archive.by_index(index).map_err(named(&name))?;
                let target = target(&mut content, &name)?;
                contents.link(&name, target)?;
            }
            Kind::File => {
                contents.gate().promise(size, &name)?;
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
