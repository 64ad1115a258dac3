//! `scripts.log`, the log of all deployments beside it, and the end of it that the service is sent.
//!
//! Source: official agent 1.8.1, hook_executor (ScriptLog) and deployment_log; official agent 2.x, script_run_log, which takes out what
//! terminals read as commands.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use crate::appspec::Agent;

/// The tail holds whole entries: agent 1's of fewer characters than this in all, agent 2's of no more bytes.
const TAIL: usize = 2048;
/// One event writes no more to the file.
const FILE_BYTES: usize = 64 << 20;

const TIME: &str = "%Y-%m-%d %H:%M:%S";

/// As many older logs of all deployments are kept, and each begins anew at so many bytes.
const OLD_LOGS: usize = 7;
const LOG_BYTES: u64 = 64 << 20;

/// Hears every entry as it is made; what it hears is a script's, not sanitised.
pub type Listener = Arc<dyn Fn(&str) + Send + Sync>;

pub struct Log {
    file: File,
    /// The log of all deployments, and whose entries these are.
    beside: Option<(File, String)>,
    agent: Agent,
    listener: Option<Listener>,
    written: usize,
    /// Entries and how long they are, as the agent counts.
    tail: VecDeque<(usize, String)>,
    length: usize,
}

impl Log {
    /// Opens the log for one event.
    pub fn open(path: &Path, agent: Agent, listener: Option<Listener>) -> Result<Self, String> {
        if let Some(directory) = path.parent() {
            super::layout::make_dir(directory)?;
        }
        let file = super::layout::open(path, OpenOptions::new().create(true).append(true))?;
        Ok(Log { file, beside: None, agent, listener, written: 0, tail: VecDeque::new(), length: 0 })
    }

    /// Writes agent 1's entries to the log of all deployments as well. One that cannot be opened is done without, and so
    /// is one behind a link.
    pub fn beside(mut self, path: &Path, deployment: &str) -> Self {
        if self.agent == Agent::One {
            let open = || {
                let folder = path.parent().filter(|folder| !folder.is_symlink())?;
                super::layout::make_dir(folder).ok()?;
                if fs::metadata(path).is_ok_and(|log| log.len() > LOG_BYTES) {
                    shift(path);
                }
                super::layout::open(path, OpenOptions::new().create(true).append(true)).ok()
            };
            self.beside = open().map(|file| (file, deployment.to_owned()));
        }
        self
    }

    /// An entry for the file and the tail, with its line feed where it has one.
    pub fn entry(&mut self, text: &str) {
        let text = match self.agent {
            Agent::One => Cow::Borrowed(text),
            Agent::Two => without_escapes(text),
        };
        self.write(&text);
        if let Some(listener) = &self.listener {
            listener(&text);
        }
        let (length, most) = match self.agent {
            Agent::One => (text.chars().count(), TAIL - 1),
            Agent::Two => (text.len(), TAIL),
        };
        self.tail.push_back((length, text.into_owned()));
        self.length += length;
        while self.length > most {
            let Some((dropped, _)) = self.tail.pop_front() else { break };
            self.length -= dropped;
        }
    }

    /// A remark of this tool's; not in the tail, for the agent makes none.
    pub fn note(&mut self, text: &str) {
        let text = format!("[note]{text}\n");
        self.write(&text);
        if let Some(listener) = &self.listener {
            listener(&text);
        }
    }

    pub fn tail(&self) -> String {
        self.tail.iter().map(|(_, text)| text.as_str()).collect()
    }

    fn write(&mut self, text: &str) {
        if self.written > FILE_BYTES {
            return;
        }
        let mut line = format!("{} {text}", now(TIME));
        self.written += line.len();
        if self.written > FILE_BYTES {
            line = format!("{} [note]the log is full; further output is dropped\n", now(TIME));
        }
        // A log that cannot be written is no reason to fail a deployment.
        let _ = self.file.write_all(line.as_bytes());
        if let Some((file, deployment)) = &mut self.beside {
            let line = format!("{} [{deployment}]{}\n", now("[%Y-%m-%d %H:%M:%S.%3f]"), text.trim_end());
            let _ = file.write_all(line.as_bytes());
        }
    }
}

