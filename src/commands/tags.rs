//! Tags on the command line, and the tags of a resource that has an ARN.

use std::fmt;

use clap::Args;
use serde_json::{Value, json};

use super::group::Filter;
use super::missing;
use super::names::GroupName;
use crate::api::{Api, ApiError, ErrorKind};
use crate::context::Context;
use crate::error::{Doing, Failure};
use crate::exit::Exit;
use crate::format::{Table, View};

/// A tag to set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tag {
    key: String,
    value: String,
}

impl std::str::FromStr for Tag {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('=') {
            Some((key, value)) if !key.is_empty() => Ok(Tag { key: key.to_owned(), value: value.to_owned() }),
            Some(_) => Err("a tag is written KEY=VALUE".to_owned()),
            None => Err(format!("a tag is written KEY=VALUE; an empty value, `{text}=`")),
        }
    }
}

impl Tag {
    /// The API's `Tag`.
    pub fn json(&self) -> Value {
        json!({ "Key": self.key, "Value": self.value })
    }
}

/// The API's list of tags.
pub fn list(tags: &[Tag]) -> Value {
    tags.iter().map(Tag::json).collect()
}

/// Tags to set.
#[derive(Debug, Args)]
pub struct TagArgs {
    /// The tags
    #[arg(value_name = "KEY=VALUE", required = true)]
    tags: Vec<Tag>,
}

/// Tags to remove.
#[derive(Debug, Args)]
pub struct KeyArgs {
    /// The tags; KEY alone removes it whatever its value
    #[arg(value_name = "KEY[=VALUE]", required = true)]
    tags: Vec<Filter>,
}

/// What has tags and an ARN.
#[derive(Clone, Debug)]
pub enum Resource {
    Application(String),
    Group(GroupName),
}

impl fmt::Display for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Resource::Application(name) => write!(f, "application {name}"),
            Resource::Group(name) => write!(f, "deployment group {name}"),
        }
    }
}

impl Resource {
    async fn arn(&self, api: &Api) -> Result<String, ApiError> {
        match self {
            Resource::Application(name) => api.arn(&format!("application:{name}")).await,
            Resource::Group(name) => api.arn(&format!("deploymentgroup:{name}")).await,
        }
    }

    /// The error of a call with its ARN. CodeDeploy calls the ARN invalid where there is no such thing.
    async fn explain(&self, api: &Api, error: ApiError, doing: &str) -> anyhow::Error {
        if error.code.as_deref() == Some("InvalidArnException") || error.kind == ErrorKind::NotFound {
            let looked = match self {
                Resource::Application(name) => {
                    api.send("GetApplication", &json!({ "applicationName": name })).await
                }
                Resource::Group(name) => api.send("GetDeploymentGroup", &name.request()).await,
            };
            match (looked, self) {
                (Err(missing), Resource::Application(name)) => {
                    return missing::application(api, missing, name, doing).await;
                }
                (Err(missing), Resource::Group(name)) => {
                    return missing::explain(api, missing, name, doing).await;
                }
                (Ok(_), _) => {}
            }
        }
        Failure::api(format!("cannot {doing}"), &error).into()
    }

    /// Its ARN, and ListTagsForResource.
    async fn tags(&self, api: &Api, doing: &str) -> anyhow::Result<(String, Value)> {
        let listed = async {
            let arn = self.arn(api).await?;
            let pages = api.pages_of("ListTagsForResource", json!({ "ResourceArn": arn }))?;
            Ok((arn, pages.joined().await?))
        };
        match listed.await {
            Ok(found) => Ok(found),
            Err(error) => Err(self.explain(api, error, doing).await),
        }
    }
}

fn listed(json: &Value) -> &[Value] {
    json.get("Tags").and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn keys<'a>(tags: impl IntoIterator<Item = &'a Value>) -> Vec<String> {
    tags.into_iter().filter_map(|tag| tag.get("Key")?.as_str().map(str::to_owned)).collect()
}

/// ListTagsForResource.
pub async fn show(context: &Context, resource: &Resource) -> anyhow::Result<Exit> {
    let doing = format!("list the tags of {resource}");
    let (_, json) = resource.tags(context.api().await?, &doing).await?;
    let mut table = Table::new(["KEY", "VALUE"]);
    for tag in listed(&json) {
        let text = |name: &str| tag.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        table.row([text("Key"), text("Value")]);
    }
    View { json, items: Some("Tags"), table, empty: "no tags" }
        .print(&context.settings.output, &context.ui)?;
    Ok(Exit::Ok)
}

/// Sets those of the API's tags `wanted` that `resource` lacks; gives their keys.
pub async fn ensure(context: &Context, resource: &Resource, wanted: &Value) -> anyhow::Result<Vec<String>> {
    let doing = format!("tag {resource}");
    let api = context.api().await?;
    let (arn, there) = resource.tags(api, &doing).await?;
    let missing = wanted.as_array().into_iter().flatten().filter(|tag| !listed(&there).contains(tag));
    let missing: Vec<Value> = missing.cloned().collect();
    if !missing.is_empty() {
        let request = json!({ "ResourceArn": arn, "Tags": missing });
        api.send("TagResource", &request).await.doing(&doing)?;
    }
    Ok(keys(&missing))
}

/// TagResource.
pub async fn set(context: &Context, resource: &Resource, set: &TagArgs) -> anyhow::Result<Exit> {
    let doing = format!("tag {resource}");
    let api = context.api().await?;
    let arn = resource.arn(api).await.doing(&doing)?;
    let request = json!({ "ResourceArn": arn, "Tags": list(&set.tags) });
    if let Err(error) = api.send("TagResource", &request).await {
        return Err(resource.explain(api, error, &doing).await);
    }
    context.ui.note(&format!("tagged {resource}"));
    Ok(Exit::Ok)
}

/// UntagResource.
pub async fn remove(context: &Context, resource: &Resource, remove: &KeyArgs) -> anyhow::Result<Exit> {
    let doing = format!("untag {resource}");
    let api = context.api().await?;
    let (arn, there) = resource.tags(api, &doing).await?;
    let going = keys(listed(&there).iter().filter(|tag| remove.tags.iter().any(|filter| filter.takes(tag))));
    if going.is_empty() {
        context.ui.note(&format!("{resource} has no such tag; nothing to change"));
        return Ok(Exit::Ok);
    }
    let request = json!({ "ResourceArn": arn, "TagKeys": going });
    api.send("UntagResource", &request).await.doing(&doing)?;
    context.ui.note(&format!("untagged {resource}"));
    Ok(Exit::Ok)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags() {
        let tag = |text: &str| text.parse::<Tag>().map(|tag| (tag.key, tag.value));
        assert_eq!(tag("Role=web"), Ok(("Role".into(), "web".into())));
        assert_eq!(tag("Role=a=b"), Ok(("Role".into(), "a=b".into())));
        assert_eq!(tag("Role="), Ok(("Role".into(), String::new())));
        assert!(tag("=web").is_err());
        assert_eq!(tag("Role"), Err("a tag is written KEY=VALUE; an empty value, `Role=`".to_owned()));
    }
}
