//! The entries of a tar, one after the other. What stands beside an entry's header (a long name, attributes, the map of a
//! sparse file) is bounded before it is read, as is all that is read together; nothing is read twice.
//!
//! Source: POSIX.1-2017 (pax); GNU tar 1.34, its manual and as observed: the agents unpack by it.

use std::ffi::OsString;
use std::io::{self, Read, Take};
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use tar::{EntryType, GnuExtSparseHeader, GnuSparseHeader, Header};

use super::gate::{after, refuse, too_much};
use super::header::{self, BLOCK, name, time};
use super::{Attributes, Owner};

/// Bytes beside one entry's header; and beside all of them, with headers of their own.
const MAX_EXTENSION: u64 = 1 << 20;
const MAX_EXTENSIONS: u64 = 1 << 30;
/// Runs of data of a sparse file.
const MAX_RUNS: usize = 1 << 20;

/// Begin and end of what of a content is in the archive.
type Runs = Vec<(u64, u64)>;

/// An entry.
pub struct Member {
    pub kind: EntryType,
    pub name: PathBuf,
    /// Where a link leads; of others nothing.
    pub target: Vec<u8>,
    pub attributes: Attributes,
    /// Bytes of the content; of a sparse file with those that are not in the archive.
    pub size: u64,
    runs: Runs,
}

impl Member {
    pub fn is_file(&self) -> bool {
        is_file(self.kind)
    }
}

fn is_file(kind: EntryType) -> bool {
    matches!(kind, EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse)
}

/// What is said of an entry ahead of its header.
#[derive(Default)]
struct Ahead {
    name: Option<Vec<u8>>,
    target: Option<Vec<u8>>,
    records: Records,
}

/// The attributes by pax that matter here.
#[derive(Default)]
struct Records {
    path: Option<Vec<u8>>,
    linkpath: Option<Vec<u8>>,
    size: Option<u64>,
    mtime: Option<SystemTime>,
    owner: Owner,
    is_sparse: bool,
    sparse_name: Option<Vec<u8>>,
    sparse_size: Option<u64>,
    /// The version of the form that a sparse file has.
    sparse_form: [Option<u64>; 2],
}

pub struct Members<R> {
    /// As much as may be read, whatever it is: what is passed over has to be unpacked like all else.
    from: Take<R>,
    /// What holds for all that follows.
    global: Records,
    /// Bytes that are still to come of the present content, and of what fills its last block.
    content: u64,
    fill: u64,
    extensions: u64,
    /// Whether there was a header.
    pub any: bool,
}

pub fn damaged(message: impl Into<String>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, message.into())
}

impl<R: Read> Members<R> {
    /// The entries of what `from` unpacks to, of which no more than so many bytes are read.
    pub fn new(from: R, most: u64) -> Self {
        let (from, global) = (from.take(most), Records::default());
        Members { from, global, content: 0, fill: 0, extensions: MAX_EXTENSIONS, any: false }
    }

    /// The next entry; what was not read of the one before is passed over.
    ///
    /// # Errors
    /// The archive cannot be read or is damaged; more stands beside a header than is held in memory; it unpacks to more than
    /// a bundle may hold.
    pub fn next_entry(&mut self) -> io::Result<Option<Member>> {
        let mut ahead = Ahead::default();
        loop {
            self.content = self.content.saturating_add(std::mem::take(&mut self.fill));
            io::copy(self, &mut io::sink())?;
            // Less than a block at the end is none.
            let Some(block) = self.block()?.filter(|block| block.iter().any(|byte| *byte != 0)) else {
                return Ok(None);
            };
            self.any = true;
            let header = Header::from_byte_slice(&block);
            if !header::is_whole(header) {
                return Err(damaged("the checksum of a header is wrong"));
            }
            match header.entry_type().as_byte() {
                b'L' => ahead.name = Some(name(self.extension(header)?)),
                b'K' => ahead.target = Some(name(self.extension(header)?)),
                // The latter is Solaris' own.
                b'x' | b'X' => ahead.records = Records::of(&self.extension(header)?)?,
                // Git notes the commit there.
                b'g' => self.global = Records::of(&self.extension(header)?)?,
                // GNU tar's name of the whole archive.
                b'V' => self.begin(header::size(header)?),
                _ => return self.member(header, ahead).map(Some),
            }
        }
    }

    /// The content of the entry that came last.
    pub fn content<'a>(&'a mut self, member: &'a Member) -> Content<'a, R> {
        Content { members: self, size: member.size, runs: &member.runs, at: 0 }
    }

    /// What is behind the last entry, as far as it may be read.
    pub fn rest(self) -> Take<R> {
        self.from
    }

    /// None at the end, and where less is left.
    fn block(&mut self) -> io::Result<Option<Vec<u8>>> {
        let mut block = Vec::with_capacity(BLOCK);
        match self.from.by_ref().take(BLOCK as u64).read_to_end(&mut block)? {
            BLOCK => Ok(Some(block)),
            _ if self.from.limit() == 0 => Err(self.ended()),
            _ => Ok(None),
        }
    }

