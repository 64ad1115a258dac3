//! Unpacking, with archives that mean harm.

mod limits;
mod tars;
mod zips;

use std::ffi::OsStr;
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt};

use flate2::Compression;
use flate2::write::GzEncoder;
use tar::{Builder, EntryType, GnuExtSparseHeader, Header};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, System, ZipWriter};

use super::members::Members;
use super::*;
use crate::appspec::{Entry, Kind};

struct Bundle {
    guard: tempfile::TempDir,
}

impl Bundle {
    fn new(bytes: &[u8]) -> Self {
        let guard = tempfile::tempdir().unwrap();
        fs::write(guard.path().join("bundle.tar"), bytes).unwrap();
        fs::create_dir(guard.path().join("deployment-archive")).unwrap();
        Bundle { guard }
    }

    /// Unpacks it; what it was said to hold is what is there then, and what is refused is refused in the same words.
    fn unpack(&self, kind: BundleType) -> Result<(), String> {
        let bundle = self.guard.path().join("bundle.tar");
        let unpacked = unpack(&bundle, &kind, &self.path(""));
        let listed = contents(&bundle, &kind);
        assert_eq!(listed.as_ref().err().map(|error| &error.message), unpacked.as_ref().err());
        if let Ok(contents) = listed {
            let mut there = Vec::new();
            there_is(&self.path(""), Path::new(""), &mut there);
            let listed = contents.listing().iter();
            let mode = |entry: &Entry| (entry.kind != Kind::Link).then_some(entry.mode);
            let listed: Vec<_> =
                listed.map(|(path, entry)| (path.clone(), entry.kind.clone(), mode(entry))).collect();
            assert_eq!(listed, there);
        }
        unpacked
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.guard.path().join("deployment-archive").join(name)
    }
}

/// Paths, kinds and modes of all below a directory, in order; none of a link.
fn there_is(root: &Path, below: &Path, found: &mut Vec<(String, Kind, Option<u32>)>) {
    for entry in fs::read_dir(root.join(below)).unwrap().flatten() {
        let (path, metadata) = (below.join(entry.file_name()), entry.metadata().unwrap());
        let (kind, mode) = (metadata.file_type(), Some(metadata.permissions().mode() & 0o777));
        let directory = kind.is_dir();
        let (kind, mode) = match kind {
            _ if directory => (Kind::Directory, mode),
            kind if kind.is_symlink() => (Kind::Link, None),
            _ => (Kind::File, mode),
        };
        found.push((path.to_str().unwrap().to_owned(), kind, mode));
        if directory {
            there_is(root, &path, found);
        }
    }
    found.sort_by(|(a, ..), (b, ..)| a.cmp(b));
}

fn zip(write: impl Fn(&mut ZipWriter<std::io::Cursor<Vec<u8>>>)) -> Vec<u8> {
    let mut writer = ZipWriter::new(std::io::Cursor::new(Vec::new()));
    write(&mut writer);
    writer.finish().unwrap().into_inner()
}

fn tar(entries: &[(&str, EntryType, &str)]) -> Vec<u8> {
    let mut builder = Builder::new(Vec::new());
    for (name, kind, content) in entries {
        let mut header = Header::new_gnu();
        header.set_entry_type(*kind);
        header.set_mode(0o4755);
        // Written raw: the crate's own setters refuse what these tests are about.
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        if *kind == EntryType::Regular {
            header.set_size(content.len() as u64);
            header.set_cksum();
            builder.append(&header, content.as_bytes()).unwrap();
        } else {
            header.as_old_mut().linkname[..content.len()].copy_from_slice(content.as_bytes());
            header.set_size(0);
            header.set_cksum();
            builder.append(&header, std::io::empty()).unwrap();
        }
    }
    builder.into_inner().unwrap()
}

/// A header of GNU's, and content in whole blocks; `size` is what the header says.
fn block(name: &str, kind: EntryType, size: u64, content: &[u8]) -> Vec<u8> {
    let mut header = Header::new_gnu();
    header.set_entry_type(kind);
    header.set_mode(0o644);
    header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
    header.set_size(size);
    header.set_cksum();
    [header.as_bytes(), &in_blocks(content)[..]].concat()
}

