//! How a watch ends, and the exit code of each ending. Pure.

use crate::api::ApiError;
use crate::exit::Exit;
use crate::model::{ComputePlatform, Creator, Deployment, DeploymentStatus};

/// What interrupted the watch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// SIGINT
    Interrupt,
    /// SIGTERM
    Terminate,
}

/// A deployment that ended badly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    Failed,
    /// By a request.
    Stopped,
    /// By an alarm; the service calls that stopped as well.
    Alarm,
}

impl Ending {
    /// How `deployment` ended badly, if it did.
    ///
    /// Source: AWS user guide, "Error codes for AWS CodeDeploy": an alarm leaves `Stopped` with `ALARM_ACTIVE`.
    pub fn of(deployment: &Deployment) -> Option<Ending> {
        match deployment.status {
            DeploymentStatus::Failed => Some(Ending::Failed),
            DeploymentStatus::Stopped => match &deployment.error {
                Some(error) if error.code == "ALARM_ACTIVE" => Some(Ending::Alarm),
                _ => Some(Ending::Stopped),
            },
            _ => None,
        }
    }

    /// Whether CodeDeploy rolls `deployment` back after this ending: by its settings, or because whoever stopped it
    /// `asked` for that.
    ///
    /// Source: API reference, StopDeployment: `autoRollbackEnabled` goes before the settings.
    pub fn is_rolled_back(self, deployment: &Deployment, asked: bool) -> bool {
        let settings = &deployment.auto_rollback;
        let covered = settings.enabled && settings.events.iter().any(|event| event == self.rollback_event());
        (covered || (asked && self == Ending::Stopped))
            && deployment.creator != Some(Creator::Rollback)
            // A group that never succeeded has nothing to go back to; a function and a service have what they served.
            && (deployment.platform != Some(ComputePlatform::Server) || deployment.previous_revision.is_some())
    }

    /// The auto-rollback event that covers this ending.
    ///
    /// Source: API reference, `AutoRollbackConfiguration.events`.
    pub fn rollback_event(self) -> &'static str {
        match self {
            Ending::Failed => "DEPLOYMENT_FAILURE",
            Ending::Stopped => "DEPLOYMENT_STOP_ON_REQUEST",
            Ending::Alarm => "DEPLOYMENT_STOP_ON_ALARM",
        }
    }
}

/// How the rollback that was followed ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rollback {
    Succeeded,
    Failed,
}

/// How a watch ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// No target failed.
    Succeeded,
    /// CodeDeploy counts it as succeeded though `failed` targets failed; `refused` by `--require-all`.
    SucceededInPart { failed: u64, refused: bool },
    /// The deployment ended badly; the rollback where one was followed to its end.
    Ended { how: Ending, rollback: Option<Rollback> },
    /// The point of `--until` is reached, with so many failed targets; `refused` by `--require-all`.
    Reached { failed: u64, refused: bool },
    /// It waits for an action, and `--exit-on-ready` was given.
    Ready,
    /// `--timeout` is over; the deployment goes on.
    TimedOut,
    /// A signal; the deployment goes on.
    Detached(Signal),
    /// The API or the credentials were lost.
    Unknown(String),
    /// The service refused before it told anything of the deployment.
    Refused(ApiError),
    /// Nobody reads the event stream any more.
    Closed,
}

impl Outcome {
    pub fn exit(&self) -> Exit {
        match self {
            Outcome::Succeeded
            | Outcome::SucceededInPart { refused: false, .. }
            | Outcome::Reached { refused: false, .. } => Exit::Ok,
            Outcome::SucceededInPart { refused: true, .. } | Outcome::Reached { refused: true, .. } => {
                Exit::Failed
            }
            Outcome::Ready => Exit::Ready,
            Outcome::Ended { rollback: Some(Rollback::Succeeded), .. } => Exit::RolledBack,
            Outcome::Ended { rollback: Some(Rollback::Failed), .. } => Exit::RollbackFailed,
            Outcome::Ended { how: Ending::Failed, rollback: None } => Exit::Failed,
            Outcome::Ended { how: Ending::Stopped | Ending::Alarm, rollback: None } => Exit::Stopped,
            Outcome::TimedOut => Exit::TimedOut,
            Outcome::Detached(Signal::Interrupt) => Exit::Interrupted,
            Outcome::Detached(Signal::Terminate) => Exit::Terminated,
            Outcome::Unknown(_) | Outcome::Closed => Exit::Unknown,
            Outcome::Refused(_) => Exit::Error,
        }
    }

