//! `cdctl revision push`

use std::path::{Path, PathBuf};

use clap::Args;

use super::fetched::Fetched;
use super::packing::Packing;
use super::pushing::{self, Destination};
use super::registering;
use crate::api::{ErrorKind, Put};
use crate::commands::missing;
use crate::commands::words::one_of;
use crate::context::Context;
use crate::error::Failure;
use crate::exit::Exit;
use crate::model::{BundleType, ComputePlatform, Revision};
use crate::revision::Locator;

/// Check a directory, bundle it, upload it and register it as a revision
///
/// Prints the revision as `deploy create --revision` takes it. A ready archive is taken as it is; `github:OWNER/REPO@COMMIT`
/// is registered and not uploaded.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  cdctl revision push . s3://releases/site-1.zip --app shop\n  cdctl revision push --git https://github.com/owner/repo@v1.2:deploy \\\n      s3://releases/site-1.zip --app shop\n  cdctl revision push github:owner/repo@0123456789abcdef0123456789abcdef01234567 --app shop"
)]
pub struct Arguments {
    /// A directory with an appspec.yml, or a .zip, .tar or .tgz file; nothing with --git
    #[arg(value_name = "PATH")]
    path: PathBuf,

    /// Where to put it; a revision of GitHub needs no place
    #[arg(value_name = "s3://BUCKET/KEY")]
    destination: Option<PathBuf>,

    #[command(flatten)]
    packing: Packing,

    #[command(flatten)]
    storage: Storage,

    /// Upload nothing where the object there has the same content
    #[arg(long)]
    if_changed: bool,

    /// The application whose revision it is
    #[arg(long, value_name = "APP", env = "CDCTL_APP", hide_env_values = true)]
    app: String,

    /// Said of the revision wherever it is listed
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
}

/// How the object is stored.
#[derive(Debug, Args)]
#[command(next_help_heading = "Object options")]
struct Storage {
    /// Server-side encryption
    #[arg(long, value_name = "KIND", value_parser = one_of(&["AES256", "aws:kms", "aws:kms:dsse"]))]
    sse: Option<String>,

    /// The KMS key; implies --sse aws:kms
    #[arg(long, value_name = "KEY")]
    sse_kms_key_id: Option<String>,

    /// Such as STANDARD_IA
    #[arg(long, value_name = "CLASS")]
    storage_class: Option<String>,

    /// Such as bucket-owner-full-control
    #[arg(long, value_name = "ACL")]
    acl: Option<String>,

    /// A tag of the object; repeat for more
    #[arg(long = "tag", value_name = "NAME=VALUE", value_parser = tag)]
    tags: Vec<(String, String)>,

    /// The account that the bucket must belong to
    #[arg(long, value_name = "ACCOUNT")]
    expected_bucket_owner: Option<String>,
}

fn tag(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("write it as NAME=VALUE".to_owned()),
    }
}

impl Storage {
    /// The first of them that is given.
    fn given(&self) -> Option<&'static str> {
        let given = [
            ("--sse", self.sse.is_some()),
            ("--sse-kms-key-id", self.sse_kms_key_id.is_some()),
            ("--storage-class", self.storage_class.is_some()),
            ("--acl", self.acl.is_some()),
            ("--tag", !self.tags.is_empty()),
            ("--expected-bucket-owner", self.expected_bucket_owner.is_some()),
        ];
        given.into_iter().find_map(|(flag, given)| given.then_some(flag))
    }

    /// # Errors
    /// A key for what takes none.
    fn put(&self) -> anyhow::Result<Put> {
        let kms = self.sse_kms_key_id.is_some().then(|| "aws:kms".to_owned());
        if kms.is_some() && self.sse.as_deref() == Some("AES256") {
            return Err(Failure::new("--sse AES256 takes no key of KMS")
                .help("leave --sse out, or --sse-kms-key-id")
                .exit(Exit::Usage)
                .into());
        }
        Ok(Put {
            encryption: self.sse.clone().or(kms),
            kms_key: self.sse_kms_key_id.clone(),
            storage_class: self.storage_class.clone(),
            acl: self.acl.clone(),
            tags: self.tags.clone(),
            expected_owner: self.expected_bucket_owner.clone(),
            digest: None,
        })
    }
}

