//! ListOnPremisesInstances: by registration status and by tags.

use std::collections::BTreeMap;

use aws_sdk_codedeploy::operation::list_on_premises_instances::{
    ListOnPremisesInstancesInput, ListOnPremisesInstancesOutput,
};
use aws_sdk_codedeploy::types::{RegistrationStatus, TagFilter, TagFilterType};

use super::is_registered;
use crate::sandbox::operations::page::page;
use crate::sandbox::operations::rules::one_of;
use crate::sandbox::operations::{Call, Refusal};
use crate::sandbox::store::OnPremises;

/// SANDBOX: a call without a status lists both kinds.
pub fn list(
    call: &mut Call<'_>,
    input: ListOnPremisesInstancesInput,
) -> Result<ListOnPremisesInstancesOutput, Refusal> {
    if let Some(status) = input.registration_status() {
        let known = RegistrationStatus::values();
        one_of(status.as_str(), known, "InvalidRegistrationStatusException", "Registration status")?;
    }
    input.tag_filters().iter().try_for_each(check)?;
    let asked_for = call.region.on_premises.iter().filter(|(_, instance)| is_asked_for(instance, &input));
    let names = asked_for.map(|(name, _)| name.clone());
    let page = page(call, &input, input.next_token(), names, String::clone)?;
    Ok(ListOnPremisesInstancesOutput::builder()
        .set_instance_names(Some(page.items))
        .set_next_token(page.next)
        .build())
}

fn check(filter: &TagFilter) -> Result<(), Refusal> {
    let refuse = |message: &str| Err(Refusal::new("InvalidTagFilterException", message));
    let filled = |text: Option<&str>| text.is_some_and(|text| !text.is_empty());
    match filter.r#type() {
        Some(TagFilterType::KeyOnly) if filled(filter.value()) => {
            refuse("Values must not be provided for key-only filters.")
        }
        Some(TagFilterType::ValueOnly) if filled(filter.key()) => {
            refuse("Keys must not be provided for value-only filters.")
        }
        Some(kind) => {
            one_of(kind.as_str(), TagFilterType::values(), "InvalidTagFilterException", "Tag filter type")
        }
        None => Ok(()),
    }
}

fn is_asked_for(instance: &OnPremises, input: &ListOnPremisesInstancesInput) -> bool {
    let status_fits = match input.registration_status() {
        Some(RegistrationStatus::Registered) => is_registered(instance),
        Some(RegistrationStatus::Deregistered) => !is_registered(instance),
        _ => true,
    };
    let filters = input.tag_filters();
    status_fits && (filters.is_empty() || filters.iter().any(|filter| finds(filter, &instance.tags)))
}

/// Several filters are alternatives. What a filter leaves open, key or value, it does not ask for.
fn finds(filter: &TagFilter, tags: &BTreeMap<String, String>) -> bool {
    let (by_key, by_value) = match filter.r#type() {
        Some(TagFilterType::KeyOnly) => (true, false),
        Some(TagFilterType::ValueOnly) => (false, true),
        Some(_) => (true, true),
        None => (filter.key().is_some(), filter.value().is_some()),
    };
    let (key, value) = (filter.key().unwrap_or_default(), filter.value().unwrap_or_default());
    tags.iter().any(|(own_key, own_value)| (!by_key || own_key == key) && (!by_value || own_value == value))
}
