//! Paths of the host that Install makes, by their text alone.

use super::super::{FileEntry, Finding};

/// Bytes of a path, with the zero byte that ends it for the system. Source: `PATH_MAX` of Linux.
pub const PATH_MAX: usize = 4096;
/// Bytes of a name in it. Source: `NAME_MAX` of Linux.
pub const NAME_MAX: usize = 255;

/// A path without leading slash, `.` and `..`; above the root is the root.
///
/// Source: official agents. 1.8.1, `File.expand_path`; 2.x, expand_path.
pub fn expanded(path: &str) -> String {
    let mut parts = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts.join("/")
}

/// What of an expanded path is longer than Linux takes it.
pub fn too_long(path: &str) -> Option<String> {
    let told = |what: &str, bytes: usize, most: usize| {
        format!(
            "Install is to make a {what} of {bytes} bytes, and Linux takes none above {most}: Install fails"
        )
    };
    if path.len() + 1 >= PATH_MAX {
        return Some(told("path", path.len() + 1, PATH_MAX - 1));
    }
    // Most paths are shorter than such a name.
    let mut names = path.split('/').filter(|_| path.len() > NAME_MAX);
    names.find(|name| name.len() > NAME_MAX).map(|name| told("name", name.len(), NAME_MAX))
}

/// The finding on an entry whose path that is.
pub fn long(entry: &FileEntry, message: String) -> Finding {
    let help = "shorten the destination, or the names in the bundle";
    Finding::error("A019", entry.destination_span, message).help(help)
}