/// A header with other bytes at a place, and the checksum of those.
fn changed(mut block: Vec<u8>, changes: &[(usize, &[u8])]) -> Vec<u8> {
    changes.iter().for_each(|(at, bytes)| block[*at..*at + bytes.len()].copy_from_slice(bytes));
    let mut header = Header::from_byte_slice(&block[..512]).clone();
    header.set_cksum();
    block[..512].copy_from_slice(header.as_bytes());
    block
}

fn in_blocks(content: &[u8]) -> Vec<u8> {
    let mut blocks = content.to_vec();
    blocks.resize(content.len().next_multiple_of(512), 0);
    blocks
}

/// What stands ahead of an entry's header.
fn ahead(kind: EntryType, content: &[u8]) -> Vec<u8> {
    block("ahead", kind, content.len() as u64, content)
}

/// Attributes of the next entry by pax.
fn pax(records: &[(&str, &str)]) -> Vec<u8> {
    attributes(EntryType::XHeader, records)
}

fn attributes(kind: EntryType, records: &[(&str, &str)]) -> Vec<u8> {
    let record = |(key, value): &(&str, &str)| {
        let rest = format!(" {key}={value}\n");
        let length = (rest.len()..).find(|length| rest.len() + length.to_string().len() == *length).unwrap();
        format!("{length}{rest}")
    };
    ahead(kind, records.iter().map(record).collect::<String>().as_bytes())
}

const FILE: EntryType = EntryType::Regular;
const LINK: EntryType = EntryType::Symlink;

#[test]
fn a_tar_keeps_exec_bits_and_links_and_loses_setuid() {
    let bundle = Bundle::new(&tar(&[
        ("appspec.yml", FILE, "version: 0.0"),
        ("bin/", EntryType::Directory, ""),
        ("bin/run", FILE, "#!/bin/sh"),
        ("bin/same", EntryType::Link, "bin/run"),
        ("current", LINK, "/srv/outside"),
        ("also", EntryType::Link, "current"),
    ]));
    bundle.unpack(BundleType::Tar).unwrap();
    let mode = |name: &str| fs::metadata(bundle.path(name)).unwrap().permissions().mode() & 0o7777;
    assert_eq!(mode("bin/run"), 0o755);
    assert_eq!(fs::read_to_string(bundle.path("bin/same")).unwrap(), "#!/bin/sh");
    for link in ["current", "also"] {
        assert_eq!(fs::read_link(bundle.path(link)).unwrap(), Path::new("/srv/outside"), "{link}");
    }
}

/// Seconds since 1970 and the rest in nanoseconds.
fn time_of(path: &Path) -> (i64, i64) {
    let metadata = fs::metadata(path).unwrap();
    (metadata.mtime(), metadata.mtime_nsec())
}

#[test]
fn times_are_those_of_the_archive_but_of_a_copy_of_a_directory() {
    let mut timed = Header::new_gnu();
    timed.set_entry_type(FILE);
    timed.set_mtime(1_000_000_000);
    timed.as_old_mut().name[..5].copy_from_slice(b"timed");
    timed.set_size(0);
    timed.set_cksum();
    let bytes = [
        timed.as_bytes().to_vec(),
        block("same", EntryType::Link, 0, b""),
        [pax(&[("mtime", "1.5")]), block("fraction", FILE, 1, b"x")].concat(),
        [pax(&[("mtime", "-1.25")]), block("before", FILE, 1, b"x")].concat(),
        [pax(&[("mtime", "7")]), block("folder/", EntryType::Directory, 0, b"")].concat(),
        block("folder/file", FILE, 1, b"x"),
    ];
    let mut bytes = bytes.concat();
    // The hard link says nothing of where it leads yet.
    let link = 512 + 157;
    bytes[link..link + 5].copy_from_slice(b"timed");
    let mut header = Header::from_byte_slice(&bytes[512..1024]).clone();
    header.set_cksum();
    bytes[512..1024].copy_from_slice(header.as_bytes());
    let bundle = Bundle::new(&bytes);
    bundle.unpack(BundleType::Tar).unwrap();
    for (name, time) in [
        ("timed", (1_000_000_000, 0)),
        ("same", (1_000_000_000, 0)),
        ("fraction", (1, 500_000_000)),
        ("before", (-2, 750_000_000)),
        ("folder", (7, 0)),
        ("folder/file", (0, 0)),
    ] {
        assert_eq!(time_of(&bundle.path(name)), time, "{name}");
    }
    let copy = bundle.guard.path().join("copy");
    fs::create_dir(&copy).unwrap();
    extract_with(&bundle.guard.path().join("bundle.tar"), &BundleType::Tar, &copy, Keep::Modes).unwrap();
    assert!(["timed", "fraction", "folder"].iter().all(|name| time_of(&copy.join(name)).0 > 1_700_000_000));
}

