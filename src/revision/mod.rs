//! Revisions on this side of the API: how they are written on the command line, and how a directory becomes a bundle.

mod bundle;
mod check;
mod compare;
mod git;
mod listing;
mod locator;
mod pattern;
mod selection;

use std::fmt;

pub use bundle::{Packed, Source, digest, pack, pack_as_is, pack_selected};
pub use check::{Report, check, check_as, check_selected};
pub use compare::{Change, Item, Opened, compare};
pub use git::{Checkout, GitSource};
pub use listing::Selected;
pub use locator::Locator;
pub use selection::{Links, Selection, check_pattern};

/// What is wrong, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// May hold names of files and text of the user's, not sanitised.
    pub message: String,
    pub help: Option<String>,
}

impl Error {
    pub fn new(message: impl Into<String>) -> Self {
        Error { message: message.into(), help: None }
    }

    fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        match &self.help {
            Some(help) => write!(f, "\nhelp: {help}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Error {}
