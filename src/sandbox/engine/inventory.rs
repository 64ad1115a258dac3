//! The hosts that are there at this moment, a region apart. Starts as the fleet file says, and changes with Auto Scaling,
//! blue/green deployments and hosts that disappear.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use crate::sandbox::fleet::{Fleet, Instance, Kind, seeded};
use crate::sandbox::rows::List;
use crate::sandbox::store::{HostChange, OnPremises};

/// The hosts of all regions.
pub(super) struct Inventory {
    /// What a region starts with that nothing has happened in.
    base: Hosts,
    regions: HashMap<String, Hosts>,
    seed: u64,
    /// How many hosts were launched.
    made: u64,
    /// What the store has not been told.
    changes: Vec<HostChange>,
}

/// The hosts of one region.
#[derive(Clone, Default)]
struct Hosts {
    present: Vec<Arc<Instance>>,
    /// Ids of those that are there no more.
    gone: BTreeSet<String>,
    /// Those that disappeared and may come back, by id; none where only their registration told of them.
    lost: BTreeMap<String, Option<Arc<Instance>>>,
    /// The processes of Auto Scaling groups that deployments suspended: by group, then by deployment.
    suspended: BTreeMap<String, BTreeMap<String, BTreeSet<String>>>,
}

impl Hosts {
    fn lose(&mut self, id: &str) {
        let at = self.present.iter().position(|host| host.id == id);
        let host = at.map(|index| self.present.remove(index));
        if self.gone.insert(id.to_owned()) {
            self.lost.insert(id.to_owned(), host);
        }
    }

    fn find_again(&mut self, id: &str) {
        if let Some(host) = self.lost.remove(id) {
            self.gone.remove(id);
            self.present.extend(host);
        }
    }

    fn scaled(&self, group: &str) -> Vec<Arc<Instance>> {
        let within = |host: &&Arc<Instance>| host.auto_scaling_group.as_deref() == Some(group);
        self.present.iter().filter(within).cloned().collect()
    }
}

impl Inventory {
    /// Those of a fleet, after these changes.
    pub(super) fn of(fleet: &Fleet, seed: u64, changes: &List<HostChange>) -> Self {
        let present = fleet.instances.iter().cloned().map(Arc::new).collect();
        let base = Hosts { present, ..Hosts::default() };
        let mut inventory = Inventory { base, regions: HashMap::new(), seed, made: 0, changes: Vec::new() };
        changes.iter().for_each(|change| inventory.apply(change));
        inventory
    }

