//! A wave: hosts that go through the same events, as many at a time as may be out of service. What comes before and
//! after a wave is the machines' business.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use fastrand::Rng;

use super::driver::{Context, Due, Key, Message, Ticket};
use super::faults::{self, EVENT_LIMIT};
use super::ledger;
use super::slots::{Slots, Verdict};
use crate::model::{Diagnostics, EventName, LifecycleErrorCode, TargetStatus};
use crate::sandbox::fleet::{Instance, Kind, seeded};
use crate::sandbox::host::{Begun, Order, unknown_error};
use crate::sandbox::store::{Millis, Target};

use super::texts;

/// How long a load balancer takes to let a host go or to take it in: chosen to look like a small application's.
const TRAFFIC: Range<Millis> = 1_000..4_000;

/// What a wave is made of.
pub(super) struct Plan {
    pub(super) key: Key,
    pub(super) order: Arc<Order>,
    /// The deployment's targets that take part, in ascending order.
    pub(super) targets: Vec<usize>,
    /// As the targets.
    pub(super) hosts: Vec<Arc<Instance>>,
    /// All events of these targets.
    pub(super) names: &'static [EventName],
    /// Those that this wave is about.
    pub(super) events: Range<usize>,
    /// What a target is that went through all of them.
    pub(super) done: TargetStatus,
    pub(super) slots: Slots,
}

/// A wave that has begun.
pub(super) struct Wave {
    plan: Plan,
    hosts: Vec<Host>,
    /// The first host that was not started.
    next: usize,
    stopping: bool,
}

/// A host of the wave.
struct Host {
    /// The event that runs, or comes next.
    event: usize,
    /// When the event that runs began; none between events.
    began: Option<Millis>,
    /// How many times as long as usual the event takes.
    factor: f64,
    /// Nothing more happens to it in this wave.
    over: bool,
    rng: Rng,
}

/// Where a target is in a wave.
enum Place {
    Waiting,
    /// At this event, which began then or did not begin.
    At(usize, Option<Millis>),
    /// Over, well or not.
    Over(bool),
    /// It never had its turn.
    Closed,
}

impl Place {
    fn of(target: &Target, events: &Range<usize>, done: &TargetStatus) -> Self {
        match &target.status {
            TargetStatus::InProgress => {
                let all = target.events.iter().enumerate().take(events.end).skip(events.start);
                let at = all.into_iter().find(|(_, event)| event.end.is_none());
                at.map_or(Place::Over(true), |(index, event)| Place::At(index, event.start))
            }
            status if status == done => Place::Over(true),
            TargetStatus::Failed => Place::Over(false),
            status if status.is_finished() => Place::Closed,
            _ => Place::Waiting,
        }
    }
}

/// How a wave ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) succeeded: u32,
    pub(super) failed: u32,
    /// One failure too many while hosts were left.
    pub(super) cut_short: bool,
}

impl Wave {
    pub(super) fn new(context: &Context, plan: Plan) -> Self {
        let seed = context.options.seed;
        let host = |instance: &Arc<Instance>| Host {
            event: plan.events.start,
            began: None,
            factor: 1.0,
            over: false,
            rng: seeded(seed, &[&plan.key.id, &instance.id, &plan.events.start.to_string()]),
        };
        let hosts = plan.hosts.iter().map(host).collect();
        Wave { plan, hosts, next: 0, stopping: false }
    }

    /// A wave that had begun before the sandbox was down: its hosts are where their targets are.
    pub(super) fn resume(context: &mut Context, plan: Plan, run: u64, stopping: bool) -> Self {
        let mut wave = Wave::new(context, plan);
        let Plan { key, targets, events, done, .. } = &wave.plan;
        let found = context.deployment(key, |deployment| {
            let place =
                |index: &usize| deployment.targets.get(*index).map(|target| Place::of(target, events, done));
            targets.iter().map(|index| place(index).unwrap_or(Place::Closed)).collect::<Vec<_>>()
        });
        let found = found.unwrap_or_default();
        let count = |meant: fn(&Place) -> bool| {
            u32::try_from(found.iter().filter(|place| meant(place)).count()).unwrap_or(u32::MAX)
        };
        wave.plan.slots = wave.plan.slots.resume(
            count(|place| matches!(place, Place::Waiting)),
            count(|place| matches!(place, Place::At(..))),
            count(|place| matches!(place, Place::Over(false))),
            count(|place| matches!(place, Place::Over(true))),
        );
        wave.next = found.iter().position(|place| matches!(place, Place::Waiting)).unwrap_or(found.len());
        wave.stopping = stopping;
        let seed = context.options.seed;
        for (host, place) in found.into_iter().enumerate() {
            let (Some(state), Some(instance)) = (wave.hosts.get_mut(host), wave.plan.hosts.get(host)) else {
                continue;
            };
            let Place::At(event, began) = place else {
                state.over = !matches!(place, Place::Waiting);
                continue;
            };
            // What the host drew before is not known any more.
            let names = [wave.plan.key.id.as_str(), &instance.id, &event.to_string(), "resumed"];
            (state.event, state.began, state.rng) = (event, began, seeded(seed, &names));
            match began {
                Some(began) => {
                    let elapsed = context.now - context.options.paused - began;
                    wave.reach(context, run, host, Some(elapsed.max(0)));
                }
                None => wave.ask_later(context, run, host),
            }
        }
        wave
    }

