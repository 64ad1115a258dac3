//! The signals that reach a watch, as a value that several watches can listen to. Listens to nothing itself.

use tokio::sync::watch;

use super::outcome::Signal;

/// Hands signals to every watch that listens.
#[derive(Debug)]
pub struct Sender(watch::Sender<Option<Signal>>);

impl Sender {
    pub fn send(&self, signal: Signal) {
        self.0.send_replace(Some(signal));
    }
}

/// What is to come of signals; clones hear the same ones.
#[derive(Clone, Debug)]
pub struct Signals(watch::Receiver<Option<Signal>>);

impl Signals {
    pub fn channel() -> (Sender, Signals) {
        let (to, from) = watch::channel(None);
        (Sender(to), Signals(from))
    }

    /// The next signal; never where nobody sends any more.
    pub async fn next(&mut self) -> Signal {
        loop {
            if self.0.changed().await.is_err() {
                return std::future::pending().await;
            }
            if let Some(signal) = *self.0.borrow_and_update() {
                return signal;
            }
        }
    }
}
