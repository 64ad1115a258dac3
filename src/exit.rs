//! The documented exit codes. README and the man page show this table; a test holds them to it.

/// How the tool ends. The number is the contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Exit {
    /// Done; the deployment reached the requested point.
    Ok,
    /// An error: the API refused, a file is missing, the network failed.
    Error,
    /// Wrong usage.
    Usage,
    /// The deployment failed.
    Failed,
    /// The deployment was stopped, by a request or by an alarm.
    Stopped,
    /// It failed or was stopped, and its rollback succeeded.
    RolledBack,
    /// It failed or was stopped, and its rollback failed.
    RollbackFailed,
    /// The watch timed out; the deployment goes on.
    TimedOut,
    /// The deployment waits for an action and `--exit-on-ready` was given.
    Ready,
    /// The outcome is unknown: the API or the credentials were lost.
    Unknown,
    /// A check found problems.
    Findings,
    /// Detached by SIGINT; the deployment goes on.
    Interrupted,
    /// Detached by SIGTERM; the deployment goes on.
    Terminated,
    /// `sandbox run` ends with its command's own code.
    Command(u8),
}

impl Exit {
    /// All codes of the tool's own.
    pub const ALL: [Exit; 13] = [
        Exit::Ok,
        Exit::Error,
        Exit::Usage,
        Exit::Failed,
        Exit::Stopped,
        Exit::RolledBack,
        Exit::RollbackFailed,
        Exit::TimedOut,
        Exit::Ready,
        Exit::Unknown,
        Exit::Findings,
        Exit::Interrupted,
        Exit::Terminated,
    ];

    pub fn code(self) -> u8 {
        match self {
            Exit::Ok => 0,
            Exit::Error => 1,
            Exit::Usage => 2,
            Exit::Failed => 3,
            Exit::Stopped => 4,
            Exit::RolledBack => 5,
            Exit::RollbackFailed => 6,
            Exit::TimedOut => 7,
            Exit::Ready => 8,
            Exit::Unknown => 9,
            Exit::Findings => 10,
            Exit::Interrupted => 130,
            Exit::Terminated => 143,
            Exit::Command(code) => code,
        }
    }
}

impl From<Exit> for std::process::ExitCode {
    fn from(exit: Exit) -> Self {
        std::process::ExitCode::from(exit.code())
    }
}
