//! A list that is printed while it is fetched, where the format allows it.

use std::io::Write;

use serde_json::{Map, Value};

use super::{Format, Output, Table, View};
use crate::ui::{self, Ui};

/// Rows of one kind. text and ndjson show each as it comes; the other formats need them all.
pub struct Listing<'a> {
    output: &'a Output,
    ui: &'a Ui,
    name: &'static str,
    items: Vec<Value>,
    table: Table,
    empty: &'static str,
    seen: usize,
}

impl<'a> Listing<'a> {
    /// `name` is the member of the JSON that holds the items.
    pub fn new(
        output: &'a Output,
        ui: &'a Ui,
        name: &'static str,
        header: impl IntoIterator<Item = &'static str>,
        empty: &'static str,
    ) -> Self {
        Listing { output, ui, name, items: Vec::new(), table: Table::new(header), empty, seen: 0 }
    }

    pub fn count(&self) -> usize {
        self.seen
    }

    pub fn add(&mut self, item: Value, cells: Vec<String>) -> anyhow::Result<()> {
        self.seen += 1;
        match (self.output.format, &self.output.query) {
            (Format::Text, None) => {
                let line: Vec<String> = cells.iter().map(|cell| ui::line(cell)).collect();
                self.line(&line.join("\t"))
            }
            (Format::Ndjson, None) => self.line(&ui::json(&item.to_string())),
            _ => {
                self.items.push(item);
                self.table.row(cells);
                Ok(())
            }
        }
    }

    /// Prints what was held back.
    pub fn finish(self) -> anyhow::Result<()> {
        if matches!(self.output.format, Format::Text | Format::Ndjson) && self.output.query.is_none() {
            if self.seen == 0 {
                self.ui.note(self.empty);
            }
            return Ok(());
        }
        let json = Value::Object(Map::from_iter([(self.name.to_owned(), Value::Array(self.items))]));
        View { json, items: Some(self.name), table: self.table, empty: self.empty }
            .print(self.output, self.ui)
    }

    fn line(&self, line: &str) -> anyhow::Result<()> {
        let mut out = self.ui.out();
        out.write_all(line.as_bytes())?;
        out.write_all(b"\n")?;
        Ok(out.flush()?)
    }
}
