//! The SHA-256 of a bundle, taken while it is written.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

/// A new file that is hashed as far as it is written from its begin to its end.
pub struct Hashed {
    file: File,
    /// Where it is: there is room for more of it.
    pub folder: PathBuf,
    hash: Sha256,
    /// Bytes that are in `hash`.
    hashed: u64,
    /// Where the next byte goes.
    at: u64,
    /// Something that was hashed has been written over.
    is_stale: bool,
    /// Something could not be written: the rest is let by, for whoever was told of it cleans up, and would tell again.
    has_failed: bool,
}

impl Hashed {
    pub fn create(path: &Path) -> io::Result<Hashed> {
        let file = File::options().read(true).write(true).create(true).truncate(true).open(path)?;
        let folder = path.parent().filter(|path| !path.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let folder = folder.to_owned();
        Ok(Hashed { file, folder, hash: Sha256::new(), hashed: 0, at: 0, is_stale: false, has_failed: false })
    }

    /// Lower-case hexadecimal digits, and the bytes of the file.
    pub fn finish(mut self) -> io::Result<(String, u64)> {
        if self.has_failed {
            return Err(io::Error::other("not all could be written"));
        }
        if self.is_stale || self.hashed != self.file.metadata()?.len() {
            self.file.rewind()?;
            return of(self.file);
        }
        Ok((hexadecimal(self.hash), self.hashed))
    }
}

impl Write for Hashed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.has_failed {
            return Ok(bytes.len());
        }
        let count = self.file.write(bytes).inspect_err(|error| {
            self.has_failed = error.kind() != io::ErrorKind::Interrupted;
        })?;
        if self.at == self.hashed {
            self.hash.update(bytes.get(..count).unwrap_or_default());
            self.hashed += count as u64;
        } else {
            self.is_stale = true;
        }
        self.at += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Seek for Hashed {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.at = self.file.seek(to)?;
        Ok(self.at)
    }
}

/// SHA-256 and size of a file: lower-case hexadecimal digits, and bytes.
///
/// # Errors
/// It cannot be read.
pub fn digest(file: &Path) -> io::Result<(String, u64)> {
    of(File::open(file)?)
}

fn of(file: impl Read) -> io::Result<(String, u64)> {
    let mut hash = Sha256::new();
    let bytes = io::copy(&mut BufReader::with_capacity(256 << 10, file), &mut hash)?;
    Ok((hexadecimal(hash), bytes))
}

fn hexadecimal(hash: Sha256) -> String {
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_over_is_hashed_as_it_is_in_the_end() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let write = |over: Option<u64>| {
            let mut file = Hashed::create(&path).unwrap();
            file.write_all(b"one two three").unwrap();
            if let Some(at) = over {
                file.seek(SeekFrom::Start(at)).unwrap();
                file.write_all(b"six").unwrap();
                file.seek(SeekFrom::End(0)).unwrap();
                file.write_all(b"!").unwrap();
            }
            assert_eq!(file.is_stale, over.is_some_and(|at| at < 13));
            file.finish().unwrap()
        };
        for over in [None, Some(13), Some(4)] {
            assert_eq!(write(over), digest(&path).unwrap());
        }
        // By `sha256sum`.
        assert_eq!(write(Some(4)).0, "2a7cfea1da2d20e5efbcd076e04b368342a687f2d4bcf3a3d1ffdce523d18cfa");
    }

    #[test]
    fn a_full_disk_is_told_once_and_in_the_end() {
        let mut file = Hashed::create(Path::new("/dev/full")).unwrap();
        assert_eq!(file.write(b"a").unwrap_err().kind(), io::ErrorKind::StorageFull);
        // Whoever drops a writer of this one has nothing to complain about.
        file.write_all(b"a").unwrap();
        assert!(file.finish().is_err());
    }
}
