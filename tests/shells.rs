//! Completion in the real shells, each on a terminal of its own, against a sandbox; and what it does where nothing
//! answers. The loaders are those that `cdctl completions` prints.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use std::time::{Duration, Instant};
use std::{fs, thread};

use crate::contract::python;
use crate::support::cdctl::{Machine, package};
use crate::support::sandbox::{SIMULATED, Sandbox};
use crate::support::screen::Terminal;

/// A shell: its name, how it starts without anybody's settings, and the line that loads the completion.
struct Shell {
    name: &'static str,
    start: &'static [&'static str],
    load: &'static str,
    /// What empties the line.
    clear: &'static str,
}

const SHELLS: &[Shell] = &[
    Shell {
        name: "bash",
        start: &["--norc", "--noprofile", "-i"],
        load: "source <(cdctl completions bash)",
        clear: "\u{15}",
    },
    Shell {
        name: "zsh",
        start: &["-f", "-i"],
        load: "autoload -U compinit; compinit -u -D; source <(cdctl completions zsh)",
        clear: "\u{15}",
    },
    Shell {
        name: "fish",
        start: &["--private", "-i"],
        load: "cdctl completions fish | source",
        clear: "\u{15}",
    },
    Shell {
        name: "elvish",
        start: &["-norc"],
        load: "eval (cdctl completions elvish | slurp)",
        clear: "\u{3}",
    },
];

/// What is typed before the tab, and what stands on the line after it.
const CASES: &[(&str, &str)] = &[
    ("cdctl dep", "cdctl deploy"),
    ("cdctl deploy hook", "cdctl deploy hook-status"),
    ("cdctl deploy list --cre", "cdctl deploy list --creator"),
    ("cdctl app list --output nd", "cdctl app list --output ndjson"),
    ("cdctl deploy list --status Failed,In", "Failed,InProgress"),
    ("cdctl app show sh", "cdctl app show shop"),
    ("cdctl deploy targets shop/pr", "cdctl deploy targets shop/prod"),
    ("cdctl config delete CodeDeployDefault.Half", "CodeDeployDefault.HalfAtATime"),
    ("cdctl deploy list --region us-gov-w", "us-gov-west-1"),
    ("cdctl app tags --profile depl", "deployer"),
    ("cdctl revision validate examples/by-h", "examples/by-hand.sh"),
    ("cdctl deploy create shop/prod --revision s3://releases/si", "s3://releases/site-1.zip"),
    ("cdctl deploy logs shop/prod i-0123456789abcde", "i-0123456789abcdef0"),
    ("cdctl deploy targets shop/prod --target i-0123456789abcde", "--target i-0123456789abcdef0"),
    ("cdctl deploy stop d-", "cdctl deploy stop d-"),
];

impl Shell {
    /// `None`, with a word about it, where the shell is not installed.
    fn open(&self, machine: &Machine) -> Option<Terminal> {
        if machine.command("which").arg(self.name).output().is_ok_and(|output| !output.status.success()) {
            // Not through `eprintln!`: the harness keeps that back for tests that pass.
            let line = format!("\nleft out, for there is no {0}: completion in {0}\n", self.name);
            std::io::stderr().write_all(line.as_bytes()).unwrap();
            assert!(std::env::var_os("CI").is_none(), "left out although CI is set: {}", self.name);
            return None;
        }
        // A shell wants a terminal that is its own.
        let mut command: Command = machine.command("setsid");
        command.args(["--ctty", "--wait", self.name]).args(self.start).env("TERM", "xterm-256color");
        let mut terminal = Terminal::run(command, (120, 40));
        terminal.types(&format!("{}\recho rea''dy\r", self.load));
        terminal.shows("ready");
        Some(terminal)
    }
}

fn machine(sandbox: &Sandbox) -> Machine {
    let machine = sandbox.with_group();
    fs::create_dir(machine.home().join(".aws")).unwrap();
    fs::write(machine.home().join(".aws/config"), "[profile deployer]\nregion = us-east-1\n").unwrap();
    machine
}