/// Gives a log another name, and the older ones theirs: `….log.0` is the last.
fn shift(path: &Path) {
    let old = |number: usize| path.with_extension(format!("log.{number}"));
    for number in (1..OLD_LOGS).rev() {
        let _ = fs::rename(old(number - 1), old(number));
    }
    let _ = fs::rename(path, old(0));
}

/// The text without the escape sequences of terminals: `ESC [ … letter`, `ESC ] … BEL` or `ESC ] … ESC \`, and `ESC`
/// with one character.
fn without_escapes(text: &str) -> Cow<'_, str> {
    if !text.contains('\u{1b}') {
        return Cow::Borrowed(text);
    }
    let mut kept = String::new();
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        if character != '\u{1b}' {
            kept.push(character);
            continue;
        }
        match characters.next_if(|next| *next != '\n') {
            Some('[') => {
                while characters.next_if(|next| matches!(next, ' '..='?')).is_some() {}
                characters.next_if(|next| matches!(next, '@'..='~'));
            }
            Some(']' | 'P' | 'X' | '^' | '_') => {
                while let Some(next) = characters.next_if(|next| *next != '\n') {
                    if next == '\u{7}' || (next == '\u{1b}' && characters.next_if_eq(&'\\').is_some()) {
                        break;
                    }
                }
            }
            _ => {}
        }
    }
    Cow::Owned(kept)
}

#[expect(clippy::disallowed_methods, reason = "the agent's log carries local wall-clock time")]
fn now(format: &str) -> String {
    jiff::Zoned::now().strftime(format).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log_of(agent: Agent) -> (tempfile::TempDir, Log) {
        let directory = tempfile::tempdir().unwrap();
        let log = Log::open(&directory.path().join("logs/scripts.log"), agent, None).unwrap();
        (directory, log)
    }

    fn log() -> (tempfile::TempDir, Log) {
        log_of(Agent::One)
    }

    #[test]
    fn agent_2_counts_bytes_and_knows_no_colours() {
        let (guard, mut log) = log_of(Agent::Two);
        let line = format!("{}\n", "é".repeat(600));
        for _ in 0..3 {
            log.entry(&line);
        }
        assert_eq!(log.tail(), line);
        log.entry(&"x".repeat(2048));
        assert_eq!(log.tail().len(), 2048);
        log.entry("[stdout]\u{1b}[1;31mred\u{1b}[0m \u{1b}]0;title\u{7}\u{1b}]8;;x\u{1b}\\b\u{1b}Mc\u{1b}\n");
        assert_eq!(log.tail(), "[stdout]red bc\n");
        let text = std::fs::read_to_string(guard.path().join("logs/scripts.log")).unwrap();
        assert!(text.ends_with(" [stdout]red bc\n"), "{text}");
    }

    #[test]
    fn the_tail_keeps_whole_entries_below_2048_characters() {
        let (_guard, mut log) = log();
        let line = format!("{}\n", "é".repeat(999));
        for _ in 0..3 {
            log.entry(&line);
        }
        assert_eq!(log.tail(), line.repeat(2));
        log.entry(&"x".repeat(2047));
        assert_eq!(log.tail().len(), 2047);
        log.entry(&"x".repeat(2048));
        assert_eq!(log.tail(), "");
    }

    #[test]
    fn the_log_of_all_deployments_begins_anew_where_it_is_long() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("logs/all.log");
        let log = |id: &str| {
            let log = Log::open(&directory.path().join("scripts.log"), Agent::One, None).unwrap();
            log.beside(&path, id).entry("Script - a.sh\n");
        };
        log("d-1");
        for number in 0..OLD_LOGS {
            fs::write(path.with_extension(format!("log.{number}")), number.to_string()).unwrap();
        }
        File::options().write(true).open(&path).unwrap().set_len(LOG_BYTES + 1).unwrap();
        log("d-2");
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.starts_with('[') && text.ends_with("] [d-2]Script - a.sh\n"), "{text}");
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), OLD_LOGS + 1);
        assert_eq!(fs::read_to_string(path.with_extension("log.6")).unwrap(), "5");
    }

    #[test]
    fn notes_stay_in_the_file() {
        let (guard, mut log) = log();
        log.entry("Script - a.sh\n");
        log.note("runas is not done");
        assert_eq!(log.tail(), "Script - a.sh\n");
        let text = std::fs::read_to_string(guard.path().join("logs/scripts.log")).unwrap();
        assert!(text.ends_with(" [note]runas is not done\n"), "{text}");
    }
}
