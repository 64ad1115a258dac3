//! Moves deployments along: one driver on a thread of its own, one state machine a deployment, one clock.
//!
//! The engine writes the store that the API's answers are read from, and never holds its lock while a host works.

mod alarms;
mod auto_update;
mod blue_green;
mod changes;
mod configuration;
mod declaration;
mod driver;
mod ending;
mod faults;
mod fleets;
mod in_place;
mod inventory;
mod ledger;
mod machine;
mod members;
mod opening;
mod rollback;
mod routed;
mod scaling;
mod schedule;
mod shapes;
mod slots;
mod successor;
mod texts;
mod traffic;
mod waits;
mod wave;

#[cfg(test)]
mod scenarios;

use std::io;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;

use super::fleet::{Change, Changed, Faults, Fleet, Status};
use super::host::{Hosts, Programs};
use super::rows::List;
use super::store::{HostChange, Millis, Wait};
use super::{Bundles, Conductor, Shared};

use serde_json::Value;

use driver::{Driver, Key, Message};
use inventory::Inventory;

/// What the engine is set up with.
pub struct Options {
    /// Draws durations, the order of hosts and the ids of rollbacks.
    pub seed: u64,
    pub fleet: Arc<Fleet>,
    /// What goes wrong: those of the fleet, and what is added and removed while the engine runs.
    pub faults: Arc<Faults>,
    /// What runs events on local instances.
    pub local: Arc<dyn Hosts>,
    /// Where the AppSpec files of Lambda and ECS deployments are.
    pub bundles: Arc<dyn Bundles>,
    /// What runs hook functions that are programs.
    pub programs: Arc<dyn Programs>,
    /// What runs events on simulated instances.
    pub simulated: Arc<dyn Hosts>,
    /// How long a host's agent takes to ask for its next event, in milliseconds.
    pub agent_pace: RangeInclusive<Millis>,
    /// When the sandbox began, as if it had never been down: the fleet's timeline counts from there.
    pub began: Millis,
    /// How long, in the sandbox's time, it was down before this start. What runs goes on as if it had not been.
    pub paused: Millis,
}

/// The running engine. Dropped, it stops; what hosts are doing then ends unheard.
pub struct Engine {
    messages: Sender<Message>,
    faults: Arc<Faults>,
    fleet: Arc<Fleet>,
    seed: u64,
    thread: Option<JoinHandle<()>>,
}

impl Engine {
    /// Starts the driver's thread.
    ///
    /// # Errors
    /// The system gives no thread.
    pub fn start(shared: Arc<Shared>, options: Options) -> io::Result<Self> {
        let (messages, inbox) = channel();
        let clock = Arc::clone(&shared.clock);
        let faults = Arc::clone(&options.faults);
        let (fleet, seed) = (Arc::clone(&options.fleet), options.seed);
        let mut driver = Driver::new(shared, options, messages.clone());
        driver.resume();
        let thread = std::thread::Builder::new().name("engine".to_owned()).spawn(move || {
            loop {
                // A moment that has come is waited for with no time at all, so that messages are still taken.
                let message = match driver.next() {
                    Some(moment) => inbox.recv_timeout(clock.until(moment)),
                    None => inbox.recv().map_err(|_| RecvTimeoutError::Disconnected),
                };
                match message {
                    Ok(Message::Quit) | Err(RecvTimeoutError::Disconnected) => return,
                    Ok(message) => driver.take(message),
                    Err(RecvTimeoutError::Timeout) => driver.advance(),
                }
            }
        })?;
        Ok(Engine { messages, faults, fleet, seed, thread: Some(thread) })
    }

    /// Asks the driver something, and waits for what it says.
    fn ask<T>(&self, message: impl FnOnce(Sender<T>) -> Message) -> Result<T, String> {
        let (sender, answer) = channel();
        self.tell(message(sender));
        answer.recv().map_err(|_| "the sandbox is ending".to_owned())
    }

    fn tell(&self, message: Message) {
        // The driver only goes when the engine does: nobody is left to hear of it then.
        let _ = self.messages.send(message);
    }
}

impl Conductor for Engine {
    fn created(&self, region: &str, id: &str) {
        self.tell(Message::Created(Key { region: region.to_owned(), id: id.to_owned() }));
    }

    fn stop_requested(&self, region: &str, id: &str) {
        self.tell(Message::StopRequested(Key { region: region.to_owned(), id: id.to_owned() }));
    }

    fn continued(&self, region: &str, id: &str, wait: Wait) {
        self.tell(Message::Continued(Key { region: region.to_owned(), id: id.to_owned() }, wait));
    }

    fn hook_answered(&self, region: &str, id: &str, hook_execution_id: &str, succeeded: bool) {
        let key = Key { region: region.to_owned(), id: id.to_owned() };
        let answer = if succeeded { Ok(()) } else { Err(None) };
        self.tell(Message::HookAnswered(key, hook_execution_id.to_owned(), answer));
    }

    fn unmet<'f>(&self, filters: &'f [Value], region: &str, changes: &List<HostChange>) -> Option<&'f Value> {
        let hosts = Inventory::of(&self.fleet, self.seed, changes).hosts(region, std::iter::empty());
        members::unmet(filters, &hosts)
    }

    fn host_faults(&self) -> Option<&Arc<Faults>> {
        Some(&self.faults)
    }

    fn change(&self, change: Change) -> Result<Changed, String> {
        self.ask(|answer| Message::Changed(change, answer))?
    }

    fn fleet(&self, region: &str) -> Result<Status, String> {
        self.ask(|answer| Message::Asked(region.to_owned(), answer))
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.tell(Message::Quit);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
