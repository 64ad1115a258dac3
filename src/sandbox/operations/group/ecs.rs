//! What an ECS group must say: one service, one pair of target groups behind listeners, and how to go from blue to green.
//!
//! Whether the service exists is looked up when the group is made or changed, as in AWS.

use std::collections::BTreeMap;

use aws_sdk_codedeploy::types::{DeploymentGroupInfo, LoadBalancerInfo, TargetGroupPairInfo, TrafficRoute};
use serde_json::{Map, Value};

use super::rules::load_balancer;
use crate::sandbox::fleet::{DeploymentController, LoadBalancer, Service};
use crate::sandbox::operations::{Call, Refusal, config};
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

/// Checks what the services of a whole group are in the account; `own` is the id of the group that is being changed.
pub fn check_service(
    call: &Call<'_>,
    settings: &Map<String, Value>,
    own: Option<&str>,
) -> Result<(), Refusal> {
    refuse_missing(&call.declared.services, settings)?;
    refuse_taken(call.region, settings, own)?;
    let config = settings.get("deploymentConfigName").and_then(Value::as_str);
    refuse_gradual(call, settings, config.unwrap_or(config::DEFAULT))
}

/// The cluster and the name of each service of a group.
fn services(settings: &Map<String, Value>) -> impl Iterator<Item = (&str, &str)> {
    settings.get("ecsServices").and_then(Value::as_array).into_iter().flatten().map(|service| {
        let member = |name: &str| service.get(name).and_then(Value::as_str).unwrap_or_default();
        (member("clusterName"), member("serviceName"))
    })
}

/// Behind a Network Load Balancer traffic moves all at once.
///
/// Source: AWS user guide, "Troubleshoot Amazon ECS deployment issues". SANDBOX: which exception carries the words is
/// not known.
pub fn refuse_gradual(call: &Call<'_>, settings: &Map<String, Value>, config: &str) -> Result<(), Refusal> {
    let known = &call.declared.services;
    let by_network = services(settings).any(|(cluster, name)| {
        let service = known.get(&format!("{cluster}:{name}"));
        service.is_some_and(|service| service.load_balancer == LoadBalancer::Network)
    });
    if !by_network || !config::is_gradual(call.region, config) {
        return Ok(());
    }
    let message = "Only ALB supports gradual traffic routing, use AllAtOnce Traffic routing instead when you \
                   create/update Deployment group.";
    Err(Refusal::new("InvalidTrafficRoutingConfigurationException", message))
}

/// The services must be there, and deployed by CodeDeploy. SANDBOX: what stands behind `Cause:` is not known.
fn refuse_missing(known: &BTreeMap<String, Service>, settings: &Map<String, Value>) -> Result<(), Refusal> {
    let refuse = |message: String| Err(Refusal::new("InvalidECSServiceException", message));
    for (cluster, name) in services(settings) {
        let service = known.get(&format!("{cluster}:{name}"));
        match service.map(|service| service.deployment_controller) {
            Some(DeploymentController::CodeDeploy) => {}
            Some(_) => {
                return refuse(
                    "Deployment group's ECS service must be configured for a CODE_DEPLOY deployment controller."
                        .to_owned(),
                );
            }
            None => {
                return refuse(format!(
                    "Could not load ECS service information for cluster: {cluster}, service: {name}. Cause: The \
                     fleet of the sandbox has no such service."
                ));
            }
        }
    }
    Ok(())
}

/// A service is in one group only.
///
/// Source: the service model's documentation of ECSServiceMappingLimitExceededException.
fn refuse_taken(region: &Region, settings: &Map<String, Value>, own: Option<&str>) -> Result<(), Refusal> {
    let wanted: Vec<_> = services(settings).collect();
    if wanted.is_empty() {
        return Ok(());
    }
    let groups = region.applications.values().flat_map(|application| application.groups.values());
    let taken = groups
        .filter(|group| own != Some(group.id.as_str()))
        .find(|group| services(&group.settings).any(|service| wanted.contains(&service)));
    taken.map_or(Ok(()), |group| {
        let message = format!("The ECS service is already part of the Deployment Group: {}", group.name);
        Err(Refusal::new("ECSServiceMappingLimitExceededException", message))
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::sandbox::fleet::Fleet;
    use crate::sandbox::store::Declared;

    #[test]
    fn a_service_must_be_there_and_codedeploys() {
        let services =
            "services: [{cluster: shop, name: web}, {cluster: shop, name: old, deployment_controller: ECS}]";
        let known = Declared::of(&Fleet::parse(services, 1).unwrap()).services;
        let settings = |name: &str| {
            let settings = json!({"ecsServices": [{"clusterName": "shop", "serviceName": name}]});
            settings.as_object().unwrap().clone()
        };
        let refused = |name: &str| refuse_missing(&known, &settings(name)).map_err(|refusal| refusal.message);
        assert_eq!(refused("web"), Ok(()));
        assert!(refused("old").unwrap_err().ends_with("a CODE_DEPLOY deployment controller."));
        let words = "Could not load ECS service information for cluster: shop, service: nix. Cause: ";
        assert!(refused("nix").unwrap_err().starts_with(words));
        assert!(refuse_missing(&known, &Map::new()).is_ok());
    }
}
