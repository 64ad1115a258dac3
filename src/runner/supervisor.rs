//! The shell beside an isolated script. Bubblewrap ends a script's namespace with its first process, holds its streams
//! open for as long, and tells a signal from an exit code in no way; so its first process is this shell, which says how
//! the script ended and stays while anything runs that the script left. Starts nothing.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::sync::mpsc;
use std::thread;

use rustix::io::Errno;

use super::process::End;

/// A shell's exit codes above it stand for signals.
const SIGNALS: i32 = 128;

/// Runs its arguments. The script's streams are 3 and 4, which bubblewrap does not keep; its own words go where the
/// supervisor's do, to standard input.
pub const OUTSIDE: &str = "exec 3>&1 4>&2 >&0 2>&0; exec \"$@\"";

/// Runs the script that it is given, within the namespace. What the system would not start it says itself: the shell's
/// own complaint would be one of the script's lines, and its code one of the script's codes. A line that it is told is
/// TERM for all but itself: bubblewrap passes no signal on. Bash complains of no signal while it keeps to POSIX.
pub const INSIDE: &str = r##"[ -z "$BASH_VERSION" ] || set +o posix
no() { exec 3>&- 4>&-; echo "$1"; echo "$2"; exit; }
[ -e "$1" ] || no missing 127
[ -f "$1" ] && [ -x "$1" ] || no "not to be executed" 126
{ IFS= read -r by <"$1"; } 2>/dev/null
case $by in "#!"*) by=${by#??} by=${by#"${by%%[![:blank:]]*}"} by=${by%%[[:blank:]]*} ;; *) by= ;; esac
[ -z "$by" ] || [ -e "$by" ] || no "no interpreter" 127
[ -z "$by" ] || { [ -f "$by" ] && [ -x "$by" ]; } || no "no interpreter to be executed" 126
exec 5<&0
trap : TERM
{ IFS= read -r by <&5 && kill -s TERM -- -1; } 3>&- 4>&- &
ear=$!
(exec "$@" </dev/null >&3 2>&4 3>&- 4>&- 5<&-)
code=$?
exec 3>&- 4>&-
alone() { for p in /proc/[0-9]*; do case $p in /proc/1 | "/proc/$$" | "/proc/$ear") ;; *) return 1 ;; esac; done; }
alone && { echo "$code"; exit; }
echo "$code left"
until alone; do sleep 1; done"##;

/// What is said of a script that is not there.
const MISSING: &str = "missing\n";

/// The most that is read of what a supervisor says.
const BYTES: u64 = 64 << 10;

/// What was said of a script's end.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Word {
    /// As the shell has it; none where the shell never came to it.
    pub code: Option<i32>,
    /// Something that the script started still runs.
    pub left: bool,
    /// What the shell or bubblewrap complained of before.
    pub said: String,
}

impl Word {
    /// How the script ended, as far as the shell saw it. A shell complains of a signal (but for INT and PIPE) and of
    /// what it cannot start; of an exit code it doesn't.
    pub fn end(&self) -> Option<End> {
        let code = self.code?;
        let complained = !self.said.is_empty();
        Some(match code {
            127 if self.said == MISSING => End::Missing,
            126 if complained => End::NotStarted(Errno::ACCESS.into()),
            127 if complained => End::NotStarted(Errno::NOENT.into()),
            code => of_code(code, complained),
        })
    }
}

/// What a shell's exit code stands for; of a signal it complains.
pub fn of_code(code: i32, complained: bool) -> End {
    match code.checked_sub(SIGNALS) {
        Some(signal @ 1..) if complained => End::Signalled(Some(signal)),
        _ => End::Exited(code),
    }
}

/// Has a supervisor send TERM to all that it started; false where it has gone.
pub fn end(mut supervisor: &UnixStream) -> bool {
    supervisor.write_all(b"end\n").is_ok()
}

/// Hears one word, in a thread that lasts as long as the supervisor.
pub fn listen(stream: UnixStream) -> mpsc::Receiver<Word> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut reader = BufReader::new(stream.take(BYTES));
        // The waiter may have given up already.
        let _ = sender.send(word(&mut reader));
        let _ = io::copy(&mut reader.into_inner().into_inner(), &mut io::sink());
    });
    receiver
}

fn word(reader: &mut impl BufRead) -> Word {
    let mut word = Word::default();
    let mut line = Vec::new();
    while matches!(reader.read_until(b'\n', &mut line), Ok(1..)) {
        let text = String::from_utf8_lossy(&line);
        let (code, left) = match text.trim_end().split_once(' ') {
            Some((code, "left")) => (code, true),
            _ => (text.trim_end(), false),
        };
        if let Ok(code) = code.parse() {
            return Word { code: Some(code), left, ..word };
        }
        word.said.push_str(&text);
        line.clear();
    }
    word
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signal_is_not_an_exit_code() {
        let end = |text: &str| word(&mut text.as_bytes()).end();
        assert!(matches!(end("0\n"), Some(End::Exited(0))));
        assert!(matches!(end("137\n"), Some(End::Exited(137))));
        assert!(matches!(end("Killed\n137 left\n"), Some(End::Signalled(Some(9)))));
        assert!(matches!(end("no interpreter\n127\n"), Some(End::NotStarted(_))));
        assert!(matches!(end("missing\n127\n"), Some(End::Missing)));
        assert!(matches!(end("127\n"), Some(End::Exited(127))));
        let failed = word(&mut "bwrap: no\n".as_bytes());
        assert_eq!((failed.end().is_none(), failed.said.as_str()), (true, "bwrap: no\n"));
        assert!(word(&mut "1 left\n".as_bytes()).left);
    }
}
