//! Bombs, and what is refused before it is read.

use super::*;

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

/// A zip says how many it has.
#[test]
fn of_a_zip_with_too_many_entries_none_is_written() {
    let bytes = zip(|writer| {
        for number in 0..=200_000 {
            writer.start_file(number.to_string(), SimpleFileOptions::default()).unwrap();
        }
    });
    let bundle = Bundle::new(&bytes);
    let error = bundle.unpack(BundleType::Zip).unwrap_err();
    assert!(error.ends_with("more than 200000 entries"), "{error}");
    assert_eq!(fs::read_dir(bundle.path("")).unwrap().count(), 0);
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
fn a_bomb_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let mut gate = Gate::new(42_374);
    assert!(gate.left() < 3 << 30, "5.5 GB of 42 kB, as the known ones have it");
    gate.count(gate.left() - 1000, Path::new("zeros")).unwrap();
    let mut sink = Sink::new(folder.path(), gate, Keep::Modes).unwrap();
    let error =
        sink.file(Path::new("more"), &Attributes::default(), &mut io::repeat(0)).unwrap_err().to_string();
    let limit =
        "more unpacks to more than a bundle may hold: 200 times its packed size and 256 MiB, 16 GiB at most";
    assert!(error.ends_with(limit), "{error}");
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
        assert!(is_refused && error.contains("unpacks to more than a bundle may hold: 200 times"), "{error}");
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
