//! Which files of a directory go into a bundle.

use std::path::{Path, PathBuf};

use ignore::gitignore::GitignoreBuilder;
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
    /// A walk over what is taken, parents first, in the order of names.
    pub fn walk(&self, directory: &Path) -> Result<ignore::Walk, Error> {
        let mut excluded = GitignoreBuilder::new(directory);
        for pattern in &self.exclude {
            excluded
                .add_line(None, pattern)
                .map_err(|error| Error::new(format!("--exclude {pattern}: {error}")))?;
        }
        let excluded = excluded.build().map_err(|error| Error::new(format!("--exclude: {error}")))?;
        let (git, hidden) = (self.with_git, self.without_hidden);
        let own = self.own.as_ref().and_then(|own| std::path::absolute(own).ok());
        let mut builder = WalkBuilder::new(directory);
        builder
            .standard_filters(false)
            .add_custom_ignore_filename(IGNORE_FILE)
            .follow_links(self.links.are_followed())
            .sort_by_file_name(std::cmp::Ord::cmp)
            .filter_entry(move |entry| {
                let is_own = own
                    .as_ref()
                    .is_some_and(|own| std::path::absolute(entry.path()).is_ok_and(|path| path == *own));
                let directory = entry.file_type().is_some_and(|kind| kind.is_dir());
                let is_excluded = || excluded.matched(entry.path(), directory).is_ignore();
                entry.depth() == 0 || (is_taken(entry, git, hidden) && !is_own && !is_excluded())
            });
        Ok(builder.build())
    }
}

fn is_taken(entry: &DirEntry, git: bool, without_hidden: bool) -> bool {
    let name = entry.file_name().to_string_lossy();
    (git || name != ".git") && name != IGNORE_FILE && !(without_hidden && name.starts_with('.'))
}
