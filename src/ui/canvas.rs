//! A block of lines below what a terminal has shown, drawn over itself again and again. A terminal that is resized wraps
//! the lines anew and may push some of them out of the screen: the block knows how wide its lines are, so that it finds
//! all of its rows again. The cursor is never hidden.

use std::fmt::Write as _;

use indicatif::TermLike;
use unicode_width::UnicodeWidthChar;

use super::Screen;

/// Takes away what is right of the cursor and below. Never from the first column: tmux takes an erasure from the first
/// cell of the screen for one of the whole screen, and keeps all of it in its scrollback.
const CLEAR_BELOW: &str = " \x1b[J\r";
/// Takes away what is right of the cursor. Before the text: after a line as wide as the screen it would take its end.
const CLEAR_RIGHT: &str = "\x1b[K";

/// Columns and rows.
type Size = (usize, usize);

/// A block on a screen. Nothing else may write there while it stands.
#[derive(Debug)]
pub struct Canvas {
    screen: Screen,
    /// The terminal wraps lines anew when it gets narrower; others cut them.
    reflows: bool,
    /// The lines of the block as they were drawn, and the size of the screen then.
    lines: Vec<String>,
    size: Size,
    /// The widths of lines of earlier blocks that a smaller screen has pushed out; a larger one may bring them back.
    stranded: Vec<usize>,
    /// The last of them was torn: to the terminal the first line that stands is the rest of it.
    torn: bool,
}

impl Canvas {
    pub fn new(screen: Screen, reflows: bool) -> Self {
        Canvas { screen, reflows, lines: Vec::new(), size: (0, 0), stranded: Vec::new(), torn: false }
    }

    /// Columns and rows of the screen.
    pub fn size(&self) -> Size {
        let (width, height) = self.screen.size();
        (width.into(), height.into())
    }

    /// Draws `lines`, none wider than the screen, over the block that stands.
    pub fn draw(&mut self, lines: Vec<String>) {
        let size = self.size();
        if lines != self.lines || size != self.size {
            let mut out = self.begin(size);
            put(&mut out, &lines);
            self.write(&out);
            self.lines = lines;
        }
    }

    /// Prints lines above the block, where they stay.
    pub fn print(&mut self, text: &str) {
        let size = self.size();
        let mut out = self.begin(size);
        for line in text.lines() {
            let _ = write!(out, "{CLEAR_RIGHT}{line}");
            if !columns(line).is_multiple_of(size.0.max(1)) {
                // It may have wrapped onto a row of the block.
                out.push_str(CLEAR_RIGHT);
            }
            out.push_str("\r\n");
        }
        put(&mut out, &self.lines);
        self.write(&out);
    }

    /// Something else has written to the terminal: what stands there stays, and the next block begins below.
    pub fn forget(&mut self) {
        if !std::mem::take(&mut self.lines).is_empty() {
            self.write("\r\n");
        }
        self.stranded.clear();
        self.torn = false;
    }

    /// The last block; what follows has a line of its own.
    pub fn end(&mut self, lines: Vec<String>) {
        let mut out = self.begin(self.size());
        for line in &lines {
            let _ = write!(out, "{CLEAR_RIGHT}{line}\r\n");
        }
        out.push_str(CLEAR_BELOW);
        self.write(&out);
        self.lines.clear();
    }

    /// What brings the cursor to where the block begins, on a screen of `size` now.
    fn begin(&mut self, size: Size) -> String {
        let before = std::mem::replace(&mut self.size, size);
        let block: Vec<usize> = self.lines.iter().map(|line| columns(line)).collect();
        if block.is_empty() {
            return String::new();
        }
        let (width, height) = size;
        if before == size {
            // What is stranded stays where it is.
            return up(block.len() - 1);
        }
        let mut all = std::mem::take(&mut self.stranded);
        let mut block = block.into_iter();
        if std::mem::take(&mut self.torn)
            && let (Some(begun), Some(first)) = (all.last_mut(), block.next())
        {
            *begun += first;
        }
        all.extend(block);
        let rows: Vec<usize> = all.iter().map(|columns| self.rows(*columns, width)).collect();
        let total: usize = rows.iter().sum();
        // What the screen has no room for is out of reach until it grows.
        let mut hidden = total.saturating_sub(height.max(1));
        let begin = up((total - hidden).max(1) - 1);
        for (columns, rows) in all.iter().zip(rows) {
            if hidden == 0 {
                break;
            }
            self.torn = rows > hidden;
            self.stranded.push(if self.torn { hidden * width } else { *columns });
            hidden = hidden.saturating_sub(rows);
        }
        begin
    }

    fn rows(&self, columns: usize, width: usize) -> usize {
        if self.reflows { columns.div_ceil(width.max(1)).max(1) } else { 1 }
    }

    /// In one piece, so that no half of a frame is seen. A terminal that is gone is no reason to end.
    fn write(&self, out: &str) {
        let _ = self.screen.write_str(out).and_then(|()| self.screen.flush());
    }
}

/// The cursor at the beginning of the row that is so many higher.
fn up(rows: usize) -> String {
    if rows == 0 { "\r".to_owned() } else { format!("\r\x1b[{rows}A") }
}

/// A block over whatever stands there.
fn put(out: &mut String, lines: &[String]) {
    let Some((last, before)) = lines.split_last() else { return out.push_str(CLEAR_BELOW) };
    for line in before {
        let _ = write!(out, "{CLEAR_RIGHT}{line}\r\n");
    }
    let _ = write!(out, "{CLEAR_BELOW}{last}");
}

/// The columns that a line takes, colours aside.
pub fn columns(line: &str) -> usize {
    let mut columns = 0;
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        if c == '\x1b' {
            chars.by_ref().find(|c| c.is_ascii_alphabetic());
        } else {
            columns += c.width().unwrap_or(0);
        }
    }
    columns
}

#[cfg(test)]
mod tests;
