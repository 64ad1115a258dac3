//! Paths of a bundle, through its links, as the host's file system follows them.

use std::collections::HashMap;

use super::{Entry, Kind, Listing};

/// Links behind each other, of which Linux follows no more.
pub const MAX_HOPS: usize = 40;

/// Where a path leads.
pub enum Place<'a> {
    /// By its path below the root; empty for the root.
    Directory(String),
    File(&'a str, &'a Entry),
    /// Which was not to be followed.
    Link(&'a str, &'a Entry),
    /// Out of the bundle by a link: what is there is the host's business.
    Outside,
    Nothing,
}

pub struct Tree<'a> {
    listing: &'a Listing,
    /// For Windows, which takes names of another case for the same: names by their lower case.
    folded: Option<HashMap<String, &'a str>>,
}

impl<'a> Tree<'a> {
    pub fn new(listing: &'a Listing, windows: bool) -> Self {
        let folded =
            windows.then(|| listing.keys().map(|name| (name.to_lowercase(), name.as_str())).collect());
        Tree { listing, folded }
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
        let mut ahead: Vec<String> = path.rsplit('/').map(str::to_owned).collect();
        let (mut at, mut hops) = (String::new(), 0);
        while let Some(part) = ahead.pop() {
            match part.as_str() {
                "" | "." => continue,
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
            let is_last = ahead.iter().all(|part| part.is_empty() || part == ".");
            match entry.kind {
                Kind::Directory => name.clone_into(&mut at),
                Kind::File if is_last => return Place::File(name, entry),
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
                    ahead.extend(target.rsplit('/').map(str::to_owned));
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
