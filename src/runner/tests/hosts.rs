//! Which scripts are let run, and that none outlives its host.

use super::*;

#[expect(clippy::disallowed_methods, reason = "waits for the operating system, which has no clock to inject")]
fn wait_a_little() {
    std::thread::sleep(std::time::Duration::from_millis(10));
}

#[test]
fn a_time_out_ends_the_whole_group() {
    let mut world = World::new();
    let script = "#!/bin/sh\nsleep 60 &\necho $! > \"$CDCTL_HOST_ROOT/child\"\nsleep 60\n";
    let deployment = world.deployment(&[("appspec.yml", 0o644, &brief_hook()), ("a.sh", 0o755, script)]);
    let diagnostics = deployment.after_install();
    assert_eq!(diagnostics.error_code, LifecycleErrorCode::ScriptTimedOut);
    assert_eq!(diagnostics.message, "Script at specified location: a.sh failed to complete in 3 seconds");
    let child = rustix::process::Pid::from_raw(world.read("/child").trim().parse().unwrap()).unwrap();
    // The signal is sent; how soon the system is done with the process is its own business.
    let ends = (0..200).any(|_| {
        let state = fs::read_to_string(format!("/proc/{}/stat", child.as_raw_nonzero())).unwrap_or_default();
        let gone = state.is_empty() || state.contains(") Z ");
        if !gone {
            wait_a_little();
        }
        gone
    });
    assert!(ends, "the child outlives its group");
}

/// Agent 1 would stand still as long as the script likes.
#[test]
fn that_a_script_did_not_end_by_term_is_noted() {
    let mut world = World::new();
    let deployment = world.deployment(&[
        ("appspec.yml", 0o644, &brief_hook().replace("timeout: 3", "timeout: 1")),
        ("a.sh", 0o755, "#!/bin/sh\ntrap '' TERM\nsleep 60 &\nwait\nsleep 60\n"),
    ]);
    assert_eq!(deployment.event(EventName::DownloadBundle), Diagnostics::success());
    assert_eq!(deployment.event(EventName::AfterInstall).error_code, LifecycleErrorCode::ScriptTimedOut);
    let log = deployment.world.guard.path().join("agent/g-1/d-1/logs/scripts.log");
    let text = fs::read_to_string(log).unwrap();
    let note = "[note]a.sh went on after TERM and was ended by KILL; agent 1 sends none and waits until the script ends by itself\n";
    assert!(text.ends_with(note), "{text}");
}

/// Agent 2 says STDOUT of both.
#[test]
fn a_child_that_keeps_stderr_open_is_told_in_each_agents_words() {
    let mut world = World::new();
    let deployment = world.deployment(&[
        ("appspec.yml", 0o644, &brief_hook().replace("timeout: 3", "timeout: 1")),
        ("a.sh", 0o755, "#!/bin/sh\nsleep 60 >/dev/null &\n"),
    ]);
    assert_eq!(deployment.event(EventName::DownloadBundle), Diagnostics::success());
    for (agent, stream) in [(Agent::One, "STDERR"), (Agent::Two, "STDOUT")] {
        let (specification, event) = (&deployment.specification, &EventName::AfterInstall);
        let order = Order { specification, event, agent, listener: None };
        let (diagnostics, _) = run(&deployment.world.host, &order, &|_: &Path| Ok(()));
        assert!(diagnostics.message.ends_with(&format!("failed to close {stream}")), "{diagnostics:?}");
    }
    world.host.groups.end_left_over();
}

#[test]
fn a_tar_closes_its_revision_for_agent_1_alone_and_says_what_is_not_kept() {
    let mut world = World::new();
    let mut tar = tar::Builder::new(Vec::new());
    for (name, kind, mode, content) in [
        ("./", tar::EntryType::Directory, 0o700, ""),
        ("./appspec.yml", tar::EntryType::Regular, 0o4644, SITE),
    ] {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(kind);
        header.set_mode(mode);
        header.set_uid(4000);
        header.set_size(content.len() as u64);
        tar.append_data(&mut header, name, content.as_bytes()).unwrap();
    }
    let bundle = tar.into_inner().unwrap();
    let mut deployment = world.deployment(&[]);
    (deployment.bundle, deployment.specification.bundle_type) = (bundle, BundleType::Tar);
    let fetch = |path: &Path| fs::write(path, &deployment.bundle).map_err(|error| error.to_string());
    let folder = deployment.world.guard.path().join("agent/g-1/d-1");
    for (agent, mode) in [(Agent::One, 0o700), (Agent::Two, 0o755)] {
        let (specification, event) = (&deployment.specification, &EventName::DownloadBundle);
        let order = Order { specification, event, agent, listener: None };
        assert_eq!(run(&deployment.world.host, &order, &fetch).0, Diagnostics::success());
        let archive = fs::metadata(folder.join("deployment-archive")).unwrap();
        assert_eq!(archive.permissions().mode() & 0o777, mode);
    }
    let log = fs::read_to_string(folder.join("logs/scripts.log")).unwrap();
    for note in [
        "[note]setuid and setgid bits of the tar are not kept (appspec.yml: 4644): only root can",
        "[note]owners of the tar are not kept (appspec.yml): only root can",
    ] {
        assert!(log.contains(note), "{log}");
    }
}

