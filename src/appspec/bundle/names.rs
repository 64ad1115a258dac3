//! What is worth a word about the names in a bundle.

use std::collections::HashMap;

use super::super::Finding;
use super::{Kind, Listing, MOST, normal};

/// What is worth a word about a bundle's names, whatever its AppSpec says.
pub fn names(listing: &Listing) -> Vec<Finding> {
    let outward =
        listing.iter().filter(|(name, entry)| entry.kind == Kind::Link && leads_out(name, &entry.head));
    let links = outward.map(|(name, entry)| {
        let target = String::from_utf8_lossy(&entry.head);
        Finding::note("A062", None, format!("`{name}` is a link out of the bundle, to `{target}`"))
            .help("a directory that the host has there is copied; any other link stays one")
    });
    let mut seen: HashMap<String, &str> = HashMap::with_capacity(listing.len());
    let clashes = listing.keys().filter_map(|name| {
        let other = seen.insert(name.to_lowercase(), name)?;
        let message = format!("`{other}` and `{name}` differ in case only");
        Some(Finding::note("A063", None, message))
    });
    links.take(MOST).chain(clashes.take(MOST)).collect()
}

fn leads_out(name: &str, target: &[u8]) -> bool {
    let target = String::from_utf8_lossy(target);
    let folder = name.rsplit_once('/').map_or("", |(folder, _)| folder);
    target.starts_with('/') || normal(&format!("{folder}/{target}")).is_none()
}
