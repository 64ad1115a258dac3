//! The checks of EC2/on-premises AppSpec files, case by case.

use super::*;

/// Code and severity of every finding, in order.
fn codes(text: &str) -> Vec<(&'static str, Severity)> {
    check(text.as_bytes(), None, FIRST)
        .findings
        .iter()
        .map(|finding| (finding.code, finding.severity))
        .collect()
}

fn refusal(text: &str) -> String {
    load(text.as_bytes(), Os::Linux, Agent::One).unwrap_err()
}

/// As agent 1 alone reads it.
const FIRST: Scope = Scope { agent: Some(Agent::One), platform: None, placeholders: false };

const HEAD: &str = "version: 0.0\nos: linux\n";

#[test]
fn a_plain_file_has_no_findings() {
    let text = format!(
        "{HEAD}files:\n  - source: /\n    destination: /srv/site\npermissions:\n  - object: /srv/site\n    mode: \"644\"\nhooks:\n  AfterInstall:\n    - location: scripts/a.sh\n      timeout: 60\n      runas: root\n"
    );
    assert_eq!(codes(&text), []);
    let appspec = load(text.as_bytes(), Os::Linux, Agent::One).unwrap();
    assert_eq!(appspec.scripts("AfterInstall")[0].timeout, 60);
    assert_eq!(appspec.permissions[0].mode.as_deref(), Some("644"));
}

#[test]
fn the_first_refusal_is_the_one_that_a_host_reports() {
    assert_eq!(refusal(""), read::EMPTY);
    assert_eq!(refusal("# nothing\n"), read::EMPTY);
    assert!(refusal("version: \"0.0\"\nos: ubuntu\n").contains("an invalid version value (0.0)"));
    assert!(
        refusal("version: 0.0\nos: Linux\nfiles: x\n").contains("an unsupported operating system (Linux)")
    );
    assert!(refusal("version:0.0\n").contains("an invalid version value (version)"));
    assert_eq!(refusal("- version: 0.0\n"), "no implicit conversion of String into Integer");
    assert_eq!(
        refusal("version: 0.0\nos: 'linux\n"),
        "(<unknown>): found unexpected end of stream while scanning a quoted scalar at line 2 column 5"
    );
    assert!(refusal("\u{feff}version: 0.0\nos: linux\n").contains("unsupported operating system ()"));
    assert!(load(b"version: 0.0\nos: windows\n", Os::Windows, Agent::One).is_ok());
    assert!(refusal("version: 0.0\nos: windows\n").contains("unsupported operating system (windows)"));
}

#[test]
fn every_finding_is_told_not_the_first_one_only() {
    let text = "version: 1\nos: ubuntu\nfile_exists_behavior: overwrite\n";
    let findings = check(text.as_bytes(), None, FIRST).findings;
    assert_eq!(findings.iter().map(|finding| finding.code).collect::<Vec<_>>(), ["A003", "A004", "A005"]);
    assert_eq!(findings[1].span.map(|span| (span.start.line, span.start.column)), Some((2, 5)));
}

#[test]
fn entries_of_files() {
    let files = |body: &str| format!("{HEAD}files:\n{body}");
    assert!(refusal(&files("  - source: a\n  - destination: /b\n")).contains("only a source file (a)"));
    assert!(refusal(&files("  - destination: /b\n")).contains("but no source file"));
    assert!(refusal(&files("  - source:a\n")).contains("only a source file (source)"));
    assert_eq!(refusal(&files("  -\n")), "undefined method `[]' for nil:NilClass");
    assert_eq!(codes(&files("  - source: a\n    destination: 5\n")), [("A013", Severity::Error)]);
    assert_eq!(codes(&files("  - source: a\n    destination: b\n")), [("A014", Severity::Warning)]);
    let windows = |path: &str| {
        codes(&format!("version: 0.0\nos: windows\nfiles: [{{source: a, destination: {path}}}]\n"))
    };
    assert_eq!((windows("\"C:\\app\""), windows("'C:\\app'")), (vec![("A014", Severity::Warning)], vec![]));
    let text = files("  - source: a\n    destination: /b\n    overwrite: yes\n");
    let findings = check(text.as_bytes(), None, FIRST).findings;
    assert_eq!(
        findings[0].help.as_deref(),
        Some("write `file_exists_behavior: OVERWRITE` at the top level of the file")
    );
}

