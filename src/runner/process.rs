//! One script as a process of its own group: its output, its time-out, its end. Nothing else here starts processes.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io::{self, Read};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rustix::io::Errno;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};

use super::groups::{Groups, LAST_GRACE};
use super::log::Log;
use super::supervisor::{self, Word};
use crate::scratch::{Running, spawn_group};

/// What a script gets after TERM before it gets KILL.
const GRACE: Duration = Duration::from_secs(5);
/// How often a running script is looked at.
const POLL: Duration = Duration::from_millis(50);
/// A line that grows beyond this is logged in pieces.
const LINE_BYTES: usize = 64 << 10;

/// How a script ended.
#[derive(Debug)]
pub enum End {
    Exited(i32),
    /// A signal ended it; its number, where it is known.
    Signalled(Option<i32>),
    TimedOut {
        /// TERM did not end it: it had KILL.
        killed: bool,
    },
    /// All scripts shall end, or this one was not started for that reason.
    Stopped,
    /// It ended, but something that it started holds `STDOUT` or `STDERR`.
    LeftOpen(&'static str),
    /// There is no such file where it was to run.
    Missing,
    /// It could not be started.
    NotStarted(io::Error),
}

/// What to run.
pub struct Script<'a> {
    pub program: &'a Path,
    pub arguments: &'a [OsString],
    pub directory: &'a Path,
    /// All that the script sees; nothing is inherited.
    pub environment: &'a BTreeMap<String, String>,
    pub timeout: Duration,
    /// The program is a [`supervisor`] that says on its standard input how the script ended.
    pub supervised: bool,
    /// What holds its output open once it has ended is left alone.
    pub leaves: bool,
}

/// Runs a script to its end; its output goes to the log, line by line.
pub fn run(script: &Script<'_>, log: &Arc<Mutex<Log>>, groups: &Groups) -> End {
    if groups.stopped() {
        return End::Stopped;
    }
    let started = now();
    let (mut child, running, told) = match start(script) {
        Ok(started) => started,
        Err(error) => return End::NotStarted(error),
    };
    let (sender, receiver) = mpsc::channel();
    let mut open = vec!["STDOUT", "STDERR"];
    let (out, err) = (child.stdout.take(), child.stderr.take());
    if let Some(out) = out {
        drain(out, "[stdout]", "STDOUT", log, sender.clone());
    }
    if let Some(err) = err {
        drain(err, "[stderr]", "STDERR", log, sender);
    }
    let mut word = None;
    let mut ended = false;
    while !ended || !open.is_empty() {
        word = word.or_else(|| told.as_ref()?.0.try_recv().ok());
        ended = ended || word.is_some() || has_ended(&child);
        let left = script.timeout.saturating_sub(now().duration_since(started));
        let stopped = groups.stopped();
        if left.is_zero() || stopped {
            let left_open = open.first().filter(|_| ended && !stopped);
            if let Some(stream) = left_open.filter(|_| script.leaves) {
                drop(running);
                groups.leave(child);
                return End::LeftOpen(stream);
            }
            let grace = if stopped { LAST_GRACE } else { GRACE };
            let killed = end_group((&mut child, running, ended), told.as_ref(), &receiver, grace);
            return match left_open {
                _ if stopped => End::Stopped,
                Some(stream) => End::LeftOpen(stream),
                None => End::TimedOut { killed },
            };
        }
        match receiver.recv_timeout(left.min(POLL)) {
            Ok(closed) => open.retain(|name| *name != closed),
            Err(RecvTimeoutError::Timeout) => {}
            // Both streams are closed: only the end is left to wait for.
            Err(RecvTimeoutError::Disconnected) => {
                open.clear();
                pause(left.min(POLL / 5), !ended);
            }
        }
    }
    // Nobody can say it any more once the supervisor has ended.
    let word = word.or_else(|| told?.0.recv_timeout(GRACE).ok());
    drop(running);
    let end = finish(&mut child, word, log);
    groups.leave(child);
    end
}

/// How a script ended that did so by itself.
fn finish(child: &mut Child, word: Option<Word>, log: &Mutex<Log>) -> End {
    let Some(word) = word else { return of_status(child.wait()) };
    if let Some(end) = word.end() {
        if !word.left {
            let _ = child.wait();
        }
        return end;
    }
    // The script never began, or took its supervisor with it.
    for line in word.said.lines() {
        log.lock().unwrap_or_else(PoisonError::into_inner).entry(&format!("[stderr]{line}\n"));
    }
    match of_status(child.wait()) {
        End::Exited(code) => supervisor::of_code(code, true),
        end => end,
    }
}

