//! How severe a matter is: what hurts nobody is a note, what is certain to fail an error.

use super::*;

/// As [`said_of`], of a body without a bundle.
fn alone(body: &str) -> Vec<String> {
    said_of(&format!("{HEAD}{body}"), None, Scope::default())
}

#[test]
fn what_is_left_empty_loses_something_only_where_that_stands_beside_it() {
    for (body, expected) in [
        ("hooks:\n", &[][..]),
        ("hooks:\n#  AfterInstall:\n", &[]),
        ("hooks:\n  ApplicationStop:\n", &[]),
        ("hooks:\nAfterInstall:\n  - location: a\n", &["A036 w", "A050 w"]),
    ] {
        assert_eq!(alone(body), expected, "{body}");
    }
    let findings =
        check(format!("{HEAD}hooks:\nAfterInstall:\n").as_bytes(), None, Scope::default()).findings;
    assert_eq!(findings[0].help.as_deref(), Some("indent `AfterInstall` and what else belongs below it"));
    let script = alone("hooks:\n  AfterInstall:\n  location: a\n");
    assert_eq!((script[0].as_str(), &script[1][..6]), ("A036 w", "A030 e"));
}

#[test]
fn the_types_of_an_event_that_comes_again_below_count() {
    let text =
        format!("{HEAD}hooks:\n  AfterInstall:\n    location: a\n  AfterInstall:\n    - location: b\n");
    assert_eq!(said_of(&text, None, Scope::default()), ["A051 w", "A030 e2"]);
    let report = load(text.as_bytes(), Os::Linux, Agent::Two).unwrap_err();
    let expected = "hooks.AfterInstall: invalid type: map, expected a sequence at line 5 column 5";
    assert!(report.ends_with(expected), "{report}");
    // What is of the right type there is not looked at, whatever it is.
    let values = "hooks:\n  AfterInstall:\n    - timeout: 0\n  AfterInstall:\n    - location: b\n";
    assert_eq!(alone(values), ["A051 w"]);
}

#[test]
fn a_context_has_three_keys() {
    let with = |keys: &str| alone(&format!("permissions:\n  - {{object: /a, context: {{{keys}}}}}\n"));
    assert_eq!(with("name: n, type: a, range: s0"), [""; 0]);
    assert_eq!(with("type: a, range: s0, role: r, users: u"), ["A050 w", "A050 w"]);
    assert_eq!(with("user: u, type: a, range: s0"), ["A050 w"]);
    assert_eq!(with("type: a, type: b, range: s0"), ["A051 e2"]);
}

#[test]
fn values_of_a_permission_that_break_agent_1() {
    let with = |more: &str| alone(&format!("permissions:\n  - {{object: /a, {more}}}\n"));
    for name in ["\"1000\"", "\"\"", "\" \""] {
        assert_eq!(with(&format!("owner: {name}")), ["A024 e1"], "{name}");
        assert_eq!(with(&format!("group: {name}")), ["A024 e1"], "{name}");
    }
    assert_eq!(with("context: {type: t}"), ["A026 e1"]);
    for right in ["owner: web1", "owner: ", "pattern: '5'", "except: ['1', a]", "pattern: "] {
        assert_eq!(with(right), [""; 0], "{right}");
    }
    for wrong in ["pattern: 5", "except: [1]", "except: [~]"] {
        assert_eq!(with(wrong), ["A024 w1"], "{wrong}");
    }
}

#[test]
fn a_mark_hurts_only_where_a_key_follows_at_once() {
    let said = |text: &str| said_of(&format!("\u{feff}{text}"), None, Scope::default());
    for right in [
        "# site\nversion: 0.0\nos: linux\n",
        "\nversion: 0.0\nos: linux\n",
        "\r\nversion: 0.0\r\nos: linux\r\n",
        "{\"version\": 0.0, \"os\": \"linux\"}\n",
    ] {
        assert_eq!(said(right), [""; 0], "{right}");
        assert!(load(format!("\u{feff}{right}").as_bytes(), Os::Linux, Agent::One).is_ok(), "{right}");
    }
    assert_eq!(said("version: 0.0\nos: linux\n")[..2], ["A008 w", "A004 e"]);
    assert!(said("---\nversion: 0.0\nos: linux\n").contains(&"A008 w".to_owned()));
}

