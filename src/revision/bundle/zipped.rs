//! Zip bundles. Files are compressed on every processor, a batch at a time; the batches are put together in order, so
//! that the bytes do not depend on who was faster.

use std::fs::{self, File};
use std::io::{self, BufWriter, Cursor, Read};
use std::sync::mpsc;
use std::thread;

use zip::write::SimpleFileOptions;
use zip::{DateTime, ZipArchive, ZipWriter};

use super::super::listing::Found;
use super::batch::Batch;
use super::hashed::Hashed;
use super::level::Levels;
use crate::appspec::Kind;

/// A larger file is compressed straight into the bundle.
const LARGE: u64 = 2 << 20;
/// Bytes of files in a batch: few enough that all workers end at about the same time.
const BATCH_BYTES: u64 = 512 << 10;
/// Entries in a batch.
const BATCH_ENTRIES: usize = 512;
/// Batches of a worker that wait to be written.
const QUEUE: usize = 2;

/// Writes the entries; `progress` hears of the bytes read.
pub fn write(found: &[Found], to: Hashed, progress: &mut dyn FnMut(u64)) -> io::Result<Hashed> {
    let mut writer = ZipWriter::new(BufWriter::with_capacity(256 << 10, to));
    let (batches, levels) = (batches(found), Levels::of(found));
    let workers = thread::available_parallelism().map_or(1, usize::from).min(8);
    thread::scope(|scope| -> io::Result<()> {
        // Each worker has its own short queue: what is compressed and not yet written stays bounded.
        let mut queues = Vec::new();
        for first in 0..workers {
            let (sender, receiver) = mpsc::sync_channel(QUEUE);
            let (batches, levels) = (&batches, &levels);
            scope.spawn(move || {
                let mut batch = Batch::new();
                for entries in batches.iter().skip(first).step_by(workers) {
                    let packed = if is_large(entries) {
                        Ok(None)
                    } else {
                        compress(&mut batch, levels, entries).map(Some)
                    };
                    // The writer has given up: nobody waits for the rest.
                    if sender.send(packed).is_err() {
                        return;
                    }
                }
            });
            queues.push(receiver);
        }
        for (batch, queue) in batches.iter().zip(queues.iter().cycle()) {
            let packed = queue.recv().map_err(|_| io::Error::other("a compressing thread has died"))??;
            match packed {
                Some(bytes) => writer.merge_archive(ZipArchive::new(Cursor::new(bytes))?)?,
                None => batch.iter().try_for_each(|entry| add_large(&mut writer, entry))?,
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
    content.resize(usize::try_from(entry.size).unwrap_or(usize::MAX), 0);
    let (mut file, mut done) = (File::open(&entry.path)?, 0);
    loop {
        match file.read(content.get_mut(done..).unwrap_or_default()) {
            // Also where nothing is left to be filled.
            Ok(0) => break,
            Ok(count) => done += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    content.truncate(done);
    Ok(())
}

fn add_large(writer: &mut ZipWriter<BufWriter<Hashed>>, entry: &Found) -> io::Result<()> {
    // A fixed time: the same files make the same bytes.
    let options =
        SimpleFileOptions::default().last_modified_time(DateTime::DEFAULT).unix_permissions(entry.mode);
    // Close to 4 GiB the packed size may go beyond it although the file does not.
    writer.start_file(&*entry.name, options.large_file(entry.size >= 0xfff0_0000))?;
    let mut file = File::open(&entry.path).map_err(|error| named(entry, error))?;
    io::copy(&mut io::BufReader::with_capacity(128 << 10, &mut file), writer)
        .map_err(|error| named(entry, error))?;
    Ok(())
}

fn named(entry: &Found, error: io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", entry.path.display()))
}
