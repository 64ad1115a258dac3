//! The terminal on stderr as indicatif sees it, so that one owner writes every byte.

use std::fmt;
use std::io::{self, Write};

use indicatif::TermLike;

use super::{Stream, keys};

/// A terminal to draw on. Its size is read anew at each question.
#[derive(Clone)]
pub struct Screen {
    stream: Stream,
    /// A fixed size for tests.
    size: Option<(u16, u16)>,
}

impl Screen {
    pub fn new(stream: Stream) -> Self {
        Screen { stream, size: None }
    }

    /// A screen of a fixed size, columns by rows.
    pub fn fixed(stream: Stream, columns: u16, rows: u16) -> Self {
        Screen { stream, size: Some((columns, rows)) }
    }

    /// Columns and rows; 80 by 24 where the terminal does not tell.
    #[expect(clippy::disallowed_methods, reason = "ui owns the streams")]
    pub fn size(&self) -> (u16, u16) {
        self.size.unwrap_or_else(|| {
            terminal_size::terminal_size_of(io::stderr())
                .map_or((80, 24), |(width, height)| (width.0, height.0))
        })
    }

    /// Whether the terminal is this job's to draw on, and not that of a shell that has sent it to the background.
    #[expect(clippy::disallowed_methods, reason = "ui owns the streams")]
    pub fn is_foreground(&self) -> bool {
        self.size.is_some() || keys::is_foreground(io::stderr())
    }

    fn put(&self, text: fmt::Arguments<'_>) -> io::Result<()> {
        self.stream.clone().write_fmt(text)
    }
}

impl fmt::Debug for Screen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Screen").field("size", &self.size()).finish()
    }
}

impl TermLike for Screen {
    fn width(&self) -> u16 {
        self.size().0
    }

    fn height(&self) -> u16 {
        self.size().1
    }

    fn move_cursor_up(&self, n: usize) -> io::Result<()> {
        if n == 0 { Ok(()) } else { self.put(format_args!("\x1b[{n}A")) }
    }

    fn move_cursor_down(&self, n: usize) -> io::Result<()> {
        if n == 0 { Ok(()) } else { self.put(format_args!("\x1b[{n}B")) }
    }

    fn move_cursor_right(&self, n: usize) -> io::Result<()> {
        if n == 0 { Ok(()) } else { self.put(format_args!("\x1b[{n}C")) }
    }

    fn move_cursor_left(&self, n: usize) -> io::Result<()> {
        if n == 0 { Ok(()) } else { self.put(format_args!("\x1b[{n}D")) }
    }

    fn write_line(&self, line: &str) -> io::Result<()> {
        self.put(format_args!("{line}\n"))
    }

    fn write_str(&self, text: &str) -> io::Result<()> {
        self.put(format_args!("{text}"))
    }

    fn clear_line(&self) -> io::Result<()> {
        self.put(format_args!("\r\x1b[2K"))
    }

    fn flush(&self) -> io::Result<()> {
        self.stream.clone().flush()
    }
}