#[test]
fn every_shell_completes() {
    let fleet = format!("{SIMULATED}instances: [{{id: i-0123456789abcdef0, tags: {{Role: web}}}}]\n");
    let sandbox = Sandbox::start(&fleet, 60);
    let machine = machine(&sandbox);
    machine.run("revision push examples/site s3://releases/site-1.zip --app shop").ends_with(0);
    let description = ["--description", "pushed with a version"];
    let push = "revision push examples/site s3://releases/v.zip --app shop".split(' ');
    machine.cdctl(push.chain(description)).ends_with(0);
    let run = machine.run("deploy create shop/prod --revision s3://releases/site-1.zip").ends_with(0);
    let id = run.stdout.trim();
    thread::scope(|scope| {
        for shell in SHELLS {
            let machine = &machine;
            scope.spawn(move || {
                let Some(mut terminal) = shell.open(machine) else { return };
                for (typed, completed) in CASES {
                    // The id is nobody's to know before.
                    let completed = if *typed == "cdctl deploy stop d-" { id } else { completed };
                    terminal.types_until(&format!("{typed}\t"), completed);
                    terminal.types(shell.clear);
                    terminal.reaches("an empty line", |screen| !screen.contains(completed));
                }
                // What --push makes has a version and an eTag, and the whole of it is one word of the line.
                terminal.types_until("cdctl revision show --app shop s3://releases/v\t", "etag=");
                terminal.types_until("\r", "pushed with a version");
                terminal.exits();
            });
        }
    });
}

/// A profile whose credentials come from `script`.
fn with_process(script: &str) -> Machine {
    let machine = Machine::new();
    let process = machine.home().join("process.sh");
    fs::write(&process, format!("#!/bin/sh\ncd {}\n{script}", machine.home().display())).unwrap();
    fs::set_permissions(&process, fs::Permissions::from_mode(0o755)).unwrap();
    fs::create_dir(machine.home().join(".aws")).unwrap();
    let config = format!("[default]\nregion = us-east-1\ncredential_process = {}\n", process.display());
    fs::write(machine.home().join(".aws/config"), config).unwrap();
    machine
}

fn eventually(what: &str, is_so: impl Fn() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < Duration::from_secs(20), "never: {what}");
        thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn no_shell_is_asked_anything() {
    thread::scope(|scope| {
        for shell in SHELLS {
            scope.spawn(move || {
                let machine = with_process("echo 'MFA code' > /dev/tty\ntouch asked\nexit 1\n");
                let Some(mut terminal) = shell.open(&machine) else { return };
                terminal.types("cdctl app show sh\t");
                eventually("credentials are asked for", || machine.home().join("asked").exists());
                terminal.types(shell.clear);
                let screen = terminal.types_until("echo o''ver\r", "over");
                assert!(!screen.contains("MFA"), "{}:\n{screen}", shell.name);
                terminal.exits();
            });
        }
    });
}

/// What the loaders ask.
fn answer(machine: &Machine, line: &str) -> String {
    let run = machine.cdctl(["completions", "--line", line]).ends_with(0).holds_no_escape();
    assert_eq!(run.stderr, "", "{line}");
    run.stdout
}

#[test]
fn what_does_not_answer_is_not_waited_for() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", silent.local_addr().unwrap());
    let slow = with_process("echo $$ > pid\nexec sleep 60\n");
    let start = Instant::now();
    assert_eq!(answer(&Machine::new().against(&url), "cdctl app show "), "");
    assert_eq!(answer(&slow, "cdctl deploy watch shop/"), "");
    // A minute and more would pass otherwise.
    assert!(start.elapsed() < Duration::from_secs(20));
    let pid = fs::read_to_string(slow.home().join("pid")).unwrap();
    let process = std::path::PathBuf::from(format!("/proc/{}/cmdline", pid.trim()));
    eventually("the process ends", || !fs::read(&process).is_ok_and(|line| line.starts_with(b"sleep")));
}

#[test]
fn what_is_missing_is_missed_in_silence() {
    let unset = Machine::new();
    let refused = Machine::new().against("http://127.0.0.1:1");
    let nonsense = Machine::new().against("not a url");
    for line in ["cdctl app show ", "cdctl deploy watch ", "cdctl app show --profile nobody "] {
        for machine in [&unset, &refused, &nonsense] {
            assert_eq!(answer(machine, line), "", "{line}");
        }
    }
    // What needs nobody is there all the same.
    assert!(answer(&unset, "cdctl deploy create --revision la").starts_with("last-good\t"));
    assert_eq!(
        answer(&unset, "cdctl --endpoint-url http://127.0.0.1:1 app sho"),
        "show\tShow an application\n"
    );
    for line in ["", "cdctl", "cdctl nonsense ", "cdctl 'open", "cdctl app show -- ", "\u{1b}[2J \u{0}"] {
        if !line.contains('\0') {
            answer(&unset, line);
        }
    }
}

