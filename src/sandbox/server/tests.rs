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
use crate::sandbox::state::State;
use crate::sandbox::store::{Wait, World};
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

#[tokio::test]
async fn cbor_is_answered_in_cbor() {
    let (_directory, sandbox) = sandbox();
    let to = |path: &str, body: &'static [u8]| {
        let builder =
            Request::post(path).header("host", "127.0.0.1:4577").header("x-amz-date", "20261122T120000Z");
        let request = builder.header("smithy-protocol", "rpc-v2-cbor").body(body).unwrap();
        sign(request, "eu-west-1").map(|body| Body::from(body.to_vec()))
    };
    let path = |operation: &str| format!("/service/CodeDeploy_20141006/operation/{operation}");
    let missing = b"\xa1\x6fapplicationName\x63nix".as_slice();
    let cases: [(&str, &'static [u8], u16, &[u8]); 6] = [
        (&path("ListApplications"), b"", 200, b"\xbf\x6capplications\x9f\xff\xff"),
        (&path("ListApplications"), b"\xa0", 200, b"\xbf\x6capplications\x9f\xff\xff"),
        (&path("DeleteApplication"), missing, 200, b""),
        (&path("GetApplication"), missing, 400, b"ApplicationDoesNotExistException"),
        (&path("GetApplication"), b"\xa1", 400, b"SerializationException"),
        ("/service/CodeDeploy_20141006/GetApplication", b"\xa0", 404, b"UnknownOperationException"),
    ];
    for (path, body, status, expected) in cases {
        let response = sandbox.handle(to(path, body)).await;
        assert_eq!(response.status().as_u16(), status, "{path}");
        assert_eq!(response.headers()["content-type"], "application/cbor");
        assert_eq!(response.headers()["smithy-protocol"], "rpc-v2-cbor");
        assert_eq!(response.headers()["x-amzn-requestid"].len(), 36);
        let body = response.into_body().collect().await.unwrap().to_bytes();
        if status == 200 {
            assert_eq!(body, expected, "{path}");
        } else {
            assert_eq!(body[0], 0xa2);
            assert!(body.windows(expected.len()).any(|part| part == expected), "{body:?}");
        }
    }
}

/// A control request of JSON.
fn control(method: &str, path: &str, body: &str) -> Request<String> {
    let builder = Request::builder().method(method).uri(path).header("host", "localhost:4577");
    builder.header("content-type", "application/json").body(body.to_owned()).unwrap()
}

