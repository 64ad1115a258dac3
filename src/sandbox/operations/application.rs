//! Applications.

use std::collections::BTreeMap;

use aws_sdk_codedeploy::operation::create_application::{CreateApplicationInput, CreateApplicationOutput};
use aws_sdk_codedeploy::operation::list_applications::{ListApplicationsInput, ListApplicationsOutput};

use super::page::page;
use super::rules::{application_name, new_tags};
use super::{Call, Refusal};
use crate::model::ComputePlatform;
use crate::sandbox::store::Application;

/// Source: AWS user guide, "CodeDeploy quotas".
const MAX_APPLICATIONS: usize = 1000;

pub fn create(
    call: &mut Call<'_>,
    input: CreateApplicationInput,
) -> Result<CreateApplicationOutput, Refusal> {
    let name = application_name(input.application_name())?;
    refuse_existing(call, name)?;
    if call.region.applications.len() >= MAX_APPLICATIONS {
        return Err(Refusal::new(
            "ApplicationLimitExceededException",
            format!("The maximum number of applications is {MAX_APPLICATIONS}"),
        ));
    }
    let platform = platform(input.compute_platform().map(|platform| platform.as_str()))?;
    let tags = new_tags(input.tags())?;
    let id = call.uuid();
    call.region.applications.insert(
        name.to_owned(),
        Application {
            id: id.clone(),
            name: name.to_owned(),
            platform,
            created: call.now,
            groups: BTreeMap::new(),
            revisions: Vec::new(),
            tags,
        },
    );
    Ok(CreateApplicationOutput::builder().application_id(id).build())
}

fn refuse_existing(call: &Call<'_>, name: &str) -> Result<(), Refusal> {
    if call.region.applications.contains_key(name) {
        let message = format!("Application already exists: {name}");
        return Err(Refusal::new("ApplicationAlreadyExistsException", message));
    }
    Ok(())
}

/// The platform that a Create call asks for; Server where it asks for none.
pub fn platform(given: Option<&str>) -> Result<ComputePlatform, Refusal> {
    let platform = given.map_or(ComputePlatform::Server, ComputePlatform::from);
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

pub fn list(call: &mut Call<'_>, input: ListApplicationsInput) -> Result<ListApplicationsOutput, Refusal> {
    let names = call.region.applications.keys().cloned();
    let page = page(call, &input, input.next_token(), names, String::clone)?;
    Ok(ListApplicationsOutput::builder().set_applications(Some(page.items)).set_next_token(page.next).build())
}
