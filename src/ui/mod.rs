//! The only owner of stdout, stderr, colour, width, questions and sanitising. Knows nothing of CodeDeploy.

mod canvas;
mod keys;
mod question;
mod safe;
mod screen;

use std::io::{self, IsTerminal, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub use canvas::{Canvas, columns};
pub use keys::{Key, Keyboard};
pub use safe::{defuse, json, line, text};
pub use screen::Screen;

/// A stream of bytes that several parts may write to: a process's stdout or stderr, or a buffer in a test.
#[derive(Clone)]
pub struct Stream(Arc<Mutex<Box<dyn Write + Send>>>);

impl Stream {
    pub fn new(writer: impl Write + Send + 'static) -> Self {
        Stream(Arc::new(Mutex::new(Box::new(writer))))
    }

    fn lock(&self) -> MutexGuard<'_, Box<dyn Write + Send>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.lock().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.lock().flush()
    }
}

/// A buffer that a test hands out as a [`Stream`] and reads afterwards.
#[derive(Clone, Default)]
pub struct Buffer(Arc<Mutex<Vec<u8>>>);

impl Buffer {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap_or_else(PoisonError::into_inner)).into_owned()
    }
}

impl Write for Buffer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What a terminal can do, decided once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terminal {
    pub stdin: bool,
    pub stdout: bool,
    pub stderr: bool,
    /// Colour on stdout, on stderr.
    pub colour: (bool, bool),
    /// The locale can show more than ASCII.
    pub unicode: bool,
    /// Stderr is a terminal that cannot move its cursor.
    pub dumb: bool,
    /// How wide the terminal on stdout is; none where data goes elsewhere.
    pub columns: Option<u16>,
}

impl Terminal {
    /// No terminal anywhere: pipes, files, tests.
    pub const NONE: Terminal = Terminal {
        stdin: false,
        stdout: false,
        stderr: false,
        colour: (false, false),
        unicode: true,
        dumb: false,
        columns: None,
    };

    /// Which of the process's streams are terminals; colour and locale are the settings' to decide.
    #[expect(clippy::disallowed_methods, reason = "ui owns the streams")]
    pub fn of_process() -> Self {
        Terminal {
            stdin: io::stdin().is_terminal(),
            stdout: io::stdout().is_terminal(),
            stderr: io::stderr().is_terminal(),
            // A terminal that does not know its width says 0.
            columns: terminal_size::terminal_size_of(io::stdout())
                .map(|(width, _)| width.0)
                .filter(|width| *width > 0),
            ..Terminal::NONE
        }
    }
}

/// The streams of one run and what may be written to them.
#[derive(Clone)]
pub struct Ui {
    out: Stream,
    err: Stream,
    pub terminal: Terminal,
    pub quiet: bool,
}

impl Ui {
    pub fn new(out: Stream, err: Stream, terminal: Terminal) -> Self {
        Ui { out, err, terminal, quiet: false }
    }

    #[expect(clippy::disallowed_methods, reason = "ui owns the streams")]
    pub fn of_process() -> Self {
        Ui::new(Stream::new(io::stdout()), Stream::new(io::stderr()), Terminal::of_process())
    }

    /// Data: what the user asked for.
    pub fn out(&self) -> Stream {
        self.out.clone()
    }

    /// Everything else.
    pub fn err(&self) -> Stream {
        self.err.clone()
    }

    /// A line of data on stdout, sanitised when a person reads it.
    pub fn data(&self, line: &str) -> io::Result<()> {
        let mut out = self.out();
        out.write_all(line.as_bytes())?;
        out.write_all(b"\n")?;
        out.flush()
    }

    /// A notice on stderr; silent under `--quiet`. A closed stderr is no reason to fail.
    pub fn note(&self, message: &str) {
        if !self.quiet {
            let _ = writeln!(self.err(), "{}", defuse(message));
        }
    }

    /// As [`Ui::note`], already styled and safe.
    pub fn show(&self, message: &str) {
        if !self.quiet {
            let _ = writeln!(self.err(), "{message}");
        }
    }

    /// Something that the user should know although all goes on; shown under `--quiet` too.
    pub fn warn(&self, message: &str) {
        let _ = writeln!(self.err(), "{}: {}", self.paint(Style::Warning, "warning"), defuse(message));
    }

    /// An error, as it is: the caller made it safe. Shown whatever the flags say.
    pub fn complain(&self, message: &str) {
        let _ = writeln!(self.err(), "{message}");
    }

    /// `text` in a style, where stderr shows colour.
    pub fn paint(&self, style: Style, text: &str) -> String {
        style.paint(text, self.terminal.colour.1)
    }

    /// The terminal on stderr as a place to draw on, where there is one.
    pub fn screen(&self) -> Option<Screen> {
        self.terminal.stderr.then(|| Screen::new(self.err()))
    }

    /// The same for a block of lines that is drawn again and again.
    pub fn canvas(&self) -> Option<Canvas> {
        self.screen().map(Canvas::new)
    }
}

/// The few styles of the tool. Meaning never hangs on colour alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    Error,
    Warning,
    Good,
    Strong,
    Dim,
}

impl Style {
    pub fn paint(self, text: &str, colour: bool) -> String {
        if !colour {
            return text.to_owned();
        }
        let code = match self {
            Style::Error => "1;31",
            Style::Warning => "33",
            Style::Good => "32",
            Style::Strong => "1",
            Style::Dim => "2",
        };
        format!("\x1b[{code}m{text}\x1b[0m")
    }
}
