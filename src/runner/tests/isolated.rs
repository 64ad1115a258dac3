//! Scripts that bubblewrap isolates: what they see, what they can change, and what becomes of what they leave.

use super::*;

#[test]
fn isolated_scripts_see_the_root_as_slash_and_nothing_of_the_machine() {
    if !isolates() {
        return;
    }
    let mut world = World::new();
    world.host.hooks = policy(Isolation::Bubblewrap, false);
    let secret = world.guard.path().join("secret");
    fs::write(&secret, "s").unwrap();
    let script = format!(
        "#!/bin/sh\npwd > /seen\necho $0 >> /seen\nmkdir -p $CDCTL_HOST_ROOT/srv/made\n[ ! -e {} ] && ! touch /usr/x 2>/dev/null\n",
        secret.display()
    );
    let deployment =
        world.deployment(&[("appspec.yml", 0o644, &hook("AfterInstall", "a.sh")), ("a.sh", 0o755, &script)]);
    // Twice: the second time the mount points are there already.
    assert_eq!(deployment.after_install(), Diagnostics::success());
    assert_eq!(deployment.after_install(), Diagnostics::success());
    assert_eq!(
        world.read("/seen"),
        "/\n/opt/codedeploy-agent/deployment-root/g-1/d-1/deployment-archive/a.sh\n"
    );
    assert!(world.path("/srv/made").is_dir());
}

/// Root could give files away, and then its isolated scripts could not read them.
#[test]
fn owners_below_a_root_are_noted_whoever_runs_it() {
    if !isolates() {
        return;
    }
    let mut world = World::new();
    world.host.hooks = policy(Isolation::Bubblewrap, false);
    let appspec = format!(
        "{SITE}permissions:\n  - object: /srv/site\n    mode: 640\n    owner: daemon\n    group: daemon\n    type: [file]\n{}",
        hook("AfterInstall", "a.sh").split_once("os: linux\n").unwrap().1
    );
    let script = "#!/bin/sh\ncat /srv/site/a > /seen\n";
    let deployment = world.deployment(&[
        ("appspec.yml", 0o644, &appspec),
        ("site/a", 0o644, "ours"),
        ("a.sh", 0o755, script),
    ]);
    assert_eq!(deployment.all(), (None, Diagnostics::success()));
    assert_eq!(world.read("/seen"), "ours");
    let log = fs::read_to_string(world.guard.path().join("agent/g-1/d-1/logs/scripts.log")).unwrap();
    assert!(log.contains("[note]owner and group of /srv/site/a are not set: only root can"), "{log}");
}

/// There is nothing to be copied of what the machine lends them.
#[test]
fn a_link_to_what_isolated_scripts_see_of_the_machine_stays_a_link() {
    if !isolates() {
        return;
    }
    let mut world = World::new();
    world.host.hooks = policy(Isolation::Bubblewrap, false);
    let appspec = format!("{SITE}{}", hook("AfterInstall", "a.sh").split_once("os: linux\n").unwrap().1);
    let files = [
        ("appspec.yml", 0o644, appspec.as_str()),
        ("site/ssl", LINK, "/etc/ssl"),
        ("site/bin", LINK, "/usr"),
        ("a.sh", 0o755, "#!/bin/sh\n"),
    ];
    for _ in 0..2 {
        assert_eq!(world.deployment(&files).all(), (None, Diagnostics::success()));
        assert_eq!(fs::read_link(world.path("/srv/site/ssl")).unwrap(), Path::new("/etc/ssl"));
        assert_eq!(fs::read_link(world.path("/srv/site/bin")).unwrap(), Path::new("/usr"));
    }
}

#[test]
fn what_an_isolated_script_leaves_in_tmp_the_next_one_finds() {
    if !isolates() {
        return;
    }
    let mut world = World::new();
    world.host.hooks = policy(Isolation::Bubblewrap, false);
    let script = "#!/bin/sh\ncat /tmp/left > /seen 2>/dev/null\necho here > /tmp/left\n";
    let deployment =
        world.deployment(&[("appspec.yml", 0o644, &hook("AfterInstall", "a.sh")), ("a.sh", 0o755, script)]);
    assert_eq!(deployment.after_install(), Diagnostics::success());
    assert_eq!(deployment.after_install(), Diagnostics::success());
    assert_eq!((world.read("/seen").as_str(), world.read("/tmp/left").as_str()), ("here\n", "here\n"));
}

