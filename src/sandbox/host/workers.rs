//! Threads for what blocks: as many as there was work for at a time, up to a limit. They stay until the end: what a
//! script leaves running ends with the thread that started it. Knows nothing of the work.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// Something to do. Must not panic.
pub(super) type Work = Box<dyn FnOnce() + Send>;

/// Threads that come with the work and stay.
pub(super) struct Workers {
    queue: Arc<Shared>,
    limit: usize,
}

#[derive(Default)]
struct Shared {
    queue: Mutex<Queue>,
    /// There is work, or the end has come.
    news: Condvar,
    /// The last thread goes.
    gone: Condvar,
}

#[derive(Default)]
struct Queue {
    closed: bool,
    threads: usize,
    /// Threads that have nothing to do.
    idle: usize,
    waiting: VecDeque<Work>,
}

impl Workers {
    pub(super) fn new(limit: usize) -> Self {
        Workers { queue: Arc::default(), limit }
    }

    /// Does the work as soon as a thread is free for it; drops it after the end.
    pub(super) fn submit(&self, work: Work) {
        let mut queue = lock(&self.queue.queue);
        if queue.closed {
            return;
        }
        queue.waiting.push_back(work);
        self.queue.news.notify_one();
        if queue.waiting.len() <= queue.idle || queue.threads >= self.limit {
            return;
        }
        queue.threads += 1;
        let shared = Arc::clone(&self.queue);
        let thread = std::thread::Builder::new().name("host".to_owned()).spawn(move || {
            while let Some(work) = next(&shared) {
                work();
            }
        });
        if thread.is_err() {
            // The system gives no thread: one that runs will take the work, or the next that is given.
            queue.threads -= 1;
        }
    }

    /// Drops what has not begun, and waits for what has.
    pub(super) fn end(&self) {
        let mut queue = lock(&self.queue.queue);
        queue.closed = true;
        // What is dropped may want to lock the queue itself.
        let dropped = std::mem::take(&mut queue.waiting);
        self.queue.news.notify_all();
        let busy = self.queue.gone.wait_while(queue, |queue| queue.threads > 0);
        drop(busy);
        drop(dropped);
    }
}

fn next(shared: &Shared) -> Option<Work> {
    let mut queue = lock(&shared.queue);
    queue.idle += 1;
    let news = shared.news.wait_while(queue, |queue| !queue.closed && queue.waiting.is_empty());
    let mut queue = news.unwrap_or_else(PoisonError::into_inner);
    queue.idle -= 1;
    let work = queue.waiting.pop_front();
    if work.is_none() {
        queue.threads -= 1;
        shared.gone.notify_all();
    }
    work
}

fn lock(queue: &Mutex<Queue>) -> MutexGuard<'_, Queue> {
    queue.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;

    #[test]
    fn no_more_threads_than_the_limit_and_no_work_is_lost() {
        let workers = Workers::new(3);
        let (done, results) = channel();
        let (running, most) = (Arc::new(Mutex::new(0)), Arc::new(Mutex::new(0)));
        for index in 0..200 {
            let (done, running, most) = (done.clone(), Arc::clone(&running), Arc::clone(&most));
            workers.submit(Box::new(move || {
                let now = {
                    let mut running = running.lock().unwrap();
                    *running += 1;
                    *running
                };
                let mut most = most.lock().unwrap();
                *most = now.max(*most);
                drop(most);
                std::thread::yield_now();
                *running.lock().unwrap() -= 1;
                done.send(index).unwrap();
            }));
        }
        drop(done);
        let mut done: Vec<i32> = results.iter().collect();
        workers.end();
        done.sort_unstable();
        assert_eq!(done, (0..200).collect::<Vec<_>>());
        assert!(*most.lock().unwrap() <= 3);
    }

    #[test]
    fn a_thread_stays_until_the_end() {
        let workers = Workers::new(3);
        let (done, results) = channel();
        for _ in 0..2 {
            let done = done.clone();
            workers.submit(Box::new(move || done.send(std::thread::current().id()).unwrap()));
            while lock(&workers.queue.queue).idle == 0 {
                std::thread::yield_now();
            }
        }
        assert_eq!(results.recv().unwrap(), results.recv().unwrap());
        workers.end();
        assert_eq!(lock(&workers.queue.queue).threads, 0);
    }

    #[test]
    fn the_end_waits_for_what_has_begun_and_drops_the_rest() {
        let workers = Workers::new(1);
        let (begun, has_begun) = channel();
        let (go_on, goes_on) = channel();
        let (done, results) = channel();
        let first = done.clone();
        workers.submit(Box::new(move || {
            begun.send(()).unwrap();
            goes_on.recv().unwrap();
            first.send(1).unwrap();
        }));
        workers.submit(Box::new(move || done.send(2).unwrap()));
        has_begun.recv().unwrap();
        std::thread::scope(|scope| {
            scope.spawn(|| workers.end());
            while !lock(&workers.queue.queue).closed {
                std::thread::yield_now();
            }
            go_on.send(()).unwrap();
        });
        workers.submit(Box::new(|| unreachable!("nothing begins after the end")));
        assert_eq!(results.iter().collect::<Vec<_>>(), [1]);
    }
}
