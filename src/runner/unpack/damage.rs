//! Whether a zip's files are whole: the header of each, and the content of as many as can be read within a moment.
//!
//! Source: Info-ZIP's unzip 6.0 as observed; the official agents, which unpack by themselves what it complains of (1.8.1:
//! rubyzip's create_file; 2.x: bundle_unpacker).

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::thread;

use libdeflater::{DecompressionError, Decompressor, crc32};
use zip::CompressionMethod;
use zip::read::ZipFileEntry;

/// Bytes of files up to which a bundle is read in full; of a larger one only what is asked for.
const WHOLE: u64 = 16 << 20;
/// Bytes of a file beyond which its content is not read even then.
const LARGEST: u64 = 64 << 20;
/// Threads that read.
const THREADS: usize = 4;

/// Bytes of a local header before its name.
const HEADER: usize = 30;
const SIGNATURE: &[u8] = b"PK\x03\x04";
/// The bit of a header's flags by which sizes and checksum come behind the content.
const DESCRIPTOR: u16 = 8;
/// What a header has for a size that is in its extension.
const ELSEWHERE: u64 = 0xffff_ffff;

/// What an agent stumbles over in a file of a zip.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// As the archive's directory has it; not sanitised.
    pub name: String,
    pub fault: Fault,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Neither agent unpacks it.
    Broken(&'static str),
    /// By its own header and by the directory: agent 2 does not unpack it. Agent 1's own unpacking, to which it turns when
    /// `unzip` complains, does not compare.
    Checksum,
    /// Neither `unzip` nor agent 1's own unpacking has the method of compression.
    Method,
    /// The file's own header, by which `unzip` goes, says otherwise than the directory, by which others go, or than the
    /// content; or its bytes are another file's as well. Not every tool unpacks it.
    Header,
}

/// A file as the archive's directory has it.
pub struct Member {
    name: Vec<u8>,
    header: u64,
    packed: u64,
    size: u64,
    checksum: u32,
    method: CompressionMethod,
    encrypted: bool,
}

impl Member {
    pub fn new(entry: &ZipFileEntry<'_>) -> Self {
        Member {
            name: entry.name_raw().to_owned(),
            header: entry.header_start(),
            packed: entry.compressed_size(),
            size: entry.size(),
            checksum: entry.crc32(),
            method: entry.compression(),
            encrypted: entry.encrypted(),
        }
    }
}

/// The files that are not whole, in the order of `members`: each with whether its content is `wanted`. `end` is where the
/// archive's directory begins.
///
/// # Errors
/// The archive cannot be read.
pub fn find(file: &File, end: u64, members: &[(&Member, bool)]) -> io::Result<Vec<Damage>> {
    let all = members.iter().map(|(member, _)| member.size).fold(0, u64::saturating_add) <= WHOLE;
    let mut headers: Vec<u64> = members.iter().map(|(member, _)| member.header).collect();
    headers.sort_unstable();
    let look = |part: &[(&Member, bool)]| -> io::Result<Vec<Damage>> {
        let (packed, content, inflate) = (Vec::new(), Vec::new(), Decompressor::new());
        let mut reader = Reader { file, end, headers: &headers, packed, content, inflate };
        let mut found = Vec::new();
        for (member, wanted) in part {
            if let Some(fault) = reader.look(member, all || *wanted)? {
                found.push(Damage { name: String::from_utf8_lossy(&member.name).into_owned(), fault });
            }
        }
        Ok(found)
    };
    let threads = thread::available_parallelism().map_or(1, usize::from).min(THREADS);
    let (parts, look) = (members.chunks(members.len().div_ceil(threads).max(1)), &look);
    thread::scope(|scope| {
        let readers: Vec<_> = parts.map(|part| scope.spawn(move || look(part))).collect();
        let mut found = Vec::new();
        for reader in readers {
            found.extend(reader.join().map_err(|_| io::Error::other("a reading thread has died"))??);
        }
        Ok(found)
    })
}

/// What `unzip` has.
const METHODS: [CompressionMethod; 4] = [
    CompressionMethod::STORE,
    CompressionMethod::DEFLATE,
    CompressionMethod::DEFLATE64,
    CompressionMethod::BZIP2,
];

/// What a file's own header says.
struct Local {
    method: CompressionMethod,
    checksum: u64,
    packed: u64,
    size: u64,
}

struct Reader<'a> {
    file: &'a File,
    end: u64,
    /// Where headers begin, in order.
    headers: &'a [u64],
    packed: Vec<u8>,
    content: Vec<u8>,
    inflate: Decompressor,
}

