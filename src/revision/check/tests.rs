//! Checks of whole bundles, and what becomes of a directory that is bundled.

use std::fs;
use std::io::Write;
use std::os::unix::fs::{PermissionsExt, symlink};

use super::super::listing::walk;
use super::super::{Links, check_pattern, pack};
use super::*;
use crate::appspec::Agent;

mod archives;
mod programs;

const APPSPEC: &str = "version: 0.0\nos: linux\nhooks:\n  AfterInstall:\n    - location: scripts/run.sh\n";

/// A small revision with everything that a bundle must carry.
fn site() -> tempfile::TempDir {
    let guard = tempfile::tempdir().unwrap();
    let path = |name: &str| guard.path().join(name);
    for directory in ["scripts", "empty", ".git", "sub/.git"] {
        fs::create_dir_all(path(directory)).unwrap();
    }
    fs::write(path("appspec.yml"), APPSPEC).unwrap();
    fs::write(path("scripts/run.sh"), "#!/bin/sh\n").unwrap();
    fs::set_permissions(path("scripts/run.sh"), fs::Permissions::from_mode(0o750)).unwrap();
    fs::write(path(".gitignore"), "ignored\n").unwrap();
    fs::write(path("ignored"), "kept").unwrap();
    fs::write(path(".git/config"), "secret").unwrap();
    symlink("scripts/run.sh", path("link")).unwrap();
    symlink("scripts", path("directory-link")).unwrap();
    guard
}

/// Name, kind, mode and content of all below a directory.
fn picture(directory: &Path) -> Vec<(String, appspec::Kind, u32, Vec<u8>)> {
    let content = |found: &super::super::listing::Found| match found.kind {
        appspec::Kind::File => fs::read(&found.path).unwrap(),
        appspec::Kind::Link => {
            fs::read_link(&found.path).unwrap().to_string_lossy().into_owned().into_bytes()
        }
        appspec::Kind::Directory => Vec::new(),
    };
    let found = walk(directory, &Selection::default()).unwrap().0;
    found.iter().map(|found| (found.name.clone(), found.kind.clone(), found.mode, content(found))).collect()
}

#[test]
fn what_is_packed_unpacks_to_the_same() {
    let (site, place) = (site(), tempfile::tempdir().unwrap());
    let bundle = place.path().join("site.zip");
    let mut heard = (0, 0);
    let packed = pack(site.path(), &bundle, &BundleType::Zip, &Selection::default(), &mut |done, total| {
        heard = (done, total)
    })
    .unwrap();
    assert_eq!(heard.0, heard.1);
    assert_eq!(packed.bytes, fs::metadata(&bundle).unwrap().len());
    let out = place.path().join("out");
    fs::create_dir(&out).unwrap();
    runner::unpack(&bundle, &BundleType::Zip, &out).unwrap();
    let before = picture(site.path());
    assert_eq!(picture(&out), before);
    assert_eq!(packed.entries, before.len());
    let names: Vec<&str> = before.iter().map(|entry| entry.0.as_str()).collect();
    assert_eq!(
        names,
        [
            ".gitignore",
            "appspec.yml",
            "directory-link",
            "empty",
            "ignored",
            "link",
            "scripts",
            "scripts/run.sh",
            "sub"
        ]
    );
}

#[test]
fn the_same_files_make_the_same_bytes() {
    let (one, two, place) = (site(), site(), tempfile::tempdir().unwrap());
    let bytes = |directory: &Path, name: &str| {
        let bundle = place.path().join(name);
        pack(directory, &bundle, &BundleType::Zip, &Selection::default(), &mut |_, _| {}).unwrap();
        fs::read(bundle).unwrap()
    };
    assert_eq!(bytes(one.path(), "1.zip"), bytes(two.path(), "2.zip"));
}

/// Unpacks a bundle of a directory, made as it says.
fn through(directory: &Path, kind: &BundleType, selection: &Selection) -> Vec<(String, Kind, u32, Vec<u8>)> {
    let place = tempfile::tempdir().unwrap();
    let (bundle, out) = (place.path().join("bundle"), place.path().join("out"));
    pack(directory, &bundle, kind, selection, &mut |_, _| {}).unwrap();
    fs::create_dir(&out).unwrap();
    runner::unpack(&bundle, kind, &out).unwrap();
    let picture = picture(&out);
    let contents = runner::contents(&bundle, kind).unwrap();
    let listed: Vec<_> =
        contents.listing().iter().map(|(name, entry)| (name, &entry.kind, entry.mode)).collect();
    let mut there: Vec<_> = picture.iter().map(|(name, kind, mode, _)| (name, kind, *mode)).collect();
    there.sort_by_key(|(name, ..)| *name);
    assert_eq!(listed, there, "{kind}");
    picture
}

