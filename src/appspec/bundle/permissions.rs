//! What the entries of `permissions` are for, among what this bundle installs.

use std::collections::{BTreeMap, BTreeSet};

use super::super::placeholder::is_placeholder;
use super::super::read::acl;
use super::super::{Agent, Finding, Permission, Severity};
use super::pattern::{self, Pattern};
use super::{Checker, Kind, Target, apart_in, joined, normal, tree};

impl Checker<'_> {
    /// `objects` are the paths that the permissions before are for.
    pub(super) fn permission<'p>(
        &mut self,
        permission: &'p Permission,
        objects: &mut BTreeMap<String, &'p Permission>,
    ) {
        let span = permission.span;
        let object = self.on_host(&permission.object);
        let matched: Vec<String> = match self.targets.get(&object) {
            Some((Target::File(_), _)) => {
                if permission.files && (permission.pattern != "**" || !permission.except.is_empty()) {
                    let message =
                        "pattern and except are for directories; this object is a file: Install fails";
                    self.findings.push(Finding::error("A028", span, message));
                    self.findings.extend(permission.at_install.iter().cloned());
                    return;
                }
                permission.files.then(|| object.clone()).into_iter().collect()
            }
            _ if !pattern::is_comparable(self.agent, &permission.object) => Vec::new(),
            _ => self.below(permission, &object),
        };
        if matched.is_empty()
            && permission.object.starts_with('/')
            && self.complete
            && !pattern::is_vain(self.agent, &permission.pattern)
            && !is_placeholder(&permission.pattern)
            && !(permission.directories && self.is_above(permission, &object))
        {
            let message = "the permission is for nothing that this bundle installs: it does nothing";
            let mut finding = Finding::warning("A029", span, message);
            if !pattern::is_comparable(self.agent, &permission.object) {
                finding =
                    finding.help(format!("agent 2 compares it as it is written: write `object: /{object}`"));
            }
            self.findings.push(finding);
        }
        let mut at_install = permission.at_install.clone();
        for finding in at_install.iter_mut().filter(|_| matched.is_empty()) {
            finding.severity = finding.severity.max(Severity::Warning);
            finding.message = finding.message.replace("Install fails", "Install would fail");
        }
        self.findings.extend(at_install);
        let twice: Vec<_> =
            matched.iter().filter_map(|path| Some((path.as_str(), *objects.get(path)?))).collect();
        if let Some((path, _)) = twice.first() {
            let message = format!("two permissions are for /{path}: Install fails");
            let help = self.once(permission, &twice);
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
        self.findings.extend(self.parted(permission, &matched));
        self.findings.extend(self.dangling(permission, &matched));
        objects.extend(matched.into_iter().map(|path| (path, permission)));
    }

    /// How each path that another permission is for too is set once: `except` reaches what lies directly in an object. Not
    /// in the inner of two objects: that is there for just these paths.
    fn once(&self, permission: &Permission, twice: &[(&str, &Permission)]) -> String {
        let object = |permission: &Permission| self.on_host(&permission.object);
        let mine = object(permission);
        let holder = |(path, other): &(&str, &Permission)| {
            let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
            let mut both = [*other, permission];
            both.sort_by_key(|one| one.pattern != "**");
            let is_inner =
                |one: &Permission| both.iter().any(|other| object(other).len() < object(one).len());
            both.iter().find(|one| object(one) == folder && !is_inner(one)).map(|one| one.object.clone())
        };
        let holders: Option<BTreeSet<String>> = twice.iter().map(holder).collect();
        let holders: Vec<String> = holders.into_iter().flatten().collect();
        let Some((path, other)) = twice.first().copied() else { return String::new() };
        let first = path.rsplit('/').next().unwrap_or_default();
        match holders.as_slice() {
            _ if object(other) == mine && other.pattern == permission.pattern => "set it once".to_owned(),
            [holder] if twice.len() == 1 => {
                format!("take it out of the permission for {holder} with `except: [{first}]`, or set it once")
            }
            [holder] => {
                format!("take them out of the permission for {holder} with `except`, or set them once")
            }
            _ if object(other) == mine => "set it once".to_owned(),
            _ => {
                let outer = if mine.len() < object(other).len() { permission } else { other };
                format!(
                    "`except` is for names directly in an object: give the permission for {} `pattern: \"*\"`, and what lies deeper permissions of its own",
                    outer.object
                )
            }
        }
    }

    /// Whether the permission is for a directory that Install makes above a destination where it is missing.
    fn is_above(&mut self, permission: &Permission, object: &str) -> bool {
        if !pattern::is_comparable(self.agent, &permission.object) {
            return false;
        }
        let prefix = prefix(object);
        let is_for = Matcher::new(self.agent, permission);
        let needed = self.needed.range(prefix.clone()..).take_while(|(path, _)| path.starts_with(&prefix));
        let below = needed.filter_map(|(path, _)| path.get(prefix.len()..).filter(|below| !below.is_empty()));
        for below in below {
            self.work = self.work.saturating_sub(1 + is_for.except.len());
            if self.work == 0 || (is_for.fits(below) && is_for.kept_out(below).is_none()) {
                return true;
            }
        }
        false
    }

    /// The paths below an object that a permission is for.
    fn below(&mut self, permission: &Permission, object: &str) -> Vec<String> {
        let prefix = prefix(object);
        let is_for = Matcher::new(self.agent, permission);
        let (mut matched, mut directories) = (Vec::new(), Vec::new());
        let targets = self.targets.range(prefix.clone()..);
        for (path, (target, _)) in targets.take_while(|(path, _)| path.starts_with(&prefix)) {
            self.work = self.work.saturating_sub(1 + is_for.except.len());
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
            if below.is_empty() || !is_for.fits(below) {
                continue;
            }
            match is_for.kept_out(below) {
                None if kind => matched.push(path.clone()),
                Some(except) if *target == Target::Directory => directories.push((except, path.clone())),
                _ => {}
            }
        }
        self.findings.extend(Self::kept_in(permission, &directories, &matched));
        matched
    }

    /// An `except` reaches one level: what is in a directory that it names is set all the same.
    fn kept_in(
        permission: &Permission,
        directories: &[(usize, String)],
        matched: &[String],
    ) -> Option<Finding> {
        let within = |directory: &str| {
            let within = format!("{directory}/");
            let first = matched.partition_point(|path| *path < within);
            matched.get(first).filter(|path| path.starts_with(&within))
        };
        let mut found = directories.iter().filter_map(|(at, path)| Some((*at, path, within(path)?)));
        let (at, directory, path) = found.next()?;
        let except = permission.except.get(at)?;
        let message =
            format!("`{except}` keeps out /{directory} alone: what is in it is still set, as /{path} is");
        let help = "give the directory a permission of its own, and this one a pattern for names directly in the object";
        let span = permission.except_spans.get(at).copied().unwrap_or(permission.span);
        Some(Finding::warning("A024", span, message).help(help))
    }

    /// A path that agent 1's shell takes apart, which starts `setfacl` and `semanage` for it.
    fn parted(&self, permission: &Permission, matched: &[String]) -> Option<Finding> {
        let (code, what) = match permission.acls.is_empty() {
            false => ("A025", "`setfacl`"),
            true if permission.context.is_some() => ("A026", "`semanage`"),
            true => return None,
        };
        // A context is set by the path that a link leads to.
        let is_link = |path: &str| match self.targets.get(path) {
            Some((Target::File(source), _)) => {
                self.listing.get(source).is_some_and(|entry| entry.kind == Kind::Link)
            }
            _ => false,
        };
        let by_agent =
            matched.iter().filter(|path| self.agent == Agent::One && (code == "A025" || !is_link(path)));
        let found =
            by_agent.filter_map(|path| Some((path, apart_in(path, false).max_by_key(|c| *c != '$')?)));
        let (path, c) = found.max_by_key(|(_, c)| *c != '$')?;
        let c = if c.is_whitespace() { "a blank".to_owned() } else { format!("`{c}`") };
        let message = format!("a shell starts {what}, and takes /{path} apart at {c}");
        let help = "rename it, or set that in a script of AfterInstall";
        let finding = match c == "`$`" {
            // Without the variable it may be the path of another one.
            true => Finding::warning(
                code,
                permission.span,
                format!("{message}: it is set on another path, or Install fails"),
            ),
            false => Finding::error(code, permission.span, format!("{message}: Install fails")),
        };
        Some(finding.help(help))
    }

    /// A link through which a permission would set what is not there.
    fn dangling(&self, permission: &Permission, matched: &[String]) -> Option<Finding> {
        let Permission { mode, owner, group, acls, context, .. } = permission;
        if mode.is_none() && owner.is_none() && group.is_none() && acls.is_empty() && context.is_none() {
            return None;
        }
        let found = matched.iter().filter_map(|link| {
            let (target, is_certain) = self.leads_nowhere(link)?;
            let (severity, then) = if is_certain {
                (Severity::Error, "Install fails where it sets the link's permissions")
            } else {
                (
                    Severity::Warning,
                    "without that on the host Install fails where it sets the link's permissions",
                )
            };
            let message =
                format!("/{link} is a link to /{target}, which this bundle does not install: {then}");
            Some(Finding::new("A028", severity, Some(permission.span), message))
        });
        found.min_by_key(|finding| finding.severity)
    }

    /// Where a link of this bundle leads once it is installed, if nothing is installed there; whether nothing can be
    /// there: it is in a directory of the bundle, to which no script has come yet.
    fn leads_nowhere(&self, link: &str) -> Option<(String, bool)> {
        let mut at = link.to_owned();
        for _ in 0..tree::MAX_HOPS {
            let Some((target, _)) = self.targets.get(&at) else {
                let above = at.match_indices('/').map(|(end, _)| at.get(..end).unwrap_or_default());
                let mut above = above.filter_map(|above| Some(&self.targets.get(above)?.0));
                if at.is_empty()
                    || self.needed.contains_key(&at)
                    || above.any(|above| *above == Target::Unknown)
                {
                    return None;
                }
                let folder = at.rsplit_once('/').and_then(|(folder, _)| self.targets.get(folder));
                let is_ours = matches!(folder, Some((Target::Directory, _)));
                return Some((at, is_ours && self.complete && self.scripts_before == 0));
            };
            let Target::File(source) = target else { return None };
            let entry = self.listing.get(source).filter(|entry| entry.kind == Kind::Link)?;
            let points = String::from_utf8_lossy(&entry.head);
            if points.starts_with('/') {
                return None;
            }
            let folder = at.rsplit_once('/').map_or("", |(folder, _)| folder);
            at = normal(&joined(folder, &points))?;
        }
        // Links in a circle, which no system follows.
        Some((at, true))
    }
}

/// What the paths below an object begin with.
fn prefix(object: &str) -> String {
    if object.is_empty() { String::new() } else { format!("{object}/") }
}

/// The names that a permission is for.
struct Matcher<'a> {
    all: bool,
    pattern: Pattern<'a>,
    except: Vec<Pattern<'a>>,
}

impl<'a> Matcher<'a> {
    fn new(agent: Agent, permission: &'a Permission) -> Self {
        Matcher {
            all: permission.pattern == "**",
            pattern: Pattern::new(agent, &permission.pattern),
            except: permission.except.iter().map(|pattern| Pattern::new(agent, pattern)).collect(),
        }
    }

    /// By the pattern alone.
    fn fits(&self, below: &str) -> bool {
        self.all || self.pattern.fits(below)
    }

    /// The number of the `except` that keeps it out.
    fn kept_out(&self, below: &str) -> Option<usize> {
        self.except.iter().position(|pattern| pattern.fits(below))
    }
}
