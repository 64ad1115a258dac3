//! What a bundle adds: scripts, links, clashes and permissions against what is in it.

use super::*;

pub(super) fn listing() -> Listing {
    let entry = |kind: Kind, mode: u32, head: &str| Entry { kind, mode, head: head.as_bytes().to_vec() };
    [
        ("app", entry(Kind::Directory, 0o755, "")),
        ("app/a.txt", entry(Kind::File, 0o644, "a")),
        ("other/a.txt", entry(Kind::File, 0o644, "a")),
        ("crlf.sh", entry(Kind::File, 0o755, "#!/bin/sh\r\n")),
        ("no-exec.sh", entry(Kind::File, 0o644, "#!/bin/sh\n")),
        ("with blank.sh", entry(Kind::File, 0o755, "#!/bin/sh\n")),
    ]
    .into_iter()
    .map(|(name, entry)| (name.to_owned(), entry))
    .collect()
}

pub(super) fn bundle_codes(body: &str) -> Vec<(&'static str, Severity)> {
    let checked = check(format!("{HEAD}{body}").as_bytes(), Some(&listing()), FIRST);
    checked.findings.iter().map(|finding| (finding.code, finding.severity)).collect()
}

#[test]
fn what_the_bundle_lacks() {
    let script =
        |location: &str| bundle_codes(&format!("hooks:\n  AfterInstall:\n    - location: {location}\n"));
    assert_eq!(script("/no-exec.sh"), [("A041", Severity::Note)]);
    assert_eq!(script("crlf.sh"), [("A038", Severity::Error)]);
    assert_eq!(script("app"), [("A039", Severity::Error)]);
    assert_eq!(script("with blank.sh"), [("A040", Severity::Error)]);
    assert_eq!(script("crlf.sh --fast"), [("A037", Severity::Error)]);
    assert_eq!(script("../x.sh"), [("A037", Severity::Error)]);
    // Above the agent's own directories there is the host.
    assert_eq!(script("../../../../../../usr/bin/env"), [("A037", Severity::Warning)]);
    // What the system looks for is a directory, and one that is not there leads nowhere.
    assert_eq!(script("no-exec.sh/"), [("A037", Severity::Error)]);
    assert_eq!(script("nothing/../no-exec.sh"), [("A037", Severity::Error)]);
    let source =
        |source: &str| bundle_codes(&format!("files:\n  - source: {source}\n    destination: /srv\n"));
    assert_eq!(source("app/*.txt"), [("A015", Severity::Error)]);
    assert_eq!(source("./app/"), []);
    for lost in ["no-exec.sh/", "no-exec.sh/.", "app/a.txt/../a.txt", "nothing/../app"] {
        assert_eq!(source(lost), [("A015", Severity::Error)], "{lost}");
    }
    assert_eq!(source("app/../other/"), []);
    assert_eq!(source("/"), []);
}

#[test]
fn a_path_that_is_not_there_has_the_nearest_one_as_help() {
    let help = |body: &str| {
        let checked = check(format!("{HEAD}{body}").as_bytes(), Some(&listing()), FIRST);
        checked.findings[0].help.clone().unwrap()
    };
    let script = |location: &str| help(&format!("hooks:\n  AfterInstall:\n    - location: {location}\n"));
    assert_eq!(script("scripts/crlf.sh"), "did you mean `crlf.sh`?");
    assert_eq!(script("CRLF.SH"), "did you mean `crlf.sh`?");
    assert_eq!(script("noexec.sh"), "did you mean `no-exec.sh`?");
    assert_eq!(script("start"), "a location is the script's path below the bundle's root");
    assert_eq!(help("files:\n  - {source: ap, destination: /srv}\n"), "did you mean `app`?");
}

#[test]
fn two_sources_for_one_target() {
    let files =
        "files:\n  - {source: app, destination: /srv}\n  - {source: other/a.txt, destination: /srv}\n";
    assert_eq!(bundle_codes(files), [("A016", Severity::Error)]);
}

