//! On-premises instances as rows.

use serde_json::Value;

use super::{cell, short, when};

pub const HEADER: [&str; 5] = ["INSTANCE", "REGISTERED", "DEREGISTERED", "TAGS", "IDENTITY"];

/// An `InstanceInfo`.
pub fn row(info: &Value) -> Vec<String> {
    let tags = info.get("tags").and_then(short).filter(|tags| !tags.is_empty());
    let session = cell(info, "/iamSessionArn");
    vec![
        cell(info, "/instanceName"),
        when(info, "/registerTime"),
        when(info, "/deregisterTime"),
        tags.unwrap_or_else(|| "-".to_owned()),
        if session == "-" { cell(info, "/iamUserArn") } else { session },
    ]
}
