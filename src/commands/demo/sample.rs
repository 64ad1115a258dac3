//! The sample application, `examples/site` with its modes, and how it fails in the other scenarios.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::Scenario;
use crate::model::BundleType;
use crate::revision::{Selection, pack};

/// Name, mode and content of every file.
macro_rules! site {
    ($($mode:literal $name:literal),+ $(,)?) => {
        &[$(($name, $mode, include_bytes!(concat!("../../../examples/site/", $name)))),+]
    };
}

const FILES: &[(&str, u32, &[u8])] = site![
    0o644 "appspec.yml",
    0o644 "css/site.css",
    0o644 "index.html",
    0o755 "scripts/after_install.sh",
    0o755 "scripts/before_install.sh",
    0o755 "scripts/start.sh",
    0o755 "scripts/stop.sh",
    0o755 "scripts/validate.sh",
];

/// What `scripts/start.sh` begins with where the release cannot start: in the zones of `$1`.
const BROKEN_START: &str = r#"#!/bin/sh
# The demo's broken release: its port is taken on the hosts of some zones.
case "$CDCTL_HOST_ZONE" in
    ZONES)
        echo "error: listen 0.0.0.0:8080: address already in use" >&2
        exit 3 ;;
esac
"#;

/// Writes the application into `folder`, which it makes.
pub fn write(folder: &Path, scenario: Scenario) -> io::Result<()> {
    for (name, mode, content) in FILES {
        let path = folder.join(name);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        let zones = match scenario {
            Scenario::Success => None,
            Scenario::Failure => Some("b | c"),
            Scenario::Partial => Some("c"),
        };
        match zones {
            Some(zones) if *name == "scripts/start.sh" => {
                let rest = content.split_inclusive(|&byte| byte == b'\n').skip(1).flatten();
                let script: Vec<u8> =
                    BROKEN_START.replace("ZONES", zones).bytes().chain(rest.copied()).collect();
                fs::write(&path, script)?;
            }
            _ => fs::write(&path, content)?,
        }
        fs::set_permissions(&path, fs::Permissions::from_mode(*mode))?;
    }
    Ok(())
}

/// The SHA-256 of the bundle that `revision push` makes of `site`: a bundle is the same bytes every time.
pub fn sha256(site: &Path, folder: &Path) -> anyhow::Result<String> {
    let bundle = folder.join("site-1.zip");
    Ok(pack(site, &bundle, &BundleType::Zip, &Selection::default(), &mut |_, _| {})?.sha256)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every file below `folder` as (name, mode, content), sorted.
    fn tree(folder: &Path) -> Vec<(String, u32, Vec<u8>)> {
        let mut files = Vec::new();
        for entry in ignore::WalkBuilder::new(folder).standard_filters(false).build() {
            let entry = entry.unwrap();
            if entry.file_type().unwrap().is_file() {
                let name = entry.path().strip_prefix(folder).unwrap().to_str().unwrap().to_owned();
                let mode = entry.metadata().unwrap().permissions().mode() & 0o755;
                files.push((name, mode, fs::read(entry.path()).unwrap()));
            }
        }
        files.sort();
        files
    }

    #[test]
    fn what_is_embedded_is_the_example() {
        let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/site");
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), Scenario::Success).unwrap();
        assert_eq!(tree(folder.path()), tree(&example));
    }

    #[test]
    fn the_broken_start_is_a_script_that_goes_on_elsewhere() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), Scenario::Failure).unwrap();
        let script = fs::read_to_string(folder.path().join("scripts/start.sh")).unwrap();
        assert!(script.starts_with("#!/bin/sh\n") && script.matches("#!").count() == 1, "{script}");
        assert!(script.contains("b | c)") && script.contains("serving release"), "{script}");
    }
}
