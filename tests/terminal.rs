//! On a real terminal: what stands on the screen, what keys and signals do, and how it is left.

use std::thread;
use std::time::Duration;

use rustix::process::Signal;
use rustix::termios::{LocalModes, tcgetattr};
use serde_json::Value;

use crate::support::cdctl::Machine;
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
    assert_eq!(deployment["overview"]["skipped"], 0, "{deployment}");
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
fn sentences_are_wrapped_between_words() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("appspec.yml");
    std::fs::write(&file, "version: 0.0\nos: linux\nhooks:\n  AfterInstal: []\n").unwrap();
    let line = format!("revision validate {}", file.display());
    let (code, screen) = Terminal::start(Machine::new(), &line, (40, 24)).ends();
    let start = "error[A034]: there is no event\n             `AfterInstal`: the agent's\n";
    assert!(code == Some(10) && screen.contains(start), "{screen}");
    let (code, screen) = Terminal::start(Machine::new(), "revision explain A034", (40, 24)).ends();
    let start = "A034: no such event\nIts scripts never run in a deployment.\n`codedeploy-local` refuses the file, and\n";
    assert!(code == Some(0) && screen.contains(start), "{screen}");
}

#[test]
fn a_dry_run_cuts_nothing_on_a_narrow_terminal() {
    let machine = Machine::new();
    let line = format!("revision run examples/site --root {} --dry-run", machine.home().join("r").display());
    for columns in [40, 60] {
        let (code, screen) = Terminal::start(Machine::new(), &line, (columns, 100)).ends();
        assert_eq!(code, Some(0), "{screen}");
        let all: String = screen.split_whitespace().collect();
        assert!(!screen.contains('…') && all.contains("/srv/site/index.html"), "{screen}");
    }
}

#[test]
fn sre_10_signals_detach_and_leave_the_deployment_alone() {
    for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143)] {
        let (sandbox, id) = hanging();
        let terminal = Terminal::start(sandbox.machine(), "deploy watch shop/prod", (80, 24));
        terminal.shows("InProgress");
        terminal.signal(signal);
        let screen = is_cooked_at_the_end(terminal, code);
        assert!(screen.contains("! DETACHED; the deployment continues"), "{screen}");
        assert!(screen.contains(&format!("cdctl deploy watch {id}")), "{screen}");
        goes_on(sandbox, &id);
    }
    // A terminal that was closed, and a watch that got no chance to say anything.
    for (signal, code) in [(Signal::HUP, Some(143)), (Signal::KILL, None)] {
        let (sandbox, id) = hanging();
        let terminal = Terminal::start(sandbox.machine(), "deploy watch shop/prod", (80, 24));
        terminal.shows("InProgress");
        assert!(is_cooked(&terminal), "without --keys the keyboard is never taken");
        terminal.signal(signal);
        assert_eq!(terminal.goes(), code);
        goes_on(sandbox, &id);
    }
    // The first asks for a stop, which hosts that hang do not let end; the second does not wait for it.
    let (sandbox, id) = hanging();
    let line = "deploy watch shop/prod --on-interrupt stop";
    let terminal = Terminal::start(sandbox.machine(), line, (80, 24));
    terminal.shows("InProgress");
    terminal.signal(Signal::INT);
    terminal.shows("notice: stopping the deployment");
    terminal.signal(Signal::INT);
    let screen = is_cooked_at_the_end(terminal, 130);
    assert!(screen.contains(&format!("cdctl deploy watch {id}")), "{screen}");
}

#[test]
fn a_terminal_may_shrink_and_grow() {
    let (sandbox, id) = hanging();
    let terminal = Terminal::start(sandbox.machine(), "deploy watch shop/prod --interval 1s", (80, 24));
    terminal.shows("InProgress");
    terminal.resize(39, 8);
    // The one line of a small frame stands where the large one was.
    let alone = |screen: &str| {
        let mut lines = screen.lines().filter(|line| !line.is_empty());
        lines.next().is_some_and(|line| line.starts_with('[') && line.contains("ok 0/4"))
            && lines.next().is_none()
    };
    terminal.reaches("a small frame and nothing else", alone);
    terminal.resize(80, 24);
    terminal.reaches("a large frame", |screen| {
        screen.matches("  InProgress  ").count() == 1 && screen.matches("ok 0/4").count() == 1
    });
    terminal.signal(Signal::INT);
    let (code, screen) = terminal.ends();
    assert_eq!(code, Some(130), "{screen}");
    assert!(screen.contains(&format!("cdctl deploy watch {id}")), "{screen}");
    // No remains of other frames: header, bar and verdict stand there once.
    for once in ["  InProgress  ", "ok 0/4", "! DETACHED"] {
        assert_eq!(screen.matches(once).count(), 1, "{once}\n{screen}");
    }
}

fn is_stopped(terminal: &Terminal) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", terminal.child.id())).unwrap();
    stat.rsplit(')').next().unwrap().trim_start().starts_with('T')
}

