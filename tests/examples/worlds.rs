//! What the examples name: applications, groups, revisions, deployments and files, made by the tool itself.

use std::fs;
use std::path::PathBuf;

use crate::contract::python::{self, Python};
use crate::support::cdctl::{Machine, Run, package};
use crate::support::sandbox::Sandbox;

/// Examples that are not run here, and why.
pub const ELSEWHERE: &[(&str, &str)] = &[
    ("cdctl demo", "tests/demo.rs runs it, faster"),
    ("cdctl demo --scenario failure", "tests/demo.rs runs it, faster"),
    ("cdctl demo --keep /tmp/demo", "tests/demo.rs runs it, faster"),
    ("cdctl sandbox serve --allow-host-hooks --state ~/sandbox", "tests/by_hand.rs runs it, at another port"),
    (
        "cdctl sandbox run --fleet examples/fleet.yaml --allow-host-hooks -- sh examples/by-hand.sh",
        "tests/by_hand.rs runs it, faster",
    ),
];

/// Examples that end with another code than 0.
const CODES: &[(&str, i32)] = &[("cdctl revision diff s3://releases/site-2.zip . --exit-code", 10)];

/// Examples that need a world of their own: how they begin, and what is done there first.
const ALONE: &[(&str, &str)] = &[
    ("cdctl app create shop", "cdctl app delete shop --yes"),
    ("cdctl app delete shop", ""),
    ("cdctl app rename", ""),
    ("cdctl api CreateDeploymentGroup group.yaml", "sed -i s/prod/live/ group.yaml"),
    ("cdctl api CreateDeploymentGroup --skeleton", ""),
    ("cdctl deploy continue shop/prod", "waiting ready"),
    ("cdctl deploy continue d-", "waiting termination"),
    ("cdctl deploy create shop/checkout", "lambda"),
    ("cdctl deploy create shop/web", "service"),
    ("cdctl deploy create shop/prod --revision 's3://releases-{region}", "regions"),
    ("cdctl deploy hook-status", "hooked"),
    ("cdctl deploy logs shop/prod --failed", "failing"),
    ("cdctl deploy retry d-", "failing"),
    ("cdctl deploy retry shop/prod --outdated-only", ""),
    ("cdctl deploy rollback d-", "running"),
    ("cdctl deploy stop", "running"),
    ("cdctl deploy targets shop/prod --fleet", "waiting ready"),
    ("cdctl deploy watch shop/prod --next", "coming >/dev/null 2>&1 3>&1 &"),
    ("cdctl group create checkout/live", "cdctl group delete checkout/live --yes"),
    ("cdctl group create shop/prod", "cdctl group delete shop/prod --yes"),
    ("cdctl group create shop/web", "cdctl app delete shop --yes; cdctl app create shop --platform ecs"),
    ("cdctl group create --skeleton", ""),
    ("cdctl group delete", ""),
    ("cdctl group update shop/prod --rename", ""),
    ("cdctl instance deregister", ""),
    ("cdctl instance register", "cdctl instance deregister rack-7 --yes"),
    ("cdctl revision init", "rm -r ./*"),
    ("cdctl revision run", "install -d /tmp/host"),
    ("cdctl sandbox change appear", "cdctl sandbox change disappear i-0123456789abcdef0"),
    ("cdctl sandbox change disappear", ""),
    ("cdctl sandbox fault add", ""),
    (
        "cdctl sandbox fault clear",
        "cdctl sandbox fault add reset --operation GetDeployment; cdctl sandbox fault add slow --delay 1s",
    ),
];

const FLEET: &str = "
buckets: [{name: releases, versioning: true}, {name: releases-us-east-1}, {name: releases-eu-west-1}]
instances: [{id: i-0123456789abcdef0, tags: {Role: web, Env: prod}, auto_scaling_group: web-pool}]
generate: [{count: 2, zones: [a, c], tags: {Role: web}}, {count: 2, tags: {Fleet: green}}]
git_hub_accounts: [my-account]
functions:
- {name: checkout, aliases: {live: '1'}}
- {name: verify, hook: {command: [sh, HOME/hook.sh]}}
services: [{cluster: shop, name: web, tasks: 2}]
";

/// Makes it all, in an empty folder.
const SETUP: &str = include_str!("setup.sh");

/// A sandbox, and a folder in which to work.
pub struct World {
    _sandbox: Sandbox,
    machine: Machine,
    python: Option<Python>,
}

impl World {
    /// With all that examples name, after `setup`.
    pub fn of(setup: &str) -> Self {
        let machine = Machine::new();
        let sandbox = Sandbox::start(&FLEET.replace("HOME", &machine.home().display().to_string()), 300);
        let python = python::ready("the example that runs the AWS CLI");
        let world = World { machine: machine.against(&sandbox.url()), _sandbox: sandbox, python };
        fs::create_dir(world.folder()).unwrap();
        let run = world.shell(&format!("set -e\n{SETUP}\n{setup}\n"));
        assert_eq!(run.code, 0, "{setup}\n{run}");
        world
    }

    fn folder(&self) -> PathBuf {
        self.machine.home().join("work")
    }

    /// Runs an example. Ids are the service's to choose, and what lies in /tmp may be somebody's.
    pub fn runs(&self, line: &str) -> Run {
        let named = |name: &str| {
            let text = fs::read_to_string(self.machine.home().join("names").join(name)).unwrap_or_default();
            text.trim().to_owned()
        };
        let line = line.replace("d-7F3K2QX9A", &named("one")).replace("d-8G4L3RY0B", &named("two"));
        let line = line.replace("eyJlbmNyeXB0ZWREYXRh…", &named("hook"));
        let line = line.replace("versionId=V", &format!("versionId={}", named("version")));
        self.shell(&format!("gh() {{ cat >/dev/null; }}; {line}"))
    }

    /// Waits for the deployment that is under way, if there is one.
    pub fn settles(&self) {
        self.shell("cdctl deploy wait shop/prod --interval 100ms");
    }

    fn shell(&self, script: &str) -> Run {
        let script = script.replace("/tmp/", &format!("{}/", self.machine.home().display()));
        // What hangs is found out.
        let mut shell = self.machine.command("timeout");
        shell.args(["120", "bash", "-o", "pipefail", "-c", &script]).current_dir(self.folder());
        if let Some(python) = &self.python {
            let own = shell.get_envs().find(|(name, _)| *name == "PATH").and_then(|(_, path)| path).unwrap();
            let path = format!("{}:{}", own.to_str().unwrap(), python.bin().display());
            shell.env("PATH", path);
        }
        // Nobody is there to be asked.
        shell.env("PACKAGE", package("")).env("CDCTL_YES", "true").output().unwrap().into()
    }
}

/// What is done first for an example that needs a world of its own.
pub fn alone(line: &str) -> Option<&'static str> {
    let found = ALONE.iter().filter(|(start, _)| line.starts_with(start));
    found.max_by_key(|(start, _)| start.len()).map(|(_, setup)| *setup)
}

/// The code that an example ends with.
pub fn code(line: &str) -> i32 {
    CODES.iter().find(|(example, _)| *example == line).map_or(0, |(_, code)| *code)
}
