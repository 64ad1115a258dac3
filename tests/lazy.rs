//! What needs nothing of AWS asks for nothing: no connection, no credentials, no instance metadata.

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::{fs, thread};

use crate::support::cdctl::Machine;

/// A machine on which whatever could be asked notes that it was.
struct Trap {
    connections: Arc<AtomicUsize>,
    marker: PathBuf,
    url: String,
    machine: Machine,
}

impl Trap {
    /// With `region`, that is the only thing that is set beside the traps.
    fn new(region: Option<&str>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let connections = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&connections);
        thread::spawn(move || {
            for stream in listener.incoming() {
                drop(stream);
                counter.fetch_add(1, Ordering::SeqCst);
            }
        });
        let mut machine = Machine::new()
            .set("AWS_ENDPOINT_URL", &url)
            .set("AWS_EC2_METADATA_DISABLED", "false")
            .set("AWS_EC2_METADATA_SERVICE_ENDPOINT", &url)
            .set("AWS_CONTAINER_CREDENTIALS_FULL_URI", &url)
            .set("HTTP_PROXY", &url)
            .set("HTTPS_PROXY", &url);
        let marker = machine.home().join("asked");
        let process = machine.home().join("process.sh");
        fs::write(&process, format!("#!/bin/sh\necho asked >> {}\n", marker.display())).unwrap();
        fs::set_permissions(&process, fs::Permissions::from_mode(0o755)).unwrap();
        fs::create_dir(machine.home().join(".aws")).unwrap();
        let config = format!("[default]\ncredential_process = {}\n", process.display());
        fs::write(machine.home().join(".aws/config"), config).unwrap();
        if let Some(region) = region {
            machine = machine.set("AWS_REGION", region);
        }
        Trap { connections, marker, url, machine }
    }

    #[track_caller]
    fn is_untouched(&self) {
        assert!(!self.marker.exists(), "credential_process was run");
        // Whoever connected before us is counted before us.
        drop(std::net::TcpStream::connect(self.url.trim_start_matches("http://")).unwrap());
        while self.connections.load(Ordering::SeqCst) == 0 {
            thread::yield_now();
        }
        assert_eq!(self.connections.swap(0, Ordering::SeqCst), 1, "somebody connected");
    }
}

#[test]
fn what_needs_nothing_asks_for_nothing() {
    for region in [None, Some("eu-west-1")] {
        let trap = Trap::new(region);
        for (line, code) in [
            ("--version", 0),
            ("--help", 0),
            ("deploy create --help", 0),
            ("", 2),
            ("deploy wathc shop/prod", 2),
            ("deploy create shop/prod --revision nonsense", 2),
            ("deploy create shop/prod --push examples/site", 2),
            ("deploy create shop/prod --push src --bucket releases", 10),
            ("revision push examples s3://releases/site-1.zip --app shop", 10),
            ("revision push nowhere s3://releases/site-1.zip --app shop", 1),
            ("revision validate examples/site", 0),
            ("revision validate examples", 10),
            ("sandbox run -- true", 0),
            ("demo --speed 60", 0),
        ] {
            trap.machine.run(line).ends_with(code);
            trap.is_untouched();
        }
    }
}

#[test]
fn without_a_region_nothing_is_asked() {
    let trap = Trap::new(None);
    for line in [
        "app create shop",
        "deploy list shop/prod",
        "deploy watch shop/prod",
        "deploy create shop/prod --push examples/site --bucket releases",
        "revision push examples/site s3://releases/site-1.zip --app shop",
    ] {
        trap.machine.run(line).ends_with(1).complains("error: no AWS region is set\n");
        trap.is_untouched();
    }
}

#[test]
fn the_trap_catches() {
    let trap = Trap::new(Some("eu-west-1"));
    trap.machine.run("app create shop --max-attempts 1").ends_with(1);
    assert!(trap.marker.exists());
}
