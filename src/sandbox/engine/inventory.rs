//! The hosts that are there at this moment, a region apart. Starts as the fleet file says, and changes with Auto Scaling,
//! blue/green deployments and hosts that disappear.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use crate::sandbox::fleet::{Fleet, Instance, Kind, seeded};
use crate::sandbox::store::{OnPremises, Region};

/// The hosts of all regions.
pub(super) struct Inventory {
    declared: Vec<Arc<Instance>>,
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
}

impl Inventory {
    pub(super) fn new(fleet: &Fleet, seed: u64) -> Self {
        let declared = fleet.instances.iter().cloned().map(Arc::new).collect();
        Inventory { declared, regions: HashMap::new(), seed, made: 0 }
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
        let mut hosts = self.region(region).map_or_else(|| self.declared.clone(), |own| own.present.clone());
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

    /// Takes up a region where a store has it.
    pub(super) fn restore(&mut self, name: &str, region: &Region) {
        if region.launched.is_empty() && region.gone.is_empty() {
            return;
        }
        let mut launched: Vec<_> = region.launched.values().collect();
        launched.sort_by_key(|launched| launched.number);
        self.made = launched.last().map_or(self.made, |last| self.made.max(last.number));
        let hosts = self.region_mut(name);
        hosts.present.extend(launched.into_iter().map(|launched| Arc::new(launched.instance.clone())));
        self.remove(name, region.gone.keys().cloned());
    }

    /// How many hosts were launched.
    pub(super) fn made(&self) -> u64 {
        self.made
    }

    /// A host that is there, or was.
    pub(super) fn is_gone(&self, region: &str, id: &str) -> bool {
        self.region(region).is_some_and(|hosts| hosts.gone.contains(id))
    }

    /// Those hosts are there no more.
    pub(super) fn remove(&mut self, region: &str, ids: impl IntoIterator<Item = String>) {
        let hosts = self.region_mut(region);
        hosts.gone.extend(ids);
        let Hosts { present, gone } = hosts;
        present.retain(|host| !gone.contains(&host.id));
    }

    /// The hosts of an Auto Scaling group.
    pub(super) fn scaled(&self, region: &str, group: &str) -> Vec<Arc<Instance>> {
        let hosts = self.region(region).map_or(&self.declared, |hosts| &hosts.present);
        hosts.iter().filter(|host| host.auto_scaling_group.as_deref() == Some(group)).cloned().collect()
    }

    /// Launches as many hosts in an Auto Scaling group, each like one of `models`; none where there is no model.
    pub(super) fn launch(
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
        self.region_mut(region).present.extend(launched.iter().cloned());
        launched
    }

    fn region(&self, name: &str) -> Option<&Hosts> {
        self.regions.get(name)
    }

    fn region_mut(&mut self, name: &str) -> &mut Hosts {
        let Inventory { declared, regions, .. } = self;
        regions
            .entry(name.to_owned())
            .or_insert_with(|| Hosts { present: declared.clone(), gone: BTreeSet::new() })
    }
}
