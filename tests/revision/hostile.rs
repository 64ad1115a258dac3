//! Bundles that mean harm or that no agent unpacks, as a user meets them: nothing is written outside, and what is wrong is
//! said.

use std::ffi::OsStr;
use std::fs;
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;
use tar::EntryType;
use zip::CompressionMethod;
use zip::write::SimpleFileOptions;

use crate::support::cdctl::{Machine, Run};
use crate::support::client::s3;
use crate::support::stage::Stage;

const APPSPEC: &str = "version: 0.0\nos: linux\nfiles:\n  - source: /\n    destination: /srv/site\n";

/// A tar; names are written as they are.
fn tar(entries: &[(&[u8], EntryType, &[u8])]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, kind, content) in entries {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(*kind);
        header.set_mode(0o644);
        header.as_old_mut().name[..name.len()].copy_from_slice(name);
        let is_file = *kind == EntryType::Regular;
        if !is_file {
            header.as_old_mut().linkname[..content.len()].copy_from_slice(content);
        }
        header.set_size(if is_file { content.len() as u64 } else { 0 });
        header.set_cksum();
        builder.append(&header, if is_file { *content } else { b"" }).unwrap();
    }
    builder.into_inner().unwrap()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A zip of files, links (`target` after `->`) and repeated content.
fn zip(entries: &[(&str, &str)]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, content) in entries {
        // What is short stands there as it is.
        let method = if content.len() < 8 { CompressionMethod::Stored } else { CompressionMethod::Deflated };
        let options = SimpleFileOptions::default().compression_method(method);
        match content.strip_prefix("->") {
            Some(target) => writer.add_symlink(*name, target, options).unwrap(),
            None => {
                writer.start_file(*name, options).unwrap();
                writer.write_all(content.as_bytes()).unwrap();
            }
        }
    }
    writer.finish().unwrap().into_inner()
}

fn zeros(bytes: usize) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    writer.start_file("zeros", SimpleFileOptions::default()).unwrap();
    writer.write_all(&vec![0; bytes]).unwrap();
    writer.finish().unwrap().into_inner()
}

const FILE: EntryType = EntryType::Regular;

/// Bundles by their names, and what is said of each.
fn hostile() -> Vec<(&'static str, Vec<u8>, &'static str)> {
    let spec = ("appspec.yml", APPSPEC);
    let mut bundles = Vec::new();
    for (name, entry, said) in [
        ("absolute", ("/tmp/cdctl-evil", "x"), "leads out of the bundle"),
        ("above", ("a/../../evil", "x"), "leads out of the bundle"),
    ] {
        bundles.push((name, zip(&[spec, entry]), said));
        bundles.push((name, tar(&[(entry.0.as_bytes(), FILE, entry.1.as_bytes())]), said));
    }
    let through = zip(&[spec, ("out", "->.."), ("out/evil", "x")]);
    bundles.push(("through", through, "would be written through the link"));
    let through = tar(&[(b"out", EntryType::Symlink, b".."), (b"out/evil", FILE, b"x")]);
    bundles.push(("through", through, "would be written through the link"));
    let hard = tar(&[(b"hard", EntryType::Link, b"../../../../etc/passwd")]);
    bundles.push(("hard", hard, "leads out of the bundle"));
    for (kind, name) in [(EntryType::Char, "char"), (EntryType::Block, "block"), (EntryType::Fifo, "pipe")] {
        let device = tar(&[(b"null", kind, b"")]);
        bundles.push((name, device, "is neither file, directory nor link"));
    }
    bundles.push(("ratio", zeros(400 << 20), "unpacks to more than a bundle may hold"));
    bundles.push((
        "ratio",
        gzip(&tar(&[(b"zeros", FILE, &vec![0; 400 << 20])])),
        "unpacks to more than a bundle may hold",
    ));
    bundles
}

/// The ending by which a bundle is what it is.
fn ending(bytes: &[u8]) -> &'static str {
    match bytes {
        [b'P', b'K', ..] => "zip",
        [0x1f, 0x8b, ..] => "tgz",
        _ => "tar",
    }
}

/// Names in a directory, but for those that the machine has anyway.
fn left(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).unwrap().map(|entry| PathBuf::from(entry.unwrap().file_name()));
    entries.filter(|name| name != Path::new("inner")).collect()
}

