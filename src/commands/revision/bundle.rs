//! `cdctl revision bundle`

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;

use super::fetched::Fetched;
use super::packing::Packing;
use super::pushing;
use crate::context::Context;
use crate::error::{Doing, Failure};
use crate::exit::Exit;
use crate::format::{Table, View};
use crate::model::BundleType;

/// Check a directory and make a bundle of it; the same files make the same bytes
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  cdctl revision bundle\n  cdctl revision bundle site --file site-1.tgz --exclude '*.map'\n  cdctl revision bundle --git https://github.com/owner/repo@v1.2:deploy"
)]
pub struct Arguments {
    /// A directory with an appspec.yml [default: this one]
    #[arg(value_name = "DIR")]
    path: Option<PathBuf>,

    /// Where to write it [default: the directory's name with the type's ending, here]
    #[arg(short, long, value_name = "FILE")]
    file: Option<PathBuf>,

    #[command(flatten)]
    packing: Packing,
}

pub async fn run(context: &Context, arguments: &Arguments) -> anyhow::Result<Exit> {
    let fetched = match (&arguments.path, arguments.packing.git()) {
        (None, Some(git)) => Fetched::git(context, git).await?,
        (path, None) => {
            let path = path.as_deref().unwrap_or(Path::new("."));
            if path.exists() && !path.is_dir() {
                let message = format!("{} is no directory", path.display());
                return Err(Failure::new(message)
                    .help("a ready archive needs no bundling")
                    .exit(Exit::Usage)
                    .into());
            }
            Fetched::of(context, path).await?
        }
        (Some(_), Some(_)) => {
            return Err(Failure::new("give a directory or --git, not both").exit(Exit::Usage).into());
        }
    };
    let file = match &arguments.file {
        Some(file) => file.clone(),
        None => {
            let kind = arguments.packing.kind().unwrap_or(BundleType::Zip);
            PathBuf::from(format!("{}.{kind}", fetched.stem()))
        }
    };
    let name = file.to_string_lossy();
    let named = BundleType::of_key(&name);
    let packing = arguments.packing.packing(fetched.source(), (&name, named), Some(file.clone()))?;
    let prepared = pushing::bundle_aside(context, fetched, &packing).await?;
    place(&prepared.file, &file).doing(format!("write {}", file.display()))?;
    let shown = file.display().to_string();
    let mut table = Table::properties();
    table.row([shown.clone()]);
    let json = json!({
        "file": shown,
        "bundleType": prepared.bundle_type.as_str(),
        "bytes": prepared.bytes,
        "sha256": prepared.sha256,
    });
    View { json, items: None, table, empty: "" }.print(&context.settings.output, &context.ui)?;
    Ok(Exit::Ok)
}

/// Whole or not at all: a reader never finds half a bundle.
fn place(from: &Path, to: &Path) -> io::Result<()> {
    let folder = to.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut new = tempfile::Builder::new().permissions(mode()).tempfile_in(folder)?;
    io::copy(&mut fs::File::open(from)?, new.as_file_mut())?;
    new.persist(to).map(|_| ()).map_err(|error| error.error)
}

fn mode() -> fs::Permissions {
    use std::os::unix::fs::PermissionsExt;
    // The user's umask takes away from it, as from any new file.
    fs::Permissions::from_mode(0o666)
}
