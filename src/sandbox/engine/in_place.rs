//! An in-place deployment to EC2 and on-premises instances: with and without a load balancer, zone by zone or not,
//! and the deployments that Auto Scaling makes for one instance of its own.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

use fastrand::Rng;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::configuration::{Configuration, Zonal};
use super::driver::{Context, Due, Key, Ticket};
use super::ending::{End, Stop};
use super::machine::{Machine, Refusal};
use super::members::{self, History};
use super::shapes::recorded;
use super::slots::Slots;
use super::successor::restarted;
use super::wave::{Plan, Tally, Wave};
use super::{ledger, texts};
use crate::model::{Creator, DeploymentStatus, Diagnostics, EventName, Overview, TargetStatus};
use crate::runner::FileExists;
use crate::sandbox::fleet::{Instance, seeded};
use crate::sandbox::host::Order;
use crate::sandbox::store::{Deployment, Group, Millis, Region, TargetKind};

/// The events of an instance that Auto Scaling takes away. Source: AWS's user guide, "Amazon EC2 Auto Scaling".
const TERMINATION: &[EventName] = &[
    EventName::BeforeBlockTraffic,
    EventName::BlockTraffic,
    EventName::AfterBlockTraffic,
    EventName::ApplicationStop,
];
/// The events of a restart. The sandbox's choice: the service's own are not known.
const RESTART: &[EventName] =
    &[EventName::ApplicationStop, EventName::ApplicationStart, EventName::ValidateService];
const RESTART_BALANCED: &[EventName] = &[
    EventName::BeforeBlockTraffic,
    EventName::BlockTraffic,
    EventName::AfterBlockTraffic,
    EventName::ApplicationStop,
    EventName::ApplicationStart,
    EventName::ValidateService,
    EventName::BeforeAllowTraffic,
    EventName::AllowTraffic,
    EventName::AfterAllowTraffic,
];

/// A deployment that has started.
pub(super) struct InPlace {
    key: Key,
    order: Arc<Order>,
    names: &'static [EventName],
    /// In the order of the targets.
    hosts: Vec<Arc<Instance>>,
    /// How many must stay healthy.
    required: usize,
    zonal: Option<Zonal>,
    /// The targets that each further wave is about.
    zones: VecDeque<Range<usize>>,
    wave: Option<Wave>,
    /// When the next zone begins, between two of them.
    due: Option<Millis>,
    /// Waves that have begun.
    begun: usize,
    succeeded: usize,
    failed: usize,
    stop: Option<Stop>,
    creator: Creator,
}

impl InPlace {
    /// Finds the hosts and starts the deployment; the error is why it fails instead.
    pub(super) fn open(context: &mut Context, key: Key) -> Result<Self, Refusal> {
        let mut rng = seeded(context.options.seed, &["order", &key.id]);
        let found = context.with_hosts(&key, |region, hosts| find(region, &key.id, hosts, &mut rng));
        let found = found.unwrap_or(Err(Refusal::Gone))?;
        if !context.options.fleet.admits(found.hosts.len()) {
            return Err(Refusal::Failed(texts::too_many()));
        }
        let Found { hosts, required, zonal, names, order, creator } = found;
        context.deployment(&key, |deployment| {
            deployment.status = DeploymentStatus::InProgress;
            deployment.started = Some(context.now);
            deployment.targets = hosts
                .iter()
                .map(|host| {
                    ledger::pending(&host.id, host.arn(&key.region), TargetKind::Instance(None), names)
                })
                .collect();
            let pending = u64::try_from(hosts.len()).unwrap_or(u64::MAX);
            deployment.overview = Some(Overview { pending, ..Overview::default() });
        });
        let zones = split(&hosts, zonal);
        let is_stuck = |zone: &Range<usize>| {
            let hosts = u32::try_from(zone.len()).unwrap_or(u32::MAX);
            zonal.is_some_and(|zonal| zonal.minimum.required(hosts) >= hosts)
        };
        if required >= hosts.len() || zones.iter().any(is_stuck) {
            context.deployment(&key, |deployment| ledger::skip(deployment, 0..hosts.len(), context.now));
            return Err(Refusal::Failed(texts::health_constraints_invalid()));
        }
        Ok(InPlace {
            key,
            order: Arc::new(order),
            names,
            hosts,
            required,
            zonal,
            zones,
            wave: None,
            due: None,
            begun: 0,
            succeeded: 0,
            failed: 0,
            stop: None,
            creator,
        })
    }

