//! The sandbox's API, driven by the SDK's clients in this process.

mod deployments;
mod faults;
mod s3;
