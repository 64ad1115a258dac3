//! Scripts: what they see, and what becomes of those that fail or cannot be run.

use super::*;

#[test]
fn hooks_see_a_clean_environment_and_start_in_the_root() {
    let mut world = World::new();
    let script = "#!/bin/sh\npwd > \"$CDCTL_HOST_ROOT/pwd\"\nenv | sort > \"$CDCTL_HOST_ROOT/env\"\n";
    let deployment = world
        .deployment(&[("appspec.yml", 0o644, &hook("AfterInstall", "env.sh")), ("env.sh", 0o644, script)]);
    assert_eq!(deployment.after_install(), Diagnostics::success());
    let root = world.host.root.canonicalize().unwrap();
    assert_eq!(world.read("/pwd").trim_end(), root.to_str().unwrap());
    let environment = world.read("/env");
    let names: Vec<&str> = environment.lines().filter_map(|line| line.split('=').next()).collect();
    let expected = [
        "APPLICATION_NAME",
        "BUNDLE_BUCKET",
        "CDCTL_HOST_ID",
        "CDCTL_HOST_ROOT",
        "DEPLOYMENT_GROUP_ID",
        "DEPLOYMENT_GROUP_NAME",
        "DEPLOYMENT_ID",
        "HOME",
        "LANG",
        "LIFECYCLE_EVENT",
        "PATH",
        "PWD",
        "TMPDIR",
    ];
    let shells_own = ["OLDPWD", "SHLVL", "_"];
    assert_eq!(names.iter().filter(|name| !shells_own.contains(name)).copied().collect::<Vec<_>>(), expected);
    assert!(environment.contains("LIFECYCLE_EVENT=AfterInstall\n"));
}

#[test]
fn a_failing_script_is_reported_in_the_agents_words() {
    let mut world = World::new();
    let script = "echo out; echo oops >&2; exit 3";
    let deployment =
        world.deployment(&[("appspec.yml", 0o644, &hook("AfterInstall", "a.sh")), ("a.sh", 0o755, script)]);
    let diagnostics = deployment.after_install();
    assert_eq!(diagnostics.error_code, LifecycleErrorCode::ScriptFailed);
    assert_eq!(diagnostics.script_name, "a.sh");
    assert_eq!(diagnostics.message, "Script at specified location: a.sh failed with exit code 3");
    assert!(diagnostics.log_tail.starts_with("LifecycleEvent - AfterInstall\nScript - a.sh\n"));
    assert!(
        diagnostics.log_tail.contains("[stdout]out\n") && diagnostics.log_tail.contains("[stderr]oops\n")
    );
    let log = |path: &str| fs::read_to_string(world.guard.path().join("agent").join(path)).unwrap();
    assert!(log("g-1/d-1/logs/scripts.log").contains(" [stderr]oops\n"));
    let all = log("deployment-logs/codedeploy-agent-deployments.log");
    assert!(all.contains("] [d-1]Script - a.sh\n[") && all.contains("] [d-1][stderr]oops\n"), "{all}");
}

#[test]
fn scripts_that_cannot_be_run() {
    let cases: &[(&str, u32, &str, LifecycleErrorCode, &str)] = &[
        (
            "other.sh",
            0o755,
            "exit 0",
            LifecycleErrorCode::ScriptMissing,
            "Script does not exist at specified location: ",
        ),
        (
            "a.sh",
            0o755,
            "#!/bin/sh\r\nexit 0\r\n",
            LifecycleErrorCode::ScriptFailed,
            "failed with error Errno::ENOENT with message No such file or directory",
        ),
        (
            ".",
            0o755,
            "exit 0",
            LifecycleErrorCode::ScriptFailed,
            "failed with error Errno::EACCES with message Permission denied",
        ),
        ("a.sh", 0o755, "kill -9 $$", LifecycleErrorCode::ScriptFailed, "failed with exit code "),
    ];
    for (location, mode, script, code, message) in cases {
        let mut world = World::new();
        let deployment = world
            .deployment(&[("appspec.yml", 0o644, &hook("AfterInstall", location)), ("a.sh", *mode, script)]);
        let diagnostics = deployment.after_install();
        assert_eq!(&diagnostics.error_code, code, "{diagnostics:?}");
        assert!(diagnostics.message.contains(message), "{diagnostics:?}");
    }
}

#[test]
fn a_script_outside_the_bundle_is_missing() {
    let mut world = World::new();
    fs::write(world.guard.path().join("evil.sh"), "touch \"$CDCTL_HOST_ROOT/evil\"").unwrap();
    for location in ["../../../../evil.sh", "/etc/hostname"] {
        let deployment = world.deployment(&[("appspec.yml", 0o644, &hook("AfterInstall", location))]);
        assert_eq!(deployment.after_install().error_code, LifecycleErrorCode::ScriptMissing, "{location}");
    }
    assert!(!world.path("/evil").exists());
}

