//! Uploads in parts over a line that breaks.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::process::Stdio;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;

use crate::support::cdctl::{CDCTL, Machine, Run};
use crate::support::client::{codedeploy, s3};
use crate::support::stage::Stage;

/// What happens to a connection on which the second part is sent.
#[derive(Clone, Copy, PartialEq)]
pub enum Trouble {
    /// It is closed, as often as this.
    Closed(usize),
    /// Nothing is passed on any more.
    Silent,
}

/// Told by a line instead of a part's number.
pub const REGISTERS: u32 = u32::MAX;

/// A line to `server` on which the second part of an upload meets trouble; its address, and the number of each part that
/// comes. Number 0 is a whole file, or the beginning of an upload in parts; a registration is [`REGISTERS`].
pub fn line_to(server: SocketAddr, trouble: Trouble) -> (SocketAddr, mpsc::Receiver<u32>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (address, count) = (listener.local_addr().unwrap(), Arc::new(AtomicUsize::new(0)));
    let (sender, struck) = mpsc::channel();
    thread::spawn(move || {
        for client in listener.incoming().map_while(Result::ok) {
            let upstream = TcpStream::connect(server).unwrap();
            let (mut back, mut to_client) = (upstream.try_clone().unwrap(), client.try_clone().unwrap());
            thread::spawn(move || {
                let _ = std::io::copy(&mut back, &mut to_client);
                let _ = to_client.shutdown(Shutdown::Both);
            });
            let (count, sender) = (Arc::clone(&count), sender.clone());
            thread::spawn(move || pass(client, upstream, trouble, (&count, &sender)));
        }
    });
    (address, struck)
}

fn pass(
    mut client: TcpStream,
    mut upstream: TcpStream,
    trouble: Trouble,
    (count, sender): (&AtomicUsize, &mpsc::Sender<u32>),
) {
    let mut chunk = vec![0; 64 << 10];
    while let Ok(read @ 1..) = client.read(&mut chunk) {
        let text = String::from_utf8_lossy(&chunk[..read.min(2000)]);
        let is_put = text.starts_with("PUT ");
        let number = is_put.then(|| text.split("partNumber=").nth(1)).flatten();
        let number = number.map(|rest| rest.split('&').next().unwrap().parse().unwrap());
        let begins = is_put || text.lines().next().is_some_and(|line| line.contains("?uploads "));
        let number = number.or((begins && !text.starts_with("GET ")).then_some(0));
        let registers = text.contains("RegisterApplicationRevision").then_some(REGISTERS);
        number.or(registers).into_iter().for_each(|number| sender.send(number).unwrap_or_default());
        if number == Some(2) {
            let before = count.fetch_add(1, Ordering::SeqCst);
            match trouble {
                Trouble::Closed(times) if before < times => break,
                Trouble::Silent => {
                    // Until the client gives up.
                    while matches!(client.read(&mut chunk), Ok(1..)) {}
                    break;
                }
                Trouble::Closed(_) => {}
            }
        }
        if upstream.write_all(&chunk[..read]).is_err() {
            break;
        }
    }
    let _ = client.shutdown(Shutdown::Both);
    let _ = upstream.shutdown(Shutdown::Both);
}

/// A machine with 17 MiB to push, which is three parts.
pub fn machine(address: SocketAddr) -> (Machine, String) {
    let machine = Machine::new()
        .against(&format!("http://{address}"))
        .set("AWS_REGION", "eu-west-1")
        .set("AWS_MAX_ATTEMPTS", "2");
    let site = machine.home().join("site");
    fs::create_dir(&site).unwrap();
    fs::write(site.join("appspec.yml"), "version: 0.0\nos: linux\n").unwrap();
    let mut noise = vec![0; 17 << 20];
    fastrand::Rng::with_seed(5).fill(&mut noise);
    fs::write(site.join("noise"), noise).unwrap();
    let line = format!("revision push {} s3://releases/big.tar --type tar --app shop", site.display());
    (machine, line)
}

pub async fn stage() -> Stage {
    let stage = Stage::new();
    s3(&stage.sandbox).create_bucket().bucket("releases").send().await.unwrap();
    codedeploy(&stage.sandbox).create_application().application_name("shop").send().await.unwrap();
    stage
}

/// Neither parts nor an object nor a revision.
pub async fn is_empty(stage: &Stage) -> bool {
    let s3 = s3(&stage.sandbox);
    let open = s3.list_multipart_uploads().bucket("releases").send().await.unwrap();
    let objects = s3.list_objects_v2().bucket("releases").send().await.unwrap();
    let revisions = codedeploy(&stage.sandbox)
        .list_application_revisions()
        .application_name("shop")
        .send()
        .await
        .unwrap();
    open.uploads().is_empty() && objects.contents().is_empty() && revisions.revisions().is_empty()
}

