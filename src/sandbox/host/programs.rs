//! Programs of this machine that stand for hook functions: they get the payload on standard input and may call back.

use std::collections::{BTreeMap, HashSet};
use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};

use serde_json::Value;

use crate::model::{Diagnostics, LifecycleErrorCode};

/// Takes how a program ended: with exit code 0, or with what it left.
pub type Ended = Box<dyn FnOnce(Result<(), Diagnostics>) + Send>;

/// What invokes the programs of hook functions.
pub trait Programs: Send + Sync {
    /// Starts a program and does not wait for it. `ended` is called once it has ended; the error is why it was not
    /// started.
    fn invoke(&self, command: &[String], payload: &Value, region: &str, ended: Ended) -> Result<(), String>;
}

/// How long a program may run: as long as a hook function has to call back.
const LIMIT: Duration = Duration::from_secs(3600);
/// The end of what a program wrote to stderr that is kept, in bytes. Source: API reference, Diagnostics.
const LOG_TAIL: usize = 4_096;
/// How long the end of its stderr is waited for, where a program has left it open to another that is in no group of its.
const LINGER: Duration = Duration::from_millis(500);
/// What a program gets after TERM before it gets KILL.
const GRACE: Duration = Duration::from_secs(2);

/// Programs of this machine, where `--allow-host-hooks` says so. Each has a process group of its own, which ends with
/// it, after an hour, or with the sandbox.
#[derive(Debug)]
pub struct HostPrograms {
    allowed: bool,
    environment: BTreeMap<String, OsString>,
    limit: Duration,
    running: Arc<Running>,
}

/// The process groups of the programs that run.
#[derive(Debug, Default)]
struct Running {
    state: Mutex<State>,
    /// The last has ended.
    idle: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// None is started any more.
    closed: bool,
    groups: HashSet<Pid>,
}

impl Running {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A group's number is its own for as long as it is listed.
    fn signal(&self, group: Pid, signal: Signal) {
        if self.state().groups.contains(&group) {
            let _ = kill_process_group(group, signal);
        }
    }

    /// Waits for a program, ends what it left running, and says how it ended.
    fn wait(&self, child: &mut Child, group: Pid) -> io::Result<ExitStatus> {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
        while matches!(waitid(WaitId::Pid(group), options), Err(rustix::io::Errno::INTR)) {}
        let mut state = self.state();
        let _ = kill_process_group(group, Signal::KILL);
        state.groups.remove(&group);
        if state.groups.is_empty() {
            self.idle.notify_all();
        }
        // It has ended: this takes no time.
        child.wait()
    }
}

impl HostPrograms {
    /// `environment` is what programs see beside the region.
    pub fn new(allowed: bool, environment: BTreeMap<String, OsString>) -> Self {
        HostPrograms { allowed, environment, limit: LIMIT, running: Arc::default() }
    }