#[test]
fn values_that_break_install_break_nothing_where_they_are_for_nothing() {
    let with = |object: &str, more: &str| {
        said(
            &format!(
                "files:\n  - {{source: app, destination: /srv}}\npermissions:\n  - {{object: {object}, {more}}}\n"
            ),
            &listing(),
        )
    };
    for more in ["owner: '1000'", "group: 'a:b'"] {
        assert_eq!(with("/srv", more), ["A024 e1"], "{more}");
        assert_eq!(with("/elsewhere", more), ["A029 w", "A024 w"], "{more}");
        assert_eq!(with("/srv", &format!("pattern: '*.none', {more}")), ["A029 w", "A024 w"], "{more}");
    }
    assert_eq!(with("/srv", "context: {type: t}"), ["A026 e1"]);
    assert_eq!(with("/elsewhere", "context: {type: t}"), ["A029 w", "A026 w1"]);
    let text = format!("{HEAD}permissions:\n  - {{object: /elsewhere, owner: '1000'}}\n");
    let findings = check(text.as_bytes(), Some(&listing()), FIRST).findings;
    let told = findings.iter().map(|finding| finding.message.as_str()).find(|told| told.contains("1000"));
    assert_eq!(told, Some("no owner is named `1000`: Install would fail"));
}

#[test]
fn what_every_host_has_is_refused_under_disallow() {
    let files = |head: &str, destination: &str| {
        let mut listing = listing();
        let file = Entry { kind: Kind::File, mode: 0o644, head: b"a".to_vec() };
        listing.insert("app/etc/hosts".to_owned(), file);
        let text = format!("{HEAD}{head}files:\n  - {{source: app, destination: {destination}}}\n");
        let findings = check(text.as_bytes(), Some(&listing), FIRST).findings;
        findings.iter().map(|finding| (finding.code, finding.severity)).collect::<Vec<_>>()
    };
    assert_eq!(files("", "/"), [("A017", Severity::Warning)]);
    assert_eq!(files("file_exists_behavior: DISALLOW\n", "/"), [("A017", Severity::Error)]);
    assert_eq!(files("file_exists_behavior: OVERWRITE\n", "/"), []);
    assert_eq!(files("", "/srv"), []);
}

#[test]
fn a_name_that_the_next_deployment_does_not_find_is_warned_of() {
    let with = |name: &str, behaviour: &str| {
        let listing = bundle(&[("app/", ""), (name, "nowhere")]);
        said(&format!("{behaviour}files:\n  - {{source: app, destination: /srv}}\n"), &listing)
    };
    for name in ["app/a ", "app/Icon\r", "app/a\nb", "app/a\nb/c"] {
        for behaviour in ["", "file_exists_behavior: DISALLOW\n", "file_exists_behavior: RETAIN\n"] {
            assert_eq!(with(name, behaviour), ["A068 w"], "{name:?}");
        }
        assert_eq!(with(name, "file_exists_behavior: OVERWRITE\n"), [""; 0], "{name:?}");
    }
    // A link is not written over.
    assert_eq!(with("app/a @", "file_exists_behavior: OVERWRITE\n"), ["A068 w"]);
    assert_eq!(with("app/a\u{a0}", ""), ["A068 w2"]);
    for fine in ["app/a b", "app/a /", "app/a /b", "app/a\tb", "other/a "] {
        assert_eq!(with(fine, ""), [""; 0], "{fine:?}");
    }
    let listing = bundle(&[("app/", ""), ("app/Icon\r", ""), ("app/b ", "")]);
    let text = format!("{HEAD}files:\n  - {{source: app, destination: /srv}}\n");
    let finding = check(text.as_bytes(), Some(&listing), FIRST).findings.remove(0);
    let message = "`app/Icon\r` ends in a carriage return: the agents do not find it again to remove it, and the next deployment fails as it is there already, unless it says otherwise, and so on with 1 more";
    assert_eq!(finding.message, message);
    assert_eq!(finding.help.as_deref(), Some("rename it; of a zip `unzip` leaves the character out"));
}

