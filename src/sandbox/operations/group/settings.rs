//! A group's settings as they are stored and read back: the members of `DeploymentGroupInfo`, in wire form.

use aws_sdk_codedeploy::types::{
    ComputePlatform, DeploymentGroupInfo, DeploymentStatus, LastDeploymentInfo, RevisionLocation,
};
use aws_smithy_schema::serde::SerializableStruct;
use serde_json::{Map, Value, json};

use crate::model::ComputePlatform as Platform;
use crate::sandbox::operations::rules::time;
use crate::sandbox::operations::{Refusal, config, uuid};
use crate::sandbox::store::{Application, Group, Region};
use crate::sandbox::wire;

/// A tag set and the older list of filters stand for each other: one of them is stored.
const TAGS: [(&str, &str, &str); 2] = [
    ("ec2TagSet", "ec2TagSetList", "ec2TagFilters"),
    ("onPremisesTagSet", "onPremisesTagSetList", "onPremisesInstanceTagFilters"),
];

/// Those members of a Create or Update call that a group keeps.
pub fn given(input: &dyn SerializableStruct) -> Result<Map<String, Value>, Refusal> {
    let mut members = wire::members(input)?;
    members.retain(|name, _| {
        !["applicationName", "deploymentGroupName"].contains(&name.as_str())
            && DeploymentGroupInfo::SCHEMA.member_schema(name).is_some()
    });
    if let Some(Value::Array(groups)) = members.get_mut("autoScalingGroups") {
        for group in groups {
            *group = json!({"name": group});
        }
    }
    Ok(members)
}

/// Names the hooks that the service has on a group's Auto Scaling groups, where they have no names yet.
pub fn name_hooks(settings: &mut Map<String, Value>, random: &mut fastrand::Rng) {
    let terminates = settings.get("terminationHookEnabled").and_then(Value::as_bool) == Some(true);
    let groups = settings.get_mut("autoScalingGroups").and_then(Value::as_array_mut).into_iter().flatten();
    for group in groups.filter_map(Value::as_object_mut) {
        let mut name =
            |kind: &str| format!("CodeDeploy-managed-automatic-{kind}-hook-{}", uuid(random)).into();
        group.entry("hook").or_insert_with(|| name("launch-deployment"));
        if terminates {
            group.entry("terminationHook").or_insert_with(|| name("termination-deployment"));
        } else {
            group.remove("terminationHook");
        }
    }
}

/// How a group reads back that was created with nothing but names and a role. Only Server groups have a style and a
/// configuration that nobody named.
///
/// Source: Terraform's acceptance tests of aws_codedeploy_deployment_group.
pub fn defaults(platform: &Platform) -> Map<String, Value> {
    let mut defaults = Map::new();
    for list in
        ["ec2TagFilters", "onPremisesInstanceTagFilters", "autoScalingGroups", "triggerConfigurations"]
    {
        defaults.insert(list.to_owned(), json!([]));
    }
    if *platform == Platform::Server {
        let style = json!({"deploymentType": "IN_PLACE", "deploymentOption": "WITHOUT_TRAFFIC_CONTROL"});
        defaults.insert("deploymentConfigName".to_owned(), config::DEFAULT.into());
        defaults.insert("deploymentStyle".to_owned(), style);
    }
    defaults.insert("outdatedInstancesStrategy".to_owned(), "UPDATE".into());
    defaults.insert("autoRollbackConfiguration".to_owned(), json!({"enabled": false}));
    defaults.insert("terminationHookEnabled".to_owned(), false.into());
    defaults
}

/// `old` with what a call gives.
pub fn merged(mut old: Map<String, Value>, given: Map<String, Value>) -> Map<String, Value> {
    for (set, list, filters) in TAGS {
        let filled = given.get(set).and_then(|set| set.get(list)?.as_array()).map(|list| !list.is_empty());
        match filled {
            Some(true) => {
                old.remove(filters);
            }
            Some(false) => {
                old.insert(filters.to_owned(), json!([]));
            }
            None => {}
        }
        if given.contains_key(filters) {
            old.remove(set);
        }
    }
    old.extend(given);
    for (set, list, filters) in TAGS {
        let empty =
            old.get(set).is_some_and(|set| set.get(list).and_then(Value::as_array).is_none_or(Vec::is_empty));
        if empty {
            old.remove(set);
        } else if old.contains_key(set) {
            old.remove(filters);
        }
    }
    old
}

/// The group as Get and BatchGet show it.
pub fn info(
    region: &Region,
    application: &Application,
    group: &Group,
) -> Result<DeploymentGroupInfo, Refusal> {
    let mut info = wire::typed(&group.settings, DeploymentGroupInfo::deserialize)?;
    info.application_name = Some(application.name.clone());
    info.deployment_group_name = Some(group.name.clone());
    info.deployment_group_id = Some(group.id.clone());
    info.compute_platform = Some(ComputePlatform::from(application.platform.as_str()));
    if let Some(Value::Object(revision)) = &group.target_revision {
        info.target_revision = Some(wire::typed(revision, RevisionLocation::deserialize)?);
    }
    let last = |id: &Option<String>| id.as_ref().and_then(|id| last_deployment(region, id));
    info.last_successful_deployment = last(&group.last_successful);
    info.last_attempted_deployment = last(&group.last_attempted);
    Ok(info)
}

fn last_deployment(region: &Region, id: &str) -> Option<LastDeploymentInfo> {
    let deployment = region.deployments.get(id)?;
    let info = LastDeploymentInfo::builder()
        .deployment_id(id)
        .status(DeploymentStatus::from(deployment.status.as_str()))
        .set_end_time(deployment.completed.map(time))
        .create_time(time(deployment.created));
    Some(info.build())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(value: Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn tag_sets_and_filters_replace_each_other() {
        let filters = object(json!({"ec2TagFilters": [{"Key": "a"}]}));
        let set = object(json!({"ec2TagSet": {"ec2TagSetList": [[{"Key": "b"}]]}}));
        let none = object(json!({"ec2TagSet": {"ec2TagSetList": []}}));
        let with_set = merged(merged(defaults(&Platform::Server), filters.clone()), set.clone());
        assert!(!with_set.contains_key("ec2TagFilters"));
        assert_eq!(with_set["ec2TagSet"], set["ec2TagSet"]);
        let back = merged(with_set.clone(), filters.clone());
        assert!(!back.contains_key("ec2TagSet"));
        assert_eq!(back["ec2TagFilters"], filters["ec2TagFilters"]);
        let cleared = merged(with_set, none);
        assert!(!cleared.contains_key("ec2TagSet"));
        assert_eq!(cleared["ec2TagFilters"], json!([]));
    }

    #[test]
    fn what_a_call_leaves_out_stays() {
        let old = merged(
            defaults(&Platform::Server),
            object(json!({"serviceRoleArn": "r", "ec2TagFilters": [{"Key": "a"}]})),
        );
        let new = merged(old, object(json!({"deploymentConfigName": "c", "ec2TagFilters": []})));
        assert_eq!(new["serviceRoleArn"], "r");
        assert_eq!(new["deploymentConfigName"], "c");
        assert_eq!(new["ec2TagFilters"], json!([]));
    }
}
