//! A blue/green deployment to EC2 instances: a green fleet is provisioned and installed, traffic moves to it, and the
//! blue one goes or stays. Its rollback moves the traffic back.
//!
//! Source: AWS's user guide, "Blue/green deployments on an EC2/on-premises compute platform".

mod plans;
mod record;

use std::sync::Arc;

use fastrand::Rng;
use serde_json::{Map, Value, json};

use super::driver::{Context, Due, Key, Ticket};
use super::ending::{End, Stop};
use super::fleets::{self, Fleets, Found, Origin};
use super::machine::{Machine, Refusal};
use super::slots::Slots;
use super::waits::Waits;
use super::wave::{Tally, Wave};
use super::{ledger, texts};
use crate::model::{DeploymentStatus, Diagnostics, EventName, MinimumHealthyHosts, Overview};
use crate::sandbox::fleet::{Instance, seeded};
use crate::sandbox::host::Order;
use crate::sandbox::operations::name_hooks;
use crate::sandbox::store::{Label, Millis, Target, TargetKind, Wait};

/// How long a new fleet takes to be there: chosen to look like instances that start.
const PROVISIONING: std::ops::Range<Millis> = 30_000..60_000;
/// The events of a new instance before traffic is allowed to it.
const INSTALLATION: usize = 7;

/// A deployment that has started.
pub(super) struct BlueGreen {
    key: Key,
    order: Arc<Order>,
    fleets: Fleets,
    minimum: MinimumHealthyHosts,
    waits: Waits,
    phase: Phase,
    /// When the machine wants to be woken: an earlier moment is an old one.
    due: Option<Millis>,
    stop: Option<Stop>,
    over: Option<End>,
    rng: Rng,
}

enum Phase {
    Nothing,
    Provisioning,
    Installing(Wave),
    /// Somebody must continue, within so many minutes.
    Ready(i64),
    Allowing(Wave),
    Blocking(Wave),
    Termination,
}

impl BlueGreen {
    /// Finds both fleets and starts the deployment; the error is why it fails instead.
    pub(super) fn open(context: &mut Context, key: Key) -> Result<Self, Refusal> {
        let found = context.with_hosts(&key, |region, hosts| fleets::find(region, &key, hosts));
        let Found { fleets, order, minimum, waits } = found.unwrap_or(Err(Refusal::Gone))?;
        let most = fleets.gaining.len().max(fleets.losing.len());
        if !context.options.fleet.admits(most) {
            return Err(Refusal::Failed(texts::too_many()));
        }
        context.deployment(&key, |deployment| {
            deployment.status = DeploymentStatus::InProgress;
            deployment.started = Some(context.now);
            deployment.overview = Some(Overview::default());
        });
        let rng = seeded(context.options.seed, &["blue/green", &key.id]);
        let machine = BlueGreen {
            key,
            order: Arc::new(order),
            fleets,
            minimum,
            waits,
            phase: Phase::Nothing,
            due: None,
            stop: None,
            over: None,
            rng,
        };
        let back = machine.is_back();
        let (losing, gaining) = if back { (Label::Green, Label::Blue) } else { (Label::Blue, Label::Green) };
        machine.list(context, &machine.fleets.losing, losing, EventName::BLOCK_TRAFFIC);
        machine.list(context, &machine.fleets.gaining, gaining, machine.gaining_names());
        Ok(machine)
    }

    fn is_back(&self) -> bool {
        matches!(self.fleets.origin, Origin::Back)
    }

