//! Where the agent keeps what: archives, logs and install records below its own directory.
//!
//! Source: official agent 1.8.1, command_executor.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use rustix::fs::OFlags;

use super::failure::ruby;
use super::{Host, Specification};

/// A bundle's name, whatever its type.
const BUNDLE: &str = "bundle.tar";
/// What a bundle was unpacked to.
const ARCHIVE: &str = "deployment-archive";
/// How the names of a group's records end.
const MOST_RECENT: &str = "_most_recent_install";
const LAST_SUCCESSFUL: &str = "_last_successful_install";
/// And that of the file that a deployment at work holds locked, which is this tool's own.
const LOCK: &str = ".lock";

pub struct Layout {
    agent_dir: PathBuf,
    group_id: String,
    deployment_id: String,
}

/// Which revision's scripts an event runs.
pub enum Selected {
    Archive(PathBuf),
    /// There is no earlier revision.
    Nothing,
}

/// Whether it can be the id of a deployment or a group: the name of one file.
pub fn is_id(text: &str) -> bool {
    !text.is_empty() && !text.starts_with('.') && !text.contains(['/', '\\', '\0', '\n'])
}

impl Layout {
    pub fn new(host: &Host, specification: &Specification) -> Result<Self, super::Failure> {
        for id in [&specification.group_id, &specification.deployment_id] {
            if !is_id(id) {
                return Err(format!("{id:?} is not a valid path component").into());
            }
        }
        let absolute = std::path::absolute(&host.agent_dir);
        // Scripts start elsewhere: a relative path would change its meaning.
        let absolute = absolute.map_err(|error| ruby(&error, "expand_path", &host.agent_dir))?;
        let layout = Layout {
            // Whether it is in the host's root is asked of where it is, not of how it was reached.
            agent_dir: absolute.canonicalize().unwrap_or(absolute),
            group_id: specification.group_id.clone(),
            deployment_id: specification.installed.as_ref().unwrap_or(&specification.deployment_id).clone(),
        };
        layout.refuse_links()?;
        Ok(layout)
    }

    /// The agent makes no links, and what it writes and removes is beside none: one that a bundle has put there leads
    /// wherever the bundle likes.
    fn refuse_links(&self) -> Result<(), String> {
        let mut own = vec![self.group(), self.instructions(), self.cleanup_file(), self.install_file()];
        own.extend([MOST_RECENT, LAST_SUCCESSFUL, LOCK].map(|ending| self.record(ending)));
        let log = self.script_log();
        own.extend(log.parent().map(Path::to_owned));
        own.extend([self.deployment(), self.bundle(), self.archive(), log]);
        let earlier = self.last_successful();
        own.extend(earlier.into_iter().flat_map(|deployment| [deployment.join(ARCHIVE), deployment]));
        match own.iter().find(|path| path.is_symlink()) {
            Some(link) => Err(format!("{} is a link, and the agent keeps none. Remove it.", link.display())),
            None => Ok(()),
        }
    }

    fn group(&self) -> PathBuf {
        self.agent_dir.join(&self.group_id)
    }

    fn deployment(&self) -> PathBuf {
        self.group().join(&self.deployment_id)
    }

    pub fn bundle(&self) -> PathBuf {
        self.deployment().join(BUNDLE)
    }

    /// The bundle that an archive was unpacked from.
    pub fn bundle_of(archive: &Path) -> PathBuf {
        archive.with_file_name(BUNDLE)
    }

    pub fn archive(&self) -> PathBuf {
        self.deployment().join(ARCHIVE)
    }

    /// The log of all scripts of this deployment, whichever revision's they are.
    pub fn script_log(&self) -> PathBuf {
        self.deployment().join("logs").join("scripts.log")
    }

    /// The log of all deployments of this host.
    pub fn deployments_log(&self) -> PathBuf {
        self.agent_dir.join("deployment-logs").join("codedeploy-agent-deployments.log")
    }

    fn instructions(&self) -> PathBuf {
        self.agent_dir.join("deployment-instructions")
    }

    fn record(&self, ending: &str) -> PathBuf {
        self.instructions().join(format!("{}{ending}", self.group_id))
    }

    /// What the last Install put where.
    pub fn cleanup_file(&self) -> PathBuf {
        self.record("-cleanup")
    }

    pub fn install_file(&self) -> PathBuf {
        self.record("-install.json")
    }

