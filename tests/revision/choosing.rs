//! `revision run --events`: which events run, and in which order, as both agents' own local runs have it.

use std::fs;

use serde_json::Value;

use super::running::Local;
use crate::support::cdctl::Run;

/// The events that ran, in order.
fn ran(run: &Run) -> Vec<String> {
    let json: Value = serde_json::from_str(&run.stdout).unwrap();
    let events = json["lifecycleEvents"].as_array().unwrap().iter();
    events.map(|event| event["lifecycleEventName"].as_str().unwrap().to_owned()).collect()
}

fn choose(local: &Local, events: &str, agent: &str) -> Run {
    local.run(&local.site(), &["-e", events, "--agent", agent, "-o", "json"])
}

#[test]
fn custom_events_run_before_install_too() {
    for agent in ["1", "2"] {
        for events in ["DownloadBundle,Smoke,Install", "Smoke,Install"] {
            let local = Local::new("one");
            local.write("one", &["Smoke"]);
            let run = choose(&local, events, agent).ends_with(0);
            assert_eq!(ran(&run), ["DownloadBundle", "Smoke", "Install"], "agent {agent}: {events}");
            assert_eq!((local.trace(), local.page().as_str()), (vec!["one Smoke".to_owned()], "one"));
        }
    }
}

#[test]
fn what_is_left_out_comes_first() {
    let local = Local::new("one");
    for (agent, events, expected) in [
        ("1", "ApplicationStop,Install", &["DownloadBundle", "ApplicationStop", "Install"][..]),
        ("2", "ApplicationStop,Install", &["DownloadBundle", "ApplicationStop", "Install"]),
        ("1", "BeforeInstall", &["DownloadBundle", "Install", "BeforeInstall"]),
        ("2", "ApplicationStop,DownloadBundle", &["DownloadBundle", "ApplicationStop", "Install"]),
        ("2", "BeforeInstall,DownloadBundle", &["DownloadBundle", "BeforeInstall", "Install"]),
    ] {
        let run = choose(&local, events, agent).ends_with(0);
        assert_eq!(ran(&run), expected, "agent {agent}: {events}");
    }
    local.trace();
    // Agent 1 would install what is not there yet.
    let run = choose(&local, "ApplicationStop,DownloadBundle", "1").ends_with(2);
    run.complains("DownloadBundle is named without Install; nothing was run");
    assert_eq!(local.trace(), Vec::<String>::new());
}

#[test]
fn a_name_that_is_empty_is_no_event() {
    let local = Local::new("one");
    let all = ran(&local.run(&local.site(), &["-o", "json"]).ends_with(0));
    for agent in ["1", "2"] {
        for events in ["", ","] {
            assert_eq!(ran(&choose(&local, events, agent).ends_with(0)), all, "agent {agent}: {events}");
        }
        let run = choose(&local, "AfterInstall,", agent).ends_with(0);
        assert_eq!(ran(&run), ["DownloadBundle", "Install", "AfterInstall"]);
    }
}

#[test]
fn agent_1_takes_no_name_in_small_letters() {
    let local = Local::new("one");
    local.write("one", &["smoke"]);
    let run = choose(&local, "smoke", "1").ends_with(2).complains("`smoke` is no event's name to agent 1");
    run.complains("Received command is not in PascalCase form: smoke").complains("as MyEvent does");
    let run = choose(&local, "ApplicationStop, AfterInstall", "1").ends_with(2);
    run.complains("` AfterInstall` is no event's name").complains("did you mean AfterInstall?");
    assert!(!local.root().exists());
    choose(&local, "smoke", "2").ends_with(0);
    assert_eq!(local.trace(), ["one smoke"]);
}

#[test]
fn a_chosen_event_of_any_name_is_no_error_and_runs_its_scripts() {
    let local = Local::new("one");
    local.write("one", &["Smoke", "BlockTraffic"]);
    for agent in ["1", "2"] {
        let run = choose(&local, "Smoke,BlockTraffic", agent).ends_with(0);
        assert!(!run.stderr.contains("error"), "agent {agent}: {run}");
        assert_eq!(local.trace(), ["one Smoke", "one BlockTraffic"], "agent {agent}");
    }
    // The other one still is, if only by its name.
    let run =
        choose(&local, "Smoke", "1").ends_with(10).complains("error[A035]: BlockTraffic runs no scripts");
    assert!(!run.stderr.contains("A034"), "{run}");
    fs::write(local.site().join("appspec.yml"), "version: 0.0\nos: linux\nhooks:\n  Smoke: []\n").unwrap();
    let run = local.run(&local.site(), &[]).ends_with(10).complains("error[A034]");
    run.complains("has unknown events: Smoke");
    local.run(&local.site(), &["--agent", "2"]).ends_with(0);
}
