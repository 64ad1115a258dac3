//! The documented exit codes. README and the man page show this table; a test holds them to it.

/// How the tool ends. The number is the contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Exit {
    /// Done; the deployment reached the requested point.
    Ok = 0,
    /// An error: the API refused, a file is missing, the network failed.
    Error = 1,
    /// Wrong usage.
    Usage = 2,
    /// The deployment failed.
    Failed = 3,
    /// The deployment was stopped, by a request or by an alarm.
    Stopped = 4,
    /// It failed or was stopped, and its rollback succeeded.
    RolledBack = 5,
    /// It failed or was stopped, and its rollback failed.
    RollbackFailed = 6,
    /// The watch timed out; the deployment goes on.
    TimedOut = 7,
    /// The deployment waits for an action and `--exit-on-ready` was given.
    Ready = 8,
    /// The outcome is unknown: the API or the credentials were lost.
    Unknown = 9,
    /// A check found problems.
    Findings = 10,
    /// Detached by SIGINT; the deployment goes on.
    Interrupted = 130,
    /// Detached by SIGTERM; the deployment goes on.
    Terminated = 143,
}

impl Exit {
    pub fn code(self) -> u8 {
        self as u8
    }
}

impl From<Exit> for std::process::ExitCode {
    fn from(exit: Exit) -> Self {
        std::process::ExitCode::from(exit.code())
    }
}