impl Reader<'_> {
    fn look(&mut self, member: &Member, wanted: bool) -> io::Result<Option<Fault>> {
        if member.encrypted {
            return Ok(Some(Fault::Broken("it is encrypted")));
        }
        let length = HEADER as u64 + member.name.len() as u64;
        if !self.read(member.header, length)? || !self.packed.starts_with(SIGNATURE) {
            return Ok(Some(Fault::Broken("its header is not where the archive's directory says")));
        }
        let local = self.local(member);
        let otherwise = self.says_otherwise(member, &local);
        let data = member.header + HEADER as u64 + u64::from(self.short(26)) + u64::from(self.short(28));
        if !METHODS.contains(&local.method) && !METHODS.contains(&member.method) {
            return Ok(Some(Fault::Method));
        }
        let fits = |packed: u64| data.saturating_add(packed) <= self.end;
        let packed = if fits(local.packed) { local.packed } else { member.packed };
        if !fits(packed) {
            return Ok(Some(Fault::Broken("its content is cut off")));
        }
        if !self.is_alone(member.header, data.saturating_add(packed)) {
            return Ok(Some(Fault::Header));
        }
        // What the directory does not own up to may be endless, however often it is asked for.
        let small = local.size == member.size && local.size <= LARGEST && packed <= LARGEST;
        let fault =
            if wanted && small && self.read(data, packed)? { self.unpack(member, &local) } else { None };
        Ok(fault.or(otherwise.then_some(Fault::Header)))
    }

    /// Whether no other file has bytes from a header to the end of its content.
    fn is_alone(&self, header: u64, end: u64) -> bool {
        let next = self.headers.partition_point(|begin| *begin <= header);
        let same = next.checked_sub(2).and_then(|before| self.headers.get(before)) == Some(&header);
        !same && self.headers.get(next).is_none_or(|next| end <= *next)
    }

    /// Reads that many bytes; false where there are not so many.
    fn read(&mut self, at: u64, length: u64) -> io::Result<bool> {
        self.packed.resize(usize::try_from(length).map_err(io::Error::other)?, 0);
        match self.file.read_exact_at(&mut self.packed, at) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
            result => result.map(|()| true),
        }
    }

    fn short(&self, at: usize) -> u16 {
        let byte = |at| self.packed.get(at).copied().unwrap_or_default();
        u16::from_le_bytes([byte(at), byte(at + 1)])
    }

    fn long(&self, at: usize) -> u64 {
        u64::from(self.short(at)) | u64::from(self.short(at + 2)) << 16
    }

    /// What `unzip` goes by: the header that was read, but for what it leaves to the directory.
    fn local(&self, member: &Member) -> Local {
        let described = self.short(6) & DESCRIPTOR != 0;
        let of = |at, known| if described || self.long(at) == ELSEWHERE { known } else { self.long(at) };
        let method = match self.short(8) {
            0 => CompressionMethod::STORE,
            8 => CompressionMethod::DEFLATE,
            9 => CompressionMethod::DEFLATE64,
            12 => CompressionMethod::BZIP2,
            // What the others are called is their own business.
            _ => CompressionMethod::AES,
        };
        Local {
            method,
            checksum: of(14, u64::from(member.checksum)),
            packed: of(18, member.packed),
            size: of(22, member.size),
        }
    }

    fn says_otherwise(&self, member: &Member, local: &Local) -> bool {
        let name = self.packed.get(HEADER..).unwrap_or_default();
        usize::from(self.short(26)) != member.name.len()
            || name != member.name
            || (METHODS.contains(&member.method) && local.method != member.method)
            || (local.checksum, local.packed, local.size)
                != (u64::from(member.checksum), member.packed, member.size)
    }

    /// Unpacks what was read.
    fn unpack(&mut self, member: &Member, local: &Local) -> Option<Fault> {
        let content = match local.method {
            CompressionMethod::STORE => &self.packed,
            CompressionMethod::DEFLATE => {
                self.content.resize(usize::try_from(local.size).unwrap_or(usize::MAX), 0);
                match self.inflate.deflate_decompress(&self.packed, &mut self.content) {
                    Ok(length) if length < self.content.len() => return Some(Fault::Header),
                    Ok(_) => &self.content,
                    Err(DecompressionError::InsufficientSpace) => return Some(Fault::Header),
                    Err(DecompressionError::BadData) => {
                        return Some(Fault::Broken("its content cannot be unpacked"));
                    }
                }
            }
            _ => return None,
        };
        let checksum = crc32(content);
        let wrong = u64::from(checksum) != local.checksum && checksum != member.checksum;
        wrong.then_some(Fault::Checksum)
    }
}