#[test]
fn a_child_that_keeps_the_output_open_is_code_6_after_the_time_out() {
    let mut world = World::new();
    let deployment = world.deployment(&[
        ("appspec.yml", 0o644, &brief_hook()),
        ("a.sh", 0o755, "#!/bin/sh\nsleep 60 &\necho $! > \"$CDCTL_HOST_ROOT/child\"\n"),
    ]);
    let diagnostics = deployment.after_install();
    assert_eq!(diagnostics.message, "Script at specified location: a.sh failed to close STDOUT");
    assert!(!has_gone(&line_of(&deployment.world.path("/child"))), "agent 1 leaves it alone");
    let (specification, event) = (&deployment.specification, &EventName::AfterInstall);
    let order = Order { specification, event, agent: Agent::Two, listener: None };
    let (diagnostics, _) = run(&deployment.world.host, &order, &|_: &Path| Ok(()));
    assert!(diagnostics.message.ends_with("failed to close STDOUT"), "{diagnostics:?}");
    ends(&line_of(&deployment.world.path("/child")), "agent 2 ends it");
    world.host.groups.end_left_over();
}

/// The signal is sent; how soon the system is done with the process is its own business.
fn ends(child: &str, what: &str) {
    let gone = (0..200).any(|_| {
        has_gone(child) || {
            wait_a_little();
            false
        }
    });
    assert!(gone, "{what}");
}

#[test]
fn scripts_that_are_not_admitted_are_refused_where_they_would_start() {
    let mut world = World::new();
    let deployment =
        world.deployment(&[("appspec.yml", 0o644, &hook("AfterInstall", "a.sh")), ("a.sh", 0o755, TOUCH)]);
    assert_eq!(deployment.event(EventName::DownloadBundle), Diagnostics::success());
    let stranger = Host { hooks: policy(Isolation::None, false), ..deployment.world.host.clone() };
    let fetch = |path: &Path| fs::write(path, &deployment.bundle).map_err(|error| error.to_string());
    for event in [EventName::AfterInstall, EventName::DownloadBundle] {
        let diagnostics = run_event(&stranger, &deployment.specification, &event, &fetch);
        assert_eq!(diagnostics.error_code, LifecycleErrorCode::UnknownError, "{event}");
        assert!(diagnostics.message.contains("--allow-host-hooks"), "{event}: {diagnostics:?}");
    }
    assert!(!world.path("/ran").exists());
}

#[test]
fn the_scripts_of_an_earlier_revision_need_the_permission_too() {
    let mut world = World::new();
    let appspec = hook("ApplicationStop", "stop.sh");
    let allowed = world.deployment(&[("appspec.yml", 0o644, &appspec), ("stop.sh", 0o755, TOUCH)]);
    assert_eq!(allowed.all().0, None);
    world.host.hooks = policy(Isolation::None, false);
    let next = world.deployment(&[("appspec.yml", 0o644, SITE)]);
    let diagnostics = next.event(EventName::ApplicationStop);
    assert!(diagnostics.message.contains("--allow-host-hooks"), "{diagnostics:?}");
    assert!(!world.path("/ran").exists());
}

/// Waits until a script has written a line to `path`, which is given.
fn line_of(path: &Path) -> String {
    loop {
        match fs::read_to_string(path) {
            Ok(text) if text.ends_with('\n') => return text.trim_end().to_owned(),
            _ => wait_a_little(),
        }
    }
}

fn has_gone(pid: &str) -> bool {
    let state = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    state.is_empty() || state.contains(") Z ") || state.contains(") X ")
}

#[test]
fn scripts_end_with_their_hosts() {
    let mut world = World::new();
    let script =
        "#!/bin/sh\ntrap '' TERM\nsleep 60 &\necho $! > \"$CDCTL_HOST_ROOT/child\"\nwait\nsleep 60\n";
    let appspec = hook("AfterInstall", "a.sh");
    let deployment = world.deployment(&[("appspec.yml", 0o644, &appspec), ("a.sh", 0o755, script)]);
    let (groups, child) = (Arc::clone(&deployment.world.host.groups), deployment.world.path("/child"));
    let diagnostics = std::thread::scope(|scope| {
        let running = scope.spawn(|| deployment.after_install());
        line_of(&child);
        groups.stop();
        running.join().unwrap()
    });
    assert_eq!(diagnostics.message, "Script at specified location: a.sh was ended by a signal to cdctl");
    let child = line_of(&child);
    assert!(
        (0..200).any(|_| has_gone(&child) || {
            wait_a_little();
            false
        }),
        "{child} outlives its host"
    );
    fs::remove_file(world.path("/child")).unwrap();
    let again = world.deployment(&[("appspec.yml", 0o644, &appspec), ("a.sh", 0o755, script)]);
    assert_eq!(again.after_install().error_code, LifecycleErrorCode::UnknownError);
    assert!(!world.path("/child").exists(), "nothing starts afterwards");
}

#[test]
fn what_scripts_leave_running_ends_with_their_hosts() {
    let mut world = World::new();
    let script = "#!/bin/sh\nsleep 60 > /dev/null 2>&1 &\necho $! > \"$CDCTL_HOST_ROOT/child\"\n";
    let deployment =
        world.deployment(&[("appspec.yml", 0o644, &hook("AfterInstall", "a.sh")), ("a.sh", 0o755, script)]);
    assert_eq!(deployment.after_install(), Diagnostics::success());
    let child = line_of(&world.path("/child"));
    assert!(!has_gone(&child), "a server goes on after its script");
    world.host.groups.stop();
    world.host.groups.end_left_over();
    assert!(
        (0..200).any(|_| has_gone(&child) || {
            wait_a_little();
            false
        }),
        "{child} outlives its host"
    );
}