/// Root owns the kernel's settings. They are only opened here, so that a failure changes nothing of the machine.
#[test]
fn isolated_scripts_cannot_write_the_kernels_settings() {
    if !isolates() {
        return;
    }
    let mut world = World::new();
    world.host.hooks = policy(Isolation::Bubblewrap, false);
    let script = "#!/bin/sh\nfind /proc/sys /proc/sysrq-trigger -type f 2>/dev/null | while read file; do\n\
                  ( : >> $file ) 2>/dev/null && echo $file >> /open\ndone\ncat /proc/sys/kernel/ostype > /seen\n";
    let deployment =
        world.deployment(&[("appspec.yml", 0o644, &hook("AfterInstall", "a.sh")), ("a.sh", 0o755, script)]);
    assert_eq!(deployment.after_install(), Diagnostics::success());
    assert_eq!(world.read("/seen"), "Linux\n");
    assert!(!world.path("/open").exists(), "{}", world.read("/open"));
}

#[test]
fn an_isolated_time_out_ends_everything() {
    if !isolates() {
        return;
    }
    let mut world = World::new();
    world.host.hooks = policy(Isolation::Bubblewrap, false);
    let deployment = world.deployment(&[
        ("appspec.yml", 0o644, &brief_hook()),
        ("a.sh", 0o755, "trap '' TERM\necho up\nsleep 60\n"),
    ]);
    let diagnostics = deployment.after_install();
    assert_eq!(diagnostics.error_code, LifecycleErrorCode::ScriptTimedOut);
    assert!(diagnostics.log_tail.ends_with("[stdout]up\n"));
}

#[test]
fn an_isolated_script_does_not_follow_the_hosts_links_out() {
    if !isolates() {
        return;
    }
    let mut world = World::new();
    world.host.hooks = policy(Isolation::Bubblewrap, false);
    let victim = world.guard.path().join("victim");
    fs::create_dir(&victim).unwrap();
    fs::write(victim.join("secret"), "s").unwrap();
    let appspec = format!(
        "version: 0.0\nos: linux\nfiles:\n  - source: local\n    destination: /usr\n{}",
        hook("AfterInstall", "a.sh").split_once("os: linux\n").unwrap().1
    );
    let script = "#!/bin/sh\ncat /usr/local/secret > /stolen\necho x > /usr/local/evil\nexit 0\n";
    let deployment = world.deployment(&[
        ("appspec.yml", 0o644, &appspec),
        ("local", LINK, victim.to_str().unwrap()),
        ("a.sh", 0o755, script),
    ]);
    assert_eq!(deployment.all().0, None);
    assert_eq!(fs::read_link(world.path("/usr/local")).unwrap(), victim);
    assert_eq!(world.read("/stolen"), "");
    assert!(!victim.join("evil").exists());
}

#[test]
fn a_link_where_something_is_mounted_keeps_every_script_from_starting() {
    if !isolates() {
        return;
    }
    for link in ["etc", "etc/ssl", "usr", "bin", "proc", "dev", "tmp", "opt", "opt/codedeploy-agent"] {
        let mut world = World::new();
        world.host.hooks = policy(Isolation::Bubblewrap, false);
        let victim = world.guard.path().join("victim");
        fs::create_dir(&victim).unwrap();
        let place = world.path(link);
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        // Bubblewrap itself sees the machine's files there while it makes mount points.
        symlink(Path::new("/oldroot").join(victim.strip_prefix("/").unwrap()), place).unwrap();
        let deployment = world.deployment(&[
            ("appspec.yml", 0o644, &hook("AfterInstall", "a.sh")),
            ("a.sh", 0o755, "#!/bin/sh\ntouch /ran\n"),
        ]);
        let diagnostics = deployment.after_install();
        assert_eq!(diagnostics.error_code, LifecycleErrorCode::UnknownError, "{link}: {diagnostics:?}");
        assert!(diagnostics.message.contains(&format!("a link at /{link},")), "{diagnostics:?}");
        assert_eq!(fs::read_dir(&victim).unwrap().count(), 0, "{link}");
        assert!(!world.path("/ran").exists());
    }
}

#[test]
fn isolated_scripts_end_as_they_would_on_the_machine() {
    if !isolates() {
        return;
    }
    let cases = [
        ("kill -9 $$", "a.sh failed with exit code "),
        ("exit 137", "a.sh failed with exit code 137"),
        ("sleep 60 & exit 0", "a.sh failed to close STDOUT"),
    ];
    for (script, message) in cases {
        let mut world = World::new();
        world.host.hooks = policy(Isolation::Bubblewrap, false);
        let deployment = world
            .deployment(&[("appspec.yml", 0o644, &hook("AfterInstall", "a.sh")), ("a.sh", 0o755, script)]);
        let diagnostics = deployment.after_install();
        assert_eq!(diagnostics.message, format!("Script at specified location: {message}"));
        world.host.groups.end_left_over();
    }
}

