//! The events of a watch: a versioned, numbered stream that every reporter reads and `-o ndjson` prints.
//!
//! A reporter needs nothing but this stream, so a recorded stream shows the same again.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::causes::Cause;
use crate::api::ErrorKind;
use crate::model::{
    ComputePlatform, Creator, DeploymentStatus, Diagnostics, EventName, EventStatus, LifecycleErrorCode,
    Overview, Serving, TargetKind, TargetStatus, TrafficRouting, Waits, Zonal, mask,
};

/// The version of the stream's form.
pub const VERSION: u32 = 1;

/// An event as it goes out: numbered and dated once, for all reporters.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Stamped {
    pub v: u32,
    /// 0 for the first event, then one more each.
    pub seq: u64,
    /// When it was observed, in the service's time.
    #[serde(with = "millis")]
    pub ts: Timestamp,
    #[serde(flatten)]
    pub event: Event,
    /// The deployment it is about.
    pub deployment: String,
    /// Its region, where several are watched at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Event {
    StreamStart {
        tool: String,
    },
    Deployment(Box<DeploymentEvent>),
    Target(Box<TargetEvent>),
    /// These targets at work were looked at again, and nothing of them has changed.
    Seen {
        targets: Vec<String>,
    },
    Heartbeat(HeartbeatEvent),
    Api(ApiEvent),
    Notice {
        code: NoticeCode,
        message: String,
        /// What the whole command ends with, where nothing else in the stream tells: of [`NoticeCode::NotStarted`].
        #[serde(default, skip_serializing_if = "Option::is_none")]
        exit: Option<u8>,
    },
    Rollback {
        rollback: String,
        message: Option<String>,
    },
    Result(Box<Report>),
}

/// How many targets are in which state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    pub ok: u64,
    pub run: u64,
    pub pend: u64,
    pub fail: u64,
    pub skip: u64,
    pub ready: u64,
}

impl Counts {
    pub fn total(&self) -> u64 {
        self.ok + self.run + self.pend + self.fail + self.skip + self.ready
    }
}

impl<'a> FromIterator<&'a TargetStatus> for Counts {
    fn from_iter<T: IntoIterator<Item = &'a TargetStatus>>(states: T) -> Self {
        let mut counts = Counts::default();
        for status in states {
            let count = match status {
                TargetStatus::Succeeded => &mut counts.ok,
                TargetStatus::Failed => &mut counts.fail,
                TargetStatus::Skipped => &mut counts.skip,
                TargetStatus::Ready => &mut counts.ready,
                TargetStatus::Pending => &mut counts.pend,
                _ => &mut counts.run,
            };
            *count += 1;
        }
        counts
    }
}

impl From<Overview> for Counts {
    fn from(overview: Overview) -> Self {
        Counts {
            ok: overview.succeeded,
            run: overview.in_progress,
            pend: overview.pending,
            fail: overview.failed,
            skip: overview.skipped,
            ready: overview.ready,
        }
    }
}

/// A deployment whose state or counts changed; complete, so that a reader need not keep the one before.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DeploymentEvent {
    pub status: DeploymentStatus,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub overview: Option<Counts>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub application: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config: Option<String>,
    /// Hosts that must stay healthy, once the configuration is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minimum_healthy: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform: Option<ComputePlatform>,
    #[serde(default, skip_serializing_if = "no_waits")]
    pub waits: Waits,
    /// The steps of the traffic, once the configuration is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub routing: Option<TrafficRouting>,
    /// It goes zone by zone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zonal: Option<Zonal>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub creator: Option<Creator>,
    /// The deployment that this one rolls back, as the service says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rolls_back: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous_revision: Option<String>,
    #[serde(with = "millis_or_null", default)]
    pub create_time: Option<Timestamp>,
    #[serde(with = "millis_or_null", default)]
    pub start_time: Option<Timestamp>,
    #[serde(with = "millis_or_null", default)]
    pub complete_time: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<ErrorEvent>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub messages: Vec<String>,
}

/// `errorInformation`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorEvent {
    pub code: String,
    pub message: String,
}

