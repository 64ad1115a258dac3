//! Clients that are not ours drive the sandbox: the AWS CLI and boto3, from PyPI, in a virtual environment.
//!
//! They need python3 and, once, the network. Without python3 the run says what it left out; with `CI` set that
//! is a failure.

pub mod python;

use std::collections::BTreeSet;
use std::fs;

use cdctl::sandbox::PAGE_SIZE;
use cdctl::sandbox::operations::OPERATIONS;
use cdctl::sandbox::server::Server;
use python::Python;

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
    assert_eq!(ours.difference(&modelled).collect::<Vec<_>>(), Vec::<&&str>::new());
}

#[test]
fn boto3_knows_every_member_of_every_answer() {
    let Some(python) = python::ready("boto3 against every operation") else { return };
    for page_size in [1, PAGE_SIZE] {
        let stage = Stage::of(Scene::Running, page_size);
        let server = stage.serve();
        let names: Vec<&str> = OPERATIONS.iter().map(|operation| operation.name).collect();
        python::run(python.script(&server, "sweep.py").env("OPERATIONS", names.join(" ")));
    }
}

/// The AWS CLI against one sandbox.
struct Cli {
    python: Python,
    server: Server,
    _stage: Stage,
}

impl Cli {
    fn on(scene: Scene, tests: &str) -> Option<Self> {
        let python = python::ready(tests)?;
        let stage = Stage::of(scene, PAGE_SIZE);
        Some(Cli { python, server: stage.serve(), _stage: stage })
    }

    /// What `aws deploy …` prints as text.
    #[track_caller]
    fn deploy(&self, arguments: &str) -> String {
        let arguments = format!("deploy {arguments} --output text");
        self.aws(&arguments.split(' ').collect::<Vec<_>>()).trim_end().to_owned()
    }

    #[track_caller]
    fn aws(&self, arguments: &[&str]) -> String {
        python::run(self.python.program("aws", &self.server).args(arguments))
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
        self.python.program("aws", &self.server).args(wait).output().unwrap().status.code()
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
fn aws_cli_waits_for_the_end() {
    for (scene, code) in [(Scene::Succeeded, 0), (Scene::Failed, 255)] {
        let Some(cli) = Cli::on(scene, "the AWS CLI: wait deployment-successful") else { return };
        cli.group();
        let id = cli.deployment();
        assert_eq!(cli.wait(&id), Some(code), "{scene:?}");
    }
}
