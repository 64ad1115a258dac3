//! One revision on one host, as the official agent does it. Knows neither the API nor the sandbox.
//!
//! An unprivileged user cannot be another one but by `sudo`, and a directory that stands for a host has no users:
//! `runas`, `sudo`, `owner`, `group`, `acls` and `context` are noted in the host's `scripts.log` where they are not done.
//! Everything else is done below the host's root. A tar's own owners and setuid bits are kept on a machine of root's own alone.

mod bubblewrap;
mod cleanup;
mod copy;
mod failure;
mod groups;
mod hooks;
mod install;
mod layout;
mod log;
mod permissions;
mod plan;
mod policy;
mod process;
mod reach;
mod root;
mod security;
mod supervisor;
mod unpack;
mod users;

use std::collections::BTreeMap;
use std::fs::{File, Permissions};
use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::OFlags;

use crate::appspec::{self, Agent, AppSpec, Os};
use crate::model::{BundleType, Diagnostics, EventName};
use crate::source;

pub use crate::appspec::FileExists;
pub use groups::Groups;
pub use layout::is_id;
pub use log::Listener;
pub use plan::conflict;
pub use policy::{HookPolicy, Isolation};
pub use unpack::{
    Contents, Damage, Fault, Keep, Unreadable, as_written, contents, extract, is_too_much, unpack,
    unpack_with,
};

use failure::Failure;
use layout::Layout;
use log::Log;
use unpack::Lost;

/// One host: the agent's own directory and what stands for `/`.
#[derive(Clone, Debug)]
pub struct Host {
    /// Archives, install records and logs (`/opt/codedeploy-agent/deployment-root` on a real host).
    pub agent_dir: PathBuf,
    /// `files:` destinations are placed below it and hooks start in it.
    pub root: PathBuf,
    /// Variables beside the agent's own that hooks see (`CDCTL_HOST_ID`, …).
    pub variables: BTreeMap<String, String>,
    /// Whether scripts may run, and how.
    pub hooks: Arc<HookPolicy>,
    /// What ends this host's scripts before their time.
    pub groups: Arc<Groups>,
    /// How many revisions a group keeps; the new one counts.
    pub max_revisions: usize,
    /// It is this machine itself: `sudo` is done, and for root `runas`, owners (a tar's own too), ACLs and SELinux
    /// contexts.
    pub real: bool,
}

/// [`Host::max_revisions`] where the agent's configuration does not say. Source: official agent 1.8.1.
pub const MAX_REVISIONS: usize = 5;

impl Host {
    /// Whether what only root of a real host can do is done.
    pub fn is_roots(&self) -> bool {
        self.real && rustix::process::geteuid().is_root()
    }
}

/// What the agent is told of a deployment.
#[derive(Clone, Debug)]
pub struct Specification {
    pub deployment_id: String,
    /// The deployment whose revision it is, where that is another one: what a restart starts again.
    pub installed: Option<String>,
    pub application_name: String,
    pub group_name: String,
    /// Keys the host's install records: a re-created group of the same name owns nothing of the old one's.
    pub group_id: String,
    pub bundle_type: BundleType,
    pub file_exists: FileExists,
    /// It holds a directory, which the agent copies as it is: one that is alone at its top stays.
    pub of_directory: bool,
    /// Where it lies on this machine, without links, if it does: no revision that holds it is removed.
    pub source: Option<PathBuf>,
    /// The AppSpec's path below the bundle's root: [`appspec::FILE_NAME`], where nobody chose another.
    pub appspec: String,
    /// `BUNDLE_BUCKET`, `BUNDLE_KEY`, `BUNDLE_VERSION`, `BUNDLE_ETAG` or `BUNDLE_COMMIT`, where they apply.
    pub bundle_variables: BTreeMap<String, String>,
}

/// Writes the bundle to the path it is given; an error is the message that the host will report.
pub type Fetch<'a> = &'a (dyn Fn(&Path) -> Result<(), String> + Sync);

/// One lifecycle event of a deployment, to be run as an agent runs it.
#[derive(Clone)]
pub struct Order<'a> {
    pub specification: &'a Specification,
    pub event: &'a EventName,
    /// Whose reading of the AppSpec counts.
    pub agent: Agent,
    /// Hears the log as it is written.
    pub listener: Option<Listener>,
}

/// Runs one lifecycle event of a deployment on a host and says how it went
/// (`error_code` is `Success` where it went well). Blocks until the event has ended.
pub fn run_event(
    host: &Host,
    specification: &Specification,
    event: &EventName,
    fetch: Fetch<'_>,
) -> Diagnostics {
    run(host, &Order { specification, event, agent: Agent::One, listener: None }, fetch).0
}

/// As [`run_event`], with all that an order says; and which signal ended the script that failed, where one did:
/// `9 (KILL)`.
pub fn run(host: &Host, order: &Order<'_>, fetch: Fetch<'_>) -> (Diagnostics, Option<String>) {
    let result = Layout::new(host, order.specification).and_then(|layout| match order.event {
        EventName::DownloadBundle => download(host, &layout, order, fetch),
        EventName::Install => install::install(host, &layout, order),
        _ => hooks::run(host, &layout, order),
    });
    match result {
        Ok(()) => (Diagnostics::success(), None),
        Err(mut failure) => {
            let signal = failure.signal.take();
            (failure.into(), signal)
        }
    }
}

