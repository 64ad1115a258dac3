//! Tars as `tar` takes them: their packing, headers and sparse files.

use super::*;

#[test]
fn a_tgz_is_told_by_its_bytes() {
    let bytes = gzipped(&tar(&[("a", FILE, "content")]));
    for kind in [BundleType::Tgz, BundleType::Tar] {
        let bundle = Bundle::new(&bytes);
        bundle.unpack(kind).unwrap();
        assert_eq!(fs::read_to_string(bundle.path("a")).unwrap(), "content");
    }
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
