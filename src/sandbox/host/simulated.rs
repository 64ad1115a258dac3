//! Hosts that only take their time: an event is a seeded duration.

use std::sync::Arc;

use fastrand::Rng;

use super::{Answer, Begun, Hosts, Order, unknown_error};
use crate::model::{Diagnostics, EventName};
use crate::sandbox::Bundles;
use crate::sandbox::fleet::{Instance, seeded};
use crate::sandbox::store::Millis;

/// One host in so many is slow at everything.
const SLOW_ONE_IN: u32 = 20;

/// All simulated hosts.
pub struct Simulated {
    bundles: Arc<dyn Bundles>,
    seed: u64,
}

impl Simulated {
    /// Hosts that look for a revision in `bundles`, and are slow or not by `seed`.
    pub fn new(bundles: Arc<dyn Bundles>, seed: u64) -> Self {
        Simulated { bundles, seed }
    }
}

impl Hosts for Simulated {
    fn begin(
        &self,
        instance: &Instance,
        order: &Arc<Order>,
        event: &EventName,
        rng: &mut Rng,
        _answer: Answer,
    ) -> Begun {
        let mut nature = seeded(self.seed, &["nature", &instance.id]);
        let factor = if nature.u32(..SLOW_ONE_IN) == 0 { nature.i64(3..8) } else { 1 };
        let took = duration(event, rng) * factor;
        let missing = (*event == EventName::DownloadBundle && order.s3("key").is_some())
            .then(|| order.bundle(&*self.bundles).err())
            .flatten();
        Begun::Ends(took, missing.map_or_else(Diagnostics::success, unknown_error))
    }
}

/// How long an event takes on an ordinary host: chosen to look like a small web application's.
fn duration(event: &EventName, rng: &mut Rng) -> Millis {
    rng.i64(match event {
        EventName::ApplicationStop => 100..800,
        EventName::DownloadBundle => 1_000..6_000,
        EventName::BeforeInstall => 200..1_500,
        EventName::Install => 500..4_000,
        EventName::AfterInstall => 200..2_000,
        EventName::ApplicationStart => 800..4_000,
        EventName::ValidateService => 500..3_000,
        _ => 100..1_000,
    })
}
