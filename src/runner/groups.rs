//! The process groups of all scripts that run: how they end before their time. Starts nothing.

use std::process::Child;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustix::io::Errno;
use rustix::process::{Signal, kill_process_group, test_kill_process, test_kill_process_group};

use super::process::{group, now, pause};

/// What scripts get after TERM before they get KILL, once their hosts shall end.
pub(super) const LAST_GRACE: Duration = Duration::from_secs(2);
const POLL: Duration = Duration::from_millis(10);

/// The scripts of some hosts, and what those that have ended left running.
#[derive(Debug, Default)]
pub struct Groups {
    stopped: AtomicBool,
    left: Mutex<Vec<Child>>,
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
        let signal = |left: &[Child], signal| {
            for group in left.iter().filter_map(group) {
                let _ = kill_process_group(group, signal);
            }
        };
        left.retain_mut(is_there);
        signal(&left, Signal::TERM);
        let asked = now();
        while !left.is_empty() && now().duration_since(asked) < LAST_GRACE {
            pause(POLL, true);
            left.retain_mut(is_there);
        }
        signal(&left, Signal::KILL);
    }

    /// Remembers the group of a script that has ended, where anything of it still runs: its number is given to no
    /// other process for as long.
    pub(super) fn leave(&self, mut script: Child) {
        let mut left = self.left();
        left.retain_mut(is_there);
        if is_there(&mut script) {
            left.push(script);
        }
    }

    fn left(&self) -> MutexGuard<'_, Vec<Child>> {
        self.left.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_there(script: &mut Child) -> bool {
    // Its supervisor counts until it is waited for. After that a process of this number is another one's, which was given
    // it once nothing of the group was left.
    let ended = matches!(script.try_wait(), Ok(Some(_)));
    let is_anothers = |group| ended && test_kill_process(group) != Err(Errno::SRCH);
    group(script).is_some_and(|group| test_kill_process_group(group).is_ok() && !is_anothers(group))
}