#[test]
fn what_cannot_be_read_has_its_place_and_a_help() {
    let told = |text: &[u8]| {
        let finding = check(text, None, FIRST).findings.remove(0);
        let place = finding.span.unwrap().start;
        (place.line, place.column, finding.help.unwrap_or_default())
    };
    let hidden = "take the character out; an editor may not show it".to_owned();
    for odd in ['\u{1b}', '\0', '\u{7f}', '\u{fffe}'] {
        let text = format!("version: 0.0\nos: linux\n# é {odd}\n");
        assert_eq!(told(text.as_bytes()), (3, 5, hidden.clone()), "{odd:?}");
    }
    let utf_16: Vec<u8> = "version: 0.0\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let help = "the file is UTF-16: save it as UTF-8".to_owned();
    assert_eq!(told(&[&b"\xff\xfe"[..], &utf_16].concat()), (1, 1, help.clone()));
    assert_eq!(told(&utf_16).2, help);
    assert_eq!(told(b"version: 0.0\nos: linux # caf\xe9\n"), (2, 16, "save the file as UTF-8".to_owned()));
    let column = "what belongs to one list or one mapping begins in the same column";
    let files = "version: 0.0\nos: linux\nfiles:\n  - source: /\n";
    for rest in ["   destination: /x\n", " - source: a\n"] {
        assert_eq!(told(format!("{files}{rest}").as_bytes()).2, column, "{rest}");
    }
    assert_eq!(told(b"version: 0.0\nos: 'linux\n").2, "the quote that opens here is never closed");
    let open = check(b"version: 0.0\nResources: 'a\n", None, Scope::default()).findings;
    assert_eq!(open[0].span.map(|span| (span.start.line, span.start.column)), Some((2, 12)));
    let managed = check(b"version: 0.0\nResources:\n\t- a\n", None, Scope::default()).findings;
    assert!(managed[0].help.as_deref().unwrap_or_default().starts_with("YAML indents with spaces"));
}

#[test]
fn placeholders_of_hosts_are_noticed_wherever_they_stand() {
    for body in [
        "files: [{source: <SRC>, destination: /srv}]\n",
        "files: [{source: '${SRC}', destination: /srv}]\n",
        "files: [{source: 'app-${VERSION}.jar', destination: /srv}]\n",
        "files: [{source: a, destination: /srv/<APP>}]\n",
        "files: [{source: a, destination: '/srv/{{ app }}'}]\n",
        "hooks: {AfterInstall: [{location: a, runas: '${U}'}]}\n",
        "permissions: [{object: /a, owner: <O>}]\n",
        "permissions: [{object: /a, acls: ['u:${U}:rwx']}]\n",
    ] {
        let text = format!("{HEAD}{body}");
        let findings = check(text.as_bytes(), None, Scope::default()).findings;
        assert!(findings.iter().any(|finding| finding.help == Some(HELP.to_owned())), "{body} {findings:?}");
        assert!(findings.iter().all(|finding| finding.severity == Severity::Warning), "{body} {findings:?}");
        assert_eq!(said_of(&text, None, Scope { placeholders: true, ..Scope::default() }), [""; 0], "{body}");
    }
    let unknown = check(b"version: 0.0\nos: ${OS}\n", None, Scope::default()).findings;
    assert_eq!((unknown[0].code, unknown[0].help.as_deref()), ("A004", Some(HELP)));
    // What is in the bundle by this very name is none, nor is what the agents never read.
    let there = bundle(&[("app-${VERSION}.jar", "")]);
    assert_eq!(said("files: [{source: 'app-${VERSION}.jar', destination: /srv}]\n", &there), [""; 0]);
    assert_eq!(alone("x-note: <TODO>\n"), ["A050 w"]);
}

const HELP: &str = "a pipeline fills it in; --allow-placeholders says that this is meant";
