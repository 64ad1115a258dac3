//! CodeDeploy's operations: what they check, in the model's order of errors, and what they read and write.
//!
//! Each is a function from an SDK input to an SDK output over one region's state. It knows no HTTP, no JSON
//! text and no lock; `server/` brings those.

mod application;
mod config;
mod deployment;
mod git_hub;
mod group;
mod on_premises;
mod page;
mod reactions;
mod refusal;
mod revision;
mod revision_rules;
mod rules;
mod tags;
mod target;

use std::sync::PoisonError;

use aws_sdk_codedeploy::operation as sdk;
use aws_smithy_schema::serde::{SerdeError, SerializableStruct, ShapeDeserializer};

pub use config::settings as config_settings;
pub use group::name_hooks;
pub use refusal::Refusal;
pub use target::Places;

use super::rows::List;
use super::store::{Declared, HostChange, Millis, Region, Wait, World, scaling_groups};
use super::{Conductor, Sandbox};

/// What an operation is given beside its input.
pub struct Call<'a> {
    pub region: &'a mut Region,
    /// The name of the region that the caller signed for.
    pub region_name: &'a str,
    pub now: Millis,
    pub random: &'a mut fastrand::Rng,
    pub page_size: usize,
    conductor: &'a dyn Conductor,
    /// What the fleet file says of the account.
    declared: &'a Declared,
    /// What became of the hosts that the fleet file declares.
    host_changes: &'a List<HostChange>,
    places: &'a mut Places,
    notices: Vec<Notice>,
}

/// What the engine is told once the operation's changes stand.
enum Notice {
    Created(String),
    StopRequested(String),
    Continued(String, Wait),
    HookAnswered { deployment: String, execution: String, succeeded: bool },
}

impl Call<'_> {
    /// The first of these Auto Scaling groups that is not there.
    fn missing_scaling_group<'n>(&self, names: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
        let mut names = names.into_iter().peekable();
        names.peek()?;
        let region = (self.region_name, &*self.region);
        let groups = scaling_groups(&self.declared.auto_scaling_groups, self.host_changes, region);
        names.find(|name| !groups.contains(*name))
    }

    /// A new id in UUID form.
    fn uuid(&mut self) -> String {
        uuid(self.random)
    }
}

/// A random (version 4) UUID.
pub fn uuid(random: &mut fastrand::Rng) -> String {
    let bits = random.u128(..);
    let bits = bits & !(0xf << 76) & !(0x3 << 62) | (0x4 << 76) | (0x2 << 62);
    let hex = format!("{bits:032x}");
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

/// An operation's output; none for the operations that the model gives no output shape.
pub type Output = Option<Box<dyn SerializableStruct>>;

/// What an operation returns: an SDK output, or [`Empty`].
trait IntoOutput {
    fn into_output(self) -> Output;
}

impl<T: SerializableStruct + 'static> IntoOutput for T {
    fn into_output(self) -> Output {
        Some(Box::new(self))
    }
}

/// The output of an operation without an output shape.
struct Empty;

impl IntoOutput for Empty {
    fn into_output(self) -> Output {
        None
    }
}

type Run = fn(&Sandbox, &str, &mut dyn ShapeDeserializer) -> Result<Output, Refusal>;

/// One operation of the API.
pub struct Operation {
    /// As in the service model.
    pub name: &'static str,
    run: Run,
}

macro_rules! operations {
    ($($name:ident($module:ident::$input:ident) => $function:path),+ $(,)?) => {
        /// Every operation that this sandbox answers.
        pub static OPERATIONS: &[Operation] = &[$(Operation {
            name: stringify!($name),
            run: |sandbox, region, input| run(sandbox, region, input, sdk::$module::$input::deserialize, $function),
        }),+];
    };
}

