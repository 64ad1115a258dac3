//! The event stream in a file, to be shown again later. A file that cannot be written to is no reason to end.

use super::ndjson::Ndjson;
use super::{Closed, Reporter};
use crate::ui::Stream;
use crate::watch::event::Stamped;

/// Writes every event for as long as that works.
pub struct Record(Option<Ndjson>);

impl Record {
    pub fn new(file: Stream) -> Self {
        Record(Some(Ndjson::new(file)))
    }
}

impl Reporter for Record {
    fn event(&mut self, event: &Stamped) -> Result<(), Closed> {
        if self.0.as_mut().is_some_and(|file| file.event(event).is_err()) {
            self.0 = None;
        }
        Ok(())
    }
}
