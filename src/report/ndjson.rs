//! The event stream itself: one JSON object a line, on stdout.

use std::io::Write;

use super::{Closed, Reporter};
use crate::ui::{self, Stream};
use crate::watch::event::Stamped;

/// Prints every event; a closed stdout ends the watch.
pub struct Ndjson(Stream);

impl Ndjson {
    pub fn new(out: Stream) -> Self {
        Ndjson(out)
    }
}

impl Reporter for Ndjson {
    fn event(&mut self, event: &Stamped) -> Result<(), Closed> {
        // Serialising plain data cannot fail; a line that could not be made is left out rather than broken.
        let Ok(json) = serde_json::to_string(event) else { return Ok(()) };
        let line = ui::json(&json) + "\n";
        self.0.write_all(line.as_bytes()).and_then(|()| self.0.flush()).map_err(|_| Closed)
    }
}
