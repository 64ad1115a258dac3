//! `revision run` on machines that are other than this one: without bubblewrap, with SELinux, with a disk that nobody
//! writes. Each is a container of its own.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::running::{Local, left_out};
use crate::support::cdctl::{CDCTL, Run};

const BUBBLEWRAP: &str = "/usr/bin/bwrap";

/// Runs the binary as root of a container that has the whole machine but for what the options say.
fn contained(local: &Local, options: &[&OsStr], arguments: &[&str]) -> Run {
    let mut command = local.machine.command(BUBBLEWRAP);
    command.args(["--unshare-user", "--uid", "0", "--gid", "0", "--dev-bind", "/", "/"]).args(options);
    command.arg("--").arg(CDCTL).args(arguments).output().unwrap().into()
}

fn can_contain(local: &Local, what: &str) -> bool {
    let can = Path::new(BUBBLEWRAP).exists() && {
        let mut command = local.machine.command(BUBBLEWRAP);
        let status = command.args(["--unshare-user", "--dev-bind", "/", "/", "true"]).status();
        status.is_ok_and(|status| status.success())
    };
    if !can {
        left_out(what);
    }
    can
}

fn isolates(local: &Local) -> bool {
    let line =
        ["--unshare-user", "--disable-userns", "--unshare-pid", "--proc", "/proc", "--ro-bind", "/", "/"];
    let mut command = local.machine.command(BUBBLEWRAP);
    let isolates = command.args(line).arg("true").status().is_ok_and(|status| status.success());
    if !isolates {
        left_out("what is isolated");
    }
    isolates
}

fn program(path: PathBuf, text: &str) -> PathBuf {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path
}

#[test]
fn a_root_without_isolation_is_warned_of_before_anything_runs() {
    let local = Local::new("one");
    if !can_contain(&local, "a machine without bubblewrap") {
        return;
    }
    let (site, root) = (local.site(), local.root());
    let (site, root) = (site.to_str().unwrap(), root.to_str().unwrap());
    let old = program(
        local.machine.home().join("bin/bwrap"),
        "#!/bin/sh\necho 'bwrap: Unknown option --disable-userns' >&2\nexit 1\n",
    );
    let none = Path::new("/dev/null");
    let run = |bubblewrap: &Path, flags: &[&str]| {
        let options = ["--ro-bind".as_ref(), bubblewrap.as_os_str(), BUBBLEWRAP.as_ref()];
        contained(&local, &options, &[&["revision", "run", site, "--root", root], flags].concat())
    };
    let warning = format!("warning: scripts run on this machine as you, not kept in {root}: ");
    let missing = format!("{warning}bubblewrap is not installed; install bubblewrap 0.8 or newer\n");
    let unfit = format!("{warning}{BUBBLEWRAP} does not work here (bwrap: Unknown option --disable-userns)");
    for flags in [&["--dry-run"][..], &["--quiet"], &["-o", "json"], &[]] {
        run(none, flags).ends_with(0).complains(&missing);
    }
    assert_eq!(local.trace().last().unwrap(), "one AfterAllowTraffic");
    let first = run(&old, &[]).ends_with(0).stderr;
    assert!(first.starts_with(&unfit), "{first}");

    // The revision before has a script yet, and then none has.
    local.write("two", &[]);
    let text = fs::read_to_string(local.site().join("appspec.yml")).unwrap();
    fs::write(local.site().join("appspec.yml"), text.replace("hooks:\n", "")).unwrap();
    run(none, &["--dry-run"]).ends_with(0).complains(&missing);
    run(none, &[]).ends_with(0).complains(&missing);
    for flags in [&["--dry-run"][..], &[]] {
        let run = run(none, flags).ends_with(0);
        assert!(!run.stderr.contains("warning"), "{}", run.stderr);
    }
    // Nor do the agent's own events run any.
    local.write("three", &["Install"]);
    let run = run(none, &[]).ends_with(0);
    assert!(!run.stderr.contains(&warning), "{}", run.stderr);
}

