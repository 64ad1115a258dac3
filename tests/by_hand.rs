//! What a user types, against `sandbox run` and `sandbox serve`.

use std::io::{BufRead, BufReader, Read};
use std::net::TcpListener;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ChildStdout, Stdio};
use std::{fs, thread};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::support::cdctl::{CDCTL, Machine};

fn signal(child: &Child, signal: Signal) {
    kill_process(Pid::from_child(child), signal).unwrap();
}

#[test]
fn the_script_of_the_examples() {
    let line =
        "sandbox run --fleet examples/fleet.yaml --allow-host-hooks --speed 30 -- sh examples/by-hand.sh";
    let run = Machine::new().run(line).ends_with(0).holds_no_escape();
    let lines: Vec<&str> = run.stdout.lines().collect();
    // app create, group create: an id each. revision push: the revision. deploy create: the deployment's id.
    assert!(lines[..2].iter().all(|id| id.len() == 36), "{run}");
    assert!(lines[2].starts_with("s3://releases/site-1.zip?versionId="), "{run}");
    let first = lines[3];
    assert!(first.starts_with("d-") && first.len() == 11, "{run}");
    run.clone().complains(&format!("✓ SUCCEEDED  {first}  shop/prod  s3://releases/site-1.zip  after "));

    // The last event of the second one.
    let result: Value = serde_json::from_str(lines[4]).unwrap();
    assert_eq!(
        (&result["type"], &result["outcome"], &result["exit"]),
        (&"result".into(), &"succeeded".into(), &0.into())
    );
    assert_eq!(result["counts"]["ok"], 12, "{run}");
    let second = result["deployment"].as_str().unwrap();
    assert_ne!(first, second);

    // list: newest first.
    assert!(lines[5].starts_with("DEPLOYMENT  "), "{run}");
    assert!(
        lines[6].starts_with(second) && lines[6].contains("  Succeeded  ") && lines[6].contains("  12/12  "),
        "{run}"
    );
    assert!(lines[7].starts_with(first) && lines[7].contains("  s3://releases/site-1.zip"), "{run}");

    // show -o json, then the table of targets; watch prints on stderr alone.
    let rest = lines[8..].join("\n");
    let mut values = serde_json::Deserializer::from_str(&rest).into_iter::<Value>();
    let shown = values.next().unwrap().unwrap();
    assert_eq!(shown["deploymentInfo"]["deploymentId"], second);
    assert_eq!(shown["deploymentInfo"]["status"], "Succeeded");
    assert_eq!(shown["deploymentInfo"]["deploymentOverview"]["Succeeded"], 12);
    let table: Vec<&str> = rest[values.byte_offset()..].trim().lines().collect();
    assert!(table[0].starts_with("TARGET  "), "{run}");
    assert_eq!(table.len(), 13, "{run}");
    assert!(table[1..].iter().all(|row| row.starts_with("i-0") && row.contains("  Succeeded")), "{run}");
    assert_eq!(run.stderr.matches(&format!("✓ SUCCEEDED  {second}  ")).count(), 1, "{run}");
}

#[test]
fn run_gives_its_command_the_sandbox_and_nothing_else() {
    let machine = Machine::new()
        .set("AWS_PROFILE", "elsewhere")
        .set("AWS_DEFAULT_PROFILE", "elsewhere")
        .set("AWS_SESSION_TOKEN", "elsewhere")
        .set("AWS_ACCESS_KEY_ID", "elsewhere")
        .set("AWS_SECRET_ACCESS_KEY", "elsewhere")
        .set("AWS_ENDPOINT_URL", "http://elsewhere.invalid")
        .set("AWS_ENDPOINT_URL_CODEDEPLOY", "http://elsewhere.invalid")
        .set("AWS_ENDPOINT_URL_S3", "http://elsewhere.invalid")
        .set("AWS_ENDPOINT_URL_ECS", "http://elsewhere.invalid")
        .set("AWS_ENDPOINT_URL_LAMBDA", "http://elsewhere.invalid")
        .set("AWS_SECURITY_TOKEN", "elsewhere")
        .set("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true")
        .set("AWS_USE_FIPS_ENDPOINT", "true")
        .set("HTTP_PROXY", "http://127.0.0.1:9")
        .set("NO_PROXY", "intranet")
        .set("MINE", "stays");
    let run = machine.run("sandbox run -- env").ends_with(0);
    let variables: Vec<&str> = run.stdout.lines().filter(|line| line.starts_with("AWS_")).collect();
    assert!(!run.stdout.contains("elsewhere"), "{run}");
    assert!(variables.iter().any(|line| line.starts_with("AWS_ENDPOINT_URL=http://127.0.0.1:")), "{run}");
    for line in ["AWS_REGION=us-east-1", "AWS_DEFAULT_REGION=us-east-1", "AWS_ACCESS_KEY_ID=sandbox"] {
        assert!(variables.contains(&line), "{line}\n{run}");
    }
    run.says("MINE=stays\n").says("NO_PROXY=intranet,127.0.0.1,localhost,::1\n");
    machine.run("sandbox run -- cdctl app create shop").ends_with(0).complains("created application shop");
    machine.run("sandbox run --region eu-west-3 -- env").ends_with(0).says("AWS_REGION=eu-west-3\n");
}

