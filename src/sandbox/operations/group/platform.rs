//! What a group of one platform may not say because it is another platform's.

use aws_sdk_codedeploy::types::{DeploymentGroupInfo, DeploymentOption, DeploymentType};

use crate::model::ComputePlatform;
use crate::sandbox::operations::Refusal;

/// Refuses members that the platform does not have. Each has an exception of its own.
pub fn check_given(info: &DeploymentGroupInfo, platform: &ComputePlatform) -> Result<(), Refusal> {
    if *platform == ComputePlatform::Server {
        return if info.ecs_services().is_empty() {
            Ok(())
        } else {
            let message = "Server Deployment Groups should not define a value for ecsServices, eksClusters, or \
                           targetGroupPairInfoList";
            Err(Refusal::new("InvalidECSServiceException", message))
        };
    }
    let lambda = *platform == ComputePlatform::Lambda;
    let foreign = [
        (!info.ec2_tag_filters().is_empty(), "InvalidEC2TagException", "ec2TagFilters"),
        (info.ec2_tag_set().is_some(), "InvalidEC2TagException", "ec2TagSet"),
        (
            !info.on_premises_instance_tag_filters().is_empty(),
            "InvalidTagException",
            "onPremisesInstanceTagFilters",
        ),
        (info.on_premises_tag_set().is_some(), "InvalidTagException", "onPremisesTagSet"),
        (!info.auto_scaling_groups().is_empty(), "InvalidAutoScalingGroupException", "autoScalingGroups"),
        (
            lambda && info.blue_green_deployment_configuration().is_some(),
            "InvalidBlueGreenDeploymentConfigurationException",
            "blueGreenDeploymentConfiguration",
        ),
        (lambda && !info.ecs_services().is_empty(), "InvalidECSServiceException", "ecsServices"),
    ];
    match foreign.into_iter().find(|(given, ..)| *given) {
        Some((_, code, member)) => {
            Err(Refusal::new(code, format!("For {platform} deployment group, {member} can not be specified")))
        }
        None => Ok(()),
    }
}

/// Lambda and ECS move traffic from the old to the new, always.
pub fn check_style(info: &DeploymentGroupInfo, platform: &ComputePlatform) -> Result<(), Refusal> {
    let style = info.deployment_style();
    let kind = style.and_then(|style| style.deployment_type());
    let option = style.and_then(|style| style.deployment_option());
    if kind == Some(&DeploymentType::BlueGreen) && option == Some(&DeploymentOption::WithTrafficControl) {
        return Ok(());
    }
    let message = format!(
        "For {} deployment, the deployment type must be BLUE_GREEN, and deployment option must be \
         WITH_TRAFFIC_CONTROL.",
        platform.as_str().to_uppercase()
    );
    Err(Refusal::new("InvalidDeploymentStyleException", message))
}
