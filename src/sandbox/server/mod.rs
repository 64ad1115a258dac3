//! From an HTTP request to an HTTP response: who may call, which service is meant, which protocol it speaks.
//!
//! One function, [`Sandbox::handle`]; `listener` puts it behind a socket. It holds no state of its own.

mod control;
mod ecs;
mod lent;
mod listener;
mod loopback;
mod rpc;
mod s3;
mod signature;
mod sts;

use http::header::{self, HeaderName, HeaderValue};
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use s3s::Body;

pub use listener::Server;
use s3::Struck;
pub(super) use s3::service as s3;

use super::Sandbox;
use super::operations::Refusal;

/// The longest JSON, CBOR or form body that is read.
const BODY_LIMIT: usize = 1 << 20;

const TARGET: HeaderName = HeaderName::from_static("x-amz-target");
const REQUEST_ID: HeaderName = HeaderName::from_static("x-amzn-requestid");
const S3_REQUEST_ID: HeaderName = HeaderName::from_static("x-amz-request-id");

impl Sandbox {
    /// Answers one request to CodeDeploy, ECS, STS or S3.
    pub async fn handle(&self, mut request: Request<Body>) -> Response<Body> {
        if !loopback::is_allowed(&request) {
            let words = "The cdctl sandbox answers requests to and from this machine only.\n";
            return plain(StatusCode::FORBIDDEN, words);
        }
        if ecs::is_meant(&request) {
            return self.ecs(request).await;
        }
        if let Some(protocol) = rpc::Protocol::of(&request) {
            return self.rpc(protocol, request).await;
        }
        if control::is_meant(&request) {
            return self.control(request).await;
        }
        if request.method() == Method::POST && request.uri().path() == "/" && is_form(&request) {
            return self.query(request).await;
        }
        let reads = matches!(*request.method(), Method::GET | Method::HEAD);
        let struck = Struck::default();
        request.extensions_mut().insert(struck.clone());
        let (parts, body) = request.into_parts();
        let (body, lender) = lent::lend(body);
        let answer = self.s3.call(Request::from_parts(parts, body)).await;
        // A client that is answered before it has sent all may see a broken pipe and not the answer.
        if struck.is_refused() {
            lender.drain().await;
        }
        if !reads && let Err(why) = self.shared.journal.settled().await {
            return plain(StatusCode::INTERNAL_SERVER_ERROR, why);
        }
        match answer {
            Ok(mut response) => {
                if let Ok(id) = HeaderValue::from_str(&self.request_id()) {
                    response.headers_mut().insert(S3_REQUEST_ID, id);
                }
                if struck.is_cut_off() {
                    response.extensions_mut().insert(rpc::Reset);
                }
                response
            }
            // What `s3s` cannot put into an answer of its own.
            Err(_) => plain(StatusCode::INTERNAL_SERVER_ERROR, ""),
        }
    }

    /// A fresh request id in the service's form.
    fn request_id(&self) -> String {
        let mut random = self.request_ids.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        super::operations::uuid(&mut random)
    }

    /// The HTTP date of now.
    fn date(&self) -> Option<HeaderValue> {
        let now = jiff::Timestamp::from_millisecond(self.shared.clock.now()).ok()?;
        HeaderValue::from_str(&now.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()).ok()
    }

    /// An answer of one of the text protocols, with what all of them carry.
    fn respond(&self, status: u16, content_type: &'static str, id: &str, body: Vec<u8>) -> Response<Body> {
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
        if let Ok(id) = HeaderValue::from_str(id) {
            headers.insert(REQUEST_ID, id);
        }
        if let Some(date) = self.date() {
            headers.insert(header::DATE, date);
        }
        response
    }
}

fn is_form(request: &Request<Body>) -> bool {
    let content_type = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    content_type.is_some_and(|text| text.starts_with("application/x-www-form-urlencoded"))
}

fn plain(status: StatusCode, words: impl Into<bytes::Bytes>) -> Response<Body> {
    let mut response = Response::new(Body::from(words.into()));
    *response.status_mut() = status;
    response
}

/// The whole body, if it is not longer than [`BODY_LIMIT`].
async fn collect(body: Body) -> Result<bytes::Bytes, Refusal> {
    match Limited::new(body, BODY_LIMIT).collect().await {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => {
            Err(Refusal::common(413, "RequestEntityTooLargeException", "The request is longer than 1 MiB"))
        }
        Err(error) => Err(Refusal::common(400, "RequestAbortedException", error.to_string())),
    }
}

#[cfg(test)]
mod tests;
