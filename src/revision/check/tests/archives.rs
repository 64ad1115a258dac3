//! Checks of archives: what unpacking makes of them.

use std::os::unix::ffi::OsStrExt;

use zip::write::SimpleFileOptions;
use zip::{System, ZipWriter};

use super::*;

/// As a tool of Windows writes them; elsewhere a backslash is a letter of a name.
#[test]
fn backslashes_that_unzip_takes_for_slashes_are_told() {
    let place = tempfile::tempdir().unwrap();
    let said = |name: &str, system: System| {
        let file = place.path().join("site.zip");
        let mut writer = ZipWriter::new(fs::File::create(&file).unwrap());
        for (name, content) in [("appspec.yml", "version: 0.0\nos: linux\n"), (name, "a")] {
            writer.start_file(name, SimpleFileOptions::default().system(system)).unwrap();
            writer.write_all(content.as_bytes()).unwrap();
        }
        writer.finish().unwrap();
        let report = check(&Source::of(&file).unwrap(), Scope::default(), &Selection::default()).unwrap();
        report.findings.iter().map(|finding| (finding.code, finding.severity)).collect::<Vec<_>>()
    };
    assert_eq!(said("app\\a.txt", System::Dos), [("A064", Severity::Warning)]);
    assert_eq!(said("app/a.txt", System::Dos), []);
    assert_eq!(said("app\\a.txt", System::Unix), []);
}

