//! A revision whose bundle is not there fails on every host, minutes later: it is looked for before.

use crate::api::{ErrorKind, Stored};
use crate::context::Context;
use crate::error::Failure;
use crate::model::{Revision, bare_etag};

/// An error where the revision's object is known to be missing. Who may not look, or has no endpoint to look at,
/// goes on: the hosts have permissions of their own.
pub async fn require(context: &Context, revision: &Revision) -> anyhow::Result<()> {
    let Revision::S3 { bucket, key, version, etag, .. } = revision else { return Ok(()) };
    if context.settings.connection.codedeploy_endpoint_only {
        return Ok(());
    }
    match context.api().await?.object(bucket, key, version.as_deref()).await {
        Err(error) if error.kind == ErrorKind::NotFound => {
            Err(Failure::new(format!("there is no bundle at {revision}; nothing was deployed"))
                .help(format!("push one with `cdctl revision push PATH s3://{bucket}/{key} --app APP`"))
                .into())
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
