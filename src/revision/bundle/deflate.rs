//! Deflate on every processor: blocks of a stream are compressed side by side, each with what stood before it in view, and
//! make one stream together, as `pigz` does it. The bytes do not depend on how many processors there are.

use std::io::{self, Write};
use std::mem;
use std::sync::Arc;

use flate2::{Compress, Compression, Crc, FlushCompress, Status};

use super::ordered::{Jobs, Ordered, ordered, start, workers};

/// Bytes of the stream that are compressed at a time.
const BLOCK: usize = 256 << 10;
/// How far deflate looks back.
const WINDOW: usize = 32 << 10;
/// A block, what stands before it, and whether it is the last.
type Job = (Vec<u8>, Vec<u8>, bool);

/// Compresses what is written to it.
pub struct Deflate<W> {
    to: W,
    packed: Ordered<Job, io::Result<Vec<u8>>>,
    /// Where there may be no more threads: they are done here.
    alone: Option<Arc<Jobs<Job, io::Result<Vec<u8>>>>>,
    block: Vec<u8>,
    before: Vec<u8>,
    sum: Crc,
}

impl<W: Write> Deflate<W> {
    pub fn new(to: W) -> Deflate<W> {
        Deflate::with(to, workers())
    }

    fn with(to: W, workers: usize) -> Deflate<W> {
        let (packed, jobs) = ordered(workers.max(1));
        let jobs = Arc::new(jobs);
        // They end when this is dropped.
        let is_started = start(workers, |thread| {
            let jobs = Arc::clone(&jobs);
            thread.spawn(move || jobs.work(compress)).map(drop)
        });
        let (alone, block) = ((!is_started).then_some(jobs), Vec::with_capacity(BLOCK));
        Deflate { to, packed, alone, block, before: Vec::new(), sum: Crc::new() }
    }

    /// Ends the stream. Gives the sum and the count of the bytes that were written to it.
    pub fn finish(mut self) -> io::Result<(W, Crc)> {
        self.give(true)?;
        while !self.packed.is_empty() {
            self.take()?;
        }
        Ok((self.to, self.sum))
    }

    fn give(&mut self, is_last: bool) -> io::Result<()> {
        if self.packed.is_full() {
            self.take()?;
        }
        let block = mem::replace(&mut self.block, Vec::with_capacity(BLOCK));
        let end = block.get(block.len().saturating_sub(WINDOW)..).unwrap_or_default().to_vec();
        self.packed.give((block, mem::replace(&mut self.before, end), is_last))
    }

    fn take(&mut self) -> io::Result<()> {
        if let Some(jobs) = &self.alone {
            jobs.one(compress);
        }
        let packed = self.packed.take()??;
        self.to.write_all(&packed)
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

fn compress((block, before, is_last): Job) -> io::Result<Vec<u8>> {
    // One that was used before and reset finds other matches, by the blocks that it had.
    let mut deflate = Compress::new(Compression::default(), false);
    if !before.is_empty() {
        deflate.set_dictionary(&before)?;
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

#[cfg(test)]
mod tests {
    use std::io::Read;

    use flate2::read::DeflateDecoder;
    use flate2::write::DeflateEncoder;

    use super::*;

    fn packed(content: &[u8], piece: usize, workers: usize) -> Vec<u8> {
        let mut deflate = Deflate::with(Vec::new(), workers);
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
            for workers in [0, 1, 3, 8] {
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
        let mut deflate = Deflate::new(Full(3 * BLOCK));
        let error = (0..100).find_map(|_| deflate.write_all(&noise).err()).unwrap();
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
    }
}
