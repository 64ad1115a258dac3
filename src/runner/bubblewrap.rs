//! Hook scripts in a namespace of their own, by bubblewrap: the host's root is laid over `/`, the machine's programs
//! are read-only, and of its files nothing else is seen.
//!
//! The mount points (`/usr`, `/proc`, `/dev`, `/tmp`, …) stay behind in the host's root as empty directories, beside the
//! directories that every host has (`/var/log`, `/run`, `/srv`, …): what a script writes there is the host's own, which
//! the next script finds. What a script leaves running goes on, unseen by the next one, and ends with the host at the
//! latest. A script has no capabilities, also where root starts it, and no network beside its own loopback unless it is
//! given the machine's. The kernel's settings under `/proc/sys` are read-only: root owns them, and needs no capability to
//! write them.
//!
//! Bubblewrap follows links in the root out of it, where it mounts something and where it finds what it mounts: a root
//! with one there is refused. That it stays so while bubblewrap is at work, whatever an earlier script left running:
//! every part of those paths is a mount point in every script's namespace, which the system lets nobody rename or remove
//! there; scripts cannot make namespaces of their own, where it would not be one; and Install leaves them alone. The
//! agent's own directory is covered with an empty one, so that no script changes its records or puts a link into it.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::process;
use super::root::Root;
use super::supervisor;

/// Where the program is looked for; a bundle's scripts are not kept in by whatever `PATH` finds first.
const PROGRAMS: &[&str] = &["/usr/bin/bwrap", "/usr/local/bin/bwrap", "/bin/bwrap"];

/// The agent's own directory, of which a script sees its bundle and nothing else.
const AGENT: &str = "opt/codedeploy-agent";

/// Where a script sees its bundle, as on a real host.
const AGENT_DIR: &str = "/opt/codedeploy-agent/deployment-root";

/// What is there before anything is installed, so that no revision counts it as its own. What is installed in
/// `/usr/local` may be a link.
const DIRECTORIES: &[&str] = &["etc", "opt", AGENT, "usr", "proc", "dev", "tmp"];

/// Directories that every Linux host has and that bundles and their scripts take for granted. Nothing is mounted there.
const USUAL: &[&str] = &[
    "etc/cron.d",
    "etc/init.d",
    "etc/profile.d",
    "etc/systemd",
    "etc/systemd/system",
    "home",
    "mnt",
    "root",
    "run",
    "run/lock",
    "srv",
    "usr/bin",
    "usr/lib",
    "usr/sbin",
    "var",
    "var/cache",
    "var/lib",
    "var/log",
    "var/spool",
    "var/tmp",
];

/// Links that every Linux host has. Relative: from outside of the root none leads to the machine's own.
const LINKS: &[(&str, &str)] = &[("var/lock", "../run/lock"), ("var/run", "../run")];

/// The machine's programs and libraries: directories, or links into `/usr`.
const SYSTEM: &[&str] = &["usr", "bin", "sbin", "lib", "lib32", "lib64", "libx32"];

/// What programs look for to know users, names and certificates.
const ETC: &[&str] = &[
    "etc/passwd",
    "etc/group",
    "etc/nsswitch.conf",
    "etc/hosts",
    "etc/os-release",
    "etc/resolv.conf",
    "etc/ssl",
    "etc/pki",
    "etc/ca-certificates",
    "etc/alternatives",
    "etc/ld.so.cache",
];

/// What of it is not for everybody: a script that root runs would read the machine's keys.
const PRIVATE: &[&str] =
    &["etc/ssl/private", "etc/pki/tls/private", "etc/pki/CA/private", "etc/pki/entitlement"];

/// The machine's, whatever namespaces a script has.
const SETTINGS: &str = "/proc/sys";

/// Why scripts cannot be isolated here, and what to do; nothing where there is a program that this user may use.
pub fn lack() -> Option<String> {
    let Some(program) = installed() else {
        return Some("bubblewrap is not installed; install bubblewrap 0.8 or newer".to_owned());
    };
    let probe = [
        "--unshare-user",
        "--disable-userns",
        "--unshare-pid",
        "--unshare-uts",
        "--unshare-net",
        "--cap-drop",
        "ALL",
        "--ro-bind",
        "/",
        "/",
        "--proc",
        "/proc",
        "--ro-bind",
        SETTINGS,
        SETTINGS,
        "true",
    ];
    let said = process::tool(program, &probe.map(OsStr::new)).err()?;
    Some(format!(
        "{} does not work here ({said}); it takes bubblewrap 0.8 or newer and a system that lets users make namespaces",
        program.display()
    ))
}

/// The first of the known places that holds the program, whether or not it works.
pub fn installed() -> Option<&'static Path> {
    PROGRAMS.iter().map(Path::new).find(|path| path.is_file())
}

