//! The only place that calls AWS: connect, errors, pages and batches, wire JSON, conversions.

pub mod error;

pub use error::{ApiError, ErrorKind};
