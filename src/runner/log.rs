//! `scripts.log` and the end of it that the service is sent.
//!
//! Source: official agent 1.8.1, hook_executor (ScriptLog).

use std::collections::VecDeque;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use super::failure::ruby;

/// The tail holds whole entries of fewer characters than this in all.
const TAIL_CHARACTERS: usize = 2048;
/// One event writes no more to the file.
const FILE_BYTES: usize = 64 << 20;

/// Hears every entry as it is made; what it hears is a script's, not sanitised.
pub type Listener = Arc<dyn Fn(&str) + Send + Sync>;

pub struct Log {
    file: File,
    listener: Option<Listener>,
    written: usize,
    tail: VecDeque<(usize, String)>,
    characters: usize,
}

impl Log {
    /// Opens the log for one event.
    pub fn open(path: &Path, listener: Option<Listener>) -> Result<Self, String> {
        if let Some(directory) = path.parent() {
            super::layout::make_dir(directory)?;
        }
        let file = OpenOptions::new().create(true).append(true).open(path);
        let file = file.map_err(|error| ruby(&error, "rb_sysopen", path))?;
        Ok(Log { file, listener, written: 0, tail: VecDeque::new(), characters: 0 })
    }

    /// An entry for the file and the tail, with its line feed where it has one.
    pub fn entry(&mut self, text: &str) {
        self.write(text);
        if let Some(listener) = &self.listener {
            listener(text);
        }
        let length = text.chars().count();
        self.tail.push_back((length, text.to_owned()));
        self.characters += length;
        while self.characters >= TAIL_CHARACTERS {
            let Some((dropped, _)) = self.tail.pop_front() else { break };
            self.characters -= dropped;
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
        let mut line = format!("{} {text}", now());
        self.written += line.len();
        if self.written > FILE_BYTES {
            line = format!("{} [note]the log is full; further output is dropped\n", now());
        }
        // A log that cannot be written is no reason to fail a deployment.
        let _ = self.file.write_all(line.as_bytes());
    }
}

#[expect(clippy::disallowed_methods, reason = "the agent's log carries local wall-clock time")]
fn now() -> String {
    jiff::Zoned::now().strftime("%Y-%m-%d %H:%M:%S").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log() -> (tempfile::TempDir, Log) {
        let directory = tempfile::tempdir().unwrap();
        let log = Log::open(&directory.path().join("logs/scripts.log"), None).unwrap();
        (directory, log)
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
    fn notes_stay_in_the_file() {
        let (guard, mut log) = log();
        log.entry("Script - a.sh\n");
        log.note("runas is not done");
        assert_eq!(log.tail(), "Script - a.sh\n");
        let text = std::fs::read_to_string(guard.path().join("logs/scripts.log")).unwrap();
        assert!(text.ends_with(" [note]runas is not done\n"), "{text}");
    }
}
