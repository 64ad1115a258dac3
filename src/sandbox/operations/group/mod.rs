//! Deployment groups.

mod blue_green;
mod ecs;
mod platform;
mod rules;
mod scaling;
mod settings;

pub use ecs::refuse_gradual;
pub use rules::wrong_ec2_filter;
pub use scaling::no_scaling_group;
pub use settings::name_hooks;

use aws_sdk_codedeploy::operation::batch_get_deployment_groups::{
    BatchGetDeploymentGroupsInput, BatchGetDeploymentGroupsOutput,
};
use aws_sdk_codedeploy::operation::create_deployment_group::{
    CreateDeploymentGroupInput, CreateDeploymentGroupOutput,
};
use aws_sdk_codedeploy::operation::delete_deployment_group::{
    DeleteDeploymentGroupInput, DeleteDeploymentGroupOutput,
};
use aws_sdk_codedeploy::operation::get_deployment_group::{
    GetDeploymentGroupInput, GetDeploymentGroupOutput,
};
use aws_sdk_codedeploy::operation::list_deployment_groups::{
    ListDeploymentGroupsInput, ListDeploymentGroupsOutput,
};
use aws_sdk_codedeploy::operation::update_deployment_group::{
    UpdateDeploymentGroupInput, UpdateDeploymentGroupOutput,
};

use super::page::page;
use super::rules::{application_name, batch, group_name, new_tags};
use super::{Call, Refusal, application};
use crate::sandbox::rows::Table;
use crate::sandbox::store::{Application, Deployment, Group};

/// Source: AWS user guide, "CodeDeploy quotas".
const MAX_GROUPS: usize = 1000;
/// Source: BatchLimitExceededException's documentation in the service model.
const MAX_BATCH: usize = 100;

pub fn create(
    call: &mut Call<'_>,
    input: CreateDeploymentGroupInput,
) -> Result<CreateDeploymentGroupOutput, Refusal> {
    let application_name = application_name(input.application_name())?;
    let application = application::find(call.region, application_name)?;
    let name = group_name(input.deployment_group_name())?;
    refuse_existing(application, name)?;
    let (platform, count) = (application.platform.clone(), application.groups.len());
    let given = settings::given(&input)?;
    let Some(role) = input.service_role_arn().filter(|role| !role.is_empty()) else {
        return Err(Refusal::new("RoleRequiredException", "Service Role ARN is missing"));
    };
    rules::check_given(call, &given, &platform, Some(role))?;
    if count >= MAX_GROUPS {
        let message = format!("The maximum number of deployment groups in an application is {MAX_GROUPS}");
        return Err(Refusal::new("DeploymentGroupLimitExceededException", message));
    }
    let mut settings = settings::merged(settings::defaults(&platform), given);
    settings::name_hooks(&mut settings, call.random);
    rules::check_whole(call.region, &settings, &platform)?;
    scaling::refuse_too_many_hooks(call.region, &settings, None)?;
    ecs::check_service(call, &settings, None)?;
    let tags = new_tags(input.tags())?;
    let id = call.uuid();
    let group = Group {
        id: id.clone(),
        name: name.to_owned(),
        settings,
        tags,
        target_revision: None,
        last_successful: None,
        last_attempted: None,
        active: None,
        hosts: Table::default(),
    };
    application::find_mut(call.region, application_name)?.groups.insert(name.to_owned(), group);
    Ok(CreateDeploymentGroupOutput::builder().deployment_group_id(id).build())
}