const KINDS: [BundleType; 3] = [BundleType::Zip, BundleType::Tar, BundleType::Tgz];

/// A tree that nobody would think of: names, modes, sizes and links by chance. `control`: names with characters that
/// `unzip` drops.
fn random_tree(random: &mut fastrand::Rng, control: bool) -> tempfile::TempDir {
    let guard = tempfile::tempdir().unwrap();
    fs::write(guard.path().join("appspec.yml"), APPSPEC).unwrap();
    let mut folders = vec![guard.path().to_owned()];
    let name = |random: &mut fastrand::Rng| {
        let letters = [
            "a",
            "B",
            "é",
            " ",
            "-",
            ".x",
            "日",
            "'",
            "%",
            "\\",
            "~",
            if control { "\n" } else { "ü" },
            if control { "\t" } else { "+" },
            "*",
            "long".repeat(20).as_str(),
        ]
        .map(str::to_owned);
        (0..random.usize(1..4)).map(|_| letters[random.usize(..letters.len())].clone()).collect::<String>()
    };
    for _ in 0..random.usize(1..40) {
        let path = folders[random.usize(..folders.len())].join(name(random));
        if path.symlink_metadata().is_ok() || path.as_os_str().len() > 900 {
            continue;
        }
        match random.u8(..5) {
            0 => {
                fs::create_dir(&path).unwrap();
                folders.push(path);
            }
            1 => {
                let far = "far/".repeat(40);
                let ways = ["", "../", "/etc/", "./", far.as_str()];
                symlink(format!("{}{}", ways[random.usize(..ways.len())], name(random)), &path).unwrap();
            }
            _ => {
                let size = [0, 1, 5000, 70_000][random.usize(..4)];
                fs::write(&path, (0..size).map(|_| random.u8(..)).collect::<Vec<_>>()).unwrap();
                fs::set_permissions(&path, fs::Permissions::from_mode(0o400 | random.u32(..0o1000))).unwrap();
            }
        }
    }
    guard
}

#[test]
fn whatever_is_bundled_unpacks_to_what_it_was() {
    for seed in 0..24 {
        for kind in &KINDS {
            let tree = random_tree(&mut fastrand::Rng::with_seed(seed), *kind != BundleType::Zip);
            let before = picture(tree.path());
            assert_eq!(through(tree.path(), kind, &Selection::default()), before, "seed {seed}, {kind}");
        }
    }
}

#[test]
fn a_large_file_among_small_ones_keeps_its_place_and_the_bytes_are_the_same() {
    let (site, place) = (site(), tempfile::tempdir().unwrap());
    fs::write(site.path().join("big"), fastrand::Rng::with_seed(1).u128(..).to_string().repeat(200_000))
        .unwrap();
    let before = picture(site.path());
    for kind in &KINDS {
        assert_eq!(through(site.path(), kind, &Selection::default()), before, "{kind}");
        let bytes = |name: &str| {
            let bundle = place.path().join(name);
            pack(site.path(), &bundle, kind, &Selection::default(), &mut |_, _| {}).unwrap();
            fs::read(bundle).unwrap()
        };
        assert!(bytes("one") == bytes("two"), "{kind}");
    }
}

#[test]
fn a_selection_says_what_is_taken() {
    let site = site();
    let names = |selection: Selection| -> Vec<String> {
        walk(site.path(), &selection).unwrap().0.into_iter().map(|found| found.name).collect()
    };
    fs::write(site.path().join(".cdctlignore"), "/ignored\nempty/\n").unwrap();
    let all = names(Selection::default());
    assert!(!all.iter().any(|name| [".cdctlignore", "ignored", "empty", ".git"].contains(&name.as_str())));
    assert!(names(Selection { with_git: true, ..Selection::default() }).contains(&".git/config".to_owned()));
    let without =
        Selection { exclude: vec!["*.sh".to_owned()], without_hidden: true, ..Selection::default() };
    assert_eq!(names(without), ["appspec.yml", "directory-link", "link", "scripts", "sub"]);
    let excluding = |patterns: &[&str]| {
        let exclude = patterns.iter().map(|pattern| (*pattern).to_owned()).collect();
        names(Selection { exclude, ..Selection::default() })
    };
    assert_eq!(excluding(&[""]), names(Selection::default()), "an empty line names nothing");
    let taken_again = excluding(&["link", "directory-*", "!directory-link"]);
    assert!(!taken_again.contains(&"link".to_owned()));
    assert!(taken_again.contains(&"directory-link".to_owned()));
    assert!(check_pattern("[z-a]").is_err() && check_pattern("*.sh").is_ok());
    let own = Selection { own: Some(site.path().join("link")), ..Selection::default() };
    assert!(!names(own).contains(&"link".to_owned()));
}

