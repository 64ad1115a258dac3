//! What a bundle would unpack to, without a file written. Of a zip only what is asked for is decompressed.

use std::collections::HashMap;
use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};

use super::Entries;
use super::gate::{Gate, refuse};
use super::zipped::Zip;
use crate::appspec::{Entry, Kind, Listing};
use crate::source;

/// The first bytes of each file that are kept where an archive is read in one go.
const HEAD_BYTES: u64 = 256;
/// The longest text that a reader of AppSpecs takes, and a byte more.
const TEXT_BYTES: u64 = source::MAX_BYTES as u64 + 1;
/// Links that lead to each other.
const MAX_HOPS: usize = 8;

/// The entries of a bundle.
pub struct Contents {
    gate: Gate,
    listing: Listing,
    /// The name, in whatever directory, of files that are kept whole where an archive is read in one go.
    whole: Vec<String>,
    /// A zip, and the numbers of its files by their path below the root.
    pub(super) zip: Option<Zip>,
    numbers: HashMap<String, usize>,
    /// Names of a zip have backslashes that are taken for slashes.
    pub backslashes: bool,
}

impl Contents {
    pub(super) fn new(gate: Gate, whole: &[&str]) -> Self {
        let whole = whole.iter().map(|name| (*name).to_owned()).collect();
        let (listing, numbers) = (Listing::new(), HashMap::new());
        Contents { gate, listing, whole, zip: None, numbers, backslashes: false }
    }

    /// What is there, by path; of files the first bytes, unless the bundle is a zip.
    pub fn listing(&self) -> &Listing {
        &self.listing
    }

    /// The listing, with the first bytes of at least those files that are `wanted`.
    ///
    /// # Errors
    /// A file that cannot be decompressed.
    pub fn with_heads(mut self, wanted: &dyn Fn(&str) -> bool) -> io::Result<Listing> {
        if let Some(zip) = &mut self.zip {
            for (path, entry) in self.listing.iter_mut().filter(|(path, _)| wanted(path)) {
                if let Some(number) = self.numbers.get(path) {
                    entry.head = zip.read(*number, HEAD_BYTES)?;
                }
            }
        }
        Ok(self.listing)
    }

    /// A file's text, through links that stay in the bundle; none where there is no file.
    ///
    /// # Errors
    /// A file that cannot be decompressed.
    pub fn text(&mut self, path: &str) -> io::Result<Option<Vec<u8>>> {
        let mut path = path.to_owned();
        for _ in 0..MAX_HOPS {
            match self.listing.get(&path) {
                Some(Entry { kind: Kind::Link, head, .. }) => match beside(&path, head) {
                    Some(target) => path = target,
                    None => return Ok(None),
                },
                Some(Entry { kind: Kind::File, head, .. }) => {
                    return match (&mut self.zip, self.numbers.get(&path)) {
                        (Some(zip), Some(number)) => zip.read(*number, TEXT_BYTES).map(Some),
                        _ => Ok(Some(head.clone())),
                    };
                }
                _ => return Ok(None),
            }
        }
        Ok(None)
    }

    /// `site-1.2/appspec.yml` becomes `appspec.yml`, where `site-1.2` is all there is.
    pub(super) fn take_off_top(&mut self) {
        let mut tops = self.listing.keys().filter(|path| !path.contains('/'));
        let (Some(top), None) = (tops.next().cloned(), tops.next()) else { return };
        let below = |path: &str| path.strip_prefix(&top)?.strip_prefix('/').map(str::to_owned);
        let is_one = |path: String| !path.contains('/') && path.to_lowercase().contains("appspec");
        if !self.listing.keys().filter_map(|path| below(path)).any(is_one) {
            return;
        }
        let listing = std::mem::take(&mut self.listing).into_iter();
        self.listing = listing.filter_map(|(path, entry)| Some((below(&path)?, entry))).collect();
        let numbers = std::mem::take(&mut self.numbers).into_iter();
        self.numbers = numbers.filter_map(|(path, number)| Some((below(&path)?, number))).collect();
    }

    /// Notes an entry; `number` is a zip's.
    pub(super) fn note(&mut self, name: &Path, entry: Entry, number: Option<usize>) -> io::Result<()> {
        let Some(inner) = self.gate.place(name, entry.kind.clone())? else { return Ok(()) };
        let Some(path) = inner.to_str().map(str::to_owned) else {
            return Err(refuse(format!("the name {} is not UTF-8", inner.display())));
        };
        // Directories that no entry names are made with the usual umask.
        for (at, _) in path.rmatch_indices('/') {
            let parent = path.get(..at).unwrap_or_default();
            if self.listing.contains_key(parent) {
                break;
            }
            let made = Entry { kind: Kind::Directory, mode: 0o755, head: Vec::new() };
            self.listing.insert(parent.to_owned(), made);
        }
        self.numbers.remove(&path);
        if let Some(number) = number {
            self.numbers.insert(path.clone(), number);
        }
        self.listing.insert(path, entry);
        Ok(())
    }

    fn kept(&self, name: &Path) -> u64 {
        let base = name.file_name().and_then(|base| base.to_str());
        if base.is_some_and(|base| self.whole.iter().any(|whole| whole == base)) {
            TEXT_BYTES
        } else {
            HEAD_BYTES
        }
    }
}

/// Where a link in a bundle leads, by its names alone; none where that is outside.
fn beside(link: &str, target: &[u8]) -> Option<String> {
    let mut path = PathBuf::from(link);
    path.pop();
    for component in Path::new(std::str::from_utf8(target).ok()?).components() {
        match component {
            Component::Normal(part) => path.push(part),
            Component::CurDir => {}
            Component::ParentDir if path.pop() => {}
            _ => return None,
        }
    }
    path.to_str().map(str::to_owned)
}

impl Entries for Contents {
    fn gate(&mut self) -> &mut Gate {
        &mut self.gate
    }

    fn directory(&mut self, name: &Path, mode: Option<u32>) -> io::Result<()> {
        let mode = mode.map_or(0o755, |mode| mode & 0o777 | 0o700);
        self.note(name, Entry { kind: Kind::Directory, mode, head: Vec::new() }, None)
    }

    fn file(&mut self, name: &Path, mode: Option<u32>, content: &mut dyn Read) -> io::Result<()> {
        let (mut head, kept) = (Vec::new(), self.kept(name));
        let mut content = content.take(self.gate.left().saturating_add(1));
        content.by_ref().take(kept).read_to_end(&mut head)?;
        let rest = io::copy(&mut content, &mut io::sink())?;
        self.gate.count(rest.saturating_add(head.len() as u64), name)?;
        let mode = mode.unwrap_or(0o644) & 0o777;
        self.note(name, Entry { kind: Kind::File, mode, head }, None)
    }

    fn link(&mut self, name: &Path, target: PathBuf) -> io::Result<()> {
        let head = target.into_os_string().into_encoded_bytes();
        self.note(name, Entry { kind: Kind::Link, mode: 0o777, head }, None)
    }

    fn copy_of(&mut self, name: &Path, earlier: &Path, mode: Option<u32>) -> io::Result<()> {
        let inner = self.gate.earlier(name, earlier)?;
        let Some(earlier) = inner.to_str().and_then(|path| self.listing.get(path)).cloned() else {
            return Ok(());
        };
        let mode = mode.map_or(earlier.mode, |mode| mode & 0o777);
        self.note(name, Entry { mode, ..earlier }, None)
    }
}
