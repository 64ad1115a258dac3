//! Does the steps of a plan below a host's root.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt, chown, symlink};
use std::path::Path;

use rustix::fs::OFlags;

use crate::appspec::Agent;

use super::cleanup::Record;
use super::failure::ruby;
use super::log::Log;
use super::plan::Step;
use super::root::Root;
use super::security;

/// Does a step and writes down what the next Install is to remove. Without `roots` powers over a real host, owners,
/// ACLs and labels are noted where they are not done.
pub fn execute(
    step: &Step,
    root: &Root,
    record: &mut Record,
    log: &mut Log,
    (roots, agent): (bool, Agent),
) -> Result<(), String> {
    match step {
        Step::MakeDirectory(path) => {
            let place = root.follow(path)?;
            fs::create_dir(place).map_err(|error| ruby(&error, "dir_s_mkdir", path))?;
            record.add(path)
        }
        Step::Copy { source, destination } => {
            record.add(destination)?;
            copy(source, destination, root, agent)
        }
        Step::SetMode { object, mode } => {
            let place = root.follow(object)?;
            let set = fs::set_permissions(place, fs::Permissions::from_mode(*mode));
            set.map_err(|error| ruby(&error, "apply2files", object))
        }
        Step::SetAcl { object, .. } if !roots => {
            log.note(&format!("acls of {} are not set: {NOT_REAL}", object.display()));
            Ok(())
        }
        Step::SetAcl { object, entries } => security::set_acl(&root.follow(object)?, entries),
        Step::SetContext { object, .. } if !roots => {
            log.note(&format!("context of {} is not set: {NOT_REAL}", object.display()));
            Ok(())
        }
        Step::SetContext { object, context } => {
            let note = security::set_context(&root.follow(object)?, context)?;
            note.into_iter().for_each(|note| log.note(&note));
            Ok(())
        }
        Step::SetOwner { object, owner, group } => {
            match set_owner(&root.follow(object)?, owner.as_deref(), group.as_deref()) {
                Err(reason) if roots && agent == Agent::One => return Err(reason),
                Err(reason) => {
                    log.note(&format!("owner and group of {} are not set: {reason}", object.display()));
                }
                Ok(()) => {}
            }
            Ok(())
        }
    }
}

const NOT_REAL: &str = "only root can, on the machine itself";

fn copy(source: &Path, destination: &Path, root: &Root, agent: Agent) -> Result<(), String> {
    let metadata = fs::symlink_metadata(source).map_err(|error| ruby(&error, "rb_sysopen", source))?;
    if metadata.is_symlink() {
        let target = fs::read_link(source).map_err(|error| ruby(&error, "readlink", source))?;
        let place = root.place(destination)?;
        return symlink(target, place).map_err(|error| ruby(&error, "rb_file_s_symlink", destination));
    }
    let link = root.place(destination)?;
    if agent == Agent::Two && link.is_symlink() && !root.follow(destination)?.is_dir() {
        // Agent 1 writes through a link; agent 2 puts the file in its place.
        fs::remove_file(&link).map_err(|error| ruby(&error, "rb_sysopen", destination))?;
    }
    let mut place = root.follow(destination)?;
    if place.is_dir() {
        // Ruby copies a file onto a directory by putting it inside.
        place = root.follow(&destination.join(source.file_name().unwrap_or_default()))?;
    }
    if fs::symlink_metadata(&place).is_ok_and(|there| !there.is_file()) {
        return Err(ruby(&io::Error::from(io::ErrorKind::AlreadyExists), "rb_sysopen", destination));
    }
    let write = || -> io::Result<()> {
        let mut from = File::open(source)?;
        let no_follow = OFlags::NOFOLLOW.bits().cast_signed();
        let mut to = OpenOptions::new()
            .create(true)
            .write(true)
            .truncate(true)
            .custom_flags(no_follow)
            .open(&place)?;
        io::copy(&mut from, &mut to)?;
        to.set_permissions(fs::Permissions::from_mode(metadata.permissions().mode() & 0o777))?;
        to.set_modified(metadata.modified()?)
    };
    write().map_err(|error| ruby(&error, "rb_sysopen", destination))
}

/// Only root gives files away; the reason says why it was not done.
fn set_owner(place: &Path, owner: Option<&str>, group: Option<&str>) -> Result<(), String> {
    if !rustix::process::geteuid().is_root() {
        return Err("only root can".to_owned());
    }
    let id = |name: Option<&str>, database: &str, what: &str| match name {
        None => Ok(None),
        Some(name) => match number(name, database) {
            Some(id) => Ok(Some(id)),
            None => Err(format!("can't find {what} for {name}")),
        },
    };
    let (owner, group) = (id(owner, "/etc/passwd", "user")?, id(group, "/etc/group", "group")?);
    chown(place, owner, group).map_err(|error| error.to_string())
}

/// The number of a user or group by its name, from a file in the form of passwd.
fn number(name: &str, database: &str) -> Option<u32> {
    let text = fs::read_to_string(database).ok()?;
    let mut lines = text.lines().map(|line| line.split(':').collect::<Vec<_>>());
    lines.find(|fields| fields.first() == Some(&name)).and_then(|fields| fields.get(2)?.parse().ok())
}
