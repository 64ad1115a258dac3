//! What the text alone tells, without a bundle.

use super::*;

/// As [`said_of`], of a body.
fn alone(body: &str) -> Vec<String> {
    said_of(&format!("{HEAD}{body}"), None, Scope::default())
}

/// Codes with their places.
fn placed(text: &str) -> Vec<(&'static str, usize, usize)> {
    let findings = check(text.as_bytes(), None, Scope::default()).findings;
    let place = |finding: &Finding| finding.span.unwrap_or_default().start;
    findings.iter().map(|found| (found.code, place(found).line, place(found).column)).collect()
}

fn report(text: &str, agent: Agent) -> String {
    load(text.as_bytes(), Os::Linux, agent).unwrap_err()
}

#[test]
fn an_indented_first_key_hides_nothing_from_the_check() {
    let text = " version: 0.0\nos: linux\nhooks:\n  AfterInstal:\n    - location: a\n";
    assert_eq!(said_of(text, None, Scope::default()), ["A007 e", "A034 e"]);
    assert_eq!(placed(text), [("A007", 1, 2), ("A034", 4, 3)]);
    assert!(report(text, Agent::One).contains("unsupported operating system ()"));
    assert!(report(text, Agent::Two).ends_with("missing field `os` at line 1 column 2"));
    let deep = "  version: 0.0\n  file: x\nos: linux\n";
    assert_eq!(placed(deep), [("A007", 1, 3), ("A050", 2, 3)]);
    // Agent 1 takes the keys that it sees.
    let both = " version: 0.0\n os: linux\nfiles: []\n";
    assert_eq!(said_of(both, None, Scope::default()), ["A007 e2"]);
    assert!(load(both.as_bytes(), Os::Linux, Agent::One).is_ok_and(|appspec| appspec.files.is_empty()));
    assert!(report(both, Agent::Two).ends_with("more than one document is not supported"));
    let findings = check(text.as_bytes(), None, Scope::default()).findings;
    assert_eq!(findings[0].help.as_deref(), Some("put it in the column of the others"));
}

#[test]
fn an_indented_first_key_does_not_hide_ecs() {
    let text = " version: 0.0\nResources:\n  - TargetService:\n      Type: AWS::ECS::Service\n      Properties:\n        TaskDefinition: arn:aws:ecs:us-east-1:111122223333:task-definition/web:7\n        LoadBalancerInfo: {ContainerName: web, ContainerPort: 0}\n";
    assert_eq!(Platform::of(text.as_bytes()), Platform::Ecs);
    assert_eq!(placed(text), [("A007", 1, 2), ("A074", 7, 63)]);
}

/// serde_yaml reads the first document before it counts them.
#[test]
fn what_agent_2_refuses_in_the_first_document_comes_before_a_second() {
    let hooks = |more: &str| format!("{HEAD}hooks:\n  AfterInstall:\n    - location: a\n      {more}\n---\n");
    let text = hooks("timeout: \"300\"");
    let expected =
        "hooks.AfterInstall[0].timeout: invalid type: string \"300\", expected u32 at line 6 column 16";
    assert!(report(&text, Agent::Two).ends_with(expected));
    assert_eq!(said_of(&text, None, Scope::default()), ["A032 e2", "A007 e2"]);
    assert_eq!(said_of(&hooks("sudo: yes"), None, Scope::default()), ["A043 e2", "A007 e2"]);
    assert!(report("version: 0.0\n---\n", Agent::Two).ends_with("missing field `os`"));
    // What is no matter of types it looks at once all is read.
    assert!(
        report("version: 1\nos: linux\n---\n", Agent::Two)
            .ends_with("more than one document is not supported")
    );
}

