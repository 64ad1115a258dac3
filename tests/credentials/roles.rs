//! Assumed roles, and the cache that they share with the AWS CLI.

use std::fs;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::path::PathBuf;

use rustix::process::Signal;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, tcgetattr};

use super::{CALL, aws, machine, signer};
use crate::contract::python;
use crate::support::cdctl::{CDCTL, Machine};
use crate::support::screen::Terminal;
use crate::support::stand_in::StandIn;

const ROLES: &str = "\
[profile plain]\nrole_arn = arn:aws:iam::123456789012:role/plain\nsource_profile = base\n\
[profile long]\nrole_arn = arn:aws:iam::123456789012:role/long\nsource_profile = base\nduration_seconds = 7200\n\
external_id = \u{e9}t\u{e9}\nrole_session_name = me\n\
[profile second]\nrole_arn = arn:aws:iam::123456789012:role/second\nsource_profile = plain\n\
[profile mfa]\nrole_arn = arn:aws:iam::123456789012:role/mfa\nsource_profile = base\nmfa_serial = arn:aws:iam::123456789012:mfa/me\n\
[profile after]\nrole_arn = arn:aws:iam::123456789012:role/after\nsource_profile = mfa\n\
[profile environment]\nrole_arn = arn:aws:iam::123456789012:role/environment\ncredential_source = Environment\n\
[profile container]\nrole_arn = arn:aws:iam::123456789012:role/container\ncredential_source = EcsContainer\n\
[profile instance]\nrole_arn = arn:aws:iam::123456789012:role/instance\ncredential_source = Ec2InstanceMetadata\n\
[profile web]\nrole_arn = arn:aws:iam::123456789012:role/web\nweb_identity_token_file = TOKEN\n\
[profile denied]\nrole_arn = arn:aws:iam::123456789012:role/denied\nsource_profile = base\n\
[profile loop]\nrole_arn = a:b/c\nsource_profile = pool\n[profile pool]\nrole_arn = a:b/d\nsource_profile = loop\n\
[profile self]\nrole_arn = a:b/self\nsource_profile = self\naws_access_key_id = SELF\naws_secret_access_key = s\n\
[profile both]\nrole_arn = a:b/c\nsource_profile = base\ncredential_source = Environment\n\
[profile neither]\nrole_arn = a:b/c\n[profile gone]\nrole_arn = a:b/c\nsource_profile = nobody\n\
[profile lunch]\nrole_arn = a:b/c\ncredential_source = Lunch\n";

fn with_roles(aws: &StandIn) -> Machine {
    let machine = machine(aws, "", "[base]\naws_access_key_id = BASE\naws_secret_access_key = s\n");
    let token = machine.home().join("token");
    fs::write(&token, "a.b.c").unwrap();
    let config = ROLES.replace("TOKEN", token.to_str().unwrap());
    fs::write(machine.home().join(".aws/config"), config).unwrap();
    machine
        .set("AWS_ACCESS_KEY_ID", "ENVIRONMENT")
        .set("AWS_SECRET_ACCESS_KEY", "s")
        .set("AWS_CONTAINER_CREDENTIALS_FULL_URI", &format!("{}/container", aws.url))
        .set("AWS_CONTAINER_AUTHORIZATION_TOKEN", "Bearer container")
        .set("AWS_EC2_METADATA_DISABLED", "false")
        .set("AWS_EC2_METADATA_SERVICE_ENDPOINT", &aws.url)
}

fn call(profile: &str) -> String {
    format!("{CALL} --profile {profile}")
}

#[test]
fn a_role_is_assumed_from_where_its_profile_says() {
    let aws = aws();
    let machine = with_roles(&aws);
    for (profile, key) in [
        ("plain", "plain-by-BASE"),
        ("long", "long-by-BASE"),
        ("second", "second-by-plain-by-BASE"),
        ("environment", "environment-by-ENVIRONMENT"),
        ("container", "container-by-CONTAINER"),
        ("instance", "instance-by-IMDS"),
        ("web", "web-by-"),
        ("self", "self-by-SELF"),
    ] {
        let run = machine.run(&call(profile));
        assert_eq!(signer(&aws, run), key, "{profile}");
        // The second time the cache has it; web identities are the SDK's.
        let run = machine.run(&call(profile)).ends_with(0);
        let asked = aws.seen().iter().any(|request| request.body.starts_with("Action=Assume"));
        assert_eq!(asked, profile == "web", "{profile}: {run}");
    }
}