#[tokio::test]
async fn faults_are_switched_on_and_off() {
    let (_directory, sandbox) = sandbox();
    let list = || to("ListApplications", "{}");
    for (kind, status, code) in [("throttle", 400, "ThrottlingException"), ("error", 500, "InternalFailure")]
    {
        let fault = format!(r#"{{"fault":"{kind}","operation":"ListApplications"}}"#);
        let added = send(&sandbox, control("POST", "/_cdctl/faults", &fault)).await;
        let id = serde_json::from_str::<Value>(added.body()).unwrap()["id"].as_u64().unwrap();
        let response = send(&sandbox, signed(list())).await;
        assert_eq!(response.status().as_u16(), status);
        assert!(response.body().contains(code), "{response:?}");
        assert_eq!(send(&sandbox, list()).await.status().as_u16(), 403, "who may not call hears that first");
        let struck = send(&sandbox, control("GET", "/_cdctl/faults", "")).await;
        let struck = serde_json::from_str::<Value>(struck.body()).unwrap();
        assert_eq!(struck["faults"][0]["struck"], 1, "and is not struck");
        let other = send(&sandbox, signed(to("ListDeploymentConfigs", "{}"))).await;
        assert_eq!(other.status().as_u16(), 200);
        let cleared = send(&sandbox, control("DELETE", &format!("/_cdctl/faults?id={id}"), "")).await;
        assert_eq!(cleared.body(), r#"{"cleared":1}"#);
        assert_eq!(send(&sandbox, signed(list())).await.status().as_u16(), 200);
    }
    let empty = send(&sandbox, control("GET", "/_cdctl/faults", "")).await;
    assert_eq!(empty.body(), r#"{"faults":[]}"#);
}

#[tokio::test(start_paused = true)]
async fn a_slow_answer_comes_and_a_stalled_one_does_not() {
    let (_directory, sandbox) = sandbox();
    let hour = std::time::Duration::from_secs(3600);
    for (fault, comes) in [(r#"{"fault":"slow","delay":"59m"}"#, true), (r#"{"fault":"stall"}"#, false)] {
        send(&sandbox, control("POST", "/_cdctl/faults", fault)).await;
        let call = send(&sandbox, signed(to("ListApplications", "{}")));
        assert_eq!(tokio::time::timeout(hour, call).await.is_ok(), comes, "{fault}");
        send(&sandbox, control("DELETE", "/_cdctl/faults", "")).await;
    }
}

#[tokio::test]
async fn the_switch_is_for_this_machine_and_for_sense_only() {
    let (_directory, sandbox) = sandbox();
    let fault = r#"{"fault":"stall"}"#;
    for (name, value) in [("host", "sandbox.example.com"), ("origin", "https://example.com")] {
        let mut request = control("POST", "/_cdctl/faults", fault);
        request.headers_mut().insert(name, value.parse().unwrap());
        assert_eq!(send(&sandbox, request).await.status().as_u16(), 403, "{name}");
    }
    let mut form = control("POST", "/_cdctl/faults", fault);
    form.headers_mut().insert("content-type", "text/plain".parse().unwrap());
    let long = format!(r#"{{"fault":"{}"}}"#, "a".repeat(BODY_LIMIT));
    let refused = [
        form,
        control("POST", "/_cdctl/faults", "{"),
        control("POST", "/_cdctl/faults", r#"{"fault":"lunch"}"#),
        control("POST", "/_cdctl/faults", r#"{"fault":"slow"}"#),
        control("POST", "/_cdctl/faults", &long),
        control("DELETE", "/_cdctl/faults?id=x", ""),
        control("PUT", "/_cdctl/faults", ""),
    ];
    for request in refused {
        let response = send(&sandbox, request).await;
        assert_eq!(response.status().as_u16(), 400);
        assert!(response.body().starts_with(r#"{"error":""#), "{response:?}");
    }
    assert_eq!(send(&sandbox, control("GET", "/_cdctl/faults", "")).await.body(), r#"{"faults":[]}"#);
}

/// The count of a family's revisions is on disk before the answer: an ARN is given once, whatever ends the sandbox.
#[tokio::test]
async fn an_arn_of_a_task_definition_is_given_once() {
    let folder = tempfile::tempdir().unwrap();
    let place = |life: u32| folder.path().join(life.to_string());
    for life in 1..4 {
        let state = State::open(&place(life), None).unwrap();
        let mut world = World::default();
        state.read(world.parts()).unwrap();
        let clock = Arc::new(Manual::at(1_795_348_800_123));
        let journal = Arc::new(state.journal(1, clock.clone()).unwrap());
        let shared = Arc::new(Shared::kept(world, journal, clock, 7));
        let directory = tempfile::tempdir().unwrap();
        let objects = Arc::new(Objects::new(directory.path(), fastrand::Rng::with_seed(1)).unwrap());
        let sandbox = Sandbox::new(shared, objects, Arc::new(Nobody), PAGE_SIZE);
        let mut request = to("", r#"{"family": "shop", "containerDefinitions": [{"name": "web"}]}"#);
        let target = "AmazonEC2ContainerServiceV20141113.RegisterTaskDefinition";
        request.headers_mut().insert("x-amz-target", target.parse().unwrap());
        let response = send(&sandbox, signed(request)).await;
        let answer: Value = serde_json::from_str(response.body()).unwrap();
        assert_eq!(answer["taskDefinition"]["revision"], life, "{answer}");
        // What a kill at this moment leaves.
        std::fs::create_dir(place(life + 1)).unwrap();
        std::fs::copy(place(life).join("state.redb"), place(life + 1).join("state.redb")).unwrap();
    }
}

/// A call that a fault refuses is read to its end, and what it brings is kept nowhere on the way.
#[tokio::test]
async fn a_refused_upload_is_read_to_its_end() {
    use std::sync::atomic::{AtomicUsize, Ordering};
    static LEFT: AtomicUsize = AtomicUsize::new(0);
    LEFT.store(100, Ordering::Relaxed);
    let pieces = std::iter::repeat_with(|| {
        LEFT.fetch_sub(1, Ordering::Relaxed);
        Ok::<_, std::io::Error>(hyper::body::Frame::data(bytes::Bytes::from_static(&[7; 1000])))
    });
    let body = http_body_util::StreamBody::new(futures_util::stream::iter(pieces.take(100)));
    let (body, lender) = super::lent::lend(Body::http_body(body));
    assert_eq!(LEFT.load(Ordering::Relaxed), 100, "nothing is read that nobody asks for");
    drop(body);
    lender.drain().await;
    assert_eq!(LEFT.load(Ordering::Relaxed), 0);
    let (body, lender) = super::lent::lend(Body::from("abc".to_owned()));
    assert_eq!(body.collect().await.unwrap().to_bytes(), "abc");
    lender.drain().await;
}

#[test]
fn a_reset_is_a_reset() {
    use std::io::{ErrorKind, Read, Write};
    let (_directory, sandbox) = sandbox();
    sandbox.add_fault(serde_json::from_str(r#"{"fault":"reset"}"#).unwrap()).unwrap();
    let server = Arc::new(sandbox).serve(std::net::TcpListener::bind("127.0.0.1:0").unwrap()).unwrap();
    let mut stream = std::net::TcpStream::connect(server.address()).unwrap();
    let (parts, body) = signed(to("ListApplications", "{}")).into_parts();
    let mut request = format!("POST / HTTP/1.1\r\ncontent-length: {}\r\n", body.len());
    for (name, value) in &parts.headers {
        request += &format!("{name}: {}\r\n", value.to_str().unwrap());
    }
    stream.write_all(format!("{request}\r\n{body}").as_bytes()).unwrap();
    let error = stream.read(&mut [0; 64]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
}
