//! What is left of an SDK error once it leaves `api/`.

use std::fmt;

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
