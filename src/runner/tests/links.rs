//! Links, and what leads out of a bundle or of the root.

use super::*;

#[test]
fn install_stays_below_the_root() {
    let mut world = World::new();
    let outside = world.guard.path().join("outside");
    fs::create_dir(&outside).unwrap();
    fs::create_dir_all(world.path("/srv")).unwrap();
    symlink(&outside, world.path("/srv/site")).unwrap();
    let deployment = world.deployment(&[("appspec.yml", 0o644, SITE), ("site/a", 0o644, "x")]);
    let _ = deployment.all();
    assert_eq!(fs::read_dir(&outside).unwrap().count(), 0);
    let up = SITE.replace("/srv/site", "/../../../up");
    let deployment = world.deployment(&[("appspec.yml", 0o644, &up), ("site/a", 0o644, "x")]);
    assert_eq!(deployment.all().0, None);
    assert_eq!(world.read("/up/a"), "x");
}

/// The agents copy what is there; here it may be what is installed, which would be copied over itself.
#[test]
fn a_link_out_of_the_bundle_stays_one_and_is_noted() {
    let mut world = World::new();
    fs::create_dir_all(world.path("/srv/site/shared")).unwrap();
    fs::write(world.path("/srv/site/shared/precious"), "kept").unwrap();
    let files = [
        ("appspec.yml", 0o644, SITE),
        ("site/in", LINK, "a"),
        ("site/a", 0o644, "x"),
        ("site/linked", LINK, "/srv/site/shared"),
        ("site/none", LINK, "/etc/none"),
        ("site/up", LINK, "../../../d-1"),
    ];
    let mut deployment = world.deployment(&files);
    deployment.specification.file_exists = FileExists::Overwrite;
    assert_eq!(deployment.all(), (None, Diagnostics::success()));
    assert_eq!(world.read("/srv/site/shared/precious"), "kept");
    for (name, target) in [("linked", "/srv/site/shared"), ("none", "/etc/none"), ("up", "../../../d-1")] {
        assert_eq!(fs::read_link(world.path("/srv/site").join(name)).unwrap(), Path::new(target));
    }
    let log = fs::read_to_string(world.guard.path().join("agent/g-1/d-1/logs/scripts.log")).unwrap();
    let noted = |name: &str| log.contains(&format!("[note]/srv/site/{name} is a link out of the bundle"));
    assert_eq!(["in", "linked", "none", "up"].map(noted), [false, true, true, true], "{log}");
}

#[test]
fn links_that_lead_to_each_other_end() {
    let mut world = World::new();
    // One: as far as the system follows it, as with the agent.
    let one = [("appspec.yml", 0o644, SITE), ("site/a", 0o644, "x"), ("site/up", LINK, ".")];
    assert_eq!(world.deployment(&one).all().0, None);
    assert_eq!(world.read("/srv/site/up/up/up/a"), "x");
    // Each of these leads to the next one twice: no circle, and yet 131,072 files.
    let mut world = World::new();
    let links: Vec<_> = (0..17)
        .flat_map(|n| ["a", "b"].map(|name| (format!("site/l{n}/{name}"), format!("../l{}", n + 1))))
        .collect();
    let links = links.iter().map(|(name, target)| (name.as_str(), LINK, target.as_str()));
    let files: Vec<_> =
        [("appspec.yml", 0o644, SITE), ("site/l17/f", 0o644, "x")].into_iter().chain(links).collect();
    let (event, diagnostics) = world.deployment(&files).all();
    assert_eq!(event, Some(EventName::Install));
    assert_eq!(diagnostics.message, "The bundle installs more than 50000 files and directories.");
    assert!(!world.path("/srv").exists());
}

/// To the system `missing/..` is not there, whatever is here: such a link dangles, and is installed as the link that it is.
#[test]
fn links_through_what_is_not_there_are_no_directories() {
    let mut world = World::new();
    let files = [
        ("appspec.yml", 0o644, SITE),
        ("site/a", LINK, "b"),
        ("site/b", LINK, "missing/.."),
        ("site/c", LINK, "f/.."),
        ("site/d", LINK, "f/"),
        ("site/f", 0o644, "x"),
    ];
    assert_eq!(world.deployment(&files).all().0, None);
    for (name, target) in [("a", "b"), ("b", "missing/.."), ("c", "f/.."), ("d", "f/")] {
        let installed = world.path("/srv/site").join(name);
        assert_eq!(fs::read_link(installed).unwrap(), Path::new(target));
    }
}

