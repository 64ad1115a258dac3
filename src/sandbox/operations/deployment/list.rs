//! ListDeployments: newest first, by group, status and time.

use aws_sdk_codedeploy::operation::list_deployments::{ListDeploymentsInput, ListDeploymentsOutput};
use aws_sdk_codedeploy::primitives::DateTime;
use aws_sdk_codedeploy::types::{DeploymentStatus, TimeRange};

use super::external::has_external_id;
use crate::sandbox::operations::page::page;
use crate::sandbox::operations::rules::{application_name, group_name, one_of};
use crate::sandbox::operations::{Call, Refusal, application, group};
use crate::sandbox::store::{Deployment, Millis};

pub fn list(call: &mut Call<'_>, input: ListDeploymentsInput) -> Result<ListDeploymentsOutput, Refusal> {
    check_place(call, &input)?;
    // SANDBOX: what else is no external id is not known.
    if input.external_id().is_some_and(str::is_empty) {
        return Err(Refusal::new("InvalidExternalIdException", "The external ID is empty"));
    }
    let times = input.create_time_range().map(times).transpose()?;
    for status in input.include_only_statuses() {
        one_of(
            status.as_str(),
            DeploymentStatus::values(),
            "InvalidDeploymentStatusException",
            "Deployment status",
        )?;
    }
    let newest_first = call.region.history.iter().rev().filter_map(|id| call.region.deployments.get(id));
    let asked_for = newest_first.filter(|deployment| is_asked_for(deployment, &input, times));
    let page = page(call, &input, input.next_token(), asked_for, |deployment| !deployment.number)?;
    let ids = page.items.iter().map(|deployment| deployment.id.clone()).collect();
    Ok(ListDeploymentsOutput::builder().set_deployments(Some(ids)).set_next_token(page.next).build())
}

/// Application and group are named together or not at all.
fn check_place(call: &Call<'_>, input: &ListDeploymentsInput) -> Result<(), Refusal> {
    let (application, group) = (input.application_name(), input.deployment_group_name());
    if application.is_none() && group.is_none() {
        return Ok(());
    }
    let (application, group) = (application_name(application)?, group_name(group)?);
    group::find(application::find(call.region, application)?, group)?;
    Ok(())
}

/// From and to, both included, both optional.
fn times(range: &TimeRange) -> Result<(Millis, Millis), Refusal> {
    let invalid = |message: &str| Refusal::new("InvalidTimeRangeException", message);
    // The SDK reads times as floating point, so that .126 arrives as .125999: round, never cut.
    let rounded = |time: &DateTime| {
        let millis = (time.as_nanos() + 500_000).div_euclid(1_000_000);
        Millis::try_from(millis).map_err(|_| invalid("The time range is not valid"))
    };
    let millis = |time: Option<&DateTime>, open| time.map_or(Ok(open), rounded);
    let (start, end) = (millis(range.start(), Millis::MIN)?, millis(range.end(), Millis::MAX)?);
    if start > end {
        return Err(invalid("The start of the time range must not be after its end"));
    }
    Ok((start, end))
}

fn is_asked_for(
    deployment: &Deployment,
    input: &ListDeploymentsInput,
    times: Option<(Millis, Millis)>,
) -> bool {
    let statuses = input.include_only_statuses();
    input.application_name().is_none_or(|name| name == deployment.application)
        && input.deployment_group_name().is_none_or(|name| name == deployment.group)
        && input.external_id().is_none_or(|id| has_external_id(deployment, id))
        && (statuses.is_empty()
            || statuses.iter().any(|status| status.as_str() == deployment.status.as_str()))
        && times.is_none_or(|(start, end)| (start..=end).contains(&deployment.created))
}
