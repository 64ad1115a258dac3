//! CodeDeploy in a process: its API on loopback with a deployment engine behind it.
//!
//! `server/` turns bytes into operations, `operations/` reads and writes `store`, `engine/` moves deployments
//! along on `clock`, on the hosts of `fleet`. Nothing here uses `api/`.

pub mod clock;
pub mod engine;
pub mod fault;
pub mod fleet;
pub mod host;
pub mod objects;
pub mod operations;
pub mod rows;
mod running;
pub mod server;
pub mod state;
pub mod store;
pub mod wire;

use std::ops::{Deref, DerefMut};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub use host::HookPolicy;
pub use running::{Running, Setup};

/// What operations and engine share.
pub struct Shared {
    /// A lock for moments: nothing waits or calls out while it holds it. Whoever needs both locks takes this one
    /// before `random`.
    world: Mutex<store::World>,
    /// Where changes of the world and of objects go.
    pub journal: Arc<state::Journal>,
    pub clock: Arc<dyn clock::Clock>,
    /// Ids come from here, so that a seed repeats them. Whoever draws in an order that no caller decides
    /// (the engine, request ids) forks a generator of its own.
    pub random: Mutex<fastrand::Rng>,
}

impl Shared {
    /// An empty world that is kept nowhere.
    pub fn new(clock: Arc<dyn clock::Clock>, seed: u64) -> Self {
        Shared::kept(store::World::default(), Arc::default(), clock, seed)
    }

    /// A world whose changes go to `journal`.
    pub fn kept(
        world: store::World,
        journal: Arc<state::Journal>,
        clock: Arc<dyn clock::Clock>,
        seed: u64,
    ) -> Self {
        let random = Mutex::new(fastrand::Rng::with_seed(seed));
        Shared { world: Mutex::new(world), journal, clock, random }
    }

    /// The world, whatever became of the thread that held it before: every change to it is made whole.
    pub fn world(&self) -> Held<'_> {
        let world = self.world.lock().unwrap_or_else(PoisonError::into_inner);
        Held { world, journal: &self.journal }
    }

    pub fn random(&self) -> MutexGuard<'_, fastrand::Rng> {
        self.random.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The world, locked. Let go, what was changed in it is recorded.
pub struct Held<'a> {
    world: MutexGuard<'a, store::World>,
    journal: &'a state::Journal,
}

impl Deref for Held<'_> {
    type Target = store::World;

    fn deref(&self) -> &store::World {
        &self.world
    }
}

impl DerefMut for Held<'_> {
    fn deref_mut(&mut self) -> &mut store::World {
        &mut self.world
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        let mut changes = self.journal.changes();
        rows::drain(self.world.parts(), false, &mut rows::Path::default(), &mut changes);
        self.journal.record(changes, Vec::new(), Vec::new());
    }
}

/// Who moves deployments along: the engine. It is never called with the world locked.
pub trait Conductor: Send + Sync {
    /// A deployment was stored, with status `Created` and no targets.
    fn created(&self, region: &str, id: &str);
    /// Somebody set `stop_requested` on a deployment.
    fn stop_requested(&self, region: &str, id: &str);
    /// Somebody asked a deployment to go on, and it was in this wait.
    fn continued(&self, region: &str, id: &str, wait: store::Wait);
    /// A hook function has called back, and its execution was not over: the caller has set `over`.
    fn hook_answered(&self, region: &str, id: &str, hook_execution_id: &str, succeeded: bool);

    /// The first of these filters of tags, in wire form, that no EC2 instance of the region meets after these changes;
    /// none where there are no hosts. Waits for nothing.
    fn unmet<'f>(
        &self,
        _filters: &'f [serde_json::Value],
        _region: &str,
        _changes: &rows::List<store::HostChange>,
    ) -> Option<&'f serde_json::Value> {
        None
    }

    /// What goes wrong on hosts, and may be changed while they work; none where there are no hosts.
    fn host_faults(&self) -> Option<&Arc<fleet::Faults>> {
        None
    }

    /// Makes something happen beside the deployments, now, and says what it did. May wait.
    ///
    /// # Errors
    /// Why it makes no sense.
    fn change(&self, _change: fleet::Change) -> Result<fleet::Changed, String> {
        Err(NO_HOSTS.to_owned())
    }

    /// What is there in a region. May wait.
    ///
    /// # Errors
    /// There are no hosts.
    fn fleet(&self, _region: &str) -> Result<fleet::Status, String> {
        Err(NO_HOSTS.to_owned())
    }
}

const NO_HOSTS: &str = "this sandbox has no hosts";

/// CodeDeploy, S3 and STS behind one function, [`Sandbox::handle`].
pub struct Sandbox {
    shared: Arc<Shared>,
    conductor: Arc<dyn Conductor>,
    s3: s3s::service::S3Service,
    page_size: usize,
    faults: Arc<fault::ApiFaults>,
    /// Locked last, for moments.
    places: Mutex<operations::Places>,
    request_ids: Mutex<fastrand::Rng>,
    /// The last revision of each family, by region.
    task_definitions: Mutex<std::collections::BTreeMap<(String, String), u32>>,
}

/// The service's own page, as far as anybody can tell; tests lower it.
pub const PAGE_SIZE: usize = 100;

impl Sandbox {
    /// `page_size` is that of every list call, at least 1.
    pub fn new(
        shared: Arc<Shared>,
        objects: Arc<objects::Objects>,
        conductor: Arc<dyn Conductor>,
        page_size: usize,
    ) -> Self {
        let mut request_ids = shared.random().fork();
        let numbers = conductor.host_faults().map(|faults| faults.numbers()).unwrap_or_default();
        let faults = Arc::new(fault::ApiFaults::new(request_ids.fork(), numbers));
        let s3 = server::s3(objects, shared.clock.clone(), faults.clone());
        Sandbox {
            shared,
            conductor,
            s3,
            page_size: page_size.max(1),
            faults,
            places: Mutex::default(),
            request_ids: Mutex::new(request_ids),
            task_definitions: Mutex::default(),
        }
    }
}

/// Where local hosts get a revision's bundle from: the sandbox's own S3.
pub trait Bundles: Send + Sync {
    /// The object's file and eTag (without quotes), the newest version where none is named.
    /// The error is what a host would report (`NoSuchKey: The specified key does not exist.`).
    fn object(&self, bucket: &str, key: &str, version: Option<&str>) -> Result<Object, String>;
}

/// A stored object.
#[derive(Clone, Debug)]
pub struct Object {
    pub path: PathBuf,
    pub etag: String,
    pub version: Option<String>,
}
