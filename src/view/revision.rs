//! Revisions as rows, and the API's JSON of one as the text that names it.

use serde_json::Value;

use super::{short, when};
use crate::model::Revision;

pub const HEADER: [&str; 6] = ["REVISION", "REGISTERED", "FIRST USED", "LAST USED", "GROUPS", "DESCRIPTION"];

/// A `RevisionInfo`.
pub fn row(info: &Value) -> Vec<String> {
    let at = |name: &str| info.pointer(&format!("/genericRevisionInfo/{name}"));
    let or_dash = |name: &str| {
        at(name).and_then(short).filter(|text| !text.is_empty()).unwrap_or_else(|| "-".to_owned())
    };
    vec![
        info.get("revisionLocation").map_or_else(|| "-".to_owned(), |revision| read(revision).to_string()),
        when(info, "/genericRevisionInfo/registerTime"),
        when(info, "/genericRevisionInfo/firstUsedTime"),
        when(info, "/genericRevisionInfo/lastUsedTime"),
        or_dash("deploymentGroups"),
        or_dash("description"),
    ]
}

/// A `RevisionLocation`.
pub fn read(location: &Value) -> Revision {
    let text = |path: &str| location.pointer(path).and_then(Value::as_str).map(str::to_owned);
    if location.get("s3Location").is_some_and(Value::is_object) {
        return Revision::S3 {
            bucket: text("/s3Location/bucket").unwrap_or_default(),
            key: text("/s3Location/key").unwrap_or_default(),
            bundle_type: text("/s3Location/bundleType").map(|kind| kind.as_str().into()),
            version: text("/s3Location/version"),
            etag: text("/s3Location/eTag"),
        };
    }
    if location.get("gitHubLocation").is_some_and(Value::is_object) {
        return Revision::GitHub {
            repository: text("/gitHubLocation/repository").unwrap_or_default(),
            commit: text("/gitHubLocation/commitId").unwrap_or_default(),
        };
    }
    if location.get("appSpecContent").is_some_and(Value::is_object) {
        return Revision::AppSpec {
            content: text("/appSpecContent/content"),
            sha256: text("/appSpecContent/sha256"),
        };
    }
    Revision::Other(text("/revisionType").unwrap_or_else(|| "?".to_owned()))
}
