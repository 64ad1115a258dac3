//! An in-place deployment to EC2 and on-premises instances without a load balancer: its state machine.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use fastrand::Rng;

use super::driver::{Context, Due, Key, Message, Ticket};
use super::ending::End;
use super::faults::{self, EVENT_LIMIT};
use super::members::{self, History};
use super::slots::{Slots, Verdict};
use super::{configuration, ledger, texts};
use crate::model::{DeploymentStatus, Diagnostics, EventName, LifecycleErrorCode, Overview, TargetStatus};
use crate::runner::FileExists;
use crate::sandbox::fleet::{Fleet, Kind, seeded};
use crate::sandbox::host::{Begun, Order, unknown_error};
use crate::sandbox::store::{Deployment, ErrorInformation, Millis, Region, TargetKind};

/// Why a deployment doesn't start.
pub(super) enum Refusal {
    /// It was deleted.
    Gone,
    /// It goes to no instance.
    NoInstances,
    Failed(ErrorInformation),
}

/// A deployment that has started.
pub(super) struct InPlace {
    key: Key,
    order: Arc<Order>,
    slots: Slots,
    /// As the deployment's targets.
    hosts: Vec<Host>,
    /// The first host that was not started.
    next: usize,
    stopping: bool,
}

/// A host of the deployment.
struct Host {
    /// Its place in the fleet.
    instance: usize,
    /// The event that runs, or comes next.
    event: usize,
    /// When the event that runs began; none between events.
    began: Option<Millis>,
    /// How many times as long as usual the event takes.
    factor: f64,
    rng: Rng,
}

impl InPlace {
    pub(super) fn key(&self) -> &Key {
        &self.key
    }

    /// Finds the hosts and starts the deployment; the error is why it fails instead.
    pub(super) fn open(context: &mut Context, key: Key) -> Result<Self, Refusal> {
        let fleet = Arc::clone(&context.options.fleet);
        let mut rng = seeded(context.options.seed, &["order", &key.id]);
        let members = context
            .region(&key.region, |region| find_members(region, &key.id, &fleet, &mut rng))
            .unwrap_or(Err(Refusal::Gone))?;
        let total = u32::try_from(members.hosts.len()).unwrap_or(u32::MAX);
        context.deployment(&key, |deployment| {
            list_targets(deployment, &members.hosts, &fleet, context.now, &key)
        });
        let Some(slots) = Slots::new(total, members.required) else {
            context.deployment(&key, |deployment| skip(deployment, 0..members.hosts.len(), context.now));
            return Err(Refusal::Failed(texts::health_constraints_invalid()));
        };
        let seed = context.options.seed;
        let host = |instance: usize| Host {
            instance,
            event: 0,
            began: None,
            factor: 1.0,
            rng: fleet
                .instances
                .get(instance)
                .map_or_else(|| Rng::with_seed(seed), |found| seeded(seed, &[&key.id, &found.id])),
        };
        let hosts = members.hosts.into_iter().map(host).collect();
        Ok(InPlace { key, order: Arc::new(members.order), slots, hosts, next: 0, stopping: false })
    }

    /// Starts hosts while slots are free; says how the deployment ends once it does.
    pub(super) fn settle(&mut self, context: &mut Context, run: u64) -> Option<End> {
        if !self.stopping {
            while self.slots.start() {
                let host = self.next;
                self.next += 1;
                context.deployment(&self.key, |deployment| {
                    ledger::mark(deployment, host, TargetStatus::InProgress, context.now);
                });
                self.ask_later(context, run, host);
            }
        }
        let end = match self.slots.verdict() {
            Verdict::Going => return None,
            _ if self.stopping => End::Stopped,
            Verdict::Succeeded => End::Succeeded,
            Verdict::TooManyFailed | Verdict::Failed => End::Failed(texts::health_constraints()),
        };
        self.close(context);
        Some(end)
    }

    /// Nothing more is started; events in flight end as they end.
    pub(super) fn stop(&mut self, context: &mut Context) {
        self.stopping = true;
        self.close(context);
    }