    /// The events of the hosts that gain traffic.
    fn gaining_names(&self) -> &'static [EventName] {
        if self.is_back() { EventName::ALLOW_TRAFFIC } else { EventName::NEW_INSTANCE }
    }

    /// Adds targets to those that the deployment shows. The sandbox's choice: its overview counts both fleets.
    fn list(&self, context: &Context, hosts: &[Arc<Instance>], label: Label, names: &[EventName]) {
        context.deployment(&self.key, |deployment| {
            for host in hosts {
                let kind = TargetKind::Instance(Some(label));
                deployment.targets.push(ledger::pending(&host.id, host.arn(&self.key.region), kind, names));
                deployment.overview.get_or_insert_default().pending += 1;
            }
        });
    }

    fn wake(&mut self, context: &mut Context, run: u64, after: Millis) {
        self.due = Some(context.now.saturating_add(after));
        context.after(after, Due::Next(run));
    }

    fn begin(&mut self, context: &mut Context, run: u64) {
        match self.fleets.origin {
            Origin::Copied { .. } => {
                self.phase = Phase::Provisioning;
                let after = self.rng.i64(PROVISIONING);
                self.wake(context, run, after);
            }
            Origin::Found(_) => self.install(context),
            Origin::Back => self.allow(context),
        }
    }

    fn provision(&mut self, context: &mut Context) {
        let Origin::Copied { from, name } = &self.fleets.origin else { return };
        let models = context.inventory.scaled(&self.key.region, from);
        self.fleets.gaining = context.inventory.launch(&self.key.region, name, &models, models.len());
        self.list(context, &self.fleets.gaining, Label::Green, EventName::NEW_INSTANCE);
        self.install(context);
    }

    fn install(&mut self, context: &mut Context) {
        let total = count(self.fleets.gaining.len());
        match Slots::new(total, self.minimum.required(total)) {
            Some(slots) => {
                let plan = self.installation(self.ready(context), slots);
                self.phase = Phase::Installing(Wave::new(context, plan));
            }
            None => self.over = Some(End::Failed(texts::health_constraints_invalid())),
        }
    }

    /// Lets traffic in on the hosts that are ready for it.
    fn allow(&mut self, context: &mut Context) {
        context.deployment(&self.key, |deployment| {
            deployment.status = DeploymentStatus::InProgress;
            deployment.progress.wait = None;
        });
        let ready = self.ready(context);
        match self.admission(ready) {
            Some(plan) => self.phase = Phase::Allowing(Wave::new(context, plan)),
            None => self.block(context),
        }
    }

    /// Keeps traffic from the hosts that lose it.
    fn block(&mut self, context: &mut Context) {
        self.phase = match self.exclusion() {
            Some(plan) => Phase::Blocking(Wave::new(context, plan)),
            None => Phase::Termination,
        };
    }

    /// What the end of a wave means.
    fn wave_ended(&mut self, context: &mut Context, run: u64, tally: Tally) {
        if let Some(stop) = self.stop.take() {
            self.over = Some(End::Stopped(stop));
            return;
        }
        let enough = |total: usize| {
            let healthy = count(total).saturating_sub(tally.failed);
            !tally.cut_short && tally.succeeded > 0 && healthy >= self.minimum.required(count(total))
        };
        let went_well = match self.phase {
            Phase::Installing(_) => enough(self.fleets.gaining.len()),
            Phase::Allowing(_) => !tally.cut_short && tally.succeeded > 0,
            // Source: AWS's user guide: a single host that can't be deregistered fails the deployment.
            _ => tally.failed == 0 && !tally.cut_short,
        };
        match std::mem::replace(&mut self.phase, Phase::Nothing) {
            _ if !went_well => self.over = Some(End::Failed(texts::health_constraints())),
            Phase::Installing(_) => match self.waits.ready {
                Some(minutes) => {
                    context.deployment(&self.key, |deployment| {
                        deployment.status = DeploymentStatus::Ready;
                        deployment.progress.wait = Some(Wait::Ready);
                    });
                    self.phase = Phase::Ready(minutes);
                    self.wake(context, run, Waits::ready_limit(minutes));
                }
                None => self.allow(context),
            },
            Phase::Allowing(_) => self.block(context),
            _ => self.phase = Phase::Termination,
        }
        if matches!(self.phase, Phase::Termination) {
            self.moved(context, run);
        }
    }

    /// Traffic has moved: the blue fleet stays for a while.
    fn moved(&mut self, context: &mut Context, run: u64) {
        match self.waits.termination {
            Some(after) if after > 0 && !self.is_back() => {
                context.deployment(&self.key, |deployment| {
                    deployment.progress.wait = Some(Wait::Termination);
                    deployment.progress.termination_wait_started = true;
                });
                self.wake(context, run, after);
            }
            _ => self.finish(context),
        }
    }

    /// The blue fleet goes, and the group points at the green one.
    fn finish(&mut self, context: &mut Context) {
        self.over = Some(End::Succeeded);
        if !self.is_back() && self.waits.termination.is_some() {
            let blue = self.fleets.losing.iter().map(|host| host.id.clone());
            context.inventory.remove(&self.key.region, blue);
        }
        let changes = match &self.fleets.origin {
            Origin::Copied { name, .. } => {
                Map::from_iter([("autoScalingGroups".to_owned(), json!([{"name": name}]))])
            }
            Origin::Found(found) => fleets::pointed(found),
            Origin::Back => return,
        };
        context.region(&self.key.region, |region| {
            let Some(id) = region.deployments.get(&self.key.id).map(|one| one.group_id.clone()) else {
                return;
            };
            if let Some(group) = region.group_mut(&id) {
                if changes.contains_key("ec2TagFilters") {
                    group.settings.remove("ec2TagSet");
                } else if changes.contains_key("ec2TagSet") {
                    group.settings.remove("ec2TagFilters");
                }
                group.settings.extend(changes.clone());
                name_hooks(&mut group.settings, &mut self.rng);
            }
        });
    }

    fn wave(&mut self) -> Option<&mut Wave> {
        match &mut self.phase {
            Phase::Installing(wave) | Phase::Allowing(wave) | Phase::Blocking(wave) => Some(wave),
            _ => None,
        }
    }
}

