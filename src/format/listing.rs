//! A list that is printed while it is fetched, where the format allows it.

use std::io::Write;

use serde_json::{Map, Value};

use super::{Format, Listed, Output, Table, View};
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
    /// Members of the JSON before the items.
    head: Map<String, Value>,
    listed: Option<Listed>,
    /// The limit was nobody's wish.
    by_default: bool,
}

/// How many rows a table has where nobody says.
const ROWS: usize = 20;

impl<'a> Listing<'a> {
    /// `name` is the member of the JSON that holds the items.
    pub fn new(
        output: &'a Output,
        ui: &'a Ui,
        name: &'static str,
        header: impl IntoIterator<Item = &'static str>,
        empty: &'static str,
    ) -> Self {
        Listing {
            output,
            ui,
            name,
            items: Vec::new(),
            table: Table::new(header),
            empty,
            seen: 0,
            head: Map::new(),
            listed: None,
            by_default: false,
        }
    }

    /// See [`Table::spare`].
    pub fn spare(mut self, headings: &'static [&'static str]) -> Self {
        self.table.spare(headings);
        self
    }

    /// A member of the JSON beside the items.
    pub fn beside(mut self, name: &str, value: Value) -> Self {
        self.head.insert(name.to_owned(), value);
        self
    }

    /// See [`View::print_listed`].
    pub fn listed(mut self, member: &'static str, of: fn(&Value) -> Value) -> Self {
        self.listed = Some((member, of));
        self
    }

    /// How many rows there may be: as given, else 20 in a table, which says so, and all for scripts.
    pub fn limit(&mut self, given: Option<usize>) -> usize {
        let for_people = self.output.format == Format::Table && self.output.query.is_none();
        self.by_default = given.is_none() && for_people;
        given.unwrap_or(if for_people { ROWS } else { usize::MAX })
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
        if self.by_default && self.seen == ROWS {
            self.ui.note(&format!("{ROWS} are shown; `--limit N` shows more"));
        }
        let mut json = self.head;
        json.insert(self.name.to_owned(), Value::Array(self.items));
        let json = Value::Object(json);
        let view = View { json, items: Some(self.name), table: self.table, empty: self.empty };
        match self.listed {
            Some(listed) => view.print_listed(listed, self.output, self.ui),
            None => view.print(self.output, self.ui),
        }
    }

    fn line(&self, line: &str) -> anyhow::Result<()> {
        let mut out = self.ui.out();
        out.write_all(line.as_bytes())?;
        out.write_all(b"\n")?;
        Ok(out.flush()?)
    }
}