#[tokio::test]
async fn a_part_that_is_lost_is_sent_again_and_the_others_are_not() {
    let stage = stage().await;
    let server = stage.serve();
    let (address, struck) = line_to(server.address(), Trouble::Closed(1));
    let (machine, line) = machine(address);
    machine.run(&line).ends_with(0).says("s3://releases/big.tar");
    assert_eq!(struck.try_iter().filter(|part| *part == 2).count(), 2, "once lost, once sent again");
    let head = s3(&stage.sandbox).head_object().bucket("releases").key("big.tar").send().await.unwrap();
    assert!(head.e_tag().unwrap().ends_with("-3\""), "one upload of three parts");
    machine.run("revision validate s3://releases/big.tar --strict").ends_with(0);
    server.shut_down();
}

#[tokio::test]
async fn an_upload_that_fails_leaves_no_parts_and_registers_nothing() {
    let stage = stage().await;
    let server = stage.serve();
    let (address, _) = line_to(server.address(), Trouble::Closed(usize::MAX));
    let (machine, line) = machine(address);
    machine.run(&line).ends_with(1).complains("cannot upload to s3://releases/big.tar").says_nothing();
    assert!(is_empty(&stage).await);
    server.shut_down();
}

#[tokio::test]
async fn an_upload_that_is_stopped_leaves_no_parts_and_registers_nothing() {
    let stage = stage().await;
    let server = stage.serve();
    let (address, struck) = line_to(server.address(), Trouble::Silent);
    let (machine, line) = machine(address);
    let mut command = machine.command(CDCTL);
    let child = command.args(line.split(' ')).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut child = child.unwrap();
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    let mut said = String::new();
    while !said.contains("uploading") {
        assert_ne!(stderr.read_line(&mut said).unwrap(), 0, "{said}");
    }
    struck.iter().find(|part| *part == 2).unwrap();
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    stderr.read_to_string(&mut said).unwrap();
    let run = Run::from(child.wait_with_output().unwrap()).ends_with(130);
    assert!(said.contains("nothing was left at s3://releases/big.tar") && run.stdout.is_empty(), "{said}");
    assert!(is_empty(&stage).await);
    server.shut_down();
}

/// Begins a push, waits until part `number` is sent, and interrupts it; what it ends with.
pub fn interrupted(machine: &Machine, line: &str, (struck, number): (&mpsc::Receiver<u32>, u32)) -> Run {
    let mut command = machine.command(CDCTL);
    let child = command.args(line.split(' ')).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut child = child.unwrap();
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    let mut said = String::new();
    while !said.contains("uploading") {
        assert_ne!(stderr.read_line(&mut said).unwrap(), 0, "{said}");
    }
    struck.iter().find(|part| *part == number).unwrap();
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    stderr.read_to_string(&mut said).unwrap();
    Run { stderr: said, ..Run::from(child.wait_with_output().unwrap()) }
}

pub fn fault(stage: &Stage, fault: serde_json::Value) {
    stage.sandbox.add_fault(serde_json::from_value(fault).unwrap()).unwrap();
}

/// An answer that never comes keeps nobody from ending: not that to a small bundle, nor that which begins a large one.
#[tokio::test]
async fn an_upload_that_is_never_answered_can_be_stopped() {
    let stage = stage().await;
    let server = stage.serve();
    let (address, struck) = line_to(server.address(), Trouble::Closed(0));
    let (machine, line) = machine(address);
    fault(&stage, json!({ "fault": "stall", "operation": "CreateMultipartUpload" }));
    let run = interrupted(&machine, &line, (&struck, 0)).ends_with(130).says_nothing();
    run.complains("an unfinished upload without parts may be left at s3://releases/big.tar");
    assert!(is_empty(&stage).await);
    fs::write(machine.home().join("site/noise"), "small").unwrap();
    fault(&stage, json!({ "fault": "stall", "operation": "PutObject" }));
    let run = interrupted(&machine, &line, (&struck, 0)).ends_with(130).says_nothing();
    run.complains("and nothing was registered");
    assert!(is_empty(&stage).await);
    server.shut_down();
}