/// Whether the terminal waits for lines and shows what is typed, as a shell wants it.
fn is_cooked(terminal: &Terminal) -> bool {
    let modes = tcgetattr(&terminal.master).unwrap().local_modes;
    modes.contains(LocalModes::ICANON | LocalModes::ECHO)
}

#[test]
fn keys_show_and_do_only_what_is_confirmed() {
    let (sandbox, id) = hanging();
    let line = "deploy watch shop/prod --keys --progress --bell";
    let mut terminal = Terminal::start(sandbox.machine(), line, (100, 30));
    terminal.shows("RUNNING");
    terminal.shows("^C detach  s stop");
    assert!(!is_cooked(&terminal));
    terminal.types("?");
    terminal.shows("the logs of what failed");
    terminal.types("l");
    terminal.shows("nothing has failed");
    // The host at work comes first, then those that wait.
    terminal.types("l\x1b[B\x1b[B");
    terminal.shows("> i-");
    terminal.types("\x1b[A");
    terminal.types("\r");
    terminal.shows("  state     InProgress");
    terminal.types("s");
    terminal.shows(&format!("Stop deployment {id}? y: yes, any other key: no"));
    terminal.types("n");
    terminal.shows("^C detach  s stop");
    terminal.types("s");
    terminal.shows("y: yes");
    terminal.types("y");
    terminal.shows("notice: stopping the deployment");
    terminal.signal(Signal::INT);
    is_cooked_at_the_end(terminal, 130);
    let deployment = sandbox.end()["deployments"][&id].take();
    assert_eq!(deployment["overview"]["skipped"], 3, "{deployment}");
}

/// Waits for the end with `code`; the terminal is as it was before.
#[track_caller]
fn is_cooked_at_the_end(terminal: Terminal, code: i32) -> String {
    // The slave stays open here: a terminal that nobody has forgets its modes.
    let master = terminal.master.try_clone().unwrap();
    let (ended, screen) = terminal.ends();
    let modes = tcgetattr(&master).map(|modes| modes.local_modes);
    assert_eq!(ended, Some(code), "{screen}");
    assert!(modes.is_ok_and(|modes| modes.contains(LocalModes::ICANON | LocalModes::ECHO)), "{screen}");
    screen
}

#[test]
fn the_keyboard_is_given_back_at_every_end() {
    for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143)] {
        let (sandbox, id) = hanging();
        let terminal = Terminal::start(sandbox.machine(), "deploy watch shop/prod --keys", (80, 24));
        terminal.shows("? keys");
        terminal.signal(signal);
        is_cooked_at_the_end(terminal, code);
        goes_on(sandbox, &id);
    }
}

#[test]
fn a_pause_gives_the_keyboard_back_and_the_view_begins_anew() {
    let (_sandbox, _) = hanging();
    for keys in ["", " --keys"] {
        let line = format!("deploy watch shop/prod{keys}");
        let terminal = Terminal::start(_sandbox.machine(), &line, (80, 24));
        terminal.shows("RUNNING");
        terminal.signal(Signal::TSTP);
        terminal.reaches("a stop", |_| is_stopped(&terminal));
        assert!(is_cooked(&terminal), "{keys}");
        terminal.reaches("the shell's screen", |screen| !screen.contains("RUNNING"));
        thread::sleep(Duration::from_millis(100));
        terminal.parser.lock().unwrap().process(b"\r\n[1]+ Stopped\r\n$ echo done\r\ndone\r\n$ fg\r\n");
        // So long that a frame is due at once.
        thread::sleep(Duration::from_millis(600));
        terminal.signal(Signal::CONT);
        let screen = terminal.shows("RUNNING");
        assert!(!screen.contains("$ fg"), "{keys}: {screen}");
        terminal.reaches("keys again", |_| is_cooked(&terminal) == keys.is_empty());
        terminal.signal(Signal::INT);
        let screen = is_cooked_at_the_end(terminal, 130);
        assert!(screen.contains("[1]+ Stopped\n$ echo done\ndone\n$ fg\nd-"), "{keys}: {screen}");
    }
}

#[test]
fn a_pause_leaves_the_terminal_in_waves_too() {
    let (sandbox, id) = hanging();
    let line = "deploy create shop/prod --revision s3://releases/site-1.zip --if-active wait --regions us-east-1 --watch";
    let terminal = Terminal::start(sandbox.machine(), line, (80, 24));
    terminal.shows("waiting for deployment");
    // The view is there, and what was waited for had none.
    sandbox.machine().run(&format!("deploy stop {id} --yes")).ends_with(0);
    sandbox.machine().run(&format!("deploy wait {id}")).ends_with(4);
    terminal.shows("RUNNING");
    terminal.signal(Signal::TSTP);
    terminal.reaches("a stop", |_| is_stopped(&terminal));
    terminal.reaches("the shell's screen", |screen| !screen.contains("RUNNING"));
    terminal.signal(Signal::CONT);
    terminal.shows("RUNNING");
    terminal.signal(Signal::INT);
    let screen = is_cooked_at_the_end(terminal, 130);
    assert_eq!(screen.matches("! DETACHED").count(), 1, "{screen}");
}

