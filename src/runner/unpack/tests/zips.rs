//! Zips as `unzip` takes them, and what is damaged in them.

use super::*;

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
fn a_name_ends_at_a_zero() {
    let mut bytes = zip(|writer| writer.start_file("a!b", SimpleFileOptions::default()).unwrap());
    bytes.iter_mut().filter(|byte| **byte == b'!').for_each(|byte| *byte = 0);
    let bundle = Bundle::new(&bytes);
    bundle.unpack(BundleType::Zip).unwrap();
    assert!(bundle.path("a").is_file());
    let listed = contents(&bundle.guard.path().join("bundle.tar"), &BundleType::Zip).unwrap();
    assert_eq!(listed.changed, [("a\0b".to_owned(), "a".to_owned())]);
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
