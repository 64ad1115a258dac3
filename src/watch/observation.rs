//! What goes between a watch and its poller: how to poll, and what was seen. Plain data.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use super::budget::Budget;
use super::source::Seen;
use crate::api::ApiError;
use crate::model::{Deployment, DeploymentConfig, Target};

/// How to poll.
#[derive(Clone, Debug)]
pub struct Pace {
    /// Between ticks, jittered by a tenth.
    pub interval: Duration,
    pub budget: Budget,
    /// How long credentials may be refused before the outcome counts as unknown.
    pub give_up_after: Duration,
    /// Wait for the id of an automatic rollback after the end.
    pub rollback: bool,
    /// The deployment was stopped with a rollback, which does not depend on its settings.
    pub asked: Arc<AtomicBool>,
    /// The deployment is known to exist: a first call that fails is no reason to give up.
    pub known: bool,
    /// What is read of the targets.
    pub reads: Reads,
    /// Time until the first call.
    pub delay: Duration,
}

/// What is read of the targets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reads {
    /// Nothing: only the end counts.
    Nothing,
    /// What is shown while the deployment goes on; after its end no more than a summary says.
    Summary,
    /// After the end each target, as far as time and budget allow: somebody keeps them.
    Each,
}

/// What the poller saw.
#[derive(Debug)]
pub enum Observation {
    Deployment(Box<Seen<Deployment>>),
    Config(DeploymentConfig),
    Targets(Vec<Target>),
    /// A call failed; the next tick comes after `retry_in`.
    Failing {
        error: ApiError,
        retry_in: Duration,
    },
    /// All calls of a tick worked again.
    Recovered,
    /// Something stays unread for the rest of the watch.
    Unreadable(Unreadable, ApiError),
    /// The next tick comes after this.
    Paced(Duration),
    /// The deployment has ended; the id of its rollback is waited for.
    AwaitsRollback,
    End(End),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unreadable {
    Targets,
    Config,
}

/// Why the poll is over.
#[derive(Debug)]
pub enum End {
    /// The deployment has ended; `rollback_missing` if a configured rollback did not show up.
    Ended { rollback_missing: bool },
    /// The service refused, and had told nothing before.
    Refused(ApiError),
    /// The service or the credentials were lost.
    Lost(ApiError),
}