fn of_status(status: io::Result<ExitStatus>) -> End {
    let code = status.as_ref().ok().and_then(ExitStatus::code);
    code.map_or_else(|| End::Signalled(status.ok().and_then(|status| status.signal())), End::Exited)
}

/// What a supervisor says, and where it is told to end what it started.
type Told = (mpsc::Receiver<Word>, UnixStream);

/// Starts the script, with its supervisor where it has one.
fn start(script: &Script<'_>) -> io::Result<(Child, Running, Option<Told>)> {
    if !script.supervised {
        let (child, running) = spawn(script, None)?;
        return Ok((child, running, None));
    }
    let (ours, theirs) = UnixStream::pair()?;
    let heard = ours.try_clone()?;
    let (child, running) = spawn(script, Some(&OwnedFd::from(theirs)))?;
    Ok((child, running, Some((supervisor::listen(heard), ours))))
}

/// The script's process group. Its number is nobody else's until the script is waited for, or while anything of the
/// group runs.
pub(super) fn group(child: &Child) -> Option<Pid> {
    i32::try_from(child.id()).ok().and_then(Pid::from_raw)
}

/// Whether the script has ended. It is not waited for, so that its number stays its own.
fn has_ended(child: &Child) -> bool {
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    group(child).is_none_or(|pid| !matches!(waitid(WaitId::Pid(pid), options), Ok(None)))
}

/// TERM to the whole group, by its supervisor where it has one; KILL to what is left once the script and its output have
/// ended, or after the grace. Whether the script itself outlived it.
fn end_group(
    (child, running, mut ended): (&mut Child, Running, bool),
    told: Option<&Told>,
    receiver: &mpsc::Receiver<&'static str>,
    grace: Duration,
) -> bool {
    let signal = |signal: Signal| group(child).is_some_and(|group| kill_process_group(group, signal).is_ok());
    let asked = now();
    let mut closed = false;
    let asks = told.map_or_else(|| signal(Signal::TERM), |(_, supervisor)| supervisor::end(supervisor));
    while asks && !(ended && closed) && now().duration_since(asked) < grace {
        closed = receiver.recv_timeout(POLL / 5) == Err(RecvTimeoutError::Disconnected);
        ended = ended || has_ended(child) || told.is_some_and(|(word, _)| word.try_recv().is_ok());
        pause(POLL / 5, closed && !ended);
    }
    signal(Signal::KILL);
    drop(running);
    let _ = child.wait();
    asks && !ended
}

fn spawn(script: &Script<'_>, stdin: Option<&OwnedFd>) -> io::Result<(Child, Running)> {
    for _ in 0..20 {
        match spawn_group(&mut command(script, script.program.as_os_str(), stdin)?) {
            // Another thread's fork held the freshly written script open for a moment.
            Err(error) if error.raw_os_error() == Some(Errno::TXTBSY.raw_os_error()) => pause(POLL / 5, true),
            // No `#!` line.
            Err(error) if error.raw_os_error() == Some(Errno::NOEXEC.raw_os_error()) => {
                return spawn_group(command(script, OsStr::new("/bin/sh"), stdin)?.arg(script.program));
            }
            result => return result,
        }
    }
    spawn_group(&mut command(script, script.program.as_os_str(), stdin)?)
}

#[expect(clippy::disallowed_methods, reason = "the runner starts hook scripts")]
fn command(script: &Script<'_>, program: &OsStr, stdin: Option<&OwnedFd>) -> io::Result<Command> {
    let mut command = Command::new(program);
    command
        .args(script.arguments)
        .current_dir(script.directory)
        .env_clear()
        .envs(script.environment)
        .stdin(stdin.map(OwnedFd::try_clone).transpose()?.map_or_else(Stdio::null, Stdio::from))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    Ok(command)
}

/// What a program of the system says; the error is what it complained of, or that it is not there.
#[expect(clippy::disallowed_methods, reason = "the runner sets ACLs and labels by the system's own programs")]
pub fn tool(program: impl AsRef<OsStr>, arguments: &[&OsStr]) -> io::Result<String> {
    let mut command = Command::new(program);
    command.args(arguments).env_clear().env("PATH", super::hooks::PATH).stdin(Stdio::null());
    let output = command.output()?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(io::Error::other(said.lines().last().unwrap_or("it failed without a word").to_owned()))
}