#[test]
fn links_that_lead_out_and_names_that_clash_are_noted() {
    let link = |target: &str| Entry { kind: Kind::Link, mode: 0o777, head: target.as_bytes().to_vec() };
    let file = || Entry { kind: Kind::File, mode: 0o644, head: Vec::new() };
    let listing: Listing = [
        ("bin/in", link("../lib/a")),
        ("bin/out", link("../../etc/passwd")),
        ("etc", link("/etc")),
        ("here", link("nowhere")),
        ("lib/a", file()),
        ("lib/A", file()),
    ]
    .into_iter()
    .map(|(name, entry)| (name.to_owned(), entry))
    .collect();
    let said: Vec<String> =
        names(&listing).into_iter().map(|finding| format!("{} {}", finding.code, finding.message)).collect();
    assert_eq!(
        said,
        [
            "A062 `bin/out` is a link out of the bundle, to `../../etc/passwd`",
            "A062 `etc` is a link out of the bundle, to `/etc`",
            "A063 `lib/A` and `lib/a` differ in case only",
        ]
    );
}

#[test]
fn what_lies_behind_links_is_there() {
    let listing = bundle(&[
        ("app/", ""),
        ("app/a.txt", "a"),
        ("real/", ""),
        ("real/run.sh", SH),
        ("scripts@", "real"),
        ("current@", "scripts/../app"),
        ("public@", "./app/"),
        ("extra/", ""),
        ("extra/b.txt", "b"),
        ("chain.sh@", "scripts/run.sh"),
    ]);
    let script =
        |location: &str| said(&format!("hooks:\n  AfterInstall:\n    - location: {location}\n"), &listing);
    for location in ["scripts/run.sh", "chain.sh", "./scripts/../real/run.sh"] {
        assert_eq!(script(location), [""; 0], "{location}");
    }
    assert_eq!(said("files: [{source: current/a.txt, destination: /srv}]\n", &listing), [""; 0]);
    let site = "files:\n  - {source: /, destination: /srv/site}\n";
    let text =
        format!("{site}permissions:\n  - {{object: /srv/site/public, pattern: '*.txt', mode: '600'}}\n");
    assert_eq!(said(&text, &listing), [""; 0]);
    let text = format!("{site}  - {{source: extra, destination: /srv/site/public}}\n");
    assert_eq!(said(&text, &listing), [""; 0]);
    let text = format!("{site}  - {{source: app, destination: /srv/site/public}}\n");
    assert_eq!(said(&text, &listing), ["A016 e"]);
}

#[test]
fn a_script_that_is_a_link_is_what_it_leads_to() {
    let listing = bundle(&[
        ("crlf.sh", "#!/bin/sh\r\n"),
        ("scripts/", ""),
        ("scripts/missing.sh@", "nowhere.sh"),
        ("scripts/crlf.sh@", "../crlf.sh"),
        ("scripts/dir.sh@", "."),
        ("scripts/round.sh@", "round.sh"),
        ("scripts/host.sh@", "/bin/true"),
        ("scripts/up.sh@", "../../../bin/true"),
    ]);
    for (name, expected) in [
        ("missing", &["A037 e"][..]),
        ("crlf", &["A038 e"]),
        ("dir", &["A039 e"]),
        ("round", &["A037 e"]),
        ("host", &[]),
        ("up", &[]),
    ] {
        let text = format!("hooks:\n  AfterInstall:\n    - location: scripts/{name}.sh\n");
        assert_eq!(said(&text, &listing), expected, "{name}");
    }
}