#[test]
fn an_isolated_script_can_answer_a_time_out() {
    if !isolates() {
        return;
    }
    let mut world = World::new();
    world.host.hooks = policy(Isolation::Bubblewrap, false);
    let child = "(trap 'echo child >>/answers; exit' TERM; while :; do sleep 60 & wait; done) &\n";
    let script = format!(
        "#!/bin/sh\n{child}trap 'wait; echo script >>/answers; echo gone; exit 5' TERM\nwhile :; do sleep 60 & wait $!; done\n"
    );
    let deployment =
        world.deployment(&[("appspec.yml", 0o644, &brief_hook()), ("a.sh", 0o755, script.as_str())]);
    let diagnostics = deployment.after_install();
    assert_eq!(diagnostics.error_code, LifecycleErrorCode::ScriptTimedOut);
    assert_eq!(world.read("/answers"), "child\nscript\n");
    assert!(diagnostics.log_tail.ends_with("[stdout]gone\n"), "{diagnostics:?}");
}

#[test]
fn a_signal_that_ended_a_script_is_named() {
    for isolation in [Isolation::None, Isolation::best()] {
        let mut world = World::new();
        world.host.hooks = policy(isolation, true);
        let deployment = world.deployment(&[
            ("appspec.yml", 0o644, &hook("AfterInstall", "a.sh")),
            ("a.sh", 0o755, "kill -9 $$\n"),
        ]);
        assert_eq!(deployment.event(EventName::DownloadBundle), Diagnostics::success());
        let heard = Arc::new(std::sync::Mutex::new(String::new()));
        for (agent, code) in [(Agent::One, ""), (Agent::Two, "1")] {
            let into = Arc::clone(&heard);
            let listener: Listener = Arc::new(move |text: &str| into.lock().unwrap().push_str(text));
            let (specification, event) = (&deployment.specification, &EventName::AfterInstall);
            let order = Order { specification, event, agent, listener: Some(listener) };
            let (diagnostics, signal) = run(&deployment.world.host, &order, &|_: &Path| Ok(()));
            assert!(diagnostics.message.ends_with(&format!("exit code {code}")), "{diagnostics:?}");
            assert_eq!(signal.as_deref(), Some("9 (KILL)"), "{isolation:?}");
            assert!(heard.lock().unwrap().ends_with("[note]a.sh was ended by signal 9 (KILL)\n"));
        }
    }
}

#[test]
fn what_an_isolated_script_leaves_goes_on_until_its_host_ends() {
    if !isolates() {
        return;
    }
    let mut world = World::new();
    world.host.hooks = policy(Isolation::Bubblewrap, false);
    let script = "#!/bin/sh\nmkfifo /go /done\n(read -r x </go; echo $x >/done) >/dev/null 2>&1 &\n";
    let deployment =
        world.deployment(&[("appspec.yml", 0o644, &hook("AfterInstall", "a.sh")), ("a.sh", 0o755, script)]);
    assert_eq!(deployment.after_install(), Diagnostics::success());
    fs::write(world.path("/go"), "on\n").unwrap();
    assert_eq!(world.read("/done"), "on\n");
    world.host.groups.end_left_over();
}

#[test]
fn isolated_scripts_have_no_capabilities_and_keep_the_machine_read_only() {
    if !isolates() {
        return;
    }
    let mut world = World::new();
    world.host.hooks = policy(Isolation::Bubblewrap, false);
    let script = "#!/bin/sh\ngrep CapEff: /proc/self/status > /caps\n! mount -o remount,rw,bind /usr /usr\n";
    let deployment =
        world.deployment(&[("appspec.yml", 0o644, &hook("AfterInstall", "a.sh")), ("a.sh", 0o755, script)]);
    assert_eq!(deployment.after_install(), Diagnostics::success());
    assert_eq!(world.read("/caps"), "CapEff:\t0000000000000000\n");
}

#[test]
fn isolated_scripts_have_the_machines_network_only_where_the_user_says_so() {
    if !isolates() {
        return;
    }
    let ours = fs::read_link("/proc/self/ns/net").unwrap();
    for allowed in [false, true] {
        let mut world = World::new();
        world.host.hooks = policy(Isolation::Bubblewrap, allowed);
        let script = "#!/bin/sh\nreadlink /proc/self/ns/net > /net\n";
        let deployment = world
            .deployment(&[("appspec.yml", 0o644, &hook("AfterInstall", "a.sh")), ("a.sh", 0o755, script)]);
        assert_eq!(deployment.after_install(), Diagnostics::success());
        assert_eq!(Path::new(world.read("/net").trim_end()) == ours, allowed);
    }
}