#[test]
fn what_assume_role_is_asked_is_what_the_profile_says() {
    let aws = aws();
    let machine = with_roles(&aws);
    machine.run(&call("long")).ends_with(0);
    let seen = aws.seen();
    let body = &seen.iter().find(|request| request.body.contains("AssumeRole")).unwrap().body;
    for part in ["DurationSeconds=7200", "ExternalId=%C3%A9t%C3%A9", "RoleSessionName=me"] {
        assert!(body.contains(part), "{body}");
    }
}

#[test]
fn a_role_that_cannot_be_assumed_says_why() {
    let aws = aws();
    let machine = with_roles(&aws);
    for (profile, why) in [
        (
            "denied",
            "AccessDenied: User me is not authorized to perform sts:AssumeRole\n  help: the caller needs the IAM permission sts:AssumeRole, and the role must trust it\n",
        ),
        ("loop", "the source_profile of loop leads back to it\n"),
        ("both", "profile both has both source_profile and credential_source\n"),
        ("neither", "profile neither has role_arn, but neither source_profile nor credential_source\n"),
        ("gone", "source_profile nobody does not exist\n"),
        ("lunch", "credential_source `Lunch` of profile lunch is none of Environment,"),
        (
            "mfa",
            "profile mfa needs a code of the device arn:aws:iam::123456789012:mfa/me, and there is no terminal",
        ),
    ] {
        let run = machine.run(&call(profile)).ends_with(1).says_nothing();
        run.complains(&format!("error: the role of profile {profile} cannot be assumed\n")).complains(why);
    }
    assert_eq!(files(&machine), [""; 0].map(PathBuf::from));
}

/// The files of the cache.
fn files(machine: &Machine) -> Vec<PathBuf> {
    let Ok(folder) = fs::read_dir(machine.home().join(".aws/cli/cache")) else { return Vec::new() };
    folder.map(|entry| entry.unwrap().path()).collect()
}

/// Runs a line on a terminal and types `text`; gives what stood there.
fn on_a_terminal(machine: &Machine, line: &str, text: &str) -> (Option<i32>, String) {
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&master).unwrap();
    unlockpt(&master).unwrap();
    let name = ptsname(&master, Vec::new()).unwrap().into_string().unwrap();
    let slave: OwnedFd = fs::File::options().read(true).write(true).open(name).unwrap().into();
    let mut command = machine.command(CDCTL);
    // Data may come from elsewhere: the question is asked where its answer is typed.
    command.args(line.split(' ')).stderr(slave).stdout(std::process::Stdio::null());
    let mut child = command.spawn().unwrap();
    drop(command);
    let mut master = fs::File::from(master);
    master.write_all(text.as_bytes()).unwrap();
    let mut screen = Vec::new();
    let mut buffer = [0; 4096];
    while let Ok(count @ 1..) = master.read(&mut buffer) {
        screen.extend_from_slice(&buffer[..count]);
    }
    (child.wait().unwrap().code(), String::from_utf8(screen).unwrap())
}

#[test]
fn a_code_is_asked_for_on_the_terminal_and_once_a_session() {
    let aws = aws();
    let machine = with_roles(&aws);
    let (code, screen) = on_a_terminal(&machine, &call("after"), "123456\n");
    assert_eq!(code, Some(0), "{screen}");
    assert!(screen.contains("Enter MFA code for arn:aws:iam::123456789012:mfa/me: "), "{screen}");
    let seen = aws.seen();
    let signers: Vec<&str> = seen.iter().map(super::Request::key).collect();
    assert_eq!(signers, ["BASE", "mfa-by-BASE123456", "after-by-mfa-by-BASE123456"]);
    assert!(seen[0].body.contains("SerialNumber=arn%3Aaws%3Aiam%3A%3A123456789012%3Amfa%2Fme"), "{seen:?}");
    // Off a terminal the session of the cache does.
    assert_eq!(signer(&aws, machine.run(&call("mfa"))), "mfa-by-BASE123456");
    let (code, screen) = on_a_terminal(&with_roles(&aws), &call("mfa"), "\n");
    assert_eq!(code, Some(1), "{screen}");
    assert!(screen.contains("no code was entered"), "{screen}");
}

