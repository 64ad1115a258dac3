//! CodeDeploy in a process: its API on loopback with a deployment engine behind it.
//!
//! `server/` turns bytes into operations, `operations/` reads and writes `store`, `engine/` moves deployments
//! along on `clock`, on the hosts of `fleet`. Nothing here uses `api/`.

pub mod store;

use std::path::PathBuf;

/// Where local hosts get a revision's bundle from: the sandbox's own S3.
pub trait Bundles: Send + Sync {
    /// The object's file and eTag (without quotes), the newest version where none is named.
    /// The error is what a host would report (`NoSuchKey: The specified key does not exist.`).
    fn object(&self, bucket: &str, key: &str, version: Option<&str>) -> Result<Object, String>;
}

/// A stored object.
#[derive(Clone, Debug)]
pub struct Object {
    pub path: PathBuf,
    pub etag: String,
    pub version: Option<String>,
}
