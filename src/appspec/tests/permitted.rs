//! Permissions against what the bundle installs.

use super::bundled::{bundle_codes, within};
use super::*;

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
fn a_permission_above_a_destination_is_for_what_install_makes_there() {
    let listing = bundle(&[("one.txt", ""), ("app/", ""), ("app/a", "")]);
    let with = |source: &str, destination: &str, permission: &str| {
        let file = format!("files:\n  - {{source: {source}, destination: {destination}}}\n");
        said(&format!("{file}permissions:\n  - {{{permission}, mode: \"755\"}}\n"), &listing)
    };
    for source in ["one.txt", "app"] {
        let deep = "/srv/site/html/en";
        assert_eq!(with(source, deep, "object: /srv/site, pattern: '*.txt'"), ["A029 w"]);
        assert_eq!(with(source, deep, "object: /srv/site, pattern: 'ht*'"), [""; 0]);
        assert_eq!(with(source, deep, "object: /srv/site, type: [directory]"), [""; 0]);
        assert_eq!(with(source, deep, "object: /srv/site, pattern: 'ht*', except: [html]"), ["A029 w"]);
        assert_eq!(with(source, deep, "object: /, type: [directory]"), [""; 0]);
        assert_eq!(with(source, deep, "object: /, pattern: srv"), [""; 0]);
    }
}

#[test]
fn agent_2_compares_an_object_as_it_is_written() {
    let listing = bundle(&[("app/", ""), ("app/a", "")]);
    let with = |object: &str| {
        let file = "files:\n  - {source: app, destination: /srv/x}\n";
        said(&format!("{file}permissions:\n  - {{object: {object}, mode: \"644\"}}\n"), &listing)
    };
    for object in ["/srv/x", "/srv/x/", "/", "/srv"] {
        assert_eq!(with(object), [""; 0], "{object}");
    }
    for object in ["/srv//x", "/srv/x/.", "/opt/../srv/x", "//"] {
        assert_eq!(with(object), ["A029 w2"], "{object}");
    }
}

#[test]
fn an_except_for_a_directory_does_not_reach_into_it() {
    let listing = bundle(&[("scripts/", ""), ("scripts/a.sh", SH), ("page", ""), ("empty/", "")]);
    let with = |permission: &str| {
        let text = "files:\n  - {source: /, destination: /srv}\npermissions:\n";
        said(&format!("{text}  - {{object: /srv, mode: \"644\", {permission}}}\n"), &listing)
    };
    assert_eq!(with("except: [scripts]"), ["A024 w"]);
    assert_eq!(with("except: [scripts], type: [file]"), ["A024 w"]);
    assert_eq!(with("except: [scripts], type: [directory]"), [""; 0]);
    assert_eq!(with("except: [scripts], pattern: '*'"), [""; 0]);
    assert_eq!(with("except: [empty, page]"), [""; 0]);
}

#[test]
fn links_under_a_permission_are_looked_at_where_they_will_lie() {
    let listing = bundle(&[
        ("app/", ""),
        ("app/l@", "../conf/t"),
        ("etc/", ""),
        ("etc/t", ""),
        ("bin/", ""),
        ("bin/t@", "../etc/t"),
        ("bin/gone@", "nowhere"),
        ("round/", ""),
        ("round/a@", "b"),
        ("round/b@", "a"),
    ]);
    let with = |files: &[(&str, &str)], permission: &str| {
        let files: String =
            files.iter().map(|(from, to)| format!("  - {{source: {from}, destination: {to}}}\n")).collect();
        said(&format!("files:\n{files}permissions:\n  - {{{permission}}}\n"), &listing)
    };
    // The link leads to nothing in the bundle, and to something on the host.
    let both = [("app", "/srv/app"), ("etc", "/srv/conf")];
    assert_eq!(with(&both, "object: /srv/app, mode: \"755\""), [""; 0]);
    // The other way round.
    assert_eq!(with(&[("bin/t", "/srv/x")], "object: /srv/x, mode: \"755\""), ["A028 w"]);
    for set in ["mode: \"755\"", "owner: web", "group: web", "acls: ['u:web:rw']"] {
        assert_eq!(
            with(&[("bin", "/srv/bin")], &format!("object: /srv/bin, pattern: gone, {set}")),
            ["A028 e"]
        );
        assert_eq!(with(&[("round", "/srv")], &format!("object: /srv, {set}")), ["A028 e"]);
    }
    assert_eq!(with(&[("bin", "/srv/bin")], "object: /srv/bin, pattern: gone"), [""; 0]);
    // A script may have made it by then.
    let text = "files:\n  - {source: bin/gone, destination: /srv}\npermissions:\n  - {object: /srv, owner: web}\nhooks:\n  BeforeInstall:\n    - location: etc/t\n";
    assert_eq!(said(text, &listing)[..1], ["A028 w"]);
}

#[test]
fn a_path_that_agent_1s_shell_takes_apart_gets_no_acl_and_no_context() {
    let listing =
        bundle(&[("app/", ""), ("app/my file", ""), ("app/a link@", "b"), ("app/b", ""), ("app/A$B", "")]);
    let with = |permission: &str| {
        let file = "files:\n  - {source: app, destination: /srv}\n";
        said(&format!("{file}permissions:\n  - {{object: /srv, {permission}}}\n"), &listing)
    };
    assert_eq!(with("acls: ['u:web:rw']"), ["A025 e1"]);
    assert_eq!(with("acls: ['u:web:rw'], pattern: 'a l*'"), ["A025 e1"]);
    assert_eq!(with("acls: ['u:web:rw'], pattern: 'A*'"), ["A025 w1"]);
    assert_eq!(with("acls: ['u:web:rw'], pattern: b"), [""; 0]);
    assert_eq!(with("context: {type: t, range: s0}, pattern: 'm*'"), ["A026 e1"]);
    assert_eq!(with("context: {type: t, range: s0}, pattern: 'a l*'"), [""; 0]);
    assert_eq!(with("mode: '640'"), [""; 0]);
}

#[test]
fn links_in_a_circle_are_followed_once() {
    let listing = bundle(&[("a@", "."), ("b@", "."), ("c/", ""), ("c/up@", ".."), ("x.txt", "")]);
    assert_eq!(said("files: [{source: /, destination: /srv}]\n", &listing), ["A066 w"; 3]);
    let twice = "files: [{source: /, destination: /srv}, {source: /, destination: /opt}]\n";
    assert_eq!(said(twice, &listing), ["A066 w"; 3]);
    // Without a circle, and yet 2^30 paths.
    let level = |n: usize| [(format!("d{n}/"), String::new())];
    let links = |n: usize| ["a", "b"].map(|name| (format!("d{n}/{name}@"), format!("../d{}", n + 1)));
    let entries: Vec<(String, String)> = (0..30).flat_map(|n| level(n).into_iter().chain(links(n))).collect();
    let entries: Vec<(&str, &str)> =
        entries.iter().map(|(name, head)| (name.as_str(), head.as_str())).collect();
    let findings = within(10_000, "files: [{source: d0, destination: /srv}]\n", &bundle(&entries));
    assert_eq!(findings.iter().map(|finding| finding.code).collect::<Vec<_>>(), ["A016"]);
}
