//! Why an event failed, on its way to becoming diagnostics.

use std::io;
use std::path::Path;

use crate::model::{Diagnostics, LifecycleErrorCode};

#[derive(Debug)]
pub struct Failure {
    pub code: LifecycleErrorCode,
    /// The script's location; empty where no script is to blame.
    pub script: String,
    pub message: String,
    pub log_tail: String,
    /// What ended the script, where that was a signal: `9 (KILL)`.
    pub signal: Option<String>,
}

impl From<String> for Failure {
    /// Whatever is not a script's fault is an UnknownError.
    fn from(message: String) -> Self {
        let code = LifecycleErrorCode::UnknownError;
        Failure { code, script: String::new(), message, log_tail: String::new(), signal: None }
    }
}

impl From<Failure> for Diagnostics {
    fn from(failure: Failure) -> Self {
        Diagnostics {
            error_code: failure.code,
            script_name: failure.script,
            message: failure.message,
            log_tail: failure.log_tail,
        }
    }
}

/// An operating system's error in Ruby's words, as the agent reports it.
pub fn ruby(error: &io::Error, call: &str, path: &Path) -> String {
    let what = match error.kind() {
        io::ErrorKind::NotFound => "No such file or directory",
        io::ErrorKind::PermissionDenied => "Permission denied",
        io::ErrorKind::AlreadyExists => "File exists",
        io::ErrorKind::IsADirectory => "Is a directory",
        io::ErrorKind::NotADirectory => "Not a directory",
        io::ErrorKind::ResourceBusy => "Device or resource busy",
        io::ErrorKind::StorageFull => "No space left on device",
        _ => return format!("{error} @ {call} - {}", path.display()),
    };
    format!("{what} @ {call} - {}", path.display())
}