#[test]
#[expect(clippy::print_stderr, reason = "says what is left out")]
fn owners_and_setuid_of_a_tar_are_kept_where_that_is_asked_for() {
    if !rustix::process::geteuid().is_root() {
        eprintln!("left out: owners, which only root can set");
        return;
    }
    let owner = [("uid", "4000"), ("gid", "4001"), ("uname", "daemon"), ("gname", "nobody-here")];
    let mut setuid = block("run", FILE, 1, b"x");
    let mut header = Header::from_byte_slice(&setuid[..512]).clone();
    header.set_mode(0o6755);
    header.set_cksum();
    setuid[..512].copy_from_slice(header.as_bytes());
    let bundle = Bundle::new(&[pax(&owner), setuid].concat());
    let unpacked = |keep: Keep| {
        let place = bundle.guard.path().join(format!("{keep:?}"));
        fs::create_dir(&place).unwrap();
        extract_with(&bundle.guard.path().join("bundle.tar"), &BundleType::Tar, &place, keep).unwrap();
        let metadata = fs::metadata(place.join("run")).unwrap();
        (metadata.uid(), metadata.gid(), metadata.mode() & 0o7777)
    };
    // By the name where this machine knows it, else by the number.
    assert_eq!(unpacked(Keep::Owners), (1, 4001, 0o6755));
    assert_eq!(unpacked(Keep::Times), (0, 0, 0o755));
}

#[test]
fn owners_and_setuid_of_a_tar_that_are_not_kept_are_told() {
    let with = |mode: &[u8], (uid, gid): (&str, &str)| {
        let file = changed(block("run", FILE, 1, b"x"), &[(100, mode)]);
        let bundle = Bundle::new(&[pax(&[("uid", uid), ("gid", gid)]), file].concat());
        extract_with(&bundle.guard.path().join("bundle.tar"), &BundleType::Tar, &bundle.path(""), Keep::Times)
    };
    let user = rustix::process::geteuid().as_raw().to_string();
    let group = rustix::process::getegid().as_raw().to_string();
    for owner in [("0", "0"), (&user, &group)] {
        assert_eq!(with(b"0000755\0", owner).unwrap(), Lost { bits: None, owner: None });
    }
    let run = || PathBuf::from("run");
    let lost = Lost { bits: Some((run(), 0o4755)), owner: Some(run()) };
    assert_eq!(with(b"0004755\0", ("4000", "4000")).unwrap(), lost);
}

/// As of `tar`, of which agent 1 asks no more.
#[test]
fn a_tar_says_what_mode_its_root_has_and_a_zip_does_not() {
    let root = |keep, kind: BundleType, bytes: &[u8]| {
        let bundle = Bundle::new(bytes);
        extract_with(&bundle.guard.path().join("bundle.tar"), &kind, &bundle.path(""), keep).unwrap();
        fs::metadata(bundle.path("")).unwrap().permissions().mode() & 0o777
    };
    let tar = changed(block("./", EntryType::Directory, 0, b""), &[(100, b"0000700\0")]);
    let tar = [tar, block("./a", FILE, 1, b"x")].concat();
    assert_eq!(root(Keep::Times, BundleType::Tar, &tar), 0o700);
    let zip = zip(|writer| {
        writer.add_directory("./", SimpleFileOptions::default().unix_permissions(0o700)).unwrap();
    });
    assert_ne!(root(Keep::Times, BundleType::Zip, &zip), 0o700);
}

