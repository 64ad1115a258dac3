//! Checks what would be deployed: the AppSpec of a directory or archive, against what is in it.

use std::path::{Path, PathBuf};

use crate::appspec::{self, Finding, Kind, Scope, Severity};
use crate::model::BundleType;
use crate::runner;

use super::bundle::{is_other_case, require_appspec};
use super::listing::{Found, Named, listing, outside, walk};
use super::{Error, Selection, Source};

/// What a check found.
#[derive(Debug)]
pub struct Report {
    /// The AppSpec's name for people: below the directory, or within the archive.
    pub path: String,
    /// Where it can be written to; none within an archive.
    pub file: Option<PathBuf>,
    pub text: Vec<u8>,
    pub findings: Vec<Finding>,
}

impl Report {
    /// There is no AppSpec.
    pub fn is_missing(&self) -> bool {
        self.findings.iter().any(|finding| finding.code == "A060" && finding.severity == Severity::Error)
    }

    pub fn has_errors(&self) -> bool {
        self.has(Severity::Error)
    }

    pub fn has(&self, severity: Severity) -> bool {
        self.findings.iter().any(|finding| finding.severity == severity)
    }

    /// `2 errors, 1 warning`
    pub fn in_words(&self) -> String {
        let count = |severity: Severity, word: &str| {
            let n = self.findings.iter().filter(|finding| finding.severity == severity).count();
            (n > 0).then(|| format!("{n} {word}{}", if n == 1 { "" } else { "s" }))
        };
        let words = [
            count(Severity::Error, "error"),
            count(Severity::Warning, "warning"),
            count(Severity::Note, "note"),
        ];
        let words: Vec<String> = words.into_iter().flatten().collect();
        if words.is_empty() { "nothing to complain about".to_owned() } else { words.join(", ") }
    }

    /// For people.
    pub fn render(&self, colour: bool) -> String {
        appspec::render(&self.path, &self.text, &self.findings, colour)
    }
}

/// Checks a directory, as far as the selection takes it, an archive or an AppSpec alone. A missing AppSpec is a finding; what cannot be read at all is
/// an error.
pub fn check(source: &Source, scope: Scope, selection: &Selection) -> Result<Report, Error> {
    check_as(source, scope, selection, None)
}

/// As [`check`], of a bundle whose AppSpec has the name that was chosen for it.
pub fn check_as(
    source: &Source,
    scope: Scope,
    selection: &Selection,
    name: Option<&str>,
) -> Result<Report, Error> {
    match source {
        Source::Directory(directory) => check_directory(directory, (scope, name), selection),
        Source::Ready(file, BundleType::Yaml | BundleType::Json) => {
            let text = read(file)?;
            let findings = appspec::check(&text, None, scope).findings;
            Ok(Report { path: file.display().to_string(), file: Some(file.clone()), text, findings })
        }
        Source::Ready(archive, kind) => check_archive(archive, kind, (scope, name)),
    }
}

fn read(file: &Path) -> Result<Vec<u8>, Error> {
    runner::read_appspec(file).map_err(|error| Error::new(format!("cannot read {}: {error}", file.display())))
}

fn check_directory(
    directory: &Path,
    (scope, wanted): (Scope, Option<&str>),
    selection: &Selection,
) -> Result<Report, Error> {
    let (found, left_out) = walk(directory, selection)?;
    let warnings = left_out.into_iter().map(|message| Finding::warning("A061", None, message));
    let named = |name: &str| directory.join(name).display().to_string();
    let mut text = |name: &str| runner::read_appspec(&directory.join(name)).ok();
    let Some(name) = appspec_name(wanted, &found, &mut text) else {
        return Ok(missing(named(wanted.unwrap_or(appspec::FILE_NAME)), directory, wanted, &found));
    };
    let file = directory.join(name);
    // A link of a stranger's to a file of this machine: its lines would stand in the findings.
    let is_link = found.iter().any(|found| found.name == name && found.kind == Kind::Link);
    if is_link && outside(directory, &file).ok().flatten().is_some() {
        let message = format!("cannot read {}: it is a link out of the bundle", named(name));
        return Err(Error::new(message));
    }
    let text = read(&file)?;
    let listing = listing(&found, &text)?;
    let mut findings = appspec::check(&text, Some(&listing), scope).findings;
    findings.extend(warnings.chain(appspec::names(&listing)).chain(from_outside(&found)));
    findings.extend(case_of(name, wanted));
    Ok(Report { path: named(name), file: Some(file), text, findings })
}

/// Links out of the directory that were followed: the bundle has a copy of what is there on this machine.
fn from_outside(found: &[Found]) -> impl Iterator<Item = Finding> {
    let links = found.iter().filter_map(|found| Some((&found.name, found.from_outside.as_ref()?)));
    let note = |(name, target): (&String, &PathBuf)| {
        let target = target.display();
        Finding::note(
            "A062",
            None,
            format!("`{name}` is a link out of the bundle, to `{target}`: that is copied"),
        )
    };
    links.map(note).take(appspec::MOST)
}

