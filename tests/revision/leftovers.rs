//! What uploads in parts leave behind, what they keep, and what comes after them.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;

use super::faults::{REGISTERS, Trouble, cut_short, fault, interrupted, is_empty, line_to, machine, stage};
use crate::support::cdctl::{CDCTL, Machine, Run};
use crate::support::client::s3;
use crate::support::stage::Stage;

/// The eTag tells nothing of the content there; the CRC-32 does, which S3 keeps where it was named in time.
#[tokio::test]
async fn an_upload_under_a_kms_key_is_gone_on_with_by_its_checksums() {
    use aws_sdk_s3::types::ChecksumMode;
    let stage = stage().await;
    let server = stage.serve();
    let (machine, line) = cut_short(&stage, server.address(), " --sse aws:kms").await;
    let (address, parts) = line_to(server.address(), Trouble::Closed(0));
    let machine = machine.set("AWS_ENDPOINT_URL", &format!("http://{address}"));
    machine.run(&line).ends_with(0).complains("resumed an upload that was cut short: 8.");
    assert_eq!(parts.try_iter().collect::<Vec<_>>(), [2, REGISTERS]);
    let head = s3(&stage.sandbox).head_object().bucket("releases").key("big.tar");
    let head = head.checksum_mode(ChecksumMode::Enabled).send().await.unwrap();
    assert!(head.checksum_crc32().unwrap().ends_with("-3"), "{head:?}");
    server.shut_down();
}

/// An upload that was begun without checksums is completed without, and where none are wanted none are named.
#[tokio::test]
async fn no_checksum_is_named_where_none_are_wanted() {
    use aws_sdk_s3::types::ChecksumMode;
    let stage = stage().await;
    let server = stage.serve();
    let (machine, line) = machine(server.address());
    let machine = machine.set("AWS_REQUEST_CHECKSUM_CALCULATION", "when_required");
    machine.run(&line).ends_with(0);
    let s3 = s3(&stage.sandbox);
    let head = s3.head_object().bucket("releases").key("big.tar").checksum_mode(ChecksumMode::Enabled);
    let first = head.send().await.unwrap();
    assert_eq!(first.checksum_crc32(), None);

    let pushed = s3.get_object().bucket("releases").key("big.tar").send().await.unwrap();
    let pushed = pushed.body.collect().await.unwrap().into_bytes();
    s3.delete_object().bucket("releases").key("big.tar").send().await.unwrap();
    let length = first_part(&stage, &machine, &line).await;
    let upload = s3.create_multipart_upload().bucket("releases").key("big.tar").send().await.unwrap();
    let part = s3.upload_part().bucket("releases").key("big.tar").part_number(1);
    let part = part.upload_id(upload.upload_id().unwrap()).body(pushed.slice(..length).into());
    part.send().await.unwrap();
    let machine = machine.set("AWS_REQUEST_CHECKSUM_CALCULATION", "when_supported");
    machine.run(&line).ends_with(0).complains("resumed an upload that was cut short: 8.");
    server.shut_down();
}

/// Bytes of the first part of what `line` pushes.
async fn first_part(stage: &Stage, machine: &Machine, line: &str) -> usize {
    fault(stage, json!({ "fault": "error", "operation": "CompleteMultipartUpload", "times": 2 }));
    fault(stage, json!({ "fault": "error", "operation": "AbortMultipartUpload", "times": 2 }));
    machine.run(line).ends_with(1);
    let s3 = s3(&stage.sandbox);
    let open = s3.list_multipart_uploads().bucket("releases").send().await.unwrap();
    let id = open.uploads()[0].upload_id().unwrap();
    let parts = s3.list_parts().bucket("releases").key("big.tar").upload_id(id).send().await.unwrap();
    s3.abort_multipart_upload().bucket("releases").key("big.tar").upload_id(id).send().await.unwrap();
    usize::try_from(parts.parts()[0].size().unwrap()).unwrap()
}

