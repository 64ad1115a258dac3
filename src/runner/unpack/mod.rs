//! A bundle becomes a directory. The archive is a stranger's: nothing is written outside the directory, through a
//! link, as a device, or beyond the limits.

mod sink;
mod tarball;
mod zipped;

use std::fs;
use std::io;
use std::path::Path;

use crate::model::BundleType;

use super::failure::ruby;
use sink::Sink;

/// Unpacks a bundle into an existing, empty directory. A single top directory that holds an AppSpec is taken off.
/// The error is what the host reports.
///
/// Source: official agent 1.8.1, command_executor (DownloadBundle).
pub fn unpack(bundle: &Path, kind: &BundleType, directory: &Path) -> Result<(), String> {
    extract(bundle, kind, directory)?;
    take_off_top(directory)
}

/// As [`unpack`]; a single top directory stays.
pub fn extract(bundle: &Path, kind: &BundleType, directory: &Path) -> Result<(), String> {
    let size = fs::metadata(bundle).map_err(|error| ruby(&error, "rb_sysopen", bundle))?.len();
    let mut sink = Sink::new(directory, size)?;
    let (result, name) = match kind {
        BundleType::Zip => (zipped::unpack(bundle, &mut sink), "zip"),
        BundleType::Tgz => (tarball::unpack(bundle, &mut sink), "tgz"),
        BundleType::Tar => (tarball::unpack(bundle, &mut sink), "tar"),
        other => return Err(format!("Bundle type {other} cannot be deployed to instances")),
    };
    result.and_then(|()| sink.finish()).map_err(|error| match error.kind() {
        io::ErrorKind::StorageFull => "The disk is (or was) full during extraction.".to_owned(),
        _ => format!("Error extracting {name} archive: {error}"),
    })
}

/// `site-1.2/appspec.yml` becomes `appspec.yml`, where `site-1.2` is all there is.
fn take_off_top(directory: &Path) -> Result<(), String> {
    let list = |path: &Path| -> io::Result<Vec<std::ffi::OsString>> {
        fs::read_dir(path)?.map(|entry| Ok(entry?.file_name())).collect()
    };
    let told = |error: io::Error| ruby(&error, "dir_initialize", directory);
    let names = list(directory).map_err(told)?;
    let [top] = names.as_slice() else { return Ok(()) };
    let top = directory.join(top);
    if !fs::symlink_metadata(&top).map_err(told)?.is_dir() {
        return Ok(());
    }
    let inner = list(&top).map_err(told)?;
    if !inner.iter().any(|name| name.to_string_lossy().to_lowercase().contains("appspec")) {
        return Ok(());
    }
    let aside = directory.with_file_name("deployment-archive-top");
    let lift = || -> io::Result<()> {
        fs::rename(&top, &aside)?;
        fs::remove_dir(directory)?;
        fs::rename(&aside, directory)
    };
    lift().map_err(told)
}

#[cfg(test)]
mod tests;