/// Makes what every host has: the directories that something is mounted on, the usual ones, and the machine's own links
/// into `/usr`, which bubblewrap would make: two scripts that begin at once would be in each other's way. What cannot be
/// made is said where a script starts.
pub fn prepare(root: &Root) {
    let make = |path: &Path| {
        let _ = root.place(path).map(|place| place.make_dir());
    };
    DIRECTORIES.iter().chain(USUAL).for_each(|name| make(Path::new(name)));
    let link = |name: &str, target: &Path| {
        let _ = root.place(Path::new(name)).map(|place| place.symlink(target));
    };
    LINKS.iter().for_each(|(name, target)| link(name, Path::new(target)));
    for name in SYSTEM.iter().copied() {
        match of_machine(name) {
            // Without its directory the link would lead nowhere.
            Some(target) => {
                make(&target);
                link(name, &target);
            }
            None if Path::new("/").join(name).is_dir() => make(Path::new(name)),
            None => {}
        }
    }
}

/// Where a link of the machine leads that is in its `/`.
fn of_machine(name: &str) -> Option<PathBuf> {
    fs::read_link(Path::new("/").join(name)).ok()
}

/// Whether [`prepare`] makes a directory at this path below the root, or a link to one.
pub fn is_made(path: &Path) -> bool {
    let is = |name: &&str| path == Path::new(*name);
    DIRECTORIES.iter().chain(USUAL).any(is)
        || link(path).is_some()
        || SYSTEM.iter().any(|name| is(name) && Path::new("/").join(name).is_dir())
        || (path.starts_with("usr")
            && SYSTEM.iter().filter_map(|name| of_machine(name)).any(|target| path == target))
}

/// Where the link leads that [`prepare`] makes at this path below the root.
pub fn link(path: &Path) -> Option<PathBuf> {
    let is = |name: &&&str| path == Path::new(**name);
    let known = LINKS.iter().find(|(name, _)| is(&name)).map(|(_, target)| PathBuf::from(target));
    known.or_else(|| SYSTEM.iter().find(is).and_then(|name| of_machine(name)))
}

/// Whether scripts see something else at this path below the root.
pub fn is_mount_point(path: &Path) -> bool {
    [DIRECTORIES, SYSTEM, ETC].into_iter().flatten().any(|name| path == Path::new(name))
}

/// Where a script of `archive` (`…/GROUP/DEPLOYMENT/deployment-archive`) is found inside.
pub fn inside(archive: &Path) -> PathBuf {
    let mut path = PathBuf::from(AGENT_DIR);
    let names: Vec<_> = archive.components().rev().take(3).collect();
    path.extend(names.iter().rev());
    path
}

/// The arguments that run `script`, a path inside, on a host; with the machine's network or without any. The error
/// is what the host reports of a root that leads outside.
pub fn arguments(root: &Root, archive: &Path, script: &Path, network: bool) -> Result<Vec<OsString>, String> {
    let place = inside(archive);
    let root = root.path();
    refuse_links(root)?;
    if archive.starts_with(root) && !archive.starts_with(root.join(AGENT)) {
        return Err(format!(
            "The agent's directory is in the host's root, where isolated scripts would change it. Nothing was run; keep \
             it in /{AGENT}, or outside."
        ));
    }
    let mut arguments: Vec<OsString> = Vec::new();
    let mut add = |option: &str, values: &[&Path]| {
        arguments.push(option.into());
        arguments.extend(values.iter().map(|value| value.as_os_str().to_owned()));
    };
    add("--unshare-user", &[]);
    add("--disable-userns", &[]);
    for option in ["--die-with-parent", "--new-session", "--unshare-pid", "--unshare-ipc", "--unshare-uts"] {
        add(option, &[]);
    }
    if !network {
        add("--unshare-net", &[]);
    }
    let slash = Path::new("/");
    add("--cap-drop", &[Path::new("ALL")]);
    add("--bind", &[root, slash]);
    for name in SYSTEM {
        let path = slash.join(name);
        match fs::read_link(&path) {
            // A link that an earlier script left in the root stays as it is.
            Ok(target) if fs::symlink_metadata(root.join(name)).is_err() => {
                add("--symlink", &[&target, &path])
            }
            Ok(_) => {}
            Err(_) if path.is_dir() => add("--ro-bind", &[&path, &path]),
            Err(_) => {}
        }
    }
    // What was installed there is the host's own.
    let local = Path::new("usr/local");
    if is_real_dir(&root.join("usr")) && is_real_dir(&root.join(local)) && slash.join(local).is_dir() {
        add("--bind", &[&root.join(local), &slash.join(local)]);
    }
    add("--bind", &[&root.join("etc"), &slash.join("etc")]);
    for name in ETC {
        let (own, path) = (root.join(name), slash.join(name));
        match path.exists() {
            true if has_own(&own) => add("--bind", &[&own, &path]),
            true => {
                add("--ro-bind", &[&path, &path]);
                let keys = PRIVATE.iter().filter(|keys| Path::new(keys).starts_with(name));
                for keys in keys.map(|keys| slash.join(keys)).filter(|keys| is_real_dir(keys)) {
                    add("--tmpfs", &[&keys]);
                    add("--remount-ro", &[&keys]);
                }
            }
            false => {}
        }
    }
    add("--proc", &[Path::new("/proc")]);
    add("--ro-bind", &[Path::new(SETTINGS), Path::new(SETTINGS)]);
    add("--dev", &[Path::new("/dev")]);
    // The host's own, so that what one script leaves there the next one finds.
    add("--dir", &[Path::new("/tmp")]);
    add("--bind", &[&root.join("opt"), &slash.join("opt")]);
    add("--tmpfs", &[&slash.join(AGENT)]);
    add("--bind", &[archive, &place]);
    add("--remount-ro", &[&slash.join(AGENT)]);
    add("--chdir", &[slash]);
    add(
        "--",
        &[Path::new("/bin/sh"), Path::new("-c"), Path::new(supervisor::INSIDE), Path::new("sh"), script],
    );
    Ok(arguments)
}