fn gzipped(bytes: &[u8]) -> Vec<u8> {
    let mut gz = GzEncoder::new(Vec::new(), Compression::fast());
    gz.write_all(bytes).unwrap();
    gz.finish().unwrap()
}

#[test]
fn nothing_is_written_outside() {
    let hostile: &[&[(&str, EntryType, &str)]] = &[
        &[("../evil", FILE, "x")],
        &[("/evil", FILE, "x")],
        &[("a/../../evil", FILE, "x")],
        &[("out", LINK, ".."), ("out/evil", FILE, "x")],
        &[("out", LINK, "/"), ("out/", EntryType::Directory, "")],
        &[("hard", EntryType::Link, "/etc/passwd")],
        &[("hard", EntryType::Link, "../bundle.tar")],
        &[("out", LINK, ".."), ("hard", EntryType::Link, "out"), ("hard/evil", FILE, "x")],
        &[("device", EntryType::Char, "")],
        &[("pipe", EntryType::Fifo, "")],
        &[("file", FILE, "x"), ("file/evil", FILE, "x")],
        &[("file", FILE, "x"), ("file", EntryType::Directory, "")],
        &[("folder/a", FILE, "x"), ("folder", LINK, "..")],
        &[("hard", EntryType::Link, "hard")],
    ];
    for entries in hostile {
        let bundle = Bundle::new(&tar(entries));
        let error = bundle.unpack(BundleType::Tar).unwrap_err();
        assert!(error.starts_with("Error extracting tar archive: "), "{error}");
        assert!(!bundle.guard.path().join("evil").exists(), "{entries:?}");
    }
}

#[test]
fn nothing_is_written_outside_by_a_zip_either() {
    let options = SimpleFileOptions::default();
    let device = options.unix_permissions(0o600);
    let mut bytes = zip(|writer| writer.start_file("null", device).unwrap());
    // The directory's entry says what kind of file it is: a character device now.
    let at = bytes.windows(4).position(|four| four == b"PK\x01\x02").unwrap();
    bytes[at + 41] = 0x20 | (bytes[at + 41] & 0x0f);
    for bytes in [
        zip(|writer| writer.start_file("../evil", options).unwrap()),
        zip(|writer| writer.start_file("/evil", options).unwrap()),
        zip(|writer| {
            writer.add_symlink("out", "..", options).unwrap();
            writer.start_file("out/evil", options).unwrap();
        }),
        bytes,
    ] {
        let bundle = Bundle::new(&bytes);
        let error = bundle.unpack(BundleType::Zip).unwrap_err();
        assert!(error.starts_with("Error extracting zip archive: "), "{error}");
        assert!(!bundle.guard.path().join("evil").exists() && !Path::new("/evil").exists());
    }
}

#[test]
fn what_is_replaced_or_copied_need_not_be_allowed_by_its_mode() {
    let folder = tempfile::tempdir().unwrap();
    let mut sink = Sink::new(folder.path(), Gate::new(0), Keep::Modes).unwrap();
    let unreadable = Attributes { mode: Some(0), ..Attributes::default() };
    sink.file(Path::new("a"), &unreadable, &mut &b"before"[..]).unwrap();
    sink.copy_of(Path::new("b"), Path::new("a")).unwrap();
    let mode = |name: &str| fs::metadata(folder.path().join(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode("a"), mode("b")), (0, 0));
    fs::set_permissions(folder.path().join("b"), fs::Permissions::from_mode(0o444)).unwrap();
    let mut before = fs::File::open(folder.path().join("b")).unwrap();
    sink.file(Path::new("b"), &Attributes::default(), &mut &b"after"[..]).unwrap();
    assert_eq!(fs::read_to_string(folder.path().join("b")).unwrap(), "after");
    assert_eq!(io::read_to_string(&mut before).unwrap(), "before", "another file took its place");
}

