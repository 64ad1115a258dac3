//! What a group may say, in the order of the model's errors, and the service's words where it may not.

use std::collections::{BTreeSet, HashSet};

use aws_sdk_codedeploy::types::{
    AutoScalingGroupProcess, DeploymentGroupInfo, DeploymentOption, DeploymentType, Ec2TagFilter, Ec2TagSet,
    LoadBalancerInfo, OutdatedInstancesStrategy, TagFilter, TriggerConfig, TriggerEventType,
};
use serde_json::{Map, Value};

use super::{blue_green, ecs, platform, scaling};
use crate::model::ComputePlatform;
use crate::sandbox::operations::rules::{chosen_config_name, one_of};
use crate::sandbox::operations::{Call, Refusal, config, reactions};
use crate::sandbox::store::{ACCOUNT, Region};
use crate::sandbox::wire;

/// Of filters, Auto Scaling groups, triggers, load balancers. Source: AWS user guide, "CodeDeploy quotas".
const MAX_LIST: usize = 10;
/// Tag groups in a tag set. Source: the same.
const MAX_TAG_GROUPS: usize = 3;
/// Characters of a target group's name. Source: the service's own refusal.
const MAX_TARGET_GROUP_NAME: usize = 32;

/// Checks what one Create or Update call gives, whatever the group holds already.
/// `role` is there when the call does name one.
pub fn check_given(
    call: &Call<'_>,
    given: &Map<String, Value>,
    platform: &ComputePlatform,
    role: Option<&str>,
) -> Result<(), Refusal> {
    let info = wire::typed(given, DeploymentGroupInfo::deserialize)?;
    check_tags(&info)?;
    platform::check_given(&info, platform)?;
    scaling::check(call, info.auto_scaling_groups())?;
    if let Some(name) = info.deployment_config_name() {
        chosen_config_name(name)?;
        config::check_use(call.region, name, platform)?;
    }
    role.map_or(Ok(()), check_role)?;
    check_triggers(info.trigger_configurations(), call.region_name, call.declared.topics.as_ref())?;
    info.alarm_configuration().map_or(Ok(()), reactions::check_alarms)?;
    info.auto_rollback_configuration().map_or(Ok(()), reactions::check_auto_rollback)?;
    info.load_balancer_info().map_or(Ok(()), |balancer| check_load_balancer(balancer, platform))?;
    if let Some(blue_green) = info.blue_green_deployment_configuration() {
        blue_green::check(blue_green, platform)?;
    }
    check_combinations(&info)?;
    if let Some(strategy) = info.outdated_instances_strategy() {
        let known = OutdatedInstancesStrategy::values();
        one_of(strategy.as_str(), known, "InvalidInputException", "Outdated instances strategy")?;
    }
    let processes = info
        .ec2_deployment_options()
        .map_or(&[][..], |options| options.auto_scaling_group_processes_to_suspend());
    for process in processes {
        let code = "InvalidAutoScalingGroupProcessToSuspendException";
        one_of(process.as_str(), AutoScalingGroupProcess::values(), code, "Auto Scaling group process")?;
    }
    Ok(())
}

/// Checks what only the whole group shows: its style against its load balancers, what its platform must have.
pub fn check_whole(
    region: &Region,
    settings: &Map<String, Value>,
    platform: &ComputePlatform,
) -> Result<(), Refusal> {
    let info = wire::typed(settings, DeploymentGroupInfo::deserialize)?;
    if *platform != ComputePlatform::Server {
        config::check_use(region, info.deployment_config_name().unwrap_or(config::DEFAULT), platform)?;
        platform::check_style(&info, platform)?;
    }
    if *platform == ComputePlatform::Ecs {
        return ecs::check(&info);
    }
    blue_green::check_whole(&info)?;
    let refuse = |message: &str| Err(Refusal::new("InvalidDeploymentStyleException", message));
    let style = info.deployment_style();
    let (Some(kind), Some(option)) =
        (style.and_then(|style| style.deployment_type()), style.and_then(|style| style.deployment_option()))
    else {
        return refuse("Deployment type or deployment option cannot be null or empty");
    };
    if !DeploymentOption::values().contains(&option.as_str()) {
        return refuse("Deployment option can only be WITH_TRAFFIC_CONTROL or WITHOUT_TRAFFIC_CONTROL");
    }
    one_of(kind.as_str(), DeploymentType::values(), "InvalidDeploymentStyleException", "Deployment type")?;
    let with_control = *option == DeploymentOption::WithTrafficControl;
    if *platform == ComputePlatform::Server
        && with_control
        && !info.load_balancer_info().is_some_and(names_one)
    {
        return Err(load_balancer(
            "The specification for load balancing in the deployment group is invalid. The deploymentOption value \
             is set to WITH_TRAFFIC_CONTROL, but no load balancer or target group has been specified in \
             loadBalancerInfo.",
        ));
    }
    if *kind == DeploymentType::BlueGreen && !with_control {
        return refuse("BLUE_GREEN deployment type not supported with WITHOUT_TRAFFIC_CONTROL option");
    }
    Ok(())
}