/// A lifecycle event of a target that has few of them to itself: a function, a service, a stack.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Phase {
    pub name: EventName,
    pub status: EventStatus,
    #[serde(with = "millis_or_null", default)]
    pub start: Option<Timestamp>,
    #[serde(with = "millis_or_null", default)]
    pub end: Option<Timestamp>,
}

/// A target whose state or lifecycle event changed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TargetEvent {
    pub id: String,
    pub kind: TargetKind,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    pub status: TargetStatus,
    /// The lifecycle event that the target is at.
    pub event: Option<EventName>,
    pub event_status: Option<EventStatus>,
    /// When that lifecycle event began, by the service.
    #[serde(with = "millis_or_null", default)]
    pub since: Option<Timestamp>,
    /// When its first lifecycle event began.
    #[serde(with = "millis_or_null", default)]
    pub began: Option<Timestamp>,
    /// When the change happened, by the service.
    #[serde(with = "millis_or_null", default)]
    pub time: Option<Timestamp>,
    /// All its events in order; of a host, of which there may be thousands, only once it has finished.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub phases: Vec<Phase>,
    #[serde(default, skip_serializing_if = "unsaid")]
    pub serving: Serving,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
}

impl TargetEvent {
    /// The phases of a target that has them to itself: a function, a service, a stack.
    pub fn own_phases(&self) -> &[Phase] {
        if self.kind == TargetKind::Instance { &[] } else { &self.phases }
    }
}

fn no_waits(waits: &Waits) -> bool {
    *waits == Waits::default()
}

fn unsaid(serving: &Serving) -> bool {
    *serving == Serving::Unsaid
}

/// What a host says of its failed event; from outside, not sanitised, its secrets masked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    pub error: LifecycleErrorCode,
    pub script: String,
    pub message: String,
    pub log_tail: String,
}

impl Failure {
    pub fn of(diagnostics: &Diagnostics) -> Self {
        Failure {
            error: diagnostics.error_code.clone(),
            script: diagnostics.script_name.clone(),
            message: mask(&diagnostics.message),
            log_tail: mask(&diagnostics.log_tail),
        }
    }
}

/// A sign of life while nothing changes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HeartbeatEvent {
    pub status: Option<DeploymentStatus>,
    pub overview: Option<Counts>,
    pub elapsed_s: u64,
    pub last_poll_ok: bool,
    /// The age of the last answer, in seconds; none before the first.
    pub answer_age_s: Option<u64>,
    pub poll_s: f64,
}

/// How the calls go; one event at each change.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ApiEvent {
    pub state: ApiState,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_s: Option<f64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ApiState {
    Ok,
    Throttled,
    /// 5xx, resets, time-outs, DNS.
    Unreachable,
    /// Expired or missing; asked for again through the provider chain.
    Credentials,
    /// Any other refusal.
    Refused,
}

impl ApiState {
    pub fn of(kind: ErrorKind) -> Self {
        match kind {
            ErrorKind::Throttled => ApiState::Throttled,
            ErrorKind::Transient => ApiState::Unreachable,
            ErrorKind::Credentials => ApiState::Credentials,
            _ => ApiState::Refused,
        }
    }

    /// The state in words.
    pub fn words(self) -> &'static str {
        match self {
            ApiState::Ok => "answers again",
            ApiState::Throttled => "throttled",
            ApiState::Unreachable => "unreachable",
            ApiState::Credentials => "credentials refused",
            ApiState::Refused => "refused",
        }
    }
}

/// What a notice is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoticeCode {
    /// The caller may not read targets, or they cannot be read.
    Targets,
    /// The caller may not read the deployment configuration.
    Config,
    /// An automatic rollback was configured and did not show up.
    RollbackMissing,
    /// How long the watch lasts at most.
    Timeout,
    /// The deployment is stopped, as the user had asked for.
    Stopping,
    /// The deployment could not be stopped.
    NotStopped,
    /// Its wait is ended, as the user asked for.
    Continuing,
    /// What the user asked for could not be done.
    NotDone,
    /// The id of its rollback is waited for.
    RollbackAwaited,
    /// A region of several in which nothing was started, as another one had failed or the command was ended before.
    NotStarted,
}

