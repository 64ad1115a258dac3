//! `permissions`: which of the installed files and directories an entry is for.
//!
//! Source: official agent 1.8.1, installer (generate permissions) and linux_permission_info; 2.x, installer.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::appspec::{Agent, Pattern, Permission, is_comparable, is_default_acl};

use super::plan::{Plan, Step};
use super::root::{Root, expand};

/// How often a path is held against a pattern: an AppSpec that is made to take hours is refused. A test is there sooner.
const MAX_COMPARISONS: usize = if cfg!(test) { 50_000 } else { 20_000_000 };

/// Adds the steps of all entries to a plan of copies.
pub fn plan(permissions: &[Permission], root: &Root, agent: Agent, plan: &mut Plan) -> Result<(), String> {
    let (mut done, mut left) = (BTreeSet::new(), MAX_COMPARISONS);
    for permission in permissions {
        for object in objects(permission, root, agent, plan, &mut left)? {
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
fn objects(
    permission: &Permission,
    root: &Root,
    agent: Agent,
    plan: &Plan,
    left: &mut usize,
) -> Result<Vec<PathBuf>, String> {
    let object = expand(Path::new(&permission.object));
    if plan.copied.contains_key(&object) {
        if !permission.files {
            return Ok(Vec::new());
        }
        check_file(permission)?;
        return Ok(vec![object]);
    }
    if !is_comparable(agent, &permission.object)
        || (!plan.made.contains(&object) && !root.follow(&object)?.is_dir())
    {
        return Ok(Vec::new());
    }
    let is_below = |path: &&PathBuf| path.starts_with(&object);
    let files = plan.copied.range(object.clone()..).map(|(path, _)| path).take_while(is_below);
    let directories = plan.made.range(object.clone()..).take_while(is_below);
    let paths = files.filter(|_| permission.files).chain(directories.filter(|_| permission.directories));
    let pattern = Pattern::new(agent, &permission.pattern);
    let except: Vec<Pattern> = permission.except.iter().map(|name| Pattern::new(agent, name)).collect();
    let mut objects = Vec::new();
    for path in paths {
        *left = left.checked_sub(1 + except.len()).ok_or_else(|| {
            format!("The permissions are for too many files: more than {MAX_COMPARISONS} comparisons.")
        })?;
        let below = path.strip_prefix(&object).unwrap_or(path).to_string_lossy();
        let fits = permission.pattern == "**" || pattern.fits(&below);
        if !below.is_empty() && fits && !except.iter().any(|name| name.fits(&below)) {
            if plan.copied.contains_key(path) {
                check_acls(permission)?;
            }
            objects.push(path.clone());
        }
    }
    Ok(objects)
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
    check_acls(permission)
}

/// Of a file, which has no defaults.
fn check_acls(permission: &Permission) -> Result<(), String> {
    if permission.acls.iter().any(|entry| is_default_acl(entry)) {
        return Err("The deployment failed because the -d parameter has been specified to apply an acl setting to a file. This parameter is supported for directories only. Update the AppSpec file, and then try again.".to_owned());
    }
    Ok(())
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
