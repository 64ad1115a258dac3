//! `revision run` that is stopped, or that finds another one at work.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStdout, Stdio};

use rustix::process::{Pid, Signal};
use serde_json::Value;

use super::running::Local;
use crate::support::cdctl::CDCTL;

#[test]
fn a_reader_of_the_output_that_goes_is_no_reason_to_stop_half_way() {
    for output in ["table", "ndjson"] {
        let local = Local::new("one");
        let mut command = local.machine.command(CDCTL);
        command
            .current_dir(local.machine.home())
            .args(["revision", "run", "site", "--root", "host", "-o", output]);
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let run = command.stdout(writer).stderr(Stdio::piped()).output().unwrap();
        assert_eq!(run.status.code(), Some(0));
        let complaint = String::from_utf8(run.stderr).unwrap();
        assert!(complaint.contains("Succeeded") && !complaint.contains("warning"), "{complaint}");
        assert_eq!((local.page().as_str(), local.trace().len()), ("one", 6));
    }
    let local = Local::new("one");
    let mut command = local.machine.command(CDCTL);
    command.current_dir(local.machine.home()).args(["revision", "run", "site", "--root", "host"]);
    let full = fs::File::options().write(true).open("/dev/full").unwrap();
    let run = command.stdout(full).stderr(Stdio::piped()).output().unwrap();
    assert_eq!((run.status.code(), local.page().as_str()), (Some(0), "one"));
    let complaint = String::from_utf8(run.stderr).unwrap();
    assert_eq!(complaint.matches("cannot write to stdout").count(), 1, "{complaint}");
}

#[test]
fn a_second_run_in_the_same_group_does_not_begin() {
    let local = Local::new("one");
    fs::create_dir_all(local.root()).unwrap();
    let pipe = local.root().join("pipe");
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
    let script = "#!/bin/sh\necho up\n[ $LIFECYCLE_EVENT = ValidateService ] || read -r word <\"$CDCTL_HOST_ROOT/pipe\"\n";
    fs::write(local.site().join("scripts/trace.sh"), script).unwrap();
    let (child, mut stdout, mut said) = begun(&local, &["--root", "host"]);
    let second = local.run(&local.site(), &["-e", "Install"]).ends_with(1);
    let who =
        format!("another run in group default-local-deployment-group is at work (process {})", child.id());
    second.complains(&who).complains("--deployment-group");
    local.run(&local.site(), &["-e", "Install", "-g", "another", "-b", "RETAIN"]).ends_with(0);
    fs::write(&pipe, "go\n").unwrap();
    stdout.read_to_string(&mut said).unwrap();
    assert_eq!(child.wait_with_output().unwrap().status.code(), Some(0), "{said}");
    local.run(&local.site(), &["-e", "Install"]).ends_with(0);
}

#[test]
fn a_script_that_a_signal_ended_is_told_to_machines() {
    let local = Local::new("one");
    fs::write(local.site().join("scripts/trace.sh"), "#!/bin/sh\nkill -9 $$\n").unwrap();
    let run = local.run(&local.site(), &["-o", "json"]).ends_with(3);
    let run = run.complains("[note]scripts/trace.sh was ended by signal 9 (KILL)");
    let json: Value = serde_json::from_str(&run.stdout).unwrap();
    let failed = json["lifecycleEvents"].as_array().unwrap().iter().find(|event| event["status"] == "Failed");
    assert_eq!(failed.unwrap()["diagnostics"]["signal"], "9 (KILL)");
}

/// A run of the site that has begun, once its script says `up`; what it said so far.
fn begun(local: &Local, arguments: &[&str]) -> (Child, BufReader<ChildStdout>, String) {
    let mut command = local.machine.command(CDCTL);
    command.current_dir(local.machine.home()).args([
        "revision",
        "run",
        "site",
        "-e",
        "AfterInstall,ValidateService",
    ]);
    let mut child = command.args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    let mut said = String::new();
    read_to(&mut stdout, &mut said, "[stdout]up");
    (child, stdout, said)
}

fn read_to(stdout: &mut BufReader<ChildStdout>, said: &mut String, word: &str) {
    while !said.contains(word) {
        assert_ne!(stdout.read_line(said).unwrap(), 0, "{said}");
    }
}

/// Whether it comes to that in a moment: that a process of the machine has these arguments, or that none has.
fn comes_to(running: bool, arguments: &str) -> bool {
    let arguments = arguments.replace(' ', "\0");
    let runs = || {
        let processes = fs::read_dir("/proc").unwrap().flatten();
        let mut lines = processes.filter_map(|entry| fs::read(entry.path().join("cmdline")).ok());
        lines.any(|line| String::from_utf8_lossy(&line).contains(&arguments))
    };
    (0..500).any(|_| {
        let came = runs() == running;
        if !came {
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        came
    })
}

#[test]
fn a_run_that_is_stopped_ends_its_script_and_says_how_far_it_came() {
    let local = Local::new("one");
    let sleep = format!("sleep 77.0{}", std::process::id());
    fs::write(local.site().join("scripts/trace.sh"), format!("#!/bin/sh\necho up\nexec {sleep}\n")).unwrap();
    let (child, mut stdout, mut said) = begun(&local, &["--root", "host"]);
    // The script says that it is up before it becomes this.
    assert!(comes_to(true, &sleep));
    rustix::process::kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    stdout.read_to_string(&mut said).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{said}");
    assert!(said.contains("scripts/trace.sh was ended by a signal to cdctl"), "{said}");
    assert!(said.contains("AfterInstall     Failed") && said.contains("ValidateService  Skipped"), "{said}");
    let complaint = String::from_utf8(output.stderr).unwrap();
    assert!(complaint.contains("Stopped") && complaint.contains("last successful"), "{complaint}");
    assert!(comes_to(false, &sleep));
}

#[test]
fn a_second_signal_kills_a_script_that_heeds_none() {
    let local = Local::new("one");
    let sleep = format!("sleep 77.1{}", std::process::id());
    let script = format!("#!/bin/sh\ntrap 'echo asked' TERM\necho up\nwhile :; do {sleep}; done\n");
    fs::write(local.site().join("scripts/trace.sh"), script).unwrap();
    let appspec = fs::read_to_string(local.site().join("appspec.yml")).unwrap();
    let files = "files:\n  - source: page.html\n    destination: /srv/www\n";
    fs::write(local.site().join("appspec.yml"), appspec.replace(files, "")).unwrap();
    // On the machine itself, where nothing else ends it.
    let (mut child, mut stdout, mut said) = begun(&local, &["--agent-dir", "agent"]);
    let pid = Pid::from_child(&child);
    rustix::process::kill_process(pid, Signal::INT).unwrap();
    read_to(&mut stdout, &mut said, "[stdout]asked");
    rustix::process::kill_process(pid, Signal::INT).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130), "{said}");
    assert!(comes_to(false, &sleep));
}
