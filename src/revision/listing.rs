//! What is taken of a directory, in an order that never changes.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs::{self, File, Metadata};
use std::io::{self, Read};
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use ignore::DirEntry;

use crate::appspec::{self, Entry, Kind, Listing};
use crate::source::{self, Content, Node};

use super::{Error, Links, Selection};

/// The first bytes of a file that a check looks at: those that a script of a usual length has.
const HEAD_BYTES: u64 = 8 << 10;

/// Files and directories that are taken through links: as many as a bundle may have, which links that lead to links make of
/// a few. A test is there sooner.
const MAX_FOLLOWED: usize = if cfg!(test) { 5_000 } else { 200_000 };

/// A file, directory or link below a directory.
pub struct Found {
    /// Below the directory, with `/` between its parts. Of what was unpacked it need not be all of the path's bytes.
    pub name: String,
    pub path: PathBuf,
    pub kind: Kind,
    pub mode: u32,
    /// Bytes of a file.
    pub size: u64,
    /// Where a link led, out of the directory, that this has taken the place of.
    pub from_outside: Option<PathBuf>,
    pub stamp: Stamp,
}

/// Which file it is, and when it was written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stamp {
    /// Device and inode.
    pub file: (u64, u64),
    /// Seconds and nanoseconds.
    pub modified: (i64, i64),
}

impl Stamp {
    pub fn of(metadata: &Metadata) -> Stamp {
        Stamp { file: (metadata.dev(), metadata.ino()), modified: (metadata.mtime(), metadata.mtime_nsec()) }
    }
}

impl Found {
    /// Bytes that it adds to read: those of a file.
    pub fn bytes(&self) -> u64 {
        if self.kind == Kind::File { self.size } else { 0 }
    }
}

/// A directory as a selection takes it, looked at once: what is checked is what is bundled.
pub struct Selected<'a> {
    pub(super) directory: &'a Path,
    pub(super) selection: &'a Selection,
    /// Parents first.
    pub(super) found: Vec<Found>,
    /// What cannot be taken and why; names of files, not sanitised.
    pub(super) left_out: Vec<String>,
}

impl<'a> Selected<'a> {
    /// # Errors
    /// It cannot be read, or holds what the selection refuses.
    pub fn of(directory: &'a Path, selection: &'a Selection) -> Result<Self, Error> {
        let (found, left_out) = walk(directory, selection)?;
        Ok(Selected { directory, selection, found, left_out })
    }
}

/// All that is taken of a directory, parents first, and what cannot be and why.
pub fn walk(directory: &Path, selection: &Selection) -> Result<(Vec<Found>, Vec<String>), Error> {
    let (mut found, mut left_out) = (Vec::new(), Vec::new());
    let mut kept = None;
    // The link that is followed at present, and what was taken through any.
    let (mut through, mut followed): (Option<PathBuf>, usize) = (None, 0);
    let walk = selection.walk(directory)?;
    for entry in walk.entries {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) if is_left_out(directory, selection, &error, &mut kept)? => continue,
            Err(error) => return Err(unreadable(directory, &error)),
        };
        if entry.depth() == 0 {
            continue;
        }
        let is_followed = selection.links.are_followed() && entry.path_is_symlink();
        let path = entry.into_path();
        if through.as_ref().is_some_and(|link| path.starts_with(link)) {
            followed += 1;
        } else {
            through = is_followed.then(|| path.clone());
        }
        if followed > MAX_FOLLOWED {
            return Err(too_many(directory, through.as_deref().unwrap_or(&path)));
        }
        let told = |error: io::Error| Error::new(format!("cannot read {}: {error}", path.display()));
        let below = path.strip_prefix(directory).unwrap_or(&path);
        if below.to_str().is_none() && !selection.unpacked {
            return Err(
                Error::new(format!("the name {} is not UTF-8", below.display())).help("rename the file")
            );
        }
        let name = below.to_string_lossy().into_owned();
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
        let mut mode = metadata.permissions().mode() & 0o7777;
        if !selection.unpacked {
            // A directory has them of the one that it was made in.
            if kind == Kind::File && mode & 0o6000 != 0 {
                left_out.push(format!(
                    "{name} has the mode {mode:04o}: the bits of setuid and setgid are left out"
                ));
            }
            mode &= 0o777;
        }
        let (size, stamp) = (metadata.len(), Stamp::of(&metadata));
        found.push(Found { name, path, kind, mode, size, from_outside, stamp });
    }
    match walk.refused.get() {
        Some(error) => Err(error.clone()),
        None => Ok((found, left_out)),
    }
}

