//! Checks that several operations share.

use std::collections::BTreeMap;

use aws_sdk_codedeploy::primitives::DateTime;
use aws_sdk_codedeploy::types::Tag;

use super::Refusal;
use crate::sandbox::store::Millis;

/// A name of an application, a group or a configuration: 1 to 100 of `[A-Za-z0-9+=,.@_-]`.
/// The SDK fills an absent required member with an empty text, so empty is absent.
///
/// Source: the service model.
fn name<'a>(
    name: Option<&'a str>,
    what: &str,
    required: &'static str,
    invalid: &'static str,
) -> Result<&'a str, Refusal> {
    let Some(name) = name.filter(|name| !name.is_empty()) else {
        return Err(Refusal::new(required, format!("{what} name is missing")));
    };
    let fits = |c: char| c.is_ascii_alphanumeric() || "+=,.@_-".contains(c);
    if name.chars().count() <= 100 && name.chars().all(fits) {
        Ok(name)
    } else {
        Err(Refusal::new(invalid, format!("{what} name is not valid: {name}")))
    }
}

pub fn application_name(given: Option<&str>) -> Result<&str, Refusal> {
    name(given, "Application", "ApplicationNameRequiredException", "InvalidApplicationNameException")
}

pub fn group_name(given: Option<&str>) -> Result<&str, Refusal> {
    name(
        given,
        "Deployment Group",
        "DeploymentGroupNameRequiredException",
        "InvalidDeploymentGroupNameException",
    )
}

pub fn config_name(given: Option<&str>) -> Result<&str, Refusal> {
    name(
        given,
        "Deployment configuration",
        "DeploymentConfigNameRequiredException",
        "InvalidDeploymentConfigNameException",
    )
}

/// The name of a configuration that a group or a deployment chooses; what is left out is chosen for it, so that no name
/// is required here.
pub fn chosen_config_name(given: &str) -> Result<&str, Refusal> {
    let invalid = "InvalidDeploymentConfigNameException";
    name(Some(given), "Deployment configuration", invalid, invalid)
}

/// The tags that a Create call brings: at most 50, keys of 1 to 128 characters, values of up to 256.
pub fn new_tags(tags: &[Tag]) -> Result<BTreeMap<String, String>, Refusal> {
    let refuse = |why: &str| Refusal::new("InvalidTagsToAddException", why);
    if tags.len() > 50 {
        return Err(refuse("The maximum number of tags for a resource is 50"));
    }
    let mut kept = BTreeMap::new();
    for tag in tags {
        let (key, value) = (tag.key().unwrap_or_default(), tag.value().unwrap_or_default());
        if key.is_empty() || key.chars().count() > 128 {
            return Err(refuse("A tag key must be 1 to 128 characters long"));
        }
        if value.chars().count() > 256 {
            return Err(refuse("A tag value must be no more than 256 characters long"));
        }
        if key.starts_with("aws:") {
            return Err(refuse("Tag keys that begin with aws: are reserved"));
        }
        if kept.insert(key.to_owned(), value.to_owned()).is_some() {
            return Err(refuse("A tag key must not be given twice"));
        }
    }
    Ok(kept)
}

/// Refuses a batch that is longer than the service allows.
///
/// SANDBOX: whether the service refuses or cuts is not known; the texts of the model speak of refusing.
pub fn batch(given: usize, limit: usize) -> Result<(), Refusal> {
    if given > limit {
        let message =
            format!("The maximum number of names or IDs allowed for this request ({limit}) was exceeded.");
        return Err(Refusal::new("BatchLimitExceededException", message));
    }
    Ok(())
}

/// A description of up to 256 characters.
pub fn description(given: Option<&str>) -> Result<(), Refusal> {
    if given.is_some_and(|text| text.chars().count() > 256) {
        return Err(Refusal::new(
            "DescriptionTooLongException",
            "The description is longer than 256 characters",
        ));
    }
    Ok(())
}

/// Refuses a value of an enumeration that `known`, the SDK's `values()`, does not hold.
pub fn one_of(value: &str, known: &[&str], code: &'static str, what: &str) -> Result<(), Refusal> {
    if known.contains(&value) {
        return Ok(());
    }
    Err(Refusal::new(code, format!("{what} '{value}' is not valid. Valid values are [{}]", known.join(", "))))
}

/// A stored time for an answer.
pub fn time(millis: Millis) -> DateTime {
    DateTime::from_millis(millis)
}
