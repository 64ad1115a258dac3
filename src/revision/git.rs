//! A commit of a git repository, wherever that is, as a directory: by the system's `git`, without history. Starts git
//! and nothing else; knows no bundle.
//!
//! The commit is taken as `git archive` gives it, which is what GitHub's archives are, so `export-ignore` and
//! `export-subst` of its `.gitattributes` hold. Settings of the user that would change bytes are set aside; those that
//! say how to reach a repository (credentials, `insteadOf`) are not.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io;
use std::path::{Component, Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::str::FromStr;

use super::Error;
use crate::model::{BundleType, without_credentials};
use crate::runner;
use crate::scratch;

/// `URL[@REF][:PATH]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GitSource {
    url: String,
    /// A branch, tag or commit; none: the repository's default branch.
    reference: Option<String>,
    /// The directory of the repository that is taken; none: all of it.
    path: Option<String>,
}

/// What was taken of a repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkout {
    /// 40 hexadecimal digits, or 64.
    pub commit: String,
    /// What the commit names and this directory lacks; not sanitised.
    pub notes: Vec<String>,
}

impl GitSource {
    /// The commit of a repository of GitHub.
    pub fn github(repository: &str, commit: &str) -> Self {
        GitSource {
            url: format!("https://github.com/{repository}.git"),
            reference: Some(commit.to_owned()),
            path: None,
        }
    }

    /// The repository and commit that a page or an archive of GitHub's is of, as the agents' local run takes them; none
    /// where the text is no such address.
    ///
    /// Source: official agent 2.x, deploy-local (`/tree/REF`, `/commit/SHA`, `tarball` and `zipball` of its API).
    pub fn of_github_page(text: &str) -> Option<Result<Self, Error>> {
        let page = text.strip_prefix("https://github.com/");
        let rest = page.or_else(|| text.strip_prefix("https://api.github.com/repos/"))?;
        let parts: Vec<&str> = rest.trim_end_matches('/').splitn(4, '/').collect();
        let address = |owner: &str, repo: &str, reference: &str| {
            let repo = repo.strip_suffix(".git").unwrap_or(repo);
            format!("https://github.com/{owner}/{repo}.git{reference}").parse()
        };
        match parts.as_slice() {
            [owner, repo] => Some(address(owner, repo, "")),
            [owner, repo, "tree" | "commit" | "tarball" | "zipball", reference] => {
                Some(address(owner, repo, &format!("@{reference}")))
            }
            _ => Some(Err(Error::new(format!("`{text}` is no repository of GitHub"))
                .help("for example: https://github.com/owner/repo/tree/main"))),
        }
    }

    /// Without credentials that the URL may hold.
    pub fn shown(&self) -> String {
        let reference = self.reference.as_ref().map(|name| format!("@{name}")).unwrap_or_default();
        let path = self.path.as_ref().map(|path| format!(":{path}")).unwrap_or_default();
        format!("{}{reference}{path}", without_credentials(&self.url))
    }

    /// What a bundle of it is called after: the directory's or the repository's name.
    pub fn name(&self) -> String {
        let last =
            |text: &str| text.trim_end_matches('/').rsplit(['/', ':']).next().unwrap_or_default().to_owned();
        let name = self.path.as_deref().map_or_else(|| last(&self.url), last);
        let name = name.strip_suffix(".git").unwrap_or(&name);
        if name.is_empty() || name.starts_with('.') { "bundle".to_owned() } else { name.to_owned() }
    }

