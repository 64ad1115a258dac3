//! ACLs and SELinux labels of what was installed, by the system's own programs.
//!
//! Source: official agent 1.8.1, install_instruction (ChangeAclCommand, ChangeContextCommand,
//! RemoveContextCommand).

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::appspec::{Context, is_default_acl, named_in_acl};

use super::failure::ruby;
use super::process::tool;
use super::users::Users;

/// `setfacl --set` replaces the whole list: what the entries leave open follows from the mode.
pub fn set_acl(place: &Path, entries: &[String]) -> Result<(), String> {
    let metadata = fs::metadata(place).map_err(|error| ruby(&error, "apply2files", place))?;
    let list = full_list(metadata.permissions().mode(), entries);
    let result = tool("setfacl", &["--set".as_ref(), list.as_ref(), "--".as_ref(), place.as_os_str()]);
    result.map(drop).map_err(|error| {
        let why = match error.kind() {
            io::ErrorKind::NotFound => "setfacl is not installed".to_owned(),
            _ => error.to_string(),
        };
        let command = format!("setfacl --set {list} {}", place.display());
        acls(place, &format!("Failed command: {command}. {why}"))
    })
}

/// What agent 1 reports of ACLs that it cannot set.
pub fn acls(object: &Path, why: &str) -> String {
    format!(
        "The deployment failed because of a problem with the acls permission settings in the application specification file for this object: {}. {why}",
        object.display()
    )
}

/// What agent 1 reports of a context that it cannot set.
pub fn context(why: &str) -> String {
    format!(
        "The deployment failed because the application specification file contains an error in the settings for the context parameter. Update the permissions section of the AppSpec file, and then try again. {why}"
    )
}

/// Somebody in the entries whom the machine does not know; `setfacl` takes every number.
pub fn stranger(entries: &[String], users: &mut Users) -> Option<String> {
    entries.iter().filter_map(|entry| named_in_acl(entry)).find_map(|(is_group, name)| {
        let is_known = name.bytes().all(|byte| byte.is_ascii_digit())
            || if is_group { users.group(name) } else { users.user(name) }.is_some();
        (!is_known).then(|| format!("{} {name}", if is_group { "group" } else { "user" }))
    })
}

/// The entries with what an ACL needs beside them: the mode's own, and where somebody is named a mask that takes nothing
/// from the group's.
fn full_list(mode: u32, entries: &[String]) -> String {
    let bits = |shift: u32| (mode >> shift) & 7;
    let is_default = is_default_acl;
    let has = |default: bool, kinds: [&str; 2]| {
        entries.iter().filter(|entry| is_default(entry) == default).find(|entry| {
            let mut parts = entry.split(':').skip(usize::from(default));
            let (kind, name) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
            // `m::rw` and `m:rw` alike.
            kinds.contains(&kind) && (name.is_empty() || parts.next().is_none())
        })
    };
    let names = |default: bool| {
        let mut entries = entries.iter().filter(|entry| is_default(entry) == default);
        entries.any(|entry| named_in_acl(entry).is_some())
    };
    let mut list = vec![format!("u::{}", bits(6)), format!("g::{}", bits(3)), format!("o::{}", bits(0))];
    if names(false) && has(false, ["m", "mask"]).is_none() {
        list.push(format!("m::{}", bits(3)));
    }
    list.extend(entries.iter().cloned());
    if entries.iter().any(|entry| is_default(entry)) {
        let group = has(true, ["g", "group"]).and_then(|entry| entry.rsplit(':').next());
        let group = group.map_or_else(|| bits(3).to_string(), str::to_owned);
        for (kinds, value) in [
            (["u", "user"], bits(6).to_string()),
            (["g", "group"], group.clone()),
            (["o", "other"], bits(0).to_string()),
            (["m", "mask"], group),
        ] {
            if has(true, kinds).is_none() && (kinds[0] != "m" || names(true)) {
                list.push(format!("d:{}::{value}", kinds[0]));
            }
        }
    }
    list.join(",")
}

/// Labels a file for good; what is to be noted is that the system has no labels.
pub fn set_context(place: &Path, context: &Context) -> Result<Option<String>, String> {
    if !Path::new("/sys/fs/selinux/enforce").exists() {
        return Ok(Some(format!(
            "context of {} is not set: SELinux is not on this machine",
            place.display()
        )));
    }
    let failed = |error: io::Error| format!("Unable to set correct context on {}: {error}", place.display());
    tool("semanage", &labelling(place, context)).map_err(failed)?;
    tool("restorecon", &["-vF".as_ref(), "--".as_ref(), place.as_os_str()]).map_err(failed)?;
    Ok(None)
}

/// Takes back what [`set_context`] set for good. Nobody hears of a failure, as with the agents.
pub fn forget_context(place: &Path) {
    let arguments = ["fcontext", "-d", "--"].map(OsStr::new);
    let _ = tool("semanage", &[&arguments[..], &[place.as_os_str()]].concat());
}

/// The arguments for `semanage`.
fn labelling<'a>(place: &'a Path, context: &'a Context) -> Vec<&'a OsStr> {
    let mut arguments: Vec<&OsStr> = vec!["fcontext".as_ref(), "-a".as_ref()];
    for (flag, value) in [("-s", &context.name), ("-r", &context.range)] {
        if let Some(value) = value {
            arguments.extend([OsStr::new(flag), value.as_ref()]);
        }
    }
    arguments.extend(["-t".as_ref(), context.kind.as_ref(), "--".as_ref(), place.as_os_str()]);
    arguments
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_context_is_told_to_semanage() {
        let told = |name: Option<&str>, range: Option<&str>| {
            let context = Context {
                name: name.map(str::to_owned),
                kind: "httpd_t".to_owned(),
                range: range.map(str::to_owned),
            };
            let arguments = labelling(Path::new("/srv/-a"), &context);
            arguments.join(OsStr::new(" ")).into_string().unwrap()
        };
        assert_eq!(told(None, None), "fcontext -a -t httpd_t -- /srv/-a");
        let all = "fcontext -a -s system_u -r s0 -t httpd_t -- /srv/-a";
        assert_eq!(told(Some("system_u"), Some("s0")), all);
    }

    #[test]
    fn a_list_is_filled_up_from_the_mode() {
        let full = |entries: &[&str]| {
            full_list(0o640, &entries.iter().map(|entry| (*entry).to_owned()).collect::<Vec<_>>())
        };
        assert_eq!(full(&["u:bob:rw"]), "u::6,g::4,o::0,m::4,u:bob:rw");
        assert_eq!(full(&["u:bob:rw", "m::rw"]), "u::6,g::4,o::0,u:bob:rw,m::rw");
        assert_eq!(full(&["m:7"]), "u::6,g::4,o::0,m:7");
        assert_eq!(full(&["d:u:bob:7"]), "u::6,g::4,o::0,d:u:bob:7,d:u::6,d:g::4,d:o::0,d:m::4");
        assert_eq!(
            full(&["d:g:web:7", "g:web:7"]),
            "u::6,g::4,o::0,m::4,d:g:web:7,g:web:7,d:u::6,d:g::4,d:o::0,d:m::4"
        );
        assert_eq!(full(&["bob:7"]), "u::6,g::4,o::0,m::4,bob:7");
        assert_eq!(full(&["d:g::5"]), "u::6,g::4,o::0,d:g::5,d:u::6,d:o::0");
    }
}
