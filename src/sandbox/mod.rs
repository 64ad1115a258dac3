//! CodeDeploy in a process: its API on loopback with a deployment engine behind it.
//!
//! `server/` turns bytes into operations, `operations/` reads and writes `store`, `engine/` moves deployments
//! along on `clock`, on the hosts of `fleet`. Nothing here uses `api/`.

pub mod clock;
pub mod engine;
pub mod fleet;
pub mod host;
pub mod store;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What the API and the engine have in common.
pub struct Shared {
    /// A lock for moments: nothing waits or calls out while it holds it.
    pub world: Mutex<store::World>,
    pub clock: Arc<dyn clock::Clock>,
    /// Where the API draws ids from, so that a seed repeats them.
    pub random: Mutex<fastrand::Rng>,
}

impl Shared {
    pub fn new(clock: Arc<dyn clock::Clock>, seed: u64) -> Self {
        Shared { world: Mutex::default(), clock, random: Mutex::new(fastrand::Rng::with_seed(seed)) }
    }

    /// The world, whatever became of the thread that held it before: every change to it is made whole.
    pub fn world(&self) -> MutexGuard<'_, store::World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Who moves deployments along. Never called while the world is locked.
pub trait Conductor: Send + Sync {
    /// The deployment was stored: status Created, no targets.
    fn created(&self, region: &str, id: &str);
    /// `stop_requested` of the deployment was set.
    fn stop_requested(&self, region: &str, id: &str);
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
