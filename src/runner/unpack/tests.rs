//! Unpacking, with archives that mean harm.

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
fn a_tgz_is_told_by_its_bytes() {
    let bytes = gzipped(&tar(&[("a", FILE, "content")]));
    for kind in [BundleType::Tgz, BundleType::Tar] {
        let bundle = Bundle::new(&bytes);
        bundle.unpack(kind).unwrap();
        assert_eq!(fs::read_to_string(bundle.path("a")).unwrap(), "content");
    }
}

fn gzipped(bytes: &[u8]) -> Vec<u8> {
    let mut gz = GzEncoder::new(Vec::new(), Compression::fast());
    gz.write_all(bytes).unwrap();
    gz.finish().unwrap()
}

fn bzipped(bytes: &[u8]) -> Vec<u8> {
    let mut bz = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
    bz.write_all(bytes).unwrap();
    bz.finish().unwrap()
}

/// Zeros fill a tape, and gzip says no word of them.
#[test]
fn what_is_behind_a_packed_tar_is_what_gzip_and_bzip2_say_of_it() {
    let bytes = tar(&[("a", FILE, "content")]);
    let (gz, bz) = (gzipped(&bytes), bzipped(&bytes));
    let (zeros, parts) = (vec![0; 10_000], bytes.split_at(512));
    let unpack = |bytes: &[&[u8]], kind: BundleType| Bundle::new(&bytes.concat()).unpack(kind);
    for kind in [BundleType::Tgz, BundleType::Tar] {
        for behind in [&[0; 1][..], &zeros] {
            unpack(&[&gz, behind], kind.clone()).unwrap();
        }
        unpack(&[&gzipped(parts.0), &gzipped(b""), &gzipped(parts.1)], kind.clone()).unwrap();
        for behind in [&b"x"[..], &[0x1f], b"\0x", &gz[..gz.len() - 1], &[&zeros, &gz[..]].concat()] {
            unpack(&[&gz, behind], kind.clone()).unwrap_err();
        }
    }
    for behind in [&[0; 1][..], &zeros, b"anything", b"BZhx", &bz] {
        unpack(&[&bz, behind], BundleType::Tar).unwrap();
    }
    unpack(&[&bzipped(parts.0), &bzipped(b""), &bzipped(parts.1)], BundleType::Tar).unwrap();
    for behind in [&b"B"[..], b"BZh", b"BZh9anything", &bz[..bz.len() - 1]] {
        unpack(&[&bz, behind], BundleType::Tar).unwrap_err();
    }
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

/// An archive whose entries a tool of MS-DOS made.
fn dos(names: &[&str]) -> Vec<u8> {
    let options = SimpleFileOptions::default().system(System::Dos);
    zip(|writer| names.iter().for_each(|name| writer.start_file(*name, options).unwrap()))
}

/// What Windows cannot say of a file, that it may be run, nobody believes it; `unzip` takes MS-DOS's word and not that of
/// the other half of the attributes.
#[test]
fn modes_are_those_of_unzip_and_none_is_made_up() {
    let modes = |system: System| {
        let bytes = zip(|writer| {
            for (name, mode) in [("run.sh", 0o755), ("plain", 0o600), ("open", 0o664)] {
                let options = SimpleFileOptions::default().system(system).unix_permissions(mode);
                writer.start_file(name, options).unwrap();
            }
        });
        let bundle = Bundle::new(&bytes);
        bundle.unpack(BundleType::Zip).unwrap();
        let contents = contents(&bundle.guard.path().join("bundle.tar"), &BundleType::Zip).unwrap();
        ["run.sh", "plain", "open"].map(|name| {
            let mode = fs::metadata(bundle.path(name)).unwrap().permissions().mode() & 0o777;
            assert_eq!(contents.listing()[name].mode, mode, "{name}");
            mode
        })
    };
    assert_eq!(modes(System::Unix), [0o755, 0o600, 0o664]);
    assert_eq!(modes(System::Dos), [0o644, 0o600, 0o664]);
    for system in [System::WindowsNTFS, System::OsDarwin, System::VFAT] {
        assert_eq!(modes(system), [0o644; 3], "{system:?}");
    }
}

#[test]
fn backslashes_of_a_tool_of_windows_part_a_path() {
    let bundle = Bundle::new(&dos(&["appspec.yml", "scripts\\a.sh", "empty\\", "mixed/a\\b"]));
    bundle.unpack(BundleType::Zip).unwrap();
    assert!(bundle.path("scripts/a.sh").is_file() && bundle.path("empty").is_dir());
    assert!(bundle.path("mixed/a\\b").is_file());
    assert!(contents(&bundle.guard.path().join("bundle.tar"), &BundleType::Zip).unwrap().backslashes);
    let unix = Bundle::new(&zip(|writer| writer.start_file("a\\b", SimpleFileOptions::default()).unwrap()));
    unix.unpack(BundleType::Zip).unwrap();
    assert!(unix.path("a\\b").is_file());
    for name in ["..\\evil", "\\evil", "a\\..\\..\\evil"] {
        let bundle = Bundle::new(&dos(&[name]));
        let error = bundle.unpack(BundleType::Zip).unwrap_err();
        assert!(error.contains("leads out of the bundle"), "{error}");
        assert!(!bundle.guard.path().join("evil").exists());
    }
}

#[test]
fn there_is_a_limit_to_entries_bytes_and_depth() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(Gate::new(u64::MAX).left(), 16 << 30);
    let mut sink = Sink::new(folder.path(), Gate::new(0), Keep::Modes).unwrap();
    let deep = "d/".repeat(129);
    assert!(
        sink.directory(Path::new(&deep), &Attributes::default())
            .unwrap_err()
            .to_string()
            .contains("is too deep")
    );
    let mut one = || sink.directory(Path::new("."), &Attributes::default());
    let error = std::iter::repeat_with(&mut one).take(200_000).find_map(Result::err).unwrap();
    assert_eq!(error.to_string(), "more than 200000 entries");
}

