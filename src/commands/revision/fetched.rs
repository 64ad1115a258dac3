//! A revision wherever it is, as a path on this machine: an object of S3 is downloaded, a commit of git taken out first.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::Path;

use anyhow::Context as _;

use crate::appspec;
use crate::context::Context;
use crate::error::{Doing, Failure};
use crate::exit::Exit;
use crate::model::{BundleType, Revision, bare_etag};
use crate::revision::{Error, GitSource, Locator, Report, Source};
use crate::scratch::Folder;
use crate::source;

/// A revision that can be read; what was fetched goes with it.
pub struct Fetched {
    source: Source,
    /// As the user wrote it, without credentials.
    name: String,
    /// What an agent tells scripts of where the bundle came from: `BUNDLE_BUCKET`, `BUNDLE_COMMIT` and so on.
    pub variables: BTreeMap<String, String>,
    folder: Option<Folder>,
}

impl Fetched {
    /// A path on this machine, `s3://BUCKET/KEY` or `github:OWNER/REPO@COMMIT`.
    pub async fn of(context: &Context, path: &Path) -> anyhow::Result<Fetched> {
        Self::of_type(context, path, (None, None)).await
    }

    /// As [`Fetched::of`]; a file or an object is of that type, whatever its name says, and GitHub is given the token where
    /// it asks for one.
    pub async fn of_type(
        context: &Context,
        path: &Path,
        (kind, token): (Option<BundleType>, Option<String>),
    ) -> anyhow::Result<Fetched> {
        let text = path.to_string_lossy();
        if text.starts_with("s3://") {
            return Self::object(context, &text, kind).await;
        }
        if text.starts_with("github:") {
            let Locator::Revision(Revision::GitHub { repository, commit }) = text.parse()? else {
                return Err(Failure::new(format!("{text} is no commit")).exit(Exit::Usage).into());
            };
            let git = GitSource::github(&repository, &commit).with_token(token);
            let fetched = Self::git(context, &git).await?;
            return Ok(Fetched { name: text.into_owned(), ..fetched });
        }
        if let Some(git) = GitSource::of_github_page(&text) {
            return Self::git(context, &git?.with_token(token)).await;
        }
        let source = match kind {
            Some(kind) if path.is_file() => Source::Ready(path.to_owned(), kind),
            _ => Source::of(path)?,
        };
        Ok(Fetched { source, name: text.into_owned(), variables: BTreeMap::new(), folder: None })
    }

    /// The AppSpec that comes on standard input.
    pub async fn standard_input(context: &Context) -> anyhow::Result<Fetched> {
        let folder = Folder::new().context("cannot make a temporary directory")?;
        let file = folder.path().join(appspec::FILE_NAME);
        let to = file.clone();
        let read = move || {
            // One byte more than is read of any: the check says that it is too long.
            let mut input = std::io::stdin().lock().take(source::MAX_BYTES as u64 + 1);
            std::io::copy(&mut input, &mut std::fs::File::create(to)?)
        };
        context.blocking(read).await?.doing("read standard input")?;
        let source = Source::Ready(file, BundleType::Yaml);
        Ok(Fetched { source, name: "<stdin>".to_owned(), variables: BTreeMap::new(), folder: Some(folder) })
    }

    /// A commit of a git repository.
    pub async fn git(context: &Context, git: &GitSource) -> anyhow::Result<Fetched> {
        let folder = Folder::new().context("cannot make a temporary directory")?;
        let directory = folder.path().join(git.name());
        let (ask, to, from) = (context.ui.terminal.stdin, directory.clone(), git.clone());
        let checkout = context
            .blocking(move || {
                std::fs::create_dir(&to).map_err(|error| Error::new(error.to_string()))?;
                from.checkout(&to, ask)
            })
            .await??;
        let commit = checkout.commit;
        context.ui.note(&format!("commit {commit} of {}", git.shown()));
        checkout.notes.iter().for_each(|note| context.ui.note(note));
        let variables = [("BUNDLE_COMMIT".to_owned(), commit)].into();
        Ok(Fetched {
            source: Source::Directory(directory),
            name: git.shown(),
            variables,
            folder: Some(folder),
        })
    }