/// A filter of either kind: type, key, value.
type Filter<'a> = (Option<&'a str>, Option<&'a str>, Option<&'a str>);

fn ec2(filter: &Ec2TagFilter) -> Filter<'_> {
    (filter.r#type().map(|kind| kind.as_str()), filter.key(), filter.value())
}

fn on_premises(filter: &TagFilter) -> Filter<'_> {
    (filter.r#type().map(|kind| kind.as_str()), filter.key(), filter.value())
}

/// What is wrong with a set of tag groups and a list of filters.
pub fn wrong_ec2_filter(set: Option<&Ec2TagSet>, filters: &[Ec2TagFilter]) -> Option<&'static str> {
    let sets = set.map_or(&[][..], |set| set.ec2_tag_set_list());
    let filters: Vec<_> = sets.iter().flatten().chain(filters).map(ec2).collect();
    check_filters(&filters).err()
}

fn check_tags(info: &DeploymentGroupInfo) -> Result<(), Refusal> {
    if let Some(why) = wrong_ec2_filter(info.ec2_tag_set(), info.ec2_tag_filters()) {
        return Err(Refusal::new("InvalidEC2TagException", why));
    }
    let sets = info.on_premises_tag_set().map_or(&[][..], |set| set.on_premises_tag_set_list());
    let filters: Vec<_> =
        sets.iter().flatten().chain(info.on_premises_instance_tag_filters()).map(on_premises).collect();
    // The service says nothing here: its message is empty.
    check_filters(&filters).map_err(|_| Refusal::new("InvalidTagException", ""))
}

