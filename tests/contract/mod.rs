//! Clients that are not ours drive the sandbox: the AWS CLI and boto3, from PyPI, in a virtual environment.
//!
//! They need python3 and, once, the network. Without python3 the run says what it left out; with `CI` set that
//! is a failure.

mod moto;
pub mod python;
mod schemas;

use std::collections::BTreeSet;
use std::fs;

use cdctl::sandbox::PAGE_SIZE;
use cdctl::sandbox::operations::OPERATIONS;
use cdctl::sandbox::server::Server;
use python::Python;

use crate::support::cdctl::{Machine, package};
use crate::support::sandbox::{SIMULATED, Sandbox};
use crate::support::stage::{Scene, Stage};

const ROLE: &str = "arn:aws:iam::123456789012:role/CodeDeploy";

#[test]
fn operations_are_those_of_the_model() {
    let Some(python) = python::ready("the operations against botocore's model") else { return };
    let model = python.service_model();
    let modelled: BTreeSet<&str> =
        model["operations"].as_object().unwrap().keys().map(String::as_str).collect();
    assert!(modelled.len() >= 47);
    let ours: BTreeSet<&str> = OPERATIONS.iter().map(|operation| operation.name).collect();
    assert_eq!(ours.len(), OPERATIONS.len(), "an operation is there twice");
    assert_eq!(ours, modelled);
}

/// What botocore calls the service's two protocols.
const PROTOCOLS: [&str; 2] = ["json", "smithy-rpc-v2-cbor"];

#[test]
fn boto3_knows_every_member_of_every_answer() {
    let Some(python) = python::ready("boto3 against every operation") else { return };
    for protocol in PROTOCOLS {
        for page_size in [1, PAGE_SIZE] {
            let stage = Stage::of(Scene::Running, page_size);
            let server = stage.serve();
            python::run(python.script(&url(&server), "sweep.py").env("PROTOCOL", protocol));
        }
    }
}

#[test]
fn boto3_provokes_every_error_of_the_model() {
    let Some(python) = python::ready("boto3 against every error") else { return };
    for protocol in PROTOCOLS {
        let stage = Stage::of(Scene::Running, PAGE_SIZE);
        let server = stage.serve();
        python::run(python.script(&url(&server), "errors.py").env("PROTOCOL", protocol));
    }
}

#[test]
fn boto3s_waiter_sees_both_ends() {
    let Some(python) = python::ready("boto3's waiter") else { return };
    for protocol in PROTOCOLS {
        for (scene, ends) in [(Scene::Succeeded, "well"), (Scene::Failed, "badly")] {
            let stage = Stage::of(scene, PAGE_SIZE);
            let server = stage.serve();
            let mut script = python.script(&url(&server), "waiter.py");
            python::run(script.env("PROTOCOL", protocol).env("ENDS", ends));
        }
    }
}

fn url(server: &Server) -> String {
    format!("http://{}", server.address())
}

/// The AWS CLI against one sandbox, which it keeps.
struct Cli {
    python: Python,
    url: String,
    _sandbox: Box<dyn std::any::Any>,
}

impl Cli {
    fn on(scene: Scene, tests: &str) -> Option<Self> {
        let python = python::ready(tests)?;
        let stage = Stage::of(scene, PAGE_SIZE);
        let server = stage.serve();
        Some(Cli { python, url: url(&server), _sandbox: Box::new((server, stage)) })
    }

    /// Against a whole sandbox, with an engine that deploys.
    fn engine(fleet: &str, tests: &str) -> Option<Self> {
        let python = python::ready(tests)?;
        let sandbox = Sandbox::start(fleet, 60);
        Some(Cli { python, url: sandbox.url(), _sandbox: Box::new(sandbox) })
    }

    /// cdctl on the same sandbox, in the AWS CLI's region.
    fn machine(&self) -> Machine {
        Machine::new().against(&self.url).set("AWS_REGION", "eu-west-1")
    }

    /// What `aws deploy …` prints as text.
    #[track_caller]
    fn deploy(&self, arguments: &str) -> String {
        let arguments = format!("deploy {arguments} --output text");
        self.aws(&arguments.split(' ').collect::<Vec<_>>()).trim_end().to_owned()
    }

