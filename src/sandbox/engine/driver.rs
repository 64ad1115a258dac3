//! The driver: takes messages and moments, hands them to the deployments' state machines. Waits for nothing.

mod resuming;

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::mpsc::Sender;

use serde::{Deserialize, Serialize};

use super::alarms;
use super::ending::{self, End, Stop};
use super::inventory::Inventory;
use super::machine::{HookAnswer, Machine, Refusal};
use super::schedule::Schedule;
use super::shapes::{open, run_limit};
use super::{Options, auto_update, changes, scaling, texts};
use crate::model::Diagnostics;
use crate::sandbox::Shared;
use crate::sandbox::fleet::{Change, Changed, Instance, Kind, Moment, Status, seeded};
use crate::sandbox::store::{Deployment, ErrorInformation, Fact, HostChange, Millis, Region, Wait};

/// How long an accepted deployment waits before it starts.
const START_AFTER: std::ops::RangeInclusive<Millis> = 500..=1_000;
/// When a deployment without instances is seen to fail. Source: measured.
const NO_INSTANCES_AFTER: Millis = 6_000;
/// How often alarms are looked at. Source: the service was seen to stop within 1 s to 2 min.
const ALARM_POLL: Millis = 1_000;

/// A deployment's place in the store.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(super) struct Key {
    pub(super) region: String,
    pub(super) id: String,
}

/// What the driver is told.
pub(super) enum Message {
    Created(Key),
    StopRequested(Key),
    Continued(Key, Wait),
    /// A hook function called back, or was a program that ended: the execution's id, and what it said.
    HookAnswered(Key, String, HookAnswer),
    /// A host answered.
    Answered(Ticket, Diagnostics),
    /// Somebody wants something to happen beside the deployments, and to hear whether it did.
    Changed(Change, Sender<Result<Changed, String>>),
    /// Somebody wants to know whether what has these ids or names is there in some region.
    Named(Vec<String>, Sender<Result<(), String>>),
    /// Somebody wants to see what is there in a region.
    Asked(String, Sender<Status>),
    Quit,
}

/// One event of one host in one deployment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ticket {
    pub(super) run: u64,
    pub(super) host: usize,
    pub(super) event: usize,
}

/// What is due at a moment.
#[derive(Debug)]
pub(super) enum Due {
    /// A created deployment starts.
    Start(u64),
    /// A created deployment can't start.
    Refuse(u64, ErrorInformation),
    /// A host's agent asks for its next event.
    Ask(u64, usize),
    /// A host's event ends.
    Ended(Ticket, Diagnostics),
    /// A machine's own next moment.
    Next(u64),
    /// A deployment's alarms are looked at.
    Alarms(u64),
    /// A deployment has run as long as it may.
    Overdue(u64),
    /// A moment of the fleet's timeline has come.
    Moment(Moment),
}

impl Due {
    /// Whether it is a deployment's, and this one's.
    fn is_of(&self, run: u64) -> bool {
        match self {
            Due::Start(id)
            | Due::Refuse(id, _)
            | Due::Ask(id, _)
            | Due::Next(id)
            | Due::Alarms(id)
            | Due::Overdue(id)
            | Due::Ended(Ticket { run: id, .. }, _) => *id == run,
            Due::Moment(_) => false,
        }
    }
}

/// What the state machines share.
pub(super) struct Context {
    pub(super) shared: Arc<Shared>,
    pub(super) options: Options,
    pub(super) schedule: Schedule<Due>,
    pub(super) messages: Sender<Message>,
    pub(super) inventory: Inventory,
    /// The alarms that are on.
    pub(super) alarms: BTreeSet<String>,
    /// The moment that is being worked on. Never runs backwards.
    pub(super) now: Millis,
}

impl Context {
    /// Schedules something `after` now.
    pub(super) fn after(&mut self, after: Millis, due: Due) {
        self.schedule.push(self.now.saturating_add(after), due);
    }

