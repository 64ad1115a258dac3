//! A block of lines drawn over itself again and again, on the terminal's second (alternate) screen: one that is resized
//! wraps the lines of its first screen anew and pushes them into the scrollback, each terminal by its own rules and many
//! times while a window is dragged, so that no program finds its lines again there. What is to stay is written on the first
//! screen when the block has gone. The cursor is never hidden.

use std::fmt::Write as _;

use indicatif::TermLike;
use unicode_width::UnicodeWidthChar;

use super::Screen;

/// The second screen, empty; the first one and its cursor are kept.
const ENTER: &str = "\x1b[?1049h";
/// The first screen as it was. A terminal that has but one (the Linux console, GNU screen by default) is left empty.
const LEAVE: &str = "\x1b[H\x1b[J\x1b[?1049l";
/// The first cell; and lines do not wrap until [`END`], should the terminal have become narrower meanwhile.
const BEGIN: &str = "\x1b[H\x1b[?7l";
const END: &str = "\x1b[?7h";
/// Takes away what is right of the cursor. Before the text: after a line as wide as the screen it would take its end.
const CLEAR_RIGHT: &str = "\x1b[K";
/// The same, and what is below.
const CLEAR_BELOW: &str = "\x1b[J";

/// Columns and rows.
type Size = (usize, usize);

/// A block on a screen. Nothing else may write there while it stands.
#[derive(Debug)]
pub struct Canvas {
    screen: Screen,
    /// The block that stands, if any, and the size of the screen when it was drawn.
    block: Option<(Vec<String>, Size)>,
    /// What was printed is shown above the block as far as there is room; so much of it is on the first screen as well.
    printed: Vec<String>,
    kept: usize,
}

impl Canvas {
    pub fn new(screen: Screen) -> Self {
        Canvas { screen, block: None, printed: Vec::new(), kept: 0 }
    }

    /// Columns and rows of the screen.
    pub fn size(&self) -> Size {
        let (width, height) = self.screen.size();
        (width.into(), height.into())
    }

    /// Draws `lines`, none wider than the screen, over the block that stands. Does nothing while another job has the
    /// terminal.
    pub fn draw(&mut self, lines: Vec<String>) {
        let block = Some((lines, self.size()));
        if block != self.block && self.screen.is_foreground() {
            let enter = if self.block.is_none() { ENTER } else { "" };
            self.block = block;
            self.put(enter);
        }
    }

    /// Prints lines above the block, where they stay.
    pub fn print(&mut self, text: &str) {
        self.printed.extend(text.lines().map(str::to_owned));
        match self.block {
            Some(_) => self.put(""),
            None => self.leave(),
        }
    }

    /// Gives the terminal to others for a while: the next block begins anew.
    pub fn leave(&mut self) {
        self.end(Vec::new());
    }

    /// Takes the block away; `lines` stay, below what was printed.
    pub fn end(&mut self, lines: Vec<String>) {
        let leave = if self.block.take().is_some() { LEAVE } else { "" };
        let printed = self.printed.get(self.kept..).unwrap_or_default();
        let out = format!("{leave}{}", stay(printed.iter().chain(&lines)));
        self.kept = self.printed.len();
        if !out.is_empty() {
            self.write(&out);
        }
    }

    /// The block, and above it the last of what was printed.
    fn put(&self, enter: &str) {
        let Some((lines, (width, height))) = &self.block else { return };
        let recent = self.printed.len().saturating_sub(*height);
        let printed: Vec<&str> =
            self.printed.iter().skip(recent).flat_map(|line| rows(line, *width)).collect();
        let hidden = printed.len().saturating_sub(height.saturating_sub(lines.len()));
        let lines = lines.iter().map(String::as_str).take(*height);
        let rows: Vec<&str> = printed.into_iter().skip(hidden).chain(lines).collect();
        let (last, before) = rows.split_last().map_or(("", [].as_slice()), |(last, before)| (*last, before));
        let before: String = before.iter().map(|row| format!("{CLEAR_RIGHT}{row}\r\n")).collect();
        self.write(&format!("{enter}{BEGIN}{before}{CLEAR_BELOW}{last}{END}"));
    }

    /// In one piece, so that no half of a frame is seen. A terminal that is gone is no reason to end.
    fn write(&self, out: &str) {
        let _ = self.screen.write_str(out).and_then(|()| self.screen.flush());
    }
}

impl Drop for Canvas {
    fn drop(&mut self) {
        self.leave();
    }
}

/// Lines of the first screen, where each wraps as the terminal does it.
fn stay<'a>(lines: impl Iterator<Item = &'a String>) -> String {
    lines.fold(String::new(), |mut out, line| {
        let _ = write!(out, "{line}\r\n");
        out
    })
}

/// The rows that a line takes on a screen so wide.
fn rows(line: &str, width: usize) -> Vec<&str> {
    let mut rows = Vec::new();
    let (mut from, mut taken) = (0, 0);
    for (at, columns) in glyphs(line) {
        if taken + columns > width && at > from {
            rows.extend(line.get(from..at));
            (from, taken) = (at, 0);
        }
        taken += columns;
    }
    rows.extend(line.get(from..));
    rows
}

/// The columns that a line takes, colours aside.
pub fn columns(line: &str) -> usize {
    glyphs(line).map(|(_, columns)| columns).sum()
}

/// Where each character of a line stands, colours aside, and the columns that it takes.
fn glyphs(line: &str) -> impl Iterator<Item = (usize, usize)> {
    let mut chars = line.char_indices();
    std::iter::from_fn(move || {
        loop {
            let (at, c) = chars.next()?;
            if c != '\x1b' {
                return Some((at, c.width().unwrap_or(0)));
            }
            chars.by_ref().find(|(_, c)| c.is_ascii_alphabetic());
        }
    })
}

#[cfg(test)]
mod tests;
