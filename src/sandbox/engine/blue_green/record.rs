//! What a blue/green deployment keeps of itself, and how it goes on from there after a restart.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{BlueGreen, INSTALLATION, Phase, count};
use crate::model::EventStatus;
use crate::sandbox::engine::driver::{Context, Due, Key};
use crate::sandbox::engine::ending::Stop;
use crate::sandbox::engine::fleets::{self, Fleets, Origin};
use crate::sandbox::engine::machine::Refusal;
use crate::sandbox::engine::shapes::recorded;
use crate::sandbox::engine::slots::Slots;
use crate::sandbox::engine::wave::{Plan, Wave};
use crate::sandbox::fleet::seeded;
use crate::sandbox::store::{Label, Millis, TargetKind};

/// What the targets do not tell.
#[derive(Serialize, Deserialize)]
struct Record {
    stage: Stage,
    due: Option<Millis>,
    stop: Option<Stop>,
    origin: Origin,
}

/// A phase without what the targets tell.
#[derive(Serialize, Deserialize)]
enum Stage {
    Nothing,
    Provisioning,
    Installing,
    Ready(i64),
    Allowing,
    Blocking,
    Termination,
}

impl BlueGreen {
    /// Goes on where the targets are; the error is why it can't.
    pub(in crate::sandbox::engine) fn resume(
        context: &mut Context,
        key: Key,
        run: u64,
        record: Value,
    ) -> Result<Self, Refusal> {
        let Record { stage, due, stop, origin } = recorded(record)?;
        let hosts = context.hosts_of(&key);
        let found = context.region(&key.region, |region| {
            let terms = fleets::terms(region, &key)?;
            let targets = region.deployments.get(&key.id).map(|deployment| &deployment.targets);
            let targets = targets.into_iter().flatten();
            // A target that failed before traffic was let in takes no part in that.
            let told = targets.map(|target| {
                let event = target.events.get(INSTALLATION);
                (target.kind.clone(), event.is_some_and(|event| event.status == EventStatus::Skipped))
            });
            Ok((terms, told.collect::<Vec<_>>()))
        });
        let ((order, minimum, waits), told) = found.unwrap_or(Err(Refusal::Gone))?;
        let loses = if matches!(origin, Origin::Back) { Label::Green } else { Label::Blue };
        let losing = told.iter().take_while(|(kind, _)| *kind == TargetKind::Instance(Some(loses))).count();
        let (losing, gaining) = hosts.split_at(losing.min(hosts.len()));
        let fleets = Fleets { losing: losing.to_vec(), gaining: gaining.to_vec(), origin };
        let mut machine = BlueGreen {
            rng: seeded(context.options.seed, &["blue/green", &key.id, "resumed"]),
            key,
            order: Arc::new(order),
            fleets,
            minimum,
            waits,
            phase: Phase::Nothing,
            due: due.map(|due| due.saturating_add(context.options.paused)),
            stop,
            over: None,
        };
        if let Some(due) = machine.due {
            context.schedule.push(due, Due::Next(run));
        }
        let all = || (machine.fleets.losing.len()..hosts.len()).collect::<Vec<_>>();
        let takes_part = |target: &usize| told.get(*target).is_some_and(|(_, skipped)| !skipped);
        let stopping = machine.stop.is_some();
        let mut wave = |plan: Option<Plan>, phase: fn(Wave) -> Phase| {
            plan.map_or(Phase::Nothing, |plan| phase(Wave::resume(context, plan, run, stopping)))
        };
        machine.phase = match stage {
            Stage::Nothing => Phase::Nothing,
            Stage::Provisioning => Phase::Provisioning,
            Stage::Ready(minutes) => Phase::Ready(minutes),
            Stage::Termination => Phase::Termination,
            Stage::Installing => {
                let total = count(machine.fleets.gaining.len());
                let slots = Slots::new(total, machine.minimum.required(total));
                wave(slots.map(|slots| machine.installation(all(), slots)), Phase::Installing)
            }
            Stage::Allowing => {
                wave(machine.admission(all().into_iter().filter(takes_part).collect()), Phase::Allowing)
            }
            Stage::Blocking => wave(machine.exclusion(), Phase::Blocking),
        };
        Ok(machine)
    }

    /// What goes to disk.
    pub(super) fn kept(&self) -> Value {
        let (due, stop, origin) = (self.due, self.stop.clone(), self.fleets.origin.clone());
        json!(Record { stage: self.stage(), due, stop, origin })
    }

    fn stage(&self) -> Stage {
        match self.phase {
            Phase::Nothing => Stage::Nothing,
            Phase::Provisioning => Stage::Provisioning,
            Phase::Installing(_) => Stage::Installing,
            Phase::Ready(minutes) => Stage::Ready(minutes),
            Phase::Allowing(_) => Stage::Allowing,
            Phase::Blocking(_) => Stage::Blocking,
            Phase::Termination => Stage::Termination,
        }
    }
}
