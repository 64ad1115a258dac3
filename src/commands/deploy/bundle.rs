//! A revision whose bundle is not there fails on every host, minutes later: it is looked for before.

use serde_json::json;

use crate::api::{Api, ErrorKind, Stored};
use crate::context::Context;
use crate::error::{Failure, nearest};
use crate::model::{Revision, bare_etag};

/// A bucket's name, or `s3://BUCKET`.
pub fn bucket(text: &str) -> Result<String, String> {
    let name = text.strip_prefix("s3://").map_or(text, |name| name.trim_end_matches('/'));
    if name.is_empty() || name.contains('/') {
        return Err("write the bucket's name alone; --key says where in it".to_owned());
    }
    Ok(name.to_owned())
}

/// An error where the revision's object is known to be missing. Who may not look, or has no endpoint to look at,
/// goes on: the hosts have permissions of their own.
pub async fn require(context: &Context, application: &str, revision: &Revision) -> anyhow::Result<()> {
    let Revision::S3 { bucket, key, version, etag, .. } = revision else { return Ok(()) };
    if context.settings.connection.codedeploy_endpoint_only {
        return Ok(());
    }
    let api = context.api().await?;
    match api.object(bucket, key, version.as_deref(), None).await {
        Err(error) if error.kind == ErrorKind::NotFound => {
            let help = match near(api, application, bucket, key).await {
                Some(near) => format!("did you mean {near}?"),
                None => {
                    format!(
                        "push one with `cdctl revision push PATH s3://{bucket}/{key} --app {application}`"
                    )
                }
            };
            let what = format!("there is no bundle at {revision}; nothing was deployed");
            Err(Failure::new(what).help(help).into())
        }
        // The hosts compare it, too, once they have downloaded the bundle.
        Ok(Stored { etag: Some(there), .. }) if etag.as_ref().is_some_and(|it| bare_etag(it) != there) => {
            Err(Failure::new(format!(
                "the eTag of s3://{bucket}/{key} is {there}, not the one of {revision}"
            ))
            .cause("nothing was deployed")
            .help("leave the eTag out to deploy what is there")
            .into())
        }
        _ => Ok(()),
    }
}

/// What may have been meant: another bucket, or another object that the application has registered.
async fn near(api: &Api, application: &str, bucket: &str, key: &str) -> Option<String> {
    let buckets = api.bucket_names().await.unwrap_or_default();
    if !buckets.iter().any(|name| name == bucket)
        && let Some(near) = nearest(bucket, buckets.iter().map(String::as_str))
    {
        return Some(format!("bucket `{near}`"));
    }
    let request = json!({ "applicationName": application, "s3Bucket": bucket });
    let page = api.send("ListApplicationRevisions", &request).await.ok()?;
    let revisions = page.get("revisions")?.as_array()?;
    let keys = revisions.iter().filter_map(|revision| revision.pointer("/s3Location/key")?.as_str());
    // The one that is missing is registered itself.
    nearest(key, keys.filter(|other| *other != key)).map(|near| format!("`s3://{bucket}/{near}`"))
}