#[test]
fn selinux_contexts_of_the_revision_before_are_taken_back() {
    let local = Local::new("one");
    if !can_contain(&local, "SELinux contexts, which a container pretends") {
        return;
    }
    let (site, home) = (local.site(), local.machine.home().canonicalize().unwrap());
    let real = home.join("real");
    let appspec = format!(
        "version: 0.0\nos: linux\nfiles:\n  - source: page.html\n    destination: {0}\npermissions:\n  - object: {0}/page.html\n    context: {{type: httpd_sys_content_t, range: s0}}\n",
        real.display()
    );
    fs::write(site.join("appspec.yml"), appspec).unwrap();
    // As it is up to RHEL 7: what is defined is not defined again.
    let tools = home.join("sbin");
    let semanage = "#!/bin/sh\nfor path; do :; done\nall=/usr/local/sbin/all\nif [ $2 = -a ]; then\n\
                    ! grep -qxF $path $all || { echo \"ValueError: File context for $path already defined\" >&2; exit 1; }\n\
                    echo $path >>$all\nelse\ngrep -vxF $path $all >$all.new; mv $all.new $all\nfi\n";
    program(tools.join("semanage"), semanage);
    program(tools.join("restorecon"), "#!/bin/sh\n");
    fs::write(tools.join("all"), "").unwrap();
    fs::write(home.join("enforce"), "1").unwrap();
    let agent = home.join("agent");
    let run = |flags: &[&str]| {
        let mut options: Vec<&OsStr> = ["--tmpfs", "/sys", "--ro-bind"].map(OsStr::new).to_vec();
        let enforce = home.join("enforce");
        options.extend([enforce.as_os_str(), "/sys/fs/selinux/enforce".as_ref()]);
        options.extend(["--bind".as_ref(), tools.as_os_str(), "/usr/local/sbin".as_ref()]);
        let line = ["revision", "run", site.to_str().unwrap(), "--agent-dir", agent.to_str().unwrap()];
        contained(&local, &options, &[&line, flags].concat())
    };
    let page = real.join("page.html").display().to_string();
    let labelled = || fs::read_to_string(tools.join("all")).unwrap();
    for number in ["1", "2"] {
        run(&["--agent", number]).ends_with(0);
        assert_eq!(labelled(), format!("{page}\n"));
    }
    run(&["--dry-run"]).ends_with(0).says("remove-context").says(&page);
    assert_eq!(labelled(), format!("{page}\n"));
    fs::write(site.join("appspec.yml"), "version: 0.0\nos: linux\n").unwrap();
    run(&[]).ends_with(0);
    assert_eq!((labelled().as_str(), real.exists()), ("", false));
}

#[test]
fn a_signal_is_told_where_the_shell_is_bash() {
    let local = Local::new("one");
    let (shell, bash) = (fs::canonicalize("/bin/sh").unwrap(), Path::new("/bin/bash"));
    if !can_contain(&local, "a machine whose shell is bash") || !bash.exists() || !isolates(&local) {
        return;
    }
    local.write("one", &["AfterInstall"]);
    let options = ["--ro-bind".as_ref(), bash.as_os_str(), shell.as_os_str()];
    let (site, root) = (local.site(), local.root());
    let line = ["revision", "run", site.to_str().unwrap(), "--root", root.to_str().unwrap()];
    for (script, code, end) in [
        ("kill -KILL $$", "", "signal 9 (KILL)"),
        ("kill -TERM $$", "", "signal 15 (TERM)"),
        ("exit 137", "137", ""),
    ] {
        program(site.join("scripts/trace.sh"), &format!("#!/bin/sh\n{script}\n"));
        let run = contained(&local, &options, &line).ends_with(3);
        let run = run.says(&format!("scripts/trace.sh failed with exit code {code}\n"));
        assert_eq!(run.stdout.contains("was ended by signal"), !end.is_empty(), "{run}");
        let _ = run.says(end);
    }
}