/// Reads a stream to its end in a thread of its own; says so when it is closed.
fn drain(
    mut stream: impl Read + Send + 'static,
    prefix: &'static str,
    name: &'static str,
    log: &Arc<Mutex<Log>>,
    closed: mpsc::Sender<&'static str>,
) {
    let log = Arc::clone(log);
    thread::spawn(move || {
        let put = |line: &[u8]| {
            let text = format!("{prefix}{}", String::from_utf8_lossy(line));
            log.lock().unwrap_or_else(PoisonError::into_inner).entry(&text);
        };
        let mut line = Vec::new();
        let mut chunk = [0; 8192];
        loop {
            let count = match stream.read(&mut chunk) {
                Ok(0) => break,
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(_) => break,
            };
            for piece in chunk.get(..count).unwrap_or_default().split_inclusive(|byte| *byte == b'\n') {
                line.extend_from_slice(piece);
                if line.ends_with(b"\n") {
                    put(&line);
                    line.clear();
                } else if line.len() >= LINE_BYTES {
                    let rest = line.split_off(line.len() - begun(&line));
                    line.push(b'\n');
                    put(&line);
                    line = rest;
                }
            }
        }
        if !line.is_empty() {
            put(&line);
        }
        // The waiter may have given up already.
        let _ = closed.send(name);
    });
}

/// How many bytes at the end are of a character that is not whole yet.
fn begun(text: &[u8]) -> usize {
    let last = text.iter().rev().take(4).position(|byte| byte & 0xc0 != 0x80).map_or(0, |at| at + 1);
    let end = text.get(text.len() - last..).unwrap_or_default();
    std::str::from_utf8(end).err().filter(|error| error.error_len().is_none()).map_or(0, |_| last)
}

#[expect(clippy::disallowed_methods, reason = "time-outs of scripts are real time")]
pub(super) fn now() -> Instant {
    Instant::now()
}

#[expect(
    clippy::disallowed_methods,
    reason = "a script's end cannot be waited for with a time limit otherwise"
)]
pub(super) fn pause(duration: Duration, needed: bool) {
    if needed {
        thread::sleep(duration);
    }
}

#[cfg(test)]
mod tests {
    use rustix::process::test_kill_process;

    use super::*;

    #[test]
    fn a_script_that_has_ended_keeps_its_number_until_it_is_waited_for() {
        let environment = BTreeMap::new();
        let script = Script {
            program: Path::new("/bin/sh"),
            arguments: &["-c".into(), "exit 3".into()],
            directory: Path::new("/"),
            environment: &environment,
            timeout: Duration::from_secs(60),
            supervised: false,
            leaves: false,
        };
        let (mut child, _running) = spawn(&script, None).unwrap();
        while !has_ended(&child) {
            pause(POLL / 50, true);
        }
        assert!(has_ended(&child), "looking does not wait for it");
        let pid = group(&child).unwrap();
        assert!(test_kill_process(pid).is_ok(), "no other process can have its number");
        assert_eq!(child.wait().unwrap().code(), Some(3));
        assert!(test_kill_process(pid).is_err());
    }

    #[test]
    fn a_line_is_cut_between_characters() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("scripts.log");
        let log = Arc::new(Mutex::new(Log::open(&path, crate::appspec::Agent::One, None).unwrap()));
        let text = format!("a{}\n", "é€😀".repeat(20_000));
        let (sender, receiver) = mpsc::channel();
        drain(io::Cursor::new(text.clone()), "[stdout]", "STDOUT", &log, sender);
        receiver.recv().unwrap();
        let written = std::fs::read_to_string(&path).unwrap();
        let lines: Vec<&str> =
            written.lines().filter_map(|line| Some(line.split_once("[stdout]")?.1)).collect();
        assert_eq!(lines.concat(), text.trim_end());
        assert_eq!(lines.len(), written.lines().count());
        assert!(lines.len() > 2, "{}", lines.len());
        for (end, bytes) in [("é", 0), ("\u{e9}\u{80}", 0), ("", 0)] {
            assert_eq!(begun(end.as_bytes()), bytes, "{end}");
        }
        assert_eq!(begun(&"a😀".as_bytes()[..4]), 3);
        assert_eq!(begun(b"a\x80\x80\x80\x80\x80"), 0, "no character begins so");
    }
}
