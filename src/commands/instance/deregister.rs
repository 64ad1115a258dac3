//! `cdctl instance deregister`

use clap::Args;
use serde_json::{Value, json};

use crate::commands::missing;
use crate::context::Context;
use crate::error::Doing;
use crate::exit::Exit;

/// Deregister an on-premises instance and remove its tags
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  cdctl instance deregister rack-7 --yes")]
pub struct Arguments {
    /// The instance
    #[arg(value_name = "INSTANCE")]
    name: String,
}

pub async fn run(context: &Context, arguments: &Arguments) -> anyhow::Result<Exit> {
    let name = &arguments.name;
    let doing = format!("deregister instance {name}");
    let api = context.api().await?;
    let info = match api.send("GetOnPremisesInstance", &json!({ "instanceName": name })).await {
        Ok(info) => info,
        Err(error) => return Err(missing::instance(api, error, name, doing).await),
    };
    context.confirm(&format!("Deregister instance {name}?")).await?;
    let tags = info.pointer("/instanceInfo/tags").and_then(Value::as_array);
    if let Some(tags) = tags.filter(|tags| !tags.is_empty()) {
        let request = json!({ "instanceNames": [name], "tags": tags });
        api.send("RemoveTagsFromOnPremisesInstances", &request).await.doing(&doing)?;
    }
    api.send("DeregisterOnPremisesInstance", &json!({ "instanceName": name })).await.doing(&doing)?;
    context.ui.note(&format!("deregistered instance {name}; CodeDeploy keeps its record for its history"));
    Ok(Exit::Ok)
}
