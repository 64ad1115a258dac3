//! Which files of a directory go into a bundle.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use ignore::gitignore::{Gitignore, GitignoreBuilder};
use ignore::{DirEntry, Match, WalkBuilder};

use super::Error;
use super::listing::outside;

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
    /// Files of patterns are files as any other.
    pub without_patterns: bool,
    /// Where the bundle itself is written: it is no part of itself.
    pub own: Option<PathBuf>,
}

/// Whether a pattern of [`Selection::exclude`] can be read.
///
/// # Errors
/// What is wrong with it.
pub fn check_pattern(pattern: &str) -> Result<(), String> {
    GitignoreBuilder::new("").add_line(None, pattern).map(drop).map_err(|error| error.to_string())
}

/// A walk over what is taken, and why it cannot be known what a directory's file of patterns leaves out.
pub struct Walk {
    pub entries: ignore::Walk,
    pub refused: Arc<OnceLock<Error>>,
}

impl Selection {
    /// All that a directory holds.
    pub fn all() -> Self {
        Selection { with_git: true, without_patterns: true, ..Selection::default() }
    }

    /// What the patterns leave out.
    pub fn excluded(&self, directory: &Path) -> Result<Gitignore, Error> {
        let mut excluded = GitignoreBuilder::new(directory);
        for pattern in &self.exclude {
            excluded
                .add_line(None, pattern)
                .map_err(|error| Error::new(format!("--exclude {pattern}: {error}")))?;
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
        let mut builder = WalkBuilder::new(directory);
        builder.standard_filters(false);
        if !self.without_patterns {
            // The walk opens these before it shows their directory: they are looked at before that.
            check_patterns(directory, directory)?;
            builder.add_custom_ignore_filename(IGNORE_FILE);
        }
        builder.follow_links(self.links.are_followed()).sort_by_file_name(std::cmp::Ord::cmp).filter_entry(
            move |entry| {
                let directory = entry.file_type().is_some_and(|kind| kind.is_dir());
                let is_excluded = || excluded.matched(entry.path(), directory).is_ignore();
                if entry.depth() > 0 && (!taken.takes(entry) || own.is(entry) || is_excluded()) {
                    return false;
                }
                if !directory || entry.depth() == 0 || taken.without_patterns {
                    return true;
                }
                check_patterns(&top, entry.path()).map_err(|error| told.set(error)).is_ok()
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
                IGNORE_FILE if !self.without_patterns => {
                    "it is a file of patterns, and no part of the bundle".to_owned()
                }
                ".git" if !self.with_git => {
                    "`.git` is left out of bundles, but with --include-git".to_owned()
                }
                _ if self.without_hidden && part.starts_with('.') => {
                    format!("--ignore-hidden-files leaves `{part}` out")
                }
                _ => match excluded.matched(&path, is_directory) {
                    Match::Ignore(glob) => format!("--exclude `{}` leaves it out", glob.original()),
                    _ => self.pattern(directory, &path, is_directory)?,
                },
            };
            Some(why)
        })
    }

    /// The line of a file of patterns that leaves a path out: the one nearest to it that says something of it.
    fn pattern(&self, directory: &Path, path: &Path, is_directory: bool) -> Option<String> {
        let folders = path.ancestors().skip(1).take_while(|folder| folder.starts_with(directory));
        let files = folders.map(|folder| folder.join(IGNORE_FILE)).filter(|_| !self.without_patterns);
        files.filter(|file| file.is_file()).find_map(|file| {
            let shown = file.strip_prefix(directory).unwrap_or(&file).display();
            match Gitignore::new(&file).0.matched(path, is_directory) {
                Match::None => None,
                Match::Ignore(glob) => Some(Some(format!("`{}` in {shown} leaves it out", glob.original()))),
                Match::Whitelist(_) => Some(None),
            }
        })?
    }

    fn takes(&self, entry: &DirEntry) -> bool {
        let name = entry.file_name().to_string_lossy();
        (self.with_git || name != ".git")
            && (self.without_patterns || name != IGNORE_FILE)
            && !(self.without_hidden && name.starts_with('.'))
    }
}

/// Bytes of a file of patterns.
const MAX_PATTERNS: u64 = 1 << 20;

/// The walk passes over a file of patterns that it cannot read. A stranger's may be a link to any file of this machine,
/// whose lines would stand in what is complained of, or which has no end.
fn check_patterns(directory: &Path, within: &Path) -> Result<(), Error> {
    let file = within.join(IGNORE_FILE);
    let look = || -> io::Result<()> {
        let why = |text: &str| Err(io::Error::other(text));
        if fs::symlink_metadata(&file)?.is_symlink() && outside(directory, &file)?.is_some() {
            return why("it is a link out of the directory");
        }
        let metadata = fs::metadata(&file)?;
        match metadata.len() {
            _ if !metadata.is_file() => why("it is no file"),
            size if size > MAX_PATTERNS => why("it is longer than 1 MiB"),
            _ => fs::read_to_string(&file).map(drop),
        }
    };
    match look() {
        Err(error) if error.kind() != io::ErrorKind::NotFound || file.is_symlink() => {
            let shown = file.strip_prefix(directory).unwrap_or(&file).display().to_string();
            Err(Error::new(format!("cannot read {shown}: {error}"))
                .help("what it should leave out is not known; mend it, or remove it"))
        }
        _ => Ok(()),
    }
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
