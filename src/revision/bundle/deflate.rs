//! Deflate on every processor: blocks of a stream are compressed side by side, each with what stood before it in view, and
//! make one stream together, as `pigz` does it. The bytes do not depend on how many processors there are.

use std::io::{self, Write};
use std::mem;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use flate2::{Compress, Compression, Crc, FlushCompress, Status};

/// Bytes of the stream that are compressed at a time.
const BLOCK: usize = 256 << 10;
/// How far deflate looks back.
const WINDOW: usize = 32 << 10;
/// Blocks of a worker that are under way.
const QUEUE: usize = 2;

/// A block, what stands before it, and whether it is the last.
type Job = (Vec<u8>, Vec<u8>, bool);

struct Worker {
    jobs: SyncSender<Job>,
    packed: Receiver<io::Result<Vec<u8>>>,
}

/// Compresses what is written to it.
pub struct Deflate<W> {
    to: W,
    workers: Vec<Worker>,
    block: Vec<u8>,
    before: Vec<u8>,
    sum: Crc,
    /// Blocks that were given to workers, and that came back.
    given: usize,
    taken: usize,
}

impl<W: Write> Deflate<W> {
    pub fn new(to: W) -> io::Result<Deflate<W>> {
        Deflate::with(to, thread::available_parallelism().map_or(1, usize::from).min(8))
    }

    fn with(to: W, count: usize) -> io::Result<Deflate<W>> {
        let workers = (0..count).map(|_| Worker::start()).collect::<io::Result<_>>()?;
        let (block, before) = (Vec::with_capacity(BLOCK), Vec::new());
        Ok(Deflate { to, workers, block, before, sum: Crc::new(), given: 0, taken: 0 })
    }

    /// Ends the stream. Gives the sum and the count of the bytes that were written to it.
    pub fn finish(mut self) -> io::Result<(W, Crc)> {
        self.give(true)?;
        while self.taken < self.given {
            self.take()?;
        }
        Ok((self.to, self.sum))
    }

    fn give(&mut self, is_last: bool) -> io::Result<()> {
        if self.given - self.taken == QUEUE * self.workers.len() {
            self.take()?;
        }
        let block = mem::replace(&mut self.block, Vec::with_capacity(BLOCK));
        let end = block.get(block.len().saturating_sub(WINDOW)..).unwrap_or_default().to_vec();
        let job = (block, mem::replace(&mut self.before, end), is_last);
        self.worker(self.given)?.jobs.send(job).map_err(|_| died())?;
        self.given += 1;
        Ok(())
    }

    fn take(&mut self) -> io::Result<()> {
        let packed = self.worker(self.taken)?.packed.recv().map_err(|_| died())??;
        self.taken += 1;
        self.to.write_all(&packed)
    }

    /// Of a block.
    fn worker(&self, number: usize) -> io::Result<&Worker> {
        self.workers.get(number % self.workers.len().max(1)).ok_or_else(died)
    }
}

impl<W: Write> Write for Deflate<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.block.len() == BLOCK {
            self.give(false)?;
        }
        let count = bytes.len().min(BLOCK - self.block.len());
        let bytes = bytes.get(..count).unwrap_or_default();
        self.block.extend_from_slice(bytes);
        self.sum.update(bytes);
        Ok(count)
    }

    /// The blocks are what they are: nothing is sent early.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Worker {
    /// It ends when nobody gives it anything any more.
    fn start() -> io::Result<Worker> {
        let (jobs, todo) = sync_channel::<Job>(QUEUE);
        let (done, packed) = sync_channel(QUEUE);
        thread::Builder::new().spawn(move || {
            while let Ok((block, before, is_last)) = todo.recv() {
                if done.send(compress(&block, &before, is_last)).is_err() {
                    return;
                }
            }
        })?;
        Ok(Worker { jobs, packed })
    }
}

fn compress(block: &[u8], before: &[u8], is_last: bool) -> io::Result<Vec<u8>> {
    // One that was used before and reset finds other matches, by the blocks that it had.
    let mut deflate = Compress::new(Compression::default(), false);
    if !before.is_empty() {
        deflate.set_dictionary(before)?;
    }
    let flush = if is_last { FlushCompress::Finish } else { FlushCompress::Sync };
    let mut packed = Vec::with_capacity(block.len() / 2 + 1024);
    loop {
        let done = usize::try_from(deflate.total_in()).unwrap_or_default();
        let status = deflate.compress_vec(block.get(done..).unwrap_or_default(), &mut packed, flush)?;
        // Room is left where nothing more is to come.
        if status == Status::StreamEnd || (!is_last && packed.len() < packed.capacity()) {
            return Ok(packed);
        }
        packed.reserve(block.len() / 4 + 1024);
    }
}

fn died() -> io::Error {
    io::Error::other("a compressing thread has died")
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use flate2::read::DeflateDecoder;
    use flate2::write::DeflateEncoder;

    use super::*;

    fn packed(content: &[u8], piece: usize, workers: usize) -> Vec<u8> {
        let mut deflate = Deflate::with(Vec::new(), workers).unwrap();
        content.chunks(piece).for_each(|piece| deflate.write_all(piece).unwrap());
        let (packed, sum) = deflate.finish().unwrap();
        let mut expected = Crc::new();
        expected.update(content);
        assert_eq!((sum.sum(), sum.amount()), (expected.sum(), expected.amount()));
        packed
    }

    #[test]
    fn one_stream_whatever_is_written_at_a_time() {
        let mut draw = fastrand::Rng::with_seed(1);
        let noise: Vec<u8> = (0..3 * BLOCK + 7).map(|_| draw.u8(..)).collect();
        let text: Vec<u8> = (0..BLOCK).flat_map(|n| format!("{} ", n % 1000).into_bytes()).collect();
        let words: Vec<u8> = (0..5 * BLOCK).map(|_| draw.u8(b'a'..b'f')).collect();
        for content in [&[][..], b"a", &noise, &noise[..BLOCK], &noise[..2 * BLOCK - 1], &text, &words] {
            let bytes = packed(content, 1000, 2);
            let mut unpacked = Vec::new();
            let mut decoder = DeflateDecoder::new(bytes.as_slice());
            decoder.read_to_end(&mut unpacked).unwrap();
            assert!(unpacked == content && decoder.into_inner().is_empty());
            for workers in [1, 3, 8] {
                assert!(bytes == packed(content, BLOCK + 1, workers));
            }
            // The parts cost next to nothing.
            let mut whole = DeflateEncoder::new(Vec::new(), Compression::default());
            whole.write_all(content).unwrap();
            let whole = whole.finish().unwrap().len();
            assert!(bytes.len() <= whole + whole / 200 + 10, "{} {whole}", bytes.len());
        }
    }

    #[test]
    fn a_full_disk_is_told_and_not_waited_for() {
        struct Full(usize);
        impl Write for Full {
            fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
                self.0 = self.0.checked_sub(bytes.len()).ok_or(io::ErrorKind::StorageFull)?;
                Ok(bytes.len())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let mut draw = fastrand::Rng::with_seed(2);
        let noise: Vec<u8> = (0..BLOCK).map(|_| draw.u8(..)).collect();
        let mut deflate = Deflate::new(Full(3 * BLOCK)).unwrap();
        let error = (0..100).find_map(|_| deflate.write_all(&noise).err()).unwrap();
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
    }
}
