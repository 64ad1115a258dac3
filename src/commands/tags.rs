//! Tags on the command line, and the tags of a resource that has an ARN.

use clap::Args;
use serde_json::{Value, json};

use crate::context::Context;
use crate::error::Doing;
use crate::exit::Exit;
use crate::format::{Table, View};

/// A tag, or one half of a filter: a key, and a value where one was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tag {
    pub key: String,
    pub value: Option<String>,
}

impl std::str::FromStr for Tag {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (key, value) = match text.split_once('=') {
            Some((key, value)) => (key, Some(value.to_owned())),
            None => (text, None),
        };
        if key.is_empty() {
            return Err("a tag is written KEY=VALUE, or KEY alone".to_owned());
        }
        Ok(Tag { key: key.to_owned(), value })
    }
}

impl Tag {
    /// The API's `Tag`.
    pub fn json(&self) -> Value {
        match &self.value {
            Some(value) => json!({ "Key": self.key, "Value": value }),
            None => json!({ "Key": self.key }),
        }
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
    /// The tags' keys
    #[arg(value_name = "KEY", required = true)]
    keys: Vec<String>,
}

/// ListTagsForResource.
pub async fn show(context: &Context, resource: &str) -> anyhow::Result<Exit> {
    let doing = format!("list the tags of {resource}");
    let api = context.api().await?;
    let arn = api.arn(resource).await.doing(&doing)?;
    let pages = api.pages_of("ListTagsForResource", json!({ "ResourceArn": arn })).doing(&doing)?;
    let json = pages.joined().await.doing(&doing)?;
    let mut table = Table::new(["KEY", "VALUE"]);
    for tag in json.get("Tags").and_then(Value::as_array).into_iter().flatten() {
        let text = |name: &str| tag.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        table.row([text("Key"), text("Value")]);
    }
    View { json, items: Some("Tags"), table, empty: "no tags" }
        .print(&context.settings.output, &context.ui)?;
    Ok(Exit::Ok)
}

/// Sets those of the API's tags `wanted` that `resource` lacks; gives their keys.
pub async fn ensure(context: &Context, resource: &str, wanted: &Value) -> anyhow::Result<Vec<String>> {
    let doing = format!("tag {resource}");
    let api = context.api().await?;
    let arn = api.arn(resource).await.doing(&doing)?;
    let pages = api.pages_of("ListTagsForResource", json!({ "ResourceArn": arn })).doing(&doing)?;
    let there = pages.joined().await.doing(&doing)?;
    let there = there.get("Tags").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let missing = wanted.as_array().into_iter().flatten().filter(|tag| !there.contains(tag));
    let missing: Vec<Value> = missing.cloned().collect();
    if !missing.is_empty() {
        let request = json!({ "ResourceArn": arn, "Tags": missing });
        api.send("TagResource", &request).await.doing(&doing)?;
    }
    Ok(missing.iter().filter_map(|tag| tag.get("Key")?.as_str().map(str::to_owned)).collect())
}

/// TagResource.
pub async fn set(context: &Context, resource: &str, set: &TagArgs) -> anyhow::Result<Exit> {
    let doing = format!("tag {resource}");
    let api = context.api().await?;
    let arn = api.arn(resource).await.doing(&doing)?;
    let request = json!({ "ResourceArn": arn, "Tags": list(&set.tags) });
    api.send("TagResource", &request).await.doing(&doing)?;
    context.ui.note(&format!("tagged {resource}"));
    Ok(Exit::Ok)
}

/// UntagResource.
pub async fn remove(context: &Context, resource: &str, remove: &KeyArgs) -> anyhow::Result<Exit> {
    let doing = format!("untag {resource}");
    let api = context.api().await?;
    let arn = api.arn(resource).await.doing(&doing)?;
    let request = json!({ "ResourceArn": arn, "TagKeys": remove.keys });
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
        assert_eq!(tag("Role=web"), Ok(("Role".into(), Some("web".into()))));
        assert_eq!(tag("Role=a=b"), Ok(("Role".into(), Some("a=b".into()))));
        assert_eq!(tag("Role="), Ok(("Role".into(), Some(String::new()))));
        assert_eq!(tag("Role"), Ok(("Role".into(), None)));
        assert!(tag("=web").is_err());
    }
}
