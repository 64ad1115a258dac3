//! A revision whose bundle is not there fails on every host, minutes later: it is looked for before.

use crate::api::ErrorKind;
use crate::context::Context;
use crate::error::Failure;
use crate::model::Revision;

/// An error where the revision's object is known to be missing. Who may not look, or has no endpoint to look at,
/// goes on: the hosts have permissions of their own.
pub async fn require(context: &Context, revision: &Revision) -> anyhow::Result<()> {
    let Revision::S3 { bucket, key, version, .. } = revision else { return Ok(()) };
    if context.settings.connection.codedeploy_endpoint_only {
        return Ok(());
    }
    match context.api().await?.object(bucket, key, version.as_deref(), None).await {
        Err(error) if error.kind == ErrorKind::NotFound => {
            Err(Failure::new(format!("there is no bundle at {revision}; nothing was deployed"))
                .help(format!("push one with `cdctl revision push PATH s3://{bucket}/{key} --app APP`"))
                .into())
        }
        _ => Ok(()),
    }
}
