//! Which alarms stop a deployment. Reads the store, changes nothing.

use serde_json::Value;

use super::driver::{Context, Key};
use crate::model::Creator;

/// The names of the deployment's alarms that are on, in the order of its settings.
///
/// Source: API reference: a deployment's own alarm configuration replaces its group's. The sandbox's choice: alarms do
/// not stop a rollback, which the one that caused it would otherwise always do.
pub(super) fn on(context: &Context, key: &Key) -> Vec<String> {
    let configuration = context.region(&key.region, |region| {
        let deployment = region.deployments.get(&key.id).filter(|one| one.creator != Creator::Rollback)?;
        let own = deployment.settings.get("overrideAlarmConfiguration");
        let groups = region.applications.values().flat_map(|application| application.groups.values());
        let group = groups.into_iter().find(|group| group.id == deployment.group_id);
        own.or_else(|| group?.settings.get("alarmConfiguration")).cloned()
    });
    let Some(configuration) = configuration.flatten() else { return Vec::new() };
    if configuration.get("enabled").and_then(Value::as_bool) != Some(true) {
        return Vec::new();
    }
    let alarms = configuration.get("alarms").and_then(Value::as_array).into_iter().flatten();
    alarms
        .filter_map(|alarm| alarm.get("name")?.as_str())
        .filter(|name| context.alarms.contains(*name))
        .map(str::to_owned)
        .collect()
}