/// Of `/etc/ssl` isolated scripts see what is for everybody, also where root runs them.
#[test]
fn the_machines_keys_are_not_seen_by_isolated_scripts() {
    let local = Local::new("one");
    if !can_contain(&local, "a machine with keys of its own") || !isolates(&local) {
        return;
    }
    local.write("one", &["AfterInstall"]);
    let ssl = local.machine.home().join("ssl");
    fs::create_dir_all(ssl.join("private")).unwrap();
    fs::write(ssl.join("private/key"), "secret").unwrap();
    fs::write(ssl.join("openssl.cnf"), "public").unwrap();
    let (site, root) = (local.site(), local.root());
    let script =
        "#!/bin/sh\ncat /etc/ssl/openssl.cnf; echo; ls -a /etc/ssl/private; ! cat /etc/ssl/private/key\n";
    program(site.join("scripts/trace.sh"), script);
    let options = ["--bind".as_ref(), ssl.as_os_str(), "/etc/ssl".as_ref()];
    let line = ["revision", "run", site.to_str().unwrap(), "--root", root.to_str().unwrap()];
    let run = contained(&local, &options, &line).ends_with(0).says("[stdout]public");
    assert!(!run.stdout.contains("[stdout]key") && !run.stdout.contains("secret"), "{run}");
}

#[test]
fn a_full_disk_is_named() {
    let local = Local::new("one");
    if !can_contain(&local, "a small disk") {
        return;
    }
    let (small, bundle) = (local.machine.home().join("small"), local.machine.home().join("site.tar"));
    fs::create_dir(&small).unwrap();
    fs::write(local.site().join("large"), vec![0; 2 << 20]).unwrap();
    let (site, bundle) = (local.site().display().to_string(), bundle.display().to_string());
    local.machine.run(&format!("revision bundle {site} --type tar --file {bundle}")).ends_with(0);
    let options = ["--size", "1048576", "--tmpfs", small.to_str().unwrap()].map(OsStr::new);
    let line = ["revision", "run", &bundle, "--root", small.to_str().unwrap()];
    let copied = format!("cannot copy {bundle} to {}/", small.display());
    let run = contained(&local, &options, &line).ends_with(3).says(&copied);
    run.says("/bundle.tar: No space left on device");
    let line = ["revision", "run", &bundle, "--dry-run", "--root", "not-there-yet"];
    let temporary = [&options[..], &["--setenv", "TMPDIR", small.to_str().unwrap()].map(OsStr::new)].concat();
    contained(&local, &temporary, &line).ends_with(1).complains(&copied);
}

#[test]
fn a_dry_run_says_where_the_run_itself_may_not_write() {
    let local = Local::new("one");
    if !can_contain(&local, "a disk that nobody writes") {
        return;
    }
    let closed = local.machine.home().join("closed");
    fs::create_dir(&closed).unwrap();
    let options = ["--ro-bind".as_ref(), closed.as_os_str(), closed.as_os_str()];
    let (site, below) = (local.site(), closed.join("below"));
    let line = ["revision", "run", site.to_str().unwrap(), "--dry-run"];
    let unmade = contained(&local, &[], &[&line[..], &["--root", "not-there-yet"]].concat()).ends_with(0);
    assert!(!unmade.stderr.contains("warning"), "{}", unmade.stderr);
    for (flag, path) in [("--root", &below), ("--agent-dir", &below)] {
        let run = contained(&local, &options, &[&line[..], &[flag, path.to_str().unwrap()]].concat());
        run.ends_with(0).complains(&format!("the run would end at once: cannot write {}: ", path.display()));
    }
    for (flag, path) in [("--root", &closed), ("--agent-dir", &below)] {
        let line = ["revision", "run", site.to_str().unwrap(), flag, path.to_str().unwrap()];
        let run = contained(&local, &options, &line).ends_with(1);
        let run = run.complains(&format!("error: cannot write {}", path.display()));
        run.complains(&format!("name a directory that you can write with {flag}"));
    }
}

#[test]
fn a_directory_that_something_is_mounted_on_stops_the_removal() {
    let local = Local::new("one");
    if !can_contain(&local, "a mount on what was installed") {
        return;
    }
    local.write("one", &[]);
    local.run(&local.site(), &[]).ends_with(0);
    let mount = local.root().join("srv/www");
    let (site, root) = (local.site(), local.root());
    let line = ["revision", "run", site.to_str().unwrap(), "--root", root.to_str().unwrap()];
    contained(&local, &["--tmpfs".as_ref(), mount.as_os_str()], &line)
        .ends_with(3)
        .says("Device or resource busy @ dir_s_rmdir - /srv/www");
}
