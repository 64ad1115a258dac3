//! ContinueDeployment and its older sister: ending a wait of a blue/green deployment before its time.

use aws_sdk_codedeploy::operation::continue_deployment::ContinueDeploymentInput;
use aws_sdk_codedeploy::operation::skip_wait_time_for_instance_termination::SkipWaitTimeForInstanceTerminationInput;
use aws_sdk_codedeploy::types::DeploymentWaitType;

use super::{deployment_id, find, is_blue_green};
use crate::model::ComputePlatform;
use crate::sandbox::operations::rules::one_of;
use crate::sandbox::operations::{Call, Empty, Notice, Refusal};
use crate::sandbox::store::{Deployment, Wait};

/// A call without a wait type means READY_WAIT, the only meaning that the call's older form had.
pub fn go_on(call: &mut Call<'_>, input: ContinueDeploymentInput) -> Result<Empty, Refusal> {
    let id = deployment_id(input.deployment_id())?;
    let asked = match input.deployment_wait_type() {
        None | Some(DeploymentWaitType::ReadyWait) => Wait::Ready,
        Some(DeploymentWaitType::TerminationWait) => Wait::Termination,
        Some(other) => {
            let known = DeploymentWaitType::values();
            one_of(other.as_str(), known, "InvalidDeploymentWaitTypeException", "Deployment wait type")?;
            Wait::Ready
        }
    };
    let deployment = find(call.region, id)?;
    refuse_other_types(deployment)?;
    refuse_completed(deployment)?;
    if deployment.progress.wait != Some(asked) {
        // SANDBOX: which error the service has for a termination wait that is not on is not known.
        let message = match asked {
            Wait::Ready => format!("The deployment {id} is not in ready state"),
            Wait::Termination => {
                format!("The deployment {id} is not waiting for the termination of instances")
            }
        };
        return Err(Refusal::new("DeploymentIsNotInReadyStateException", message));
    }
    go_on_from(call, id, asked);
    Ok(Empty)
}

/// Deprecated: ContinueDeployment with TERMINATION_WAIT.
pub fn skip_wait(
    call: &mut Call<'_>,
    input: SkipWaitTimeForInstanceTerminationInput,
) -> Result<Empty, Refusal> {
    let id = deployment_id(input.deployment_id())?;
    let deployment = find(call.region, id)?;
    refuse_other_types(deployment)?;
    refuse_completed(deployment)?;
    if deployment.started.is_none() {
        let message = format!("The deployment {id} has not started");
        return Err(Refusal::new("DeploymentNotStartedException", message));
    }
    if deployment.progress.wait != Some(Wait::Termination) {
        // SANDBOX: of the operation's errors none speaks of a deployment that runs and does not wait.
        let message = format!("The deployment {id} is not waiting for the termination of instances");
        return Err(Refusal::new("UnsupportedActionForDeploymentTypeException", message));
    }
    go_on_from(call, id, Wait::Termination);
    Ok(Empty)
}

/// Only blue/green deployments of instances and of ECS wait for anybody.
fn go_on_from(call: &mut Call<'_>, id: &str, wait: Wait) {
    if let Some(deployment) = call.region.deployments.get_mut(id) {
        deployment.progress.continued = Some(wait);
        call.notices.push(Notice::Continued(id.to_owned(), wait));
    }
}

fn refuse_other_types(deployment: &Deployment) -> Result<(), Refusal> {
    if deployment.platform == ComputePlatform::Lambda || !is_blue_green(deployment) {
        let message =
            "The action is only supported for blue/green deployments of EC2 instances and of ECS services";
        return Err(Refusal::new("UnsupportedActionForDeploymentTypeException", message));
    }
    Ok(())
}

fn refuse_completed(deployment: &Deployment) -> Result<(), Refusal> {
    if deployment.status.is_terminal() {
        let message = format!("The deployment {} is already completed", deployment.id);
        return Err(Refusal::new("DeploymentAlreadyCompletedException", message));
    }
    Ok(())
}
