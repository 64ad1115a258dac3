//! `permissions`: which of the installed files and directories an entry is for.
//!
//! Source: official agent 1.8.1, installer (generate permissions) and linux_permission_info; 2.x, installer.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::appspec::{Agent, Permission, matches_glob};

use super::plan::{Plan, Step};
use super::root::{Root, expand};

/// Adds the steps of all entries to a plan of copies.
pub fn plan(permissions: &[Permission], root: &Root, agent: Agent, plan: &mut Plan) -> Result<(), String> {
    let mut done = BTreeSet::new();
    for permission in permissions {
        for object in objects(permission, root, agent, plan)? {
            if !done.insert(object.clone()) {
                return Err(format!(
                    "The deployment failed because the permissions setting for ({}) is specified more than once in the application specification file. Update the files section of the AppSpec file, and then try again.",
                    object.display()
                ));
            }
            set(permission, object, agent, plan)?;
        }
    }
    Ok(())
}

/// A copied file itself, or what this deployment puts below a directory; never the directory, never what was there.
fn objects(permission: &Permission, root: &Root, agent: Agent, plan: &Plan) -> Result<Vec<PathBuf>, String> {
    let object = expand(Path::new(&permission.object));
    if plan.copied.contains_key(&object) {
        if !permission.files {
            return Ok(Vec::new());
        }
        check_file(permission)?;
        return Ok(vec![object]);
    }
    if !plan.made.contains(&object) && !root.follow(&object)?.is_dir() {
        return Ok(Vec::new());
    }
    let files = plan.copied.keys().filter(|_| permission.files);
    let directories = plan.made.iter().filter(|_| permission.directories);
    Ok(files.chain(directories).filter(|path| matches(permission, agent, &object, path)).cloned().collect())
}

fn check_file(permission: &Permission) -> Result<(), String> {
    let object = &permission.object;
    if permission.pattern != "**" {
        return Err(format!(
            "The deployment failed because the application specification file includes an object ({object}) with an invalid pattern ({}), such as a pattern for a file applied to a directory. Correct the permissions section of the AppSpec file, and then try again.",
            permission.pattern
        ));
    }
    if !permission.except.is_empty() {
        let except: Vec<String> = permission.except.iter().map(|name| format!("{name:?}")).collect();
        return Err(format!(
            "The deployment failed because the except parameter for a pattern in the permissions section ([{}]) for the object named {object} contains an invalid format. Update the AppSpec file, and then try again.",
            except.join(", ")
        ));
    }
    if permission.acls.iter().any(|entry| entry.starts_with("d:") || entry.starts_with("default:")) {
        return Err("The deployment failed because the -d parameter has been specified to apply an acl setting to a file. This parameter is supported for directories only. Update the AppSpec file, and then try again.".to_owned());
    }
    Ok(())
}

fn matches(permission: &Permission, agent: Agent, object: &Path, path: &Path) -> bool {
    let Ok(below) = path.strip_prefix(object) else { return false };
    if below.as_os_str().is_empty() {
        return false;
    }
    let below = below.to_string_lossy();
    let fits = |pattern: &str| matches_glob(agent, pattern, &below);
    (permission.pattern == "**" || fits(&permission.pattern))
        && !permission.except.iter().any(|name| fits(name))
}

fn set(permission: &Permission, object: PathBuf, agent: Agent, plan: &mut Plan) -> Result<(), String> {
    if let Some(mode) = &permission.mode {
        let mode = u32::from_str_radix(mode, 8).map_err(|error| error.to_string())?;
        plan.steps.push(Step::SetMode { object: object.clone(), mode });
    }
    if !permission.acls.is_empty() {
        plan.steps.push(Step::SetAcl { object: object.clone(), entries: permission.acls.clone() });
    }
    if let Some(context) = &permission.context {
        if context.range.is_none() && agent == Agent::One {
            return Err("undefined method `get_range' for nil:NilClass".to_owned());
        }
        plan.steps.push(Step::SetContext { object: object.clone(), context: context.clone() });
    }
    let owner = permission.owner.clone().transpose()?;
    let group = permission.group.clone().transpose()?;
    if owner.is_some() || group.is_some() {
        plan.steps.push(Step::SetOwner { object, owner, group });
    }
    Ok(())
}