#[test]
fn a_replay_that_is_interrupted_leaves_the_cursor_below_its_last_frame() {
    let (sandbox, id) = hanging();
    let machine = sandbox.machine();
    let record = machine.home().join("watch.ndjson").display().to_string();
    machine.run(&format!("deploy watch {id} --timeout 3s --record {record}")).ends_with(7);
    let line = format!("deploy watch --replay {record} --speed 0.01");
    let terminal = Terminal::start(sandbox.machine(), &line, (80, 24));
    terminal.shows("elapsed");
    let parser = std::sync::Arc::clone(&terminal.parser);
    terminal.signal(Signal::INT);
    let (code, screen) = terminal.ends();
    assert_eq!(code, Some(130), "{screen}");
    assert_eq!(parser.lock().unwrap().screen().cursor_position().1, 0, "{screen}");
}

#[test]
fn keys_need_a_terminal() {
    let (sandbox, _) = hanging();
    sandbox.machine().run("deploy watch shop/prod --keys").ends_with(2).complains("--keys needs a live view");
}

#[test]
fn nothing_is_made_for_a_watch_without_its_keyboard() {
    let sandbox = Sandbox::start(SIMULATED, 300);
    let machine = sandbox.with_group();
    machine.run("revision push examples/site s3://releases/a.zip --app shop").ends_with(0);
    let create = "cdctl deploy create shop/prod --revision s3://releases/a.zip --watch --keys < /dev/null";
    let mut command = sandbox.machine().set("TERM", "xterm-256color").command("sh");
    command.args(["-c", create]);
    let (code, screen) = Terminal::run(command, (80, 24)).ends();
    assert_eq!(code, Some(2), "{screen}");
    assert!(screen.contains("--keys needs a live view on a terminal, and the keyboard"), "{screen}");
    let list = machine.run("deploy list shop/prod -q").ends_with(0).stdout;
    assert!(!list.contains("d-"), "{list}");
}

#[test]
fn a_stop_is_asked_about() {
    let (sandbox, id) = hanging();
    for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143)] {
        let mut terminal = Terminal::start(sandbox.machine(), "deploy stop shop/prod", (80, 24));
        terminal.shows("[y/N]");
        terminal.types("y");
        terminal.shows("[y/N] y");
        terminal.signal(signal);
        let (ended, screen) = terminal.ends();
        assert_eq!(ended, Some(code), "{screen}");
        // What comes next begins on a line of its own.
        assert!(screen.starts_with(&format!("Stop deployment {id}? [y/N] y\n\n")), "{screen}");
    }
    // Pending or Succeeded: a host may be in an event or between two.
    let done = format!("{id}  ");
    for (answer, code, text) in
        [("\n", 1, "nothing was done"), ("n\n", 1, "nothing was done"), ("y\n", 0, done.as_str())]
    {
        let mut terminal = Terminal::start(sandbox.machine(), "deploy stop shop/prod", (80, 24));
        terminal.shows(&format!("Stop deployment {id}? [y/N]"));
        terminal.types(answer);
        let (ended, screen) = terminal.ends();
        assert_eq!(ended, Some(code), "{screen}");
        assert!(screen.contains(text), "{screen}");
    }
    // Not watched to its end: a host that is in its event hangs for the hour that it may.
    let deployment = sandbox.end()["deployments"][&id].take();
    assert_ne!(deployment["overview"]["skipped"], 0, "{deployment}");
}

#[test]
fn an_interrupt_is_an_answer_to_no_question() {
    let sandbox = Sandbox::start(SIMULATED, 10);
    let machine = sandbox.with_group();
    for typed in ["", "y\n", "y\n", "y\n"] {
        let mut terminal = Terminal::start(sandbox.machine(), "app delete shop", (80, 24));
        terminal.shows("Delete application shop with all its deployment groups? [y/N]");
        terminal.signal(Signal::INT);
        terminal.types(typed);
        let start = std::time::Instant::now();
        while terminal.child.try_wait().unwrap().is_none() {
            assert!(start.elapsed() < Duration::from_secs(20), "it waits for an answer");
            thread::sleep(Duration::from_millis(10));
        }
        assert!(is_cooked(&terminal));
        let parser = std::sync::Arc::clone(&terminal.parser);
        let (code, screen) = terminal.ends();
        assert_eq!(code, Some(130), "{screen}");
        assert_eq!(parser.lock().unwrap().screen().cursor_position().1, 0, "a line of its own\n{screen}");
        machine.run("app show shop").ends_with(0);
    }
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
