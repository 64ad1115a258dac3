//! From a directory to a registered revision: check, bundle, upload, register. Shared by `revision push` and
//! `deploy create --push`.

use std::path::Path;

use anyhow::Context as _;
use serde_json::json;

use super::fetched::Fetched;
use super::registering;
use super::uploading::upload;
use crate::api::{Put, Steady, Stored, wire_revision};
use crate::appspec::{Platform, Scope};
use crate::commands::demo::quoted;
use crate::context::Context;
use crate::error::Failure;
use crate::exit::Exit;
use crate::format::{Table, View};
use crate::model::{BundleType, ComputePlatform, Revision};
use crate::report::upload::size;
use crate::revision::{
    Links, Report, Selected, Selection, Source, check, check_selected, digest, pack_selected,
};
use crate::runner;
use crate::scratch::Folder;
use crate::ui::Ui;

/// A bundle that is ready to be uploaded.
pub struct Prepared {
    /// As it was when it was looked at.
    pub file: Steady,
    pub bundle_type: BundleType,
    pub bytes: u64,
    /// Lower-case hexadecimal digits.
    pub sha256: String,
    /// It holds an AppSpec for Lambda or ECS, which take no bundle.
    is_vain: bool,
    /// What its AppSpec is for.
    platform: Platform,
    /// What the bundle is called after where no key is given: the directory's or the file's name.
    pub name: String,
    /// Hold the bundle while it is needed.
    _folder: Option<Folder>,
    fetched: Fetched,
}

impl Prepared {
    /// A key that the same content always gets.
    pub fn key(&self, application: &str) -> String {
        let digest = self.sha256.get(..12).unwrap_or(&self.sha256);
        let ending = match &self.bundle_type {
            BundleType::Yaml => "yml",
            BundleType::Json => "json",
            archive => archive.as_str(),
        };
        format!("{application}/{}-{digest}.{ending}", self.name)
    }

    /// Refuses what an application of this platform cannot deploy; one that is not known takes all.
    pub fn require_platform(
        &self,
        application: &str,
        platform: Option<ComputePlatform>,
    ) -> anyhow::Result<()> {
        let places = |platform| match platform {
            Platform::Lambda => "functions",
            Platform::Ecs => "services",
            Platform::Server | Platform::Linux | Platform::Windows => "instances",
        };
        let wanted = match platform {
            Some(ComputePlatform::Server) => Platform::Server,
            Some(ComputePlatform::Lambda) => Platform::Lambda,
            Some(ComputePlatform::Ecs) => Platform::Ecs,
            Some(ComputePlatform::Other(_)) | None => return Ok(()),
        };
        let kind = &self.bundle_type;
        let (why, help) = match (wanted == Platform::Server, is_archive(kind)) {
            (true, true) => return Ok(()),
            (true, false) => {
                (format!("takes no {kind}"), "push the directory, or a zip, tar or tgz".to_owned())
            }
            (false, true) => (format!("takes no {kind}"), "push the AppSpec file alone".to_owned()),
            (false, false) if self.platform == wanted => return Ok(()),
            (false, false) => {
                let file = quoted(self.fetched.name());
                let validate = format!("`cdctl revision validate {file} --platform {}`", wanted.as_str());
                (
                    format!("this AppSpec is for {}", places(self.platform)),
                    format!("{validate} says what it lacks"),
                )
            }
        };
        let what = places(wanted);
        Err(Failure::new(format!(
            "application {application} deploys to {what}, and {why}; nothing was uploaded"
        ))
        .help(help)
        .into())
    }

    /// Refuses what can never be deployed once it is uploaded.
    pub fn refuse_vain(&self) -> anyhow::Result<()> {
        if !self.is_vain {
            return Ok(());
        }
        let what = &self.bundle_type;
        let message =
            format!("no {what} with an AppSpec for Lambda or ECS can be deployed; nothing was uploaded");
        Err(Failure::new(message).help("push the AppSpec file itself").exit(Exit::Findings).into())
    }
}

