//! The directory that stands for a host's `/`. Nothing is touched outside it, whatever links lie within.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::fs;
use std::path::{Component, Path, PathBuf};

/// Links that are followed for one path before it counts as a loop, as in Linux.
const MAX_LINKS: usize = 40;

pub struct Root {
    path: PathBuf,
}

impl Root {
    /// Makes the directory where it is missing.
    pub fn new(path: &Path) -> Result<Self, String> {
        super::layout::make_dir(path)?;
        let path = path.canonicalize().map_err(|error| super::failure::ruby(&error, "realpath", path))?;
        Ok(Root { path })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where a path of the host lies, with links in its parents followed as the host itself would: an absolute
    /// target begins at the root. The last part is not followed.
    pub fn place(&self, path: &Path) -> Result<PathBuf, String> {
        self.resolve(path, false)
    }

    /// As [`Root::place`], the last part followed as well.
    pub fn follow(&self, path: &Path) -> Result<PathBuf, String> {
        self.resolve(path, true)
    }

    fn resolve(&self, path: &Path, last: bool) -> Result<PathBuf, String> {
        let mut done: Vec<OsString> = Vec::new();
        let mut pending: VecDeque<OsString> = parts(path).collect();
        let mut links = 0;
        while let Some(part) = pending.pop_front() {
            if part == ".." {
                done.pop();
                continue;
            }
            done.push(part);
            if pending.is_empty() && !last {
                break;
            }
            let Ok(target) = fs::read_link(self.join(&done)) else { continue };
            links += 1;
            if links > MAX_LINKS {
                return Err(format!("Too many levels of symbolic links - {}", path.display()));
            }
            done.pop();
            if target.is_absolute() {
                done.clear();
            }
            // A script that is not isolated writes links with the root's own path in front.
            let inner = target.strip_prefix(&self.path).unwrap_or(&target);
            for part in parts(inner).collect::<Vec<_>>().into_iter().rev() {
                pending.push_front(part);
            }
        }
        Ok(self.join(&done))
    }

    fn join(&self, parts: &[OsString]) -> PathBuf {
        let mut path = self.path.clone();
        path.extend(parts);
        path
    }
}

fn parts(path: &Path) -> impl Iterator<Item = OsString> {
    path.components().filter_map(|component| match component {
        Component::Normal(name) => Some(name.to_owned()),
        Component::ParentDir => Some(OsString::from("..")),
        _ => None,
    })
}

/// An absolute path without `.` and `..`, by its text alone (Ruby's `File.expand_path` with `/` as the directory).
pub fn expand(path: &Path) -> PathBuf {
    let mut expanded = PathBuf::from("/");
    for part in parts(path) {
        if part == ".." {
            expanded.pop();
        } else {
            expanded.push(part);
        }
    }
    expanded
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn root() -> (tempfile::TempDir, Root) {
        let directory = tempfile::tempdir().unwrap();
        let root = Root::new(&directory.path().join("host")).unwrap();
        (directory, root)
    }

    #[test]
    fn paths_never_leave_the_root() {
        let (_guard, root) = root();
        assert_eq!(root.follow(Path::new("/../../etc/passwd")).unwrap(), root.path().join("etc/passwd"));
        symlink("/etc", root.path().join("absolute")).unwrap();
        symlink("../../..", root.path().join("up")).unwrap();
        assert_eq!(root.follow(Path::new("/absolute/passwd")).unwrap(), root.path().join("etc/passwd"));
        assert_eq!(root.follow(Path::new("/up/x")).unwrap(), root.path().join("x"));
    }

    #[test]
    fn a_link_with_the_roots_own_path_means_what_it_says() {
        let (_guard, root) = root();
        symlink(root.path().join("srv/1"), root.path().join("current")).unwrap();
        assert_eq!(root.follow(Path::new("/current/a")).unwrap(), root.path().join("srv/1/a"));
        assert_eq!(root.place(Path::new("/current")).unwrap(), root.path().join("current"));
    }

    #[test]
    fn a_loop_is_an_error() {
        let (_guard, root) = root();
        symlink("b", root.path().join("a")).unwrap();
        symlink("a", root.path().join("b")).unwrap();
        assert!(root.follow(Path::new("/a")).is_err());
    }

    #[test]
    fn expanding_is_by_text_alone() {
        assert_eq!(expand(Path::new("srv/./x/../y/")), Path::new("/srv/y"));
        assert_eq!(expand(Path::new("/../..")), Path::new("/"));
    }
}