#[test]
fn modes() {
    let mode = |value: &str| format!("{HEAD}permissions:\n  - object: /a\n    mode: {value}\n");
    assert_eq!(codes(&mode("'0755'")), []);
    assert_eq!(codes(&mode("755")), []);
    assert_eq!(codes(&mode("0644")), [("A023", Severity::Warning)]);
    assert_eq!(codes(&mode("7")), [("A023", Severity::Warning)]);
    assert!(refusal(&mode("0755")).contains(
        "permissions mode (493) in the application specification file contains an invalid character (9)"
    ));
    assert!(refusal(&mode("u+x")).contains("invalid character (u)"));
    assert!(refusal(&mode("0o644")).contains("the length of a permissions mode (0o644)"));
}

#[test]
fn hooks_of_the_wrong_shape() {
    let hooks = |body: &str| format!("{HEAD}hooks:\n{body}");
    assert!(
        refusal(&hooks("  AfterInstall:\n    - timeout: 5\n")).contains("a script with no location value")
    );
    assert!(
        refusal(&hooks("  AfterInstall:\n    - location: a\n      timeout: abc\n"))
            .contains("invalid timeout value")
    );
    assert_eq!(refusal(&hooks("  AfterInstall: a.sh\n")), "undefined method `each' for \"a.sh\":String");
    assert_eq!(
        refusal(&hooks("  AfterInstall:\n    location: a.sh\n")),
        "undefined method `has_key?' for [\"location\", \"a.sh\"]:Array"
    );
    assert!(refusal(&hooks("  - AfterInstall: x\n")).starts_with("undefined method `each_pair' for "));
    assert_eq!(codes(&hooks("")), [("A036", Severity::Warning)]);
}

#[test]
fn what_the_agent_passes_over_is_a_warning_with_the_nearest_word() {
    let text = format!(
        "{HEAD}hooks:\n  AfterInstal:\n    - location: a.sh\n      runAs: root\n      timeout: 5m\n  Install:\n    - location: a.sh\nfile: []\n"
    );
    let findings = check(text.as_bytes(), None, FIRST).findings;
    let told: Vec<_> =
        findings.iter().map(|finding| (finding.code, finding.help.as_deref().unwrap_or_default())).collect();
    assert_eq!(told[0], ("A034", "did you mean `AfterInstall`?"));
    assert_eq!(told[1], ("A050", "did you mean `runas`?"));
    assert_eq!(told[2].0, "A032");
    assert_eq!(told[3].0, "A035");
    assert_eq!(told[4], ("A050", "did you mean `files`?"));
    assert!(findings[1..].iter().all(|finding| finding.severity == Severity::Warning));
    assert!(load(text.as_bytes(), Os::Linux, Agent::One).is_ok());
}

#[test]
fn repeated_keys_and_further_documents_are_warnings() {
    let text = format!("{HEAD}hooks:\nhooks:\n  AfterInstall:\n    - location: a\n---\nx: 1\n");
    assert_eq!(codes(&text), [("A051", Severity::Warning), ("A007", Severity::Warning)]);
}