#[test]
fn names_that_unzip_changes_are_told() {
    let place = tempfile::tempdir().unwrap();
    let said = |names: &[&str]| {
        let file = place.path().join("site.zip");
        let mut writer = ZipWriter::new(fs::File::create(&file).unwrap());
        for name in [&["appspec.yml"], names].concat() {
            writer.start_file(name, SimpleFileOptions::default().system(System::Unix)).unwrap();
            writer.write_all(b"version: 0.0\nos: linux\n").unwrap();
        }
        writer.finish().unwrap();
        let report = check(&Source::of(&file).unwrap(), Scope::default(), &Selection::default()).unwrap();
        report
            .findings
            .into_iter()
            .map(|found| (found.code, found.severity, found.message))
            .collect::<Vec<_>>()
    };
    assert_eq!(said(&["a;b", "b;1/c", "d e", "é"]), []);
    let message = "`unzip` changes names in this zip: `a\tb` becomes `ab`, `c.txt;1` becomes `c.txt`";
    assert_eq!(said(&["a\tb", "c.txt;1", "d"]), [("A064", Severity::Warning, message.to_owned())]);
    let many: Vec<String> = (0..9).map(|n| format!("{n};1")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    assert_eq!(said(&many)[0].2.matches("becomes").count(), 5);
}

#[test]
fn names_of_windows_that_unzip_takes_for_others_are_told() {
    let place = tempfile::tempdir().unwrap();
    let said = |name: &str, system: System| {
        let file = place.path().join("site.zip");
        let mut writer = ZipWriter::new(fs::File::create(&file).unwrap());
        for name in ["appspec.yml", name] {
            writer.start_file(name, SimpleFileOptions::default().system(system)).unwrap();
            writer.write_all(b"version: 0.0\nos: linux\n").unwrap();
        }
        writer.finish().unwrap();
        let report = check(&Source::of(&file).unwrap(), Scope::default(), &Selection::default()).unwrap();
        let said = report.findings.into_iter().map(|found| (found.code, found.severity, found.message));
        said.collect::<Vec<_>>()
    };
    let message = "`unzip` of Debian and Ubuntu takes names of this zip of Windows for others: `a/café`";
    assert_eq!(said("a/café", System::Dos), [("A064", Severity::Warning, message.to_owned())]);
    assert_eq!(said("a/café", System::Unix), []);
    assert_eq!(said("a/cafe", System::Dos), []);
}

#[test]
fn an_appspec_for_lambda_or_ecs_is_no_bundles() {
    let (site, place) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let appspec = "version: 0.0\nResources:\n  - TargetService:\n      Type: AWS::ECS::Service\n      Properties:\n        TaskDefinition: arn:aws:ecs:eu-west-1:123456789012:task-definition/web:3\n        LoadBalancerInfo: {ContainerName: web, ContainerPort: 80}\n";
    fs::write(site.path().join("appspec.yml"), appspec).unwrap();
    let said = |source: &Path| {
        let report = check(&Source::of(source).unwrap(), Scope::default(), &Selection::default()).unwrap();
        assert_eq!(report.is_no_bundles(), !report.findings.is_empty());
        report.findings.iter().map(|finding| (finding.code, finding.severity)).collect::<Vec<_>>()
    };
    assert_eq!(said(&site.path().join("appspec.yml")), []);
    assert_eq!(said(site.path()), [("A067", Severity::Note)]);
    for kind in &KINDS {
        let bundle = place.path().join(format!("site.{kind}"));
        pack(site.path(), &bundle, kind, &Selection::default(), &mut |_, _| {}).unwrap();
        assert_eq!(said(&bundle), [("A067", Severity::Warning)], "{kind}");
    }
    fs::rename(site.path().join("appspec.yml"), site.path().join("appspec.yaml")).unwrap();
    assert_eq!(said(site.path()), [("A067", Severity::Note)]);
    let to = place.path().join("a.zip");
    let error = pack(site.path(), &to, &BundleType::Zip, &Selection::default(), &mut |_, _| {}).unwrap_err();
    assert!(error.help.unwrap().starts_with("appspec.yaml is for Lambda or ECS, and deployed by itself"));
}

#[test]
fn a_directory_and_its_archive_have_the_same_findings() {
    let (site, place) = (site(), tempfile::tempdir().unwrap());
    assert_eq!(
        check(&Source::of(site.path()).unwrap(), Scope::default(), &Selection::default()).unwrap().findings,
        []
    );
    fs::remove_file(site.path().join("scripts/run.sh")).unwrap();
    // Where it is a link, what it leads to is what counts, however long that is.
    let linked = self::site();
    fs::remove_file(linked.path().join("scripts/run.sh")).unwrap();
    fs::create_dir(linked.path().join("real")).unwrap();
    fs::write(linked.path().join("real/prod.yml"), format!("#{}\n{APPSPEC}", "#".repeat(300))).unwrap();
    fs::remove_file(linked.path().join("appspec.yml")).unwrap();
    symlink("deploy/prod.yml", linked.path().join("appspec.yml")).unwrap();
    symlink("real", linked.path().join("deploy")).unwrap();
    for (site, line) in [(&site, 5), (&linked, 6)] {
        let mut sources = vec![site.path().to_owned()];
        for kind in &KINDS {
            sources.push(place.path().join(format!("site-{line}.{kind}")));
            pack(site.path(), &sources[sources.len() - 1], kind, &Selection::default(), &mut |_, _| {})
                .unwrap();
        }
        for source in sources {
            let source = Source::of(&source).unwrap();
            let report = check(&source, Scope::default(), &Selection::default()).unwrap();
            assert_eq!(report.findings.iter().map(|finding| finding.code).collect::<Vec<_>>(), ["A037"]);
            assert!(
                report
                    .render(appspec::Look::default())
                    .contains(&format!("{line} |     - location: scripts/run.sh"))
            );
        }
    }
}

/// A zip of `site` with a byte changed so far behind the place where `name` first stands.
fn damaged(site: &Path, name: &str, behind: usize) -> tempfile::TempDir {
    let place = tempfile::tempdir().unwrap();
    let bundle = place.path().join("site.zip");
    pack(site, &bundle, &BundleType::Zip, &Selection::default(), &mut |_, _| {}).unwrap();
    let mut bytes = fs::read(&bundle).unwrap();
    let at = bytes.windows(name.len()).position(|bytes| bytes == name.as_bytes()).unwrap();
    bytes[at + name.len() + behind] ^= 0x40;
    fs::write(&bundle, bytes).unwrap();
    place
}

#[test]
fn a_damaged_archive_is_an_error_for_whom_it_is_one() {
    let site = site();
    // Too short to become shorter: stored as it is.
    fs::write(site.path().join("notes"), "abc").unwrap();
    let codes = |place: &tempfile::TempDir, agent| {
        let scope = Scope { agent, ..Scope::default() };
        let source = Source::of(&place.path().join("site.zip")).unwrap();
        let report = check(&source, scope, &Selection::default()).unwrap();
        let finding = |finding: &Finding| (finding.code, finding.severity, finding.only);
        report.findings.iter().map(finding).collect::<Vec<_>>()
    };
    let checksum = damaged(site.path(), "notes", 1);
    assert_eq!(codes(&checksum, None), [("A065", Severity::Error, Some(Agent::Two))]);
    assert_eq!(codes(&checksum, Some(Agent::One)), [("A065", Severity::Warning, None)]);
    assert_eq!(codes(&checksum, Some(Agent::Two)), [("A065", Severity::Error, None)]);
    // The script is there, and that it cannot be looked at is no second finding.
    let broken = damaged(site.path(), "scripts/run.sh", 0);
    for agent in [None, Some(Agent::One), Some(Agent::Two)] {
        let codes = codes(&broken, agent);
        assert!(codes.iter().all(|(code, ..)| *code == "A065") && codes.len() == 1, "{codes:?}");
    }
    let cut = tempfile::tempdir().unwrap();
    fs::write(cut.path().join("site.zip"), &fs::read(checksum.path().join("site.zip")).unwrap()[..100])
        .unwrap();
    assert_eq!(codes(&cut, None), [("A065", Severity::Error, None)]);
    let tar = cut.path().join("site.tgz");
    fs::write(&tar, [0; 1024]).unwrap();
    let report = check(&Source::of(&tar).unwrap(), Scope::default(), &Selection::default()).unwrap();
    assert_eq!((report.findings[0].code, report.is_damaged()), ("A065", true));
    assert!(report.findings[0].message.contains("it is not packed by gzip"));
}

/// Names of a tar are bytes. What is not installed does no harm.
#[test]
fn names_that_are_no_utf_8_are_told_where_they_are_installed() {
    let place = tempfile::tempdir().unwrap();
    let said = |source: &str, os: &str| {
        let appspec = format!(
            "version: 0.0\nos: {os}\nfiles:\n  - source: {source}\n    destination: '{}'\n",
            if os == "linux" { "/srv" } else { "C:\\srv" }
        );
        let file = place.path().join("site.tar");
        let mut writer = tar::Builder::new(fs::File::create(&file).unwrap());
        for (name, content) in
            [(&b"appspec.yml"[..], appspec.as_str()), (b"site/caf\xe9/menu", "a"), (b"other/a", "a")]
        {
            let mut header = tar::Header::new_gnu();
            header.set_size(content.len() as u64);
            header.set_mode(0o644);
            writer.append_data(&mut header, std::ffi::OsStr::from_bytes(name), content.as_bytes()).unwrap();
        }
        writer.finish().unwrap();
        let report = check(&Source::of(&file).unwrap(), Scope::default(), &Selection::default()).unwrap();
        let findings = report.findings.iter().filter(|finding| finding.code == "A069");
        findings.map(|finding| (finding.severity, finding.message.clone())).collect::<Vec<_>>()
    };
    let message =
        "the name `site/caf\u{fffd}/menu` is not UTF-8, and the agent cannot write it down: Install fails";
    for source in ["site", "/site", "./site/", "/", "."] {
        assert_eq!(said(source, "linux"), [(Severity::Error, message.to_owned())], "{source}");
    }
    assert_eq!(said("other", "linux"), []);
    assert_eq!(said("site", "windows"), []);
}