#[test]
fn scripts_that_never_run_in_this_deployment_are_no_error_of_it() {
    let with = |event: &str, script: &str| {
        let entries = [("crlf.sh", "#!/bin/sh\r\n"), ("a b.sh", SH), ("dir/", "")];
        said(&format!("hooks:\n  {event}:\n    - location: {script}\n"), &bundle(&entries))
    };
    let scripts = [("missing.sh", "A037"), ("crlf.sh", "A038"), ("dir", "A039")];
    for (script, code) in scripts {
        assert_eq!(with("AfterInstall", script), [format!("{code} e")]);
        for event in ["ApplicationStop", "BeforeBlockTraffic", "AfterBlockTraffic"] {
            assert_eq!(with(event, script), [format!("{code} w")], "{event}");
        }
        for event in ["Install", "DownloadBundle"] {
            assert_eq!(with(event, script), ["A035 w"], "{event}");
        }
    }
    assert_eq!(with("ApplicationStop", "a b.sh"), ["A040 w1"]);
    let text = format!("{HEAD}hooks:\n  Install:\n    - location: a b.sh\n");
    assert_eq!(said_of(&text, None, Scope::default()), ["A035 w"]);
    let stop = format!("{HEAD}hooks:\n  ApplicationStop:\n    - location: stop.sh\n");
    let findings = check(stop.as_bytes(), Some(&bundle(&[])), Scope::default()).findings;
    let message = "`stop.sh` is not in the bundle: ApplicationStop of the next deployment fails";
    assert_eq!(findings[0].message, message);
}

#[test]
fn a_destination_that_would_be_another_name_is_told() {
    let listing = bundle(&[("config.prod.json", "{}"), ("app.d/", ""), ("app.d/a", "")]);
    let with = |source: &str, destination: &str| {
        format!("files:\n  - {{source: {source}, destination: {destination}}}\n")
    };
    let text = with("config.prod.json", "/srv/app/config.json");
    assert_eq!(said(&text, &listing), ["A018 w"]);
    let findings = check(format!("{HEAD}{text}").as_bytes(), None, Scope::default()).findings;
    assert_eq!(
        findings[0].help.as_deref(),
        Some("a file keeps its name: call it config.json in the bundle, and write `destination: /srv/app`")
    );
    for text in [with("config.prod.json", "/srv/conf.d"), with("app.d", "/srv/other.d")] {
        assert_eq!(said(&text, &listing), [""; 0], "{text}");
    }
}

#[test]
fn lines_of_a_shells_script_that_end_with_cr_lf() {
    let with =
        |head: &str| said("hooks:\n  AfterInstall:\n    - location: a.sh\n", &bundle(&[("a.sh", head)]));
    for line in ["#!/bin/sh", "#!/usr/bin/env bash", "#! /bin/bash -e", "#!/usr/bin/env -S A=b zsh -x"] {
        assert_eq!(with(&format!("{line}\nset -e\r\ncd /srv\n")), ["A038 w"], "{line}");
    }
    assert_eq!(with("#!/usr/bin/python3\nprint(1)\r\n"), [""; 0]);
    assert_eq!(with("#!/bin/sh\ntail -n +3 \"$0\"\n\0\r\n"), [""; 0], "an archive behind its script");
}

#[test]
fn blanks_that_part_no_words_are_letters() {
    let listing = bundle(&[("デプロイ\u{3000}後.sh", SH), ("no\u{a0}break.sh", SH), ("tab\tbed.sh", SH)]);
    let with = |location: &str| {
        said(&format!("hooks:\n  AfterInstall:\n    - location: \"{location}\"\n"), &listing)
    };
    assert_eq!(with("デプロイ\u{3000}後.sh"), [""; 0]);
    assert_eq!(with("no\u{a0}break.sh"), [""; 0]);
    assert_eq!(with("tab\\tbed.sh"), ["A040 e1"]);
}

#[test]
fn a_destination_is_expanded_as_the_agents_do() {
    let listing = bundle(&[("app/", ""), ("app/a", "")]);
    let with = |destination: &str, object: &str| {
        let file = format!("files:\n  - {{source: app, destination: '{destination}'}}\n");
        said(&format!("{file}permissions:\n  - {{object: {object}, mode: \"644\"}}\n"), &listing)
    };
    for destination in ["/opt/../srv/x", "/../srv/x", "/srv/../../srv/./x", "/srv/x/.."] {
        assert_eq!(with(destination, "/srv"), [""; 0], "{destination}");
    }
    assert_eq!(with("/../srv/x", "/srv/x"), [""; 0]);
    assert_eq!(with("/../srv/x", "/x"), ["A029 w"]);
    // What agent 2 makes of `~` only the host knows.
    assert_eq!(with("~/x", "/root/x"), ["A014 e1"]);
}