    /// Why there is nothing to read any more.
    fn ended(&self) -> io::Error {
        match self.from.limit() {
            0 => too_much("it"),
            _ => io::Error::new(io::ErrorKind::UnexpectedEof, "the archive ends within an entry"),
        }
    }

    fn begin(&mut self, size: u64) {
        self.content = size;
        self.fill = (BLOCK as u64 - size % BLOCK as u64) % BLOCK as u64;
    }

    fn extension(&mut self, header: &Header) -> io::Result<Vec<u8>> {
        let size = header::size(header)?;
        let left = self.extensions.checked_sub(size.saturating_add(BLOCK as u64));
        self.extensions = left
            .filter(|_| size <= MAX_EXTENSION)
            .ok_or_else(|| refuse("what stands beside an entry is larger than a bundle may hold"))?;
        self.begin(size);
        let mut bytes = Vec::new();
        self.read_to_end(&mut bytes).map(|_| bytes)
    }

    fn member(&mut self, header: &Header, ahead: Ahead) -> io::Result<Member> {
        let Ahead { name, target, records } = ahead;
        let global = &self.global;
        let name = records.sparse_name.or(records.path).or_else(|| global.path.clone()).or(name);
        let name = name.unwrap_or_else(|| header::path(header));
        let letter = header.entry_type().as_byte();
        let kind = match letter {
            b'0' | b'7' if name.ends_with(b"/") => EntryType::Directory,
            // Of an incremental dump: its content is what the directory had.
            b'D' => EntryType::Directory,
            // The last one goes on in another archive.
            b'0'..=b'7' | b'S' | b'M' => header.entry_type(),
            // To `tar` a file, with a warning.
            _ => EntryType::Regular,
        };
        let target = if matches!(kind, EntryType::Link | EntryType::Symlink) {
            let target = records.linkpath.or_else(|| global.linkpath.clone()).or(target);
            target.unwrap_or_else(|| header.link_name_bytes().unwrap_or_default().into_owned())
        } else {
            Vec::new()
        };
        let name = PathBuf::from(OsString::from_vec(name));
        let packed = match records.size.or(global.size) {
            // Of others nothing follows, whatever is said there.
            _ if !is_file(kind) && letter != b'D' => 0,
            Some(size) => size,
            None => header::size(header)?,
        };
        after(self.from.limit(), packed, &name)?;
        let wrong = || damaged(format!("the map of the sparse file {} is wrong", name.display()));
        let (runs, size) = if kind == EntryType::GNUSparse {
            let sparse = self.map_of_headers(header)?.ok_or_else(wrong)?;
            self.begin(packed);
            sparse
        } else {
            self.begin(packed);
            match (kind, records.sparse_form, records.sparse_size) {
                (EntryType::Regular, [Some(1), Some(0)], Some(size)) => {
                    (self.map_of_content()?.ok_or_else(wrong)?, size)
                }
                (EntryType::Regular, ..) if records.is_sparse => return Err(other_form(&name)),
                _ => (vec![(0, packed)], packed),
            }
        };
        if !fits(&runs, self.content, size) {
            return Err(wrong());
        }
        let attributes = header::attributes(header, records.mtime, records.owner);
        Ok(Member { kind, name, target, attributes, size, runs })
    }

    /// The map of a sparse file and its size, of GNU's own form: in the header, and in blocks behind it.
    fn map_of_headers(&mut self, header: &Header) -> io::Result<Option<(Runs, u64)>> {
        let Some(header) = header.as_gnu() else { return Ok(None) };
        let mut runs = Vec::new();
        let mut add = |sparse: &[GnuSparseHeader]| -> io::Result<bool> {
            for run in sparse.iter().filter(|run| !run.is_empty()) {
                let begin = run.offset()?;
                runs.push((begin, begin.saturating_add(run.length()?)));
            }
            Ok(runs.len() <= MAX_RUNS)
        };
        let mut is_all = add(&header.sparse)?;
        let mut more = header.is_extended();
        while more && is_all {
            let mut extension = GnuExtSparseHeader::new();
            extension.as_mut_bytes().copy_from_slice(&self.block()?.ok_or_else(|| self.ended())?);
            is_all = add(extension.sparse())?;
            more = extension.is_extended();
        }
        Ok(is_all.then_some((runs, header.real_size()?)))
    }

    /// The map of a sparse file of form 1.0: numbers, each on a line, in blocks before the data.
    fn map_of_content(&mut self) -> io::Result<Option<Runs>> {
        let (mut block, mut at) = ([0; BLOCK], BLOCK);
        let mut number = || -> io::Result<Option<u64>> {
            let mut number: u64 = 0;
            loop {
                if at == BLOCK {
                    self.read_exact(&mut block)?;
                    at = 0;
                }
                let byte = block[at];
                at += 1;
                let digit = match byte {
                    b'\n' => return Ok(Some(number)),
                    b'0'..=b'9' => u64::from(byte - b'0'),
                    _ => return Ok(None),
                };
                match number.checked_mul(10).and_then(|number| number.checked_add(digit)) {
                    Some(more) => number = more,
                    None => return Ok(None),
                }
            }
        };
        let Some(count) = number()?.filter(|count| *count <= MAX_RUNS as u64) else { return Ok(None) };
        let mut runs = Vec::new();
        for _ in 0..count {
            let (Some(begin), Some(length)) = (number()?, number()?) else { return Ok(None) };
            runs.push((begin, begin.saturating_add(length)));
        }
        Ok(Some(runs))
    }
}

