//! One script as a process of its own group: its output, its time-out, its end. Nothing else here starts processes.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io::{self, Read};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rustix::io::Errno;
use rustix::process::{Pid, Signal, kill_process_group, test_kill_process_group};

use super::log::Log;

/// What a script gets after TERM before it gets KILL.
const GRACE: Duration = Duration::from_secs(5);
/// How often a running script is looked at.
const POLL: Duration = Duration::from_millis(50);
/// A line that grows beyond this is logged in pieces.
const LINE_BYTES: usize = 64 << 10;

/// How a script ended.
#[derive(Debug)]
pub enum End {
    /// None where a signal ended it.
    Exited(Option<i32>),
    TimedOut,
    /// It ended, but something that it started holds `STDOUT` or `STDERR`.
    LeftOpen(&'static str),
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
}

/// Runs a script to its end; its output goes to the log, line by line.
pub fn run(script: &Script<'_>, log: &Arc<Mutex<Log>>) -> End {
    let started = now();
    let mut child = match spawn(script) {
        Ok(child) => child,
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
    let mut status = None;
    while status.is_none() || !open.is_empty() {
        if status.is_none() {
            status = child.try_wait().unwrap_or(None);
        }
        let left = script.timeout.saturating_sub(now().duration_since(started));
        if left.is_zero() {
            return overrun(&mut child, status, &open, &receiver);
        }
        match receiver.recv_timeout(left.min(POLL)) {
            Ok(closed) => open.retain(|name| *name != closed),
            Err(RecvTimeoutError::Timeout) => {}
            // Both streams are closed: only the end is left to wait for.
            Err(RecvTimeoutError::Disconnected) => {
                open.clear();
                pause(left.min(POLL / 5), status.is_none());
            }
        }
    }
    End::Exited(status.and_then(|status| status.code()))
}

fn overrun(
    child: &mut Child,
    status: Option<ExitStatus>,
    open: &[&'static str],
    receiver: &mpsc::Receiver<&'static str>,
) -> End {
    end_group(child, status.is_some(), receiver);
    match (status, open.first()) {
        (Some(_), Some(stream)) => End::LeftOpen(stream),
        _ => End::TimedOut,
    }
}

/// TERM to the whole group; KILL to what is left once the script and its output have ended, or after the grace.
fn end_group(child: &mut Child, reaped: bool, receiver: &mpsc::Receiver<&'static str>) {
    let group = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    let signal = |signal: Signal| group.is_some_and(|group| kill_process_group(group, signal).is_ok());
    let asked = now();
    let (mut ended, mut closed) = (reaped, false);
    let mut remains = signal(Signal::TERM);
    while remains && !(ended && closed) && now().duration_since(asked) < GRACE {
        closed = receiver.recv_timeout(POLL / 5) == Err(RecvTimeoutError::Disconnected);
        ended = ended || matches!(child.try_wait(), Ok(Some(_)));
        pause(POLL / 5, closed && !ended);
        remains = group.is_some_and(|group| test_kill_process_group(group).is_ok());
    }
    if remains {
        signal(Signal::KILL);
    }
    if !ended {
        let _ = child.wait();
    }
}

fn spawn(script: &Script<'_>) -> io::Result<Child> {
    for _ in 0..20 {
        match command(script, script.program.as_os_str()).spawn() {
            // Another thread's fork held the freshly written script open for a moment.
            Err(error) if error.raw_os_error() == Some(Errno::TXTBSY.raw_os_error()) => pause(POLL / 5, true),
            // No `#!` line.
            Err(error) if error.raw_os_error() == Some(Errno::NOEXEC.raw_os_error()) => {
                return command(script, OsStr::new("/bin/sh")).arg(script.program).spawn();
            }
            result => return result,
        }
    }
    command(script, script.program.as_os_str()).spawn()
}

#[expect(clippy::disallowed_methods, reason = "the runner starts hook scripts")]
fn command(script: &Script<'_>, program: &OsStr) -> Command {
    let mut command = Command::new(program);
    command
        .args(script.arguments)
        .current_dir(script.directory)
        .env_clear()
        .envs(script.environment)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0);
    command
}

/// Whether a program ends well. It sees an empty environment and its output goes nowhere.
#[expect(clippy::disallowed_methods, reason = "the runner finds out how scripts can be isolated")]
pub fn succeeds(program: &Path, arguments: &[&str]) -> bool {
    let mut command = Command::new(program);
    command.args(arguments).env_clear().stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
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
                if line.ends_with(b"\n") || line.len() >= LINE_BYTES {
                    put(&line);
                    line.clear();
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

#[expect(clippy::disallowed_methods, reason = "time-outs of scripts are real time")]
fn now() -> Instant {
    Instant::now()
}

#[expect(
    clippy::disallowed_methods,
    reason = "a script's end cannot be waited for with a time limit otherwise"
)]
fn pause(duration: Duration, needed: bool) {
    if needed {
        thread::sleep(duration);
    }
}
