//! Does the steps of a plan below a host's root.

use std::fs::Permissions;
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt, fchown};
use std::path::Path;

use rustix::fs::{FileType, OFlags};

use crate::appspec::Agent;

use super::cleanup::Record;
use super::failure::ruby;
use super::log::Log;
use super::plan::{Step, below};
use super::root::{Place, Root};
use super::security;
use super::users::Users;

/// Does a step and writes down what the next Install is to remove. Without `roots` powers over a real host, owners,
/// ACLs and labels are noted where they are not done.
pub fn execute(
    step: &Step,
    (archive, root): (&Root, &Root),
    record: &mut Record,
    log: &mut Log,
    (roots, agent, users): (bool, Agent, &mut Users),
) -> Result<(), String> {
    match step {
        Step::MakeDirectory(path) => {
            root.follow(path)?.make_dir().map_err(|error| ruby(&error, "dir_s_mkdir", path))?;
            record.add(path)
        }
        Step::Copy { source, destination } => {
            record.add(destination)?;
            copy((archive, source), (root, destination), (roots, agent))
        }
        Step::SetMode { object, mode } => {
            root.follow(object)?.set_mode(*mode).map_err(|error| ruby(&error, "apply2files", object))
        }
        Step::SetAcl { object, .. } if !roots => {
            log.note(&format!("acls of {} are not set: {NOT_REAL}", object.display()));
            Ok(())
        }
        Step::SetAcl { object, entries } => security::set_acl(root.follow(object)?.path(), entries),
        Step::SetContext { object, .. } if !roots => {
            log.note(&format!("context of {} is not set: {NOT_REAL}", object.display()));
            Ok(())
        }
        Step::SetContext { object, context } => {
            let note = security::set_context(root.follow(object)?.path(), context)?;
            note.into_iter().for_each(|note| log.note(&note));
            Ok(())
        }
        Step::SetOwner { object, owner, group } => {
            match set_owner(&root.follow(object)?, (owner.as_deref(), group.as_deref()), users) {
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

fn copy(
    (archive, source): (&Root, &Path),
    (root, destination): (&Root, &Path),
    (roots, agent): (bool, Agent),
) -> Result<(), String> {
    let sysopen = |error: io::Error| ruby(&error, "rb_sysopen", source);
    let from = archive.walk(below(archive, source), false).map_err(sysopen)?;
    if from.kind().map_err(sysopen)? == FileType::Symlink {
        let target = from.read_link().map_err(|error| ruby(&error, "readlink", source))?;
        let made = root.place(destination)?.symlink(&target);
        return made.map_err(|error| ruby(&error, "rb_file_s_symlink", destination));
    }
    let link = root.place(destination)?;
    if agent == Agent::Two && link.is_link() && !root.follow(destination)?.is_dir() {
        // Agent 1 writes through a link; agent 2 puts the file in its place.
        link.remove_file().map_err(|error| ruby(&error, "rb_sysopen", destination))?;
    }
    let mut place = root.follow(destination)?;
    if place.is_dir() {
        // Ruby copies a file onto a directory by putting it inside.
        place = root.follow(&destination.join(source.file_name().unwrap_or_default()))?;
    }
    write(&from, &place, roots).map_err(|error| ruby(&error, "rb_sysopen", destination))
}

/// Copies a file with its mode and time; what is root's also with its owner and the bits of setuid and its like.
fn write(from: &Place, to: &Place, roots: bool) -> io::Result<()> {
    let mut from = from.open(OFlags::RDONLY)?;
    let metadata = from.metadata()?;
    // No pipe is waited for, and no device written to.
    if to.kind().is_ok_and(|kind| kind != FileType::RegularFile) {
        return Err(io::Error::from(io::ErrorKind::AlreadyExists));
    }
    let mut to = to.open(OFlags::CREATE | OFlags::WRONLY | OFlags::TRUNC)?;
    io::copy(&mut from, &mut to)?;
    let given = roots.then(|| fchown(&to, Some(metadata.uid()), Some(metadata.gid())));
    let kept = match given.transpose() {
        Ok(None) => 0o777,
        Ok(Some(())) => 0o7777,
        // Setuid would be somebody else's, as on a file system that gives nothing away.
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => 0o1777,
        Err(error) => return Err(error),
    };
    to.set_permissions(Permissions::from_mode(metadata.permissions().mode() & kept))?;
    to.set_modified(metadata.modified()?)
}

/// Only root gives files away; the reason says why it was not done.
fn set_owner(
    place: &Place,
    (owner, group): (Option<&str>, Option<&str>),
    users: &mut Users,
) -> Result<(), String> {
    if !rustix::process::geteuid().is_root() {
        return Err("only root can".to_owned());
    }
    let found = |name: Option<&str>, what: &str, find: &mut dyn FnMut(&str) -> Option<u32>| match name {
        None => Ok(None),
        Some(name) => find(name).map(Some).ok_or_else(|| format!("can't find {what} for {name}")),
    };
    let owner = found(owner, "user", &mut |name| users.user(name))?;
    let group = found(group, "group", &mut |name| users.group(name))?;
    place.set_owner(owner, group).map_err(|error| error.to_string())
}