    /// Goes on where the targets are; the error is why it can't.
    pub(super) fn resume(context: &mut Context, key: Key, run: u64, record: Value) -> Result<Self, Refusal> {
        let Record { due, stop } = recorded(record)?;
        let hosts = context.hosts_of(&key);
        let found = context.region(&key.region, |region| {
            let deployment = region.deployments.get(&key.id).ok_or(Refusal::Gone)?;
            let terms = terms(region, deployment, hosts.len())?;
            let statuses: Vec<_> = deployment.targets.iter().map(|target| target.status.clone()).collect();
            Ok((terms, told(region, deployment)?, names(deployment), deployment.creator.clone(), statuses))
        });
        let ((required, zonal), order, names, creator, statuses) = found.unwrap_or(Err(Refusal::Gone))?;
        let mut machine = InPlace {
            key,
            order: Arc::new(order),
            names,
            zones: split(&hosts, zonal),
            hosts,
            required,
            zonal,
            wave: None,
            due: due.map(|due| due.saturating_add(context.options.paused)),
            begun: 0,
            succeeded: 0,
            failed: 0,
            stop,
            creator,
        };
        machine.catch_up(context, run, &statuses);
        Ok(machine)
    }

    /// Counts the zones that are over, and takes up the one that has begun.
    fn catch_up(&mut self, context: &mut Context, run: u64, statuses: &[TargetStatus]) {
        while let Some(zone) = self.zones.front().cloned() {
            let statuses = statuses.get(zone.clone()).unwrap_or_default();
            if statuses.iter().all(|status| *status == TargetStatus::Pending) {
                break;
            }
            self.zones.pop_front();
            self.begun += 1;
            if statuses.iter().all(TargetStatus::is_finished) {
                let count = |meant| statuses.iter().filter(|status| **status == meant).count();
                self.succeeded += count(TargetStatus::Succeeded);
                self.failed += count(TargetStatus::Failed);
            } else if let Some(plan) = self.plan(zone) {
                self.wave = Some(Wave::resume(context, plan, run, self.stop.is_some()));
                break;
            }
        }
        if self.stop.is_some() {
            self.zones.clear();
        }
        if let Some(due) = self.due {
            context.schedule.push(due, Due::Next(run));
        }
    }

    /// Begins the next zone, which may have no host to spare.
    fn begin(&mut self, context: &mut Context) -> Option<End> {
        let zone = self.zones.pop_front()?;
        self.due = None;
        let Some(plan) = self.plan(zone.clone()) else {
            self.skip_zones(context, zone.start);
            return Some(End::Failed(texts::health_constraints()));
        };
        self.begun += 1;
        self.wave = Some(Wave::new(context, plan));
        None
    }

    /// A zone's wave; none where it has no host to spare.
    fn plan(&self, zone: Range<usize>) -> Option<Plan> {
        let hosts = self.hosts.get(zone.clone()).unwrap_or_default().to_vec();
        let total = u32::try_from(hosts.len()).unwrap_or(u32::MAX);
        let own = self.zonal.map_or(0, |zonal| zonal.minimum.required(total));
        let spare = self.hosts.len().saturating_sub(self.required + self.failed);
        let required = own.max(total.saturating_sub(u32::try_from(spare).unwrap_or(u32::MAX)));
        Some(Plan {
            key: self.key.clone(),
            order: Arc::clone(&self.order),
            targets: zone.collect(),
            hosts,
            names: self.names,
            events: 0..self.names.len(),
            done: TargetStatus::Succeeded,
            slots: Slots::new(total, required)?,
        })
    }

    /// What a zone's end means for the deployment; none where it goes on.
    fn zone_ended(&mut self, context: &mut Context, run: u64, tally: Tally) -> Option<End> {
        self.wave = None;
        self.succeeded += usize::try_from(tally.succeeded).unwrap_or(usize::MAX);
        self.failed += usize::try_from(tally.failed).unwrap_or(usize::MAX);
        if let Some(stop) = self.stop.take() {
            return Some(End::Stopped(stop));
        }
        let healthy = self.hosts.len() - self.failed;
        let Some(next) = self.zones.front() else {
            let enough = !tally.cut_short && healthy >= self.required && self.succeeded > 0;
            return Some(if enough { End::Succeeded } else { End::Failed(texts::health_constraints()) });
        };
        if tally.cut_short || healthy <= self.required {
            self.skip_zones(context, next.start);
            return Some(End::Failed(texts::health_constraints()));
        }
        let zonal = self.zonal?;
        let monitored = if self.begun == 1 { zonal.first_monitor } else { zonal.monitor };
        self.due = Some(context.now.saturating_add(monitored));
        context.after(monitored, Due::Next(run));
        None
    }

