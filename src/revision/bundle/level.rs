//! How hard to compress: for each kind of file, by its name's ending, the quickest level that costs next to nothing in
//! size. It is found out on a few pieces, and depends on the files alone: the same tree makes the same bytes.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use flate2::{Compress, Compression, FlushCompress};
use libdeflater::{CompressionLvl, Compressor};

use super::super::listing::Found;

/// What a level may make, in thousandths of what the most thorough one makes.
const ENOUGH: usize = 1020;
/// The same of a level that loses next to nothing to zlib's usual one, in thousandths of what that makes.
const AS_ZLIB: (usize, usize) = (1035, 1010);
/// Bytes of a piece that is tried: as many as deflate looks back.
const PIECE: u64 = 32 << 10;
/// A kind of file has a piece tried for as many bytes each.
const EACH: u64 = 256 << 10;
/// Pieces of a kind that are tried.
const MOST: u64 = 6;

/// How hard to compress: a level of libdeflate's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Level {
    /// Loses nothing on what is packed or random, nothing to zlib on words without grammar, and a tenth on code.
    One,
    /// Loses nothing on such words.
    Two,
    /// Loses next to nothing on most code, of people or of machines.
    Five,
    /// The same for HTML and JSON.
    Six,
    /// Smaller by up to a per cent than zlib's usual level 6 on whatever was tried.
    Seven,
}

impl Level {
    fn compressor(self) -> Compressor {
        let number = match self {
            Level::One => 1,
            Level::Two => 2,
            Level::Five => 5,
            Level::Six => 6,
            Level::Seven => 7,
        };
        // It is one that there is.
        Compressor::new(CompressionLvl::new(number).unwrap_or_default())
    }

    /// For what these are pieces of. One that does not pack says nothing of the others.
    fn of(pieces: &[Vec<u8>]) -> Level {
        let sizes = |level: Level| -> Vec<usize> {
            let (mut compressor, mut packed) = (level.compressor(), Vec::new());
            let mut size = |piece: &Vec<u8>| {
                packed.resize(compressor.deflate_compress_bound(piece.len()), 0);
                compressor.deflate_compress(piece, &mut packed).unwrap_or(piece.len())
            };
            pieces.iter().map(&mut size).collect()
        };
        let least = sizes(Level::Seven);
        let packs: Vec<bool> =
            pieces.iter().zip(&least).map(|(piece, size)| size * 100 < piece.len() * 95).collect();
        let sum = |sizes: Vec<usize>| -> usize {
            sizes.iter().zip(&packs).filter(|(_, packs)| **packs).map(|(size, _)| size).sum()
        };
        let zlib = sum(pieces.iter().map(|piece| zlib(piece)).collect());
        let least = sum(least);
        let enough = |level: &Level| {
            let size = 1000 * sum(sizes(*level));
            let (of_least, of_zlib) = AS_ZLIB;
            size <= ENOUGH * least || (size <= of_least * least && size <= of_zlib * zlib)
        };
        [Level::One, Level::Two, Level::Five, Level::Six].into_iter().find(enough).unwrap_or(Level::Seven)
    }
}

/// Bytes that zlib makes of a piece.
fn zlib(piece: &[u8]) -> usize {
    let mut packed = Vec::with_capacity(2 * piece.len() + 1024);
    let mut zlib = Compress::new(Compression::default(), false);
    let done = zlib.compress_vec(piece, &mut packed, FlushCompress::Finish);
    done.map_or(piece.len(), |_| packed.len())
}

/// Compressors, each made when it is needed first: they are large.
#[derive(Default)]
pub struct Compressors(HashMap<Level, Compressor>);

impl Compressors {
    pub fn at(&mut self, level: Level) -> &mut Compressor {
        self.0.entry(level).or_insert_with(|| level.compressor())
    }
}

/// The level for each kind of file.
pub struct Levels<'a>(HashMap<Option<&'a str>, Level>);