#[test]
fn accounts_that_su_refuses() {
    let with =
        |event: &str, runas: &str| alone(&format!("hooks: {{{event}: [{{location: a, runas: {runas}}}]}}\n"));
    for (runas, expected) in [
        ("nobody", &["A044 w"][..]),
        ("www-data", &["A044 w"]),
        // A directory of users may have them.
        ("1000", &["A044 w"]),
        ("root:root", &["A044 e"]),
        // Agent 1 gives these to a shell, which may find something to run.
        ("ec2 user", &["A044 w"]),
        ("'root; id'", &["A044 e2"]),
        ("'- web'", &["A044 w2"]),
        ("[root]", &["A044 e2"]),
        ("ec2-user", &[]),
        ("web.1_x", &[]),
        ("'DOMAIN@web'", &[]),
        ("host$", &[]),
        ("'DOMAIN\\web'", &["A044 w1"]),
        ("''", &[]),
    ] {
        assert_eq!(with("AfterInstall", runas), expected, "{runas}");
    }
    // The next deployment runs it.
    assert_eq!(with("ApplicationStop", "'1000'"), ["A044 w"]);
    let windows =
        "version: 0.0\nos: windows\nhooks: {AfterInstall: [{location: a, runas: '1', sudo: SUDO}]}\n";
    let with = |sudo: &str| said_of(&windows.replace("SUDO", sudo), None, Scope::default());
    assert_eq!((with("true").len(), with("false")), (2, vec!["A042 w".to_owned()]));
}

#[test]
fn entries_that_copy_the_same_twice() {
    let files = |pairs: &[(&str, &str)]| {
        let entry = |(from, to): &(&str, &str)| format!("  - {{source: {from}, destination: {to}}}\n");
        alone(&format!("files:\n{}", pairs.iter().map(entry).collect::<String>()))
    };
    for (pairs, expected) in [
        (&[("/", "/srv"), ("/", "/srv")][..], &["A016 e"][..]),
        (&[("/", "/srv"), (".", "/srv/")], &["A016 e"]),
        (&[("conf/a.conf", "/etc"), ("conf/a.conf", "/etc/")], &["A016 e"]),
        (&[("/", "/srv"), ("conf/a.conf", "/srv/conf")], &["A016 w"]),
        (&[("/index.html", "/srv"), ("/", "/srv")], &["A016 w"]),
        // An empty directory may be copied as often as one likes.
        (&[("logs", "/srv/logs"), ("logs", "/srv/logs")], &["A016 w"]),
        (&[("/", "/srv"), ("app/logs", "/srv/app/logs")], &["A016 w"]),
        (&[("app", "/srv"), ("app/logs", "/srv/logs")], &["A016 w"]),
        (&[("/", "/srv"), ("/", "/opt")], &[]),
        // What is in `web` need not be in the bundle's root.
        (&[("/", "/srv"), ("web", "/srv")], &[]),
        (&[("/", "/srv"), ("index.html", "/srv/pages")], &[]),
        (&[("app", "/srv/app"), ("app2", "/srv/app2")], &[]),
    ] {
        assert_eq!(files(pairs), expected, "{pairs:?}");
    }
    let text = "version: 0.0\nos: windows\nfiles:\n  - {source: \\, destination: 'c:\\x'}\n  - {source: a.txt, destination: 'c:/x'}\n";
    assert_eq!(said_of(text, None, Scope::default()), ["A016 w"]);
}

#[test]
fn permissions_that_set_the_same_twice() {
    let with = |files: &str, one: &str, two: &str| {
        alone(&format!(
            "files: [{{source: {files}, destination: /srv}}]\npermissions:\n  - {{object: {one}}}\n  - {{object: {two}}}\n"
        ))
    };
    assert_eq!(with("/", "/srv, mode: 755", "/srv/, mode: 644"), ["A028 e"]);
    assert_eq!(with("app", "/srv, mode: 755", "/srv, mode: 644"), ["A028 w"]);
    assert_eq!(with("/", "/opt, mode: 755", "/opt, mode: 644"), ["A028 w"]);
    assert_eq!(with("/", "/srv, pattern: '*.sh'", "/srv, pattern: '*.sh'"), ["A028 w"]);
    assert_eq!(with("/", "/srv, type: [file]", "/srv, type: [directory]"), [""; 0]);
    assert_eq!(with("/", "/srv, pattern: '*.sh'", "/srv, pattern: '*.py'"), [""; 0]);
    assert_eq!(with("/", "/srv, except: [a]", "/srv, except: [b]"), [""; 0]);
}

