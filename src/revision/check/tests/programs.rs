//! The unpacking is held against the programs that the agents call, `unzip` and `tar`: of what is bundled here, and of what
//! other programs make.

use std::fs::{self, File};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime};

use super::super::super::pack;
use super::{KINDS, random_tree};
use crate::model::BundleType;
use crate::revision::Selection;
use crate::runner;

/// Later than what archives of these tests say: such a time is that of the unpacking itself.
const NOW: i64 = 1_700_000_000;

/// Runs a line of the shell, whose `$1` and so on are these; whether it went well.
#[expect(clippy::disallowed_methods, reason = "the programs that the agents call")]
fn shell(line: &str, arguments: &[&Path]) -> bool {
    let mut command = Command::new("sh");
    command.args(["-c", line, "sh"]).args(arguments).env("LC_ALL", "C.UTF-8");
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().unwrap().success()
}

/// Whether a program is there. Where CI is set that is no question.
#[expect(
    clippy::disallowed_methods,
    clippy::print_stderr,
    reason = "the tests' own setting, and what they leave out"
)]
fn has(program: &str) -> bool {
    let there = shell("command -v \"$1\"", &[Path::new(program)]);
    if !there {
        eprintln!("left out: {program} is not installed");
    }
    assert!(there || std::env::var_os("CI").is_none(), "{program} is left out although CI is set");
    there
}

/// Of all below a directory: name, permission bits, time, and the content or where a link leads.
type Seen = Vec<(String, u32, Option<i64>, Vec<u8>)>;

fn seen(directory: &Path) -> Seen {
    fn below(directory: &Path, name: &str, found: &mut Seen) {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            let name = format!("{name}/{}", path.file_name().unwrap().display());
            let metadata = path.symlink_metadata().unwrap();
            let mode = metadata.permissions().mode() & 0o777;
            let time = Some(metadata.mtime()).filter(|time| *time < NOW);
            if metadata.is_dir() {
                // Its owner can always go on here.
                found.push((format!("{name}/"), mode | 0o700, time, Vec::new()));
                fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).unwrap();
                below(&path, &name, found);
            } else if metadata.is_symlink() {
                let target = fs::read_link(&path).unwrap().into_os_string().into_encoded_bytes();
                found.push((format!("{name}@"), 0, None, target));
            } else {
                // What is not to be read by its mode has no second name.
                let content = fs::read(&path).or_else(|_| {
                    fs::set_permissions(&path, fs::Permissions::from_mode(0o600))?;
                    fs::read(&path)
                });
                found.push((name, mode, time, content.unwrap()));
            }
        }
    }
    let mut found = Vec::new();
    below(directory, "", &mut found);
    found.sort();
    found
}

/// Unpacks an archive by the agents' program and here, and compares.
fn compare(archive: &Path, kind: &BundleType, what: &str) -> Seen {
    let place = tempfile::tempdir().unwrap();
    let (theirs, ours) = (place.path().join("theirs"), place.path().join("ours"));
    fs::create_dir(&theirs).unwrap();
    fs::create_dir(&ours).unwrap();
    let line = match kind {
        BundleType::Zip => "umask 022; cd \"$1\" && unzip -qo \"$2\"",
        BundleType::Tgz => "umask 022; cd \"$1\" && tar -zxpsf \"$2\"",
        _ => "umask 022; cd \"$1\" && tar -xpsf \"$2\"",
    };
    assert!(shell(line, &[&theirs, archive]), "{what}");
    runner::extract(archive, kind, &ours).unwrap_or_else(|error| panic!("{what}: {error}"));
    let (theirs, ours) = (seen(&theirs), seen(&ours));
    for (theirs, ours) in theirs.iter().zip(&ours) {
        assert_eq!((&ours.0, ours.1, ours.2), (&theirs.0, theirs.1, theirs.2), "{what}");
        assert!(ours.3 == theirs.3, "the content of {} in {what}", ours.0);
    }
    assert_eq!(ours.len(), theirs.len(), "{what}");
    ours
}

fn age(path: &Path, seconds: u64) {
    let time = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
    File::open(path).unwrap().set_modified(time).unwrap();
}

#[test]
fn what_is_bundled_is_unpacked_by_unzip_and_tar_to_the_same() {
    if !has("unzip") || !has("tar") {
        return;
    }
    for seed in 100..106 {
        let tree = random_tree(&mut fastrand::Rng::with_seed(seed), false);
        for kind in &KINDS {
            let place = tempfile::tempdir().unwrap();
            let bundle = place.path().join("bundle");
            pack(tree.path(), &bundle, kind, &Selection::default(), &mut |_, _| {}).unwrap();
            let unpacked = compare(&bundle, kind, &format!("seed {seed}, {kind}"));
            // 1980, whatever the zone.
            let old =
                |time: Option<i64>| time.is_some_and(|time| (315_446_400..=315_619_200).contains(&time));
            assert!(unpacked.iter().all(|(name, _, time, _)| name.ends_with('@') || old(*time)), "{kind}");
        }
    }
}

