//! `cdctl app ensure`

use clap::Args;
use serde_json::{Value, json};

use super::create::{self, AppSettings};
use crate::api::ErrorKind;
use crate::commands::request::{self, RequestArgs};
use crate::commands::tags::{self, Resource};
use crate::context::Context;
use crate::error::{Doing, Failure};
use crate::exit::Exit;
use crate::format::View;

/// Create an application where it does not exist; the same line can run again and again
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  cdctl app ensure shop")]
pub struct Arguments {
    #[command(flatten)]
    app: AppSettings,

    #[command(flatten)]
    request: RequestArgs,
}

pub async fn run(context: &Context, arguments: &Arguments) -> anyhow::Result<Exit> {
    let operation = request::operation("CreateApplication")?;
    let Some(base) = arguments.request.base(context, operation)? else { return Ok(Exit::Ok) };
    let request = arguments.app.request(context, base)?;
    let text = |name: &str| request.get(name).and_then(Value::as_str).unwrap_or_default();
    let (name, wanted) = (text("applicationName"), text("computePlatform"));
    let api = context.api().await?;
    let json = match api.send("GetApplication", &json!({ "applicationName": name })).await {
        Err(error) if error.kind == ErrorKind::NotFound => return create::create(context, &request).await,
        found => found.doing(format_args!("look for application {name}"))?,
    };
    let there = |member: &str| json.pointer(&format!("/application/{member}")).and_then(Value::as_str);
    let platform = there("computePlatform").unwrap_or("Server");
    if platform != wanted {
        return Err(Failure::new(format!("application {name} is there, but for {platform}, not {wanted}"))
            .help("an application's platform cannot be changed; choose another name or pass --platform")
            .into());
    }
    let set = match request.get("tags") {
        Some(tags) => tags::ensure(context, &Resource::Application(name.to_owned()), tags).await?,
        None => Vec::new(),
    };
    if set.is_empty() {
        context.ui.note(&format!("application {name} is as wanted; nothing to change"));
    } else {
        context.ui.note(&format!("updated application {name}: tag {}", set.join(", tag ")));
    }
    let id = there("applicationId").unwrap_or_default().to_owned();
    View::of(json!({ "applicationId": id }), id).print(&context.settings.output, &context.ui)?;
    Ok(Exit::Ok)
}