/// What later scripts' namespaces are built on stays where it is, whatever a script does.
#[test]
fn isolated_scripts_cannot_move_what_is_mounted_for_them() {
    if !isolates() {
        return;
    }
    let mut world = World::new();
    world.host.hooks = policy(Isolation::Bubblewrap, false);
    let script = "#!/bin/sh\nfor path in /etc /opt /opt/codedeploy-agent /usr /proc /dev /etc/passwd /etc/hosts /etc/ssl; do\n\
                  [ ! -e $path ] || ! mv $path $path.moved 2>/dev/null || echo moved $path >> /bad\n\
                  [ ! -e $path ] || ! rm -f $path 2>/dev/null || echo removed $path >> /bad\ndone\n\
                  mkdir /opt/codedeploy-agent/deployment-root/x 2>/dev/null && echo agent >> /bad\n\
                  unshare -U true 2>/dev/null && echo user namespace >> /bad\n\
                  unshare -m true 2>/dev/null && echo mount namespace >> /bad\n\
                  echo '10.0.0.1 db' >> /etc/hosts\ntouch /opt/app /etc/app.conf /ran\n";
    let appspec = format!(
        "version: 0.0\nos: linux\nfiles:\n  - source: hosts\n    destination: /etc\n{}",
        hook("AfterInstall", "a.sh").split_once("os: linux\n").unwrap().1
    );
    for _ in 0..2 {
        let deployment = world.deployment(&[
            ("appspec.yml", 0o644, &appspec),
            ("hosts", 0o644, "127.0.0.1 localhost\n"),
            ("a.sh", 0o755, script),
        ]);
        assert_eq!(deployment.all(), (None, Diagnostics::success()));
        assert!(!world.path("/bad").exists(), "{}", world.read("/bad"));
        assert!(world.path("/ran").exists() && world.path("/opt/app").exists());
        assert!(world.path("/etc/app.conf").exists());
        // The host's own, installed anew by each revision.
        assert_eq!(world.read("/etc/hosts"), "127.0.0.1 localhost\n10.0.0.1 db\n");
    }
}

/// As `revision run --root`, whose agent is in the root.
fn agent_in_the_root() -> (World, PathBuf) {
    let mut world = World::new();
    world.host.agent_dir = world.path("/opt/codedeploy-agent/deployment-root");
    let victim = world.guard.path().join("victim");
    fs::create_dir(&victim).unwrap();
    for name in ["d-old-1", "d-old-2", "d-old-3", "d-old-4", "d-old-5", "d-old-6"] {
        fs::create_dir(victim.join(name)).unwrap();
    }
    fs::write(victim.join("file"), "precious").unwrap();
    (world, victim)
}

fn is_whole(victim: &Path) -> bool {
    fs::read_to_string(victim.join("file")).unwrap() == "precious"
        && fs::read_dir(victim).unwrap().count() == 7
}

#[test]
fn an_isolated_script_cannot_lead_the_agent_out_of_the_root() {
    if !isolates() {
        return;
    }
    let (mut world, victim) = agent_in_the_root();
    world.host.hooks = policy(Isolation::Bubblewrap, true);
    let victim_path = victim.to_str().unwrap();
    let script = format!(
        "#!/bin/sh\nA=/opt/codedeploy-agent/deployment-root\ncd $A\n\
         ln -sf {victim_path}/file $A/g-1/$DEPLOYMENT_ID/logs/scripts.log\n\
         ln -sf {victim_path}/file $A/deployment-instructions/g-1-install.json\n\
         ln -sf {victim_path}/new $A/deployment-instructions/g-1_most_recent_install\n\
         mv $A/g-1 $A/old; ln -s {victim_path} $A/g-1\n\
         mv /opt/codedeploy-agent /opt/old; ln -s {victim_path} /opt/codedeploy-agent\n\
         mv /opt /old; ln -s {victim_path} /opt\nexit 0\n"
    );
    let appspec = hook("AfterInstall", "a.sh") + "  ApplicationStart:\n    - location: b.sh\n";
    for _ in 0..2 {
        let deployment = world.deployment(&[
            ("appspec.yml", 0o644, &appspec),
            ("a.sh", 0o755, &script),
            ("b.sh", 0o755, "#!/bin/sh\necho '; touch PWNED #'\n"),
        ]);
        assert_eq!(deployment.all(), (None, Diagnostics::success()));
        assert!(is_whole(&victim));
    }
}

