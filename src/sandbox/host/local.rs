//! Hosts that are directories: the runner installs files and runs hooks there, on threads of its own.
//!
//! Bundles are programs that somebody pushed: the runner decides what may run where scripts start.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use fastrand::Rng;

use super::workers::Workers;
use super::{Answer, Begun, Hosts, Order, refuse_other, unknown_error};
use crate::model::{BundleType, Diagnostics, EventName};
use crate::runner::{self, Groups, Specification};
use crate::sandbox::fleet::Instance;
use crate::sandbox::{Bundles, Object};

pub use crate::runner::HookPolicy;

/// Hosts that run something at the same time.
const MOST_AT_ONCE: usize = 64;
/// How often a bundle that is pushed over all the time is looked for again.
const MOST_LOOKS: u32 = 100;

/// All local hosts.
pub struct Local {
    site: Arc<Site>,
    workers: Workers,
}

/// What every host's work needs.
struct Site {
    directory: PathBuf,
    bundles: Arc<dyn Bundles>,
    policy: Arc<HookPolicy>,
    groups: Arc<Groups>,
    /// Who works on a host, by its root.
    turns: Mutex<BTreeMap<PathBuf, Arc<Mutex<()>>>>,
}

impl Local {
    /// Hosts whose files are below `directory`, by instance id.
    pub fn new(directory: PathBuf, bundles: Arc<dyn Bundles>, policy: Arc<HookPolicy>) -> Self {
        let site = Site { directory, bundles, policy, groups: Arc::default(), turns: Mutex::default() };
        Local { site: Arc::new(site), workers: Workers::new(MOST_AT_ONCE) }
    }

    /// Ends all hosts with what runs on them: nothing is begun any more, and what had begun is not answered. Returns
    /// once none of it works in its directory, after a few seconds at most where scripts do not mind TERM.
    pub fn shut_down(&self) {
        self.site.groups.stop();
        self.workers.end();
        self.site.groups.end_left_over();
    }
}

impl Drop for Local {
    fn drop(&mut self) {
        self.shut_down();
    }
}

impl Hosts for Local {
    fn begin(
        &self,
        instance: &Instance,
        order: &Arc<Order>,
        event: &EventName,
        _rng: &mut Rng,
        answer: Answer,
    ) -> Begun {
        let (site, order, event) = (Arc::clone(&self.site), Arc::clone(order), event.clone());
        let host = site.host(instance);
        self.workers.submit(Box::new(move || {
            let run = std::panic::AssertUnwindSafe(|| site.run(&host, &order, &event));
            // A host that breaks must still answer, or its deployment would wait for an hour.
            let broken = |_| Some(unknown_error("The host broke off without a reason."));
            if let Some(diagnostics) = std::panic::catch_unwind(run).unwrap_or_else(broken) {
                answer(diagnostics);
            }
        }));
        Begun::Answers
    }
}

impl Site {
    fn host(&self, instance: &Instance) -> runner::Host {
        let home = self.directory.join(&instance.id);
        let variables = [("CDCTL_HOST_ID", &instance.id), ("CDCTL_HOST_ZONE", &instance.zone)];
        runner::Host {
            agent_dir: home.join("agent"),
            root: home.join("root"),
            variables: variables.map(|(name, value)| (name.to_owned(), value.clone())).into(),
            hooks: Arc::clone(&self.policy),
            groups: Arc::clone(&self.groups),
            max_revisions: runner::MAX_REVISIONS,
            real: false,
        }
    }

    /// None where the hosts shall end: nobody is to hear how.
    fn run(&self, host: &runner::Host, order: &Order, event: &EventName) -> Option<Diagnostics> {
        // As its agent, a host does one thing at a time: nothing changes its root beneath a script that starts.
        let turn = self.turn(&host.root);
        let _turn = lock(&turn);
        if self.groups.stopped() {
            return None;
        }
        for directory in [&host.agent_dir, &host.root] {
            if let Err(error) = fs::create_dir_all(directory) {
                return Some(unknown_error(format!("{}: {error}", directory.display())));
            }
        }
        let fetch = |path: &Path| self.fetch(order, path);
        let diagnostics = runner::run_event(host, &specification(order), event, &fetch);
        (!self.groups.stopped()).then_some(diagnostics)
    }

    fn turn(&self, root: &Path) -> Arc<Mutex<()>> {
        Arc::clone(lock(&self.turns).entry(root.to_owned()).or_default())
    }

    /// Copies the bundle; the error is what the host reports.
    fn fetch(&self, order: &Order, path: &Path) -> Result<(), String> {
        let (object, mut from) = self.open(order)?;
        refuse_other(order.s3("eTag"), &object)?;
        let copied = File::create(path).and_then(|mut to| io::copy(&mut from, &mut to));
        copied.map(drop).map_err(|error| format!("The bundle could not be fetched: {error}"))
    }

    /// The bundle as it is now: another may have been pushed over it since the deployment began.
    fn open(&self, order: &Order) -> Result<(Object, File), String> {
        let mut tries = 0;
        loop {
            let object = order.look_up(&*self.bundles)?;
            match File::open(&object.path) {
                Ok(file) => return Ok((object, file)),
                // Pushed over between the look and the opening: the next look finds the newer one.
                Err(error) if error.kind() == io::ErrorKind::NotFound && tries < MOST_LOOKS => tries += 1,
                Err(error) => return Err(format!("The bundle could not be fetched: {error}")),
            }
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn specification(order: &Order) -> Specification {
    let variables = [
        ("BUNDLE_BUCKET", "bucket"),
        ("BUNDLE_KEY", "key"),
        ("BUNDLE_VERSION", "version"),
        ("BUNDLE_ETAG", "eTag"),
    ];
    let bundle_variables: BTreeMap<_, _> = variables
        .into_iter()
        .filter_map(|(name, member)| Some((name.to_owned(), order.s3(member)?.to_owned())))
        .collect();
    Specification {
        source: None,
        appspec: crate::appspec::FILE_NAME.to_owned(),
        deployment_id: order.deployment.clone(),
        installed: order.installed.clone(),
        application_name: order.application.clone(),
        group_name: order.group.clone(),
        group_id: order.group_id.clone(),
        bundle_type: BundleType::from(order.s3("bundleType").unwrap_or_default()),
        file_exists: order.file_exists,
        of_directory: false,
        bundle_variables,
    }
}
