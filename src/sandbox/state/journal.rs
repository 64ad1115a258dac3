//! Writes to the state: changes queue, one thread commits all that have come in one transaction, and who has to wait
//! for the disk waits for that one.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use redb::{Database, Durability};
use tokio::sync::watch;

use super::{META, ROWS};
use crate::sandbox::clock::Clock;
use crate::sandbox::rows::{self, Changes};
use crate::sandbox::store::Millis;

/// How often the time is written where nothing else is: after a kill the sandbox goes on from there.
const HEARTBEAT: Duration = Duration::from_secs(5);

/// Takes changes to disk, or nowhere.
#[derive(Default)]
pub struct Journal(Option<Kept>);

struct Kept {
    shared: Arc<Shared>,
    settled: watch::Receiver<Settled>,
    writer: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    queue: Mutex<Queue>,
    /// Something is to be written, or the end has come.
    wake: Condvar,
}

/// How far the disk is: the number of the last change on it, and why none will follow it.
#[derive(Debug, Default)]
struct Settled {
    last: u64,
    failure: Option<String>,
}

#[derive(Default)]
struct Queue {
    /// What may be committed.
    ready: Batch,
    /// What was recorded since a step began: with it or not at all.
    step: Option<Batch>,
    recorded: u64,
    closed: bool,
}

/// What one transaction writes.
#[derive(Default)]
struct Batch {
    removed: BTreeSet<Vec<u8>>,
    rows: BTreeMap<Vec<u8>, Vec<u8>>,
    /// Files that must be on disk before the rows that name them.
    files: Vec<PathBuf>,
    /// Files that no row names any more.
    litter: Vec<PathBuf>,
    /// The number of the last change in it.
    last: u64,
}

impl Batch {
    /// Takes in what came after it.
    fn add(&mut self, later: Batch) {
        for path in later.removed {
            let gone: Vec<_> = self
                .rows
                .range(path.clone()..rows::Path::behind(&path))
                .map(|(path, _)| path.clone())
                .collect();
            for path in gone {
                self.rows.remove(&path);
            }
            self.removed.insert(path);
        }
        self.rows.extend(later.rows);
        self.files.extend(later.files);
        self.litter.extend(later.litter);
        self.last = later.last;
    }

    fn commit(&self, database: &Database, now: Millis) -> Result<(), redb::Error> {
        for path in &self.files {
            sync(path)?;
        }
        let directories: BTreeSet<&Path> = self.files.iter().filter_map(|path| path.parent()).collect();
        for directory in directories {
            sync(directory)?;
        }
        let mut write = database.begin_write()?;
        write.set_durability(Durability::Immediate)?;
        {
            let mut table = write.open_table(ROWS)?;
            for path in &self.removed {
                let behind = rows::Path::behind(path);
                table.retain_in(path.as_slice()..behind.as_slice(), |_, _| false)?;
            }
            for (path, json) in &self.rows {
                table.insert(path.as_slice(), json.as_slice())?;
            }
            write.open_table(META)?.insert("clock", now.to_string().as_bytes())?;
        }
        write.commit()?;
        Ok(())
    }
}

/// A file that is gone was replaced before it got here.
fn sync(path: &Path) -> io::Result<()> {
    match File::open(path) {
        Ok(file) => file.sync_all(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

/// While it lives, what is recorded is on disk with all of it or not at all.
pub struct Step<'a>(&'a Journal);

impl Drop for Step<'_> {
    fn drop(&mut self) {
        if let Some(kept) = &self.0.0 {
            let mut queue = kept.shared.queue();
            if let Some(step) = queue.step.take().filter(|step| step.last > 0) {
                queue.ready.add(step);
                kept.shared.wake.notify_one();
            }
        }
    }
}

impl Journal {
    /// # Errors
    /// The system gives no thread.
    pub(super) fn start(database: Database, clock: Arc<dyn Clock>) -> io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let (sender, settled) = watch::channel(Settled::default());
        let queue = Arc::clone(&shared);
        let writer = std::thread::Builder::new()
            .name("state".to_owned())
            .spawn(move || queue.write(&database, &*clock, &sender))?;
        Ok(Journal(Some(Kept { shared, settled, writer: Some(writer) })))
    }

    /// Whether anything is kept.
    pub fn keeps(&self) -> bool {
        self.0.is_some()
    }

    /// What changes are collected in.
    pub fn changes(&self) -> Changes {
        Changes { unheard: self.0.is_none(), ..Changes::default() }
    }

    /// Queues changes. `files` are on disk before them, and `litter` is deleted after them.
    pub fn record(&self, changes: Changes, files: Vec<PathBuf>, litter: Vec<PathBuf>) {
        let Some(kept) = &self.0 else { return discard(&litter) };
        if changes.is_empty() && files.is_empty() && litter.is_empty() {
            return;
        }
        let mut queue = kept.shared.queue();
        if queue.closed {
            return;
        }
        queue.recorded += 1;
        let Changes { removed, rows, .. } = changes;
        let (removed, rows) = (removed.into_iter().collect(), rows.into_iter().collect());
        let batch = Batch { removed, rows, files, litter, last: queue.recorded };
        match &mut queue.step {
            Some(step) => step.add(batch),
            None => {
                queue.ready.add(batch);
                kept.shared.wake.notify_one();
            }
        }
    }

    /// Begins a step. There is one at a time.
    pub fn step(&self) -> Step<'_> {
        if let Some(kept) = &self.0 {
            kept.shared.queue().step.get_or_insert_default();
        }
        Step(self)
    }

    /// Waits until all that has been recorded is on disk.
    ///
    /// # Errors
    /// Why it never will be.
    pub async fn settled(&self) -> Result<(), String> {
        let Some(kept) = &self.0 else { return Ok(()) };
        let recorded = kept.shared.queue().recorded;
        let mut settled = kept.settled.clone();
        let told = settled.wait_for(|settled| settled.failure.is_some() || settled.last >= recorded).await;
        match told.as_deref() {
            Ok(Settled { failure: Some(why), .. }) => Err(why.clone()),
            Ok(_) => Ok(()),
            Err(_) => Err("the sandbox has ended".to_owned()),
        }
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        if let Some(kept) = &mut self.0 {
            kept.shared.queue().closed = true;
            kept.shared.wake.notify_one();
            if let Some(writer) = kept.writer.take() {
                // A panic on that thread has been reported by its own hook.
                let _ = writer.join();
            }
        }
    }
}

impl Shared {
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self, database: &Database, clock: &dyn Clock, settled: &watch::Sender<Settled>) {
        loop {
            let idle = |queue: &mut Queue| queue.ready.last == 0 && !queue.closed;
            let waited = self.wake.wait_timeout_while(self.queue(), HEARTBEAT, idle);
            let (mut queue, _) = waited.unwrap_or_else(PoisonError::into_inner);
            let (batch, closed) = (std::mem::take(&mut queue.ready), queue.closed);
            // Read before more is recorded: what the disk has is never older than its time.
            let now = clock.now();
            drop(queue);
            if let Err(error) = batch.commit(database, now) {
                let why = format!("The state of the cdctl sandbox cannot be written: {error}");
                settled.send_modify(|settled| settled.failure = Some(why));
                self.queue().closed = true;
                return;
            }
            discard(&batch.litter);
            if batch.last > 0 {
                settled.send_modify(|settled| settled.last = batch.last);
            } else if closed {
                return;
            }
        }
    }
}

/// Takes files off the disk. One that stays is litter in a directory of the sandbox's own.
fn discard(paths: &[PathBuf]) {
    for path in paths {
        let _ = fs::remove_file(path);
    }
}