/// Archives of a directory, `$1`, in another, `$2`.
const MAKE: &str = r#"
cd "$1" || exit 1
for form in v7 oldgnu gnu ustar posix; do tar --format=$form -cf "$2/$form.tar" .; done
for form in gnu oldgnu posix; do tar -S --format=$form -cf "$2/sparse-$form.tar" .; done
tar -czf "$2/gzip.tgz" *
tar --hard-dereference --owner=1000 --group=nobody -cf "$2/owned.tar" .
command -v zip >/dev/null || exit 0
zip -qry "$2/links.zip" . && zip -qryD "$2/implied.zip" . && zip -qryX "$2/plain.zip" . && zip -qr0 "$2/stored.zip" .
"#;

/// The same by Python, and a zip with attributes of every system.
const PYTHON: &str = r#"
import os, sys, tarfile, zipfile
tree, out = sys.argv[1:]
os.chdir(tree)
for form in tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT:
    with tarfile.open(f'{out}/python-{form}.tar', 'w', format=form) as tar:
        for name in sorted(os.listdir('.')):
            try: tar.add(name)
            except ValueError: pass
with zipfile.ZipFile(f'{out}/python.zip', 'w', zipfile.ZIP_DEFLATED, strict_timestamps=False) as zip:
    for folder, _, names in os.walk('.'):
        for name in names:
            if os.path.exists(os.path.join(folder, name)): zip.write(os.path.join(folder, name))
with zipfile.ZipFile(f'{out}/systems.zip', 'w') as zip:
    bits = [0o100755, 0o100644, 0o100600, 0o100444, 0o755, 0o106755, 0o120777, 0o120644, 0o040755, 0o040700, 0]
    for system in list(range(20)) + [255]:
        for bit in bits:
            for dos in 0, 0x10, 0x20, 0x21:
                for end in '', '/':
                    entry = zipfile.ZipInfo(f's{system}-{bit:o}-{dos:x}{"d" if end else ""}{end}', (2001, 7, 3, 4, 5, 6))
                    entry.create_system, entry.external_attr = system, bit << 16 | dos
                    zip.writestr(entry, '' if end else 'x')
    for name in 'tab\tbell\a', 'version;12', 'folder;1/file;1', 'no;version', 'delete\x7f':
        zip.writestr(zipfile.ZipInfo(name, (1999, 12, 31, 23, 59, 58)), name)
"#;

#[test]
fn what_other_programs_make_is_unpacked_as_by_unzip_and_tar() {
    if !has("unzip") || !has("tar") || !has("python3") {
        return;
    }
    let place = tempfile::tempdir().unwrap();
    let (script, tree) = (place.path().join("make.py"), place.path().join("tree"));
    fs::write(&script, PYTHON).unwrap();
    for seed in [200, 201] {
        let out = place.path().join(seed.to_string());
        fs::create_dir(&out).unwrap();
        let random = random_tree(&mut fastrand::Rng::with_seed(seed), false);
        fs::rename(random.path(), &tree).unwrap();
        fs::hard_link(tree.join("appspec.yml"), tree.join("zz-hard")).unwrap();
        let image = File::create(tree.join("image")).unwrap();
        image.set_len(1 << 20).unwrap();
        std::os::unix::fs::FileExt::write_all_at(&image, b"data", 500_000).unwrap();
        fs::create_dir_all(tree.join("deep/er")).unwrap();
        fs::write(tree.join("deep/er/file"), "x").unwrap();
        for (path, seconds) in
            [("appspec.yml", 1_000_000_001), ("image", 86_400), ("deep/er/file", 1_234_567_890)]
        {
            age(&tree.join(path), seconds);
        }
        age(&tree.join("deep/er"), 999_999_999);
        shell(MAKE, &[&tree, &out]);
        assert!(shell("exec python3 \"$1\" \"$2\" \"$3\"", &[&script, &tree, &out]));
        let mut archives: Vec<_> = fs::read_dir(&out).unwrap().map(|entry| entry.unwrap().path()).collect();
        archives.sort();
        assert!(archives.len() > 12, "{archives:?}");
        for archive in archives {
            let kind = BundleType::of_key(&archive.to_string_lossy()).unwrap();
            let unpacked = compare(&archive, &kind, &format!("{seed} {}", archive.display()));
            assert!(unpacked.len() > 5, "{}", archive.display());
        }
        fs::remove_dir_all(&tree).unwrap();
    }
}
