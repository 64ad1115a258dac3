//! Does the steps of a plan below a host's root.

use std::collections::HashSet;
use std::fs::Permissions;
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt, fchown};
use std::path::Path;

use rustix::fs::{FileType, OFlags};

use crate::appspec::{self, Agent};

use super::cleanup::Record;
use super::failure::ruby;
use super::log::Log;
use super::plan::{self, Step};
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
    never(std::slice::from_ref(step), agent)?;
    match step {
        Step::MakeDirectory(path) => {
            root.place(path)?.make_dir().map_err(|error| ruby(&error, "dir_s_mkdir", path))?;
            record.add(path)
        }
        Step::Copy { source, destination } => {
            record.add(destination)?;
            if plan::may_be_directory(archive, source) {
                let link = destination.display();
                log.note(&format!(
                    "{link} is a link out of the bundle; where it leads to a directory the agents copy that"
                ));
            }
            copy((archive, source), (root, destination), (roots, agent))
        }
        Step::SetMode { object, mode } => {
            root.follow(object)?.set_mode(*mode).map_err(|error| ruby(&error, "apply2files", object))
        }
        Step::SetAcl { object, .. } if !roots => {
            log.note(&format!("acls of {} are not set: {NOT_REAL}", object.display()));
            Ok(())
        }
        Step::SetAcl { object, .. } if shell(object, agent).is_some() => {
            log.note(&format!("acls of {} are not set: {ANOTHER}", object.display()));
            Ok(())
        }
        Step::SetAcl { object, entries } => security::set_acl(root.follow(object)?.path(), entries),
        Step::SetContext { object, .. } if !roots => {
            log.note(&format!("context of {} is not set: {NOT_REAL}", object.display()));
            Ok(())
        }
        Step::SetContext { object, context } => {
            let place = root.follow(object)?;
            match shell(place.path(), agent) {
                None => match security::set_context(place.path(), context)? {
                    Some(note) => log.note(&note),
                    None => record.add_context(place.path())?,
                },
                Some('$') => log.note(&format!("context of {} is not set: {ANOTHER}", object.display())),
                Some(c) => return Err(security::context(&apart(c))),
            }
            Ok(())
        }
        Step::SetOwner { object, .. } if !roots => {
            log.note(&format!("owner and group of {} are not set: {NOT_REAL}", object.display()));
            Ok(())
        }
        Step::SetOwner { object, owner, group } => {
            match set_owner(&root.follow(object)?, (owner.as_deref(), group.as_deref()), users) {
                Err(reason) if agent == Agent::One => return Err(reason),
                Err(reason) => {
                    log.note(&format!("owner and group of {} are not set: {reason}", object.display()));
                }
                Ok(()) => {}
            }
            Ok(())
        }
    }
}

pub const NOT_REAL: &str = "only root can, on the machine itself";
const ANOTHER: &str = "agent 1's shell reads another path there";

fn copy(
    (archive, source): (&Root, &Path),
    (root, destination): (&Root, &Path),
    (roots, agent): (bool, Agent),
) -> Result<(), String> {
    let sysopen = |error: io::Error| ruby(&error, "rb_sysopen", source);
    let from = plan::source(archive, source, false).map_err(sysopen)?;
    if from.kind().map_err(sysopen)? == FileType::Symlink {
        let target = from.read_link().map_err(|error| ruby(&error, "readlink", source))?;
        let made = root.place(destination)?.symlink(&target);
        return made.map_err(|error| ruby(&error, "rb_file_s_symlink", destination));
    }
    let place = target(source, (root, destination), agent)?;
    let written = if place.is_link() { place.remove_file() } else { Ok(()) };
    written
        .and_then(|()| write(&from, &place, roots))
        .map_err(|error| ruby(&error, "rb_sysopen", destination))
}

/// Where a file is put: agent 1 writes through a link and puts a file inside a directory, agent 2 puts it in a link's
/// place.
fn target(source: &Path, (root, destination): (&Root, &Path), agent: Agent) -> Result<Place, String> {
    let link = root.place(destination)?;
    if agent == Agent::Two {
        return Ok(link);
    }
    let place = root.follow(destination)?;
    if !place.is_dir() {
        return Ok(place);
    }
    root.follow(&destination.join(source.file_name().unwrap_or_default()))
}