    /// Puts the commit's files below `directory`, which must exist and be empty. `ask`: git may ask for a password.
    pub fn checkout(&self, directory: &Path, ask: bool) -> Result<Checkout, Error> {
        let told = |error: io::Error| Error::new(format!("cannot read {}: {error}", self.shown()));
        let scratch = scratch::Folder::new().map_err(told)?;
        let mut git = Git { source: self, repository: scratch.path().join("sha1"), hash: "sha1", ask };
        git.init()?;
        let commit = match git.fetch() {
            Err(error) if error.message.contains("mismatched algorithms") => {
                (git.repository, git.hash) = (scratch.path().join("sha256"), "sha256");
                git.init()?;
                git.fetch()
            }
            fetched => fetched,
        }?;
        let tree = match &self.path {
            Some(path) => format!("{commit}:{path}"),
            None => commit.clone(),
        };
        let kind = git.run(&["cat-file", "-t", "--end-of-options", &tree]).ok();
        if kind.is_none_or(|kind| !matches!(kind.trim(), "tree" | "commit")) {
            let path = self.path.as_deref().unwrap_or("/");
            return Err(Error::new(format!("{} has no directory {path}", git.at(&commit))));
        }
        let archive = scratch.path().join("archive.tar");
        git.archive(&commit, &archive)?;
        let whole = scratch.path().join("whole");
        let to = if self.path.is_some() { whole.as_path() } else { directory };
        fs::create_dir(&whole).map_err(told)?;
        runner::extract(&archive, &BundleType::Tar, to)
            .map_err(|message| Error::new(format!("cannot unpack {}: {message}", self.shown())))?;
        if let Some(path) = &self.path {
            let from = whole.join(path);
            if !from.is_dir() {
                let message = format!(
                    "{} leaves {path} out: its .gitattributes says export-ignore of it",
                    git.at(&commit)
                );
                return Err(Error::new(message).help("clone the repository and bundle that directory"));
            }
            fs::rename(from, directory).map_err(told)?;
        }
        Ok(Checkout { notes: git.notes(&tree, directory)?, commit })
    }
}

/// The system's git on a repository of our own.
struct Git<'a> {
    source: &'a GitSource,
    repository: PathBuf,
    /// What the names of its objects are made by, whatever the user's settings say of new repositories.
    hash: &'static str,
    ask: bool,
}

/// Beside these a URL may name a program to run (`ext::…`).
const PROTOCOLS: &str = "file:git:http:https:ssh";

/// What of a user's settings would change the bytes of an archive, beside filters.
const SAME_BYTES: &[&str] =
    &["tar.umask=0022", "core.autocrlf=false", "core.eol=lf", "core.attributesFile=/dev/null"];

/// The first line of a file of Git LFS that stands for one elsewhere. Source: its specification.
const LFS_POINTER: &[u8] = b"version https://git-lfs.github.com/spec/v1\n";

