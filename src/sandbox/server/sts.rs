//! STS over the AWS query protocol: GetCallerIdentity, for tools that ask who they are.

use http::{Request, Response};
use s3s::Body;

use super::collect;
use super::signature::Caller;
use crate::sandbox::Sandbox;
use crate::sandbox::operations::Refusal;
use crate::sandbox::store::ACCOUNT;

const NAMESPACE: &str = "https://sts.amazonaws.com/doc/2011-06-15/";

impl Sandbox {
    pub(super) async fn query(&self, request: Request<Body>) -> Response<Body> {
        let id = self.request_id();
        let (status, xml) = match identity(request).await {
            Ok(()) => (200, answer(&id)),
            Err(refusal) => (refusal.status, error(&refusal, &id)),
        };
        self.respond(status, "text/xml", &id, xml.into_bytes())
    }
}

async fn identity(request: Request<Body>) -> Result<(), Refusal> {
    let (parts, body) = request.into_parts();
    let body = collect(body).await?;
    Caller::of(&parts, &body)?;
    if body.split(|byte| *byte == b'&').any(|pair| pair == b"Action=GetCallerIdentity") {
        return Ok(());
    }
    Err(Refusal::common(400, "InvalidAction", "The cdctl sandbox knows GetCallerIdentity only"))
}

fn answer(id: &str) -> String {
    format!(
        "<GetCallerIdentityResponse xmlns=\"{NAMESPACE}\"><GetCallerIdentityResult>\
         <Arn>arn:aws:iam::{ACCOUNT}:root</Arn><UserId>{ACCOUNT}</UserId><Account>{ACCOUNT}</Account>\
         </GetCallerIdentityResult><ResponseMetadata><RequestId>{id}</RequestId></ResponseMetadata>\
         </GetCallerIdentityResponse>"
    )
}

fn error(refusal: &Refusal, id: &str) -> String {
    let message = refusal.message.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let code = refusal.code;
    format!(
        "<ErrorResponse xmlns=\"{NAMESPACE}\"><Error><Type>Sender</Type><Code>{code}</Code>\
         <Message>{message}</Message></Error><RequestId>{id}</RequestId></ErrorResponse>"
    )
}