#[test]
fn names_of_the_service_cannot_do_anything() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        let body =
            r#"{"applications": ["good", "a\u001b[2J", "$(touch evil)", "`x`", "a\nb", "a\u202eb", "gut"]}"#;
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut seen = Vec::new();
            let mut buffer = [0; 4096];
            while !seen.ends_with(b"{}") {
                let count = stream.read(&mut buffer).unwrap();
                seen.extend_from_slice(&buffer[..count]);
            }
            let head = "HTTP/1.1 200 OK\r\ncontent-type: application/x-amz-json-1.1\r\nconnection: close\r\n";
            write!(stream, "{head}content-length: {}\r\n\r\n{body}", body.len()).unwrap();
        }
    });
    assert_eq!(answer(&Machine::new().against(&url), "cdctl app show "), "good\ngut\n");
}

#[test]
fn a_line_may_say_where_to_ask() {
    let sandbox = Sandbox::start(SIMULATED, 200);
    let machine = sandbox.with_group();
    let elsewhere =
        Machine::new().set("AWS_ACCESS_KEY_ID", "sandbox").set("AWS_SECRET_ACCESS_KEY", "sandbox");
    let here = format!("cdctl --endpoint-url {} --region us-east-1", sandbox.url());
    assert_eq!(answer(&elsewhere, &format!("{here} app show ")), "shop\n");
    assert_eq!(answer(&elsewhere, &format!("sudo {here} group show sh")), "shop/prod\n");
    assert_eq!(answer(&machine, "cdctl --region eu-west-1 app show "), "");
    assert_eq!(answer(&machine, "cdctl deploy list --app shop --group "), "prod\n");
    // Targets are those of the latest deployment, however its group is named.
    assert_eq!(answer(&machine, "cdctl deploy logs shop/prod i-"), "");
    machine.run("revision push examples/site s3://releases/a.zip --app shop").ends_with(0);
    machine.run("deploy create shop/prod --revision s3://releases/a.zip --watch").ends_with(0);
    let told =
        machine.run("deploy targets shop/prod --query deploymentTargets[].*.targetId[] -o text").stdout;
    let mut ids: Vec<&str> = told.split_whitespace().collect();
    ids.sort_unstable();
    assert_eq!(ids.len(), 4);
    for line in ["logs shop/prod ", "logs --app shop --group prod x ", "targets shop/prod --target "] {
        let answer = answer(&machine, &format!("cdctl deploy {line}i-"));
        let mut found: Vec<&str> = answer.lines().collect();
        found.sort_unstable();
        assert_eq!(found, ids, "{line}");
    }
    // A revision with all that names its object.
    let of_bucket = answer(&machine, "cdctl deploy rollback shop/prod --to s3://releases/a.zip?v");
    assert!(
        of_bucket.starts_with("s3://releases/a.zip?versionId=") && of_bucket.contains("&etag="),
        "{of_bucket}"
    );
    // A name that is about to be made is nobody's.
    assert_eq!(answer(&machine, "cdctl app create "), "");
}

#[test]
fn regions_are_those_that_botocore_knows() {
    let Some(python) = python::ready("the regions against botocore's") else { return };
    let script = "import boto3; session = boto3.session.Session(region_name='us-east-1'); \
                  print('\\n'.join(region for partition in ('aws', 'aws-cn', 'aws-us-gov') \
                  for region in session.get_available_regions('codedeploy', partition_name=partition)))";
    let known = python::run(python.program("python", "http://127.0.0.1:1").args(["-c", script]));
    assert_eq!(known.lines().collect::<Vec<_>>(), cdctl::api::REGIONS);
}

#[test]
fn loaders_are_the_committed_ones() {
    let machine = Machine::new();
    for (shell, file) in [
        ("bash", "cdctl.bash"),
        ("elvish", "cdctl.elv"),
        ("fish", "cdctl.fish"),
        ("powershell", "_cdctl.ps1"),
        ("pwsh", "_cdctl.ps1"),
        ("zsh", "_cdctl"),
    ] {
        let committed = fs::read_to_string(package("completions").join(file)).unwrap();
        // PowerShell itself is not to be had here: what its loader runs is what every other one runs.
        assert!(committed.contains("completions --line"), "{file}");
        assert_eq!(machine.run(&format!("completions {shell}")).ends_with(0).stdout, committed);
    }
    machine
        .run("completions tcsh")
        .ends_with(2)
        .complains("[possible values: bash, elvish, fish, powershell, zsh]");
}