#[tokio::test]
async fn a_second_upload_of_the_same_bundle_is_removed_in_the_end() {
    let stage = stage().await;
    let server = stage.serve();
    let (machine, line) = cut_short(&stage, server.address(), "").await;
    let s3 = s3(&stage.sandbox);
    let first = s3.list_multipart_uploads().bucket("releases").send().await.unwrap();
    let id = first.uploads()[0].upload_id().unwrap();
    let parts = s3.list_parts().bucket("releases").key("big.tar").upload_id(id).send().await.unwrap();
    let length = usize::try_from(parts.parts()[0].size().unwrap()).unwrap();
    let file = machine.home().join("same.tar");
    let site = machine.home().join("site");
    machine.run(&format!("revision bundle {} --file {}", site.display(), file.display())).ends_with(0);
    let upload = s3.create_multipart_upload().bucket("releases").key("big.tar").send().await.unwrap();
    let part = s3.upload_part().bucket("releases").key("big.tar").part_number(1);
    let bytes = fs::read(&file).unwrap()[..length].to_vec();
    part.upload_id(upload.upload_id().unwrap()).body(bytes.into()).send().await.unwrap();

    let machine = machine.set("AWS_ENDPOINT_URL", &format!("http://{}", server.address()));
    let run = machine.run(&line).ends_with(0).complains("resumed an upload that was cut short: ");
    assert!(!run.stderr.contains("unfinished"), "{run}");
    let open = s3.list_multipart_uploads().bucket("releases").send().await.unwrap();
    assert!(open.uploads().is_empty());
    server.shut_down();
}

#[tokio::test]
async fn an_upload_whose_beginning_was_not_answered_is_removed() {
    let stage = stage().await;
    let server = stage.serve();
    let (machine, line) = machine(server.address());
    let s3 = s3(&stage.sandbox);
    let theirs = s3.create_multipart_upload().bucket("releases").key("big.tar").send().await.unwrap();
    fault(&stage, json!({ "fault": "lost", "operation": "CreateMultipartUpload", "times": 1 }));
    machine.run(&line).ends_with(0);
    let open = s3.list_multipart_uploads().bucket("releases").send().await.unwrap();
    let open: Vec<_> = open.uploads().iter().map(|upload| upload.upload_id()).collect();
    assert_eq!(open, [theirs.upload_id()], "what was there before is somebody else's");
    server.shut_down();
}

#[tokio::test]
async fn an_upload_that_somebody_else_removes_again_and_again_is_told() {
    let stage = stage().await;
    let server = stage.serve();
    let (machine, line) = machine(server.address());
    fault(&stage, json!({ "fault": "slow", "operation": "UploadPart", "delay": "1s" }));
    let mut command = machine.command(CDCTL);
    let child = command.args(line.split(' ')).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let (mut child, mut removed) = (child.unwrap(), 0);
    let s3 = s3(&stage.sandbox);
    while child.try_wait().unwrap().is_none() {
        let open = s3.list_multipart_uploads().bucket("releases").send().await.unwrap();
        for upload in open.uploads() {
            let abort = s3.abort_multipart_upload().bucket("releases").key("big.tar");
            abort.upload_id(upload.upload_id().unwrap()).send().await.unwrap();
            removed += 1;
        }
    }
    assert_eq!(removed, 2);
    let run = Run::from(child.wait_with_output().unwrap()).ends_with(1).says_nothing();
    let run = run.complains("NoSuchUpload: ").complains("somebody else removes uploads there");
    assert!(!run.stderr.contains("may be there") && !run.stderr.contains("bucket `"), "{run}");
    server.shut_down();
}

/// What was checked and hashed is what is registered, or nothing is.
#[tokio::test]
async fn an_archive_that_changes_while_it_is_pushed_is_not_registered() {
    let stage = stage().await;
    let server = stage.serve();
    let (address, struck) = line_to(server.address(), Trouble::Closed(0));
    let (machine, _) = machine(address);
    let file = machine.home().join("ready.tar");
    let site = machine.home().join("site");
    machine.run(&format!("revision bundle {} --file {}", site.display(), file.display())).ends_with(0);
    fault(&stage, json!({ "fault": "slow", "operation": "UploadPart", "delay": "1s" }));
    let mut command = machine.command(CDCTL);
    let line = format!("revision push {} s3://releases/ready.tar --app shop", file.display());
    let child = command.args(line.split(' ')).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let child = child.unwrap();
    struck.iter().find(|part| *part == 1).unwrap();
    let mut open = fs::File::options().write(true).open(&file).unwrap();
    open.write_all(b"changed").unwrap();
    let run = Run::from(child.wait_with_output().unwrap()).ends_with(1).says_nothing();
    run.complains("changed while it was pushed; nothing was left at s3://releases/ready.tar and nothing was");
    assert!(is_empty(&stage).await);
    server.shut_down();
}

