//! A directory becomes a zip, the same bytes every time; an archive that is there already is taken as it is.

use std::fs::{self, File};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};

use zip::write::SimpleFileOptions;
use zip::{DateTime, ZipWriter};

use crate::appspec::{self, Kind};
use crate::model::BundleType;

use super::Error;
use super::listing::{Found, walk};

/// What a path is as a source of a revision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    Directory(PathBuf),
    /// An archive, or the AppSpec of a Lambda or ECS revision; with its type by the file's name.
    Ready(PathBuf, BundleType),
}

impl Source {
    pub fn of(path: &Path) -> Result<Source, Error> {
        let metadata = fs::metadata(path)
            .map_err(|error| Error::new(format!("cannot read {}: {error}", path.display())))?;
        if metadata.is_dir() {
            return Ok(Source::Directory(path.to_owned()));
        }
        match BundleType::of_key(&path.to_string_lossy()) {
            Some(kind) if metadata.is_file() => Ok(Source::Ready(path.to_owned(), kind)),
            _ => Err(Error::new(format!("{} is neither a directory nor a bundle", path.display()))
                .help("give a directory with an appspec.yml, a .zip, .tar or .tgz file, or an AppSpec file")),
        }
    }
}

/// What was packed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packed {
    pub entries: usize,
    /// Bytes of the bundle.
    pub bytes: u64,
    /// What was left out and why; names of files, not sanitised.
    pub warnings: Vec<String>,
}

/// Packs a directory into a zip at `to`. `progress` hears of the bytes read so far and of all there are to read.
pub fn pack(directory: &Path, to: &Path, progress: &mut dyn FnMut(u64, u64)) -> Result<Packed, Error> {
    let (found, warnings) = walk(directory)?;
    require_appspec(directory, &found)?;
    let told = |error: io::Error| Error::new(format!("cannot write the bundle {}: {error}", to.display()));
    let file = File::create(to).map_err(told)?;
    let total = found.iter().filter(|found| found.kind == Kind::File).map(|found| found.size).sum();
    let mut writer = ZipWriter::new(file);
    let mut done = 0;
    for entry in &found {
        add(&mut writer, entry, &mut |count| {
            done += count;
            progress(done, total);
        })
        .map_err(|error| Error::new(format!("cannot bundle {}: {error}", entry.path.display())))?;
    }
    let mut file = writer.finish().map_err(|error| told(error.into()))?;
    let bytes = file.stream_position().map_err(told)?;
    Ok(Packed { entries: found.len(), bytes, warnings })
}

/// The agent reads `appspec.yml` at the root, by exactly this name.
pub fn require_appspec(directory: &Path, found: &[Found]) -> Result<(), Error> {
    if found.iter().any(|found| found.name == appspec::FILE_NAME && found.kind != Kind::Directory) {
        return Ok(());
    }
    let error = Error::new(format!("{} has no {}", directory.display(), appspec::FILE_NAME));
    let alike =
        |name: &str| matches!(name.to_lowercase().as_str(), "appspec.yml" | "appspec.yaml" | "appspec.json");
    let root = found.iter().find(|found| alike(&found.name));
    let nested = found.iter().find(|found| found.name.ends_with("/appspec.yml"));
    Err(match (root, nested) {
        (Some(found), _) => {
            error.help(format!("rename {} to appspec.yml: the agent looks for no other name", found.name))
        }
        (None, Some(found)) => error.help(format!("there is one in {}: bundle that directory", found.name)),
        (None, None) => error.help("a revision for instances has an appspec.yml at its root"),
    })
}

fn add(writer: &mut ZipWriter<File>, entry: &Found, read: &mut dyn FnMut(u64)) -> io::Result<()> {
    // A fixed time: the same files make the same bytes.
    let options =
        SimpleFileOptions::default().last_modified_time(DateTime::DEFAULT).unix_permissions(entry.mode);
    match entry.kind {
        Kind::Directory => writer.add_directory(&*entry.name, options)?,
        Kind::Link => {
            let target = fs::read_link(&entry.path)?;
            let Some(target) = target.to_str() else {
                return Err(io::Error::new(io::ErrorKind::InvalidData, "the link's target is not UTF-8"));
            };
            writer.add_symlink(&*entry.name, target, options)?;
        }
        Kind::File => {
            // Close to 4 GiB the packed size may go beyond it although the file does not.
            writer.start_file(&*entry.name, options.large_file(entry.size >= 0xfff0_0000))?;
            let mut file = File::open(&entry.path)?;
            let mut chunk = vec![0; 64 << 10];
            loop {
                let count = file.read(&mut chunk)?;
                if count == 0 {
                    break;
                }
                writer.write_all(chunk.get(..count).unwrap_or_default())?;
                read(count as u64);
            }
        }
    }
    Ok(())
}
