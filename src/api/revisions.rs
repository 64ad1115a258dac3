//! Revisions: their registration, and what is known of their objects.

use serde_json::{Value, json};

use super::error::from_sdk;
use super::upload::{DIGEST, SETTINGS, stored};
use super::{Api, ApiError, Tries, convert, raw};
use crate::model::Revision;

/// Where an upload ended up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// Without quotes.
    pub etag: Option<String>,
    pub version: Option<String>,
    /// The SHA-256 that this tool kept with it.
    pub digest: Option<String>,
    /// What it kept of how the object is stored ([`Put::settings`]).
    ///
    /// [`Put::settings`]: super::Put::settings
    pub settings: Option<String>,
}

impl Api {
    /// RegisterApplicationRevision. The call answers with nothing; `tries` tells whether it was sent.
    pub async fn register_revision(
        &self,
        application: &str,
        revision: &Revision,
        description: Option<&str>,
        tries: &Tries,
    ) -> Result<(), ApiError> {
        let sent = self
            .codedeploy
            .register_application_revision()
            .application_name(application)
            .revision(convert::location(revision))
            .set_description(description.map(str::to_owned))
            .customize()
            .interceptor(tries.clone())
            .send()
            .await;
        sent.map(drop).map_err(|error| from_sdk("RegisterApplicationRevision", &error))
    }

    /// GetApplicationRevision of an inline AppSpec by its digest; none where the service does not give it back.
    pub async fn appspec_content(&self, application: &str, sha256: &str) -> Result<Option<String>, ApiError> {
        let revision = json!({ "revisionType": "AppSpecContent", "appSpecContent": { "sha256": sha256 } });
        let input = json!({ "applicationName": application, "revision": revision });
        let answer = self.send("GetApplicationRevision", &input).await?;
        let content = answer.pointer("/revision/appSpecContent/content").and_then(Value::as_str);
        Ok(content.map(str::to_owned))
    }

    /// HeadObject: what is there under this key now. `owner` is the account that the bucket must belong to.
    pub async fn object(
        &self,
        bucket: &str,
        key: &str,
        version: Option<&str>,
        owner: Option<&str>,
    ) -> Result<Stored, ApiError> {
        let output = self
            .s3()
            .await
            .head_object()
            .bucket(bucket)
            .key(key)
            .set_version_id(version.map(str::to_owned))
            .set_expected_bucket_owner(owner.map(str::to_owned))
            .send()
            .await
            .map_err(|error| from_sdk("HeadObject", &error))?;
        let kept = |name| output.metadata().and_then(|metadata| metadata.get(name)).cloned();
        let (digest, settings) = (kept(DIGEST), kept(SETTINGS));
        Ok(Stored { digest, settings, ..stored(output.e_tag(), output.version_id()) })
    }

    /// ListBuckets: the names, for a misspelt one.
    pub async fn bucket_names(&self) -> Result<Vec<String>, ApiError> {
        let output =
            self.s3().await.list_buckets().send().await.map_err(|error| from_sdk("ListBuckets", &error))?;
        Ok(output.buckets().iter().filter_map(|bucket| bucket.name().map(str::to_owned)).collect())
    }
}

/// A revision as the API's JSON.
pub fn wire_revision(revision: &Revision) -> Result<Value, ApiError> {
    raw::wire("RegisterApplicationRevision", &convert::location(revision))
}
