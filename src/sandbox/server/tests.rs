//! Requests as they arrive, before any operation sees them.

use std::sync::Arc;

use http::{Request, Response};
use http_body_util::BodyExt;
use s3s::Body;
use serde_json::Value;

use super::BODY_LIMIT;
use super::signature::sign;
use crate::sandbox::clock::Manual;
use crate::sandbox::objects::Objects;
use crate::sandbox::store::Wait;
use crate::sandbox::{Conductor, PAGE_SIZE, Sandbox, Shared};

struct Nobody;

impl Conductor for Nobody {
    fn created(&self, _region: &str, _id: &str) {}
    fn stop_requested(&self, _region: &str, _id: &str) {}
    fn continued(&self, _region: &str, _id: &str, _wait: Wait) {}
    fn hook_answered(&self, _region: &str, _id: &str, _hook_execution_id: &str, _succeeded: bool) {}
}

fn sandbox() -> (tempfile::TempDir, Sandbox) {
    let directory = tempfile::tempdir().unwrap();
    let shared = Arc::new(Shared::new(Arc::new(Manual::at(1_795_348_800_123)), 7));
    let objects = Arc::new(Objects::new(directory.path(), fastrand::Rng::with_seed(1)).unwrap());
    (directory, Sandbox::new(shared, objects, Arc::new(Nobody), PAGE_SIZE))
}

fn to(operation: &str, body: &str) -> Request<String> {
    let target = format!("CodeDeploy_20141006.{operation}");
    let builder =
        Request::post("/").header("host", "127.0.0.1:4577").header("x-amz-date", "20261122T120000Z");
    builder.header("x-amz-target", target).body(body.to_owned()).unwrap()
}

fn signed(request: Request<String>) -> Request<String> {
    sign(request, "eu-west-1")
}

async fn send(sandbox: &Sandbox, request: Request<String>) -> Response<String> {
    let response = sandbox.handle(request.map(Body::from)).await;
    let (parts, body) = response.into_parts();
    let text = String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap();
    Response::from_parts(parts, text)
}

#[tokio::test]
async fn errors_that_any_call_may_get() {
    let (_directory, sandbox) = sandbox();
    let long = format!("{{\"applicationName\":\"{}\"}}", "a".repeat(BODY_LIMIT));
    let mut spoilt = signed(to("ListApplications", "{}"));
    *spoilt.body_mut() = "{ }".to_owned();
    let mut half = to("ListApplications", "{}");
    half.headers_mut().insert("authorization", "AWS4-HMAC-SHA256 Credential=a/b".parse().unwrap());
    let cases = [
        (to("ListApplications", "{}"), 403, "MissingAuthenticationTokenException"),
        (half, 403, "IncompleteSignatureException"),
        (spoilt, 403, "InvalidSignatureException"),
        (signed(to("ListApplications", "{")), 400, "SerializationException"),
        (signed(to("ListApplications", r#"{"nextToken":1}"#)), 400, "SerializationException"),
        (signed(to("ListApplications", &"[".repeat(100_000))), 400, "SerializationException"),
        (signed(to("DoSomething", "{}")), 404, "UnknownOperationException"),
        (signed(to("CreateApplication", &long)), 413, "RequestEntityTooLargeException"),
        (
            signed(to("GetApplication", r#"{"applicationName":"nix"}"#)),
            400,
            "ApplicationDoesNotExistException",
        ),
    ];
    for (request, status, code) in cases {
        let response = send(&sandbox, request).await;
        let body: Value = serde_json::from_str(response.body()).unwrap();
        assert_eq!(body["__type"], code);
        assert!(body["message"].is_string());
        assert_eq!(response.status().as_u16(), status, "{code}");
        let headers = response.headers();
        assert_eq!(headers["content-type"], "application/x-amz-json-1.1");
        assert_eq!(headers["x-amzn-requestid"].len(), 36);
        assert_eq!(headers["date"], "Sun, 22 Nov 2026 12:00:00 GMT");
    }
}

#[tokio::test]
async fn answers_without_a_shape_are_empty() {
    let (_directory, sandbox) = sandbox();
    let response = send(&sandbox, signed(to("DeleteApplication", r#"{"applicationName":"a"}"#))).await;
    assert_eq!((response.status().as_u16(), response.body().as_str()), (200, ""));
    let response = send(&sandbox, signed(to("ListApplications", ""))).await;
    assert_eq!((response.status().as_u16(), response.body().as_str()), (200, r#"{"applications":[]}"#));
}

#[tokio::test]
async fn other_machines_are_refused() {
    let (_directory, sandbox) = sandbox();
    for (name, value) in [("host", "sandbox.example.com"), ("origin", "https://example.com")] {
        let mut request = to("ListApplications", "{}");
        request.headers_mut().insert(name, value.parse().unwrap());
        assert_eq!(send(&sandbox, signed(request)).await.status().as_u16(), 403, "{name}");
    }
}

#[tokio::test]
async fn regions_are_worlds_apart() {
    let (_directory, sandbox) = sandbox();
    let body = r#"{"applicationName":"shop"}"#;
    assert_eq!(send(&sandbox, sign(to("CreateApplication", body), "eu-west-1")).await.status(), 200);
    assert_eq!(send(&sandbox, sign(to("GetApplication", body), "eu-west-1")).await.status(), 200);
    assert_eq!(send(&sandbox, sign(to("GetApplication", body), "us-east-1")).await.status(), 400);
    assert_eq!(send(&sandbox, sign(to("GetApplication", body), "../x")).await.status(), 403);
}

#[test]
fn a_listener_is_loopback_and_ends() {
    let (_directory, sandbox) = sandbox();
    let sandbox = Arc::new(sandbox);
    let open = std::net::TcpListener::bind("0.0.0.0:0").unwrap();
    assert!(sandbox.clone().serve(open).is_err());
    let server = sandbox.serve(std::net::TcpListener::bind("127.0.0.1:0").unwrap()).unwrap();
    let address = server.address();
    let idle = std::net::TcpStream::connect(address).unwrap();
    server.shut_down();
    assert!(std::net::TcpStream::connect(address).is_err());
    drop(idle);
}

#[tokio::test]
async fn sts_says_who_calls() {
    let (_directory, sandbox) = sandbox();
    let form = |action: &str| {
        let builder =
            Request::post("/").header("host", "localhost:1").header("x-amz-date", "20261122T120000Z");
        let builder = builder.header("content-type", "application/x-www-form-urlencoded; charset=utf-8");
        signed(builder.body(format!("Action={action}&Version=2011-06-15")).unwrap())
    };
    let response = send(&sandbox, form("GetCallerIdentity")).await;
    assert!(response.body().contains("<Account>123456789012</Account>"), "{response:?}");
    let response = send(&sandbox, form("AssumeRole")).await;
    assert_eq!(response.status().as_u16(), 400);
    assert!(response.body().contains("<Code>InvalidAction</Code>"), "{response:?}");
}