#[test]
fn directories_that_no_entry_names_are_counted_too() {
    let (mut gate, inner) = (Gate::new(0), "d/".repeat(126));
    let mut place = |number: usize| gate.place(Path::new(&format!("{number}/{inner}f")), Kind::File);
    let error = (0..2000).map(&mut place).find_map(Result::err).unwrap();
    assert_eq!(error.to_string(), "more than 200000 entries");
}

#[test]
fn there_is_a_limit_to_paths() {
    let mut gate = Gate::new(0);
    let mut place = |name: &str| gate.place(Path::new(name), Kind::File).map_err(|error| error.to_string());
    place(&format!("{}/", "x".repeat(203)).repeat(20)).unwrap();
    let error = place(&"dir/".repeat(1025)).unwrap_err();
    assert!(error.starts_with("dir/dir/") && error.ends_with("dir/… is longer than 4095 bytes"), "{error}");
    gate.hold(127 << 20).unwrap();
    let error = gate.hold(1 << 20).unwrap_err().to_string();
    assert!(error.contains("its paths are longer in all"), "{error}");
    let link = |target: &str| {
        let link = [ahead(EntryType::GNULongLink, target.as_bytes()), block("link", LINK, 0, b"")];
        Bundle::new(&link.concat()).unpack(BundleType::Tar)
    };
    link(&"./".repeat(2047)).unwrap();
    assert!(link(&"./".repeat(2048)).unwrap_err().contains("link is a link to nowhere"));
}

#[test]
fn a_hard_link_is_one_entry_and_as_many_bytes_as_its_file() {
    let folder = tempfile::tempdir().unwrap();
    let gate = || {
        let mut gate = Gate::new(0);
        (0..199_997).try_for_each(|_| gate.place(Path::new("."), Kind::Directory).map(drop)).unwrap();
        gate.count(gate.left() - 10, Path::new("most")).unwrap();
        gate
    };
    let (mut sink, mut contents) =
        (Sink::new(folder.path(), gate(), Keep::Modes).unwrap(), Contents::new(gate()));
    for to in [&mut sink as &mut dyn Entries, &mut contents] {
        to.file(Path::new("a"), &Attributes::default(), &mut &b"four"[..]).unwrap();
        to.copy_of(Path::new("b"), Path::new("a")).unwrap();
        let error = to.copy_of(Path::new("c"), Path::new("a")).unwrap_err().to_string();
        assert!(error.contains("c unpacks to more than a bundle may hold"), "{error}");
    }
}

#[test]
fn of_files_in_memory_there_are_heads_alone() {
    let bundle = Bundle::new(&tar(&[("a/b/appspec.yml", FILE, &"x".repeat(5000))]));
    let contents = contents(&bundle.guard.path().join("bundle.tar"), &BundleType::Tar).unwrap();
    assert!(contents.listing().values().all(|entry| entry.head.len() <= 256));
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
fn a_bomb_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let mut gate = Gate::new(42_374);
    assert!(gate.left() < 3 << 30, "5.5 GB of 42 kB, as the known ones have it");
    gate.count(gate.left() - 1000, Path::new("zeros")).unwrap();
    let mut sink = Sink::new(folder.path(), gate, Keep::Modes).unwrap();
    let error =
        sink.file(Path::new("more"), &Attributes::default(), &mut io::repeat(0)).unwrap_err().to_string();
    assert!(error.contains("more unpacks to more than a bundle may hold"), "{error}");
    assert_eq!(
        fs::metadata(folder.path().join("more")).unwrap().len(),
        1001,
        "no more than that was written"
    );
}