    /// Ends all programs and starts none any more. Returns once they are gone, after two seconds where they do not
    /// mind TERM.
    pub fn shut_down(&self) {
        let mut state = self.running.state();
        state.closed = true;
        for (signal, patience) in [(Signal::TERM, GRACE), (Signal::KILL, GRACE)] {
            for group in &state.groups {
                let _ = kill_process_group(*group, signal);
            }
            let waited =
                self.running.idle.wait_timeout_while(state, patience, |state| !state.groups.is_empty());
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn spawn(&self, command: &[String], region: &str) -> Result<(Child, Pid), String> {
        let [program, arguments @ ..] = command else {
            return Err("The hook's command is empty.".to_owned());
        };
        let mut state = self.running.state();
        if state.closed {
            return Err("The sandbox is ending.".to_owned());
        }
        let child = spawn(program, arguments, &self.environment, region)
            .map_err(|error| format!("{program} could not be started: {error}"))?;
        let group = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
        let group = group.ok_or_else(|| format!("{program} has no process group"))?;
        state.groups.insert(group);
        Ok((child, group))
    }
}

impl Drop for HostPrograms {
    fn drop(&mut self) {
        self.shut_down();
    }
}

#[expect(clippy::disallowed_methods, reason = "a hook function may be a program of the machine")]
fn spawn(
    program: &str,
    arguments: &[String],
    environment: &BTreeMap<String, OsString>,
    region: &str,
) -> io::Result<Child> {
    Command::new(program)
        .args(arguments)
        .env_clear()
        .envs(environment)
        .env("AWS_REGION", region)
        .env("AWS_DEFAULT_REGION", region)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .process_group(0)
        .spawn()
}

impl Programs for HostPrograms {
    fn invoke(&self, command: &[String], payload: &Value, region: &str, ended: Ended) -> Result<(), String> {
        if !self.allowed {
            return Err("The hook function is a program, which would run on this machine as you. Start the \
                        sandbox with --allow-host-hooks."
                .to_owned());
        }
        let (mut child, group) = self.spawn(command, region)?;
        let log = Log::of(child.stderr.take()).map_err(|error| error.to_string())?;
        let program = command.first().cloned().unwrap_or_default();
        let (payload, limit) = (payload.to_string(), self.limit);
        let (over, is_over) = channel::<()>();
        let running = Arc::clone(&self.running);
        let waiting = std::thread::Builder::new().name("hook".to_owned()).spawn(move || {
            if let Some(mut stdin) = child.stdin.take() {
                // A program that doesn't read ends all the same.
                let _ = stdin.write_all(payload.as_bytes());
            }
            let status = running.wait(&mut child, group);
            drop(over);
            ended(match status {
                Ok(status) if status.success() => Ok(()),
                status => Err(left(&program, status.ok().and_then(|status| status.code()), &log)),
            });
        });
        waiting.map_err(|error| error.to_string())?;
        let running = Arc::clone(&self.running);
        let limiting = std::thread::Builder::new().name("hook's hour".to_owned()).spawn(move || {
            for (patience, signal) in [(limit, Signal::TERM), (GRACE, Signal::KILL)] {
                if is_over.recv_timeout(patience) == Err(RecvTimeoutError::Timeout) {
                    running.signal(group, signal);
                }
            }
        });
        limiting.map(drop).map_err(|error| error.to_string())
    }
}

/// What is told of a program that failed: its exit code where it ended of itself, and the end of its stderr.
fn left(program: &str, code: Option<i32>, log: &Log) -> Diagnostics {
    let how = code.map_or("was ended by a signal".to_owned(), |code| format!("failed with exit code {code}"));
    Diagnostics {
        error_code: LifecycleErrorCode::ScriptFailed,
        script_name: program.to_owned(),
        message: format!("Script at specified location: {program} {how}"),
        log_tail: log.end(),
    }
}

/// The end of what a program writes to stderr, read on a thread of its own for as long as somebody may write.
struct Log {
    tail: Tail,
    written: Receiver<()>,
}

impl Log {
    fn of(stderr: Option<impl Read + Send + 'static>) -> io::Result<Self> {
        let (open, written) = channel();
        let tail = Tail::default();
        let mut to = tail.clone();
        let reading = std::thread::Builder::new().name("hook's stderr".to_owned());
        reading.spawn(move || {
            let _open = open;
            // What can't be read is as if it were not written.
            let _ = stderr.map(|mut stderr| io::copy(&mut stderr, &mut to));
        })?;
        Ok(Log { tail, written })
    }

    fn end(&self) -> String {
        let _ = self.written.recv_timeout(LINGER);
        String::from_utf8_lossy(&self.tail.bytes()).into_owned()
    }
}

/// Keeps the last bytes that are written to it.
#[derive(Clone, Default)]
struct Tail(Arc<Mutex<Vec<u8>>>);

impl Tail {
    fn bytes(&self) -> MutexGuard<'_, Vec<u8>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Write for Tail {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut tail = self.bytes();
        tail.extend_from_slice(bytes);
        let over = tail.len().saturating_sub(LOG_TAIL);
        tail.drain(..over);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// What a shell script makes of the payload.
    fn run(allowed: bool, script: &str) -> Result<Result<(), Diagnostics>, String> {
        let programs = HostPrograms::new(allowed, path());
        let (ended, end) = channel();
        let command = ["sh", "-c", script].map(str::to_owned);
        let payload = json!({"DeploymentId": "d-1", "LifecycleEventHookExecutionId": "e"});
        programs.invoke(&command, &payload, "eu-west-1", Box::new(move |well| ended.send(well).unwrap()))?;
        Ok(end.recv_timeout(Duration::from_secs(60)).unwrap())
    }

    #[test]
    fn a_program_reads_the_payload_and_sees_nothing_of_the_caller() {
        let payload = r#"{"DeploymentId":"d-1","LifecycleEventHookExecutionId":"e"}"#;
        assert_eq!(run(true, &format!("test \"$(cat)\" = '{payload}'")), Ok(Ok(())));
        assert_eq!(
            run(true, "test \"$AWS_REGION\" = eu-west-1 && test -z \"$HOME$CARGO_MANIFEST_DIR\""),
            Ok(Ok(()))
        );
    }

    #[test]
    fn a_program_that_fails_says_why() {
        let left = run(true, "echo no such table >&2; exit 3").unwrap().unwrap_err();
        assert_eq!(left.message, "Script at specified location: sh failed with exit code 3");
        assert_eq!((left.log_tail.as_str(), left.script_name.as_str()), ("no such table\n", "sh"));
        let left = run(true, "yes y | head -c 9000 >&2; echo end >&2; kill -9 $$").unwrap().unwrap_err();
        assert_eq!(left.message, "Script at specified location: sh was ended by a signal");
        assert!(left.log_tail.len() == 4_096 && left.log_tail.ends_with("y\nend\n"));
    }

    #[test]
    fn what_a_program_writes_fills_no_disk() {
        assert_eq!(run(true, "test -p /proc/self/fd/2"), Ok(Ok(())));
        let mut tail = Tail::default();
        for _ in 0..1_000 {
            tail.write_all(&[b'y'; 1_000]).unwrap();
        }
        assert!(tail.bytes().len() == LOG_TAIL && tail.bytes().capacity() < 4 * LOG_TAIL);
    }

    #[test]
    fn a_program_ends_though_another_still_holds_its_stderr() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("pid").display().to_string();
        let other = format!("setsid sh -c 'echo $$ > {file}; exec sleep 1000' &");
        let script = format!("echo why >&2; {other} until test -s {file}; do :; done; exit 3");
        let left = run(true, &script).unwrap().unwrap_err();
        assert_eq!(left.log_tail, "why\n");
        let text = std::fs::read_to_string(file).unwrap();
        let other = Pid::from_raw(text.trim().parse().unwrap()).unwrap();
        assert!(is_there(other));
        rustix::process::kill_process(other, Signal::KILL).unwrap();
    }

    #[test]
    fn programs_run_only_where_they_may() {
        assert!(run(false, "true").unwrap_err().contains("--allow-host-hooks"));
        let programs = HostPrograms::new(true, BTreeMap::new());
        let command = ["/nowhere/program".to_owned()];
        let error = programs.invoke(&command, &json!({}), "eu-west-1", Box::new(|_| {})).unwrap_err();
        assert!(error.contains("/nowhere/program could not be started"), "{error}");
        assert!(programs.invoke(&[], &json!({}), "eu-west-1", Box::new(|_| {})).is_err());
    }

    /// A program with a child of its own; both write their numbers, and mind no TERM where `stubborn`.
    fn long(
        programs: &HostPrograms,
        stubborn: bool,
    ) -> (std::sync::mpsc::Receiver<Result<(), Diagnostics>>, Vec<Pid>) {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("pids");
        let trap = if stubborn { "trap '' TERM; " } else { "" };
        let script = format!("{trap}sleep 1000 & echo $! $$ > {0}.new; mv {0}.new {0}; wait", file.display());
        let (ended, end) = channel();
        let command = ["sh".to_owned(), "-c".to_owned(), script];
        let answer = Box::new(move |well| ended.send(well).unwrap());
        programs.invoke(&command, &json!({}), "eu-west-1", answer).unwrap();
        let text = loop {
            match std::fs::read_to_string(&file) {
                Ok(text) => break text,
                Err(_) => std::thread::yield_now(),
            }
        };
        let pid = |text: &str| Pid::from_raw(text.parse().unwrap()).unwrap();
        (end, text.split_whitespace().map(pid).collect())
    }

    fn path() -> BTreeMap<String, OsString> {
        [("PATH".to_owned(), "/usr/bin:/bin".into())].into()
    }

    fn is_there(pid: Pid) -> bool {
        let state =
            std::fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero())).unwrap_or_default();
        // A killed orphan may still wait for init to take notice.
        state.rsplit(')').next().is_some_and(|rest| !rest.trim().is_empty() && !rest.trim().starts_with('Z'))
    }

    #[test]
    fn programs_end_with_the_sandbox_and_what_they_started_with_them() {
        for stubborn in [false, true] {
            let programs = HostPrograms::new(true, path());
            let (end, pids) = long(&programs, stubborn);
            assert_eq!(pids.len(), 2);
            programs.shut_down();
            assert!(end.recv().unwrap().is_err());
            for pid in pids {
                while is_there(pid) {
                    std::thread::yield_now();
                }
            }
            let refused = programs.invoke(&["true".to_owned()], &json!({}), "eu-west-1", Box::new(|_| {}));
            assert_eq!(refused, Err("The sandbox is ending.".to_owned()));
        }
    }

    #[test]
    fn a_program_has_its_time_and_no_more() {
        let mut programs = HostPrograms::new(true, path());
        programs.limit = Duration::from_millis(300);
        let (end, pids) = long(&programs, false);
        assert!(end.recv_timeout(Duration::from_secs(60)).unwrap().is_err());
        for pid in pids {
            while is_there(pid) {
                std::thread::yield_now();
            }
        }
    }
}