operations! {
    CreateApplication(create_application::CreateApplicationInput) => application::create,
    GetApplication(get_application::GetApplicationInput) => application::get,
    ListApplications(list_applications::ListApplicationsInput) => application::list,
    BatchGetApplications(batch_get_applications::BatchGetApplicationsInput) => application::batch_get,
    UpdateApplication(update_application::UpdateApplicationInput) => application::update,
    DeleteApplication(delete_application::DeleteApplicationInput) => application::delete,
    CreateDeploymentGroup(create_deployment_group::CreateDeploymentGroupInput) => group::create,
    GetDeploymentGroup(get_deployment_group::GetDeploymentGroupInput) => group::get,
    UpdateDeploymentGroup(update_deployment_group::UpdateDeploymentGroupInput) => group::update,
    ListDeploymentGroups(list_deployment_groups::ListDeploymentGroupsInput) => group::list,
    BatchGetDeploymentGroups(batch_get_deployment_groups::BatchGetDeploymentGroupsInput) => group::batch_get,
    DeleteDeploymentGroup(delete_deployment_group::DeleteDeploymentGroupInput) => group::delete,
    CreateDeploymentConfig(create_deployment_config::CreateDeploymentConfigInput) => config::create,
    GetDeploymentConfig(get_deployment_config::GetDeploymentConfigInput) => config::get,
    ListDeploymentConfigs(list_deployment_configs::ListDeploymentConfigsInput) => config::list,
    DeleteDeploymentConfig(delete_deployment_config::DeleteDeploymentConfigInput) => config::delete,
    RegisterApplicationRevision(register_application_revision::RegisterApplicationRevisionInput) => revision::register,
    GetApplicationRevision(get_application_revision::GetApplicationRevisionInput) => revision::get,
    ListApplicationRevisions(list_application_revisions::ListApplicationRevisionsInput) => revision::list,
    BatchGetApplicationRevisions(batch_get_application_revisions::BatchGetApplicationRevisionsInput) => revision::batch_get,
    CreateDeployment(create_deployment::CreateDeploymentInput) => deployment::create,
    GetDeployment(get_deployment::GetDeploymentInput) => deployment::get,
    ListDeployments(list_deployments::ListDeploymentsInput) => deployment::list,
    BatchGetDeployments(batch_get_deployments::BatchGetDeploymentsInput) => deployment::batch_get,
    StopDeployment(stop_deployment::StopDeploymentInput) => deployment::stop,
    ContinueDeployment(continue_deployment::ContinueDeploymentInput) => deployment::go_on,
    SkipWaitTimeForInstanceTermination(skip_wait_time_for_instance_termination::SkipWaitTimeForInstanceTerminationInput) => deployment::skip_wait,
    PutLifecycleEventHookExecutionStatus(put_lifecycle_event_hook_execution_status::PutLifecycleEventHookExecutionStatusInput) => deployment::hook_answer,
    DeleteResourcesByExternalId(delete_resources_by_external_id::DeleteResourcesByExternalIdInput) => deployment::delete_by_external_id,
    ListDeploymentTargets(list_deployment_targets::ListDeploymentTargetsInput) => target::list,
    GetDeploymentTarget(get_deployment_target::GetDeploymentTargetInput) => target::get,
    BatchGetDeploymentTargets(batch_get_deployment_targets::BatchGetDeploymentTargetsInput) => target::batch_get,
    ListDeploymentInstances(list_deployment_instances::ListDeploymentInstancesInput) => target::instances::list,
    GetDeploymentInstance(get_deployment_instance::GetDeploymentInstanceInput) => target::instances::get,
    BatchGetDeploymentInstances(batch_get_deployment_instances::BatchGetDeploymentInstancesInput) => target::instances::batch_get,
    RegisterOnPremisesInstance(register_on_premises_instance::RegisterOnPremisesInstanceInput) => on_premises::register,
    DeregisterOnPremisesInstance(deregister_on_premises_instance::DeregisterOnPremisesInstanceInput) => on_premises::deregister,
    GetOnPremisesInstance(get_on_premises_instance::GetOnPremisesInstanceInput) => on_premises::get,
    BatchGetOnPremisesInstances(batch_get_on_premises_instances::BatchGetOnPremisesInstancesInput) => on_premises::batch_get,
    ListOnPremisesInstances(list_on_premises_instances::ListOnPremisesInstancesInput) => on_premises::list,
    AddTagsToOnPremisesInstances(add_tags_to_on_premises_instances::AddTagsToOnPremisesInstancesInput) => on_premises::add_tags,
    RemoveTagsFromOnPremisesInstances(remove_tags_from_on_premises_instances::RemoveTagsFromOnPremisesInstancesInput) => on_premises::remove_tags,
    TagResource(tag_resource::TagResourceInput) => tags::tag,
    UntagResource(untag_resource::UntagResourceInput) => tags::untag,
    ListTagsForResource(list_tags_for_resource::ListTagsForResourceInput) => tags::list,
    ListGitHubAccountTokenNames(list_git_hub_account_token_names::ListGitHubAccountTokenNamesInput) => git_hub::list,
    DeleteGitHubAccountToken(delete_git_hub_account_token::DeleteGitHubAccountTokenInput) => git_hub::delete,
}

