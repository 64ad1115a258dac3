//! The addresses at which containers, pods and instances find their credentials. Each test runs itself again in a
//! network of its own, where they are this machine's.

use std::io::Write;
use std::path::PathBuf;
use std::process::Command;
use std::{env, fs};

use super::{CALL, answer, aws, keys, machine, signer};
use crate::support::cdctl::Machine;
use crate::support::stand_in::{Answer, Request, StandIn};

/// Set in the network of a test's own.
const WITHIN: &str = "CDCTL_TEST_WITHIN";

const CONTAINER: &str = "169.254.170.2";
const POD: &str = "169.254.170.23";
const INSTANCE: &str = "169.254.169.254";

/// Brings the loopback device up (SIOCSIFFLAGS, IFF_UP) with further addresses (SIOCSIFADDR), then runs a program.
const NETWORK: &str = r#"
import fcntl, os, socket, struct, sys
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
    fcntl.ioctl(s, 0x8914, struct.pack("16sH14x", b"lo", 1))
    for n, address in enumerate(sys.argv[1].split(",")):
        name, address = b"lo:%d" % n, socket.inet_aton(address)
        fcntl.ioctl(s, 0x8916, struct.pack("16sHH4s8x", name, socket.AF_INET, 0, address))
os.execvp(sys.argv[2], sys.argv[2:])
"#;

/// A program in a network of its own, with the three addresses and no way out.
fn alone(program: PathBuf) -> Command {
    let mut command = Command::new("unshare");
    command.args(["--map-root-user", "--net", "python3", "-c", NETWORK]);
    command.arg([CONTAINER, POD, INSTANCE].join(",")).arg(program);
    command
}

/// Whether this is the run in a network of its own. Where it is not, that run is made here, and must pass.
#[track_caller]
fn is_within(test: &str) -> bool {
    if env::var_os(WITHIN).is_some() {
        return true;
    }
    if !alone("true".into()).output().is_ok_and(|output| output.status.success()) {
        let line = format!("\nleft out, for there is no network of one's own: {test}\n");
        std::io::stderr().write_all(line.as_bytes()).unwrap();
        assert!(env::var_os("CI").is_none(), "left out although CI is set: {test}");
        return false;
    }
    let name = format!("credentials::link_local::{test}");
    let mut again = alone(env::current_exe().unwrap());
    let output = again.args(["--exact", &name, "--nocapture"]).env(WITHIN, "1").output().unwrap();
    let (told, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && told.contains("1 passed"), "{told}{errors}");
    false
}

/// Without keys, and nobody forbids to ask an instance's metadata.
fn without_keys(aws: &StandIn, config: &str) -> Machine {
    machine(aws, config, "").set("AWS_EC2_METADATA_DISABLED", "false")
}

#[test]
fn a_container_and_a_pod_are_asked() {
    if !is_within("a_container_and_a_pod_are_asked") {
        return;
    }
    let aws = aws();
    let container = StandIn::on(&format!("{CONTAINER}:80"), answer);
    let config = "[profile role]\nrole_arn = a:b/deploy\ncredential_source = EcsContainer\n";
    let task = without_keys(&aws, config).set("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/relative?id=7");
    assert_eq!(signer(&aws, task.run(CALL)), "RELATIVE");
    assert_eq!(container.seen()[0].line, "GET /relative?id=7 HTTP/1.1");
    assert_eq!(signer(&aws, task.run(&format!("{CALL} --profile role"))), "deploy-by-RELATIVE");
    // Its role is the task's: an instance below it is not asked.
    let gone = without_keys(&aws, "").set("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/gone");
    gone.run(CALL).ends_with(1).says_nothing().complains("the AWS credentials could not be loaded");

    let pod = StandIn::on(&format!("{POD}:80"), answer);
    let token = task.home().join("token");
    fs::write(&token, "Bearer container").unwrap();
    let in_pod = without_keys(&aws, "")
        .set("AWS_CONTAINER_CREDENTIALS_FULL_URI", &format!("http://{POD}/container"))
        .set("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", token.to_str().unwrap());
    assert_eq!(signer(&aws, in_pod.run(CALL)), "CONTAINER");
    assert_eq!(pod.seen().len(), 1);
    // A token goes to no other host in the clear.
    let other = StandIn::on(&format!("{INSTANCE}:8080"), answer);
    let elsewhere = without_keys(&aws, "")
        .set("AWS_CONTAINER_CREDENTIALS_FULL_URI", &format!("http://{INSTANCE}:8080/container"))
        .set("AWS_CONTAINER_AUTHORIZATION_TOKEN", "Bearer container");
    elsewhere.run(CALL).ends_with(1).says_nothing().complains("the AWS credentials could not be loaded");
    assert!(other.seen().is_empty());
}

#[test]
fn an_instance_is_asked_with_a_token() {
    if !is_within("an_instance_is_asked_with_a_token") {
        return;
    }
    let aws = aws();
    let config = "[profile role]\nrole_arn = a:b/deploy\ncredential_source = Ec2InstanceMetadata\n";
    let server = without_keys(&aws, config);
    // Nobody is there.
    server.run(CALL).ends_with(1).says_nothing().complains("the AWS credentials could not be loaded");

    let instance = StandIn::on(&format!("{INSTANCE}:80"), answer);
    assert_eq!(signer(&aws, server.run(CALL)), "IMDS");
    let seen = instance.seen();
    let (first, rest) = seen.split_first().unwrap();
    assert_eq!(first.line, "PUT /latest/api/token HTTP/1.1");
    assert!(!first.header("x-aws-ec2-metadata-token-ttl-seconds").is_empty());
    assert!(rest.iter().all(|request| request.header("x-aws-ec2-metadata-token") == "token"), "{seen:#?}");
    assert_eq!(signer(&aws, server.run(&format!("{CALL} --profile role"))), "deploy-by-IMDS");
    instance.seen();

    let forbidden = machine(&aws, "", "");
    forbidden.run(CALL).ends_with(1).says_nothing().complains("the AWS credentials could not be loaded");
    // Where one is called is never the metadata's to say.
    let homeless = Machine::new().set("AWS_EC2_METADATA_DISABLED", "false");
    homeless.run(CALL).ends_with(1).says_nothing().complains("no AWS region is set");
    assert_eq!(instance.seen().len(), 0);
}

#[test]
fn an_instance_without_tokens_is_not_believed() {
    if !is_within("an_instance_without_tokens_is_not_believed") {
        return;
    }
    let aws = aws();
    // The first version of the service: no tokens, and keys for whoever asks.
    let first_version = |request: &Request| match request.line.contains("/api/token") {
        true => Answer { status: 403, ..Answer::not_found() },
        false if request.line.contains("role ") => keys("IMDS"),
        false => answer(request),
    };
    let instance = StandIn::on(&format!("{INSTANCE}:80"), first_version);
    let run = without_keys(&aws, "").run(CALL).ends_with(1).says_nothing();
    run.complains("the AWS credentials could not be loaded");
    let seen = instance.seen();
    assert!(seen.iter().all(|request| request.line.starts_with("PUT /latest/api/token ")), "{seen:#?}");
    assert!(!seen.is_empty());
}
