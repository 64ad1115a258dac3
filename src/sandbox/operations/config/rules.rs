//! What a new deployment configuration may say, and the service's words where it may not.

use aws_sdk_codedeploy::operation::create_deployment_config::CreateDeploymentConfigInput;
use aws_sdk_codedeploy::types::{
    MinimumHealthyHosts, MinimumHealthyHostsPerZoneType, MinimumHealthyHostsType, TrafficRoutingConfig,
    TrafficRoutingType, ZonalConfig,
};

use crate::model::ComputePlatform;
use crate::sandbox::operations::Refusal;

/// Minutes from the first shift of traffic to the last.
const MAX_SHIFT: i64 = 2880;

pub fn check(input: &CreateDeploymentConfigInput, platform: &ComputePlatform) -> Result<(), Refusal> {
    let server = *platform == ComputePlatform::Server;
    match input.minimum_healthy_hosts() {
        None if server => return Err(hosts("minimum healthy hosts argument is missing")),
        Some(_) if !server => {
            let message =
                format!("minimum healthy hosts should be null for {platform} deployment configuration");
            return Err(hosts(&message));
        }
        Some(minimum) => check_hosts(minimum)?,
        None => {}
    }
    match input.traffic_routing_config() {
        Some(_) if server => {
            return Err(routing(
                "Traffic routing configuration should be null for Server deployment configuration",
            ));
        }
        given if !server && given.is_none_or(|config| *config == TrafficRoutingConfig::builder().build()) => {
            return Err(routing(
                "Traffic routing configuration cannot be null nor empty for deployment configurations on this \
                 platform.",
            ));
        }
        Some(config) => check_routing(config)?,
        None => {}
    }
    match input.zonal_config() {
        Some(_) if !server => Err(zones("Zonal deployments are only supported with EC2 deployments.")),
        Some(config) => check_zones(config),
        None => Ok(()),
    }
}

fn hosts(message: &str) -> Refusal {
    Refusal::new("InvalidMinimumHealthyHostValueException", message)
}

fn routing(message: &str) -> Refusal {
    Refusal::new("InvalidTrafficRoutingConfigurationException", message)
}

fn zones(message: &str) -> Refusal {
    Refusal::new("InvalidZonalDeploymentConfigurationException", message)
}

fn check_hosts(minimum: &MinimumHealthyHosts) -> Result<(), Refusal> {
    match minimum.r#type() {
        Some(MinimumHealthyHostsType::FleetPercent) if !(0..100).contains(&minimum.value()) => Err(hosts(
            "The value for the minimum healthy hosts with type of FLEET_PERCENT should be positive and less \
             than 100",
        )),
        Some(MinimumHealthyHostsType::HostCount) if minimum.value() < 0 => {
            Err(hosts("The value for the minimum healthy hosts with type of HOST_COUNT should be positive"))
        }
        Some(MinimumHealthyHostsType::FleetPercent | MinimumHealthyHostsType::HostCount) => Ok(()),
        _ => Err(hosts("The type of the minimum healthy hosts can only be HOST_COUNT or FLEET_PERCENT")),
    }
}

fn check_routing(config: &TrafficRoutingConfig) -> Result<(), Refusal> {
    let (canary, linear) = (config.time_based_canary(), config.time_based_linear());
    let name = config.r#type().map_or("", TrafficRoutingType::as_str);
    let absent = |what: &str| routing(&format!("{what}Configuration should be null for {name} type"));
    let needed = |what: &str| routing(&format!("{what}Configuration should not be null for {name} type"));
    let percentage = |value: i32| match value {
        1..=99 => Ok(i64::from(value)),
        _ => Err(routing("Valid traffic routing percentage is from 1 to 99")),
    };
    if canary.is_some() && config.r#type() != Some(&TrafficRoutingType::TimeBasedCanary) {
        return Err(absent("TimeBasedCanary"));
    }
    if linear.is_some() && config.r#type() != Some(&TrafficRoutingType::TimeBasedLinear) {
        return Err(absent("TimeBasedLinear"));
    }
    match config.r#type() {
        Some(TrafficRoutingType::AllAtOnce) => Ok(()),
        Some(TrafficRoutingType::TimeBasedCanary) => {
            let canary = canary.ok_or_else(|| needed("TimeBasedCanary"))?;
            percentage(canary.canary_percentage())?;
            if !(1..=MAX_SHIFT).contains(&i64::from(canary.canary_interval())) {
                return Err(routing("Canary interval must be between 1 and 2880 minutes (2 days)"));
            }
            Ok(())
        }
        Some(TrafficRoutingType::TimeBasedLinear) => {
            let linear = linear.ok_or_else(|| needed("TimeBasedLinear"))?;
            let steps = 100 / percentage(linear.linear_percentage())?;
            if !(1..=MAX_SHIFT).contains(&(i64::from(linear.linear_interval()) * steps)) {
                return Err(routing(
                    "Total Traffic shifting intervals must be positive integers up to 2880 minutes (2 days)",
                ));
            }
            Ok(())
        }
        _ => Err(routing("Traffic routing type can only be TimeBasedCanary, TimeBasedLinear or AllAtOnce")),
    }
}

fn check_zones(config: &ZonalConfig) -> Result<(), Refusal> {
    let waits = [config.first_zone_monitor_duration_in_seconds(), config.monitor_duration_in_seconds()];
    if waits.into_iter().flatten().any(|seconds| seconds < 0) {
        return Err(zones("A monitor duration cannot be negative."));
    }
    let Some(minimum) = config.minimum_healthy_hosts_per_zone() else { return Ok(()) };
    match minimum.r#type() {
        Some(MinimumHealthyHostsPerZoneType::FleetPercent) if !(0..100).contains(&minimum.value()) => {
            Err(zones(
                "The value of the 'Minimum health hosts per zone' setting when configured with a 'Type' value of \
             'FLEET_PERCENT' must be positive and less than 100.",
            ))
        }
        Some(MinimumHealthyHostsPerZoneType::HostCount) if minimum.value() < 0 => Err(zones(
            "The value of the 'Minimum health hosts per zone' setting when configured with a 'Type' value of \
             'HOST_COUNT' must be positive.",
        )),
        Some(MinimumHealthyHostsPerZoneType::FleetPercent | MinimumHealthyHostsPerZoneType::HostCount) => {
            Ok(())
        }
        _ => Err(zones(
            "The type of the minimum healthy hosts per zone can only be HOST_COUNT or FLEET_PERCENT.",
        )),
    }
}
