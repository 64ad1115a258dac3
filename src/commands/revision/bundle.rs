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
use crate::scratch;

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
    let packing = arguments.packing.packing(&fetched, (&name, named), Some(file.clone()))?;
    let prepared = pushing::bundle_aside(context, fetched, &packing).await?;
    let place = Place::of(&file)?;
    place.fill(prepared.file.path()).doing(format!("write {}", file.display()))?;
    if place.is_stdout() {
        return Ok(Exit::Ok);
    }
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

/// Where a bundle is written.
enum Place {
    /// A file, through links; it may not be there yet.
    File(PathBuf),
    /// A pipe or a device: written to and not replaced.
    Other(PathBuf),
}

impl Place {
    fn of(file: &Path) -> anyhow::Result<Place> {
        let refused = |what: &str| Failure::new(format!("cannot write {}: {what}", file.display()));
        match fs::metadata(file) {
            Ok(there) if there.is_dir() => Err(refused("it is a directory").exit(Exit::Usage).into()),
            Ok(there) if there.is_file() => {
                // A deleted file that is still open has no path any more.
                Ok(file.canonicalize().map_or_else(|_| Place::Other(file.to_owned()), Place::File))
            }
            Ok(_) => Ok(Place::Other(file.to_owned())),
            Err(_) if file.is_symlink() => Err(refused("it is a link to nowhere").into()),
            Err(_) => Ok(Place::File(file.to_owned())),
        }
    }

    fn fill(&self, from: &Path) -> io::Result<()> {
        let copy = |to: &mut fs::File| io::copy(&mut fs::File::open(from)?, to).map(drop);
        match self {
            // Whole or not at all: a reader never finds half a bundle.
            Place::File(file) => scratch::write(file, false, copy),
            Place::Other(path) => copy(&mut fs::OpenOptions::new().write(true).open(path)?),
        }
    }

    /// What is printed beside the bundle would be taken for part of it.
    fn is_stdout(&self) -> bool {
        use std::os::unix::fs::MetadataExt;
        let Place::Other(path) = self else { return false };
        let same = |stdout: fs::Metadata| {
            fs::metadata(path).is_ok_and(|there| (there.dev(), there.ino()) == (stdout.dev(), stdout.ino()))
        };
        fs::metadata("/dev/stdout").is_ok_and(same)
    }
}
