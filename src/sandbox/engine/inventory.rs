//! The hosts that are there at this moment, a region apart. Starts as the fleet file says, and changes with Auto Scaling,
//! blue/green deployments and hosts that disappear.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use crate::sandbox::fleet::{Fleet, Instance, Kind, seeded};
use crate::sandbox::store::OnPremises;

/// The hosts of all regions.
pub(super) struct Inventory {
    /// What a region starts with that nothing has happened in.
    base: Hosts,
    regions: HashMap<String, Hosts>,
    seed: u64,
    made: u64,
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
    pub(super) fn new(fleet: &Fleet, seed: u64) -> Self {
        let present = fleet.instances.iter().cloned().map(Arc::new).collect();
        Inventory { base: Hosts { present, ..Hosts::default() }, regions: HashMap::new(), seed, made: 0 }
    }

    /// The hosts that are there. On-premises ones are those that were registered as well, with the tags of the
    /// registration; one that was deregistered is left out.
    ///
    /// The sandbox's choice: an on-premises instance of the fleet file counts as registered until somebody
    /// registers or deregisters one of that name, and a registered one that the file does not declare is simulated.
    pub(super) fn hosts<'a>(
        &self,
        region: &str,
        registered: impl Iterator<Item = &'a OnPremises>,
    ) -> Vec<Arc<Instance>> {
        let mut hosts = self.region(region).present.clone();
        for record in registered {
            let known = hosts.iter().position(|host| host.on_premises && host.id == record.name);
            let host = known.map(|index| hosts.swap_remove(index));
            if record.deregistered.is_some() || self.is_gone(region, &record.name) {
                continue;
            }
            let mut instance = host.map_or_else(
                || Instance::named(&record.name, Kind::Simulated),
                |host| Instance::clone(&host),
            );
            instance.on_premises = true;
            instance.arn = Some(record.arn.clone());
            instance.tags.clone_from(&record.tags);
            hosts.push(Arc::new(instance));
        }
        hosts
    }

    /// A host that is there, or was.
    pub(super) fn is_gone(&self, region: &str, id: &str) -> bool {
        self.region(region).gone.contains(id)
    }

    /// Those hosts are there no more.
    pub(super) fn remove(&mut self, region: &str, ids: impl IntoIterator<Item = String>) {
        let hosts = self.region_mut(region);
        hosts.gone.extend(ids);
        let Hosts { present, gone, .. } = hosts;
        present.retain(|host| !gone.contains(&host.id));
    }

    /// From here on a region has hosts of its own.
    pub(super) fn enter(&mut self, region: &str) {
        self.region_mut(region);
    }

    /// A host disappears in every region.
    pub(super) fn lose(&mut self, id: &str) {
        self.everywhere().for_each(|hosts| hosts.lose(id));
    }

    /// A host that disappeared is there again.
    pub(super) fn find_again(&mut self, id: &str) {
        self.everywhere().for_each(|hosts| hosts.find_again(id));
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

    /// The Auto Scaling groups that have a host in some region.
    pub(super) fn scaling_groups(&self) -> BTreeSet<String> {
        let hosts = self.all().flat_map(|hosts| &hosts.present);
        hosts.filter_map(|host| host.auto_scaling_group.clone()).collect()
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
        self.region_mut(region).present.extend(launched.iter().cloned());
        launched
    }

    /// An Auto Scaling group grows where nothing has happened yet.
    pub(super) fn grow_base(&mut self, group: &str, otherwise: &Arc<Instance>, count: usize) {
        let mut models = self.base.scaled(group);
        if models.is_empty() {
            models.push(Arc::clone(otherwise));
        }
        let launched = self.make("", group, &models, count);
        self.base.present.extend(launched);
    }

    /// An Auto Scaling group shrinks where nothing has happened yet.
    pub(super) fn shrink_base(&mut self, group: &str, count: usize) {
        let all = self.base.scaled(group);
        for host in all.split_at(all.len().saturating_sub(count)).1 {
            self.base.present.retain(|one| one.id != host.id);
        }
    }

    fn make(
        &mut self,
        region: &str,
        group: &str,
        models: &[Arc<Instance>],
        count: usize,
    ) -> Vec<Arc<Instance>> {
        let mut launched = Vec::new();
        for model in models.iter().cycle().take(count) {
            self.made += 1;
            let mut rng = seeded(self.seed, &["launch", region, group, &self.made.to_string()]);
            let mut instance = Instance::clone(model);
            instance.id = format!("i-0{:016x}", rng.u64(..));
            instance.auto_scaling_group = Some(group.to_owned());
            launched.push(Arc::new(instance));
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