#[test]
fn what_is_named_as_a_directory_and_is_none_is_not_there() {
    let mut world = World::new();
    for (source, is_there) in
        [("a", true), ("sub/", true), ("a/", false), ("a/.", false), ("a/../a", false), ("none/../a", false)]
    {
        let appspec = SITE.replace("source: site", &format!("source: {source}"));
        let files = [("appspec.yml", 0o644, appspec.as_str()), ("a", 0o644, "x"), ("sub/b", 0o644, "x")];
        let deployment = world.deployment(&files);
        let (event, diagnostics) = deployment.all();
        assert_eq!(event, (!is_there).then_some(EventName::Install), "{source}: {diagnostics:?}");
        assert!(is_there || diagnostics.message.contains(" @ rb_sysopen - "), "{source}: {diagnostics:?}");
    }
    for location in ["a.sh/", "a.sh/.", "none/../a.sh", "a.sh/../a.sh"] {
        let appspec = hook("AfterInstall", location);
        let files = [("appspec.yml", 0o644, appspec.as_str()), ("a.sh", 0o755, "#!/bin/sh\n")];
        let diagnostics = world.deployment(&files).after_install();
        assert_eq!(diagnostics.error_code, LifecycleErrorCode::ScriptMissing, "{location}");
    }
}

/// As deep as the system lets a path be, and no deeper than a thread has room for.
#[test]
fn a_link_up_a_deep_directory_ends_where_no_path_is_longer() {
    let mut world = World::new();
    let (deep, up) = ("deep/".repeat(110), "../".repeat(110));
    let link = format!("site/{deep}up");
    let (event, diagnostics) = world.deployment(&[("appspec.yml", 0o644, SITE), (&link, LINK, &up)]).all();
    assert_eq!(event, Some(EventName::Install));
    assert!(
        diagnostics.message.starts_with("File name too long @ dir_s_mkdir - /srv/site/deep/deep/"),
        "{diagnostics:?}"
    );
    assert!(!world.path("/srv").exists());
}

#[test]
fn a_source_outside_the_bundle_is_not_read() {
    let mut world = World::new();
    fs::write(world.guard.path().join("secret"), "s").unwrap();
    let appspec = SITE.replace("source: site", "source: ../../../../secret");
    let deployment = world.deployment(&[("appspec.yml", 0o644, &appspec)]);
    let (event, diagnostics) = deployment.all();
    assert_eq!(event, Some(EventName::Install));
    assert!(diagnostics.message.starts_with("No such file or directory @ rb_sysopen - "), "{diagnostics:?}");
    assert!(!world.path("/srv/site/secret").exists());
}

#[test]
fn an_appspec_outside_the_revision_is_none() {
    let mut world = World::new();
    world.host.hooks = policy(Isolation::None, false);
    // Harmless when it is looked at first; what Install puts there would not be.
    fs::create_dir_all(world.path("/srv")).unwrap();
    fs::write(world.path("/srv/spec"), "version: 0.0\nos: linux\n").unwrap();
    let deployment =
        world.deployment(&[("appspec.yml", LINK, "../../../../host/srv/spec"), ("a.sh", 0o755, TOUCH)]);
    let (event, diagnostics) = deployment.all();
    assert_eq!(event, Some(EventName::DownloadBundle));
    assert!(diagnostics.message.starts_with("The CodeDeploy agent did not find an AppSpec file within"));

    let within = world.deployment(&[("appspec.yml", LINK, "specs/a.yml"), ("specs/a.yml", 0o644, SITE)]);
    assert_eq!(within.event(EventName::DownloadBundle), Diagnostics::success());
    assert_eq!(within.event(EventName::BeforeInstall), Diagnostics::success());
}
