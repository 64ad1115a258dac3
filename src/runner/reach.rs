//! How much a copy of a directory makes where links to directories are followed. Links that lead to links double what
//! there is each time: that is counted before it is walked.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::root::MAX_LINKS;

/// By a directory's path, the files and directories that a copy of it makes.
pub struct Reach(HashMap<PathBuf, usize>);

/// What is in a directory: files, and by their numbers the directories and those that links lead to.
#[derive(Default)]
struct Inner {
    files: usize,
    directories: Vec<usize>,
    links: Vec<usize>,
}

impl Reach {
    /// Of all directories below one, whose path has no links. Nothing is counted where no link leads to a directory, for
    /// then a copy makes no more than there is.
    pub fn of(top: &Path) -> Self {
        let (mut paths, mut targets) = (vec![top.to_owned()], Vec::new());
        let mut inner: Vec<Inner> = Vec::new();
        while let Some(path) = paths.get(inner.len()).cloned() {
            let mut here = Inner::default();
            for entry in fs::read_dir(&path).into_iter().flatten().flatten() {
                let kind = entry.file_type().ok();
                if kind.is_some_and(|kind| kind.is_dir()) {
                    here.directories.push(paths.len());
                    paths.push(entry.path());
                    continue;
                }
                let target =
                    kind.filter(|kind| kind.is_symlink()).and_then(|_| entry.path().canonicalize().ok());
                match target.filter(|target| target.starts_with(top) && target.is_dir()) {
                    Some(target) => targets.push((inner.len(), target)),
                    None => here.files += 1,
                }
            }
            inner.push(here);
        }
        if targets.is_empty() {
            return Reach(HashMap::new());
        }
        let numbers: HashMap<&Path, usize> = paths.iter().map(PathBuf::as_path).zip(0..).collect();
        for (from, target) in &targets {
            if let (Some(from), Some(to)) = (inner.get_mut(*from), numbers.get(target.as_path())) {
                from.links.push(*to);
            }
        }
        // By how many links were followed on the way, the most first: then one more is a file. Directories have larger
        // numbers than those that they are in.
        let mut counts = vec![1; inner.len()];
        for _ in 0..=MAX_LINKS {
            let behind = counts.clone();
            for (number, inner) in inner.iter().enumerate().rev() {
                let of = |counts: &[usize], numbers: &[usize]| {
                    let counts = numbers.iter().filter_map(|number| counts.get(*number));
                    counts.fold(0, |sum: usize, count| sum.saturating_add(*count))
                };
                let below = of(&counts, &inner.directories).saturating_add(of(&behind, &inner.links));
                if let Some(count) = counts.get_mut(number) {
                    *count = below.saturating_add(1 + inner.files);
                }
            }
        }
        Reach(paths.into_iter().zip(counts).collect())
    }

    /// The files and directories that a copy of a directory makes; none where that is no more than there is.
    pub fn below(&self, directory: &Path) -> Option<usize> {
        if self.0.is_empty() {
            return None;
        }
        self.0.get(&directory.canonicalize().ok()?).copied()
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn doubling_links_are_counted_and_not_walked() {
        let guard = tempfile::tempdir().unwrap();
        let top = guard.path().canonicalize().unwrap();
        fs::create_dir_all(top.join("plain/sub")).unwrap();
        fs::write(top.join("plain/sub/file"), "").unwrap();
        assert_eq!(Reach::of(&top).below(&top), None);
        for n in 0..35 {
            fs::create_dir(top.join(format!("l{n}"))).unwrap();
            for name in ["a", "b"] {
                symlink(format!("../l{}", n + 1), top.join(format!("l{n}/{name}"))).unwrap();
            }
        }
        fs::create_dir(top.join("l35")).unwrap();
        fs::write(top.join("l35/file"), "").unwrap();
        symlink("nowhere", top.join("l35/dangling")).unwrap();
        let reach = Reach::of(&top);
        // A directory, a file and a link at the end; on the way a directory each.
        assert_eq!(reach.below(&top.join("l35")), Some(3));
        assert_eq!(reach.below(&top.join("l34/a")), Some(3));
        assert_eq!(reach.below(&top.join("l34")), Some(1 + 2 * 3));
        assert_eq!(reach.below(&top.join("l0")), Some((1 << 35) - 1 + (3 << 35)));
        assert_eq!(reach.below(&top.join("plain")), Some(3));
    }

    #[test]
    fn a_circle_is_as_long_as_the_system_follows_it() {
        let guard = tempfile::tempdir().unwrap();
        let top = guard.path().canonicalize().unwrap();
        fs::create_dir(top.join("site")).unwrap();
        fs::write(top.join("site/a"), "").unwrap();
        symlink(".", top.join("site/up")).unwrap();
        // Each time a directory and a file; in the end the link itself.
        assert_eq!(Reach::of(&top).below(&top.join("site")), Some(2 * (MAX_LINKS + 1) + 1));
    }
}
