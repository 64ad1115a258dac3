//! What is there at a moment: hosts, Auto Scaling groups, alarms, aliases, task sets. Plain data for whoever looks.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::{Instance, Kind};
use crate::sandbox::store::{Function, Label, Service, TaskSet};

/// A region's view of the fleet.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Status {
    pub instances: Vec<InstanceStatus>,
    pub auto_scaling_groups: Vec<ScalingStatus>,
    /// The alarms that are on.
    pub alarms: BTreeSet<String>,
    /// By name.
    pub functions: BTreeMap<String, Function>,
    /// By `cluster:service`; without task sets until a deployment comes.
    pub services: BTreeMap<String, ServiceStatus>,
}

/// A host.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct InstanceStatus {
    pub id: String,
    pub zone: String,
    pub kind: Kind,
    pub tags: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auto_scaling_group: Option<String>,
    pub on_premises: bool,
    /// It has disappeared, and may come back.
    pub disappeared: bool,
}

/// An Auto Scaling group.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ScalingStatus {
    pub name: String,
    /// How many it has.
    pub instances: usize,
    /// What a deployment keeps it from doing until it has ended.
    pub suspended_processes: BTreeSet<String>,
}

/// An ECS service.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ServiceStatus {
    pub task_sets: Vec<TaskSetStatus>,
}

/// Its task sets, as ECSTarget shows them.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TaskSetStatus {
    pub id: String,
    pub status: String,
    pub label: Option<Label>,
    pub desired: i64,
    pub pending: i64,
    pub running: i64,
    pub traffic_weight: f64,
    pub target_group: Option<String>,
}

impl From<&Service> for ServiceStatus {
    fn from(service: &Service) -> Self {
        let status = |set: &TaskSet| TaskSetStatus {
            id: set.id.clone(),
            status: set.status.clone(),
            label: set.label,
            desired: set.desired,
            pending: set.pending,
            running: set.running,
            traffic_weight: set.traffic_weight,
            target_group: set.target_group.clone(),
        };
        ServiceStatus { task_sets: service.task_sets.iter().map(status).collect() }
    }
}

impl InstanceStatus {
    pub fn of(instance: &Instance, disappeared: bool) -> Self {
        InstanceStatus {
            id: instance.id.clone(),
            zone: instance.zone.clone(),
            kind: instance.kind,
            tags: instance.tags.clone(),
            auto_scaling_group: instance.auto_scaling_group.clone(),
            on_premises: instance.on_premises,
            disappeared,
        }
    }
}
