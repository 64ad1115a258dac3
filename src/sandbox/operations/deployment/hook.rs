//! PutLifecycleEventHookExecutionStatus: how a hook function of Lambda or ECS says that it is through.

use aws_sdk_codedeploy::operation::put_lifecycle_event_hook_execution_status::{
    PutLifecycleEventHookExecutionStatusInput, PutLifecycleEventHookExecutionStatusOutput,
};
use aws_sdk_codedeploy::types::LifecycleEventStatus;

use super::{deployment_id, missing};
use crate::model::ComputePlatform;
use crate::sandbox::operations::{Call, Notice, Refusal};

pub fn hook_answer(
    call: &mut Call<'_>,
    input: PutLifecycleEventHookExecutionStatusInput,
) -> Result<PutLifecycleEventHookExecutionStatusOutput, Refusal> {
    let id = deployment_id(input.deployment_id())?;
    let succeeded = match input.status() {
        Some(LifecycleEventStatus::Succeeded) => true,
        Some(LifecycleEventStatus::Failed) => false,
        _ => {
            let message = "The status of a hook execution can only be Succeeded or Failed";
            return Err(Refusal::new("InvalidLifecycleEventHookExecutionStatusException", message));
        }
    };
    let execution = input.lifecycle_event_hook_execution_id().unwrap_or_default();
    let deployment = call.region.deployments.get_mut(id).ok_or_else(|| missing(id))?;
    if deployment.platform == ComputePlatform::Server {
        let message = "Hook executions belong to deployments of compute platform Lambda or ECS";
        return Err(Refusal::new("UnsupportedActionForDeploymentTypeException", message));
    }
    let Some(hook) = deployment.progress.hooks.get_mut(execution) else {
        let message = format!("The hook execution ID is not valid for deployment {id}");
        return Err(Refusal::new("InvalidLifecycleEventHookExecutionIdException", message));
    };
    if hook.over || deployment.status.is_terminal() {
        let message = format!("The lifecycle event {} is already completed", hook.event);
        return Err(Refusal::new("LifecycleEventAlreadyCompletedException", message));
    }
    hook.over = true;
    hook.succeeded = Some(succeeded);
    let (deployment, execution) = (id.to_owned(), execution.to_owned());
    call.notices.push(Notice::HookAnswered { deployment, execution: execution.clone(), succeeded });
    Ok(PutLifecycleEventHookExecutionStatusOutput::builder()
        .lifecycle_event_hook_execution_id(execution)
        .build())
}
