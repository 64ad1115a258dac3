//! Tags of on-premises instances: all the instances of a call change, or none.

use std::collections::BTreeMap;

use aws_sdk_codedeploy::operation::add_tags_to_on_premises_instances::AddTagsToOnPremisesInstancesInput;
use aws_sdk_codedeploy::operation::remove_tags_from_on_premises_instances::RemoveTagsFromOnPremisesInstancesInput;
use aws_sdk_codedeploy::types::Tag;

use super::{check_names, find_mut};
use crate::sandbox::operations::{Call, Empty, Refusal};

/// Source: AWS user guide, "CodeDeploy quotas".
const MAX_TAGS: usize = 10;
/// SANDBOX: how many names one call may have is not known.
const MAX_INSTANCES: usize = 100;

pub fn add_tags(call: &mut Call<'_>, input: AddTagsToOnPremisesInstancesInput) -> Result<Empty, Refusal> {
    change(call, input.instance_names(), input.tags(), |tags, key, value| {
        tags.insert(key.to_owned(), value.unwrap_or_default().to_owned());
    })
}

/// SANDBOX: a tag is removed by its key, or by key and value where the call has both.
pub fn remove_tags(
    call: &mut Call<'_>,
    input: RemoveTagsFromOnPremisesInstancesInput,
) -> Result<Empty, Refusal> {
    change(call, input.instance_names(), input.tags(), |tags, key, value| {
        if value.is_none_or(|value| tags.get(key).is_some_and(|kept| kept == value)) {
            tags.remove(key);
        }
    })
}

fn change(
    call: &mut Call<'_>,
    names: &[String],
    tags: &[Tag],
    change: impl Fn(&mut BTreeMap<String, String>, &str, Option<&str>),
) -> Result<Empty, Refusal> {
    check_names(names)?;
    if tags.is_empty() {
        return Err(Refusal::new("TagRequiredException", "At least one tag must be specified"));
    }
    tags.iter().try_for_each(check)?;
    if names.len() > MAX_INSTANCES {
        let message = format!("The maximum number of on-premises instances in a request is {MAX_INSTANCES}");
        return Err(Refusal::new("InstanceLimitExceededException", message));
    }
    let mut changed = Vec::new();
    for name in names {
        let mut kept = find_mut(call.region, name)?.tags.clone();
        for tag in tags {
            change(&mut kept, tag.key().unwrap_or_default(), tag.value());
        }
        if kept.len() > MAX_TAGS {
            let message =
                format!("The maximum number of tags of an on-premises instance is {MAX_TAGS}: {name}");
            return Err(Refusal::new("TagLimitExceededException", message));
        }
        changed.push((name, kept));
    }
    for (name, kept) in changed {
        find_mut(call.region, name)?.tags = kept;
    }
    Ok(Empty)
}

fn check(tag: &Tag) -> Result<(), Refusal> {
    let key = tag.key().unwrap_or_default().chars().count();
    let value = tag.value().unwrap_or_default().chars().count();
    if !(1..=128).contains(&key) || value > 256 {
        let message = "A tag key must be 1 to 128 characters long, its value no more than 256";
        return Err(Refusal::new("InvalidTagException", message));
    }
    Ok(())
}
