//! The checks of EC2/on-premises AppSpec files, case by case.

mod alone;
mod bundled;
mod helps;
mod permitted;
mod severity;
mod started;
mod templates;

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
    assert_eq!(codes(&mode("07")), [("A023", Severity::Warning)]);
    for same in ["000", "0000", "007", "0001"] {
        assert_eq!(codes(&mode(same)), [], "{same}");
    }
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
    assert_eq!(codes(&hooks("")), [("A036", Severity::Note)]);
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
fn what_comes_of_an_unknown_event_is_told_of_the_agent_that_is_meant() {
    let text = format!("{HEAD}hooks:\n  Smoke:\n    - location: a.sh\n");
    let told = |agent: Option<Agent>| {
        let findings = check(text.as_bytes(), None, Scope { agent, ..Scope::default() }).findings;
        findings.into_iter().find(|finding| finding.code == "A034").unwrap().message
    };
    for agent in [None, Some(Agent::One)] {
        assert!(told(agent).contains("local run refuses the file"), "{agent:?}");
    }
    let second = told(Some(Agent::Two));
    assert!(second.ends_with("local run passes over them") && !second.contains("refuses"), "{second}");
}

#[test]
fn repeated_keys_and_further_documents_are_warnings() {
    let text = format!("{HEAD}hooks:\nhooks:\n  AfterInstall:\n    - location: a\n---\nx: 1\n");
    assert_eq!(codes(&text), [("A051", Severity::Warning), ("A007", Severity::Warning)]);
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
fn a_pattern_reaches_one_level_and_knows_only_the_star() {
    let fits = |pattern, name| Pattern::new(Agent::One, pattern).fits(name);
    assert!(fits("*.sh", "a.sh") && fits("*", "a") && fits("a*b*", "axxbyy"));
    assert!(!fits("*.sh", "a/b.sh") && !fits("?.sh", "a.sh") && !fits("a", "ab") && !fits("a/b", "a/b"));
}

#[test]
fn a_pattern_of_agent_2_with_a_star_has_the_other_wildcards_too() {
    let fits = |pattern, name| Pattern::new(Agent::Two, pattern).fits(name);
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
        ("hooks:\n  AfterInstall:\n    - {location: a, timeout: !!binary }\n", true, true),
        ("files:\n  - {source: a, destination: !!binary }\n", false, true),
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

/// A bundle of these: directories end with a slash, links have where they point, files what they begin with.
fn bundle(entries: &[(&str, &str)]) -> Listing {
    let entry = |(name, head): &(&str, &str)| {
        let (name, kind) = match (name.strip_suffix('/'), name.strip_suffix('@')) {
            (Some(name), _) => (name, Kind::Directory),
            (_, Some(name)) => (name, Kind::Link),
            _ => (*name, Kind::File),
        };
        (name.to_owned(), Entry { kind, mode: 0o755, head: head.as_bytes().to_vec() })
    };
    entries.iter().map(entry).collect()
}

/// What both agents' check of a body with a bundle says that is no note: code, severity's initial, agent.
fn said(body: &str, listing: &Listing) -> Vec<String> {
    said_of(&format!("{HEAD}{body}"), Some(listing), Scope::default())
}

fn said_of(text: &str, listing: Option<&Listing>, scope: Scope) -> Vec<String> {
    let findings = check(text.as_bytes(), listing, scope).findings;
    let told = findings.iter().filter(|finding| finding.severity != Severity::Note);
    told.map(|finding| {
        let only = finding.only.map(Agent::as_str).unwrap_or_default();
        format!("{} {}{only}", finding.code, &finding.severity.as_str()[..1])
    })
    .collect()
}

const SH: &str = "#!/bin/sh\n";

#[test]
fn destinations_of_windows() {
    for (destination, warned) in [
        ("app", true),
        ("'%TEMP%\\app'", true),
        ("'$env:TEMP\\app'", true),
        ("'c:app'", true),
        ("/srv/app", false),
        ("'C:\\100% done'", false),
        ("'C:\\$Recycle'", false),
        ("'\\\\host\\share\\app'", false),
        ("'d:/app'", false),
        ("'d:'", false),
    ] {
        let text = format!("version: 0.0\nos: windows\nfiles: [{{source: /, destination: {destination}}}]\n");
        let expected = if warned { &["A014 w"][..] } else { &[] };
        assert_eq!(said_of(&text, None, Scope::default()), expected, "{destination}");
    }
}

#[test]
fn patterns_with_a_path_are_for_nothing() {
    let listing = bundle(&[("app/", ""), ("app/key.pem", ""), ("app/sub/", ""), ("app/sub/a.sh", "")]);
    let with = |more: &str| {
        format!(
            "files: [{{source: app, destination: /srv}}]\npermissions:\n  - {{object: /srv, mode: '644', {more}}}\n"
        )
    };
    for (more, expected) in [
        ("except: [/srv/key.pem]", &["A024 w"][..]),
        ("except: [key.pem]", &[]),
        ("except: ['sub/*.sh']", &["A024 w"]),
        // Agent 2 takes it for the path below the object.
        ("except: [sub/a.sh]", &["A024 w1"]),
        ("pattern: 'sub/*.sh'", &["A029 w"]),
        ("pattern: 'sub/a.sh'", &["A029 w1"]),
    ] {
        assert_eq!(said(&with(more), &listing), expected, "{more}");
        assert_eq!(said_of(&format!("{HEAD}{}", with(more)), None, Scope::default()), expected, "{more}");
    }
}

#[test]
fn each_agents_patterns_are_its_own() {
    let listing = bundle(&[("app/", ""), ("app/x.sh", ""), ("app/y.txt", "")]);
    let files = "files: [{source: app, destination: /srv}]\npermissions:\n";
    let text = format!("{files}  - {{object: /srv, pattern: '*.{{sh,py}}', mode: '644'}}\n");
    assert_eq!(said(&text, &listing), ["A029 w1"]);
    let text = format!("{text}  - {{object: /srv/x.sh, mode: '755'}}\n");
    assert_eq!(said(&text, &listing), ["A029 w1", "A028 e2"]);
}

#[test]
fn setuid_does_not_outlive_an_owner() {
    let with = |more: &str| {
        said_of(&format!("{HEAD}permissions:\n  - {{object: /srv, {more}}}\n"), None, Scope::default())
    };
    for (more, lost) in [
        ("mode: '4755', owner: nobody", true),
        ("mode: '2755', group: web, type: [file]", true),
        ("mode: '2755', group: web, type: [directory]", false),
        ("mode: '2744', group: web", false),
        ("mode: '4755'", false),
        ("mode: '1755', owner: nobody", false),
    ] {
        assert_eq!(with(more), if lost { &["A023 w"][..] } else { &[] }, "{more}");
    }
}

#[test]
fn a_destination_that_is_the_files_own_path() {
    let listing = bundle(&[("x.yml", ""), ("app", ""), ("conf.d/", ""), ("conf.d/a", "")]);
    let files = |source: &str, destination: &str| {
        format!("files: [{{source: {source}, destination: {destination}}}]\n")
    };
    assert_eq!(said(&files("x.yml", "/etc/x.yml"), &listing), ["A018 w"]);
    assert_eq!(said(&files("x.yml", "/etc"), &listing), [""; 0]);
    assert_eq!(said(&files("app", "/opt/app"), &listing), [""; 0]);
    assert_eq!(said(&files("conf.d", "/etc/conf.d"), &listing), [""; 0]);
    let alone = |source, destination| {
        said_of(&format!("{HEAD}{}", files(source, destination)), None, Scope::default())
    };
    assert_eq!(alone("config/x.yml", "/etc/x.yml"), ["A018 w"]);
    assert_eq!(alone("conf.d", "/etc/conf.d"), [""; 0]);
}

#[test]
fn what_a_shell_makes_of_a_location() {
    let names = ["it's.sh", "a&b.sh", "c(1).sh", "d$x.sh", "a b.sh", "e$.sh", "f=1,2@3+4.sh", "g[1].sh"];
    let listing = bundle(&names.map(|name| (name, SH)));
    let with =
        |name: &str, more: &str| format!("hooks:\n  AfterInstall:\n    - {{location: \"{name}\"{more}}}\n");
    for name in names.iter().take(5) {
        assert_eq!(said(&with(name, ""), &listing), ["A040 e1"], "{name}");
        assert_eq!(said(&with(name, ", sudo: true"), &listing), ["A040 e1"], "{name}");
        assert_eq!(said(&with(name, ", runas: web"), &listing), ["A040 e"], "{name}");
    }
    for name in names.iter().skip(5) {
        assert_eq!(said(&with(name, ", runas: web"), &listing), [""; 0], "{name}");
    }
    let alone = |body: &str| said_of(&format!("{HEAD}{body}"), None, Scope::default());
    assert_eq!(alone(&with("a.sh prod", "")), ["A040 e1"]);
    assert_eq!(alone("files: [{source: dist/*, destination: /srv}]\n"), ["A015 w"]);
    assert_eq!(alone("files: [{source: 'pages/[id].js', destination: /srv}]\n"), [""; 0]);
}

#[test]
fn placeholders_of_hosts_are_notes_where_they_are_meant() {
    let text = format!(
        "{HEAD}files:\n  - {{source: /, destination: \"${{DIR}}\"}}\npermissions:\n  - {{object: /a, mode: \"${{MODE}}\", acls: [\"${{ACL}}\"]}}\nhooks:\n  AfterInstall:\n    - location: a.sh\n      timeout: <TIMEOUT>\n    - location: b.sh\n      timeout: {{{{ T }}}}\n  <EVENT>:\n    - location: c.sh\n"
    );
    assert!(said_of(&text, None, Scope::default()).iter().filter(|said| said.ends_with('e')).count() >= 4);
    let meant = Scope { placeholders: true, ..Scope::default() };
    assert_eq!(said_of(&text, None, meant), [""; 0]);
    let codes: Vec<_> =
        check(text.as_bytes(), None, meant).findings.iter().map(|finding| finding.code).collect();
    assert_eq!(codes, ["A075"; 6]);
}

#[test]
fn placeholders_of_ecs_are_noticed_wherever_they_stand() {
    let text = "version: ${V}\nResources:\n  - <NAME>:\n      Type: ${TYPE}\n      Properties:\n        TaskDefinition: <T>\n        LoadBalancerInfo: <LB>\n        NetworkConfiguration: <NET>\nHooks: <HOOKS>\n";
    for text in [
        text,
        "version: 0.0\nResources:\n  - TargetService:\n      Type: AWS::ECS::Service\n      Properties: <P>\n",
    ] {
        let said = |placeholders| said_of(text, None, Scope { placeholders, ..Scope::default() });
        assert!(said(false).iter().all(|said| said == "A075 w"), "{:?}", said(false));
        assert_eq!(said(true), [""; 0]);
    }
}

/// What agent 2 tells of a mark: the index of broken files has it.
#[test]
fn a_mark_hides_the_keys_behind_the_first_from_agent_2() {
    let refusal = |text: &str| load(text.as_bytes(), Os::Linux, Agent::Two).unwrap_err();
    let report = refusal("\u{feff}version: 0.0\nos: linux\n");
    assert!(report.ends_with("missing field `os` at line 1 column 2"), "{report}");
    assert!(refusal("\u{feff}{version: 0.0, os: linux}\n---\n").contains("more than one document"));
    let scope = Scope { agent: Some(Agent::Two), ..Scope::default() };
    assert_eq!(said_of("\u{feff}version: 0.0\nos: linux\n", None, scope), ["A008 w", "A004 e"]);
}
