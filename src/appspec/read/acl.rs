//! The grammar of an `acls` entry: `[d[efault]:][u|g|m|o]:[name]:perm`, for agent 1 also `name:perm` of a user.

use super::super::Agent;

/// Whether the agent takes an entry; the error is what it reports.
///
/// Agent 2 wants the kind written out, takes an unnamed `other`, and passes over a fourth part without a default.
///
/// Source: official agent 1.8.1, ace_info; official agent 2.x, application_specification.
pub fn check(entry: &str, agent: Agent) -> Result<(), String> {
    let because = "The deployment failed because";
    let section = "of a problem with the acls permission settings in the application specification file.";
    let invalid = || format!("{because} {section} Invalid acl entry ({entry}).");
    let parts: Vec<&str> = entry.split(':').collect();
    let (default, kind, name, permission) = match (agent, parts.as_slice()) {
        (_, ["d" | "default", kind, name, permission]) => (true, *kind, *name, *permission),
        (Agent::One, ["d" | "default", name, permission]) => {
            let (kind, name) = without_kind(name);
            (true, kind, name, *permission)
        }
        (Agent::One, [name, permission]) => {
            let (kind, name) = without_kind(name);
            (false, kind, name, *permission)
        }
        (_, [kind, name, permission]) | (Agent::Two, [kind, name, permission, _]) => {
            (false, *kind, *name, *permission)
        }
        _ => return Err(invalid()),
    };
    match kind {
        "u" | "user" | "g" | "group" => {
            if name.is_empty() && !default {
                return Err(base_entry(entry));
            }
        }
        "m" | "mask" | "o" | "other" => {
            if !name.is_empty() {
                return Err(invalid());
            }
            if agent == Agent::One && matches!(kind, "o" | "other") && !default {
                return Err(base_entry(entry));
            }
        }
        _ => return Err(invalid()),
    }
    if permission.len() == 1 && permission.bytes().all(|byte| (b'0'..=b'7').contains(&byte)) {
        return Ok(());
    }
    match permission.chars().find(|c| !matches!(c, 'r' | 'w' | 'x' | '-')) {
        None => Ok(()),
        Some(c) => Err(format!(
            "{because} the access control list (ACL) named {entry} in the application specification file contains an invalid character ({c}). Correct the ACL in the hooks section of the AppSpec file, and then try again."
        )),
    }
}

/// Whether an entry that an agent takes is a default, for what will be made below a directory.
pub fn is_default(entry: &str) -> bool {
    let mut parts = entry.split(':');
    matches!(parts.next(), Some("d" | "default")) && parts.count() > 1
}

/// Whom an entry that an agent takes is for: whether that is a group, and the name. None where nobody is named.
pub fn named(entry: &str) -> Option<(bool, &str)> {
    let parts: Vec<&str> = entry.split(':').skip(usize::from(is_default(entry))).collect();
    let (kind, name) = match parts.as_slice() {
        [name, _] => without_kind(name),
        [kind, name, ..] => (*kind, *name),
        _ => return None,
    };
    let is_named = matches!(kind, "u" | "user" | "g" | "group") && !name.is_empty();
    is_named.then_some((matches!(kind, "g" | "group"), name))
}

/// What agent 1 makes of an entry that names no kind: a user, unless it is a mask or all others.
fn without_kind(name: &str) -> (&str, &str) {
    match name {
        "m" | "mask" | "o" | "other" => (name, ""),
        _ => ("u", name),
    }
}

fn base_entry(entry: &str) -> String {
    format!(
        "The deployment failed because of a problem with the acls permission settings in the application specification file. Use mode to set the base acl entry ({entry}). Update the permissions section of the AppSpec file, and then try again."
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whom_entries_are_for() {
        for (entry, who) in [
            ("u:bob:rw", Some((false, "bob"))),
            ("d:group:web:r", Some((true, "web"))),
            ("bob:rw", Some((false, "bob"))),
            ("d:bob:rw", Some((false, "bob"))),
            ("d:rw", Some((false, "d"))),
            ("d:u::rw", None),
            ("m:rw", None),
            ("o::r", None),
        ] {
            assert_eq!(named(entry), who, "{entry}");
        }
    }

    /// Verdicts of agent 1 and agent 2.
    #[test]
    fn entries() {
        for (entry, one, two) in [
            ("u:bob:rw", true, true),
            ("d:u:bob:7", true, true),
            ("default:group:web:r-x", true, true),
            ("m::rwx", true, true),
            ("d:u::rwx", true, true),
            ("d:o::r", true, true),
            ("u:m:r", true, true),
            ("bob:rw", true, false),
            ("u:r", true, false),
            ("m:r", true, false),
            ("d:r", true, false),
            ("d:bob:7", true, false),
            ("d:m:r", true, false),
            ("o::r", false, true),
            ("u:bob:rw:x", false, true),
            ("o:r", false, false),
            ("bob", false, false),
            ("a:b:c:d:e", false, false),
            ("d:d:u:r", false, false),
            ("x:bob:r", false, false),
            ("x:bob:r:r", false, false),
            ("m:bob:r", false, false),
            ("u::rw", false, false),
            ("u:bob:rwz", false, false),
            ("u:bob:9", false, false),
        ] {
            let taken = |agent| check(entry, agent).is_ok();
            assert_eq!((taken(Agent::One), taken(Agent::Two)), (one, two), "{entry}");
        }
    }
}
