//! The sandbox's API, driven by the SDK's clients in this process; and, as a process of its own, killed.

mod crash;
mod deployments;
mod faults;
mod kept;
mod s3;
