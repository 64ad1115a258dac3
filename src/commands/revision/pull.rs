//! `cdctl revision pull`

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;

use super::fetched::Fetched;
use crate::context::Context;
use crate::error::{Doing, Failure};
use crate::exit::Exit;
use crate::format::{Table, View};
use crate::model::BundleType;
use crate::revision::{Source, digest};
use crate::runner;
use crate::scratch;

/// Download a revision, as a file or unpacked
///
/// Nothing that is there is overwritten. --unpack does as the agent does: a single top directory that holds the AppSpec
/// is taken off, and what would be written elsewhere is refused.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  cdctl revision pull s3://releases/site-1.zip\n  cdctl revision pull 's3://releases/site-1.zip?versionId=V' --unpack --file site-1"
)]
pub struct Arguments {
    /// s3://BUCKET/KEY[?versionId=V|etag=E] or github:OWNER/REPO@COMMIT
    #[arg(value_name = "REVISION")]
    revision: PathBuf,

    /// Where to put it: a file, or with --unpack a directory [default: the key's last part, here]
    #[arg(short, long, value_name = "PATH")]
    file: Option<PathBuf>,

    /// Unpack it into a directory
    #[arg(long)]
    unpack: bool,
}

pub async fn run(context: &Context, arguments: &Arguments) -> anyhow::Result<Exit> {
    let text = arguments.revision.to_string_lossy();
    if !["s3://", "github:", "https://"].iter().any(|scheme| text.starts_with(scheme)) {
        return Err(Failure::new(format!("{text} is here already"))
            .help("pull takes s3://BUCKET/KEY or github:OWNER/REPO@COMMIT")
            .exit(Exit::Usage)
            .into());
    }
    // Said before anything is downloaded, where the name is known.
    if let Some(file) = &arguments.file {
        refuse_to_overwrite(file, arguments.unpack)?;
    }
    let fetched = Fetched::of(context, &arguments.revision).await?;
    let is_archive =
        matches!(fetched.source(), Source::Ready(_, BundleType::Zip | BundleType::Tar | BundleType::Tgz));
    let to = arguments.file.clone().unwrap_or_else(|| match fetched.source() {
        Source::Ready(file, _) if !arguments.unpack => {
            file.file_name().map(PathBuf::from).unwrap_or_default()
        }
        _ => PathBuf::from(fetched.stem()),
    });
    let as_directory = (arguments.unpack && is_archive) || matches!(fetched.source(), Source::Directory(_));
    refuse_to_overwrite(&to, as_directory)?;
    let (source, place) = (fetched.source().clone(), to.clone());
    context.blocking(move || put(&source, &place, as_directory)).await??;
    let shown = to.display().to_string();
    let mut table = Table::properties();
    table.row([shown.clone()]);
    let mut json = json!({ "file": shown, "revision": fetched.name() });
    if !as_directory {
        let (sha256, bytes) = digest(&to).doing(format!("read {}", to.display()))?;
        json["bytes"] = bytes.into();
        json["sha256"] = sha256.into();
    }
    View { json, items: None, table, empty: "" }.print(&context.settings.output, &context.ui)?;
    Ok(Exit::Ok)
}

/// An empty directory is as good as none.
fn refuse_to_overwrite(path: &Path, as_directory: bool) -> anyhow::Result<()> {
    let is_empty = || fs::read_dir(path).is_ok_and(|mut entries| entries.next().is_none());
    if path.symlink_metadata().is_err() || (as_directory && is_empty()) {
        return Ok(());
    }
    Err(Failure::new(format!("{} is there already; nothing was written", path.display()))
        .help("name another place with --file")
        .into())
}

/// Whole or not at all: what is half there has another name.
fn put(source: &Source, to: &Path, as_directory: bool) -> anyhow::Result<()> {
    let told = || format!("write {}", to.display());
    if let (Source::Ready(file, _), false) = (source, as_directory) {
        let copy = |new: &mut fs::File| io::copy(&mut fs::File::open(file)?, new).map(drop);
        return scratch::write(to, true, copy).doing(told());
    }
    let parent = to.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let aside = scratch::Folder::within(parent, ".cdctl-pull-").doing(told())?;
    let inner = aside.path().join("revision");
    fs::create_dir(&inner).doing(told())?;
    match source {
        Source::Directory(directory) => copy_into(directory, &inner).doing(told())?,
        Source::Ready(file, kind) => runner::unpack(file, kind, &inner).map_err(|message| {
            Failure::new(format!("cannot unpack into {}; nothing was written", to.display())).cause(message)
        })?,
    }
    if to.is_dir() {
        let moved = fs::read_dir(&inner).and_then(|mut entries| {
            entries.try_for_each(|entry| {
                let entry = entry?;
                fs::rename(entry.path(), to.join(entry.file_name()))
            })
        });
        moved.doing(told())
    } else {
        fs::rename(&inner, to).doing(told())
    }
}

/// Copies a directory that was made for this; it may be on another file system.
fn copy_into(from: &Path, to: &Path) -> io::Result<()> {
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (path, place, kind) = (entry.path(), to.join(entry.file_name()), entry.file_type()?);
        if kind.is_dir() {
            fs::create_dir(&place)?;
            copy_into(&path, &place)?;
        } else if kind.is_symlink() {
            std::os::unix::fs::symlink(fs::read_link(path)?, place)?;
        } else {
            fs::copy(path, place)?;
        }
    }
    Ok(())
}
