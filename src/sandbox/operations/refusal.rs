//! What an operation says instead of doing its work.

use aws_smithy_schema::serde::SerdeError;

/// An error of the service: its code, its words, its HTTP status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    pub code: &'static str,
    pub message: String,
    pub status: u16,
}

impl Refusal {
    /// One of the model's exceptions; they all travel with HTTP 400.
    pub fn new(code: &'static str, message: impl Into<String>) -> Self {
        Refusal { code, message: message.into(), status: 400 }
    }

    /// One of the errors that any call may get, with the status of AWS's "Common Errors".
    pub fn common(status: u16, code: &'static str, message: impl Into<String>) -> Self {
        Refusal { code, message: message.into(), status }
    }

    /// The request's body does not fit the operation's input.
    pub fn serialization(error: SerdeError) -> Self {
        Refusal::new("SerializationException", error.to_string())
    }

    /// The sandbox contradicts itself.
    pub fn internal(message: impl Into<String>) -> Self {
        Refusal::common(500, "InternalFailure", message)
    }
}

/// Stored members that no longer fit their own shape.
impl From<SerdeError> for Refusal {
    fn from(error: SerdeError) -> Self {
        Refusal::internal(error.to_string())
    }
}
