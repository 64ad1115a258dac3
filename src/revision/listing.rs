//! What is taken of a directory, in an order that never changes.

use std::collections::{HashMap, HashSet};
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::appspec::{Entry, Kind, Listing};
use crate::source::{self, Content, Node};

use super::{Error, Links, Selection};

/// The first bytes of a file that a check looks at.
const HEAD_BYTES: u64 = 256;

/// A file, directory or link below a directory.
pub struct Found {
    /// Below the directory, with `/` between its parts.
    pub name: String,
    pub path: PathBuf,
    pub kind: Kind,
    pub mode: u32,
    /// Bytes of a file.
    pub size: u64,
    /// Where a link led, out of the directory, that this has taken the place of.
    pub from_outside: Option<PathBuf>,
}

impl Found {
    /// Bytes that it adds to read: those of a file.
    pub fn bytes(&self) -> u64 {
        if self.kind == Kind::File { self.size } else { 0 }
    }
}

/// All that is taken of a directory, parents first, and what cannot be and why.
pub fn walk(directory: &Path, selection: &Selection) -> Result<(Vec<Found>, Vec<String>), Error> {
    let (mut found, mut left_out) = (Vec::new(), Vec::new());
    for entry in selection.walk(directory)? {
        let entry = entry.map_err(|error| unreadable(directory, &error))?;
        if entry.depth() == 0 {
            continue;
        }
        let is_followed = selection.links.are_followed() && entry.path_is_symlink();
        let path = entry.into_path();
        let told = |error: io::Error| Error::new(format!("cannot read {}: {error}", path.display()));
        let below = path.strip_prefix(directory).unwrap_or(&path);
        let Some(name) = below.to_str().map(ToOwned::to_owned) else {
            return Err(
                Error::new(format!("the name {} is not UTF-8", below.display())).help("rename the file")
            );
        };
        let from_outside = if is_followed { outside(directory, &path).map_err(told)? } else { None };
        if let (Links::FollowWithin, Some(target)) = (selection.links, &from_outside) {
            let message = format!("{name} is a link to {}, which is no part of the commit", target.display());
            return Err(Error::new(message).help("exclude it, or pass --symlinks keep"));
        }
        let metadata =
            if selection.links.are_followed() { fs::metadata(&path) } else { fs::symlink_metadata(&path) };
        let metadata = metadata.map_err(told)?;
        let kind = if metadata.is_symlink() {
            if selection.links == Links::Refuse {
                let error = Error::new(format!("{name} is a link"));
                return Err(error.help("pass --symlinks keep or follow, or exclude it"));
            }
            Kind::Link
        } else if metadata.is_dir() {
            Kind::Directory
        } else if metadata.is_file() {
            Kind::File
        } else {
            left_out.push(format!("{name} is a pipe, socket or device and is left out"));
            continue;
        };
        let mode = metadata.permissions().mode() & 0o777;
        found.push(Found { name, path, kind, mode, size: metadata.len(), from_outside });
    }
    Ok((found, left_out))
}

/// Where a link leads, if that is not below the directory, through however many links.
pub fn outside(directory: &Path, link: &Path) -> io::Result<Option<PathBuf>> {
    let is_within = link.canonicalize()?.starts_with(directory.canonicalize()?);
    if is_within { Ok(None) } else { fs::read_link(link).map(Some) }
}

/// What cannot be walked. Of links that are followed, which one and what to do.
fn unreadable(directory: &Path, error: &ignore::Error) -> Error {
    let below = |path: &Path| path.strip_prefix(directory).unwrap_or(path).display().to_string();
    let help = "exclude it, or pass --symlinks keep";
    match error {
        ignore::Error::WithDepth { err, .. } => unreadable(directory, err),
        ignore::Error::Loop { child, .. } => {
            Error::new(format!("{} is a link to a directory that it is in", below(child))).help(help)
        }
        ignore::Error::WithPath { path, err } => match fs::read_link(path) {
            Ok(target) if !path.exists() => {
                let (name, target) = (below(path), target.display());
                Error::new(format!("{name} is a link to {target}, which is not there")).help(help)
            }
            _ if matches!(**err, ignore::Error::Loop { .. }) => unreadable(directory, err),
            _ => Error::new(format!("cannot read {}: {err}", path.display())),
        },
        other => Error::new(format!("cannot read the directory: {other}")),
    }
}

/// The files that an AppSpec may name, in whatever directory.
pub struct Named(HashSet<String>);

impl Named {
    /// By an AppSpec's text, and by the links of its bundle with where they point: what a link that is named leads to is
    /// named too.
    pub fn new<'a>(text: &[u8], links: impl Iterator<Item = (&'a str, &'a [u8])>) -> Self {
        let mut names = HashSet::new();
        if let Ok(Some(root)) = source::parse(text).map(|document| document.root) {
            scalars(&root, &mut names);
        }
        let links: Vec<(String, String)> = links
            .map(|(link, target)| (base(link), base(&String::from_utf8_lossy(target))))
            .filter(|(_, target)| !matches!(target.as_str(), "" | "." | ".."))
            .collect();
        // A link may lead to a link; of a long chain the last ones are looked at by nobody.
        for _ in 0..8 {
            let before = names.len();
            for (link, target) in &links {
                if names.contains(link) && !names.contains(target) {
                    names.insert(target.clone());
                }
            }
            if names.len() == before {
                break;
            }
        }
        Named(names)
    }

    pub fn has(&self, path: &str) -> bool {
        self.0.contains(&base(path))
    }
}

/// A path's last part; the case does not count on Windows.
fn base(path: &str) -> String {
    let path = path.trim().trim_end_matches(['/', '\\']);
    path.rsplit(['/', '\\']).next().unwrap_or(path).to_lowercase()
}

fn scalars(node: &Node, names: &mut HashSet<String>) {
    match &node.content {
        Content::Scalar(scalar) => {
            names.insert(base(&scalar.text));
        }
        Content::List(items) => items.iter().for_each(|item| scalars(item, names)),
        Content::Map(entries) => entries.iter().for_each(|(key, value)| {
            scalars(key, names);
            scalars(value, names);
        }),
        Content::Alias(_) => {}
    }
}

/// The listing that an AppSpec of this text is checked against. Only files that it names are opened.
pub fn listing(found: &[Found], text: &[u8]) -> Result<Listing, Error> {
    let told = |found: &Found, error| Error::new(format!("cannot read {}: {error}", found.path.display()));
    let mut targets = HashMap::new();
    for link in found.iter().filter(|found| found.kind == Kind::Link) {
        let target = fs::read_link(&link.path).map_err(|error| told(link, error))?;
        targets.insert(link.name.as_str(), target.into_os_string().into_vec());
    }
    let named = Named::new(text, targets.iter().map(|(name, target)| (*name, target.as_slice())));
    let entry = |found: &Found| -> io::Result<(String, Entry)> {
        let mut head = Vec::new();
        match found.kind {
            Kind::File if named.has(&found.name) => {
                File::open(&found.path)?.take(HEAD_BYTES).read_to_end(&mut head)?;
            }
            Kind::Link => head = targets.get(found.name.as_str()).cloned().unwrap_or_default(),
            Kind::File | Kind::Directory => {}
        }
        Ok((found.name.clone(), Entry { kind: found.kind.clone(), mode: found.mode, head }))
    };
    found.iter().map(|found| entry(found).map_err(|error| told(found, error))).collect()
}