#[tokio::test]
async fn what_means_harm_is_refused_by_pull_validate_run_and_diff_and_nothing_is_left() {
    let stage = Stage::new();
    let objects = s3(&stage.sandbox);
    objects.create_bucket().bucket("releases").send().await.unwrap();
    let server = stage.serve();
    let machine =
        Machine::new().against(&format!("http://{}", server.address())).set("AWS_REGION", "eu-west-1");
    let inner = machine.home().join("inner");
    fs::create_dir(&inner).unwrap();
    for (name, bytes, said) in hostile() {
        let ending = ending(&bytes);
        let key = format!("{name}.{ending}");
        let file = machine.home().join(&key);
        fs::write(&file, &bytes).unwrap();
        objects.put_object().bucket("releases").key(&key).body(bytes.into()).send().await.unwrap();
        let (out, root, bundle) = (inner.join("out"), inner.join("root"), file.display().to_string());
        let pull = format!("revision pull s3://releases/{key} --unpack --file {}", out.display());
        let run = format!("revision run {bundle} --root {}", root.display());
        for line in [
            pull,
            run,
            format!("revision validate {bundle}"),
            format!("revision diff {bundle} s3://releases/{key}"),
        ] {
            let run = machine.run(&line).holds_no_escape();
            assert!(run.code != 0, "{line}: {run}");
            assert!(run.stderr.contains(said), "{key}, {line}: {run}");
        }
        assert_eq!(left(&inner), Vec::<PathBuf>::new(), "{key}");
        fs::remove_file(file).unwrap();
        assert_eq!(left(machine.home()), Vec::<PathBuf>::new(), "{key}");
    }
    assert!(!Path::new("/tmp/cdctl-evil").exists());
    server.shut_down();
}

#[test]
fn a_damaged_zip_is_an_error_of_the_check_and_is_neither_pushed_nor_run() {
    let machine = Machine::new();
    let mut bytes = zip(&[("appspec.yml", APPSPEC), ("page", "abc")]);
    let at = bytes.windows(3).position(|three| three == b"abc").unwrap();
    bytes[at] = b'x';
    let bundle = machine.home().join("a.zip");
    fs::write(&bundle, &bytes).unwrap();
    let validate = format!("revision validate {}", bundle.display());
    let run = machine.run(&validate).ends_with(10).says("error[A065]: the checksum of `page` is wrong");
    run.says("this is agent 2.x's reading");
    machine.run(&format!("{validate} --agent 1")).ends_with(0).says("warning[A065]");
    machine.run(&format!("{validate} --agent 2 --format github")).ends_with(10).says("::error file=");
    let push = format!("revision push {} s3://releases/a.zip --app shop", bundle.display());
    machine.run(&push).ends_with(10).complains("nothing was bundled");
    // The event fails as on a host.
    let root = machine.home().join("root");
    let run = machine.run(&format!("revision run {} --root {} --agent 2", bundle.display(), root.display()));
    run.ends_with(3).says("Error extracting zip archive: page").says("BeforeInstall");
    assert!(!root.join("srv").exists());
    fs::write(&bundle, &bytes[..bytes.len() - 10]).unwrap();
    machine.run(&validate).ends_with(10).says("error[A065]: Error extracting zip archive");
    let run = machine.run(&format!("revision run {} --root {}", bundle.display(), root.display()));
    run.ends_with(10).complains("cannot be unpacked; nothing was run");
}

#[test]
fn a_name_that_is_not_utf_8_is_told_and_nothing_is_made_of_it() {
    let machine = Machine::new();
    let site = machine.home().join("site");
    fs::create_dir(&site).unwrap();
    fs::write(site.join("appspec.yml"), APPSPEC).unwrap();
    fs::write(site.join(OsStr::from_bytes(b"caf\xe9")), "x").unwrap();
    let (archive, root) = (machine.home().join("a.tar"), machine.home().join("root"));
    let spec = (&b"appspec.yml"[..], FILE, APPSPEC.as_bytes());
    fs::write(&archive, tar(&[spec, (b"caf\xe9", FILE, b"x")])).unwrap();
    let (site, archive, root) =
        (site.display().to_string(), archive.display().to_string(), root.display().to_string());
    let file = machine.home().join("out.zip");
    let told = |line: String| {
        let run = machine.run(&line);
        assert!(run.code != 0 && run.stderr.contains("is not UTF-8"), "{line}: {run}");
        assert!(run.stderr.contains("caf"), "{line}: {run}");
    };
    told(format!("revision bundle {site} --file {}", file.display()));
    told(format!("revision push {site} s3://releases/a.zip --app shop"));
    told(format!("revision validate {site}"));
    told(format!("revision run {site} --root {root}"));
    assert!(!file.exists() && !Path::new(&root).join("srv").exists());
    // An archive that holds one is unpacked as a host does it, whose Install then fails.
    machine.run(&format!("revision validate {archive}")).ends_with(10).says("is not UTF-8");
    let run = machine.run(&format!("revision run {archive} --root {root}")).ends_with(3);
    assert!(format!("{run}").contains("source sequence is illegal/malformed utf-8"), "{run}");
    assert!(!Path::new(&root).join("srv/site").exists());
    // Left out, it is in nobody's way.
    let bundle = format!("revision bundle {site} --file {} --exclude caf*", file.display());
    machine.run(&bundle).ends_with(0);
}

#[test]
fn names_that_differ_in_case_only_are_a_note() {
    let machine = Machine::new();
    let bundle = machine.home().join("a.zip");
    fs::write(&bundle, zip(&[("appspec.yml", APPSPEC), ("README", "a"), ("readme", "b")])).unwrap();
    let run: Run = machine.run(&format!("revision validate {} --strict", bundle.display()));
    run.ends_with(0).says("note[A063]").says("`README` and `readme` differ in case only");
}