#[test]
fn a_directory_that_promises_too_much_is_refused_by_list_and_unpacking() {
    let mut bytes = zip(|writer| {
        writer.start_file("appspec.yml", SimpleFileOptions::default()).unwrap();
        writer.write_all(b"version: 0.0\nos: linux\n").unwrap();
    });
    let directory = bytes.windows(4).rposition(|bytes| bytes == b"PK\x01\x02").unwrap();
    bytes[directory + 24..directory + 28].copy_from_slice(&0xf800_0000_u32.to_le_bytes());
    let bundle = Bundle::new(&bytes);
    let error = bundle.unpack(BundleType::Zip).unwrap_err();
    assert!(error.contains("appspec.yml unpacks to more than a bundle may hold"), "{error}");
    let path = bundle.guard.path().join("bundle.tar");
    assert_eq!(contents(&path, &BundleType::Zip).err().unwrap().message, error);
}

/// The image of an empty disk, which the agents deploy.
#[test]
fn an_image_full_of_zeros_is_none() {
    let mut writer = ZipWriter::new(std::io::Cursor::new(Vec::new()));
    writer.start_file("zeros", SimpleFileOptions::default()).unwrap();
    let zeros = vec![0; 1 << 20];
    for _ in 0..100 {
        writer.write_all(&zeros).unwrap();
    }
    let bytes = writer.finish().unwrap().into_inner();
    Bundle::new(&bytes).unpack(BundleType::Zip).unwrap();
    assert!(!is_too_much(bytes.len() as u64, 100 << 20, 1));
    assert!(is_too_much(bytes.len() as u64, 3 << 30, 1) && is_too_much(1 << 30, 1, 200_001));
}

#[test]
fn a_tar_is_told_by_what_it_is_packed_by() {
    let tar = tar(&[("a", FILE, "content")]);
    let bz = Bundle::new(&bzipped(&tar));
    for bundle in [&bz, &Bundle::new(&tar)] {
        let error = bundle.unpack(BundleType::Tgz).unwrap_err();
        assert!(error.contains("it is not packed by gzip"), "{error}");
    }
    bz.unpack(BundleType::Tar).unwrap();
    assert_eq!(fs::read_to_string(bz.path("a")).unwrap(), "content");
    for (name, magic) in [("xz", &b"\xfd7zXZ\0\0"[..]), ("zstd", b"\x28\xb5\x2f\xfd\0")] {
        let error = Bundle::new(magic).unpack(BundleType::Tar).unwrap_err();
        assert!(error.contains(&format!("it is packed by {name}, which is not read here")), "{error}");
    }
}

#[test]
fn a_zip_may_be_packed_by_bzip2() {
    let options = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Bzip2);
    let bundle = Bundle::new(&zip(|writer| {
        writer.start_file("a", options).unwrap();
        writer.write_all(b"content").unwrap();
    }));
    bundle.unpack(BundleType::Zip).unwrap();
    assert_eq!(fs::read_to_string(bundle.path("a")).unwrap(), "content");
}

