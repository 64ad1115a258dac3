//! What an Install would do: the same as it then does, and looking leaves no trace.

use serde_json::Value;

use super::*;

impl Deployment<'_> {
    /// The preview, and where its revision lies.
    pub(super) fn preview(&self, agent: Agent) -> Result<(Preview, PathBuf), String> {
        let (bundle, archive) =
            (self.world.guard.path().join("look.zip"), self.world.guard.path().join("look"));
        let _ = fs::remove_dir_all(&archive);
        fs::create_dir(&archive).unwrap();
        fs::write(&bundle, &self.bundle).unwrap();
        unpack(&bundle, &BundleType::Zip, &archive).unwrap();
        let appspec = appspec_of(&archive, agent, appspec::FILE_NAME, false)?;
        let preview = preview(&self.world.host, (&self.specification, agent), &appspec, &archive)?;
        Ok((preview, archive.canonicalize().unwrap()))
    }

    /// The steps of the preview, a JSON object each.
    fn steps(&self) -> Vec<String> {
        let (preview, _) = self.preview(Agent::One).unwrap();
        preview.steps["instructions"].as_array().unwrap().iter().map(Value::to_string).collect()
    }
}

const MODES: &str = "permissions:\n  - object: /srv/site\n    mode: 750\n    type: [directory]\n";

#[test]
fn a_second_deployment_is_shown_as_it_will_be() {
    for behaviour in [FileExists::Disallow, FileExists::Overwrite, FileExists::Retain] {
        let mut world = World::new();
        fs::create_dir_all(world.path("/srv/real/x")).unwrap();
        let appspec = format!("{SITE}{MODES}");
        let first = world.deployment(&[
            ("appspec.yml", 0o644, &appspec),
            ("site/a", 0o644, "1"),
            ("site/sub/b", 0o644, "1"),
            ("site/current", LINK, "../real"),
        ]);
        assert_eq!(first.all().0, None);
        // Where the link was there is a directory now.
        let mut second = world.deployment(&[
            ("appspec.yml", 0o644, &appspec),
            ("site/a", 0o644, "2"),
            ("site/sub/b", 0o644, "2"),
            ("site/current/x/c", 0o644, "2"),
        ]);
        second.specification.file_exists = behaviour;
        let (preview, archive) = second.preview(Agent::One).unwrap();
        let before = |path: &Path| format!("\"{}/", path.display());
        let agent = second.world.host.agent_dir.canonicalize().unwrap();
        let shown = preview
            .steps
            .to_string()
            .replace(&before(&archive), &before(&agent.join("g-1/d-2/deployment-archive")));
        assert!(shown.contains("\"/srv/site/current/x\"") && shown.contains("chmod"), "{shown}");
        assert_eq!(preview.removed.len(), 5, "{:?}", preview.removed);
        assert_eq!(preview.conflicts, Vec::<PathBuf>::new());
        assert_eq!(second.all().0, None);
        let done = fs::read_to_string(agent.join("deployment-instructions/g-1-install.json")).unwrap();
        assert_eq!(shown, done, "{behaviour:?}");
    }
}

