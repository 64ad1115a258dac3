//! A whole sandbox, put together and running: API, engine, hosts and S3 behind one loopback address, on a state of
//! its own or on one that was there before.

use std::ffi::OsString;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::Value;

use super::clock::{Clock, Scaled};
use super::engine::{self, Engine};
use super::fleet::{Faults, Fleet, seeded};
use super::host::{HostPrograms, Local, Simulated};
use super::objects::{Objects, Versioning};
use super::rows;
use super::server::Server;
use super::state::{Journal, Origin, State, StateError};
use super::store::{Millis, World};
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
    /// Where programs that are hooks find others, as `PATH` has it; the system's places where it is left out.
    pub path: Option<OsString>,
    /// Where everything is kept; nowhere where it is left out.
    pub state: Option<State>,
}

/// Programs that stand for hook functions: they find the sandbox and other programs, and nothing else of the caller's
/// environment.
fn programs(allowed: bool, address: SocketAddr, path: Option<OsString>) -> HostPrograms {
    // Any key will do whose secret equals it.
    let secret = "sandbox";
    let variables = [
        ("AWS_ENDPOINT_URL", format!("http://{address}").into()),
        ("AWS_ACCESS_KEY_ID", secret.into()),
        ("AWS_SECRET_ACCESS_KEY", secret.into()),
        ("PATH", path.unwrap_or_else(|| "/usr/local/bin:/usr/bin:/bin".into())),
    ];
    HostPrograms::new(allowed, variables.map(|(name, value)| (name.to_owned(), value)).into())
}

/// What a sandbox begins with.
struct Basis {
    shared: Arc<Shared>,
    objects: Arc<Objects>,
    /// How much later it is than when the state was written last.
    paused: Millis,
    /// When the sandbox began, as if it had never been down.
    began: Millis,
}

/// An empty world, or that of a state with the journal that it is kept in.
fn basis(state: Option<State>, dir: &Path, speed: u32, seed: u64) -> Result<Basis, StateError> {
    let directory = dir.join("objects");
    let Some(state) = state else {
        let clock = Arc::new(Scaled::new(speed));
        let began = clock.now();
        let shared = Arc::new(Shared::new(clock, seed));
        let objects = Arc::new(Objects::new(&directory, shared.random().fork())?);
        return Ok(Basis { shared, objects, paused: 0, began });
    };
    let clock = Arc::new(Scaled::after(state.recorded.unwrap_or(Millis::MIN), speed));
    let paused = state.recorded.map_or(0, |recorded| clock.now() - recorded);
    let Origin { starts, began, .. } = state.origin;
    let began = if starts == 0 { clock.now() } else { began + paused };
    // What was drawn before must not be drawn again.
    let seed = if starts == 0 { seed } else { seeded(seed, &["start", &starts.to_string()]).u64(..) };
    let mut world = World::default();
    let mut random = fastrand::Rng::with_seed(seed);
    let mut objects = Objects::new(&directory, random.fork())?;
    let parts = world.parts().into_iter().chain(objects.parts()).collect();
    state.read(parts)?;
    world.complete();
    let journal: Arc<Journal> = Arc::new(state.journal(began, clock.clone())?);
    objects.keep(journal.clone()).map_err(StateError::Damaged)?;
    let shared = Arc::new(Shared::kept(world, journal, clock, random.u64(..)));
    Ok(Basis { shared, objects: Arc::new(objects), paused, began })
}

/// A running sandbox. Dropped, it ends, and scripts on its hosts with it.
pub struct Running {
    shared: Arc<Shared>,
    server: Server,
    local: Arc<Local>,
    programs: Arc<HostPrograms>,
    dir: PathBuf,
    keeps: bool,
}

impl Running {
    /// Starts everything; requests are answered once this returns.
    ///
    /// # Errors
    /// The address is taken or not a loopback one, the directory cannot be written, the system gives no thread.
    pub fn start(setup: Setup) -> io::Result<Self> {
        let listener = TcpListener::bind(setup.listen)?;
        let keeps = setup.state.is_some();
        let Basis { shared, objects, paused, began } =
            basis(setup.state, &setup.dir, setup.speed, setup.seed).map_err(io::Error::other)?;
        for bucket in &setup.fleet.buckets {
            let made = objects.create_bucket(&bucket.name, None, shared.clock.now());
            let versioning = if bucket.versioning { Versioning::Enabled } else { Versioning::Off };
            // One that is there already is left as somebody may have changed it.
            made.and_then(|()| objects.set_versioning(&bucket.name, versioning)).ok();
        }
        shared.world().declare(&setup.fleet, shared.clock.now());
        let (faults, api_faults) = (setup.fleet.faults.clone(), setup.fleet.api_faults.clone());
        let programs = Arc::new(programs(setup.hooks.allow_host_hooks, listener.local_addr()?, setup.path));
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
            began,
            paused,
        };
        let engine = Arc::new(Engine::start(shared.clone(), options)?);
        let sandbox = Arc::new(Sandbox::new(shared.clone(), objects, engine, PAGE_SIZE));
        for fault in faults {
            sandbox.add_host_fault(fault).map_err(io::Error::other)?;
        }
        for fault in api_faults {
            sandbox.add_fault(fault).map_err(io::Error::other)?;
        }
        Ok(Running { shared, server: sandbox.serve(listener)?, local, programs, dir: setup.dir, keeps })
    }

    /// `http://127.0.0.1:PORT`
    pub fn url(&self) -> String {
        format!("http://{}", self.server.address())
    }

    /// Ends with every script that runs on its hosts. Where nothing is kept, it leaves what the API knew in
    /// `state.json` beside hosts and objects.
    pub fn shut_down(self) -> io::Result<()> {
        self.server.shut_down();
        self.programs.shut_down();
        self.local.shut_down();
        if self.keeps {
            return Ok(());
        }
        let state = rows::tree(Value::Null, self.shared.world().parts());
        std::fs::write(self.dir.join("state.json"), serde_json::to_vec_pretty(&state)?)
    }
}
