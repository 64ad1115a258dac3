//! A whole sandbox, put together and running: API, engine, hosts and S3 behind one loopback address.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::sync::Arc;

use super::clock::Scaled;
use super::engine::{self, Engine};
use super::fleet::{Faults, Fleet};
use super::host::{HostPrograms, Local, Simulated};
use super::objects::{Objects, Versioning};
use super::server::Server;
use super::store::Millis;
use super::{HookPolicy, PAGE_SIZE, Sandbox, Shared};

/// How long an agent takes to ask for its next event, in milliseconds: short enough for a demo, long enough to be
/// seen. The real agent polls about every second.
const AGENT_PACE: RangeInclusive<Millis> = 500..=2600;

/// What to start.
pub struct Setup {
    /// A loopback address; port 0 picks a free one.
    pub listen: SocketAddr,
    /// Where hosts (`hosts/<instance id>/`) and objects (`objects/`) are kept.
    pub dir: PathBuf,
    pub fleet: Fleet,
    /// How many times faster than the wall's the service's time runs.
    pub speed: u32,
    pub seed: u64,
    pub hooks: HookPolicy,
}

/// Programs that stand for hook functions: they find the sandbox, and nothing of the caller's environment.
fn programs(allowed: bool, address: SocketAddr) -> HostPrograms {
    // Any key will do whose secret equals it.
    let secret = "sandbox";
    let variables = [
        ("AWS_ENDPOINT_URL", format!("http://{address}")),
        ("AWS_ACCESS_KEY_ID", secret.to_owned()),
        ("AWS_SECRET_ACCESS_KEY", secret.to_owned()),
        ("PATH", "/usr/local/bin:/usr/bin:/bin".to_owned()),
    ];
    HostPrograms::new(allowed, variables.map(|(name, value)| (name.to_owned(), value)).into())
}

/// A running sandbox. Dropped, it ends, and scripts on its hosts with it.
pub struct Running {
    shared: Arc<Shared>,
    server: Server,
    local: Arc<Local>,
    programs: Arc<HostPrograms>,
    dir: PathBuf,
}

impl Running {
    /// Starts everything; requests are answered once this returns.
    ///
    /// # Errors
    /// The address is taken or not a loopback one, the directory cannot be written, the system gives no thread.
    pub fn start(setup: Setup) -> io::Result<Self> {
        let listener = TcpListener::bind(setup.listen)?;
        let shared = Arc::new(Shared::new(Arc::new(Scaled::new(setup.speed)), setup.seed));
        let versions = shared.random().fork();
        let objects = Arc::new(Objects::new(&setup.dir.join("objects"), versions)?);
        for bucket in &setup.fleet.buckets {
            let made = objects.create_bucket(&bucket.name, None, shared.clock.now());
            let versioning = if bucket.versioning { Versioning::Enabled } else { Versioning::Off };
            // A bucket that the file declares twice is one bucket.
            made.and_then(|()| objects.set_versioning(&bucket.name, versioning)).ok();
        }
        shared.world().git_hub_accounts.clone_from(&setup.fleet.git_hub_accounts);
        let (faults, api_faults) = (setup.fleet.faults.clone(), setup.fleet.api_faults.clone());
        let programs = Arc::new(programs(setup.hooks.allow_host_hooks, listener.local_addr()?));
        let local = Arc::new(Local::new(setup.dir.join("hosts"), objects.clone(), Arc::new(setup.hooks)));
        let options = engine::Options {
            seed: setup.seed,
            faults: Arc::new(Faults::default()),
            fleet: Arc::new(setup.fleet),
            local: local.clone(),
            bundles: objects.clone(),
            programs: programs.clone(),
            simulated: Arc::new(Simulated::new(objects.clone(), setup.seed)),
            agent_pace: AGENT_PACE,
        };
        let engine = Arc::new(Engine::start(shared.clone(), options)?);
        let sandbox = Arc::new(Sandbox::new(shared.clone(), objects, engine, PAGE_SIZE));
        for fault in faults {
            sandbox.add_host_fault(fault).map_err(io::Error::other)?;
        }
        for fault in api_faults {
            sandbox.add_fault(fault).map_err(io::Error::other)?;
        }
        Ok(Running { shared, server: sandbox.serve(listener)?, local, programs, dir: setup.dir })
    }

    /// `http://127.0.0.1:PORT`
    pub fn url(&self) -> String {
        format!("http://{}", self.server.address())
    }

    /// Ends with every script that runs on its hosts, and leaves what the API knew in `state.json` beside hosts and
    /// objects.
    pub fn shut_down(self) -> io::Result<()> {
        self.server.shut_down();
        self.programs.shut_down();
        self.local.shut_down();
        let state = serde_json::to_vec_pretty(&*self.shared.world())?;
        std::fs::write(self.dir.join("state.json"), state)
    }
}
