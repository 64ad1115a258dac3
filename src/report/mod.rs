//! Reporters show the events of a watch. They never fetch and never decide.
//!
//! They run on a thread of their own, so that a terminal or a pipe that takes nothing stalls neither the poll nor
//! Ctrl-C.

mod bar;
pub mod ci;
pub mod fold;
mod frame;
mod hints;
pub mod linear;
pub mod live;
pub mod log;
pub mod ndjson;
pub mod record;
mod running;
pub mod several;
pub mod silent;
pub mod sink;
mod stage;
pub mod summary;
pub mod taskbar;
pub mod timeline;
pub mod upload;
pub mod view;
mod why;
mod words;

pub use frame::Interrupt;
pub use words::{line, shell, short_revision};

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::convert::Infallible;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{Notify, broadcast, mpsc, oneshot, watch};

use sink::Unwritten;

use crate::ui::Key;
use crate::watch::event::{Event, Stamped, VERSION};

/// The reader of a reporter's output is gone, and with it the sense of the watch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Closed;

/// The time between events.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pulse {
    /// The service's time.
    pub now: Timestamp,
    /// How old the last answer is; none before the first.
    pub answer_age: Option<Duration>,
}

/// A sink of events. The last event is a `result`.
pub trait Reporter: Send {
    /// # Errors
    /// [`Closed`] where the output was the reason of the watch and nobody reads it any more.
    fn event(&mut self, event: &Stamped) -> Result<(), Closed>;

    /// Time has passed.
    fn tick(&mut self, _pulse: &Pulse) {}

    /// A key was typed; gives what the user wants done.
    fn key(&mut self, _key: Key) -> Option<Wish> {
        None
    }

    /// The terminal is another's for a while, and what stands there stays.
    fn paused(&mut self) {}

    /// Nothing more comes.
    fn end(&mut self) {}

    /// What it was to write and could not; asked for once, after the end.
    fn unwritten(&mut self) -> Option<Unwritten> {
        None
    }
}

/// What a user asks for with a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wish {
    pub deployment: String,
    pub act: Act,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    Stop,
    /// End the wait that it is in.
    Continue,
}

/// The way for keys to the reporters; of no effect once they have finished.
#[derive(Clone)]
pub struct Input(mpsc::WeakSender<Message>);

impl Input {
    pub fn key(&self, key: Key) {
        self.send(Message::Key(key));
    }

    /// The terminal is another's for a while: nothing is shown until the pause ends.
    pub fn pause(&self) -> Pause {
        let (begins, begun) = oneshot::channel();
        let (lasts, ends) = std::sync::mpsc::channel();
        self.send(Message::Pause(begins, ends));
        Pause { begun, lasts }
    }

    fn send(&self, message: Message) {
        if let Some(to) = self.0.upgrade() {
            let _ = to.try_send(message);
        }
    }
}

/// A time in which nothing is shown.
pub struct Pause {
    /// It has begun; an error where nobody shows anything any more.
    pub begun: oneshot::Receiver<()>,
    /// It ends when this is dropped.
    pub lasts: std::sync::mpsc::Sender<()>,
}

/// The deployment that an event is about, with its region where several are watched.
#[derive(Clone, Copy, Debug)]
pub(crate) struct About<'a> {
    pub deployment: &'a str,
    pub region: Option<&'a str>,
}

enum Message {
    Event(Arc<Stamped>),
    Tick(Pulse),
    Key(Key),
    /// Where to say that it has begun, and what ends it.
    Pause(oneshot::Sender<()>, std::sync::mpsc::Receiver<()>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Open,
    Closed,
    /// Everything is written.
    Done,
}

/// Messages on the way to the thread; and events that wait before it, when observations are no longer taken.
const IN_FLIGHT: usize = 64;
const WAITING: usize = 1024;

/// The reporters of a watch and the thread on which they write. Several deployments watched at once share them: the
/// stream of events has one numbering.
pub struct Reporters {
    to: Option<mpsc::Sender<Message>>,
    waiting: RefCell<VecDeque<Message>>,
    /// Something waits.
    more: Notify,
    next: Cell<u64>,
    state: watch::Receiver<State>,
    wishes: broadcast::Sender<Wish>,
    unwritten: Arc<Mutex<Vec<Unwritten>>>,
    /// Hung up by the thread at its end.
    ended: std::sync::mpsc::Receiver<Infallible>,
}

/// How long a reader that takes nothing may keep the command, where it ends before all is written.
const PATIENCE: Duration = Duration::from_millis(500);

/// However a command ends, the terminal is given back before it is gone.
impl Drop for Reporters {
    fn drop(&mut self) {
        self.to = None;
        let _ = self.ended.recv_timeout(PATIENCE);
    }
}

impl Reporters {
    /// Starts the thread. Every reporter gets every event, in the order of the list.
    ///
    /// # Errors
    /// No thread can be started.
    pub fn start(mut reporters: Vec<Box<dyn Reporter>>) -> io::Result<Self> {
        let (to, mut from) = mpsc::channel(IN_FLIGHT);
        let (tell, state) = watch::channel(State::Open);
        let (wishes, _) = broadcast::channel(16);
        let wish = wishes.clone();
        let unwritten = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&unwritten);
        let (ends, ended) = std::sync::mpsc::channel();
        std::thread::Builder::new().name("reporters".to_owned()).spawn(move || {
            while let Some(message) = from.blocking_recv() {
                if let Message::Pause(begins, ends) = message {
                    reporters.iter_mut().for_each(|reporter| reporter.paused());
                    let _ = begins.send(());
                    let _ = ends.recv();
                    continue;
                }
                for reporter in &mut reporters {
                    let result = match &message {
                        Message::Event(event) => reporter.event(event),
                        Message::Tick(pulse) => {
                            reporter.tick(pulse);
                            Ok(())
                        }
                        Message::Key(key) => {
                            // Nobody may be there to hear it any more.
                            reporter.key(*key).into_iter().for_each(|asked| drop(wish.send(asked)));
                            Ok(())
                        }
                        Message::Pause(..) => Ok(()),
                    };
                    if result == Err(Closed) {
                        tell.send_replace(State::Closed);
                    }
                }
            }
            for reporter in &mut reporters {
                reporter.end();
            }
            let failed = reporters.iter_mut().filter_map(|reporter| reporter.unwritten());
            kept.lock().unwrap_or_else(PoisonError::into_inner).extend(failed);
            drop(reporters);
            tell.send_replace(State::Done);
            drop(ends);
        })?;
        let waiting = RefCell::default();
        let (to, more, next) = (Some(to), Notify::new(), Cell::new(0));
        Ok(Reporters { to, waiting, more, next, state, wishes, unwritten, ended })
    }