pub async fn run(context: &Context, arguments: &Arguments) -> anyhow::Result<Exit> {
    let revision = match arguments.named()? {
        (Some(Named::GitHub(revision)), None) => {
            if let Some(flag) = arguments.given() {
                let message =
                    format!("{revision} is registered and not uploaded: {flag} changes nothing of it");
                return Err(Failure::new(message)
                    .help(format!("leave {flag} out, or push the commit to S3 with --git"))
                    .exit(Exit::Usage)
                    .into());
            }
            registering::register(context, (&arguments.app, &revision, arguments.description.as_deref()))
                .await?;
            revision
        }
        (
            from,
            Some(Locator::Revision(Revision::S3 { bucket, key, bundle_type, version: None, etag: None })),
        ) => {
            pushing::check_endpoint(context)?;
            let put = arguments.storage.put()?;
            let fetched = match (from, arguments.packing.git()) {
                (Some(Named::Path(path)), None) => Fetched::of(context, path).await?,
                (None, Some(git)) => Fetched::git(context, git).await?,
                _ => return Err(misplaced()),
            };
            let packing = arguments.packing.packing(&fetched, (&key, bundle_type), None)?;
            let prepared = pushing::bundle_aside(context, fetched, &packing).await?;
            prepared.require_platform(&arguments.app, platform(context, &arguments.app).await?)?;
            prepared.refuse_vain()?;
            let destination = Destination { bucket, key, put, if_changed: arguments.if_changed };
            let description = arguments.description.as_deref();
            pushing::push(context, &prepared, &destination, &arguments.app, description).await?
        }
        _ => return Err(misplaced()),
    };
    pushing::print(context, &arguments.app, &revision)?;
    Ok(Exit::Ok)
}

/// What is pushed, where it is no commit of git.
enum Named<'a> {
    Path(&'a Path),
    /// Registered as it is.
    GitHub(Revision),
}

impl Arguments {
    /// The first flag that is given of how something is bundled and stored.
    fn given(&self) -> Option<&'static str> {
        let if_changed = self.if_changed.then_some("--if-changed");
        self.packing.given().or(self.storage.given()).or(if_changed)
    }

    /// What is pushed and where to: with --git there is only the latter.
    fn named(&self) -> anyhow::Result<(Option<Named<'_>>, Option<Locator>)> {
        let locator = |path: &Path| -> anyhow::Result<Locator> {
            let text = path.to_string_lossy();
            // Other revisions are no place to put one.
            if !text.starts_with("s3:") && !text.starts_with("github:") {
                return Err(Failure::new(format!("`{text}` is no object of S3"))
                    .help("write s3://BUCKET/KEY, as in s3://releases/site-1.zip")
                    .exit(Exit::Usage)
                    .into());
            }
            let ready = || BundleType::of_key(&self.path.to_string_lossy()).filter(|_| self.path.is_file());
            let parsed = Locator::with_type(&text, self.packing.kind().or_else(ready));
            Ok(parsed.map_err(|error| Failure::from(&error).exit(Exit::Usage))?)
        };
        if self.packing.git().is_some() && self.destination.is_none() {
            return Ok((None, Some(locator(&self.path)?)));
        }
        let from = match self.path.to_str().filter(|text| text.starts_with("github:")) {
            Some(_) if self.destination.is_none() => match locator(&self.path)? {
                Locator::Revision(revision) => Named::GitHub(revision),
                _ => return Err(misplaced()),
            },
            _ => Named::Path(&self.path),
        };
        Ok((Some(from), self.destination.as_deref().map(locator).transpose()?))
    }
}

fn misplaced() -> anyhow::Error {
    Failure::new("a revision is pushed to an object of S3")
        .help("write `revision push PATH s3://BUCKET/KEY`, or `revision push --git URL s3://BUCKET/KEY`")
        .exit(Exit::Usage)
        .into()
}

/// What an application deploys to; an error where there is none. A caller who may not ask finds out at the end.
async fn platform(context: &Context, name: &str) -> anyhow::Result<Option<ComputePlatform>> {
    let api = context.api().await?;
    match api.platform(name).await {
        Err(error) if error.kind == ErrorKind::Denied => Ok(None),
        Err(error) => {
            Err(missing::application(api, error, name, format_args!("push to application {name}")).await)
        }
        Ok(platform) => Ok(platform),
    }
}