fn check_filters(filters: &[Filter<'_>]) -> Result<(), &'static str> {
    if filters.len() > MAX_LIST {
        return Err("A deployment group cannot have more than 10 tag filters.");
    }
    let filled = |text: &Option<&str>| text.is_some_and(|text| !text.is_empty());
    for (kind, key, value) in filters {
        match kind {
            Some("KEY_ONLY") if filled(value) => {
                return Err("Values must not be provided for key-only filters.");
            }
            Some("VALUE_ONLY") if filled(key) => {
                return Err("Keys must not be provided for value-only filters.");
            }
            None | Some("KEY_ONLY" | "VALUE_ONLY" | "KEY_AND_VALUE") => {}
            Some(_) => return Err("The filter type can only be KEY_ONLY, VALUE_ONLY or KEY_AND_VALUE."),
        }
    }
    Ok(())
}

fn check_combinations(info: &DeploymentGroupInfo) -> Result<(), Refusal> {
    let refuse = |code, name: &str| {
        let message = format!(
            "The request specified both {name}TagFilters and {name}TagSet, but only one of these data types can \
             be used in a single call. Remove one tag specification type, and then try again."
        );
        Err(Refusal::new(code, message))
    };
    let ec2 = info.ec2_tag_set().map_or(0, |set| set.ec2_tag_set_list().len());
    if ec2 > 0 && !info.ec2_tag_filters().is_empty() {
        return refuse("InvalidEC2TagCombinationException", "Ec2");
    }
    let on_premises = info.on_premises_tag_set().map_or(0, |set| set.on_premises_tag_set_list().len());
    if on_premises > 0 && !info.on_premises_instance_tag_filters().is_empty() {
        return refuse("InvalidOnPremisesTagCombinationException", "OnPremises");
    }
    if ec2.max(on_premises) > MAX_TAG_GROUPS {
        let message = format!("A tag set cannot contain more than {MAX_TAG_GROUPS} tag groups");
        return Err(Refusal::new("TagSetListLimitExceededException", message));
    }
    Ok(())
}

/// The role's form; there is no IAM here that could know it.
fn check_role(role: &str) -> Result<(), Refusal> {
    let parts: Vec<&str> = role.splitn(6, ':').collect();
    match parts[..] {
        ["arn", partition, "iam", "", account, resource]
            if partition.starts_with("aws")
                && account.len() == 12
                && account.bytes().all(|byte| byte.is_ascii_digit())
                && resource.strip_prefix("role/").is_some_and(|name| !name.is_empty()) =>
        {
            Ok(())
        }
        _ => Err(Refusal::new("InvalidRoleException", "Cannot assume role provided.")),
    }
}

/// The service looks topics up before anything else.
///
/// SANDBOX: there is no SNS here; where the fleet file has no list of topics, any is there.
fn check_triggers(
    triggers: &[TriggerConfig],
    region_name: &str,
    topics: Option<&BTreeSet<String>>,
) -> Result<(), Refusal> {
    let refuse = |message: String| Err(Refusal::new("InvalidTriggerConfigException", message));
    let topic = |trigger: &'_ TriggerConfig| trigger.trigger_target_arn().unwrap_or_default().to_owned();
    for arn in triggers.iter().map(topic) {
        let Some(name) = topic_name(&arn, region_name) else {
            return refuse(format!("Topic ARN {arn} is not valid"));
        };
        if topics.is_some_and(|topics| !name.is_some_and(|name| topics.contains(name))) {
            return refuse(format!("Topic ARN {arn} does not exist due to: Topic does not exist"));
        }
    }
    let (mut names, mut arns) = (HashSet::new(), HashSet::new());
    for trigger in triggers {
        if !names.insert(trigger.trigger_name()) {
            return refuse("Duplicate Trigger target name detected".to_owned());
        }
        if !arns.insert(topic(trigger)) {
            return refuse("Duplicate Trigger target arn detected".to_owned());
        }
        for event in trigger.trigger_events() {
            let known = TriggerEventType::values();
            one_of(event.as_str(), known, "InvalidTriggerConfigException", "Trigger event type")?;
        }
    }
    if triggers.len() > MAX_LIST {
        let message = format!("Deployment Groups cannot contain more than {MAX_LIST} TriggerTargets.");
        return Err(Refusal::new("TriggerTargetsLimitExceededException", message));
    }
    Ok(())
}

/// The name of the topic that an ARN is of, none in another account; `None` for what is no topic's ARN of the region.
fn topic_name<'a>(arn: &'a str, region_name: &str) -> Option<Option<&'a str>> {
    let parts: Vec<&str> = arn.split(':').collect();
    match parts[..] {
        ["arn", partition, "sns", region, account, name]
            if partition.starts_with("aws")
                && region == region_name
                && !account.is_empty()
                && !name.is_empty() =>
        {
            Some((account == ACCOUNT).then_some(name))
        }
        _ => None,
    }
}

pub fn load_balancer(message: &str) -> Refusal {
    Refusal::new("InvalidLoadBalancerInfoException", message)
}

fn names_one(info: &LoadBalancerInfo) -> bool {
    !info.elb_info_list().is_empty()
        || !info.target_group_info_list().is_empty()
        || !info.target_group_pair_info_list().is_empty()
}

fn check_load_balancer(info: &LoadBalancerInfo, platform: &ComputePlatform) -> Result<(), Refusal> {
    if *platform == ComputePlatform::Ecs {
        return ecs::check_load_balancer(info);
    }
    if info.elb_info_list.as_ref().is_some_and(Vec::is_empty) {
        return Err(load_balancer("ELB information has to contain at least 1 ELB."));
    }
    for group in info.target_group_info_list() {
        let name = group.name().unwrap_or_default();
        if name.chars().count() > MAX_TARGET_GROUP_NAME {
            return Err(load_balancer(&format!(
                "The target group name {name} specified in targetGroupInfoList exceeds the maximum allowed length \
                 of {MAX_TARGET_GROUP_NAME} characters."
            )));
        }
    }
    if info.elb_info_list().len().max(info.target_group_info_list().len()) > MAX_LIST {
        return Err(load_balancer(
            "A deployment group cannot have more than 10 load balancers or target groups.",
        ));
    }
    Ok(())
}