impl<'a> Levels<'a> {
    /// Tries some of the files. What cannot be read, whoever packs it will tell.
    pub fn of(found: &'a [Found]) -> Levels<'a> {
        let mut kinds: HashMap<_, Vec<&Found>> = HashMap::new();
        for found in found.iter().filter(|found| found.bytes() > 0) {
            kinds.entry(ending(&found.name)).or_default().push(found);
        }
        let of_kind = |files: &[&Found]| {
            let pieces: Vec<_> = pieces(files).collect();
            (!pieces.is_empty()).then(|| Level::of(&pieces))
        };
        Levels(kinds.into_iter().filter_map(|(ending, files)| Some((ending, of_kind(&files)?))).collect())
    }

    /// For a file of this name.
    pub fn level(&self, name: &str) -> Level {
        self.0.get(&ending(name)).copied().unwrap_or(Level::Six)
    }
}

fn ending(name: &str) -> Option<&str> {
    Path::new(name).extension()?.to_str()
}

/// Pieces that stand at even distances in the bytes of these files; none where there are few.
fn pieces<'a>(files: &'a [&Found]) -> impl Iterator<Item = Vec<u8>> + 'a {
    let bytes: u64 = files.iter().map(|file| file.bytes()).sum();
    let count = (bytes / EACH).min(MOST);
    let (mut files, mut before) = (files.iter().peekable(), 0);
    (0..count).filter_map(move |number| {
        let at = bytes * (2 * number + 1) / (2 * count);
        while let Some(file) = files.next_if(|file| before + file.bytes() <= at) {
            before += file.bytes();
        }
        let file = files.peek()?;
        // As much as there may be.
        let offset = (at - before).min(file.bytes().saturating_sub(PIECE));
        piece(&file.path, offset).ok()
    })
}

fn piece(path: &Path, offset: u64) -> io::Result<Vec<u8>> {
    let (mut file, mut bytes) = (File::open(path)?, Vec::new());
    file.seek(SeekFrom::Start(offset))?;
    file.take(PIECE).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;
    use std::fs;

    use super::super::super::{Selection, listing};
    use super::*;

    /// Files of every sort that bundles hold: what is packed or random, words, records, code.
    fn site() -> tempfile::TempDir {
        let site = tempfile::tempdir().unwrap();
        let mut draw = fastrand::Rng::with_seed(1);
        let words: Vec<String> =
            (0..4000).map(|_| (0..draw.usize(2..9)).map(|_| draw.lowercase()).collect()).collect();
        for number in 0..8 {
            let write = |ending: &str, bytes: &[u8]| {
                fs::write(site.path().join(format!("{number}.{ending}")), bytes).unwrap();
            };
            let packed: Vec<u8> = (0..200 << 10).map(|_| draw.u8(..)).collect();
            write("png", &packed);
            let mut text = String::new();
            while text.len() < 200 << 10 {
                text.push_str(draw.choice(&words).unwrap());
                text.push(' ');
            }
            write("txt", text.as_bytes());
            let mut records = String::new();
            while records.len() < 200 << 10 {
                let (word, other) = (draw.choice(&words[..60]).unwrap(), draw.choice(&words[..60]).unwrap());
                let (number, flag) = (draw.u16(..500), draw.bool());
                write!(records, r#"{{"{word}":{{"type":"{other}","min":{number},"required":{flag}}}}},"#)
                    .unwrap();
            }
            write("json", records.as_bytes());
        }
        site
    }

    #[test]
    fn each_kind_is_about_as_small_as_with_zlib_and_no_slower_than_it_must_be() {
        let site = site();
        let (found, _) = listing::walk(site.path(), &Selection::default()).unwrap();
        let levels = Levels::of(&found);
        let mut compressors = Compressors::default();
        for ending in ["png", "txt", "json"] {
            let level = levels.level(&format!("0.{ending}"));
            let (mut ours, mut theirs) = (0, 0);
            for number in 0..8 {
                let name = format!("{number}.{ending}");
                let bytes = fs::read(site.path().join(name)).unwrap();
                let mut packed = vec![0; bytes.len() * 2];
                ours += compressors.at(level).deflate_compress(&bytes, &mut packed).unwrap();
                theirs += zlib(&bytes);
            }
            assert!(ours * 100 <= theirs * 102, "{ending}: {ours} {theirs}");
        }
        assert_eq!(levels.level("0.png"), Level::One);
        assert!(matches!(levels.level("0.txt"), Level::One | Level::Two));
        assert!(matches!(levels.level("0.json"), Level::Six | Level::Seven));
        // One picture among texts.
        let mut pieces: Vec<Vec<u8>> =
            (0..3).map(|n| fs::read(site.path().join(format!("{n}.json"))).unwrap()).collect();
        let level = Level::of(&pieces);
        pieces.push(fs::read(site.path().join("0.png")).unwrap().repeat(8));
        assert_eq!(Level::of(&pieces), level);
        // Too little of it to be tried.
        assert_eq!(levels.level("appspec.yml"), Level::Six);
    }
}