#[test]
fn a_location_with_a_shells_characters_is_no_program() {
    let mut world = World::new();
    let appspec = "version: 0.0\nos: linux\nhooks:\n  AfterInstall:\n    - location: a&b.sh\n";
    let files = [("appspec.yml", 0o644, appspec), ("a&b.sh", 0o755, "#!/bin/sh\n")];
    let deployment = world.deployment(&files);
    let diagnostics = deployment.after_install();
    assert_eq!(diagnostics.error_code, LifecycleErrorCode::ScriptFailed);
    assert!(diagnostics.message.ends_with("a&b.sh failed with exit code 127"), "{diagnostics:?}");
    let (specification, event) = (&deployment.specification, &EventName::AfterInstall);
    let order = Order { specification, event, agent: Agent::Two, listener: None };
    let fetch = |_: &Path| Ok(());
    assert_eq!(run(&deployment.world.host, &order, &fetch).0, Diagnostics::success());
}

#[test]
fn endless_output_without_a_line_feed_does_not_grow() {
    let mut world = World::new();
    let script = "#!/bin/sh\nhead -c 3000000 /dev/zero | tr '\\0' x\nexit 1\n";
    let deployment =
        world.deployment(&[("appspec.yml", 0o644, &hook("AfterInstall", "a.sh")), ("a.sh", 0o755, script)]);
    let diagnostics = deployment.after_install();
    assert_eq!(diagnostics.error_code, LifecycleErrorCode::ScriptFailed);
    assert!(diagnostics.log_tail.len() < 2048);
}

#[test]
fn a_script_that_cannot_be_started_is_told_in_each_agents_words() {
    for isolation in [Isolation::None, Isolation::Bubblewrap] {
        if isolation == Isolation::Bubblewrap && !isolates() {
            continue;
        }
        let cases: &[(&str, u32, &str, LifecycleErrorCode, &str, &str)] = &[
            (
                "a.sh",
                0o755,
                "#!/usr/bin/nonexist\n",
                LifecycleErrorCode::ScriptFailed,
                "failed with error Errno::ENOENT with message No such file or directory - /",
                "failed with error No such file or directory (os error 2)",
            ),
            (
                "a.sh",
                0o755,
                "#!/bin/sh\r\nexit 0\r\n",
                LifecycleErrorCode::ScriptFailed,
                "failed with error Errno::ENOENT with message No such file or directory - /",
                "failed with error No such file or directory (os error 2)",
            ),
            (
                ".",
                0o755,
                "",
                LifecycleErrorCode::ScriptFailed,
                "failed with error Errno::EACCES with message Permission denied - /",
                "failed with error Permission denied (os error 13)",
            ),
            (
                "b.sh",
                LINK,
                "/nowhere/program",
                LifecycleErrorCode::ScriptMissing,
                "Script does not exist at specified location: /",
                "Script does not exist at specified location: /",
            ),
            (
                "b.sh",
                LINK,
                "nowhere",
                LifecycleErrorCode::ScriptMissing,
                "Script does not exist at specified location: /",
                "Script does not exist at specified location: /",
            ),
            // Its own codes are its own.
            (
                "a.sh",
                0o755,
                "echo no >&2; exit 127",
                LifecycleErrorCode::ScriptFailed,
                "failed with exit code 127",
                "failed with exit code 127",
            ),
            (
                "a.sh",
                0o755,
                "#! /bin/sh -e\nexit 126",
                LifecycleErrorCode::ScriptFailed,
                "failed with exit code 126",
                "failed with exit code 126",
            ),
        ];
        for (location, mode, content, code, ruby, rust) in cases {
            for (agent, message) in [(Agent::One, ruby), (Agent::Two, rust)] {
                let mut world = World::new();
                world.host.hooks = policy(isolation, true);
                let name = if *location == "." { "a.sh" } else { location };
                let deployment = world.deployment(&[
                    ("appspec.yml", 0o644, &hook("AfterInstall", location)),
                    (name, *mode, content),
                ]);
                assert_eq!(deployment.event(EventName::DownloadBundle), Diagnostics::success());
                let (specification, event) = (&deployment.specification, &EventName::AfterInstall);
                let order = Order { specification, event, agent, listener: None };
                let (diagnostics, _) = run(&deployment.world.host, &order, &|_: &Path| Ok(()));
                assert_eq!(&diagnostics.error_code, code, "{isolation:?} {diagnostics:?}");
                assert!(diagnostics.message.contains(message), "{isolation:?} {diagnostics:?}");
            }
        }
    }
}

#[test]
fn a_link_to_a_program_of_the_host_is_run() {
    for isolation in [Isolation::None, Isolation::Bubblewrap] {
        if isolation == Isolation::Bubblewrap && !isolates() {
            continue;
        }
        let mut world = World::new();
        world.host.hooks = policy(isolation, true);
        let deployment = world.deployment(&[
            ("appspec.yml", 0o644, &hook("AfterInstall", "a.sh")),
            ("a.sh", LINK, "/bin/false"),
        ]);
        let diagnostics = deployment.after_install();
        assert_eq!(diagnostics.message, "Script at specified location: a.sh failed with exit code 1");
    }
}

#[test]
fn a_missing_sudo_is_not_a_missing_script() {
    let mut world = World::new();
    world.host.real = true;
    let empty = world.guard.path().to_str().unwrap().to_owned();
    world.host.variables.insert("PATH".to_owned(), empty);
    let appspec = hook("AfterInstall", "a.sh") + "      sudo: true\n";
    let deployment = world.deployment(&[("appspec.yml", 0o644, &appspec), ("a.sh", 0o755, "exit 0")]);
    assert_eq!(
        deployment.after_install().message,
        "Script at specified location: a.sh failed with error Errno::ENOENT with message No such file or directory - sudo"
    );
}
