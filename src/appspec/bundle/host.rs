//! Paths of the host that Install makes, by their text alone.

use super::super::{FileEntry, Finding};

/// Bytes of a path, with the zero byte that ends it for the system. Source: `PATH_MAX` of Linux.
pub const PATH_MAX: usize = 4096;
/// Bytes of a name in it. Source: `NAME_MAX` of Linux.
pub const NAME_MAX: usize = 255;

/// Files of every Linux host.
pub const ALWAYS_THERE: &[&str] = &[
    "etc/fstab",
    "etc/group",
    "etc/hosts",
    "etc/os-release",
    "etc/passwd",
    "etc/profile",
    "etc/resolv.conf",
    "etc/shadow",
];

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

/// Endings that directories hardly have.
const FILES: &[&str] = &[
    "bat",
    "cfg",
    "cnf",
    "conf",
    "crt",
    "css",
    "env",
    "gz",
    "html",
    "ini",
    "jar",
    "js",
    "json",
    "key",
    "log",
    "md",
    "pem",
    "php",
    "properties",
    "ps1",
    "py",
    "rb",
    "service",
    "sh",
    "sql",
    "tgz",
    "toml",
    "txt",
    "xml",
    "yaml",
    "yml",
    "zip",
];

/// A path's last part.
fn last(path: &str, windows: bool) -> &str {
    let separators: &[char] = if windows { &['/', '\\'] } else { &['/'] };
    path.trim_end_matches(separators).rsplit(separators).next().unwrap_or_default()
}

/// Whether a name ends as directories hardly do.
pub fn has_files_ending(name: &str) -> bool {
    name.rsplit_once('.').is_some_and(|(_, ending)| FILES.contains(&ending))
}

/// A destination is a directory, whatever it is called. None where it is not called as the file is, nor by another name
/// of the same ending.
pub fn written_as_file(entry: &FileEntry, source: &str, destination: &str, windows: bool) -> Option<Finding> {
    let (name, other) = (last(source, windows), last(destination, windows));
    let ending = |name: &str| name.rsplit_once('.').map(|(_, ending)| ending.to_owned());
    let is_renamed = name != other && has_files_ending(name) && ending(name) == ending(other);
    if name != other && !is_renamed {
        return None;
    }
    let at = destination.trim_end_matches(['/', '\\']);
    let message = format!("a destination is a directory: the file becomes {at}/{name}");
    let span = entry.destination_span;
    // Without an ending it may well be meant: `app` in `/opt/app`.
    let finding = if name.contains('.') {
        Finding::warning("A018", span, message)
    } else {
        Finding::note("A018", span, message)
    };
    let folder = at.strip_suffix(other).unwrap_or(at);
    let folder = match folder.trim_end_matches(['/', '\\']) {
        "" => "/",
        folder => folder,
    };
    Some(finding.help(if is_renamed {
        format!("a file keeps its name: call it {other} in the bundle, and write `destination: {folder}`")
    } else {
        format!("for {at} itself write `destination: {folder}`")
    }))
}
