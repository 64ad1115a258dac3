//! The bundle readers on any bytes: nothing is written outside the directory.
#![no_main]

use std::fs;

use cdctl::model::BundleType;
use cdctl::runner::unpack;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    for kind in [BundleType::Zip, BundleType::Tar, BundleType::Tgz] {
        let Ok(folder) = tempfile::tempdir() else { return };
        let (bundle, out) = (folder.path().join("bundle"), folder.path().join("out"));
        if fs::write(&bundle, bytes).is_err() || fs::create_dir(&out).is_err() {
            return;
        }
        let _ = unpack(&bundle, &kind, &out);
        let around = fs::read_dir(folder.path()).map(|entries| entries.count()).unwrap_or_default();
        assert_eq!(around, 2, "something was written beside the directory");
    }
});
