//! `cdctl revision show`

use std::path::Path;

use clap::Args;
use serde_json::{Value, json};

use crate::api::{Api, ApiError, wire_revision};
use crate::commands::{appspec_file, missing};
use crate::context::Context;
use crate::error::{Doing, Failure};
use crate::exit::Exit;
use crate::model::Revision;
use crate::revision::Locator;
use crate::view;

/// Show a registered revision: when it was registered and used, by which groups
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  cdctl revision show s3://releases/site-1.zip --app shop")]
pub struct Arguments {
    /// As `revision list` shows it: s3://BUCKET/KEY[?versionId=V&etag=E], github:OWNER/REPO@COMMIT or
    /// appspec:sha256=DIGITS, also appspec:FILE; of a place alone the revision that was registered there last is shown
    #[arg(value_name = "REVISION")]
    revision: Locator,

    /// The application
    #[arg(long, value_name = "APP", env = "CDCTL_APP", hide_env_values = true)]
    app: String,
}

pub async fn run(context: &Context, arguments: &Arguments) -> anyhow::Result<Exit> {
    let name = &arguments.app;
    let inline;
    let revision = match &arguments.revision {
        Locator::Revision(revision) => revision,
        Locator::AppSpecFile(file) => {
            inline = inline_revision(context, name, file).await?;
            &inline
        }
        Locator::LastGood => {
            return Err(Failure::new("last-good is of a group's deployments")
                .help("write s3://BUCKET/KEY, github:OWNER/REPO@COMMIT or appspec:sha256=DIGITS")
                .exit(Exit::Usage)
                .into());
        }
    };
    let api = context.api().await?;
    let doing = format!("show revision {revision}");
    let error = match details(api, name, revision).await {
        Ok(json) => return print(context, json),
        Err(error) => error,
    };
    match error.code.as_deref() {
        Some("ApplicationDoesNotExistException") => {
            return Err(missing::application(api, error, name, doing).await);
        }
        Some("RevisionDoesNotExistException") => {}
        _ => return Err(Failure::api(format!("cannot {doing}"), &error).into()),
    }
    // Named by its place alone, or with other quotes around its eTag.
    let others = registered(api, name, revision).await.unwrap_or_default();
    let Some(newest) = others.first() else {
        return Err(Failure::api(format!("cannot {doing}"), &error)
            .help(format!("see `cdctl revision list {name}`"))
            .into());
    };
    let of = if others.len() == 1 { String::new() } else { format!(", the newest of {}", others.len()) };
    context.ui.note(&format!("{revision} is registered as {newest}{of}"));
    print(context, details(api, name, newest).await.doing(doing)?)
}

fn print(context: &Context, json: Value) -> anyhow::Result<Exit> {
    view::properties(json, "").print(&context.settings.output, &context.ui)?;
    Ok(Exit::Ok)
}

/// GetApplicationRevision.
async fn details(api: &Api, application: &str, revision: &Revision) -> Result<Value, ApiError> {
    let request = json!({ "applicationName": application, "revision": wire_revision(revision)? });
    api.send("GetApplicationRevision", &request).await
}

/// The revisions of an application that are this object of S3, newest first.
async fn registered(api: &Api, application: &str, revision: &Revision) -> Result<Vec<Revision>, ApiError> {
    let Revision::S3 { bucket, key, version, etag, .. } = revision else { return Ok(Vec::new()) };
    // What is said must be so; quotes around an eTag do not count.
    let is_meant = |other: &Revision| match other {
        Revision::S3 { version: v, etag: e, .. } => {
            revision.same_object(other)
                && (version.is_none() || version == v)
                && (etag.is_none() || e.is_some())
        }
        _ => false,
    };
    let input = json!({
        "applicationName": application, "s3Bucket": bucket, "s3KeyPrefix": key,
        "sortBy": "registerTime", "sortOrder": "descending",
    });
    matching(api, input, is_meant).await
}

/// The inline AppSpec of an application that has a file's content, or a digest that begins with `sha256=DIGITS`.
async fn inline_revision(context: &Context, application: &str, named: &Path) -> anyhow::Result<Revision> {
    let digits = match named.to_str().and_then(|named| named.strip_prefix("sha256=")) {
        Some(digits) => digits.to_ascii_lowercase(),
        None => appspec_file::digest(&appspec_file::read(named)?),
    };
    let begins = |revision: &Revision| match revision {
        Revision::AppSpec { sha256: Some(sha256), .. } => sha256.starts_with(&digits),
        _ => false,
    };
    let doing = format!("show revision appspec:{}", named.display());
    let (api, input) = (context.api().await?, json!({ "applicationName": application }));
    let mut found = match matching(api, input, begins).await {
        Ok(found) => found,
        Err(error) => return Err(missing::application(api, error, application, doing).await),
    };
    match (found.pop(), found.len()) {
        (Some(revision), 0) => Ok(revision),
        (None, _) => {
            Err(Failure::new(format!("cannot {doing}: application {application} has no such AppSpec"))
                .help(format!("see `cdctl revision list {application}`"))
                .into())
        }
        (Some(_), others) => {
            let message = format!("cannot {doing}: {} AppSpecs begin with these digits", others + 1);
            Err(Failure::new(message).help("write more of them").exit(Exit::Usage).into())
        }
    }
}

/// The revisions of a list that are meant.
async fn matching(
    api: &Api,
    input: Value,
    is_meant: impl Fn(&Revision) -> bool,
) -> Result<Vec<Revision>, ApiError> {
    let mut pages = api.pages_of("ListApplicationRevisions", input)?;
    let mut found = Vec::new();
    while let Some(page) = pages.next().await? {
        let locations = page.get("revisions").and_then(Value::as_array).into_iter().flatten();
        found.extend(locations.map(view::revision::read).filter(&is_meant));
    }
    Ok(found)
}