#[test]
fn what_is_too_long_for_a_path_fails() {
    let with = |source: &str, destination: &str, listing: &Listing| {
        said(&format!("files:\n  - {{source: {source}, destination: {destination}}}\n"), listing)
    };
    let deep = |bytes: usize| format!("{}{}", "/d".repeat(bytes / 2), "d".repeat(bytes % 2));
    let name = |bytes: usize| format!("/srv/{}/a", "n".repeat(bytes));
    let (flat, listing) = (bundle(&[("a", "")]), bundle(&[("app/", ""), ("app/longer", "")]));
    // What lies in the destination counts, with the slash between.
    assert_eq!(with("a", &deep(4093), &flat), [""; 0]);
    assert_eq!(with("a", &deep(4094), &flat), ["A019 e"]);
    assert_eq!(with("app", &deep(4088), &listing), [""; 0]);
    assert_eq!(with("app", &deep(4089), &listing), ["A019 e"]);
    assert_eq!(with("app", &"/d".repeat(100_000), &listing), ["A019 e"]);
    assert_eq!(with("app", &name(255), &listing), [""; 0]);
    assert_eq!(with("app", &name(256), &listing), ["A019 e"]);
    let text = format!("{HEAD}files:\n  - {{source: app, destination: {}}}\n", name(256));
    let alone = check(text.as_bytes(), None, Scope::default()).findings;
    assert_eq!(alone.iter().map(|finding| finding.code).collect::<Vec<_>>(), ["A019"]);
    assert!(alone[0].message.contains("a name of 256 bytes, and Linux takes none above 255"));
}

/// Of agent 1, at most this work.
pub(super) fn within(work: usize, body: &str, listing: &Listing) -> Vec<Finding> {
    let appspec = load(format!("{HEAD}{body}").as_bytes(), Os::Linux, Agent::One).unwrap();
    bundle::check_within(&appspec, listing, Agent::One, work)
}

#[test]
fn entries_that_clash_are_told_once_however_many_files_they_have() {
    let names: Vec<String> = (0..500).map(|n| format!("app/{n}")).collect();
    let mut entries = vec![("app/", "")];
    entries.extend(names.iter().map(|name| (name.as_str(), "")));
    let text = format!("{HEAD}files:\n{}", "  - {source: app, destination: /srv/app}\n".repeat(3));
    let findings = check(text.as_bytes(), Some(&bundle(&entries)), Scope::default()).findings;
    assert_eq!(findings.len(), 2);
    assert!(findings[0].message.contains("and so on with 499 more: Install fails"), "{findings:?}");
}

#[test]
fn a_file_where_another_entry_needs_a_directory() {
    let listing = bundle(&[("app/", ""), ("app/x", ""), ("y", "")]);
    for other in
        ["app/x, destination: /srv/x", "y, destination: /srv/x/deep", "app, destination: /srv/x/deep"]
    {
        for order in [[0, 1], [1, 0]] {
            let entries =
                ["app/x, destination: /srv", other].map(|entry| format!("  - {{source: {entry}}}\n"));
            let text = format!("files:\n{}{}", entries[order[0]], entries[order[1]]);
            assert_eq!(said(&text, &listing).first().map(String::as_str), Some("A016 e"), "{text}");
        }
    }
}

#[test]
fn windows_passes_over_case() {
    let listing = bundle(&[("app/", ""), ("app/a.txt", ""), ("Scripts/", ""), ("Scripts/Install.ps1", "x")]);
    let text = "version: 0.0\nos: windows\nfiles: [{source: App, destination: 'C:\\app'}]\nhooks:\n  AfterInstall:\n    - location: \\scripts\\install.ps1\n";
    assert_eq!(said_of(text, Some(&listing), Scope::default()), [""; 0]);
    let notes = check(text.as_bytes(), Some(&listing), Scope::default()).findings;
    assert_eq!(notes.iter().map(|finding| finding.code).collect::<Vec<_>>(), ["A015", "A037"]);
    let linux = text.replace("windows", "linux").replace('\\', "/");
    assert_eq!(said_of(&linux, Some(&listing), FIRST), ["A015 e", "A014 w", "A037 e"]);
}

