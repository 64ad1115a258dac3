//! Zip bundles. Files are compressed on every processor, a batch at a time; the batches are put together in order, so
//! that the bytes do not depend on who was faster.

use std::fs::{self, File};
use std::io::{self, BufWriter, Cursor, Read, Take};
use std::thread;

use zip::write::SimpleFileOptions;
use zip::{DateTime, ZipArchive, ZipWriter};

use super::super::listing::Found;
use super::batch::{Batch, single};
use super::hashed::Hashed;
use super::level::Levels;
use super::ordered::{ordered, workers};
use crate::appspec::Kind;
use crate::scratch;

/// A larger file is compressed by all workers together.
const LARGE: u64 = 2 << 20;
/// Close to 4 GiB the packed size may go beyond it although the file does not: by 5 bytes for 16 KiB.
const ZIP64: u64 = 0xff00_0000;
/// Bytes of files in a batch: few enough that all workers end at about the same time.
const BATCH_BYTES: u64 = 512 << 10;
/// Entries in a batch.
const BATCH_ENTRIES: usize = 512;
/// Writes the entries; `progress` hears of the bytes read.
pub fn write(found: &[Found], to: Hashed, progress: &mut dyn FnMut(u64)) -> io::Result<Hashed> {
    let folder = to.folder.clone();
    let mut writer = ZipWriter::new(BufWriter::with_capacity(256 << 10, to));
    let (batches, levels) = (batches(found), Levels::of(found));
    let workers = workers();
    let (packed, jobs) = ordered(workers);
    thread::scope(|scope| -> io::Result<()> {
        for _ in 0..workers {
            scope.spawn(|| {
                let mut batch = Batch::default();
                jobs.work(|entries: &[Found]| {
                    (!is_large(entries)).then(|| compress(&mut batch, &levels, entries))
                });
            });
        }
        // Dropped when this ends, however it ends: the workers end then.
        let (mut packed, mut rest) = (packed, batches.iter());
        for batch in &batches {
            packed.fill(rest.by_ref().copied())?;
            match packed.take()? {
                Some(bytes) => writer.merge_archive(ZipArchive::new(Cursor::new(bytes?))?)?,
                None => batch.iter().try_for_each(|entry| {
                    add_large(&mut writer, entry, scratch::unnamed(&folder)?)
                        .map_err(|error| named(entry, error))
                })?,
            }
            progress(batch.iter().map(Found::bytes).sum());
        }
        Ok(())
    })?;
    Ok(writer.finish()?.into_inner()?)
}

fn is_large(batch: &[Found]) -> bool {
    matches!(batch, [one] if one.bytes() > LARGE)
}

/// Runs of entries of some size together; a large file stands alone.
fn batches(found: &[Found]) -> Vec<&[Found]> {
    let (mut batches, mut rest) = (Vec::new(), found);
    while !rest.is_empty() {
        let mut bytes = 0;
        let count = rest
            .iter()
            .take(BATCH_ENTRIES)
            .take_while(|entry| {
                bytes += entry.bytes();
                bytes <= BATCH_BYTES
            })
            .count();
        let (batch, after) = rest.split_at(count.max(1));
        batches.push(batch);
        rest = after;
    }
    batches
}

/// An archive of these entries alone.
fn compress(batch: &mut Batch, levels: &Levels<'_>, entries: &[Found]) -> io::Result<Vec<u8>> {
    let mut content = Vec::new();
    for entry in entries {
        content.clear();
        match entry.kind {
            Kind::Directory => {}
            Kind::Link => {
                let target = fs::read_link(&entry.path).map_err(|error| named(entry, error))?;
                let Some(target) = target.to_str() else {
                    let error = io::Error::new(io::ErrorKind::InvalidData, "the link's target is not UTF-8");
                    return Err(named(entry, error));
                };
                content.extend_from_slice(target.as_bytes());
            }
            Kind::File => read(entry, &mut content).map_err(|error| named(entry, error))?,
        }
        batch.add(entry, levels.level(&entry.name), &content)?;
    }
    batch.finish()
}

/// A file in one go. One that grows meanwhile is cut where it ended when it was listed.
fn read(entry: &Found, content: &mut Vec<u8>) -> io::Result<()> {
    content.reserve(usize::try_from(entry.size).unwrap_or_default());
    listed(entry)?.read_to_end(content)?;
    whole(entry, content.len() as u64)
}

/// What was there when it was listed.
fn listed(entry: &Found) -> io::Result<Take<File>> {
    Ok(File::open(&entry.path)?.take(entry.size))
}

fn whole(entry: &Found, bytes: u64) -> io::Result<()> {
    if bytes == entry.size { Ok(()) } else { Err(io::Error::other("it became shorter while it was bundled")) }
}

fn add_large(writer: &mut ZipWriter<BufWriter<Hashed>>, entry: &Found, aside: File) -> io::Result<()> {
    if entry.size < ZIP64 {
        let archive = single(entry, listed(entry)?, aside)?;
        let archive = ZipArchive::new(archive)?;
        whole(entry, archive.decompressed_size().map_or(0, |size| size as u64))?;
        return Ok(writer.merge_archive(archive)?);
    }
    // A fixed time: the same files make the same bytes.
    let options =
        SimpleFileOptions::default().last_modified_time(DateTime::DEFAULT).unix_permissions(entry.mode);
    writer.start_file(&*entry.name, options.large_file(true))?;
    let count = io::copy(&mut io::BufReader::with_capacity(128 << 10, listed(entry)?), writer)?;
    whole(entry, count)
}

fn named(entry: &Found, error: io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", entry.path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a zip has of a file of so many bytes that had `listed` when it was looked at.
    fn entry(bytes: usize, listed: u64) -> io::Result<Vec<u8>> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("app.log");
        let mut draw = fastrand::Rng::with_seed(1);
        let content: Vec<u8> = (0..bytes).map(|_| draw.u8(b'a'..b'f')).collect();
        fs::write(&path, &content)?;
        let found = Found {
            name: "app.log".to_owned(),
            path,
            kind: Kind::File,
            mode: 0o640,
            size: listed,
            from_outside: None,
        };
        let to = folder.path().join("bundle");
        write(&[found], Hashed::create(&to)?, &mut |_| {})?;
        let mut archive = ZipArchive::new(File::open(to)?)?;
        let mut entry = archive.by_index(0)?;
        assert_eq!((entry.name()?.as_ref(), entry.unix_mode()), ("app.log", Some(0o100_640)));
        let mut unpacked = Vec::new();
        entry.read_to_end(&mut unpacked)?;
        assert!(content.starts_with(&unpacked));
        Ok(unpacked)
    }

    #[test]
    fn a_file_is_what_it_was_when_it_was_listed() {
        for bytes in [1 << 10, 2 << 20, (2 << 20) + 1, 5 << 20] {
            let listed = bytes as u64;
            assert_eq!(entry(bytes, listed).unwrap().len(), bytes);
            // A log that is written meanwhile: what came after is no part of it.
            assert_eq!(entry(bytes + 100, listed).unwrap().len(), bytes);
            let error = entry(bytes - 100, listed).unwrap_err();
            assert!(
                error.to_string().ends_with("app.log: it became shorter while it was bundled"),
                "{error}"
            );
        }
    }
}
