//! Hosts that are directories: the runner installs files and runs hooks there, on threads of its own.
//!
//! Bundles are programs that somebody pushed: what may be run is decided here, before any of it is.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use fastrand::Rng;
use sha2::{Digest, Sha256};

use super::workers::Workers;
use super::{Answer, Begun, Hosts, Order, unknown_error};
use crate::appspec;
use crate::model::revision::bare_etag;
use crate::model::{BundleType, Diagnostics, EventName, LifecycleErrorCode};
use crate::runner::{self, Isolation, Specification};
use crate::sandbox::Bundles;
use crate::sandbox::fleet::Instance;

/// Hosts that run something at the same time.
const MOST_AT_ONCE: usize = 64;
/// An AppSpec file beyond this is not looked at.
const APPSPEC_LIMIT: u64 = 1 << 20;

/// Which bundles' scripts may run.
#[derive(Clone, Debug, Default)]
pub struct HookPolicy {
    /// How scripts are kept from the rest of the machine; what is isolated may run.
    pub isolation: Isolation,
    /// Whether they may run without isolation: `--allow-host-hooks`.
    pub allow_host_hooks: bool,
    /// The SHA-256, in lower-case hexadecimal digits, of the bundles that may run in any case.
    pub trusted: BTreeSet<String>,
}

impl HookPolicy {
    fn admits(&self, sha256: &str) -> bool {
        self.isolation != Isolation::None || self.allow_host_hooks || self.trusted.contains(sha256)
    }
}

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
}

impl Local {
    /// Hosts whose files are below `directory`, by instance id.
    pub fn new(directory: PathBuf, bundles: Arc<dyn Bundles>, policy: Arc<HookPolicy>) -> Self {
        Local { site: Arc::new(Site { directory, bundles, policy }), workers: Workers::new(MOST_AT_ONCE) }
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
            let broken = |_| unknown_error("The host broke off without a reason.");
            answer(std::panic::catch_unwind(run).unwrap_or_else(broken));
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
            isolation: self.policy.isolation,
        }
    }

    fn run(&self, host: &runner::Host, order: &Order, event: &EventName) -> Diagnostics {
        for directory in [&host.agent_dir, &host.root] {
            if let Err(error) = fs::create_dir_all(directory) {
                return unknown_error(format!("{}: {error}", directory.display()));
            }
        }
        let fetched = Mutex::new(String::new());
        let fetch = |path: &Path| {
            let sha256 = self.fetch(order, path)?;
            *fetched.lock().unwrap_or_else(PoisonError::into_inner) = sha256;
            Ok(())
        };
        let diagnostics = runner::run_event(host, &specification(order), event, &fetch);
        let sha256 = fetched.into_inner().unwrap_or_else(PoisonError::into_inner);
        let downloaded =
            *event == EventName::DownloadBundle && diagnostics.error_code == LifecycleErrorCode::Success;
        // The earliest moment at which the scripts are known, and none has run: a bundle that stops here
        // is never installed, so that no later ApplicationStop runs its scripts either.
        if downloaded && !self.policy.admits(&sha256) && has_hooks(host, order) {
            return unknown_error(
                "The bundle has hook scripts, which would run on this machine as you. Install bubblewrap to run \
                 them isolated, or start the sandbox with --allow-host-hooks.",
            );
        }
        diagnostics
    }

    /// Copies the bundle and gives the copy's SHA-256; the error is what the host reports.
    fn fetch(&self, order: &Order, path: &Path) -> Result<String, String> {
        let object = order.bundle(&*self.bundles)?;
        if let Some(expected) = order.s3("eTag").map(bare_etag)
            && expected != bare_etag(&object.etag)
        {
            let actual = bare_etag(&object.etag);
            return Err(format!(
                "Expected deployment artifact bundle etag {expected} but was actually {actual}"
            ));
        }
        copy(&object.path, path).map_err(|error| format!("The bundle could not be fetched: {error}"))
    }
}

fn copy(from: &Path, to: &Path) -> io::Result<String> {
    let (mut from, mut to) = (File::open(from)?, File::create(to)?);
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 64 << 10];
    loop {
        let count = from.read(&mut buffer)?;
        let Some(part) = buffer.get(..count).filter(|part| !part.is_empty()) else { break };
        hasher.update(part);
        to.write_all(part)?;
    }
    Ok(hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Whether the unpacked bundle names scripts. An AppSpec that the runner can't read runs none.
fn has_hooks(host: &runner::Host, order: &Order) -> bool {
    let archive = host.agent_dir.join(&order.group_id).join(&order.deployment).join("deployment-archive");
    let mut text = Vec::new();
    let Ok(file) = File::open(archive.join(appspec::FILE_NAME)) else { return false };
    match file.take(APPSPEC_LIMIT + 1).read_to_end(&mut text) {
        Ok(length) if u64::try_from(length).is_ok_and(|length| length <= APPSPEC_LIMIT) => {
            appspec::load(&text, appspec::Os::Linux, appspec::Agent::One)
                .is_ok_and(|appspec| appspec.hooks.iter().any(|(_, scripts)| !scripts.is_empty()))
        }
        _ => true,
    }
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
        deployment_id: order.deployment.clone(),
        application_name: order.application.clone(),
        group_name: order.group.clone(),
        group_id: order.group_id.clone(),
        bundle_type: BundleType::from(order.s3("bundleType").unwrap_or_default()),
        file_exists: order.file_exists,
        bundle_variables,
    }
}
