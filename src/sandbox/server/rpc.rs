//! CodeDeploy's two protocols over the same operations: awsJson1.1 and Smithy RPC v2 CBOR.
//!
//! awsJson1.1 names the operation in `X-Amz-Target`, RPC v2 CBOR in the path.

use aws_smithy_schema::serde::{SerdeError, SerializableStruct, ShapeDeserializer};
use http::header::{HeaderName, HeaderValue};
use http::request::Parts;
use http::{Method, Request, Response};
use s3s::Body;
use serde_json::json;

use super::signature::Caller;
use super::{TARGET, collect};
use crate::sandbox::fault::Trouble;
use crate::sandbox::operations::{Operation, Refusal};
use crate::sandbox::{Sandbox, wire};

const SERVICE: &str = "CodeDeploy_20141006";
const PROTOCOL: HeaderName = HeaderName::from_static("smithy-protocol");

/// Runs an operation for a caller in a region: a body in, a body out.
type Run = fn(&Operation, &Sandbox, &str, &[u8]) -> Result<Vec<u8>, Refusal>;

/// How one protocol writes things down.
pub struct Protocol {
    content_type: &'static str,
    /// The value of `smithy-protocol`, where the protocol has that header.
    named: Option<&'static str>,
    /// The operation that the request names; empty where it names none of this service.
    operation: fn(&Parts) -> &str,
    run: Run,
    error: fn(&Refusal) -> Vec<u8>,
}

static JSON: Protocol = Protocol {
    content_type: "application/x-amz-json-1.1",
    named: None,
    operation: |parts| {
        let target = parts.headers.get(TARGET).and_then(|target| target.to_str().ok()).unwrap_or_default();
        target.strip_prefix(SERVICE).and_then(|rest| rest.strip_prefix('.')).unwrap_or_default()
    },
    run: |operation, sandbox, region, body| {
        // An operation without input may come without a body.
        let text = if body.is_empty() { b"{}" } else { body };
        let mut reader = wire::reader(text).map_err(Refusal::serialization)?;
        answer(operation, sandbox, region, &mut reader, wire::write)
    },
    error: |refusal| json!({"__type": refusal.code, "message": refusal.message}).to_string().into_bytes(),
};

static CBOR: Protocol = Protocol {
    content_type: "application/cbor",
    named: Some("rpc-v2-cbor"),
    operation: |parts| {
        let path = parts.uri.path();
        let rest = path.strip_prefix("/service/").and_then(|rest| rest.strip_prefix(SERVICE));
        rest.and_then(|rest| rest.strip_prefix("/operation/")).unwrap_or_default()
    },
    run: |operation, sandbox, region, body| {
        let body = wire::with_whole_milliseconds(body);
        answer(operation, sandbox, region, &mut wire::cbor_reader(&body), wire::write_cbor)
    },
    error: |refusal| wire::cbor_texts(&[("__type", refusal.code), ("message", &refusal.message)]),
};

fn answer(
    operation: &Operation,
    sandbox: &Sandbox,
    region: &str,
    input: &mut dyn ShapeDeserializer,
    write: fn(&dyn SerializableStruct) -> Result<Vec<u8>, SerdeError>,
) -> Result<Vec<u8>, Refusal> {
    Ok(operation
        .run(sandbox, region, input)?
        .map(|output| write(output.as_ref()))
        .transpose()?
        .unwrap_or_default())
}

/// What a fault makes of a call, before anything has been done: a delay, an error, or no answer at all.
#[expect(clippy::disallowed_methods, reason = "a slow answer is one that somebody asked for, in real time")]
pub(super) async fn trouble(fault: Option<&Trouble>) -> Result<(), Refusal> {
    match fault {
        None | Some(Trouble::Lost) => Ok(()),
        Some(Trouble::Throttle) => Err(Refusal::new("ThrottlingException", "Rate exceeded")),
        Some(Trouble::Error | Trouble::Reset) => Err(Refusal::internal("A fault of the cdctl sandbox")),
        Some(Trouble::Stall) => std::future::pending().await,
        Some(Trouble::Slow(delay)) => {
            tokio::time::sleep(*delay).await;
            Ok(())
        }
    }
}

/// On a response: the connection is to be reset instead of answered.
#[derive(Clone, Copy, Debug)]
pub struct Reset;

impl Protocol {
    /// The protocol of a request to CodeDeploy; none where the request is to another service.
    pub fn of<B>(request: &Request<B>) -> Option<&'static Protocol> {
        if request.headers().contains_key(TARGET) {
            return Some(&JSON);
        }
        let named = request.headers().get(PROTOCOL).and_then(|value| value.to_str().ok());
        (request.method() == Method::POST && named == CBOR.named).then_some(&CBOR)
    }
}

impl Sandbox {
    pub(super) async fn rpc(&self, protocol: &Protocol, request: Request<Body>) -> Response<Body> {
        let id = self.request_id();
        let (parts, body) = request.into_parts();
        let name = (protocol.operation)(&parts);
        let mut fault = None;
        let (status, body) = match self.rpc_answer(protocol, name, &mut fault, &parts, body).await {
            Ok(body) => (200, body),
            Err(refusal) => (refusal.status, (protocol.error)(&refusal)),
        };
        let mut response = self.respond(status, protocol.content_type, &id, body);
        if let Some(named) = protocol.named {
            response.headers_mut().insert(PROTOCOL, HeaderValue::from_static(named));
        }
        if matches!(fault, Some(Trouble::Reset | Trouble::Lost)) {
            response.extensions_mut().insert(Reset);
        }
        response
    }

    /// `fault` is what has struck the call, if anything has: one that nobody may make, or that there is not, meets none.
    async fn rpc_answer(
        &self,
        protocol: &Protocol,
        name: &str,
        fault: &mut Option<Trouble>,
        parts: &Parts,
        body: Body,
    ) -> Result<Vec<u8>, Refusal> {
        let body = collect(body).await?;
        let operation = Operation::named(name).ok_or_else(|| {
            Refusal::common(404, "UnknownOperationException", format!("Unknown operation: {name}"))
        })?;
        let caller = Caller::of(parts, &body)?;
        *fault = self.faults.strike(name, self.shared.clock.now());
        trouble(fault.as_ref()).await?;
        let answer = (protocol.run)(operation, self, &caller.region, &body)?;
        if !operation.reads() {
            self.shared.journal.settled().await.map_err(Refusal::internal)?;
        }
        Ok(answer)
    }
}
