//! Faults: what goes wrong, on which hosts, in which lifecycle event. Plain data and one look-up.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};

use super::{Fleet, Instance};
use crate::model::{EventName, LifecycleErrorCode};

/// Something that goes wrong.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// Where; every host where it is left out.
    #[serde(default)]
    pub hosts: Hosts,
    /// The lifecycle event; every one where it is left out.
    #[serde(default)]
    pub event: Option<EventName>,
    /// What happens.
    #[serde(with = "serde_yaml::with::singleton_map")]
    pub outcome: Outcome,
}

/// Hosts that meet every condition that is given.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hosts {
    /// One of these instances; or a Lambda function by its name, an ECS service by `cluster:service`.
    #[serde(default)]
    pub ids: Option<Vec<String>>,
    /// In this zone.
    #[serde(default)]
    pub zone: Option<String>,
    /// With these tags.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
}

/// What a fault does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// The event fails, without anything being run.
    Fail(Failure),
    /// The event never ends of itself.
    Hang,
    /// The event takes so many times as long.
    Slow(#[serde(deserialize_with = "factor")] f64),
    /// The agent doesn't answer: the event is never received.
    AgentOffline,
}

/// Reads a finite number that is not negative.
fn factor<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    let factor = f64::deserialize(deserializer)?;
    if factor.is_finite() && factor >= 0.0 {
        Ok(factor)
    } else {
        Err(D::Error::custom(format!("slow: {factor} is not a number of times")))
    }
}

/// How an event fails.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Failure {
    /// `ScriptFailed` where it is left out and a script is named, else `UnknownError`.
    #[serde(default)]
    pub error_code: Option<LifecycleErrorCode>,
    /// The script to blame, as the AppSpec would write it.
    #[serde(default)]
    pub script: Option<String>,
    /// The script's exit code; 1 where it is left out.
    #[serde(default)]
    pub exit_code: Option<u8>,
    /// What the host says; for a failed script the agent's own sentence where it is left out.
    #[serde(default)]
    pub message: Option<String>,
    /// What the script wrote to stderr.
    #[serde(default)]
    pub log: Option<String>,
}

impl Hosts {
    fn include(&self, instance: &Instance) -> bool {
        self.ids.as_ref().is_none_or(|ids| ids.contains(&instance.id))
            && self.zone.as_ref().is_none_or(|zone| *zone == instance.zone)
            && self.tags.iter().all(|(key, value)| instance.tags.get(key) == Some(value))
    }
}

/// The faults that there are at this moment: those of the fleet file, and what was added and removed since.
#[derive(Debug, Default)]
pub struct Faults(Mutex<Numbered>);

#[derive(Debug, Default)]
struct Numbered {
    last: u64,
    faults: BTreeMap<u64, Fault>,
}

impl Faults {
    /// Those of a fleet, numbered from 1.
    pub fn of(fleet: &Fleet) -> Self {
        let faults = Faults::default();
        for fault in &fleet.faults {
            faults.add(fault.clone());
        }
        faults
    }

    /// Adds a fault and gives its number. Events that run already are not met by it.
    pub fn add(&self, fault: Fault) -> u64 {
        let mut all = self.all();
        all.last += 1;
        let number = all.last;
        all.faults.insert(number, fault);
        number
    }

    /// Removes a fault; false where there is none of this number.
    pub fn remove(&self, number: u64) -> bool {
        self.all().faults.remove(&number).is_some()
    }

    /// All faults by number, the oldest first.
    pub fn list(&self) -> Vec<(u64, Fault)> {
        self.all().faults.iter().map(|(number, fault)| (*number, fault.clone())).collect()
    }

    /// What the first fault does that meets this event on this instance.
    pub fn meet(&self, instance: &Instance, event: &EventName) -> Option<Outcome> {
        let all = self.all();
        let meets = |fault: &&Fault| {
            fault.event.as_ref().is_none_or(|name| name == event) && fault.hosts.include(instance)
        };
        all.faults.values().find(meets).map(|fault| fault.outcome.clone())
    }

    fn all(&self) -> MutexGuard<'_, Numbered> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