    /// The hosts that are there. On-premises ones are those that were registered as well, with the tags of the
    /// registration; one that was deregistered is left out.
    ///
    /// The sandbox's choice: a registered one that the fleet file does not declare is simulated.
    pub(super) fn hosts<'a>(
        &self,
        region: &str,
        registered: impl Iterator<Item = &'a OnPremises>,
    ) -> Vec<Arc<Instance>> {
        let mut records: BTreeMap<&str, &OnPremises> =
            registered.map(|record| (record.name.as_str(), record)).collect();
        let told = |mut instance: Instance, record: &OnPremises| {
            instance.on_premises = true;
            instance.arn = Some(record.arn.clone());
            instance.tags.clone_from(&record.tags);
            Arc::new(instance)
        };
        let mut hosts = Vec::new();
        for host in &self.region(region).present {
            match records.remove(host.id.as_str()).filter(|_| host.on_premises) {
                Some(record) if record.deregistered.is_some() => {}
                Some(record) => hosts.push(told(Instance::clone(host), record)),
                None => hosts.push(Arc::clone(host)),
            }
        }
        let there =
            |record: &&OnPremises| record.deregistered.is_none() && !self.is_gone(region, &record.name);
        let others = records.into_values().filter(there);
        hosts.extend(others.map(|one| told(Instance::named(&one.name, Kind::Simulated), one)));
        hosts
    }

    /// A host that is there, or was.
    pub(super) fn is_gone(&self, region: &str, id: &str) -> bool {
        self.region(region).gone.contains(id)
    }

    /// Those hosts are there no more.
    pub(super) fn remove(&mut self, region: &str, ids: impl IntoIterator<Item = String>) {
        self.change(HostChange::Removed(region.to_owned(), ids.into_iter().collect()));
    }

    /// From here on a region has hosts of its own.
    pub(super) fn enter(&mut self, region: &str) {
        if !self.regions.contains_key(region) {
            self.change(HostChange::Entered(region.to_owned()));
        }
    }

    /// A host disappears in every region.
    pub(super) fn lose(&mut self, id: String) {
        self.change(HostChange::Lost(id));
    }

    /// A host that disappeared is there again.
    pub(super) fn find_again(&mut self, id: String) {
        self.change(HostChange::Found(id));
    }

    /// What was changed since the last time, for the store.
    pub(super) fn changes(&mut self) -> Vec<HostChange> {
        std::mem::take(&mut self.changes)
    }

    fn change(&mut self, change: HostChange) {
        self.apply(&change);
        self.changes.push(change);
    }

    /// Makes a change that the store has already, or that is not for it.
    pub(super) fn apply(&mut self, change: &HostChange) {
        match change {
            HostChange::Entered(region) => {
                self.region_mut(region);
            }
            HostChange::Launched(region, instances) => {
                self.made += instances.len() as u64;
                let hosts = match region {
                    Some(region) => self.region_mut(region),
                    None => &mut self.base,
                };
                hosts.present.extend(instances.iter().cloned().map(Arc::new));
            }
            HostChange::Removed(region, ids) => {
                let Hosts { present, gone, .. } = self.region_mut(region);
                gone.extend(ids.iter().cloned());
                present.retain(|host| !gone.contains(&host.id));
            }
            HostChange::Shrunk(group, count) => {
                let all = self.base.scaled(group);
                for host in all.split_at(all.len().saturating_sub(*count)).1 {
                    self.base.present.retain(|one| one.id != host.id);
                }
            }
            HostChange::Lost(id) => self.everywhere().for_each(|hosts| hosts.lose(id)),
            HostChange::Found(id) => self.everywhere().for_each(|hosts| hosts.find_again(id)),
        }
    }

    /// Whether a host is there in some region, by the fleet file or by what happened since.
    pub(super) fn has(&self, id: &str) -> bool {
        self.all().any(|hosts| hosts.present.iter().any(|host| host.id == id))
    }

    /// Whether a host disappeared and may come back.
    pub(super) fn is_lost(&self, id: &str) -> bool {
        self.all().any(|hosts| hosts.lost.contains_key(id))
    }

    /// Those that disappeared and may come back, as far as more than their registration is known.
    pub(super) fn lost(&self, region: &str) -> Vec<Arc<Instance>> {
        self.region(region).lost.values().flatten().cloned().collect()
    }

    /// A deployment suspends processes of an Auto Scaling group until it has ended.
    pub(super) fn suspend(
        &mut self,
        region: &str,
        group: &str,
        deployment: &str,
        processes: BTreeSet<String>,
    ) {
        let groups = &mut self.region_mut(region).suspended;
        groups.entry(group.to_owned()).or_default().insert(deployment.to_owned(), processes);
    }

    /// What a deployment suspended goes on. Says whether there was anything.
    pub(super) fn resume(&mut self, region: &str, deployment: &str) -> bool {
        let Some(hosts) = self.regions.get_mut(region) else { return false };
        let mut resumed = false;
        hosts.suspended.retain(|_, by| {
            resumed |= by.remove(deployment).is_some();
            !by.is_empty()
        });
        resumed
    }

    /// The processes of an Auto Scaling group that are suspended.
    pub(super) fn suspended(&self, region: &str, group: &str) -> BTreeSet<String> {
        self.region(region)
            .suspended
            .get(group)
            .into_iter()
            .flat_map(BTreeMap::values)
            .flatten()
            .cloned()
            .collect()
    }

    /// Whether an Auto Scaling group may not terminate instances in some region.
    pub(super) fn keeps_all(&self, group: &str) -> bool {
        let by = self.all().filter_map(|hosts| hosts.suspended.get(group));
        by.flat_map(BTreeMap::values).any(|processes| processes.contains("Terminate"))
    }

    /// The hosts of an Auto Scaling group.
    pub(super) fn scaled(&self, region: &str, group: &str) -> Vec<Arc<Instance>> {
        self.region(region).scaled(group)
    }

    /// Launches as many hosts in an Auto Scaling group, each like one of `models`; none where there is no model.
    pub(super) fn launch(
        &mut self,
        region: &str,
        group: &str,
        models: &[Arc<Instance>],
        count: usize,
    ) -> Vec<Arc<Instance>> {
        let launched = self.make(region, group, models, count);
        self.change(HostChange::Launched(Some(region.to_owned()), launched.clone()));
        launched.into_iter().map(Arc::new).collect()
    }

    /// An Auto Scaling group grows where nothing has happened yet.
    pub(super) fn grow_base(&mut self, group: &str, otherwise: &Arc<Instance>, count: usize) {
        let mut models = self.base.scaled(group);
        if models.is_empty() {
            models.push(Arc::clone(otherwise));
        }
        let launched = self.make("", group, &models, count);
        self.change(HostChange::Launched(None, launched));
    }

    /// An Auto Scaling group shrinks where nothing has happened yet. Gives by how many.
    pub(super) fn shrink_base(&mut self, group: &str, count: usize) -> usize {
        let there = self.base.scaled(group).len();
        self.change(HostChange::Shrunk(group.to_owned(), count));
        there.min(count)
    }

    fn make(&self, region: &str, group: &str, models: &[Arc<Instance>], count: usize) -> Vec<Instance> {
        let mut launched = Vec::new();
        for (number, model) in (self.made + 1..).zip(models.iter().cycle().take(count)) {
            let mut rng = seeded(self.seed, &["launch", region, group, &number.to_string()]);
            let mut instance = Instance::clone(model);
            instance.id = format!("i-0{:016x}", rng.u64(..));
            instance.auto_scaling_group = Some(group.to_owned());
            launched.push(instance);
        }
        launched
    }

    fn all(&self) -> impl Iterator<Item = &Hosts> {
        std::iter::once(&self.base).chain(self.regions.values())
    }

    fn everywhere(&mut self) -> impl Iterator<Item = &mut Hosts> {
        std::iter::once(&mut self.base).chain(self.regions.values_mut())
    }

    fn region(&self, name: &str) -> &Hosts {
        self.regions.get(name).unwrap_or(&self.base)
    }

    fn region_mut(&mut self, name: &str) -> &mut Hosts {
        let Inventory { base, regions, .. } = self;
        regions.entry(name.to_owned()).or_insert_with(|| base.clone())
    }
}
