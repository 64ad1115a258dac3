//! A whole sandbox in this process, for the binary to talk to.

use cdctl::sandbox::fleet::Fleet;
use cdctl::sandbox::{HookPolicy, Running, Setup};

use super::cdctl::Machine;

pub const ROLE: &str = "arn:aws:iam::123456789012:role/CodeDeploy";

/// Four hosts that only take their time, and a bucket.
pub const SIMULATED: &str = "
buckets: [{name: releases, versioning: true}]
generate: [{count: 4, zones: [a, b], tags: {Role: web}}]
";

/// A running sandbox with its directory.
pub struct Sandbox {
    running: Running,
    folder: tempfile::TempDir,
}

impl Sandbox {
    pub fn start(fleet: &str, speed: u32) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let setup = Setup {
            listen: "127.0.0.1:0".parse().unwrap(),
            dir: folder.path().to_owned(),
            fleet: Fleet::parse(fleet, 1).unwrap(),
            speed,
            seed: 1,
            hooks: HookPolicy { allow_host_hooks: true, ..HookPolicy::default() },
            path: None,
            state: None,
        };
        Sandbox { running: Running::start(setup).unwrap(), folder }
    }

    pub fn url(&self) -> String {
        self.running.url()
    }

    /// A machine whose environment names this sandbox.
    pub fn machine(&self) -> Machine {
        Machine::new().against(&self.url())
    }

    /// As [`Sandbox::machine`], with application `shop` and its group `prod` made.
    pub fn with_group(&self) -> Machine {
        let machine = self.machine();
        machine.run("app create shop").ends_with(0);
        let create = format!("group create shop/prod --service-role {ROLE} --ec2-tag Role=web");
        machine.run(&create).ends_with(0);
        machine
    }

    /// Ends it; gives what the API of region us-east-1 knew.
    pub fn end(self) -> serde_json::Value {
        self.running.shut_down().unwrap();
        let state = std::fs::read(self.folder.path().join("state.json")).unwrap();
        serde_json::from_slice::<serde_json::Value>(&state).unwrap()["regions"]["us-east-1"].take()
    }

    /// How many objects its S3 holds.
    pub fn objects(&self) -> usize {
        std::fs::read_dir(self.folder.path().join("objects")).unwrap().count()
    }
}
