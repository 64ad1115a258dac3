//! The event stream itself: one JSON object a line, on stdout.

use serde_json::Value;

use super::sink::{Sink, Unwritten};
use super::{Closed, Reporter};
use crate::format::Query;
use crate::ui;
use crate::watch::event::Stamped;

/// Prints every event; a closed stdout ends the watch.
pub struct Ndjson {
    out: Sink,
    query: Option<Query>,
}

impl Ndjson {
    pub fn new(out: impl Into<Sink>) -> Self {
        Ndjson { out: out.into(), query: None }
    }

    /// Prints of every event what `query` finds in it; of one that it finds nothing in, nothing.
    pub fn query(self, query: Option<Query>) -> Self {
        Ndjson { query, ..self }
    }

    /// Serialising plain data cannot fail; a line that could not be made is left out rather than broken.
    fn text(&self, event: &Stamped) -> Option<String> {
        let Some(query) = &self.query else { return serde_json::to_string(event).ok() };
        // Events are of many forms, and not each is one that the query has an answer to.
        let found = query.search(&serde_json::to_value(event).ok()?).ok()?;
        (found != Value::Null).then(|| found.to_string())
    }
}

impl Reporter for Ndjson {
    fn event(&mut self, event: &Stamped) -> Result<(), Closed> {
        match self.text(event) {
            Some(json) => self.out.write(&(ui::json(&json) + "\n")),
            None => Ok(()),
        }
    }

    fn unwritten(&mut self) -> Option<Unwritten> {
        self.out.unwritten()
    }
}