/// What is in the way of a step now; the error is what the agents will report.
pub fn check(step: &Step, (archive, root): (&Root, &Root), agent: Agent) -> Result<(), String> {
    match step {
        Step::MakeDirectory(path) => match root.place(path)?.kind() {
            Ok(_) => Err(ruby(&io::ErrorKind::AlreadyExists.into(), "dir_s_mkdir", path)),
            Err(error) if error.kind() == io::ErrorKind::NotADirectory => {
                Err(ruby(&error, "dir_s_mkdir", path))
            }
            Err(_) => Ok(()),
        },
        Step::Copy { source, destination } => {
            let is_link = plan::source(archive, source, false).is_ok_and(|place| place.is_link());
            let (call, place) = match is_link {
                true => ("rb_file_s_symlink", root.place(destination)?),
                false => ("rb_sysopen", target(source, (root, destination), agent)?),
            };
            let failed = match place.kind() {
                Ok(_) if is_link => io::ErrorKind::AlreadyExists,
                Ok(FileType::Directory) => io::ErrorKind::IsADirectory,
                Ok(FileType::RegularFile | FileType::Symlink) => return Ok(()),
                Ok(_) => io::ErrorKind::AlreadyExists,
                Err(error) if error.kind() == io::ErrorKind::NotADirectory => io::ErrorKind::NotADirectory,
                Err(_) => return Ok(()),
            };
            Err(ruby(&failed.into(), call, destination))
        }
        Step::SetMode { .. } | Step::SetAcl { .. } | Step::SetContext { .. } | Step::SetOwner { .. } => {
            Ok(())
        }
    }
}

/// Copies a file with its mode and time; what is root's also with its owner and the bits of setuid and its like.
fn write(from: &Place, to: &Place, roots: bool) -> io::Result<()> {
    let mut from = from.open(OFlags::RDONLY)?;
    let metadata = from.metadata()?;
    // No pipe is waited for, and no device written to.
    match to.kind() {
        Ok(FileType::Directory) => return Err(io::ErrorKind::IsADirectory.into()),
        Ok(FileType::RegularFile) | Err(_) => {}
        Ok(_) => return Err(io::ErrorKind::AlreadyExists.into()),
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

/// The reason says why it was not done.
fn set_owner(
    place: &Place,
    (owner, group): (Option<&str>, Option<&str>),
    users: &mut Users,
) -> Result<(), String> {
    let (owner, group) = ids(owner, group, users)?;
    place.set_owner(owner, group).map_err(|error| error.to_string())
}

fn ids(
    owner: Option<&str>,
    group: Option<&str>,
    users: &mut Users,
) -> Result<(Option<u32>, Option<u32>), String> {
    let found = |name: Option<&str>, what: &str, find: &mut dyn FnMut(&str) -> Option<u32>| match name {
        None => Ok(None),
        Some(name) => find(name).map(Some).ok_or_else(|| format!("can't find {what} for {name}")),
    };
    let owner = found(owner, "user", &mut |name| users.user(name))?;
    Ok((owner, found(group, "group", &mut |name| users.group(name))?))
}

/// The character by which the shell that agent 1 has start `setfacl` and `semanage` takes a path apart. At a `$` alone
/// what is left may be another path.
fn shell(path: &Path, agent: Agent) -> Option<char> {
    let path = path.to_string_lossy();
    appspec::apart_in(&path, false).max_by_key(|c| *c != '$').filter(|_| agent == Agent::One)
}

fn apart(c: char) -> String {
    format!("Agent 1's shell takes the path apart at {c:?}.")
}

/// What a step fails of on every host.
pub fn never(steps: &[Step], agent: Agent) -> Result<(), String> {
    steps.iter().filter(|_| agent == Agent::One).try_for_each(|step| match step {
        Step::SetAcl { object, .. } => match shell(object, agent) {
            None | Some('$') => Ok(()),
            Some(c) => Err(security::acls(object, &apart(c))),
        },
        Step::SetOwner { owner, group, .. } => {
            let nobody = |name: &Option<String>, what: &str| match name {
                Some(name) if appspec::is_nobodys(name) => Err(format!("can't find {what} for {name}")),
                _ => Ok(()),
            };
            nobody(owner, "user").and_then(|()| nobody(group, "group"))
        }
        _ => Ok(()),
    })
}

/// What a step will fail of that names somebody whom this machine does not know.
pub fn stranger(steps: &[Step], agent: Agent) -> Option<String> {
    let (mut owners, mut acls, mut users) = (HashSet::new(), HashSet::new(), Users::new(true));
    steps.iter().find_map(|step| match step {
        Step::SetOwner { owner, group, .. } if agent == Agent::One => {
            let names = (owner.as_deref(), group.as_deref());
            owners.insert(names).then(|| ids(names.0, names.1, &mut users).err()).flatten()
        }
        Step::SetAcl { object, entries } if acls.insert(entries) => {
            let who = security::stranger(entries, &mut users)?;
            Some(security::acls(object, &format!("This machine knows no {who}.")))
        }
        _ => None,
    })
}
