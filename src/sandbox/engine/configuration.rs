//! What a deployment configuration asks of a deployment. Reads the store, changes nothing.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::model::MinimumHealthyHosts;
use crate::sandbox::operations::config_settings;
use crate::sandbox::store::{Millis, Region};

const MINUTE: Millis = 60_000;

/// A built-in or custom configuration, in wire form.
pub(super) struct Configuration(Map<String, Value>);

/// One zone after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Zonal {
    /// How many of a zone's hosts must stay healthy.
    pub(super) minimum: MinimumHealthyHosts,
    /// How long the first zone is watched before the next.
    pub(super) first_monitor: Millis,
    /// How long each other zone but the last is watched.
    pub(super) monitor: Millis,
}

/// One move of traffic: so long after the one before, to so many percent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Shift {
    pub(super) after: Millis,
    pub(super) percent: u32,
}

impl Configuration {
    /// None where no configuration has this name.
    pub(super) fn named(name: &str, region: &Region) -> Option<Self> {
        config_settings(region, name).map(Configuration)
    }

    /// The minimum healthy hosts; none for another platform than Server.
    pub(super) fn minimum(&self) -> Option<MinimumHealthyHosts> {
        minimum(self.0.get("minimumHealthyHosts")?)
    }

    /// The zonal part, if there is one.
    ///
    /// Source: API reference, ZonalConfig: the first zone's duration falls back to the others', and the minimum a
    /// zone is 0 percent where none is given.
    pub(super) fn zonal(&self) -> Option<Zonal> {
        let zonal = self.0.get("zonalConfig")?;
        let seconds = |name: &str| Some(zonal.get(name)?.as_i64()?.saturating_mul(1_000));
        let monitor = seconds("monitorDurationInSeconds");
        Some(Zonal {
            minimum: zonal
                .get("minimumHealthyHostsPerZone")
                .and_then(minimum)
                .unwrap_or(MinimumHealthyHosts::Percent(0)),
            first_monitor: seconds("firstZoneMonitorDurationInSeconds").or(monitor).unwrap_or(0),
            monitor: monitor.unwrap_or(0),
        })
    }

    /// How traffic moves; none on the Server platform.
    ///
    /// Source: AWS's user guide, "Working with deployment configurations": a canary moves its part at once and the
    /// rest after the interval, a linear one a part at once and one more each interval.
    pub(super) fn shifts(&self) -> Option<Vec<Shift>> {
        let routing = self.0.get("trafficRoutingConfig")?;
        let part = |kind: &str, percent: &str, interval: &str| {
            let kind = routing.get(kind)?;
            let percent = u32::try_from(kind.get(percent)?.as_u64()?).ok()?.clamp(1, 99);
            Some((percent, kind.get(interval)?.as_i64()?.saturating_mul(MINUTE)))
        };
        match routing.get("type")?.as_str()? {
            "TimeBasedCanary" => {
                let (percent, after) = part("timeBasedCanary", "canaryPercentage", "canaryInterval")?;
                Some(vec![Shift { after: 0, percent }, Shift { after, percent: 100 }])
            }
            "TimeBasedLinear" => {
                let (percent, after) = part("timeBasedLinear", "linearPercentage", "linearInterval")?;
                let shift = |step: u32| Shift {
                    after: if step == 1 { 0 } else { after },
                    percent: (percent * step).min(100),
                };
                Some((1..=100_u32.div_ceil(percent)).map(shift).collect())
            }
            _ => Some(vec![Shift { after: 0, percent: 100 }]),
        }
    }
}

fn minimum(value: &Value) -> Option<MinimumHealthyHosts> {
    let count = u32::try_from(value.get("value")?.as_u64()?).ok()?;
    match value.get("type")?.as_str()? {
        "HOST_COUNT" => Some(MinimumHealthyHosts::Count(count)),
        "FLEET_PERCENT" => Some(MinimumHealthyHosts::Percent(count)),
        "MOST_CONCURRENCY" => Some(MinimumHealthyHosts::Concurrency(count)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(name: &str) -> Configuration {
        Configuration::named(name, &Region::default()).unwrap()
    }

    #[test]
    fn built_in_configurations_say_what_the_guide_says() {
        assert_eq!(named("CodeDeployDefault.HalfAtATime").minimum(), Some(MinimumHealthyHosts::Percent(50)));
        assert_eq!(
            named("CodeDeployDefault.OneAtATime").minimum(),
            Some(MinimumHealthyHosts::Concurrency(1))
        );
        assert_eq!(named("CodeDeployDefault.ECSAllAtOnce").minimum(), None);
        assert_eq!(named("CodeDeployDefault.OneAtATime").shifts(), None);
        let shifts = |name: &str| {
            let shifts = named(name).shifts().unwrap();
            shifts.iter().map(|shift| (shift.after / MINUTE, shift.percent)).collect::<Vec<_>>()
        };
        assert_eq!(shifts("CodeDeployDefault.ECSAllAtOnce"), [(0, 100)]);
        assert_eq!(shifts("CodeDeployDefault.LambdaCanary10Percent5Minutes"), [(0, 10), (5, 100)]);
        let linear = shifts("CodeDeployDefault.LambdaLinear10PercentEvery1Minute");
        assert_eq!((linear.len(), linear[0], linear[9]), (10, (0, 10), (1, 100)));
        assert!(Configuration::named("Ten", &Region::default()).is_none());
    }

    #[test]
    fn the_last_linear_step_takes_what_is_left() {
        let settings = serde_json::json!({"trafficRoutingConfig": {
            "type": "TimeBasedLinear", "timeBasedLinear": {"linearPercentage": 30, "linearInterval": 2}}});
        let shifts = Configuration(settings.as_object().unwrap().clone()).shifts().unwrap();
        let percents: Vec<_> = shifts.iter().map(|shift| shift.percent).collect();
        assert_eq!(percents, [30, 60, 90, 100]);
    }

    #[test]
    fn the_first_zone_may_be_watched_for_another_time() {
        let zonal = |text: &str| {
            let settings = serde_json::from_str::<Value>(text).unwrap();
            Configuration(settings.as_object().unwrap().clone()).zonal()
        };
        assert_eq!(zonal("{}"), None);
        let plain = zonal(r#"{"zonalConfig": {"monitorDurationInSeconds": 60}}"#).unwrap();
        assert_eq!((plain.first_monitor, plain.monitor), (60_000, 60_000));
        assert_eq!(plain.minimum, MinimumHealthyHosts::Percent(0));
        let first = zonal(r#"{"zonalConfig": {"firstZoneMonitorDurationInSeconds": 9}}"#).unwrap();
        assert_eq!((first.first_monitor, first.monitor), (9_000, 0));
    }
}