    /// Reads or writes a deployment; none where it was deleted.
    pub(super) fn deployment<T>(&self, key: &Key, read: impl FnOnce(&mut Deployment) -> T) -> Option<T> {
        self.shared.world().regions.get_mut(&key.region)?.deployments.get_mut(&key.id).map(read)
    }

    /// Reads or writes a region; none where it never held anything.
    pub(super) fn region<T>(&self, name: &str, read: impl FnOnce(&mut Region) -> T) -> Option<T> {
        self.shared.world().regions.get_mut(name).map(read)
    }

    /// Tells the store what was changed about the hosts.
    fn keep_hosts(&mut self) {
        let changes = self.inventory.changes();
        if !changes.is_empty() {
            let mut world = self.shared.world();
            changes.into_iter().for_each(|change| world.host_changes.push(change));
        }
    }

    /// The hosts of a deployment's targets. One that the fleet does not have any more has disappeared.
    pub(super) fn hosts_of(&mut self, key: &Key) -> Vec<Arc<Instance>> {
        let found = self.with_hosts(key, |region, present| {
            let present: HashMap<&str, &Arc<Instance>> =
                present.iter().map(|host| (host.id.as_str(), host)).collect();
            let targets = region.deployments.get(&key.id).map(|one| &one.targets);
            let host = |id: &str| present.get(id).map(|host| Arc::clone(host)).ok_or_else(|| id.to_owned());
            targets.into_iter().flatten().map(|target| host(&target.id)).collect::<Vec<_>>()
        });
        let found = found.unwrap_or_default();
        let missing: Vec<String> = found.iter().filter_map(|host| host.as_ref().err()).cloned().collect();
        if !missing.is_empty() {
            self.inventory.apply(&HostChange::Removed(key.region.clone(), missing));
        }
        let named = |id: String| Arc::new(Instance::named(&id, Kind::Simulated));
        found.into_iter().map(|host| host.unwrap_or_else(named)).collect()
    }

    /// Reads or writes a region, with the hosts that are there.
    pub(super) fn with_hosts<T>(
        &self,
        key: &Key,
        read: impl FnOnce(&mut Region, &[Arc<Instance>]) -> T,
    ) -> Option<T> {
        self.region(&key.region, |region| {
            let hosts = self.inventory.hosts(&key.region, region.on_premises.values());
            read(region, &hosts)
        })
    }
}

/// A deployment that has not ended.
enum Run {
    /// Accepted, not started.
    Created(Key),
    Started {
        machine: Box<dyn Machine>,
        /// When it has run as long as it may.
        overdue: Option<Millis>,
    },
}

/// All deployments that have not ended.
pub(super) struct Driver {
    context: Context,
    runs: HashMap<u64, Run>,
    by_key: HashMap<Key, u64>,
    last_run: u64,
}

impl Driver {
    pub(super) fn new(shared: Arc<Shared>, options: Options, messages: Sender<Message>) -> Self {
        let now = shared.clock.now();
        let mut schedule = Schedule::new();
        let world = shared.world();
        let is_past =
            |moment: &&Moment| serde_json::to_string(moment).is_ok_and(|text| world.past.contains_key(&text));
        for moment in options.fleet.timeline.iter().filter(|moment| !is_past(moment)) {
            let at = options.began.saturating_add(Millis::from(moment.at) * 1_000);
            schedule.push(at, Due::Moment(moment.clone()));
        }
        let alarms = world.alarms.keys().cloned().collect();
        let inventory = Inventory::of(&options.fleet, options.seed, &world.host_changes);
        drop(world);
        let context = Context { shared, options, schedule, messages, inventory, alarms, now };
        Driver { context, runs: HashMap::new(), by_key: HashMap::new(), last_run: 0 }
    }

    /// The next moment at which something is due.
    pub(super) fn next(&self) -> Option<Millis> {
        self.context.schedule.next()
    }

    /// Works off what is due at the first moment that has come, one thing at a time: the caller looks for
    /// messages between.
    pub(super) fn advance(&mut self) {
        let shared = Arc::clone(&self.context.shared);
        let _step = shared.journal.step();
        if let Some((moment, due)) = self.context.schedule.pop(self.context.shared.clock.now()) {
            self.context.now = self.context.now.max(moment);
            self.due(due);
        }
        self.context.keep_hosts();
    }

