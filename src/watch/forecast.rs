//! When a deployment will end, and when it must have. Pure.

use std::time::Duration;

use crate::model::{ComputePlatform, Deployment};

const HOUR: u64 = 3600;
/// An in-place deployment is ended after it; a blue/green one has it beside its waits.
///
/// Source: AWS user guide, "CodeDeploy quotas".
const IN_PLACE: u64 = 12 * HOUR;
const BLUE_GREEN: u64 = 13 * HOUR;
const LAMBDA: u64 = 50 * HOUR;
/// A replacement task set has an hour, each of five hooks another, the traffic 48.
const ECS: u64 = HOUR * (1 + 5 + 48);
/// For the service to notice.
const MARGIN: u64 = 600;

/// The longest that a deployment can go on by the service's own limits, from its start; none where those are not known.
pub fn longest(deployment: &Deployment) -> Option<Duration> {
    let waits = deployment.waits.ready_s.unwrap_or(0) + deployment.waits.termination_s.unwrap_or(0);
    let seconds = match deployment.platform.as_ref()? {
        ComputePlatform::Server if deployment.waits.blue_green => BLUE_GREEN + waits,
        ComputePlatform::Server => IN_PLACE,
        ComputePlatform::Lambda => LAMBDA,
        ComputePlatform::Ecs => ECS + waits,
        ComputePlatform::Other(_) => return None,
    };
    Some(Duration::from_secs(seconds + MARGIN))
}
