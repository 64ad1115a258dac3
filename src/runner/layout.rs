//! Where the agent keeps what: archives, logs and install records below its own directory.
//!
//! Source: official agent 1.8.1, command_executor.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::failure::ruby;
use super::{Host, Specification};

/// A bundle's name, whatever its type.
const BUNDLE: &str = "bundle.tar";

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
        Ok(Layout {
            // Scripts start elsewhere: a relative path would change its meaning.
            agent_dir: absolute.map_err(|error| ruby(&error, "expand_path", &host.agent_dir))?,
            group_id: specification.group_id.clone(),
            deployment_id: specification.deployment_id.clone(),
        })
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
        self.deployment().join("deployment-archive")
    }

    /// The log that belongs to an archive.
    pub fn script_log(archive: &Path) -> PathBuf {
        archive.with_file_name("logs").join("scripts.log")
    }

    fn record(&self, ending: &str) -> PathBuf {
        self.agent_dir.join("deployment-instructions").join(format!("{}{ending}", self.group_id))
    }

    /// What the last Install put where.
    pub fn cleanup_file(&self) -> PathBuf {
        self.record("-cleanup")
    }

    pub fn install_file(&self) -> PathBuf {
        self.record("-install.json")
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
        make_dir(&self.agent_dir.join("deployment-instructions"))
    }

    pub fn record_most_recent(&self) -> Result<(), String> {
        self.write_record("_most_recent_install")
    }

    /// Written at the end of Install: what fails later is still the "last successful" revision.
    pub fn record_last_successful(&self) -> Result<(), String> {
        self.write_record("_last_successful_install")
    }

    fn write_record(&self, ending: &str) -> Result<(), String> {
        let path = self.record(ending);
        let text = self.deployment().to_string_lossy().into_owned();
        fs::write(&path, text).map_err(|error| ruby(&error, "rb_sysopen", &path))
    }

    /// This deployment's archive where there is one, else the last successful one for the events that stop it.
    pub fn select(&self, earlier: bool) -> Selected {
        if !earlier || self.archive().is_dir() {
            return Selected::Archive(self.archive());
        }
        match self.last_successful().map(|deployment| deployment.join("deployment-archive")) {
            Some(archive) if archive.is_dir() => Selected::Archive(archive),
            _ => Selected::Nothing,
        }
    }

    fn last_successful(&self) -> Option<PathBuf> {
        let text = fs::read_to_string(self.record("_last_successful_install")).ok()?;
        let name = Path::new(text.trim_end()).file_name()?.to_owned();
        Some(self.group().join(name))
    }

    /// Removes the oldest revisions beyond the limit, never this one or the last successful one.
    pub fn drop_old_archives(&self, limit: usize) {
        let kept = [Some(self.deployment()), self.last_successful()];
        let Ok(entries) = fs::read_dir(self.group()) else { return };
        let mut found: Vec<(SystemTime, PathBuf)> = entries
            .flatten()
            .filter_map(|entry| Some((entry.metadata().ok()?.modified().ok()?, entry.path())))
            .collect();
        found.sort();
        let surplus = found.len().saturating_sub(limit);
        for (_, path) in found.iter().filter(|(_, path)| !kept.contains(&Some(path.clone()))).take(surplus) {
            // A revision that cannot be removed now is tried again next time.
            let _ = fs::remove_dir_all(path);
        }
    }
}

pub fn make_dir(path: &Path) -> Result<(), String> {
    fs::create_dir_all(path).map_err(|error| ruby(&error, "dir_s_mkdir", path))
}
