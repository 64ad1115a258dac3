//! Faults: what goes wrong, on which hosts, in which lifecycle event. Plain data and one look-up.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};

#[cfg(test)]
use super::Fleet;
use super::{Instance, seeded};
use crate::error::nearest;
use crate::model::{EventName, LifecycleErrorCode};
use crate::sandbox::fault::{MOST, Numbers, span};
use crate::sandbox::store::Millis;

/// Something that goes wrong.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// Where; every host where it is left out.
    #[serde(default)]
    pub hosts: Hosts,
    /// The lifecycle event; every one where it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event: Option<EventName>,
    /// What happens.
    #[serde(with = "serde_yaml::with::singleton_map")]
    pub outcome: Outcome,
    /// How long it lasts, in real time; as long as the sandbox where it is left out.
    #[serde(default, rename = "for", with = "span", skip_serializing_if = "Option::is_none")]
    pub lasts: Option<Duration>,
    /// How many events it meets before it is over; any number where it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub times: Option<u64>,
}

/// Hosts that meet every condition that is given.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hosts {
    /// One of these instances; or a Lambda function by its name, an ECS service by `cluster:service`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ids: Option<Vec<String>>,
    /// In this zone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// With these tags.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
    /// About this share of them, above 0 and at most 1: a host is met always or never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub share: Option<f64>,
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

/// Reads a finite number above 0.
fn factor<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    let factor = f64::deserialize(deserializer)?;
    if factor.is_finite() && factor > 0.0 {
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
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_code: Option<LifecycleErrorCode>,
    /// The script to blame, as the AppSpec would write it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub script: Option<String>,
    /// The script's exit code; 1 where it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<u8>,
    /// What the host says; for a failed script the agent's own sentence where it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// What the script wrote to stderr.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log: Option<String>,
}

impl Hosts {
    /// `fault` is the fault's number: each takes a share of its own.
    fn include(&self, instance: &Instance, fault: u64) -> bool {
        self.ids.as_ref().is_none_or(|ids| ids.contains(&instance.id))
            && self.zone.as_ref().is_none_or(|zone| *zone == instance.zone)
            && self.tags.iter().all(|(key, value)| instance.tags.get(key) == Some(value))
            && self.share.is_none_or(|share| seeded(fault, &["share", &instance.id]).f64() < share)
    }
}

impl Fault {
    /// Whether it makes sense.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn check(&self) -> Result<(), String> {
        if let Some(EventName::Other(name)) = &self.event {
            let meant = nearest(name, EventName::KNOWN.iter().map(EventName::as_str));
            let meant = meant.map(|name| format!("; did you mean `{name}`?")).unwrap_or_default();
            return Err(format!("`{name}` is no lifecycle event{meant}"));
        }
        if self.times == Some(0) {
            return Err("a fault strikes at least once".to_owned());
        }
        if let Outcome::Fail(Failure { error_code: Some(LifecycleErrorCode::Other(code)), .. }) =
            &self.outcome
        {
            let meant = nearest(code, LifecycleErrorCode::KNOWN.iter().map(LifecycleErrorCode::as_str));
            let meant = meant.map(|name| format!("; did you mean `{name}`?")).unwrap_or_default();
            return Err(format!("`{code}` is no code of a lifecycle event's error{meant}"));
        }
        match self.hosts.share {
            Some(share) if !(share > 0.0 && share <= 1.0) => {
                Err(format!("the share {share} is not above 0 and at most 1"))
            }
            _ => Ok(()),
        }
    }
}

/// The faults that there are at this moment: those of the fleet file, and what was added and removed since.
#[derive(Debug, Default)]
pub struct Faults {
    numbers: Numbers,
    in_force: Mutex<BTreeMap<u64, InForce>>,
}

/// A fault that is in force.
#[derive(Clone, Debug, Serialize)]
pub struct InForce {
    pub id: u64,
    #[serde(flatten)]
    pub fault: Fault,
    #[serde(skip)]
    until: Millis,
    /// How many events it has met.
    pub struck: u64,
}

impl Faults {
    /// Those of a fleet, numbered from 1, for as long as the sandbox.
    #[cfg(test)]
    pub fn of(fleet: &Fleet) -> Self {
        let faults = Faults::default();
        for fault in &fleet.faults {
            faults.add(fault.clone(), Millis::MAX).unwrap();
        }
        faults
    }

    /// Where the numbers of faults come from, those of the API's among them.
    pub fn numbers(&self) -> Numbers {
        self.numbers.clone()
    }

    /// Puts a fault in force until `until`, and gives it back with its number. Events that run already are not met
    /// by it.
    ///
    /// # Errors
    /// A fault that makes no sense, or one too many.
    pub fn add(&self, fault: Fault, until: Millis) -> Result<InForce, String> {
        fault.check()?;
        let mut all = self.all();
        if all.len() >= MOST {
            return Err(format!("{MOST} faults of hosts are in force, which is the most there can be"));
        }
        let in_force = InForce { id: self.numbers.next(), fault, until, struck: 0 };
        all.insert(in_force.id, in_force.clone());
        Ok(in_force)
    }

    /// Ends the fault of this number, or all; gives back how many ended.
    pub fn clear(&self, number: Option<u64>) -> usize {
        let mut all = self.all();
        let before = all.len();
        all.retain(|id, _| number.is_some_and(|number| number != *id));
        before - all.len()
    }

    /// What is in force, oldest first.
    pub fn list(&self, now: Millis) -> Vec<InForce> {
        let mut all = self.all();
        all.retain(|_, fault| now < fault.until);
        all.values().cloned().collect()
    }

    /// What the first fault does that meets this event on this instance.
    pub fn meet(&self, instance: &Instance, event: &EventName, now: Millis) -> Option<Outcome> {
        let mut all = self.all();
        let met = all.values_mut().find(|InForce { id, fault, until, .. }| {
            now < *until
                && fault.event.as_ref().is_none_or(|name| name == event)
                && fault.hosts.include(instance, *id)
        })?;
        met.struck += 1;
        let outcome = met.fault.outcome.clone();
        all.retain(|_, one| one.fault.times.is_none_or(|times| one.struck < times));
        Some(outcome)
    }

    fn all(&self) -> MutexGuard<'_, BTreeMap<u64, InForce>> {
        self.in_force.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
