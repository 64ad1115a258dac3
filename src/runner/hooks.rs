//! The scripts of one event.
//!
//! Source: official agent 1.8.1, hook_executor.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustix::fs::FileType;
use rustix::io::Errno;
use rustix::process::Signal;

use crate::appspec::{self, Agent, Script};
use crate::model::{EventName, LifecycleErrorCode};

use super::failure::Failure;
use super::layout::{Layout, Selected};
use super::log::Log;
use super::process::{self, End};
use super::root::{Place, Root};
use super::{
    Groups, HookPolicy, Host, Isolation, Order, Specification, appspec_of, bubblewrap, stops, supervisor,
};

pub const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Where and how the scripts of an event run.
struct Stage<'a> {
    archive: PathBuf,
    root: Root,
    hooks: &'a HookPolicy,
    groups: &'a Groups,
    environment: BTreeMap<String, String>,
    log: Arc<Mutex<Log>>,
    agent: Agent,
    /// It is this machine, where `sudo` is done, and `runas` for whoever may be another user.
    real: bool,
    is_roots: bool,
}

/// Runs the scripts of an event in order; the first failure ends it.
pub fn run(host: &Host, layout: &Layout, order: &Order<'_>) -> Result<(), Failure> {
    let (specification, event) = (order.specification, order.event);
    let Selected::Archive(archive) = layout.select(stops(event)) else { return Ok(()) };
    let two = order.agent == Agent::Two;
    let appspec = appspec_of(&archive, order.agent, &specification.appspec, two)?;
    let scripts = appspec.scripts(event.as_str());
    if scripts.is_empty() {
        return Ok(());
    }
    if !host.hooks.admits(&Layout::bundle_of(&archive)) {
        return Err(not_admitted());
    }
    let root = Root::of(host)?;
    let environment = environment(host, &root, specification, event)?;
    let log = Log::open(&layout.script_log(), order.agent, order.listener.clone())?;
    let log = Arc::new(Mutex::new(log.beside(&layout.deployments_log(), &specification.deployment_id)));
    let (hooks, groups) = (&*host.hooks, &*host.groups);
    let (agent, real, is_roots) = (order.agent, host.real, host.is_roots());
    let stage = Stage { archive, root, hooks, groups, environment, log, agent, real, is_roots };
    stage.log().entry(&format!("LifecycleEvent - {event}\n"));
    for script in scripts {
        stage.run(script).map_err(|failure| Failure {
            script: script.location.clone(),
            log_tail: stage.log().tail(),
            ..failure
        })?;
    }
    Ok(())
}

/// What a host reports of a bundle whose scripts may not run.
pub fn not_admitted() -> Failure {
    "The bundle has hook scripts, which would run on this machine as you. Install bubblewrap to run them isolated, \
     or start the sandbox with --allow-host-hooks."
        .to_owned()
        .into()
}

fn fail(code: LifecycleErrorCode, message: String) -> Failure {
    Failure { code, ..Failure::from(message) }
}

