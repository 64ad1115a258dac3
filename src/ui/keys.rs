//! Keys as they are typed, without waiting for a line: the terminal on stdin is put in that mode and put back at
//! every end. Ctrl-C and Ctrl-Z stay signals. Knows nothing of what a key means.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use rustix::termios::{self, LocalModes, OptionalActions, SpecialCodeIndex, Termios};

/// How often the keyboard is looked at: no key waits for long, and nothing is spent in between.
const LOOK: Duration = Duration::from_millis(50);

/// A key that was typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    Char(char),
    Enter,
    Escape,
    Up,
    Down,
}

/// The keyboard, for as long as this value lives.
#[derive(Debug)]
pub struct Keyboard {
    input: OwnedFd,
    before: Termios,
}

impl Keyboard {
    /// Whether there is one to take: stdin is a terminal, and no other job has it.
    pub fn is_there() -> bool {
        let stdin = io::stdin();
        termios::isatty(&stdin) && is_foreground(&stdin)
    }

    /// Takes the keyboard; `None` where there is none.
    ///
    /// # Errors
    /// The terminal refuses.
    pub fn take() -> io::Result<Option<Self>> {
        if !Self::is_there() {
            return Ok(None);
        }
        let stdin = io::stdin();
        let before = termios::tcgetattr(&stdin)?;
        let input = stdin.as_fd().try_clone_to_owned()?;
        let keyboard = Keyboard { input, before };
        keyboard.resume()?;
        Ok(Some(keyboard))
    }

    /// Takes it again, unless another job has it now.
    ///
    /// # Errors
    /// The terminal refuses.
    pub fn resume(&self) -> io::Result<()> {
        if !is_foreground(&self.input) {
            return Ok(());
        }
        let mut each_key = self.before.clone();
        each_key.local_modes -= LocalModes::ICANON | LocalModes::ECHO;
        // A read gives what is there and never waits.
        each_key.special_codes[SpecialCodeIndex::VMIN] = 0;
        each_key.special_codes[SpecialCodeIndex::VTIME] = 0;
        Ok(termios::tcsetattr(&self.input, OptionalActions::Now, &each_key)?)
    }

    /// Gives it back for a while.
    pub fn release(&self) {
        if is_foreground(&self.input) {
            let _ = termios::tcsetattr(&self.input, OptionalActions::Now, &self.before);
        }
    }

    /// The next keys; needs a tokio runtime.
    pub async fn next(&self) -> Vec<Key> {
        let mut looks = tokio::time::interval(LOOK);
        loop {
            looks.tick().await;
            let mut bytes = [0; 64];
            let read = match is_foreground(&self.input) {
                true => rustix::io::read(&self.input, &mut bytes).unwrap_or(0),
                false => 0,
            };
            if read > 0 {
                return keys(&bytes[..read]);
            }
        }
    }
}

impl Drop for Keyboard {
    fn drop(&mut self) {
        self.release();
    }
}

/// What is typed on a terminal is not shown while this value lives.
#[derive(Debug)]
pub struct Unseen {
    terminal: OwnedFd,
    before: Termios,
}

impl Unseen {
    /// # Errors
    /// The terminal refuses.
    pub fn on(terminal: impl AsFd) -> io::Result<Self> {
        let terminal = terminal.as_fd().try_clone_to_owned()?;
        let before = termios::tcgetattr(&terminal)?;
        let mut unseen = before.clone();
        unseen.local_modes -= LocalModes::ECHO;
        termios::tcsetattr(&terminal, OptionalActions::Now, &unseen)?;
        Ok(Unseen { terminal, before })
    }
}

impl Drop for Unseen {
    fn drop(&mut self) {
        let _ = termios::tcsetattr(&self.terminal, OptionalActions::Now, &self.before);
    }
}

/// A job in the background that touches its terminal is stopped by the system; one that the terminal does not control
/// is not.
pub fn is_foreground(terminal: impl AsFd) -> bool {
    match termios::tcgetpgrp(terminal) {
        Ok(group) => group == rustix::process::getpgrp(),
        Err(error) => error == rustix::io::Errno::NOTTY,
    }
}

/// The keys in a piece of input; what is not known is left out.
fn keys(bytes: &[u8]) -> Vec<Key> {
    let mut keys = Vec::new();
    let mut rest = bytes;
    while let [first, after @ ..] = rest {
        rest = after;
        match (first, after) {
            (0x1b, [b'[' | b'O', end, ..]) => {
                keys.extend(match end {
                    b'A' => Some(Key::Up),
                    b'B' => Some(Key::Down),
                    _ => None,
                });
                let length = after.iter().skip(1).position(|byte| matches!(byte, 0x40..=0x7e));
                rest = &after[length.map_or(after.len(), |length| length + 2)..];
            }
            (0x1b, _) => keys.push(Key::Escape),
            (b'\r' | b'\n', _) => keys.push(Key::Enter),
            (0x20..=0x7e, _) => keys.push(Key::Char(char::from(*first))),
            _ => {}
        }
    }
    keys
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_told_apart() {
        assert_eq!(keys(b"s\r"), [Key::Char('s'), Key::Enter]);
        assert_eq!(keys(b"\x1b[A\x1bOBx"), [Key::Up, Key::Down, Key::Char('x')]);
        assert_eq!(keys(b"\x1b"), [Key::Escape]);
        assert_eq!(keys(b"\x1b[1;5Cy\x1b["), [Key::Char('y'), Key::Escape, Key::Char('[')]);
        assert_eq!(keys(&[0xff, 0, 7, b'?']), [Key::Char('?')]);
    }
}
