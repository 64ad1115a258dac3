//! The targets of a deployment and their lifecycle events.

pub mod instances;
mod places;
mod shape;

pub use places::Places;

use aws_sdk_codedeploy::operation::batch_get_deployment_targets::{
    BatchGetDeploymentTargetsInput, BatchGetDeploymentTargetsOutput,
};
use aws_sdk_codedeploy::operation::get_deployment_target::{
    GetDeploymentTargetInput, GetDeploymentTargetOutput,
};
use aws_sdk_codedeploy::operation::list_deployment_targets::{
    ListDeploymentTargetsInput, ListDeploymentTargetsOutput,
};
use aws_sdk_codedeploy::types::{DeploymentTarget, TargetFilterName, TargetLabel, TargetStatus};

use super::deployment::{deployment_id, find, is_blue_green};
use super::page::page;
use super::rules::one_of;
use super::{Call, Refusal};
use crate::model::ComputePlatform;
use crate::sandbox::store::{self, Deployment, Region, Target, TargetKind};

/// Source: the service model's documentation of BatchGetDeploymentTargets.
const MAX_BATCH: usize = 25;

pub fn list(
    call: &mut Call<'_>,
    input: ListDeploymentTargetsInput,
) -> Result<ListDeploymentTargetsOutput, Refusal> {
    let deployment = started(call.region, input.deployment_id())?;
    let filters = filters(&input, deployment)?;
    let page = page(call, &input, input.next_token(), filters.of(deployment), |(place, _)| *place)?;
    Ok(ListDeploymentTargetsOutput::builder()
        .set_target_ids(Some(page.items.iter().map(|(_, target)| target.id.clone()).collect()))
        .set_next_token(page.next)
        .build())
}

pub fn get(
    call: &mut Call<'_>,
    input: GetDeploymentTargetInput,
) -> Result<GetDeploymentTargetOutput, Refusal> {
    let deployment = started(call.region, input.deployment_id())?;
    let target = shaped(call.places, deployment, target_id(input.target_id())?)?;
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
    // Deployments of Lambda and ECS have one target.
    let most = if deployment.platform == ComputePlatform::Server { MAX_BATCH } else { 1 };
    if ids.len() > most {
        // SANDBOX: of the operation's errors this is the one that speaks of too many targets.
        let message = format!("The maximum number of target IDs is {most}");
        return Err(Refusal::new("DeploymentTargetListSizeExceededException", message));
    }
    let places = &mut *call.places;
    let targets: Result<Vec<_>, Refusal> =
        ids.iter().map(|id| shaped(places, deployment, target_id(Some(id))?)).collect();
    Ok(BatchGetDeploymentTargetsOutput::builder().set_deployment_targets(Some(targets?)).build())
}

/// The deployment, if its targets are known by now.
pub fn started<'r>(region: &'r Region, id: Option<&str>) -> Result<&'r Deployment, Refusal> {
    let deployment = find(region, deployment_id(id)?)?;
    if deployment.started.is_none() && !deployment.status.is_terminal() {
        let message = format!("The deployment {} has not started", deployment.id);
        return Err(Refusal::new("DeploymentNotStartedException", message));
    }
    Ok(deployment)
}

/// What a list of targets is narrowed to; nothing where a filter is absent.
#[derive(Default)]
struct Filters<'a> {
    statuses: Option<&'a [String]>,
    labels: Option<&'a [String]>,
}

impl Filters<'_> {
    /// The targets that are asked for, each with its place among all.
    fn of<'d>(&self, deployment: &'d Deployment) -> impl Iterator<Item = (usize, &'d Target)> {
        (0..).zip(&deployment.targets).filter(|(_, target)| self.let_through(target))
    }

    fn let_through(&self, target: &Target) -> bool {
        let label = match &target.kind {
            TargetKind::Instance(label) => label.map(store::Label::as_str),
            _ => None,
        };
        let one_of = |values: Option<&[String]>, own: Option<&str>| {
            values.is_none_or(|values| values.iter().any(|value| Some(value.as_str()) == own))
        };
        one_of(self.statuses, Some(target.status.as_str())) && one_of(self.labels, label)
    }
}

fn filters<'i>(
    input: &'i ListDeploymentTargetsInput,
    deployment: &Deployment,
) -> Result<Filters<'i>, Refusal> {
    let mut filters = Filters::default();
    for (name, values) in input.target_filters().into_iter().flatten() {
        match name {
            TargetFilterName::TargetStatus => {
                check_statuses(values.iter().map(String::as_str))?;
                filters.statuses = Some(values);
            }
            TargetFilterName::ServerInstanceLabel => {
                check_labels(deployment, values.iter().map(String::as_str))?;
                filters.labels = Some(values);
            }
            other => {
                let known = TargetFilterName::values();
                one_of(other.as_str(), known, "InvalidTargetFilterNameException", "Target filter name")?;
            }
        }
    }
    Ok(filters)
}

fn check_statuses<'a>(mut values: impl Iterator<Item = &'a str>) -> Result<(), Refusal> {
    let known = TargetStatus::values();
    values.try_for_each(|value| one_of(value, known, "InvalidInstanceStatusException", "Target status"))
}

fn check_labels<'a>(
    deployment: &Deployment,
    mut values: impl Iterator<Item = &'a str>,
) -> Result<(), Refusal> {
    if !is_blue_green(deployment) {
        let message = "Only blue/green deployments have instance labels";
        return Err(Refusal::new("InvalidDeploymentInstanceTypeException", message));
    }
    let known = TargetLabel::values();
    values.try_for_each(|value| one_of(value, known, "InvalidInstanceTypeException", "Instance label"))
}

fn target_id(given: Option<&str>) -> Result<&str, Refusal> {
    given
        .filter(|id| !id.is_empty())
        .ok_or_else(|| Refusal::new("DeploymentTargetIdRequiredException", "Deployment target ID is missing"))
}

fn shaped(places: &mut Places, deployment: &Deployment, id: &str) -> Result<DeploymentTarget, Refusal> {
    // SANDBOX: an alias after a Lambda function's name is accepted.
    let function = (deployment.platform == ComputePlatform::Lambda)
        .then(|| id.split_once(':').map(|(function, _)| function))
        .flatten();
    if deployment.platform == ComputePlatform::Ecs && !id.contains(':') {
        let message = format!(
            "Invalid id {id} for ECS deployment, valid Id should be in format <cluster-name>:<service-name>"
        );
        return Err(Refusal::new("InvalidDeploymentTargetIdException", message));
    }
    let found = places.find(deployment, id).or_else(|| deployment.target(function?));
    let target = found.ok_or_else(|| {
        let message =
            format!("The deployment target {id} could not be found in deployment {}", deployment.id);
        Refusal::new("DeploymentTargetDoesNotExistException", message)
    })?;
    Ok(shape::target(deployment, target))
}