    /// The word for it in the event stream.
    pub fn word(&self) -> &'static str {
        match self {
            Outcome::Succeeded => "succeeded",
            Outcome::SucceededInPart { .. } => "succeeded_with_failures",
            Outcome::Ended { how, rollback } => match (how, rollback) {
                (Ending::Failed, None) => "failed",
                (Ending::Failed, Some(Rollback::Succeeded)) => "failed_rolled_back",
                (Ending::Failed, Some(Rollback::Failed)) => "failed_rollback_failed",
                (Ending::Stopped, None) => "stopped",
                (Ending::Stopped, Some(Rollback::Succeeded)) => "stopped_rolled_back",
                (Ending::Stopped, Some(Rollback::Failed)) => "stopped_rollback_failed",
                (Ending::Alarm, None) => "stopped_by_alarm",
                (Ending::Alarm, Some(Rollback::Succeeded)) => "alarm_rolled_back",
                (Ending::Alarm, Some(Rollback::Failed)) => "alarm_rollback_failed",
            },
            Outcome::Reached { failed: 0, .. } => "reached",
            Outcome::Reached { .. } => "reached_with_failures",
            Outcome::Ready => "ready",
            Outcome::TimedOut => "timed_out",
            Outcome::Detached(_) => "detached",
            Outcome::Unknown(_) => "unknown",
            Outcome::Refused(_) => "error",
            Outcome::Closed => "closed",
        }
    }
}

/// The exit codes of several deployments from the worst down; a code that is not here is worse still.
const WORST_FIRST: [Exit; 8] = [
    Exit::Unknown,
    Exit::RollbackFailed,
    Exit::Failed,
    Exit::RolledBack,
    Exit::Stopped,
    Exit::TimedOut,
    Exit::Ready,
    Exit::Ok,
];

/// The exit code of several deployments: the worst of their own.
pub fn worst(exits: impl IntoIterator<Item = Exit>) -> Exit {
    exits
        .into_iter()
        .min_by_key(|exit| WORST_FIRST.iter().position(|known| known == exit).map_or(0, |rank| rank + 1))
        .unwrap_or(Exit::Ok)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_ending_has_its_code() {
        let ended = |how, rollback| Outcome::Ended { how, rollback };
        let cases = [
            (Outcome::Succeeded, 0, "succeeded"),
            (Outcome::SucceededInPart { failed: 4, refused: false }, 0, "succeeded_with_failures"),
            (Outcome::SucceededInPart { failed: 4, refused: true }, 3, "succeeded_with_failures"),
            (ended(Ending::Failed, None), 3, "failed"),
            (ended(Ending::Stopped, None), 4, "stopped"),
            (ended(Ending::Alarm, None), 4, "stopped_by_alarm"),
            (ended(Ending::Failed, Some(Rollback::Succeeded)), 5, "failed_rolled_back"),
            (ended(Ending::Alarm, Some(Rollback::Failed)), 6, "alarm_rollback_failed"),
            (Outcome::Reached { failed: 0, refused: false }, 0, "reached"),
            (Outcome::Reached { failed: 2, refused: true }, 3, "reached_with_failures"),
            (Outcome::Ready, 8, "ready"),
            (Outcome::TimedOut, 7, "timed_out"),
            (Outcome::Unknown(String::new()), 9, "unknown"),
            (Outcome::Detached(Signal::Interrupt), 130, "detached"),
            (Outcome::Detached(Signal::Terminate), 143, "detached"),
        ];
        for (outcome, exit, word) in cases {
            assert_eq!((outcome.exit().code(), outcome.word()), (exit, word));
        }
    }

    #[test]
    fn the_worst_of_several() {
        use Exit::*;
        let order = [Unknown, RollbackFailed, Failed, RolledBack, Stopped, TimedOut, Ready, Ok];
        for pair in order.windows(2) {
            assert_eq!(worst([pair[1], pair[0]]), pair[0]);
            assert_eq!(worst([pair[0], pair[1]]), pair[0]);
        }
        assert_eq!(worst([Unknown, Interrupted]), Interrupted, "an interrupt ends them all");
        assert_eq!(worst([]), Ok);
    }
}