/// Nothing is unpacked: what is in a large bundle is told within a moment.
fn check_archive(
    archive: &Path,
    kind: &BundleType,
    (scope, wanted): (Scope, Option<&str>),
) -> Result<Report, Error> {
    let told = |message: String| Error::new(format!("cannot unpack {}: {message}", archive.display()));
    let base = wanted.map(|name| name.rsplit('/').next().unwrap_or(name));
    let whole = base.as_ref().map_or(NAMES, std::slice::from_ref);
    let mut contents = runner::contents(archive, kind, whole).map_err(told)?;
    let found = contents.listing().iter().map(|(name, entry)| Found {
        name: name.clone(),
        path: archive.to_owned(),
        kind: entry.kind.clone(),
        mode: entry.mode,
        size: 0,
        from_outside: None,
    });
    let found: Vec<Found> = found.collect();
    let named = |name: &str| format!("{}:{name}", archive.display());
    let mut text = |name: &str| contents.text(name).ok().flatten();
    let Some(name) = appspec_name(wanted, &found, &mut text) else {
        return Ok(missing(named(wanted.unwrap_or(appspec::FILE_NAME)), archive, wanted, &found));
    };
    let text = contents.text(name).map_err(|error| told(error.to_string()))?;
    let text = text.ok_or_else(|| Error::new(format!("cannot read {}: it leads to no file", named(name))))?;
    let backslashes = contents.backslashes.then(|| {
        let message = "names in this zip have backslashes, which `unzip` takes for slashes with a warning";
        Finding::warning("A064", None, message).help("make the zip by a tool that writes slashes")
    });
    let links = contents.listing().iter().filter(|(_, entry)| entry.kind == Kind::Link);
    let named_files = Named::new(&text, links.map(|(name, entry)| (name.as_str(), entry.head.as_slice())));
    let listing =
        contents.with_heads(&|path| named_files.has(path)).map_err(|error| told(error.to_string()))?;
    let mut findings = appspec::check(&text, Some(&listing), scope).findings;
    findings.extend(appspec::names(&listing).into_iter().chain(backslashes));
    findings.extend(case_of(name, wanted));
    Ok(Report { path: named(name), file: None, text, findings })
}

/// The report of a revision without an AppSpec.
fn missing(path: String, shown: &Path, wanted: Option<&str>, found: &[Found]) -> Report {
    let mut finding = Finding::error("A060", None, format!("{} has no appspec.yml", shown.display()));
    if let Some(name) = wanted {
        finding = Finding::error("A060", None, format!("{} has no {name}", shown.display()));
    } else if let Err(Error { message, help }) = require_appspec(shown, found) {
        finding = Finding::error("A060", None, message);
        finding.help = help;
    }
    Report { path, file: None, text: Vec::new(), findings: vec![finding] }
}

/// What an AppSpec at the root may be called; by the others than the first only one for Lambda or ECS.
const NAMES: &[&str] = &[appspec::FILE_NAME, "appspec.yaml", "appspec.json"];

/// The AppSpec that is wanted, or the one at the root.
fn appspec_name<'a>(
    wanted: Option<&'a str>,
    found: &'a [Found],
    text: &mut dyn FnMut(&str) -> Option<Vec<u8>>,
) -> Option<&'a str> {
    if let Some(name) = wanted {
        return found.iter().any(|found| found.name == name).then_some(name);
    }
    let is_there = |name: &str| found.iter().any(|found| found.name == name && found.kind != Kind::Directory);
    let managed = |text: Vec<u8>| appspec::Platform::of(&text) != appspec::Platform::Server;
    NAMES
        .iter()
        .copied()
        .find(|name| is_there(name) && (*name == appspec::FILE_NAME || text(name).is_some_and(managed)))
        .or_else(|| {
            let other = found.iter().find(|found| is_other_case(found)).map(|found| found.name.as_str());
            other.filter(|name| text(name).is_some_and(|text| appspec::is_for_windows(&text)))
        })
}

