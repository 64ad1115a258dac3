//! What an ECS group must say: one service, one pair of target groups behind listeners, and how to go from blue to green.
//!
//! Whether the service exists is found out by the engine: the operations do not know the fleet.

use aws_sdk_codedeploy::types::{DeploymentGroupInfo, LoadBalancerInfo, TargetGroupPairInfo, TrafficRoute};
use serde_json::{Map, Value};

use super::rules::load_balancer;
use crate::sandbox::operations::Refusal;
use crate::sandbox::store::Region;

/// Checks the whole of a group, defaults and earlier settings included.
pub fn check(info: &DeploymentGroupInfo) -> Result<(), Refusal> {
    let balancer = info
        .load_balancer_info()
        .ok_or_else(|| load_balancer("For ECS deployment group, loadBalancerInfo must be specified"))?;
    if info.blue_green_deployment_configuration().is_none() {
        let message = "For ECS deployment group, blueGreenDeploymentConfiguration must be specified";
        return Err(Refusal::new("InvalidBlueGreenDeploymentConfigurationException", message));
    }
    let named = |service: &aws_sdk_codedeploy::types::EcsService| {
        let filled = |text: Option<&str>| text.is_some_and(|text| !text.is_empty());
        filled(service.service_name()) && filled(service.cluster_name())
    };
    match info.ecs_services() {
        [service] if named(service) => {}
        _ => {
            let message =
                "For ECS deployment group, exactly one ECS service with its cluster must be specified";
            return Err(Refusal::new("InvalidECSServiceException", message));
        }
    }
    match balancer.target_group_pair_info_list() {
        [pair] => check_pair(pair),
        _ => Err(pairs("For ECS deployment group, exactly one target group pair must be specified")),
    }
}

pub fn check_load_balancer(info: &LoadBalancerInfo) -> Result<(), Refusal> {
    let refuse = |list: &str| {
        Err(load_balancer(&format!(
            "For ECS deployment group, loadBalancerInfo must not contain {list} list"
        )))
    };
    if info.elb_info_list.is_some() {
        return refuse("elbInfo");
    }
    if info.target_group_info_list.is_some() {
        return refuse("targetGroupInfo");
    }
    Ok(())
}

fn check_pair(pair: &TargetGroupPairInfo) -> Result<(), Refusal> {
    let (first, second) = match pair.target_groups() {
        [first, second] => (first.name().unwrap_or_default(), second.name().unwrap_or_default()),
        _ => return Err(pairs("A target group pair must have two target groups")),
    };
    if first.is_empty() || second.is_empty() || first == second {
        return Err(pairs("The target groups of a pair must have two different names"));
    }
    let one_listener = |route: &TrafficRoute| matches!(route.listener_arns(), [_]);
    if !pair.prod_traffic_route().is_some_and(one_listener) {
        let message = "Production traffic route must have exactly one listener Arn";
        return Err(Refusal::new("InvalidTrafficRoutingConfigurationException", message));
    }
    if !pair.test_traffic_route().is_none_or(one_listener) {
        let message = "Test traffic route must have exactly one listener Arn";
        return Err(Refusal::new("InvalidTrafficRoutingConfigurationException", message));
    }
    Ok(())
}

fn pairs(message: &str) -> Refusal {
    Refusal::new("InvalidTargetGroupPairException", message)
}

/// A service is in one group only; `own` is the id of the group that is being changed.
///
/// Source: the service model's documentation of ECSServiceMappingLimitExceededException.
pub fn refuse_taken(
    region: &Region,
    settings: &Map<String, Value>,
    own: Option<&str>,
) -> Result<(), Refusal> {
    let services = |settings: &Map<String, Value>| {
        settings.get("ecsServices").and_then(Value::as_array).cloned().unwrap_or_default()
    };
    let wanted = services(settings);
    if wanted.is_empty() {
        return Ok(());
    }
    let groups = region.applications.values().flat_map(|application| application.groups.values());
    let taken = groups
        .filter(|group| own != Some(group.id.as_str()))
        .find(|group| services(&group.settings).iter().any(|service| wanted.contains(service)));
    taken.map_or(Ok(()), |group| {
        let message = format!("The ECS service is already part of the Deployment Group: {}", group.name);
        Err(Refusal::new("ECSServiceMappingLimitExceededException", message))
    })
}