    fn skip_zones(&mut self, context: &mut Context, from: usize) {
        self.zones.clear();
        context.deployment(&self.key, |deployment| {
            ledger::skip(deployment, from..self.hosts.len(), context.now);
        });
    }

    /// Auto Scaling takes away the instance that it scaled in, and one whose first deployment failed.
    fn release(&self, context: &mut Context, end: &End) {
        let leaves = match self.creator {
            Creator::AutoScalingTermination => true,
            Creator::AutoScaling => !matches!(end, End::Succeeded),
            _ => false,
        };
        if leaves {
            context.inventory.remove(&self.key.region, self.hosts.iter().map(|host| host.id.clone()));
        }
    }
}

/// What the targets do not tell.
#[derive(Serialize, Deserialize)]
struct Record {
    due: Option<Millis>,
    stop: Option<Stop>,
}

impl Machine for InPlace {
    fn key(&self) -> &Key {
        &self.key
    }

    fn record(&self) -> Value {
        json!(Record { due: self.due, stop: self.stop.clone() })
    }

    fn settle(&mut self, context: &mut Context, run: u64) -> Option<End> {
        if self.begun == 0
            && let Some(end) = self.begin(context)
        {
            return Some(end);
        }
        let end = match &mut self.wave {
            Some(wave) => {
                let tally = wave.settle(context, run)?;
                self.zone_ended(context, run, tally)?
            }
            // Between two zones.
            None => End::Stopped(self.stop.take()?),
        };
        self.release(context, &end);
        Some(end)
    }

    fn ask(&mut self, context: &mut Context, run: u64, target: usize) {
        if let Some(wave) = &mut self.wave {
            wave.next_event(context, run, target);
        }
    }

    fn answered(&mut self, context: &mut Context, ticket: Ticket, diagnostics: Diagnostics) {
        if let Some(wave) = &mut self.wave {
            wave.answered(context, ticket, diagnostics);
        }
    }

    fn event_ended(&mut self, context: &mut Context, ticket: Ticket, diagnostics: Diagnostics) {
        if let Some(wave) = &mut self.wave {
            wave.event_ended(context, ticket, diagnostics);
        }
    }

    fn next(&mut self, context: &mut Context, _run: u64) -> Option<End> {
        if self.wave.is_none() && self.stop.is_none() { self.begin(context) } else { None }
    }

    fn stop(&mut self, context: &mut Context, stop: Stop) {
        let stopping = self.stop.is_some();
        let at_once = if stopping { stop == Stop::Overdue } else { stop.ends_events() };
        let begun = self.zones.front().map(|zone| zone.start);
        if let Some(from) = begun {
            self.skip_zones(context, from);
        }
        match &mut self.wave {
            Some(wave) if at_once => wave.abort(context),
            Some(wave) => wave.stop(context),
            None => {}
        }
        self.stop.get_or_insert(stop);
    }
}

/// Where a deployment goes, and how.
struct Found {
    hosts: Vec<Arc<Instance>>,
    required: usize,
    zonal: Option<Zonal>,
    names: &'static [EventName],
    order: Order,
    creator: Creator,
}

fn find(region: &Region, id: &str, present: &[Arc<Instance>], rng: &mut Rng) -> Result<Found, Refusal> {
    let deployment = region.deployments.get(id).ok_or(Refusal::Gone)?;
    let group = group_of(region, deployment)?;
    let names = names(deployment);
    let creator = deployment.creator.clone();
    let order = told(region, deployment)?;
    if creator.is_auto_scaling() {
        let chosen = |host: &&Arc<Instance>| deployment.target(&host.id).is_some();
        let hosts: Vec<_> = present.iter().filter(chosen).cloned().collect();
        return if hosts.is_empty() {
            Err(Refusal::NoInstances)
        } else {
            Ok(Found { hosts, required: 0, zonal: None, names, order, creator })
        };
    }
    let history = History::of(region, &group.id);
    let mut hosts = members::of_group(&group.settings, present);
    if deployment.update_outdated_instances_only {
        hosts.retain(|host| !history.has(host, &deployment.revision));
    }
    if hosts.is_empty() {
        return Err(Refusal::NoInstances);
    }
    history.order(&mut hosts, &deployment.revision, rng);
    let (required, zonal) = terms(region, deployment, hosts.len())?;
    if zonal.is_some() {
        // The sandbox's choice: zones are taken by name.
        hosts.sort_by(|a, b| a.zone.cmp(&b.zone));
    }
    Ok(Found { hosts, required, zonal, names, order, creator })
}