#[test]
fn links_are_kept_followed_or_refused() {
    let site = site();
    let with = |links| Selection { links, ..Selection::default() };
    let followed = through(site.path(), &BundleType::Zip, &with(Links::Follow));
    let kind = |name: &str| followed.iter().find(|entry| entry.0 == name).map(|entry| entry.1.clone());
    assert_eq!(kind("link"), Some(Kind::File));
    assert_eq!(kind("directory-link/run.sh"), Some(Kind::File));
    assert_eq!(through(site.path(), &BundleType::Zip, &with(Links::FollowWithin)), followed);
    let outside = tempfile::tempdir().unwrap();
    symlink(outside.path(), site.path().join("out")).unwrap();
    symlink("out", site.path().join("by-way")).unwrap();
    let source = Source::of(site.path()).unwrap();
    let report = check(&source, Scope::default(), &with(Links::Follow)).unwrap();
    let codes: Vec<_> = report.findings.iter().map(|finding| finding.code).collect();
    assert_eq!(codes, ["A062", "A062"]);
    let Err(error) = walk(site.path(), &with(Links::FollowWithin)) else { panic!("it leads out") };
    assert_eq!(error.message, "by-way is a link to out, which is no part of the commit");
    fs::remove_file(site.path().join("out")).unwrap();
    fs::remove_file(site.path().join("by-way")).unwrap();
    let Err(error) = walk(site.path(), &with(Links::Refuse)) else { panic!("links are refused") };
    assert_eq!(error.message, "directory-link is a link");
    symlink("nowhere", site.path().join("a-dangling")).unwrap();
    let Err(error) = walk(site.path(), &with(Links::Follow)) else { panic!("it leads nowhere") };
    assert_eq!(error.message, "a-dangling is a link to nowhere, which is not there");
    fs::remove_file(site.path().join("a-dangling")).unwrap();
    symlink("..", site.path().join("scripts/up")).unwrap();
    let Err(error) = walk(site.path(), &with(Links::Follow)) else { panic!("it leads into itself") };
    assert!(error.message.ends_with("/up is a link to a directory that it is in"), "{}", error.message);
}

#[test]
fn links_that_double_what_there_is_come_to_an_end() {
    let site = site();
    // The system follows forty, and may count some of them twice.
    for n in 0..16 {
        fs::create_dir(site.path().join(format!("l{n}"))).unwrap();
        for name in ["a", "b"] {
            symlink(format!("../l{}", n + 1), site.path().join(format!("l{n}/{name}"))).unwrap();
        }
    }
    fs::create_dir(site.path().join("l16")).unwrap();
    for links in [Links::Follow, Links::FollowWithin] {
        let Err(error) = walk(site.path(), &Selection { links, ..Selection::default() }) else {
            panic!("it goes on and on")
        };
        let said = "more than 5000 files and directories are reached through links, now through l0/a";
        assert_eq!(error.message, said);
    }
    assert!(walk(site.path(), &Selection::default()).unwrap().0.len() < 100);
}

#[test]
fn what_is_left_out_of_the_bundle_is_missing_in_the_check() {
    let site = site();
    let selection = Selection { exclude: vec!["scripts".to_owned()], ..Selection::default() };
    let report = check(&Source::of(site.path()).unwrap(), Scope::default(), &selection).unwrap();
    assert_eq!(report.findings[0].code, "A037");
}

