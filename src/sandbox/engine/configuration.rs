//! What a deployment configuration asks of a Server deployment. Reads the store, changes nothing.

use crate::model::MinimumHealthyHosts;
use crate::sandbox::store::Region;

/// The minimum healthy hosts of a built-in or custom configuration; none where no such configuration exists
/// for the Server platform.
///
/// Source: AWS's user guide, "Predefined deployment configurations"; `OneAtATime` reads back as
/// `MOST_CONCURRENCY` 1.
pub fn minimum_healthy_hosts(config: &str, region: &Region) -> Option<MinimumHealthyHosts> {
    match config {
        "CodeDeployDefault.OneAtATime" => Some(MinimumHealthyHosts::Concurrency(1)),
        "CodeDeployDefault.HalfAtATime" => Some(MinimumHealthyHosts::Percent(50)),
        "CodeDeployDefault.AllAtOnce" => Some(MinimumHealthyHosts::Percent(0)),
        custom => {
            let minimum = region.configs.get(custom)?.settings.get("minimumHealthyHosts")?;
            let value = u32::try_from(minimum.get("value")?.as_u64()?).ok()?;
            match minimum.get("type")?.as_str()? {
                "HOST_COUNT" => Some(MinimumHealthyHosts::Count(value)),
                "FLEET_PERCENT" => Some(MinimumHealthyHosts::Percent(value)),
                _ => None,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::sandbox::store::Config;

    #[test]
    fn custom_configurations_come_from_the_store() {
        let mut region = Region::default();
        let settings = json!({"minimumHealthyHosts": {"type": "HOST_COUNT", "value": 9}});
        let settings = settings.as_object().unwrap().clone();
        region.configs.insert("Nine".into(), Config { id: "c".into(), created: 0, settings });
        assert_eq!(minimum_healthy_hosts("Nine", &region), Some(MinimumHealthyHosts::Count(9)));
        assert_eq!(minimum_healthy_hosts("Ten", &region), None);
        assert_eq!(
            minimum_healthy_hosts("CodeDeployDefault.HalfAtATime", &region),
            Some(MinimumHealthyHosts::Percent(50))
        );
    }
}
