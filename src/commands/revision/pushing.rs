//! From a directory to a registered revision: check, bundle, upload, register. Shared by `revision push` and
//! `deploy create --push`.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use sha2::{Digest, Sha256};

use crate::api::{ApiError, ErrorKind};
use crate::commands::missing;
use crate::context::Context;
use crate::error::{Failure, nearest};
use crate::exit::Exit;
use crate::model::{BundleType, Revision};
use crate::report::upload::{Upload, size};
use crate::revision::{Source, check, pack};
use crate::ui::Ui;

/// A bundle that is ready to be uploaded.
pub struct Prepared {
    file: PathBuf,
    pub bundle_type: BundleType,
    pub bytes: u64,
    /// Lower-case hexadecimal digits.
    pub sha256: String,
    /// What the bundle is called after where no key is given: the directory's or the file's name.
    name: String,
    /// Holds the bundle while it is needed.
    _folder: Option<tempfile::TempDir>,
}

impl Prepared {
    /// A key that the same content always gets.
    pub fn key(&self, application: &str) -> String {
        let digest = self.sha256.get(..12).unwrap_or(&self.sha256);
        format!("{application}/{}-{digest}.{}", self.name, self.bundle_type)
    }
}

/// An object of S3.
pub struct Destination {
    pub bucket: String,
    pub key: String,
}

/// Checks and bundles; findings of the check are shown, errors among them end it.
pub async fn prepare(context: &Context, path: &Path) -> anyhow::Result<Prepared> {
    if context.settings.connection.codedeploy_endpoint_only {
        return Err(Failure::new(
            "CodeDeploy has an endpoint of its own, S3 has none: the bundle would go to AWS",
        )
        .help("set AWS_ENDPOINT_URL for all services, or AWS_ENDPOINT_URL_S3 as well")
        .into());
    }
    let (ui, path) = (context.ui.clone(), path.to_owned());
    context.blocking(move || bundle(&ui, &path)).await?
}

fn bundle(ui: &Ui, path: &Path) -> anyhow::Result<Prepared> {
    let source = Source::of(path)?;
    let report = check(&source)?;
    if report.has_errors() || (!report.findings.is_empty() && !ui.quiet) {
        ui.complain(report.render(ui.terminal.colour.1).trim_end());
    }
    if report.has_errors() {
        return Err(Failure::new(format!("{}: {}; nothing was pushed", report.path, report.in_words()))
            .help(format!("check it again with `cdctl revision validate {}`", path.display()))
            .exit(Exit::Findings)
            .into());
    }
    let name = path
        .canonicalize()
        .ok()
        .and_then(|path| path.file_stem().map(|stem| stem.to_string_lossy().into_owned()))
        .unwrap_or_else(|| "bundle".to_owned());
    let (file, bundle_type, folder) = match source {
        Source::Archive(file, bundle_type) => (file, bundle_type, None),
        Source::Directory(directory) => {
            let folder = tempfile::tempdir().context("cannot make a temporary directory")?;
            let file = folder.path().join("bundle.zip");
            let packed = pack(&directory, &file, &mut |_, _| {})?;
            ui.note(&format!("bundled {} entries, {}", packed.entries, size(packed.bytes)));
            (file, BundleType::Zip, Some(folder))
        }
    };
    let (sha256, bytes) = digest(&file).with_context(|| format!("cannot read {}", file.display()))?;
    Ok(Prepared { file, bundle_type, bytes, sha256, name, _folder: folder })
}

/// SHA-256 and size of a file.
pub fn digest(file: &Path) -> std::io::Result<(String, u64)> {
    let mut hash = Sha256::new();
    let bytes = std::io::copy(&mut std::fs::File::open(file)?, &mut hash)?;
    Ok((hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect(), bytes))
}

/// Uploads and registers.
pub async fn push(
    context: &Context,
    prepared: &Prepared,
    to: &Destination,
    application: &str,
    description: Option<&str>,
) -> anyhow::Result<Revision> {
    if BundleType::of_key(&to.key).is_some_and(|named| named != prepared.bundle_type) {
        return Err(Failure::new(format!(
            "the key {} does not name what is pushed: a {}",
            to.key, prepared.bundle_type
        ))
        .help(format!("let it end in .{}", prepared.bundle_type))
        .exit(Exit::Usage)
        .into());
    }
    let api = context.api().await?;
    let place = format!("s3://{}/{}", to.bucket, to.key);
    let upload = Upload::start(&context.ui, &place, prepared.bytes);
    let stored = api.upload(&prepared.file, &to.bucket, &to.key, upload.progress()).await;
    upload.finish();
    let stored = match stored {
        Ok(stored) => stored,
        Err(error) => return Err(upload_failure(context, error, to, &place).await),
    };
    let revision = Revision::S3 {
        bucket: to.bucket.clone(),
        key: to.key.clone(),
        bundle_type: Some(prepared.bundle_type.clone()),
        version: stored.version,
        etag: stored.etag,
    };
    if let Err(error) = api.register_revision(application, &revision, description).await {
        let failure = Failure::api(
            format!("uploaded {place}, but cannot register it with application {application}"),
            &error,
        );
        return Err(match error.code.as_deref() {
            Some("ApplicationDoesNotExistException") => {
                let names = api.application_names().await.unwrap_or_default();
                failure.help(missing::suggestion("application", application, &names, api.region())).into()
            }
            _ => failure.into(),
        });
    }
    context.ui.note(&format!("registered {revision} with application {application}"));
    Ok(revision)
}

async fn upload_failure(context: &Context, error: ApiError, to: &Destination, place: &str) -> anyhow::Error {
    let failure = Failure::api(format!("cannot upload to {place}"), &error);
    if error.kind != ErrorKind::NotFound {
        return failure.into();
    }
    let names = match context.api().await {
        Ok(api) => api.bucket_names().await.unwrap_or_default(),
        Err(error) => return error,
    };
    match nearest(&to.bucket, names.iter().map(String::as_str)) {
        Some(near) => failure.help(format!("did you mean bucket `{near}`?")).into(),
        None => failure.help("make the bucket first; the tool creates none").into(),
    }
}