    #[track_caller]
    fn aws(&self, arguments: &[&str]) -> String {
        python::run(self.python.program("aws", &self.url).args(arguments))
    }

    fn group(&self) {
        self.deploy("create-application --application-name shop");
        let group = "create-deployment-group --application-name shop --deployment-group-name prod";
        let tags = "--ec2-tag-filters Key=Role,Value=web,Type=KEY_AND_VALUE";
        self.deploy(&format!("{group} --service-role-arn {ROLE} {tags}"));
    }

    fn deployment(&self) -> String {
        let bundle = "--s3-location bucket=releases,key=site.zip,bundleType=zip";
        let create = "create-deployment --application-name shop --deployment-group-name prod";
        self.deploy(&format!("{create} {bundle}"))
    }

    /// The exit code of `aws deploy wait deployment-successful`.
    fn wait(&self, id: &str) -> Option<i32> {
        let wait = ["deploy", "wait", "deployment-successful", "--deployment-id", id];
        self.python.program("aws", &self.url).args(wait).output().unwrap().status.code()
    }
}

#[test]
fn aws_cli_pushes_and_deploys() {
    let Some(cli) = Cli::on(Scene::Running, "the AWS CLI: push, create-deployment, targets, stop") else {
        return;
    };
    cli.group();
    let site = tempfile::tempdir().unwrap();
    fs::write(site.path().join("appspec.yml"), "version: 0.0\nos: linux\n").unwrap();
    // Beyond 6 MiB `deploy push` sends parts.
    let mut random = fastrand::Rng::with_seed(1);
    let noise: Vec<u8> = std::iter::repeat_with(|| random.u8(..)).take(7 << 20).collect();
    fs::write(site.path().join("noise.bin"), noise).unwrap();
    let folder = site.path().to_str().unwrap();
    cli.aws(&["s3", "mb", "s3://releases"]);
    let file = site.path().join("appspec.yml");
    cli.aws(&["s3", "cp", file.to_str().unwrap(), "s3://releases/in/appspec.yml"]);
    assert!(cli.aws(&["s3", "ls", "s3://releases/"]).contains("PRE in/"));
    assert_eq!(cli.aws(&["s3", "cp", "s3://releases/in/appspec.yml", "-"]), "version: 0.0\nos: linux\n");
    let location = "s3://releases/site.zip";
    let pushed = cli.aws(&[
        "deploy",
        "push",
        "--application-name",
        "shop",
        "--s3-location",
        location,
        "--source",
        folder,
    ]);
    assert!(pushed.contains("aws deploy create-deployment"), "{pushed}");
    let revisions = cli.deploy("list-application-revisions --application-name shop");
    assert!(revisions.contains("site.zip") && revisions.contains("-2"), "{revisions}");

    let id = cli.deployment();
    let status = "--query deploymentInfo.status";
    assert_eq!(cli.deploy(&format!("get-deployment --deployment-id {id} {status}")), "InProgress");
    let targets = cli.deploy(&format!("list-deployment-targets --deployment-id {id} --query targetIds"));
    assert_eq!(targets, "i-0123456789abcdef0\ti-0123456789abcdef1");
    let ids = targets.replace('\t', " ");
    let query = "--query deploymentTargets[].instanceTarget.status";
    let states = format!("batch-get-deployment-targets --deployment-id {id} --target-ids {ids} {query}");
    assert_eq!(cli.deploy(&states), "InProgress\tInProgress");
    let stopped = cli.deploy(&format!("stop-deployment --deployment-id {id} --query status"));
    assert_eq!(stopped, "Pending");
    assert_eq!(cli.deploy(&format!("get-deployment --deployment-id {id} {status}")), "Stopped");
    assert_eq!(cli.wait(&id), Some(255));
    assert!(cli.aws(&["sts", "get-caller-identity"]).contains("123456789012"));
}

