//! The one integration test binary.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "tests may stop at once, start processes and read their environment"
)]

mod architecture;
mod bad_input;
mod by_hand;
mod contract;
mod demo;
mod deploy;
mod lazy;
mod once;
mod readme;
mod revision;
mod server;
mod support;
mod surface;
mod terminal;
mod verbs;
