//! Zip bundles. Files are compressed on every processor, a batch at a time; the batches are put together in order, so
//! that the bytes do not depend on who was faster.

use std::fs::{self, File};
use std::io::{self, BufWriter, Cursor, Read};
use std::thread;

use zip::write::SimpleFileOptions;
use zip::{DateTime, ZipArchive, ZipWriter};

use super::super::listing::Found;
use super::batch::{Batch, single};
use super::hashed::Hashed;
use super::level::Levels;
use super::ordered::{ordered, start, workers};
use super::original;
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
    let done = |batch: &mut Batch, entries: &[Found]| {
        (!is_large(entries)).then(|| compress(batch, &levels, entries))
    };
    let work = || {
        let mut batch = Batch::default();
        jobs.work(|entries| done(&mut batch, entries));
    };
    thread::scope(|scope| -> io::Result<()> {
        let alone = !start(workers, |thread| thread.spawn_scoped(scope, work).map(drop));
        let mut own = Batch::default();
        // Dropped when this ends, however it ends: the workers end then.
        let (mut packed, mut rest) = (packed, batches.iter());
        for batch in &batches {
            packed.fill(rest.by_ref().copied())?;
            if alone {
                jobs.one(|entries| done(&mut own, entries));
            }
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

/// A file in one go.
fn read(entry: &Found, content: &mut Vec<u8>) -> io::Result<()> {
    content.reserve(usize::try_from(entry.size).unwrap_or_default());
    let mut file = original::open(entry)?;
    file.read_to_end(content)?;
    original::whole(entry, &file)
}

fn add_large(writer: &mut ZipWriter<BufWriter<Hashed>>, entry: &Found, aside: File) -> io::Result<()> {
    let mut file = original::open(entry)?;
    if entry.size < ZIP64 {
        let archive = single(entry, &mut file, aside)?;
        original::whole(entry, &file)?;
        return Ok(writer.merge_archive(ZipArchive::new(archive)?)?);
    }
    // A fixed time: the same files make the same bytes.
    let options =
        SimpleFileOptions::default().last_modified_time(DateTime::DEFAULT).unix_permissions(entry.mode);
    writer.start_file(&*entry.name, options.large_file(true))?;
    io::copy(&mut io::BufReader::with_capacity(128 << 10, &mut file), writer)?;
    original::whole(entry, &file)
}

fn named(entry: &Found, error: io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", entry.path.display()))
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::os::unix::fs::PermissionsExt;
    use std::path::Path;
    use std::time::SystemTime;

    use super::super::super::{Selection, listing::walk};
    use super::super::tarball;
    use super::*;

    /// What a zip has of a file of so many bytes that `change` changes after it was listed. A tar has the same.
    fn entry(bytes: usize, change: impl FnOnce(&Path)) -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("app.log");
        let mut draw = fastrand::Rng::with_seed(1);
        let content: Vec<u8> = (0..bytes).map(|_| draw.u8(b'a'..b'f')).collect();
        fs::write(&path, &content)?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640))?;
        // A clock may be too coarse for two writes behind each other.
        File::options().write(true).open(&path)?.set_modified(SystemTime::UNIX_EPOCH)?;
        let (found, _) = walk(folder.path(), &Selection::default()).unwrap();
        change(&path);
        let tar = tarball::write(&found, Hashed::create(&folder.path().join("tar"))?, false, &mut |_| {});
        let to = folder.path().join("bundle");
        let zip = write(&found, Hashed::create(&to)?, &mut |_| {});
        assert_eq!(tar.err().map(|error| error.to_string()), zip.as_ref().err().map(ToString::to_string));
        zip?;
        let mut archive = ZipArchive::new(File::open(to)?)?;
        let mut entry = archive.by_index(0)?;
        assert_eq!((entry.name()?.as_ref(), entry.unix_mode()), ("app.log", Some(0o100_640)));
        let mut unpacked = Vec::new();
        entry.read_to_end(&mut unpacked)?;
        assert!(unpacked == content);
        Ok(())
    }

    #[test]
    fn a_file_is_what_it_was_when_it_was_listed() {
        for bytes in [1 << 10, (2 << 20) + 1] {
            let open = |path: &Path| File::options().append(true).open(path).unwrap();
            let refused = |change: &dyn Fn(&Path), why: &str| {
                let error = entry(bytes, change).unwrap_err().to_string();
                assert!(error.ends_with(&format!("app.log: it {why} while it was bundled")), "{error}");
            };
            let replaced = |path: &Path, bytes: usize| {
                let other = path.with_extension("new");
                fs::write(&other, vec![b'x'; bytes]).unwrap();
                fs::rename(other, path).unwrap();
            };
            entry(bytes, |_| {}).unwrap();
            // A log that is written meanwhile: what came after is no part of it.
            entry(bytes, |path| open(path).write_all(b"more").unwrap()).unwrap();
            refused(&|path| open(path).set_len(bytes as u64 - 1).unwrap(), "became shorter");
            refused(&|path| replaced(path, bytes + 1), "changed");
            refused(&|path| replaced(path, bytes), "changed");
            refused(&|path| replaced(path, bytes - 1), "became shorter");
            refused(&|path| fs::write(path, vec![b'x'; bytes]).unwrap(), "changed");
        }
    }
}
