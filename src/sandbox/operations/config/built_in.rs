//! The seventeen configurations that every account has.
//!
//! Source: AWS user guide, "Predefined deployment configurations".

use serde_json::{Map, Value, json};

use crate::model::ComputePlatform::{self, Ecs, Lambda, Server};
use crate::sandbox::store::Millis;

/// What a configuration asks for.
enum Rule {
    /// So many hosts at a time, as `CodeDeployDefault.OneAtATime` reads back.
    Concurrency(u32),
    /// So many percent of the hosts stay healthy.
    FleetPercent(u32),
    AllAtOnce,
    /// Ten percent, and so many minutes later the rest.
    Canary(u32),
    /// Ten percent every so many minutes.
    Linear(u32),
}

use Rule::{AllAtOnce, Canary, Concurrency, FleetPercent, Linear};

const PREFIX: &str = "CodeDeployDefault.";

static ALL: &[(&str, ComputePlatform, Rule)] = &[
    ("CodeDeployDefault.OneAtATime", Server, Concurrency(1)),
    ("CodeDeployDefault.HalfAtATime", Server, FleetPercent(50)),
    ("CodeDeployDefault.AllAtOnce", Server, FleetPercent(0)),
    ("CodeDeployDefault.LambdaAllAtOnce", Lambda, AllAtOnce),
    ("CodeDeployDefault.LambdaCanary10Percent5Minutes", Lambda, Canary(5)),
    ("CodeDeployDefault.LambdaCanary10Percent10Minutes", Lambda, Canary(10)),
    ("CodeDeployDefault.LambdaCanary10Percent15Minutes", Lambda, Canary(15)),
    ("CodeDeployDefault.LambdaCanary10Percent30Minutes", Lambda, Canary(30)),
    ("CodeDeployDefault.LambdaLinear10PercentEvery1Minute", Lambda, Linear(1)),
    ("CodeDeployDefault.LambdaLinear10PercentEvery2Minutes", Lambda, Linear(2)),
    ("CodeDeployDefault.LambdaLinear10PercentEvery3Minutes", Lambda, Linear(3)),
    ("CodeDeployDefault.LambdaLinear10PercentEvery10Minutes", Lambda, Linear(10)),
    ("CodeDeployDefault.ECSAllAtOnce", Ecs, AllAtOnce),
    ("CodeDeployDefault.ECSCanary10Percent5Minutes", Ecs, Canary(5)),
    ("CodeDeployDefault.ECSCanary10Percent15Minutes", Ecs, Canary(15)),
    ("CodeDeployDefault.ECSLinear10PercentEvery1Minutes", Ecs, Linear(1)),
    ("CodeDeployDefault.ECSLinear10PercentEvery3Minutes", Ecs, Linear(3)),
];

/// The day on which CodeDeploy was announced. SANDBOX: what the service says is not known.
const CREATED: Millis = 1_415_750_400_000;

pub fn names() -> impl Iterator<Item = &'static str> {
    ALL.iter().map(|(name, ..)| *name)
}

/// Id and time. OneAtATime's id is the documented one, the others count on from it.
pub fn origin(name: &str) -> Option<(String, Millis)> {
    let index = names().position(|known| known == name)?;
    Some((format!("00000000-0000-0000-0000-{:012}", index + 1), CREATED))
}

/// `DeploymentConfigInfo` in wire form, without id and time.
pub fn settings(name: &str) -> Option<Map<String, Value>> {
    if !name.starts_with(PREFIX) {
        return None;
    }
    let (name, platform, rule) = ALL.iter().find(|(known, ..)| *known == name)?;
    let (member, value) = match rule {
        Concurrency(count) => hosts("MOST_CONCURRENCY", *count),
        FleetPercent(percent) => hosts("FLEET_PERCENT", *percent),
        AllAtOnce => routing(json!({"type": "AllAtOnce"})),
        Canary(minutes) => routing(json!({
            "type": "TimeBasedCanary",
            "timeBasedCanary": {"canaryPercentage": 10, "canaryInterval": minutes},
        })),
        Linear(minutes) => routing(json!({
            "type": "TimeBasedLinear",
            "timeBasedLinear": {"linearPercentage": 10, "linearInterval": minutes},
        })),
    };
    Some(Map::from_iter([
        ("deploymentConfigName".to_owned(), json!(name)),
        ("computePlatform".to_owned(), json!(platform.as_str())),
        (member, value),
    ]))
}

fn hosts(kind: &str, value: u32) -> (String, Value) {
    ("minimumHealthyHosts".to_owned(), json!({"type": kind, "value": value}))
}

fn routing(value: Value) -> (String, Value) {
    ("trafficRoutingConfig".to_owned(), value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seventeen_with_names_that_say_what_they_do() {
        assert_eq!(ALL.len(), 17);
        for (name, platform, rule) in ALL {
            assert_eq!(name.contains("Lambda"), *platform == Lambda, "{name}");
            assert_eq!(name.contains("ECS"), *platform == Ecs, "{name}");
            match rule {
                Canary(minutes) => {
                    assert!(name.ends_with(&format!("Canary10Percent{minutes}Minutes")), "{name}")
                }
                Linear(minutes) => {
                    assert!(name.contains(&format!("10PercentEvery{minutes}Minute")), "{name}")
                }
                AllAtOnce | FleetPercent(0) => assert!(name.ends_with("AllAtOnce"), "{name}"),
                Concurrency(_) | FleetPercent(_) => assert!(name.ends_with("AtATime"), "{name}"),
            }
        }
        assert_eq!(origin("CodeDeployDefault.OneAtATime").unwrap().0, "00000000-0000-0000-0000-000000000001");
        assert!(settings("CodeDeployDefault.EC2OneAtATime").is_none());
    }
}