#[tokio::test]
async fn a_signal_while_the_bundle_is_registered_leaves_nobody_in_the_dark() {
    let stage = stage().await;
    let server = stage.serve();
    let (address, struck) = line_to(server.address(), Trouble::Closed(0));
    let (machine, line) = machine(address);
    fs::write(machine.home().join("site/noise"), "small").unwrap();
    fault(
        &stage,
        json!({ "fault": "slow", "operation": "RegisterApplicationRevision", "delay": "1s", "times": 1 }),
    );
    let run = interrupted(&machine, &line, (&struck, REGISTERS)).ends_with(130).says_nothing();
    run.complains("registered s3://releases/big.tar?")
        .complains("stopped; the bundle is there and registered");

    fault(&stage, json!({ "fault": "stall", "operation": "RegisterApplicationRevision" }));
    let mut command = machine.command(CDCTL);
    let child = command.args(line.split(' ')).stdout(Stdio::null()).stderr(Stdio::piped()).spawn();
    let mut child = child.unwrap();
    struck.iter().find(|part| *part == REGISTERS).unwrap();
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    let mut said = String::new();
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    while !said.contains("another ^C leaves at once") {
        assert_ne!(stderr.read_line(&mut said).unwrap(), 0, "{said}");
    }
    kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
    stderr.read_to_string(&mut said).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(143), "{said}");
    assert!(said.contains("no answer has come: the bundle is there, and may be registered"), "{said}");
    assert!(said.contains("`cdctl revision register 's3://releases/big.tar?"), "{said}");

    server.shut_down();
}

/// What was not sent is not waited for.
#[tokio::test]
async fn a_signal_before_the_credentials_are_there_registers_nothing() {
    let stage = stage().await;
    let server = stage.serve();
    let (machine, _) = machine(server.address());
    let (pipe, script) = (machine.home().join("pipe"), machine.home().join("ask.sh"));
    rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, 0o600.into()).unwrap();
    let keys = r#"{"Version":1,"AccessKeyId":"k","SecretAccessKey":"k"}"#;
    let shown = pipe.display();
    fs::write(&script, format!("#!/bin/sh\necho up >{shown}\nread -r word <{shown}\necho '{keys}'\n"))
        .unwrap();
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
    let config = machine.home().join("config");
    fs::write(&config, format!("[profile slow]\ncredential_process = {}\n", script.display())).unwrap();
    let machine = machine.set("AWS_CONFIG_FILE", config.to_str().unwrap());
    let line = "revision register s3://releases/never.zip --app shop --profile slow";
    let begun = || {
        let mut command = machine.command(CDCTL);
        let child = command.args(line.split(' ')).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        assert_eq!(fs::read_to_string(&pipe).unwrap(), "up\n");
        child.unwrap()
    };
    let child = begun();
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    let run = Run::from(child.wait_with_output().unwrap()).ends_with(130).says_nothing();
    run.complains_only("error: stopped; nothing was registered\n");
    fs::write(&pipe, "go\n").unwrap();
    assert!(is_empty(&stage).await);
    let child = begun();
    fs::write(&pipe, "go\n").unwrap();
    Run::from(child.wait_with_output().unwrap()).ends_with(0).says("s3://releases/never.zip");
    server.shut_down();
}

#[tokio::test]
async fn a_signal_while_a_revision_is_registered_leaves_nobody_in_the_dark() {
    let stage = stage().await;
    let server = stage.serve();
    let (address, struck) = line_to(server.address(), Trouble::Closed(0));
    let (machine, _) = machine(address);
    fault(&stage, json!({ "fault": "slow", "operation": "RegisterApplicationRevision", "delay": "1s" }));
    let mut command = machine.command(CDCTL);
    let line = "revision register s3://releases/other.zip --app shop";
    let child = command.args(line.split(' ')).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let child = child.unwrap();
    struck.iter().find(|part| *part == REGISTERS).unwrap();
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    let run = Run::from(child.wait_with_output().unwrap()).ends_with(130).says_nothing();
    run.complains("waiting until it is registered").complains("stopped; it is registered");
    server.shut_down();
}
