//! `cdctl app rename`

use clap::Args;
use serde_json::{Value, json};

use crate::commands::missing;
use crate::commands::request::{self, RequestArgs};
use crate::context::Context;
use crate::exit::Exit;

/// Rename an application
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  cdctl app rename shop store")]
pub struct Arguments {
    /// The application
    #[arg(value_name = "APP", required_unless_present_any = ["from", "skeleton"])]
    name: Option<String>,

    /// Its new name
    #[arg(value_name = "NEW-NAME", required_unless_present_any = ["from", "skeleton"])]
    new: Option<String>,

    #[command(flatten)]
    request: RequestArgs,
}

impl Arguments {
    fn members(&self) -> Value {
        let mut members = json!({});
        if let Some(name) = &self.name {
            members["applicationName"] = name.as_str().into();
        }
        if let Some(new) = &self.new {
            members["newApplicationName"] = new.as_str().into();
        }
        members
    }
}

pub async fn run(context: &Context, arguments: &Arguments) -> anyhow::Result<Exit> {
    let operation = request::operation("UpdateApplication")?;
    let Some(mut request) = arguments.request.base(context, operation)? else { return Ok(Exit::Ok) };
    request::merge(&mut request, arguments.members());
    let text = |member: &str| request::text(&request, member, operation);
    let (name, new) = (text("applicationName")?, text("newApplicationName")?);
    let api = context.api().await?;
    if let Err(error) = api.send("UpdateApplication", &request).await {
        return Err(missing::application(api, error, name, format!("rename application {name}")).await);
    }
    context.ui.note(&format!("application {name} is now {new}"));
    Ok(Exit::Ok)
}