impl Machine for BlueGreen {
    fn key(&self) -> &Key {
        &self.key
    }

    fn record(&self) -> Value {
        self.kept()
    }

    fn settle(&mut self, context: &mut Context, run: u64) -> Option<End> {
        if matches!(self.phase, Phase::Nothing) && self.over.is_none() {
            self.begin(context, run);
        }
        while self.over.is_none() {
            let Some(tally) = self.wave().and_then(|wave| wave.settle(context, run)) else { break };
            self.wave_ended(context, run, tally);
        }
        let end = self.over.take()?;
        context.deployment(&self.key, |deployment| {
            let left = |(_, target): &(usize, &Target)| !target.status.is_finished();
            let left: Vec<usize> =
                (0..).zip(deployment.targets.iter()).filter(left).map(|(index, _)| index).collect();
            ledger::skip(deployment, left, context.now);
        });
        Some(end)
    }

    fn ask(&mut self, context: &mut Context, run: u64, target: usize) {
        if let Some(wave) = self.wave() {
            wave.next_event(context, run, target);
        }
    }

    fn answered(&mut self, context: &mut Context, ticket: Ticket, diagnostics: Diagnostics) {
        if let Some(wave) = self.wave() {
            wave.answered(context, ticket, diagnostics);
        }
    }

    fn event_ended(&mut self, context: &mut Context, ticket: Ticket, diagnostics: Diagnostics) {
        if let Some(wave) = self.wave() {
            wave.event_ended(context, ticket, diagnostics);
        }
    }

    fn next(&mut self, context: &mut Context, _run: u64) -> Option<End> {
        if self.due.is_none_or(|due| context.now < due) {
            return None;
        }
        self.due = None;
        match self.phase {
            Phase::Provisioning => self.provision(context),
            Phase::Ready(minutes) => self.over = Some(End::Stopped(Stop::NotContinued(minutes))),
            Phase::Termination => self.finish(context),
            _ => {}
        }
        None
    }

    fn stop(&mut self, context: &mut Context, stop: Stop) {
        self.due = None;
        let at_once = matches!(stop, Stop::Alarms(_) | Stop::Overdue);
        match self.wave() {
            Some(wave) => {
                if at_once {
                    wave.abort(context);
                } else {
                    wave.stop(context);
                }
                self.stop = Some(stop);
            }
            None => self.over = Some(End::Stopped(stop)),
        }
    }

    fn continued(&mut self, context: &mut Context, _run: u64, wait: Wait) {
        match (&self.phase, wait) {
            (Phase::Ready(_), Wait::Ready) => {
                self.due = None;
                self.allow(context);
            }
            (Phase::Termination, Wait::Termination) => {
                self.due = None;
                self.finish(context);
            }
            _ => {}
        }
    }
}

fn count(hosts: usize) -> u32 {
    u32::try_from(hosts).unwrap_or(u32::MAX)
}