    /// Keeps other deployments of the group out while the file is open, and says in it which process that is; the error
    /// is which one was first. Where the file system has no locks, nobody is kept out.
    pub fn lock(&self) -> Result<File, String> {
        make_dir(&self.instructions())?;
        let path = self.record(LOCK);
        let mut file = open(&path, OpenOptions::new().create(true).truncate(false).read(true).write(true))?;
        if let Err(TryLockError::WouldBlock) = file.try_lock() {
            let mut who = String::new();
            let _ = file.read_to_string(&mut who);
            let who = Some(who.trim_end()).filter(|who| !who.is_empty()).unwrap_or("unknown");
            return Err(format!("another run in group {} is at work (process {who})", self.group_id));
        }
        // Only for people.
        let _ = file.set_len(0).and_then(|()| writeln!(file, "{}", std::process::id()));
        Ok(file)
    }

    /// Makes the directories of this deployment, without what an earlier attempt left in its archive.
    pub fn prepare(&self) -> Result<(), String> {
        let archive = self.archive();
        match fs::remove_dir_all(&archive) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(ruby(&error, "rm_rf", &archive));
            }
            _ => {}
        }
        make_dir(&archive)?;
        make_dir(&self.instructions())
    }

    pub fn record_most_recent(&self) -> Result<(), String> {
        self.write_record(MOST_RECENT)
    }

    /// Written at the end of Install: what fails later is still the "last successful" revision.
    pub fn record_last_successful(&self) -> Result<(), String> {
        self.write_record(LAST_SUCCESSFUL)
    }

    fn write_record(&self, ending: &str) -> Result<(), String> {
        let path = self.record(ending);
        let text = self.deployment().to_string_lossy().into_owned();
        write(&path, &text)
    }

    /// The last successful revision's archive, where it is still there.
    pub fn earlier(&self) -> Option<PathBuf> {
        self.last_successful().map(|deployment| deployment.join(ARCHIVE)).filter(|archive| archive.is_dir())
    }

    /// This deployment's archive where there is one, else the last successful one for the events that stop it.
    pub fn select(&self, earlier: bool) -> Selected {
        if !earlier || self.archive().is_dir() {
            return Selected::Archive(self.archive());
        }
        self.earlier().map_or(Selected::Nothing, Selected::Archive)
    }

    fn last_successful(&self) -> Option<PathBuf> {
        let text = fs::read_to_string(self.record(LAST_SUCCESSFUL)).ok()?;
        let name = Path::new(text.trim_end()).file_name()?.to_owned();
        Some(self.group().join(name))
    }

    /// Removes the oldest revisions beyond the limit, which counts this one whether it is there yet or not; never this one,
    /// the last successful one or one that `source` lies in.
    pub fn drop_old_archives(&self, limit: usize, source: Option<&Path>) {
        let (own, kept) = (self.deployment(), self.last_successful());
        let Ok(entries) = fs::read_dir(self.group()) else { return };
        let mut found: Vec<(SystemTime, PathBuf)> = entries
            .flatten()
            .filter(|entry| entry.file_name().to_string_lossy().starts_with("d-"))
            .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
            .filter(|entry| entry.path() != own)
            .filter_map(|entry| Some((entry.metadata().ok()?.modified().ok()?, entry.path())))
            .collect();
        found.sort();
        let surplus = (found.len() + 1).saturating_sub(limit);
        let is_needed = |path: &PathBuf| {
            let holds = |source: &Path| path.canonicalize().is_ok_and(|path| source.starts_with(path));
            Some(path) == kept.as_ref() || source.is_some_and(holds)
        };
        for (_, path) in found.iter().filter(|(_, path)| !is_needed(path)).take(surplus) {
            // A revision that cannot be removed now is tried again next time.
            let _ = fs::remove_dir_all(path);
        }
    }
}

/// Opens a file of the agent's own; a link is an error.
pub fn open(path: &Path, options: &mut OpenOptions) -> Result<File, String> {
    let no_follow = OFlags::NOFOLLOW.bits().cast_signed();
    options.custom_flags(no_follow).open(path).map_err(|error| ruby(&error, "rb_sysopen", path))
}

/// Writes a file of the agent's own anew.
pub fn write(path: &Path, text: &str) -> Result<(), String> {
    let mut file = open(path, OpenOptions::new().create(true).write(true).truncate(true))?;
    file.write_all(text.as_bytes()).map_err(|error| ruby(&error, "io_write", path))
}

pub fn make_dir(path: &Path) -> Result<(), String> {
    fs::create_dir_all(path).map_err(|error| ruby(&error, "dir_s_mkdir", path))
}
