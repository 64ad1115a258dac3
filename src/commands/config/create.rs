//! `cdctl config create`

use std::time::Duration;

use clap::{ArgGroup, Args};
use serde_json::{Value, json};

use crate::commands::app::Platform;
use crate::commands::deploy::duration;
use crate::commands::request::{self, RequestArgs};
use crate::context::Context;
use crate::error::{Doing, Failure};
use crate::exit::Exit;
use crate::format::View;

/// Create a deployment configuration: how fast a deployment goes
#[derive(Debug, Args)]
#[command(
    group(ArgGroup::new("rule").args(["min_healthy", "canary", "linear", "all_at_once"])),
    after_help = "\
Examples:
  cdctl config create Careful --min-healthy 90%
  cdctl config create ZoneByZone --min-healthy 1 --zone-monitor 5m --zone-min-healthy 50%
  cdctl config create Canary --platform ecs --canary 10%/5m
  cdctl config create Steady --platform lambda --linear 10%/1m"
)]
pub struct Arguments {
    /// The configuration's name
    #[arg(value_name = "CONFIG")]
    name: Option<String>,

    /// What it is for [default: server]
    #[arg(long, value_name = "PLATFORM")]
    platform: Option<Platform>,

    /// How many instances must stay healthy
    #[arg(long, value_name = "COUNT|PERCENT%", value_parser = healthy)]
    min_healthy: Option<Value>,

    /// Shift this part of the traffic, wait, shift the rest
    #[arg(long, value_name = "PERCENT%/TIME", value_parser = share)]
    canary: Option<Share>,

    /// Shift this part of the traffic again and again
    #[arg(long, value_name = "PERCENT%/TIME", value_parser = share)]
    linear: Option<Share>,

    /// Shift all traffic at once
    #[arg(long)]
    all_at_once: bool,

    /// Deploy to a zone at a time and watch each for so long
    #[arg(long, value_name = "TIME", value_parser = duration)]
    zone_monitor: Option<Duration>,

    /// Watch the first zone for so long
    #[arg(long, value_name = "TIME", value_parser = duration)]
    first_zone_monitor: Option<Duration>,

    /// How many instances of a zone must stay healthy
    #[arg(long, value_name = "COUNT|PERCENT%", value_parser = healthy)]
    zone_min_healthy: Option<Value>,

    #[command(flatten)]
    request: RequestArgs,
}

/// A part of the traffic, and the minutes until the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Share {
    percent: u32,
    minutes: u64,
}

fn share(text: &str) -> Result<Share, String> {
    let wrong = || "write PERCENT%/TIME in whole minutes, as in 10%/5m".to_owned();
    let (percent, time) = text.split_once('/').ok_or_else(wrong)?;
    let percent = percent.strip_suffix('%').and_then(|percent| percent.parse().ok()).ok_or_else(wrong)?;
    let seconds = duration(time).map_err(|_| wrong())?.as_secs();
    if !(1..=99).contains(&percent) || seconds == 0 || seconds % 60 != 0 {
        return Err(wrong());
    }
    Ok(Share { percent, minutes: seconds / 60 })
}

fn healthy(text: &str) -> Result<Value, String> {
    let wrong = |_| "write a count such as 3, or a percentage such as 75%".to_owned();
    let (kind, value) = match text.strip_suffix('%') {
        Some(percent) => ("FLEET_PERCENT", percent.parse::<u32>().map_err(wrong)?),
        None => ("HOST_COUNT", text.parse::<u32>().map_err(wrong)?),
    };
    Ok(json!({ "type": kind, "value": value }))
}

impl Arguments {
    fn members(&self) -> Value {
        let mut members = json!({});
        if let Some(name) = &self.name {
            members["deploymentConfigName"] = name.as_str().into();
        }
        if let Some(platform) = self.platform {
            members["computePlatform"] = platform.as_str().into();
        }
        if let Some(healthy) = &self.min_healthy {
            members["minimumHealthyHosts"] = healthy.clone();
        }
        if let Some(Share { percent, minutes }) = self.canary {
            let canary = json!({ "canaryPercentage": percent, "canaryInterval": minutes });
            members["trafficRoutingConfig"] = json!({ "type": "TimeBasedCanary", "timeBasedCanary": canary });
        }
        if let Some(Share { percent, minutes }) = self.linear {
            let linear = json!({ "linearPercentage": percent, "linearInterval": minutes });
            members["trafficRoutingConfig"] = json!({ "type": "TimeBasedLinear", "timeBasedLinear": linear });
        }
        if self.all_at_once {
            members["trafficRoutingConfig"] = json!({ "type": "AllAtOnce" });
        }
        let mut zones = json!({});
        if let Some(time) = self.zone_monitor {
            zones["monitorDurationInSeconds"] = time.as_secs().into();
        }
        if let Some(time) = self.first_zone_monitor {
            zones["firstZoneMonitorDurationInSeconds"] = time.as_secs().into();
        }
        if let Some(healthy) = &self.zone_min_healthy {
            zones["minimumHealthyHostsPerZone"] = healthy.clone();
        }
        if zones != json!({}) {
            members["zonalConfig"] = zones;
        }
        members
    }
}

pub async fn run(context: &Context, arguments: &Arguments) -> anyhow::Result<Exit> {
    let operation = request::operation("CreateDeploymentConfig")?;
    let Some(mut request) = arguments.request.base(context, operation)? else { return Ok(Exit::Ok) };
    request::merge(&mut request, arguments.members());
    request::complete(&request, operation)?;
    if request.get("trafficRoutingConfig").is_some() && request.get("computePlatform").is_none() {
        return Err(Failure::new("traffic is shifted on Lambda and ECS alone")
            .help("pass --platform lambda or --platform ecs")
            .exit(Exit::Usage)
            .into());
    }
    let name = request.get("deploymentConfigName").and_then(Value::as_str).unwrap_or_default();
    let doing = format!("create deployment configuration {name}");
    let json = context.api().await?.send("CreateDeploymentConfig", &request).await.doing(doing)?;
    context.ui.note(&format!("created deployment configuration {name}"));
    let id = json.get("deploymentConfigId").and_then(Value::as_str).unwrap_or_default().to_owned();
    View::of(json, id).print(&context.settings.output, &context.ui)?;
    Ok(Exit::Ok)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_percent_and_whole_minutes() {
        assert_eq!(share("10%/5m"), Ok(Share { percent: 10, minutes: 5 }));
        assert_eq!(share("50%/2h"), Ok(Share { percent: 50, minutes: 120 }));
        for wrong in ["10/5m", "10%", "0%/5m", "100%/5m", "10%/30s", "10%/0m", "x%/5m"] {
            assert!(share(wrong).is_err(), "{wrong}");
        }
        assert_eq!(healthy("75%"), Ok(json!({"type": "FLEET_PERCENT", "value": 75})));
        assert_eq!(healthy("3"), Ok(json!({"type": "HOST_COUNT", "value": 3})));
        assert!(healthy("some").is_err());
    }
}
