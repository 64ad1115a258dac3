//! The model as cells for people, a file a noun.

pub mod deployment;
pub mod findings;
pub mod plan;
pub mod target;

use jiff::Timestamp;

/// A time for people: UTC, to the second.
fn time(time: Option<Timestamp>) -> Option<String> {
    time.map(|time| time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())
}
