//! Which state machine a deployment has, and how long it may run.

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::blue_green::BlueGreen;
use super::driver::{Context, Key};
use super::in_place::{InPlace, style};
use super::machine::{Machine, Refusal};
use super::routed::Routed;
use super::texts;
use crate::model::ComputePlatform;
use crate::sandbox::store::{Deployment, Millis};

/// How long a deployment may run. Source: AWS's quota page; it names no limit for ECS.
pub(super) fn run_limit(deployment: &Deployment) -> Option<Millis> {
    const HOUR: Millis = 3_600_000;
    match deployment.platform {
        ComputePlatform::Server if style(deployment, "deploymentType") == Some("BLUE_GREEN") => {
            Some(109 * HOUR)
        }
        ComputePlatform::Server => Some(12 * HOUR),
        ComputePlatform::Lambda => Some(50 * HOUR),
        _ => None,
    }
}

/// Which state machine a deployment has.
enum Shape {
    InPlace,
    BlueGreen,
    Routed,
}

fn shape(context: &Context, key: &Key) -> Result<Shape, Refusal> {
    let kind = context.deployment(key, |deployment| {
        let blue_green = style(deployment, "deploymentType") == Some("BLUE_GREEN");
        // Auto Scaling brings one instance to where a blue/green group is, in place.
        (deployment.platform.clone(), blue_green && !deployment.creator.is_auto_scaling())
    });
    Ok(match kind.ok_or(Refusal::Gone)? {
        (ComputePlatform::Server, true) => Shape::BlueGreen,
        (ComputePlatform::Server, false) => Shape::InPlace,
        (ComputePlatform::Lambda | ComputePlatform::Ecs, _) => Shape::Routed,
        (other, _) => return Err(Refusal::Failed(texts::not_simulated(other.as_str()))),
    })
}

/// The state machine of a deployment; the error is why it doesn't start.
pub(super) fn open(context: &mut Context, key: Key) -> Result<Box<dyn Machine>, Refusal> {
    Ok(match shape(context, &key)? {
        Shape::BlueGreen => Box::new(BlueGreen::open(context, key)?),
        Shape::InPlace => Box::new(InPlace::open(context, key)?),
        Shape::Routed => Box::new(Routed::open(context, key)?),
    })
}

/// The state machine of a deployment that had started, from what it had recorded.
pub(super) fn resume(
    context: &mut Context,
    key: Key,
    run: u64,
    record: Value,
) -> Result<Box<dyn Machine>, Refusal> {
    Ok(match shape(context, &key)? {
        Shape::BlueGreen => Box::new(BlueGreen::resume(context, key, run, record)?),
        Shape::InPlace => Box::new(InPlace::resume(context, key, run, record)?),
        Shape::Routed => Box::new(Routed::resume(context, key, run, record)?),
    })
}

/// What a machine had recorded.
pub(super) fn recorded<T: DeserializeOwned>(record: Value) -> Result<T, Refusal> {
    serde_json::from_value(record).map_err(|_| Refusal::Failed(texts::not_resumed()))
}
