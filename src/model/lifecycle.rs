//! Lifecycle events of a target: their names, states and diagnostics.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::open_enum;

open_enum! {
    /// The name of a lifecycle event, as in `LifecycleEvent.lifecycleEventName`.
    EventName {
        BeforeBlockTraffic = "BeforeBlockTraffic",
        BlockTraffic = "BlockTraffic",
        AfterBlockTraffic = "AfterBlockTraffic",
        ApplicationStop = "ApplicationStop",
        DownloadBundle = "DownloadBundle",
        BeforeInstall = "BeforeInstall",
        Install = "Install",
        AfterInstall = "AfterInstall",
        ApplicationStart = "ApplicationStart",
        ValidateService = "ValidateService",
        BeforeAllowTraffic = "BeforeAllowTraffic",
        AllowTraffic = "AllowTraffic",
        AfterAllowTraffic = "AfterAllowTraffic",
        AllowTestTraffic = "AllowTestTraffic",
        AfterAllowTestTraffic = "AfterAllowTestTraffic",
    }
}

impl EventName {
    /// The seven events of an in-place deployment without a load balancer, in order.
    pub const IN_PLACE: &'static [EventName] = &[
        EventName::ApplicationStop,
        EventName::DownloadBundle,
        EventName::BeforeInstall,
        EventName::Install,
        EventName::AfterInstall,
        EventName::ApplicationStart,
        EventName::ValidateService,
    ];

    /// Whether nothing of a host's deployment is between the two.
    pub fn is_just_before(&self, next: &EventName) -> bool {
        Self::IN_PLACE_BALANCED.windows(2).any(|two| two == [self.clone(), next.clone()])
    }

    /// The thirteen events of an in-place deployment with a load balancer.
    pub const IN_PLACE_BALANCED: &'static [EventName] = &[
        EventName::BeforeBlockTraffic,
        EventName::BlockTraffic,
        EventName::AfterBlockTraffic,
        EventName::ApplicationStop,
        EventName::DownloadBundle,
        EventName::BeforeInstall,
        EventName::Install,
        EventName::AfterInstall,
        EventName::ApplicationStart,
        EventName::ValidateService,
        EventName::BeforeAllowTraffic,
        EventName::AllowTraffic,
        EventName::AfterAllowTraffic,
    ];

    /// The ten events of an instance that is new: a green one, or one that Auto Scaling launched.
    pub const NEW_INSTANCE: &'static [EventName] = &[
        EventName::ApplicationStop,
        EventName::DownloadBundle,
        EventName::BeforeInstall,
        EventName::Install,
        EventName::AfterInstall,
        EventName::ApplicationStart,
        EventName::ValidateService,
        EventName::BeforeAllowTraffic,
        EventName::AllowTraffic,
        EventName::AfterAllowTraffic,
    ];

    /// The eight events of an ECS deployment with a test listener; without one it lacks the two of test traffic.
    pub const ECS: &'static [EventName] = &[
        EventName::BeforeInstall,
        EventName::Install,
        EventName::AfterInstall,
        EventName::AllowTestTraffic,
        EventName::AfterAllowTestTraffic,
        EventName::BeforeAllowTraffic,
        EventName::AllowTraffic,
        EventName::AfterAllowTraffic,
    ];

    /// The three events in which traffic is allowed: all that a Lambda deployment has.
    pub const ALLOW_TRAFFIC: &'static [EventName] =
        &[EventName::BeforeAllowTraffic, EventName::AllowTraffic, EventName::AfterAllowTraffic];

    /// The three events in which traffic is blocked: all that a blue instance has.
    pub const BLOCK_TRAFFIC: &'static [EventName] =
        &[EventName::BeforeBlockTraffic, EventName::BlockTraffic, EventName::AfterBlockTraffic];
}

open_enum! {
    /// The state of one lifecycle event, as in `LifecycleEvent.status`.
    EventStatus {
        Pending = "Pending",
        InProgress = "InProgress",
        Succeeded = "Succeeded",
        Failed = "Failed",
        Skipped = "Skipped",
        Unknown = "Unknown",
    }
}

open_enum! {
    /// How an event ended, as in `Diagnostics.errorCode`.
    LifecycleErrorCode {
        Success = "Success",
        ScriptMissing = "ScriptMissing",
        ScriptNotExecutable = "ScriptNotExecutable",
        ScriptTimedOut = "ScriptTimedOut",
        ScriptFailed = "ScriptFailed",
        UnknownError = "UnknownError",
    }
}

/// What a host says of an event that ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Diagnostics {
    pub error_code: LifecycleErrorCode,
    /// The script's location as the AppSpec writes it; empty where no script is to blame.
    pub script_name: String,
    pub message: String,
    /// The end of the script's output; at most 4 KB on the wire.
    pub log_tail: String,
}

impl Diagnostics {
    /// What the service shows for an event that went well.
    pub fn success() -> Self {
        Diagnostics {
            error_code: LifecycleErrorCode::Success,
            script_name: String::new(),
            message: "Succeeded".to_owned(),
            log_tail: String::new(),
        }
    }
}

/// One lifecycle event of one target, as the service tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LifecycleEvent {
    pub name: EventName,
    pub status: EventStatus,
    pub start_time: Option<Timestamp>,
    pub end_time: Option<Timestamp>,
    pub diagnostics: Option<Diagnostics>,
}
