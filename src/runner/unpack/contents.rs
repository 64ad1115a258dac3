//! What a bundle would unpack to, without a file written. Of a zip only what is asked for is decompressed.

use std::collections::{BTreeSet, HashMap};
use std::ffi::OsString;
use std::io::{self, Read};
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

use super::damage::Damage;
use super::gate::Gate;
use super::sink::named;
use super::zipped::Zip;
use super::{Attributes, Entries, tarball};
use crate::appspec::{self, Entry, Kind, Listing};
use crate::model::BundleType;
use crate::source;

/// The first bytes of each file that are kept where an archive is read in one go.
const HEAD_BYTES: u64 = 256;
/// The first bytes of a zip's file that is asked for: what the checker reads of a script.
const ASKED_BYTES: u64 = 8 << 10;
/// The longest text that a reader of AppSpecs takes, and a byte more.
const TEXT_BYTES: u64 = source::MAX_BYTES as u64 + 1;

/// The entries of a bundle.
pub struct Contents {
    gate: Gate,
    listing: Listing,
    /// What the content of files is read from, a zip or a tar.
    pub(super) zip: Option<Zip>,
    pub(super) tar: Option<(PathBuf, BundleType)>,
    /// By the path below the root.
    files: HashMap<String, Stored>,
    /// Files of a tar that were seen.
    seen: usize,
    /// Paths that are no UTF-8, as the listing has them.
    pub no_text: BTreeSet<String>,
    /// Names of a zip have backslashes that are taken for slashes.
    pub backslashes: bool,
    /// Names of a zip that not every `unzip` takes for what they are, the first few.
    pub doubtful: Vec<String>,
    /// Names of a zip that are not unpacked as they are written, the first few: as written, and as unpacked.
    pub changed: Vec<(String, String)>,
}

/// Where an archive has a file's content.
#[derive(Clone, Copy)]
pub struct Stored {
    /// Of a zip's entries, or of a tar's files.
    pub number: usize,
    /// Bytes.
    pub size: u64,
}

impl Contents {
    pub(super) fn new(gate: Gate) -> Self {
        let (listing, files) = (Listing::new(), HashMap::new());
        Contents {
            gate,
            listing,
            zip: None,
            tar: None,
            files,
            seen: 0,
            no_text: BTreeSet::new(),
            backslashes: false,
            doubtful: Vec::new(),
            changed: Vec::new(),
        }
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
                if let Some(stored) = self.files.get(path) {
                    entry.head = zip.read(stored.number, ASKED_BYTES)?;
                }
            }
        }
        Ok(self.listing)
    }

    /// What is not whole in a zip. Of one that unpacks to more than 16 MiB the content of those files alone is read that are
    /// `wanted`; an archive of another form has been read to its end.
    ///
    /// # Errors
    /// The archive cannot be read.
    pub fn damage(&self, wanted: &dyn Fn(&str) -> bool) -> io::Result<Vec<Damage>> {
        let Some(zip) = &self.zip else { return Ok(Vec::new()) };
        let wanted: BTreeSet<usize> =
            self.files.iter().filter(|(path, _)| wanted(path)).map(|(_, stored)| stored.number).collect();
        zip.damage(&|number| wanted.contains(&number))
    }

    /// A file's text, through links that stay in the bundle; none where there is no file. A tar is read once more for it, up
    /// to that file.
    ///
    /// # Errors
    /// A file that cannot be decompressed.
    pub fn text(&mut self, path: &str) -> io::Result<Option<Vec<u8>>> {
        let stored = appspec::file_at(&self.listing, path).and_then(|path| self.files.get(path));
        let Some(Stored { number, .. }) = stored.copied() else { return Ok(None) };
        match (&mut self.zip, &self.tar) {
            (Some(zip), _) => zip.read(number, TEXT_BYTES).map(Some),
            (None, Some((bundle, kind))) => tarball::read(bundle, kind, number, TEXT_BYTES).map(Some),
            (None, None) => Ok(None),
        }
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
        let files = std::mem::take(&mut self.files).into_iter();
        self.files = files.filter_map(|(path, stored)| Some((below(&path)?, stored))).collect();
        self.no_text = self.no_text.iter().filter_map(|path| below(path)).collect();
    }

    /// Notes an entry; of a file, where its content is.
    pub(super) fn note(&mut self, name: &Path, entry: Entry, stored: Option<Stored>) -> io::Result<()> {
        if let Some(inner) = self.gate.place(name, entry.kind.clone())? {
            self.put(&inner, entry, stored);
        }
        Ok(())
    }

    fn put(&mut self, inner: &Path, entry: Entry, stored: Option<Stored>) {
        let path = inner.to_string_lossy().into_owned();
        if inner.to_str().is_none() {
            self.no_text.insert(path.clone());
        }
        // Directories that no entry names are made with the usual umask.
        for (at, _) in path.rmatch_indices('/') {
            let parent = path.get(..at).unwrap_or_default();
            if self.listing.contains_key(parent) {
                break;
            }
            let made = Entry { kind: Kind::Directory, mode: 0o755, head: Vec::new() };
            self.listing.insert(parent.to_owned(), made);
        }
        match stored {
            Some(stored) => self.files.insert(path.clone(), stored),
            None => self.files.remove(&path),
        };
        self.listing.insert(path, entry);
    }
}