    /// Starts hosts while slots are free; says how the wave ended once it has.
    pub(super) fn settle(&mut self, context: &mut Context, run: u64) -> Option<Tally> {
        if !self.stopping {
            while self.plan.slots.start() {
                let host = self.next;
                self.next += 1;
                let target = self.target(host);
                context.deployment(&self.plan.key, |deployment| {
                    ledger::mark(deployment, target, TargetStatus::InProgress, context.now);
                });
                self.ask_later(context, run, host);
            }
        }
        let verdict = self.plan.slots.verdict();
        if verdict == Verdict::Going {
            return None;
        }
        self.close(context);
        let (succeeded, failed) = self.plan.slots.ended();
        Some(Tally { succeeded, failed, cut_short: verdict == Verdict::TooManyFailed })
    }

    /// Nothing more is started; events in flight end as they end.
    pub(super) fn stop(&mut self, context: &mut Context) {
        self.stopping = true;
        self.close(context);
    }

    /// Nothing more is started, and events in flight fail at once: nobody hears how they end.
    pub(super) fn abort(&mut self, context: &mut Context) {
        self.stop(context);
        for host in 0..self.hosts.len() {
            let Some(state) = self.hosts.get_mut(host) else { continue };
            let (running, event) = (state.began.take(), state.event);
            if state.over {
                continue;
            }
            if running.is_some() {
                let target = self.target(host);
                context.deployment(&self.plan.key, |deployment| {
                    let diagnostics = unknown_error(texts::CUT_OFF);
                    ledger::end(deployment, target, event, false, Some(diagnostics), context.now);
                });
                self.host_ended(context, host, TargetStatus::Failed);
            } else {
                self.interrupt(context, host);
            }
        }
    }

    /// A host's agent asks for its next event; `target` is its place among the deployment's targets.
    pub(super) fn next_event(&mut self, context: &mut Context, run: u64, target: usize) {
        let Some(host) = self.place(target) else { return };
        let Some(state) = self.hosts.get_mut(host).filter(|state| !state.over && state.began.is_none())
        else {
            return;
        };
        if self.stopping {
            return self.interrupt(context, host);
        }
        if state.event >= self.plan.names.len() {
            return;
        }
        let event = state.event;
        context.deployment(&self.plan.key, |deployment| {
            ledger::begin(deployment, target, event, context.now);
        });
        state.began = Some(context.now);
        self.reach(context, run, host, None);
    }

