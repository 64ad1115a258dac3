//! The driver: takes messages and moments, hands them to the deployments' state machines. Waits for nothing.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::mpsc::Sender;

use super::alarms;
use super::blue_green::BlueGreen;
use super::ending::{self, End, Stop};
use super::in_place::{InPlace, style};
use super::inventory::Inventory;
use super::machine::{Machine, Refusal};
use super::routed::Routed;
use super::schedule::Schedule;
use super::{Options, auto_update, changes, scaling, texts};
use crate::model::{ComputePlatform, Diagnostics};
use crate::sandbox::Shared;
use crate::sandbox::fleet::{Change, Instance, Scaling, Status, seeded};
use crate::sandbox::store::{Deployment, ErrorInformation, Millis, Region, Wait};

/// How long an accepted deployment waits before it starts.
const START_AFTER: std::ops::RangeInclusive<Millis> = 500..=1_000;
/// When a deployment without instances is seen to fail. Source: measured.
const NO_INSTANCES_AFTER: Millis = 6_000;
/// How often alarms are looked at. Source: the service was seen to stop within 1 s to 2 min.
const ALARM_POLL: Millis = 1_000;

/// A deployment's place in the store.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Key {
    pub(super) region: String,
    pub(super) id: String,
}

/// What the driver is told.
pub(super) enum Message {
    Created(Key),
    StopRequested(Key),
    Continued(Key, Wait),
    /// A hook function called back: the execution's id, and whether it said `Succeeded`.
    HookAnswered(Key, String, bool),
    /// A host answered.
    Answered(Ticket, Diagnostics),
    /// Somebody wants something to happen beside the deployments, and to hear whether it did.
    Changed(Change, Sender<Result<(), String>>),
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
    /// Something happens beside the deployments.
    Change(Change),
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
            Due::Change(_) => false,
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
    /// What was to shrink while its processes were suspended.
    pub(super) put_off: Vec<Scaling>,
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
    Started(Box<dyn Machine>),
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
        let inventory = Inventory::new(&options.fleet, options.seed);
        let mut schedule = Schedule::new();
        for moment in &options.fleet.timeline {
            let at = now.saturating_add(Millis::from(moment.at) * 1_000);
            schedule.push(at, Due::Change(moment.change.clone()));
        }
        let (alarms, put_off) = (BTreeSet::new(), Vec::new());
        let context = Context { shared, options, schedule, messages, inventory, alarms, put_off, now };
        Driver { context, runs: HashMap::new(), by_key: HashMap::new(), last_run: 0 }
    }

    /// The next moment at which something is due.
    pub(super) fn next(&self) -> Option<Millis> {
        self.context.schedule.next()
    }

    /// Works off what is due at the first moment that has come, one thing at a time: the caller looks for
    /// messages between.
    pub(super) fn advance(&mut self) {
        if let Some((moment, due)) = self.context.schedule.pop(self.context.shared.clock.now()) {
            self.context.now = self.context.now.max(moment);
            self.due(due);
        }
    }

    pub(super) fn take(&mut self, message: Message) {
        self.context.now = self.context.now.max(self.context.shared.clock.now());
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
            Message::HookAnswered(key, execution, succeeded) => {
                self.with_key(&key, |machine, context, run| {
                    machine.hook_answered(context, run, &execution, succeeded);
                });
            }
            Message::Changed(change, answer) => {
                let changed = changes::check(&self.context, &change).map(|()| self.change(change));
                // Nobody waits any more where it took too long.
                let _ = answer.send(changed);
            }
            Message::Asked(region, answer) => {
                let _ = answer.send(changes::status(&self.context, &region));
            }
            Message::Quit => {}
        }
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
            Some(Run::Started(_)) => self.with(id, |machine, context| {
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
                let Some(Run::Started(machine)) = self.runs.get(&id) else { return };
                let on = alarms::on(&self.context, machine.key());
                if !on.is_empty() {
                    self.stop(id, Stop::Alarms(on));
                }
            }
            Due::Overdue(id) => self.stop(id, Stop::Overdue),
            Due::Change(change) => self.change(change),
        }
    }

    fn change(&mut self, change: Change) {
        match change {
            Change::Alarm(name) => {
                self.context.alarms.insert(name);
                let mut running: Vec<u64> = self.runs.keys().copied().collect();
                running.sort_unstable();
                for id in running {
                    self.context.after(ALARM_POLL, Due::Alarms(id));
                }
            }
            Change::AlarmOver(name) => {
                self.context.alarms.remove(&name);
            }
            Change::Grow(by) => {
                for key in scaling::grow(&mut self.context, &by) {
                    self.created(key);
                }
            }
            Change::Shrink(by) if self.context.inventory.keeps_all(&by.group) => {
                self.context.put_off.push(by);
            }
            Change::Shrink(by) => {
                for key in scaling::shrink(&mut self.context, &by) {
                    self.created(key);
                }
            }
            Change::Disappear(id) => self.context.inventory.lose(&id),
            Change::Appear(id) => self.context.inventory.find_again(&id),
        }
    }

    fn start(&mut self, id: u64) {
        let Some(Run::Created(key)) = self.runs.get(&id) else { return };
        let key = key.clone();
        scaling::suspend(&mut self.context, &key);
        match open(&mut self.context, key.clone()) {
            Ok(machine) => {
                self.runs.insert(id, Run::Started(machine));
                self.context.after(ALARM_POLL, Due::Alarms(id));
                if let Some(limit) = self.context.deployment(&key, |one| run_limit(one)).flatten() {
                    self.context.after(limit, Due::Overdue(id));
                }
                self.settle(id);
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

    /// Does something with a machine, and then what it wants.
    fn with(&mut self, id: u64, act: impl FnOnce(&mut dyn Machine, &mut Context) -> Option<End>) {
        let Some(Run::Started(machine)) = self.runs.get_mut(&id) else { return };
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
        let Some(Run::Started(machine)) = self.runs.get_mut(&id) else { return };
        if let Some(end) = machine.settle(&mut self.context, id) {
            self.end(id, end);
        }
    }

    fn end(&mut self, id: u64, end: End) {
        let key = match self.runs.get(&id) {
            Some(Run::Created(key)) => key.clone(),
            Some(Run::Started(machine)) => machine.key().clone(),
            None => return,
        };
        self.forget(id);
        if self.context.inventory.resume(&key.region, &key.id) {
            for by in std::mem::take(&mut self.context.put_off) {
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

/// How long a deployment may run. Source: AWS's quota page; it names no limit for ECS.
fn run_limit(deployment: &Deployment) -> Option<Millis> {
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

/// The state machine of a deployment; the error is why it doesn't start.
fn open(context: &mut Context, key: Key) -> Result<Box<dyn Machine>, Refusal> {
    let kind = context.deployment(&key, |deployment| {
        let blue_green = style(deployment, "deploymentType") == Some("BLUE_GREEN");
        // Auto Scaling brings one instance to where a blue/green group is, in place.
        (deployment.platform.clone(), blue_green && !deployment.creator.is_auto_scaling())
    });
    Ok(match kind.ok_or(Refusal::Gone)? {
        (ComputePlatform::Server, true) => Box::new(BlueGreen::open(context, key)?),
        (ComputePlatform::Server, false) => Box::new(InPlace::open(context, key)?),
        (ComputePlatform::Lambda | ComputePlatform::Ecs, _) => Box::new(Routed::open(context, key)?),
        (other, _) => return Err(Refusal::Failed(texts::not_simulated(other.as_str()))),
    })
}
