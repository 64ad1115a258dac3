//! YAML and JSON text -> a tree of raw scalars with positions, and the resolutions of those scalars. Knows no schema.
//!
//! The tree (`tree`) is what libyaml's events say; what a plain scalar means is a reader's own business and lives
//! in `resolve`, a file a reader.

mod guard;
mod indented;
pub mod resolve;
mod tree;

pub use guard::guarded;
pub use indented::Indented;
pub use resolve::{core, psych};
pub use tree::{Content, Document, MARK, MAX_BYTES, Node, Scalar, json_error, lines, parse};

use std::fmt;

/// A place in a text: line and column in characters, both counted from 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    pub line: usize,
    pub column: usize,
}

/// From the first character to the one after the last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span {
    pub start: Position,
    pub end: Position,
}

impl Span {
    /// A span of no width.
    pub fn at(start: Position) -> Self {
        Span { start, end: start }
    }
}

/// Why a text could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// Not YAML.
    Syntax,
    /// Well-formed YAML that a reader refuses to load (an alias, a type that it does not know).
    Refused,
    /// More than this tool reads: too long or too deeply nested.
    Limit,
}

/// A text that could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    pub kind: ErrorKind,
    /// What is wrong, in libyaml's or the reader's words, without the position.
    pub message: String,
    pub position: Position,
    /// Where that began which could not be read to its end (an open quote, a list).
    pub context: Option<Position>,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at line {} column {}", self.message, self.position.line, self.position.column)
    }
}

impl std::error::Error for Error {}