/// An object of S3.
#[derive(Default)]
pub struct Destination {
    pub bucket: String,
    pub key: String,
    pub put: Put,
    /// Uploads nothing where the object there has the same content.
    pub if_changed: bool,
}

/// How a directory becomes a bundle.
#[derive(Clone)]
pub struct Packing {
    pub scope: Scope,
    pub selection: Selection,
    pub kind: BundleType,
}

/// Checks and bundles what is at a path, for an object of this key; findings of the check are shown, errors among them
/// end it.
pub async fn prepare(context: &Context, path: &Path, key: Option<&str>) -> anyhow::Result<Prepared> {
    check_endpoint(context)?;
    let fetched = Fetched::of(context, path).await?;
    let key = key.unwrap_or_default();
    let kind = kind(fetched.source(), None, (key, BundleType::of_key(key)))?;
    let packing = Packing { scope: Scope::default(), selection: Selection::default(), kind };
    let prepared = bundle_aside(context, fetched, &packing).await?;
    prepared.refuse_vain().map(|()| prepared)
}

/// A bundle must not go to AWS where CodeDeploy is elsewhere.
pub fn check_endpoint(context: &Context) -> anyhow::Result<()> {
    if context.settings.connection.codedeploy_endpoint_only {
        return Err(Failure::new(
            "CodeDeploy has an endpoint of its own, S3 has none: the bundle would go to AWS",
        )
        .help("set AWS_ENDPOINT_URL for all services, or AWS_ENDPOINT_URL_S3 as well")
        .into());
    }
    Ok(())
}

/// As [`prepare`], for what is here already.
pub async fn bundle_aside(
    context: &Context,
    fetched: Fetched,
    packing: &Packing,
) -> anyhow::Result<Prepared> {
    let (ui, packing) = (context.ui.clone(), packing.clone());
    context.blocking(move || bundle(&ui, fetched, &packing)).await?
}

fn bundle(ui: &Ui, fetched: Fetched, packing: &Packing) -> anyhow::Result<Prepared> {
    let mut selection = packing.selection.clone();
    // Nothing of this machine goes into a bundle of a stranger's commit.
    if fetched.is_remote() && selection.links == Links::Follow {
        selection.links = Links::FollowWithin;
    }
    let names = fetched.names();
    let steady =
        |file: &Path| Steady::new(file.to_owned()).with_context(|| format!("cannot read {}", file.display()));
    let (report, file, bundle_type, (sha256, bytes), folder) = match fetched.source() {
        Source::Ready(file, bundle_type) => {
            // What is checked is what is uploaded.
            let before = steady(file)?;
            let report = names.report(check(fetched.source(), packing.scope, &selection))?;
            tell(ui, &report)?;
            let digest = digest(file).with_context(|| format!("cannot read {}", file.display()))?;
            (report, before, bundle_type.clone(), digest, None)
        }
        Source::Directory(directory) => {
            let selected = Selected::of(directory, &selection).map_err(|error| names.error(error))?;
            let report = names.report(check_selected(&selected, packing.scope, &packing.kind))?;
            tell(ui, &report)?;
            let folder = Folder::new().context("cannot make a temporary directory")?;
            let file = folder.path().join("bundle");
            let packed = pack_selected(&selected, &file, &packing.kind, &mut |_, _| {});
            let packed = packed.map_err(|error| names.error(error))?;
            let entries = if packed.entries == 1 { "entry" } else { "entries" };
            ui.note(&format!("bundled {} {entries}, {}", packed.entries, size(packed.bytes)));
            if runner::is_too_much(packed.bytes, packed.unpacked, packed.entries) {
                ui.warn(&format!(
                    "it unpacks to {} entries, {}: the agents unpack that; `validate`, `run` and the sandbox take it for a bomb",
                    packed.entries,
                    size(packed.unpacked)
                ));
            }
            (report, steady(&file)?, packing.kind.clone(), (packed.sha256, packed.bytes), Some(folder))
        }
    };
    let name = fetched.stem();
    let is_vain = report.is_no_bundles();
    let platform = packing.scope.platform.unwrap_or_else(|| Platform::of(&report.text));
    Ok(Prepared { file, bundle_type, bytes, sha256, is_vain, platform, name, _folder: folder, fetched })
}

