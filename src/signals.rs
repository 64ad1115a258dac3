//! SIGINT, SIGTERM and SIGHUP, listened to in one place for the whole run.
//!
//! tokio keeps a signal's handler for the life of the process: once somebody listened, a signal ends nothing by
//! itself any more. So whoever has no use for one lets it end the command.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::signal::unix::{Signal as Stream, SignalKind, signal};
use tokio::sync::broadcast;

use crate::exit::Exit;
use crate::watch::Signal;

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
    /// The next signal from now on. While this future lives, signals do not end the command.
    pub fn next(&self) -> impl Future<Output = Signal> + use<> {
        let mut from = self.to.subscribe();
        let listening = Listening::new(&self.listeners);
        async move {
            let _listening = listening;
            loop {
                match from.recv().await {
                    Ok(signal) => return signal,
                    Err(broadcast::error::RecvError::Lagged(_)) => {}
                    Err(broadcast::error::RecvError::Closed) => std::future::pending().await,
                }
            }
        }
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
                if signals.listeners.load(Ordering::SeqCst) == 0 {
                    return exit(signal);
                }
                let _ = signals.to.send(signal);
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

struct Listening(Arc<AtomicUsize>);

impl Listening {
    fn new(listeners: &Arc<AtomicUsize>) -> Self {
        listeners.fetch_add(1, Ordering::SeqCst);
        Listening(Arc::clone(listeners))
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn signals_go_to_those_who_listen_and_to_no_one_afterwards() {
        let signals = Signals::default();
        let next = signals.next();
        assert_eq!(signals.listeners.load(Ordering::SeqCst), 1);
        signals.to.send(Signal::Terminate).unwrap();
        assert_eq!(next.await, Signal::Terminate);
        assert_eq!(signals.listeners.load(Ordering::SeqCst), 0);
        drop(signals.next());
        assert_eq!(signals.listeners.load(Ordering::SeqCst), 0);
    }
}