    pub(super) fn take(&mut self, message: Message) {
        let shared = Arc::clone(&self.context.shared);
        let _step = shared.journal.step();
        self.context.now = self.context.now.max(shared.clock.now());
        match message {
            Message::Created(key) => self.created(key),
            Message::StopRequested(key) => {
                if let Some(id) = self.by_key.get(&key).copied() {
                    self.stop(id, Stop::Requested);
                }
            }
            Message::Answered(ticket, diagnostics) => self.with(ticket.run, |machine, context| {
                machine.answered(context, ticket, diagnostics);
                None
            }),
            Message::Continued(key, wait) => self.with_key(&key, |machine, context, run| {
                machine.continued(context, run, wait);
            }),
            Message::HookAnswered(key, execution, answer) => {
                self.with_key(&key, |machine, context, run| {
                    machine.hook_answered(context, run, &execution, answer);
                });
            }
            Message::Changed(change, answer) => {
                let changed = changes::check(&self.context, &change).map(|()| self.change(change));
                self.context.keep_hosts();
                // Nobody waits any more where it took too long.
                let _ = answer.send(changed);
            }
            Message::Named(ids, answer) => {
                let _ = answer.send(changes::check_named(&self.context, &ids));
            }
            Message::Asked(region, answer) => {
                let _ = answer.send(changes::status(&self.context, &region));
            }
            Message::Quit => {}
        }
        self.context.keep_hosts();
    }

    fn created(&mut self, key: Key) {
        if self.by_key.contains_key(&key) {
            return;
        }
        let after = seeded(self.context.options.seed, &["start", &key.id]).i64(START_AFTER);
        self.last_run += 1;
        self.by_key.insert(key.clone(), self.last_run);
        self.runs.insert(self.last_run, Run::Created(key));
        self.context.after(after, Due::Start(self.last_run));
    }

    fn stop(&mut self, id: u64, stop: Stop) {
        match self.runs.get(&id) {
            Some(Run::Created(_)) => self.end(id, End::Stopped(stop)),
            Some(Run::Started { .. }) => self.with(id, |machine, context| {
                machine.stop(context, stop);
                None
            }),
            None => {}
        }
    }

    fn due(&mut self, due: Due) {
        match due {
            Due::Start(id) => self.start(id),
            Due::Refuse(id, error) => self.end(id, End::Failed(error)),
            Due::Ask(id, target) => self.with(id, |machine, context| {
                machine.ask(context, id, target);
                None
            }),
            Due::Ended(ticket, diagnostics) => self.with(ticket.run, |machine, context| {
                machine.event_ended(context, ticket, diagnostics);
                None
            }),
            Due::Next(id) => self.with(id, |machine, context| machine.next(context, id)),
            Due::Alarms(id) => {
                let Some(Run::Started { machine, .. }) = self.runs.get(&id) else { return };
                let on = alarms::on(&self.context, machine.key());
                if !on.is_empty() {
                    self.stop(id, Stop::Alarms(on));
                }
            }
            Due::Overdue(id) => self.stop(id, Stop::Overdue),
            Due::Moment(moment) => {
                if let Ok(text) = serde_json::to_string(&moment) {
                    self.context.shared.world().past.insert(text, Fact);
                }
                self.change(moment.change);
            }
        }
    }