#[test]
fn run_ends_as_its_command_does() {
    let machine = Machine::new();
    let sh = |script: &str| machine.cdctl(["sandbox", "run", "--", "sh", "-c", script]);
    sh("exit 7").ends_with(7);
    sh("kill -TERM $$").ends_with(143);
    sh("kill -KILL $$").ends_with(137);
    sh("echo out; echo err >&2; cat").ends_with(0).says("out\n").complains("err\n");
    machine
        .run("sandbox run -- nowhere-to-be-found")
        .ends_with(1)
        .says_nothing()
        .complains_only("error: cannot run nowhere-to-be-found\n  No such file or directory (os error 2)\n");
    machine.run("sandbox run").ends_with(2).complains("<COMMAND>");
}

/// `sandbox run` of a shell script that has said `ready`.
fn running(script: &str) -> (Child, BufReader<ChildStdout>) {
    let mut command = Machine::new().command(CDCTL);
    let mut child =
        command.args(["sandbox", "run", "--", "sh", "-c", script]).stdout(Stdio::piped()).spawn().unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    stdout.read_line(&mut line).unwrap();
    assert_eq!(line, "ready\n");
    (child, stdout)
}

#[test]
fn run_passes_signals_on() {
    let script = "trap 'echo interrupted; exit 8' INT; trap 'echo terminated; exit 9' TERM
        echo ready; while :; do sleep 0.05; done";
    for (sent, said, code) in [
        (Signal::INT, "interrupted\n", 8),
        (Signal::TERM, "terminated\n", 9),
        // A terminal that goes away ends what ran on it.
        (Signal::HUP, "terminated\n", 9),
    ] {
        let (mut child, mut stdout) = running(script);
        signal(&child, sent);
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        assert_eq!((line.as_str(), child.wait().unwrap().code()), (said, Some(code)));
    }
}

#[test]
fn a_second_signal_ends_the_command_and_what_it_started() {
    // Ready once the shell waits: a signal that comes before is acted on after the wait only.
    let script = "trap 'echo asked' INT; trap '' TERM; (echo ready; sleep 600); while :; do sleep 600; done";
    let (mut child, mut stdout) = running(script);
    signal(&child, Signal::INT);
    let mut line = String::new();
    stdout.read_line(&mut line).unwrap();
    assert_eq!(line, "asked\n");
    signal(&child, Signal::TERM);
    assert_eq!(child.wait().unwrap().code(), Some(137));
    // Nothing holds the command's output any more.
    stdout.read_to_string(&mut line).unwrap();
}

#[test]
fn whatever_signal_ends_it_a_sandbox_leaves_no_directory() {
    for (line, first) in [("sandbox serve --listen 127.0.0.1:0", "hosts and objects"), ("demo", "runs at")] {
        for (sent, code) in [(Signal::INT, 130), (Signal::TERM, 143), (Signal::HUP, 143)] {
            let temporary = tempfile::tempdir().unwrap();
            let machine = Machine::new().set("TMPDIR", temporary.path().to_str().unwrap());
            let mut command = machine.command(CDCTL);
            let mut child = command
                .args(line.split_whitespace())
                .stdout(Stdio::null())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap();
            let mut stderr = BufReader::new(child.stderr.take().unwrap()).lines();
            assert!(stderr.any(|line| line.unwrap().contains(first)), "{line}");
            assert_ne!(fs::read_dir(temporary.path()).unwrap().count(), 0);
            signal(&child, sent);
            stderr.for_each(drop);
            let expected = if line == "demo" { code } else { 0 };
            assert_eq!(child.wait().unwrap().code(), Some(expected), "{line} {sent:?}");
            assert_eq!(fs::read_dir(temporary.path()).unwrap().count(), 0, "{line} {sent:?}");
        }
    }
}