#[test]
fn scripts_with_a_mark_or_in_utf_16() {
    let with = |head: &[u8]| {
        let mut listing = bundle(&[("a.sh", "")]);
        listing.get_mut("a.sh").unwrap().head = head.to_vec();
        said("hooks:\n  AfterInstall:\n    - location: a.sh\n", &listing)
    };
    assert_eq!(with("\u{feff}#!/bin/sh\n".as_bytes()), ["A045 w"]);
    assert_eq!(with("\u{feff}#!/bin/sh\r\n".as_bytes()), ["A045 w", "A038 w"]);
    assert_eq!(with(b"\xff\xfe#\0!\0"), ["A045 w"]);
    assert_eq!(with(b"\0#\0!\0/"), ["A045 w"]);
}

#[test]
fn scripts_that_are_empty_or_do_not_say_what_runs_them() {
    let with = |os: &str, head: &[u8]| {
        let entry = Entry { kind: Kind::File, mode: 0o755, head: head.to_vec() };
        let name = if os == "windows" { "a.cmd" } else { "a.sh" };
        let listing = Listing::from([(name.to_owned(), entry)]);
        let text = format!("version: 0.0\nos: {os}\nhooks:\n  AfterInstall:\n    - location: {name}\n");
        let findings = check(text.as_bytes(), Some(&listing), Scope::default()).findings;
        findings.into_iter().map(|finding| (finding.severity, finding.code)).collect::<Vec<_>>()
    };
    assert_eq!(with("linux", b""), [(Severity::Warning, "A046")]);
    assert_eq!(with("linux", b"set -e\n"), [(Severity::Note, "A046")]);
    assert_eq!(with("linux", b"set -e\r\n"), [(Severity::Note, "A046"), (Severity::Warning, "A038")]);
    // A program needs no line, and Windows knows none.
    for (os, head) in
        [("linux", &b"#!/bin/sh\n"[..]), ("linux", b"\x7fELF"), ("windows", b""), ("windows", b"dir\r\n")]
    {
        assert_eq!(with(os, head), [], "{os} {head:?}");
    }
}

/// Bundles that are made to take hours.
#[test]
fn the_work_on_a_bundle_is_bounded() {
    let names: Vec<String> = (0..1000).map(|n| format!("app/name-{n:05}")).collect();
    let mut entries = vec![("app/", "")];
    entries.extend(names.iter().map(|name| (name.as_str(), "")));
    let listing = bundle(&entries);
    let scripts: String = (0..100).map(|n| format!("    - location: app/nema-{n:05}\n")).collect();
    let permissions: String =
        (0..100).map(|n| format!("  - {{object: /srv, pattern: 'x{n}*', mode: '644'}}\n")).collect();
    let body = format!(
        "files: [{{source: app, destination: /srv}}]\npermissions:\n{permissions}hooks:\n  AfterInstall:\n{scripts}"
    );
    let findings = within(10_000, &body, &listing);
    let count = |code| findings.iter().filter(|finding| finding.code == code).count();
    assert_eq!((count("A016"), count("A029"), count("A037")), (1, 9, 100));
    let is_near =
        |finding: &&Finding| finding.help.as_deref().is_some_and(|help| help.contains("did you mean"));
    assert_eq!(findings.iter().filter(is_near).count(), 2);
    // A long name takes as long as many.
    let entries: Vec<String> = (0..1000).map(|n| format!("{n:0256}")).collect();
    let entries: Vec<(&str, &str)> = entries.iter().map(|name| (name.as_str(), "")).collect();
    let scripts: String = (0..10).map(|n| format!("    - location: x{n:0255}\n")).collect();
    let findings = within(10_000, &format!("hooks:\n  AfterInstall:\n{scripts}"), &bundle(&entries));
    assert_eq!(findings.iter().filter(is_near).count(), 1);
    assert!(
        count("A029") > 0 && within(1_000_000, &body, &listing).iter().all(|finding| finding.code != "A016")
    );
}