impl Entries for Contents {
    fn gate(&mut self) -> &mut Gate {
        &mut self.gate
    }

    fn directory(&mut self, name: &Path, attributes: &Attributes) -> io::Result<()> {
        let mode = attributes.mode.map_or(0o755, |mode| mode & 0o777 | 0o700);
        self.note(name, Entry { kind: Kind::Directory, mode, head: Vec::new() }, None)
    }

    fn file(&mut self, name: &Path, attributes: &Attributes, content: &mut dyn Read) -> io::Result<()> {
        // What the system says is not of the archive.
        let told = |error: io::Error| match error.raw_os_error() {
            Some(_) => error,
            None => named(name)(error),
        };
        let number = self.seen;
        self.seen += 1;
        let Some(inner) = self.gate.place(name, Kind::File)? else { return Ok(()) };
        let mut head = Vec::new();
        let mut content = content.take(self.gate.left().saturating_add(1));
        content.by_ref().take(HEAD_BYTES).read_to_end(&mut head).map_err(told)?;
        let size = io::copy(&mut content, &mut io::sink()).map_err(told)?.saturating_add(head.len() as u64);
        self.gate.count(size, name)?;
        let mode = attributes.mode.unwrap_or(0o644) & 0o777;
        self.put(&inner, Entry { kind: Kind::File, mode, head }, Some(Stored { number, size }));
        Ok(())
    }

    fn link(&mut self, name: &Path, target: PathBuf) -> io::Result<()> {
        let head = target.into_os_string().into_encoded_bytes();
        let bytes = head.len();
        self.note(name, Entry { kind: Kind::Link, mode: 0o777, head }, None)?;
        self.gate.hold(bytes)
    }

    fn copy_of(&mut self, name: &Path, earlier: &Path) -> io::Result<()> {
        let inner = self.gate.earlier(name, earlier)?;
        let path = inner.to_string_lossy();
        let Some(earlier) = self.listing.get(path.as_ref()).cloned() else { return Ok(()) };
        if earlier.kind == Kind::Link {
            return self.link(name, PathBuf::from(OsString::from_vec(earlier.head)));
        }
        let Some(place) = self.gate.place(name, Kind::File)?.filter(|place| *place != inner) else {
            return Ok(());
        };
        let stored = self.files.get(path.as_ref()).copied();
        self.gate.count(stored.map_or(0, |stored| stored.size), name)?;
        self.put(&place, earlier, stored);
        Ok(())
    }
}
