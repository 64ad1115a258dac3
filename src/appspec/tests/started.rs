//! What a script's first line says, and what the system makes of it.

use super::*;

/// The findings on one script that is executable, of both agents.
fn of_script(os: &str, name: &str, head: &[u8]) -> Vec<Finding> {
    let entry = Entry { kind: Kind::File, mode: 0o755, head: head.to_vec() };
    let listing = Listing::from([(name.to_owned(), entry)]);
    let text = format!("version: 0.0\nos: {os}\nhooks:\n  AfterInstall:\n    - location: {name}\n");
    check(text.as_bytes(), Some(&listing), Scope::default()).findings
}

fn told(name: &str, head: &[u8]) -> Vec<(Severity, &'static str)> {
    of_script("linux", name, head).into_iter().map(|finding| (finding.severity, finding.code)).collect()
}

/// Each was run on Linux.
#[test]
fn a_first_line_with_cr_is_an_error_where_nothing_starts() {
    let fails = [(Severity::Error, "A038")];
    for head in [
        "#!/bin/bash\r\necho\r\n",
        "#!/bin/bash -e\r\necho\r\n",
        "#!/bin/sh -\r\n",
        "#!/bin/bash --\r\n",
        "#!/usr/bin/python3 -u\r\n",
        "#!/usr/bin/node --no-warnings\r\n",
        "#!/usr/bin/awk -f\r\n",
        "#!/usr/bin/perl\r\n",
        "#!/usr/bin/env perl\r\n",
        "#!/usr/bin/env bash \r\n",
        "#!/usr/bin/env perl -w\r\n",
        "#!/bin/bash\r",
        "#!/bin/bash\recho hi\r",
        "#!/usr/bin/env bash\recho hi\r",
    ] {
        assert_eq!(told("a", head.as_bytes()), fails, "{head:?}");
    }
    let message = |head: &str| of_script("linux", "a", head.as_bytes()).remove(0).message;
    assert_eq!(message("#!/bin/sh\r\n"), "the first line of `a` ends with CR LF: the event fails");
    assert_eq!(message("#!/bin/sh\recho\r"), "the lines of `a` end with CR alone: the event fails");
    for head in [
        "#!/usr/bin/perl -w\r\n",
        "#!/usr/bin/perl --\r\n",
        "#!/usr/bin/ruby -w\r\n",
        "#!/usr/bin/env -S python3 -u\r\n",
    ] {
        assert_eq!(told("a", head.as_bytes()), [], "{head:?}");
    }
    // It starts, and its commands have the CR at their ends.
    let warned = [(Severity::Warning, "A038")];
    assert_eq!(told("a", b"#!/usr/bin/env -S bash -e\r\necho\r\n"), warned);
    assert_eq!(told("a", b"#!/usr/bin/php -q\r\n"), warned);
}

#[test]
fn a_first_line_that_names_no_program() {
    for (head, expected) in [
        ("#!/usr/bin/env bash -e\n", Some(Severity::Error)),
        ("#!/usr/bin/env -i bash\n", Some(Severity::Error)),
        ("#!bash\n", Some(Severity::Error)),
        ("#!C:\\Git\\bin\\bash.exe\n", Some(Severity::Error)),
        ("#!bin/bash\n", Some(Severity::Warning)),
        ("#!/usr/bin/env bash\n", None),
        ("#! /usr/bin/env\tbash \t\n", None),
        ("#!/usr/bin/env -S bash -e\n", None),
        ("#!/usr/bin/env -vS bash -e\n", None),
        ("#!/usr/bin/env --split-string=bash -e\n", None),
        ("#!/usr/bin/env -Sbash -e\n", None),
        ("#!/bin/bash -e -x\n", None),
        ("#!/bin/bash", None),
        // A shell runs it.
        ("#!\n", None),
    ] {
        let expected: Vec<_> = expected.map(|severity| (severity, "A047")).into_iter().collect();
        assert_eq!(told("a", head.as_bytes()), expected, "{head:?}");
    }
    // Of a longer line the system does not see the end, and leaves the script to a shell.
    assert_eq!(told("a", format!("#!{}\n", "a".repeat(300)).as_bytes()), []);
    for (argument, takes_for) in [("bash -e", "look for as a program"), ("-i bash", "take for one option")] {
        let finding = of_script("linux", "a", format!("#!/usr/bin/env {argument}\n").as_bytes()).remove(0);
        let message =
            format!("the `#!` line of `a` has `env` {takes_for} all of `{argument}`: the event fails");
        assert_eq!(finding.message, message);
    }
}

#[test]
fn a_script_of_another_kind_is_given_to_a_shell() {
    let (noted, warned) = ([(Severity::Note, "A046")], [(Severity::Warning, "A046")]);
    for (name, head) in [
        ("a.py", "import os\n"),
        ("a.js", "require('fs')\n"),
        ("a.PS1", "Write-Host a\n"),
        ("a.bat", "@echo off\n"),
        ("a", "<?php echo 1;\n"),
        ("a", "\n#!/bin/bash\n"),
        ("a", " \n\n #!/usr/bin/env bash\n"),
        ("a", "#Copyright\n#####\n# us\n#!/bin/bash\n"),
        ("a", "!#/bin/sh\n"),
        ("a", "#/bin/bash\n"),
        ("a", "#/usr/bin/env python3\n"),
        ("a.jar", "PK\u{3}\u{4}\0\0\n"),
        ("a.jar", "PK\u{3}\u{4}\n"),
    ] {
        assert_eq!(told(name, head.as_bytes()), warned, "{name} {head:?}");
    }
    for (name, head) in [
        ("a", "set -e\n"),
        ("a.sh", "# a note\nset -e\n"),
        ("a.sh", "\n#!/bin/sh\n"),
        ("a.sh", "cat > b <<EOF\n#!/bin/bash\nEOF\n"),
        ("a.sh", "# see /bin/bash\n"),
        ("a.sh", "#/etc/app is what it writes\n"),
        ("a.sh", "#/usr/bin/systemctl restart app\n#! a note\n"),
        ("a.py", "''''exec python3 \"$0\" \"$@\" #'''\n"),
        ("a.sh", "tail -n +3 \"$0\"\n\0\0"),
    ] {
        assert_eq!(told(name, head.as_bytes()), noted, "{name} {head:?}");
    }
    let finding = of_script("linux", "a.py", b"import os\n").remove(0);
    assert_eq!(finding.message, "`a.py` has no `#!` line: /bin/sh runs it, not python3");
    assert_eq!(finding.help.as_deref(), Some("begin it with `#!/usr/bin/env python3`"));
}

#[test]
fn windows_starts_its_own_scripts_alone() {
    let told = |name: &str| {
        let findings = of_script("windows", name, b"#!/bin/sh\r\n");
        findings.into_iter().map(|finding| (finding.severity, finding.code)).collect::<Vec<_>>()
    };
    for name in ["a.sh", "a.PY", "a.js", "a.bash"] {
        assert_eq!(told(name), [(Severity::Warning, "A047")], "{name}");
    }
    for name in ["a.ps1", "a.bat", "a.cmd", "a.exe", "a", "sh"] {
        assert_eq!(told(name), [], "{name}");
    }
    // The name tells, whether or not the file is there.
    let alone = |os: &str| {
        let text = format!("version: 0.0\nos: {os}\nhooks: {{AfterInstall: [{{location: a.sh}}]}}\n");
        said_of(&text, None, Scope::default())
    };
    assert_eq!((alone("windows"), alone("linux")), (vec!["A047 w".to_owned()], vec![]));
}
