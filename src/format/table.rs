//! Columns for people, with comfy-table. Knows nothing of what is in them.

use std::borrow::Cow;
use std::io::{self, Write};

use comfy_table::{ContentArrangement, Row, Table as Comfy, presets};

use super::fit;
use crate::ui::{self, Style, Ui};

/// Rows under a header, or, without a header, names and values of one thing.
#[derive(Clone, Debug, Default)]
pub struct Table {
    header: Vec<Cow<'static, str>>,
    rows: Vec<Vec<String>>,
    /// Headings of columns that a narrow terminal does without, the first of them first.
    spare: &'static [&'static str],
    /// The last column is wrapped where others are cut.
    keeps_last: bool,
}

impl Table {
    pub fn new<N: Into<Cow<'static, str>>>(header: impl IntoIterator<Item = N>) -> Self {
        Table { header: header.into_iter().map(Into::into).collect(), ..Table::default() }
    }

    /// Names the columns that a narrow terminal does without, the first of them first.
    pub fn spare(&mut self, headings: &'static [&'static str]) {
        self.spare = headings;
    }

    /// Has the last column wrapped, not cut: nothing of it may be left out.
    pub fn keep_last(&mut self) {
        self.keeps_last = true;
    }

    /// A table of names and values.
    pub fn properties() -> Self {
        Table::default()
    }

    /// Adds a row; strings from outside are made safe here.
    pub fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().map(|cell| ui::line(&cell)).collect());
    }

    /// Adds a name with its value, unless there is none.
    pub fn property(&mut self, name: &'static str, value: Option<impl Into<String>>) {
        if let Some(value) = value {
            self.row([name.to_owned(), value.into()]);
        }
    }

    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Tab-separated, without the header; cells hold no tabs.
    pub fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        self.rows.iter().try_for_each(|row| writeln!(out, "{}", row.join("\t")))
    }

    /// On a terminal no wider than it is. Off a terminal: no colour, no borders, no cutting. A CI system reads none of the
    /// lines as a command.
    pub fn write(&self, out: &mut dyn Write, ui: &Ui) -> io::Result<()> {
        let colour = ui.terminal.colour.0;
        let (rows, has_header) = self.fitted(ui.terminal.columns.map(usize::from));
        let mut table = Comfy::new();
        table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
        for row in rows {
            table.add_row(Row::from(row));
        }
        for column in table.column_iter_mut() {
            column.set_padding((0, 2));
        }
        for (index, line) in table.lines().enumerate() {
            let line = &ui::defuse(line.trim_end());
            let header = index == 0 && has_header;
            writeln!(out, "{}", if header { Style::Strong.paint(line, colour) } else { line.to_owned() })?;
        }
        Ok(())
    }
}

impl Table {
    /// The rows for so many columns, and whether the first is the header.
    fn fitted(&self, room: Option<usize>) -> (Vec<Vec<String>>, bool) {
        let header: Vec<String> = self.header.iter().map(|name| name.to_string()).collect();
        match (room, header.is_empty()) {
            (None, true) => (self.rows.clone(), false),
            (None, false) => (std::iter::once(header).chain(self.rows.iter().cloned()).collect(), true),
            (Some(room), true) => (fit::wrapped(&self.rows, room), false),
            (Some(room), false) => {
                let columns = if self.keeps_last {
                    fit::last_wrapped(&header, &self.rows, room)
                } else {
                    fit::columns(&header, &self.rows, self.spare, room)
                };
                match columns {
                    Some(rows) => (rows, true),
                    None => (fit::records(&header, &self.rows, room), false),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::{Buffer, Stream, Terminal};

    #[test]
    fn plain_columns_off_a_terminal() {
        let ui = Ui::new(Stream::new(Buffer::default()), Stream::new(Buffer::default()), Terminal::NONE);
        let mut table = Table::new(["ID", "STATUS"]);
        table.row(["d-1".to_owned(), "In\x1b[31mProgress".to_owned()]);
        table.row(["d-22222".to_owned(), "日本 ##[error]".to_owned()]);
        let mut out = Vec::new();
        table.write(&mut out, &ui).unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "ID       STATUS\nd-1      In\\x1b[31mProgress\nd-22222  日本 #.#[error]\n"
        );
    }
}