impl Operation {
    /// Whether it changes nothing.
    pub fn reads(&self) -> bool {
        ["Get", "List", "BatchGet"].iter().any(|verb| self.name.starts_with(verb))
    }

    pub fn named(name: &str) -> Option<&'static Operation> {
        OPERATIONS.iter().find(|operation| operation.name == name)
    }

    /// Reads the input and runs the operation for a caller in `region`.
    ///
    /// # Errors
    /// What the service would refuse, in its words.
    pub fn run(
        &self,
        sandbox: &Sandbox,
        region: &str,
        input: &mut dyn ShapeDeserializer,
    ) -> Result<Output, Refusal> {
        (self.run)(sandbox, region, input)
    }
}

fn run<I, O: IntoOutput>(
    sandbox: &Sandbox,
    region_name: &str,
    input: &mut dyn ShapeDeserializer,
    deserialize: fn(&mut dyn ShapeDeserializer) -> Result<I, SerdeError>,
    operate: fn(&mut Call<'_>, I) -> Result<O, Refusal>,
) -> Result<Output, Refusal> {
    let shape = deserialize(input).map_err(Refusal::serialization)?;
    let (result, notices) = operate_locked(sandbox, region_name, shape, operate);
    for notice in notices {
        match notice {
            Notice::Created(id) => sandbox.conductor.created(region_name, &id),
            Notice::StopRequested(id) => sandbox.conductor.stop_requested(region_name, &id),
            Notice::Continued(id, wait) => sandbox.conductor.continued(region_name, &id, wait),
            Notice::HookAnswered { deployment, execution, succeeded } => {
                sandbox.conductor.hook_answered(region_name, &deployment, &execution, succeeded);
            }
        }
    }
    result.map(IntoOutput::into_output)
}

fn operate_locked<I, O>(
    sandbox: &Sandbox,
    region_name: &str,
    shape: I,
    operate: fn(&mut Call<'_>, I) -> Result<O, Refusal>,
) -> (Result<O, Refusal>, Vec<Notice>) {
    let Sandbox { shared, page_size, .. } = sandbox;
    let mut world = shared.world();
    let mut random = shared.random();
    let mut places = sandbox.places.lock().unwrap_or_else(PoisonError::into_inner);
    let World { regions, declared, host_changes, .. } = &mut *world;
    let begin = || {
        let mut region = Region::default();
        region.begin(region_name, declared, shared.clock.now());
        region
    };
    let mut call = Call {
        region: regions.get_or_insert_with(region_name, begin),
        region_name,
        now: shared.clock.now(),
        random: &mut random,
        page_size: *page_size,
        conductor: &*sandbox.conductor,
        declared,
        host_changes,
        places: &mut places,
        notices: Vec::new(),
    };
    let result = operate(&mut call, shape);
    (result, call.notices)
}

#[cfg(test)]
mod tests;