#[test]
fn aws_cli_sends_parts_with_checksums() {
    let Some(cli) = Cli::on(Scene::Created, "the AWS CLI: s3 cp in parts") else { return };
    let folder = tempfile::tempdir().unwrap();
    let (file, back) = (folder.path().join("big"), folder.path().join("back"));
    let mut noise = vec![0; 9 << 20];
    fastrand::Rng::with_seed(1).fill(&mut noise);
    fs::write(&file, &noise).unwrap();
    cli.aws(&["s3", "mb", "s3://releases"]);
    let copied = |more: &[&str], sum: &str| {
        cli.aws(&[&["s3", "cp", file.to_str().unwrap(), "s3://releases/big"], more].concat());
        cli.aws(&["s3", "cp", "s3://releases/big", back.to_str().unwrap()]);
        assert!(fs::read(&back).unwrap() == noise);
        let head = ["s3api", "head-object", "--bucket", "releases", "--key", "big", "--output", "text"];
        let query = format!("[{sum},ChecksumType]");
        cli.aws(&[&head[..], &["--checksum-mode", "ENABLED", "--query", &query]].concat())
    };
    for (more, sum) in [(&[][..], "ChecksumCRC32"), (&["--checksum-algorithm", "SHA256"], "ChecksumSHA256")] {
        let told = copied(more, sum);
        assert!(told.trim().ends_with("-2\tCOMPOSITE"), "{told}");
    }
}

#[test]
fn aws_cli_waits_for_the_end() {
    for (scene, code) in [(Scene::Succeeded, 0), (Scene::Failed, 255)] {
        let Some(cli) = Cli::on(scene, "the AWS CLI: wait deployment-successful") else { return };
        cli.group();
        let id = cli.deployment();
        assert_eq!(cli.wait(&id), Some(code), "{scene:?}");
    }
}

/// Both hosts of zone b fail to start: with the group's configuration, OneAtATime, that is one too many.
const FAULTS: &str = "faults: [{hosts: {zone: b}, event: ApplicationStart, outcome: {fail: {script: scripts/start.sh, exit_code: 3}}}]\n";

#[test]
fn aws_cli_waits_for_what_cdctl_deployed() {
    for (faults, code, waited) in [("", 0, 0), (FAULTS, 3, 255)] {
        let fleet = format!("{SIMULATED}{faults}");
        let Some(cli) = Cli::engine(&fleet, "the AWS CLI on a deployment of cdctl's") else { return };
        cli.group();
        let machine = cli.machine();
        let create = "deploy create shop/prod --push examples/site --bucket releases";
        let id = machine.run(create).ends_with(0).stdout.trim().to_owned();
        assert_eq!(cli.wait(&id), Some(waited));
        machine.run(&format!("deploy watch {id}")).ends_with(code).says_nothing();
    }
}

#[test]
fn cdctl_watches_what_the_aws_cli_deployed() {
    for (faults, code) in [("", 0), (FAULTS, 3)] {
        let fleet = format!("{SIMULATED}{faults}");
        let Some(cli) = Cli::engine(&fleet, "cdctl on a deployment of the AWS CLI's") else { return };
        cli.group();
        let site = package("examples/site");
        let push =
            ["deploy", "push", "--application-name", "shop", "--s3-location", "s3://releases/site.zip"];
        cli.aws(&[&push[..], &["--source", site.to_str().unwrap()]].concat());
        let id = cli.deployment();
        cli.machine().run(&format!("deploy watch {id}")).ends_with(code).says_nothing();
        let folder = tempfile::tempdir().unwrap();
        let bundle = folder.path().join("site.zip");
        let bundle = bundle.to_str().unwrap();
        cli.aws(&["s3", "cp", "s3://releases/site.zip", bundle]);
        cli.aws(&["s3", "cp", bundle, "s3://releases/copy/site.zip"]);
        let create = "create-deployment --application-name shop --deployment-group-name prod --s3-location";
        let id = cli.deploy(&format!("{create} bucket=releases,key=copy/site.zip,bundleType=zip"));
        cli.machine().run(&format!("deploy watch {id}")).ends_with(code).says_nothing();
    }
}

#[test]
fn targets_are_those_of_the_model_while_they_change() {
    let Some(python) = python::ready("boto3 on targets under way") else { return };
    let sandbox = Sandbox::start(&format!("{SIMULATED}{FAULTS}"), 5);
    sandbox.with_group();
    let push = "revision push examples/site s3://releases/site.zip --app shop";
    sandbox.machine().run(push).ends_with(0);
    let mut script = python.script(&sandbox.url(), "running.py");
    python::run(script.env("AWS_DEFAULT_REGION", "us-east-1"));
}
