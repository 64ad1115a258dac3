//! The event stream in a file, to be shown again later. A file that cannot be written to is no reason to end.

use super::ndjson::Ndjson;
use super::sink::{Sink, Unwritten};
use super::{Closed, Reporter};
use crate::watch::event::Stamped;

/// Writes every event for as long as that works.
pub struct Record(Ndjson);

impl Record {
    pub fn new(file: impl Into<Sink>) -> Self {
        Record(Ndjson::new(file))
    }
}

impl Reporter for Record {
    fn event(&mut self, event: &Stamped) -> Result<(), Closed> {
        let _ = self.0.event(event);
        Ok(())
    }

    fn unwritten(&mut self) -> Option<Unwritten> {
        self.0.unwritten()
    }
}