fn too_many(directory: &Path, link: &Path) -> Error {
    let link = link.strip_prefix(directory).unwrap_or(link).display();
    let message = format!(
        "more than {MAX_FOLLOWED} files and directories are reached through links, now through {link}"
    );
    Error::new(message).help("exclude what leads to so many, or pass --symlinks keep")
}

/// Where a link leads, if that is not below the directory, through however many links.
pub fn outside(directory: &Path, link: &Path) -> io::Result<Option<PathBuf>> {
    let is_within = link.canonicalize()?.starts_with(directory.canonicalize()?);
    if is_within { Ok(None) } else { fs::read_link(link).map(Some) }
}

/// Links that are followed are looked at before it is asked what is left out: whether one that cannot be is.
/// `kept`: what is taken where no link is followed.
fn is_left_out(
    directory: &Path,
    selection: &Selection,
    error: &ignore::Error,
    kept: &mut Option<BTreeMap<PathBuf, bool>>,
) -> Result<bool, Error> {
    let Some(link) = link_of(error).filter(|_| selection.links.are_followed()) else { return Ok(false) };
    if [false, true].into_iter().any(|is_directory| is_excluded(directory, selection, link, is_directory)) {
        return Ok(true);
    }
    let kept = match kept {
        Some(kept) => kept,
        None => {
            let keeping = Selection { links: Links::Keep, ..selection.clone() };
            let is_directory = |entry: &DirEntry| entry.file_type().is_some_and(|kind| kind.is_dir());
            let entries = keeping.walk(directory)?.entries.flatten();
            kept.insert(entries.map(|entry| (entry.path().to_owned(), is_directory(&entry))).collect())
        }
    };
    let parent_is_taken = link.parent().and_then(|parent| kept.get(parent)) == Some(&true);
    Ok(parent_is_taken && !kept.contains_key(link))
}

fn is_excluded(directory: &Path, selection: &Selection, path: &Path, is_directory: bool) -> bool {
    selection.excluded(directory).is_ok_and(|excluded| excluded.matched(path, is_directory).is_ignore())
}

/// What a walk could not go into.
fn link_of(error: &ignore::Error) -> Option<&Path> {
    match error {
        ignore::Error::WithDepth { err, .. } => link_of(err),
        ignore::Error::Loop { child, .. } => Some(child),
        ignore::Error::WithPath { path, .. } => Some(path),
        _ => None,
    }
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
            _ => {
                // What the walk says of it names the path again.
                let of_walk = err.io_error().and_then(std::io::Error::get_ref);
                let why = of_walk.and_then(|error| error.source()).map(ToString::to_string);
                let why = why.unwrap_or_else(|| err.to_string());
                Error::new(format!("cannot read {}: {why}", path.display()))
            }
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
        let document = source::parse(text).or_else(|_| source::parse(&appspec::readable(text)));
        if let Ok(Some(root)) = document.map(|document| document.root) {
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
        let name = last(path);
        if name.bytes().any(|byte| !byte.is_ascii() || byte.is_ascii_uppercase()) {
            self.0.contains(&name.to_lowercase())
        } else {
            self.0.contains(name)
        }
    }
}

/// A path's last part; the case does not count on Windows.
fn base(path: &str) -> String {
    last(path).to_lowercase()
}

