//! What is kept of an archive's entries beside names and bytes: modes, times, owners.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use super::running::{Local, left_out};
use crate::support::cdctl::{CDCTL, Machine, Run};

/// A tar with these files and directories: name, mode, and whose they are.
fn tar(machine: &Machine, name: &str, entries: &[(&str, u32, u64)]) -> PathBuf {
    let path = machine.home().join(name);
    let mut builder = tar::Builder::new(fs::File::create(&path).unwrap());
    for (name, mode, owner) in entries {
        let text = if name.ends_with("appspec.yml") { appspec(machine) } else { String::new() };
        let mut header = tar::Header::new_gnu();
        header.set_mode(*mode);
        header.set_uid(*owner);
        header.set_gid(*owner);
        header.set_mtime(1_000_000_000);
        header.set_size(text.len() as u64);
        if name.ends_with('/') {
            header.set_entry_type(tar::EntryType::Directory);
        }
        builder.append_data(&mut header, name, text.as_bytes()).unwrap();
    }
    builder.into_inner().unwrap();
    path
}

fn appspec(machine: &Machine) -> String {
    let place = machine.home().join("real");
    let files = "file_exists_behavior: OVERWRITE\nfiles:\n  - source: run.sh\n    destination:";
    format!("version: 0.0\nos: linux\n{files} {}\n", place.display())
}

#[test]
fn a_comparison_depends_on_nobodys_umask() {
    let machine = Machine::new();
    let appspec = ("appspec.yml", 0o644, 0);
    let with = tar(&machine, "with.tar", &[appspec, ("d/", 0o755, 0), ("d/file", 0o644, 0)]);
    let without = tar(&machine, "without.tar", &[appspec, ("d/file", 0o644, 0)]);
    for umask in ["077", "002"] {
        let line = format!("umask {umask}; exec \"$@\"");
        let mut command = machine.command("sh");
        command.args(["-c", &line, "sh", CDCTL, "revision", "diff", "--exit-code"]).args([&with, &without]);
        let run = Run::from(command.output().unwrap());
        run.ends_with(0).complains("they hold the same");
    }
}

/// Owner, mode and time of what was installed.
fn installed(root: &Path, machine: &Machine) -> (u32, u32, i64) {
    let place = machine.home().join("real/run.sh");
    let place = root.join(place.strip_prefix("/").unwrap());
    let metadata = fs::metadata(place).unwrap();
    (metadata.uid(), metadata.mode() & 0o7777, metadata.mtime())
}

#[test]
fn what_is_installed_is_as_old_as_in_its_archive() {
    let machine = Machine::new();
    let bundle = tar(&machine, "bundle.tar", &[("appspec.yml", 0o644, 0), ("run.sh", 0o6750, 1)]);
    let (root, home) = (machine.home().join("host"), machine.home().display());
    let own = fs::metadata(machine.home()).unwrap().uid();
    machine.run(&format!("revision run {} --root {}", bundle.display(), root.display())).ends_with(0);
    // Neither owner nor setuid: a root is nobody's machine.
    assert_eq!(installed(&root, &machine), (own, 0o750, 1_000_000_000));
    // A directory is copied, and what is copied is new; a bundle of it is of 1980, as the bytes are the same every time.
    let site = machine.home().join("site");
    fs::create_dir(&site).unwrap();
    fs::write(site.join("appspec.yml"), appspec(&machine)).unwrap();
    fs::File::create(site.join("run.sh")).unwrap().set_modified(std::time::UNIX_EPOCH).unwrap();
    machine.run(&format!("revision run {home}/site --root {}", root.display())).ends_with(0);
    assert!(installed(&root, &machine).2 > 1_700_000_000);
    machine.run(&format!("revision bundle {home}/site --file {home}/site.zip")).ends_with(0);
    machine.run(&format!("revision run {home}/site.zip --root {}", root.display())).ends_with(0);
    assert!((315_446_400..315_619_200).contains(&installed(&root, &machine).2));
}

#[test]
fn on_the_machine_itself_root_keeps_the_owners_of_a_tar() {
    if !rustix::process::geteuid().is_root() {
        return left_out("owners of a tar, which only root can set");
    }
    let machine = Machine::new();
    let bundle = tar(&machine, "bundle.tar", &[("appspec.yml", 0o644, 0), ("run.sh", 0o6755, 54_321)]);
    for agent in ["1", "2"] {
        let line = format!("revision run {} --agent {agent} --agent-dir", bundle.display());
        machine.run(&format!("{line} {}", machine.home().join("agent").display())).ends_with(0);
        assert_eq!(installed(Path::new("/"), &machine), (54_321, 0o6755, 1_000_000_000));
    }
}

/// As `cp -r` does: directories keep no modes of their own, and what is made is the caller's umask's.
#[test]
fn a_directory_is_copied_as_each_agent_copies_it() {
    let local = Local::new("one");
    local.write("one", &["AfterInstall"]);
    let (site, root) = (local.site(), local.root());
    fs::set_permissions(site.join("scripts"), fs::Permissions::from_mode(0o700)).unwrap();
    fs::write(
        site.join("scripts/trace.sh"),
        "#!/bin/sh\nd=$(dirname $0)\nstat -c %a $d $d/../page.html >$CDCTL_HOST_ROOT/trace\n",
    )
    .unwrap();
    fs::set_permissions(site.join("page.html"), fs::Permissions::from_mode(0o664)).unwrap();
    for (umask, agent, modes) in
        [("022", "1", ["755", "644"]), ("027", "1", ["750", "640"]), ("027", "2", ["700", "664"])]
    {
        let line = format!(
            "umask {umask}; exec {CDCTL} revision run {} --root {} --agent {agent}",
            site.display(),
            root.display()
        );
        let run: Run = local.machine.command("/bin/sh").args(["-c", &line]).output().unwrap().into();
        let _ = run.ends_with(0);
        assert_eq!(local.trace(), modes, "{umask} {agent}");
    }
}
