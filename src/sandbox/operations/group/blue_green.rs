//! What a blue/green block may say. The block itself is the trigger of these checks, whatever the style says.

use aws_sdk_codedeploy::types::{
    BlueGreenDeploymentConfiguration, DeploymentGroupInfo, DeploymentReadyAction,
    GreenFleetProvisioningAction, InstanceAction,
};

use crate::model::ComputePlatform;
use crate::sandbox::operations::Refusal;

/// Two days, in minutes. Source: the service accepts 2,880 and refuses 2,881.
const MAX_TERMINATION_WAIT: i32 = 2880;
/// Minutes that a deployment waits for somebody to continue it. Source: AWS user guide, "CodeDeploy quotas".
const MAX_READY_WAIT: i32 = 48 * 60;
const MAX_ECS_READY_WAIT: i32 = 120 * 60;

/// Checks the block for itself.
pub fn check(block: &BlueGreenDeploymentConfiguration, platform: &ComputePlatform) -> Result<(), Refusal> {
    let Some(ready) = block.deployment_ready_option() else {
        return refuse("Deployment ready option cannot be null for blue green deployment");
    };
    let Some(termination) = block.terminate_blue_instances_on_deployment_success() else {
        return refuse(
            "Terminate blue instances on deployment success behaviour cannot be set to null for Blue Green \
             deployments",
        );
    };
    match ready.action_on_timeout() {
        Some(DeploymentReadyAction::ContinueDeployment) | None if ready.wait_time_in_minutes() != 0 => {
            return refuse(
                "Deployment ready action cannot be set to 'CONTINUE_DEPLOYMENT' when timeout is specified",
            );
        }
        Some(DeploymentReadyAction::StopDeployment) if ready.wait_time_in_minutes() < 1 => {
            return refuse(
                "Deployment ready action cannot be set to STOP_DEPLOYMENT when timeout is set to 0 minutes.",
            );
        }
        Some(action) if !DeploymentReadyAction::values().contains(&action.as_str()) => {
            return refuse("Deployment ready action can only be CONTINUE_DEPLOYMENT or STOP_DEPLOYMENT");
        }
        _ => {}
    }
    let longest = if *platform == ComputePlatform::Ecs { MAX_ECS_READY_WAIT } else { MAX_READY_WAIT };
    if ready.wait_time_in_minutes() > longest {
        return refuse(&format!("Timeout for deployment ready cannot be more than {} hours", longest / 60));
    }
    if termination.action().is_some_and(|action| !InstanceAction::values().contains(&action.as_str())) {
        return refuse("Action on blue instances can only be TERMINATE or KEEP_ALIVE");
    }
    if termination.termination_wait_time_in_minutes() > MAX_TERMINATION_WAIT {
        return refuse("Timeout for instance termination cannot be more than 2 days");
    }
    if termination.termination_wait_time_in_minutes() < 0 {
        return refuse("Timeout for instance termination cannot be negative");
    }
    let provisioning = block.green_fleet_provisioning_option().and_then(|option| option.action());
    if provisioning.is_some_and(|action| !GreenFleetProvisioningAction::values().contains(&action.as_str())) {
        return refuse("Green fleet provisioning can only be DISCOVER_EXISTING or COPY_AUTO_SCALING_GROUP");
    }
    if *platform == ComputePlatform::Ecs {
        // SANDBOX: that both are refused is known or likely, in which words is not.
        return match (termination.action(), block.green_fleet_provisioning_option()) {
            (Some(InstanceAction::KeepAlive), _) => {
                refuse("For ECS deployment group, blue instances can not be kept alive")
            }
            (_, Some(_)) => {
                refuse("For ECS deployment group, greenFleetProvisioningOption can not be specified")
            }
            _ => Ok(()),
        };
    }
    Ok(())
}

/// Checks the block against the whole group: one Auto Scaling group is copied.
pub fn check_whole(group: &DeploymentGroupInfo) -> Result<(), Refusal> {
    let block = group.blue_green_deployment_configuration();
    let action = block.and_then(|block| block.green_fleet_provisioning_option()?.action());
    if action != Some(&GreenFleetProvisioningAction::CopyAutoScalingGroup) {
        return Ok(());
    }
    if group.auto_scaling_groups().len() != 1 {
        return refuse(
            "Exactly one AutoScaling group must be specified when selecting the COPY_AUTO_SCALING_GROUP green \
             fleet provisioning option.",
        );
    }
    // SANDBOX: that tags do not go with it is known, in which words it is refused is not.
    if !group.ec2_tag_filters().is_empty() || group.ec2_tag_set().is_some() {
        return refuse(
            "Tags cannot be specified when selecting the COPY_AUTO_SCALING_GROUP green fleet provisioning option.",
        );
    }
    Ok(())
}

fn refuse(message: &str) -> Result<(), Refusal> {
    Err(Refusal::new("InvalidBlueGreenDeploymentConfigurationException", message))
}
