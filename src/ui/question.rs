//! Questions to a person: asked on stderr, answered on the terminal. A thread waits for the answer, so that a signal
//! ends the command meanwhile. Knows nothing of what is asked.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, BufRead, BufReader, IsTerminal, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

use super::keys::Unseen;
use super::{Stream, Ui, text};

/// More than anybody types as an answer.
const LONGEST_LINE: u64 = 4096;

/// A question that stands open. Whatever ends it, the terminal shows again what is typed, and the next line begins on
/// a line of its own.
struct Open {
    err: Stream,
    unseen: Option<Unseen>,
    answered: bool,
}

impl Drop for Open {
    fn drop(&mut self) {
        if self.unseen.is_some() || !self.answered {
            let _ = writeln!(self.err);
        }
    }
}

impl Ui {
    /// Asks a question on stderr and reads the answer from stdin; `None` where either is no terminal. Needs a tokio
    /// runtime.
    #[expect(clippy::disallowed_methods, reason = "ui owns the streams")]
    pub async fn ask(&self, question: &str) -> io::Result<Option<bool>> {
        if !self.terminal.stdin || !io::stderr().is_terminal() {
            return Ok(None);
        }
        let answer = self.answer(&format!("{question} [y/N] "), stdin()?, false).await?;
        Ok(Some(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes")))
    }

    /// Asks for a line that the terminal does not show, on the one that stderr is, whatever stdin is; `None` where it
    /// is none. Needs a tokio runtime.
    #[expect(clippy::disallowed_methods, reason = "ui owns the streams")]
    pub async fn ask_unseen(&self, question: &str) -> io::Result<Option<String>> {
        let terminal = match rustix::termios::ttyname(io::stderr(), Vec::new()) {
            Err(_) => return Ok(None),
            Ok(_) if self.terminal.stdin => stdin()?,
            Ok(name) => File::open(PathBuf::from(OsString::from_vec(name.into_bytes())))?,
        };
        self.answer(question, terminal, true).await.map(Some)
    }

    async fn answer(&self, question: &str, terminal: File, unseen: bool) -> io::Result<String> {
        let unseen = if unseen { Some(Unseen::on(&terminal)?) } else { None };
        let mut open = Open { err: self.err(), unseen, answered: false };
        write!(open.err, "{}", text(question))?;
        open.err.flush()?;
        let read = move || {
            let mut answer = String::new();
            BufReader::new(terminal).take(LONGEST_LINE).read_line(&mut answer).map(|_| answer)
        };
        let answer = tokio::task::spawn_blocking(read).await.map_err(io::Error::other)??;
        // A signal that came before the answer ends the command, whatever the answer is.
        tokio::task::yield_now().await;
        open.answered = answer.ends_with('\n');
        Ok(answer)
    }
}

fn stdin() -> io::Result<File> {
    Ok(File::from(io::stdin().as_fd().try_clone_to_owned()?))
}
