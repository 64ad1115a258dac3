//! Credentials and endpoints as in the AWS CLI, on real sockets: who signs, where to, and what is said where
//! nobody can.

mod endpoints;
mod link_local;
mod roles;
mod sockets;
mod sources;

use std::fs;

use crate::support::cdctl::{Machine, Run};
use crate::support::stand_in::{Answer, Request, StandIn};

/// Any call that is one call.
const CALL: &str = "api ListApplications -o text";

/// CodeDeploy, STS, SSO, the container's and the instance's metadata: whoever asks is answered.
fn aws() -> StandIn {
    StandIn::new(answer)
}

fn answer(request: &Request) -> Answer {
    if request.operation().is_some() {
        return Answer::json(r#"{"applications":["shop"]}"#);
    }
    let target = request.line.split(' ').nth(1).unwrap();
    match target.split('?').next().unwrap() {
        "/" => sts(request),
        "/federation/credentials" => Answer::json(
            r#"{"roleCredentials":{"accessKeyId":"SSO","secretAccessKey":"s","sessionToken":"t","expiration":4102444800000}}"#,
        ),
        "/container" if request.header("authorization") == "Bearer container" => keys("CONTAINER"),
        "/relative" => keys("RELATIVE"),
        "/latest/api/token" => Answer { status: 200, body: "token".to_owned(), ..Answer::not_found() },
        "/latest/meta-data/iam/security-credentials/"
        | "/latest/meta-data/iam/security-credentials-extended/" => {
            Answer { status: 200, body: "role".to_owned(), ..Answer::not_found() }
        }
        "/latest/meta-data/iam/security-credentials/role"
        | "/latest/meta-data/iam/security-credentials-extended/role" => keys("IMDS"),
        _ => Answer::not_found(),
    }
}

/// Keys as metadata services give them.
fn keys(key: &str) -> Answer {
    Answer::json(&format!(
        r#"{{"Code":"Success","LastUpdated":"2026-01-01T00:00:00Z","Type":"AWS-HMAC","AccessKeyId":"{key}","SecretAccessKey":"s","Token":"t","Expiration":"2100-01-01T00:00:00Z"}}"#
    ))
}

/// AssumeRole and its like: the access key tells the role and who assumed it.
fn sts(request: &Request) -> Answer {
    let field = |name: &str| {
        let pairs = request.body.split('&').filter_map(|pair| pair.split_once('='));
        pairs.filter(|(key, _)| *key == name).map(|(_, value)| value.to_owned()).next().unwrap_or_default()
    };
    let action = field("Action");
    let role = field("RoleArn").rsplit("%2F").next().unwrap().to_owned();
    if role == "denied" {
        let body = "<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code>\
                    <Message>User me is not authorized to perform sts:AssumeRole</Message></Error>\
                    <RequestId>r-1</RequestId></ErrorResponse>";
        return Answer { status: 403, ..Answer::xml(body.to_owned()) };
    }
    let key = format!("{role}-by-{}{}", request.key(), field("TokenCode"));
    Answer::xml(format!(
        "<{action}Response xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><{action}Result><Credentials>\
         <AccessKeyId>{key}</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken>\
         <Expiration>2100-01-01T00:00:00Z</Expiration></Credentials><AssumedRoleUser>\
         <Arn>arn:aws:sts::123456789012:assumed-role/{role}/session</Arn>\
         <AssumedRoleId>AROA:session</AssumedRoleId></AssumedRoleUser></{action}Result>\
         <ResponseMetadata><RequestId>r-1</RequestId></ResponseMetadata></{action}Response>"
    ))
}

/// A machine whose config files are these, and whose AWS is `aws`.
fn machine(aws: &StandIn, config: &str, credentials: &str) -> Machine {
    let machine = Machine::new().set("AWS_ENDPOINT_URL", &aws.url).set("AWS_REGION", "eu-west-1");
    fs::create_dir(machine.home().join(".aws")).unwrap();
    fs::write(machine.home().join(".aws/config"), config).unwrap();
    fs::write(machine.home().join(".aws/credentials"), credentials).unwrap();
    machine
}

/// Who signed the one call of CodeDeploy.
#[track_caller]
fn signer(aws: &StandIn, run: Run) -> String {
    let run = run.ends_with(0);
    let seen = aws.seen();
    let calls: Vec<_> = seen.iter().filter(|request| request.operation().is_some()).collect();
    let [call] = calls[..] else { panic!("{run}\n{seen:#?}") };
    call.key().to_owned()
}
