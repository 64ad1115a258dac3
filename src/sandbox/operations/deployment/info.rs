//! GetDeployment and BatchGetDeployments.

use aws_sdk_codedeploy::operation::batch_get_deployments::{
    BatchGetDeploymentsInput, BatchGetDeploymentsOutput,
};
use aws_sdk_codedeploy::operation::get_deployment::{GetDeploymentInput, GetDeploymentOutput};
use aws_sdk_codedeploy::types::{
    ComputePlatform, DeploymentCreator, DeploymentInfo, DeploymentOverview, DeploymentStatus, ErrorCode,
    ErrorInformation, FileExistsBehavior, RelatedDeployments, RevisionLocation, RollbackInfo,
};
use serde_json::Value;

use super::{deployment_id, find};
use crate::model::Overview;
use crate::sandbox::operations::rules::{batch, time};
use crate::sandbox::operations::{Call, Refusal, revision};
use crate::sandbox::store::{Deployment, Progress};
use crate::sandbox::wire;

/// Source: the service model's documentation of BatchGetDeployments.
const MAX_BATCH: usize = 25;

pub fn get(call: &mut Call<'_>, input: GetDeploymentInput) -> Result<GetDeploymentOutput, Refusal> {
    let deployment = find(call.region, deployment_id(input.deployment_id())?)?;
    Ok(GetDeploymentOutput::builder().deployment_info(info(deployment)?).build())
}

/// Deployments that do not exist are left out: the model has no error for them.
pub fn batch_get(
    call: &mut Call<'_>,
    input: BatchGetDeploymentsInput,
) -> Result<BatchGetDeploymentsOutput, Refusal> {
    let ids = input.deployment_ids();
    if ids.is_empty() {
        deployment_id(None)?;
    }
    for id in ids {
        deployment_id(Some(id))?;
    }
    batch(ids.len(), MAX_BATCH)?;
    let known = ids.iter().filter_map(|id| call.region.deployments.get(id));
    let infos: Result<Vec<DeploymentInfo>, Refusal> = known.map(info).collect();
    Ok(BatchGetDeploymentsOutput::builder().set_deployments_info(Some(infos?)).build())
}

fn info(deployment: &Deployment) -> Result<DeploymentInfo, Refusal> {
    let mut info = wire::typed(&deployment.settings, DeploymentInfo::deserialize)?;
    info.application_name = Some(deployment.application.clone());
    info.deployment_group_name = Some(deployment.group.clone());
    info.deployment_config_name = Some(deployment.config.clone());
    info.deployment_id = Some(deployment.id.clone());
    info.previous_revision = deployment.previous_revision.as_ref().map(shown).transpose()?;
    info.revision = Some(shown(&deployment.revision)?);
    info.status = Some(DeploymentStatus::from(deployment.status.as_str()));
    info.error_information = deployment.error.as_ref().map(|error| {
        ErrorInformation::builder().code(ErrorCode::from(error.code.as_str())).message(&error.message).build()
    });
    info.create_time = Some(time(deployment.created));
    info.start_time = deployment.started.map(time);
    info.complete_time = deployment.completed.map(time);
    info.deployment_overview = deployment.overview.as_ref().map(overview);
    info.description = deployment.description.clone();
    info.creator = Some(DeploymentCreator::from(deployment.creator.as_str()));
    info.ignore_application_stop_failures = deployment.ignore_application_stop_failures;
    info.update_outdated_instances_only = deployment.update_outdated_instances_only;
    info.rollback_info = Some(rollback(deployment));
    info.file_exists_behavior = Some(FileExistsBehavior::from(deployment.file_exists_behavior.as_str()));
    info.instance_termination_wait_time_started = deployment.progress.termination_wait_started;
    info.related_deployments = related(&deployment.progress);
    info.deployment_status_messages = Some(Vec::new());
    info.compute_platform = Some(ComputePlatform::from(deployment.platform.as_str()));
    Ok(info)
}

/// A revision as GetDeployment gives it back: of an inline AppSpec the sum, not the content.
fn shown(stored: &Value) -> Result<RevisionLocation, Refusal> {
    let mut revision = stored.clone();
    for inline in ["appSpecContent", "string"] {
        if let Some(Value::Object(members)) = revision.get_mut(inline) {
            members.remove("content");
        }
    }
    revision::location(&revision)
}

/// The deployments that brought outdated instances up to date, and the one that they followed.
fn related(progress: &Progress) -> Option<RelatedDeployments> {
    let known = progress.auto_update_root.is_some() || !progress.auto_updates.is_empty();
    let ids = Some(progress.auto_updates.clone()).filter(|ids| !ids.is_empty());
    known.then(|| {
        RelatedDeployments::builder()
            .set_auto_update_outdated_instances_root_deployment_id(progress.auto_update_root.clone())
            .set_auto_update_outdated_instances_deployment_ids(ids)
            .build()
    })
}

fn overview(counts: &Overview) -> DeploymentOverview {
    let count = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
    DeploymentOverview::builder()
        .pending(count(counts.pending))
        .in_progress(count(counts.in_progress))
        .succeeded(count(counts.succeeded))
        .failed(count(counts.failed))
        .skipped(count(counts.skipped))
        .ready(count(counts.ready))
        .build()
}

/// Always there, and empty where nothing was rolled back.
fn rollback(deployment: &Deployment) -> RollbackInfo {
    RollbackInfo::builder()
        .set_rollback_deployment_id(deployment.rollback_deployment.clone())
        .set_rollback_triggering_deployment_id(deployment.rollback_of.clone())
        .set_rollback_message(deployment.rollback_message.clone())
        .build()
}
