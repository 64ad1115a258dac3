//! Which files of a directory go into a bundle.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use ignore::gitignore::{Gitignore, GitignoreBuilder};
use ignore::{DirEntry, Match, WalkBuilder};

use super::Error;
use super::listing::outside;
use super::pattern;

/// The file whose lines leave files out, in gitignore's syntax. It may stand in any directory.
pub const IGNORE_FILE: &str = ".cdctlignore";

/// What becomes of links.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Links {
    /// They stay links, as the agent unpacks them.
    #[default]
    Keep,
    /// What they lead to takes their place.
    Follow,
    /// As [`Links::Follow`]; one that leads out of the directory is an error, where somebody else has made the links.
    FollowWithin,
    /// They are an error.
    Refuse,
}

impl Links {
    pub fn are_followed(self) -> bool {
        matches!(self, Links::Follow | Links::FollowWithin)
    }
}

/// What is taken and what is left out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    pub links: Links,
    /// Patterns in gitignore's syntax.
    pub exclude: Vec<String>,
    /// Leaves out names that begin with a dot.
    pub without_hidden: bool,
    /// Takes `.git` along.
    pub with_git: bool,
    /// It was unpacked: files of patterns are files as any other, names need not be UTF-8, and modes have all their bits.
    pub unpacked: bool,
    /// Where the bundle itself is written: it is no part of itself.
    pub own: Option<PathBuf>,
}

/// Whether a pattern of [`Selection::exclude`] can be read.
///
/// # Errors
/// What is wrong with it.
pub fn check_pattern(pattern: &str) -> Result<(), String> {
    pattern::add(&mut GitignoreBuilder::new(""), pattern)
}

/// A walk over what is taken, and why it cannot be known what a directory's file of patterns leaves out.
pub struct Walk {
    pub entries: ignore::Walk,
    pub refused: Arc<OnceLock<Error>>,
}

impl Selection {
    /// All that a directory holds.
    pub fn all() -> Self {
        Selection { with_git: true, unpacked: true, ..Selection::default() }
    }

    /// What the patterns leave out.
    pub fn excluded(&self, directory: &Path) -> Result<Gitignore, Error> {
        let mut excluded = GitignoreBuilder::new(directory);
        for line in &self.exclude {
            pattern::add(&mut excluded, line)
                .map_err(|error| Error::new(format!("--exclude {line}: {error}")))?;
        }
        excluded.build().map_err(|error| Error::new(format!("--exclude: {error}")))
    }

    /// A walk over what is taken, parents first, in the order of names.
    pub fn walk(&self, directory: &Path) -> Result<Walk, Error> {
        let excluded = self.excluded(directory)?;
        let taken = self.clone();
        let own = Own::of(directory, self);
        let (refused, top) = (Arc::new(OnceLock::new()), directory.to_owned());
        let told = Arc::clone(&refused);
        // Of the directories that the walk is in, the top first.
        let files = Mutex::new(Vec::new());
        if !self.unpacked {
            enter(&mut files.lock().unwrap_or_else(PoisonError::into_inner), directory, directory)?;
        }
        let mut builder = WalkBuilder::new(directory);
        builder.standard_filters(false);
        builder.follow_links(self.links.are_followed()).sort_by_file_name(std::cmp::Ord::cmp).filter_entry(
            move |entry| {
                if entry.depth() == 0 {
                    return true;
                }
                let (path, is_directory) =
                    (entry.path(), entry.file_type().is_some_and(|kind| kind.is_dir()));
                if !taken.takes(entry) || own.is(entry) || excluded.matched(path, is_directory).is_ignore() {
                    return false;
                }
                let mut files = files.lock().unwrap_or_else(PoisonError::into_inner);
                files.retain(|(folder, _)| path.starts_with(folder));
                if is_left_out(&files, path, is_directory) {
                    return false;
                }
                if !is_directory || taken.unpacked {
                    return true;
                }
                enter(&mut files, &top, path).map_err(|error| told.set(error)).is_ok()
            },
        );
        Ok(Walk { entries: builder.build(), refused })
    }

    /// Which rule leaves out a path below the directory that is there, in a sentence; none where none does.
    pub fn left_out(&self, directory: &Path, name: &str) -> Option<String> {
        let excluded = self.excluded(directory).ok()?;
        let parts: Vec<&str> = name.split('/').filter(|part| !matches!(*part, "" | ".")).collect();
        // What is above the directory is no business of the bundle's.
        if parts.contains(&"..") || directory.join(parts.join("/")).symlink_metadata().is_err() {
            return None;
        }
        let mut path = directory.to_owned();
        parts.into_iter().find_map(|part| {
            path.push(part);
            let metadata = if self.links.are_followed() { path.metadata() } else { path.symlink_metadata() };
            let is_directory = metadata.ok()?.is_dir();
            let why = match part {
                IGNORE_FILE if !self.unpacked => {
                    "it is a file of patterns, and no part of the bundle".to_owned()
                }
                ".git" if !self.with_git => {
                    "`.git` is left out of bundles, but with --include-git".to_owned()
                }
                _ if self.without_hidden && part.starts_with('.') => {
                    format!("--ignore-hidden-files leaves `{part}` out")
                }
                _ => match excluded.matched(&path, is_directory) {
                    Match::Ignore(glob) => format!("--exclude `{}` leaves it out", pattern::written(glob)),
                    _ => self.pattern(directory, &path, is_directory)?,
                },
            };
            Some(why)
        })
    }

