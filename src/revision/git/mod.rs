//! A commit of a git repository, wherever that is, as a directory: by the system's `git`, without history. Knows no bundle.
//!
//! The commit is taken as `git archive` gives it, which is what GitHub's archives are, so `export-ignore` and
//! `export-subst` of its `.gitattributes` hold. Settings of the user that would change bytes are set aside; those that
//! say how to reach a repository (credentials, `insteadOf`) are not.

mod address;
mod login;
mod program;

use std::fs;
use std::io;
use std::path::Path;

use super::Error;
use crate::model::{BundleType, without_credentials};
use crate::runner;
use crate::scratch;
use login::Login;
use program::Git;

/// `URL[@REF][:PATH]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GitSource {
    /// Without what it says of who reads.
    url: String,
    /// A branch, tag or commit; none: the repository's default branch.
    reference: Option<String>,
    /// The directory of the repository that is taken; none: all of it.
    path: Option<String>,
    /// What the server is told where it asks who reads.
    login: Option<Login>,
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
            login: None,
        }
    }

    /// With a token of GitHub's.
    pub fn with_token(self, token: Option<String>) -> Self {
        GitSource { login: token.map(Login::of_github).or(self.login), ..self }
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
    ///
    /// # Errors
    /// The repository cannot be read, has no such commit or directory, or its files cannot be written.
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