    /// The event that has begun reaches its host. `elapsed`: it had done so before the sandbox was down, and had so
    /// long been at it.
    fn reach(&mut self, context: &mut Context, run: u64, host: usize, elapsed: Option<Millis>) {
        let target = self.target(host);
        let Some(state) = self.hosts.get_mut(host) else { return };
        let (Some(event), Some(instance)) = (self.plan.names.get(state.event), self.plan.hosts.get(host))
        else {
            return;
        };
        let ticket = Ticket { run, host: target, event: state.event };
        let left = |took: Millis| (took - elapsed.unwrap_or(0)).max(0);
        let gone = context.inventory.is_gone(&self.plan.key.region, &instance.id);
        let fault = faults::meet(&context.options.faults, instance, event, context.now, gone);
        state.factor = fault.factor();
        if let Some((after, diagnostics)) = fault.outcome(event, state.rng.fork()) {
            return context.after(left(after), Due::Ended(ticket, diagnostics));
        }
        // The load balancer's events are the service's own work, not the agent's.
        let begun = if matches!(event, EventName::BlockTraffic | EventName::AllowTraffic) {
            Begun::Ends(state.rng.i64(TRAFFIC), Diagnostics::success())
        } else if elapsed.is_some() && instance.kind == Kind::Local {
            // Its agent was the sandbox, and what the script did is not known.
            return context.after(0, Due::Ended(ticket, unknown_error(texts::AGENT_RESTARTED)));
        } else {
            let hosts = match instance.kind {
                Kind::Local => &context.options.local,
                Kind::Simulated => &context.options.simulated,
            };
            let messages = context.messages.clone();
            let answer = Box::new(move |diagnostics| {
                // Unheard where the sandbox has ended.
                let _ = messages.send(Message::Answered(ticket, diagnostics));
            });
            hosts.begin(instance, &self.plan.order, event, &mut state.rng, answer)
        };
        match begun {
            Begun::Ends(after, diagnostics) => {
                context.after(left(stretched(after, state.factor)), Due::Ended(ticket, diagnostics));
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
        let Some(host) = self.place(ticket.host) else { return };
        let Some(Host { began: Some(began), factor, event, .. }) = self.hosts.get(host) else { return };
        if *event == ticket.event
            && let Some(instance) = self.plan.hosts.get(host)
            && context.inventory.is_gone(&self.plan.key.region, &instance.id)
        {
            // It disappeared in the middle of the event: nobody says how it ended.
            return self.unheard(context, ticket, *began);
        }
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
        let Ticket { run, host: target, event } = ticket;
        let Some(host) = self.place(target) else { return };
        let Some(state) = self.hosts.get_mut(host) else { return };
        let Some(began) = state.began.filter(|_| state.event == event) else { return };
        if let Some(instance) = self.plan.hosts.get(host)
            && diagnostics.error_code == LifecycleErrorCode::Success
            && context.inventory.is_gone(&self.plan.key.region, &instance.id)
        {
            return self.unheard(context, ticket, began);
        }
        state.began = None;
        state.event += 1;
        let last = state.event == self.plan.events.end;
        let name = self.plan.names.get(event);
        let well = diagnostics.error_code == LifecycleErrorCode::Success;
        let goes_on = context.deployment(&self.plan.key, |deployment| {
            ledger::end(deployment, target, event, well, Some(diagnostics), context.now);
            well || (deployment.ignore_application_stop_failures && name.is_some_and(is_forgivable))
        });
        match goes_on {
            Some(true) if last => self.host_ended(context, host, self.plan.done.clone()),
            Some(true) if self.stopping => self.interrupt(context, host),
            Some(true) => self.ask_later(context, run, host),
            _ => self.host_ended(context, host, TargetStatus::Failed),
        }
    }

    /// Nobody hears how an event ended: it has until its limit.
    fn unheard(&self, context: &mut Context, ticket: Ticket, began: Millis) {
        let left = (began + EVENT_LIMIT - context.now).max(0);
        context.after(left, Due::Ended(ticket, unknown_error(texts::EVENT_TIMED_OUT)));
    }

    /// A host's place among the deployment's targets.
    fn target(&self, host: usize) -> usize {
        self.plan.targets.get(host).copied().unwrap_or(usize::MAX)
    }

    /// Where a target stands in this wave, if it takes part.
    fn place(&self, target: usize) -> Option<usize> {
        self.plan.targets.binary_search(&target).ok()
    }

    /// The agent polls: the next event waits a little.
    fn ask_later(&mut self, context: &mut Context, run: u64, host: usize) {
        let target = self.target(host);
        let Some(state) = self.hosts.get_mut(host) else { return };
        let pace = state.rng.i64(context.options.agent_pace.clone());
        context.after(pace, Due::Ask(run, target));
    }

    /// A stop meets a host between two events. One that no event reached was never attempted.
    fn interrupt(&mut self, context: &mut Context, host: usize) {
        let untouched = self.hosts.get(host).is_some_and(|state| state.event == 0);
        self.host_ended(context, host, if untouched { TargetStatus::Skipped } else { TargetStatus::Failed });
    }

    fn host_ended(&mut self, context: &mut Context, host: usize, status: TargetStatus) {
        let well = status == self.plan.done;
        self.plan.slots.end(well);
        if let Some(state) = self.hosts.get_mut(host) {
            state.over = true;
        }
        let target = self.target(host);
        context.deployment(&self.plan.key, |deployment| {
            if !well {
                ledger::skip_rest(deployment, target, context.now);
            }
            ledger::mark(deployment, target, status, context.now);
        });
    }

    /// The hosts that were not started never will be.
    fn close(&mut self, context: &mut Context) {
        self.plan.slots.close();
        for state in self.hosts.iter_mut().skip(self.next) {
            state.over = true;
        }
        let rest = self.plan.targets.iter().copied().skip(self.next);
        context.deployment(&self.plan.key, |deployment| ledger::skip(deployment, rest, context.now));
        self.next = self.hosts.len();
    }
}

/// Whether `ignoreApplicationStopFailures` lets a host go on after this event failed.
///
/// Source: API reference, CreateDeployment.
fn is_forgivable(event: &EventName) -> bool {
    matches!(event, EventName::ApplicationStop | EventName::BeforeBlockTraffic | EventName::AfterBlockTraffic)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "a duration, saturating")]
fn stretched(took: Millis, factor: f64) -> Millis {
    ((took as f64 * factor) as Millis).clamp(0, EVENT_LIMIT)
}
