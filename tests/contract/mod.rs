//! Clients that are not ours drive the sandbox: the AWS CLI and boto3, from PyPI, in a virtual environment.
//!
//! They need python3 and, once, the network. Without python3 the run says what it left out; with `CI` set that
//! is a failure.

mod python;

use crate::support::stage::Stage;

#[test]
fn aws_cli_names_applications() {
    let Some(python) = python::ready("the AWS CLI against the sandbox") else { return };
    let stage = Stage::new();
    let server = stage.serve();
    let aws = |arguments: &[&str]| python.aws(&server, arguments);
    let created = aws(&["deploy", "create-application", "--application-name", "shop"]);
    assert!(created.contains("applicationId"), "{created}");
    assert_eq!(aws(&["deploy", "list-applications", "--output", "text"]), "APPLICATIONS\tshop\n");
}