#[test]
fn a_look_makes_nothing() {
    let mut world = World::new();
    fs::create_dir(&world.host.root).unwrap();
    world.host.hooks = policy(Isolation::Bubblewrap, true);
    let appspec = SITE.replace("/srv/site", "/opt/site");
    let deployment = world.deployment(&[("appspec.yml", 0o644, &appspec), ("site/a", 0o644, "1")]);
    let steps = deployment.steps();
    // What isolated scripts need is there before anything is installed.
    assert_eq!(steps.first().unwrap(), r#"{"type":"mkdir","directory":"/opt/site"}"#);
    assert_eq!(fs::read_dir(&world.host.root).unwrap().count(), 0);
    assert!(!world.host.agent_dir.exists());
}

#[test]
fn a_path_that_no_system_takes_is_refused_at_once() {
    let mut world = World::new();
    let site = |destinations: &[String]| {
        let entry = |path: &String| format!("  - source: a\n    destination: {path}\n");
        format!("version: 0.0\nos: linux\nfiles:\n{}", destinations.iter().map(entry).collect::<String>())
    };
    let long = site(&["/a".repeat(100_000)]);
    let deployment = world.deployment(&[("appspec.yml", 0o644, &long), ("a", 0o644, "1")]);
    let (event, diagnostics) = deployment.all();
    assert_eq!(event, Some(EventName::Install));
    assert!(diagnostics.message.starts_with("File name too long @ dir_s_mkdir - /a/a"));
    let deep: Vec<String> = (0..20).map(|number| format!("/{number}{}", "/a".repeat(900))).collect();
    let deployment = world.deployment(&[("appspec.yml", 0o644, &site(&deep)), ("a", 0o644, "1")]);
    let message = deployment.all().1.message;
    assert_eq!(message, "The paths that the bundle installs have more than 8388608 bytes in all.");
    assert!(!world.path("/0").exists());
    // The names in the bundle count.
    let (deep, long) = ("/a".repeat(2046), "n".repeat(256));
    for (destination, call) in [(&deep, "rb_sysopen"), (&format!("/{long}"), "dir_s_mkdir")] {
        let appspec = site(std::slice::from_ref(destination)).replace("source: a", "source: sub");
        let deployment = world.deployment(&[("appspec.yml", 0o644, &appspec), ("sub/page", 0o644, "1")]);
        let message = deployment.preview(Agent::One).map(drop).unwrap_err();
        assert!(message.starts_with(&format!("File name too long @ {call} - /")), "{message}");
    }
}

#[test]
fn an_owner_whom_nobody_knows_is_foretold_where_root_would_fail_of_it() {
    let mut world = World::new();
    world.host.real = true;
    let owner = MODES.replace("mode: 750", "owner: root\n    group: nobodys-here");
    let deployment =
        world.deployment(&[("appspec.yml", 0o644, &format!("{SITE}{owner}")), ("site/sub/a", 0o644, "1")]);
    let is_root = rustix::process::geteuid().is_root();
    let stranger = |agent| deployment.preview(agent).unwrap().0.lacks;
    assert_eq!(stranger(Agent::One), is_root.then(|| "can't find group for nobodys-here".to_owned()));
    assert_eq!(stranger(Agent::Two), None);
    let acls = MODES.replace("mode: 750", "acls: ['d:g:nobodys-here:rx', 'u:0:r', 'u:root:r']");
    let deployment =
        world.deployment(&[("appspec.yml", 0o644, &format!("{SITE}{acls}")), ("site/sub/a", 0o644, "1")]);
    for agent in [Agent::One, Agent::Two] {
        let lacks = deployment.preview(agent).unwrap().0.lacks;
        let is_told = lacks.is_some_and(|lacks| lacks.ends_with("This machine knows no group nobodys-here."));
        assert_eq!(is_told, is_root);
    }
}

#[test]
fn a_mode_that_would_be_set_through_a_link_to_nothing_is_foretold() {
    let mut world = World::new();
    fs::create_dir_all(world.path("/etc")).unwrap();
    fs::write(world.path("/etc/there"), "").unwrap();
    let modes = MODES.replace("[directory]", "[file]");
    let appspec = format!("{SITE}{modes}");
    for (target, lacks) in [
        ("nowhere", true),
        ("l", true),
        ("/etc/none", true),
        ("/etc/there", false),
        ("sub/b", false),
        ("other", false),
    ] {
        let files = [
            ("appspec.yml", 0o644, appspec.as_str()),
            ("site/a", 0o644, "1"),
            ("site/sub/b", 0o644, "1"),
            ("site/other", LINK, "sub/b"),
            ("site/l", LINK, target),
        ];
        let deployment = world.deployment(&files);
        let message = "No such file or directory @ apply2files - /srv/site/l".to_owned();
        let foretold = deployment.preview(Agent::One).unwrap().0.lacks;
        assert_eq!(foretold.is_some(), lacks, "{target}: {foretold:?}");
        let (event, diagnostics) = deployment.all();
        assert_eq!(event.is_some(), lacks, "{target}: {diagnostics:?}");
        if target != "l" && lacks {
            assert_eq!((foretold, diagnostics.message), (Some(message.clone()), message), "{target}");
        }
    }
}

/// What is there already, of what kind, and what a deployment of `/srv/site/a` and of the link `/srv/site/l` then says.
#[test]
fn what_is_in_the_way_is_foretold_in_the_agents_words() {
    let file = |world: &World, path: &str| fs::write(world.path(path), "there").unwrap();
    let link = |world: &World, path: &str, to: &str| symlink(to, world.path(path)).unwrap();
    let directory = |world: &World, path: &str| fs::create_dir_all(world.path(path)).unwrap();
    type Make<'a> = &'a dyn Fn(&World);
    let both = |text: &'static str| [Some(text), Some(text)];
    let cases: &[(&str, Make<'_>, [Option<&str>; 2])] = &[
        ("file", &|world| file(world, "/srv/site"), both("File exists @ dir_s_mkdir - /srv/site")),
        (
            "link",
            &|world| link(world, "/srv/site", "/var/new"),
            both("File exists @ dir_s_mkdir - /srv/site"),
        ),
        (
            "lost",
            &|world| link(world, "/srv/site", "/no/where"),
            both("File exists @ dir_s_mkdir - /srv/site"),
        ),
        (
            "link source",
            &|world| {
                directory(world, "/srv/site");
                file(world, "/srv/site/l");
            },
            both("File exists @ rb_file_s_symlink - /srv/site/l"),
        ),
        (
            "socket",
            &|world| {
                directory(world, "/srv/site");
                drop(std::os::unix::net::UnixListener::bind(world.path("/srv/site/a")).unwrap());
            },
            both("File exists @ rb_sysopen - /srv/site/a"),
        ),
        (
            "directory",
            &|world| directory(world, "/srv/site/a"),
            [None, Some("Is a directory @ rb_sysopen - /srv/site/a")],
        ),
        (
            "directories",
            &|world| directory(world, "/srv/site/a/a"),
            both("Is a directory @ rb_sysopen - /srv/site/a"),
        ),
        (
            "link to a directory",
            &|world| {
                directory(world, "/srv/site");
                directory(world, "/var/real");
                link(world, "/srv/site/a", "/var/real");
            },
            [None, None],
        ),
        (
            "link to nothing",
            &|world| {
                directory(world, "/srv/site");
                link(world, "/srv/site/a", "/new");
            },
            [None, None],
        ),
    ];
    for (name, make, expected) in cases {
        for (agent, expected) in [Agent::One, Agent::Two].into_iter().zip(expected) {
            let mut world = World::new();
            fs::create_dir_all(world.path("/srv")).unwrap();
            make(&world);
            let files =
                [("appspec.yml", 0o644, SITE), ("site/a", 0o644, "new"), ("site/l", LINK, "elsewhere")];
            let mut deployment = world.deployment(&files);
            deployment.specification.file_exists = FileExists::Overwrite;
            let foretold = deployment.preview(agent).unwrap().0.lacks;
            assert_eq!(foretold.as_deref(), *expected, "{name} {agent:?}");
            assert_eq!(deployment.event(EventName::DownloadBundle), Diagnostics::success());
            let (specification, event) = (&deployment.specification, &EventName::Install);
            let order = Order { specification, event, agent, listener: None };
            let (diagnostics, _) = run(&deployment.world.host, &order, &|_: &Path| Ok(()));
            assert_eq!(diagnostics.message, expected.unwrap_or("Succeeded"), "{name} {agent:?}");
            assert!(!world.path("/var/new").exists());
            // Agent 1 puts the file inside a directory and writes through a link, agent 2 puts it in a link's place.
            let a = fs::symlink_metadata(world.path("/srv/site/a")).map(|there| there.file_type());
            match (*name, agent) {
                ("directory", Agent::One) => assert_eq!(world.read("/srv/site/a/a"), "new"),
                ("link to a directory", Agent::One) => assert_eq!(world.read("/var/real/a"), "new"),
                ("link to nothing", Agent::One) => assert_eq!(world.read("/new"), "new"),
                ("link to a directory" | "link to nothing", Agent::Two) => assert!(a.unwrap().is_file()),
                _ => assert!(!world.path("/new").exists()),
            }
        }
    }
}

#[test]
fn a_file_in_place_of_a_directory_is_foretold() {
    for (source, destination, message) in [
        ("site/a", "/srv/file", "Not a directory @ rb_sysopen - /srv/file/a"),
        ("site/a", "/srv/file/sub", "Not a directory @ dir_s_mkdir - /srv/file/sub"),
        ("site", "/srv/file/sub", "Not a directory @ dir_s_mkdir - /srv/file/sub"),
    ] {
        let mut world = World::new();
        fs::create_dir_all(world.path("/srv")).unwrap();
        fs::write(world.path("/srv/file"), "there").unwrap();
        let appspec =
            SITE.replace("source: site", &format!("source: {source}")).replace("/srv/site", destination);
        let deployment = world.deployment(&[("appspec.yml", 0o644, &appspec), ("site/a", 0o644, "new")]);
        assert_eq!(deployment.preview(Agent::One).unwrap().0.lacks.as_deref(), Some(message));
        assert_eq!(deployment.all().1.message, message);
    }
}

#[test]
fn agent_2_knows_its_home() {
    let mut world = World::new();
    for (destination, expected) in [("~", "/root/a"), ("~/x", "/root/x/a"), ("~other/x", "/~other/x/a")] {
        let appspec = SITE.replace("/srv/site", &format!("\"{destination}\""));
        let deployment = world.deployment(&[("appspec.yml", 0o644, &appspec), ("site/a", 0o644, "1")]);
        let (preview, _) = deployment.preview(Agent::Two).unwrap();
        assert!(preview.steps.to_string().contains(&format!("{expected:?}")), "{}", preview.steps);
        let message = deployment.preview(Agent::One).err().unwrap();
        assert_eq!(message, "File exists @ dir_s_mkdir - /root");
    }
}

#[test]
fn what_is_not_in_the_bundle_is_missed_before_it_is_copied() {
    let mut world = World::new();
    let appspec = SITE.replace("source: site", "source: site/none");
    let deployment = world.deployment(&[("appspec.yml", 0o644, &appspec), ("site/a", 0o644, "1")]);
    let message = deployment.preview(Agent::One).err().unwrap();
    assert!(message.starts_with("No such file or directory @ rb_sysopen - "), "{message}");
    let (_, archive) = world
        .deployment(&[("appspec.yml", 0o644, SITE), ("site/a", 0o644, "1")])
        .preview(Agent::One)
        .unwrap();
    symlink("/etc/none", archive.join("out.sh")).unwrap();
    let is_there =
        ["site/a", "/site/a", "out.sh", "none.sh", "../look.zip"].map(|name| has_script(&archive, name));
    assert_eq!(is_there, [true, true, true, false, false]);
}