/// Where a path of the host lies below the directory that stands for its `/`, links followed as the host would; makes
/// that directory where it is missing.
///
/// # Errors
/// The directory cannot be made or opened, or links go in a circle.
pub fn below(root: &Path, path: &Path) -> Result<PathBuf, String> {
    Ok(root::Root::new(root)?.follow(path)?.path().to_owned())
}

/// What Install would do.
pub struct Preview {
    /// The steps, as the agent writes them down.
    pub steps: serde_json::Value,
    /// The host's files that are in the way: the first is what Install would fail of.
    pub conflicts: Vec<PathBuf>,
    /// Why nothing of the last revision would be removed, where its record is not used.
    pub distrusted: Option<String>,
    /// The host's files whose SELinux contexts Install would take back first, in its order: the last revision's.
    pub forgotten: Vec<PathBuf>,
    /// The host's files and directories that Install would then remove, in its order: the last revision's.
    pub removed: Vec<PathBuf>,
    /// What Install would fail of where no script before it changes the host: what is in the way of a step, an owner, a
    /// group or somebody in an ACL who is not there, or what a link leads to whose permissions are set.
    pub lacks: Option<String>,
}

/// Whether an event runs scripts: the other two are the agent's own work.
pub fn runs_scripts(event: &EventName) -> bool {
    !matches!(event, EventName::DownloadBundle | EventName::Install)
}

/// Whether an event runs the scripts of the revision before, where this one is not unpacked yet.
pub fn stops(event: &EventName) -> bool {
    matches!(event, EventName::BeforeBlockTraffic | EventName::AfterBlockTraffic | EventName::ApplicationStop)
}

/// The AppSpec of the last revision that a group installed successfully: what the events that stop it run. None where
/// there is no such revision.
///
/// # Errors
/// What those events would fail of.
pub fn earlier(host: &Host, specification: &Specification, agent: Agent) -> Result<Option<AppSpec>, String> {
    let layout = Layout::new(host, specification).map_err(|failure| failure.message)?;
    let name = &specification.appspec;
    layout.earlier().map(|archive| appspec_of(&archive, agent, name, agent == Agent::Two)).transpose()
}

/// What Install would do now with an unpacked revision; nothing is done, but that a root that is missing is made.
///
/// # Errors
/// What Install would report, where that is not a file in its way.
pub fn preview(
    host: &Host,
    (specification, agent): (&Specification, Agent),
    appspec: &AppSpec,
    archive: &Path,
) -> Result<Preview, String> {
    let root = root::Root::seen(host)?;
    let record = Layout::new(host, specification).map_err(|failure| failure.message)?.cleanup_file();
    let forgotten = if host.is_roots() { cleanup::contexts(&record, agent)? } else { Vec::new() };
    let (removed, places): (Vec<_>, _) = cleanup::removed(&record, &root, agent)?.into_iter().unzip();
    let root = root.without(places);
    let archive = root::Root::closed(archive).map_err(|error| failure::ruby(&error, "realpath", archive))?;
    let (plan, ends) = plan::draft(appspec, &archive, &root, specification.file_exists, agent)?;
    let ends = ends.and_then(|()| plan.sources(&archive)).and_then(|()| copy::never(&plan.steps, agent));
    match ends {
        Err(message) if plan.conflicts.is_empty() => Err(message),
        _ => {
            let fails = host.is_roots() && agent == Agent::One;
            let stranger = if host.is_roots() { copy::stranger(&plan.steps, agent) } else { None };
            let blocked =
                plan.steps.iter().find_map(|step| copy::check(step, (&archive, &root), agent).err());
            let lacks = blocked.or(stranger).or_else(|| plan.dangling(&archive, &root, fails));
            let distrusted = cleanup::distrust(&record, agent);
            Ok(Preview {
                steps: plan.json(),
                conflicts: plan.conflicts,
                distrusted,
                forgotten,
                removed,
                lacks,
            })
        }
    }
}

/// Keeps a second deployment of the group out, of whatever process, for as long as this is held: each would take what
/// the other installs for somebody else's.
///
/// # Errors
/// Another one is at work, or the agent's directory cannot be written.
pub fn hold(host: &Host, specification: &Specification) -> Result<File, String> {
    Layout::new(host, specification).map_err(|failure| failure.message)?.lock()
}

/// Where a deployment's scripts are logged; none where its ids name no files.
pub fn script_log(host: &Host, specification: &Specification) -> Option<PathBuf> {
    Layout::new(host, specification).ok().map(|layout| layout.script_log())
}

/// Whether an unpacked revision has a script, or a link out of it, which means what the host has there.
pub fn has_script(archive: &Path, location: &str) -> bool {
    let below = Path::new(location.trim_start_matches('/'));
    let there = |archive: root::Root| archive.walk(below, false).is_ok_and(|place| place.exists());
    root::Root::closed(archive).is_ok_and(there)
}

