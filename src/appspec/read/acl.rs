//! The grammar of an `acls` entry: `[d[efault]:][u|g|m|o]:[name]:perm`, or `name:perm` for a user.

use super::super::Agent;

/// Whether the agent takes an entry; the error is what it reports.
///
/// Agent 2 wants the kind written out and takes an unnamed `other`.
///
/// Source: official agent 1.8.1, ace_info; official agent 2.x, application_specification.
pub fn check(entry: &str, agent: Agent) -> Result<(), String> {
    let because = "The deployment failed because";
    let section = "of a problem with the acls permission settings in the application specification file.";
    let invalid = || format!("{because} {section} Invalid acl entry ({entry}).");
    let mut parts: Vec<&str> = entry.split(':').collect();
    let least = if agent == Agent::Two { 3 } else { 2 };
    if !(least..=4).contains(&parts.len()) {
        return Err(invalid());
    }
    let default = matches!(parts.first(), Some(&("d" | "default")));
    if default {
        parts.remove(0);
    }
    let (kind, name, permission) = match parts.as_slice() {
        [kind, name, permission] => (*kind, *name, *permission),
        [kind @ ("u" | "user" | "g" | "group" | "m" | "mask" | "o" | "other"), permission] => {
            (*kind, "", *permission)
        }
        [name, permission] => ("u", *name, *permission),
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

fn base_entry(entry: &str) -> String {
    format!(
        "The deployment failed because of a problem with the acls permission settings in the application specification file. Use mode to set the base acl entry ({entry}). Update the permissions section of the AppSpec file, and then try again."
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries() {
        for good in ["u:bob:rw", "bob:rw", "d:u:bob:7", "default:group:web:r-x", "m::rwx", "d:u::rwx"] {
            assert_eq!(check(good, Agent::One), Ok(()), "{good}");
        }
        for bad in ["bob", "a:b:c:d:e", "x:bob:r", "m:bob:r", "u::rw", "u:bob:rwz", "u:bob:9"] {
            assert!(check(bad, Agent::One).is_err(), "{bad}");
        }
        assert!(check("bob:rw", Agent::Two).is_err() && check("o::r", Agent::Two).is_ok());
    }
}
