//! What the user wants done with the deployment under watch, by a signal, a time-out or a key: the calls for it, and what
//! came of them.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::task::JoinError;
use tokio::time::timeout;

use super::{Session, Stop};
use crate::api::ApiError;
use crate::report::{Act, Wish};
use crate::watch::Leave;
use crate::watch::event::{Event, NoticeCode};
use crate::watch::outcome::Outcome;
use crate::watch::source::Source;
use crate::watch::tracker::Tracker;

/// How long a call under way is waited for before the deployment is left. A CI system that cancels a job gives no more.
const LAST_CALLS: Duration = Duration::from_secs(2);
/// What is known of a stop: that nothing has been answered to the call, that the service took it, or that it came late.
const ASKED: &str = "the deployment was asked to stop, and no answer has come";
const STOPPING: &str = "the deployment is being stopped";
const OVER: &str = "the deployment had ended before it could be stopped";

impl Session<'_> {
    /// What the user wants done on a time-out or a signal: the deployment is left as it is, or stopped and followed
    /// on to its end. What Auto Scaling or CloudFormation made is never stopped, nor is a rollback.
    pub(super) fn leave<S: Source>(&mut self, source: &Arc<S>, tracker: &Tracker, why: Stop) -> Option<Stop> {
        let wish = match why {
            Stop::TimedOut => self.options.on_timeout,
            _ => self.options.on_interrupt,
        };
        let rollback = match wish {
            Leave::Detach => return Some(why),
            Leave::Stop => None,
            Leave::Rollback => Some(true),
        };
        if self.leaving.is_some() || tracker.has_ended() {
            return Some(why);
        }
        if let Some(service) = tracker.keeper() {
            self.kept(service);
            return Some(why);
        }
        if self.rolls_back || tracker.is_rollback() {
            self.tell(NoticeCode::NotStopped, "this is the rollback: it is not stopped and goes on");
            if rollback.is_none() {
                return Some(why);
            }
            // What was asked for is under way.
            self.limit = None;
            self.leaving = Some(why);
            return None;
        }
        if !tracker.is_known() && !self.options.made {
            self.tell(NoticeCode::NotStopped, "nothing is known of the deployment yet: it is not stopped");
            return Some(why);
        }
        self.limit = None;
        self.leaving = Some(why);
        let what = match rollback {
            Some(_) => "stopping the deployment and rolling it back",
            None => "stopping the deployment",
        };
        let again = match &self.leaving {
            Some(Stop::Signal(_)) => "; another ^C leaves it to that",
            _ => "",
        };
        self.tell(NoticeCode::Stopping, &format!("{what}{again}"));
        self.stopping = Some(ASKED);
        self.rollback_asked.store(rollback.is_some(), Ordering::Relaxed);
        let (source, id) = (Arc::clone(source), self.deployment.clone());
        let call = self.options.budget.act();
        self.stops.spawn(async move {
            let stopped = source.stop(&id, rollback).await;
            drop(call);
            stopped
        });
        None
    }

    /// Does what a key asked for, where it is about this deployment and it still goes on.
    pub(super) fn grant<S: Source>(&mut self, source: &Arc<S>, tracker: &Tracker, wish: &Wish) {
        if wish.deployment != self.deployment {
            return;
        }
        let (source, id, act) = (Arc::clone(source), self.deployment.clone(), wish.act);
        let goes_on = tracker.is_known() && !tracker.has_ended();
        match (act, tracker.wait()) {
            (Act::Stop, _) if goes_on => {
                if let Some(service) = tracker.keeper() {
                    return self.kept(service);
                }
                self.tell(NoticeCode::Stopping, "stopping the deployment");
                self.stopping = Some(ASKED);
                let call = self.options.budget.act();
                self.granted.spawn(async move {
                    let stopped = source.stop(&id, None).await;
                    drop(call);
                    (act, stopped)
                });
            }
            (Act::Continue, Some(wait)) => {
                self.tell(NoticeCode::Continuing, "ending the wait of the deployment");
                let call = self.options.budget.act();
                self.granted.spawn(async move {
                    let continued = source.proceed(&id, wait).await;
                    drop(call);
                    (act, continued)
                });
            }
            _ => self.tell(NoticeCode::NotDone, "the deployment is past that"),
        }
    }

    pub(super) fn done(&mut self, done: Result<(Act, Result<(), ApiError>), JoinError>) {
        let (act, error) = match done {
            Ok((Act::Stop, Ok(()))) => {
                self.stopping = Some(STOPPING);
                return;
            }
            Ok((act, Err(error))) => (act, error),
            _ => return,
        };
        let (code, what) = match act {
            Act::Stop => {
                self.stopping = None;
                (NoticeCode::NotStopped, "stopped")
            }
            Act::Continue => (NoticeCode::NotDone, "continued"),
        };
        self.tell(code, &format!("the deployment could not be {what} ({error})"));
    }

    fn kept(&mut self, service: &str) {
        self.tell(
            NoticeCode::NotStopped,
            &format!("{service} made the deployment: it is not stopped and goes on"),
        );
    }

    fn tell(&mut self, code: NoticeCode, message: &str) {
        self.emit(Event::Notice { code, message: message.to_owned(), exit: None });
    }

    /// What came of the call that stops the deployment; without it the watch ends as it would have.
    pub(super) fn stopped(&mut self, stopped: Result<Result<(), ApiError>, JoinError>) -> Option<Stop> {
        let error = match stopped {
            Ok(Ok(())) => {
                self.stopping = Some(STOPPING);
                return None;
            }
            // It ended by itself meanwhile, and the poll will say how.
            Ok(Err(error)) if error.code.as_deref() == Some("DeploymentAlreadyCompletedException") => {
                self.stopping = Some(OVER);
                return None;
            }
            Ok(Err(error)) => error.to_string(),
            Err(_) => "the call was lost".to_owned(),
        };
        self.stopping = None;
        self.rollback_asked.store(false, Ordering::Relaxed);
        let message = format!("the deployment could not be stopped and goes on ({error})");
        self.emit(Event::Notice { code: NoticeCode::NotStopped, message, exit: None });
        self.leaving.take()
    }

    /// Waits for the calls under way, so that leaving takes nothing back of what the user wanted done: a wrapper that
    /// hands on the signal which the terminal has sent as well makes two of one ^C.
    pub(super) async fn settle(&mut self) {
        let calls = async {
            let mut read = true;
            while !(self.stops.is_empty() && self.granted.is_empty()) {
                tokio::select! {
                    Some(stopped) = self.stops.join_next() => drop(self.stopped(stopped)),
                    Some(done) = self.granted.join_next() => self.done(done),
                    () = self.reporters.attend(), if read => read = false,
                }
            }
        };
        let _ = timeout(LAST_CALLS, calls).await;
    }

    /// What becomes of a deployment that is left, where it does not simply go on.
    pub fn left(&self, outcome: &Outcome) -> Option<String> {
        let left = matches!(outcome, Outcome::TimedOut | Outcome::Detached(_));
        self.stopping.filter(|_| left).map(str::to_owned)
    }
}
