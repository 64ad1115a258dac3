//! The process groups of all scripts that run: how they end before their time. Starts nothing.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group, test_kill_process_group};

use super::process::{now, pause};

/// What scripts get after TERM before they get KILL, once their hosts shall end.
pub(super) const LAST_GRACE: Duration = Duration::from_secs(2);
const POLL: Duration = Duration::from_millis(10);

/// The scripts of some hosts, and what those that have ended left running.
#[derive(Debug, Default)]
pub struct Groups {
    stopped: AtomicBool,
    left: Mutex<Vec<Pid>>,
}

impl Groups {
    /// From here on no script starts, and those that run get TERM, and KILL after two seconds. Does not wait.
    pub fn stop(&self) {
        self.stopped.store(true, Ordering::SeqCst);
    }

    /// Whether [`Groups::stop`] was called.
    pub fn stopped(&self) -> bool {
        self.stopped.load(Ordering::SeqCst)
    }

    /// Ends what scripts left running in their process groups. For when no script runs any more: blocks for two
    /// seconds at most.
    pub fn end_left_over(&self) {
        let mut left = std::mem::take(&mut *self.left());
        let signal = |left: &[Pid], signal| {
            for group in left {
                let _ = kill_process_group(*group, signal);
            }
        };
        left.retain(|group| is_there(*group));
        signal(&left, Signal::TERM);
        let asked = now();
        while !left.is_empty() && now().duration_since(asked) < LAST_GRACE {
            pause(POLL, true);
            left.retain(|group| is_there(*group));
        }
        signal(&left, Signal::KILL);
    }

    /// Remembers the group of a script that has ended, where anything of it still runs: its number is given to no
    /// other process for as long.
    pub(super) fn leave(&self, group: Pid) {
        let mut left = self.left();
        left.retain(|group| is_there(*group));
        if is_there(group) {
            left.push(group);
        }
    }

    fn left(&self) -> MutexGuard<'_, Vec<Pid>> {
        self.left.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_there(group: Pid) -> bool {
    test_kill_process_group(group).is_ok()
}