    /// A host's agent asks for its next event.
    pub(super) fn next_event(&mut self, context: &mut Context, run: u64, host: usize) {
        if self.stopping {
            return self.interrupt(context, host);
        }
        let fleet = Arc::clone(&context.options.fleet);
        let Some(state) = self.hosts.get_mut(host) else { return };
        let (Some(event), Some(instance)) =
            (EventName::IN_PLACE.get(state.event), fleet.instances.get(state.instance))
        else {
            return;
        };
        let ticket = Ticket { run, host, event: state.event };
        context
            .deployment(&self.key, |deployment| ledger::begin(deployment, host, ticket.event, context.now));
        state.began = Some(context.now);
        let fault = faults::meet(&fleet, instance, event);
        state.factor = fault.factor();
        if let Some((after, diagnostics)) = fault.outcome(event, state.rng.fork()) {
            return context.after(after, Due::Ended(ticket, diagnostics));
        }
        let hosts = match instance.kind {
            Kind::Local => &context.options.local,
            Kind::Simulated => &context.options.simulated,
        };
        let messages = context.messages.clone();
        let answer = Box::new(move |diagnostics| {
            // Unheard where the sandbox has ended.
            let _ = messages.send(Message::Answered(ticket, diagnostics));
        });
        match hosts.begin(instance, &self.order, event, &mut state.rng, answer) {
            Begun::Ends(after, diagnostics) => {
                context.after(stretched(after, state.factor), Due::Ended(ticket, diagnostics));
            }
            Begun::Answers => {
                // Scripts run in real time, and so does their limit.
                let limit = Duration::from_millis(EVENT_LIMIT.unsigned_abs());
                let limit = context.shared.clock.span(limit);
                context.after(limit, Due::Ended(ticket, unknown_error(texts::EVENT_TIMED_OUT)));
            }
        }
    }

    /// A host says how an event went; a slow one is heard of later.
    pub(super) fn answered(&mut self, context: &mut Context, ticket: Ticket, diagnostics: Diagnostics) {
        let Some(Host { began: Some(began), factor, .. }) = self.hosts.get(ticket.host) else { return };
        let took = context.now - began;
        let later = stretched(took, *factor) - took;
        if later > 0 {
            context.after(later, Due::Ended(ticket, diagnostics));
        } else {
            self.event_ended(context, ticket, diagnostics);
        }
    }

    /// An event has ended. One that ended before, or was given up, is not heard of again.
    pub(super) fn event_ended(&mut self, context: &mut Context, ticket: Ticket, diagnostics: Diagnostics) {
        let Ticket { run, host, event } = ticket;
        let Some(state) = self.hosts.get_mut(host) else { return };
        if state.began.is_none() || state.event != event {
            return;
        }
        state.began = None;
        state.event += 1;
        let last = state.event == EventName::IN_PLACE.len();
        let well = diagnostics.error_code == LifecycleErrorCode::Success;
        let goes_on = context.deployment(&self.key, |deployment| {
            ledger::end(deployment, host, event, well, diagnostics, context.now);
            let forgiven = deployment.ignore_application_stop_failures
                && EventName::IN_PLACE.get(event) == Some(&EventName::ApplicationStop);
            well || forgiven
        });
        match goes_on {
            Some(true) if last => self.host_ended(context, host, TargetStatus::Succeeded),
            Some(true) if self.stopping => self.interrupt(context, host),
            Some(true) => self.ask_later(context, run, host),
            _ => self.host_ended(context, host, TargetStatus::Failed),
        }
    }

    /// The agent polls: the next event waits a little.
    fn ask_later(&mut self, context: &mut Context, run: u64, host: usize) {
        let Some(state) = self.hosts.get_mut(host) else { return };
        let pace = state.rng.i64(context.options.agent_pace.clone());
        context.after(pace, Due::Ask(run, host));
    }