/// The note on a name that only Windows takes for the AppSpec's.
fn case_of(name: &str, wanted: Option<&str>) -> Option<Finding> {
    let other = wanted.is_none() && !NAMES.contains(&name);
    let finding =
        || Finding::warning("A060", None, format!("`{name}` is found on Windows only, whatever its case"));
    other.then(|| finding().help("rename it to appspec.yml"))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::super::{Links, check_pattern, pack};
    use super::*;

    const APPSPEC: &str =
        "version: 0.0\nos: linux\nhooks:\n  AfterInstall:\n    - location: scripts/run.sh\n";

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
        found
            .iter()
            .map(|found| (found.name.clone(), found.kind.clone(), found.mode, content(found)))
            .collect()
    }

    #[test]
    fn what_is_packed_unpacks_to_the_same() {
        let (site, place) = (site(), tempfile::tempdir().unwrap());
        let bundle = place.path().join("site.zip");
        let mut heard = (0, 0);
        let packed =
            pack(site.path(), &bundle, &BundleType::Zip, &Selection::default(), &mut |done, total| {
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
    fn through(
        directory: &Path,
        kind: &BundleType,
        selection: &Selection,
    ) -> Vec<(String, Kind, u32, Vec<u8>)> {
        let place = tempfile::tempdir().unwrap();
        let (bundle, out) = (place.path().join("bundle"), place.path().join("out"));
        pack(directory, &bundle, kind, selection, &mut |_, _| {}).unwrap();
        fs::create_dir(&out).unwrap();
        runner::unpack(&bundle, kind, &out).unwrap();
        let picture = picture(&out);
        let contents = runner::contents(&bundle, kind, &[]).unwrap();
        let listed: Vec<_> =
            contents.listing().iter().map(|(name, entry)| (name, &entry.kind, entry.mode)).collect();
        let mut there: Vec<_> = picture.iter().map(|(name, kind, mode, _)| (name, kind, *mode)).collect();
        there.sort_by_key(|(name, ..)| *name);
        assert_eq!(listed, there, "{kind}");
        picture
    }

    const KINDS: [BundleType; 3] = [BundleType::Zip, BundleType::Tar, BundleType::Tgz];

    /// A tree that nobody would think of: names, modes, sizes and links by chance.
    fn random_tree(random: &mut fastrand::Rng) -> tempfile::TempDir {
        let guard = tempfile::tempdir().unwrap();
        fs::write(guard.path().join("appspec.yml"), APPSPEC).unwrap();
        let mut folders = vec![guard.path().to_owned()];
        let name = |random: &mut fastrand::Rng| {
            let letters =
                ["a", "B", "é", " ", "-", ".x", "日", "'", "%", "\\", "~", "long".repeat(20).as_str()]
                    .map(str::to_owned);
            (0..random.usize(1..4))
                .map(|_| letters[random.usize(..letters.len())].clone())
                .collect::<String>()
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
                1 => symlink(name(random), &path).unwrap(),
                _ => {
                    let size = [0, 1, 5000, 70_000][random.usize(..4)];
                    fs::write(&path, (0..size).map(|_| random.u8(..)).collect::<Vec<_>>()).unwrap();
                    fs::set_permissions(&path, fs::Permissions::from_mode(0o400 | random.u32(..0o1000)))
                        .unwrap();
                }
            }
        }
        guard
    }

    #[test]
    fn whatever_is_bundled_unpacks_to_what_it_was() {
        for seed in 0..24 {
            let tree = random_tree(&mut fastrand::Rng::with_seed(seed));
            let before = picture(tree.path());
            for kind in &KINDS {
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
        assert!(
            !all.iter().any(|name| [".cdctlignore", "ignored", "empty", ".git"].contains(&name.as_str()))
        );
        assert!(
            names(Selection { with_git: true, ..Selection::default() }).contains(&".git/config".to_owned())
        );
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
    fn what_is_left_out_of_the_bundle_is_missing_in_the_check() {
        let site = site();
        let selection = Selection { exclude: vec!["scripts".to_owned()], ..Selection::default() };
        let report = check(&Source::of(site.path()).unwrap(), Scope::default(), &selection).unwrap();
        assert_eq!(report.findings[0].code, "A037");
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
        let report =
            check(&Source::of(site.path()).unwrap(), Scope::default(), &Selection::default()).unwrap();
        assert_eq!(report.findings[0].code, "A060");
    }

    #[test]
    fn a_directory_and_its_archive_have_the_same_findings() {
        let (site, place) = (site(), tempfile::tempdir().unwrap());
        assert_eq!(
            check(&Source::of(site.path()).unwrap(), Scope::default(), &Selection::default())
                .unwrap()
                .findings,
            []
        );
        fs::remove_file(site.path().join("scripts/run.sh")).unwrap();
        let bundle = place.path().join("site.zip");
        pack(site.path(), &bundle, &BundleType::Zip, &Selection::default(), &mut |_, _| {}).unwrap();
        for source in [site.path(), &bundle] {
            let report =
                check(&Source::of(source).unwrap(), Scope::default(), &Selection::default()).unwrap();
            assert_eq!(report.findings.iter().map(|finding| finding.code).collect::<Vec<_>>(), ["A037"]);
            assert!(report.render(false).contains("5 |     - location: scripts/run.sh"));
        }
    }

    #[test]
    fn what_is_no_source_is_told() {
        let site = site();
        assert!(Source::of(&site.path().join("scripts/run.sh")).is_err());
        assert!(Source::of(&site.path().join("nowhere")).unwrap_err().message.contains("cannot read"));
    }
}
