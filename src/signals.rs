//! SIGINT, SIGTERM and SIGHUP, listened to in one place for the whole run; SIGTSTP and SIGCONT beside a live view.
//!
//! tokio keeps a signal's handler for the life of the process: once somebody listened, a signal ends nothing by
//! itself any more. So whoever has no use for one lets it end the command.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::FutureExt;
use tokio::signal::unix::{Signal as Stream, SignalKind, signal};
use tokio::sync::broadcast;
use tokio::time::timeout;

use crate::exit::Exit;
use crate::watch::Signal;

/// How long a signal that has come may take to be heard.
const SOON: Duration = Duration::from_secs(1);

/// Who listens to signals.
#[derive(Clone)]
pub struct Signals {
    to: broadcast::Sender<Signal>,
    listeners: Arc<AtomicUsize>,
}

impl Default for Signals {
    fn default() -> Self {
        Signals { to: broadcast::channel(8).0, listeners: Arc::default() }
    }
}

impl Signals {
    /// The signals from now on. While the listener lives, signals do not end the command.
    pub fn listen(&self) -> Listener {
        self.listeners.fetch_add(1, Ordering::SeqCst);
        Listener { from: self.to.subscribe(), listeners: Arc::clone(&self.listeners) }
    }

    /// How many listen.
    pub fn listeners(&self) -> usize {
        self.listeners.load(Ordering::SeqCst)
    }

    /// The next signal from now on.
    pub fn next(&self) -> impl Future<Output = Signal> + use<> {
        let mut listener = self.listen();
        async move { listener.next().await }
    }

    /// Hands a signal to those who listen.
    pub fn send(&self, signal: Signal) {
        let _ = self.to.send(signal);
    }

    /// Hands signals to those who listen; resolves at one that nobody listens to, with the code to end with.
    ///
    /// # Errors
    /// The system takes no handler.
    pub fn unheard(&self) -> io::Result<impl Future<Output = Exit> + use<>> {
        let mut streams = Streams {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: signal(SignalKind::hangup())?,
        };
        let signals = self.clone();
        Ok(async move {
            loop {
                let signal = streams.next().await;
                if signals.listeners() == 0 {
                    return exit(signal);
                }
                signals.send(signal);
            }
        })
    }
}

/// A session of one's own, without a terminal: a program that is started in it cannot ask anybody anything.
pub struct Apart(bool);

impl Apart {
    /// Leaves the terminal, for good. A process that leads a group of its own stays where it is.
    pub fn leave() -> Self {
        Apart(rustix::process::setsid().is_ok())
    }

    /// Ends what was started apart and still runs; `signals` keeps this process from ending with it.
    pub fn end(self, signals: &Signals) {
        let _heard = signals.next();
        if self.0 {
            let _ = rustix::process::kill_current_process_group(rustix::process::Signal::TERM);
        }
    }
}

/// The code of a command that a signal ended.
pub fn exit(signal: Signal) -> Exit {
    match signal {
        Signal::Interrupt => Exit::Interrupted,
        Signal::Terminate => Exit::Terminated,
    }
}

struct Streams {
    interrupt: Stream,
    terminate: Stream,
    hangup: Stream,
}

impl Streams {
    /// A terminal that goes away ends a command as SIGTERM does.
    async fn next(&mut self) -> Signal {
        tokio::select! {
            _ = self.interrupt.recv() => Signal::Interrupt,
            _ = self.terminate.recv() => Signal::Terminate,
            _ = self.hangup.recv() => Signal::Terminate,
        }
    }
}

/// Hears every signal that is sent while it lives.
#[derive(Debug)]
pub struct Listener {
    from: broadcast::Receiver<Signal>,
    listeners: Arc<AtomicUsize>,
}

impl Listener {
    /// A signal that has come already.
    pub fn heard(&mut self) -> Option<Signal> {
        self.next().now_or_never()
    }

    /// The next signal; never where nobody can send any more.
    pub async fn next(&mut self) -> Signal {
        loop {
            match self.from.recv().await {
                Ok(signal) => return signal,
                Err(broadcast::error::RecvError::Lagged(_)) => {}
                Err(broadcast::error::RecvError::Closed) => std::future::pending().await,
            }
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.listeners.fetch_sub(1, Ordering::SeqCst);
    }
}

/// The user's wish to pause the command, and its going on: asked for only beside a live view, which has to leave the
/// terminal to others first.
pub struct Pauses {
    stop: Stream,
    resumed: Stream,
}

impl Pauses {
    /// From now on a SIGTSTP does not stop the command by itself, nor once this is dropped: for a view that is shown until
    /// the command ends.
    ///
    /// # Errors
    /// The system takes no handler.
    pub fn listen() -> io::Result<Self> {
        use rustix::process::Signal as Number;
        let kind = |number: Number| SignalKind::from_raw(number.as_raw());
        Ok(Pauses { stop: signal(kind(Number::TSTP))?, resumed: signal(kind(Number::CONT))? })
    }

    /// The next of either: true where the command is to stop now.
    pub async fn next(&mut self) -> bool {
        tokio::select! {
            _ = self.stop.recv() => true,
            _ = self.resumed.recv() => false,
        }
    }

    /// Stops the command until it is told to go on.
    pub async fn stop(&mut self) {
        let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::STOP);
        // What told it so is no news any more.
        let _ = timeout(SOON, self.resumed.recv()).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn signals_go_to_those_who_listen_and_to_no_one_afterwards() {
        let signals = Signals::default();
        let next = signals.next();
        assert_eq!(signals.listeners(), 1);
        signals.send(Signal::Terminate);
        assert_eq!(next.await, Signal::Terminate);
        assert_eq!(signals.listeners(), 0);
        drop(signals.next());
        assert_eq!(signals.listeners(), 0);
    }
}