impl Git<'_> {
    #[expect(clippy::disallowed_methods, reason = "the one place that starts git")]
    fn command(&self) -> Command {
        let mut command = Command::new("git");
        for setting in SAME_BYTES {
            command.args(["-c", setting]);
        }
        // From within a hook or an alias of git the caller's repository would be meant.
        for variable in
            ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_NAMESPACE"]
        {
            command.env_remove(variable);
        }
        command.env("GIT_ALLOW_PROTOCOL", PROTOCOLS).env("GIT_DEFAULT_HASH", self.hash);
        command.env("LC_ALL", "C").stdin(Stdio::null());
        if !self.ask {
            command.env("GIT_TERMINAL_PROMPT", "0").env("GIT_ASKPASS", "").env("SSH_ASKPASS", "");
        }
        command
    }

    fn init(&self) -> Result<(), Error> {
        let path = self.repository.to_string_lossy();
        self.run(&["init", "--quiet", "--bare", "--template=", "--", &path]).map(|_| ())
    }

    /// What git says; an error is what it complained of, without credentials.
    fn run(&self, arguments: &[&str]) -> Result<String, Error> {
        let mut command = self.command();
        if arguments.first() != Some(&"init") {
            command.arg("--git-dir").arg(&self.repository);
        }
        let output =
            output(command.args(arguments).stdout(Stdio::piped())).map_err(|error| self.missing(&error))?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        Err(self.failed(&output.stderr))
    }

    fn missing(&self, error: &io::Error) -> Error {
        let error_text = format!("cannot start git for {}: {error}", self.source.shown());
        Error::new(error_text).help("install git; a directory or an archive needs none")
    }

    fn failed(&self, stderr: &[u8]) -> Error {
        let said = String::from_utf8_lossy(stderr);
        let lines: Vec<String> =
            said.lines().filter(|line| !line.trim().is_empty()).map(without_credentials).collect();
        // What came first is the cause; the last line is the same for most.
        let cause = lines.iter().find(|line| !line.to_lowercase().starts_with("warning"));
        let why = cause.or(lines.first()).map_or("git says nothing", String::as_str);
        Error::new(format!("cannot read {}: {why}", self.source.shown()))
    }

    fn at(&self, commit: &str) -> String {
        format!("{} at {}", without_credentials(&self.source.url), commit.get(..12).unwrap_or(commit))
    }

    /// Gets one commit without its history. Where a server gives no single commits, or the name is a short form of
    /// one, all branches and tags.
    fn fetch(&self) -> Result<String, Error> {
        let (url, reference) = (&self.source.url, self.source.reference.as_deref().unwrap_or("HEAD"));
        let fetch = ["fetch", "--quiet", "--no-tags", "--no-recurse-submodules"];
        let single = [&fetch[..], &["--depth=1", "--", url, reference]].concat();
        let hexadecimal = reference.len() >= 4 && reference.bytes().all(|byte| byte.is_ascii_hexdigit());
        let name = match self.run(&single) {
            Ok(_) => "FETCH_HEAD",
            Err(_) if hexadecimal => {
                let all = ["--", url, "+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*"];
                self.run(&[&fetch[..], &all].concat())?;
                reference
            }
            Err(error) if error.message.contains("couldn't find remote ref") => {
                let message = format!("{} has no {reference}", without_credentials(url));
                return Err(Error::new(message).help("a REF is a branch, a tag or a commit"));
            }
            Err(error) => return Err(error),
        };
        let commit = format!("{name}^{{commit}}");
        let found = self.run(&["rev-parse", "--verify", "--quiet", "--end-of-options", &commit]);
        found.map(|commit| commit.trim().to_owned()).map_err(|_| {
            Error::new(format!("{} has no commit {reference}", without_credentials(url)))
                .help("a REF is a branch, a tag or a commit")
        })
    }

    /// The commit, or its directory under its path, so that the attributes of those above hold.
    fn archive(&self, commit: &str, to: &Path) -> Result<(), Error> {
        let told = |error: io::Error| Error::new(format!("cannot read {}: {error}", self.source.shown()));
        let mut command = self.command();
        // Large files' content is not fetched, and no other filter of the user's is asked: what the commit has stays what it
        // is everywhere.
        for filter in self.filters() {
            for setting in ["smudge=", "process=", "required=false"] {
                command.args(["-c", &format!("{filter}.{setting}")]);
            }
        }
        command.arg("--git-dir").arg(&self.repository).args(["--literal-pathspecs", "archive"]);
        command.args(["--format=tar", "--end-of-options", commit]).args(&self.source.path);
        command.stdout(File::create(to).map_err(told)?);
        let output = output(&mut command).map_err(|error| self.missing(&error))?;
        if output.status.success() { Ok(()) } else { Err(self.failed(&output.stderr)) }
    }

    /// The filters that the user's settings name: `filter.lfs`.
    fn filters(&self) -> BTreeSet<String> {
        // An error is that there are none.
        let names =
            self.run(&["config", "--name-only", "--get-regexp", r"^filter\..*\."]).unwrap_or_default();
        let filters = names.lines().filter_map(|name| Some(name.rsplit_once('.')?.0.to_owned()));
        // Git has no way to say one with an equals sign in its name on a command line.
        filters.filter(|filter| !filter.contains('=')).collect()
    }

    /// Submodules, which are other repositories, and files whose content is in a store of large files.
    fn notes(&self, tree: &str, directory: &Path) -> Result<Vec<String>, Error> {
        let listed = self.run(&["ls-tree", "-r", "-z", "--full-tree", "--end-of-options", tree])?;
        let mut notes = Vec::new();
        for entry in listed.split('\0') {
            let Some((kind, name)) = entry.split_once('\t') else { continue };
            if kind.starts_with("160000 ") {
                notes.push(format!("the submodule {name} is another repository and is left out"));
            } else if kind.starts_with("100") && is_pointer(&directory.join(name)) {
                notes.push(format!("{name} is a pointer of Git LFS: the file itself is not in the commit"));
            }
        }
        Ok(notes)
    }
}

/// What a program leaves behind; it ends where a signal ends this one.
fn output(command: &mut Command) -> io::Result<Output> {
    let (child, _running) = scratch::spawn(command.stderr(Stdio::piped()))?;
    child.wait_with_output()
}

fn is_pointer(path: &Path) -> bool {
    let size =
        fs::symlink_metadata(path).map_or(0, |metadata| if metadata.is_file() { metadata.len() } else { 0 });
    // The specification's limit of a pointer is 1024 bytes.
    (LFS_POINTER.len() as u64..1024).contains(&size)
        && fs::read(path).is_ok_and(|text| text.starts_with(LFS_POINTER))
}

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
        Ok(GitSource { url, reference: reference.map(str::to_owned), path })
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
                "https://u:p@host:8443/o/r",
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