/// Some of the hosts that have finished, by how: names beside [`Counts`]. Those of the failed stand in the causes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hosts {
    /// They run the deployment's revision.
    pub ok: Vec<String>,
    /// They were not touched.
    pub skip: Vec<String>,
}

/// The hosts of both fleets of a blue/green deployment that have been looked at, by their states.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fleets {
    /// The original.
    pub blue: Counts,
    /// The replacement.
    pub green: Counts,
}

impl Fleets {
    /// They are what the deployment itself counts, which may be the replacement alone.
    pub fn agree_with(&self, counts: &Counts) -> bool {
        let Fleets { blue, green } = self;
        let both = Counts {
            ok: blue.ok + green.ok,
            run: blue.run + green.run,
            pend: blue.pend + green.pend,
            fail: blue.fail + green.fail,
            skip: blue.skip + green.skip,
            ready: blue.ready + green.ready,
        };
        both == *counts || green == counts
    }
}

/// What the deployment before has left of the hosts that its rollback did not reach.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Left {
    pub counts: Counts,
    pub hosts: Hosts,
}

impl Left {
    pub fn is_empty(&self) -> bool {
        self.counts.total() == 0
    }
}

impl Hosts {
    pub fn is_empty(&self) -> bool {
        *self == Hosts::default()
    }
}

/// The end of a watch: what the `result` event and the summary say.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    pub outcome: String,
    pub exit: u8,
    /// The outcome in a sentence, where a word does not tell all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// As in [`Stamped::region`], which has it in the stream.
    #[serde(skip)]
    pub region: Option<String>,
    pub status: Option<DeploymentStatus>,
    /// All traffic has moved, and the original is only kept: `TERMINATION_WAIT`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub termination_wait: bool,
    pub application: Option<String>,
    pub group: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub creator: Option<Creator>,
    pub revision: Option<String>,
    pub previous_revision: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<ErrorEvent>,
    /// What else the service says of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub messages: Vec<String>,
    /// From the start to the end or to now, in seconds of the service's time.
    pub duration_s: Option<f64>,
    pub counts: Option<Counts>,
    #[serde(default, skip_serializing_if = "Hosts::is_empty")]
    pub hosts: Hosts,
    /// A fleet of hosts has changed places with another, or was to; the counts are of both.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub blue_green: bool,
    /// Its fleets, where each host was read; as are those after the rollback.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fleets: Option<Fleets>,
    /// Of a function or a service: who has the traffic now, after a rollback too.
    #[serde(default, skip_serializing_if = "unsaid")]
    pub serving: Serving,
    pub causes: Vec<Cause>,
    /// Failed targets that were not described, for want of calls or permission.
    pub failures_not_read: u64,
    pub rollback: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollback_status: Option<DeploymentStatus>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollback_counts: Option<Counts>,
    #[serde(default, skip_serializing_if = "Hosts::is_empty")]
    pub rollback_hosts: Hosts,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollback_fleets: Option<Fleets>,
    #[serde(default, skip_serializing_if = "Left::is_empty")]
    pub rollback_left: Left,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rollback_causes: Vec<Cause>,
}

impl Report {
    /// It went well, and targets failed.
    pub fn is_in_part(&self) -> bool {
        matches!(self.outcome.as_str(), "succeeded_with_failures" | "reached_with_failures")
    }

    pub fn duration(&self) -> Option<Duration> {
        self.duration_s.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
    }
}

/// RFC 3339 with milliseconds, the precision of the service.
mod millis {
    use jiff::Timestamp;
    use serde::{Deserialize, Deserializer, Serializer, de};

    pub fn serialize<S: Serializer>(time: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{time:.3}"))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

/// As [`millis`], null where there is no time.
pub(super) mod millis_or_null {
    use jiff::Timestamp;
    use serde::{Deserialize, Deserializer, Serializer, de};

    pub fn serialize<S: Serializer>(time: &Option<Timestamp>, serializer: S) -> Result<S::Ok, S::Error> {
        match time {
            Some(time) => super::millis::serialize(time, serializer),
            None => serializer.serialize_none(),
        }
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Timestamp>, D::Error> {
        let text = Option::<String>::deserialize(deserializer)?;
        text.map(|text| text.parse().map_err(de::Error::custom)).transpose()
    }
}
