//! What CreateDeployment may ask for, by platform and by the group's style.

use aws_sdk_codedeploy::operation::create_deployment::CreateDeploymentInput;
use aws_sdk_codedeploy::types::{
    AutoScalingGroupProcess, DeploymentMode, FileExistsBehavior, RevisionLocationType, TargetInstances,
};
use serde_json::{Map, Value};

use super::style;
use crate::model::ComputePlatform;
use crate::sandbox::operations::group::{no_scaling_group, refuse_gradual, wrong_ec2_filter};
use crate::sandbox::operations::rules::one_of;
use crate::sandbox::operations::{Call, Refusal, reactions, revision, revision_rules};
use crate::sandbox::store::{Application, Group};
use crate::sandbox::wire;

/// Source: the service model's documentation of InvalidTargetInstancesException.
const MAX_TARGET_TAGS: usize = 10;

/// The revision to deploy: the one that is asked for, or for a restart the group's last successful one.
pub fn revision_of(
    application: &Application,
    group: &Group,
    input: &CreateDeploymentInput,
) -> Result<Value, Refusal> {
    let refuse = |message: &str| Err(Refusal::new("InvalidInputException", message));
    match input.deployment_mode() {
        None | Some(DeploymentMode::Standard) => {
            let asked = revision_rules::check(input.revision(), &application.platform)?;
            return revision::complete(application, asked);
        }
        Some(DeploymentMode::Restart) => {}
        Some(other) => {
            one_of(other.as_str(), DeploymentMode::values(), "InvalidInputException", "Deployment mode")?;
        }
    }
    if application.platform != ComputePlatform::Server {
        return refuse("Deployment mode RESTART is only supported for EC2/on-premises deployments");
    }
    if input.revision().is_some() {
        return refuse("A revision can not be specified with deployment mode RESTART");
    }
    if input.update_outdated_instances_only() == Some(true) {
        return refuse("updateOutdatedInstancesOnly can not be specified with deployment mode RESTART");
    }
    // SANDBOX: what the service says of a group that nothing was deployed to yet is not known.
    let last = group.target_revision.clone();
    last.map_or_else(|| refuse("Deployment mode RESTART needs an earlier successful deployment"), Ok)
}

/// Checks everything that is neither a name nor the revision, in the model's order of errors. `config` is the
/// configuration that was chosen.
pub fn check(
    call: &Call<'_>,
    input: &CreateDeploymentInput,
    platform: &ComputePlatform,
    group: &Map<String, Value>,
    config: &str,
) -> Result<(), Refusal> {
    check_target_instances(input.target_instances(), platform, group)?;
    if let Some(given) = input.target_instances() {
        refuse_unmet(call, &wire::members(given)?)?;
    }
    input.override_alarm_configuration().map_or(Ok(()), reactions::check_alarms)?;
    input.auto_rollback_configuration().map_or(Ok(()), reactions::check_auto_rollback)?;
    if let Some(behavior) = input.file_exists_behavior() {
        let (code, known) = ("InvalidFileExistsBehaviorException", FileExistsBehavior::values());
        if *platform != ComputePlatform::Server {
            let message =
                "For Lambda, ECS and Kubernetes deployment, fileExistsBehavior can not be specified";
            return Err(Refusal::new(code, message));
        }
        one_of(behavior.as_str(), known, code, "File exists behavior")?;
    }
    let groups = input.target_instances().map_or(&[][..], |given| given.auto_scaling_groups());
    if let Some(missing) = call.missing_scaling_group(groups.iter().map(String::as_str)) {
        return Err(no_scaling_group(missing));
    }
    if *platform != ComputePlatform::Server {
        refuse_of_hosts(input, platform)?;
    }
    refuse_without_token(call, input)?;
    refuse_gradual(call, group, config)?;
    let options = input.ec2_deployment_options();
    for process in options.map_or(&[][..], |options| options.auto_scaling_group_processes_to_suspend()) {
        let code = "InvalidAutoScalingGroupProcessToSuspendException";
        one_of(process.as_str(), AutoScalingGroupProcess::values(), code, "Auto Scaling group process")?;
    }
    Ok(())
}

