//! On a real terminal: what stands on the screen, what keys and signals do, and how it is left.

use std::thread;
use std::time::Duration;

use rustix::process::Signal;
use serde_json::Value;

use crate::support::sandbox::{SIMULATED, Sandbox};
use crate::support::screen::Terminal;

/// A sandbox whose deployments never end by themselves, with one under way.
fn hanging() -> (Sandbox, String) {
    let fault = "faults: [{hosts: {tags: {Role: web}}, event: Install, outcome: hang}]\n";
    let sandbox = Sandbox::start(&format!("{SIMULATED}{fault}"), 10);
    let machine = sandbox.with_group();
    machine.run("revision push examples/site s3://releases/site-1.zip --app shop").ends_with(0);
    let run = machine.run("deploy create shop/prod --revision s3://releases/site-1.zip").ends_with(0);
    (sandbox, run.stdout.trim().to_owned())
}

#[track_caller]
fn goes_on(sandbox: Sandbox, id: &str) {
    let deployment = sandbox.end()["deployments"][id].take();
    assert_eq!(deployment["stop_requested"], Value::Null, "{deployment}");
    assert_eq!(deployment["completed"], Value::Null, "{deployment}");
}

#[test]
fn a_deployment_is_drawn_and_its_last_frame_stays() {
    let sandbox = Sandbox::start(SIMULATED, 30);
    let machine = sandbox.with_group();
    machine.run("revision push examples/site s3://releases/site-1.zip --app shop").ends_with(0);
    let line = "deploy create shop/prod --revision s3://releases/site-1.zip --watch";
    let terminal = Terminal::start(sandbox.machine(), line, (80, 24));
    terminal.shows("InProgress");
    let (code, screen) = terminal.ends();
    assert_eq!(code, Some(0), "{screen}");
    assert_eq!(screen.matches("✓ SUCCEEDED  d-").count(), 1, "{screen}");
    assert!(screen.contains("fleet     4 on site-1.zip"), "{screen}");
    // The frame above the summary shows the end, not the last look before it.
    assert!(screen.contains("ok 4") && !screen.contains("InProgress"), "{screen}");
}

#[test]
fn interrupts_leave_the_deployment_alone() {
    for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143)] {
        let (sandbox, id) = hanging();
        let terminal = Terminal::start(sandbox.machine(), "deploy watch shop/prod", (80, 24));
        terminal.shows("InProgress");
        terminal.signal(signal);
        let (ended, screen) = terminal.ends();
        assert_eq!(ended, Some(code), "{screen}");
        assert!(screen.contains(&format!("cdctl deploy watch {id}")), "{screen}");
        goes_on(sandbox, &id);
    }
}

#[test]
fn an_interrupted_create_leaves_its_deployment_alone() {
    let (sandbox, first) = hanging();
    let machine = sandbox.machine();
    machine.run(&format!("deploy stop {first} --yes")).ends_with(0);
    machine.run(&format!("deploy watch {first}")).ends_with(4);
    let line = "deploy create shop/prod --revision s3://releases/site-1.zip --watch";
    let terminal = Terminal::start(sandbox.machine(), line, (80, 24));
    let screen = terminal.shows("InProgress");
    let id = screen.split_whitespace().find(|word| word.starts_with("d-")).unwrap().to_owned();
    assert_ne!(id, first);
    terminal.signal(Signal::INT);
    let (code, screen) = terminal.ends();
    assert_eq!(code, Some(130), "{screen}");
    assert!(screen.contains(&format!("cdctl deploy watch {id}")), "{screen}");
    goes_on(sandbox, &id);
}

#[test]
fn a_terminal_may_shrink_and_grow() {
    let (sandbox, id) = hanging();
    let terminal = Terminal::start(sandbox.machine(), "deploy watch shop/prod --interval 1s", (80, 24));
    terminal.shows("InProgress");
    terminal.resize(39, 8);
    // Small frames are drawn over what is left of the large one.
    thread::sleep(Duration::from_millis(1500));
    let small = terminal.screen();
    assert!(small.lines().count() <= 8 && small.lines().all(|line| line.chars().count() <= 39), "{small}");
    terminal.resize(80, 24);
    let large = terminal.reaches("a large frame", |screen| screen.matches("InProgress").count() >= 1);
    assert!(large.lines().all(|line| line.chars().count() <= 80), "{large}");
    terminal.signal(Signal::INT);
    let (code, screen) = terminal.ends();
    assert_eq!(code, Some(130), "{screen}");
    assert!(screen.contains(&format!("cdctl deploy watch {id}")), "{screen}");
    // No remains of other frames: header, bar and verdict stand there once.
    for once in ["  InProgress  ", "ok 0/4", "! DETACHED"] {
        assert_eq!(screen.matches(once).count(), 1, "{once}\n{screen}");
    }
}

#[test]
fn a_stop_is_asked_about() {
    let (sandbox, id) = hanging();
    for (answer, code, text) in
        [("\n", 1, "nothing was done"), ("n\n", 1, "nothing was done"), ("y\n", 0, "Pending")]
    {
        let mut terminal = Terminal::start(sandbox.machine(), "deploy stop shop/prod", (80, 24));
        terminal.shows(&format!("Stop deployment {id}? [y/N]"));
        terminal.types(answer);
        let (ended, screen) = terminal.ends();
        assert_eq!(ended, Some(code), "{screen}");
        assert!(screen.contains(text), "{screen}");
    }
    sandbox.machine().run(&format!("deploy watch {id}")).ends_with(4);
}

#[test]
fn a_list_fits_the_terminal() {
    let (sandbox, id) = hanging();
    let shown = |columns| {
        let (code, screen) =
            Terminal::start(sandbox.machine(), "deploy list shop/prod", (columns, 24)).ends();
        assert_eq!(code, Some(0), "{screen}");
        screen.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect::<Vec<_>>()
    };
    let wide = shown(80);
    assert_eq!(wide.len(), 2, "{wide:?}");
    assert!(wide[0].starts_with("DEPLOYMENT   STATUS") && wide[0].ends_with("REVISION"), "{wide:?}");
    assert!(wide[1].starts_with(&id) && wide[1].contains('…'), "{wide:?}");
    let narrow = shown(40);
    assert_eq!(narrow[0], format!("DEPLOYMENT  {id}"));
    let names: Vec<&str> =
        narrow.iter().filter_map(|line| line.split(' ').next()).filter(|name| !name.is_empty()).collect();
    assert_eq!(
        names,
        ["DEPLOYMENT", "STATUS", "TARGETS", "DURATION", "CREATED", "CREATOR", "REVISION"],
        "{narrow:?}"
    );
    // Off a terminal nothing is cut.
    let piped = sandbox.machine().run("deploy list shop/prod").ends_with(0).stdout;
    assert!(piped.contains("s3://releases/site-1.zip") && !piped.contains('…'), "{piped}");
}
