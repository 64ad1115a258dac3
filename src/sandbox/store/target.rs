//! What a deployment deploys to, and the lifecycle events there.

use serde::{Deserialize, Serialize};

use super::Millis;
use crate::model::{Diagnostics, EventName, EventStatus, TargetStatus};
use crate::sandbox::rows::Entity;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Target {
    pub id: String,
    pub arn: String,
    pub kind: TargetKind,
    pub status: TargetStatus,
    pub last_updated: Option<Millis>,
    pub events: Vec<Event>,
}

impl Entity for Target {}

/// What a target is, with what only that kind shows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum TargetKind {
    /// `InstanceTarget`; the label in blue/green deployments only.
    Instance(Option<Label>),
    /// `LambdaTarget`
    Lambda(LambdaFunction),
    /// `ECSTarget`: `taskSetsInfo`.
    Ecs(Vec<TaskSet>),
}

/// `Blue` or `Green`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Label {
    Blue,
    Green,
}

impl Label {
    /// The label as it is on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Label::Blue => "Blue",
            Label::Green => "Green",
        }
    }
}

/// `lambdaFunctionInfo`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LambdaFunction {
    pub name: String,
    pub alias: String,
    pub current_version: String,
    pub target_version: String,
    /// The share of the traffic that goes to the target version: 0.0 to 1.0.
    pub target_version_weight: f64,
}

/// An entry of `taskSetsInfo`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TaskSet {
    /// `identifer` on the wire (the service misspells it): `ecs-svc/` and digits.
    pub id: String,
    pub desired: i64,
    pub pending: i64,
    pub running: i64,
    /// `PRIMARY`, `ACTIVE` or `DRAINING`.
    pub status: String,
    /// 0.0 to 100.0
    pub traffic_weight: f64,
    /// The name of its target group.
    pub target_group: Option<String>,
    pub label: Option<Label>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Event {
    pub name: EventName,
    pub status: EventStatus,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<Millis>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<Millis>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub diagnostics: Option<Diagnostics>,
}
