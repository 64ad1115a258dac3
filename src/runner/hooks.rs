//! The scripts of one event.
//!
//! Source: official agent 1.8.1, hook_executor.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::appspec::Script;
use crate::model::{EventName, LifecycleErrorCode};

use super::failure::Failure;
use super::layout::{Layout, Selected};
use super::log::Log;
use super::process::{self, End};
use super::root::Root;
use super::{Host, Specification, appspec_of};

const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Runs the scripts of an event in order; the first failure ends it.
pub fn run(
    host: &Host,
    layout: &Layout,
    specification: &Specification,
    event: &EventName,
) -> Result<(), Failure> {
    let stops = matches!(
        event,
        EventName::BeforeBlockTraffic | EventName::AfterBlockTraffic | EventName::ApplicationStop
    );
    let Selected::Archive(archive) = layout.select(stops) else { return Ok(()) };
    let appspec = appspec_of(&archive)?;
    let scripts = appspec.scripts(event.as_str());
    if scripts.is_empty() {
        return Ok(());
    }
    let root = Root::new(&host.root)?;
    let environment = environment(host, &root, specification, event)?;
    let log = Arc::new(Mutex::new(Log::open(&Layout::script_log(&archive))?));
    let write = |text: &str| log.lock().unwrap_or_else(PoisonError::into_inner).entry(text);
    write(&format!("LifecycleEvent - {event}\n"));
    for script in scripts {
        let result = run_script(script, &archive, &root, &environment, &log);
        result.map_err(|failure| Failure {
            script: script.location.clone(),
            log_tail: log.lock().unwrap_or_else(PoisonError::into_inner).tail(),
            ..failure
        })?;
    }
    Ok(())
}

fn fail(code: LifecycleErrorCode, message: String) -> Failure {
    Failure { code, ..Failure::from(message) }
}

fn run_script(
    script: &Script,
    archive: &Path,
    root: &Root,
    environment: &BTreeMap<String, String>,
    log: &Arc<Mutex<Log>>,
) -> Result<(), Failure> {
    let path = find(archive, &script.location)?;
    make_executable(&path, script)?;
    {
        let mut log = log.lock().unwrap_or_else(PoisonError::into_inner);
        log.entry(&format!("Script - {}\n", script.location));
        if let Some(user) = &script.runas {
            log.note(&format!("runas: {user} is not done; the script runs as the user who runs this tool"));
        }
        if script.sudo {
            log.note("sudo is not done; the script runs as the user who runs this tool");
        }
    }
    if script.location.contains(char::is_whitespace) {
        // The agent hands the path to a shell, which takes it apart at the blanks.
        return Err(not_started(script, &path, &io::Error::from(io::ErrorKind::NotFound)));
    }
    let timeout = Duration::from_secs(script.timeout);
    let end =
        process::run(&process::Script { path: &path, directory: root.path(), environment, timeout }, log);
    let location = &script.location;
    match end {
        End::Exited(Some(0)) => Ok(()),
        End::Exited(code) => {
            let user = script.runas.as_ref().map(|user| format!(" run as user {user}")).unwrap_or_default();
            let code = code.map(|code| code.to_string()).unwrap_or_default();
            let message =
                format!("Script at specified location: {location}{user} failed with exit code {code}");
            Err(fail(LifecycleErrorCode::ScriptFailed, message))
        }
        End::TimedOut => {
            let seconds = script.timeout;
            let message =
                format!("Script at specified location: {location} failed to complete in {seconds} seconds");
            Err(fail(LifecycleErrorCode::ScriptTimedOut, message))
        }
        End::LeftOpen(stream) => {
            let message = format!("Script at specified location: {location} failed to close {stream}");
            Err(fail(LifecycleErrorCode::UnknownError, message))
        }
        End::NotStarted(error) => Err(not_started(script, &path, &error)),
    }
}

/// The script's path; links within the bundle are followed, nothing outside it is run.
fn find(archive: &Path, location: &str) -> Result<PathBuf, Failure> {
    let path = archive.join(location.trim_start_matches('/'));
    let inside = archive.canonicalize().and_then(|archive| Ok(path.canonicalize()?.starts_with(archive)));
    if inside.is_ok_and(|inside| inside) {
        return Ok(path);
    }
    let message = format!("Script does not exist at specified location: {}", path.display());
    Err(fail(LifecycleErrorCode::ScriptMissing, message))
}

fn make_executable(path: &Path, script: &Script) -> Result<(), Failure> {
    let set = || -> io::Result<()> {
        let metadata = fs::metadata(path)?;
        let mode = metadata.permissions().mode();
        if mode & 0o111 == 0 && metadata.is_file() {
            fs::set_permissions(path, fs::Permissions::from_mode((mode & 0o777) | 0o111))?;
        }
        Ok(())
    };
    set().map_err(|_| {
        let message =
            format!("Unable to set script at specified location: {} as executable", script.location);
        fail(LifecycleErrorCode::ScriptNotExecutable, message)
    })
}

fn not_started(script: &Script, path: &Path, error: &io::Error) -> Failure {
    let (class, words) = match error.kind() {
        io::ErrorKind::NotFound => ("Errno::ENOENT", "No such file or directory".to_owned()),
        io::ErrorKind::PermissionDenied => ("Errno::EACCES", "Permission denied".to_owned()),
        _ => ("SystemCallError", error.to_string()),
    };
    let location = &script.location;
    let message = format!(
        "Script at specified location: {location} failed with error {class} with message {words} - {}",
        path.display()
    );
    fail(LifecycleErrorCode::ScriptFailed, message)
}

/// All that scripts see: never this tool's own environment, which may hold credentials.
fn environment(
    host: &Host,
    root: &Root,
    specification: &Specification,
    event: &EventName,
) -> Result<BTreeMap<String, String>, String> {
    let home = root.path().to_string_lossy().into_owned();
    let temporary = root.path().join("tmp");
    super::layout::make_dir(&root.follow(Path::new("/tmp"))?)?;
    let mut variables = BTreeMap::from(
        [("PATH", PATH), ("LANG", "C.UTF-8"), ("HOME", &home), ("TMPDIR", &temporary.to_string_lossy())]
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