#[test]
fn the_log_of_all_deployments_is_not_written_through_a_link() {
    for (link, target) in
        [("deployment-logs", ""), ("deployment-logs/codedeploy-agent-deployments.log", "file")]
    {
        let (mut world, victim) = agent_in_the_root();
        let link = world.host.agent_dir.join(link);
        fs::create_dir_all(link.parent().unwrap()).unwrap();
        symlink(victim.join(target), &link).unwrap();
        let appspec = hook("AfterInstall", "a.sh");
        let files = [("appspec.yml", 0o644, appspec.as_str()), ("a.sh", 0o755, "#!/bin/sh\n")];
        assert_eq!(world.deployment(&files).after_install(), Diagnostics::success());
        assert!(is_whole(&victim), "{}", link.display());
    }
}

#[test]
fn a_link_to_the_agents_directory_does_not_hide_that_it_is_in_the_root() {
    if !isolates() {
        return;
    }
    let (mut world, victim) = agent_in_the_root();
    let link = world.guard.path().join("link");
    fs::create_dir_all(&world.host.root).unwrap();
    symlink(&world.host.root, &link).unwrap();
    world.host.agent_dir = link.join("agent");
    world.host.hooks = policy(Isolation::Bubblewrap, true);
    let script = format!("#!/bin/sh\nmv /agent /agent2; ln -s {} /agent\n", victim.display());
    let deployment =
        world.deployment(&[("appspec.yml", 0o644, &hook("AfterInstall", "a.sh")), ("a.sh", 0o755, &script)]);
    let (_, diagnostics) = deployment.all();
    assert!(diagnostics.message.contains("The agent's directory is in the host's root"), "{diagnostics:?}");
    assert!(is_whole(&victim) && !world.path("/agent").is_symlink());
}

#[test]
fn the_first_scripts_of_a_host_may_begin_at_once() {
    if !isolates() {
        return;
    }
    for _ in 0..3 {
        let mut world = World::new();
        world.host.hooks = policy(Isolation::Bubblewrap, true);
        let appspec = hook("AfterInstall", "a.sh");
        let files = [("appspec.yml", 0o644, appspec.as_str()), ("a.sh", 0o755, "#!/bin/sh\n")];
        let mut specifications = Vec::new();
        let mut bundle = Vec::new();
        for group in ["g-1", "g-2", "g-3"] {
            let deployment = world.deployment(&files);
            specifications.push(Specification { group_id: group.to_owned(), ..deployment.specification });
            bundle = deployment.bundle;
        }
        let world = &world;
        let deployments: Vec<_> = specifications
            .into_iter()
            .map(|specification| Deployment { world, bundle: bundle.clone(), specification })
            .collect();
        std::thread::scope(|scope| {
            let threads: Vec<_> =
                deployments.iter().map(|deployment| scope.spawn(|| deployment.after_install())).collect();
            for thread in threads {
                assert_eq!(thread.join().unwrap(), Diagnostics::success());
            }
        });
    }
}

#[test]
fn the_agent_writes_and_removes_nothing_through_a_link_among_its_own() {
    let links = [
        ("g-1", ""),
        ("deployment-instructions", ""),
        ("deployment-instructions/g-1-install.json", "file"),
        ("deployment-instructions/g-1-cleanup", "file"),
        ("deployment-instructions/g-1_most_recent_install", "new"),
        ("g-1/d-2", ""),
        ("g-1/d-2/logs", ""),
        ("g-1/d-2/bundle.tar", "file"),
        ("g-1/d-2/deployment-archive", ""),
    ];
    for (link, target) in links {
        let (mut world, victim) = agent_in_the_root();
        let link = world.host.agent_dir.join(link);
        assert_eq!(world.deployment(&[("appspec.yml", 0o644, SITE), ("site/a", 0o644, "1")]).all().0, None);
        fs::create_dir_all(link.parent().unwrap()).unwrap();
        if link.exists() {
            fs::rename(&link, world.guard.path().join("aside")).unwrap();
        }
        symlink(victim.join(target), &link).unwrap();
        let (_, diagnostics) =
            world.deployment(&[("appspec.yml", 0o644, SITE), ("site/a", 0o644, "2")]).all();
        assert!(diagnostics.message.contains(" is a link, and the agent keeps none"), "{diagnostics:?}");
        assert!(is_whole(&victim), "{}", link.display());
    }
}