/// Only where a blue/green deployment of instances is told its new ones, not where it copies an Auto Scaling group.
fn check_target_instances(
    given: Option<&TargetInstances>,
    platform: &ComputePlatform,
    group: &Map<String, Value>,
) -> Result<(), Refusal> {
    let refuse = |message: &str| Err(Refusal::new("InvalidTargetInstancesException", message));
    let provisioning =
        || group.get("blueGreenDeploymentConfiguration")?.get("greenFleetProvisioningOption")?.get("action");
    let discovers = *platform == ComputePlatform::Server
        && style(group, "deploymentType") == Some("BLUE_GREEN")
        && provisioning().is_none_or(|action| action == "DISCOVER_EXISTING");
    let Some(given) = given else {
        return if discovers {
            refuse("Target instances must be specified for this deployment group")
        } else {
            Ok(())
        };
    };
    if !discovers {
        return refuse("Target instances can only be specified for blue/green deployments");
    }
    let sets = given.ec2_tag_set().map_or(&[][..], |set| set.ec2_tag_set_list());
    let tags = given.tag_filters().len() + sets.iter().flatten().count();
    if tags > MAX_TARGET_TAGS {
        return refuse("Target instances cannot be specified with more than 10 tag filters");
    }
    if let Some(why) = wrong_ec2_filter(given.ec2_tag_set(), given.tag_filters()) {
        return refuse(why);
    }
    if !sets.is_empty() && !given.tag_filters().is_empty() {
        return refuse("Target instances can only be specified with either tagFilters or ec2TagSet");
    }
    if tags == 0 && given.auto_scaling_groups().is_empty() {
        return refuse("Target instances must be specified with tag filters or Auto Scaling groups");
    }
    Ok(())
}

/// What is fetched from GitHub needs a connected account, whosever the repository is.
fn refuse_without_token(call: &Call<'_>, input: &CreateDeploymentInput) -> Result<(), Refusal> {
    let kind = input.revision().and_then(|revision| revision.revision_type());
    if kind == Some(&RevisionLocationType::GitHub) && call.region.git_hub_tokens.is_empty() {
        // Source: the service model's documentation of the exception.
        return Err(Refusal::new("InvalidGitHubAccountTokenException", "The GitHub token is not valid."));
    }
    Ok(())
}

/// Every tag must be on some instance. Source: the service model's documentation of InvalidTargetInstancesException.
fn refuse_unmet(call: &Call<'_>, given: &Map<String, Value>) -> Result<(), Refusal> {
    let list = |value: Option<&'_ Value>| value.and_then(Value::as_array).cloned().unwrap_or_default();
    let set = given.get("ec2TagSet").and_then(|set| set.get("ec2TagSetList"));
    let sets = list(set).into_iter().flat_map(|filters| list(Some(&filters)));
    let filters: Vec<Value> = list(given.get("tagFilters")).into_iter().chain(sets).collect();
    let unmet = call.conductor.unmet(&filters, call.region_name, call.host_changes);
    let Some(filter) = unmet else { return Ok(()) };
    let member = |name: &str| filter.get(name).and_then(Value::as_str).unwrap_or_default();
    let message = format!(
        "The tag with key '{}' and value '{}' is not applied to any instance",
        member("Key"),
        member("Value")
    );
    Err(Refusal::new("InvalidTargetInstancesException", message))
}

/// What only instances have.
fn refuse_of_hosts(input: &CreateDeploymentInput, platform: &ComputePlatform) -> Result<(), Refusal> {
    let refuse = |code, member: &str| {
        Err(Refusal::new(code, format!("For {platform} deployment, {member} can not be specified")))
    };
    if input.update_outdated_instances_only() == Some(true) {
        return refuse("InvalidUpdateOutdatedInstancesOnlyValueException", "updateOutdatedInstancesOnly");
    }
    if input.ignore_application_stop_failures() == Some(true) {
        return refuse("InvalidIgnoreApplicationStopFailuresValueException", "ignoreApplicationStopFailures");
    }
    Ok(())
}
