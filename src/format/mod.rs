//! How data is printed. A verb never asks which format it is.

pub mod table;

use std::io::{self, Write};

use clap::ValueEnum;
use serde_json::Value;

use crate::ui::{self, Ui};
pub use table::Table;

/// `--output`
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Columns for people
    Table,
    /// The API's own JSON
    Json,
    /// One object a line: list items, events of a watch
    Ndjson,
}

impl Format {
    /// Errors go out as JSON too.
    pub fn is_machine(self) -> bool {
        !matches!(self, Format::Table)
    }
}

/// Something to print: the API's JSON, and its cells for people.
pub struct View {
    pub json: Value,
    /// The member of `json` whose items are the lines of ndjson; without one the whole is one line.
    pub items: Option<&'static str>,
    pub table: Table,
    /// Said on stderr when there is nothing to show.
    pub empty: &'static str,
}

impl View {
    pub fn print(&self, format: Format, ui: &Ui) -> io::Result<()> {
        if format != Format::Table {
            return print_json(&self.json, self.items, format, ui);
        }
        if self.table.is_empty() {
            ui.note(self.empty);
            return Ok(());
        }
        let mut out = io::BufWriter::new(ui.out());
        self.table.write(&mut out, ui)?;
        out.flush()
    }
}

/// Prints JSON whole, or as ndjson the items of its member `items`.
pub fn print_json(json: &Value, items: Option<&str>, format: Format, ui: &Ui) -> io::Result<()> {
    let mut out = io::BufWriter::new(ui.out());
    if format == Format::Ndjson {
        let items = items.and_then(|name| json.get(name)).and_then(Value::as_array);
        for item in items.map_or(std::slice::from_ref(json), Vec::as_slice) {
            writeln!(out, "{}", ui::json(&item.to_string()))?;
        }
    } else {
        writeln!(out, "{}", ui::json(&serde_json::to_string_pretty(json)?))?;
    }
    out.flush()
}
