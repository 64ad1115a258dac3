//! Checks that several operations share.

use aws_sdk_codedeploy::types::Tag;

use super::Refusal;

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

/// The tags that a Create call brings: at most 50, keys of 1 to 128 characters, values of up to 256.
pub fn new_tags(tags: &[Tag]) -> Result<std::collections::BTreeMap<String, String>, Refusal> {
    let refuse = |why: &str| Refusal::new("InvalidTagsToAddException", why);
    if tags.len() > 50 {
        return Err(refuse("The maximum number of tags for a resource is 50"));
    }
    let mut kept = std::collections::BTreeMap::new();
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
