//! Which files of a directory go into a bundle.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use ignore::gitignore::{Gitignore, GitignoreBuilder};
use ignore::{DirEntry, WalkBuilder};

use super::Error;

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

impl Selection {
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
    pub fn walk(&self, directory: &Path) -> Result<ignore::Walk, Error> {
        let excluded = self.excluded(directory)?;
        let (git, hidden) = (self.with_git, self.without_hidden);
        let own = Own::of(directory, self);
        let mut builder = WalkBuilder::new(directory);
        builder
            .standard_filters(false)
            .add_custom_ignore_filename(IGNORE_FILE)
            .follow_links(self.links.are_followed())
            .sort_by_file_name(std::cmp::Ord::cmp)
            .filter_entry(move |entry| {
                let directory = entry.file_type().is_some_and(|kind| kind.is_dir());
                let is_excluded = || excluded.matched(entry.path(), directory).is_ignore();
                entry.depth() == 0 || (is_taken(entry, git, hidden) && !own.is(entry) && !is_excluded())
            });
        Ok(builder.build())
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

fn is_taken(entry: &DirEntry, git: bool, without_hidden: bool) -> bool {
    let name = entry.file_name().to_string_lossy();
    (git || name != ".git") && name != IGNORE_FILE && !(without_hidden && name.starts_with('.'))
}
