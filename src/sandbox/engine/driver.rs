//! The driver: takes messages and moments, hands them to the deployments' state machines. Waits for nothing.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::mpsc::Sender;

use super::ending::{self, End};
use super::in_place::{InPlace, Refusal};
use super::schedule::Schedule;
use super::{Options, texts};
use crate::model::{ComputePlatform, Diagnostics};
use crate::sandbox::Shared;
use crate::sandbox::fleet::seeded;
use crate::sandbox::store::{Deployment, ErrorInformation, Millis, Region, Wait};

/// How long an accepted deployment waits before it starts.
const START_AFTER: std::ops::RangeInclusive<Millis> = 500..=1_000;
/// When a deployment without instances is seen to fail. Source: measured.
const NO_INSTANCES_AFTER: Millis = 6_000;

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
}

/// What the state machines share.
pub(super) struct Context {
    pub(super) shared: Arc<Shared>,
    pub(super) options: Options,
    pub(super) schedule: Schedule<Due>,
    pub(super) messages: Sender<Message>,
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
}

/// A deployment that has not ended.
enum Run {
    /// Accepted, not started.
    Created(Key),
    InPlace(InPlace),
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
        let context = Context { shared, options, schedule: Schedule::new(), messages, now };
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
            Message::StopRequested(key) => self.stop(&key),
            Message::Answered(ticket, diagnostics) => {
                if let Some(Run::InPlace(run)) = self.runs.get_mut(&ticket.run) {
                    run.answered(&mut self.context, ticket, diagnostics);
                    self.settle(ticket.run);
                }
            }
            Message::Continued(..) | Message::HookAnswered(..) | Message::Quit => {}
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

    fn stop(&mut self, key: &Key) {
        let Some(id) = self.by_key.get(key).copied() else { return };
        match self.runs.get_mut(&id) {
            Some(Run::Created(_)) => self.end(id, End::Stopped),
            Some(Run::InPlace(run)) => {
                run.stop(&mut self.context);
                self.settle(id);
            }
            None => {}
        }
    }

    fn due(&mut self, due: Due) {
        let id = match due {
            Due::Start(id) => {
                self.start(id);
                id
            }
            Due::Refuse(id, error) => {
                self.end(id, End::Failed(error));
                id
            }
            Due::Ask(id, host) => {
                if let Some(Run::InPlace(run)) = self.runs.get_mut(&id) {
                    run.next_event(&mut self.context, id, host);
                }
                id
            }
            Due::Ended(ticket, diagnostics) => {
                if let Some(Run::InPlace(run)) = self.runs.get_mut(&ticket.run) {
                    run.event_ended(&mut self.context, ticket, diagnostics);
                }
                ticket.run
            }
        };
        self.settle(id);
    }

    fn start(&mut self, id: u64) {
        let Some(Run::Created(key)) = self.runs.get(&id) else { return };
        let key = key.clone();
        let Some(kind) = self.context.deployment(&key, unsupported) else { return self.forget(id) };
        let opened = match kind {
            Some(what) => Err(Refusal::Failed(texts::not_simulated(&what))),
            None => InPlace::open(&mut self.context, key.clone()),
        };
        match opened {
            Ok(run) => {
                self.runs.insert(id, Run::InPlace(run));
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

    /// Starts what may start, and ends the deployment where it is over.
    fn settle(&mut self, id: u64) {
        let end = match self.runs.get_mut(&id) {
            Some(Run::InPlace(run)) => run.settle(&mut self.context, id),
            _ => None,
        };
        if let Some(end) = end {
            self.end(id, end);
        }
    }

    fn end(&mut self, id: u64, end: End) {
        let key = match self.runs.get(&id) {
            Some(Run::Created(key)) => key.clone(),
            Some(Run::InPlace(run)) => run.key().clone(),
            None => return,
        };
        self.forget(id);
        if let Some(rollback) = ending::end(&mut self.context, &key, end) {
            self.created(Key { region: key.region, id: rollback });
        }
    }

    fn forget(&mut self, id: u64) {
        self.runs.remove(&id);
        self.by_key.retain(|_, run| *run != id);
    }
}

/// What kind of deployment this is, where the engine has no state machine for it.
fn unsupported(deployment: &mut Deployment) -> Option<String> {
    let style = deployment.settings.get("deploymentStyle");
    let style = |member: &str| style.and_then(|style| style.get(member)).and_then(|value| value.as_str());
    if deployment.platform != ComputePlatform::Server {
        Some(deployment.platform.to_string())
    } else if style("deploymentType") == Some("BLUE_GREEN") {
        Some("EC2 blue/green".to_owned())
    } else if style("deploymentOption") == Some("WITH_TRAFFIC_CONTROL") {
        Some("load-balanced EC2".to_owned())
    } else {
        None
    }
}
