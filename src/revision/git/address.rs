//! How a commit of a repository is written: `URL[@REF][:PATH]`.

use std::fs;
use std::path::{Component, Path, PathBuf};
use std::str::FromStr;

use super::login::Login;
use super::{Error, GitSource};

const EXAMPLE: &str = "for example: https://github.com/owner/repo@v1.2:deploy";

impl FromStr for GitSource {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let (url, rest) = split_url(text)?;
        let (reference, path) = match rest.strip_prefix('@') {
            Some(rest) => match rest.split_once(':') {
                Some((reference, path)) => (Some(reference), Some(path)),
                None => (Some(rest), None),
            },
            None => (None, rest.strip_prefix(':')),
        };
        if let Some(reference) = reference {
            check_reference(reference)?;
        }
        let path = path.map(check_path).transpose()?.filter(|path| !path.is_empty());
        // Of `ext::sh -c id` the part up to the first colon is the URL here.
        if rest.starts_with("::")
            || text.get(url.len().saturating_sub(1)..).is_some_and(|rest| rest.starts_with("::"))
        {
            let message = format!("`{text}` would start a program; it is no URL of a repository");
            return Err(Error::new(message).help(EXAMPLE));
        }
        // Git takes a name that begins with a dash for one of its flags, wherever it stands.
        if url.is_empty() || url.starts_with('-') {
            return Err(Error::new(format!("`{url}` is no URL of a repository")).help(EXAMPLE));
        }
        // Git takes the top of a repository and no directory in it.
        if let Some(top) = top_above(Path::new(url)) {
            let below = fs::canonicalize(url).ok().and_then(|within| {
                Some(within.strip_prefix(&top).ok()?.join(path.as_deref().unwrap_or_default()))
            });
            let reference = reference.map(|name| format!("@{name}")).unwrap_or_default();
            let written = format!("{}{reference}:{}", top.display(), below.unwrap_or_default().display());
            let message = format!("`{url}` is a directory of the repository {}", top.display());
            return Err(Error::new(message).help(format!("write --git {written}")));
        }
        // A path with a colon in its first name is one of ssh to git.
        let first = url.split('/').next().unwrap_or_default();
        let url = if first.contains(':') && is_repository(url) { format!("./{url}") } else { url.to_owned() };
        let (url, login) = Login::of(&url)?;
        Ok(GitSource { url, reference: reference.map(str::to_owned), path, login })
    }
}

/// The URL, and `[@REF][:PATH]`. A path on this machine that is there is taken whole.
fn split_url(text: &str) -> Result<(&str, &str), Error> {
    if text.contains(['\0', '\n', '\r']) {
        return Err(Error::new("a URL of a repository is one line").help(EXAMPLE));
    }
    let begin = if let Some(at) = text.find("://") {
        let host = at + 3;
        text.get(host..).and_then(|rest| rest.find('/')).map_or(text.len(), |slash| host + slash)
    } else {
        // `git@host:path`: git's short form of a URL of ssh, where no slash comes before the colon and no repository of
        // this machine is meant.
        let path = longest_path(text);
        match (text.find(':'), text.find('/')) {
            // No host is called so.
            _ if matches!(text.get(..path), Some("." | "..")) => path,
            _ if text.get(..path).is_some_and(|path| !path.is_empty() && is_repository(path)) => path,
            (Some(colon), slash) if slash.is_none_or(|slash| colon < slash) && !text.starts_with('@') => {
                colon + 1
            }
            _ => path,
        }
    };
    let (before, after) = text.split_at(begin);
    let end = after.find(['@', ':']).unwrap_or(after.len());
    Ok(text.split_at(before.len() + end))
}

/// Bytes of the longest beginning of `text`, up to an `@` or `:`, that is there on this machine.
fn longest_path(text: &str) -> usize {
    let ends = text.match_indices(['@', ':']).map(|(at, _)| at).chain([text.len()]);
    ends.filter(|end| Path::new(text.get(..*end).unwrap_or_default()).exists()).max().unwrap_or(0)
}

/// Whether a path on this machine is a repository, bare or not.
fn is_repository(path: &str) -> bool {
    let path = Path::new(path);
    path.join(".git").exists() || path.join("HEAD").is_file()
}

/// The top of the repository that a directory of this machine is in, where it is not the top itself.
fn top_above(directory: &Path) -> Option<PathBuf> {
    if !directory.is_dir() || is_repository(&directory.to_string_lossy()) {
        return None;
    }
    let directory = directory.canonicalize().ok()?;
    directory.ancestors().skip(1).find(|above| above.join(".git").exists()).map(Path::to_owned)
}