    /// A stop meets a host between two events. One that no event reached was never attempted.
    fn interrupt(&mut self, context: &mut Context, host: usize) {
        let untouched = self.hosts.get(host).is_some_and(|state| state.event == 0);
        self.host_ended(context, host, if untouched { TargetStatus::Skipped } else { TargetStatus::Failed });
    }

    fn host_ended(&mut self, context: &mut Context, host: usize, status: TargetStatus) {
        self.slots.end(status == TargetStatus::Succeeded);
        context.deployment(&self.key, |deployment| {
            ledger::skip_rest(deployment, host, context.now);
            ledger::mark(deployment, host, status, context.now);
        });
    }

    /// The hosts that were not started never will be.
    fn close(&mut self, context: &mut Context) {
        self.slots.close();
        let rest = self.next..self.hosts.len();
        self.next = self.hosts.len();
        context.deployment(&self.key, |deployment| skip(deployment, rest, context.now));
    }
}

/// Where a deployment goes, and how.
struct Members {
    hosts: Vec<usize>,
    /// How many must stay healthy.
    required: u32,
    order: Order,
}

fn find_members(region: &mut Region, id: &str, fleet: &Fleet, rng: &mut Rng) -> Result<Members, Refusal> {
    let region = &*region;
    let Some(deployment) = region.deployments.get(id) else { return Err(Refusal::Gone) };
    let groups = region.applications.values().flat_map(|application| application.groups.values());
    let Some(group) = groups.into_iter().find(|group| group.id == deployment.group_id) else {
        return Err(Refusal::Failed(texts::group_missing(&deployment.group)));
    };
    let history = History::of(region, &group.id);
    let mut hosts = members::of_group(&group.settings, fleet);
    if let (true, Some(target)) = (deployment.update_outdated_instances_only, &group.target_revision) {
        hosts.retain(|index| fleet.instances.get(*index).is_some_and(|host| !history.has(host, target)));
    }
    if hosts.is_empty() {
        return Err(Refusal::NoInstances);
    }
    history.order(&mut hosts, fleet, &deployment.revision, rng);
    let total = u32::try_from(hosts.len()).unwrap_or(u32::MAX);
    let Some(minimum) = configuration::minimum_healthy_hosts(&deployment.config, region) else {
        return Err(Refusal::Failed(texts::config_missing(&deployment.config)));
    };
    Ok(Members { hosts, required: minimum.required(total), order: order(deployment) })
}

fn order(deployment: &Deployment) -> Order {
    Order {
        deployment: deployment.id.clone(),
        application: deployment.application.clone(),
        group: deployment.group.clone(),
        group_id: deployment.group_id.clone(),
        revision: deployment.revision.clone(),
        file_exists: match deployment.file_exists_behavior.as_str() {
            "OVERWRITE" => FileExists::Overwrite,
            "RETAIN" => FileExists::Retain,
            _ => FileExists::Disallow,
        },
        bundle: OnceLock::new(),
    }
}

fn list_targets(deployment: &mut Deployment, hosts: &[usize], fleet: &Fleet, now: Millis, key: &Key) {
    deployment.status = DeploymentStatus::InProgress;
    deployment.started = Some(now);
    deployment.targets = hosts
        .iter()
        .filter_map(|index| fleet.instances.get(*index))
        .map(|instance| {
            ledger::pending(
                &instance.id,
                instance.arn(&key.region),
                TargetKind::Instance(None),
                EventName::IN_PLACE,
            )
        })
        .collect();
    let pending = u64::try_from(deployment.targets.len()).unwrap_or(u64::MAX);
    deployment.overview = Some(Overview { pending, ..Overview::default() });
}

fn skip(deployment: &mut Deployment, hosts: std::ops::Range<usize>, now: Millis) {
    for host in hosts {
        ledger::skip_rest(deployment, host, now);
        ledger::mark(deployment, host, TargetStatus::Skipped, now);
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "a duration, saturating")]
fn stretched(took: Millis, factor: f64) -> Millis {
    ((took as f64 * factor) as Millis).clamp(0, EVENT_LIMIT)
}