fn last(path: &str) -> &str {
    let path = path.trim().trim_end_matches(['/', '\\']);
    path.rsplit(['/', '\\']).next().unwrap_or(path)
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

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::super::selection::IGNORE_FILE;
    use super::*;

    fn names(directory: &Path, selection: &Selection) -> Result<Vec<String>, Error> {
        Ok(walk(directory, selection)?.0.into_iter().map(|found| found.name).collect())
    }

    fn write(directory: &Path, name: &str, text: impl AsRef<[u8]>) {
        fs::write(directory.join(name), text).unwrap();
    }

    #[test]
    fn a_bundle_is_no_part_of_itself_however_it_is_named() {
        let guard = tempfile::tempdir().unwrap();
        let site = guard.path().join("site");
        fs::create_dir_all(site.join("sub")).unwrap();
        write(&site, "page", "x");
        write(&site, "sub/own.zip", "old");
        symlink("site", guard.path().join("link")).unwrap();
        let (own, link) = (site.join("sub/own.zip"), guard.path().join("link"));
        let crossed = guard.path().join("site/../link/sub/own.zip");
        for (directory, own) in [(&site, &crossed), (&link, &own), (&site, &link.join("sub/own.zip"))] {
            for links in [Links::Keep, Links::Follow] {
                let selection = Selection { own: Some(own.clone()), links, ..Selection::default() };
                assert_eq!(names(directory, &selection).unwrap(), ["page", "sub"], "{}", own.display());
            }
        }
        symlink("sub/own.zip", site.join("latest.zip")).unwrap();
        let own = Some(site.join("latest.zip"));
        let selection = Selection { own: own.clone(), ..Selection::default() };
        assert_eq!(
            names(&site, &selection).unwrap(),
            ["page", "sub"],
            "neither the link nor what it leads to"
        );
        let selection = Selection { own, links: Links::Follow, ..Selection::default() };
        assert_eq!(names(&site, &selection).unwrap(), ["page", "sub"]);
    }

    #[test]
    fn a_file_of_patterns_that_is_not_understood_is_an_error() {
        let guard = tempfile::tempdir().unwrap();
        fs::create_dir(guard.path().join("sub")).unwrap();
        write(guard.path(), "sub/secret.key", "x");
        write(guard.path(), "sub/.cdctlignore", "a\nsecret.[z-a]\n");
        let error = names(guard.path(), &Selection::default()).unwrap_err().message;
        assert!(error.starts_with("sub/.cdctlignore, line 2: "), "{error}");
        write(guard.path(), "sub/.cdctlignore", b"\xff\nsecret.key\n");
        let error = names(guard.path(), &Selection::default()).unwrap_err().message;
        assert!(error.starts_with("cannot read sub/.cdctlignore: "), "{error}");
        fs::remove_file(guard.path().join("sub/.cdctlignore")).unwrap();
        symlink("nowhere", guard.path().join(".cdctlignore")).unwrap();
        let error = names(guard.path(), &Selection::default()).unwrap_err().message;
        assert!(error.starts_with("cannot read .cdctlignore: "), "{error}");
        fs::remove_file(guard.path().join(".cdctlignore")).unwrap();
        write(guard.path(), ".cdctlignore", "*.key\n");
        assert_eq!(names(guard.path(), &Selection::default()).unwrap(), ["sub"]);
    }

    #[test]
    fn the_nearest_file_of_patterns_decides_and_all_are_read_as_git_reads_them() {
        let guard = tempfile::tempdir().unwrap();
        fs::create_dir_all(guard.path().join("a/b")).unwrap();
        fs::create_dir(guard.path().join("c")).unwrap();
        for name in ["1.key", "{x,y}", "x", "a/1.key", "a/b/1.key", "a/b/2.key", "c/1.key"] {
            write(guard.path(), name, "x");
        }
        write(guard.path(), ".cdctlignore", "\u{feff}[[:digit:]].key\r\n{x,y}\n!\n");
        write(guard.path(), "a/.cdctlignore", "![[:digit:]].key\n");
        write(guard.path(), "a/b/.cdctlignore", "1.key\n");
        let taken = ["a", "a/1.key", "a/b", "a/b/2.key", "c", "x"];
        assert_eq!(names(guard.path(), &Selection::default()).unwrap(), taken);
        let exclude = vec!["[[:lower:]]".to_owned(), "!a".to_owned(), "!".to_owned()];
        let selection = Selection { exclude, ..Selection::default() };
        assert_eq!(names(guard.path(), &selection).unwrap(), ["a", "a/1.key"]);
    }

    #[test]
    fn setuid_and_setgid_are_left_out_and_told() {
        let guard = tempfile::tempdir().unwrap();
        for (name, mode) in [("both", 0o6755), ("none", 0o644)] {
            write(guard.path(), name, "x");
            fs::set_permissions(guard.path().join(name), fs::Permissions::from_mode(mode)).unwrap();
        }
        let (found, told) = walk(guard.path(), &Selection::default()).unwrap();
        assert_eq!(found.iter().map(|found| found.mode).collect::<Vec<_>>(), [0o755, 0o644]);
        assert_eq!(told, ["both has the mode 6755: the bits of setuid and setgid are left out"]);
        let (found, told) = walk(guard.path(), &Selection::all()).unwrap();
        assert_eq!((found[0].mode, told.len()), (0o6755, 0));
    }

    /// Of a commit or an archive of a stranger's: it may lead to any file of this machine.
    #[test]
    fn a_file_of_patterns_outside_is_not_read() {
        let guard = tempfile::tempdir().unwrap();
        let site = guard.path().join("site");
        fs::create_dir_all(site.join("sub")).unwrap();
        write(guard.path(), "secret", "password={hunter2\n*\n");
        write(&site, "sub/page", "x");
        let refused = |file: &str, target: &Path| {
            symlink(target, site.join(file)).unwrap();
            let error = names(&site, &Selection::default()).unwrap_err();
            assert_eq!(names(&site, &Selection::all()).unwrap().len(), 3, "{file}");
            fs::remove_file(site.join(file)).unwrap();
            error.message
        };
        for file in [IGNORE_FILE.to_owned(), format!("sub/{IGNORE_FILE}")] {
            let outside = format!("cannot read {file}: it is a link out of the directory");
            assert_eq!(refused(&file, &guard.path().join("secret")), outside);
            assert_eq!(refused(&file, Path::new("/dev/zero")), outside);
            write(&site, &file, vec![b'\n'; (1 << 20) + 1]);
            let error = names(&site, &Selection::default()).unwrap_err().message;
            assert_eq!(error, format!("cannot read {file}: it is longer than 1 MiB"));
            fs::remove_file(site.join(&file)).unwrap();
        }
        write(&site, "sub/patterns", "page\n");
        symlink("sub/patterns", site.join(IGNORE_FILE)).unwrap();
        assert_eq!(names(&site, &Selection::default()).unwrap(), ["sub", "sub/patterns"]);
    }

    #[test]
    fn a_link_that_cannot_be_followed_can_be_left_out() {
        let guard = tempfile::tempdir().unwrap();
        fs::create_dir(guard.path().join("sub")).unwrap();
        write(guard.path(), "page", "x");
        symlink("nowhere", guard.path().join("sub/dangling")).unwrap();
        symlink(".", guard.path().join("loop")).unwrap();
        let following = |exclude: &[&str]| {
            let exclude = exclude.iter().map(|pattern| (*pattern).to_owned()).collect();
            let selection = Selection { links: Links::Follow, exclude, ..Selection::default() };
            names(guard.path(), &selection).map_err(|error| error.message)
        };
        assert!(following(&["loop"]).unwrap_err().contains("sub/dangling is a link to nowhere"));
        assert!(
            following(&["dangling"]).unwrap_err().contains("loop is a link to a directory that it is in")
        );
        assert_eq!(following(&["dangling", "/loop/"]).unwrap(), ["page", "sub"]);
        write(guard.path(), "sub/.cdctlignore", "dangling\n");
        write(guard.path(), ".cdctlignore", "/loop\n");
        assert_eq!(following(&[]).unwrap(), ["page", "sub"]);
    }
}
