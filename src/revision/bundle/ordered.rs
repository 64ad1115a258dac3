//! Work that is done side by side, and taken in the order in which it was given.

use std::collections::VecDeque;
use std::io;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::thread;

/// Jobs of a worker that are under way: one that it does, and those that wait for it or for their turn to be taken.
const AHEAD: usize = 4;

/// A job, and where its result goes.
type Given<J, R> = (J, SyncSender<R>);

/// The side that gives jobs and takes results.
pub struct Ordered<J, R> {
    jobs: Sender<Given<J, R>>,
    results: VecDeque<Receiver<R>>,
    workers: usize,
}

/// The side that does them: whoever is free takes the next.
pub struct Jobs<J, R>(Mutex<Receiver<Given<J, R>>>);

/// As many as do something at the same time.
pub fn workers() -> usize {
    thread::available_parallelism().map_or(1, usize::from).min(8)
}

/// Starts so many, or as many as there may be threads: whether there is any.
pub fn start(workers: usize, mut one: impl FnMut(thread::Builder) -> io::Result<()>) -> bool {
    (0..workers).map(|_| one(thread::Builder::new())).take_while(Result::is_ok).count() > 0
}

/// Both sides, for so many workers.
pub fn ordered<J, R>(workers: usize) -> (Ordered<J, R>, Jobs<J, R>) {
    let (jobs, todo) = channel();
    (Ordered { jobs, results: VecDeque::new(), workers }, Jobs(Mutex::new(todo)))
}

impl<J, R> Ordered<J, R> {
    /// Gives jobs until enough are under way: what is done and not taken stays bounded.
    ///
    /// # Errors
    /// There is no worker any more.
    pub fn fill(&mut self, mut jobs: impl Iterator<Item = J>) -> io::Result<()> {
        while !self.is_full()
            && let Some(job) = jobs.next()
        {
            self.give(job)?;
        }
        Ok(())
    }

    pub fn is_full(&self) -> bool {
        self.results.len() >= AHEAD * self.workers
    }

    /// # Errors
    /// There is no worker any more.
    pub fn give(&mut self, job: J) -> io::Result<()> {
        let (sender, receiver) = sync_channel(1);
        self.jobs.send((job, sender)).map_err(|_| died())?;
        self.results.push_back(receiver);
        Ok(())
    }

    /// No result is left to take.
    pub fn is_empty(&self) -> bool {
        self.results.is_empty()
    }

    /// The result of the earliest job whose result was not taken.
    ///
    /// # Errors
    /// There is none, or its worker is no more.
    pub fn take(&mut self) -> io::Result<R> {
        self.results.pop_front().ok_or_else(died)?.recv().map_err(|_| died())
    }
}

impl<J, R> Jobs<J, R> {
    /// Does jobs until no more can come.
    pub fn work(&self, mut work: impl FnMut(J) -> R) {
        while self.one(&mut work) {}
    }

    /// Does the next job; whether more can come.
    pub fn one(&self, work: impl FnOnce(J) -> R) -> bool {
        let next = self.0.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok((job, to)) = next else { return false };
        // Nobody waits for it any more where the rest was given up.
        let _ = to.send(work(job));
        true
    }
}

fn died() -> io::Error {
    io::Error::other("a compressing thread has died")
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;

    #[test]
    fn results_come_in_the_order_of_the_jobs_whoever_is_faster() {
        let (mut given, jobs) = ordered::<u32, u32>(2);
        let (late, wait) = channel();
        let wait = Mutex::new(wait);
        thread::scope(|scope| {
            let (jobs, wait, late) = (&jobs, &wait, &late);
            for _ in 0..2 {
                // The first is done when all others are.
                scope.spawn(move || {
                    jobs.work(|job| {
                        if job == 0 {
                            wait.lock().unwrap().recv().unwrap();
                        } else if job == 7 {
                            late.send(()).unwrap();
                        }
                        job * 10
                    });
                });
            }
            let mut all = 0..20;
            given.fill(&mut all).unwrap();
            assert_eq!(all.next(), Some(8), "no more are under way than four for each");
            assert!((0..8).all(|job| given.take().unwrap() == job * 10));
            assert!(given.is_empty() && given.take().is_err());
            drop(given);
        });
    }

    #[test]
    fn whoever_gets_no_thread_does_the_jobs_alone() {
        let most = |most: usize| {
            let mut count = 0;
            start(8, |_| {
                count += 1;
                if count > most { Err(io::ErrorKind::WouldBlock.into()) } else { Ok(()) }
            })
        };
        assert!(!most(0) && most(1) && most(8));
        let (mut given, jobs) = ordered::<u32, u32>(1);
        given.fill(0..3).unwrap();
        assert!((0..3).all(|job| jobs.one(|job| job * 10) && given.take().unwrap() == job * 10));
    }

    #[test]
    fn a_worker_that_dies_is_an_error_and_not_waited_for() {
        let (mut given, jobs) = ordered::<u32, u32>(1);
        given.fill(0..2).unwrap();
        let worker = thread::spawn(move || jobs.work(|job| 1 / job));
        assert!(given.take().is_err() && given.take().is_err() && worker.join().is_err());
        assert!(given.give(2).is_err());
    }
}
