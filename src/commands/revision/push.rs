//! `cdctl revision push`

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::pushing::{self, Destination};
use crate::api::ErrorKind;
use crate::commands::missing;
use crate::context::Context;
use crate::error::Failure;
use crate::exit::Exit;
use crate::format::{Table, View};
use crate::model::Revision;
use crate::revision::Locator;

/// Check a directory, bundle it, upload it and register it as a revision
///
/// Prints the revision as `deploy create --revision` takes it. A ready archive is taken as it is.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  cdctl revision push . s3://releases/site-1.zip --app shop")]
pub struct Arguments {
    /// A directory with an appspec.yml, or a .zip, .tar or .tgz file
    #[arg(value_name = "PATH")]
    path: PathBuf,

    /// Where to put it
    #[arg(value_name = "s3://BUCKET/KEY")]
    destination: Locator,

    /// The application whose revision it is
    #[arg(long, value_name = "APP", env = "CDCTL_APP", hide_env_values = true)]
    app: String,

    /// Said of the revision wherever it is listed
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
}

pub async fn run(context: &Context, arguments: &Arguments) -> anyhow::Result<Exit> {
    let Locator::Revision(Revision::S3 { bucket, key, version: None, etag: None, .. }) =
        &arguments.destination
    else {
        return Err(Failure::new("a revision is pushed to an object of S3")
            .help("write the destination as s3://BUCKET/KEY")
            .exit(Exit::Usage)
            .into());
    };
    let prepared = pushing::prepare(context, &arguments.path).await?;
    check_application(context, &arguments.app).await?;
    let destination = Destination { bucket: bucket.clone(), key: key.clone() };
    let revision =
        pushing::push(context, &prepared, &destination, &arguments.app, arguments.description.as_deref())
            .await?;
    let mut table = Table::properties();
    table.row([revision.to_string()]);
    let json = json!({ "applicationName": arguments.app, "revision": crate::api::wire_revision(&revision)? });
    View { json, items: None, table, empty: "" }.print(&context.settings.output, &context.ui)?;
    Ok(Exit::Ok)
}

/// Nothing is uploaded for an application that is not there. A caller who may not ask finds out at the end.
async fn check_application(context: &Context, name: &str) -> anyhow::Result<()> {
    let api = context.api().await?;
    match api.check_application(name).await {
        Err(error) if error.kind == ErrorKind::NotFound => {
            let names = api.application_names().await.unwrap_or_default();
            Err(Failure::api(format!("cannot push to application {name}"), &error)
                .help(missing::suggestion("application", name, &names, api.region()))
                .into())
        }
        Err(error) if error.kind != ErrorKind::Denied => {
            Err(Failure::api(format!("cannot push to application {name}"), &error).into())
        }
        _ => Ok(()),
    }
}
