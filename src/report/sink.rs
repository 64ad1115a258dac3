//! An output that was asked for: what it does not take is kept and told at the end.

use std::io::{self, Write};

use super::Closed;
use crate::ui::Stream;

/// What was to be written and was not.
#[derive(Debug)]
pub struct Unwritten {
    /// As in "cannot write the recording a.ndjson".
    pub what: String,
    pub error: io::Error,
}

/// A file, or stdout where the output is what the command is for.
pub struct Sink {
    what: String,
    to: Stream,
    error: Option<io::Error>,
}

impl Sink {
    pub fn new(what: impl Into<String>, to: Stream) -> Self {
        Sink { what: what.into(), to, error: None }
    }

    /// Writes all of it; nothing any more after an error.
    pub fn write(&mut self, text: &str) -> Result<(), Closed> {
        if self.error.is_some() {
            return Err(Closed);
        }
        self.to.write_all(text.as_bytes()).and_then(|()| self.to.flush()).map_err(|error| {
            self.error = Some(error);
            Closed
        })
    }

    /// The error that there was. A reader that has gone away is none.
    pub fn unwritten(&mut self) -> Option<Unwritten> {
        let error = self.error.take().filter(|error| error.kind() != io::ErrorKind::BrokenPipe)?;
        Some(Unwritten { what: self.what.clone(), error })
    }
}

impl From<Stream> for Sink {
    fn from(to: Stream) -> Self {
        Sink::new("the output", to)
    }
}
