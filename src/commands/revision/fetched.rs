//! A revision wherever it is, as a path on this machine: an object of S3 is downloaded first.

use std::path::Path;

use anyhow::Context as _;

use crate::context::Context;
use crate::error::{Doing, Failure};
use crate::exit::Exit;
use crate::model::{BundleType, Revision};
use crate::revision::{Locator, Source};

/// A revision that can be read; what was downloaded goes with it.
pub struct Fetched {
    source: Source,
    /// As the user wrote it.
    name: String,
    folder: Option<tempfile::TempDir>,
}

impl Fetched {
    pub async fn of(context: &Context, path: &Path) -> anyhow::Result<Fetched> {
        let text = path.to_string_lossy();
        if !text.starts_with("s3://") {
            return Ok(Fetched { source: Source::of(path)?, name: text.into_owned(), folder: None });
        }
        let Locator::Revision(Revision::S3 { bucket, key, version, etag, bundle_type }) = text.parse()?
        else {
            return Err(Failure::new(format!("{text} is no object")).exit(Exit::Usage).into());
        };
        let kind = bundle_type.or_else(|| BundleType::of_key(&key)).ok_or_else(|| {
            Failure::new(format!("{text} does not say what it is"))
                .help("add ?bundleType=zip, tar, tgz, YAML or JSON")
                .exit(Exit::Usage)
        })?;
        let folder = tempfile::tempdir().context("cannot make a temporary directory")?;
        let name = key.rsplit('/').next().filter(|name| !name.is_empty()).unwrap_or("bundle");
        let file = folder.path().join(name);
        let got = context
            .api()
            .await?
            .download(&bucket, &key, version.as_deref(), &file)
            .await
            .doing(format!("download s3://{bucket}/{key}"))?;
        if let (Some(wanted), Some(got)) = (&etag, &got.etag)
            && wanted != got
        {
            return Err(
                Failure::new(format!("s3://{bucket}/{key} has changed since: its eTag is {got}")).into()
            );
        }
        Ok(Fetched { source: Source::Ready(file, kind), name: text.into_owned(), folder: Some(folder) })
    }

    pub fn source(&self) -> &Source {
        &self.source
    }

    pub fn is_remote(&self) -> bool {
        self.folder.is_some()
    }

    /// A path below what was downloaded, as the user named it.
    pub fn shown(&self, path: &str) -> String {
        let file = match &self.source {
            Source::Directory(path) | Source::Ready(path, _) => path.display().to_string(),
        };
        match path.strip_prefix(&file).filter(|_| self.is_remote()) {
            Some(rest) => format!("{}{rest}", self.name),
            None => path.to_owned(),
        }
    }
}
