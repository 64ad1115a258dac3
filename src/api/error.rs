//! What is left of an SDK error once it leaves `api/`.

use std::fmt;

use aws_sdk_codedeploy::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_codedeploy::operation::RequestId;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;

use super::http::Unreached;

/// What an error means for the caller; decided by the code, never by the HTTP status alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// The named thing does not exist.
    NotFound,
    /// The caller may not do this.
    Denied,
    /// Credentials are missing, expired or unknown.
    Credentials,
    /// The service asks for fewer calls.
    Throttled,
    /// A passing fault of the service or the network: 5xx, resets, time-outs, DNS.
    Transient,
    /// The targets of a deployment cannot be listed yet (`DeploymentNotStartedException`).
    NotStarted,
    /// The group already has an active deployment (`DeploymentLimitExceededException`).
    Busy,
    /// Another server answered: a proxy, a captive portal.
    Foreign,
    /// The request is wrong in itself.
    Invalid,
    /// Whatever else the service refuses.
    Other,
}

/// A failed call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiError {
    /// The operation's name, as in the API (`CreateDeployment`).
    pub operation: String,
    pub kind: ErrorKind,
    /// The service's code (`ApplicationDoesNotExistException`); none where no answer came.
    pub code: Option<String>,
    /// The service's message, or the cause of the failure; from outside, not sanitised.
    pub message: String,
    pub request_id: Option<String>,
}

impl ApiError {
    /// A watch goes on after it: the same call may well succeed later.
    pub fn is_transient(&self) -> bool {
        matches!(self.kind, ErrorKind::Throttled | ErrorKind::Transient)
    }
}

impl ApiError {
    /// An answer that lacks what the API always gives.
    pub(super) fn unexpected(operation: &str, what: &str) -> Self {
        ApiError {
            operation: operation.to_owned(),
            kind: ErrorKind::Other,
            code: None,
            message: format!("the answer {what}; a proxy or another server may have sent it"),
            request_id: None,
        }
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.code {
            Some(code) => write!(f, "{code}: {}", self.message)?,
            None => write!(f, "{}: {}", self.operation, self.message)?,
        }
        match &self.request_id {
            Some(id) => write!(f, " (request {id})"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for ApiError {}

/// Takes an SDK error apart; its own text is only "service error" or "dispatch failure".
pub(super) fn from_sdk<E>(operation: &str, error: &SdkError<E, HttpResponse>) -> ApiError
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    let code = error.code().map(str::to_owned);
    let request_id = error.request_id().map(str::to_owned);
    let status = error.raw_response().map(|response| response.status().as_u16());
    let message = match (error.message(), &code) {
        (Some(message), _) if !message.is_empty() => message.to_owned(),
        (_, Some(code)) => {
            let known = super::exception(code).map(|exception| exception.sentence);
            known.unwrap_or("(the service gave no message)").to_owned()
        }
        _ => deepest(error),
    };
    let kind = match &code {
        Some(code) => kind_of(code, status),
        None => kind_without_code(error, status, &message),
    };
    let message = match (&code, status) {
        (None, Some(status)) => {
            format!(
                "the answer (HTTP {status}) is not CodeDeploy's; a proxy or another server may have sent it"
            )
        }
        _ => message,
    };
    ApiError { operation: operation.to_owned(), kind, code, message, request_id }
}

pub(super) fn kind_of(code: &str, status: Option<u16>) -> ErrorKind {
    if let Some(exception) = super::exception(code) {
        return exception.kind;
    }
    match code {
        "AccessDeniedException" | "AccessDenied" | "NotAuthorized" | "OptInRequired" => ErrorKind::Denied,
        "ExpiredTokenException"
        | "ExpiredToken"
        | "RequestExpired"
        | "UnrecognizedClientException"
        | "InvalidClientTokenId"
        | "InvalidAccessKeyId"
        | "InvalidSignatureException"
        | "SignatureDoesNotMatch"
        | "MissingAuthenticationTokenException"
        | "IncompleteSignature" => ErrorKind::Credentials,
        "Throttling" | "TooManyRequestsException" | "RequestLimitExceeded" | "SlowDown" => {
            ErrorKind::Throttled
        }
        "InternalFailure"
        | "InternalError"
        | "ServiceUnavailable"
        | "ServiceUnavailableException"
        | "RequestTimeout"
        | "RequestTimeoutException" => ErrorKind::Transient,
        _ if code.ends_with("DoesNotExistException") || code.starts_with("NoSuch") || code == "NotFound" => {
            ErrorKind::NotFound
        }
        _ if code.starts_with("Invalid")
            || code.ends_with("RequiredException")
            || code == "ValidationError" =>
        {
            ErrorKind::Invalid
        }
        _ if status.is_some_and(|status| status >= 500) => ErrorKind::Transient,
        _ => ErrorKind::Other,
    }
}

fn kind_without_code<E>(error: &SdkError<E, HttpResponse>, status: Option<u16>, message: &str) -> ErrorKind {
    match (error, status) {
        (_, Some(429)) => ErrorKind::Throttled,
        (_, Some(status)) if status >= 500 || status == 408 => ErrorKind::Transient,
        (_, Some(_)) => ErrorKind::Foreign,
        (SdkError::TimeoutError(_) | SdkError::ResponseError(_), _) => ErrorKind::Transient,
        (SdkError::DispatchFailure(failure), _) => {
            let about_credentials = failure
                .as_connector_error()
                .is_none_or(|connector| !connector.is_io() && !connector.is_timeout())
                && message.to_lowercase().contains("credentials");
            if about_credentials { ErrorKind::Credentials } else { ErrorKind::Transient }
        }
        _ => ErrorKind::Other,
    }
}

/// From an error to the one that says something: the last of its chain, or the one that says where as well.
pub(super) fn chain<'a>(
    error: &'a (dyn std::error::Error + 'static),
) -> impl Iterator<Item = &'a (dyn std::error::Error + 'static)> {
    std::iter::successors(Some(error), |error| error.source().filter(|_| !error.is::<Unreached>()))
}

/// The text of the chain's last error.
pub(super) fn last(error: &(dyn std::error::Error + 'static)) -> String {
    let text = chain(error).last().unwrap_or(error).to_string();
    if text.contains("CaUsedAsEndEntity") {
        // In rustls's words a value of Rust.
        return "invalid peer certificate: it is that of an authority (CA:TRUE), used as a server's own"
            .to_owned();
    }
    text.trim_end().to_owned()
}

/// As [`last`], and whether it is about credentials.
pub(super) fn deepest(error: &(dyn std::error::Error + 'static)) -> String {
    let about_credentials = chain(error)
        .skip(1)
        .any(|error| !error.is::<Unreached>() && error.to_string().contains("credentials"));
    let text = last(error);
    if about_credentials { format!("the AWS credentials could not be loaded: {text}") } else { text }
}