#[test]
fn names_that_are_no_utf_8_are_those_of_code_page_437_or_bytes() {
    // é there is 0x82; the writer has no other way to write it.
    let mut bytes = dos(&["caf!", "a"]);
    bytes.iter_mut().filter(|byte| **byte == b'!').for_each(|byte| *byte = 0x82);
    let bundle = Bundle::new(&bytes);
    bundle.unpack(BundleType::Zip).unwrap();
    assert!(bundle.path("café").is_file());
    let listed = contents(&bundle.guard.path().join("bundle.tar"), &BundleType::Zip).unwrap();
    assert!(!listed.backslashes);
    let mut bytes = tar(&[("caf!", FILE, "x")]);
    bytes[3] = 0xe9;
    bytes[148..156].fill(b' ');
    let sum: u32 = bytes[..512].iter().map(|byte| u32::from(*byte)).sum();
    bytes[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    let bundle = Bundle::new(&bytes);
    let tar = bundle.guard.path().join("bundle.tar");
    unpack(&tar, &BundleType::Tar, &bundle.path("")).unwrap();
    assert!(bundle.path("").join(OsStr::from_bytes(b"caf\xe9")).is_file());
    let listed = contents(&tar, &BundleType::Tar).unwrap();
    assert_eq!(listed.listing().keys().collect::<Vec<_>>(), ["caf\u{fffd}"]);
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

/// A zip of three files, of which `data` is stored as it is; where the header of each begins.
fn whole() -> (Vec<u8>, [usize; 3]) {
    let names = ["appspec.yml", "run.sh", "data"];
    let bytes = zip(|writer| {
        for name in names {
            let options = SimpleFileOptions::default();
            let method = if name == "data" { CompressionMethod::Stored } else { CompressionMethod::Deflated };
            writer.start_file(name, options.compression_method(method)).unwrap();
            writer.write_all("0123456789".repeat(20).as_bytes()).unwrap();
        }
    });
    let headers = bytes.windows(4).enumerate().filter(|(_, four)| *four == b"PK\x03\x04").map(|(at, _)| at);
    let headers: Vec<usize> = headers.collect();
    (bytes, headers.try_into().unwrap())
}

/// What is wrong with the files of a zip, the content of `wanted` looked at.
fn damage_of(bytes: &[u8], wanted: &dyn Fn(&str) -> bool) -> Result<Vec<(String, Fault)>, Unreadable> {
    let bundle = Bundle::new(bytes);
    let contents = contents(&bundle.guard.path().join("bundle.tar"), &BundleType::Zip)?;
    let damage = contents.damage(wanted).unwrap().into_iter();
    Ok(damage.map(|Damage { name, fault }| (name, fault)).collect())
}

#[test]
fn what_is_damaged_in_a_zip_is_told_by_its_name() {
    let (whole, [appspec, run, data]) = whole();
    assert_eq!(damage_of(&whole, &|_| false).unwrap(), []);
    let entry = |number| {
        let entries = whole.windows(4).enumerate().filter(|(_, four)| *four == b"PK\x01\x02");
        entries.map(|(at, _)| at).nth(number).unwrap()
    };
    let header = "its header is not where the archive's directory says";
    let both = |local: usize, central: usize, byte| vec![(local, byte), (central, byte)];
    for (changes, name, fault) in [
        (vec![(data + 30 + 4 + 3, b'x')], "data", Fault::Checksum),
        // A block of a kind that there is not.
        (vec![(run + 30 + 6, 7)], "run.sh", Fault::Broken("its content cannot be unpacked")),
        (vec![(run, b'Q')], "run.sh", Fault::Broken(header)),
        (both(data + 19, entry(2) + 21, 255), "data", Fault::Broken("its content is cut off")),
        (both(run + 6, entry(1) + 8, 1), "run.sh", Fault::Broken("it is encrypted")),
        (both(appspec + 8, entry(0) + 10, 14), "appspec.yml", Fault::Method),
        // `unzip` goes by the one, others by the other.
        (both(run + 22, entry(1) + 24, 1), "run.sh", Fault::Header),
        (both(run + 22, entry(1) + 24, 255), "run.sh", Fault::Header),
        (vec![(appspec + 30, b'A')], "appspec.yml", Fault::Header),
        (vec![(appspec + 14, 0)], "appspec.yml", Fault::Header),
        (vec![(entry(0) + 16, 0)], "appspec.yml", Fault::Header),
        (vec![(entry(2) + 21, 255)], "data", Fault::Header),
        // Damaged as its content is: what the directory says of its length holds for what is read at all.
        (vec![(run + 30 + 6, 7), (entry(1) + 24, 1)], "run.sh", Fault::Header),
        // As far as into the next file.
        (both(run + 18, entry(1) + 20, 100), "run.sh", Fault::Header),
    ] {
        let mut bytes = whole.clone();
        changes.iter().for_each(|(at, byte)| bytes[*at] = *byte);
        assert_eq!(damage_of(&bytes, &|_| false).unwrap(), [(name.to_owned(), fault)], "{changes:?}");
        // What an agent does not unpack this tool does not either.
        let unpacked = Bundle::new(&bytes);
        let unpacked =
            unpack(&unpacked.guard.path().join("bundle.tar"), &BundleType::Zip, &unpacked.path(""));
        assert!(unpacked.is_err() || fault == Fault::Header, "{changes:?}: {unpacked:?}");
    }
}

#[test]
fn what_two_files_share_is_not_read_for_each() {
    let (mut bytes, [_, run, _]) = whole();
    let entries = bytes.windows(4).enumerate().filter(|(_, four)| *four == b"PK\x01\x02");
    let second = entries.map(|(at, _)| at).next().unwrap();
    bytes[second + 42..second + 46].copy_from_slice(&u32::try_from(run).unwrap().to_le_bytes());
    // Whoever reads it finds a block of a kind that there is not.
    bytes[run + 30 + 6] = 7;
    let header = |name: &str| (name.to_owned(), Fault::Header);
    assert_eq!(damage_of(&bytes, &|_| true).unwrap(), [header("appspec.yml"), header("run.sh")]);
}

#[test]
fn names_of_a_tar_are_those_that_tar_takes() {
    use EntryType::{Directory, GNULongLink, GNULongName, XGlobalHeader};
    let long = "long/".repeat(60) + "name";
    let bytes = [
        ahead(XGlobalHeader, b"52 comment=0123456789012345678901234567890123456789\n"),
        [ahead(GNULongName, long.as_bytes()), block("short", FILE, 1, b"1")].concat(),
        [ahead(GNULongName, b"before\0after"), block("no", FILE, 1, b"2")].concat(),
        [pax(&[("path", "one"), ("path", "two\nlines")]), block("no", FILE, 1, b"3")].concat(),
        [pax(&[("path", "pax")]), ahead(GNULongName, b"no"), block("no", FILE, 1, b"4")].concat(),
        [pax(&[("path", "kept")]), ahead(XGlobalHeader, b"10 a=1234\n"), block("no", FILE, 1, b"5")].concat(),
        block("folder/", FILE, 0, b""),
        block("empty", Directory, 3, b""),
        // Of the size that its file has, of which nothing follows.
        [ahead(GNULongLink, b"pax\0"), block("hard", EntryType::Link, 4000, b"")].concat(),
        [pax(&[("linkpath", "away")]), block("link", LINK, 0, b"")].concat(),
        [pax(&[("size", "600")]), block("large", FILE, 3, &[b'l'; 600])].concat(),
        block("last", FILE, 1, b"6"),
    ];
    let bundle = Bundle::new(&bytes.concat());
    bundle.unpack(BundleType::Tar).unwrap();
    let large = "l".repeat(600);
    for (name, text) in [
        (long.as_str(), "1"),
        ("before", "2"),
        ("two\nlines", "3"),
        ("pax", "4"),
        ("kept", "5"),
        ("hard", "4"),
        ("large", &large),
        ("last", "6"),
    ] {
        assert_eq!(fs::read_to_string(bundle.path(name)).unwrap(), text, "{name}");
    }
    assert!(bundle.path("folder").is_dir() && bundle.path("empty").is_dir());
    assert_eq!(fs::read_link(bundle.path("link")).unwrap(), Path::new("away"));
    // `git archive` of nothing.
    Bundle::new(&bytes[0]).unpack(BundleType::Tar).unwrap();
}

#[test]
fn what_stands_beside_a_header_is_bounded_wherever_it_hides() {
    let hidden = [pax(&[("size", "1024")]), block("f", FILE, 0, &[0; 1024])].concat();
    let bundle = Bundle::new(&[&hidden[..], &block("g", FILE, 1, b"x")].concat());
    bundle.unpack(BundleType::Tar).unwrap();
    assert_eq!(fs::read(bundle.path("f")).unwrap(), [0; 1024]);
    assert!(bundle.path("g").exists());
    for kind in [EntryType::GNULongName, EntryType::XHeader, EntryType::XGlobalHeader] {
        let long = block("long", kind, 3 << 30, b"");
        let error = Bundle::new(&[&hidden[..], &long].concat()).unpack(BundleType::Tar).unwrap_err();
        assert!(error.contains("larger than a bundle may hold"), "{error}");
    }
    for records in [&b"12 path=x"[..], b"x", b"7 size=1\n", b"9 size=x\n", b"99 path=x\n"] {
        let bytes = [ahead(EntryType::XHeader, records), block("g", FILE, 1, b"x")].concat();
        Bundle::new(&bytes).unpack(BundleType::Tar).unwrap_err();
    }
}

/// Each is small once packed, and hours of unpacking at the length that a bundle may have.
#[test]
fn what_is_passed_over_is_bounded_in_all() {
    let end_of = |from: &[u8]| {
        let mut members = Members::new(from, 100_000);
        loop {
            match members.next_entry() {
                Ok(Some(_)) => {}
                Ok(None) => return None,
                Err(error) => return Some((is_refusal(&error), error.to_string())),
            }
        }
    };
    let other = |letter: u8| EntryType::new(letter);
    // One of GNU's sparse files, whose map goes on, and a part of it without runs that goes on as well.
    let sparse =
        changed(block("s", EntryType::GNUSparse, 0, b""), &[(482, b"\x01"), (483, b"00000000000\0")]);
    let mut more = GnuExtSparseHeader::new();
    more.set_is_extended(true);
    for (begin, again) in [
        (vec![], block("label", other(b'V'), 0, b"")),
        (vec![], block("label", other(b'V'), 512, &[b'x'; 512])),
        (vec![], ahead(EntryType::XGlobalHeader, b"9 a=1234\n")),
        (vec![], ahead(EntryType::XHeader, &[0; 4096])),
        (vec![], ahead(EntryType::GNULongName, &[b'x'; 4096])),
        (vec![], block("f", FILE, 4096, &[0; 4096])),
        (vec![], block("d", other(b'D'), 4096, &[0; 4096])),
        (sparse, more.as_bytes().to_vec()),
    ] {
        let stream = |times: usize| [&begin[..], &again.repeat(times)].concat();
        let (is_refused, error) = end_of(&stream(100_000 / again.len() + 1)).unwrap();
        assert!(is_refused && error.ends_with("unpacks to more than a bundle may hold"), "{error}");
        let few = end_of(&stream(3));
        assert!(few.is_none_or(|(is_refused, _)| !is_refused));
    }
    // What is said to be long is not even begun.
    let records = [
        ("GNU.sparse.major", "1"),
        ("GNU.sparse.minor", "0"),
        ("GNU.sparse.name", "s"),
        ("GNU.sparse.realsize", "0"),
        ("size", "10737418240"),
    ];
    let bytes = [pax(&records), block("s", FILE, 0, b"0\n")].concat();
    let error = Bundle::new(&bytes).unpack(BundleType::Tar).unwrap_err();
    assert!(error.contains("s unpacks to more than a bundle may hold"), "{error}");
}

/// Of six blocks of 512 letters, `a` to `f`, each behind as many zeros, and zeros at the end.
fn sparse() -> (Vec<u8>, Vec<(u64, u64)>, Vec<u8>) {
    let blocks: Vec<Vec<u8>> = (b'a'..=b'f').map(|letter| vec![letter; 512]).collect();
    let content = blocks.iter().flat_map(|block| [vec![0; 512], block.clone()].concat()).chain([0; 100]);
    let runs = (0..6).map(|number| (512 + 1024 * number, 512)).collect();
    (content.collect(), runs, blocks.concat())
}

#[test]
fn a_sparse_file_of_gnu_is_as_long_as_it_was() {
    let (content, runs, data) = sparse();
    let mut header = Header::new_gnu();
    header.set_entry_type(EntryType::GNUSparse);
    header.set_path("s").unwrap();
    header.set_mode(0o644);
    header.set_size(data.len() as u64);
    let gnu = header.as_gnu_mut().unwrap();
    gnu.set_real_size(content.len() as u64);
    gnu.set_is_extended(true);
    let mut more = GnuExtSparseHeader::new();
    for (place, (begin, length)) in gnu.sparse.iter_mut().chain(more.sparse_mut()).zip(&runs) {
        place.set_offset(*begin);
        place.set_length(*length);
    }
    header.set_cksum();
    let bytes = |header: &Header| {
        let last = block("last", FILE, 1, b"x");
        [&header.as_bytes()[..], more.as_bytes(), &data, &last].concat()
    };
    let bundle = Bundle::new(&bytes(&header));
    bundle.unpack(BundleType::Tar).unwrap();
    assert!(fs::read(bundle.path("s")).unwrap() == content && bundle.path("last").exists());
    for size in [100, 1 << 40] {
        header.as_gnu_mut().unwrap().set_real_size(size);
        header.set_cksum();
        let error = Bundle::new(&bytes(&header)).unpack(BundleType::Tar).unwrap_err();
        let said =
            if size == 100 { "the map of the sparse file s is wrong" } else { "s unpacks to more than" };
        assert!(error.contains(said), "{error}");
    }
}

#[test]
fn a_sparse_file_of_pax_is_one_of_form_1_0() {
    let (content, runs, data) = sparse();
    let size = content.len().to_string();
    let records = [
        ("GNU.sparse.major", "1"),
        ("GNU.sparse.minor", "0"),
        ("GNU.sparse.name", "s"),
        ("GNU.sparse.realsize", &size),
    ];
    let lines: String = runs.iter().map(|(begin, length)| format!("{begin}\n{length}\n")).collect();
    let unpack = |records: &[(&str, &str)], map: &str| {
        let packed = [in_blocks(map.as_bytes()), data.clone()].concat();
        let file = block("GNUSparseFile.1/s", FILE, packed.len() as u64, &packed);
        let bundle = Bundle::new(&[pax(records), file, block("last", FILE, 1, b"x")].concat());
        bundle.unpack(BundleType::Tar).map(|()| bundle)
    };
    let bundle = unpack(&records, &format!("6\n{lines}")).unwrap();
    assert!(fs::read(bundle.path("s")).unwrap() == content && bundle.path("last").exists());
    for map in
        ["x\n", "1\n0\n", "1\n0\n4096\n", "2\n512\n512\n0\n512\n", "99999999999999999999\n", "2000000\n"]
    {
        let error = unpack(&records, map).err().unwrap();
        assert!(error.contains("the map of the sparse file s is wrong"), "{map:?}: {error}");
    }
    let error = unpack(&[("GNU.sparse.map", "0,512"), ("GNU.sparse.name", "s")], "").err().unwrap();
    assert!(error.contains("s is a sparse file of a form that is not read here"), "{error}");
}

#[test]
fn a_bundle_that_is_no_whole_archive_is_told_from_one_that_is_refused() {
    let (zip, _) = whole();
    let mut directory = zip.clone();
    let at = directory.windows(4).position(|four| four == b"PK\x01\x02").unwrap();
    directory[at] = b'Q';
    for bytes in [&zip[..zip.len() - 30], &directory, b"not an archive at all"] {
        assert!(damage_of(bytes, &|_| false).unwrap_err().damaged);
    }
    let (tar, far) = (tar(&[("a", FILE, &"x".repeat(2000))]), tar(&[("../evil", FILE, "x")]));
    let mut tgz = GzEncoder::new(Vec::new(), Compression::default());
    tgz.write_all(&tar).unwrap();
    let tgz = tgz.finish().unwrap();
    let mut wrong = tgz.clone();
    let last = wrong.len() - 6;
    wrong[last] ^= 1;
    for (bytes, damaged) in
        [(&tar[..1000], true), (&tgz[..tgz.len() - 20], true), (&wrong, true), (&far, false)]
    {
        let bundle = Bundle::new(bytes);
        let error = contents(&bundle.guard.path().join("bundle.tar"), &BundleType::Tar).err().unwrap();
        assert_eq!(error.damaged, damaged, "{}", error.message);
    }
    assert!(!contents(Path::new("/nowhere"), &BundleType::Zip).err().unwrap().damaged);
}

#[test]
fn of_a_large_zip_the_content_of_what_is_wanted_is_read() {
    let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    let mut bytes = zip(|writer| {
        writer.start_file("large", SimpleFileOptions::default()).unwrap();
        writer.write_all(&vec![b'x'; 17 << 20]).unwrap();
        writer.start_file("data", stored).unwrap();
        writer.write_all(b"0123456789").unwrap();
    });
    let at = bytes.windows(10).position(|ten| ten == b"0123456789").unwrap();
    bytes[at] = b'x';
    assert_eq!(damage_of(&bytes, &|_| false).unwrap(), []);
    assert_eq!(damage_of(&bytes, &|name| name == "data").unwrap(), [("data".to_owned(), Fault::Checksum)]);
}

/// GNU tar's `--label` and `--listed-incremental`.
#[test]
fn labels_and_incremental_dumps_are_unpacked_as_by_tar() {
    let bytes = [
        block("nightly", EntryType::new(b'V'), 0, b""),
        block("d/", EntryType::new(b'D'), 4, b"Yx\0\0"),
        block("d/x", EntryType::Regular, 2, b"hi"),
        vec![0; 1024],
    ];
    let bundle = Bundle::new(&bytes.concat());
    bundle.unpack(BundleType::Tar).unwrap();
    assert!(!bundle.path("nightly").exists());
    assert_eq!(fs::read_to_string(bundle.path("d/x")).unwrap(), "hi");
}

#[test]
fn of_directories_and_links_nothing_follows_whatever_their_size() {
    let bytes = [
        block("d", EntryType::Directory, 512, b""),
        block("d/x", FILE, 1, b"1"),
        changed(block("l", LINK, 512, b""), &[(157, b"d/x")]),
        block("d/y", FILE, 1, b"2"),
        [pax(&[("size", "512")]), changed(block("h", EntryType::Link, 0, b""), &[(157, b"d/x")])].concat(),
        block("d/z", FILE, 1, b"3"),
    ];
    let bundle = Bundle::new(&bytes.concat());
    bundle.unpack(BundleType::Tar).unwrap();
    for (name, text) in [("d/x", "1"), ("l", "1"), ("d/y", "2"), ("h", "1"), ("d/z", "3")] {
        assert_eq!(fs::read_to_string(bundle.path(name)).unwrap(), text, "{name}");
    }
}

#[test]
fn a_directory_has_its_last_mode_and_a_hard_link_its_files() {
    let of = |block: Vec<u8>, mode: &[u8; 7]| changed(block, &[(100, mode)]);
    let hard = |name: &str| changed(block(name, EntryType::Link, 0, b""), &[(157, b"run")]);
    let directory = |name: &str| block(name, EntryType::Directory, 0, b"");
    let bytes = [
        of(directory("narrow"), b"0000755"),
        block("narrow/file", FILE, 1, b"x"),
        of(directory("narrow"), b"0000700"),
        of(directory("wide"), b"0000700"),
        of(directory("./wide/"), b"0000755"),
        of(block("run", FILE, 1, b"x"), b"0000755"),
        of(hard("hard"), b"0000644"),
        of(hard("closed"), b"0000000"),
        changed(block("none", FILE, 1, b"x"), &[(100, &[0; 8])]),
    ];
    let bundle = Bundle::new(&bytes.concat());
    bundle.unpack(BundleType::Tar).unwrap();
    for (name, mode) in
        [("narrow", 0o700), ("wide", 0o755), ("run", 0o755), ("hard", 0o755), ("closed", 0o755), ("none", 0)]
    {
        assert_eq!(fs::metadata(bundle.path(name)).unwrap().permissions().mode() & 0o777, mode, "{name}");
    }
}

#[test]
fn a_global_header_holds_until_the_next_one() {
    let global = |records: &[(&str, &str)]| attributes(EntryType::XGlobalHeader, records);
    let link = |name: &str| changed(block(name, LINK, 0, b""), &[(157, b"own")]);
    let bytes = [
        global(&[("path", "all"), ("size", "2")]),
        [ahead(EntryType::GNULongName, b"long"), block("no", FILE, 1, b"12")].concat(),
        [pax(&[("path", "mine"), ("size", "3")]), block("no", FILE, 1, b"123")].concat(),
        global(&[("linkpath", "away")]),
        block("own", FILE, 1, b"1"),
        [ahead(EntryType::GNULongLink, b"long"), link("l")].concat(),
        [pax(&[("linkpath", "mine")]), link("m")].concat(),
    ];
    let bundle = Bundle::new(&bytes.concat());
    bundle.unpack(BundleType::Tar).unwrap();
    for (name, text) in [("all", "12"), ("mine", "123"), ("own", "1")] {
        assert_eq!(fs::read_to_string(bundle.path(name)).unwrap(), text, "{name}");
    }
    for (name, target) in [("l", "away"), ("m", "mine")] {
        assert_eq!(fs::read_link(bundle.path(name)).unwrap(), Path::new(target), "{name}");
    }
}

/// What old, odd and other tools write, GNU tar reads.
#[test]
fn headers_of_other_tools_are_read_as_by_tar() {
    let posix = |version: &[u8]| [b"ustar\0", version].concat();
    let prefixed = |version: &[u8], name: &str| {
        changed(block(name, FILE, 1, b"x"), &[(257, &posix(version)), (345, b"dir/sub")])
    };
    let mut sun = changed(block("s!", FILE, 1, b"x"), &[(1, b"\xff")]);
    let sum = u32::from_str_radix(std::str::from_utf8(&sun[148..155]).unwrap(), 8).unwrap() - 256;
    sun[148..155].copy_from_slice(format!("{sum:07o}").as_bytes());
    let other = |letter: u8| EntryType::new(letter);
    let records = [("path", "solaris")];
    let bytes = [
        block("label", other(b'V'), 512, &block("evil", FILE, 0, b"")),
        prefixed(b"  ", "blank"),
        prefixed(b"\0\0", "zero"),
        [attributes(other(b'X'), &records), block("no", FILE, 1, b"x")].concat(),
        block("acl", other(b'A'), 1, b"x"),
        changed(block("nothing", FILE, 0, b""), &[(124, &[0; 12])]),
        block("contiguous/", EntryType::Continuous, 0, b""),
    ];
    let mut tar = bytes.concat();
    tar.extend(b"less than a block");
    let bundle = Bundle::new(&tar);
    bundle.unpack(BundleType::Tar).unwrap();
    for name in ["dir/sub/blank", "dir/sub/zero", "solaris", "acl", "nothing"] {
        assert!(bundle.path(name).is_file(), "{name}");
    }
    assert!(bundle.path("contiguous").is_dir() && !bundle.path("evil").exists());
    // The name is no text.
    let bundle = Bundle::new(&sun);
    let path = bundle.guard.path().join("bundle.tar");
    unpack(&path, &BundleType::Tar, &bundle.path("")).unwrap();
    assert!(bundle.path("").join(OsStr::from_bytes(b"s\xff")).is_file());
    // A stranger's bytes are in no message.
    for (bytes, said) in [
        (b"junk".repeat(128), "the checksum of a header is wrong"),
        (changed(block("q", FILE, 1, b"x"), &[(124, b"12345678junk")]), "the size of an entry is no number"),
    ] {
        let error = Bundle::new(&bytes).unpack(BundleType::Tar).unwrap_err();
        assert_eq!(error, format!("Error extracting tar archive: {said}"));
    }
    // It goes on in another archive.
    let error = Bundle::new(&block("q", other(b'M'), 1, b"x")).unpack(BundleType::Tar).unwrap_err();
    assert!(error.contains("q is neither file, directory nor link"), "{error}");
}
