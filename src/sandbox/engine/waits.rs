//! The waits of a blue/green deployment as its settings have them. Pure.

use serde_json::{Map, Value};

use crate::sandbox::store::Millis;

const MINUTE: Millis = 60_000;

/// What a deployment waits for before and after its traffic moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Waits {
    /// Minutes that somebody has to continue the deployment; none where it goes on of itself.
    pub(super) ready: Option<i64>,
    /// How long the old instances or tasks stay; none where they are kept alive.
    pub(super) termination: Option<Millis>,
}

impl Waits {
    /// Those of a deployment's settings; its `blueGreenDeploymentConfiguration` is the group's own, copied when the
    /// deployment was created.
    pub(super) fn of(deployment: &Map<String, Value>, group: &Map<String, Value>) -> Self {
        let name = "blueGreenDeploymentConfiguration";
        let block = deployment.get(name).or_else(|| group.get(name));
        let option = |member: &str| block.and_then(|block| block.get(member));
        let ready = option("deploymentReadyOption");
        let stops = ready.and_then(|ready| ready.get("actionOnTimeout")?.as_str()) == Some("STOP_DEPLOYMENT");
        let minutes = ready.and_then(|ready| ready.get("waitTimeInMinutes")?.as_i64()).unwrap_or(0);
        let termination = option("terminateBlueInstancesOnDeploymentSuccess");
        let kept = termination.and_then(|option| option.get("action")?.as_str()) == Some("KEEP_ALIVE");
        let stay = termination.and_then(|option| option.get("terminationWaitTimeInMinutes")?.as_i64());
        Waits {
            ready: stops.then_some(minutes),
            termination: (!kept).then(|| stay.unwrap_or(0).saturating_mul(MINUTE)),
        }
    }

    /// How long somebody has to continue the deployment.
    pub(super) fn ready_limit(minutes: i64) -> Millis {
        minutes.saturating_mul(MINUTE)
    }
}
