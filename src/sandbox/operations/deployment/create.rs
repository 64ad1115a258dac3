//! CreateDeployment. What needs hosts or the bundle is found out by the engine, later, as in the service.

use aws_sdk_codedeploy::operation::create_deployment::{CreateDeploymentInput, CreateDeploymentOutput};
use serde_json::{Map, Value};

use super::rules;
use crate::model::{Creator, DeploymentStatus};
use crate::sandbox::operations::rules::{application_name, chosen_config_name, description, group_name};
use crate::sandbox::operations::{Call, Notice, Refusal, application, config, group, revision};
use crate::sandbox::rows::List;
use crate::sandbox::store::{ACCOUNT, Application, Deployment, Group, Progress, Region};
use crate::sandbox::wire;

/// In an account, each region apart. Source: AWS user guide, "CodeDeploy quotas".
const MAX_CONCURRENT: usize = 1300;
/// Members of the request that DeploymentInfo shows as they are.
const FROM_REQUEST: [&str; 5] = [
    "autoRollbackConfiguration",
    "overrideAlarmConfiguration",
    "ec2DeploymentOptions",
    "deploymentMode",
    "targetInstances",
];
/// Members of the group that DeploymentInfo shows, unless the request has its own.
const FROM_GROUP: [&str; 5] = [
    "deploymentStyle",
    "autoRollbackConfiguration",
    "loadBalancerInfo",
    "blueGreenDeploymentConfiguration",
    "ec2DeploymentOptions",
];

pub fn create(call: &mut Call<'_>, input: CreateDeploymentInput) -> Result<CreateDeploymentOutput, Refusal> {
    let name = application_name(input.application_name())?;
    let application = application::find(call.region, name).map_err(|_| no_application())?;
    let group = group::find(application, group_name(input.deployment_group_name())?)?;
    let wire_revision = rules::revision_of(application, group, &input)?;
    let config = config_of(call.region, application, group, &input)?;
    description(input.description())?;
    refuse_busy(call.region, group)?;
    refuse_too_many(call)?;
    rules::check(call, &input, &application.platform, &group.settings, &config)?;

    let id = free_id(call.region, call.random);
    let mut deployment = Deployment {
        id: id.clone(),
        number: 0,
        application: application.name.clone(),
        group: group.name.clone(),
        group_id: group.id.clone(),
        config,
        platform: application.platform.clone(),
        creator: Creator::User,
        revision: wire_revision.clone(),
        previous_revision: group.target_revision.clone(),
        description: None,
        settings: settings(&wire::members(&input)?, &group.settings),
        ignore_application_stop_failures: input.ignore_application_stop_failures().unwrap_or(false),
        update_outdated_instances_only: input.update_outdated_instances_only().unwrap_or(false),
        file_exists_behavior: input
            .file_exists_behavior()
            .map_or("DISALLOW", |given| given.as_str())
            .to_owned(),
        status: DeploymentStatus::Created,
        error: None,
        created: call.now,
        started: None,
        completed: None,
        overview: None,
        stop_requested: None,
        rollback_deployment: None,
        rollback_of: None,
        rollback_message: None,
        progress: Progress::default(),
        engine: Value::Null,
        targets: List::default(),
    };
    deployment.description = input.description;
    enter(call, deployment)?;
    Ok(CreateDeploymentOutput::builder().deployment_id(id).build())
}

/// This call has words of its own for it. Source: real output.
fn no_application() -> Refusal {
    Refusal::new("ApplicationDoesNotExistException", format!("Applications not found for {ACCOUNT}"))
}

/// Stores it: the group is busy from here on, and the revision is registered and used.
fn enter(call: &mut Call<'_>, deployment: Deployment) -> Result<(), Refusal> {
    let (id, now) = (deployment.id.clone(), call.now);
    let application = application::find_mut(call.region, &deployment.application)?;
    if let Some(group) = application.groups.get_mut(&deployment.group) {
        group.active = Some(id.clone());
        group.last_attempted = Some(id.clone());
    }
    let count = application.revisions.len();
    let known = revision::enter(application, deployment.revision.clone(), now);
    known.first_used.get_or_insert(now);
    known.last_used = Some(now);
    if application.revisions.len() > count {
        let words = format!("Application revision registered by Deployment ID: {id}");
        revision::enter(application, deployment.revision.clone(), now).description = Some(words);
    }
    call.region.enter(deployment);
    call.notices.push(Notice::Created(id));
    Ok(())
}

fn config_of(
    region: &Region,
    application: &Application,
    group: &Group,
    input: &CreateDeploymentInput,
) -> Result<String, Refusal> {
    let own = group.settings.get("deploymentConfigName").and_then(Value::as_str);
    let name = match input.deployment_config_name() {
        Some(name) => chosen_config_name(name)?,
        None => own.unwrap_or(config::DEFAULT),
    };
    config::check_use(region, name, &application.platform)?;
    Ok(name.to_owned())
}

fn refuse_busy(region: &Region, group: &Group) -> Result<(), Refusal> {
    let active = group.active.as_ref().and_then(|id| region.deployments.get(id));
    if let Some(active) = active.filter(|deployment| !deployment.status.is_terminal()) {
        let (group, id) = (&group.name, &active.id);
        let message = format!("The Deployment Group '{group}' already has an active Deployment '{id}'");
        return Err(Refusal::new("DeploymentLimitExceededException", message));
    }
    Ok(())
}

/// The account's own limit.
fn refuse_too_many(call: &Call<'_>) -> Result<(), Refusal> {
    let most = call.declared.deployment_quota.unwrap_or(MAX_CONCURRENT);
    // No more can run than there are, which is quicker to know.
    if call.region.deployments.len() < most || call.region.concurrent_deployments() < most {
        return Ok(());
    }
    // SANDBOX: in which words it is refused is not known.
    let message = format!("The maximum number of concurrent deployments in an account is {most}");
    Err(Refusal::new("DeploymentLimitExceededException", message))
}

fn settings(request: &Map<String, Value>, group: &Map<String, Value>) -> Map<String, Value> {
    let taken = |from: &Map<String, Value>, names: &[&str]| -> Map<String, Value> {
        names.iter().filter_map(|name| Some(((*name).to_owned(), from.get(*name)?.clone()))).collect()
    };
    let mut settings = taken(group, &FROM_GROUP);
    settings.extend(taken(request, &FROM_REQUEST));
    // Absence is how the service shows a deployment of mode STANDARD.
    if settings.get("deploymentMode").is_some_and(|mode| mode == "STANDARD") {
        settings.remove("deploymentMode");
    }
    settings
}

fn free_id(region: &Region, random: &mut fastrand::Rng) -> String {
    const SIGNS: &[u8; 36] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    loop {
        let id: String =
            "d-".chars().chain((0..9).map(|_| char::from(SIGNS[random.usize(..SIGNS.len())]))).collect();
        if !region.deployments.contains_key(&id) {
            return id;
        }
    }
}
