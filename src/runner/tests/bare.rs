//! What a host without anything has nevertheless.

use std::os::unix::ffi::OsStrExt;

use super::*;

/// The places where bundles and their hooks write what every host has.
const PLACES: &[&str] = &[
    "/etc/cron.d",
    "/etc/init.d",
    "/etc/profile.d",
    "/etc/systemd/system",
    "/home",
    "/mnt",
    "/root",
    "/run",
    "/run/lock",
    "/srv",
    "/var/cache",
    "/var/lib",
    "/var/lock",
    "/var/log",
    "/var/run",
    "/var/spool",
    "/var/tmp",
];

fn site(destination: &str) -> String {
    SITE.replace("/srv/site", destination)
}

#[test]
fn isolated_scripts_find_the_directories_of_every_host_and_what_was_left_there() {
    if !isolates() {
        return;
    }
    let mut world = World::new();
    world.host.hooks = policy(Isolation::Bubblewrap, false);
    let mut script = "#!/bin/sh\nset -e\n. /etc/os-release; echo \"$ID\" >/srv/id\n".to_owned();
    for place in PLACES {
        script.push_str(&format!(
            "cat {place}/x.left 2>/dev/null >>/srv/left || :\necho {place} >{place}/x.left\n"
        ));
    }
    let deployment =
        world.deployment(&[("appspec.yml", 0o644, &hook("AfterInstall", "a.sh")), ("a.sh", 0o755, &script)]);
    assert_eq!(deployment.after_install(), Diagnostics::success());
    assert_eq!(world.read("/run/x.left"), "/var/run\n");
    fs::write(world.path("/srv/left"), "").unwrap();
    let deployment =
        world.deployment(&[("appspec.yml", 0o644, &hook("AfterInstall", "a.sh")), ("a.sh", 0o755, &script)]);
    assert_eq!(deployment.after_install(), Diagnostics::success());
    assert_eq!(world.read("/srv/left").lines().count(), PLACES.len());
    // From outside, the links lead to the root too.
    assert_eq!(fs::read_link(world.path("/var/run")).unwrap(), Path::new("../run"));
}

/// Below a fresh root and again; with and without what an earlier version of this tool wrote down.
#[test]
fn what_every_host_has_is_installed_into_and_never_made_or_removed() {
    if !isolates() {
        return;
    }
    let of_machine =
        ["/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/usr/bin", "/usr/lib", "/usr/sbin"];
    for place in of_machine.iter().filter(|place| Path::new(place).is_dir()).chain(PLACES) {
        let mut world = World::new();
        world.host.hooks = policy(Isolation::Bubblewrap, false);
        let (appspec, below) = (site(&format!("{place}/shop")), format!("{place}/shop/a"));
        let record = world.guard.path().join("agent/deployment-instructions/g-1-cleanup");
        for content in ["1", "2", "3"] {
            let deployment =
                world.deployment(&[("appspec.yml", 0o644, &appspec), ("site/a", 0o644, content)]);
            let shown = format!("{}/a", world_steps(&deployment, place));
            assert_eq!(shown, below);
            assert_eq!(deployment.all(), (None, Diagnostics::success()), "{place}");
            assert_eq!(world.read(&below), content);
            assert_eq!(fs::read_to_string(&record).unwrap(), format!("{place}/shop\n{below}\n"));
            fs::write(&record, format!("/usr\n/var\n{place}\n{place}/shop\n{below}\n")).unwrap();
        }
    }
}

/// The directory that a look says an Install makes, which is the only one.
fn world_steps(deployment: &Deployment<'_>, place: &str) -> String {
    let steps = deployment.steps();
    assert_eq!(steps.len(), 2, "{place}: {steps:?}");
    let step: serde_json::Value = serde_json::from_str(&steps[0]).unwrap();
    step["directory"].as_str().unwrap().to_owned()
}

#[test]
fn no_directory_of_every_host_is_made_through_a_link_out_of_the_root() {
    if !isolates() {
        return;
    }
    let mut world = World::new();
    world.host.hooks = policy(Isolation::Bubblewrap, false);
    let victim = world.guard.path().join("victim");
    fs::create_dir(&victim).unwrap();
    fs::create_dir_all(&world.host.root).unwrap();
    for name in ["var", "run", "home"] {
        symlink(&victim, world.path(name)).unwrap();
    }
    let deployment = world.deployment(&[
        ("appspec.yml", 0o644, &hook("AfterInstall", "a.sh")),
        ("a.sh", 0o755, "#!/bin/sh\necho x >/var/log/x 2>/dev/null\nexit 0\n"),
    ]);
    assert_eq!(deployment.after_install(), Diagnostics::success());
    assert_eq!(fs::read_dir(&victim).unwrap().count(), 0);
}

#[test]
fn without_isolation_a_root_has_what_was_installed_and_no_more() {
    let mut world = World::new();
    let deployment = world.deployment(&[("appspec.yml", 0o644, SITE), ("site/a", 0o644, "1")]);
    assert_eq!(deployment.all().0, None);
    assert_eq!(fs::read_dir(&world.host.root).unwrap().count(), 1);
}

/// Neither agent can write down what it is going to do.
#[test]
fn a_name_that_is_no_utf_8_is_refused_by_install() {
    for (agent, words) in [
        (Agent::One, "source sequence is illegal/malformed utf-8"),
        (Agent::Two, "path contains invalid UTF-8 characters"),
    ] {
        for name in [&b"site/caf\xe9"[..], b"site/caf\xe9/b"] {
            let mut world = World::new();
            let first = world.deployment(&[("appspec.yml", 0o644, SITE), ("site/a", 0o644, "1")]);
            assert_eq!(first.all().0, None);
            let mut deployment = world.deployment(&[]);
            deployment.specification.bundle_type = BundleType::Tar;
            deployment.bundle = tarred(&[(b"appspec.yml", SITE), (b"site/a", "2"), (name, "2")]);
            let heard = |event: &EventName| {
                let order = Order { specification: &deployment.specification, event, agent, listener: None };
                let fetch =
                    |path: &Path| fs::write(path, &deployment.bundle).map_err(|error| error.to_string());
                run(&deployment.world.host, &order, &fetch).0
            };
            assert_eq!(heard(&EventName::DownloadBundle), Diagnostics::success());
            let diagnostics = heard(&EventName::Install);
            assert_eq!(diagnostics.error_code, LifecycleErrorCode::UnknownError);
            assert!(diagnostics.message.starts_with(&format!("{words} - /")), "{diagnostics:?}");
            // What was there before has gone, and nothing came.
            assert!(!world.path("/srv/site/a").exists());
        }
    }
}

fn tarred(files: &[(&[u8], &str)]) -> Vec<u8> {
    let mut writer = tar::Builder::new(Vec::new());
    for (name, content) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        let name = std::ffi::OsStr::from_bytes(name);
        writer.append_data(&mut header, name, content.as_bytes()).unwrap();
    }
    writer.into_inner().unwrap()
}