fn other_form(name: &Path) -> io::Error {
    let name = name.display();
    refuse(format!(
        "{name} is a sparse file of a form that is not read here; `tar --sparse-version=1.0` makes one that is"
    ))
}

/// Whether so many bytes hold the data of a map, each run from the beginning of a block.
fn fits(runs: &[(u64, u64)], packed: u64, size: u64) -> bool {
    let (mut at, mut data) = (0, 0);
    for (begin, end) in runs {
        if *begin < at || end < begin || *end > size || (end > begin && data % BLOCK as u64 != 0) {
            return false;
        }
        data += end - begin;
        at = *end;
    }
    data <= packed
}

/// The content as it is in the archive.
impl<R: Read> Read for Members<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.content).unwrap_or(usize::MAX).min(into.len());
        if most == 0 {
            return Ok(0);
        }
        match self.from.read(&mut into[..most])? {
            0 => Err(self.ended()),
            read => {
                self.content -= read as u64;
                Ok(read)
            }
        }
    }
}

/// An entry's content as it is unpacked.
pub struct Content<'a, R> {
    members: &'a mut Members<R>,
    size: u64,
    runs: &'a [(u64, u64)],
    at: u64,
}

impl<R: Read> Read for Content<'_, R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while let Some((_, rest)) = self.runs.split_first().filter(|((_, end), _)| *end <= self.at) {
            self.runs = rest;
        }
        let (is_data, end) = match self.runs.first() {
            Some((begin, end)) if *begin <= self.at => (true, *end),
            Some((begin, _)) => (false, *begin),
            None => (false, self.size),
        };
        let most = usize::try_from(end.saturating_sub(self.at)).unwrap_or(usize::MAX).min(into.len());
        let into = &mut into[..most];
        let read = if is_data {
            self.members.read(into)?
        } else {
            into.fill(0);
            most
        };
        self.at += read as u64;
        Ok(read)
    }
}

impl Records {
    /// Of lines `LENGTH KEY=VALUE`; a later one goes before an earlier one.
    fn of(bytes: &[u8]) -> io::Result<Self> {
        let mut records = Records::default();
        let mut rest = bytes;
        while rest.first().is_some_and(|byte| *byte != 0) {
            let (line, behind) =
                first_line(rest).ok_or_else(|| damaged("the attributes of an entry are damaged"))?;
            records.take(line)?;
            rest = behind;
        }
        Ok(records)
    }

    fn take(&mut self, line: &[u8]) -> io::Result<()> {
        let mut parts = line.splitn(2, |byte| *byte == b'=');
        let (Some(key), Some(value)) = (parts.next(), parts.next()) else { return Ok(()) };
        let text = || Some(name(value.to_vec())).filter(|value| !value.is_empty());
        let words = || text().and_then(|text| String::from_utf8(text).ok());
        let number = || -> io::Result<Option<u64>> {
            let number = std::str::from_utf8(value).ok().and_then(|value| value.parse().ok());
            number.map(Some).ok_or_else(|| damaged("an attribute of an entry is no number"))
        };
        match key {
            b"path" => self.path = text(),
            b"linkpath" => self.linkpath = text(),
            b"size" => self.size = number()?,
            b"mtime" => self.mtime = time(value),
            b"uname" => self.owner.user.0 = words(),
            b"gname" => self.owner.group.0 = words(),
            b"uid" => self.owner.user.1 = number()?.and_then(|number| u32::try_from(number).ok()),
            b"gid" => self.owner.group.1 = number()?.and_then(|number| u32::try_from(number).ok()),
            b"GNU.sparse.name" => self.sparse_name = text(),
            b"GNU.sparse.realsize" => self.sparse_size = number()?,
            b"GNU.sparse.major" => self.sparse_form[0] = number()?,
            b"GNU.sparse.minor" => self.sparse_form[1] = number()?,
            _ => {}
        }
        self.is_sparse |= key.starts_with(b"GNU.sparse.");
        Ok(())
    }
}

/// The first line by the length that it begins with, without that and its end, and what is behind it.
fn first_line(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let blank = bytes.iter().take(20).position(|byte| *byte == b' ')?;
    let length: usize = std::str::from_utf8(bytes.get(..blank)?).ok()?.parse().ok()?;
    let (line, rest) = bytes.split_at_checked(length)?;
    Some((line.get(blank + 1..)?.strip_suffix(b"\n")?, rest))
}
