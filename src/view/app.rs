//! Applications as rows.

use serde_json::Value;

use super::{cell, when};

pub const HEADER: [&str; 3] = ["APPLICATION", "PLATFORM", "CREATED"];
pub const WIDE_HEADER: [&str; 5] = ["APPLICATION", "PLATFORM", "CREATED", "LAST DEPLOYMENT", "GROUPS"];

/// An `ApplicationInfo`.
pub fn row(info: &Value) -> Vec<String> {
    let platform = cell(info, "/computePlatform");
    vec![cell(info, "/applicationName"), platform, when(info, "/createTime")]
}

/// An `ApplicationInfo` with its groups under `deploymentGroupsInfo`.
pub fn wide_row(info: &Value) -> Vec<String> {
    let groups = info.get("deploymentGroupsInfo").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let last = groups.iter().filter_map(|group| group.get("lastAttemptedDeployment"));
    let last = last.max_by_key(|last| cell(last, "/createTime"));
    let names: Vec<String> = groups.iter().map(|group| cell(group, "/deploymentGroupName")).collect();
    let mut row = row(info);
    row.push(last.map_or_else(|| "-".to_owned(), |last| cell(last, "/deploymentId")));
    row.push(if names.is_empty() { "-".to_owned() } else { names.join(", ") });
    row
}
