//! What the entries of `permissions` are for, among what this bundle installs.

use std::collections::BTreeSet;

use super::super::read::acl;
use super::super::{Finding, Permission};
use super::pattern::{self, Pattern};
use super::tree::Place;
use super::{Checker, Kind, Target};

impl Checker<'_> {
    pub(super) fn permission(&mut self, permission: &Permission, objects: &mut BTreeSet<String>) {
        let span = permission.span;
        let object = self.path(&permission.object).unwrap_or_default();
        let matched: Vec<String> = match self.targets.get(&object) {
            Some((Target::File(_), _)) => {
                if permission.files && (permission.pattern != "**" || !permission.except.is_empty()) {
                    let message =
                        "pattern and except are for directories; this object is a file: Install fails";
                    self.findings.push(Finding::error("A028", span, message));
                    return;
                }
                permission.files.then(|| object.clone()).into_iter().collect()
            }
            _ => self.below(permission, &object),
        };
        let is_above = || {
            let prefix = format!("{object}/");
            self.needed.range(prefix.clone()..).next().is_some_and(|(path, _)| path.starts_with(&prefix))
        };
        if matched.is_empty()
            && permission.object.starts_with('/')
            && self.complete
            && !pattern::is_vain(self.agent, &permission.pattern)
            && !(permission.directories && is_above())
        {
            let message = "the permission is for nothing that this bundle installs: it does nothing";
            self.findings.push(Finding::warning("A029", span, message));
        }
        if let Some(twice) = matched.iter().find(|path| objects.contains(*path)) {
            let message = format!("two permissions are for /{twice}: Install fails");
            let help = "take it out of the other one with `except`, or set it once";
            self.findings.push(Finding::error("A028", span, message).help(help));
        }
        if permission.acls.iter().any(|entry| acl::is_default(entry))
            && let Some(file) =
                matched.iter().find(|path| matches!(self.targets.get(*path), Some((Target::File(_), _))))
        {
            let message = format!("a default ACL is for directories, and /{file} is a file: Install fails");
            let help = "write `type: [directory]`";
            self.findings.push(Finding::error("A025", span, message).help(help));
        }
        if permission.mode.is_some()
            && let Some(link) = matched.iter().find(|path| self.is_dangling(path))
        {
            let message = format!("/{link} is a link to nothing in the bundle: setting its mode fails");
            self.findings.push(Finding::error("A028", span, message));
        }
        objects.extend(matched);
    }

    /// The paths below an object that a permission is for.
    fn below(&mut self, permission: &Permission, object: &str) -> Vec<String> {
        let prefix = if object.is_empty() { String::new() } else { format!("{object}/") };
        let all = permission.pattern == "**";
        let pattern = Pattern::new(self.agent, &permission.pattern);
        let except: Vec<Pattern> =
            permission.except.iter().map(|pattern| Pattern::new(self.agent, pattern)).collect();
        let mut matched = Vec::new();
        let targets = self.targets.range(prefix.clone()..);
        for (path, (target, _)) in targets.take_while(|(path, _)| path.starts_with(&prefix)) {
            self.work = self.work.saturating_sub(1 + except.len());
            if self.work == 0 {
                self.complete = false;
                break;
            }
            let below = path.get(prefix.len()..).unwrap_or_default();
            let kind = match target {
                Target::Directory => permission.directories,
                Target::File(_) => permission.files,
                Target::Unknown => permission.directories && permission.files,
            };
            if kind
                && !below.is_empty()
                && (all || pattern.fits(below))
                && !except.iter().any(|pattern| pattern.fits(below))
            {
                matched.push(path.clone());
            }
        }
        matched
    }

    /// A link whose target is neither in the bundle nor named from the host's root.
    fn is_dangling(&self, path: &str) -> bool {
        let Some((Target::File(source), _)) = self.targets.get(path) else { return false };
        let is_link = self.listing.get(source).is_some_and(|entry| entry.kind == Kind::Link);
        is_link && matches!(self.tree.follow(source), Place::Nothing)
    }
}