    /// What was asked for and could not be written, once all have finished.
    pub fn unwritten(&self) -> Vec<Unwritten> {
        std::mem::take(&mut *self.unwritten.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The way for keys.
    pub fn input(&self) -> Option<Input> {
        self.to.as_ref().map(|to| Input(to.downgrade()))
    }

    /// What the user asks for with keys from now on.
    pub(crate) fn wishes(&self) -> broadcast::Receiver<Wish> {
        self.wishes.subscribe()
    }

    /// Numbers an event, once for all reporters, and queues it; none is lost while somebody reads.
    /// The first is preceded by the start of the stream, made by `tool`.
    pub(crate) fn emit(&self, tool: &str, about: About<'_>, ts: Timestamp, event: Event) {
        if self.next.get() == 0 {
            self.queue(about, ts, Event::StreamStart { tool: tool.to_owned() });
        }
        self.queue(about, ts, event);
    }

    fn queue(&self, about: About<'_>, ts: Timestamp, event: Event) {
        let seq = self.next.replace(self.next.get() + 1);
        // As the stream is written, so that a recorded one shows the same.
        let ts = Timestamp::from_millisecond(ts.as_millisecond()).unwrap_or(ts);
        let region = about.region.map(str::to_owned);
        let stamped = Stamped { v: VERSION, seq, ts, event, deployment: about.deployment.to_owned(), region };
        self.waiting.borrow_mut().push_back(Message::Event(Arc::new(stamped)));
        self.more.notify_waiters();
    }

    /// Tells the time, if the reporters keep up; half of the way to them is kept for events.
    pub(crate) fn tick(&self, pulse: Pulse) {
        if let Some(to) =
            self.to.as_ref().filter(|to| self.waiting.borrow().is_empty() && to.capacity() > IN_FLIGHT / 2)
        {
            let _ = to.try_send(Message::Tick(pulse));
        }
    }

    /// More events may be queued.
    pub(crate) fn has_room(&self) -> bool {
        self.waiting.borrow().len() < WAITING
    }

    /// Hands the queued events over; resolves only once a reader is gone. Safe to be dropped at any time.
    pub(crate) async fn attend(&self) {
        let mut state = self.state.clone();
        let gone = tokio::select! {
            biased;
            closed = state.wait_for(|state| *state == State::Closed) => closed.is_err(),
            never = self.hand_over() => match never {},
        };
        if gone {
            // The thread is gone: nobody is left to tell, and the watch still has its outcome.
            self.waiting.borrow_mut().clear();
            std::future::pending().await
        }
    }

    async fn hand_over(&self) -> Infallible {
        while let Some(to) = &self.to {
            let more = self.more.notified();
            if self.waiting.borrow().is_empty() {
                more.await;
                continue;
            }
            let Ok(permit) = to.reserve().await else { break };
            if let Some(message) = self.waiting.borrow_mut().pop_front() {
                permit.send(message);
            }
        }
        std::future::pending().await
    }

    /// Hands over what is queued and waits until it is written.
    pub(crate) async fn finish(&mut self) {
        if let Some(to) = self.to.take() {
            for message in std::mem::take(self.waiting.get_mut()) {
                if to.send(message).await.is_err() {
                    break;
                }
            }
        }
        let _ = self.state.wait_for(|state| *state == State::Done).await;
    }
}

#[cfg(test)]
mod tests;