    fn change(&mut self, change: Change) -> Changed {
        let mut changed = Changed::default();
        match change {
            Change::Alarm(name) => {
                self.context.shared.world().alarms.insert(name.clone(), Fact);
                self.context.alarms.insert(name);
                let mut running: Vec<u64> = self.runs.keys().copied().collect();
                running.sort_unstable();
                for id in running {
                    self.context.after(ALARM_POLL, Due::Alarms(id));
                }
            }
            Change::AlarmOver(name) => {
                self.context.shared.world().alarms.remove(&name);
                self.context.alarms.remove(&name);
            }
            Change::Grow(by) => {
                changed.instances = Some(by.count);
                for key in scaling::grow(&mut self.context, &by) {
                    self.created(key);
                }
            }
            Change::Shrink(by) if self.context.inventory.keeps_all(&by.group) => {
                changed.put_off = true;
                self.context.shared.world().put_off.push(by);
            }
            Change::Shrink(by) => {
                let (made, instances) = scaling::shrink(&mut self.context, &by);
                changed.instances = Some(instances);
                for key in made {
                    self.created(key);
                }
            }
            Change::Disappear(id) => self.context.inventory.lose(id),
            Change::Appear(id) => self.context.inventory.find_again(id),
        }
        changed
    }

    fn start(&mut self, id: u64) {
        let Some(Run::Created(key)) = self.runs.get(&id) else { return };
        let key = key.clone();
        scaling::suspend(&mut self.context, &key);
        match open(&mut self.context, key.clone()) {
            Ok(machine) => {
                let limit = self.context.deployment(&key, |one| run_limit(one)).flatten();
                let overdue = limit.map(|limit| self.context.now.saturating_add(limit));
                self.started(id, machine, overdue);
            }
            Err(Refusal::Gone) => self.forget(id),
            Err(Refusal::NoInstances) => {
                let age = self.context.deployment(&key, |deployment| self.context.now - deployment.created);
                let after = NO_INSTANCES_AFTER.saturating_sub(age.unwrap_or_default()).max(0);
                self.context.after(after, Due::Refuse(id, texts::no_instances()));
            }
            Err(Refusal::Failed(error)) => self.end(id, End::Failed(error)),
        }
    }

    fn started(&mut self, id: u64, machine: Box<dyn Machine>, overdue: Option<Millis>) {
        self.runs.insert(id, Run::Started { machine, overdue });
        self.context.after(ALARM_POLL, Due::Alarms(id));
        if let Some(overdue) = overdue {
            self.context.schedule.push(overdue, Due::Overdue(id));
        }
        self.settle(id);
    }

    /// Does something with a machine, and then what it wants.
    fn with(&mut self, id: u64, act: impl FnOnce(&mut dyn Machine, &mut Context) -> Option<End>) {
        let Some(Run::Started { machine, .. }) = self.runs.get_mut(&id) else { return };
        match act(machine.as_mut(), &mut self.context) {
            Some(end) => self.end(id, end),
            None => self.settle(id),
        }
    }

    fn with_key(&mut self, key: &Key, act: impl FnOnce(&mut dyn Machine, &mut Context, u64)) {
        if let Some(id) = self.by_key.get(key).copied() {
            self.with(id, |machine, context| {
                act(machine, context, id);
                None
            });
        }
    }

    /// Starts what may start, and ends the deployment where it is over.
    fn settle(&mut self, id: u64) {
        let Some(Run::Started { machine, .. }) = self.runs.get_mut(&id) else { return };
        match machine.settle(&mut self.context, id) {
            Some(end) => self.end(id, end),
            None => self.keep(id),
        }
    }

    fn end(&mut self, id: u64, end: End) {
        let key = match self.runs.get(&id) {
            Some(Run::Created(key)) => key.clone(),
            Some(Run::Started { machine, .. }) => machine.key().clone(),
            None => return,
        };
        self.forget(id);
        if self.context.inventory.resume(&key.region, &key.id) {
            let put_off = self.context.shared.world().put_off.take();
            for by in put_off {
                self.change(Change::Shrink(by));
            }
        }
        let rollback = ending::end(&mut self.context, &key, end);
        for made in rollback.into_iter().chain(auto_update::create(&mut self.context, &key)) {
            self.created(Key { region: key.region.clone(), id: made });
        }
    }

    /// Nothing is left of it, its limits of hours among them.
    fn forget(&mut self, id: u64) {
        self.context.schedule.keep(|due| !due.is_of(id));
        self.runs.remove(&id);
        self.by_key.retain(|_, run| *run != id);
    }
}
