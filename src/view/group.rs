//! Deployment groups as rows.

use serde_json::Value;

use super::{cell, revision};

pub const HEADER: [&str; 6] = ["GROUP", "CONFIG", "LAST SUCCESS", "LAST ATTEMPT", "STATUS", "REVISION"];

/// A `DeploymentGroupInfo`; the revision is the one that the group aims at.
pub fn row(info: &Value) -> Vec<String> {
    let target = info.get("targetRevision").filter(|revision| revision.is_object());
    vec![
        cell(info, "/deploymentGroupName"),
        cell(info, "/deploymentConfigName"),
        cell(info, "/lastSuccessfulDeployment/deploymentId"),
        cell(info, "/lastAttemptedDeployment/deploymentId"),
        cell(info, "/lastAttemptedDeployment/status"),
        target.map_or_else(|| "-".to_owned(), |target| revision::read(target).to_string()),
    ]
}