/// What the call leaves out stays, an empty list clears.
pub fn update(
    call: &mut Call<'_>,
    input: UpdateDeploymentGroupInput,
) -> Result<UpdateDeploymentGroupOutput, Refusal> {
    let application_name = application_name(input.application_name())?;
    let application = application::find(call.region, application_name)?;
    let name = group_name(input.current_deployment_group_name())?;
    let new_name =
        input.new_deployment_group_name().map_or(Ok(name), |new_name| group_name(Some(new_name)))?;
    if new_name != name {
        refuse_existing(application, new_name)?;
    }
    let old = find(application, name)?;
    let (id, old) = (old.id.clone(), old.settings.clone());
    let platform = application.platform.clone();
    let given = settings::given(&input)?;
    rules::check_given(call, &given, &platform, input.service_role_arn())?;
    let mut settings = settings::merged(old, given);
    settings::name_hooks(&mut settings, call.random);
    rules::check_whole(call.region, &settings, &platform)?;
    scaling::refuse_too_many_hooks(call.region, &settings, Some(&id))?;
    ecs::check_service(call, &settings, Some(&id))?;
    let groups = &mut application::find_mut(call.region, application_name)?.groups;
    if let Some(mut group) = groups.remove(name) {
        group.settings = settings;
        group.name = new_name.to_owned();
        groups.insert(new_name.to_owned(), group);
    }
    if new_name != name {
        let is_meant = |one: &Deployment| one.application == application_name && one.group == name;
        call.region.deployments.change(is_meant, |one| one.group = new_name.to_owned());
    }
    Ok(UpdateDeploymentGroupOutput::builder().set_hooks_not_cleaned_up(Some(Vec::new())).build())
}

pub fn get(call: &mut Call<'_>, input: GetDeploymentGroupInput) -> Result<GetDeploymentGroupOutput, Refusal> {
    let application = application::find(call.region, application_name(input.application_name())?)?;
    let group = find(application, group_name(input.deployment_group_name())?)?;
    let info = settings::info(call.region, application, group)?;
    Ok(GetDeploymentGroupOutput::builder().deployment_group_info(info).build())
}

pub fn list(
    call: &mut Call<'_>,
    input: ListDeploymentGroupsInput,
) -> Result<ListDeploymentGroupsOutput, Refusal> {
    let application = application::find(call.region, application_name(input.application_name())?)?;
    let page = page(call, &input, input.next_token(), application.groups.keys().cloned(), String::clone)?;
    Ok(ListDeploymentGroupsOutput::builder()
        .application_name(&application.name)
        .set_deployment_groups(Some(page.items))
        .set_next_token(page.next)
        .build())
}

/// Groups that do not exist are named in `errorMessage`. SANDBOX: its words are not known.
pub fn batch_get(
    call: &mut Call<'_>,
    input: BatchGetDeploymentGroupsInput,
) -> Result<BatchGetDeploymentGroupsOutput, Refusal> {
    let application = application::find(call.region, application_name(input.application_name())?)?;
    let names = input.deployment_group_names();
    if names.is_empty() {
        group_name(None)?;
    }
    for name in names {
        group_name(Some(name))?;
    }
    batch(names.len(), MAX_BATCH)?;
    let (mut infos, mut missing) = (Vec::new(), Vec::new());
    for name in names {
        match application.groups.get(name) {
            Some(group) => infos.push(settings::info(call.region, application, group)?),
            None => missing.push(name.as_str()),
        }
    }
    let error =
        (!missing.is_empty()).then(|| format!("No Deployment Group found for name: {}", missing.join(", ")));
    Ok(BatchGetDeploymentGroupsOutput::builder()
        .set_deployment_groups_info(Some(infos))
        .set_error_message(error)
        .build())
}

/// What does not exist is deleted already: the model has no error for it.
pub fn delete(
    call: &mut Call<'_>,
    input: DeleteDeploymentGroupInput,
) -> Result<DeleteDeploymentGroupOutput, Refusal> {
    let application = application_name(input.application_name())?;
    let name = group_name(input.deployment_group_name())?;
    if let Some(application) = call.region.applications.get_mut(application) {
        application.groups.remove(name);
    }
    Ok(DeleteDeploymentGroupOutput::builder().set_hooks_not_cleaned_up(Some(Vec::new())).build())
}

/// The group of this name.
pub fn find<'r>(application: &'r Application, name: &str) -> Result<&'r Group, Refusal> {
    application.groups.get(name).ok_or_else(|| missing(name))
}

pub fn missing(name: &str) -> Refusal {
    Refusal::new(
        "DeploymentGroupDoesNotExistException",
        format!("No Deployment Group found for name: {name}"),
    )
}

fn refuse_existing(application: &Application, name: &str) -> Result<(), Refusal> {
    if application.groups.contains_key(name) {
        let message = format!("Deployment Group already exists: {name}");
        return Err(Refusal::new("DeploymentGroupAlreadyExistsException", message));
    }
    Ok(())
}
