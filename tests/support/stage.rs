//! A sandbox with an engine that does as the test says.

use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use cdctl::sandbox::clock::Clock;
use cdctl::sandbox::objects::Objects;
use cdctl::sandbox::server::Server;
use cdctl::sandbox::{Conductor, PAGE_SIZE, Sandbox, Shared};

/// The time at which every staged sandbox stands still: 2026-11-22T12:00:00.123Z.
pub const NOW: i64 = 1_795_348_800_123;

/// A clock that stands still.
struct Fixed(i64);

impl Clock for Fixed {
    fn now(&self) -> i64 {
        self.0
    }

    fn until(&self, _moment: i64) -> Duration {
        Duration::MAX
    }

    fn span(&self, _duration: Duration) -> i64 {
        0
    }
}

/// Leaves deployments as they were created.
struct Idle;

impl Conductor for Idle {
    fn created(&self, _region: &str, _id: &str) {}
    fn stop_requested(&self, _region: &str, _id: &str) {}
}

/// A sandbox and what stands around it.
pub struct Stage {
    pub shared: Arc<Shared>,
    pub objects: Arc<Objects>,
    pub sandbox: Arc<Sandbox>,
    _directory: tempfile::TempDir,
}

impl Stage {
    pub fn new() -> Self {
        Self::with_pages_of(PAGE_SIZE)
    }

    pub fn with_pages_of(page_size: usize) -> Self {
        let shared = Arc::new(Shared::new(Arc::new(Fixed(NOW)), 7));
        let directory = tempfile::tempdir().unwrap();
        let objects = Arc::new(Objects::new(directory.path(), shared.random().fork()).unwrap());
        let sandbox = Arc::new(Sandbox::new(shared.clone(), objects.clone(), Arc::new(Idle), page_size));
        Stage { shared, objects, sandbox, _directory: directory }
    }

    /// Behind a loopback socket.
    pub fn serve(&self) -> Server {
        self.sandbox.clone().serve(TcpListener::bind("127.0.0.1:0").unwrap()).unwrap()
    }
}
