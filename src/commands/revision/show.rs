//! `cdctl revision show`

use clap::Args;
use serde_json::json;

use crate::api::wire_revision;
use crate::commands::missing;
use crate::context::Context;
use crate::error::Failure;
use crate::exit::Exit;
use crate::revision::Locator;
use crate::view;

/// Show a registered revision: when it was registered and used, by which groups
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  cdctl revision show s3://releases/site-1.zip --app shop")]
pub struct Arguments {
    /// As `revision list` shows it: s3://BUCKET/KEY[?versionId=V&etag=E] or github:OWNER/REPO@COMMIT
    #[arg(value_name = "REVISION")]
    revision: Locator,

    /// The application
    #[arg(long, value_name = "APP", env = "CDCTL_APP", hide_env_values = true)]
    app: String,
}

pub async fn run(context: &Context, arguments: &Arguments) -> anyhow::Result<Exit> {
    let Locator::Revision(revision) = &arguments.revision else {
        return Err(Failure::new("a registered revision is named by its place")
            .help("write s3://BUCKET/KEY or github:OWNER/REPO@COMMIT")
            .exit(Exit::Usage)
            .into());
    };
    let name = &arguments.app;
    let api = context.api().await?;
    let doing = format!("show revision {revision}");
    let location =
        wire_revision(revision).map_err(|error| Failure::api(format!("cannot {doing}"), &error))?;
    let request = json!({ "applicationName": name, "revision": location });
    match api.send("GetApplicationRevision", &request).await {
        Ok(json) => {
            view::properties(json, "").print(&context.settings.output, &context.ui)?;
            Ok(Exit::Ok)
        }
        Err(error) if error.code.as_deref() == Some("ApplicationDoesNotExistException") => {
            Err(missing::application(api, error, name, doing).await)
        }
        Err(error) => Err(Failure::api(format!("cannot {doing}"), &error)
            .help(format!("see `cdctl revision list {name}`"))
            .into()),
    }
}
