//! The targets of a deployment and their lifecycle events.

use aws_sdk_codedeploy::operation::batch_get_deployment_targets::{
    BatchGetDeploymentTargetsInput, BatchGetDeploymentTargetsOutput,
};
use aws_sdk_codedeploy::operation::get_deployment_target::{
    GetDeploymentTargetInput, GetDeploymentTargetOutput,
};
use aws_sdk_codedeploy::operation::list_deployment_targets::{
    ListDeploymentTargetsInput, ListDeploymentTargetsOutput,
};
use aws_sdk_codedeploy::types::{
    DeploymentTarget, DeploymentTargetType, Diagnostics, InstanceTarget, LifecycleErrorCode, LifecycleEvent,
    LifecycleEventStatus, TargetFilterName, TargetStatus,
};

use super::deployment::{deployment_id, find};
use super::page::page;
use super::rules::{one_of, time};
use super::{Call, Refusal};
use crate::sandbox::store::{self, Deployment, Region};

/// Source: the service model's documentation of BatchGetDeploymentTargets.
const MAX_BATCH: usize = 25;

pub fn list(
    call: &mut Call<'_>,
    input: ListDeploymentTargetsInput,
) -> Result<ListDeploymentTargetsOutput, Refusal> {
    let deployment = started(call.region, input.deployment_id())?;
    let statuses = statuses(&input)?;
    let asked_for = deployment.targets.iter().filter(|target| {
        statuses.is_none_or(|statuses| statuses.iter().any(|status| status == target.status.as_str()))
    });
    let page =
        page(call, &input, input.next_token(), asked_for.map(|target| target.id.clone()), String::clone)?;
    Ok(ListDeploymentTargetsOutput::builder()
        .set_target_ids(Some(page.items))
        .set_next_token(page.next)
        .build())
}

pub fn get(
    call: &mut Call<'_>,
    input: GetDeploymentTargetInput,
) -> Result<GetDeploymentTargetOutput, Refusal> {
    let deployment = started(call.region, input.deployment_id())?;
    let target = shape(deployment, target_id(input.target_id())?)?;
    Ok(GetDeploymentTargetOutput::builder().deployment_target(target).build())
}

pub fn batch_get(
    call: &mut Call<'_>,
    input: BatchGetDeploymentTargetsInput,
) -> Result<BatchGetDeploymentTargetsOutput, Refusal> {
    let deployment = started(call.region, input.deployment_id())?;
    let ids = input.target_ids();
    if ids.is_empty() {
        target_id(None)?;
    }
    if ids.len() > MAX_BATCH {
        // SANDBOX: of the operation's errors this is the one that speaks of too many targets.
        let message = format!("The maximum number of target IDs is {MAX_BATCH}");
        return Err(Refusal::new("DeploymentTargetListSizeExceededException", message));
    }
    let targets: Result<Vec<_>, Refusal> =
        ids.iter().map(|id| shape(deployment, target_id(Some(id))?)).collect();
    Ok(BatchGetDeploymentTargetsOutput::builder().set_deployment_targets(Some(targets?)).build())
}

/// The deployment, if its targets are known by now.
fn started<'r>(region: &'r Region, id: Option<&str>) -> Result<&'r Deployment, Refusal> {
    let deployment = find(region, deployment_id(id)?)?;
    if deployment.started.is_none() && !deployment.status.is_terminal() {
        let message = format!("The deployment {} has not started", deployment.id);
        return Err(Refusal::new("DeploymentNotStartedException", message));
    }
    Ok(deployment)
}

/// The filter by status. The other filter, by label, is for blue/green deployments only.
fn statuses(input: &ListDeploymentTargetsInput) -> Result<Option<&Vec<String>>, Refusal> {
    let mut statuses = None;
    for (name, values) in input.target_filters().into_iter().flatten() {
        match name {
            TargetFilterName::TargetStatus => {
                for value in values {
                    one_of(value, TargetStatus::values(), "InvalidInstanceStatusException", "Target status")?;
                }
                statuses = Some(values);
            }
            TargetFilterName::ServerInstanceLabel => {
                let message = "Only blue/green deployments have instance labels";
                return Err(Refusal::new("InvalidDeploymentInstanceTypeException", message));
            }
            other => {
                let known = TargetFilterName::values();
                one_of(other.as_str(), known, "InvalidTargetFilterNameException", "Target filter name")?;
            }
        }
    }
    Ok(statuses)
}

fn target_id(given: Option<&str>) -> Result<&str, Refusal> {
    given
        .filter(|id| !id.is_empty())
        .ok_or_else(|| Refusal::new("DeploymentTargetIdRequiredException", "Deployment target ID is missing"))
}

fn shape(deployment: &Deployment, id: &str) -> Result<DeploymentTarget, Refusal> {
    let target = deployment.target(id).ok_or_else(|| {
        let message =
            format!("The deployment target {id} could not be found in deployment {}", deployment.id);
        Refusal::new("DeploymentTargetDoesNotExistException", message)
    })?;
    let instance = InstanceTarget::builder()
        .deployment_id(&deployment.id)
        .target_id(&target.id)
        .target_arn(&target.arn)
        .status(TargetStatus::from(target.status.as_str()))
        .set_last_updated_at(target.last_updated.map(time))
        .set_lifecycle_events(Some(target.events.iter().map(event).collect()))
        .build();
    Ok(DeploymentTarget::builder()
        .deployment_target_type(DeploymentTargetType::InstanceTarget)
        .instance_target(instance)
        .build())
}

fn event(event: &store::Event) -> LifecycleEvent {
    let diagnostics = event.diagnostics.as_ref().map(|diagnostics| {
        Diagnostics::builder()
            .error_code(LifecycleErrorCode::from(diagnostics.error_code.as_str()))
            .script_name(&diagnostics.script_name)
            .message(&diagnostics.message)
            .log_tail(&diagnostics.log_tail)
            .build()
    });
    LifecycleEvent::builder()
        .lifecycle_event_name(event.name.as_str())
        .status(LifecycleEventStatus::from(event.status.as_str()))
        .set_start_time(event.start.map(time))
        .set_end_time(event.end.map(time))
        .set_diagnostics(diagnostics)
        .build()
}
