//! awsJson1.1: `X-Amz-Target` names the operation, both bodies are JSON, errors are `__type` and `message`.

use http::{Request, Response};
use s3s::Body;
use serde_json::json;

use super::signature::Caller;
use super::{TARGET, collect};
use crate::sandbox::operations::{Operation, Refusal};
use crate::sandbox::{Sandbox, wire};

const CONTENT_TYPE: &str = "application/x-amz-json-1.1";
const SERVICE: &str = "CodeDeploy_20141006";

impl Sandbox {
    pub(super) async fn json(&self, request: Request<Body>) -> Response<Body> {
        let id = self.request_id();
        match self.json_answer(request).await {
            Ok(body) => self.respond(200, CONTENT_TYPE, &id, body),
            Err(refusal) => {
                let body = json!({"__type": refusal.code, "message": refusal.message});
                self.respond(refusal.status, CONTENT_TYPE, &id, body.to_string().into_bytes())
            }
        }
    }

    async fn json_answer(&self, request: Request<Body>) -> Result<Vec<u8>, Refusal> {
        let (parts, body) = request.into_parts();
        let body = collect(body).await?;
        let operation = operation(&parts)?;
        let caller = Caller::of(&parts, &body)?;
        // An operation without input may come without a body.
        let text: &[u8] = if body.is_empty() { b"{}" } else { &body };
        let mut reader = wire::reader(text).map_err(Refusal::serialization)?;
        match operation.run(self, &caller.region, &mut reader)? {
            Some(output) => Ok(wire::write(output.as_ref())?),
            None => Ok(Vec::new()),
        }
    }
}

fn operation(parts: &http::request::Parts) -> Result<&'static Operation, Refusal> {
    let target = parts.headers.get(TARGET).and_then(|target| target.to_str().ok()).unwrap_or_default();
    target
        .split_once('.')
        .filter(|(service, _)| *service == SERVICE)
        .and_then(|(_, name)| Operation::named(name))
        .ok_or_else(|| {
            Refusal::common(404, "UnknownOperationException", format!("Unknown operation: {target}"))
        })
}
