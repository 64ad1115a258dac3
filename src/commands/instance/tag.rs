//! `cdctl instance tag`, `untag`

use clap::Args;
use serde_json::{Value, json};

use crate::commands::group::Filter;
use crate::commands::missing;
use crate::commands::tags::{self, Tag};
use crate::context::Context;
use crate::exit::Exit;

/// Set tags of an on-premises instance
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  cdctl instance tag rack-7 Role=web Zone=a")]
pub struct Set {
    /// The instance
    #[arg(value_name = "INSTANCE")]
    name: String,

    /// The tags
    #[arg(value_name = "KEY=VALUE", required = true)]
    tags: Vec<Tag>,
}

/// Remove tags of an on-premises instance; KEY alone removes it whatever its value
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  cdctl instance untag rack-7 Role")]
pub struct Remove {
    /// The instance
    #[arg(value_name = "INSTANCE")]
    name: String,

    /// The tags
    #[arg(value_name = "KEY[=VALUE]", required = true)]
    tags: Vec<Filter>,
}

pub async fn set(context: &Context, arguments: &Set) -> anyhow::Result<Exit> {
    let tags = tags::list(&arguments.tags);
    change(context, &arguments.name, "AddTagsToOnPremisesInstances", tags).await?;
    context.ui.note(&format!("tagged instance {}", arguments.name));
    Ok(Exit::Ok)
}

/// The service removes a tag by its key and its value: the values are looked up.
pub async fn remove(context: &Context, arguments: &Remove) -> anyhow::Result<Exit> {
    let name = &arguments.name;
    let api = context.api().await?;
    let info = match api.send("GetOnPremisesInstance", &json!({ "instanceName": name })).await {
        Ok(info) => info,
        Err(error) => return Err(missing::instance(api, error, name, format!("untag instance {name}")).await),
    };
    let goes = |tag: &&Value| arguments.tags.iter().any(|filter| filter.takes(tag));
    let there = info.pointer("/instanceInfo/tags").and_then(Value::as_array).into_iter().flatten();
    let going: Vec<Value> = there.filter(goes).cloned().collect();
    if going.is_empty() {
        context.ui.note(&format!("instance {name} has no such tag; nothing to change"));
        return Ok(Exit::Ok);
    }
    change(context, name, "RemoveTagsFromOnPremisesInstances", going.into()).await?;
    context.ui.note(&format!("untagged instance {name}"));
    Ok(Exit::Ok)
}

async fn change(context: &Context, name: &str, operation: &'static str, tags: Value) -> anyhow::Result<()> {
    let api = context.api().await?;
    match api.send(operation, &json!({ "instanceNames": [name], "tags": tags })).await {
        Ok(_) => Ok(()),
        Err(error) => {
            Err(missing::instance(api, error, name, format!("change the tags of instance {name}")).await)
        }
    }
}