/// As far as git's own rules matter here: nothing that is a flag, a range or a pattern.
fn check_reference(reference: &str) -> Result<(), Error> {
    let wrong = reference.is_empty()
        || reference.starts_with(['-', '+', '^', '/'])
        || reference.contains("..")
        || reference.contains("@{")
        || reference.contains(|c: char| c.is_control() || c.is_whitespace() || "~^:?*[\\".contains(c));
    if wrong {
        let error = Error::new(format!("`{reference}` is no branch, tag or commit"));
        return Err(error.help(EXAMPLE));
    }
    Ok(())
}

/// Without slashes around it; never out of the repository.
fn check_path(path: &str) -> Result<String, Error> {
    let parts = Path::new(path.trim_matches('/')).components();
    let mut kept = Vec::new();
    for part in parts {
        match part {
            Component::Normal(name) => kept.push(name.to_string_lossy().into_owned()),
            Component::CurDir => {}
            _ => {
                let message = format!("`{path}` leads out of the repository");
                return Err(Error::new(message).help(EXAMPLE));
            }
        }
    }
    Ok(kept.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(text: &str) -> (String, Option<String>, Option<String>) {
        let source: GitSource = text.parse().unwrap();
        (source.url, source.reference, source.path)
    }

    #[test]
    fn url_ref_and_path_are_told_apart() {
        for (text, url, reference, path) in [
            ("https://host/o/r.git", "https://host/o/r.git", None, None),
            ("https://host/o/r@v1", "https://host/o/r", Some("v1"), None),
            (
                "https://u:p@host:8443/o/r@a/b:deploy/x/",
                "https://host:8443/o/r",
                Some("a/b"),
                Some("deploy/x"),
            ),
            ("https://host/o/r:pkg/@scope", "https://host/o/r", None, Some("pkg/@scope")),
            ("ssh://git@host:22/o/r@main", "ssh://git@host:22/o/r", Some("main"), None),
            ("git@host:o/r.git@main:x", "git@host:o/r.git", Some("main"), Some("x")),
            ("/srv/none@v1:x", "/srv/none", Some("v1"), Some("x")),
            ("./none@v1", "./none", Some("v1"), None),
            ("file:///srv/r@HEAD", "file:///srv/r", Some("HEAD"), None),
        ] {
            let expected = (url.to_owned(), reference.map(str::to_owned), path.map(str::to_owned));
            assert_eq!(parts(text), expected, "{text}");
        }
        let odd = tempfile::tempdir().unwrap();
        let there = odd.path().join("a@b:c");
        fs::create_dir(&there).unwrap();
        let text = there.to_str().unwrap();
        assert_eq!(parts(&format!("{text}@v1")), (text.to_owned(), Some("v1".to_owned()), None));
    }

    #[test]
    fn pages_of_github_are_repositories() {
        for (text, expected) in [
            ("https://github.com/o/r", "https://github.com/o/r.git"),
            ("https://github.com/o/r/tree/a/b", "https://github.com/o/r.git@a/b"),
            ("https://api.github.com/repos/o/r/zipball/v1", "https://github.com/o/r.git@v1"),
        ] {
            assert_eq!(GitSource::of_github_page(text).unwrap(), expected.parse());
        }
        assert!(GitSource::of_github_page("https://github.com/o").unwrap().is_err());
        assert_eq!(GitSource::of_github_page("./site"), None);
    }

    #[test]
    fn nothing_becomes_a_flag_or_a_program_or_leads_out() {
        for text in [
            "",
            "--upload-pack=touch /tmp/x",
            "-u./x",
            "ext::sh -c id",
            "https://host/r@--upload-pack=x",
            "https://host/r@-x",
            "https://host/r@",
            "https://host/r@a..b",
            "https://host/r@+a",
            "https://host/r@a b",
            "https://host/r@main:../../etc",
            "https://host/r\n--x",
        ] {
            assert!(text.parse::<GitSource>().is_err(), "{text}");
        }
    }

    #[test]
    fn credentials_are_not_shown() {
        let source: GitSource = "https://user:s3cret@host/r@v1".parse().unwrap();
        assert_eq!(source.shown(), "https://host/r@v1");
    }

    #[test]
    fn a_bundle_is_called_after_the_directory_or_the_repository() {
        for (text, name) in [
            ("https://host/o/site.git", "site"),
            ("https://host/o/mono@v1:apps/shop/", "shop"),
            ("git@host:site.git", "site"),
        ] {
            assert_eq!(text.parse::<GitSource>().unwrap().name(), name);
        }
    }
}
