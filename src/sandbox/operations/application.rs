//! Applications.

use aws_sdk_codedeploy::operation::batch_get_applications::{
    BatchGetApplicationsInput, BatchGetApplicationsOutput,
};
use aws_sdk_codedeploy::operation::create_application::{CreateApplicationInput, CreateApplicationOutput};
use aws_sdk_codedeploy::operation::delete_application::DeleteApplicationInput;
use aws_sdk_codedeploy::operation::get_application::{GetApplicationInput, GetApplicationOutput};
use aws_sdk_codedeploy::operation::list_applications::{ListApplicationsInput, ListApplicationsOutput};
use aws_sdk_codedeploy::operation::update_application::UpdateApplicationInput;
use aws_sdk_codedeploy::types::{ApplicationInfo, ComputePlatform as SdkPlatform};

use super::page::page;
use super::rules::{application_name, batch, new_tags, time};
use super::{Call, Empty, Refusal};
use crate::model::ComputePlatform;
use crate::sandbox::rows::{List, Table};
use crate::sandbox::store::{Application, Region};

/// Source: AWS user guide, "CodeDeploy quotas".
const MAX_APPLICATIONS: usize = 1000;
/// Source: the service model's documentation of BatchGetApplications.
const MAX_BATCH: usize = 100;

pub fn create(
    call: &mut Call<'_>,
    input: CreateApplicationInput,
) -> Result<CreateApplicationOutput, Refusal> {
    let name = application_name(input.application_name())?;
    refuse_existing(call.region, name)?;
    if call.region.applications.len() >= MAX_APPLICATIONS {
        return Err(Refusal::new(
            "ApplicationLimitExceededException",
            format!("The maximum number of applications is {MAX_APPLICATIONS}"),
        ));
    }
    let platform = platform(input.compute_platform())?;
    let tags = new_tags(input.tags())?;
    let id = call.uuid();
    let application = Application {
        id: id.clone(),
        name: name.to_owned(),
        platform,
        created: call.now,
        groups: Table::default(),
        revisions: List::default(),
        tags,
    };
    call.region.applications.insert(name.to_owned(), application);
    Ok(CreateApplicationOutput::builder().application_id(id).build())
}

pub fn get(call: &mut Call<'_>, input: GetApplicationInput) -> Result<GetApplicationOutput, Refusal> {
    let application = find(call.region, application_name(input.application_name())?)?;
    Ok(GetApplicationOutput::builder().application(info(application)).build())
}

pub fn list(call: &mut Call<'_>, input: ListApplicationsInput) -> Result<ListApplicationsOutput, Refusal> {
    let names = call.region.applications.keys().cloned();
    let page = page(call, &input, input.next_token(), names, String::clone)?;
    Ok(ListApplicationsOutput::builder().set_applications(Some(page.items)).set_next_token(page.next).build())
}

pub fn batch_get(
    call: &mut Call<'_>,
    input: BatchGetApplicationsInput,
) -> Result<BatchGetApplicationsOutput, Refusal> {
    let names = input.application_names();
    if names.is_empty() {
        application_name(None)?;
    }
    let mut infos = Vec::new();
    for name in names {
        application_name(Some(name))?;
    }
    for name in names {
        infos.push(info(find(call.region, name)?));
    }
    batch(names.len(), MAX_BATCH)?;
    Ok(BatchGetApplicationsOutput::builder().set_applications_info(Some(infos)).build())
}

pub fn update(call: &mut Call<'_>, input: UpdateApplicationInput) -> Result<Empty, Refusal> {
    let name = application_name(input.application_name())?;
    let new_name = application_name(input.new_application_name())?;
    if new_name != name {
        refuse_existing(call.region, new_name)?;
    }
    find(call.region, name)?;
    if let Some(mut application) = call.region.applications.remove(name) {
        application.name = new_name.to_owned();
        call.region.applications.insert(new_name.to_owned(), application);
    }
    let deployments = &mut call.region.deployments;
    deployments.change(|one| one.application == name, |one| one.application = new_name.to_owned());
    Ok(Empty)
}

/// Takes groups, revisions and deployments along; a name that does not exist is deleted already.
pub fn delete(call: &mut Call<'_>, input: DeleteApplicationInput) -> Result<Empty, Refusal> {
    let name = application_name(input.application_name())?;
    if call.region.applications.remove(name).is_some() {
        call.region.keep_deployments(|deployment| deployment.application != name);
    }
    Ok(Empty)
}

/// The application of this name.
pub fn find<'r>(region: &'r Region, name: &str) -> Result<&'r Application, Refusal> {
    region.applications.get(name).ok_or_else(|| missing(name))
}

pub fn find_mut<'r>(region: &'r mut Region, name: &str) -> Result<&'r mut Application, Refusal> {
    region.applications.get_mut(name).ok_or_else(|| missing(name))
}

fn missing(name: &str) -> Refusal {
    Refusal::new("ApplicationDoesNotExistException", format!("No application found for name: {name}"))
}

fn refuse_existing(region: &Region, name: &str) -> Result<(), Refusal> {
    if region.applications.contains_key(name) {
        let message = format!("Application already exists: {name}");
        return Err(Refusal::new("ApplicationAlreadyExistsException", message));
    }
    Ok(())
}

/// The platform that a Create call asks for; Server where it asks for none.
pub fn platform(given: Option<&SdkPlatform>) -> Result<ComputePlatform, Refusal> {
    let platform = given.map_or(ComputePlatform::Server, |given| ComputePlatform::from(given.as_str()));
    match &platform {
        // The live service knows the name and refuses its use.
        ComputePlatform::Other(name) if name == "Kubernetes" => {
            Err(Refusal::common(400, "AccessDeniedException", "This feature is not available"))
        }
        ComputePlatform::Other(name) => Err(Refusal::new(
            "InvalidComputePlatformException",
            format!(
                "ComputePlatform '{name}' is not valid. Valid values are [Server, Lambda, ECS, Kubernetes]"
            ),
        )),
        _ => Ok(platform),
    }
}

fn info(application: &Application) -> ApplicationInfo {
    ApplicationInfo::builder()
        .application_id(&application.id)
        .application_name(&application.name)
        .create_time(time(application.created))
        .linked_to_git_hub(false)
        .compute_platform(SdkPlatform::from(application.platform.as_str()))
        .build()
}
