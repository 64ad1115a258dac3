//! Reporters show the events of a watch. They never fetch and never decide.
//!
//! They run on a thread of their own, so that a terminal or a pipe that takes nothing stalls neither the poll nor
//! Ctrl-C.

mod bar;
mod frame;
pub mod live;
pub mod log;
pub mod ndjson;
pub mod silent;
pub mod summary;
pub mod upload;
pub mod view;
mod words;

use std::collections::VecDeque;
use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{mpsc, watch};

use crate::watch::event::Stamped;

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
}

enum Message {
    Event(Arc<Stamped>),
    Tick(Pulse),
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

/// The reporters of a watch and the thread on which they write.
pub struct Reporters {
    to: Option<mpsc::Sender<Message>>,
    waiting: VecDeque<Message>,
    state: watch::Receiver<State>,
}

impl Reporters {
    /// Starts the thread. Every reporter gets every event, in the order of the list.
    ///
    /// # Errors
    /// No thread can be started.
    pub fn start(mut reporters: Vec<Box<dyn Reporter>>) -> io::Result<Self> {
        let (to, mut from) = mpsc::channel(IN_FLIGHT);
        let (tell, state) = watch::channel(State::Open);
        std::thread::Builder::new().name("reporters".to_owned()).spawn(move || {
            while let Some(message) = from.blocking_recv() {
                for reporter in &mut reporters {
                    let result = match &message {
                        Message::Event(event) => reporter.event(event),
                        Message::Tick(pulse) => {
                            reporter.tick(pulse);
                            Ok(())
                        }
                    };
                    if result == Err(Closed) {
                        tell.send_replace(State::Closed);
                    }
                }
            }
            drop(reporters);
            tell.send_replace(State::Done);
        })?;
        Ok(Reporters { to: Some(to), waiting: VecDeque::new(), state })
    }

    /// Queues an event; none is lost while somebody reads.
    pub(crate) fn event(&mut self, event: Arc<Stamped>) {
        self.waiting.push_back(Message::Event(event));
    }

    /// Tells the time, if the reporters keep up; half of the way to them is kept for events.
    pub(crate) fn tick(&mut self, pulse: Pulse) {
        if let Some(to) =
            self.to.as_ref().filter(|to| self.waiting.is_empty() && to.capacity() > IN_FLIGHT / 2)
        {
            let _ = to.try_send(Message::Tick(pulse));
        }
    }

    /// More events may be queued.
    pub(crate) fn has_room(&self) -> bool {
        self.waiting.len() < WAITING
    }

    /// Hands the queued events over; resolves only once a reader is gone. Safe to be dropped at any time.
    pub(crate) async fn attend(&mut self) {
        let Reporters { to, waiting, state } = self;
        let gone = tokio::select! {
            biased;
            closed = state.wait_for(|state| *state == State::Closed) => closed.is_err(),
            never = hand_over(to.as_ref(), waiting) => match never {},
        };
        if gone {
            // The thread is gone: nobody is left to tell, and the watch still has its outcome.
            self.waiting.clear();
            std::future::pending().await
        }
    }

    /// Hands over what is queued and waits until it is written.
    pub(crate) async fn finish(&mut self) {
        if let Some(to) = self.to.take() {
            for message in self.waiting.drain(..) {
                if to.send(message).await.is_err() {
                    break;
                }
            }
        }
        let _ = self.state.wait_for(|state| *state == State::Done).await;
    }
}

async fn hand_over(to: Option<&mpsc::Sender<Message>>, waiting: &mut VecDeque<Message>) -> Infallible {
    while let Some(to) = to.filter(|_| !waiting.is_empty()) {
        let Ok(permit) = to.reserve().await else { break };
        if let Some(message) = waiting.pop_front() {
            permit.send(message);
        }
    }
    std::future::pending().await
}

#[cfg(test)]
mod tests;