fn download(host: &Host, layout: &Layout, order: &Order<'_>, fetch: Fetch<'_>) -> Result<(), Failure> {
    let specification = order.specification;
    // First, as both agents do it: the new one needs the room, and one that fails here is counted the next time.
    layout.drop_old_archives(host.max_revisions, specification.source.as_deref());
    layout.prepare()?;
    let bundle = layout.bundle();
    fetch(&bundle)?;
    let (kind, archive) = (&specification.bundle_type, layout.archive());
    let keep = if host.is_roots() { Keep::Owners } else { Keep::Times };
    match specification.of_directory {
        // A copy of a directory has no times and owners of before, and agent 1 makes it anew.
        true => {
            let keep = if order.agent == Agent::One { Keep::Masked } else { Keep::Modes };
            unpack::extract_with(&bundle, kind, &archive, keep)?;
        }
        false => {
            let lost = unpack::unpack_with(&bundle, kind, &archive, keep)?;
            note_lost(&lost, layout, order)?;
            // Whatever the archive says of its root.
            if order.agent == Agent::Two {
                std::fs::set_permissions(&archive, Permissions::from_mode(0o755))
                    .map_err(|error| failure::ruby(&error, "chmod", &archive))?;
            }
        }
    }
    // Nothing of it is installed then. Where scripts start this is asked again.
    if !host.hooks.admits(&bundle) && has_hooks(&layout.archive(), &specification.appspec)? {
        return Err(hooks::not_admitted());
    }
    layout.record_most_recent()?;
    Ok(())
}

/// Says what only root of a real host keeps of a tar.
fn note_lost(lost: &Lost, layout: &Layout, order: &Order<'_>) -> Result<(), String> {
    let bits = lost.bits.as_ref().map(|(name, mode)| {
        format!("setuid and setgid bits of the tar are not kept ({}: {mode:o})", name.display())
    });
    let owner =
        lost.owner.as_ref().map(|name| format!("owners of the tar are not kept ({})", name.display()));
    let mut lines = bits.into_iter().chain(owner).peekable();
    if lines.peek().is_none() {
        return Ok(());
    }
    let mut log = Log::open(&layout.script_log(), order.agent, order.listener.clone())?;
    lines.for_each(|line| log.note(&format!("{line}: {}", copy::NOT_REAL)));
    Ok(())
}

/// The text of an AppSpec, as far as a reader of AppSpecs goes. A stranger's file may be endless, or no file.
pub fn read_appspec(path: &Path) -> io::Result<Vec<u8>> {
    if !std::fs::metadata(path)?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a file"));
    }
    let mut text = Vec::new();
    File::open(path)?.take(source::MAX_BYTES as u64 + 1).read_to_end(&mut text)?;
    Ok(text)
}

/// The text of a directory's AppSpec of this name, as [`read_appspec`] takes it; links are followed where they stay below
/// the directory.
pub fn read_within(folder: &Path, name: &str) -> io::Result<Vec<u8>> {
    let file = root::Root::closed(folder)?.walk(Path::new(name), true)?.open(OFlags::RDONLY)?;
    let mut text = Vec::new();
    file.take(source::MAX_BYTES as u64 + 1).read_to_end(&mut text).map(|_| text)
}

/// The AppSpec of an unpacked revision; the error is what the host reports. A link that leads out of the revision is
/// no AppSpec: what is behind it may change after it was looked at. Where the chosen name is not there, agent 2 takes one
/// of the `usual` ones, and agent 1 in Install alone.
fn appspec_of(archive: &Path, agent: Agent, name: &str, usual: bool) -> Result<AppSpec, String> {
    let path = archive.join(name);
    let usual = [appspec::OTHER_NAME, appspec::FILE_NAME].into_iter().filter(|_| usual);
    match std::iter::once(name).chain(usual).find_map(|name| read_within(archive, name).ok()) {
        Some(text) => appspec::load(&text, Os::Linux, agent),
        None => Err(format!(
            "The CodeDeploy agent did not find an AppSpec file within the unpacked revision directory at revision-relative path \"{}\". The revision was unpacked to directory \"{}\", and the AppSpec file was expected but not found at path \"{}\". Consult the AWS CodeDeploy Appspec documentation for more information at http://docs.aws.amazon.com/codedeploy/latest/userguide/reference-appspec-file.html",
            name,
            archive.display(),
            path.display()
        )),
    }
}

/// Whether an unpacked revision names scripts; the error is an AppSpec that leaves it open. A revision without one
/// names none, and says so itself in the event that needs it.
fn has_hooks(archive: &Path, name: &str) -> Result<bool, String> {
    match std::fs::symlink_metadata(archive.join(name)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        _ => Ok(appspec_of(archive, Agent::One, name, false)?
            .hooks
            .iter()
            .any(|(_, scripts)| !scripts.is_empty())),
    }
}

#[cfg(test)]
mod tests;
