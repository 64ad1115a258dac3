//! The waves of a blue/green deployment: which hosts go through which events, and how many at a time.

use std::sync::Arc;

use super::{BlueGreen, INSTALLATION, count};
use crate::model::{EventName, TargetStatus};
use crate::sandbox::engine::driver::Context;
use crate::sandbox::engine::slots::Slots;
use crate::sandbox::engine::wave::Plan;

impl BlueGreen {
    pub(super) fn installation(&self, targets: Vec<usize>, slots: Slots) -> Plan {
        self.gaining(targets, slots, 0..INSTALLATION, TargetStatus::Ready)
    }

    /// None for no hosts.
    pub(super) fn admission(&self, targets: Vec<usize>) -> Option<Plan> {
        let events = if self.is_back() { 0..3 } else { INSTALLATION..EventName::NEW_INSTANCE.len() };
        let slots = self.slots(targets.len())?;
        Some(self.gaining(targets, slots, events, TargetStatus::Succeeded))
    }

    /// None for no hosts.
    pub(super) fn exclusion(&self) -> Option<Plan> {
        Some(Plan {
            key: self.key.clone(),
            order: Arc::clone(&self.order),
            targets: (0..self.fleets.losing.len()).collect(),
            hosts: self.fleets.losing.clone(),
            names: EventName::BLOCK_TRAFFIC,
            events: 0..EventName::BLOCK_TRAFFIC.len(),
            done: TargetStatus::Succeeded,
            slots: self.slots(self.fleets.losing.len())?,
        })
    }

    /// Rerouting goes at the configuration's pace, and at least one host at a time; none for no hosts.
    fn slots(&self, hosts: usize) -> Option<Slots> {
        let total = count(hosts);
        Slots::new(total, self.minimum.required(total).min(total.saturating_sub(1)))
    }

    fn gaining(
        &self,
        targets: Vec<usize>,
        slots: Slots,
        events: std::ops::Range<usize>,
        done: TargetStatus,
    ) -> Plan {
        let names = self.gaining_names();
        let first = self.fleets.losing.len();
        let host = |target: &usize| self.fleets.gaining.get(target.checked_sub(first)?).cloned();
        let hosts = targets.iter().filter_map(host).collect();
        let (key, order) = (self.key.clone(), Arc::clone(&self.order));
        Plan { key, order, targets, hosts, names, events, done, slots }
    }

    /// The targets that gain traffic and have not failed.
    pub(super) fn ready(&self, context: &Context) -> Vec<usize> {
        let first = self.fleets.losing.len();
        let ready = context.deployment(&self.key, |deployment| {
            let gaining = (0..).zip(deployment.targets.iter()).skip(first);
            gaining.filter(|(_, target)| !target.status.is_finished()).map(|(index, _)| index).collect()
        });
        ready.unwrap_or_default()
    }
}