/// `sandbox serve` in the background.
struct Served {
    child: Child,
    stdout: BufReader<ChildStdout>,
}

impl Served {
    fn start(machine: &Machine, arguments: &str) -> Self {
        let mut command = machine.command(CDCTL);
        command.args(["sandbox", "serve"]).args(arguments.split_whitespace());
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        Served { child, stdout }
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.stdout.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn serve_says_its_address_and_what_to_paste() {
    let machine = Machine::new();
    let folder = tempfile::tempdir().unwrap();
    let kept = folder.path().join("kept");
    let mut served =
        Served::start(&machine, &format!("--listen 127.0.0.1:0 --speed 30 --state {}", kept.display()));
    let url = served.line();
    assert!(url.strip_prefix("http://127.0.0.1:").is_some_and(|port| port.parse::<u16>().is_ok()), "{url}");
    let exports = [served.line(), served.line()];
    assert!(exports.iter().all(|line| line.starts_with("export AWS_")), "{exports:?}");

    let script = "eval \"$1\"; eval \"$2\"; cdctl app create shop && cdctl deploy list shop/prod";
    let shell = machine.command("sh").args(["-c", script, "sh", &exports[0], &exports[1]]).output().unwrap();
    let stderr = String::from_utf8(shell.stderr).unwrap();
    assert!(stderr.contains("created application shop (Server)\n"), "{stderr}");
    assert!(stderr.contains("No Deployment Group found for name: prod"), "{stderr}");

    let busy =
        machine.run(&format!("sandbox serve --listen {}", url.trim_start_matches("http://"))).ends_with(1);
    busy.says_nothing()
        .complains("Address already in use")
        .complains("help: pick another port with --listen");

    signal(&served.child, Signal::INT);
    let status = served.child.wait().unwrap();
    assert_eq!((status.code(), status.signal()), (Some(0), None));
    // What it was told is there for the next one.
    let next = machine.run(&format!("sandbox run --state {} -- cdctl app list", kept.display()));
    next.ends_with(0).says("shop");
}

#[test]
fn serve_ends_on_sigterm_and_takes_its_directory_with_it() {
    let machine = Machine::new();
    let mut served = Served::start(&machine, "--listen 127.0.0.1:0");
    let url = served.line();
    assert_eq!(served.line().len().min(1), 1);
    served.line();
    signal(&served.child, Signal::TERM);
    assert_eq!(served.child.wait().unwrap().code(), Some(0));
    let mut note = String::new();
    served.child.stderr.take().unwrap().read_to_string(&mut note).unwrap();
    let folder = note.split_once("hosts and objects are in ").unwrap().1.split(';').next().unwrap();
    assert!(!std::path::Path::new(folder).exists(), "{folder} is still there");
    machine.against(&url).run("app create shop").ends_with(1).complains("Connection refused");
}

#[test]
fn serve_listens_on_loopback_only() {
    for address in ["0.0.0.0:0", "[::]:0", "192.0.2.1:4577"] {
        let run =
            Machine::new().run(&format!("sandbox serve --listen {address}")).ends_with(2).says_nothing();
        run.complains("error: the sandbox listens on a loopback address only, and ");
    }
}

#[test]
fn a_fleet_file_that_is_none_is_named() {
    let machine = Machine::new();
    for (file, cause) in [
        ("nowhere.yaml", "No such file or directory (os error 2)\n"),
        ("Cargo.toml", "expected a mapping of buckets, instances, generate and faults\n"),
    ] {
        let run = machine.run(&format!("sandbox run --fleet {file} -- true")).ends_with(1).says_nothing();
        run.complains(&format!("error: the fleet file {file} cannot be used\n  ")).complains(cause);
    }
}

/// A bundle whose hooks write down their environment.
fn nosy_site() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let events = ["BeforeInstall", "AfterInstall", "ApplicationStart", "ValidateService"];
    let mut appspec = "version: 0.0\nos: linux\nhooks:\n".to_owned();
    for event in events {
        appspec.push_str(&format!("  {event}:\n    - location: env.sh\n"));
    }
    fs::write(folder.path().join("appspec.yml"), appspec).unwrap();
    let script = "#!/bin/sh\nenv | tee \"$CDCTL_HOST_ROOT/$LIFECYCLE_EVENT.env\"\n";
    fs::write(folder.path().join("env.sh"), script).unwrap();
    folder
}

#[test]
fn hooks_see_the_agents_variables_and_none_of_the_callers() {
    const SECRET: &str = "canary-91e0";
    let mut machine = Machine::new();
    for name in [
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "AWS_PROFILE",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN",
        "GITHUB_TOKEN",
        "DATABASE_URL",
        "SSH_AUTH_SOCK",
        "DEPLOYMENT_ID",
        "CDCTL_HOST_ID",
    ] {
        machine = machine.set(name, SECRET);
    }
    let site = nosy_site();
    let folder = tempfile::tempdir().unwrap();
    let kept = folder.path().join("kept");
    let script = format!(
        "cdctl app create shop; cdctl group create shop/prod --service-role {} --ec2-tag Role=web; \
         cdctl deploy create shop/prod --push {} --bucket releases --watch",
        crate::support::sandbox::ROLE,
        site.path().display()
    );
    let run = machine
        .cdctl([
            "sandbox",
            "run",
            "--allow-host-hooks",
            "--speed",
            "30",
            "--state",
            kept.to_str().unwrap(),
            "--",
            "sh",
            "-c",
            &script,
        ])
        .ends_with(0);
    let deployment = run.stdout.lines().last().unwrap().to_owned();
    let mut zones = Vec::new();
    let hosts: Vec<_> =
        fs::read_dir(kept.join("hosts")).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(hosts.len(), 12);
    for host in hosts {
        let id = host.file_name().unwrap().to_str().unwrap();
        for event in ["BeforeInstall", "AfterInstall", "ApplicationStart", "ValidateService"] {
            let text = fs::read_to_string(host.join("root").join(format!("{event}.env"))).unwrap();
            let value = |name: &str| {
                let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
                line.unwrap_or_else(|| panic!("no {name} in\n{text}")).to_owned()
            };
            assert_eq!(value("LIFECYCLE_EVENT"), event);
            assert_eq!(value("DEPLOYMENT_ID"), deployment);
            assert_eq!(value("APPLICATION_NAME"), "shop");
            assert_eq!(value("DEPLOYMENT_GROUP_NAME"), "prod");
            assert_eq!(value("DEPLOYMENT_GROUP_ID").len(), 36);
            assert_eq!(value("BUNDLE_BUCKET"), "releases");
            assert!(value("BUNDLE_KEY").starts_with("shop/"));
            assert_eq!(value("CDCTL_HOST_ID"), id);
            assert!(!value("CDCTL_HOST_ROOT").is_empty());
            assert!(!text.contains("AWS_") && !text.contains("sandbox\n"), "{text}");
            zones.push(value("CDCTL_HOST_ZONE"));
        }
    }
    for zone in ["a", "b", "c"] {
        assert_eq!(zones.iter().filter(|other| *other == zone).count(), 16, "{zones:?}");
    }
    let walk = ignore::WalkBuilder::new(&kept).standard_filters(false).build();
    for entry in walk.map(Result::unwrap).filter(|entry| entry.file_type().unwrap().is_file()) {
        let bytes = fs::read(entry.path()).unwrap();
        let found = bytes.windows(SECRET.len()).any(|part| part == SECRET.as_bytes());
        assert!(!found, "{}", entry.path().display());
    }
}

#[test]
fn two_ports_are_two_sandboxes() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let line = format!("sandbox run --listen {} -- true", taken.local_addr().unwrap());
    Machine::new().run(&line).ends_with(1).complains("error: the sandbox cannot listen on 127.0.0.1:");
    let url = || {
        Machine::new().cdctl(["sandbox", "run", "--", "sh", "-c", "echo $AWS_ENDPOINT_URL; sleep 0.5"]).stdout
    };
    let (one, two) = thread::scope(|scope| {
        let one = scope.spawn(url);
        let two = scope.spawn(url);
        (one.join().unwrap(), two.join().unwrap())
    });
    assert_ne!(one, two);
}