/// How many of so many hosts must stay healthy, and whether they are taken by zone.
fn terms(region: &Region, deployment: &Deployment, hosts: usize) -> Result<(usize, Option<Zonal>), Refusal> {
    if deployment.creator.is_auto_scaling() {
        return Ok((0, None));
    }
    let config = Configuration::named(&deployment.config, region);
    let Some((config, minimum)) = config.and_then(|config| config.minimum().map(|minimum| (config, minimum)))
    else {
        return Err(Refusal::Failed(texts::config_missing(&deployment.config)));
    };
    // Source: AWS's user guide, "Zonal configuration": a rollback runs on random hosts, not by zone.
    let zonal = config.zonal().filter(|_| deployment.creator != Creator::Rollback);
    let total = u32::try_from(hosts).unwrap_or(u32::MAX);
    Ok((usize::try_from(minimum.required(total)).unwrap_or(usize::MAX), zonal))
}

/// What the deployment tells its hosts: a restart is one of what was installed last.
fn told(region: &Region, deployment: &Deployment) -> Result<Order, Refusal> {
    let mut order = order(deployment);
    if restarted(deployment) {
        let last = last_installed(region, deployment);
        order.installed = Some(last.ok_or_else(|| Refusal::Failed(texts::nothing_to_restart()))?);
    }
    Ok(order)
}

/// The deployment's group; the error is why it can't start.
pub(super) fn group_of<'r>(region: &'r Region, deployment: &Deployment) -> Result<&'r Group, Refusal> {
    let groups = region.applications.values().flat_map(|application| application.groups.values());
    groups
        .into_iter()
        .find(|group| group.id == deployment.group_id)
        .ok_or_else(|| Refusal::Failed(texts::group_missing(&deployment.group)))
}

/// The latest deployment of the group that installed something and went well: what hosts can restart.
fn last_installed(region: &Region, deployment: &Deployment) -> Option<String> {
    let older = region.history.iter().rev().filter_map(|id| region.deployments.get(id));
    let installed = |other: &&Deployment| {
        other.group_id == deployment.group_id
            && other.status == DeploymentStatus::Succeeded
            && !restarted(other)
            && !other.creator.is_auto_scaling()
    };
    older.into_iter().find(installed).map(|other| other.id.clone())
}

/// A member of the deployment's style (`deploymentType`, `deploymentOption`).
pub(super) fn style<'d>(deployment: &'d Deployment, member: &str) -> Option<&'d str> {
    deployment.settings.get("deploymentStyle")?.get(member).and_then(Value::as_str)
}

fn names(deployment: &Deployment) -> &'static [EventName] {
    let balanced = style(deployment, "deploymentOption") == Some("WITH_TRAFFIC_CONTROL");
    match deployment.creator {
        Creator::AutoScaling => EventName::NEW_INSTANCE,
        Creator::AutoScalingTermination => TERMINATION,
        _ if restarted(deployment) && balanced => RESTART_BALANCED,
        _ if restarted(deployment) => RESTART,
        _ if balanced => EventName::IN_PLACE_BALANCED,
        _ => EventName::IN_PLACE,
    }
}

/// The targets of each zone; of all hosts where they are not taken by zone.
fn split(hosts: &[Arc<Instance>], zonal: Option<Zonal>) -> VecDeque<Range<usize>> {
    if zonal.is_none() {
        return std::iter::once(0..hosts.len()).collect();
    }
    let mut start = 0;
    let zone = |chunk: &[Arc<Instance>]| {
        let range = start..start + chunk.len();
        start = range.end;
        range
    };
    hosts.chunk_by(|a, b| a.zone == b.zone).map(zone).collect()
}

/// What a deployment tells its hosts.
pub(super) fn order(deployment: &Deployment) -> Order {
    Order {
        deployment: deployment.id.clone(),
        installed: None,
        application: deployment.application.clone(),
        group: deployment.group.clone(),
        group_id: deployment.group_id.clone(),
        revision: deployment.revision.clone(),
        file_exists: match deployment.file_exists_behavior.as_str() {
            "OVERWRITE" => FileExists::Overwrite,
            "RETAIN" => FileExists::Retain,
            _ => FileExists::Disallow,
        },
        bundle: std::sync::OnceLock::new(),
    }
}