impl Stage<'_> {
    fn log(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run(&self, script: &Script) -> Result<(), Failure> {
        let (path, place) = self.find(&script.location)?;
        if let Some(place) = place {
            make_executable(&place, script)?;
        }
        self.announce(script);
        let location = &script.location;
        let (end, program) = match appspec::taken_apart(script, self.agent, false) {
            None => self.start(script, &path)?,
            // A command of words alone is started without a shell, and its first word is no program.
            Some(' ' | '\t' | '\n') => (End::NotStarted(Errno::NOENT.into()), path.clone()),
            // The shell says the same by its exit code.
            Some(_) => (End::Exited(127), path.clone()),
        };
        match end {
            End::Exited(0) => Ok(()),
            End::Exited(_) | End::Signalled(_) => {
                let user =
                    script.runas.as_ref().map(|user| format!(" run as user {user}")).unwrap_or_default();
                // Where a signal ended it agent 1 says nothing and agent 2 says 1.
                let code = match end {
                    End::Exited(code) => code.to_string(),
                    _ if self.agent == Agent::Two => "1".to_owned(),
                    _ => String::new(),
                };
                let signal = if let End::Signalled(number) = end { number.map(signal_name) } else { None };
                if let Some(signal) = &signal {
                    self.log().note(&format!("{location} was ended by signal {signal}"));
                }
                let message =
                    format!("Script at specified location: {location}{user} failed with exit code {code}");
                Err(Failure { signal, ..fail(LifecycleErrorCode::ScriptFailed, message) })
            }
            End::TimedOut { killed } => {
                let seconds = script.timeout;
                if killed {
                    self.log().note(&format!(
                        "{location} went on after TERM and was ended by KILL{}",
                        match self.agent {
                            Agent::One => "; agent 1 sends none and waits until the script ends by itself",
                            Agent::Two => "",
                        }
                    ));
                }
                let message = format!(
                    "Script at specified location: {location} failed to complete in {seconds} seconds"
                );
                Err(fail(LifecycleErrorCode::ScriptTimedOut, message))
            }
            End::Stopped => {
                let message =
                    format!("Script at specified location: {location} was ended by a signal to cdctl");
                Err(fail(LifecycleErrorCode::UnknownError, message))
            }
            End::LeftOpen(stream) => {
                // Agent 2 has one word for both.
                let stream = if self.agent == Agent::Two { "STDOUT" } else { stream };
                let message = format!("Script at specified location: {location} failed to close {stream}");
                Err(fail(LifecycleErrorCode::UnknownError, message))
            }
            End::Missing => Err(missing(&path)),
            End::NotStarted(error) => Err(self.not_started(script, &program, &error)),
        }
    }

    /// The script's path and its file in the bundle. A link out of the bundle has none: it is run as what the script's
    /// host has there. A location that itself leads out is none.
    fn find(&self, location: &str) -> Result<(PathBuf, Option<Place>), Failure> {
        let below = Path::new(location.trim_start_matches('/'));
        let path = self.archive.join(below);
        let archive = Root::closed(&self.archive).map_err(|_| missing(&path))?;
        match archive.walk(below, true) {
            Ok(place) if place.exists() => return Ok((path, Some(place))),
            Ok(_) => {}
            Err(_) => {
                let isolated = self.hooks.isolation == Isolation::Bubblewrap;
                if archive.walk(below, false).is_ok_and(|place| place.is_link())
                    && (isolated || path.exists())
                {
                    return Ok((path, None));
                }
            }
        }
        Err(missing(&path))
    }

    /// A program that the system does not start, in each agent's words.
    fn not_started(&self, script: &Script, program: &Path, error: &io::Error) -> Failure {
        let error = match (self.agent, error.kind()) {
            (Agent::Two, _) => error.to_string(),
            (_, io::ErrorKind::NotFound) => {
                format!("Errno::ENOENT with message No such file or directory - {}", program.display())
            }
            (_, io::ErrorKind::PermissionDenied) => {
                format!("Errno::EACCES with message Permission denied - {}", program.display())
            }
            _ => format!("SystemCallError with message {error} - {}", program.display()),
        };
        let message = format!("Script at specified location: {} failed with error {error}", script.location);
        fail(LifecycleErrorCode::ScriptFailed, message)
    }

    /// Whether the script runs as the user that it asks for. Anybody may have been given the right to `sudo`.
    fn does_users(&self, script: &Script) -> bool {
        self.is_roots || (self.real && script.sudo)
    }

    fn announce(&self, script: &Script) {
        let mut log = self.log();
        log.entry(&format!("Script - {}\n", script.location));
        if self.does_users(script) {
            return;
        }
        if let Some(user) = &script.runas {
            log.note(&format!("runas: {user} is not done; the script runs as the user who runs this tool"));
        }
        if script.sudo {
            log.note("sudo is not done; the script runs as the user who runs this tool");
        }
    }

    /// How it ended, and what was started.
    fn start(&self, script: &Script, path: &Path) -> Result<(End, PathBuf), Failure> {
        let (program, arguments) = match self.hooks.isolation {
            Isolation::None if self.does_users(script) => as_user(script, path)?,
            Isolation::None => (path.to_owned(), Vec::new()),
            Isolation::Bubblewrap => {
                let program =
                    bubblewrap::installed().ok_or_else(|| "bubblewrap is not installed".to_owned())?;
                let below = path.strip_prefix(&self.archive).unwrap_or(path);
                let inside = bubblewrap::inside(&self.archive).join(below);
                let network = self.hooks.allow_host_hooks;
                let arguments = bubblewrap::arguments(&self.root, &self.archive, &inside, network)?;
                let words = [supervisor::OUTSIDE, "sh"].map(OsString::from);
                let words =
                    std::iter::once("-c".into()).chain(words).chain([program.into()]).chain(arguments);
                (PathBuf::from("/bin/sh"), words.collect())
            }
        };
        let script = process::Script {
            program: &program,
            arguments: &arguments,
            directory: self.root.path(),
            environment: &self.environment,
            timeout: Duration::from_secs(script.timeout),
            supervised: self.hooks.isolation == Isolation::Bubblewrap,
            // Agent 1 gives it up alone; agent 2 ends it with the script's group.
            leaves: self.agent == Agent::One,
        };
        let end = process::run(&script, &self.log, self.groups);
        Ok((end, if script.supervised { path.to_owned() } else { program }))
    }
}

/// The call as the agents make it: `su USER -c PATH`, `sudo PATH`, `sudo su USER -c PATH`. They quote nothing; a location
/// that a shell takes apart was refused before, and the rest of the path is this tool's own. They have no terminal that
/// `sudo` could ask on: `-n`, where there is one.
///
/// Source: official agent 1.8.1, platform/linux_util; official agent 2.x, lifecycle_event/script.
fn as_user(script: &Script, path: &Path) -> Result<(PathBuf, Vec<OsString>), Failure> {
    let mut words: Vec<OsString> = Vec::new();
    if script.sudo {
        words.extend(["sudo".into(), "-n".into()]);
    }
    match script.runas.as_deref().filter(|user| !user.is_empty()) {
        None => words.push(path.into()),
        // `su` would take it for a flag.
        Some(user) if user.starts_with('-') => {
            let message =
                format!("Script at specified location: {}: there is no user {user}", script.location);
            return Err(fail(LifecycleErrorCode::ScriptFailed, message));
        }
        Some(user) => {
            let quoted = path.to_string_lossy().replace('\'', "'\\''");
            words.extend(["su".into(), user.into(), "-c".into(), format!("'{quoted}'").into()]);
        }
    }
    let program = PathBuf::from(words.remove(0));
    Ok((program, words))
}