#[test]
fn locations_of_no_script() {
    let with =
        |event: &str, location: &str| alone(&format!("hooks: {{{event}: [{{location: {location}}}]}}\n"));
    for (location, code) in
        [("scripts/", "A039"), ("/", "A039"), (".", "A039"), ("a/..", "A039"), ("../x.sh", "A037")]
    {
        assert_eq!(with("AfterInstall", location), [format!("{code} e")], "{location}");
        assert_eq!(with("ApplicationStop", location), [format!("{code} w")], "{location}");
    }
    assert_eq!(with("AfterInstall", "./scripts/../a.sh"), [""; 0]);
    // Above the agent's own directories there is the host.
    assert_eq!(with("AfterInstall", "../../../../../../usr/bin/env"), ["A037 w"]);
}

#[test]
fn what_is_wrong_is_pointed_at() {
    let permissions = |body: &str| placed(&format!("{HEAD}permissions:\n  - object: /a\n{body}"));
    let context = |range: &str| permissions(&format!("    context:\n      type: t\n      range: {range}\n"));
    assert_eq!(context("s1-s0"), [("A026", 7, 14)]);
    assert_eq!(permissions("    type: [file, dir]\n"), [("A024", 5, 18)]);
    let listing = bundle(&[("storage/", ""), ("storage/a", "")]);
    let text = format!(
        "{HEAD}files: [{{source: /, destination: /srv}}]\npermissions:\n  - {{object: /srv, mode: '644', except: [a, storage]}}\n"
    );
    let findings = check(text.as_bytes(), Some(&listing), Scope::default()).findings;
    assert_eq!(findings[0].span.map(|span| (span.start.line, span.start.column)), Some((5, 45)));
}

#[test]
fn windows_in_another_case_is_windows_to_the_rest() {
    let text = "version: 0.0\nos: Windows\nfiles:\n  - {source: \\, destination: 'c:\\x'}\n";
    assert_eq!(said_of(text, None, Scope::default()), ["A004 e"]);
    let version = text.replace("Windows", "Windows server 2012 R2");
    assert_eq!(said_of(&version, None, Scope::default()), ["A004 e"]);
}

#[test]
fn no_name_on_windows_has_a_wildcard() {
    let with = |os: &str, source: &str| {
        let text =
            format!("version: 0.0\nos: {os}\nfiles:\n  - {{source: '{source}', destination: 'c:\\x'}}\n");
        let said = said_of(&text, None, Scope::default());
        said.into_iter().find(|said| said.starts_with("A015")).unwrap_or_default()
    };
    assert_eq!(with("windows", "\\*.*"), "A015 e");
    assert_eq!(with("windows", "a?.txt"), "A015 e");
    assert_eq!(with("windows", "a.txt"), "");
    // On Linux a file may be called so, and what is filled in may be anything.
    assert_eq!(with("linux", "*.txt"), "A015 w");
    assert_eq!(with("windows", "${A:?}.txt"), "A015 w");
}

#[test]
fn two_underscores_end_a_number() {
    let with = |timeout: &str| {
        let text = format!("{HEAD}hooks: {{AfterInstall: [{{location: a, timeout: {timeout}}}]}}\n");
        load(text.as_bytes(), Os::Linux, Agent::One).unwrap().scripts("AfterInstall")[0].timeout
    };
    for (timeout, seconds) in [("1__0", 1), ("1_0__2", 10), ("'1_0'", 10), ("1_m", 1)] {
        assert_eq!(with(timeout), seconds, "{timeout}");
    }
}
