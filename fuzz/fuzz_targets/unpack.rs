//! The bundle readers on any bytes: nothing is written outside the directory, and what the checker says without unpacking
//! is what is there afterwards.
#![no_main]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use cdctl::appspec::{Kind, Scope};
use cdctl::model::BundleType;
use cdctl::revision::{Selection, Source, check};
use cdctl::runner::{contents, unpack};
use cdctl::source::MAX_BYTES;
use libfuzzer_sys::fuzz_target;

/// Path, kind, and mode where it is no link.
type Found = (String, Kind, Option<u32>);

/// All below a directory; false where a name is not UTF-8, which the listing has as it can be read.
fn there_is(root: &Path, below: &Path, found: &mut Vec<Found>) -> bool {
    let mut readable = true;
    for entry in fs::read_dir(root.join(below)).into_iter().flatten().flatten() {
        let Ok(metadata) = entry.metadata() else { continue };
        let (kind, mode) = (metadata.file_type(), Some(metadata.permissions().mode() & 0o777));
        let path = below.join(entry.file_name());
        let Some(name) = path.to_str().map(str::to_owned) else { return false };
        if kind.is_dir() {
            found.push((name, Kind::Directory, mode));
            readable &= there_is(root, &path, found);
        } else {
            found.push(if kind.is_symlink() { (name, Kind::Link, None) } else { (name, Kind::File, mode) });
        }
    }
    readable
}

/// A file's text, through links that stay below a directory; as much as is read of an AppSpec.
fn text_there(root: &Path, name: &str) -> Option<Vec<u8>> {
    let (root, path) = (root.canonicalize().ok()?, root.join(name).canonicalize().ok()?);
    let mut text = fs::read(Some(path).filter(|path| path.starts_with(root))?).ok()?;
    text.truncate(MAX_BYTES + 1);
    Some(text)
}

fuzz_target!(|bytes: &[u8]| {
    for kind in [BundleType::Zip, BundleType::Tar, BundleType::Tgz] {
        let Ok(folder) = tempfile::tempdir() else { return };
        // No link out of it is to find back by its name.
        let Ok(out) = tempfile::tempdir_in(folder.path()) else { return };
        let (bundle, out) = (folder.path().join("bundle"), out.path());
        if fs::write(&bundle, bytes).is_err() {
            return;
        }
        let unpacked = unpack(&bundle, &kind, out);
        let around = fs::read_dir(folder.path()).map(|entries| entries.count()).unwrap_or_default();
        assert_eq!(around, 2, "something was written beside the directory");
        match contents(&bundle, &kind) {
            Ok(mut contents) => {
                let (text, _) = (contents.text("appspec.yml"), contents.damage(&|_| true));
                if unpacked.is_ok() {
                    let mut there = Vec::new();
                    let readable = there_is(out, Path::new(""), &mut there);
                    there.sort_by(|(a, ..), (b, ..)| a.cmp(b));
                    let listed = contents.listing().iter().map(|(path, entry)| {
                        (path.clone(), entry.kind.clone(), (entry.kind != Kind::Link).then_some(entry.mode))
                    });
                    let listed: Vec<Found> = listed.collect();
                    assert!(!readable || listed == there, "{listed:?} is not what was unpacked: {there:?}");
                    if readable && let Some(there) = text_there(out, "appspec.yml") {
                        assert_eq!(text.ok().flatten(), Some(there), "the text is not what was unpacked");
                    }
                }
                let _ = contents.with_heads(&|_| true);
            }
            Err(error) => assert!(unpacked.is_err(), "{}", error.message),
        }
        let _ = check(&Source::Ready(bundle, kind), Scope::default(), &Selection::default());
    }
});