fn listing() -> Listing {
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

fn bundle_codes(body: &str) -> Vec<(&'static str, Severity)> {
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
    let source =
        |source: &str| bundle_codes(&format!("files:\n  - source: {source}\n    destination: /srv\n"));
    assert_eq!(source("app/*.txt"), [("A015", Severity::Error)]);
    assert_eq!(source("./app/"), []);
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
fn time_outs_that_were_chosen_add_up_whatever_else_there_is() {
    let event = |timeouts: &[&str]| {
        let scripts: String = timeouts.iter().map(|t| format!("    - {{location: a{t}}}\n")).collect();
        codes(&format!("{HEAD}hooks:\n  AfterInstall:\n{scripts}"))
    };
    let past = [("A033", Severity::Warning)];
    assert_eq!(event(&[", timeout: 1800", ", timeout: 1801", ""]), past);
    assert_eq!(event(&[", timeout: 3600", ", timeout: 1"]), past);
    assert_eq!(event(&[", timeout: 1800", "", ""]), []);
}

#[test]
fn two_sources_for_one_target() {
    let files =
        "files:\n  - {source: app, destination: /srv}\n  - {source: other/a.txt, destination: /srv}\n";
    assert_eq!(bundle_codes(files), [("A016", Severity::Error)]);
}

#[test]
fn permissions_against_what_is_installed() {
    let permission = |body: &str| {
        bundle_codes(&format!("files:\n  - {{source: app, destination: /srv}}\npermissions:\n{body}"))
    };
    assert_eq!(permission("  - {object: /srv, mode: '644'}\n"), []);
    assert_eq!(permission("  - {object: /srv/a.txt, pattern: '*.txt'}\n"), [("A028", Severity::Error)]);
    assert_eq!(
        permission("  - {object: /srv, mode: '644'}\n  - {object: /srv/a.txt, mode: '600'}\n"),
        [("A028", Severity::Error)]
    );
    for kind in ["file", "files"] {
        let entry = format!("  - {{object: /srv, mode: '644', type: {kind}}}\n");
        assert_eq!(permission(&entry), [("A024", Severity::Error)], "{kind}");
    }
    assert_eq!(permission("  - {object: /elsewhere, mode: '644'}\n"), [("A029", Severity::Warning)]);
    assert_eq!(permission("  - {object: /srv, acls: ['d:u:bob:rw']}\n"), [("A025", Severity::Error)]);
    assert_eq!(
        permission("  - {object: /srv, acls: ['d:u:bob:rw'], except: [a.txt]}\n"),
        [("A029", Severity::Warning)]
    );
    assert_eq!(permission("  - {object: /srv, acls: ['u:bob:rw']}\n"), []);
    assert_eq!(bundle_codes("permissions:\n  - {object: /srv}\n"), [("A029", Severity::Warning)]);
    assert_eq!(
        bundle_codes("files:\n  - {source: nothing, destination: /a}\npermissions:\n  - {object: /a}\n"),
        [("A015", Severity::Error)]
    );
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
fn a_pattern_reaches_one_level_and_knows_only_the_star() {
    let fits = |pattern, name| matches_glob(Agent::One, pattern, name);
    assert!(fits("*.sh", "a.sh") && fits("*", "a") && fits("a*b*", "axxbyy"));
    assert!(!fits("*.sh", "a/b.sh") && !fits("?.sh", "a.sh") && !fits("a", "ab") && !fits("a/b", "a/b"));
}

#[test]
fn a_pattern_of_agent_2_with_a_star_has_the_other_wildcards_too() {
    let fits = |pattern, name| matches_glob(Agent::Two, pattern, name);
    assert!(fits("*.{sh,py}", "a.py") && fits("?*.sh", "a.sh") && fits("[ab]*", "bc") && fits("**", "a/b"));
    assert!(!fits("*.sh", "a/b.sh") && !fits("d/*", "d/e") && !fits("[ab]*", "cb") && !fits("*{", "a{"));
    assert!(fits("a/b", "a/b") && fits("?.sh", "?.sh") && !fits("?.sh", "a.sh") && !fits("{a,b}", "a"));
}

/// Verdicts of Ruby 3.1's Psych and of serde_yaml with the agents' rules, on files that people hardly write.
#[test]
fn oddities_are_read_as_each_agent_reads_them() {
    let refused = |text: &str, agent| load(text.as_bytes(), Os::Linux, agent).is_err();
    for (body, one, two) in [
        ("x: !!set {a, b}\n", true, false),
        ("x: !!float abc\n", true, false),
        ("[a]: 1\n", false, true),
        ("permissions:\n  - {object: /a, acls: {a: b}}\n", true, true),
        ("permissions:\n  - {object: /a, type: {a: b}}\n", true, true),
        ("permissions:\n  - {object: /a, type: [\"file \"]}\n", true, true),
        ("permissions:\n  - {object: /a, type: [~]}\n", true, true),
        ("permissions:\n  - {object: /a, except: [[a]]}\n", false, true),
        ("permissions:\n  - {object: /a, except: {a: b}}\n", false, true),
        ("permissions:\n  - {object: /a, context: {type: t, range: \"s0:\"}}\n", true, true),
        ("permissions:\n  - {object: /a, context: {type: t, range: \" s0\"}}\n", true, true),
        ("permissions:\n  - {object: /a, context: {type: [t], range: s0}}\n", false, true),
        ("permissions:\n  - {object: /a, acls: false}\n", true, true),
        ("permissions:\n  - {object: /a, mode: \" \"}\n", true, true),
        ("permissions:\n  - {object: \"\\u00a0\"}\n", false, true),
        ("permissions:\n  - {object: \"\\0\"}\n", true, false),
        ("permissions:\n  - {object: /a, context: !a }\n", false, true),
        ("permissions: !a\n", false, false),
        ("files:\n  - {source: a, destination: \"\"}\n", false, true),
        ("files: &a [*a]\n", true, true),
        ("x: &a [*a]\n", true, false),
        ("files: ! \"\"\n", false, true),
        ("hooks: !a\n", false, false),
        ("hooks:\n  AfterInstall: !a\n", false, false),
        ("hooks:\n  AfterInstall:\n    - {location: a, timeout: !!str }\n", true, true),
        ("hooks:\n  AfterInstall:\n    - {location: a, sudo: !a }\n", false, true),
        ("hooks:\n  AfterInstall:\n    - {location: a, timeout: !!int \"5\"}\n", false, true),
        ("file_exists_behavior: !!str\n", true, true),
        ("x: !ruby/hash {a: b}\n", false, false),
        ("permissions:\n  - {object: /a, mode: !!float 0}\n", true, false),
        ("files:\n  - <<: {source: a}\n    destination: /b\n", false, true),
        ("files:\n  - <<: [{source: a}, {destination: /b}]\n", false, true),
        ("x: &a 1\ny: *a\n", true, false),
        ("x: 2020-01-01\n", true, false),
        ("hooks:\n  AfterInstall:\n    - {location: a, timeout: 1_000}\n", false, true),
        ("hooks:\n  AfterInstall:\n    - {location: a, timeout: 0o17}\n", true, false),
        ("x: |\n  a block that ends with the file", false, false),
        ("---\n", false, true),
    ] {
        let text = format!("{HEAD}{body}");
        assert_eq!((refused(&text, Agent::One), refused(&text, Agent::Two)), (one, two), "{text}");
    }
    assert!(refused("version: !!int \"0\"\nos: linux\n", Agent::Two));
    assert!(!refused("version: !!str 0.0\nos: linux\n", Agent::Two));
    assert!(refused("version: 0.0\nos: !ruby/sym linux\n", Agent::One));
    assert!(!refused("\"<<\": {os: linux}\nversion: 0.0\n", Agent::One));
    assert!(!refused("version: 0.0\nos: >\n  linux", Agent::One));
    let smoke = format!("{HEAD}hooks:\n  Smoke: []\n");
    let severity = |agent| {
        let scope = Scope { agent: Some(agent), ..Scope::default() };
        check(smoke.as_bytes(), None, scope).findings[0].severity
    };
    assert_eq!((severity(Agent::One), severity(Agent::Two)), (Severity::Error, Severity::Warning));
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
