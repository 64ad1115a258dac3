//! Who calls: AWS Signature Version 4, by the sandbox's one rule that the secret equals the access key.
//!
//! S3 requests are checked by `s3s` under the same rule; this is for the services with a body at hand.

use std::fmt::Write as _;

use http::request::Parts;
use sha2::{Digest, Sha256};

use crate::sandbox::operations::Refusal;

/// The caller, as the signature names it.
#[derive(Debug, PartialEq, Eq)]
pub struct Caller {
    pub region: String,
}

/// `Authorization: AWS4-HMAC-SHA256 Credential=…, SignedHeaders=…, Signature=…`
struct Authorization<'a> {
    key: &'a str,
    /// `date/region/service/aws4_request`
    scope: &'a str,
    signed_headers: &'a str,
    signature: &'a str,
}

impl Caller {
    /// Checks the request's signature.
    ///
    /// # Errors
    /// The errors that every AWS service has for requests without a signature, with half of one, or with one
    /// that another secret made.
    pub fn of(parts: &Parts, body: &[u8]) -> Result<Self, Refusal> {
        let Some(header) = parts.headers.get(http::header::AUTHORIZATION) else {
            return Err(Refusal::common(
                403,
                "MissingAuthenticationTokenException",
                "Missing Authentication Token",
            ));
        };
        let incomplete = || {
            let words =
                "Authorization header requires 'Credential', 'SignedHeaders' and 'Signature' parameters.";
            Refusal::common(403, "IncompleteSignatureException", words)
        };
        let authorization = header.to_str().ok().and_then(Authorization::parse).ok_or_else(incomplete)?;
        let region = authorization.region().ok_or_else(incomplete)?;
        let expected = authorization.expected(parts, body).ok_or_else(incomplete)?;
        if expected != authorization.signature {
            return Err(Refusal::common(
                403,
                "InvalidSignatureException",
                "The request signature does not match: in the cdctl sandbox the secret access key must equal \
                 the access key id.",
            ));
        }
        Ok(Caller { region: region.to_owned() })
    }
}

impl<'a> Authorization<'a> {
    fn parse(header: &'a str) -> Option<Self> {
        let parameters = header.strip_prefix("AWS4-HMAC-SHA256")?;
        let parameter = |name: &str| {
            parameters.split(',').find_map(|part| part.trim().strip_prefix(name)?.strip_prefix('='))
        };
        let (key, scope) = parameter("Credential")?.split_once('/')?;
        let (signed_headers, signature) = (parameter("SignedHeaders")?, parameter("Signature")?);
        Some(Authorization { key, scope, signed_headers, signature })
    }

    /// The region of the scope, if it has the form of one.
    fn region(&self) -> Option<&'a str> {
        let region = self.scope.split('/').nth(1)?;
        let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        (!region.is_empty() && region.len() <= 32 && region.chars().all(fits)).then_some(region)
    }

    /// The signature that the rule demands of this request.
    ///
    /// Source: AWS IAM user guide, "Create a signed AWS API request".
    fn expected(&self, parts: &Parts, body: &[u8]) -> Option<String> {
        let mut canonical =
            format!("{}\n{}\n{}\n", parts.method, parts.uri.path(), parts.uri.query().unwrap_or(""));
        for name in self.signed_headers.split(';') {
            let values: Option<Vec<&str>> =
                parts.headers.get_all(name).iter().map(|value| value.to_str().ok()).collect();
            let trimmed: Vec<String> =
                values?.iter().map(|value| value.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
            writeln!(canonical, "{name}:{}", trimmed.join(",")).ok()?;
        }
        write!(canonical, "\n{}\n{}", self.signed_headers, hex(&Sha256::digest(body))).ok()?;
        let date = parts.headers.get("x-amz-date")?.to_str().ok()?;
        let hash = hex(&Sha256::digest(canonical));
        let text = format!("AWS4-HMAC-SHA256\n{date}\n{}\n{hash}", self.scope);
        let secret = format!("AWS4{}", self.key);
        let key =
            self.scope.split('/').fold(secret.into_bytes(), |key, part| hmac(&key, part.as_bytes()).to_vec());
        Some(hex(&hmac(&key, text.as_bytes())))
    }
}

/// HMAC-SHA256. Source: RFC 2104.
fn hmac(key: &[u8], text: &[u8]) -> [u8; 32] {
    let mut block = [0; 64];
    if key.len() > block.len() {
        block[..32].copy_from_slice(&Sha256::digest(key));
    } else {
        block[..key.len()].copy_from_slice(key);
    }
    let inner = Sha256::new().chain_update(block.map(|byte| byte ^ 0x36)).chain_update(text).finalize();
    Sha256::new().chain_update(block.map(|byte| byte ^ 0x5c)).chain_update(inner).finalize().into()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Signs as a client would, by the sandbox's rule.
#[cfg(test)]
pub fn sign<B: AsRef<[u8]>>(request: http::Request<B>, region: &str) -> http::Request<B> {
    let (mut parts, body) = request.into_parts();
    let scope = format!("20261122/{region}/codedeploy/aws4_request");
    let signed_headers = "host;x-amz-date";
    let authorization = Authorization { key: "tests", scope: &scope, signed_headers, signature: "" };
    let signature = authorization.expected(&parts, body.as_ref()).unwrap();
    let header = format!(
        "AWS4-HMAC-SHA256 Credential=tests/{scope}, SignedHeaders={signed_headers}, Signature={signature}"
    );
    parts.headers.insert(http::header::AUTHORIZATION, header.parse().unwrap());
    http::Request::from_parts(parts, body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hmac_is_that_of_rfc_4231() {
        let mac = hmac(b"Jefe", b"what do ya want for nothing?");
        assert_eq!(hex(&mac), "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    }
}