#[tokio::test]
async fn parts_that_cannot_be_removed_are_told() {
    let stage = stage().await;
    let server = stage.serve();
    let (address, struck) = line_to(server.address(), Trouble::Closed(0));
    let (machine, line) = machine(address);
    fault(&stage, json!({ "fault": "error", "operation": "AbortMultipartUpload" }));
    fault(&stage, json!({ "fault": "stall", "operation": "UploadPart" }));
    let run = interrupted(&machine, &line, (&struck, 1)).ends_with(130).says_nothing();
    let open = s3(&stage.sandbox).list_multipart_uploads().bucket("releases").send().await.unwrap();
    let id = open.uploads()[0].upload_id().unwrap();
    run.complains(
        "stopped; an unfinished upload was left at s3://releases/big.tar and nothing was registered",
    )
    .complains(&format!("abort-multipart-upload --bucket releases --key big.tar --upload-id {id}"));
    server.shut_down();
}

/// Pushes over a line that swallows the second part, and kills the process once the other two are there.
pub async fn cut_short(stage: &Stage, server: SocketAddr, more: &str) -> (Machine, String) {
    let (address, _struck) = line_to(server, Trouble::Silent);
    let (machine, line) = machine(address);
    let line = format!("{line}{more}");
    let mut command = machine.command(CDCTL);
    // What is killed removes nothing.
    command.env("TMPDIR", machine.home());
    let child = command.args(line.split(' ')).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    let mut child = child.unwrap();
    let s3 = s3(&stage.sandbox);
    loop {
        let open = s3.list_multipart_uploads().bucket("releases").send().await.unwrap();
        if let Some(id) = open.uploads().first().and_then(|upload| upload.upload_id()) {
            let listed =
                s3.list_parts().bucket("releases").key("big.tar").upload_id(id).send().await.unwrap();
            if listed.parts().len() == 2 {
                break;
            }
        }
        assert!(child.try_wait().unwrap().is_none(), "it ended early");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    kill_process(Pid::from_child(&child), Signal::KILL).unwrap();
    child.wait().unwrap();
    (machine, line)
}

#[tokio::test]
async fn an_upload_whose_process_was_killed_is_gone_on_with() {
    let stage = stage().await;
    let server = stage.serve();
    let (machine, line) = cut_short(&stage, server.address(), "").await;
    let s3 = s3(&stage.sandbox);
    let open = async || s3.list_multipart_uploads().bucket("releases").send().await.unwrap();
    assert_eq!(open().await.uploads().len(), 1);

    let (address, parts) = line_to(server.address(), Trouble::Closed(0));
    let machine = machine.set("AWS_ENDPOINT_URL", &format!("http://{address}"));
    machine.run(&line).ends_with(0).complains("resumed an upload that was cut short: 8.");
    assert_eq!(
        parts.try_iter().collect::<Vec<_>>(),
        [2, REGISTERS],
        "the part that was missing, and no other"
    );
    assert!(open().await.uploads().is_empty());

    let pushed = s3.get_object().bucket("releases").key("big.tar").send().await.unwrap();
    assert!(pushed.e_tag().unwrap().ends_with("-3\""));
    let pushed = pushed.body.collect().await.unwrap().into_bytes();
    let (site, file) = (machine.home().join("site"), machine.home().join("same.tar"));
    machine
        .run(&format!("revision bundle {} --type tar --file {}", site.display(), file.display()))
        .ends_with(0);
    assert!(pushed == fs::read(file).unwrap(), "the object is not the bundle");
    server.shut_down();
}

/// Of another content, stored in another way, or not even begun: nobody else's upload is touched.
#[tokio::test]
async fn an_upload_of_something_else_to_the_same_key_is_left_alone_and_told() {
    let stage = stage().await;
    let server = stage.serve();
    let (machine, line) = cut_short(&stage, server.address(), "").await;
    let s3 = s3(&stage.sandbox);
    s3.create_multipart_upload().bucket("releases").key("big.tar").send().await.unwrap();
    s3.create_multipart_upload().bucket("releases").key("big.tar.old").send().await.unwrap();

    let (address, parts) = line_to(server.address(), Trouble::Closed(0));
    let machine = machine.set("AWS_ENDPOINT_URL", &format!("http://{address}"));
    let run = machine.run(&format!("{line} --storage-class STANDARD_IA")).ends_with(0);
    run.complains("1 unfinished upload is at s3://releases/big.tar, not of this bundle: left alone")
        .complains(
            "1 unfinished upload is at s3://releases/big.tar, without parts, of a push that still runs or",
        );
    assert_eq!(parts.try_iter().filter(|part| (1..=3).contains(part)).count(), 3);
    let open = s3.list_multipart_uploads().bucket("releases").send().await.unwrap();
    assert_eq!(open.uploads().len(), 3);
    server.shut_down();
}
