//! `/_cdctl/faults`: the sandbox's own switch for the API's faults. No bucket can have that name.
//!
//! Like every other request it must come from this machine and from no foreign web page (`loopback`).

use http::{Method, Request, Response, StatusCode, header};
use s3s::Body;
use serde_json::{Value, json};

use super::collect;
use crate::sandbox::Sandbox;
use crate::sandbox::fault::ApiFault;
use crate::sandbox::store::Millis;

const PATH: &str = "/_cdctl/faults";

/// Whether the request is for this endpoint.
pub fn is_meant<B>(request: &Request<B>) -> bool {
    request.uri().path() == PATH
}

impl Sandbox {
    /// GET lists, POST adds the fault in its body, DELETE ends the fault named by `?id=`, or all.
    pub(super) async fn control(&self, request: Request<Body>) -> Response<Body> {
        let (parts, body) = request.into_parts();
        let result = match parts.method {
            Method::GET => Ok(json!({"faults": self.faults.list(self.shared.clock.now())})),
            Method::POST => self.add_posted(&parts, body).await,
            Method::DELETE => {
                match parts.uri.query().map(|query| query.strip_prefix("id=").map(str::parse)) {
                    None => Ok(json!({"cleared": self.faults.clear(None)})),
                    Some(Some(Ok(id))) => Ok(json!({"cleared": self.faults.clear(Some(id))})),
                    Some(_) => Err("the id of a fault is a number".to_owned()),
                }
            }
            _ => Err("faults are listed, added and cleared with GET, POST and DELETE".to_owned()),
        };
        let (status, body) = match result {
            Ok(body) => (StatusCode::OK, body),
            Err(why) => (StatusCode::BAD_REQUEST, json!({"error": why})),
        };
        self.respond(status.as_u16(), "application/json", &self.request_id(), body.to_string().into_bytes())
    }

    async fn add_posted(&self, parts: &http::request::Parts, body: Body) -> Result<Value, String> {
        // A plain web form cannot send this type: a page that hides its origin gets nowhere.
        let content_type = parts.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        if content_type != Some("application/json") {
            return Err("a fault is sent as application/json".to_owned());
        }
        let body = collect(body).await.map_err(|refusal| refusal.message)?;
        let fault = serde_json::from_slice(&body).map_err(|error| error.to_string())?;
        Ok(json!(self.add_fault(fault)?))
    }

    /// Puts a fault in force, for as long as it says.
    ///
    /// # Errors
    /// A fault that makes no sense.
    pub fn add_fault(&self, fault: ApiFault) -> Result<crate::sandbox::fault::InForce, String> {
        let clock = &self.shared.clock;
        let until = fault.lasts.map_or(Millis::MAX, |lasts| clock.now().saturating_add(clock.span(lasts)));
        self.faults.add(fault, until)
    }
}
