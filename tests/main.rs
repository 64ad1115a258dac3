//! The one integration test binary.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "tests may stop at once, start processes and read their environment"
)]

mod appspec;
mod architecture;
mod bad_endpoints;
mod bad_input;
mod by_hand;
mod ci;
mod contract;
mod credentials;
mod demo;
mod deploy;
mod examples;
mod going_back;
mod lazy;
mod leaving;
mod looking;
mod man;
mod managed;
mod once;
mod readme;
mod report;
mod revision;
mod server;
mod shells;
mod support;
mod surface;
mod terminal;
mod timelines;
mod twenty;
mod verbs;
mod watched;
mod waves;
