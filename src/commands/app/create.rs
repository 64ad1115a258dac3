//! `cdctl app create`

use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use crate::commands::names::no_application;
use crate::commands::request::{self, RequestArgs};
use crate::commands::tags::{self, Tag};
use crate::context::Context;
use crate::error::Doing;
use crate::exit::Exit;
use crate::format::View;

/// Create an application
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  cdctl app create shop --tag Team=web")]
pub struct Arguments {
    #[command(flatten)]
    pub app: AppSettings,

    #[command(flatten)]
    request: RequestArgs,
}

/// What an application is made of.
#[derive(Debug, Args)]
pub struct AppSettings {
    /// The application's name: 1 to 100 letters, digits or any of +=,.@_- [env: CDCTL_APP]
    #[arg(value_name = "APP")]
    name: Option<String>,

    /// What the application runs on [default: server]
    #[arg(long, value_name = "PLATFORM")]
    platform: Option<Platform>,

    /// A tag of the application; repeatable
    #[arg(long, value_name = "KEY=VALUE")]
    tag: Vec<Tag>,
}

/// `--platform`
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Platform {
    /// EC2 and on-premises instances
    Server,
    Lambda,
    Ecs,
}

impl Platform {
    /// The API's `ComputePlatform`.
    pub fn as_str(self) -> &'static str {
        match self {
            Platform::Server => "Server",
            Platform::Lambda => "Lambda",
            Platform::Ecs => "ECS",
        }
    }
}

impl AppSettings {
    /// The request of CreateApplication, laid on `base`.
    pub fn request(&self, context: &Context, mut base: Value) -> anyhow::Result<Value> {
        let mut over = json!({});
        let there = base.get("applicationName").is_some();
        let outside = context.environment.application.as_ref().filter(|_| !there);
        if let Some(name) = self.name.as_ref().or(outside) {
            over["applicationName"] = name.as_str().into();
        }
        if let Some(platform) = self.platform {
            over["computePlatform"] = platform.as_str().into();
        } else if base.get("computePlatform").is_none() {
            over["computePlatform"] = Platform::Server.as_str().into();
        }
        if !self.tag.is_empty() {
            over["tags"] = tags::list(&self.tag);
        }
        request::merge(&mut base, over);
        if base.get("applicationName").is_none() {
            return Err(no_application());
        }
        Ok(base)
    }
}

pub async fn run(context: &Context, arguments: &Arguments) -> anyhow::Result<Exit> {
    let operation = request::operation("CreateApplication")?;
    let Some(base) = arguments.request.base(context, operation)? else { return Ok(Exit::Ok) };
    let request = arguments.app.request(context, base)?;
    create(context, &request).await
}

/// Sends it and prints the id.
pub async fn create(context: &Context, request: &Value) -> anyhow::Result<Exit> {
    let text = |name: &str| request.get(name).and_then(Value::as_str).unwrap_or_default();
    let (name, platform) = (text("applicationName"), text("computePlatform"));
    let api = context.api().await?;
    let refusal = "ApplicationAlreadyExistsException";
    let made = api.make("CreateApplication", request, refusal, async |api| {
        let answer = api.send("GetApplication", &json!({ "applicationName": name })).await?;
        let there = answer
            .get("application")
            .filter(|there| there.get("computePlatform").and_then(Value::as_str) == Some(platform));
        Ok(there.map(|there| json!({ "applicationId": there.get("applicationId") })))
    });
    let json = made.await.doing(format_args!("create application {name}"))?;
    context.ui.note(&format!("created application {name} ({platform})"));
    let id = json.get("applicationId").and_then(Value::as_str).unwrap_or_default().to_owned();
    View::of(json, id).print(&context.settings.output, &context.ui)?;
    Ok(Exit::Ok)
}
