//! A deployment configuration, as far as the tool reads it.

use serde::{Deserialize, Serialize};

/// `minimumHealthyHosts` of a configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MinimumHealthyHosts {
    /// `HOST_COUNT`
    Count(u32),
    /// `FLEET_PERCENT`, 0 to 99
    Percent(u32),
    /// `MOST_CONCURRENCY`, the form in which `CodeDeployDefault.OneAtATime` reads back: so many hosts at a time.
    Concurrency(u32),
}

impl MinimumHealthyHosts {
    /// How many of `total` hosts must stay healthy. A percentage rounds up.
    ///
    /// Source: AWS's user guide, "Minimum healthy instances"; its examples are the tests below.
    pub fn required(self, total: u32) -> u32 {
        match self {
            MinimumHealthyHosts::Count(count) => count,
            MinimumHealthyHosts::Percent(percent) => {
                u32::try_from((u64::from(total) * u64::from(percent)).div_ceil(100)).unwrap_or(u32::MAX)
            }
            MinimumHealthyHosts::Concurrency(count) => total.saturating_sub(count),
        }
    }
}

/// `trafficRoutingConfig`: in which steps the traffic moves. Percentages are 1 to 99.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum TrafficRouting {
    AllAtOnce,
    /// So much at once, the rest after so many seconds.
    Canary {
        percent: u32,
        interval_s: u64,
    },
    /// So much at once and again after each so many seconds.
    Linear {
        percent: u32,
        interval_s: u64,
    },
}

/// A `DeploymentConfigInfo`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeploymentConfig {
    pub name: String,
    pub minimum_healthy_hosts: Option<MinimumHealthyHosts>,
    /// Lambda and ECS only.
    pub routing: Option<TrafficRouting>,
    /// EC2 only.
    pub zonal: Option<Zonal>,
}

/// `zonalConfig`: one availability zone after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Zonal {
    /// How long the service watches a zone before it goes on; the first one may be watched longer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub monitor_s: Option<u64>,
    /// `minimumHealthyHostsPerZone`: how much of each zone must stay healthy, where that is anything at all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minimum: Option<MinimumHealthyHosts>,
}

#[cfg(test)]
mod tests {
    use super::MinimumHealthyHosts::*;

    #[test]
    fn aws_documented_examples() {
        assert_eq!(Percent(50).required(9), 5);
        assert_eq!(Percent(40).required(9), 4);
        assert_eq!(Percent(95).required(10), 10);
        assert_eq!(Percent(0).required(10), 0);
        assert_eq!(Count(8).required(10), 8);
        assert_eq!(Concurrency(1).required(10), 9);
        assert_eq!(Concurrency(1).required(1), 0);
    }
}