/// `9 (KILL)`
fn signal_name(number: i32) -> String {
    const NAMES: &[(Signal, &str)] = &[
        (Signal::HUP, "HUP"),
        (Signal::INT, "INT"),
        (Signal::QUIT, "QUIT"),
        (Signal::ILL, "ILL"),
        (Signal::ABORT, "ABRT"),
        (Signal::BUS, "BUS"),
        (Signal::FPE, "FPE"),
        (Signal::KILL, "KILL"),
        (Signal::SEGV, "SEGV"),
        (Signal::PIPE, "PIPE"),
        (Signal::ALARM, "ALRM"),
        (Signal::TERM, "TERM"),
        (Signal::XCPU, "XCPU"),
        (Signal::XFSZ, "XFSZ"),
        (Signal::SYS, "SYS"),
    ];
    let known = NAMES.iter().find(|(signal, _)| signal.as_raw() == number);
    known.map_or_else(|| number.to_string(), |(_, name)| format!("{number} ({name})"))
}

fn missing(path: &Path) -> Failure {
    let message = format!("Script does not exist at specified location: {}", path.display());
    fail(LifecycleErrorCode::ScriptMissing, message)
}

fn make_executable(place: &Place, script: &Script) -> Result<(), Failure> {
    let set = || -> io::Result<()> {
        let mode = place.mode()?;
        if mode & 0o111 == 0 && place.kind()? == FileType::RegularFile {
            place.set_mode((mode & 0o777) | 0o111)?;
        }
        Ok(())
    };
    set().map_err(|_| {
        let message =
            format!("Unable to set script at specified location: {} as executable", script.location);
        fail(LifecycleErrorCode::ScriptNotExecutable, message)
    })
}

/// All that scripts see: never this tool's own environment, which may hold credentials.
fn environment(
    host: &Host,
    root: &Root,
    specification: &Specification,
    event: &EventName,
) -> Result<BTreeMap<String, String>, String> {
    let (home, temporary) = match host.hooks.isolation {
        Isolation::Bubblewrap => ("/".to_owned(), "/tmp".to_owned()),
        Isolation::None => {
            let temporary = root.follow(Path::new("/tmp"))?.path().to_owned();
            super::layout::make_dir(&temporary)?;
            (root.path().to_string_lossy().into_owned(), temporary.to_string_lossy().into_owned())
        }
    };
    let mut variables = BTreeMap::from(
        [("PATH", PATH), ("LANG", "C.UTF-8"), ("HOME", &home), ("TMPDIR", &temporary)]
            .map(|(name, value)| (name.to_owned(), value.to_owned())),
    );
    variables.extend(host.variables.clone());
    variables.extend(specification.bundle_variables.clone());
    let own = [
        ("CDCTL_HOST_ROOT", home.as_str()),
        ("LIFECYCLE_EVENT", event.as_str()),
        ("DEPLOYMENT_ID", &specification.deployment_id),
        ("APPLICATION_NAME", &specification.application_name),
        ("DEPLOYMENT_GROUP_NAME", &specification.group_name),
        ("DEPLOYMENT_GROUP_ID", &specification.group_id),
    ];
    variables.extend(own.map(|(name, value)| (name.to_owned(), value.to_owned())));
    // A name or value with a NUL would keep every script from starting.
    variables.retain(|name, value| !name.is_empty() && !name.contains(['=', '\0']) && !value.contains('\0'));
    Ok(variables)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Span;

    #[test]
    fn a_script_is_called_as_the_agents_call_it() {
        let call = |runas: Option<&str>, sudo| {
            let runas = runas.map(str::to_owned);
            let script = Script { location: "a.sh".into(), timeout: 1, runas, sudo, span: Span::default() };
            let (program, arguments) = as_user(&script, Path::new("/a/it's.sh")).ok()?;
            let words = std::iter::once(program.into_os_string()).chain(arguments);
            Some(words.map(|word| word.into_string().unwrap()).collect::<Vec<_>>().join(" "))
        };
        assert_eq!(call(None, false).unwrap(), "/a/it's.sh");
        assert_eq!(call(None, true).unwrap(), "sudo -n /a/it's.sh");
        assert_eq!(call(Some("web"), false).unwrap(), r"su web -c '/a/it'\''s.sh'");
        assert_eq!(call(Some("web"), true).unwrap(), r"sudo -n su web -c '/a/it'\''s.sh'");
        assert_eq!(call(Some("-c"), true), None);
    }
}
