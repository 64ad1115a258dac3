//! Which hosts a deployment goes to, and in which order. Pure: reads fleet and store, changes neither.

use std::sync::Arc;

use fastrand::Rng;
use serde_json::{Map, Value};

use crate::sandbox::fleet::Instance;
use crate::sandbox::rows::Table;
use crate::sandbox::store::{HostState, Region};

/// The hosts that a group's settings find at this moment: by EC2 tags, by Auto Scaling group, by on-premises tags.
pub(super) fn of_group(settings: &Map<String, Value>, hosts: &[Arc<Instance>]) -> Vec<Arc<Instance>> {
    let member = |instance: &Instance| {
        if instance.on_premises {
            tagged(settings, "onPremisesInstanceTagFilters", "onPremisesTagSet", instance)
        } else {
            let filters = if settings.contains_key("tagFilters") { "tagFilters" } else { "ec2TagFilters" };
            tagged(settings, filters, "ec2TagSet", instance) || scaled(settings, instance)
        }
    };
    hosts.iter().filter(|instance| member(instance)).cloned().collect()
}

/// The first of these filters that no EC2 instance meets.
pub(super) fn unmet<'f>(filters: &'f [Value], hosts: &[Arc<Instance>]) -> Option<&'f Value> {
    let meets = |filter: &Value| hosts.iter().any(|host| !host.on_premises && matches(filter, host));
    filters.iter().find(|filter| !meets(filter))
}

/// A plain list of filters is an OR; a set is an AND of lists, each of them an OR.
fn tagged(settings: &Map<String, Value>, filters: &str, set: &str, instance: &Instance) -> bool {
    if list(settings.get(filters)).any(|filter| matches(filter, instance)) {
        return true;
    }
    let groups = settings.get(set).and_then(|value| value.get(format!("{set}List")));
    let mut groups = list(groups).peekable();
    groups.peek().is_some() && groups.all(|group| list(Some(group)).any(|filter| matches(filter, instance)))
}

fn matches(filter: &Value, instance: &Instance) -> bool {
    let member = |name: &str| filter.get(name).and_then(Value::as_str);
    let (key, value) = (member("Key"), member("Value").unwrap_or_default());
    let kind = member("Type").unwrap_or(if key.is_none() { "VALUE_ONLY" } else { "KEY_AND_VALUE" });
    let found = instance.tags.get(key.unwrap_or_default());
    match kind {
        "KEY_ONLY" => found.is_some(),
        "VALUE_ONLY" => instance.tags.values().any(|tag| tag == value),
        _ => found.is_some_and(|tag| tag == value),
    }
}

fn scaled(settings: &Map<String, Value>, instance: &Instance) -> bool {
    let Some(group) = &instance.auto_scaling_group else { return false };
    list(settings.get("autoScalingGroups"))
        .any(|entry| entry.get("name").unwrap_or(entry).as_str() == Some(group))
}

fn list(value: Option<&Value>) -> impl Iterator<Item = &Value> {
    value.and_then(Value::as_array).into_iter().flatten()
}

/// What the group's earlier deployments left on its hosts.
pub(super) struct History<'a> {
    region: &'a Region,
    hosts: Option<&'a Table<HostState>>,
}

impl<'a> History<'a> {
    pub(super) fn of(region: &'a Region, group_id: &str) -> Self {
        History { region, hosts: region.group(group_id).map(|group| &group.hosts) }
    }

    /// The revision that a host has, where that is known.
    fn revision(&self, instance: &Instance) -> Option<&'a Value> {
        let deployment = self.hosts?.get(&instance.id)?.deployment.as_ref()?;
        Some(&self.region.deployments.get(deployment)?.revision)
    }

    /// Whether a host has a known revision, and this one.
    pub(super) fn has(&self, instance: &Instance, revision: &Value) -> bool {
        self.revision(instance) == Some(revision)
    }

    /// Unhealthy hosts, those of unknown revision, those of an older one, those that have it already.
    ///
    /// Source: AWS's user guide, "Instance health".
    fn rank(&self, instance: &Instance, revision: &Value) -> u8 {
        let state = self.hosts.and_then(|hosts| hosts.get(&instance.id));
        match (state, self.revision(instance)) {
            (Some(HostState { healthy: false, .. }), _) => 0,
            (_, None) => 1,
            (_, Some(other)) if other != revision => 2,
            _ => 3,
        }
    }

    /// Sorts hosts into the order in which they are deployed to; drawn by `rng` within a rank.
    pub(super) fn order(&self, members: &mut [Arc<Instance>], revision: &Value, rng: &mut Rng) {
        rng.shuffle(members);
        members.sort_by_cached_key(|instance| self.rank(instance, revision));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::sandbox::fleet::Fleet;

    const FLEET: &str = "
instances:
- {id: i-00000001, tags: {Role: web, Stage: prod}}
- {id: i-00000002, tags: {Role: web, Stage: test}}
- {id: i-00000003, tags: {Role: db}, auto_scaling_group: pool}
- {id: rack-1, tags: {Role: web}, on_premises: true}
";

    /// The places in the fleet of the hosts that settings find.
    fn found(settings: Value) -> Vec<usize> {
        let fleet = Fleet::parse(FLEET, 1).unwrap();
        let hosts: Vec<_> = fleet.instances.iter().cloned().map(Arc::new).collect();
        let found = of_group(settings.as_object().unwrap(), &hosts);
        found.iter().map(|host| fleet.instances.iter().position(|one| one.id == host.id).unwrap()).collect()
    }

    #[test]
    fn a_filter_that_no_ec2_instance_meets_is_found() {
        let hosts: Vec<_> = Fleet::parse(FLEET, 1).unwrap().instances.into_iter().map(Arc::new).collect();
        let filters = [json!({"Key": "Role", "Value": "web"}), json!({"Key": "Stage", "Value": "live"})];
        assert_eq!(unmet(&filters, &hosts), Some(&filters[1]));
        assert_eq!(unmet(&filters[..1], &hosts), None);
        assert_eq!(
            unmet(&filters[..1], &hosts[2..]),
            Some(&filters[0]),
            "an on-premises instance does not count"
        );
    }

    #[test]
    fn filters_are_ors_and_sets_are_ands_of_ors() {
        let filter = |key: &str, value: &str| json!({"Key": key, "Value": value, "Type": "KEY_AND_VALUE"});
        assert_eq!(found(json!({"ec2TagFilters": [filter("Role", "web")]})), [0, 1]);
        assert_eq!(found(json!({"ec2TagFilters": [filter("Role", "db"), filter("Stage", "test")]})), [1, 2]);
        assert_eq!(found(json!({"ec2TagFilters": [{"Key": "Stage", "Type": "KEY_ONLY"}]})), [0, 1]);
        assert_eq!(found(json!({"ec2TagFilters": [{"Value": "db", "Type": "VALUE_ONLY"}]})), [2]);
        let set = |groups: Value| json!({"ec2TagSet": {"ec2TagSetList": groups}});
        assert_eq!(found(set(json!([[filter("Role", "web")], [filter("Stage", "test")]]))), [1]);
        assert_eq!(found(set(json!([]))), [] as [usize; 0]);
        assert_eq!(found(json!({"autoScalingGroups": [{"name": "pool"}]})), [2]);
        assert_eq!(found(json!({"onPremisesInstanceTagFilters": [filter("Role", "web")]})), [3]);
        let on_premises = json!({"onPremisesTagSet": {"onPremisesTagSetList": [[filter("Role", "web")]]}});
        assert_eq!(found(on_premises), [3]);
        assert_eq!(found(json!({"ec2TagFilters": []})), [] as [usize; 0]);
    }
}
