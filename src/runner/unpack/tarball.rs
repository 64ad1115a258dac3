//! Tar archives, plain or gzipped; which of the two, their first bytes tell, as with `tar -x`.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;
use tar::{Archive, EntryType};

use super::Entries;
use super::gate::refuse;

/// Names and attributes of one entry that do not fit its header; the tar crate holds them in memory.
const MAX_EXTENSION: u64 = 1 << 20;

fn open(bundle: &Path) -> io::Result<Archive<Box<dyn Read>>> {
    let mut file = BufReader::new(File::open(bundle)?);
    let gzipped = file.fill_buf()?.starts_with(&[0x1f, 0x8b]);
    Ok(Archive::new(if gzipped { Box::new(MultiGzDecoder::new(file)) } else { Box::new(file) }))
}

/// Refuses what would grow in memory before anything of it is read.
fn check_extensions(bundle: &Path, most: u64) -> io::Result<()> {
    let mut total: u64 = 0;
    for entry in open(bundle)?.entries()?.raw(true) {
        let entry = entry?;
        let kind = entry.header().entry_type();
        let plain = kind.is_file() || kind.is_dir() || kind.is_symlink() || kind.is_hard_link();
        total = total.saturating_add(entry.size());
        if (!plain && !kind.is_gnu_sparse() && entry.size() > MAX_EXTENSION) || total > most {
            return Err(refuse("an entry is larger than a bundle may hold"));
        }
    }
    Ok(())
}

pub fn unpack(bundle: &Path, to: &mut dyn Entries) -> io::Result<()> {
    check_extensions(bundle, to.gate().left())?;
    let mut archive = open(bundle)?;
    let mut found = false;
    for entry in archive.entries()? {
        found = true;
        let mut entry = entry?;
        let name = entry.path()?.into_owned();
        let mode = entry.header().mode().ok();
        let target = |entry: &tar::Entry<'_, _>| -> io::Result<PathBuf> {
            let missing = || io::Error::new(io::ErrorKind::InvalidData, "a link to nowhere");
            entry.link_name()?.map(|target| target.into_owned()).ok_or_else(missing)
        };
        match entry.header().entry_type() {
            EntryType::Directory => to.directory(&name, mode)?,
            EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse => {
                to.file(&name, mode, &mut entry)?
            }
            EntryType::Symlink => {
                let target = target(&entry)?;
                to.link(&name, target)?;
            }
            EntryType::Link => {
                let target = target(&entry)?;
                to.copy_of(&name, &target, mode)?;
            }
            EntryType::XGlobalHeader => {}
            _ => {
                return Err(refuse(format!("{} is neither file, directory nor link", name.display())));
            }
        }
    }
    // Behind its last entry `tar` reads on: there the checksum of what is gzipped stands.
    let rest = &mut archive.into_inner().take(to.gate().left().saturating_add(1));
    io::copy(rest, &mut io::sink())?;
    if found { Ok(()) } else { Err(io::Error::new(io::ErrorKind::UnexpectedEof, "no entries")) }
}
