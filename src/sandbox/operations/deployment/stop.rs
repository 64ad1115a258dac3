//! StopDeployment: the wish is stored here, the engine grants it.

use aws_sdk_codedeploy::operation::stop_deployment::{StopDeploymentInput, StopDeploymentOutput};
use aws_sdk_codedeploy::types::StopStatus;

use super::{deployment_id, missing};
use crate::model::{DeploymentStatus, TargetStatus};
use crate::sandbox::operations::{Call, Notice, Refusal};

/// A stopped deployment may be stopped again, one that ended otherwise may not.
pub fn stop(call: &mut Call<'_>, input: StopDeploymentInput) -> Result<StopDeploymentOutput, Refusal> {
    let id = deployment_id(input.deployment_id())?;
    let deployment = call.region.deployments.get_mut(id).ok_or_else(|| missing(id))?;
    if deployment.status != DeploymentStatus::Stopped {
        if deployment.status.is_terminal() {
            let message = format!("The deployment {id} is already completed");
            return Err(Refusal::new("DeploymentAlreadyCompletedException", message));
        }
        if deployment.stop_requested.is_none() {
            deployment.stop_requested = Some(input.auto_rollback_enabled());
            call.notices.push(Notice::StopRequested(id.to_owned()));
        }
    }
    let at_work = deployment.targets.iter().any(|target| target.status == TargetStatus::InProgress);
    let (status, message) = if at_work {
        let message = "Stopping Pending. Stopping to schedule commands in the deployment instances";
        (StopStatus::Pending, message)
    } else {
        (
            StopStatus::Succeeded,
            "No more commands will be scheduled for execution in the deployment instances",
        )
    };
    Ok(StopDeploymentOutput::builder().status(status).status_message(message).build())
}
