//! The AppSpec parser on any text, as each agent reads it on each system.
#![no_main]

use cdctl::appspec::{Agent, Os, load};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &[u8]| {
    for os in [Os::Linux, Os::Windows] {
        for agent in [Agent::One, Agent::Two] {
            let _ = load(text, os, agent);
        }
    }
});
