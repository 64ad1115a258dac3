//! On-premises instances: who is registered, with which tags. Deployments find them by those tags.

mod list;
mod rules;
mod tags;

use std::collections::BTreeMap;

use aws_sdk_codedeploy::operation::batch_get_on_premises_instances::{
    BatchGetOnPremisesInstancesInput, BatchGetOnPremisesInstancesOutput,
};
use aws_sdk_codedeploy::operation::deregister_on_premises_instance::DeregisterOnPremisesInstanceInput;
use aws_sdk_codedeploy::operation::get_on_premises_instance::{
    GetOnPremisesInstanceInput, GetOnPremisesInstanceOutput,
};
use aws_sdk_codedeploy::operation::register_on_premises_instance::RegisterOnPremisesInstanceInput;
use aws_sdk_codedeploy::types::{InstanceInfo, Tag};

pub use list::list;
pub use tags::{add_tags, remove_tags};

use super::rules::{batch, time};
use super::{Call, Empty, Refusal};
use crate::sandbox::store::{ACCOUNT, OnPremises, Region};
use rules::{check_identity, instance_name};

/// Source: the service model's documentation of BatchGetOnPremisesInstances.
const MAX_BATCH: usize = 25;

/// A name that was deregistered may be registered again, with a new ARN and without its old tags.
pub fn register(call: &mut Call<'_>, input: RegisterOnPremisesInstanceInput) -> Result<Empty, Refusal> {
    let name = instance_name(input.instance_name())?;
    let (user, session) = (given(input.iam_user_arn()), given(input.iam_session_arn()));
    check_identity(user, session)?;
    if call.region.on_premises.get(name).is_some_and(is_registered) {
        let message = format!("The on-premises instance name is already registered: {name}");
        return Err(Refusal::new("InstanceNameAlreadyRegisteredException", message));
    }
    rules::refuse_taken(call.region, user, session)?;
    let ending: String = (0..10).map(|_| call.random.alphanumeric()).collect();
    let instance = OnPremises {
        name: name.to_owned(),
        arn: format!("arn:aws:codedeploy:{}:{ACCOUNT}:instance/{name}_{ending}", call.region_name),
        iam_user_arn: user.map(ToOwned::to_owned),
        iam_session_arn: session.map(ToOwned::to_owned),
        tags: BTreeMap::new(),
        registered: call.now,
        deregistered: None,
    };
    call.region.on_premises.insert(name.to_owned(), instance);
    Ok(Empty)
}

/// The record stays; what is not registered is deregistered already.
pub fn deregister(call: &mut Call<'_>, input: DeregisterOnPremisesInstanceInput) -> Result<Empty, Refusal> {
    let name = instance_name(input.instance_name())?;
    let now = call.now;
    if let Some(instance) = call.region.on_premises.get_mut(name) {
        instance.deregistered.get_or_insert(now);
    }
    Ok(Empty)
}

pub fn get(
    call: &mut Call<'_>,
    input: GetOnPremisesInstanceInput,
) -> Result<GetOnPremisesInstanceOutput, Refusal> {
    let name = instance_name(input.instance_name())?;
    let instance = call.region.on_premises.get(name).ok_or_else(|| missing(name))?;
    Ok(GetOnPremisesInstanceOutput::builder().instance_info(info(instance)).build())
}

/// Names that were never registered are left out, as in AWS's own sample.
pub fn batch_get(
    call: &mut Call<'_>,
    input: BatchGetOnPremisesInstancesInput,
) -> Result<BatchGetOnPremisesInstancesOutput, Refusal> {
    let names = input.instance_names();
    check_names(names)?;
    batch(names.len(), MAX_BATCH)?;
    let known = names.iter().filter_map(|name| call.region.on_premises.get(name)).map(info);
    Ok(BatchGetOnPremisesInstancesOutput::builder().set_instance_infos(Some(known.collect())).build())
}

/// Checks that there are names and that each could be one.
fn check_names(names: &[String]) -> Result<(), Refusal> {
    if names.is_empty() {
        instance_name(None)?;
    }
    names.iter().try_for_each(|name| instance_name(Some(name)).map(drop))
}

fn given(arn: Option<&str>) -> Option<&str> {
    arn.filter(|arn| !arn.is_empty())
}

fn is_registered(instance: &OnPremises) -> bool {
    instance.deregistered.is_none()
}

fn find_mut<'r>(region: &'r mut Region, name: &str) -> Result<&'r mut OnPremises, Refusal> {
    let registered = region.on_premises.get_mut(name).filter(|instance| is_registered(instance));
    registered.ok_or_else(|| missing(name))
}

fn missing(name: &str) -> Refusal {
    let message = format!("The on-premises instance is not registered: {name}");
    Refusal::new("InstanceNotRegisteredException", message)
}

fn info(instance: &OnPremises) -> InstanceInfo {
    let tag = |(key, value): (&String, &String)| Tag::builder().key(key).value(value).build();
    InstanceInfo::builder()
        .instance_name(&instance.name)
        .instance_arn(&instance.arn)
        .set_iam_user_arn(instance.iam_user_arn.clone())
        .set_iam_session_arn(instance.iam_session_arn.clone())
        .register_time(time(instance.registered))
        .set_deregister_time(instance.deregistered.map(time))
        .set_tags(Some(instance.tags.iter().map(tag).collect()))
        .build()
}