/// The question for the code, on a terminal, with 777888 typed for it but not entered.
fn asked(machine: &Machine) -> Terminal {
    let mut command = machine.command(CDCTL);
    command.args(call("mfa").split(' '));
    let mut terminal = Terminal::run(command, (80, 24));
    terminal.shows("Enter MFA code for arn:aws:iam::123456789012:mfa/me:");
    assert!(!shows_what_is_typed(&terminal));
    terminal.types("777888");
    terminal
}

fn shows_what_is_typed(terminal: &Terminal) -> bool {
    tcgetattr(&terminal.master).unwrap().local_modes.contains(LocalModes::ECHO)
}

#[test]
fn a_code_is_not_shown() {
    let aws = aws();
    let machine = with_roles(&aws);
    let mut terminal = asked(&machine);
    terminal.types("\n");
    let screen = terminal.shows("shop");
    assert!(screen.contains("mfa/me:\nAPPLICATIONS") && !screen.contains("777888"), "{screen}");
    assert!(shows_what_is_typed(&terminal));
    assert_eq!(terminal.ends().0, Some(0));
    assert_eq!(aws.seen().last().unwrap().key(), "mfa-by-BASE777888");

    for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143), (Signal::HUP, 143)] {
        let machine = with_roles(&aws);
        let mut terminal = asked(&machine);
        terminal.signal(signal);
        assert_eq!(terminal.child.wait().unwrap().code(), Some(code));
        assert!(shows_what_is_typed(&terminal), "{signal:?}");
    }
}

#[test]
fn sessions_are_shared_with_the_aws_cli() {
    let Some(python) = python::ready("sessions shared with the AWS CLI") else { return };
    let aws = aws();
    let machine = with_roles(&aws);
    // In a session of its own, without a terminal, it reads the code from stdin.
    let cli = |profile: &str| {
        let mut program = python.program("aws", &aws.url);
        program
            .env_remove("AWS_ACCESS_KEY_ID")
            .env_remove("AWS_SECRET_ACCESS_KEY")
            .env("HOME", machine.home());
        let mut command = std::process::Command::new("setsid");
        command.arg("--wait").arg(program.get_program()).env_clear();
        command.envs(program.get_envs().filter_map(|(name, value)| Some((name, value?))));
        command.args(["deploy", "list-applications", "--profile", profile]);
        command.stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::null());
        command.stderr(std::process::Stdio::null());
        let mut child = command.spawn().unwrap();
        let _ = child.stdin.take().unwrap().write_all(b"654321\n");
        assert!(child.wait().unwrap().success(), "{profile}");
        aws.seen().last().unwrap().key().to_owned()
    };
    // Theirs is ours …
    assert_eq!(cli("mfa"), "mfa-by-BASE654321");
    assert_eq!(signer(&aws, machine.run(&call("mfa"))), "mfa-by-BASE654321");
    assert_eq!(files(&machine).len(), 1);
    cli("long");
    machine.run(&call("long")).ends_with(0);
    assert!(aws.seen().iter().all(|request| request.operation().is_some()));
    // … and ours is theirs.
    for file in files(&machine) {
        fs::remove_file(file).unwrap();
    }
    let (code, screen) = on_a_terminal(&machine, &call("mfa"), "123456\n");
    assert_eq!(code, Some(0), "{screen}");
    assert_eq!(cli("mfa"), "mfa-by-BASE123456");
    machine.run(&call("long")).ends_with(0);
    aws.seen();
    assert_eq!(cli("long"), "long-by-BASE");
    assert_eq!(files(&machine).len(), 2);
}
