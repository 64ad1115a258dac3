//! Deployment configurations: the built-in ones and the caller's own.

mod built_in;
mod rules;

use aws_sdk_codedeploy::operation::create_deployment_config::{
    CreateDeploymentConfigInput, CreateDeploymentConfigOutput,
};
use aws_sdk_codedeploy::operation::delete_deployment_config::DeleteDeploymentConfigInput;
use aws_sdk_codedeploy::operation::get_deployment_config::{
    GetDeploymentConfigInput, GetDeploymentConfigOutput,
};
use aws_sdk_codedeploy::operation::list_deployment_configs::{
    ListDeploymentConfigsInput, ListDeploymentConfigsOutput,
};
use aws_sdk_codedeploy::types::DeploymentConfigInfo;
use serde_json::{Map, Value};

use super::page::page;
use super::rules::{config_name, time};
use super::{Call, Empty, Refusal, application};
use crate::model::ComputePlatform;
use crate::sandbox::store::{Config, Region};
use crate::sandbox::wire;

/// Source: AWS user guide, "CodeDeploy quotas".
const MAX_CONFIGS: usize = 50;

/// The configuration of a group that names none.
pub const DEFAULT: &str = "CodeDeployDefault.OneAtATime";

pub fn create(
    call: &mut Call<'_>,
    input: CreateDeploymentConfigInput,
) -> Result<CreateDeploymentConfigOutput, Refusal> {
    let name = config_name(input.deployment_config_name())?;
    if name.starts_with("CodeDeployDefault.") {
        let message = "The prefix CodeDeployDefault. is reserved for predefined configuration names";
        return Err(Refusal::new("InvalidDeploymentConfigNameException", message));
    }
    if call.region.configs.contains_key(name) {
        let message = format!("Deployment configuration already exists: {name}");
        return Err(Refusal::new("DeploymentConfigAlreadyExistsException", message));
    }
    let platform = application::platform(input.compute_platform())?;
    rules::check(&input, &platform)?;
    if call.region.configs.len() >= MAX_CONFIGS {
        let message = format!("The maximum number of custom deployment configurations is {MAX_CONFIGS}");
        return Err(Refusal::new("DeploymentConfigLimitExceededException", message));
    }
    let mut settings = wire::members(&input)?;
    settings.insert("computePlatform".to_owned(), platform.as_str().into());
    let id = call.uuid();
    let config = Config { id: id.clone(), created: call.now, settings };
    call.region.configs.insert(name.to_owned(), config);
    Ok(CreateDeploymentConfigOutput::builder().deployment_config_id(id).build())
}

pub fn get(
    call: &mut Call<'_>,
    input: GetDeploymentConfigInput,
) -> Result<GetDeploymentConfigOutput, Refusal> {
    let name = config_name(input.deployment_config_name())?;
    let settings = settings(call.region, name).ok_or_else(|| missing(name))?;
    let mut info = wire::typed(&settings, DeploymentConfigInfo::deserialize)?;
    let (id, created) = match call.region.configs.get(name) {
        Some(config) => (config.id.clone(), config.created),
        None => built_in::origin(name).ok_or_else(|| missing(name))?,
    };
    info.deployment_config_id = Some(id);
    info.create_time = Some(time(created));
    Ok(GetDeploymentConfigOutput::builder().deployment_config_info(info).build())
}

pub fn list(
    call: &mut Call<'_>,
    input: ListDeploymentConfigsInput,
) -> Result<ListDeploymentConfigsOutput, Refusal> {
    let names = built_in::names().map(ToOwned::to_owned).chain(call.region.configs.keys().cloned());
    let mut names: Vec<String> = names.collect();
    names.sort_unstable();
    let page = page(call, &input, input.next_token(), names, String::clone)?;
    Ok(ListDeploymentConfigsOutput::builder()
        .set_deployment_configs_list(Some(page.items))
        .set_next_token(page.next)
        .build())
}

/// A name that does not exist is deleted already: the model has no error for it.
pub fn delete(call: &mut Call<'_>, input: DeleteDeploymentConfigInput) -> Result<Empty, Refusal> {
    let name = config_name(input.deployment_config_name())?;
    let mut groups = call.region.applications.values().flat_map(|application| application.groups.values());
    let by_group =
        groups.any(|group| group.settings.get("deploymentConfigName").is_some_and(|used| used == name));
    let mut deployments = call.region.deployments.values();
    if by_group || deployments.any(|deployment| !deployment.status.is_terminal() && deployment.config == name)
    {
        let message = format!("Deployment configuration is in use: {name}");
        return Err(Refusal::new("DeploymentConfigInUseException", message));
    }
    if built_in::settings(name).is_some() {
        let message = format!("A predefined deployment configuration cannot be deleted: {name}");
        return Err(Refusal::new("InvalidOperationException", message));
    }
    call.region.configs.remove(name);
    Ok(Empty)
}

/// The `DeploymentConfigInfo` of a built-in or custom configuration, in wire form without id and time.
pub fn settings(region: &Region, name: &str) -> Option<Map<String, Value>> {
    region.configs.get(name).map(|config| config.settings.clone()).or_else(|| built_in::settings(name))
}

/// Whether a configuration moves traffic step by step.
pub fn is_gradual(region: &Region, name: &str) -> bool {
    let routing = settings(region, name).and_then(|settings| settings.get("trafficRoutingConfig").cloned());
    routing.is_some_and(|routing| routing.get("type").is_some_and(|kind| kind != "AllAtOnce"))
}

/// Checks that a configuration exists and is one for the platform.
pub fn check_use(region: &Region, name: &str, platform: &ComputePlatform) -> Result<(), Refusal> {
    let settings = settings(region, name).ok_or_else(|| missing(name))?;
    if settings.get("computePlatform").is_some_and(|own| own != platform.as_str()) {
        // SANDBOX: the text is the service's, the exception that carries it is not known.
        return Err(Refusal::new(
            "InvalidInputException",
            format!(
                "Compute platform of deployment config {name} does not match expected compute platform, \
                 correct compute platform should be {platform}."
            ),
        ));
    }
    Ok(())
}

pub fn missing(name: &str) -> Refusal {
    let message = format!("No deployment configuration found for name: {name}");
    Refusal::new("DeploymentConfigDoesNotExistException", message)
}
