//! Tags of applications and deployment groups, which are named by ARN.

use std::collections::BTreeMap;

use aws_sdk_codedeploy::operation::list_tags_for_resource::{
    ListTagsForResourceInput, ListTagsForResourceOutput,
};
use aws_sdk_codedeploy::operation::tag_resource::{TagResourceInput, TagResourceOutput};
use aws_sdk_codedeploy::operation::untag_resource::{UntagResourceInput, UntagResourceOutput};
use aws_sdk_codedeploy::types::Tag;

use super::page::page;
use super::rules::new_tags;
use super::{Call, Refusal, application, config, group};
use crate::sandbox::store::{ACCOUNT, Region};

/// Source: the service model.
const MAX_ARN: usize = 1011;
/// Source: AWS general reference, "Tagging your AWS resources".
const MAX_TAGS: usize = 50;

pub fn tag(call: &mut Call<'_>, input: TagResourceInput) -> Result<TagResourceOutput, Refusal> {
    let resource = resource(call, input.resource_arn())?;
    if input.tags().is_empty() {
        return Err(tag_required());
    }
    let new = new_tags(input.tags())?;
    let kept = resource.tags(call.region)?;
    let added = new.keys().filter(|key| !kept.contains_key(*key)).count();
    if kept.len() + added > MAX_TAGS {
        let message = format!("The maximum number of tags for a resource is {MAX_TAGS}");
        return Err(Refusal::new("InvalidTagsToAddException", message));
    }
    kept.extend(new);
    Ok(TagResourceOutput::builder().build())
}

pub fn untag(call: &mut Call<'_>, input: UntagResourceInput) -> Result<UntagResourceOutput, Refusal> {
    let resource = resource(call, input.resource_arn())?;
    if input.tag_keys().is_empty() {
        return Err(tag_required());
    }
    let kept = resource.tags(call.region)?;
    kept.retain(|key, _| !input.tag_keys().contains(key));
    Ok(UntagResourceOutput::builder().build())
}

/// SANDBOX: the model has no error here for a resource that does not exist; its ARN is not valid, then.
pub fn list(
    call: &mut Call<'_>,
    input: ListTagsForResourceInput,
) -> Result<ListTagsForResourceOutput, Refusal> {
    let resource = resource(call, input.resource_arn())?;
    let tags = resource.tags(call.region).map_err(|refusal| invalid(&refusal.message))?.clone();
    // The model has no InvalidNextTokenException here: what is left is the error of AWS's "Common Errors".
    let page = page(call, &input, input.next_token(), tags, |(key, _)| key.clone())
        .map_err(|refusal| Refusal::common(400, "ValidationError", refusal.message))?;
    let tags = page.items.iter().map(|(key, value)| Tag::builder().key(key).value(value).build());
    Ok(ListTagsForResourceOutput::builder().set_tags(Some(tags.collect())).set_next_token(page.next).build())
}

/// What can have tags.
enum Resource {
    Application(String),
    Group(String, String),
}

impl Resource {
    fn tags<'r>(&self, region: &'r mut Region) -> Result<&'r mut BTreeMap<String, String>, Refusal> {
        match self {
            Resource::Application(name) => Ok(&mut application::find_mut(region, name)?.tags),
            Resource::Group(name, group) => {
                let groups = &mut application::find_mut(region, name)?.groups;
                Ok(&mut groups.get_mut(group).ok_or_else(|| group::missing(group))?.tags)
            }
        }
    }
}

/// `arn:aws:codedeploy:REGION:ACCOUNT:application:NAME` or `…:deploymentgroup:APPLICATION/GROUP`.
///
/// SANDBOX: that an ARN of another region or account is not valid is our choice, and so is that configurations
/// and on-premises instances, which have ARNs, are not taggable.
fn resource(call: &Call<'_>, arn: Option<&str>) -> Result<Resource, Refusal> {
    let Some(arn) = arn.filter(|arn| !arn.is_empty()) else {
        return Err(Refusal::new("ResourceArnRequiredException", "Resource ARN is missing"));
    };
    let not_valid = || invalid(&format!("The ARN is not valid: {arn}"));
    if arn.len() > MAX_ARN {
        return Err(not_valid());
    }
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    let ["arn", partition, "codedeploy", region, ACCOUNT, rest] = parts[..] else {
        return Err(not_valid());
    };
    if !partition.starts_with("aws") || region != call.region_name {
        return Err(not_valid());
    }
    let untaggable = |kind: &str| {
        let message = format!("Tags are not supported for resources of type {kind}");
        Refusal::new("ArnNotSupportedException", message)
    };
    match rest.split_once([':', '/']) {
        Some((_, "")) | None => Err(not_valid()),
        Some(("application", name)) => Ok(Resource::Application(name.to_owned())),
        Some(("deploymentgroup", path)) => {
            let (application, group) = path.split_once('/').ok_or_else(not_valid)?;
            Ok(Resource::Group(application.to_owned(), group.to_owned()))
        }
        Some((kind @ "deploymentconfig", name)) => {
            config::settings(call.region, name).ok_or_else(|| config::missing(name))?;
            Err(untaggable(kind))
        }
        Some((kind @ "instance", _)) => Err(untaggable(kind)),
        Some(_) => Err(not_valid()),
    }
}

fn invalid(message: &str) -> Refusal {
    Refusal::new("InvalidArnException", message)
}

fn tag_required() -> Refusal {
    Refusal::new("TagRequiredException", "At least one tag must be specified")
}
