//! How data is printed. A verb never asks which format it is.

mod fit;
mod listing;
mod query;
pub mod table;
mod text;
mod yaml;

use std::io::{self, Write};

use clap::ValueEnum;
use serde_json::Value;

use crate::ui::{self, Ui};
pub use listing::Listing;
pub use query::Query;
pub use table::Table;
pub use text::write as text;

/// `--output`
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Columns for people
    Table,
    /// The API's own JSON
    Json,
    /// The same as YAML
    Yaml,
    /// Tab-separated cells without a header, for scripts
    Text,
    /// One object a line: list items, events of a watch
    Ndjson,
}

impl Format {
    /// The one that `--output` calls so.
    pub fn named(name: &str) -> Option<Self> {
        Format::from_str(name, true).ok()
    }

    /// Errors go out as JSON too.
    pub fn is_machine(self) -> bool {
        matches!(self, Format::Json | Format::Yaml | Format::Ndjson)
    }
}

/// How the user wants data: `--output` and `--query`.
#[derive(Clone, Debug)]
pub struct Output {
    pub format: Format,
    pub query: Option<Query>,
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

/// A member that the List call's answer has, and how it is made of an item.
pub type Listed = (&'static str, fn(&Value) -> Value);

impl View {
    /// One value for people, such as an id.
    pub fn of(json: Value, cell: impl Into<String>) -> Self {
        let mut table = Table::properties();
        table.row([cell.into()]);
        View { json, items: None, table, empty: "" }
    }

    /// As [`View::print`]; a `--query` that was written for the List call finds what that call answers, too.
    pub fn print_listed(mut self, (member, of): Listed, output: &Output, ui: &Ui) -> anyhow::Result<()> {
        let items = self.items.and_then(|name| self.json.get(name)).and_then(Value::as_array);
        if output.query.is_some()
            && let Some(listed) = items.map(|items| items.iter().map(of).collect())
            && let Some(json) = self.json.as_object_mut()
        {
            json.insert(member.to_owned(), listed);
        }
        self.print(output, ui)
    }

    pub fn print(&self, output: &Output, ui: &Ui) -> anyhow::Result<()> {
        let mut out = io::BufWriter::new(ui.out());
        match (output.format, &output.query) {
            (Format::Table, None) => {
                if self.table.is_empty() && !self.empty.is_empty() {
                    ui.note(self.empty);
                } else {
                    self.table.write(&mut out, ui)?;
                }
            }
            (Format::Text, None) => self.table.write_text(&mut out)?,
            _ => write_json(&mut out, &self.json, self.items, output, ui)?,
        }
        Ok(out.flush()?)
    }
}

/// Prints JSON whole, or as ndjson the items of its member `items`.
pub fn print_json(json: &Value, items: Option<&str>, output: &Output, ui: &Ui) -> anyhow::Result<()> {
    let mut out = io::BufWriter::new(ui.out());
    write_json(&mut out, json, items, output, ui)?;
    Ok(out.flush()?)
}

fn write_json(
    out: &mut dyn Write,
    json: &Value,
    items: Option<&str>,
    output: &Output,
    ui: &Ui,
) -> anyhow::Result<()> {
    let (json, items) = match &output.query {
        Some(query) => (&query.search(json)?, None),
        None => (json, items),
    };
    match output.format {
        Format::Ndjson => {
            let items = match items {
                Some(name) => json.get(name).and_then(Value::as_array),
                None => json.as_array(),
            };
            for item in items.map_or(std::slice::from_ref(json), Vec::as_slice) {
                writeln!(out, "{}", ui::json(&item.to_string()))?;
            }
        }
        Format::Yaml => yaml::write(out, json)?,
        Format::Text => text::write(out, json)?,
        Format::Table if output.query.is_some() => match found(json) {
            Some(table) => table.write(out, ui)?,
            None => writeln!(out, "{}", ui::json(&serde_json::to_string_pretty(json)?))?,
        },
        Format::Table | Format::Json => {
            writeln!(out, "{}", ui::json(&serde_json::to_string_pretty(json)?))?;
        }
    }
    Ok(())
}

/// What a query found as a table, where it is flat enough for one.
fn found(json: &Value) -> Option<Table> {
    let flat = |value: &Value| !text::is_nested(value);
    let mut table = Table::properties();
    match json {
        Value::Array(list) if list.iter().all(flat) => {
            list.iter().for_each(|item| table.row([text::cell(item)]));
        }
        Value::Array(list) if list.iter().all(Value::is_object) => {
            let maps: Vec<_> = list.iter().filter_map(Value::as_object).collect();
            let mut names: Vec<&str> = Vec::new();
            for (name, value) in maps.iter().copied().flatten() {
                if !flat(value) {
                    return None;
                }
                if !names.contains(&name.as_str()) {
                    names.push(name);
                }
            }
            table = Table::new(names.iter().map(|name| ui::line(name)));
            for map in maps {
                table.row(names.iter().map(|name| map.get(*name).map(text::cell).unwrap_or_default()));
            }
        }
        Value::Array(list) => {
            for item in list {
                let cells = item.as_array().filter(|cells| cells.iter().all(flat))?;
                table.row(cells.iter().map(text::cell));
            }
        }
        Value::Object(map) if map.values().all(flat) => {
            map.iter().for_each(|(name, value)| table.row([name.clone(), text::cell(value)]));
        }
        Value::Object(_) => return None,
        scalar => table.row([text::cell(scalar)]),
    }
    Some(table)
}