/// Refuses a root in which bubblewrap would follow a link where it mounts something.
fn refuse_links(root: &Path) -> Result<(), String> {
    for place in DIRECTORIES.iter().chain(ETC).map(Path::new) {
        refuse_link(root, place)?;
    }
    for place in SYSTEM.iter().map(Path::new) {
        // An earlier script left the machine's own link there, and nothing is mounted.
        let own = fs::read_link(root.join(place)).ok();
        if own.is_none() || own != fs::read_link(Path::new("/").join(place)).ok() {
            refuse_link(root, place)?;
        }
    }
    Ok(())
}

fn refuse_link(root: &Path, place: &Path) -> Result<(), String> {
    let mut parts: Vec<_> = place.ancestors().filter(|part| !part.as_os_str().is_empty()).collect();
    parts.reverse();
    for part in parts {
        match fs::symlink_metadata(root.join(part)) {
            Ok(there) if there.is_symlink() => {
                return Err(format!(
                    "The host has a link at /{}, through which isolated scripts would leave it. Nothing was run; \
                     remove the link, or install it elsewhere.",
                    part.display()
                ));
            }
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => break,
            Err(error) => return Err(format!("/{}: {error}", part.display())),
        }
    }
    Ok(())
}

fn is_real_dir(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|there| there.is_dir())
}

/// Something is there, and it is not the empty mount point of an earlier script.
fn has_own(path: &Path) -> bool {
    match fs::read_dir(path) {
        Ok(mut entries) => entries.next().is_some(),
        Err(_) => fs::metadata(path).is_ok_and(|there| there.len() > 0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_root_is_laid_over_slash_before_anything_else() {
        let folder = tempfile::tempdir().unwrap();
        let root = Root::new(folder.path()).unwrap();
        let archive = Path::new("/h/agent/g-1/d-1/deployment-archive");
        let script = inside(archive).join("a.sh");
        assert_eq!(
            script,
            Path::new("/opt/codedeploy-agent/deployment-root/g-1/d-1/deployment-archive/a.sh")
        );
        let arguments: Vec<_> = arguments(&root, archive, &script, false)
            .unwrap()
            .into_iter()
            .map(|text| text.into_string().unwrap())
            .collect();
        let slash = root.path().to_str().unwrap();
        let at = |text: &str| arguments.iter().position(|argument| argument == text).unwrap();
        assert_eq!(arguments[at("--bind")..at("--bind") + 3], ["--bind", slash, "/"]);
        let writable: Vec<_> =
            arguments.windows(2).filter(|pair| pair[0] == "--bind").map(|pair| pair[1].as_str()).collect();
        let (etc, opt) = (format!("{slash}/etc"), format!("{slash}/opt"));
        assert_eq!(writable, [slash, &etc, &opt, "/h/agent/g-1/d-1/deployment-archive"]);
        let covered = arguments.windows(2).position(|pair| pair == ["--tmpfs", "/opt/codedeploy-agent"]);
        assert!(covered.unwrap() < at("/h/agent/g-1/d-1/deployment-archive"));
        for option in [
            "--unshare-user",
            "--disable-userns",
            "--die-with-parent",
            "--new-session",
            "--unshare-pid",
            "--unshare-net",
            "--cap-drop",
        ] {
            assert!(at(option) < at("--bind"));
        }
        assert_eq!(
            arguments[at("--") + 1..],
            ["/bin/sh", "-c", supervisor::INSIDE, "sh", script.to_str().unwrap()]
        );
    }
}