    async fn object(context: &Context, text: &str, named: Option<BundleType>) -> anyhow::Result<Fetched> {
        let Locator::Revision(Revision::S3 { bucket, key, version, etag, bundle_type }) = text.parse()?
        else {
            return Err(Failure::new(format!("{text} is no object")).exit(Exit::Usage).into());
        };
        let kind = named.or(bundle_type).or_else(|| BundleType::of_key(&key)).ok_or_else(|| {
            Failure::new(format!("{text} does not say what it is"))
                .help("add ?bundleType=zip, tar, tgz, YAML or JSON")
                .exit(Exit::Usage)
        })?;
        let folder = Folder::new().context("cannot make a temporary directory")?;
        // A key may be longer than any file's name, or end in what is a directory.
        let fits = |name: &&str| (1..=255).contains(&name.len()) && !matches!(*name, "." | "..");
        let name = key.rsplit('/').next().filter(fits).unwrap_or("bundle");
        let file = folder.path().join(name);
        let got = context
            .api()
            .await?
            .download(&bucket, &key, version.as_deref(), &file)
            .await
            .doing(format!("download s3://{bucket}/{key}"))?;
        if let (Some(wanted), Some(got)) = (&etag, &got.etag)
            && bare_etag(wanted) != bare_etag(got)
        {
            return Err(
                Failure::new(format!("s3://{bucket}/{key} has changed since: its eTag is {got}")).into()
            );
        }
        let known = [
            ("BUNDLE_BUCKET", Some(bucket)),
            ("BUNDLE_KEY", Some(key)),
            ("BUNDLE_VERSION", got.version),
            ("BUNDLE_ETAG", got.etag),
        ];
        let variables =
            known.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect();
        let source = Source::Ready(file, kind);
        Ok(Fetched { source, name: text.to_owned(), variables, folder: Some(folder) })
    }

    pub fn source(&self) -> &Source {
        &self.source
    }

    /// As the user wrote it, without credentials.
    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn is_remote(&self) -> bool {
        self.folder.is_some()
    }

    /// What a bundle of it is called after.
    pub fn stem(&self) -> String {
        let name = match &self.source {
            Source::Directory(path) => {
                path.canonicalize().ok().and_then(|path| Some(path.file_name()?.to_owned()))
            }
            Source::Ready(path, _) => path.file_stem().map(ToOwned::to_owned),
        };
        name.map_or_else(|| "bundle".to_owned(), |name| name.to_string_lossy().into_owned())
    }

    /// A commit, as files.
    pub fn is_commit(&self) -> bool {
        self.is_remote() && matches!(self.source, Source::Directory(_))
    }

    /// How it is called to the user.
    pub fn names(&self) -> Names {
        let (Source::Directory(path) | Source::Ready(path, _)) = &self.source;
        Names(self.is_remote().then(|| (path.display().to_string(), self.name.clone())))
    }
}

/// The user's name for what was fetched, in place of the temporary file's.
#[derive(Clone)]
pub struct Names(Option<(String, String)>);

impl Names {
    pub fn shown(&self, text: &str) -> String {
        match &self.0 {
            Some((file, name)) => text.replace(file, name),
            None => text.to_owned(),
        }
    }

    pub fn error(&self, error: Error) -> Error {
        Error { message: self.shown(&error.message), help: error.help.map(|help| self.shown(&help)) }
    }

    pub fn report(&self, report: Result<Report, Error>) -> Result<Report, Error> {
        let mut report = report.map_err(|error| self.error(error))?;
        report.path = self.shown(&report.path);
        for finding in &mut report.findings {
            finding.message = self.shown(&finding.message);
            finding.help = finding.help.take().map(|help| self.shown(&help));
        }
        Ok(report)
    }
}