    /// The line of a file of patterns that leaves a path out: the one nearest to it that says something of it.
    fn pattern(&self, directory: &Path, path: &Path, is_directory: bool) -> Option<String> {
        let folders = path.ancestors().skip(1).take_while(|folder| folder.starts_with(directory));
        folders.filter(|_| !self.unpacked).find_map(|folder| {
            let file = folder.join(IGNORE_FILE);
            let shown = file.strip_prefix(directory).unwrap_or(&file).display();
            match patterns(directory, folder).ok()??.matched(path, is_directory) {
                Match::None => None,
                Match::Ignore(glob) => {
                    Some(Some(format!("`{}` in {shown} leaves it out", pattern::written(glob))))
                }
                Match::Whitelist(_) => Some(None),
            }
        })?
    }

    fn takes(&self, entry: &DirEntry) -> bool {
        let name = entry.file_name().to_string_lossy();
        (self.with_git || name != ".git")
            && (self.unpacked || name != IGNORE_FILE)
            && !(self.without_hidden && name.starts_with('.'))
    }
}

/// Bytes of a file of patterns.
const MAX_PATTERNS: u64 = 1 << 20;

/// Files of patterns, and where each stands.
type Files = Vec<(PathBuf, Gitignore)>;

/// Takes in what a directory's file of patterns says.
fn enter(files: &mut Files, top: &Path, within: &Path) -> Result<(), Error> {
    let file = patterns(top, within)?;
    files.extend(file.map(|file| (within.to_owned(), file)));
    Ok(())
}

/// The file nearest to a path that says something of it decides.
fn is_left_out(files: &Files, path: &Path, is_directory: bool) -> bool {
    let mut said = files.iter().rev().map(|(_, file)| file.matched(path, is_directory));
    said.find(|said| !said.is_none()).is_some_and(|said| said.is_ignore())
}

/// What a directory's file of patterns says; none where it has none. A stranger's may be a link to any file of this
/// machine, whose lines would stand in what is complained of, or which has no end.
fn patterns(directory: &Path, within: &Path) -> Result<Option<Gitignore>, Error> {
    let file = within.join(IGNORE_FILE);
    let look = || -> io::Result<Option<String>> {
        let why = |text: &str| Err(io::Error::other(text));
        let metadata = match fs::symlink_metadata(&file) {
            // What cannot be gone into holds nothing that is taken, and is told of itself.
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => return Ok(None),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            metadata => metadata?,
        };
        if metadata.is_symlink() && outside(directory, &file)?.is_some() {
            return why("it is a link out of the directory");
        }
        let metadata = fs::metadata(&file)?;
        match metadata.len() {
            _ if !metadata.is_file() => why("it is no file"),
            size if size > MAX_PATTERNS => why("it is longer than 1 MiB"),
            _ => fs::read_to_string(&file).map(Some),
        }
    };
    let shown = file.strip_prefix(directory).unwrap_or(&file).display();
    let text = look().map_err(|error| {
        Error::new(format!("cannot read {shown}: {error}"))
            .help("what it should leave out is not known; mend it, or remove it")
    })?;
    let Some(text) = text else { return Ok(None) };
    let mut builder = GitignoreBuilder::new(within);
    // A pattern that is not understood leaves nothing out: what it should keep back would be shipped.
    let refused = |place: &str, error: &str| {
        Error::new(format!("{shown}{place}: {error}"))
            .help("mend the pattern: as it is, it leaves nothing out")
    };
    for (number, line) in (1..).zip(text.trim_start_matches('\u{feff}').lines()) {
        pattern::add(&mut builder, line).map_err(|error| refused(&format!(", line {number}"), &error))?;
    }
    builder.build().map(Some).map_err(|error| refused("", &error.to_string()))
}

/// The bundle that is written, wherever the directory has it and however that was named.
struct Own {
    directory: PathBuf,
    /// Below the directory, or the whole path where it is elsewhere: where it is written, and where a link there leads.
    places: Vec<PathBuf>,
    /// Device and inode of the one that is there, where links are followed.
    file: Option<(u64, u64)>,
}

impl Own {
    fn of(directory: &Path, selection: &Selection) -> Own {
        let within = directory.canonicalize().unwrap_or_else(|_| directory.to_owned());
        let below = |path: PathBuf| path.strip_prefix(&within).map(Path::to_owned).unwrap_or(path);
        let own = selection.own.iter();
        let named = own.clone().filter_map(|own| {
            let parent = std::path::absolute(own).ok()?.parent()?.canonicalize().ok()?;
            Some(parent.join(own.file_name()?))
        });
        let led = own.clone().filter_map(|own| own.canonicalize().ok());
        let there = own.filter_map(|own| own.metadata().ok()).next();
        Own {
            directory: directory.to_owned(),
            places: named.chain(led).map(below).collect(),
            file: there
                .filter(|there| selection.links.are_followed() && there.is_file())
                .map(|there| (there.dev(), there.ino())),
        }
    }

    fn is(&self, entry: &DirEntry) -> bool {
        let path = entry.path().strip_prefix(&self.directory).unwrap_or(entry.path());
        self.places.iter().any(|place| place == path)
            || self.file.is_some_and(|(device, inode)| {
                entry.ino() == Some(inode) && entry.path().metadata().is_ok_and(|there| there.dev() == device)
            })
    }
}
