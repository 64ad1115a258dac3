//! Paths of a bundle, through its links, as the host's file system follows them.

use std::cell::Cell;
use std::collections::HashMap;

use super::{Entry, Kind, Listing};

/// Links behind each other, of which Linux follows no more.
pub const MAX_HOPS: usize = 40;
/// Parts of paths that are walked in all; a bundle is made to have more.
const STEPS: usize = 5_000_000;

/// Where a path leads.
pub enum Place<'a> {
    /// By its path below the root; empty for the root.
    Directory(String),
    File(&'a str, &'a Entry),
    /// Which was not to be followed.
    Link(&'a str, &'a Entry),
    /// Out of the bundle by a link: what is there is the host's business. Or further than paths are walked.
    Outside,
    Nothing,
}

pub struct Tree<'a> {
    listing: &'a Listing,
    /// For Windows, which takes names of another case for the same: names by their lower case.
    folded: Option<HashMap<String, &'a str>>,
    /// Parts of paths that may still be walked.
    steps: Cell<usize>,
}

/// The file that a path leads to, through links that stay in the bundle.
pub fn file_at<'a>(listing: &'a Listing, path: &str) -> Option<&'a str> {
    match Tree::new(listing, false).follow(path) {
        Place::File(name, _) => Some(name),
        _ => None,
    }
}

/// A path's parts, the last one first, but for those that lead nowhere else.
fn parts(path: &str) -> impl Iterator<Item = String> + '_ {
    path.rsplit('/').filter(|part| !matches!(*part, "" | ".")).map(str::to_owned)
}

impl<'a> Tree<'a> {
    pub fn new(listing: &'a Listing, windows: bool) -> Self {
        let folded =
            windows.then(|| listing.keys().map(|name| (name.to_lowercase(), name.as_str())).collect());
        Tree { listing, folded, steps: Cell::new(STEPS) }
    }

    /// Where a path with `/` between its parts leads in the end.
    pub fn follow(&self, path: &str) -> Place<'a> {
        self.resolve(path, true)
    }

    /// What the path itself is: its last part may be a link.
    pub fn look(&self, path: &str) -> Place<'a> {
        self.resolve(path, false)
    }

    fn resolve(&self, path: &str, follow: bool) -> Place<'a> {
        let mut ahead: Vec<String> = parts(path).collect();
        let (mut at, mut hops) = (String::new(), 0);
        // A link at the end says so by a slash at its own end.
        let mut is_directorys = false;
        while let Some(part) = ahead.pop() {
            let Some(left) = self.steps.get().checked_sub(1) else { return Place::Outside };
            self.steps.set(left);
            match part.as_str() {
                ".." if at.is_empty() => return if hops > 0 { Place::Outside } else { Place::Nothing },
                ".." => {
                    at.truncate(at.rfind('/').unwrap_or_default());
                    continue;
                }
                _ => {}
            }
            let name = if at.is_empty() { part } else { format!("{at}/{part}") };
            let Some((name, entry)) = self.entry(&name) else {
                // A directory that only the names below it tell of.
                let prefix = format!("{name}/");
                match self.listing.range(prefix.clone()..).next() {
                    Some((below, _)) if below.starts_with(&prefix) => at = name,
                    _ => return Place::Nothing,
                }
                continue;
            };
            let is_last = ahead.is_empty();
            match entry.kind {
                Kind::Directory => name.clone_into(&mut at),
                Kind::File if is_last && !is_directorys => return Place::File(name, entry),
                Kind::File => return Place::Nothing,
                Kind::Link if is_last && !follow => return Place::Link(name, entry),
                Kind::Link => {
                    let target = String::from_utf8_lossy(&entry.head);
                    hops += 1;
                    if target.starts_with('/') {
                        return Place::Outside;
                    }
                    if hops > MAX_HOPS {
                        return Place::Nothing;
                    }
                    is_directorys |= is_last && self.folded.is_none() && super::is_directorys(&target);
                    ahead.extend(parts(&target));
                }
            }
        }
        Place::Directory(at)
    }

    fn entry(&self, name: &str) -> Option<(&'a str, &'a Entry)> {
        let name = match &self.folded {
            Some(folded) => folded.get(&name.to_lowercase()).copied()?,
            None => name,
        };
        self.listing.get_key_value(name).map(|(name, entry)| (name.as_str(), entry))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listing(entries: &[(&str, Kind, &str)]) -> Listing {
        let entry = |kind: &Kind, head: &str| Entry { kind: kind.clone(), mode: 0o644, head: head.into() };
        entries.iter().map(|(name, kind, head)| ((*name).to_owned(), entry(kind, head))).collect()
    }

    #[test]
    fn a_link_is_followed_through_parts_that_lead_nowhere_else() {
        let there = listing(&[
            ("appspec.yml", Kind::Link, "./folder//./a.yml"),
            ("folder", Kind::Link, "real/./"),
            ("real", Kind::Directory, ""),
            ("real/a.yml", Kind::File, ""),
        ]);
        assert_eq!(file_at(&there, "appspec.yml"), Some("real/a.yml"));
        assert!(matches!(Tree::new(&there, false).look("./appspec.yml/."), Place::Link("appspec.yml", _)));
    }

    #[test]
    fn a_link_with_a_slash_at_its_end_leads_to_a_directory_alone() {
        let there = listing(&[
            ("a", Kind::File, ""),
            ("d", Kind::Directory, ""),
            ("d/up", Kind::Link, "../d/"),
            ("file", Kind::Link, "a/"),
            ("link", Kind::Link, "one/."),
            ("one", Kind::Link, "a"),
        ]);
        let tree = Tree::new(&there, false);
        assert!(matches!(tree.follow("one"), Place::File("a", _)));
        assert!(matches!(tree.follow("d/up"), Place::Directory(at) if at == "d"));
        assert!(matches!(tree.follow("d/up/../a"), Place::File("a", _)));
        for lost in ["file", "link"] {
            assert!(matches!(tree.follow(lost), Place::Nothing), "{lost}");
        }
    }

    #[test]
    fn what_is_further_than_paths_are_walked_is_unknown() {
        let there = listing(&[("a", Kind::Link, "b"), ("b", Kind::File, "")]);
        let tree = Tree { steps: Cell::new(3), ..Tree::new(&there, false) };
        assert!(matches!(tree.follow("a"), Place::File("b", _)));
        assert!(matches!(tree.follow("a"), Place::Outside));
    }
}