/// Shows what was found; errors among it end what was to be done.
fn tell(ui: &Ui, report: &Report) -> anyhow::Result<()> {
    if report.has_errors() || (!report.findings.is_empty() && !ui.quiet) {
        ui.complain(report.render(ui.err_look()).trim_end());
    }
    if report.has_errors() {
        return Err(Failure::new(format!("{}: {}; nothing was bundled", report.path, report.in_words()))
            .help("`cdctl revision explain CODE` says what a finding means")
            .exit(Exit::Findings)
            .into());
    }
    Ok(())
}

fn is_archive(kind: &BundleType) -> bool {
    !matches!(kind, BundleType::Yaml | BundleType::Json)
}

/// The type of a bundle: what is ready has its own, a directory becomes what is asked for, or what the bundle's name
/// names.
///
/// # Errors
/// The name names another type: whoever unpacks it would go by that.
pub fn kind(
    source: &Source,
    asked: Option<BundleType>,
    (name, named): (&str, Option<BundleType>),
) -> anyhow::Result<BundleType> {
    let (given, help) = match source {
        Source::Ready(_, kind) => (Some(kind.clone()), "give it the ending of what it is"),
        Source::Directory(_) if asked.is_none() => (None, "give it the ending .zip, .tar or .tgz"),
        Source::Directory(_) => (asked, "leave --type out, or give it the ending of that type"),
    };
    let Some(named) = named else { return Ok(given.unwrap_or(BundleType::Zip)) };
    let is = match (source, given) {
        (_, Some(given)) if given == named => return Ok(given),
        (_, None) if is_archive(&named) => return Ok(named),
        (_, None) => "a directory becomes none".to_owned(),
        (Source::Directory(_), Some(given)) => format!("this becomes one of type {given}"),
        (Source::Ready(file, _), Some(given)) => {
            let file = file.file_name().unwrap_or_default().display();
            format!("{file} is one of type {given}")
        }
    };
    let message = format!("{name} names a bundle of type {named}, and {is}");
    Err(Failure::new(message).help(help).exit(Exit::Usage).into())
}

/// Uploads and registers.
pub async fn push(
    context: &Context,
    prepared: &Prepared,
    to: &Destination,
    application: &str,
    description: Option<&str>,
) -> anyhow::Result<Revision> {
    let place = format!("s3://{}/{}", to.bucket, to.key);
    let there = if to.if_changed { unchanged(context, prepared, to).await } else { None };
    let signals = context.signals.listen();
    let stored = match there {
        Some(there) => {
            context.ui.note(&format!("{place} has this content already; nothing was uploaded"));
            there
        }
        None => upload(context, prepared, to, &place).await?,
    };
    let revision = Revision::S3 {
        bucket: to.bucket.clone(),
        key: to.key.clone(),
        bundle_type: Some(prepared.bundle_type.clone()),
        version: stored.version,
        etag: stored.etag,
    };
    registering::pushed(context, (application, &revision, description), signals).await?;
    Ok(revision)
}

/// Prints the revision as `deploy create --revision` takes it.
pub fn print(context: &Context, application: &str, revision: &Revision) -> anyhow::Result<()> {
    let mut table = Table::properties();
    table.row([revision.to_string()]);
    let json = json!({ "applicationName": application, "revision": wire_revision(revision)? });
    View { json, items: None, table, empty: "" }.print(&context.settings.output, &context.ui)
}

/// The object that is there, where its content is the bundle's and it is stored as it shall be. What keeps it from being
/// looked at, the upload tells.
async fn unchanged(context: &Context, prepared: &Prepared, to: &Destination) -> Option<Stored> {
    let (api, owner) = (context.api().await.ok()?, to.put.expected_owner.as_deref());
    let there = api.object(&to.bucket, &to.key, None, owner).await.ok()?;
    let same = there.digest.as_ref() == Some(&prepared.sha256) && there.settings == to.put.settings();
    same.then_some(there)
}
