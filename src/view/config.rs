//! Deployment configurations as rows.

use serde_json::Value;

use super::{cell, when};

pub const HEADER: [&str; 1] = ["CONFIG"];
pub const WIDE_HEADER: [&str; 4] = ["CONFIG", "PLATFORM", "RULE", "CREATED"];

/// A `DeploymentConfigInfo`.
pub fn row(info: &Value) -> Vec<String> {
    vec![
        cell(info, "/deploymentConfigName"),
        cell(info, "/computePlatform"),
        rule(info).unwrap_or_else(|| "-".to_owned()),
        when(info, "/createTime"),
    ]
}

/// How fast it goes: `75% healthy`, `3 healthy`, `canary 10%/5m`, `linear 10%/1m`, `all at once`.
fn rule(info: &Value) -> Option<String> {
    let number = |path: &str| info.pointer(path).and_then(Value::as_i64);
    let shift = |name: &str, share: &str, interval: &str| {
        let at = |member: &str| number(&format!("/trafficRoutingConfig/{name}/{member}"));
        Some(format!("{}%/{}m", at(share)?, at(interval)?))
    };
    match info.pointer("/trafficRoutingConfig/type").and_then(Value::as_str) {
        Some("TimeBasedCanary") => {
            return Some(format!(
                "canary {}",
                shift("timeBasedCanary", "canaryPercentage", "canaryInterval")?
            ));
        }
        Some("TimeBasedLinear") => {
            return Some(format!(
                "linear {}",
                shift("timeBasedLinear", "linearPercentage", "linearInterval")?
            ));
        }
        Some("AllAtOnce") => return Some("all at once".to_owned()),
        _ => {}
    }
    let value = number("/minimumHealthyHosts/value")?;
    match info.pointer("/minimumHealthyHosts/type").and_then(Value::as_str)? {
        "FLEET_PERCENT" => Some(format!("{value}% healthy")),
        "HOST_COUNT" => Some(format!("{value} healthy")),
        "MOST_CONCURRENCY" => Some(format!("{value} at a time")),
        other => Some(format!("{other} {value}")),
    }
}
