//! Downloads over a line that breaks.

use std::fs;
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use cdctl::sandbox::server::Server;

use crate::support::cdctl::Machine;
use crate::support::client::{codedeploy, s3};
use crate::support::stage::Stage;

/// What happens to what a server sends, behind its first 64 KiB.
#[derive(Clone, Copy)]
enum Trouble {
    Cut,
    Changed,
}

/// A line to `server` on which that happens, so often at most; its address.
fn line_to(server: SocketAddr, trouble: Trouble, times: usize) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let count = Arc::new(AtomicUsize::new(times));
    thread::spawn(move || {
        for client in listener.incoming().map_while(Result::ok) {
            let upstream = TcpStream::connect(server).unwrap();
            let (mut from_client, mut to_server) =
                (client.try_clone().unwrap(), upstream.try_clone().unwrap());
            thread::spawn(move || {
                let _ = std::io::copy(&mut from_client, &mut to_server);
                let _ = to_server.shutdown(Shutdown::Both);
            });
            let count = Arc::clone(&count);
            thread::spawn(move || pass(upstream, client, trouble, &count));
        }
    });
    address
}

fn pass(mut server: TcpStream, mut client: TcpStream, trouble: Trouble, count: &AtomicUsize) {
    let (mut chunk, mut passed) = (vec![0; 32 << 10], 0);
    while let Ok(read @ 1..) = server.read(&mut chunk) {
        let less = |count: usize| count.checked_sub(1);
        passed += read;
        if passed > 64 << 10 && count.fetch_update(Ordering::SeqCst, Ordering::SeqCst, less).is_ok() {
            match trouble {
                Trouble::Cut => break,
                Trouble::Changed => chunk[read - 1] ^= 1,
            }
        }
        if client.write_all(&chunk[..read]).is_err() {
            break;
        }
    }
    let _ = client.shutdown(Shutdown::Both);
    let _ = server.shutdown(Shutdown::Both);
}

/// A bundle of so many bytes in S3; a machine on a line to it, and the bundle as it was.
async fn pushed(bytes: usize) -> (Stage, Server, Machine, Vec<u8>) {
    let stage = Stage::new();
    s3(&stage.sandbox).create_bucket().bucket("releases").send().await.unwrap();
    codedeploy(&stage.sandbox).create_application().application_name("shop").send().await.unwrap();
    let server = stage.serve();
    let machine = Machine::new().against(&format!("http://{}", server.address()));
    let machine = machine.set("AWS_REGION", "eu-west-1").set("AWS_MAX_ATTEMPTS", "2");
    let (site, file) = (machine.home().join("site"), machine.home().join("site.tar"));
    fs::create_dir(&site).unwrap();
    fs::write(site.join("appspec.yml"), "version: 0.0\nos: linux\n").unwrap();
    let mut noise = vec![0; bytes];
    fastrand::Rng::with_seed(5).fill(&mut noise);
    fs::write(site.join("noise"), noise).unwrap();
    machine.run(&format!("revision bundle {} --file {}", site.display(), file.display())).ends_with(0);
    let push = format!("revision push {} s3://releases/site.tar --app shop", file.display());
    machine.run(&push).ends_with(0);
    let bundle = fs::read(&file).unwrap();
    (stage, server, machine, bundle)
}

/// In one part S3 tells a checksum of the whole, in several none that a client can check.
#[tokio::test]
async fn a_download_that_breaks_off_or_comes_wrong_is_tried_again() {
    for bytes in [1 << 20, 17 << 20] {
        let (_stage, server, machine, bundle) = pushed(bytes).await;
        let to = machine.home().join("pulled");
        let pull = format!("revision pull s3://releases/site.tar --file {}", to.display());
        let over = |machine: Machine, trouble, times| {
            let address = line_to(server.address(), trouble, times);
            machine.set("AWS_ENDPOINT_URL", &format!("http://{address}"))
        };
        let mut machine = machine;
        for trouble in [Trouble::Cut, Trouble::Changed] {
            machine = over(machine, trouble, 1);
            machine.run(&pull).ends_with(0);
            assert!(fs::read(&to).unwrap() == bundle, "{bytes}");
            fs::remove_file(&to).unwrap();
        }
        machine = over(machine, Trouble::Cut, usize::MAX);
        let run = machine.run(&pull).ends_with(1).complains("cannot download s3://releases/site.tar");
        assert!(!run.stderr.contains("streaming error"), "{run}");
        machine = over(machine, Trouble::Changed, usize::MAX);
        let run = machine.run(&pull).ends_with(1);
        let why = ["checksum", "what came is not what was pushed: its SHA-256 is "];
        assert!(run.stderr.contains(why[usize::from(bytes > 16 << 20)]), "{run}");
        assert!(!to.exists());
        server.shut_down();
    }
}

/// Its last part is no file's name.
#[tokio::test]
async fn a_key_may_end_in_the_name_of_a_directory() {
    let (_stage, server, machine, _) = pushed(100).await;
    let site = machine.home().join("site");
    for (place, key) in ["a/..", "."].into_iter().enumerate() {
        let object = format!("s3://releases/{key}?bundleType=zip");
        machine.run(&format!("revision push {} {object} --app shop", site.display())).ends_with(0);
        let to = machine.home().join(format!("pulled-{place}"));
        machine.run(&format!("revision pull {object} --file {}", to.display())).ends_with(0);
        assert!(to.is_file());
    }
    server.shut_down();
}
