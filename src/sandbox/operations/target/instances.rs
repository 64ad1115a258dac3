//! The deprecated calls for the instances of a deployment: targets under older names, of Server deployments only.

#![expect(
    deprecated,
    reason = "these calls are deprecated as a whole, and the sandbox answers them all the same"
)]

use aws_sdk_codedeploy::operation::batch_get_deployment_instances::{
    BatchGetDeploymentInstancesInput, BatchGetDeploymentInstancesOutput,
};
use aws_sdk_codedeploy::operation::get_deployment_instance::{
    GetDeploymentInstanceInput, GetDeploymentInstanceOutput,
};
use aws_sdk_codedeploy::operation::list_deployment_instances::{
    ListDeploymentInstancesInput, ListDeploymentInstancesOutput,
};
use aws_sdk_codedeploy::types::{InstanceStatus, InstanceSummary, InstanceType};

use super::{Filters, check_labels, check_statuses, shape, started};
use crate::model::ComputePlatform;
use crate::sandbox::operations::deployment::{deployment_id, find};
use crate::sandbox::operations::page::page;
use crate::sandbox::operations::rules::{batch, time};
use crate::sandbox::operations::{Call, Refusal};
use crate::sandbox::store::{Deployment, Label, Target, TargetKind};

/// Source: the service model's documentation of BatchGetDeploymentInstances.
const MAX_BATCH: usize = 25;

pub fn list(
    call: &mut Call<'_>,
    input: ListDeploymentInstancesInput,
) -> Result<ListDeploymentInstancesOutput, Refusal> {
    let deployment = started(call.region, input.deployment_id())?;
    let statuses: Vec<String> = words(input.instance_status_filter(), InstanceStatus::as_str);
    let labels: Vec<String> = words(input.instance_type_filter(), InstanceType::as_str);
    check_statuses(statuses.iter().map(String::as_str))?;
    if !labels.is_empty() {
        check_labels(deployment, labels.iter().map(String::as_str))?;
    }
    refuse_platform(deployment)?;
    let given = |values| Some(values).filter(|values: &&[String]| !values.is_empty());
    let filters = Filters { statuses: given(&statuses), labels: given(&labels) };
    let page = page(call, &input, input.next_token(), filters.of(deployment), |(place, _)| *place)?;
    Ok(ListDeploymentInstancesOutput::builder()
        .set_instances_list(Some(page.items.iter().map(|(_, target)| target.id.clone()).collect()))
        .set_next_token(page.next)
        .build())
}

fn words<T>(values: &[T], word: impl Fn(&T) -> &str) -> Vec<String> {
    values.iter().map(|value| word(value).to_owned()).collect()
}

pub fn get(
    call: &mut Call<'_>,
    input: GetDeploymentInstanceInput,
) -> Result<GetDeploymentInstanceOutput, Refusal> {
    let deployment = find(call.region, deployment_id(input.deployment_id())?)?;
    let id = instance_id(input.instance_id())?;
    refuse_platform(deployment)?;
    let target = call.places.find(deployment, id).ok_or_else(|| {
        let message = format!("The instance {id} could not be found in deployment {}", deployment.id);
        Refusal::new("InstanceDoesNotExistException", message)
    })?;
    Ok(GetDeploymentInstanceOutput::builder().instance_summary(summary(deployment, target)).build())
}

/// Instances that are not part of the deployment are named in `errorMessage`. SANDBOX: its words are not known.
pub fn batch_get(
    call: &mut Call<'_>,
    input: BatchGetDeploymentInstancesInput,
) -> Result<BatchGetDeploymentInstancesOutput, Refusal> {
    let deployment = find(call.region, deployment_id(input.deployment_id())?)?;
    let ids = input.instance_ids();
    if ids.is_empty() {
        instance_id(None)?;
    }
    for id in ids {
        instance_id(Some(id))?;
    }
    batch(ids.len(), MAX_BATCH)?;
    refuse_platform(deployment)?;
    let (mut summaries, mut missing) = (Vec::new(), Vec::new());
    for id in ids {
        match call.places.find(deployment, id) {
            Some(target) => summaries.push(summary(deployment, target)),
            None => missing.push(id.as_str()),
        }
    }
    let error = (!missing.is_empty()).then(|| format!("No instances found for: {}", missing.join(", ")));
    Ok(BatchGetDeploymentInstancesOutput::builder()
        .set_instances_summary(Some(summaries))
        .set_error_message(error)
        .build())
}

/// An EC2 instance's id, an on-premises instance's name, or the ARN of either.
fn instance_id(given: Option<&str>) -> Result<&str, Refusal> {
    let Some(id) = given.filter(|id| !id.is_empty()) else {
        return Err(Refusal::new("InstanceIdRequiredException", "Instance ID is missing"));
    };
    if id.chars().any(|c| c.is_whitespace() || c.is_control()) {
        let message = "Instance ID is not valid";
        return Err(Refusal::new("InvalidInstanceNameException", message));
    }
    Ok(id)
}

fn refuse_platform(deployment: &Deployment) -> Result<(), Refusal> {
    if deployment.platform == ComputePlatform::Server {
        return Ok(());
    }
    let message = format!(
        "The operation is not supported for deployments of compute platform {}; use the operations for targets",
        deployment.platform
    );
    Err(Refusal::new("InvalidComputePlatformException", message))
}

/// The instance's id is its ARN here, and its label is called its type.
///
/// Source: AWS CLI command reference, `deploy get-deployment-instance`.
fn summary(deployment: &Deployment, target: &Target) -> InstanceSummary {
    let label = match &target.kind {
        TargetKind::Instance(label) => label.map(Label::as_str),
        _ => None,
    };
    InstanceSummary::builder()
        .deployment_id(&deployment.id)
        .instance_id(&target.arn)
        .status(InstanceStatus::from(target.status.as_str()))
        .set_last_updated_at(target.last_updated.map(time))
        .set_lifecycle_events(Some(target.events.iter().map(shape::event).collect()))
        .set_instance_type(label.map(InstanceType::from))
        .build()
}