#[test]
fn the_rule_that_leaves_out_what_is_missing_is_named() {
    let site = site();
    let write = |name: &str, text: &str| fs::write(site.path().join(name), text).unwrap();
    let files = ["/ignored/", "sub/data", ".git/config", ".gitignore", "ignored/nothing"];
    let entry = |source: &&str| format!("  - {{source: {source}, destination: /srv}}\n");
    let files = files.iter().map(entry).collect::<String>();
    let appspec = format!("{APPSPEC}files:\n{files}");
    let help = |selection: &Selection| -> Vec<String> {
        let report = check(&Source::of(site.path()).unwrap(), Scope::default(), selection).unwrap();
        let missing =
            report.findings.iter().filter(|finding| ["A015", "A037", "A060"].contains(&finding.code));
        missing.filter_map(|finding| finding.help.clone()).collect()
    };
    fs::remove_file(site.path().join("ignored")).unwrap();
    fs::create_dir(site.path().join("ignored")).unwrap();
    write("sub/data", "x");
    write("appspec.yml", &appspec);
    write(".cdctlignore", "# built\nignored/\n*.sh\n!run.sh\ndata\n");
    write("sub/.cdctlignore", "!data\n");
    let generic = "a source is a path below the bundle's root";
    let git = "`.git` is left out of bundles, but with --include-git";
    let ignored = "`ignored/` in .cdctlignore leaves it out";
    assert_eq!(help(&Selection::default()), [ignored, git, generic]);
    write("sub/.cdctlignore", "da*\n");
    let selection =
        Selection { exclude: vec!["scripts/*".to_owned()], without_hidden: true, ..Selection::default() };
    let hidden = "--ignore-hidden-files leaves `.gitignore` out";
    let excluded = "--exclude `scripts/*` leaves it out";
    let data = "`da*` in sub/.cdctlignore leaves it out";
    assert_eq!(help(&selection), [excluded, ignored, data, git, hidden, generic]);
    write(".cdctlignore", "*.yml\n");
    assert_eq!(help(&Selection::default()), ["`*.yml` in .cdctlignore leaves it out"]);
}

#[test]
fn pipes_are_left_out_with_a_word() {
    let (site, place) = (site(), tempfile::tempdir().unwrap());
    let socket = std::os::unix::net::UnixListener::bind(site.path().join("socket")).unwrap();
    let packed = pack(
        site.path(),
        &place.path().join("a.zip"),
        &BundleType::Zip,
        &Selection::default(),
        &mut |_, _| {},
    )
    .unwrap();
    assert_eq!(packed.warnings, ["socket is a pipe, socket or device and is left out"]);
    drop(socket);
}

#[test]
fn another_name_for_the_appspec_is_told() {
    let (site, place) = (site(), tempfile::tempdir().unwrap());
    fs::rename(site.path().join("appspec.yml"), site.path().join("appspec.yaml")).unwrap();
    let error = pack(
        site.path(),
        &place.path().join("a.zip"),
        &BundleType::Zip,
        &Selection::default(),
        &mut |_, _| {},
    )
    .unwrap_err();
    assert!(error.to_string().contains("rename appspec.yaml to appspec.yml"), "{error}");
    let report = check(&Source::of(site.path()).unwrap(), Scope::default(), &Selection::default()).unwrap();
    assert_eq!(report.findings[0].code, "A060");
    // A directory of the right name is not one to rename.
    fs::remove_file(site.path().join("appspec.yaml")).unwrap();
    fs::create_dir(site.path().join("appspec.yml")).unwrap();
    let report = check(&Source::of(site.path()).unwrap(), Scope::default(), &Selection::default()).unwrap();
    let help = report.findings[0].help.as_deref();
    assert_eq!(help, Some("what is called appspec.yml there is a directory: the agent looks for a file"));
}

#[test]
fn an_appspec_that_is_a_link_to_no_file_of_the_bundle_is_missing() {
    for target in ["nowhere", "scripts", "/etc/hostname", "../../nowhere/appspec.yml"] {
        let (site, place) = (site(), tempfile::tempdir().unwrap());
        let mut sources = vec![site.path().to_owned()];
        for kind in &KINDS {
            let bundle = place.path().join(format!("site.{kind}"));
            fs::remove_file(site.path().join("appspec.yml")).unwrap();
            symlink(target, site.path().join("appspec.yml")).unwrap();
            pack(site.path(), &bundle, kind, &Selection::default(), &mut |_, _| {}).unwrap();
            sources.push(bundle);
        }
        for source in sources {
            let source = Source::of(&source).unwrap();
            let report = check(&source, Scope::default(), &Selection::default()).unwrap();
            let [finding] = report.findings.as_slice() else { panic!("{:?}", report.findings) };
            let told = format!("is a link to `{target}`, which is no file of the bundle");
            assert!(report.is_missing() && finding.message.ends_with(&told), "{}", finding.message);
        }
    }
}

#[test]
fn what_is_no_source_is_told() {
    let site = site();
    assert!(Source::of(&site.path().join("scripts/run.sh")).is_err());
    assert!(Source::of(&site.path().join("nowhere")).unwrap_err().message.contains("cannot read"));
}