#[test]
fn a_link_that_a_file_replaces_is_not_written_through() {
    let bundle = Bundle::new(&tar(&[("a", LINK, "../bundle.tar"), ("a", FILE, "mine")]));
    bundle.unpack(BundleType::Tar).unwrap();
    assert_eq!(fs::read_to_string(bundle.path("a")).unwrap(), "mine");
    assert!(fs::symlink_metadata(bundle.path("a")).unwrap().is_file());
}

#[test]
fn a_text_is_read_through_links_that_stay_inside() {
    let text = format!("version: 0.0\n# {}\n", "long ".repeat(100));
    let entries = [
        ("site/appspec.yml", "../deploy/a.yml"),
        ("through.yml", "turned/a.yml"),
        ("turned", "deploy"),
        ("out.yml", "../a.yml"),
        ("away.yml", "/etc/passwd"),
        ("turn.yml", "turn.yml"),
    ];
    let tar = tar(&[
        &[("site/", EntryType::Directory, ""), ("deploy/a.yml", FILE, "replaced")][..],
        &[("before", FILE, "before"), ("deploy/a.yml", FILE, &text), ("after", FILE, "after")],
        &entries.map(|(name, target)| (name, LINK, target)),
        &[("hard.yml", EntryType::Link, "deploy/a.yml")],
    ]
    .concat());
    let zip = zip(|writer| {
        writer.start_file("deploy/a.yml", SimpleFileOptions::default()).unwrap();
        writer.write_all(text.as_bytes()).unwrap();
        for (name, target) in entries {
            writer.add_symlink(name, target, SimpleFileOptions::default()).unwrap();
        }
    });
    for (kind, bytes) in [(BundleType::Tar, tar), (BundleType::Zip, zip)] {
        let bundle = Bundle::new(&bytes);
        let mut contents = contents(&bundle.guard.path().join("bundle.tar"), &kind).unwrap();
        let mut told = |name: &str| contents.text(name).unwrap().map(|text| String::from_utf8(text).unwrap());
        for name in ["site/appspec.yml", "deploy/a.yml", "through.yml"] {
            assert_eq!(told(name).as_deref(), Some(text.as_str()), "{kind} {name}");
        }
        assert_eq!(told("hard.yml"), (kind == BundleType::Tar).then(|| text.clone()));
        for name in ["out.yml", "away.yml", "turn.yml", "site", "nothing"] {
            assert_eq!(told(name), None, "{kind} {name}");
        }
    }
}

#[test]
fn a_single_top_directory_with_an_appspec_is_taken_off() {
    let bundle = Bundle::new(&tar(&[("site-1/AppSpec.yml", FILE, "x"), ("site-1/a/b", FILE, "y")]));
    bundle.unpack(BundleType::Tar).unwrap();
    assert!(bundle.path("a/b").exists());
    // What a crash has left there is in nobody's way.
    let bundle = Bundle::new(&tar(&[("site-1/appspec.yml", FILE, "x")]));
    let aside = bundle.guard.path().join("deployment-archive-top");
    fs::create_dir_all(aside.join("left")).unwrap();
    bundle.unpack(BundleType::Tar).unwrap();
    assert!(bundle.path("appspec.yml").exists() && !aside.exists());
    let bundle = Bundle::new(&tar(&[("site-1/appspec.yml", FILE, "x"), ("__MACOSX/a", FILE, "y")]));
    bundle.unpack(BundleType::Tar).unwrap();
    assert!(bundle.path("site-1/appspec.yml").exists());
}

#[test]
fn rubbish_is_an_error() {
    for kind in [BundleType::Zip, BundleType::Tar, BundleType::Tgz] {
        assert!(Bundle::new(b"not an archive at all").unpack(kind.clone()).is_err(), "{kind}");
        assert!(Bundle::new(b"").unpack(kind.clone()).is_err(), "{kind}");
    }
}
